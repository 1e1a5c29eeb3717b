//! What to ask about a socket: the address that a client would use.

use super::row::Row;
use crate::args::Why;
use crate::cmd::why;
use crate::render::text::wrap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use sunpath::list::{Listing, Socket};
use sunpath::text::escape;
use sunpath::{Address, Call, Endpoint, SocketType};

/// A question for `sunpath why`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The socket, by inode number.
    pub inode: u32,
    /// What stands above the answer.
    pub title: String,
    /// Nothing, if neither the socket nor its peer has a name.
    asked: Option<Asked>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    address: Address,
    kind: SocketType,
    /// From where it is asked: another place has other namespaces, and a relative path begins in
    /// its working directory.
    from: Option<u32>,
}

impl Question {
    /// About the socket's own name, or that of its peer.
    pub fn about(row: &Row, listing: &Listing) -> Question {
        let socket = listing.socket(row.inode);
        let peer = socket.and_then(|socket| listing.peer(socket));
        let own = row.name.as_deref().map(|name| (name, socket));
        let named = own.or_else(|| peer.and_then(|peer| Some((peer.name.as_deref()?, Some(peer)))));
        let title = match &named {
            Some(([0, rest @ ..], _)) => format!("@{}", escape(rest)),
            Some((path, _)) => escape(path),
            None => format!("socket {}", row.inode),
        };
        let asked = named.map(|(name, socket)| Asked {
            address: match name {
                [0, rest @ ..] => Address::Abstract(rest.to_vec()),
                path => Address::Path(path.to_vec()),
            },
            kind: row.kind,
            from: socket.and_then(|socket| from(name, socket, listing)),
        });
        Question { inode: row.inode, title, asked }
    }

    /// The answer, as `sunpath why` gives it for this width. Takes up to a second.
    pub fn answer(&self, width: usize) -> String {
        let Some(asked) = &self.asked else {
            let nothing = "This socket has no name, and neither has its peer: there is no address \
                           to ask about.";
            return wrap(nothing, 0, width);
        };
        let (Address::Path(name) | Address::Abstract(name)) = &asked.address else {
            return String::new();
        };
        let args = Why {
            address: OsStr::from_bytes(name).into(),
            user: None,
            pid: asked.from,
            socket: Some(asked.kind),
            call: if asked.kind == SocketType::Datagram { Call::Send } else { Call::Connect },
            error: None,
            connect: false,
            json: false,
        };
        why::page(&args, &Endpoint::Unix(asked.address.clone()), width)
    }
}

/// The process from whose place the name has to be looked up, if not from here.
fn from(name: &[u8], socket: &Socket, listing: &Listing) -> Option<u32> {
    let relative = !matches!(name.first(), Some(0 | b'/'));
    let elsewhere = listing.namespaces.first().is_some_and(|home| *home != socket.namespace);
    let holder = listing.holders(socket).first()?;
    (relative || elsewhere).then_some(holder.pid)
}
