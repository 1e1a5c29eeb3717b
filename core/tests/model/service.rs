//! Short forms for servers and their clients.

use crate::scene::*;
use std::time::Duration;
use sunpath_core::Errno;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{
    Events, Family, Fd, Kind, Level, Name, New, NewFlags, Op, Opt, Out, Value, Want,
};
use sunpath_core::profile::Profile;

pub const STREAM: Kind = Kind::Stream;
pub const DATAGRAM: Kind = Kind::Datagram;
pub const PACKETS: Kind = Kind::SeqPacket;

/// Both types that connect.
pub const CONNECTED: [Kind; 2] = [STREAM, PACKETS];

/// One process in a world, whose calls are short to write.
pub struct Host {
    pub world: World,
    pub task: TaskId,
}

impl Host {
    pub fn new(profile: Profile) -> Host {
        let mut world = World::new(profile);
        let task = world.spawn();
        Host { world, task }
    }

    pub fn call(&mut self, op: Op) -> Step {
        self.world.step(self.task, &op)
    }

    pub fn by(&mut self, task: TaskId, op: Op) -> Step {
        self.world.step(task, &op)
    }

    #[track_caller]
    pub fn resume(&mut self, task: TaskId) -> Step {
        resume(&mut self.world, task)
    }

    /// Another thread of the process.
    pub fn thread(&mut self) -> TaskId {
        self.world.spawn_thread(self.task)
    }

    #[track_caller]
    pub fn socket(&mut self, kind: Kind) -> Fd {
        fd(self.call(Op::Socket(New::unix(kind))))
    }

    #[track_caller]
    pub fn nonblocking(&mut self, kind: Kind) -> Fd {
        fd(self.call(Op::Socket(New::unix(kind).nonblocking())))
    }

    #[track_caller]
    pub fn pair(&mut self, kind: Kind) -> (Fd, Fd) {
        pair(&mut self.world, self.task, kind)
    }

    #[track_caller]
    pub fn bound(&mut self, kind: Kind, name: &str) -> Fd {
        let fd = self.socket(kind);
        done(self.call(bind(fd, name)));
        fd
    }

    #[track_caller]
    pub fn listener(&mut self, kind: Kind, name: &str, backlog: i32) -> Fd {
        let fd = self.bound(kind, name);
        done(self.call(listen(fd, backlog)));
        fd
    }

    #[track_caller]
    pub fn client(&mut self, kind: Kind, name: &str) -> Fd {
        let fd = self.socket(kind);
        done(self.call(connect(fd, name)));
        fd
    }

    #[track_caller]
    pub fn accepted(&mut self, listener: Fd) -> Fd {
        fd(self.call(accept(listener)))
    }

    pub fn send(&mut self, fd: Fd, data: &[u8]) -> Step {
        send(&mut self.world, self.task, fd, data)
    }

    pub fn recv(&mut self, fd: Fd) -> Step {
        recv(&mut self.world, self.task, fd, 64)
    }

    #[track_caller]
    pub fn reads(&mut self, fd: Fd, data: &str) {
        let received = received(self.recv(fd));
        assert_eq!(String::from_utf8_lossy(&received.data), data);
    }

    #[track_caller]
    pub fn sends(&mut self, fd: Fd, data: &[u8]) {
        let sent = self.send(fd, data);
        assert!(matches!(sent, Step::Done(_)), "{sent:?}");
    }

    #[track_caller]
    pub fn close(&mut self, fd: Fd) {
        done(self.call(Op::Close { fd }));
    }

    #[track_caller]
    pub fn shut(&mut self, fd: Fd, how: i32) {
        done(self.call(Op::Shutdown { fd, how }));
    }

    #[track_caller]
    pub fn set(&mut self, fd: Fd, option: Opt, value: Value) {
        let level = Level::Socket;
        done(self.call(Op::Setsockopt { fd, level, option, value }));
    }

    pub fn get(&mut self, fd: Fd, option: Opt) -> Step {
        self.call(Op::Getsockopt { fd, level: Level::Socket, option })
    }

    /// What `poll` tells of a descriptor.
    pub fn events(&self, fd: Fd) -> String {
        self.world.events(self.task, fd).to_string()
    }

    /// The tasks that were woken.
    pub fn woken(&self) -> Vec<TaskId> {
        self.world.runnable().collect()
    }
}

pub fn bind(fd: Fd, name: &str) -> Op {
    Op::Bind { fd, name: name.into() }
}

pub fn listen(fd: Fd, backlog: i32) -> Op {
    Op::Listen { fd, backlog }
}

pub fn connect(fd: Fd, name: &str) -> Op {
    Op::Connect { fd, name: name.into() }
}

/// `connect` with an address of no family, which takes the peer of a datagram socket away.
pub fn dissolve(fd: Fd) -> Op {
    Op::Connect { fd, name: Name::Foreign(Family::Unspecified) }
}

pub fn accept(fd: Fd) -> Op {
    Op::Accept { fd, flags: NewFlags::NONE, name: Out::Room }
}

pub fn accept_into(fd: Fd, name: Out) -> Op {
    Op::Accept { fd, flags: NewFlags::NONE, name }
}

/// A receive that waits.
pub fn read(fd: Fd) -> Op {
    Op::Recv(Want::new(fd, 64))
}

pub fn poll(fds: &[(Fd, Events)], timeout: Option<u64>) -> Op {
    Op::Poll { fds: fds.to_vec(), timeout: timeout.map(Duration::from_millis) }
}

/// A time limit of some milliseconds.
pub fn millis(ms: u64) -> Value {
    Value::Time(Some(Duration::from_millis(ms)))
}

pub const EOF: &str = "";

/// The call fails with this error.
#[track_caller]
pub fn fails_with(step: Step, errno: Errno) {
    assert_eq!(step.errno(), Some(errno), "{step:?}");
}
