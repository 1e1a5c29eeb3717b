//! Registering with tokio's reactor, and reading into the memory that tokio hands out.

use super::Result;
use super::socket::RecvFlags;
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

/// `recv(2)` into the unfilled part; how many bytes. `EINTR` only if nothing was received.
#[inline]
pub fn recv_into(fd: impl AsFd, buffer: &mut ReadBuf<'_>) -> Result<usize> {
    if_simulated!(fd, socket => {
        let received = socket.recv(buffer.remaining(), 1, 0, RecvFlags::empty())?;
        buffer.put_slice(&received.data);
        Ok(received.returned)
    });
    // SAFETY: nothing uninitialised is written to the memory: the kernel alone writes to it.
    let room = unsafe { buffer.unfilled_mut() };
    let ((received, _), _length) = rustix::net::recv(fd, room, RecvFlags::empty())?;
    let bytes = received.len();
    // SAFETY: the kernel has written this many bytes to the start of the unfilled part.
    unsafe { buffer.assume_init(bytes) };
    buffer.advance(bytes);
    Ok(bytes)
}
