//! The socket calls, without ancillary data.

use super::name::Name;
use super::{Result, check};
use rustix::event::{PollFd, Timespec};
use rustix::net;
use rustix::net::addr::SocketAddrArg;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use sunpath_core::SocketType;

pub use rustix::event::PollFlags;
pub use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType as Kind,
};

/// The family and type of a socket; internet sockets are those of IPv4.
pub const fn family_and_kind(socket: SocketType) -> (AddressFamily, Kind) {
    match socket {
        SocketType::Stream => (AddressFamily::UNIX, Kind::STREAM),
        SocketType::Datagram => (AddressFamily::UNIX, Kind::DGRAM),
        SocketType::SeqPacket => (AddressFamily::UNIX, Kind::SEQPACKET),
        SocketType::Tcp => (AddressFamily::INET, Kind::STREAM),
        SocketType::Udp => (AddressFamily::INET, Kind::DGRAM),
    }
}

/// `socket(2)` with protocol 0; `SOCK_CLOEXEC` is always set.
pub fn socket(socket: SocketType, flags: SocketFlags) -> Result<OwnedFd> {
    let (family, kind) = family_and_kind(socket);
    socket_of(family, kind, flags)
}

/// `socket(2)` of any family with protocol 0; `SOCK_CLOEXEC` is always set.
pub fn socket_of(family: AddressFamily, kind: Kind, flags: SocketFlags) -> Result<OwnedFd> {
    net::socket_with(family, kind, flags | SocketFlags::CLOEXEC, None)
}

/// `socketpair(2)`; `SOCK_CLOEXEC` is always set.
pub fn socketpair(socket: SocketType, flags: SocketFlags) -> Result<(OwnedFd, OwnedFd)> {
    let (family, kind) = family_and_kind(socket);
    net::socketpair(family, kind, flags | SocketFlags::CLOEXEC, None)
}

/// `bind(2)`. `EINTR` only while another thread binds the same socket; nothing was bound then.
pub fn bind(fd: impl AsFd, name: &impl SocketAddrArg) -> Result<()> {
    net::bind(fd, name)
}

/// `listen(2)`.
pub fn listen(fd: impl AsFd, backlog: i32) -> Result<()> {
    net::listen(fd, backlog)
}

/// `connect(2)`. After `EINTR` a UNIX domain socket is not connected and nothing goes on in the
/// background: calling again is right. A TCP connection goes on: wait until it is writable.
#[inline]
pub fn connect(fd: impl AsFd, name: &impl SocketAddrArg) -> Result<()> {
    net::connect(fd, name)
}

/// `connect(2)` with `AF_UNSPEC`: dissolves the association of a datagram socket.
pub fn disconnect(fd: impl AsFd) -> Result<()> {
    net::connect_unspec(fd)
}

/// `accept4(2)`; `SOCK_CLOEXEC` is always set. After `EINTR` nothing was taken from the queue.
pub fn accept(fd: impl AsFd, flags: SocketFlags) -> Result<OwnedFd> {
    net::accept_with(fd, flags | SocketFlags::CLOEXEC)
}

/// `accept4(2)` with the name of the client.
pub fn accept_from(fd: impl AsFd, flags: SocketFlags) -> Result<(OwnedFd, Name)> {
    let mut name = Name::room();
    let (address, length) = name.parts();
    let flags = (flags | SocketFlags::CLOEXEC).bits() as libc::c_int;
    // SAFETY: `address` and `length` describe the buffer of `name`, which outlives the call.
    let accepted = check(unsafe { libc::accept4(raw(&fd), address, length, flags) })?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows of it.
    Ok((unsafe { OwnedFd::from_raw_fd(accepted) }, name))
}

/// `shutdown(2)`.
pub fn shutdown(fd: impl AsFd, how: Shutdown) -> Result<()> {
    net::shutdown(fd, how)
}

/// `getsockname(2)`.
pub fn getsockname(fd: impl AsFd) -> Result<Name> {
    let mut name = Name::room();
    let (address, length) = name.parts();
    // SAFETY: `address` and `length` describe the buffer of `name`, which outlives the call.
    check(unsafe { libc::getsockname(raw(&fd), address, length) })?;
    Ok(name)
}

/// `getpeername(2)`.
pub fn getpeername(fd: impl AsFd) -> Result<Name> {
    let mut name = Name::room();
    let (address, length) = name.parts();
    // SAFETY: `address` and `length` describe the buffer of `name`, which outlives the call.
    check(unsafe { libc::getpeername(raw(&fd), address, length) })?;
    Ok(name)
}

/// `send(2)`; `MSG_NOSIGNAL` is always set. `EINTR` only if nothing was sent.
#[inline]
pub fn send(fd: impl AsFd, bytes: &[u8], flags: SendFlags) -> Result<usize> {
    net::send(fd, bytes, flags | SendFlags::NOSIGNAL)
}

/// `sendto(2)`; `MSG_NOSIGNAL` is always set. `EINTR` only if nothing was sent.
pub fn send_to(
    fd: impl AsFd,
    bytes: &[u8],
    flags: SendFlags,
    name: &impl SocketAddrArg,
) -> Result<usize> {
    net::sendto(fd, bytes, flags | SendFlags::NOSIGNAL, name)
}

/// `recv(2)`: how many bytes were put into the buffer. `EINTR` only if nothing was received.
#[inline]
pub fn recv(fd: impl AsFd, buffer: &mut [u8], flags: RecvFlags) -> Result<usize> {
    net::recv(fd, buffer, flags).map(|(stored, _length)| stored)
}

/// `poll(2)` of one descriptor for at most `milliseconds`; what is ready, empty if nothing is.
/// `POLLERR`, `POLLHUP` and `POLLNVAL` are reported whether asked for or not.
pub fn poll(fd: BorrowedFd<'_>, events: PollFlags, milliseconds: u32) -> Result<PollFlags> {
    let timeout = Timespec {
        tv_sec: i64::from(milliseconds / 1000),
        tv_nsec: i64::from(milliseconds % 1000) * 1_000_000,
    };
    let mut polled = [PollFd::from_borrowed_fd(fd, events)];
    rustix::event::poll(&mut polled, Some(&timeout))?;
    Ok(polled[0].revents())
}

pub(super) fn raw(fd: &impl AsFd) -> libc::c_int {
    fd.as_fd().as_raw_fd()
}
