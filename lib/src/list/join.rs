//! Brings sockets, holders and clients together.

use super::holders::Held;
use super::socket::{Peer, Socket};
use super::tables::Tables;
use super::{Holder, Listing};
use crate::SocketType;
use crate::fact::socket::State;
use crate::observe::process;
use std::collections::{HashMap, HashSet};

/// The kernel tells fewer sockets than that in one piece.
const ONE_PIECE: usize = 50;

/// How sockets are asked for once more.
pub(super) struct Again<F> {
    /// At most so often.
    pub most: usize,
    /// Asks.
    pub ask: F,
}

/// The listing of these sockets, held so. `is_unix`: whether a number of a socket that is held is
/// that of one of this family, or may be.
///
/// The kernel tells its table piece by piece, and goes on by counting: a socket that is closed
/// meanwhile makes it pass over another. If one that is held, or somebody's peer, was not told, it
/// is asked again, and what is told any time is there.
pub(super) fn join(
    tables: Tables,
    held: &[Held],
    is_unix: impl Fn(u32) -> bool,
    again: &Again<impl Fn() -> Vec<Socket>>,
) -> Listing {
    let Tables { mut sockets, namespaces, closed_namespaces, all_sockets } = tables;
    order(&mut sockets);
    for _ in 0..again.most {
        let whole = !lacks_held(&sockets, held, &is_unix) && !lacks_peers(&sockets);
        if sockets.len() <= ONE_PIECE || whole {
            break;
        }
        let before = sockets.len();
        // The connections that wait have no number by which one would be known twice.
        sockets.extend((again.ask)().into_iter().filter(|socket| socket.inode != 0));
        order(&mut sockets);
        // Nothing comes or goes: what is held besides is of another family.
        if sockets.len() == before {
            break;
        }
    }
    let holders = share(&mut sockets, held);
    let clients = clients(&sockets);
    for socket in sockets.iter_mut().filter(|s| s.peer == Some(Peer::Socket(0))) {
        socket.peer = Some(nameless(socket, &clients));
    }
    Listing { sockets, namespaces, closed_namespaces, all_sockets, holders, ..Listing::default() }
}

/// Sorts by inode number; each is there once.
pub(super) fn order(sockets: &mut Vec<Socket>) {
    if !sockets.is_sorted_by_key(|s| s.inode) {
        // The records are large: their keys are sorted first, and each record is moved once.
        sockets.sort_by_cached_key(|s| s.inode);
    }
    // A socket that was hashed anew during the dump may be shown twice.
    sockets.dedup_by(|a, b| a.inode == b.inode && a.inode != 0);
}

/// Whether a socket of this family is held that is none of these.
fn lacks_held(sockets: &[Socket], held: &[Held], is_unix: impl Fn(u32) -> bool) -> bool {
    let mut sockets = sockets.iter().peekable();
    held.iter().any(|(inode, _)| {
        while sockets.next_if(|socket| socket.inode < *inode).is_some() {}
        sockets.peek().is_none_or(|socket| socket.inode != *inode) && is_unix(*inode)
    })
}

/// Whether a peer is none of these.
fn lacks_peers(sockets: &[Socket]) -> bool {
    // Close together they are found many times as fast.
    let inodes: Vec<u32> = sockets.iter().map(|s| s.inode).collect();
    sockets.iter().any(|socket| match socket.peer {
        Some(Peer::Socket(peer)) if peer != 0 => inodes.binary_search(&peer).is_err(),
        _ => false,
    })
}

/// Gives each socket its part of the holders; those of other families' sockets fall out.
fn share(sockets: &mut [Socket], held: &[Held]) -> Vec<Holder> {
    let mut holders = Vec::with_capacity(held.len());
    let mut rest = held.iter().peekable();
    for socket in sockets.iter_mut().skip_while(|s| s.inode == 0) {
        while rest.next_if(|(inode, _)| *inode < socket.inode).is_some() {}
        let start = holders.len();
        while let Some((_, holder)) = rest.next_if(|(inode, _)| *inode == socket.inode) {
            holders.push(*holder);
        }
        socket.held = start..holders.len();
    }
    holders
}

/// The listener at which each client waits.
fn clients(sockets: &[Socket]) -> HashMap<u32, u32> {
    let client = |s: &Socket| match (s.peer, s.waits_at) {
        (Some(Peer::Socket(client)), Some(listener)) => Some((client, listener)),
        _ => None,
    };
    sockets.iter().take_while(|s| s.inode == 0).filter_map(client).collect()
}

/// The other end of a connection whose peer has no inode number: it waits to be accepted, or it is
/// closed. A peer that closes shuts the other end down.
fn nameless(socket: &Socket, clients: &HashMap<u32, u32>) -> Peer {
    match clients.get(&socket.inode) {
        Some(listener) => Peer::AtListener(*listener),
        None if socket.kind == SocketType::Datagram || socket.shutdown.read => Peer::Gone,
        None => Peer::AtListener(0),
    }
}

/// Fills in how many descriptors wait in the queues of the sockets that are held.
pub(super) fn count_in_flight(listing: &mut Listing) {
    let holders = std::mem::take(&mut listing.holders);
    // Of these nothing is on its way to anybody.
    let all = listing.sockets.iter();
    let idle = all.filter(|s| s.kind == SocketType::SeqPacket && s.unsent == Some(0));
    let idle: HashSet<u32> = idle.map(|s| s.inode).collect();
    for socket in &mut listing.sockets {
        // A message may be empty, and its length then shows nothing.
        let empty = socket.unread == Some(0)
            && match (socket.kind, socket.peer) {
                (SocketType::Stream, _) => true,
                (SocketType::SeqPacket, Some(Peer::Socket(peer))) => idle.contains(&peer),
                _ => false,
            };
        let holder = holders.get(socket.held.clone()).and_then(<[Holder]>::first);
        socket.in_flight = match holder {
            _ if empty || socket.state == State::Listening => Some(0),
            Some(holder) => process::descriptors_in_flight(holder.pid, holder.fd),
            None => None,
        };
    }
    listing.holders = holders;
}
