//! A socket as the view knows it.

use super::status::Status;
use super::waits::Waits;
use crate::select::{Filter, Stage};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use sunpath::SocketType;
use sunpath::fact::process::ProcessState;
use sunpath::fact::socket::Backlog;
use sunpath::list::{Listing, Peer, Socket};
use sunpath::text::escape;

/// A socket at one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its inode number.
    pub inode: u32,
    /// Its type.
    pub kind: SocketType,
    /// Its state.
    pub stage: Stage,
    /// Its name as bound.
    pub name: Option<Box<[u8]>>,
    /// Of a listener: connections that wait, and the limit.
    pub backlog: Option<Backlog>,
    /// What waits: connections of a listener, otherwise bytes.
    pub queued: u32,
    /// The first process that holds it.
    pub pid: Option<u32>,
    /// That process's name, escaped.
    pub process: Option<Arc<str>>,
    /// That process's user, or the one that made the socket.
    pub uid: Option<u32>,
    /// Every process that is known to hold it is stopped.
    pub stopped: bool,
    /// For how long its queue has not been empty, as far as was seen.
    pub waited: Duration,
    /// For how long its queue has not moved, as far as was seen.
    pub unmoved: Duration,
    /// What is wrong.
    pub status: Status,
}

/// The sockets of a listing that are wanted, with how long their queues have waited. Connections
/// that wait to be accepted are part of their listener.
pub fn rows(listing: &Listing, filter: &Filter, waits: &mut Waits, now: Instant) -> Vec<Row> {
    let queues = queues(listing);
    let mut names: HashMap<u32, Arc<str>> = HashMap::new();
    let own = std::process::id();
    // Those with which the view waits for keys and signals are of no interest.
    let mine = |s: &Socket| {
        let holders = listing.holders(s);
        !holders.is_empty() && holders.iter().all(|holder| holder.pid == own)
    };
    let sockets = listing.sockets.iter().filter(|s| s.inode != 0 && !mine(s));
    let mut rows: Vec<Row> = sockets.map(|socket| row(listing, socket, &mut names)).collect();
    // Every queue is followed, whether it is shown or not: a filter may be changed.
    waits.follow(&mut rows, &queues, now);
    if !filter.takes_all() {
        rows.retain(|row| listing.socket(row.inode).is_some_and(|s| filter.wants(listing, s)));
    }
    for row in &mut rows {
        row.status = Status::of(row);
    }
    rows
}

/// The clients in the queue of each listener; 0 for one that has left.
fn queues(listing: &Listing) -> HashMap<u32, Vec<u32>> {
    let mut queues: HashMap<u32, Vec<u32>> = HashMap::new();
    for socket in listing.sockets.iter().take_while(|s| s.inode == 0) {
        let client = match socket.peer {
            Some(Peer::Socket(client)) => client,
            _ => 0,
        };
        queues.entry(socket.waits_at.unwrap_or_default()).or_default().push(client);
    }
    queues
}

fn row(listing: &Listing, socket: &Socket, names: &mut HashMap<u32, Arc<str>>) -> Row {
    let holders = listing.holders(socket);
    let process = |pid: u32| listing.processes.get(&pid);
    let pid = holders.first().map(|holder| holder.pid);
    let first = pid.and_then(process);
    let is_stopped = |pid| {
        process(pid)
            .is_some_and(|p| matches!(p.state, ProcessState::Stopped | ProcessState::Traced))
    };
    Row {
        inode: socket.inode,
        kind: socket.kind,
        stage: Stage::of(socket),
        name: socket.name.clone(),
        backlog: socket.backlog,
        queued: crate::select::queue(socket).unwrap_or_default(),
        pid,
        process: first
            .map(|p| names.entry(p.pid).or_insert_with(|| escape(&p.name).into()).clone()),
        uid: first.and_then(|p| p.uid).or(socket.uid),
        stopped: !holders.is_empty() && holders.iter().all(|holder| is_stopped(holder.pid)),
        waited: Duration::ZERO,
        unmoved: Duration::ZERO,
        status: Status::Well,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    fn plain(inode: u32) -> Row {
        Row {
            inode,
            kind: SocketType::Stream,
            stage: Stage::Connected,
            name: None,
            backlog: None,
            queued: 0,
            pid: None,
            process: None,
            uid: None,
            stopped: false,
            waited: Duration::ZERO,
            unmoved: Duration::ZERO,
            status: Status::Well,
        }
    }

    /// A listener with so many waiting connections, and its limit.
    pub fn listener(inode: u32, pending: u32, limit: u32) -> Row {
        let backlog = Some(Backlog { pending, limit });
        Row { stage: Stage::Listening, backlog, queued: pending, ..plain(inode) }
    }

    /// A connection with so many unread bytes.
    pub fn connection(inode: u32, queued: u32) -> Row {
        Row { queued, ..plain(inode) }
    }
}
