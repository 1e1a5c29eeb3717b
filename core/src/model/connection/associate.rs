//! `connect` of datagram sockets: an association, which is one socket's own affair.

use crate::model::socket::{PendingError, SocketId, State};
use crate::model::stop::{Tried, fail};
use crate::model::wait::{Line, Wake};
use crate::model::world::{Caller, World};
use crate::op::{Family, Name, Ret};
use crate::profile::Reassociation;
use core::mem;

impl World {
    pub(crate) fn associate(&mut self, caller: Caller, id: SocketId, name: &Name) -> Tried {
        let rule = *self.profile.connection.reassociation;
        let was_read = !matches!(name, Name::Unmapped | Name::Sized(_));
        if rule == Reassociation::First && was_read {
            self.dissociate(id);
        }
        if *self.profile.connection.connect_forgets_error {
            self.sockets[id].error = None;
        }
        if rule == Reassociation::WhenFound && *name == Name::Foreign(Family::Unspecified) {
            self.change_peer(id, None);
            return Ok(Ret::Unit);
        }
        let target = self.look_up(caller, id, name)?;
        if !self.may_reach(id, target) {
            return Err(fail("connect/receiver-has-another-peer"));
        }
        self.check_datagram_scope(caller, id, target)?;
        self.change_peer(id, Some(target));
        Ok(Ret::Unit)
    }

    /// Whether a datagram socket's own peer, if it has one, lets this one reach it.
    #[inline]
    pub(crate) fn may_reach(&self, from: SocketId, to: SocketId) -> bool {
        let has_another = self.sockets[to].peer().is_some_and(|peer| peer != from);
        !(has_another && *self.profile.connection.only_peer_may_reach)
    }

    /// Gives a datagram socket this peer, or none.
    pub(crate) fn change_peer(&mut self, id: SocketId, new: Option<SocketId>) {
        if let Some(new) = new {
            self.sockets[new].holds += 1;
        }
        let old = &mut self.sockets[id].state;
        let old = mem::replace(old, new.map_or(State::Unconnected, State::Connected));
        if let State::Connected(old) = old {
            if new != Some(old) {
                self.part(id, old);
            }
            self.release(old);
        }
        // Whether it can write is another peer's business now.
        self.wake(id, Line::Writable, Wake::All);
    }

    /// What follows when a datagram socket turns away from a peer: messages that nobody read are
    /// thrown away, and the peer is told, if it is still there for this socket.
    fn part(&mut self, id: SocketId, old: SocketId) {
        if !self.purge(id) {
            return;
        }
        self.wake(id, Line::Room, Wake::All);
        let peer = &mut self.sockets[old];
        if !peer.dead && peer.peer() == Some(id) {
            peer.error = Some(PendingError::PeerLeftWithUnread);
            self.wake(old, Line::Readable, Wake::One);
            self.wake(old, Line::Writable, Wake::All);
        }
    }

    /// Takes a datagram socket's peer away, and nothing else.
    pub(crate) fn dissociate(&mut self, id: SocketId) {
        let socket = &mut self.sockets[id];
        if let Some(peer) = socket.peer() {
            socket.state = State::Unconnected;
            self.wake(id, Line::Writable, Wake::All);
            self.release(peer);
        }
    }
}
