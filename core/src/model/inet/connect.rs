//! `connect` of TCP, which may go on after the call has returned, and of UDP.

use super::route::Leads;
use super::{Asked, Connection, End, InetId, State, dissolves};
use crate::model::stop::{Block, Stop, Tried, fail};
use crate::model::wait::{Attempt, Woken};
use crate::model::world::World;
use crate::op::{Manner, Name, Ret};
use alloc::vec::Vec;
use core::time::Duration;

/// After how long an attempt is given up that nobody answers: the first packet and six more.
const PATIENCE: Duration = Duration::from_secs(127);

impl World {
    pub(super) fn connect_tcp(
        &mut self,
        id: InetId,
        name: &Name,
        nonblocking: bool,
        attempt: &mut Attempt,
    ) -> Tried {
        if attempt.waited {
            return self.await_answer(id, attempt);
        }
        if dissolves(name) {
            let socket = &mut self.internet.sockets[id];
            socket.state = State::Unconnected;
            return Ok(Ret::Unit);
        }
        let remembered = *self.profile.internet.attempt_is_remembered;
        let socket = &mut self.internet.sockets[id];
        match &mut socket.state {
            State::Connected(connection) if remembered && !connection.reported => {
                connection.reported = true;
                return Ok(Ret::Unit);
            }
            State::Connected(_) | State::Listening { .. } => {
                return Err(fail("connect/already-connected-inet"));
            }
            State::Asking(_) => {
                if nonblocking {
                    return Err(fail("connect/already-in-progress"));
                }
                return self.await_answer(id, attempt);
            }
            State::Failed if remembered => {
                socket.state = State::Unconnected;
                return Err(fail(socket.error.take().unwrap_or("connect/aborted-earlier")));
            }
            State::Failed | State::Unconnected | State::Associated(_) => {}
        }
        self.ask(id, name)?;
        if nonblocking {
            return Err(fail("connect/in-progress"));
        }
        self.await_answer(id, attempt)
    }

    /// Begins an attempt.
    fn ask(&mut self, id: InetId, name: &Name) -> Tried<()> {
        let to = self.check_end(name, "connect/bad-pointer")?;
        let leads = self.route(self.internet.sockets[id].net, to.host)?;
        if matches!(leads, Leads::All | Leads::Group) {
            return Err(fail("connect/network-unreachable"));
        }
        self.take_port_for(id, to)?;
        let socket = &mut self.internet.sockets[id];
        socket.error = None;
        socket.state = State::Asking(Asked { to, leads, until: self.now.saturating_add(PATIENCE) });
        Ok(())
    }

    fn await_answer(&mut self, id: InetId, attempt: &Attempt) -> Tried {
        self.settle(id);
        let socket = &mut self.internet.sockets[id];
        let until = match &mut socket.state {
            State::Connected(connection) => {
                connection.reported = true;
                return Ok(Ret::Unit);
            }
            State::Asking(asked) => asked.until,
            _ => {
                socket.state = State::Unconnected;
                return Err(fail(socket.error.take().unwrap_or("connect/aborted-earlier")));
            }
        };
        match attempt.woken {
            Some(Woken::Interrupted) => return Err(fail("connect/interrupted-inet")),
            Some(Woken::Expired) => return Err(fail("connect/in-progress")),
            Some(Woken::Ready) | None => {}
        }
        let timeout = socket.send_timeout;
        let limit = self.deadline(attempt, timeout);
        let deadline = Some(limit.map_or(until, |limit| limit.min(until)));
        Err(Stop::Block(Block { places: Vec::new(), why: "connect/timed-out-inet", deadline }))
    }

    /// Looks what has become of an attempt, or of what was sent to a silent host.
    pub(super) fn settle(&mut self, id: InetId) {
        let socket = &mut self.internet.sockets[id];
        match socket.state {
            State::Asking(asked) => match self.answer(id, asked) {
                Some(Ok(peer)) => self.agree(id, asked.to, peer),
                Some(Err(refusal)) => {
                    let socket = &mut self.internet.sockets[id];
                    socket.state = State::Failed;
                    socket.error = Some(refusal);
                    self.wake_internet(id);
                }
                None => {}
            },
            State::Connected(Connection { until: Some(until), .. }) if until <= self.now => {
                self.cut(id, Some("connect/timed-out-inet"));
                if let State::Connected(connection) = &mut self.internet.sockets[id].state {
                    connection.until = None;
                }
            }
            _ => {}
        }
    }

    /// What the other end says to an attempt: it agrees (and is this listener), or a cause.
    pub(super) fn answer(
        &self,
        id: InetId,
        asked: Asked,
    ) -> Option<Result<Option<InetId>, &'static str>> {
        let silence = || (asked.until <= self.now).then_some(Err("connect/timed-out-inet"));
        match asked.leads {
            Leads::There(_) => match self.manner(asked.to.host) {
                Manner::Accepts => Some(Ok(None)),
                Manner::Refuses => Some(Err("connect/refused-inet")),
                Manner::Resets => Some(Err("connect/reset-inet")),
                Manner::Unreachable => Some(Err("connect/host-unreachable")),
                Manner::Silent => silence(),
            },
            _ => {
                let Some(listener) = self.at(id, asked.to, |socket| socket.listens()) else {
                    return Some(Err("connect/refused-inet"));
                };
                match &self.internet.sockets[listener].state {
                    State::Listening { backlog, pending } if pending.len() > *backlog as usize => {
                        silence()
                    }
                    _ => Some(Ok(Some(listener))),
                }
            }
        }
    }

    /// The connection stands; a listener of this machine gets its end of it.
    fn agree(&mut self, id: InetId, to: End, listener: Option<InetId>) {
        let own = &self.internet.sockets[id];
        let (kind, net, local) = (own.kind, own.net, own.local);
        let end = listener.map(|_| self.new_internet(kind, net));
        let connection = Connection { to, peer: end, reported: false, until: None };
        self.internet.sockets[id].state = State::Connected(connection);
        if let (Some(listener), Some(end), Some(client)) = (listener, end, local) {
            let connection = Connection { to: client, peer: Some(id), reported: true, until: None };
            let embryo = &mut self.internet.sockets[end];
            embryo.state = State::Connected(connection);
            embryo.local = Some(to);
            if let State::Listening { pending, .. } = &mut self.internet.sockets[listener].state {
                pending.push_back(end);
            }
            self.wake_internet(listener);
        }
    }

    pub(super) fn connect_udp(&mut self, id: InetId, name: &Name) -> Tried {
        if dissolves(name) {
            self.internet.sockets[id].state = State::Unconnected;
            return Ok(Ret::Unit);
        }
        if matches!(name, Name::Unmapped) {
            return Err(fail("connect/bad-pointer"));
        }
        self.take_port(id, [0; 4], "connect/no-free-port-datagram")?;
        let to = self.check_end(name, "connect/bad-pointer")?;
        self.route_datagram(id, to)?;
        self.internet.sockets[id].state = State::Associated(to);
        Ok(Ret::Unit)
    }

    /// Where a datagram goes; a broadcast must be allowed.
    pub(super) fn route_datagram(&self, id: InetId, to: End) -> Tried<Leads> {
        let socket = &self.internet.sockets[id];
        match self.route(socket.net, to.host)? {
            Leads::All if !socket.broadcast => Err(fail("connect/broadcast-not-allowed")),
            leads => Ok(leads),
        }
    }
}
