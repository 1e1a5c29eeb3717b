//! One step: a task makes a call, or looks again at one in which it waits.

use super::file::FileId;
use super::stop::{Failure, Stop, Tried, Wait};
use super::wait::{Attempt, Pending};
use super::world::{Caller, TaskId, World};
use crate::cause::{self, Cause};
use crate::op::{Family, Kind, Op, Ret};
use crate::{Errno, SocketType, Symptom};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It succeeded.
    Done(Ret),
    /// It failed.
    Fail(Failure),
    /// It waits; the task can make no other call until it is over.
    Blocked(Wait),
}

impl Step {
    /// The cause why it failed or waits.
    pub fn cause(&self) -> Option<&'static Cause> {
        match self {
            Step::Done(_) => None,
            Step::Fail(failure) => failure.cause,
            Step::Blocked(wait) => Some(wait.cause),
        }
    }

    /// The error that the program sees.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Step::Fail(failure) => Some(failure.errno),
            _ => None,
        }
    }
}

impl World {
    /// Makes a task make a call.
    ///
    /// # Panics
    /// If there is no such task, if its process has exited, or if it waits in another call.
    pub fn step(&mut self, task: TaskId, op: &Op) -> Step {
        let state = &self.tasks[task.0 as usize];
        assert!(state.pending.is_none(), "{task:?} waits in a call");
        let caller = Caller { task, process: state.process, began_on: None };
        assert!(!self.processes[caller.process].gone, "{task:?} has exited");
        if self.faults.is_some()
            && let Some(step) = self.strike(caller, op)
        {
            return step;
        }
        self.begin(caller, op)
    }

    /// Makes a call that no fault changes.
    #[inline(always)]
    pub(crate) fn begin(&mut self, caller: Caller, op: &Op) -> Step {
        self.remark = None;
        if let Op::Send(message) = op
            && let Some(count) = self.send_at_once(caller, message)
        {
            return Step::Done(Ret::Count(count));
        }
        if let Op::Recv(want) = op
            && let Some(ready) = self.ready_at_once(caller, want)
        {
            return Step::Done(Ret::Received(self.recv_at_once(ready)));
        }
        self.at_length(caller, op)
    }

    #[inline(never)]
    fn at_length(&mut self, caller: Caller, op: &Op) -> Step {
        let mut attempt = Attempt::default();
        match self.run(caller, op, &mut attempt) {
            Ok(ret) => Step::Done(ret),
            Err(stop) => self.stopped(caller, op, attempt, stop),
        }
    }

    /// Makes the call in which a task waits look again: whether it was woken ([`World::runnable`])
    /// or not, as kernels may wake anybody at any time.
    ///
    /// # Panics
    /// If there is no such task or it does not wait.
    pub fn resume(&mut self, task: TaskId) -> Step {
        self.remark = None;
        let state = &mut self.tasks[task.0 as usize];
        let pending = *state.pending.take().expect("the task waits");
        let Pending { op, mut attempt, places, files, .. } = pending;
        let began_on = op.fd().and_then(|fd| Some((fd, *files.first()?)));
        let caller = Caller { task, process: state.process, began_on };
        self.leave_lines(task, &places);
        let step = match self.run(caller, &op, &mut attempt) {
            Ok(ret) => Step::Done(ret),
            Err(stop) => self.stopped(caller, &op, attempt, stop),
        };
        // Only now, for the call used them; one that waits again has taken references of its own.
        for file in files {
            self.drop_file(file);
        }
        step
    }

    /// What the last call lost, or why it ended, without an error: a message that was cut off, the
    /// end of file, descriptors that went astray. `None` if there is nothing to say of it.
    ///
    /// ```
    /// use sunpath_core::model::World;
    /// use sunpath_core::op::{Kind, Message, New, Op, Want};
    /// use sunpath_core::profile::LINUX;
    ///
    /// let mut world = World::new(LINUX);
    /// let task = world.spawn();
    /// world.step(task, &Op::Socketpair(New::unix(Kind::Datagram)));
    /// world.step(task, &Op::Send(Message::new(3, b"hello")));
    /// world.step(task, &Op::Recv(Want::new(4, 2)));
    /// assert_eq!(world.remarked().unwrap().id, "recv/message-truncated");
    /// ```
    pub fn remarked(&self) -> Option<&'static Cause> {
        self.remark.map(entry)
    }

    /// Something happened that no error tells.
    #[cold]
    pub(crate) fn remark(&mut self, id: &'static str) {
        self.remark = Some(id);
    }

    #[cold]
    fn stopped(&mut self, caller: Caller, op: &Op, mut attempt: Attempt, stop: Stop) -> Step {
        match stop {
            Stop::Fail { id, signal } => {
                let cause = entry(id);
                let errno = self.errno(cause, self.kind_of(caller, op));
                Step::Fail(Failure { cause: Some(cause), errno, signal })
            }
            Stop::Errno(errno) => Step::Fail(Failure { cause: None, errno, signal: false }),
            Stop::Internet(socket) => match self.internet_call(caller, socket, op, &mut attempt) {
                Ok(ret) => Step::Done(ret),
                Err(stop) => self.stopped(caller, op, attempt, stop),
            },
            Stop::Block(block) => {
                let files = self.files_of(caller, op);
                for file in &files {
                    self.files[*file].references += 1;
                }
                self.join_lines(caller.task, &block.places);
                let attempt =
                    Attempt { waited: true, deadline: block.deadline, woken: None, ..attempt };
                let places = block.places;
                let pending = Pending { op: op.clone(), attempt, places, files, why: block.why };
                self.tasks[caller.task.0 as usize].pending = Some(Box::new(pending));
                Step::Blocked(Wait { cause: entry(block.why), until: block.deadline })
            }
        }
    }

    /// What a cause shows to a program on this world's platform.
    pub(crate) fn errno(&self, cause: &'static Cause, kind: SocketType) -> Errno {
        match cause.symptom(self.profile.platform, kind) {
            Some(Symptom::Errno(errno)) => errno,
            // A rule of the profile fails for a cause that the catalogue does not know there.
            _ => panic!("{} shows no error for {kind} on {}", cause.id, self.profile.platform),
        }
    }

    /// The type of the socket that a call is about.
    pub(crate) fn kind_of(&self, caller: Caller, op: &Op) -> SocketType {
        let of_kind = |kind| match kind {
            Kind::Datagram | Kind::Raw => SocketType::Datagram,
            Kind::SeqPacket => SocketType::SeqPacket,
            Kind::Stream | Kind::Other(_) => SocketType::Stream,
        };
        match op {
            Op::Socket(new) | Op::Socketpair(new) => match (of_kind(new.kind), new.family) {
                (SocketType::Stream, Family::Inet) => SocketType::Tcp,
                (SocketType::Datagram, Family::Inet) => SocketType::Udp,
                (kind, _) => kind,
            },
            _ => {
                let fd = op.fd().unwrap_or(-1);
                match self.socket(caller, fd, ["", ""]) {
                    Ok((_, socket)) => self.sockets[socket].kind,
                    Err(Stop::Internet(socket)) => self.internet.sockets[socket].kind,
                    Err(_) => SocketType::Stream,
                }
            }
        }
    }

    /// The open files that a call uses, which cannot be released while it waits.
    fn files_of(&self, caller: Caller, op: &Op) -> Vec<FileId> {
        let file = |fd| self.file(caller, fd, "").ok();
        match op {
            Op::Poll { fds, .. } => fds.iter().filter_map(|(fd, _)| file(*fd)).collect(),
            _ => op.fd().and_then(file).into_iter().collect(),
        }
    }

    /// Each call has its own file; this says which.
    fn run(&mut self, caller: Caller, op: &Op, attempt: &mut Attempt) -> Tried {
        match op {
            Op::Send(message) => self.send(caller, message, attempt),
            Op::Recv(want) => self.recv(caller, want, attempt),
            Op::Socket(new) => self.create(caller, new),
            Op::Socketpair(new) => self.create_pair(caller, new),
            Op::Close { fd } => self.close(caller, *fd),
            Op::Dup { fd } => self.dup(caller, *fd),
            Op::Nonblocking { fd, on } => self.set_nonblocking(caller, *fd, *on),
            Op::Bind { fd, name } => self.bind(caller, *fd, name, attempt),
            Op::Listen { fd, backlog } => self.listen(caller, *fd, *backlog),
            Op::Accept { fd, flags, name } => self.accept(caller, *fd, *flags, *name, attempt),
            Op::Connect { fd, name } => self.connect(caller, *fd, name, attempt),
            Op::Shutdown { fd, how } => self.shutdown(caller, *fd, *how),
            Op::Getsockname { fd, name } => self.getsockname(caller, *fd, *name),
            Op::Getpeername { fd, name } => self.getpeername(caller, *fd, *name),
            Op::Getsockopt { fd, level, option } => self.getsockopt(caller, *fd, *level, *option),
            Op::Setsockopt { fd, level, option, value } => {
                self.setsockopt(caller, *fd, *level, *option, value)
            }
            Op::Ioctl { fd, request } => self.ioctl(caller, *fd, *request),
            Op::Poll { fds, timeout } => self.poll(caller, fds, *timeout, attempt),
            Op::Lseek { fd } => self.lseek(caller, *fd),
            Op::File(op) => self.file_call(caller, op),
            Op::Process(op) => self.process_call(caller, op),
        }
    }
}

/// The entry of the catalogue.
pub(crate) fn entry(id: &'static str) -> &'static Cause {
    cause::find(id).expect("the model fails for causes of the catalogue")
}
