//! `bind`, `listen` and `accept` of internet sockets.

use super::{End, InetId, Socket, State};
use crate::model::file::What;
use crate::model::process::Caps;
use crate::model::stop::{Block, Stop, Tried, fail};
use crate::model::wait::{Attempt, Woken};
use crate::model::world::{Caller, World};
use crate::op::{Name, NewFlags, Ret};
use crate::{Errno, SocketType};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The first port that everybody may have.
const UNPRIVILEGED: u16 = 1024;

impl World {
    pub(super) fn bind_internet(&mut self, caller: Caller, id: InetId, name: &Name) -> Tried {
        let end = self.check_end(name, "bind/bad-pointer")?;
        let socket = &self.internet.sockets[id];
        if !self.can_bind(socket.net, end) {
            return Err(fail("connect/address-not-available"));
        }
        let caps = self.processes[caller.process].credentials.caps;
        let privileged = (1..UNPRIVILEGED).contains(&end.port);
        if privileged && !caps.contains(Caps::NET_BIND_SERVICE) {
            return Err(fail("bind/privileged-port"));
        }
        if socket.local.is_some() {
            return Err(Stop::Errno(Errno::EINVAL));
        }
        if end.port == 0 {
            self.take_port(id, end.host, "bind/port-in-use")?;
        } else if self.is_free(id, end) {
            self.internet.sockets[id].local = Some(end);
        } else {
            return Err(fail("bind/port-in-use"));
        }
        Ok(Ret::Unit)
    }

    pub(super) fn listen_internet(&mut self, id: InetId, backlog: i32) -> Tried {
        let most = self.machine.backlog_max;
        let socket = &self.internet.sockets[id];
        if socket.kind == SocketType::Udp {
            return Err(fail("listen/datagram"));
        }
        if !matches!(socket.state, State::Unconnected | State::Listening { .. }) {
            return Err(Stop::Errno(Errno::EINVAL));
        }
        match socket.local {
            None => self.take_port(id, [0; 4], "bind/port-in-use")?,
            Some(end) => self.check_no_listener(id, end)?,
        }
        let new = (backlog as u32).min(most);
        let state = &mut self.internet.sockets[id].state;
        match state {
            State::Listening { backlog, .. } => *backlog = new,
            _ => *state = State::Listening { backlog: new, pending: VecDeque::new() },
        }
        Ok(Ret::Unit)
    }

    /// Of several sockets that share a port, one can listen.
    fn check_no_listener(&self, id: InetId, end: End) -> Tried<()> {
        match self.at(id, end, |socket| socket.listens()) {
            Some(other) if other != id => Err(fail("bind/port-in-use")),
            _ => Ok(()),
        }
    }

    /// A listener has room: those who asked in vain ask again.
    fn wake_askers(&mut self) {
        let asks = |socket: &Socket| matches!(socket.state, State::Asking(_));
        let sockets = self.internet.sockets.iter();
        let askers: Vec<_> = sockets.filter(|(_, s)| asks(s)).map(|(id, _)| id).collect();
        askers.into_iter().for_each(|id| self.wake_internet(id));
    }

    pub(super) fn accept_internet(
        &mut self,
        caller: Caller,
        id: InetId,
        flags: NewFlags,
        nonblocking: bool,
        attempt: &Attempt,
    ) -> Tried {
        if self.processes[caller.process].vacancies() == 0 {
            return Err(fail("accept/descriptor-limit"));
        }
        self.check_files(caller, 1)?;
        let timeout = self.internet.sockets[id].receive_timeout;
        let deadline = self.deadline(attempt, timeout);
        let socket = &mut self.internet.sockets[id];
        if socket.kind == SocketType::Udp {
            return Err(fail("accept/datagram"));
        }
        let State::Listening { pending, .. } = &mut socket.state else {
            return Err(fail("accept/not-listening"));
        };
        if let Some(end) = pending.pop_front() {
            self.wake_askers();
            let what = What::Inet(end);
            let (_, fd) = self.open_file(caller, what, flags, "accept/descriptor-limit")?;
            return Ok(Ret::Accepted { fd, name: None });
        }
        Err(match attempt.woken {
            _ if nonblocking => fail("accept/nothing-pending"),
            Some(Woken::Interrupted) => fail("accept/interrupted"),
            Some(Woken::Expired) => fail("accept/timed-out"),
            Some(Woken::Ready) | None => {
                Stop::Block(Block { places: Vec::new(), why: "wait/nothing-pending", deadline })
            }
        })
    }
}
