//! Ports: which are free.

use super::{End, Host, InetId, Socket, State};
use crate::SocketType;
use crate::model::stop::{Tried, fail};
use crate::model::world::World;

impl World {
    /// The sockets of the same protocol and network that have a port.
    fn holders(&self, id: InetId, port: u16) -> impl Iterator<Item = &Socket> {
        let own = &self.internet.sockets[id];
        self.internet.sockets.iter().filter_map(move |(other, socket)| {
            let same = (socket.kind, socket.net) == (own.kind, own.net) && other != id;
            (same && socket.local.is_some_and(|end| end.port == port)).then_some(socket)
        })
    }

    /// Whether a socket can be bound here.
    pub(super) fn is_free(&self, id: InetId, end: End) -> bool {
        let own = &self.internet.sockets[id];
        self.holders(id, end.port).all(|other| {
            let theirs = other.local.map_or([0; 4], |end| end.host);
            let listens = matches!(other.state, State::Listening { .. });
            !overlap(theirs, end.host) || own.reuse && other.reuse && !listens
        })
    }

    /// Gives a socket that has none a port that nobody has; fails with this cause.
    pub(super) fn take_port(&mut self, id: InetId, host: Host, none: &'static str) -> Tried<()> {
        if self.internet.sockets[id].local.is_some() {
            return Ok(());
        }
        let (first, last) = self.internet.ports;
        let free = (first..=last).find(|port| self.is_free(id, End { host, port: *port }));
        let port = free.ok_or(fail(none))?;
        self.internet.sockets[id].local = Some(End { host, port });
        Ok(())
    }

    /// Gives a stream a port for a connection: it may be that of another connection, if the other
    /// end is another one.
    pub(super) fn take_port_for(&mut self, id: InetId, to: End) -> Tried<()> {
        let clashes = |port: u16| {
            self.holders(id, port).any(|other| match other.state {
                State::Connected(connection) => connection.to == to,
                State::Asking(asked) => asked.to == to,
                _ => false,
            })
        };
        if let Some(end) = self.internet.sockets[id].local {
            let in_use = *self.profile.internet.clash == crate::profile::Clash::AddressInUse;
            return match clashes(end.port) {
                false => Ok(()),
                true if in_use => Err(fail("connect/address-in-use")),
                true => Err(fail("connect/no-free-port")),
            };
        }
        let (first, last) = self.internet.ports;
        let listened = |port: u16| {
            self.holders(id, port).any(|other| !matches!(other.state, State::Connected(_)))
        };
        let free = (first..=last).find(|port| !clashes(*port) && !listened(*port));
        let port = free.ok_or(fail("connect/no-free-port"))?;
        self.internet.sockets[id].local = Some(End { host: [0; 4], port });
        Ok(())
    }

    /// The socket of this machine that takes what is sent to this end.
    pub(super) fn at(&self, from: InetId, to: End, wanted: fn(&Socket) -> bool) -> Option<InetId> {
        let own = &self.internet.sockets[from];
        let sender = own.local;
        let takes = |socket: &Socket| {
            let local = socket.local.filter(|end| end.port == to.port);
            let expected = match socket.state {
                State::Associated(peer) => sender.is_some_and(|end| end.port == peer.port),
                _ => true,
            };
            (socket.kind, socket.net) == (own.kind, own.net)
                && local.is_some_and(|end| overlap(end.host, to.host))
                && expected
                && wanted(socket)
        };
        self.internet.sockets.iter().find(|(_, socket)| takes(socket)).map(|(id, _)| id)
    }
}

/// Whether two local addresses have packets in common.
fn overlap(a: Host, b: Host) -> bool {
    a == b || a == [0; 4] || b == [0; 4]
}

impl Socket {
    pub(super) fn listens(&self) -> bool {
        matches!(self.state, State::Listening { .. })
    }

    pub(super) fn takes_datagrams(&self) -> bool {
        self.kind == SocketType::Udp
    }
}
