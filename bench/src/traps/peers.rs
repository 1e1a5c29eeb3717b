//! How each library connects to a path and listens on one, in its usual way.

use interprocess::local_socket::{ConnectOptions, GenericFilePath, ListenerOptions, ToFsName};
use nix::sys::socket as nix_socket;
use rustix::net::{SocketAddrUnix, SocketFlags, SocketType};
use std::any::Any;
use std::error::Error;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// What a library says of a call.
pub type Said<T> = Result<T, Box<dyn Error>>;

/// Connects to a path, or says why not.
pub type Connect = fn(&Path) -> Said<Box<dyn Any>>;

/// Listens on a path for as long as what it returns lives.
pub type Listen = fn(&Path) -> Said<Box<dyn Any>>;

/// Keeps a socket open, whatever it is.
fn held<T: Any, E: Error + 'static>(socket: Result<T, E>) -> Said<Box<dyn Any>> {
    Ok(Box::new(socket?))
}

pub fn std_connect(path: &Path) -> Said<Box<dyn Any>> {
    held(std::os::unix::net::UnixStream::connect(path))
}

pub fn std_listen(path: &Path) -> Said<Box<dyn Any>> {
    held(std::os::unix::net::UnixListener::bind(path))
}

fn nix_stream() -> nix::Result<OwnedFd> {
    let (family, kind) = (nix_socket::AddressFamily::Unix, nix_socket::SockType::Stream);
    nix_socket::socket(family, kind, nix_socket::SockFlag::SOCK_CLOEXEC, None)
}

pub fn nix_connect(path: &Path) -> Said<Box<dyn Any>> {
    let socket = nix_stream()?;
    nix_socket::connect(socket.as_raw_fd(), &nix_socket::UnixAddr::new(path)?)?;
    Ok(Box::new(socket))
}

pub fn nix_listen(path: &Path) -> Said<Box<dyn Any>> {
    let socket = nix_stream()?;
    nix_socket::bind(socket.as_raw_fd(), &nix_socket::UnixAddr::new(path)?)?;
    nix_socket::listen(&socket, nix_socket::Backlog::MAXCONN)?;
    Ok(Box::new(socket))
}

fn rustix_stream() -> std::io::Result<OwnedFd> {
    super::tools::socket(SocketType::STREAM, SocketFlags::empty())
}

pub fn rustix_connect(path: &Path) -> Said<Box<dyn Any>> {
    let socket = rustix_stream()?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(Box::new(socket))
}

pub fn rustix_listen(path: &Path) -> Said<Box<dyn Any>> {
    let socket = rustix_stream()?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    rustix::net::listen(&socket, 100)?;
    Ok(Box::new(socket))
}

pub fn uds_connect(path: &Path) -> Said<Box<dyn Any>> {
    held(uds::UnixSeqpacketConn::connect(path))
}

pub fn uds_listen(path: &Path) -> Said<Box<dyn Any>> {
    held(uds::UnixSeqpacketListener::bind(path))
}

fn socket2_stream() -> std::io::Result<socket2::Socket> {
    socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)
}

pub fn socket2_connect(path: &Path) -> Said<Box<dyn Any>> {
    let socket = socket2_stream()?;
    socket.connect(&socket2::SockAddr::unix(path)?)?;
    Ok(Box::new(socket))
}

pub fn socket2_listen(path: &Path) -> Said<Box<dyn Any>> {
    let socket = socket2_stream()?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    socket.listen(100)?;
    Ok(Box::new(socket))
}

/// A runtime for one socket, which is kept alive with it.
fn in_tokio<T: Any>(work: impl Future<Output = std::io::Result<T>>) -> Said<Box<dyn Any>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let socket = runtime.block_on(work)?;
    Ok(Box::new((socket, runtime)))
}

pub fn tokio_connect(path: &Path) -> Said<Box<dyn Any>> {
    in_tokio(tokio::net::UnixStream::connect(path))
}

pub fn tokio_listen(path: &Path) -> Said<Box<dyn Any>> {
    in_tokio(async { tokio::net::UnixListener::bind(path) })
}

pub fn tokio_seqpacket_connect(path: &Path) -> Said<Box<dyn Any>> {
    in_tokio(tokio_seqpacket::UnixSeqpacket::connect(path))
}

pub fn tokio_seqpacket_listen(path: &Path) -> Said<Box<dyn Any>> {
    in_tokio(async { tokio_seqpacket::UnixSeqpacketListener::bind(path) })
}

pub fn interprocess_connect(path: &Path) -> Said<Box<dyn Any>> {
    let name = path.to_fs_name::<GenericFilePath>()?;
    held(ConnectOptions::new().name(name).connect_sync())
}

pub fn interprocess_listen(path: &Path) -> Said<Box<dyn Any>> {
    let name = path.to_fs_name::<GenericFilePath>()?;
    held(ListenerOptions::new().name(name).create_sync())
}

pub fn ipc_channel_connect(path: &Path) -> Said<Box<dyn Any>> {
    held(ipc_channel::ipc::IpcSender::<()>::connect(path.display().to_string()))
}

pub fn sunpath_connect(path: &Path) -> Said<Box<dyn Any>> {
    held(sunpath::Stream::connect(path))
}

pub fn sunpath_listen(path: &Path) -> Said<Box<dyn Any>> {
    held(sunpath::Listener::bind(path))
}
