//! Options and requests of internet sockets, `shutdown`, and what `poll` says.

use super::{Connection, InetId, State};
use crate::SocketType;
use crate::model::stop::{Tried, fail};
use crate::model::world::World;
use crate::op::{Events, Opt, Request, Ret, Value};
use alloc::collections::VecDeque;

impl World {
    pub(super) fn get_internet(&mut self, id: InetId, option: Opt) -> Tried {
        let kind = self.internet.sockets[id].kind;
        let error = match option {
            Opt::Error => self.internet.sockets[id].error.take(),
            _ => None,
        };
        let socket = &self.internet.sockets[id];
        Ok(Ret::Value(match option {
            Opt::Error => {
                Value::Error(error.map(|id| self.errno(crate::model::step::entry(id), kind)))
            }
            Opt::Type => Value::Type(kind),
            Opt::Broadcast => Value::Int(socket.broadcast.into()),
            Opt::ReuseAddr => Value::Int(socket.reuse.into()),
            Opt::AcceptConn => Value::Int(socket.listens().into()),
            Opt::SndTimeo => Value::Time(socket.send_timeout),
            Opt::RcvTimeo => Value::Time(socket.receive_timeout),
            Opt::Linger => Value::Linger(socket.resets.then_some(0)),
            _ => return Err(fail("option/unknown")),
        }))
    }

    pub(super) fn set_internet(&mut self, id: InetId, option: Opt, value: &Value) -> Tried {
        let socket = &mut self.internet.sockets[id];
        match (option, value) {
            (_, Value::Unmapped) => return Err(fail("option/bad-pointer")),
            (_, Value::Short) => return Err(fail("option/bad-length")),
            (Opt::Broadcast, Value::Int(on)) => socket.broadcast = *on != 0,
            (Opt::ReuseAddr, Value::Int(on)) => socket.reuse = *on != 0,
            (Opt::SndTimeo, Value::Time(time)) => socket.send_timeout = *time,
            (Opt::RcvTimeo, Value::Time(time)) => socket.receive_timeout = *time,
            (Opt::Linger, Value::Linger(time)) => socket.resets = *time == Some(0),
            (Opt::Type | Opt::Error | Opt::AcceptConn, _) => return Err(fail("option/read-only")),
            _ => return Err(fail("option/unknown")),
        }
        Ok(Ret::Unit)
    }

    pub(super) fn ask_internet(&self, id: InetId, request: Request) -> Tried {
        let socket = &self.internet.sockets[id];
        match request {
            Request::Inq if socket.listens() && !*self.profile.options.bytes_of_listener => {
                Err(fail("option/queue-of-listener"))
            }
            Request::Inq => {
                let all = socket.inbox.iter().map(|piece| piece.len()).sum::<usize>();
                let first = socket.inbox.front().map_or(0, |piece| piece.len());
                let stream = socket.kind == SocketType::Tcp;
                let bytes = if stream { all - socket.read } else { first };
                Ok(Ret::Value(Value::Int(bytes as i32)))
            }
            // The address that it carries is not of this family.
            Request::Arp if *self.profile.internet.arp_names_family => {
                Err(fail("socket/protocol-family-unsupported"))
            }
            _ => Err(fail("option/unknown-request")),
        }
    }

    pub(super) fn shut_internet(&mut self, id: InetId, how: i32) -> Tried {
        if !(0..=2).contains(&how) {
            return Err(fail("shutdown/bad-direction"));
        }
        let socket = &mut self.internet.sockets[id];
        let peer = match socket.state {
            State::Connected(Connection { peer, .. }) => peer,
            State::Associated(_) => None,
            _ => return Err(fail("shutdown/not-connected")),
        };
        let (reading, writing) = (how != 1, how != 0);
        socket.ended |= reading;
        socket.no_more_writing |= writing;
        if let (true, Some(peer)) = (writing, peer) {
            self.internet.sockets[peer].ended = true;
            self.wake_internet(peer);
        }
        Ok(Ret::Unit)
    }

    /// What `poll` says of an internet socket.
    pub(crate) fn internet_events(&self, id: InetId) -> Events {
        let socket = &self.internet.sockets[id];
        let pending = |pending: &VecDeque<InetId>| Events::IN.when(!pending.is_empty());
        let answer = match socket.state {
            State::Asking(asked) => self.answer(id, asked).map(|answer| answer.is_ok()),
            _ => Some(socket.error.is_none()),
        };
        let failed = answer == Some(false);
        Events::IN.when(socket.ended || !socket.inbox.is_empty() || failed)
            | Events::ERR.when(failed)
            | match &socket.state {
                State::Listening { pending: ends, .. } => pending(ends),
                State::Asking(_) => Events::OUT.when(answer.is_some()) | Events::HUP.when(failed),
                State::Connected(_) | State::Associated(_) => Events::OUT,
                State::Unconnected if socket.kind == SocketType::Udp => Events::OUT,
                State::Unconnected | State::Failed => Events::OUT.or(Events::HUP),
            }
    }
}
