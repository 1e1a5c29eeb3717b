//! What a run was like.

use super::walked::Struck;
use crate::model::{Fault, Fired, Step};
use crate::op::Op;
use crate::trace::Outcome;
use crate::{Cause, Platform};
use std::fmt;
use std::time::Duration;

/// One call of a run, or what became of it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The virtual time since the start.
    pub at: Duration,
    /// The name of the thread.
    pub task: String,
    /// The call, as the model saw it.
    pub op: Op,
    /// What came of it. [`Step::Blocked`]: it waits, and a later event tells the end of it.
    pub step: Step,
}

impl fmt::Display for Event {
    /// As a [trace](crate::trace) has it, after the time.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { at, task, op, step } = self;
        write!(f, "{at:>8?}  {task}: {op} {}", Outcome::from(step.clone()))
    }
}

/// A thread that waits for ever, and for what.
#[derive(Debug, Clone)]
pub struct Stuck {
    /// The name of the thread.
    pub task: String,
    /// The call in which it waits.
    pub op: Option<Op>,
    /// Why it waits, as an entry of the catalogue; `None` if it waits for no call: for another
    /// thread to end, or for a future.
    pub cause: Option<&'static Cause>,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} waits", self.task)?;
        if let Some(op) = &self.op {
            write!(f, " in {op}")?;
        }
        match self.cause {
            Some(cause) => write!(f, ": {} ({})", cause.title, cause.id),
            None => Ok(()),
        }
    }
}

/// A fault that was planned for a run.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The name of the thread for the calls of which it is; `None`: see [`Fault::at`].
    pub thread: Option<String>,
    /// The fault.
    pub fault: Fault,
}

impl fmt::Display for Planned {
    /// The effect, and which call it is for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { at, effect, persistent } = self.fault;
        let kind = at.call.map_or("call", |call| call.name());
        write!(f, "{effect} at {kind} {}", at.nth)?;
        if let Some(thread) = &self.thread {
            write!(f, " of {thread}")?;
        }
        f.write_str(if persistent { ", and all that follow" } else { "" })
    }
}

/// What was wrong with a run.
#[derive(Debug, Clone)]
pub enum Failure {
    /// A thread panicked.
    Panicked {
        /// The name of the thread.
        task: String,
        /// Where: the name of the source file, line and column.
        place: Option<String>,
        /// What it said.
        message: String,
    },
    /// Nobody can go on, and no time limit will change that.
    Deadlock(Vec<Stuck>),
    /// Descriptors were still open when every thread had ended; the processes that opened them.
    Leaked(Vec<String>),
    /// So many calls were made that there is no hope of an end.
    Endless {
        /// The limit.
        calls: u64,
    },
    /// A thread has made no call for long: it waits for something outside of the simulation.
    Outside {
        /// The name of the thread.
        task: String,
    },
    /// Something does not hold that should: see [`Walk::invariant`](super::Walk::invariant).
    Broken(String),
    /// Faults that were planned did not fire.
    NotFired(Vec<Planned>),
    /// In a walk, the program did not make the same calls again: the fault that was planned did not
    /// come to its call.
    Diverged {
        /// The fault.
        planned: Box<Struck>,
        /// What it came to.
        instead: Option<Fired>,
    },
}

impl Failure {
    const DIVERGED: &str = "the program did not make the same calls again: it goes by something \
         that the seed does not decide, as real time, random numbers, the order of a HashMap, or \
         what an earlier run left behind";

    /// What failures have in common that are told together.
    pub(super) fn sort(&self) -> String {
        match self {
            Failure::Diverged { .. } => Failure::DIVERGED.to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Panicked { task, place: Some(place), message } => {
                write!(f, "{task} panicked at {place}: {message}")
            }
            Failure::Panicked { task, message, .. } => write!(f, "{task} panicked: {message}"),
            Failure::Deadlock(stuck) => {
                f.write_str("nobody can go on:")?;
                stuck.iter().try_for_each(|stuck| write!(f, "\n    {stuck}"))
            }
            Failure::Leaked(who) => write!(f, "left open: {}", who.join(", ")),
            Failure::Endless { calls } => write!(f, "no end after {calls} calls"),
            Failure::Outside { task } => write!(
                f,
                "{task} makes no call any more: it computes without end, or waits for something \
                 outside of the simulation"
            ),
            Failure::Broken(what) => f.write_str(what),
            Failure::NotFired(which) => {
                f.write_str("planned, but that call was not made, or cannot fail so there:")?;
                which.iter().try_for_each(|planned| write!(f, "\n    {planned}"))
            }
            Failure::Diverged { planned, instead } => {
                write!(f, "{}\n    planned: {planned}", Failure::DIVERGED)?;
                match instead {
                    Some(Fired { number, call, .. }) => {
                        write!(f, "\n    instead, it struck call {number} ({call})")
                    }
                    None => f.write_str("\n    that call was not made"),
                }
            }
        }
    }
}

/// What a run was like: see [`World::report`](super::World::report).
#[derive(Debug, Clone)]
pub struct Report {
    /// The seed, with which it can be had again.
    pub seed: u64,
    /// The platform whose rules held.
    pub platform: Platform,
    /// What was wrong; `None` if nothing was.
    pub failure: Option<Failure>,
    /// Every call, in the order in which they were made.
    pub events: Vec<Event>,
    /// The faults that struck.
    pub fired: Vec<Fired>,
    /// How much virtual time it took.
    pub elapsed: Duration,
}

/// How many of the last events a report shows.
const SHOWN: usize = 8;

impl fmt::Display for Report {
    /// What was wrong, the seed, and the last events.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Some(failure) => write!(f, "{failure}")?,
            None => f.write_str("nothing went wrong")?,
        }
        let Report { seed, platform, elapsed, .. } = self;
        write!(f, "\n  platform {platform}, seed {seed}, after {elapsed:?} of virtual time")?;
        if self.failure.is_none() {
            return Ok(());
        }
        let skipped = self.events.len().saturating_sub(SHOWN);
        if skipped > 0 {
            write!(f, "\n  after {skipped} events")?;
        }
        self.events[skipped..].iter().try_for_each(|event| write!(f, "\n  {event}"))
    }
}
