//! Who talks to whom, as a graph. Pure: it knows sockets, and neither the system nor any output.
//!
//! ```text
//!   sockets ─┬─ holders ──────────────────► nodes   processes, or programs (`by_program`)
//!            ├─ listeners, named receivers ► ports   where others come to
//!            └─ pairs, waiting, senders ───► links   alike ones are one link with a count
//! ```
//! Each socket counts once: a pair of connected sockets is one connection, a client that waits to
//! be accepted is one, whatever the kernel shows at the listener's side, and a socket that several
//! processes hold belongs to one of them; that others hold it, too, is a relation of its own.

pub mod build;
mod program;
#[cfg(test)]
mod tests;

use crate::select::Stage;
use std::collections::BTreeMap;
use sunpath::SocketType;
use sunpath::fact::path::FileId;
use sunpath::fact::socket::Backlog;
use sunpath::list::{Holder, Peer};

/// A socket, as the graph needs it.
#[derive(Debug, Clone)]
pub struct Socket {
    pub inode: u32,
    pub namespace: u64,
    pub kind: SocketType,
    pub stage: Stage,
    pub name: Option<Box<[u8]>>,
    pub file: Option<FileId>,
    pub peer: Option<Peer>,
    pub backlog: Option<Backlog>,
    pub unread: Option<u32>,
    pub in_flight: Option<u32>,
    pub waits_at: Option<u32>,
    pub holders: Vec<Holder>,
}

/// What is known of a process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    pub name: Vec<u8>,
    pub uid: Option<u32>,
}

/// Processes by their id.
pub type Processes = BTreeMap<u32, Process>;

/// The graph. Everything refers to its parts by index.
#[derive(Debug, Default)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub ports: Vec<Port>,
    pub links: Vec<Link>,
}

/// One or several processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Their ids. None: no process holds the sockets, or none that can be seen.
    pub pids: Vec<u32>,
    pub name: Vec<u8>,
    pub uid: Option<u32>,
    /// How many of its sockets talk to nobody and wait for nobody.
    pub alone: u32,
    /// How many of its sockets have an other end that is closed.
    pub widowed: u32,
}

impl Node {
    /// Whether it stands for the sockets that no process holds which can be seen.
    pub fn is_nobody(&self) -> bool {
        self.pids.is_empty()
    }
}

/// A socket to which others come: a listener, or a datagram socket with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The node that serves it.
    pub node: usize,
    /// Other nodes that hold it, too.
    pub also: Vec<usize>,
    pub inode: u32,
    pub namespace: u64,
    pub kind: SocketType,
    pub name: Option<Box<[u8]>>,
    /// For a listener.
    pub backlog: Option<Backlog>,
    /// Connections in the backlog whose clients have given up.
    pub abandoned: u32,
    /// For a datagram socket: bytes of the first message that waits.
    pub unread: Option<u32>,
}

/// What connects two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Connections, or pairs.
    Connected,
    /// Clients that nobody has accepted yet.
    Waiting,
    /// Datagram sockets that send to a socket which does not send back to them.
    Sends,
    /// Sockets of the second that the first holds, too.
    Shares,
}

impl Relation {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Relation::Connected => "connected",
            Relation::Waiting => "waiting",
            Relation::Sends => "sends",
            Relation::Shares => "shares",
        }
    }
}

/// What makes links one: all that is alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Between {
    /// The client, where one can tell.
    pub from: usize,
    /// The server.
    pub to: usize,
    pub relation: Relation,
    pub kind: SocketType,
    pub namespace: u64,
    /// The port at which they met.
    pub port: Option<usize>,
    /// The server's name.
    pub name: Option<Box<[u8]>>,
}

/// Connections between two nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub between: Between,
    /// The inode numbers of the client's and the server's socket of each.
    pub ends: Vec<(u32, u32)>,
    /// Bytes that the client has not read yet.
    pub at_client: u64,
    /// Bytes that the server has not read yet.
    pub at_server: u64,
    /// Descriptors in their queues.
    pub in_flight: u64,
}

impl Link {
    /// How many connections it stands for.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Bytes in all its queues.
    pub fn queued(&self) -> u64 {
        self.at_client + self.at_server
    }
}

impl Graph {
    /// The graph of these sockets and the processes that hold them.
    pub fn of(sockets: &[Socket], processes: &Processes) -> Graph {
        build::build(sockets, processes)
    }

    /// The same with one node for all processes of one program and user.
    pub fn by_program(&self) -> Graph {
        program::merge(self)
    }

    /// The neighbours of each node, each with the number of connections to it. What only shares
    /// sockets is none.
    pub fn neighbours(&self) -> Vec<BTreeMap<usize, usize>> {
        let mut all = vec![BTreeMap::new(); self.nodes.len()];
        for link in &self.links {
            let Between { from, to, relation, .. } = link.between;
            if from != to && relation != Relation::Shares {
                *all[from].entry(to).or_default() += link.count();
                *all[to].entry(from).or_default() += link.count();
            }
        }
        all
    }

    /// How many connections there are of a relation.
    pub fn total(&self, relation: Relation) -> usize {
        let alike = self.links.iter().filter(|l| l.between.relation == relation);
        alike.map(Link::count).sum()
    }
}
