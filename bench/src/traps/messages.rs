//! Messages: kept apart, cut off, empty, and many in one call.

use super::tools;
use super::{Outcome, trap};
use nix::sys::socket as nix_socket;
use rustix::net::{RecvFlags, SendFlags, SocketType};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;

trap! {
    SEQPACKET, "seqpacket", "seqpacket: two messages stay two";
    run {
        Nix: two_messages::<Nix>,
        Rustix: two_messages::<Rustix>,
        Uds: two_messages::<uds::UnixSeqpacketConn>,
        Socket2: two_messages::<socket2::Socket>,
        TokioSeqpacket: two_messages::<TokioSeqpacket>,
        Sunpath: two_messages::<sunpath::SeqPacket>,
    }
    absent {
        "no seqpacket sockets": Std Tokio Interprocess Sendfd Passfd UnixAncillary;
        "uses them inside": IpcChannel;
    }
}

trap! {
    EMPTY_OR_END, "empty-or-end", "empty message and end of file told apart";
    run {
        Nix: empty_or_end::<Nix>,
        Rustix: empty_or_end::<Rustix>,
        Uds: empty_or_end::<uds::UnixSeqpacketConn>,
        Socket2: empty_or_end::<socket2::Socket>,
        TokioSeqpacket: empty_or_end::<TokioSeqpacket>,
        IpcChannel: ipc_channel_empty_or_end,
        Sunpath: empty_or_end::<sunpath::SeqPacket>,
    }
    absent { "no seqpacket sockets": Std Tokio Interprocess Sendfd Passfd UnixAncillary; }
}

trap! {
    BATCH, "batch-control", "descriptors in a batch after a plain batch";
    run {
        Nix: nix_batch,
        Sunpath: sunpath_batch,
    }
    absent {
        "receives no batches":
            Std Rustix Uds Socket2 Tokio TokioSeqpacket Interprocess Sendfd Passfd UnixAncillary
            IpcChannel;
    }
}

/// A library's connected seqpacket socket.
trait Packets: Sized {
    fn pair() -> io::Result<(Self, Self)>;
    fn send(&mut self, message: &[u8]) -> io::Result<()>;
    /// How many bytes came, and all that the library tells of them.
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<(usize, String)>;
}

struct Nix(OwnedFd);

impl Packets for Nix {
    fn pair() -> io::Result<(Nix, Nix)> {
        let (family, kind) = (nix_socket::AddressFamily::Unix, nix_socket::SockType::SeqPacket);
        let flags = nix_socket::SockFlag::empty();
        let (a, b) = nix_socket::socketpair(family, kind, None, flags)?;
        Ok((Nix(a), Nix(b)))
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let flags = nix_socket::MsgFlags::empty();
        Ok(nix_socket::send(self.0.as_raw_fd(), message, flags).map(drop)?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<(usize, String)> {
        let (mut buffers, flags) = ([IoSliceMut::new(buffer)], nix_socket::MsgFlags::empty());
        let fd = self.0.as_raw_fd();
        let received = nix_socket::recvmsg::<()>(fd, &mut buffers, None, flags)?;
        Ok((received.bytes, format!("{} {:?}", received.bytes, received.flags)))
    }
}

struct Rustix(OwnedFd);

impl Packets for Rustix {
    fn pair() -> io::Result<(Rustix, Rustix)> {
        tools::pair(SocketType::SEQPACKET).map(|(a, b)| (Rustix(a), Rustix(b)))
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(rustix::net::send(&self.0, message, SendFlags::empty()).map(drop)?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<(usize, String)> {
        let buffers = &mut [IoSliceMut::new(buffer)];
        let control = &mut rustix::net::RecvAncillaryBuffer::default();
        let received = rustix::net::recvmsg(&self.0, buffers, control, RecvFlags::empty())?;
        Ok((received.bytes, format!("{} {:?}", received.bytes, received.flags)))
    }
}

impl Packets for uds::UnixSeqpacketConn {
    fn pair() -> io::Result<(Self, Self)> {
        uds::UnixSeqpacketConn::pair()
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        uds::UnixSeqpacketConn::send(self, message).map(drop)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<(usize, String)> {
        let (bytes, truncated) = self.recv_vectored(&mut [IoSliceMut::new(buffer)])?;
        Ok((bytes, format!("{bytes} {truncated}")))
    }
}

impl Packets for socket2::Socket {
    fn pair() -> io::Result<(Self, Self)> {
        socket2::Socket::pair(socket2::Domain::UNIX, socket2::Type::SEQPACKET, None)
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        socket2::Socket::send(self, message).map(drop)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<(usize, String)> {
        let mut room = vec![MaybeUninit::uninit(); buffer.len()];
        let mut buffers = [socket2::MaybeUninitSlice::new(&mut room)];
        let (bytes, flags) = self.recv_vectored(&mut buffers)?;
        Ok((bytes, format!("{bytes} {flags:?}")))
    }
}

struct TokioSeqpacket(tokio_seqpacket::UnixSeqpacket);

/// The runtime of this process; a cell has one thread.
fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    thread_local! {
        static RUNTIME: io::Result<tokio::runtime::Runtime> =
            tokio::runtime::Builder::new_current_thread().enable_all().build();
    }
    RUNTIME.with(|runtime| match runtime {
        Ok(runtime) => Ok(runtime.block_on(work)),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    })
}

impl Packets for TokioSeqpacket {
    fn pair() -> io::Result<(TokioSeqpacket, TokioSeqpacket)> {
        let (a, b) = block_on(async { tokio_seqpacket::UnixSeqpacket::pair() })??;
        Ok((TokioSeqpacket(a), TokioSeqpacket(b)))
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        block_on(self.0.send(message))?.map(drop)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<(usize, String)> {
        let info = block_on(self.0.recv(buffer))??;
        Ok((info.bytes_read(), format!("{info:?}")))
    }
}

impl Packets for sunpath::SeqPacket {
    fn pair() -> io::Result<(Self, Self)> {
        Ok(sunpath::SeqPacket::pair()?)
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        Ok(sunpath::SeqPacket::send(self, message)?)
    }

    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<(usize, String)> {
        let received = sunpath::SeqPacket::recv(self, buffer)?;
        Ok((received.bytes, format!("{received:?}")))
    }
}

fn two_messages<P: Packets>() -> io::Result<Outcome> {
    let (mut a, mut b) = P::pair()?;
    a.send(b"one")?;
    a.send(b"three")?;
    let mut buffer = [0; 64];
    let lengths = (b.recv(&mut buffer)?.0, b.recv(&mut buffer)?.0);
    Ok(match lengths {
        (3, 5) => Outcome::ok("yes"),
        (first, second) => Outcome::fails(format!("{first} and {second} bytes arrive")),
    })
}

fn empty_or_end<P: Packets>() -> io::Result<Outcome> {
    let (mut a, mut b) = P::pair()?;
    a.send(b"")?;
    let mut buffer = [0; 64];
    let (_, empty) = b.recv(&mut buffer)?;
    drop(a);
    Ok(match b.recv(&mut buffer) {
        Ok((_, end)) if end == empty => Outcome::fails("both are 0 bytes"),
        Ok(_) => Outcome::ok("told apart"),
        Err(error) => Outcome::ok(format!("the end is an error: {}", tools::brief(&error))),
    })
}

fn ipc_channel_empty_or_end() -> io::Result<Outcome> {
    let (sender, receiver) = ipc_channel::ipc::bytes_channel()?;
    sender.send(&[])?;
    let empty = receiver.recv().map_err(io::Error::other)?;
    drop(sender);
    Ok(match receiver.recv() {
        Ok(end) if end == empty => Outcome::fails("both are 0 bytes"),
        Ok(_) => Outcome::fails("something arrives that nobody sent"),
        Err(error) => Outcome::ok(format!("the end is an error: {}", tools::brief(&error))),
    })
}

/// Eight bytes in the queue of a datagram socket.
fn eight_bytes() -> io::Result<UnixDatagram> {
    let (a, b) = UnixDatagram::pair()?;
    a.send(b"12345678")?;
    Ok(b)
}

/// What a library without a word for it can tell: a length.
fn silent(bytes: usize) -> Outcome {
    match bytes {
        8 => Outcome::ok("tells the whole length"),
        bytes => Outcome::fails(format!("{} bytes lost without a word", 8 - bytes)),
    }
}

pub fn std_truncated() -> io::Result<Outcome> {
    Ok(silent(eight_bytes()?.recv(&mut [0; 4])?))
}

pub fn tokio_truncated() -> io::Result<Outcome> {
    let socket = eight_bytes()?;
    socket.set_nonblocking(true)?;
    block_on(async {
        let socket = tokio::net::UnixDatagram::from_std(socket)?;
        Ok(silent(socket.recv(&mut [0; 4]).await?))
    })?
}

pub fn socket2_truncated() -> io::Result<Outcome> {
    let socket = socket2::Socket::from(OwnedFd::from(eight_bytes()?));
    let mut room = [MaybeUninit::uninit(); 4];
    let mut buffers = [socket2::MaybeUninitSlice::new(&mut room)];
    let (bytes, flags) = socket.recv_vectored(&mut buffers)?;
    Ok(match flags.is_truncated() {
        true => Outcome::ok("reported"),
        false => silent(bytes),
    })
}

/// Two messages, with a descriptor each in the second batch.
fn send_two(sender: &OwnedFd, batch: usize) -> io::Result<()> {
    let file = tools::file()?;
    let fds = &[file.as_fd()][..batch];
    tools::send(sender, b"one", fds)?;
    tools::send(sender, b"two", fds)
}

/// How many descriptors came with each of two batches.
fn judge_batches(descriptors: [usize; 2]) -> Outcome {
    match descriptors {
        [0, 2] => Outcome::ok("arrive"),
        [_, second] => Outcome::fails(format!("{second} of 2 arrive")),
    }
}

fn nix_batch() -> io::Result<Outcome> {
    let (sender, receiver) = tools::pair(SocketType::DGRAM)?;
    let mut headers = nix_socket::MultiHeaders::<()>::preallocate(2, Some(nix::cmsg_space!(i32)));
    let mut count = [0; 2];
    for (batch, count) in count.iter_mut().enumerate() {
        send_two(&sender, batch)?;
        let (mut first, mut second) = ([0; 64], [0; 64]);
        let mut buffers = [[IoSliceMut::new(&mut first)], [IoSliceMut::new(&mut second)]];
        let flags = nix_socket::MsgFlags::MSG_CMSG_CLOEXEC;
        let batch =
            nix_socket::recvmmsg(receiver.as_raw_fd(), &mut headers, &mut buffers, flags, None)?;
        for message in batch {
            for control in message.cmsgs().into_iter().flatten() {
                if let nix_socket::ControlMessageOwned::ScmRights(numbers) = control {
                    *count += numbers.len();
                }
            }
        }
    }
    Ok(judge_batches(count))
}

fn sunpath_batch() -> io::Result<Outcome> {
    let (sender, receiver) = sunpath::Datagram::pair()?;
    receiver.sockopt().set_pass_rights(true)?;
    let sender = OwnedFd::from(sender);
    let mut batch = sunpath::RecvBatch::new(2, 64, 1);
    let mut count = [0; 2];
    for (number, count) in count.iter_mut().enumerate() {
        send_two(&sender, number)?;
        receiver.recv_batch(&mut batch, sunpath::RecvFlags::NONE)?;
        for message in batch.messages() {
            *count += message.ancillary.take_descriptors().count();
        }
    }
    Ok(judge_batches(count))
}
