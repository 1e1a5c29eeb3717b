//! The socket calls, without ancillary data.

use super::name::Name;
use super::{Result, check};
use rustix::event::Timespec;
use rustix::net;
use rustix::net::addr::SocketAddrArg;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;
use sunpath_core::SocketType;

pub use rustix::event::{PollFd, PollFlags};
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
#[inline]
pub fn socket(socket: SocketType, flags: SocketFlags) -> Result<OwnedFd> {
    in_simulation!(sim => sim.socket(socket, flags));
    let (family, kind) = family_and_kind(socket);
    socket_of(family, kind, flags)
}

/// `socket(2)` of any family with protocol 0; `SOCK_CLOEXEC` is always set.
#[inline]
pub fn socket_of(family: AddressFamily, kind: Kind, flags: SocketFlags) -> Result<OwnedFd> {
    net::socket_with(family, kind, flags | SocketFlags::CLOEXEC, None)
}

/// `socketpair(2)`; `SOCK_CLOEXEC` is always set.
pub fn socketpair(socket: SocketType, flags: SocketFlags) -> Result<(OwnedFd, OwnedFd)> {
    in_simulation!(sim => sim.socketpair(socket, flags));
    let (family, kind) = family_and_kind(socket);
    net::socketpair(family, kind, flags | SocketFlags::CLOEXEC, None)
}

/// `bind(2)`. `EINTR` only while another thread binds the same socket; nothing was bound then.
pub fn bind(fd: impl AsFd, name: &impl SocketAddrArg) -> Result<()> {
    if_simulated!(fd, socket => socket.bind(&super::simulated::name(name)));
    net::bind(fd, name)
}

/// `listen(2)`.
pub fn listen(fd: impl AsFd, backlog: i32) -> Result<()> {
    if_simulated!(fd, socket => socket.listen(backlog));
    net::listen(fd, backlog)
}

/// `connect(2)`. After `EINTR` a UNIX domain socket is not connected and nothing goes on in the
/// background: calling again is right. A TCP connection goes on: wait until it is writable.
#[inline]
pub fn connect(fd: impl AsFd, name: &impl SocketAddrArg) -> Result<()> {
    if_simulated!(fd, socket => socket.connect(&super::simulated::name(name)));
    net::connect(fd, name)
}

/// `connect(2)` with `AF_UNSPEC`: dissolves the association of a datagram socket.
pub fn disconnect(fd: impl AsFd) -> Result<()> {
    if_simulated!(fd, socket => socket.disconnect());
    net::connect_unspec(fd)
}

/// `accept4(2)`; `SOCK_CLOEXEC` is always set. After `EINTR` nothing was taken from the queue.
#[inline]
pub fn accept(fd: impl AsFd, flags: SocketFlags) -> Result<OwnedFd> {
    if_simulated!(fd, socket => socket.accept(flags).map(|(fd, _)| fd));
    net::accept_with(fd, flags | SocketFlags::CLOEXEC)
}

/// `accept4(2)` with the name of the client.
pub fn accept_from(fd: impl AsFd, flags: SocketFlags) -> Result<(OwnedFd, Name)> {
    if_simulated!(fd, socket => socket.accept(flags));
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
    if_simulated!(fd, socket => socket.shutdown(how));
    net::shutdown(fd, how)
}

/// `getsockname(2)`.
pub fn getsockname(fd: impl AsFd) -> Result<Name> {
    if_simulated!(fd, socket => socket.getsockname());
    let mut name = Name::room();
    let (address, length) = name.parts();
    // SAFETY: `address` and `length` describe the buffer of `name`, which outlives the call.
    check(unsafe { libc::getsockname(raw(&fd), address, length) })?;
    Ok(name)
}

/// `getpeername(2)`.
pub fn getpeername(fd: impl AsFd) -> Result<Name> {
    if_simulated!(fd, socket => socket.getpeername());
    let mut name = Name::room();
    let (address, length) = name.parts();
    // SAFETY: `address` and `length` describe the buffer of `name`, which outlives the call.
    check(unsafe { libc::getpeername(raw(&fd), address, length) })?;
    Ok(name)
}

/// `send(2)`; `MSG_NOSIGNAL` is always set. `EINTR` only if nothing was sent.
#[inline]
pub fn send(fd: impl AsFd, bytes: &[u8], flags: SendFlags) -> Result<usize> {
    if_simulated!(fd, socket => socket.send(bytes, flags, None));
    net::send(fd, bytes, flags | SendFlags::NOSIGNAL)
}

/// `sendto(2)`; `MSG_NOSIGNAL` is always set. `EINTR` only if nothing was sent.
#[inline]
pub fn send_to(
    fd: impl AsFd,
    bytes: &[u8],
    flags: SendFlags,
    name: &impl SocketAddrArg,
) -> Result<usize> {
    if_simulated!(fd, socket => socket.send(bytes, flags, Some(&super::simulated::name(name))));
    net::sendto(fd, bytes, flags | SendFlags::NOSIGNAL, name)
}

/// `recv(2)`: how many bytes were put into the buffer. `EINTR` only if nothing was received.
#[inline]
pub fn recv(fd: impl AsFd, buffer: &mut [u8], flags: RecvFlags) -> Result<usize> {
    if_simulated!(fd, socket => {
        let received = socket.recv(buffer.len(), 1, 0, flags)?;
        buffer[..received.data.len()].copy_from_slice(&received.data);
        Ok(received.data.len())
    });
    net::recv(fd, buffer, flags).map(|(stored, _length)| stored)
}

/// `recv(2)` of one message: how many bytes were put into the buffer, and how many the message
/// had. `EINTR` only if nothing was received.
#[inline]
pub fn recv_datagram(fd: impl AsFd, buffer: &mut [u8], flags: RecvFlags) -> Result<(usize, usize)> {
    if_simulated!(fd, socket => {
        let received = socket.recv(buffer.len(), 1, 0, flags | RecvFlags::TRUNC)?;
        buffer[..received.data.len()].copy_from_slice(&received.data);
        Ok((received.data.len(), received.returned))
    });
    net::recv(fd, buffer, flags | RecvFlags::TRUNC)
}

/// `recvfrom(2)` of one message, as [`recv_datagram`], with the sender's name.
#[inline]
pub fn recv_from(
    fd: impl AsFd,
    buffer: &mut [u8],
    flags: RecvFlags,
) -> Result<(usize, usize, Name)> {
    if_simulated!(fd, socket => {
        let received = socket.recv(buffer.len(), 1, 0, flags | RecvFlags::TRUNC)?;
        buffer[..received.data.len()].copy_from_slice(&received.data);
        let from = received.from.as_ref().map_or(Ok(Name::none()), Name::new)?;
        Ok((received.data.len(), received.returned, from))
    });
    let (stored, length, from) = net::recvfrom(fd, buffer, flags | RecvFlags::TRUNC)?;
    Ok((stored, length, from.map_or_else(Name::none, |from| Name::from_any(&from))))
}

/// `readv(2)`. `EINTR` only if nothing was read.
#[inline]
pub fn readv(fd: impl AsFd, buffers: &mut [std::io::IoSliceMut<'_>]) -> Result<usize> {
    if_simulated!(fd, socket => {
        let length = buffers.iter().map(|buffer| buffer.len()).sum();
        let received = socket.recv(length, buffers.len() as u32, 0, RecvFlags::empty())?;
        super::simulated::scatter(&received.data, buffers);
        Ok(received.returned)
    });
    rustix::io::readv(fd, buffers)
}

/// `ppoll(2)` of one descriptor for at most a time, to the nanosecond; what is ready, empty if
/// nothing is. `POLLERR`, `POLLHUP` and `POLLNVAL` are reported whether asked for or not.
pub fn poll(fd: BorrowedFd<'_>, events: PollFlags, time: Duration) -> Result<PollFlags> {
    if_simulated!(fd, socket => socket.poll(events, time));
    // A time that the kernel cannot count has no end.
    let timeout = Timespec::try_from(time).ok();
    let mut polled = [PollFd::from_borrowed_fd(fd, events)];
    rustix::event::poll(&mut polled, timeout.as_ref())?;
    Ok(polled[0].revents())
}

/// `ppoll(2)` of many descriptors, for at most a time or for ever; what is ready of each is in it
/// afterwards. Not in simulations.
pub fn poll_many(polled: &mut [PollFd<'_>], time: Option<Duration>) -> Result<()> {
    let timeout = time.and_then(|time| Timespec::try_from(time).ok());
    rustix::event::poll(polled, timeout.as_ref()).map(drop)
}

pub(super) fn raw(fd: &impl AsFd) -> libc::c_int {
    fd.as_fd().as_raw_fd()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;
    use sunpath_core::Address;

    const NO_FLAGS: SocketFlags = SocketFlags::empty();

    /// A socket with an abstract name that the kernel picked.
    fn bound(kind: SocketType) -> (OwnedFd, Name) {
        let fd = socket(kind, NO_FLAGS).unwrap();
        bind(&fd, &Name::new(&Address::Unnamed).unwrap()).unwrap();
        let name = getsockname(&fd).unwrap();
        (fd, name)
    }

    #[test]
    fn the_name_of_a_client_comes_with_its_connection() {
        for kind in [SocketType::Stream, SocketType::SeqPacket] {
            let (listener, server_name) = bound(kind);
            listen(&listener, 1).unwrap();
            let (client, client_name) = bound(kind);
            connect(&client, &server_name).unwrap();
            let (server, from) = accept_from(&listener, SocketFlags::NONBLOCK).unwrap();
            assert_eq!(from.address(), client_name.address());
            assert_eq!(getpeername(&client).unwrap().address(), server_name.address());
            assert_eq!(recv(&server, &mut [0; 1], RecvFlags::empty()), Err(Errno::AGAIN));
            let unnamed = socket(kind, NO_FLAGS).unwrap();
            connect(&unnamed, &server_name).unwrap();
            let (_server, from) = accept_from(&listener, NO_FLAGS).unwrap();
            assert_eq!(from.address(), Some(Address::Unnamed));
        }
    }

    #[test]
    fn a_datagram_socket_can_be_disconnected() {
        let (_receiver, name) = bound(SocketType::Datagram);
        let sender = socket(SocketType::Datagram, NO_FLAGS).unwrap();
        connect(&sender, &name).unwrap();
        assert_eq!(send(&sender, b"x", SendFlags::empty()), Ok(1));
        disconnect(&sender).unwrap();
        assert_eq!(send(&sender, b"x", SendFlags::empty()), Err(Errno::NOTCONN));
        assert_eq!(send_to(&sender, b"x", SendFlags::empty(), &name), Ok(1));
        let stream = socket(SocketType::Stream, NO_FLAGS).unwrap();
        assert_eq!(disconnect(&stream), Err(Errno::INVAL));
    }

    #[test]
    fn a_name_as_long_as_the_kernel_admits_is_read_whole() {
        let directory = std::env::temp_dir().join(format!("sunpath-sys-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let mut path = directory.as_os_str().as_encoded_bytes().to_vec();
        path.push(b'/');
        path.resize(108, b'x');
        let fd = socket(SocketType::Stream, NO_FLAGS).unwrap();
        let unterminated = Name::from_bytes(libc::AF_UNIX as u16, &path);
        bind(&fd, &unterminated).unwrap();
        let name = getsockname(&fd).unwrap();
        assert_eq!((name.as_bytes().len(), name.sun_path()), (111, &path[..]));
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn poll_returns_at_once_or_after_its_time() {
        let (a, b) = socketpair(SocketType::Stream, NO_FLAGS).unwrap();
        assert_eq!(
            poll(a.as_fd(), PollFlags::IN, Duration::from_millis(10)),
            Ok(PollFlags::empty())
        );
        drop(b);
        let ready = poll(a.as_fd(), PollFlags::empty(), Duration::from_secs(60)).unwrap();
        assert_eq!(ready, PollFlags::HUP);
    }
}
