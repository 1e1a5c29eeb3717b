//! Sending and receiving over the internet.

use super::route::Leads;
use super::{End, InetId, State};
use crate::model::stop::{Block, Stop, Tried, fail};
use crate::model::wait::{Attempt, Woken};
use crate::model::world::World;
use crate::op::{Bytes, Manner, Message, Received, Ret, Want};
use crate::{Errno, SocketType};
use alloc::vec::Vec;
use core::time::Duration;

/// The longest message that the length field of a datagram admits, headers included.
const LENGTH_FIELD: usize = 65_535;
/// The longest message that fits behind the headers.
const MOST: usize = 65_507;
/// After how long a connection is given up whose other end does not acknowledge: 15 attempts.
const PATIENCE: Duration = Duration::from_secs(924);

impl World {
    pub(super) fn send_tcp(&mut self, id: InetId, message: &Message) -> Tried {
        let socket = &mut self.internet.sockets[id];
        if let Some(error) = socket.error.take() {
            return Err(fail(error));
        }
        let State::Connected(connection) = socket.state else {
            return Err(Stop::Errno(Errno::EPIPE));
        };
        if socket.no_more_writing {
            return Err(Stop::Errno(Errno::EPIPE));
        }
        if message.unmapped {
            return Err(fail("send/bad-pointer"));
        }
        let length = message.data.len();
        match connection.peer {
            Some(peer) if length > 0 => {
                self.internet.sockets[peer].inbox.push_back(message.data.clone());
                self.wake_internet(peer);
            }
            Some(_) => {}
            // The other end answers the first message with a reset.
            None if socket.ended => socket.no_more_writing = true,
            None => self.send_away(id, connection.to),
        }
        Ok(Ret::Count(length))
    }

    /// Sends to another machine, which takes it or not.
    fn send_away(&mut self, id: InetId, to: End) {
        match self.manner(to.host) {
            Manner::Accepts => {}
            Manner::Refuses | Manner::Resets => self.cut(id, Some("recv/reset-inet")),
            Manner::Silent | Manner::Unreachable => {
                let until = self.now.saturating_add(PATIENCE);
                if let State::Connected(connection) = &mut self.internet.sockets[id].state {
                    connection.until.get_or_insert(until);
                }
            }
        }
    }

    pub(super) fn send_udp(&mut self, id: InetId, message: &Message) -> Tried {
        if matches!(message.to, Some(crate::op::Name::Unmapped)) {
            return Err(fail("send/bad-pointer"));
        }
        if self.internet.sockets[id].no_more_writing {
            return Err(Stop::Errno(Errno::EPIPE));
        }
        self.take_port(id, [0; 4], "connect/no-free-port-datagram")?;
        let length = message.data.len();
        if length > LENGTH_FIELD {
            return Err(fail("send/message-too-long-inet"));
        }
        if message.flags.urgent {
            return Err(Stop::Errno(Errno::EOPNOTSUPP));
        }
        let to = self.destination(id, message)?;
        let leads = self.route_datagram(id, to)?;
        let socket = &mut self.internet.sockets[id];
        if let Some(error) = socket.error.take() {
            return Err(fail(error));
        }
        if length > MOST {
            return Err(fail("send/message-too-long-inet"));
        }
        if message.unmapped && length > 0 {
            return Err(fail("send/bad-pointer"));
        }
        self.deliver(id, to, leads, &message.data);
        Ok(Ret::Count(length))
    }

    fn destination(&self, id: InetId, message: &Message) -> Tried<End> {
        match (&message.to, &self.internet.sockets[id].state) {
            (Some(name), _) => match self.check_end(name, "send/bad-pointer")? {
                End { port: 0, .. } => Err(fail("connect/incomplete-address-inet")),
                end => Ok(end),
            },
            (None, State::Associated(end)) => Ok(*end),
            (None, _) => Err(fail("send/no-destination-inet")),
        }
    }

    /// A datagram arrives, or its sender gets to know that it did not, if it has one destination.
    fn deliver(&mut self, from: InetId, to: End, leads: Leads, data: &Bytes) {
        let refusal = match leads {
            Leads::Here => match self.at(from, to, |socket| socket.takes_datagrams()) {
                Some(receiver) => {
                    self.internet.sockets[receiver].inbox.push_back(data.clone());
                    self.wake_internet(receiver);
                    return;
                }
                None => "connect/refused-inet",
            },
            Leads::There(Manner::Refuses) => "connect/refused-inet",
            Leads::There(Manner::Unreachable) => "connect/host-unreachable",
            Leads::There(_) | Leads::All | Leads::Group => return,
        };
        let socket = &mut self.internet.sockets[from];
        if matches!(socket.state, State::Associated(_)) {
            socket.error = Some(refusal);
            self.wake_internet(from);
        }
    }

    pub(super) fn recv_internet(
        &mut self,
        id: InetId,
        want: &Want,
        nonblocking: bool,
        attempt: &Attempt,
    ) -> Tried {
        let timeout = self.internet.sockets[id].receive_timeout;
        let deadline = self.deadline(attempt, timeout);
        let socket = &mut self.internet.sockets[id];
        let datagram = socket.kind == SocketType::Udp;
        if (datagram || socket.inbox.is_empty())
            && let Some(error) = socket.error.take()
        {
            return Err(fail(error));
        }
        if !socket.inbox.is_empty() {
            if want.unmapped {
                return Err(fail("recv/bad-pointer"));
            }
            return Ok(Ret::Received(socket.take(want, datagram)));
        }
        if socket.ended {
            return Ok(Ret::Received(Received::default()));
        }
        let until = match socket.state {
            State::Connected(connection) => connection.until,
            _ if datagram => None,
            State::Asking(asked) => Some(asked.until),
            _ => return Err(Stop::Errno(Errno::ENOTCONN)),
        };
        Err(match attempt.woken {
            _ if nonblocking || want.flags.dont_wait => fail("recv/nothing-to-read"),
            Some(Woken::Interrupted) => fail("recv/interrupted"),
            Some(Woken::Expired) => fail("recv/timed-out"),
            Some(Woken::Ready) | None => {
                let deadline = [deadline, until].into_iter().flatten().min();
                Stop::Block(Block { places: Vec::new(), why: "wait/nothing-to-read", deadline })
            }
        })
    }
}

impl super::Socket {
    /// Reads from what has come: one datagram, or as much of a stream as there is room for.
    fn take(&mut self, want: &Want, datagram: bool) -> Received {
        let mut data = Vec::new();
        let (mut read, mut pieces) = (self.read, 0);
        let mut whole = 0;
        for piece in &self.inbox {
            let rest = &piece[read..];
            let taken = rest.len().min(want.length - data.len());
            data.extend_from_slice(&rest[..taken]);
            whole = rest.len();
            read += taken;
            if datagram || taken == rest.len() {
                (read, pieces) = (0, pieces + 1);
            }
            if datagram || data.len() == want.length {
                break;
            }
        }
        if !want.flags.peek {
            self.inbox.drain(..pieces);
            self.read = read;
        }
        let truncated = datagram && whole > want.length;
        let returned = if truncated && want.flags.truncate { whole } else { data.len() };
        Received { data: data.into(), returned, truncated, ..Received::default() }
    }
}
