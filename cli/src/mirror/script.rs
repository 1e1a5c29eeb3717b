//! Scripts, and the model's answers to them.

use super::compare::{Automatic, automatic};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use sunpath::model::{Caps, Credentials, Step, TaskId, World};
use sunpath::op::{Control, Message, Name, Op, ProcessOp, Ret, Value};
use sunpath::profile::{LINUX, Machine};
use sunpath::trace::Outcome;
use sunpath::{Address, Errno};

/// How many network namespaces there are.
pub const NETS: usize = 3;

/// How many descriptors the other programs of a user have in flight at most.
const OF_OTHERS: i64 = 200;

/// How many processes a script can have.
pub const MOST_TASKS: usize = 8;

/// The user that a process of a script is at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Root, with these capabilities.
    Root(Caps),
    /// An ordinary user of one group.
    User(u32),
    /// Whoever started Sunpath, an ordinary user. The files are its own, so in the model it is root
    /// without capabilities, whose number the [`Dictionary`](super::compare::Dictionary) translates.
    Own,
}

impl Role {
    /// As the model knows them.
    pub fn credentials(&self) -> Credentials {
        match self {
            Role::Root(caps) => Credentials { caps: *caps, permitted: *caps, ..Credentials::ROOT },
            Role::User(id) => Credentials::user(*id, *id),
            Role::Own => Role::Root(Caps::NONE).credentials(),
        }
    }
}

/// A call of one of the processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The process, by the number of its task in the model.
    pub task: u32,
    /// The call.
    pub op: Op,
}

/// What the model says will come of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// It succeeds.
    Done(Ret),
    /// It fails.
    Fails {
        /// The error.
        errno: Errno,
        /// With `SIGPIPE`.
        signal: bool,
        /// The cause's id; empty for calls that the catalogue does not treat.
        cause: &'static str,
    },
}

impl Expected {
    /// As a trace tells it.
    pub fn to_outcome(&self) -> Outcome {
        match self {
            Expected::Done(ret) => Outcome::Done(ret.clone()),
            Expected::Fails { errno, signal, cause } => {
                let cause = (!cause.is_empty()).then_some(*cause);
                Outcome::Failed { errno: *errno, cause, signal: *signal }
            }
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_outcome().fmt(f)
    }
}

/// A call with the model's answer.
#[derive(Debug, Clone)]
pub struct Line {
    /// The call.
    pub made: Move,
    /// The answer.
    pub expected: Expected,
    /// The number of the network namespace in which the process is afterwards.
    pub net: usize,
    /// How many sockets there are once the garbage is collected that this call made.
    pub left: Option<usize>,
}

/// A task, which is a process or another thread of one, as far as the other side has to know.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its process's number in the model.
    pub pid: i32,
    /// The task that was the first of its process.
    pub process: usize,
    /// Who forked that.
    pub parent: Option<usize>,
    net: usize,
    /// It has exited.
    pub gone: bool,
}

/// The model, playing a script.
#[derive(Clone)]
pub struct Play {
    world: World,
    /// Every process there was.
    pub members: Vec<Member>,
    nets: usize,
    /// It can be seen when the kernel has collected garbage.
    collects: bool,
    /// Automatic names that a call gave: of others the kernel's counterpart is not known.
    automatic: Vec<Automatic>,
    /// What was played.
    pub lines: Vec<Line>,
    /// The model panicked at this call.
    pub panicked: Option<Move>,
}

impl Play {
    /// The beginning.
    pub fn new(cast: &[Role], machine: &Machine) -> Play {
        let mut play = Play {
            world: World::on(LINUX, machine.clone()),
            members: Vec::new(),
            nets: 1,
            collects: cast.iter().all(|role| !matches!(role, Role::Own)),
            automatic: Vec::new(),
            lines: Vec::new(),
            panicked: None,
        };
        for role in cast {
            let task = play.world.spawn_as(role.credentials());
            play.welcome(task, play.members.len(), None, 0);
        }
        play
    }

    /// Whether nothing more can be compared: what the kernel does later, when it likes, would
    /// show.
    pub fn is_over(&self) -> bool {
        self.panicked.is_some() || self.world.has_garbage()
    }

    /// Makes a call, unless it is none that can be compared: of a process that is gone, one that
    /// waits, one that the model does not know, or one that leads to garbage that this kernel may
    /// keep for ever. The answer.
    pub fn make(&mut self, made: Move) -> Option<&Expected> {
        if !self.is_possible(&made) {
            return None;
        }
        let before = (may_wait(&made.op) || has_rights(&made.op)).then(|| self.world.clone());
        let step = catch_unwind(AssertUnwindSafe(|| self.world.step(TaskId(made.task), &made.op)));
        let Ok(step) = step else {
            self.panicked = Some(made);
            return None;
        };
        let expected = match step {
            Step::Done(ret) => Expected::Done(ret),
            Step::Fail(failure) if failure.errno == Errno::ENOSYS => return None,
            Step::Fail(failure) => Expected::Fails {
                errno: failure.errno,
                signal: failure.signal,
                cause: failure.cause.map_or("", |cause| cause.id),
            },
            Step::Blocked(_) => {
                // Every call that can wait was made on a copy's original.
                self.world = before.unwrap_or_else(|| self.world.clone());
                return None;
            }
        };
        if has_rights(&made.op) && self.world.has_circles_that_share_a_socket() {
            self.world = before.unwrap_or_else(|| self.world.clone());
            return None;
        }
        self.note(&made, &expected);
        let net = self.members[made.task as usize].net;
        let left = (self.collects && self.world.has_garbage()).then(|| {
            self.world.collect_garbage();
            self.world.living_sockets()
        });
        self.lines.push(Line { made, expected, net, left });
        self.lines.last().map(|line| &line.expected)
    }

    fn is_possible(&self, made: &Move) -> bool {
        let alive = |task: u32| self.members.get(task as usize).is_some_and(|m| !m.gone);
        let named = address_of(&made.op).and_then(automatic);
        alive(made.task)
            && !(has_rights(&made.op) && self.may_be_limited_by_others(TaskId(made.task)))
            && named.is_none_or(|name| self.automatic.contains(&name))
            && match &made.op {
                Op::Process(ProcessOp::Thread) => self.members.len() < MOST_TASKS,
                // Only what has one thread can be copied.
                Op::Process(ProcessOp::Fork) => {
                    self.members.len() < MOST_TASKS && !self.has_threads(made.task)
                }
                // A kernel changes these of a thread, not of its process.
                Op::Process(
                    ProcessOp::Become { .. }
                    | ProcessOp::SetEffective { .. }
                    | ProcessOp::UnshareNet
                    | ProcessOp::JoinNet { .. },
                ) if self.has_threads(made.task) => false,
                Op::Process(ProcessOp::UnshareNet) => self.nets < NETS,
                Op::Process(ProcessOp::JoinNet { of }) => alive(*of),
                _ => true,
            }
    }

    /// Whether what other programs of the same user have in flight may decide. The users that are
    /// made for a script have none.
    fn may_be_limited_by_others(&self, task: TaskId) -> bool {
        self.world.credentials(task).users[0] == 0
            && self.world.room_in_flight(task).is_some_and(|room| room < OF_OTHERS)
    }

    /// Whether there is, or was, another thread in a task's process.
    fn has_threads(&self, task: u32) -> bool {
        let process = self.members[task as usize].process;
        self.members.iter().filter(|member| member.process == process).count() > 1
    }

    /// Keeps account of processes and namespaces.
    fn note(&mut self, made: &Move, expected: &Expected) {
        let (who, Expected::Done(ret)) = (made.task as usize, expected) else { return };
        self.automatic.extend(given(ret).and_then(automatic));
        match (&made.op, ret) {
            (Op::Process(ProcessOp::Fork), Ret::Task(task)) => {
                let (process, net) = (self.members.len(), self.members[who].net);
                self.welcome(TaskId(*task), process, Some(self.members[who].process), net);
            }
            (Op::Process(ProcessOp::Thread), Ret::Task(task)) => {
                let Member { process, parent, net, .. } = self.members[who];
                self.welcome(TaskId(*task), process, parent, net);
            }
            (Op::Process(ProcessOp::Exit), _) => {
                let process = self.members[who].process;
                let tasks = self.members.iter_mut().filter(|member| member.process == process);
                tasks.for_each(|member| member.gone = true);
            }
            (Op::Process(ProcessOp::UnshareNet), _) => {
                self.members[who].net = self.nets;
                self.nets += 1;
            }
            (Op::Process(ProcessOp::JoinNet { of }), _) => {
                self.members[who].net = self.members[*of as usize].net;
            }
            _ => {}
        }
    }

    fn welcome(&mut self, task: TaskId, process: usize, parent: Option<usize>, net: usize) {
        let pid = match self.world.step(task, &Op::Process(ProcessOp::Getpid)) {
            Step::Done(Ret::Value(Value::Int(pid))) => pid,
            _ => 0,
        };
        self.members.push(Member { pid, process, parent, net, gone: false });
    }
}

/// The address that a call is told.
fn address_of(op: &Op) -> Option<&Address> {
    match op {
        Op::Bind { name: Name::Unix(address), .. }
        | Op::Connect { name: Name::Unix(address), .. }
        | Op::Send(Message { to: Some(Name::Unix(address)), .. }) => Some(address),
        _ => None,
    }
}

/// The address that a call gives.
fn given(ret: &Ret) -> Option<&Address> {
    match ret {
        Ret::Name(address) | Ret::Value(Value::Name(Some(address))) => Some(address),
        Ret::Accepted { name, .. } => name.as_ref(),
        Ret::Received(received) => received.from.as_ref(),
        _ => None,
    }
}

/// Whether a call passes descriptors on.
fn has_rights(op: &Op) -> bool {
    let rights = |item: &Control| matches!(item, Control::Rights(fds) if !fds.is_empty());
    matches!(op, Op::Send(message) if message.control.iter().any(rights))
}

/// Whether a call may wait, as far as can be told from its arguments.
fn may_wait(op: &Op) -> bool {
    match op {
        Op::Accept { .. } | Op::Connect { .. } => true,
        Op::Send(message) => !message.flags.dont_wait,
        Op::Recv(want) => !want.flags.dont_wait,
        Op::Poll { timeout, .. } => *timeout != Some(std::time::Duration::ZERO),
        _ => false,
    }
}
