//! The caller's own descriptor.

use crate::fact::socket::{Directions, OwnSocket, Peer, SocketOptions};
use crate::fact::{Descriptor, Process, Seen, Unseen};
use crate::model::file::What;
use crate::model::socket::{Socket, SocketId};
use crate::model::world::{Caller, World};
use crate::op::{Events, Op};
use crate::{Address, Errno};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

impl World {
    pub(super) fn descriptor_facts(&self, caller: Caller, op: &Op) -> Seen<Descriptor> {
        let Some(fd) = op.fd() else { return Seen::default() };
        let Some(descriptor) = self.processes[caller.process].descriptor(fd) else {
            return Descriptor::NotOpen.into();
        };
        let file = &self.files[descriptor.file];
        match file.what {
            What::Socket(socket) => {
                Descriptor::Socket(self.own_facts(socket, file.nonblocking)).into()
            }
            What::Path => Descriptor::PathOnly.into(),
            _ => Descriptor::NotSocket(String::from("a character device")).into(),
        }
    }

    fn own_facts(&self, id: SocketId, nonblocking: bool) -> OwnSocket {
        let socket = &self.sockets[id];
        let options = &socket.options;
        let listener = self.backlog_facts(socket);
        OwnSocket {
            inode: inode(id),
            state: super::sockets::state(socket),
            name: socket.name.as_ref().map_or_else(Vec::new, |b| raw(&b.address)),
            peer: Seen::Known(socket.peer().map(|peer| self.peer_facts(id, peer))),
            shutdown: Directions { read: socket.no_more_reading, write: socket.no_more_writing }
                .into(),
            pending_error: Seen::Known(self.pending_error(socket)),
            nonblocking,
            send_timeout_us: micros(options.send_timeout),
            receive_timeout_us: micros(options.receive_timeout),
            send_buffer: options.send_buffer,
            unread_by_peer: Seen::Known(socket.charged),
            readable: Seen::Known(readable(socket)),
            backlog: listener,
            options: SocketOptions {
                pass_credentials: options.pass_credentials,
                pass_pidfd: options.pass_pidfd,
                pass_rights: Some(options.pass_rights),
                urgent_inline: options.urgent_inline,
                ..SocketOptions::default()
            },
            urgent: Seen::Known(self.socket_events(id).contains(Events::PRI)),
            ..OwnSocket::fresh(socket.kind)
        }
    }

    /// `poll` shows that an error waits; which, follows from the type.
    fn pending_error(&self, socket: &Socket) -> Option<Errno> {
        let error = socket.error?;
        let cause = crate::model::step::entry(error.id());
        Some(self.errno(cause, socket.kind))
    }

    fn peer_facts(&self, own: SocketId, id: SocketId) -> Peer {
        let peer = &self.sockets[id];
        let closed = peer.dead;
        // An observer finds the peer in the socket tables, which do not show the dead.
        let gone = || Unseen::Absent { what: "the peer, which is closed" };
        let shown = |fact: bool| if closed { Seen::Unseen(gone()) } else { Seen::Known(fact) };
        let embryo = !closed && peer.file.is_none();
        Peer {
            inode: match (closed, embryo) {
                (true, _) => Seen::Unseen(gone()),
                (_, true) => Seen::Known(0),
                _ => Seen::Known(inode(id)),
            },
            name: Seen::Known(peer.name.as_ref().map_or_else(Vec::new, |b| raw(&b.address))),
            closed: Seen::Known(closed),
            shutdown: if closed {
                Seen::Unseen(gone())
            } else {
                Directions { read: peer.no_more_reading, write: peer.no_more_writing }.into()
            },
            mutual: shown(peer.peer() == Some(own)),
            elsewhere: shown(peer.peer().is_some_and(|p| p != own)),
            queue: Seen::default(),
            refuses_rights: shown(!peer.options.pass_rights),
            process: self.peer_process(own),
        }
    }

    fn peer_process(&self, own: SocketId) -> Seen<Process> {
        match &self.sockets[own].peer_credentials {
            Some(peer) => Process {
                pid: peer.ids.pid as u32,
                uid: Seen::Known(peer.ids.uid),
                ..Process::default()
            }
            .into(),
            None => Seen::Unseen(Unseen::Absent { what: "the peer's credentials" }),
        }
    }
}

/// What the tables show as the number of a socket: 0 is none.
pub(in crate::model) fn inode(id: SocketId) -> u64 {
    u64::from(id.number()) + 1
}

/// A name as `sun_path` holds it.
pub(super) fn raw(address: &Address) -> Vec<u8> {
    match address {
        Address::Unnamed => Vec::new(),
        Address::Path(path) => path.clone(),
        Address::Abstract(name) => [b"\0", name.as_slice()].concat(),
    }
}

fn micros(time: Option<Duration>) -> u64 {
    time.map_or(0, |t| t.as_micros() as u64)
}

/// As `SIOCINQ` counts: the first message of a datagram socket, everything otherwise.
fn readable(socket: &Socket) -> u32 {
    let messages = socket.queue.iter().map(|m| m.rest().len());
    let first_only = socket.kind == crate::SocketType::Datagram;
    messages.take(if first_only { 1 } else { usize::MAX }).sum::<usize>() as u32
}
