//! Who talks to whom.
//!
//! ```text
//!   Listing ── select ──► sockets ──► graph ─┬──────────────────► text, dot, json
//!                                            └─ layout ──► svg ──► html (page.html, .css, .js)
//! ```
//! Names come from strangers: each output escapes them for its own language, after `label` has
//! escaped what no reader should ever obey.

pub mod dot;
pub mod graph;
pub mod html;
mod label;
mod layout;
pub mod svg;
pub mod text;

use crate::select::{Filter, Stage};
use crate::users::Users;
use graph::build::realm;
use graph::{Graph, Process, Processes, Socket};
use std::collections::{HashMap, HashSet};
use sunpath::fact::path::FileId;
use sunpath::list::{self, Listing, Peer};

/// What the outputs are made from.
pub struct Map<'a> {
    pub graph: Graph,
    pub users: &'a Users,
    pub listing: &'a Listing,
}

/// The sockets that are wanted, those at their other ends, those that point at them, and where a
/// listener is wanted, its connections.
pub fn sockets(listing: &Listing, filter: &Filter) -> Vec<Socket> {
    let listeners = listeners(listing);
    let listener = |s: &list::Socket| listeners.get(&bound(s)?).copied();
    let mut wanted: HashSet<u32> = HashSet::new();
    let mut kept: HashSet<u32> = HashSet::new();
    for socket in listing.sockets.iter().filter(|s| filter.wants(listing, s)) {
        wanted.insert(socket.inode);
        kept.extend(socket.waits_at.or_else(|| listener(socket)));
    }
    wanted.remove(&NUMBERLESS);
    for socket in &listing.sockets {
        let touches = [Some(socket.inode), target(socket), listener(socket)];
        let waits = socket.waits_at.is_some() && filter.wants(listing, socket);
        if waits || touches.into_iter().flatten().any(|inode| wanted.contains(&inode)) {
            kept.insert(socket.inode);
            kept.extend(target(socket));
        }
    }
    kept.remove(&NUMBERLESS);
    let shown = listing.sockets.iter().filter(|s| kept.contains(&s.waits_at.unwrap_or(s.inode)));
    shown.map(|socket| part(listing, socket)).collect()
}

/// The inode number of connections that wait to be accepted, and of what is not known.
const NUMBERLESS: u32 = 0;

/// The socket to which this one is connected, or at which it waits.
fn target(socket: &list::Socket) -> Option<u32> {
    match socket.peer? {
        Peer::Socket(inode) | Peer::AtListener(inode) => Some(inode),
        Peer::Gone => None,
    }
}

/// What a listener and the connections have in common that it has accepted.
type Bound<'a> = (Option<u64>, &'a [u8], Option<FileId>);

fn bound(socket: &list::Socket) -> Option<Bound<'_>> {
    Some((realm(socket.namespace, socket.file), socket.name.as_deref()?, socket.file))
}

fn listeners(listing: &Listing) -> HashMap<Bound<'_>, u32> {
    let listening = listing.sockets.iter().filter(|s| s.backlog.is_some());
    listening.filter_map(|s| Some((bound(s)?, s.inode))).collect()
}

fn part(listing: &Listing, socket: &list::Socket) -> Socket {
    Socket {
        inode: socket.inode,
        namespace: socket.namespace,
        kind: socket.kind,
        stage: Stage::of(socket),
        name: socket.name.clone(),
        file: socket.file,
        peer: socket.peer,
        backlog: socket.backlog,
        unread: socket.unread,
        in_flight: socket.in_flight,
        waits_at: socket.waits_at,
        holders: listing.holders(socket).to_vec(),
    }
}

/// The processes of a listing.
pub fn processes(listing: &Listing) -> Processes {
    let known = listing.processes.values();
    known.map(|p| (p.pid, Process { name: p.name.clone(), uid: p.uid })).collect()
}
