//! `listen`.

use crate::SocketType;
use crate::model::create::peer_credentials;
use crate::model::socket::{Listening, SocketId, State};
use crate::model::stop::{Tried, fail};
use crate::model::wait::{Line, Wake};
use crate::model::world::{Caller, World, descriptor};
use crate::op::{Fd, Ret};
use crate::profile::OddBacklog;
use alloc::boxed::Box;
use alloc::collections::VecDeque;

impl World {
    pub(crate) fn listen(&mut self, caller: Caller, fd: Fd, backlog: i32) -> Tried {
        let (_, id) = self.socket(caller, fd, descriptor!("listen"))?;
        self.check_listen(id)?;
        let backlog = self.clamp_backlog(backlog);
        let itself = peer_credentials(&self.processes[caller.process]);
        let socket = &mut self.sockets[id];
        // What those who connect from now on are told.
        socket.peer_credentials = Some(itself);
        if let State::Listening(listening) = &mut socket.state {
            let grew = backlog > listening.backlog;
            listening.backlog = backlog;
            if grew {
                self.wake(id, Line::Room, Wake::All);
            }
        } else {
            let listening = Listening { backlog, pending: VecDeque::new() };
            socket.state = State::Listening(Box::new(listening));
        }
        Ok(Ret::Unit)
    }

    fn check_listen(&self, id: SocketId) -> Tried<()> {
        let socket = &self.sockets[id];
        if socket.kind == SocketType::Datagram {
            return Err(fail("listen/datagram"));
        }
        let unbound = || if socket.name.is_none() { Err(fail("listen/unbound")) } else { Ok(()) };
        let connected = || match socket.state {
            State::Unconnected | State::Listening(_) => Ok(()),
            State::Connecting(_) | State::Connected(_) => Err(fail("listen/connected")),
        };
        match *self.profile.connection.listen_looks_at_connection_first {
            true => connected().and_then(|()| unbound()),
            false => unbound().and_then(|()| connected()),
        }
    }

    /// The backlog that a number passed to `listen` stands for.
    fn clamp_backlog(&self, backlog: i32) -> u32 {
        let most = self.machine.backlog_max;
        let odd = match *self.profile.connection.odd_backlog {
            OddBacklog::NegativeIsMost if backlog < 0 => most,
            OddBacklog::NonPositiveIsMost if backlog <= 0 => most,
            _ => backlog.max(0) as u32,
        };
        odd.min(most)
    }
}
