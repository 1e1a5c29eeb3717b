//! Why a call does not go through: it fails for a cause, or it must wait.

use super::inet::InetId;
use super::socket::SocketId;
use super::wait::Line;
use crate::{Cause, Errno};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// What a call returns inside the model.
pub(crate) type Tried<T = crate::op::Ret> = Result<T, Stop>;

/// A call that does not go through.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It fails.
    Fail {
        /// The id of the cause.
        id: &'static str,
        /// A signal comes with it: `SIGPIPE`.
        signal: bool,
    },
    /// It is not of the catalogue, as most errors of file calls are not.
    Errno(Errno),
    /// It waits.
    Block(Block),
    /// It is for an internet socket, to which other rules apply.
    Internet(InetId),
}

/// What a call waits for.
#[derive(Debug)]
pub(crate) struct Block {
    /// The lines in which the task stands.
    pub(crate) places: Vec<(SocketId, Line)>,
    /// The id of the cause why it waits.
    pub(crate) why: &'static str,
    /// When it gives up.
    pub(crate) deadline: Option<Duration>,
}

/// The call fails for this cause.
pub(crate) const fn fail(id: &'static str) -> Stop {
    Stop::Fail { id, signal: false }
}

/// A call's failure.
#[derive(Clone, Copy)]
pub struct Failure {
    /// Why; `None` for calls around sockets (files, processes), which the catalogue leaves out.
    pub cause: Option<&'static Cause>,
    /// What the program sees on the world's platform.
    pub errno: Errno,
    /// `SIGPIPE` was raised.
    pub signal: bool,
}

impl PartialEq for Failure {
    fn eq(&self, other: &Failure) -> bool {
        self.cause.map(|c| c.id) == other.cause.map(|c| c.id)
            && (self.errno, self.signal) == (other.errno, other.signal)
    }
}

impl Eq for Failure {}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = self.cause.map_or("not of the catalogue", |c| c.id);
        let signal = if self.signal { " with SIGPIPE" } else { "" };
        write!(f, "{}{signal} ({cause})", self.errno)
    }
}

/// A call that waits.
#[derive(Clone, Copy)]
pub struct Wait {
    /// Why it waits, as an entry of the catalogue.
    pub cause: &'static Cause,
    /// The time at which it gives up, since the start of the world; `None`: never.
    pub until: Option<Duration>,
}

impl PartialEq for Wait {
    fn eq(&self, other: &Wait) -> bool {
        (self.cause.id, self.until) == (other.cause.id, other.until)
    }
}

impl Eq for Wait {}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause.id)?;
        match self.until {
            Some(until) => write!(f, " until {until:?}"),
            None => Ok(()),
        }
    }
}
