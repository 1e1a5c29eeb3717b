//! The sockets of one or of every network namespace, without their holders.

use super::join::order;
use super::kept::Kept;
use super::socket::{Peer, Socket};
use crate::fact::socket::State;
use crate::fact::{Seen, Unseen};
use crate::observe::diag::{Record, States, show};
use crate::observe::netns;
use crate::observe::tables::{Table, mark};
use std::path::PathBuf;

/// What is asked of each socket, in full and in short.
const SHOWN: u32 = show::USUAL | show::UID;
const CHANGES: u32 = show::NAME | show::QUEUE;

/// What the tables show.
pub(super) struct Tables {
    pub sockets: Vec<Socket>,
    pub namespaces: Vec<u64>,
    pub closed_namespaces: Vec<PathBuf>,
    pub all_sockets: Seen<()>,
}

/// Reads the table of this network namespace, or of all. What is kept need not be asked for.
pub(super) fn gather(every_namespace: bool, kept: &mut Kept) -> Tables {
    kept.begin();
    let mut all = Tables {
        sockets: Vec::new(),
        namespaces: Vec::new(),
        closed_namespaces: Vec::new(),
        all_sockets: Seen::Known(()),
    };
    all.add(&mut Table::of(None), kept);
    if every_namespace {
        let others = netns::others(mark("thread-self").ok());
        if let Seen::Unseen(why) = others.everywhere {
            all.all_sockets = Seen::Unseen(why);
        }
        all.closed_namespaces = others.closed;
        for mut table in others.tables {
            all.add(&mut table, kept);
            if !table.shows_files() {
                all.closed_namespaces.push(table.way);
            }
        }
    }
    all
}

/// The same sockets once more.
pub(super) fn again(every_namespace: bool) -> Vec<Socket> {
    gather(every_namespace, &mut Kept::default()).sockets
}

impl Tables {
    fn add(&mut self, table: &mut Table, kept: &mut Kept) {
        let namespace = table.id.known().copied().unwrap_or_default();
        self.namespaces.push(namespace);
        match read(table, namespace, kept) {
            Ok(sockets) => {
                let waiting = waiting(table, &sockets, kept);
                match self.sockets.is_empty() {
                    // Mostly there is only this table, and it may be large.
                    true => self.sockets = sockets,
                    false => self.sockets.extend(sockets),
                }
                self.sockets.splice(0..0, waiting);
            }
            // A namespace whose last process ended meanwhile has no sockets any more.
            Err(Unseen::Changed) if self.namespaces.len() > 1 => {}
            Err(why) => self.all_sockets = Seen::Unseen(why),
        }
    }
}

/// The sockets of a table, sorted.
fn read(table: &mut Table, namespace: u64, kept: &mut Kept) -> Result<Vec<Socket>, Unseen> {
    let mut ask = |shown| -> Result<Vec<Socket>, Unseen> {
        let mut sockets =
            table.records(States::EVERY, shown, |record| socket(record, namespace))?;
        order(&mut sockets);
        Ok(sockets)
    };
    if kept.may_suffice() {
        let mut sockets = ask(CHANGES)?;
        if kept.fill_in(&mut sockets) {
            return Ok(sockets);
        }
    }
    kept.asked_in_full();
    ask(SHOWN)
}

/// The connections that wait to be accepted. They have no inode number, and the kernel shows them
/// only as the clients in a listener's queue.
fn waiting(table: &mut Table, sockets: &[Socket], kept: &mut Kept) -> Vec<Socket> {
    if !sockets.iter().any(|s| s.backlog.is_some_and(|b| b.pending > 0)) {
        return Vec::new();
    }
    // What does not fit into a datagram of the kernel's, some 8,000 clients, is left out.
    let ask = || {
        let queues = table.records(States::LISTENING, show::WAITING, |record| {
            Some((record.inode, record.waiting.clone()?))
        });
        queues.unwrap_or_default()
    };
    let queues = kept.clients(sockets, ask).iter().filter_map(|(inode, clients)| {
        let at = sockets.binary_search_by_key(inode, |s| s.inode).ok()?;
        Some((sockets.get(at)?, clients))
    });
    queues.flat_map(|(at, clients)| clients.iter().map(|c| connection(at, *c))).collect()
}

/// The server's end of a connection at a listener; the client is 0 if it is closed already.
fn connection(listener: &Socket, client: u32) -> Socket {
    Socket {
        inode: 0,
        state: State::Connected,
        peer: Some(if client == 0 { Peer::Gone } else { Peer::Socket(client) }),
        waits_at: Some(listener.inode),
        backlog: None,
        uid: None,
        ..listener.clone()
    }
}

fn socket(record: &Record<'_>, namespace: u64) -> Option<Socket> {
    let queue = record.queue.filter(|_| record.backlog().is_none());
    Some(Socket {
        inode: record.inode,
        namespace,
        kind: record.kind?,
        state: record.state,
        name: record.name.as_deref().map(Box::from),
        file: record.file,
        peer: record.peer.map(Peer::Socket),
        backlog: record.backlog(),
        unread: queue.map(|(unread, _)| unread),
        unsent: queue.map(|(_, unsent)| unsent),
        shutdown: record.shutdown,
        uid: record.uid,
        in_flight: None,
        waits_at: None,
        held: 0..0,
    })
}
