//! Connecting and accepting: the client connects and closes again and again, the server accepts
//! and closes.

use super::harness::{Sides, Subject, Work};
use super::peers::{nix_kind, rustix_kind, socket2_kind};
use interprocess::local_socket::{self, GenericFilePath, ListenerOptions, prelude::*};
use nix::sys::socket as nix_socket;
use rustix::net;
use std::cell::Cell;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use sunpath::SocketType::{self, SeqPacket, Stream};
use uds::{UnixSeqpacketConn, UnixSeqpacketListener};

/// The most connections a round: fewer than any backlog, so that nobody has to wait for room.
pub const MOST: usize = 64;

/// Everyone who connects by blocking calls.
pub fn all(directory: &Rc<Directory>) -> Vec<Subject> {
    vec![
        subject::<Rustix>("rustix", Stream, directory),
        subject::<Std>("std", Stream, directory),
        subject::<Interprocess>("interprocess", Stream, directory),
        subject::<Nix>("nix", Stream, directory),
        subject::<Socket2>("socket2", Stream, directory),
        subject::<SunpathStream>("sunpath", Stream, directory),
        subject::<Rustix>("rustix", SeqPacket, directory),
        subject::<Nix>("nix", SeqPacket, directory),
        subject::<Socket2>("socket2", SeqPacket, directory),
        subject::<Uds>("uds", SeqPacket, directory),
        subject::<SunpathSeqPacket>("sunpath", SeqPacket, directory),
    ]
}

/// A private directory, removed when this is dropped.
pub struct Directory {
    path: PathBuf,
    names: Cell<usize>,
}

impl Directory {
    pub fn new() -> io::Result<Rc<Directory>> {
        let path = std::env::temp_dir().join(format!("sunpath-bench-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        Ok(Rc::new(Directory { path, names: Cell::new(0) }))
    }

    /// A path that was not given out before.
    fn unused(&self) -> PathBuf {
        self.names.set(self.names.get() + 1);
        self.path.join(self.names.get().to_string())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left behind is in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// How a crate listens and connects.
trait Service: 'static {
    type Listener;
    type Client;
    fn bind(kind: SocketType, path: &Path) -> io::Result<Self::Listener>;
    /// Accepts a connection and closes it.
    fn accept(listener: &Self::Listener) -> io::Result<()>;
    fn connect(kind: SocketType, path: &Path) -> io::Result<Self::Client>;
    /// Reads, which gives nothing once the server has closed.
    fn read(client: Self::Client) -> io::Result<usize>;
}

fn subject<S: Service>(name: &'static str, kind: SocketType, directory: &Rc<Directory>) -> Subject {
    let directory = Rc::clone(directory);
    let sides = move || {
        let path = directory.unused();
        let server = path.clone();
        Ok(Sides {
            first: Box::new(move || Ok(client::<S>(kind, path))),
            second: Box::new(move || serve::<S>(kind, &server)),
        })
    };
    Subject { kind: kind.name(), name, sides: Box::new(sides) }
}

fn client<S: Service>(kind: SocketType, path: PathBuf) -> Work {
    Box::new(move |round| {
        for _ in 1..round.count {
            drop(S::connect(kind, &path)?);
        }
        match S::read(S::connect(kind, &path)?)? {
            0 => Ok(()),
            _ => Err(io::Error::other("bytes came that nobody sent")),
        }
    })
}

fn serve<S: Service>(kind: SocketType, path: &Path) -> io::Result<Work> {
    let listener = S::bind(kind, path)?;
    Ok(Box::new(move |round| (0..round.count).try_for_each(|_| S::accept(&listener))))
}

struct Rustix;

fn rustix_socket(kind: SocketType) -> io::Result<OwnedFd> {
    let flags = net::SocketFlags::CLOEXEC;
    Ok(net::socket_with(net::AddressFamily::UNIX, rustix_kind(kind), flags, None)?)
}

impl Service for Rustix {
    type Listener = OwnedFd;
    type Client = OwnedFd;
    fn bind(kind: SocketType, path: &Path) -> io::Result<OwnedFd> {
        let socket = rustix_socket(kind)?;
        net::bind(&socket, &net::SocketAddrUnix::new(path)?)?;
        net::listen(&socket, -1)?;
        Ok(socket)
    }
    fn accept(listener: &OwnedFd) -> io::Result<()> {
        net::accept_with(listener, net::SocketFlags::CLOEXEC)?;
        Ok(())
    }
    fn connect(kind: SocketType, path: &Path) -> io::Result<OwnedFd> {
        let socket = rustix_socket(kind)?;
        net::connect(&socket, &net::SocketAddrUnix::new(path)?)?;
        Ok(socket)
    }
    fn read(client: OwnedFd) -> io::Result<usize> {
        Ok(rustix::io::read(&client, &mut [0; 1])?)
    }
}

struct Std;

impl Service for Std {
    type Listener = UnixListener;
    type Client = UnixStream;
    fn bind(_: SocketType, path: &Path) -> io::Result<UnixListener> {
        UnixListener::bind(path)
    }
    fn accept(listener: &UnixListener) -> io::Result<()> {
        listener.accept().map(drop)
    }
    fn connect(_: SocketType, path: &Path) -> io::Result<UnixStream> {
        UnixStream::connect(path)
    }
    fn read(mut client: UnixStream) -> io::Result<usize> {
        client.read(&mut [0])
    }
}

struct Interprocess;

impl Service for Interprocess {
    type Listener = local_socket::Listener;
    type Client = local_socket::Stream;
    fn bind(_: SocketType, path: &Path) -> io::Result<local_socket::Listener> {
        ListenerOptions::new().name(path.to_fs_name::<GenericFilePath>()?).create_sync()
    }
    fn accept(listener: &local_socket::Listener) -> io::Result<()> {
        listener.accept().map(drop)
    }
    fn connect(_: SocketType, path: &Path) -> io::Result<local_socket::Stream> {
        local_socket::Stream::connect(path.to_fs_name::<GenericFilePath>()?)
    }
    fn read(mut client: local_socket::Stream) -> io::Result<usize> {
        client.read(&mut [0])
    }
}

struct Nix;

fn nix_new(kind: SocketType) -> io::Result<OwnedFd> {
    use nix_socket::{AddressFamily, SockFlag, socket};
    Ok(socket(AddressFamily::Unix, nix_kind(kind), SockFlag::SOCK_CLOEXEC, None)?)
}

impl Service for Nix {
    type Listener = OwnedFd;
    type Client = OwnedFd;
    fn bind(kind: SocketType, path: &Path) -> io::Result<OwnedFd> {
        let socket = nix_new(kind)?;
        nix_socket::bind(socket.as_raw_fd(), &nix_socket::UnixAddr::new(path)?)?;
        nix_socket::listen(&socket, nix_socket::Backlog::MAXALLOWABLE)?;
        Ok(socket)
    }
    fn accept(listener: &OwnedFd) -> io::Result<()> {
        use nix_socket::{SockFlag, accept4};
        Ok(nix::unistd::close(accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC)?)?)
    }
    fn connect(kind: SocketType, path: &Path) -> io::Result<OwnedFd> {
        let socket = nix_new(kind)?;
        nix_socket::connect(socket.as_raw_fd(), &nix_socket::UnixAddr::new(path)?)?;
        Ok(socket)
    }
    fn read(client: OwnedFd) -> io::Result<usize> {
        Ok(nix::unistd::read(&client, &mut [0])?)
    }
}

struct Socket2;

impl Service for Socket2 {
    type Listener = socket2::Socket;
    type Client = socket2::Socket;
    fn bind(kind: SocketType, path: &Path) -> io::Result<socket2::Socket> {
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2_kind(kind), None)?;
        socket.bind(&socket2::SockAddr::unix(path)?)?;
        socket.listen(-1)?;
        Ok(socket)
    }
    fn accept(listener: &socket2::Socket) -> io::Result<()> {
        listener.accept().map(drop)
    }
    fn connect(kind: SocketType, path: &Path) -> io::Result<socket2::Socket> {
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2_kind(kind), None)?;
        socket.connect(&socket2::SockAddr::unix(path)?)?;
        Ok(socket)
    }
    fn read(mut client: socket2::Socket) -> io::Result<usize> {
        client.read(&mut [0])
    }
}

struct Uds;

impl Service for Uds {
    type Listener = UnixSeqpacketListener;
    type Client = UnixSeqpacketConn;
    fn bind(_: SocketType, path: &Path) -> io::Result<UnixSeqpacketListener> {
        UnixSeqpacketListener::bind(path)
    }
    fn accept(listener: &UnixSeqpacketListener) -> io::Result<()> {
        listener.accept_unix_addr().map(drop)
    }
    fn connect(_: SocketType, path: &Path) -> io::Result<UnixSeqpacketConn> {
        UnixSeqpacketConn::connect(path)
    }
    fn read(client: UnixSeqpacketConn) -> io::Result<usize> {
        client.recv(&mut [0])
    }
}

struct SunpathStream;

impl Service for SunpathStream {
    type Listener = sunpath::Listener;
    type Client = sunpath::Stream;
    fn bind(_: SocketType, path: &Path) -> io::Result<sunpath::Listener> {
        Ok(sunpath::Listener::bind(path)?)
    }
    fn accept(listener: &sunpath::Listener) -> io::Result<()> {
        listener.accept()?;
        Ok(())
    }
    fn connect(_: SocketType, path: &Path) -> io::Result<sunpath::Stream> {
        Ok(sunpath::Stream::connect(path)?)
    }
    fn read(mut client: sunpath::Stream) -> io::Result<usize> {
        client.read(&mut [0])
    }
}

struct SunpathSeqPacket;

impl Service for SunpathSeqPacket {
    type Listener = sunpath::SeqPacketListener;
    type Client = sunpath::SeqPacket;
    fn bind(_: SocketType, path: &Path) -> io::Result<sunpath::SeqPacketListener> {
        Ok(sunpath::SeqPacketListener::bind(path)?)
    }
    fn accept(listener: &sunpath::SeqPacketListener) -> io::Result<()> {
        listener.accept()?;
        Ok(())
    }
    fn connect(_: SocketType, path: &Path) -> io::Result<sunpath::SeqPacket> {
        Ok(sunpath::SeqPacket::connect(path)?)
    }
    fn read(client: sunpath::SeqPacket) -> io::Result<usize> {
        Ok(client.recv(&mut [0])?.bytes)
    }
}
