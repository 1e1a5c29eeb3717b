//! Internet sockets. Root gets a network namespace of its own; an ordinary user makes do with the
//! machine's loopback interface and ports that the kernel picks.

mod address;
mod answer;
mod attempt;
mod destroy;
mod port;
mod route;
mod transfer;
mod tun;

use super::{Look, Recipe};
use crate::stage::{Step, Trouble, place};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use sunpath::sys::name::Name;
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Call, Endpoint, SocketType};

/// The recipes, file by file.
pub const RECIPES: &[&[Recipe]] = &[
    attempt::RECIPES,
    address::RECIPES,
    route::RECIPES,
    port::RECIPES,
    answer::RECIPES,
    transfer::RECIPES,
];

/// Other ways to come by some of these causes.
pub const EXTRAS: &[Recipe] = route::EXTRAS;

/// A network in which loopback is up: one of this process's own, if it may make one.
fn network() -> Result<(), Trouble> {
    if place::is_root() { place::own_network() } else { Ok(()) }
}

fn new(kind: SocketType, flags: SocketFlags) -> Result<OwnedFd, Trouble> {
    socket::socket(kind, flags).step("make a socket")
}

fn tcp() -> Result<OwnedFd, Trouble> {
    new(SocketType::Tcp, SocketFlags::empty())
}

fn udp() -> Result<OwnedFd, Trouble> {
    new(SocketType::Udp, SocketFlags::empty())
}

/// A TCP socket that does not wait.
fn hasty() -> Result<OwnedFd, Trouble> {
    new(SocketType::Tcp, SocketFlags::NONBLOCK)
}

/// A socket bound to a port of loopback that the kernel picked, and its address.
fn bound(kind: SocketType) -> Result<(OwnedFd, SocketAddr), Trouble> {
    let fd = new(kind, SocketFlags::empty())?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket::bind(&fd, &Name::internet(&any)).step("bind to loopback")?;
    let name = socket::getsockname(&fd).step("read the own address")?;
    let at = name.to_internet().ok_or_else(|| Trouble::Failed("no internet address".into()))?;
    Ok((fd, at))
}

/// A listener on loopback, and its address.
fn listener(backlog: i32) -> Result<(OwnedFd, SocketAddr), Trouble> {
    let (fd, at) = bound(SocketType::Tcp)?;
    socket::listen(&fd, backlog).step("listen")?;
    Ok((fd, at))
}

/// A listener whose accept queue is full, its address, and the client that waits in it. Requests
/// to connect are dropped from now on.
fn full() -> Result<(OwnedFd, SocketAddr, OwnedFd), Trouble> {
    let (server, at) = listener(0)?;
    let first = tcp()?;
    connect(&first, at)?;
    Ok((server, at, first))
}

/// A connection: the listener, the client's end and the server's end.
fn connection() -> Result<(OwnedFd, OwnedFd, OwnedFd), Trouble> {
    let (server, at) = listener(1)?;
    let client = tcp()?;
    connect(&client, at)?;
    let accepted = socket::accept(&server, SocketFlags::empty()).step("accept")?;
    Ok((server, client, accepted))
}

/// A port of loopback on which nobody listens, and what keeps others from taking it.
fn closed(kind: SocketType) -> Result<(Option<OwnedFd>, SocketAddr), Trouble> {
    let (fd, at) = bound(kind)?;
    // A bound TCP socket that does not listen refuses; a bound UDP socket takes what comes.
    let guard = (kind == SocketType::Tcp).then_some(fd);
    Ok((guard, at))
}

fn connect(fd: &OwnedFd, to: SocketAddr) -> Result<(), Trouble> {
    socket::connect(fd, &Name::internet(&to)).step("connect")
}

fn endpoint(transport: SocketType, at: SocketAddr) -> Endpoint {
    Endpoint::Inet { transport, host: at.ip().to_string(), port: at.port() }
}

/// A call on this TCP socket.
fn look(call: Call, fd: &OwnedFd) -> Look<'_> {
    Look::new(call, SocketType::Tcp).descriptor(fd)
}
