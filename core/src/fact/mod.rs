//! What can be observed of a caller, an address, a descriptor and a system.
//!
//! [`Facts`] is what a diagnosis rests on. Every fact that an observer may be unable to learn is a
//! [`Seen`]: either known, or a reason why it is not. Nothing is ever guessed in silence.
//!
//! - [`Caller`]: who makes the call, and from where it sees files and networks.
//! - [`Target`]: what the address leads to: a [`path`], an abstract name, or an internet address.
//! - [`Descriptor`]: the caller's own descriptor.
//! - [`Arguments`]: what was passed to the call.
//! - [`System`]: limits and switches of the whole machine.

pub mod arguments;
pub mod caller;
pub mod inet;
pub mod path;
pub mod permission;
pub mod process;
pub mod socket;
pub mod system;

use alloc::string::String;
use core::fmt;

pub use arguments::Arguments;
pub use caller::Caller;
pub use inet::InetTarget;
pub use path::PathTarget;
pub use process::Process;
pub use socket::{AbstractTarget, Descriptor, SocketFact};
pub use system::System;

/// A fact, or the reason why it is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// It was observed.
    Known(T),
    /// It was not, for this reason.
    Unseen(Unseen),
}

/// Why a fact is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unseen {
    /// Nobody looked, because nothing asked for it.
    NotLooked,
    /// The observer may not look; `needs` says what would let it.
    Denied {
        /// A privilege or condition, for example `CAP_SYS_PTRACE, or the same user`.
        needs: &'static str,
    },
    /// The system does not have it: `what` is missing.
    Absent {
        /// For example `/proc/net/unix`.
        what: &'static str,
    },
    /// It changed or went away while it was being read.
    Changed,
    /// Reading it failed for another reason.
    Failed {
        /// The error's text.
        error: String,
    },
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unseen::NotLooked => f.write_str("nobody looked"),
            Unseen::Denied { needs } => write!(f, "needs {needs}"),
            Unseen::Absent { what } => write!(f, "{what} is not there"),
            Unseen::Changed => f.write_str("it changed or went away while it was read"),
            Unseen::Failed { error } => f.write_str(error),
        }
    }
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Seen::Unseen(Unseen::NotLooked)
    }
}

impl<T> From<T> for Seen<T> {
    fn from(value: T) -> Self {
        Seen::Known(value)
    }
}

impl<T> Seen<T> {
    /// The value, if known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Seen::Known(value) => Some(value),
            Seen::Unseen(_) => None,
        }
    }

    /// The reason why it is not known, if so.
    pub fn unseen(&self) -> Option<&Unseen> {
        match self {
            Seen::Known(_) => None,
            Seen::Unseen(reason) => Some(reason),
        }
    }

    /// `Some(answer)` if the fact is known, `None` otherwise.
    pub fn test(&self, question: impl FnOnce(&T) -> bool) -> Option<bool> {
        self.known().map(question)
    }

    /// Whether the fact is known and the answer is yes.
    pub fn is(&self, question: impl FnOnce(&T) -> bool) -> bool {
        self.known().is_some_and(question)
    }

    /// Applies a function to a known value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Seen::Known(value) => Seen::Known(f(value)),
            Seen::Unseen(reason) => Seen::Unseen(reason),
        }
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Seen<&T> {
        match self {
            Seen::Known(value) => Seen::Known(value),
            Seen::Unseen(reason) => Seen::Unseen(reason.clone()),
        }
    }
}

/// Everything a diagnosis can use. Start from [`Facts::default`], in which nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Who makes the call.
    pub caller: Caller,
    /// What the address of the call leads to.
    pub target: Target,
    /// The caller's own descriptor. Unseen means: assume a fresh one.
    pub descriptor: Seen<Descriptor>,
    /// What was passed to the call.
    pub arguments: Arguments,
    /// Limits and switches of the machine.
    pub system: System,
    /// When the facts were gathered, in milliseconds since the epoch.
    pub taken_ms: Option<u64>,
}

/// What the address of a call leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Target {
    /// The call has no address.
    #[default]
    None,
    /// A pathname.
    Path(PathTarget),
    /// An abstract name.
    Abstract(AbstractTarget),
    /// An internet address.
    Inet(InetTarget),
}

impl Facts {
    /// The pathname the call is about, if it has one.
    pub fn path(&self) -> Option<&PathTarget> {
        match &self.target {
            Target::Path(path) => Some(path),
            _ => None,
        }
    }

    /// The abstract name the call is about, if it has one.
    pub fn abstract_name(&self) -> Option<&AbstractTarget> {
        match &self.target {
            Target::Abstract(name) => Some(name),
            _ => None,
        }
    }

    /// The internet address the call is about, if it has one.
    pub fn inet(&self) -> Option<&InetTarget> {
        match &self.target {
            Target::Inet(inet) => Some(inet),
            _ => None,
        }
    }

    /// The caller's own socket, if it was observed and is one.
    pub fn own(&self) -> Option<&socket::OwnSocket> {
        match self.descriptor.known() {
            Some(Descriptor::Socket(own)) => Some(own),
            _ => None,
        }
    }
}
