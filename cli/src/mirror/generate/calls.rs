//! The calls on sockets that take no message.

use super::{Generator, arguments};
use std::time::Duration;
use sunpath::op::{
    Events, Family, Fd, Ids, Kind, Level, New, NewFlags, Op, Opt, ProcessOp, Request, Value,
};

/// Options that are looked at by accident rather than with a purpose.
const MOSTLY: &[Opt] = &[
    Opt::Error,
    Opt::Error,
    Opt::SndBuf,
    Opt::SndBuf,
    Opt::PassCred,
    Opt::PassCred,
    Opt::PassPidfd,
    Opt::PassRights,
    Opt::PeekOff,
    Opt::OobInline,
    Opt::OobInline,
    Opt::Inq,
    Opt::RcvLowat,
    Opt::PeerCred,
    Opt::PeerCred,
];

/// The options of another system.
const FOREIGN: &[Opt] =
    &[Opt::LocalCreds, Opt::LocalCredsPersistent, Opt::LocalConnWait, Opt::LocalPeerCred];

impl Generator {
    fn new_flags(&mut self) -> NewFlags {
        NewFlags {
            nonblocking: !self.dice.once_in(4),
            close_on_exec: self.dice.once_in(8),
            unknown: self.dice.once_in(200),
        }
    }

    fn creation(&mut self) -> New {
        let kind = match self.dice.below(60) {
            0 => Kind::Raw,
            1 => Kind::Other(*self.dice.pick(&[0, 4, 6, 10, 11, 12, -1])),
            other => Kind::from(arguments::TYPES[other % 3]),
        };
        let odd = self.dice.once_in(60);
        let family = match odd {
            true => *self.dice.pick(&[Family::Unspecified, Family::Other(45), Family::Other(-1)]),
            false => Family::Unix,
        };
        let protocol = if self.dice.once_in(40) { *self.dice.pick(&[1, 2, -1, 256]) } else { 0 };
        let flags = self.new_flags();
        New { family, kind, protocol, flags, unmapped: false }
    }

    pub(super) fn new_socket(&mut self) {
        let new = self.creation();
        let op = if self.dice.once_in(2) {
            Op::Socket(new)
        } else {
            Op::Socketpair(New { unmapped: self.dice.once_in(100), ..new })
        };
        self.make(op);
    }

    pub(super) fn bind(&mut self) {
        let fd = self.fd(|known| known.kind.is_some() && !known.bound);
        let name = self.new_name();
        self.make(Op::Bind { fd, name });
    }

    pub(super) fn listen(&mut self) {
        let stream = |known: &super::Known| known.kind.is_some_and(|k| k != arguments::TYPES[1]);
        let fd = self.fd(|known| stream(known) && known.bound && !known.connected);
        let backlog = *self.dice.pick(&[0, 0, 1, 2, 5, 128, 5000, -1, i32::MIN, i32::MAX]);
        let done = self.make(Op::Listen { fd, backlog });
        if done.is_some() && self.known(fd).is_some_and(|known| known.listens) {
            self.learn_name(fd, true);
        }
    }

    /// Looks a socket's name up, so that others can go to it.
    pub(super) fn learn_name(&mut self, fd: Fd, listens: bool) {
        let before = self.places.len();
        self.make(Op::Getsockname { fd, name: Default::default() });
        self.places[before..].iter_mut().for_each(|place| place.listens = listens);
    }

    pub(super) fn connect(&mut self) {
        let fd = self.fd(|known| known.kind.is_some() && !known.listens);
        let kind = self.known(fd).and_then(|known| known.kind);
        let name = self.target(kind, kind != Some(arguments::TYPES[1]));
        self.make(Op::Connect { fd, name });
    }

    pub(super) fn accept(&mut self) {
        let fd = self.fd(|known| known.listens);
        let (flags, name) = (self.new_flags(), self.out());
        self.make(Op::Accept { fd, flags, name });
    }

    pub(super) fn shut_down(&mut self) {
        let fd = self.socket();
        let how = match self.dice.below(20) {
            0 => *self.dice.pick(&[3, -1, i32::MAX]),
            other => other as i32 % 3,
        };
        self.make(Op::Shutdown { fd, how });
    }

    pub(super) fn close(&mut self) {
        let fd = self.fd(|_| true);
        // The device stays: what is written over 0, 1 and 2 says nothing about sockets.
        if !(0..3).contains(&fd) || self.dice.once_in(10) {
            self.make(Op::Close { fd });
        }
    }

    pub(super) fn dup(&mut self) {
        let fd = self.fd(|_| true);
        self.make(Op::Dup { fd });
    }

    pub(super) fn nonblocking(&mut self) {
        let fd = self.fd(|_| true);
        let on = !self.dice.once_in(4);
        self.make(Op::Nonblocking { fd, on });
    }

    pub(super) fn seek(&mut self) {
        let fd = self.fd(|_| true);
        self.make(Op::Lseek { fd });
    }

    pub(super) fn names(&mut self) {
        let (fd, name) = (self.socket(), self.out());
        let op = match self.dice.once_in(2) {
            true => Op::Getsockname { fd, name },
            false => Op::Getpeername { fd, name },
        };
        self.make(op);
    }

    fn option(&mut self) -> (Level, Opt) {
        let option = match self.dice.below(30) {
            0 => Opt::Unknown,
            1..=14 => *self.dice.pick(Opt::ALL),
            _ => *self.dice.pick(MOSTLY),
        };
        let level = if self.dice.once_in(60) { Level::Other } else { Level::Socket };
        if FOREIGN.contains(&option) { (level, Opt::Unknown) } else { (level, option) }
    }

    pub(super) fn getsockopt(&mut self) {
        let fd = self.socket();
        let (level, option) = self.option();
        self.make(Op::Getsockopt { fd, level, option });
    }

    pub(super) fn setsockopt(&mut self) {
        let fd = self.socket();
        let (level, option) = self.option();
        let value = self.value(option);
        self.make(Op::Setsockopt { fd, level, option, value });
    }

    fn value(&mut self, option: Opt) -> Value {
        const SIZES: &[i32] = &[0, 1, 2304, 2305, 4608, 5000, 20_000, 100_000, -1, i32::MAX];
        const SWITCH: &[i32] = &[0, 1, 1, 1, 0, 2, -1];
        const PEEK: &[i32] = &[-1, 0, 0, 0, 1, 3, 100, -2, i32::MIN];
        const TIMES: &[(i64, i64)] =
            &[(0, 0), (5, 0), (0, 1), (0, 999_999), (0, 1_000_000), (0, -1), (-1, 0), (1000, 1)];
        match self.dice.below(40) {
            0 => return Value::Short,
            1 => return Value::Unmapped,
            _ => {}
        }
        match option {
            Opt::SndBuf | Opt::RcvBuf | Opt::SndBufForce | Opt::RcvBufForce => {
                Value::Int(*self.dice.pick(SIZES))
            }
            Opt::SndTimeo | Opt::RcvTimeo => {
                let (seconds, microseconds) = *self.dice.pick(TIMES);
                Value::RawTime(seconds, microseconds)
            }
            Opt::Linger => Value::Linger(*self.dice.pick(&[None, Some(0), Some(5), Some(70_000)])),
            Opt::PeekOff => Value::Int(*self.dice.pick(PEEK)),
            Opt::AttachFilter => {
                let length = *self.dice.pick(&[1, 1, 2, 10, 4096, 4097, 0]);
                Value::Filter { length, drops: self.dice.once_in(2) }
            }
            _ => Value::Int(*self.dice.pick(SWITCH)),
        }
    }

    pub(super) fn ioctl(&mut self) {
        let fd = self.socket();
        let request = match self.dice.below(16) {
            0 => Request::File,
            1 => Request::Arp,
            2 => Request::Unknown,
            3..=5 => Request::AtMark,
            6..=10 => Request::Inq,
            _ => Request::Outq,
        };
        self.make(Op::Ioctl { fd, request });
    }

    pub(super) fn poll(&mut self) {
        let all = !self.dice.once_in(4);
        let mut fds = Vec::new();
        let known: Vec<_> = self.table().iter().map(|known| known.fd).collect();
        for fd in known.into_iter().take(64) {
            if all || self.dice.once_in(3) {
                fds.push((fd, self.events()));
            }
        }
        if self.dice.once_in(20) {
            fds.push((self.fd(|_| true), self.events()));
        }
        self.make(Op::Poll { fds, timeout: Some(Duration::ZERO) });
    }

    fn events(&mut self) -> Events {
        const EACH: [Events; 4] = [Events::IN, Events::PRI, Events::OUT, Events::RDHUP];
        if !self.dice.once_in(10) {
            return Events::ALL;
        }
        let mut events = Events::NONE;
        for event in EACH {
            events |= event.when(self.dice.once_in(2));
        }
        events
    }

    pub(super) fn process(&mut self) {
        let members = self.play.members.len();
        let op = match self.dice.below(if self.privileged { 15 } else { 8 }) {
            0..=1 => ProcessOp::Fork,
            7 => ProcessOp::Thread,
            2 if members > 1 && self.dice.once_in(2) => ProcessOp::Exit,
            2..=3 => ProcessOp::Getpid,
            4..=6 if self.privileged => {
                let limit = *self.dice.pick(&[0, 3, 5, 8, 12, 20, 40, 100, 300, 301]);
                ProcessOp::LimitDescriptors { limit }
            }
            8..=9 => {
                let (uid, gid) = (self.user(), self.user());
                let groups = (0..self.dice.below(3)).map(|_| self.user()).collect();
                ProcessOp::Become { uid, gid, groups }
            }
            // It limits what is in flight, too, and there an ordinary user's other programs count.
            4..=6 => ProcessOp::Fork,
            10..=12 => ProcessOp::SetEffective { uid: self.user(), gid: self.user() },
            13 => ProcessOp::UnshareNet,
            _ => ProcessOp::JoinNet { of: self.dice.below(members) as u32 },
        };
        self.make(Op::Process(op));
    }

    /// Root, or one of the ordinary users.
    pub(super) fn user(&mut self) -> u32 {
        match self.dice.below(5) {
            0..=1 => 0,
            other => super::FIRST_USER + other as u32 - 2,
        }
    }

    /// Ids that a message claims.
    pub(super) fn claim(&mut self) -> Ids {
        let member = self.dice.below(self.play.members.len());
        let own = self.play.members[self.task as usize].pid;
        let pid = match self.dice.below(8) {
            0 => self.play.members[member].pid,
            1 => *self.dice.pick(&[0, 1, -1, 9_999_999]),
            _ => own,
        };
        Ids { pid, uid: self.user(), gid: self.user() }
    }
}
