//! Sending what cannot go: to a full receiver, too many descriptors, without memory for it.

use super::cell::path;
use super::tools::{self, brief};
use super::{Outcome, trap, twice};
use nix::sys::socket as nix_socket;
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType,
};
use sendfd::SendWithFd as _;
use std::error::Error;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use uds::UnixDatagramExt as _;

trap! {
    FULL_RECEIVER, "spinning", "send_to a full receiver waits, and sleeps";
    run {
        Std: || full_receiver(std_send_to),
        Nix: || full_receiver(nix_send_to),
        Rustix: || full_receiver(rustix_send_to),
        Uds: || full_receiver(uds_send_to),
        Socket2: || full_receiver(socket2_send_to),
        Tokio: || full_receiver(tokio_send_to),
        Sunpath: || twice(
            || full_receiver(sunpath_send_to),
            || full_receiver(sunpath_tokio_send_to),
        ),
    }
    absent {
        "no datagrams": TokioSeqpacket Interprocess IpcChannel Passfd;
        "sends to a connected peer only": Sendfd UnixAncillary;
    }
}

trap! {
    TOO_MANY, "too-many-descriptors", "254 descriptors: the error knows of the limit";
    run {
        Nix: || too_many(nix_send),
        Rustix: || too_many(rustix_send),
        Uds: || too_many(uds_send),
        TokioSeqpacket: || too_many(tokio_seqpacket_send),
        Sendfd: || too_many(sendfd_send),
        UnixAncillary: || too_many(unix_ancillary_send),
        IpcChannel: ipc_channel_too_many,
        Sunpath: || too_many(sunpath_send),
    }
    absent {
        "sends descriptors in nightly Rust only": Std;
        "leaves control messages as bytes": Socket2;
        "sends no descriptors": Tokio Interprocess;
        "sends one a message": Passfd;
    }
}

trap! {
    NO_BUFFERS, "enobufs", "ENOBUFS is told, not waited for";
    run {
        Std: || no_buffers(|socket, message| UnixDatagram::from(socket).send(message).map(drop)),
        Nix: || no_buffers(|socket, message| {
            let flags = nix_socket::MsgFlags::empty();
            Ok(nix_socket::send(socket.as_raw_fd(), message, flags).map(drop)?)
        }),
        Rustix: || no_buffers(|socket, message| {
            Ok(rustix::net::send(socket, message, SendFlags::empty()).map(drop)?)
        }),
        Uds: || no_buffers(|socket, message| {
            uds::UnixDatagramExt::send_fds(&UnixDatagram::from(socket), message, &[]).map(drop)
        }),
        Socket2: || no_buffers(|socket, message| {
            socket2::Socket::from(socket).send(message).map(drop)
        }),
        Tokio: || no_buffers(|socket, message| {
            let runtime = runtime()?;
            rustix::io::ioctl_fionbio(&socket, true)?;
            runtime.block_on(async {
                let socket = tokio::net::UnixDatagram::from_std(socket.into())?;
                socket.send(message).await.map(drop)
            })
        }),
        Sendfd: || no_buffers(|socket, message| {
            UnixDatagram::from(socket).send_with_fd(message, &[]).map(drop)
        }),
        UnixAncillary: || no_buffers(|socket, message| {
            let socket = UnixDatagram::from(socket);
            unix_ancillary::UnixDatagramExt::send_fds(&socket, message, &[] as &[OwnedFd]).map(drop)
        }),
        Sunpath: || no_buffers(|socket, message| {
            Ok(sunpath::Datagram::try_from(socket).map_err(sunpath::Error::from)?.send(message)?)
        }),
    }
    absent {
        "no datagrams": TokioSeqpacket Interprocess Passfd;
        "splits what it sends": IpcChannel;
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Sends to a path for ever, and counts.
type SendTo = fn(&Path, &AtomicU32) -> io::Result<()>;

const BEFORE: Duration = Duration::from_millis(100);
const MEASURED: Duration = Duration::from_millis(500);

fn full_receiver(send: SendTo) -> io::Result<Outcome> {
    let path = path("receiver")?;
    let receiver = tools::bound(SocketType::DGRAM, &path)?;
    // The thread outlives this, if the trap has caught it.
    let count: &'static AtomicU32 = Box::leak(Box::default());
    let sender = std::thread::spawn(move || send(&path, count));
    std::thread::sleep(BEFORE);
    let (sent, start) = (count.load(Ordering::Relaxed), tools::busy_time()?);
    std::thread::sleep(MEASURED);
    let busy = tools::busy_time()?.saturating_sub(start);
    if sender.is_finished() {
        let ended = sender.join().map_err(|_| io::Error::other("the sender panicked"))?;
        return Ok(Outcome::fails(format!("does not wait: {ended:?}")));
    }
    if count.load(Ordering::Relaxed) != sent {
        return Ok(Outcome::fails("goes on sending"));
    }
    for _ in 0..sent {
        rustix::net::recv(&receiver, &mut [0; 16], RecvFlags::DONTWAIT)?;
    }
    std::thread::sleep(BEFORE);
    let goes_on = count.load(Ordering::Relaxed) > sent;
    let share = u128::from(busy) * 100 / MEASURED.as_nanos();
    Ok(match (share, goes_on) {
        (0..10, true) => Outcome::ok("sleeps"),
        (0..10, false) => Outcome::fails("sleeps for ever"),
        _ => Outcome::fails("spins: always ready to run"),
    })
}

/// Counts for as long as sending works.
fn forever(sent: &AtomicU32, mut send: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        send()?;
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

fn std_send_to(path: &Path, sent: &AtomicU32) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    forever(sent, || socket.send_to(b"message", path).map(drop))
}

fn nix_send_to(path: &Path, sent: &AtomicU32) -> io::Result<()> {
    let (family, kind) = (nix_socket::AddressFamily::Unix, nix_socket::SockType::Datagram);
    let socket = nix_socket::socket(family, kind, nix_socket::SockFlag::empty(), None)?;
    let (to, flags) = (nix_socket::UnixAddr::new(path)?, nix_socket::MsgFlags::empty());
    forever(sent, || Ok(nix_socket::sendto(socket.as_raw_fd(), b"message", &to, flags).map(drop)?))
}

fn rustix_send_to(path: &Path, sent: &AtomicU32) -> io::Result<()> {
    let socket = tools::socket(SocketType::DGRAM, SocketFlags::empty())?;
    let to = SocketAddrUnix::new(path)?;
    forever(sent, || {
        Ok(rustix::net::sendto(&socket, b"message", SendFlags::empty(), &to).map(drop)?)
    })
}

fn uds_send_to(path: &Path, sent: &AtomicU32) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    let to = uds::UnixSocketAddr::from_path(path)?;
    forever(sent, || socket.send_to_unix_addr(b"message", &to).map(drop))
}

fn socket2_send_to(path: &Path, sent: &AtomicU32) -> io::Result<()> {
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::DGRAM, None)?;
    let to = socket2::SockAddr::unix(path)?;
    forever(sent, || socket.send_to(b"message", &to).map(drop))
}

fn tokio_send_to(path: &Path, sent: &AtomicU32) -> io::Result<()> {
    runtime()?.block_on(async {
        let socket = tokio::net::UnixDatagram::unbound()?;
        loop {
            socket.send_to(b"message", path).await?;
            sent.fetch_add(1, Ordering::Relaxed);
        }
    })
}

fn sunpath_send_to(path: &Path, sent: &AtomicU32) -> io::Result<()> {
    let socket = sunpath::Datagram::unbound()?;
    forever(sent, || Ok(socket.send_to(b"message", path)?))
}

fn sunpath_tokio_send_to(path: &Path, sent: &AtomicU32) -> io::Result<()> {
    runtime()?.block_on(async {
        let socket = sunpath::tokio::Datagram::unbound()?;
        loop {
            socket.send_to(b"message", path).await?;
            sent.fetch_add(1, Ordering::Relaxed);
        }
    })
}

/// Sends descriptors on a socket that is connected.
type Send = fn(OwnedFd, &[BorrowedFd<'_>]) -> Result<(), Box<dyn Error>>;

/// One more than `SCM_MAX_FD`.
const TOO_MUCH: usize = 254;

fn too_many(send: Send) -> io::Result<Outcome> {
    let (sender, _receiver) = tools::pair(SocketType::SEQPACKET)?;
    judge_too_many(send(sender, &[tools::file()?.as_fd(); TOO_MUCH]))
}

fn judge_too_many(sent: Result<(), Box<dyn Error>>) -> io::Result<Outcome> {
    Ok(match sent {
        Ok(()) => Outcome::fails("Ok, but the kernel takes 253"),
        Err(error) if error.to_string().contains("253") => Outcome::ok(brief(&error)),
        Err(error) => Outcome::fails(brief(&error)),
    })
}

fn nix_send(socket: OwnedFd, fds: &[BorrowedFd<'_>]) -> Result<(), Box<dyn Error>> {
    let numbers: Vec<i32> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let control = [nix_socket::ControlMessage::ScmRights(&numbers)];
    let (bytes, flags) = ([IoSlice::new(b"x")], nix_socket::MsgFlags::empty());
    nix_socket::sendmsg::<()>(socket.as_raw_fd(), &bytes, &control, flags, None)?;
    Ok(())
}

fn rustix_send(socket: OwnedFd, fds: &[BorrowedFd<'_>]) -> Result<(), Box<dyn Error>> {
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(TOO_MUCH))];
    let mut control = SendAncillaryBuffer::new(&mut room);
    if !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err("no room for so many".into());
    }
    rustix::net::sendmsg(&socket, &[IoSlice::new(b"x")], &mut control, SendFlags::empty())?;
    Ok(())
}

fn uds_send(_: OwnedFd, fds: &[BorrowedFd<'_>]) -> Result<(), Box<dyn Error>> {
    let (sender, _receiver) = uds::UnixSeqpacketConn::pair()?;
    let numbers: Vec<i32> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    sender.send_fds(b"x", &numbers)?;
    Ok(())
}

fn tokio_seqpacket_send(socket: OwnedFd, fds: &[BorrowedFd<'_>]) -> Result<(), Box<dyn Error>> {
    rustix::io::ioctl_fionbio(&socket, true)?;
    let mut room = vec![0; 2048];
    let mut control = tokio_seqpacket::ancillary::AncillaryMessageWriter::new(&mut room);
    control.add_fds(fds).map_err(|_| "no room for so many")?;
    runtime()?.block_on(async {
        let socket = tokio_seqpacket::UnixSeqpacket::try_from(socket)?;
        socket.send_with_ancillary(b"x", &mut control).await?;
        Ok(())
    })
}

fn sendfd_send(_: OwnedFd, fds: &[BorrowedFd<'_>]) -> Result<(), Box<dyn Error>> {
    let (sender, _receiver) = UnixDatagram::pair()?;
    let numbers: Vec<i32> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    sender.send_with_fd(b"x", &numbers)?;
    Ok(())
}

fn unix_ancillary_send(_: OwnedFd, fds: &[BorrowedFd<'_>]) -> Result<(), Box<dyn Error>> {
    let (sender, _receiver) = UnixDatagram::pair()?;
    unix_ancillary::UnixDatagramExt::send_fds(&sender, b"x", fds)?;
    Ok(())
}

fn ipc_channel_too_many() -> io::Result<Outcome> {
    let (sender, _receiver) = ipc_channel::ipc::channel()?;
    let one = ipc_channel::ipc::IpcSharedMemory::from_byte(1, 1);
    judge_too_many(sender.send(vec![one; TOO_MUCH]).map_err(Into::into))
}

fn sunpath_send(socket: OwnedFd, fds: &[BorrowedFd<'_>]) -> Result<(), Box<dyn Error>> {
    let socket = sunpath::SeqPacket::try_from(socket)?;
    socket.send_with(b"x", &sunpath::Ancillary::descriptors(fds))?;
    Ok(())
}

const NOBUFS: i32 = rustix::io::Errno::NOBUFS.raw_os_error();

/// More than a contiguous piece of the kernel's memory can hold, and less than the send buffer.
const TOO_LONG: usize = 4_300_000;

fn no_buffers(send: fn(OwnedFd, &[u8]) -> io::Result<()>) -> io::Result<Outcome> {
    let (sender, _receiver) = tools::pair(SocketType::DGRAM)?;
    // The largest that the system allows.
    sunpath::sys::option::set_send_buffer(&sender, -1)?;
    Ok(match send(sender, &vec![0; TOO_LONG]) {
        Ok(()) => Outcome::fails("says that it was sent"),
        Err(error) if sunpath::raw_os_error(&error) == Some(NOBUFS) => Outcome::ok("told at once"),
        Err(error) => Outcome::fails(brief(&error)),
    })
}
