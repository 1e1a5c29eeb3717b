//! `--connect`: one real attempt, closed at once.

use crate::failure::Told;
use crate::out::Stop;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::Duration;
use sunpath::sys::{self, errno, name::Name, option, socket};
use sunpath::{Address, Endpoint, Errno, SocketType, Symptom};

/// For how long an attempt may wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// What an attempt brought.
pub struct Attempt {
    /// How it failed; `None` if it did not.
    pub symptom: Option<Symptom>,
    /// What was done, in a sentence.
    pub note: String,
    /// Whether the call was told not to wait.
    pub nonblocking: Option<bool>,
}

impl Attempt {
    /// Whether a connection was made.
    pub fn succeeded(&self) -> bool {
        self.symptom.is_none()
    }
}

/// Connects once and closes at once.
pub fn connect(endpoint: &Endpoint, kind: SocketType) -> Result<Attempt, Stop> {
    match endpoint {
        Endpoint::Unix(address) => unix(address, kind),
        Endpoint::Inet { transport, host, port } => inet(*transport, host, *port),
    }
}

/// Never waits: a full backlog shows as `EAGAIN`.
fn unix(address: &Address, kind: SocketType) -> Result<Attempt, Stop> {
    let made = socket::socket(kind, socket::SocketFlags::NONBLOCK);
    let fd =
        made.map_err(|e| Stop::trouble(format!("cannot make a {kind} socket: {}", e.told())))?;
    let connected = Name::new(address).and_then(|name| socket::connect(&fd, &name));
    let (symptom, note) = match connected {
        Ok(()) => (None, made_note(&fd, kind)),
        Err(e) => {
            let errno = named(e)?;
            let note = format!("One non-blocking connect was tried: it failed with {errno}.");
            (Some(errno.into()), note)
        }
    };
    Ok(Attempt { symptom, note, nonblocking: Some(true) })
}

fn made_note(fd: &OwnedFd, kind: SocketType) -> String {
    if !kind.is_connection_oriented() {
        return format!("A {kind} socket was connected and closed at once; nothing was sent.");
    }
    let made = "One connection was made and closed at once";
    let rest = "It may remain in the backlog until the server accepts it.";
    match option::peer_credentials(fd) {
        Ok(peer) if peer.pid > 0 => {
            format!("{made}: the server's pid was {}, its uid {}. {rest}", peer.pid, peer.uid)
        }
        _ => format!("{made}. {rest}"),
    }
}

fn inet(transport: SocketType, host: &str, port: u16) -> Result<Attempt, Stop> {
    let addresses = (host, port).to_socket_addrs();
    let Some(address) = addresses.map_err(|e| unresolved(host, &e))?.next() else {
        return Err(unresolved(host, &io::Error::other("it has no address")));
    };
    let connected = match transport {
        SocketType::Udp => udp(address),
        _ => TcpStream::connect_timeout(&address, PATIENCE).map(drop),
    };
    let (symptom, note) = match connected {
        Ok(()) if transport == SocketType::Udp => {
            (None, format!("A socket was connected to {address}; nothing was sent."))
        }
        Ok(()) => (None, format!("One connection to {address} was made and closed at once.")),
        Err(e) if e.kind() == io::ErrorKind::TimedOut && e.raw_os_error().is_none() => {
            let note = format!("One connect to {address} was given up after {PATIENCE:?}.");
            (Some(Symptom::Hangs), note)
        }
        Err(e) => {
            let number = sys::Errno::from_io_error(&e).unwrap_or(sys::Errno::IO);
            let errno = named(number)?;
            (Some(errno.into()), format!("One connect to {address} failed with {errno}."))
        }
    };
    Ok(Attempt { symptom, note, nonblocking: None })
}

fn udp(address: SocketAddr) -> io::Result<()> {
    let any: SocketAddr = if address.is_ipv4() {
        (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    UdpSocket::bind(any)?.connect(address)
}

fn unresolved(host: &str, error: &io::Error) -> Stop {
    let host = crate::render::text::show(host.as_bytes());
    let error = sunpath::text::escape(error.to_string().as_bytes());
    Stop::Failed(
        crate::exit::Exit::Unknown,
        format!("no connection was tried: the host {host} could not be resolved: {error}"),
    )
}

fn named(number: sys::Errno) -> Result<Errno, Stop> {
    errno::name(number).ok_or_else(|| {
        Stop::Failed(
            crate::exit::Exit::Unknown,
            format!("connect failed with an error that no cause is known for: {}", number.told()),
        )
    })
}
