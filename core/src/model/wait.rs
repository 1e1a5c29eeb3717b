//! Waiting: the lines in which tasks stand, and what gets them out.
//!
//! ```text
//!             Block: stands in lines                 somebody wakes the line,
//!  running ─────────────────────────────► waiting ── time runs out, or a signal ──► woken
//!     ▲                                      ▲                                        │
//!     │          the call is over            └──────── looks again, in vain ──────────┤
//!     └───────────────────────────────────────────────── World::resume ◄──────────────┘
//! ```

use super::file::FileId;
use super::recv::Gathered;
use super::send::Parcel;
use super::socket::{Socket, SocketId};
use super::step::entry;
use super::stop::{Block, Stop, Wait, fail};
use super::world::{TaskId, World};
use crate::op::{Fd, Op};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// What is waited for at a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Something to read, or a connection to accept.
    Readable,
    /// Room for what this socket sends.
    Writable,
    /// Room at this socket for what others send to it: in its backlog, or for datagrams.
    Room,
}

/// A task in a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiter {
    pub(crate) task: TaskId,
    pub(crate) line: Line,
}

/// The tasks in the lines of a socket, in the order in which they came. Most sockets have none,
/// which takes one word.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiters(Option<Box<Standing>>);

#[derive(Debug, Clone, Default)]
struct Standing {
    waiters: Vec<Waiter>,
}

impl Waiters {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn iter(&self) -> impl Iterator<Item = &Waiter> {
        self.0.iter().flat_map(|standing| &standing.waiters)
    }

    fn join(&mut self, waiter: Waiter) {
        self.0.get_or_insert_default().waiters.push(waiter);
    }

    fn leave(&mut self, task: TaskId) {
        if let Some(standing) = &mut self.0 {
            standing.waiters.retain(|waiter| waiter.task != task);
            if standing.waiters.is_empty() {
                self.0 = None;
            }
        }
    }
}

/// A call that waits.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) op: Op,
    pub(crate) attempt: Attempt,
    /// Where the task stands.
    pub(crate) places: Vec<(SocketId, Line)>,
    /// The open files that the call uses, which it keeps open.
    pub(crate) files: Vec<FileId>,
    /// The id of the cause why it waits.
    pub(crate) why: &'static str,
}

impl Pending {
    /// What is told of the wait.
    pub(crate) fn told(&self) -> Wait {
        Wait { cause: entry(self.why), until: self.attempt.deadline }
    }
}

/// What a call that looks again remembers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempt {
    /// When it gives up, once it has begun to wait.
    pub(crate) deadline: Option<Duration>,
    /// It has begun to wait.
    pub(crate) waited: bool,
    /// The connection it makes is in the backlog, and it waits until that is accepted.
    pub(crate) queued: bool,
    /// What ended the wait.
    pub(crate) woken: Option<Woken>,
    /// How many bytes it has sent so far.
    pub(crate) sent: usize,
    /// The number that is kept for the descriptor it will give.
    pub(crate) claimed: Option<Fd>,
    /// What it sends, while it waits.
    pub(crate) parcel: Option<Box<Parcel>>,
    /// It waits for room at a datagram's receiver.
    pub(crate) at_receiver: bool,
    /// How many bytes it waits for, as was settled when it began.
    pub(crate) least: Option<usize>,
    /// What it has received so far.
    pub(crate) gathered: Option<Box<Gathered>>,
}

/// What ends a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Something happened that may let the call go on.
    Ready,
    /// Time ran out.
    Expired,
    /// A signal came whose handler ends the call.
    Interrupted,
}

/// The causes of a call that finds nothing to do.
pub(crate) struct Waiting {
    /// It may not wait.
    pub(crate) would_block: &'static str,
    /// Its time is up.
    pub(crate) timed_out: &'static str,
    /// A signal came.
    pub(crate) interrupted: &'static str,
    /// It waits.
    pub(crate) waits: &'static str,
}

/// How many of those in a line are woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The one that has waited longest. Those who were woken for another reason already are
    /// passed over.
    One,
    /// Everybody.
    All,
}

impl World {
    /// What a call does that finds nothing to do: it fails or waits in this line. Whether it may
    /// wait, and for how long, is settled when it begins.
    pub(crate) fn wait_or_fail(
        &self,
        attempt: &Attempt,
        may_wait: bool,
        timeout: Option<Duration>,
        place: (SocketId, Line),
        causes: &Waiting,
    ) -> Stop {
        let deadline = self.deadline(attempt, timeout);
        match attempt.woken {
            _ if !may_wait && !attempt.waited => fail(causes.would_block),
            Some(Woken::Interrupted) => fail(causes.interrupted),
            _ if deadline.is_some_and(|d| d <= self.now) => fail(causes.timed_out),
            _ => {
                let why = self.why_waits(place.0, causes.waits);
                Stop::Block(Block { places: [place].into(), why, deadline })
            }
        }
    }

    /// When a call gives up: what was said when it began to wait, or now.
    pub(crate) fn deadline(
        &self,
        attempt: &Attempt,
        timeout: Option<Duration>,
    ) -> Option<Duration> {
        match attempt.waited {
            true => attempt.deadline,
            false => timeout.and_then(|t| self.now.checked_add(t)),
        }
    }

    /// Wakes those who wait in a line of a socket. Who only polls is always woken, and takes
    /// nobody's turn.
    #[inline]
    pub(crate) fn wake(&mut self, socket: SocketId, line: Line, how_many: Wake) {
        if !self.sockets[socket].waiters.is_empty() {
            self.wake_waiters(socket, line, how_many);
        }
    }

    fn wake_waiters(&mut self, socket: SocketId, line: Line, how_many: Wake) {
        let tasks: Vec<_> =
            self.sockets[socket].waiters.iter().filter(|w| w.line == line).copied().collect();
        let mut served = false;
        for waiter in tasks {
            let Some(pending) = &mut self.tasks[waiter.task.0 as usize].pending else { continue };
            // Whoever was woken already is on its way out of the line.
            if pending.attempt.woken.is_some() {
                continue;
            }
            let polls = matches!(pending.op, Op::Poll { .. });
            if polls || how_many == Wake::All || !served {
                pending.attempt.woken = Some(Woken::Ready);
                served |= !polls;
            }
        }
    }

    /// Takes a task out of all its lines.
    pub(crate) fn leave_lines(&mut self, task: TaskId, places: &[(SocketId, Line)]) {
        for (socket, _) in places {
            self.sockets[*socket].waiters.leave(task);
            self.release(*socket);
        }
    }

    /// Puts a task into lines.
    pub(crate) fn join_lines(&mut self, task: TaskId, places: &[(SocketId, Line)]) {
        for (socket, line) in places {
            let socket: &mut Socket = &mut self.sockets[*socket];
            socket.waiters.join(Waiter { task, line: *line });
            socket.holds += 1;
        }
    }
}
