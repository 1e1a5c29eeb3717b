//! Registering with tokio's reactor, and reading into the memory that tokio hands out.

use super::Result;
use super::socket::raw;
use crate::socket::Socket;
use ::tokio::io::unix::AsyncFd;
use ::tokio::io::{Interest, ReadBuf};
use std::os::fd::AsFd;

/// Registers a socket with the current runtime (`epoll_ctl(2)`, edge-triggered).
///
/// # Panics
/// Outside of a runtime that has its I/O driver enabled.
#[track_caller]
pub(crate) fn register(socket: Socket, interest: Interest) -> std::io::Result<AsyncFd<Socket>> {
    // SAFETY: a `Socket` owns its descriptor: it is open, always the same one, and closed only
    // when the `Socket` is dropped, which `AsyncFd` does after it has deregistered.
    unsafe { AsyncFd::register_with_interest(socket, interest) }.map_err(|e| e.into_parts().1)
}

/// `recvmsg(2)` of bytes alone into the unfilled part; how many there were, and whether ancillary
/// data was dropped (`MSG_CTRUNC`). `EINTR` only if nothing was received.
#[inline]
pub fn recv_into(fd: impl AsFd, buffer: &mut ReadBuf<'_>) -> Result<(usize, bool)> {
    // SAFETY: nothing uninitialised is written to the memory: the kernel alone writes to it.
    let room = unsafe { buffer.unfilled_mut() };
    let mut part = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
    // SAFETY: all zeros is a valid `msghdr`: no name, no buffers, no control room.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    // SAFETY: the header points to `part`, and that to `room`; both outlive the call.
    let bytes = unsafe { libc::recvmsg(raw(&fd), &raw mut message, 0) };
    let bytes = usize::try_from(bytes).map_err(|_| super::last())?;
    // SAFETY: the kernel has written this many bytes to the start of the unfilled part.
    unsafe { buffer.assume_init(bytes) };
    buffer.advance(bytes);
    Ok((bytes, message.msg_flags & libc::MSG_CTRUNC != 0))
}
