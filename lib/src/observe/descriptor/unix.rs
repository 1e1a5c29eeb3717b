//! A UNIX domain socket of the caller, and its peer.

use crate::fact::socket::{Backlog, Directions, OwnSocket, Peer, State};
use crate::fact::{Process, Seen, Unseen};
use crate::observe::diag::{self, Record, States, show};
use crate::observe::netlink::Client;
use crate::observe::{process, system};
use crate::sys::{Result, option, socket};
use crate::{Errno, SocketType};
use rustix::event::PollFlags;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// What the socket table says of one socket.
struct Entry {
    shutdown: Directions,
    peer: Option<u32>,
    queue: Option<(u32, u32)>,
}

impl Entry {
    /// `None` if there is no table, or the socket is not in that of this network namespace.
    fn of(client: &mut Client, inode: u64) -> Option<Entry> {
        let copy = |record: &Record<'_>| {
            Some(Entry { shutdown: record.shutdown, peer: record.peer, queue: record.queue })
        };
        let inode = u32::try_from(inode).ok()?;
        diag::exact(client, inode, show::PEER | show::QUEUE, copy).ok()?
    }
}

/// Fills in what is special to the family.
pub(super) fn fill(fd: BorrowedFd<'_>, ready: PollFlags, own: &mut OwnSocket) -> Result<()> {
    own.name = socket::getsockname(fd)?.sun_path().to_vec();
    // The only error that a UNIX domain socket can have waiting.
    let reset = ready.contains(PollFlags::ERR).then_some(Errno::ECONNRESET);
    own.pending_error = Seen::Known(reset);
    let mut client = Client::sockets().ok();
    let entry = client.as_mut().and_then(|client| Entry::of(client, own.inode));
    own.shutdown = match &entry {
        Some(entry) => Seen::Known(entry.shutdown),
        None => directions(own.kind, own.state, ready),
    };
    own.backlog = entry
        .as_ref()
        .and_then(|entry| entry.queue)
        .filter(|_| own.state == State::Listening)
        .map(|(pending, limit)| Backlog { pending, limit });
    own.peer = match (own.state, entry, client) {
        (State::Connected, Some(entry), Some(mut client)) => {
            Seen::Known(Some(peer(fd, ready, own, &entry, &mut client)))
        }
        (State::Connected, ..) => {
            let process = peer_process(fd, 0);
            Seen::Known(Some(Peer { process, ..Peer::default() }))
        }
        (State::Unconnected | State::Listening, ..) => Seen::Known(None),
    };
    Ok(())
}

/// Which directions are shut down, as far as `poll` tells: `POLLRDHUP` is receiving, `POLLHUP`
/// is both, but also any stream that is not connected.
fn directions(kind: SocketType, state: State, ready: PollFlags) -> Seen<Directions> {
    let read = ready.contains(PollFlags::RDHUP);
    let unconnected = kind != SocketType::Datagram && state == State::Unconnected;
    match (read, ready.contains(PollFlags::HUP)) {
        (true, true) if !unconnected => Seen::Known(Directions { read, write: true }),
        (true, false) => Seen::Known(Directions { read, write: false }),
        _ => Seen::Unseen(Unseen::Absent { what: "sock_diag, or the socket in its table" }),
    }
}

/// The other end.
fn peer(
    fd: BorrowedFd<'_>,
    ready: PollFlags,
    own: &OwnSocket,
    entry: &Entry,
    client: &mut Client,
) -> Peer {
    let name = socket::getpeername(fd).map(|name| name.sun_path().to_vec());
    let name = name.map_or(Seen::Unseen(Unseen::Changed), Seen::Known);
    let mut peer = Peer { name, ..Peer::default() };
    match entry.peer {
        Some(0) => match waits_to_be_accepted(own, entry, client) {
            Some(true) => (peer.inode, peer.closed) = (0.into(), false.into()),
            Some(false) => peer.closed = true.into(),
            None => {}
        },
        Some(inode) => {
            (peer.inode, peer.closed) = (u64::from(inode).into(), false.into());
            if let Some(other) = Entry::of(client, inode.into()) {
                peer.shutdown = other.shutdown.into();
                let back = other.peer.map(|inode| u64::from(inode) == own.inode);
                peer.mutual = (back == Some(true)).into();
                peer.elsewhere = (back == Some(false)).into();
            }
        }
        None => peer.inode = Seen::Unseen(Unseen::Changed),
    }
    peer.queue = queue(ready, own, &peer);
    peer.process = peer_process(fd, peer.inode.known().copied().unwrap_or_default());
    peer
}

/// Whether the peer, which nobody has open, is a connection that waits to be accepted: otherwise
/// it was closed. `None` if that cannot be told.
///
/// A peer that closes shuts both directions down; so does the owner, perhaps, but then a listener
/// has the connection in its queue.
fn waits_to_be_accepted(own: &OwnSocket, entry: &Entry, client: &mut Client) -> Option<bool> {
    if own.kind == SocketType::Datagram {
        return Some(false);
    }
    if !(entry.shutdown.read && entry.shutdown.write) {
        return Some(true);
    }
    let has_it = |record: &Record<'_>| {
        let mut waiting = record.waiting.iter().flatten();
        waiting.any(|client| u64::from(*client) == own.inode).then_some(())
    };
    let queues = diag::dump(client, States::LISTENING, show::WAITING, has_it).ok()?;
    Some(!queues.is_empty())
}

/// The queue of a receiver of datagrams, if it is full: no table shows how many messages wait in
/// it, but a sender that has buffer left and yet cannot write waits for the receiver.
fn queue(ready: PollFlags, own: &OwnSocket, peer: &Peer) -> Seen<Backlog> {
    let has_buffer = own.unread_by_peer.is(|used| used.saturating_mul(4) <= own.send_buffer);
    let waits = own.kind == SocketType::Datagram && !ready.contains(PollFlags::OUT);
    if !(has_buffer && waits && peer.mutual.is(|mutual| !mutual)) {
        return Seen::default();
    }
    let limit = system::setting::<u32>("net/unix/max_dgram_qlen");
    limit.map(|limit| Backlog { pending: limit.saturating_add(1), limit })
}

/// The process that the kernel recorded as the peer, if it is still the same.
fn peer_process(fd: BorrowedFd<'_>, inode: u64) -> Seen<Process> {
    let pid = match option::peer_credentials(fd).map(|peer| u32::try_from(peer.pid)) {
        Ok(Ok(pid)) if pid > 0 => pid,
        _ => return Seen::Unseen(Unseen::Absent { what: "a record of the peer's process" }),
    };
    // Its number may belong to another process by now; a descriptor of it does not. Before
    // Linux 6.5 there is none, and the number has to do.
    let ended = option::peer_pidfd(fd)
        .and_then(|process| socket::poll(process.as_fd(), PollFlags::IN, Duration::ZERO))
        .is_ok_and(|ready| ready.contains(PollFlags::IN));
    match process::describe(pid, None, inode) {
        Some(process) if !ended => Seen::Known(process),
        _ => Seen::Unseen(Unseen::Changed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poll_tells_of_shut_directions_what_it_can() {
        let (stream, datagram) = (SocketType::Stream, SocketType::Datagram);
        let (connected, unconnected) = (State::Connected, State::Unconnected);
        let both = PollFlags::HUP | PollFlags::RDHUP;
        let known = |read, write| Some(Directions { read, write });
        let cases = [
            (stream, connected, both, known(true, true)),
            (stream, connected, PollFlags::RDHUP, known(true, false)),
            (stream, connected, PollFlags::OUT, None),
            (stream, unconnected, both, None),
            (stream, unconnected, PollFlags::HUP, None),
            (stream, State::Listening, both, known(true, true)),
            (datagram, unconnected, both, known(true, true)),
            (datagram, connected, PollFlags::OUT, None),
        ];
        for (kind, state, ready, expected) in cases {
            assert_eq!(directions(kind, state, ready).known().copied(), expected, "{ready:?}");
        }
    }
}
