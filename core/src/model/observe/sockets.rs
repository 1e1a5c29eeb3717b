//! Others' sockets, as the tables show them.

use super::own::{inode, raw};
use crate::fact::process::{DescriptorUse, ProcessState, WaitsIn};
use crate::fact::socket::{Backlog, Directions, State};
use crate::fact::{AbstractTarget, Process, Seen, SocketFact, Target};
use crate::model::namespace::NodeId;
use crate::model::process;
use crate::model::socket::{self, NetId, Socket, SocketId};
use crate::model::world::{Caller, World};
use crate::op::{Message, Name, Op};
use crate::{Address, SocketType};
use alloc::string::String;
use alloc::vec::Vec;

impl World {
    pub(super) fn target_facts(&self, caller: Caller, op: &Op) -> Target {
        let name = match op {
            Op::Bind { name, .. } | Op::Connect { name, .. } => name,
            Op::Send(Message { to: Some(name), .. }) => name,
            _ => return Target::None,
        };
        match name {
            Name::Unix(Address::Abstract(name)) => {
                Target::Abstract(self.abstract_facts(self.net_of_call(caller, op), name))
            }
            Name::Unix(Address::Path(path)) => Target::Path(self.path_facts(caller, path)),
            _ => Target::None,
        }
    }

    /// Names are looked up where the socket was made.
    pub(super) fn net_of_call(&self, caller: Caller, op: &Op) -> (Caller, NetId) {
        let socket = op.fd().map(|fd| self.socket(caller, fd, ["", ""]));
        match socket {
            Some(Ok((_, socket))) => (caller, self.sockets[socket].net),
            _ => (caller, self.processes[caller.process].net),
        }
    }

    fn abstract_facts(&self, (caller, here): (Caller, NetId), name: &[u8]) -> AbstractTarget {
        let trimmed = trim(name);
        let find = |fits: &dyn Fn(NetId, &[u8]) -> bool| {
            self.sockets_where(|socket| match named(socket) {
                Some(Address::Abstract(other)) => fits(socket.net, other),
                _ => false,
            })
        };
        let as_path = self.socket_file(caller, &[b"@", name].concat());
        AbstractTarget {
            name: name.to_vec(),
            bound: Seen::Known(find(&|net, other| net == here && other == name)),
            elsewhere: Seen::Known(find(&|net, other| net != here && other == name)),
            padded: Seen::Known(find(&|net, other| {
                net == here && other != name && trim(other) == trimmed
            })),
            everywhere: Seen::Known(()),
            as_path: Seen::Known(as_path),
        }
    }

    /// The live sockets of which this is true.
    pub(super) fn sockets_where(&self, fits: impl Fn(&Socket) -> bool) -> Vec<SocketFact> {
        let all = self.sockets.iter().filter(|(_, socket)| !socket.dead && fits(socket));
        all.map(|(id, _)| self.socket_facts(id)).collect()
    }

    /// A socket as the tables show it to whoever may see everything.
    pub(super) fn socket_facts(&self, id: SocketId) -> SocketFact {
        let socket = &self.sockets[id];
        SocketFact {
            state: state(socket),
            name: named(socket).map(raw),
            file: bound_file(socket).map(|node| self.file_id(node)),
            net_namespace: Seen::Known(socket.net.into()),
            backlog: self.backlog_facts(socket),
            peer: self.peer_number(socket),
            queued_bytes: Seen::Known(socket.queue.iter().map(|m| m.rest().len() as u32).sum()),
            shutdown: Directions { read: socket.no_more_reading, write: socket.no_more_writing },
            stuck_ms: Seen::Known(0),
            owners: Seen::Known(self.owners(id)),
            all_owners: Seen::Known(()),
            // The tables show no number for a connection that waits to be accepted.
            ..SocketFact::new(if socket.file.is_some() { inode(id) } else { 0 }, socket.kind)
        }
    }

    /// A peer that is closed has no number any more.
    fn peer_number(&self, socket: &Socket) -> Option<u64> {
        let peer = socket.peer().filter(|_| socket.kind == SocketType::Datagram)?;
        Some(if self.sockets[peer].dead { 0 } else { inode(peer) })
    }

    pub(super) fn backlog_facts(&self, socket: &Socket) -> Option<Backlog> {
        match &socket.state {
            socket::State::Listening(listening) => {
                Some(Backlog { pending: listening.pending.len() as u32, limit: listening.backlog })
            }
            _ => None,
        }
    }

    fn owners(&self, id: SocketId) -> Vec<Process> {
        let Some(file) = self.sockets[id].file else { return Vec::new() };
        let holders = self.processes.iter().filter_map(|(_, process)| {
            let held = process.descriptors.iter().position(|d| d.is_some_and(|d| d.file == file));
            Some((process, held?))
        });
        let facts = |(process, fd)| Process { fd: Some(fd as u32), ..process_facts(process) };
        holders.map(facts).collect()
    }
}

/// A process as the system shows it.
fn process_facts(process: &process::Process) -> Process {
    let used = process.descriptors.iter().flatten().count() as u64;
    Process {
        pid: process.pid as u32,
        name: String::from("program"),
        uid: Seen::Known(process.credentials.users[1]),
        state: Seen::Known(match process.stopped {
            true => ProcessState::Stopped,
            false => ProcessState::Sleeping,
        }),
        waits_in: Seen::Known(WaitsIn::Events),
        frozen: Seen::Known(false),
        descriptors: Seen::Known(DescriptorUse { used, limit: process.limit.into() }),
        mount_namespace: Seen::Known(mount_namespace(process)),
        net_namespace: Seen::Known(process.net.into()),
        root: Seen::Known(b"/".to_vec()),
        ..Process::default()
    }
}

/// A process that sees other files than the rest has a mount namespace of its own.
pub(super) fn mount_namespace(process: &process::Process) -> u64 {
    match process.restrictions.covered.is_empty() {
        true => 1,
        false => process.pid as u64 + 2,
    }
}

pub(super) fn state(socket: &Socket) -> State {
    match socket.state {
        socket::State::Unconnected | socket::State::Connecting(_) => State::Unconnected,
        socket::State::Listening(_) => State::Listening,
        socket::State::Connected(_) => State::Connected,
    }
}

pub(super) fn named(socket: &Socket) -> Option<&Address> {
    socket.name.as_ref().map(|bound| &bound.address)
}

/// The file that a socket is bound to.
pub(super) fn bound_file(socket: &Socket) -> Option<NodeId> {
    Some(socket.name.as_ref()?.file.as_ref()?.node)
}

/// A name without NULs at its end.
fn trim(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    &name[..end]
}
