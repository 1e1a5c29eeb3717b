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
use sunpath::list::{Listing, Peer, Process, Socket};
use sunpath::text::escape;

/// A socket at one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its inode number.
    pub inode: u32,
    /// The number of its network namespace; 0 if that may not be seen.
    pub namespace: u64,
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
    let mut people = People::of(listing);
    let own = std::process::id();
    // Those with which the view waits for keys and signals are of no interest.
    let mine = |s: &Socket| {
        let holders = listing.holders(s);
        !holders.is_empty() && holders.iter().all(|holder| holder.pid == own)
    };
    let sockets = listing.sockets.iter().filter(|s| s.inode != 0 && !mine(s));
    let mut rows: Vec<Row> = sockets.map(|socket| row(listing, socket, &mut people)).collect();
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

/// What rows show of processes, by id.
struct People {
    all: Vec<(u32, Person)>,
    /// The place of the one that was asked for last: neighbours mostly belong to one process.
    last: usize,
}

struct Person {
    name: Arc<str>,
    uid: Option<u32>,
    stopped: bool,
}

impl People {
    fn of(listing: &Listing) -> People {
        let person = |process: &Process| Person {
            name: escape(&process.name).into(),
            uid: process.uid,
            stopped: matches!(process.state, ProcessState::Stopped | ProcessState::Traced),
        };
        let all = listing.processes.iter().map(|(pid, process)| (*pid, person(process)));
        People { all: all.collect(), last: 0 }
    }

    fn get(&mut self, pid: u32) -> Option<&Person> {
        if self.all.get(self.last).is_none_or(|(last, _)| *last != pid) {
            self.last = self.all.binary_search_by_key(&pid, |(pid, _)| *pid).ok()?;
        }
        self.all.get(self.last).map(|(_, person)| person)
    }
}

fn row(listing: &Listing, socket: &Socket, people: &mut People) -> Row {
    let holders = listing.holders(socket);
    let mut is_stopped = |pid| people.get(pid).is_some_and(|person| person.stopped);
    let stopped = !holders.is_empty() && holders.iter().all(|holder| is_stopped(holder.pid));
    let pid = holders.first().map(|holder| holder.pid);
    let first = pid.and_then(|pid| people.get(pid));
    Row {
        inode: socket.inode,
        namespace: socket.namespace,
        kind: socket.kind,
        stage: Stage::of(socket),
        name: socket.name.clone(),
        backlog: socket.backlog,
        queued: crate::select::queue(socket).unwrap_or_default(),
        pid,
        process: first.map(|person| person.name.clone()),
        uid: first.and_then(|person| person.uid).or(socket.uid),
        stopped,
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
            namespace: 4_026_531_833,
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
