//! Who sends and receives bytes by blocking calls.

use super::bytes::{End, Traffic, subject};
use super::harness::Subject;
use interprocess::local_socket;
use interprocess::os::unix::uds_local_socket;
use ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, bytes_channel};
use nix::sys::socket as nix_socket;
use rustix::net;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;
use sunpath::SocketType::{self, Datagram, SeqPacket, Stream};
use uds::UnixSeqpacketConn;

/// All of them, each with the socket types that it supports. `size` is the bytes of a message.
pub fn all(traffic: Traffic, size: usize) -> Vec<Subject> {
    let mut all = Vec::new();
    for kind in [Stream, SeqPacket, Datagram] {
        all.push(subject::<Rustix>("rustix", kind, traffic, size));
        match kind {
            Stream => {
                all.push(subject::<RustixReadWrite>("rustix read, write", kind, traffic, size));
                all.push(subject::<UnixStream>("std", kind, traffic, size));
                all.push(subject::<local_socket::Stream>("interprocess", kind, traffic, size));
                all.push(subject::<sunpath::Stream>("sunpath", kind, traffic, size));
                all.push(subject::<Spun>("sunpath, spin", kind, traffic, size));
            }
            SeqPacket => {
                all.push(subject::<RustixMsg>("rustix recvmsg", kind, traffic, size));
                all.push(subject::<UnixSeqpacketConn>("uds", kind, traffic, size));
                all.push(subject::<IpcChannel>("ipc-channel, bytes", kind, traffic, size));
                all.push(subject::<sunpath::SeqPacket>("sunpath", kind, traffic, size));
            }
            _ => {
                all.push(subject::<UnixDatagram>("std", kind, traffic, size));
                all.push(subject::<sunpath::Datagram>("sunpath", kind, traffic, size));
            }
        }
        all.push(subject::<Nix>("nix", kind, traffic, size));
        all.push(subject::<socket2::Socket>("socket2", kind, traffic, size));
    }
    all
}

/// `send` and `recv`, as Sunpath calls them.
pub struct Rustix(pub OwnedFd);

/// The type as rustix calls it.
pub fn rustix_kind(kind: SocketType) -> net::SocketType {
    match kind {
        Datagram => net::SocketType::DGRAM,
        SeqPacket => net::SocketType::SEQPACKET,
        _ => net::SocketType::STREAM,
    }
}

/// Two connected sockets as bare descriptors.
pub fn rustix_pair(kind: SocketType) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = net::SocketFlags::CLOEXEC;
    Ok(net::socketpair(net::AddressFamily::UNIX, rustix_kind(kind), flags, None)?)
}

impl End for Rustix {
    fn pair(kind: SocketType) -> io::Result<(Self, Self)> {
        rustix_pair(kind).map(|(a, b)| (Rustix(a), Rustix(b)))
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        Ok(net::send(&self.0, message, net::SendFlags::NOSIGNAL)?)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(net::recv(&self.0, buffer, net::RecvFlags::empty())?.0)
    }
}

/// `read` and `write`, which raise `SIGPIPE`.
pub struct RustixReadWrite(OwnedFd);

impl End for RustixReadWrite {
    fn pair(kind: SocketType) -> io::Result<(Self, Self)> {
        rustix_pair(kind).map(|(a, b)| (RustixReadWrite(a), RustixReadWrite(b)))
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.0, message)?)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.0, buffer)?)
    }
}

/// `send` and `recvmsg`, whose flags tell an empty packet from the end of file if the socket has
/// anything delivered beside each packet.
struct RustixMsg(OwnedFd);

impl End for RustixMsg {
    fn pair(kind: SocketType) -> io::Result<(Self, Self)> {
        let (a, b) = rustix_pair(kind)?;
        for end in [&a, &b] {
            nix_socket::setsockopt(end, nix_socket::sockopt::ReceiveTimestamp, &true)?;
        }
        Ok((RustixMsg(a), RustixMsg(b)))
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        Ok(net::send(&self.0, message, net::SendFlags::NOSIGNAL)?)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let buffers = &mut [io::IoSliceMut::new(buffer)];
        let mut control = net::RecvAncillaryBuffer::default();
        let flags = net::RecvFlags::TRUNC;
        Ok(net::recvmsg(&self.0, buffers, &mut control, flags)?.bytes)
    }
}

pub struct Nix(pub OwnedFd);

/// The type as nix calls it.
pub fn nix_kind(kind: SocketType) -> nix_socket::SockType {
    match kind {
        Datagram => nix_socket::SockType::Datagram,
        SeqPacket => nix_socket::SockType::SeqPacket,
        _ => nix_socket::SockType::Stream,
    }
}

impl End for Nix {
    fn pair(kind: SocketType) -> io::Result<(Self, Self)> {
        use nix_socket::{AddressFamily, SockFlag, socketpair};
        let flags = SockFlag::SOCK_CLOEXEC;
        let (a, b) = socketpair(AddressFamily::Unix, nix_kind(kind), None, flags)?;
        Ok((Nix(a), Nix(b)))
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        let flags = nix_socket::MsgFlags::MSG_NOSIGNAL;
        Ok(nix_socket::send(self.0.as_raw_fd(), message, flags)?)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix_socket::recv(self.0.as_raw_fd(), buffer, nix_socket::MsgFlags::empty())?)
    }
}

impl End for socket2::Socket {
    fn pair(kind: SocketType) -> io::Result<(Self, Self)> {
        socket2::Socket::pair(socket2::Domain::UNIX, socket2_kind(kind), None)
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        socket2::Socket::send(self, message)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Its `recv` is for uninitialised buffers; this calls it.
        self.read(buffer)
    }
}

/// The type as socket2 calls it.
pub fn socket2_kind(kind: SocketType) -> socket2::Type {
    match kind {
        Datagram => socket2::Type::DGRAM,
        SeqPacket => socket2::Type::SEQPACKET,
        _ => socket2::Type::STREAM,
    }
}

impl End for UnixStream {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        UnixStream::pair()
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        self.write(message)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }
}

impl End for UnixDatagram {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        UnixDatagram::pair()
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        UnixDatagram::send(self, message)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        UnixDatagram::recv(self, buffer)
    }
}

impl End for local_socket::Stream {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        let (a, b) = UnixStream::pair()?;
        let wrap = |stream| local_socket::Stream::UdSocket(uds_local_socket::Stream::from(stream));
        Ok((wrap(a), wrap(b)))
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        self.write(message)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }
}

impl End for UnixSeqpacketConn {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        UnixSeqpacketConn::pair()
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        UnixSeqpacketConn::send(self, message)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        UnixSeqpacketConn::recv(self, buffer)
    }
}

/// One channel in each direction. It hands out a new vector for each message.
struct IpcChannel(IpcBytesSender, IpcBytesReceiver);

impl End for IpcChannel {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        let ((to_a, from_b), (to_b, from_a)) = (bytes_channel()?, bytes_channel()?);
        Ok((IpcChannel(to_b, from_b), IpcChannel(to_a, from_a)))
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        self.0.send(message).map(|()| message.len())
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let message = self.1.recv().map_err(io::Error::other)?;
        buffer[..message.len()].copy_from_slice(&message);
        Ok(message.len())
    }
}

impl End for sunpath::Stream {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        Ok(sunpath::Stream::pair()?)
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        self.write(message)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }
}

/// A stream that looks for data for a while before it waits.
type Spun = sunpath::Spinning<sunpath::Stream>;

/// As the documentation advises for a peer that answers at once.
const SPIN: Duration = Duration::from_micros(50);

impl End for Spun {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        let (a, b) = sunpath::Stream::pair()?;
        Ok((a.spin(SPIN), b.spin(SPIN)))
    }
    fn settle(self) -> Self {
        // Whether to spin at all depends on where this process may run.
        self.into_inner().spin(SPIN)
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        self.write(message)
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }
}

impl End for sunpath::SeqPacket {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        Ok(sunpath::SeqPacket::pair()?)
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        sunpath::SeqPacket::send(self, message)?;
        Ok(message.len())
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(sunpath::SeqPacket::recv(self, buffer)?.bytes)
    }
}

impl End for sunpath::Datagram {
    fn pair(_: SocketType) -> io::Result<(Self, Self)> {
        Ok(sunpath::Datagram::pair()?)
    }
    #[inline(always)]
    fn send(&mut self, message: &[u8]) -> io::Result<usize> {
        sunpath::Datagram::send(self, message)?;
        Ok(message.len())
    }
    #[inline(always)]
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(sunpath::Datagram::recv(self, buffer)?.bytes)
    }
}
