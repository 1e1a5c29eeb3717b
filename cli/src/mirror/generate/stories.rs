//! Several calls that belong together, to get where single ones seldom lead.

use super::{Expected, Generator, arguments};
use std::time::Duration;
use sunpath::SocketType;
use sunpath::op::{
    Events, Fd, Kind, Level, Message, New, NewFlags, Op, Opt, Out, ProcessOp, Request, Ret, Want,
};

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
