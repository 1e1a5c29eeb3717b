//! Connecting to a server that does not keep up: its backlog is full.
//!
//! A connect that does not block fails then with `EAGAIN`, and nothing goes on in the background:
//! `poll` says nothing useful, and the socket stays unconnected until `connect` is called again.

use super::cell::path;
use super::tools::{Full, accept, brief, duplicate, hear, poke};
use super::{Outcome, trap, twice};
use interprocess::ConnectWaitMode;
use interprocess::local_socket::{ConnectOptions, GenericFilePath, ToFsName};
use nix::sys::socket as nix_socket;
use rustix::net::{SocketAddrUnix, SocketFlags, SocketType};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

trap! {
    AT_ONCE, "phantom-connect", "connect to a full backlog, not blocking";
    run {
        Nix: || at_once(SocketType::STREAM, nix_at_once),
        Rustix: || at_once(SocketType::STREAM, rustix_at_once),
        Uds: || at_once(SocketType::SEQPACKET, uds_at_once),
        Socket2: || at_once(SocketType::STREAM, socket2_at_once),
        Tokio: || at_once(SocketType::STREAM, |path| tokio(path, WAIT)),
        TokioSeqpacket: || at_once(SocketType::SEQPACKET, |path| tokio_seqpacket(path, WAIT)),
        Interprocess: || {
            at_once(SocketType::STREAM, |path| interprocess(path, ConnectWaitMode::Deferred))
        },
        Sunpath: || twice(
            || at_once(SocketType::STREAM, |path| sunpath(path, Duration::ZERO)),
            || at_once(SocketType::STREAM, |path| sunpath_tokio(path, Duration::ZERO)),
        ),
    }
    absent {
        "connects blocking only": Std IpcChannel;
        "leaves connecting to others": Sendfd Passfd UnixAncillary;
    }
}

trap! {
    TIMEOUT, "connect-timeout", "connect to a full backlog, 300 ms timeout";
    run {
        Nix: || timeout(SocketType::STREAM, nix_timeout),
        Rustix: || timeout(SocketType::STREAM, rustix_timeout),
        Socket2: || timeout(SocketType::STREAM, socket2_timeout),
        Tokio: || timeout(SocketType::STREAM, |path| tokio(path, WAIT)),
        TokioSeqpacket: || timeout(SocketType::SEQPACKET, |path| tokio_seqpacket(path, WAIT)),
        Interprocess: || {
            timeout(SocketType::STREAM, |p| interprocess(p, ConnectWaitMode::Timeout(WAIT)))
        },
        Sunpath: || twice(
            || timeout(SocketType::STREAM, |path| sunpath(path, WAIT)),
            || timeout(SocketType::STREAM, |path| sunpath_tokio(path, WAIT)),
        ),
    }
    absent {
        "connects without a timeout": Std Uds IpcChannel;
        "leaves connecting to others": Sendfd Passfd UnixAncillary;
    }
}

trap! {
    ROOM_APPEARS, "connect-waits", "connect, and room appears after 100 ms";
    run {
        Nix: || room_appears(SocketType::STREAM, nix_timeout),
        Rustix: || room_appears(SocketType::STREAM, rustix_timeout),
        Socket2: || room_appears(SocketType::STREAM, socket2_timeout),
        Tokio: || room_appears(SocketType::STREAM, |path| tokio(path, WAIT)),
        TokioSeqpacket: || room_appears(SocketType::SEQPACKET, |path| tokio_seqpacket(path, WAIT)),
        Interprocess: || {
            room_appears(SocketType::STREAM, |p| interprocess(p, ConnectWaitMode::Timeout(WAIT)))
        },
        Sunpath: || twice(
            || room_appears(SocketType::STREAM, |path| sunpath(path, WAIT)),
            || room_appears(SocketType::STREAM, |path| sunpath_tokio(path, WAIT)),
        ),
    }
    absent {
        "connects without a timeout": Std Uds IpcChannel;
        "leaves connecting to others": Sendfd Passfd UnixAncillary;
    }
}

const WAIT: Duration = Duration::from_millis(300);

/// A socket that a library calls connected.
type Connected = io::Result<OwnedFd>;

fn at_once(kind: SocketType, connect: fn(&Path) -> Connected) -> io::Result<Outcome> {
    let path = path("s")?;
    let _full = Full::new(kind, &path)?;
    Ok(match connect(&path) {
        Ok(socket) => phantom(&socket),
        Err(error) => Outcome::ok(brief(&error)),
    })
}

/// The backlog is full, so this socket cannot be connected.
fn phantom(socket: &OwnedFd) -> Outcome {
    match poke(socket) {
        Ok(()) => Outcome::fails("connected, and nobody knows to what"),
        Err(rustix::io::Errno::NOTCONN) => Outcome::fails("phantom: Ok, but write says ENOTCONN"),
        Err(errno) => Outcome::fails(format!("phantom: Ok, but write says {errno}")),
    }
}

fn timeout(kind: SocketType, connect: fn(&Path) -> Connected) -> io::Result<Outcome> {
    let path = path("s")?;
    let _full = Full::new(kind, &path)?;
    let start = Instant::now();
    Ok(match connect(&path) {
        Ok(socket) => phantom(&socket),
        Err(error) if start.elapsed() < WAIT / 2 => {
            Outcome::fails(format!("does not wait: {}", brief(&error)))
        }
        Err(error) => Outcome::ok(format!("waits, then: {}", brief(&error))),
    })
}

fn room_appears(kind: SocketType, connect: fn(&Path) -> Connected) -> io::Result<Outcome> {
    let path = path("s")?;
    let full = Full::new(kind, &path)?;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            full.make_room()
        });
        let start = Instant::now();
        let connected = connect(&path);
        let waited = start.elapsed();
        let socket = match connected {
            Ok(socket) => socket,
            Err(error) if waited < WAIT / 4 => {
                return Ok(Outcome::fails(format!("does not wait: {}", brief(&error))));
            }
            Err(error) => return Ok(Outcome::fails(format!("misses it: {}", brief(&error)))),
        };
        if let Err(errno) = poke(&socket) {
            return Ok(Outcome::fails(format!("phantom: Ok, but write says {errno}")));
        }
        let served = accept(&full.listener)?;
        match hear(&served) {
            Ok(1) => Ok(Outcome::ok("connects then")),
            heard => Ok(Outcome::fails(format!("the server hears {heard:?}"))),
        }
    })
}

fn nix_socket(flags: nix_socket::SockFlag) -> io::Result<OwnedFd> {
    let (family, kind) = (nix_socket::AddressFamily::Unix, nix_socket::SockType::Stream);
    Ok(nix_socket::socket(family, kind, flags, None)?)
}

fn nix_at_once(path: &Path) -> Connected {
    let socket = nix_socket(nix_socket::SockFlag::SOCK_NONBLOCK)?;
    nix_socket::connect(socket.as_raw_fd(), &nix_socket::UnixAddr::new(path)?)?;
    Ok(socket)
}

fn nix_timeout(path: &Path) -> Connected {
    let socket = nix_socket(nix_socket::SockFlag::empty())?;
    let wait = nix::sys::time::TimeVal::new(0, WAIT.as_micros() as i64);
    nix_socket::setsockopt(&socket, nix_socket::sockopt::SendTimeout, &wait)?;
    nix_socket::connect(socket.as_raw_fd(), &nix_socket::UnixAddr::new(path)?)?;
    Ok(socket)
}

fn rustix_at_once(path: &Path) -> Connected {
    let socket = super::tools::socket(SocketType::STREAM, SocketFlags::NONBLOCK)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

fn rustix_timeout(path: &Path) -> Connected {
    let socket = super::tools::socket(SocketType::STREAM, SocketFlags::empty())?;
    rustix::net::sockopt::set_socket_timeout(
        &socket,
        rustix::net::sockopt::Timeout::Send,
        Some(WAIT),
    )?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

fn uds_at_once(path: &Path) -> Connected {
    let connection = uds::nonblocking::UnixSeqpacketConn::connect(path)?;
    duplicate(connection.as_raw_fd())
}

fn socket2_at_once(path: &Path) -> Connected {
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&socket2::SockAddr::unix(path)?)?;
    Ok(socket.into())
}

fn socket2_timeout(path: &Path) -> Connected {
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    socket.connect_timeout(&socket2::SockAddr::unix(path)?, WAIT)?;
    Ok(socket.into())
}

/// Runs a future of tokio's, with a timeout as a program would set it.
fn in_tokio<T>(
    wait: Duration,
    work: impl Future<Output = io::Result<T>>,
    done: impl FnOnce(T) -> Connected,
) -> Connected {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match tokio::time::timeout(wait, work).await {
            Ok(connected) => done(connected?),
            Err(elapsed) => Err(io::Error::new(io::ErrorKind::TimedOut, elapsed)),
        }
    })
}

fn tokio(path: &Path, wait: Duration) -> Connected {
    in_tokio(wait, tokio::net::UnixStream::connect(path), |socket| Ok(socket.into_std()?.into()))
}

fn tokio_seqpacket(path: &Path, wait: Duration) -> Connected {
    let work = tokio_seqpacket::UnixSeqpacket::connect(path);
    in_tokio(wait, work, |socket| socket.as_fd().try_clone_to_owned())
}

fn interprocess(path: &Path, wait: ConnectWaitMode) -> Connected {
    let name = path.to_fs_name::<GenericFilePath>()?;
    let stream = ConnectOptions::new().name(name).wait_mode(wait).connect_sync()?;
    let interprocess::local_socket::Stream::UdSocket(stream) = stream;
    stream.as_fd().try_clone_to_owned()
}

fn sunpath(path: &Path, wait: Duration) -> Connected {
    Ok(sunpath::Stream::connect_until(path, Instant::now() + wait)?.into())
}

fn sunpath_tokio(path: &Path, wait: Duration) -> Connected {
    let work = async { Ok(sunpath::tokio::Stream::connect_timeout(path, wait).await?) };
    in_tokio(Duration::MAX, work, |socket| socket.as_fd().try_clone_to_owned())
}
