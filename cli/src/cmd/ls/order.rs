//! The order of a listing.

use crate::args::Key;
use crate::select::{Stage, queue};
use std::cmp::{Ordering, Reverse};
use sunpath::list::{Listing, Socket};

/// Sorts sockets. Those that are equal stay in the order of their inode numbers.
pub fn sort(sockets: &mut [&Socket], listing: &Listing, key: Key, reverse: bool) {
    let process = |socket: &Socket| {
        let pid = first(listing, socket)?;
        listing.processes.get(&pid).map(|process| (&process.name, pid))
    };
    let user = |socket: &Socket| {
        let pid = first(listing, socket);
        pid.and_then(|pid| listing.processes.get(&pid)?.uid).or(socket.uid)
    };
    let peer = |socket: &Socket| first(listing, listing.peer(socket)?);
    match key {
        Key::State => by(sockets, reverse, |s| (Stage::of(s), last(s.name.as_deref()))),
        Key::Name => by(sockets, reverse, |s| last(s.name.as_deref())),
        Key::Type => by(sockets, reverse, |s| s.kind.name()),
        Key::Queue => by(sockets, reverse, |s| Reverse(queue(s))),
        Key::Backlog => by(sockets, reverse, |s| Reverse(Full::of(s))),
        Key::Process => by(sockets, reverse, |s| last(process(s))),
        Key::Pid => by(sockets, reverse, |s| last(first(listing, s))),
        Key::User => by(sockets, reverse, |s| last(user(s))),
        Key::Peer => by(sockets, reverse, |s| last(peer(s))),
        Key::Inode => by(sockets, reverse, |s| s.inode),
    }
}

fn by<'a, K: Ord>(sockets: &mut [&'a Socket], reverse: bool, key: impl Fn(&'a Socket) -> K) {
    if reverse {
        sockets.sort_by_key(|socket| Reverse(key(socket)));
    } else {
        sockets.sort_by_key(|socket| key(socket));
    }
}

/// The first process that holds a socket.
fn first(listing: &Listing, socket: &Socket) -> Option<u32> {
    listing.holders(socket).first().map(|holder| holder.pid)
}

/// What there is first, what is missing last.
fn last<T>(value: Option<T>) -> (bool, Option<T>) {
    (value.is_none(), value)
}

/// How full a backlog is: connections against the limit.
#[derive(PartialEq, Eq)]
struct Full {
    pending: u64,
    /// The kernel admits one more than the limit.
    room: u64,
}

impl Full {
    fn of(socket: &Socket) -> Option<Full> {
        let backlog = socket.backlog?;
        Some(Full { pending: backlog.pending.into(), room: u64::from(backlog.limit) + 1 })
    }
}

impl Ord for Full {
    fn cmp(&self, other: &Full) -> Ordering {
        let (one, two) = (self.pending * other.room, other.pending * self.room);
        one.cmp(&two).then(self.pending.cmp(&other.pending)).then(other.room.cmp(&self.room))
    }
}

impl PartialOrd for Full {
    fn partial_cmp(&self, other: &Full) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backlogs_are_compared_by_how_full_they_are() {
        let full = |pending, limit: u64| Full { pending, room: limit + 1 };
        assert!(full(2, 1) > full(100, 127));
        assert!(full(128, 127) > full(2, 1));
        assert!(full(0, 5) > full(0, 50));
        let most = u64::from(u32::MAX);
        assert!(full(most, most) < full(most, 1));
    }
}
