//! Several calls that belong together, to get where single ones seldom lead.

use super::{Expected, Generator, Place, arguments};
use std::time::Duration;
use sunpath::op::{
    Events, Fd, FileOp, Kind, Level, Message, Name, New, NewFlags, Op, Opt, Out, ProcessOp,
    Request, Ret, Value, Want,
};
use sunpath::{Address, SocketType};

/// No more are looked at in the end.
const MOST_LOOKED_AT: usize = 40;

impl Generator {
    fn socket_of(&mut self, kind: SocketType) -> Option<Fd> {
        let new = New::unix(Kind::from(kind)).nonblocking();
        match self.make(Op::Socket(new))? {
            Expected::Done(Ret::Fd(fd)) => Some(fd),
            _ => None,
        }
    }

    /// A socket that others can go to.
    pub(super) fn serve(&mut self) {
        let kind = *self.dice.pick(&arguments::TYPES);
        let Some(fd) = self.socket_of(kind) else { return };
        let name = self.new_name();
        self.make(Op::Bind { fd, name });
        if kind != SocketType::Datagram {
            let backlog = self.dice.below(4) as i32;
            self.make(Op::Listen { fd, backlog });
        }
        self.learn_name(fd, kind != SocketType::Datagram);
    }

    /// A socket that goes to another.
    pub(super) fn visit(&mut self) {
        let kind = *self.dice.pick(&arguments::TYPES);
        let Some(fd) = self.socket_of(kind) else { return };
        if self.dice.once_in(4) {
            let name = self.new_name();
            self.make(Op::Bind { fd, name });
        }
        let name = self.target(Some(kind), kind != SocketType::Datagram);
        self.make(Op::Connect { fd, name });
        if self.dice.once_in(2) {
            self.make(Op::Send(Message::new(fd, b"hello").dont_wait()));
        }
    }

    /// Sends until there is no room.
    pub(super) fn fill(&mut self) {
        let fd = self.fd(|known| known.connected);
        let length = *self.dice.pick(&[1, 100, 3000, 20_000, 60_000]);
        let data = vec![b'f'; length];
        for _ in 0..300 {
            match self.make(Op::Send(Message::new(fd, data.as_slice()).dont_wait())) {
                Some(Expected::Done(_)) => {}
                _ => break,
            }
        }
        self.make(Op::Poll { fds: vec![(fd, Events::ALL)], timeout: Some(Duration::ZERO) });
        self.make(Op::Ioctl { fd, request: Request::Outq });
    }

    /// Receives until there is nothing.
    pub(super) fn drain(&mut self) {
        let fd = self.fd(|known| known.connected);
        let length = *self.dice.pick(&[10, 1000, 70_000]);
        for _ in 0..300 {
            match self.make(Op::Recv(Want::new(fd, length).control(256).dont_wait())) {
                Some(Expected::Done(Ret::Received(received))) if received.returned > 0 => {}
                _ => break,
            }
        }
    }

    /// Descriptors in flight, up to the limit.
    pub(super) fn flood_with_descriptors(&mut self) {
        if !self.privileged {
            return;
        }
        if self.dice.once_in(2) {
            let limit = *self.dice.pick(&[20, 40]);
            self.make(Op::Process(ProcessOp::LimitDescriptors { limit }));
        }
        let fd = self.fd(|known| known.connected);
        let count = *self.dice.pick(&[1, 5, 20, 253]);
        let rights = vec![self.fd(|_| true); count];
        for _ in 0..12 {
            let message = Message::new(fd, b"d").with_rights(&rights).dont_wait();
            match self.make(Op::Send(message)) {
                Some(Expected::Done(_)) => {}
                _ => break,
            }
        }
    }

    /// Links in a circle, to nothing, or one behind the other; sometimes more than a path may have.
    pub(super) fn links(&mut self) {
        let number = match self.dice.below(12) {
            0 => 39 + self.dice.below(3),
            _ => 1 + self.dice.below(3),
        };
        let link = |number: usize| format!("k{number}").into_bytes();
        let last = match self.dice.below(4) {
            0..=1 => link(0),
            2 => b"none".to_vec(),
            _ => self.path(),
        };
        for place in 0..number {
            let target = if place + 1 < number { link(place + 1) } else { last.clone() };
            self.make(Op::File(FileOp::Symlink { target, path: link(place) }));
        }
        let mut path = link(self.dice.below(number.min(4)));
        if self.dice.once_in(4) {
            let more = *self.dice.pick(&["/", "/a", "/..", "/../k0"]);
            path.extend(self.inside(more));
        }
        let kind = *self.dice.pick(&arguments::TYPES);
        let name = Name::Unix(Address::Path(path.clone()));
        self.places.push(Place { name: name.clone(), kind, listens: self.dice.once_in(2) });
        let fd = self.socket();
        let op = match self.dice.below(8) {
            0..=2 => Op::Bind { fd, name },
            3..=5 => Op::Connect { fd, name },
            6 => Op::Send(Message { to: Some(name), ..Message::new(fd, b"l").dont_wait() }),
            _ => Op::File(FileOp::OpenPath { path }),
        };
        self.make(op);
    }

    /// A receiver that takes no descriptors, from a certain moment on.
    pub(super) fn refuse_descriptors(&mut self) {
        let kind = *self.dice.pick(&arguments::TYPES);
        let Some((from, to)) = self.pair_of(kind) else { return };
        for _ in 0..3 {
            let fd = if self.dice.once_in(4) { from } else { to };
            let value = Value::Int(self.dice.below(2) as i32);
            let (level, option) = (Level::Socket, Opt::PassRights);
            self.make(Op::Setsockopt { fd, level, option, value });
            let rights = [self.fd(|_| true)];
            let fd = if self.dice.once_in(6) { to } else { from };
            self.make(Op::Send(Message::new(fd, b"d").with_rights(&rights).dont_wait()));
        }
    }

    /// A pair's ends, or a client and its listener, which has not accepted it.
    fn pair_of(&mut self, kind: SocketType) -> Option<(Fd, Fd)> {
        if self.dice.once_in(2) {
            return match self.make(Op::Socketpair(New::unix(Kind::from(kind)).nonblocking()))? {
                Expected::Done(Ret::Pair(a, b)) => Some((a, b)),
                _ => None,
            };
        }
        let (client, server) = (self.socket_of(kind)?, self.socket_of(kind)?);
        self.make(Op::Bind { fd: server, name: Name::Unix(Address::Unnamed) });
        if kind != SocketType::Datagram {
            self.make(Op::Listen { fd: server, backlog: 1 });
        }
        self.learn_name(server, kind != SocketType::Datagram);
        let name = self.places.last()?.name.clone();
        self.make(Op::Connect { fd: client, name });
        Some((client, server))
    }

    /// Sockets in each other's queues, some of which are closed, in any order.
    pub(super) fn circle(&mut self) {
        let number = 1 + self.dice.below(4);
        let mut pairs = Vec::new();
        for _ in 0..number {
            let kind = *self.dice.pick(&arguments::TYPES);
            pairs.extend(self.pair_of(kind));
        }
        for place in 0..pairs.len() {
            let (from, _) = pairs[place];
            let (of, other) = pairs[(place + 1) % pairs.len()];
            let mut rights = vec![if self.dice.once_in(4) { of } else { other }];
            if self.dice.once_in(6) {
                rights.push(self.fd(|_| true));
            }
            self.make(Op::Send(Message::new(from, b"c").with_rights(&rights).dont_wait()));
        }
        let mut ends: Vec<_> = pairs.into_iter().flat_map(|(a, b)| [a, b]).collect();
        let spared = if self.dice.once_in(3) { 1 + self.dice.below(2) } else { 0 };
        while ends.len() > spared {
            let fd = ends.swap_remove(self.dice.below(ends.len()));
            self.make(Op::Close { fd });
        }
    }

    /// What is left, seen through each descriptor of each process.
    pub(super) fn look_at_everything(&mut self) {
        for task in 0..self.play.members.len() as u32 {
            if !self.alive(task) {
                continue;
            }
            self.task = task;
            let fds: Vec<_> = self.table().iter().map(|k| k.fd).take(MOST_LOOKED_AT).collect();
            for fd in &fds {
                let fds = vec![(*fd, Events::ALL)];
                self.make(Op::Poll { fds, timeout: Some(Duration::ZERO) });
                for request in [Request::Inq, Request::Outq] {
                    self.make(Op::Ioctl { fd: *fd, request });
                }
                for option in [Opt::PeerCred, Opt::AcceptConn, Opt::Error] {
                    self.make(Op::Getsockopt { fd: *fd, level: Level::Socket, option });
                }
                let (fd, name) = (*fd, Out::Room);
                self.make(Op::Getsockname { fd, name });
                self.make(Op::Getpeername { fd, name });
            }
            for fd in fds {
                let name = Out::Room;
                self.make(Op::Accept { fd, flags: NewFlags::NONE, name });
                self.make(Op::Recv(Want::new(fd, 4096).control(256).dont_wait()));
            }
        }
    }
}
