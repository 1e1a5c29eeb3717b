//! From sockets to nodes, ports and links.

use super::{Between, Graph, Link, Node, Port, Process, Processes, Relation, Socket};
use crate::select::Stage;
use std::collections::{BTreeMap, HashMap, HashSet};
use sunpath::SocketType;
use sunpath::fact::path::FileId;
use sunpath::list::Peer;

/// The first process of the system, which often holds listeners for others.
const INIT: u32 = 1;

pub(super) fn build(sockets: &[Socket], processes: &Processes) -> Graph {
    let mut builder = Builder::new(sockets, processes);
    builder.ports();
    for socket in sockets.iter().filter(|s| s.inode != 0) {
        builder.link(socket);
    }
    for socket in sockets {
        builder.share(socket);
    }
    builder.finish()
}

/// By what a connection and its listener know each other: an accepted socket has its listener's
/// name and file.
type Address<'a> = (Option<u64>, SocketType, &'a [u8], Option<FileId>);

fn address(socket: &Socket) -> Option<Address<'_>> {
    let name = socket.name.as_deref()?;
    Some((realm(socket.namespace, socket.file), socket.kind, name, socket.file))
}

/// The network namespace in which a name leads to one listener only. A path leads to the same one
/// from all of them, and what is accepted belongs to the client's namespace.
pub fn realm(namespace: u64, file: Option<FileId>) -> Option<u64> {
    file.is_none().then_some(namespace)
}

struct Builder<'a> {
    sockets: &'a [Socket],
    by_inode: HashMap<u32, &'a Socket>,
    graph: Graph,
    /// Nodes by process id; 0 for nobody.
    nodes: BTreeMap<u32, usize>,
    ports: HashMap<u32, usize>,
    by_address: HashMap<Address<'a>, usize>,
    links: BTreeMap<Between, Link>,
    /// The process to which a socket belongs, where that is not simply the first holder.
    homes: HashMap<u32, u32>,
}

impl<'a> Builder<'a> {
    fn new(sockets: &'a [Socket], processes: &Processes) -> Builder<'a> {
        let named = sockets.iter().filter(|s| s.inode != 0);
        let mut builder = Builder {
            sockets,
            by_inode: named.map(|s| (s.inode, s)).collect(),
            graph: Graph::default(),
            nodes: BTreeMap::new(),
            ports: HashMap::new(),
            by_address: HashMap::new(),
            links: BTreeMap::new(),
            homes: HashMap::new(),
        };
        builder.make_nodes(processes);
        builder.find_homes(processes);
        builder
    }

    fn make_nodes(&mut self, processes: &Processes) {
        let held = self.sockets.iter().flat_map(|s| s.holders.iter().map(|h| h.pid));
        let mut pids: Vec<u32> = held.collect();
        pids.sort_unstable();
        pids.dedup();
        for pid in pids {
            let Process { name, uid } = match processes.get(&pid) {
                Some(process) => process.clone(),
                // It has ended since.
                None => Process { name: b"?".to_vec(), uid: None },
            };
            self.nodes.insert(pid, self.graph.nodes.len());
            let node = Node { pids: vec![pid], name, uid, alone: 0, widowed: 0 };
            self.graph.nodes.push(node);
        }
    }

    /// Decides to whom the sockets belong that several processes hold. A listener: to the processes
    /// that accept its connections, or to others of the same name, as a server's parent. One end of
    /// a pair: not to whom the other end belongs.
    fn find_homes(&mut self, processes: &Processes) {
        let mut accepting: HashMap<Address<'a>, HashSet<&[u8]>> = HashMap::new();
        let shared = |s: &&Socket| s.holders.iter().any(|h| h.pid != s.holders[0].pid);
        for socket in self.sockets.iter().filter(|s| s.stage == Stage::Connected && !shared(s)) {
            let process = socket.holders.first().and_then(|h| processes.get(&h.pid));
            if let (Some(address), Some(process)) = (address(socket), process) {
                accepting.entry(address).or_default().insert(&process.name);
            }
        }
        for socket in self.sockets.iter().filter(shared) {
            let known = address(socket).and_then(|address| accepting.get(&address));
            let other = match socket.peer {
                Some(Peer::Socket(peer)) => self.homes.get(&peer).copied().or_else(|| {
                    let holders = &self.by_inode.get(&peer)?.holders;
                    holders.first().map(|h| h.pid)
                }),
                _ => None,
            };
            let accepts = |pid: u32| {
                let name = processes.get(&pid).map(|p| p.name.as_slice());
                known.zip(name).is_some_and(|(known, name)| known.contains(name))
            };
            let pids = socket.holders.iter().map(|h| h.pid);
            let best =
                pids.min_by_key(|pid| (!accepts(*pid), Some(*pid) == other, *pid == INIT, *pid));
            self.homes.extend(best.map(|pid| (socket.inode, pid)));
        }
    }

    fn home(&mut self, socket: &Socket) -> usize {
        let pid = self.homes.get(&socket.inode).copied();
        let pid = pid.or_else(|| socket.holders.first().map(|h| h.pid)).unwrap_or_default();
        let nodes = &mut self.graph.nodes;
        *self.nodes.entry(pid).or_insert_with(|| {
            let nobody =
                Node { pids: Vec::new(), name: Vec::new(), uid: None, alone: 0, widowed: 0 };
            nodes.push(nobody);
            nodes.len() - 1
        })
    }

    fn ports(&mut self) {
        let sockets = self.sockets;
        let receives = |s: &Socket| s.kind == SocketType::Datagram && s.name.is_some();
        let port = |s: &&Socket| s.stage == Stage::Listening || receives(s);
        for socket in sockets.iter().filter(|s| s.inode != 0).filter(port) {
            let node = self.home(socket);
            self.ports.insert(socket.inode, self.graph.ports.len());
            if let Some(address) = address(socket) {
                self.by_address.insert(address, self.graph.ports.len());
            }
            self.graph.ports.push(Port {
                node,
                also: self.other_holders(socket, node),
                inode: socket.inode,
                namespace: socket.namespace,
                kind: socket.kind,
                name: socket.name.clone(),
                backlog: socket.backlog,
                abandoned: 0,
                unread: socket.unread.filter(|_| socket.backlog.is_none()),
            });
        }
        let abandoned =
            sockets.iter().filter(|s| s.peer == Some(Peer::Gone)).filter_map(|s| s.waits_at);
        for listener in abandoned {
            if let Some(port) = self.ports.get(&listener) {
                self.graph.ports[*port].abandoned += 1;
            }
        }
    }

    fn other_holders(&self, socket: &Socket, home: usize) -> Vec<usize> {
        let nodes = socket.holders.iter().filter_map(|h| self.nodes.get(&h.pid).copied());
        let mut others: Vec<usize> = nodes.filter(|node| *node != home).collect();
        others.sort_unstable();
        others.dedup();
        others
    }

    /// Adds the link of which this socket is the client, or the one end that is looked at.
    fn link(&mut self, socket: &'a Socket) {
        match socket.peer {
            Some(Peer::Socket(peer)) => {
                let Some(peer) = self.by_inode.get(&peer).copied() else {
                    // In a namespace that was not looked into, or gone meanwhile.
                    return self.alone(socket);
                };
                let mutual = peer.peer == Some(Peer::Socket(socket.inode));
                if !mutual {
                    self.add(Relation::Sends, socket, peer);
                } else if self.is_client(socket, peer) {
                    self.add(Relation::Connected, socket, peer);
                }
            }
            Some(Peer::AtListener(listener)) => match self.by_inode.get(&listener).copied() {
                Some(listener) => self.add(Relation::Waiting, socket, listener),
                None => self.alone(socket),
            },
            Some(Peer::Gone) => {
                let node = self.home(socket);
                self.graph.nodes[node].widowed += 1;
            }
            None => self.alone(socket),
        }
    }

    fn alone(&mut self, socket: &Socket) {
        if !self.ports.contains_key(&socket.inode) {
            let node = self.home(socket);
            self.graph.nodes[node].alone += 1;
        }
    }

    /// Which of two connected sockets is the client: the one without a name; of two with or without
    /// a name, not the one that a known listener accepted; else the one that was made first.
    fn is_client(&self, socket: &'a Socket, peer: &'a Socket) -> bool {
        let rank = |s: &'a Socket| {
            let accepted = address(s).is_some_and(|a| self.by_address.contains_key(&a));
            (accepted, s.name.is_some(), s.inode)
        };
        rank(socket) <= rank(peer)
    }

    fn add(&mut self, relation: Relation, client: &'a Socket, server: &'a Socket) {
        let port = match relation {
            Relation::Waiting | Relation::Sends => self.ports.get(&server.inode),
            _ => address(server).and_then(|address| self.by_address.get(&address)),
        };
        let port = port.copied();
        let (from, to) = (self.home(client), self.home(server));
        let namespace = server.namespace;
        let name = server.name.clone();
        let between = Between { from, to, relation, kind: client.kind, namespace, port, name };
        let link = self.entry(between);
        link.ends.push((client.inode, server.inode));
        link.queue(client, |link| &mut link.at_client);
        // The queue of a listener, or of a receiver to which many send, is the port's.
        if relation == Relation::Connected && client.inode != server.inode {
            link.queue(server, |link| &mut link.at_server);
        }
    }

    fn entry(&mut self, between: Between) -> &mut Link {
        self.links.entry(between).or_insert_with_key(|between| Link {
            between: between.clone(),
            ends: Vec::new(),
            at_client: 0,
            at_server: 0,
            in_flight: 0,
        })
    }

    /// Adds that others than its home hold a socket, too.
    fn share(&mut self, socket: &'a Socket) {
        if socket.holders.len() < 2 {
            return;
        }
        let to = self.home(socket);
        for from in self.other_holders(socket, to) {
            let between = Between {
                from,
                to,
                relation: Relation::Shares,
                kind: socket.kind,
                namespace: socket.namespace,
                port: self.ports.get(&socket.inode).copied(),
                name: socket.name.clone(),
            };
            self.entry(between).ends.push((socket.inode, socket.inode));
        }
    }

    fn finish(mut self) -> Graph {
        self.graph.links = self.links.into_values().collect();
        self.graph
    }
}

impl Link {
    fn queue(&mut self, socket: &Socket, side: impl Fn(&mut Link) -> &mut u64) {
        *side(self) += u64::from(socket.unread.unwrap_or_default());
        self.in_flight += u64::from(socket.in_flight.unwrap_or_default());
    }
}
