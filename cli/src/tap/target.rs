//! The server behind the tap.

use super::socket::Socket;
use crate::out::Stop;
use crate::render::text::quoted;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use sunpath::fact::Arguments;
use sunpath::fact::socket::State;
use sunpath::list::{What, list};
use sunpath::observe::{As, Bound, Query, bound_to, observe};
use sunpath::sys::file;
use sunpath::{Address, Call, Endpoint, Error, Outcome, SeqPacket, SocketType, Stream, diagnose};

/// Reads an address; it must be one of a UNIX domain socket.
pub fn address(text: &OsStr) -> Result<Address, Stop> {
    let shown = || quoted(text.as_bytes());
    match Endpoint::parse(text.as_bytes()) {
        Ok(Endpoint::Unix(address)) => Ok(address),
        Ok(Endpoint::Inet { .. }) => {
            Err(Stop::usage(format!("{} is no address of a UNIX domain socket", shown())))
        }
        Err(why) => Err(Stop::usage(format!("cannot read the address {}: {why}", shown()))),
    }
}

/// The type of the socket at an address; `None` if that cannot be seen. Nobody is connected to.
pub fn kind_of(address: &Address) -> Option<SocketType> {
    match address {
        Address::Path(path) => {
            let opened = file::open_path_following(file::WORKING_DIRECTORY, path).ok()?;
            match bound_to(opened.as_fd())? {
                Bound::Socket { kind, .. } => Some(kind),
                Bound::Nobody => None,
            }
        }
        Address::Abstract(name) => {
            let all = list(&What { holders: false, ..What::default() });
            let named = |socket: &&sunpath::list::Socket| {
                socket.abstract_name() == Some(name) && socket.state != State::Connected
            };
            all.sockets.iter().find(named).map(|socket| socket.kind)
        }
        Address::Unnamed => None,
    }
}

/// Why no client could be served now; `None` if nothing shows that one could not. Nobody is
/// connected to.
pub fn missing(address: &Address, kind: SocketType) -> Option<String> {
    let query = Query {
        call: if kind == SocketType::Datagram { Call::Send } else { Call::Connect },
        socket: kind,
        endpoint: Some(Endpoint::Unix(address.clone())),
        caller: As::Myself,
        descriptor: None,
        arguments: Arguments::default(),
    };
    let diagnosis = diagnose(query.call, kind, None, &observe(&query).ok()?);
    let Outcome::Fails(errno) = diagnosis.outcome else { return None };
    let cause = diagnosis.causes.first()?.cause;
    Some(format!("{} ({errno}, {})", cause.title, cause.id))
}

/// A new connection to the server. It waits while the server's backlog is full, as the client would.
pub fn connect(address: &Address, kind: SocketType) -> Result<Socket, Error> {
    match kind {
        SocketType::SeqPacket => {
            SeqPacket::options().pass_rights(true).connect(address).map(Socket::Packet)
        }
        _ => Stream::options().pass_rights(true).connect(address).map(Socket::Stream),
    }
}
