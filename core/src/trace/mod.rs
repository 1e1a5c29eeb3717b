//! Traces: sequences of calls and results as text, which tests record, replay and shrink to, and
//! which a person can write.
//!
//! ```
//! use sunpath_core::model::World;
//! use sunpath_core::profile::LINUX;
//! use sunpath_core::trace::{Trace, play};
//!
//! let trace: Trace = "\
//! ## Whoever writes to an end whose peer has closed gets a signal
//! spawn program
//! program: a, b = socketpair stream
//! program: send a \"hello\" -> 5
//! program: recv b 64 -> \"hello\"
//! program: close a
//! program: send b \"anybody there?\" ! EPIPE send/peer-closed SIGPIPE
//! ".parse().unwrap();
//! let played = play(&trace, &mut World::new(LINUX)).unwrap();
//! assert!(played.iter().all(|step| step.fault().is_none()));
//! ```
//!
//! # The text
//! The essentials; all calls, arguments and results are in `docs/traces.md`.
//!
//! One event a line; blank lines, and lines that begin with `#`, are for people.
//!
//! | line | what happens |
//! |---|---|
//! | `spawn bob uid=1000 gid=1000 groups=4,27` | a process starts; without `uid` it is root |
//! | `bob: s = socket stream nonblocking` | it makes a call; `s` is the descriptor from now on |
//! | `bob: a, b = socketpair datagram` | names for two descriptors |
//! | `bob: child = fork` | a name for a process, or for a thread |
//! | `resume bob` | the call in which it waits looks again |
//! | `interrupt bob` | a signal comes |
//! | `advance 200ms` | time passes |
//! | `collect` | garbage is collected |
//! | `mount "/data" read-only`, `stop bob` | what is around changes: see [`Setting`] |
//! | `only linux macos` | the story is about these systems only |
//! | `about recv/end-of-file` | it shows this cause, which is no error |
//!
//! Descriptors are names or numbers; names belong to a process, and a child inherits them. A name
//! whose call gave no descriptor stands for -1. Processes are named in the numbers of credentials
//! too: `credentials=bob:1000:1000`.
//!
//! Behind an event stands what is expected of it, if anything is:
//!
//! | expectation | the call |
//! |---|---|
//! | `-> ok` | succeeds |
//! | `-> "abc" from @name rights=[d]` | succeeds and gives just this |
//! | `! ECONNREFUSED connect/stale-socket` | fails; the errno or the cause may be missing |
//! | `! EPIPE send/peer-closed SIGPIPE` | and a signal comes |
//! | `~ wait/backlog-full` | waits; the cause may be missing |
//!
//! What holds for some systems only has their names before it. The first one that fits counts;
//! further ones stand on the lines below:
//! ```text
//! bob: connect c "app.sock" [linux] ! EAGAIN connect/backlog-full
//!     [freebsd-14 freebsd-15 macos openserver] ! ECONNREFUSED connect/backlog-full
//! ```
//!
//! # How the pieces fit
//! One file for each kind of line or argument, which both reads and writes it: `step` (lines),
//! `call`, `message`, `option`, `around` (calls), `result`, `word` (bytes, addresses, times).
//! [`play`] runs a trace in any [`System`], [`Trace::record`] writes down what happened.

mod around;
mod call;
mod cursor;
mod expect;
mod message;
mod near;
mod option;
mod play;
mod record;
mod reference;
mod result;
mod setting;
mod spawn;
mod states;
mod step;
mod without;
mod word;
mod writer;

pub use cursor::ParseError;
pub use expect::{Expectation, Expected, Outcome};
pub use play::{Misplayed, Played, System, play, steps};
pub use reference::{Name, Named, Reference, References};
pub use states::{CALLS, STATES, State};

use crate::Platform;
use crate::model::Credentials;
use crate::op::{Op, Setting};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// A sequence of events, with what is expected of them.
///
/// Its text form is what [`Display`](core::fmt::Display) writes and [`str::parse`] reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// The lines.
    pub lines: Vec<Line>,
}

/// A line of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every line is a step")]
pub enum Line {
    /// Nothing, for people.
    Blank,
    /// What stands after `#`.
    Comment(String),
    /// The systems that the trace is about.
    Only(Vec<Platform>),
    /// Ids of causes that it shows, besides those that its expectations name.
    About(Vec<&'static str>),
    /// An event.
    Step(Step),
}

/// An event, with what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happens.
    pub event: Event,
    /// What is expected; the first that is meant for the system counts.
    pub expected: Vec<Expectation>,
    /// The number of its line in the text, from 1; 0 if it comes from no text.
    pub line: usize,
}

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A process starts.
    Spawn {
        /// What it is called.
        name: Name,
        /// Its user.
        credentials: Credentials,
    },
    /// A task makes a call.
    Call {
        /// The task.
        task: Name,
        /// Names for the descriptors that it gives, or for the new task, in their order.
        gives: Vec<Name>,
        /// The call.
        op: Named<Op>,
    },
    /// The call in which a task waits looks again.
    Resume {
        /// The task.
        task: Name,
    },
    /// A signal comes whose handler ends the call in which a task waits.
    Interrupt {
        /// The task.
        task: Name,
    },
    /// Time passes.
    Advance(Duration),
    /// Garbage is collected.
    Collect,
    /// What is around the processes changes.
    Set(Named<Setting>),
}

impl Event {
    /// The task that it is about, if it is about one.
    pub(crate) fn task(&self) -> Option<&str> {
        match self {
            Event::Call { task, .. } | Event::Resume { task } | Event::Interrupt { task } => {
                Some(task)
            }
            Event::Spawn { .. } | Event::Advance(_) | Event::Collect | Event::Set(_) => None,
        }
    }

    /// A call whose descriptors are numbers.
    pub fn call(task: impl Into<Name>, op: Op) -> Event {
        Event::Call { task: task.into(), gives: Vec::new(), op: op.into() }
    }
}

impl From<Event> for Step {
    /// Nothing is expected.
    fn from(event: Event) -> Step {
        Step { event, expected: Vec::new(), line: 0 }
    }
}

impl Trace {
    /// A trace of nothing.
    pub fn new() -> Trace {
        Trace::default()
    }

    /// Adds an event of which nothing is expected.
    pub fn push(&mut self, event: Event) {
        self.lines.push(Line::Step(event.into()));
    }

    /// The events.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.lines.iter().filter_map(|line| match line {
            Line::Step(step) => Some(step),
            _ => None,
        })
    }

    /// The systems that it is about.
    pub fn platforms(&self) -> Vec<Platform> {
        let only = |line: &Line| match line {
            Line::Only(platforms) => Some(platforms.clone()),
            _ => None,
        };
        self.lines.iter().find_map(only).unwrap_or_else(|| Platform::ALL.to_vec())
    }

    /// The first comment, which says what the trace is about.
    pub fn title(&self) -> Option<&str> {
        self.lines.iter().find_map(|line| match line {
            Line::Comment(text) => Some(text.trim()),
            _ => None,
        })
    }

    /// The ids of the causes that its lines name, in their order, without repetition.
    pub fn causes(&self) -> Vec<&'static str> {
        let mut ids = Vec::new();
        for line in &self.lines {
            match line {
                Line::About(causes) => ids.extend(causes),
                Line::Step(step) => {
                    ids.extend(step.expected.iter().filter_map(|e| e.is.cause()));
                }
                Line::Blank | Line::Comment(_) | Line::Only(_) => {}
            }
        }
        let mut seen = alloc::collections::BTreeSet::new();
        ids.retain(|id| seen.insert(*id));
        ids
    }
}
