//! The rules of each system as data.
//!
//! A [`Profile`] says in which of the ways that systems know a call behaves: how many connections
//! a backlog holds and what happens to one too many, whether a datagram's receiver that has no
//! room makes the sender wait or fail. The model asks the profile, never which system it is. Each
//! rule is a [`Cell`], which carries what it rests on.
//!
//! What a machine decides (sizes, limits, the memory that a message takes) is not a rule of a
//! system: that is [`Machine`].

mod ancillary;
mod connection;
mod creation;
mod environment;
mod internet;
mod machine;
mod names;
mod options;
mod transfer;
mod versions;

pub use ancillary::{Ancillary, Claim, Foreign, Items, WithoutRoom, WithoutSlots};
pub use connection::{
    AcceptDescriptor, Backlog, ClosedDatagram, Connected, Connection, Inherited, Inherits,
    OddBacklog, PollError, PollHangup, PollUnconnected, Reassociation, ShutListener, ShutReading,
};
pub use creation::{Creates, Creation, NoProtocol};
pub use environment::Environment;
pub use internet::{Clash, Internet};
pub use machine::{Machine, Memory};
pub use names::{Concurrent, Names};
pub use options::{BufferSizes, Options};
pub use transfer::{
    AfterPart, DatagramRoom, First, Flow, MessageLimit, Records, RightsStop, SenderNames, Sigpipe,
    Spaces, Superfluous, Transfer, Urgent, WhenFull,
};
pub use versions::linux;

use crate::Platform;
use crate::cause::Evidence;
use core::ops::Deref;

/// A rule, and what it rests on. It dereferences to the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell<T> {
    /// The rule.
    pub is: T,
    /// How it is known.
    pub rests_on: Evidence,
    /// Where it is written, or what follows from what; empty for what was measured.
    pub because: &'static str,
}

impl<T> Deref for Cell<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.is
    }
}

impl<T> Cell<T> {
    /// Measured on a live kernel.
    pub const fn measured(is: T) -> Cell<T> {
        Cell { is, rests_on: Evidence::Measured, because: "" }
    }

    /// Read in the system's source, in this function.
    pub const fn source(is: T, because: &'static str) -> Cell<T> {
        Cell { is, rests_on: Evidence::Source, because }
    }

    /// Read in this manual page.
    pub const fn manual(is: T, because: &'static str) -> Cell<T> {
        Cell { is, rests_on: Evidence::Manual, because }
    }

    /// Concluded from this.
    pub const fn inferred(is: T, because: &'static str) -> Cell<T> {
        Cell { is, rests_on: Evidence::Inferred, because }
    }
}

/// The rules of a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The system, as the catalogue knows it: it decides which errno a cause shows.
    pub platform: Platform,
    /// `socket` and `socketpair`.
    pub creation: Creation,
    /// Addresses, `bind`, files.
    pub names: Names,
    /// `listen`, `connect`, `accept`, `shutdown`, `poll`.
    pub connection: Connection,
    /// Sending and receiving.
    pub transfer: Transfer,
    /// Descriptors and credentials.
    pub ancillary: Ancillary,
    /// Options and requests.
    pub options: Options,
    /// Policies.
    pub environment: Environment,
    /// Internet sockets.
    pub internet: Internet,
}

/// The rules of Linux 6.18.
pub const LINUX: Profile = Profile {
    platform: Platform::Linux,
    creation: creation::LINUX,
    names: names::LINUX,
    connection: connection::LINUX,
    transfer: transfer::LINUX,
    ancillary: ancillary::LINUX,
    options: options::LINUX,
    environment: environment::LINUX,
    internet: internet::LINUX,
};

/// The rules of FreeBSD 14.
pub const FREEBSD_14: Profile = Profile {
    platform: Platform::FreeBsd14,
    creation: creation::FREEBSD_14,
    names: names::FREEBSD_14,
    connection: connection::FREEBSD_14,
    transfer: transfer::FREEBSD_14,
    ancillary: ancillary::FREEBSD_14,
    options: options::FREEBSD_14,
    environment: environment::FREEBSD_14,
    internet: internet::FREEBSD_14,
};

/// The rules of FreeBSD 15.
pub const FREEBSD_15: Profile = Profile {
    platform: Platform::FreeBsd15,
    creation: creation::FREEBSD_15,
    names: names::FREEBSD_15,
    connection: connection::FREEBSD_15,
    transfer: transfer::FREEBSD_15,
    ancillary: ancillary::FREEBSD_15,
    options: options::FREEBSD_15,
    environment: environment::FREEBSD_15,
    internet: internet::FREEBSD_15,
};

/// The rules of macOS (xnu 11417).
pub const MACOS: Profile = Profile {
    platform: Platform::MacOs,
    creation: creation::MACOS,
    names: names::MACOS,
    connection: connection::MACOS,
    transfer: transfer::MACOS,
    ancillary: ancillary::MACOS,
    options: options::MACOS,
    environment: environment::MACOS,
    internet: internet::MACOS,
};

/// The rules of OpenServer, by its list of error codes and its descent from 4.3BSD.
pub const OPENSERVER: Profile = Profile {
    platform: Platform::OpenServer,
    creation: creation::OPENSERVER,
    names: names::OPENSERVER,
    connection: connection::OPENSERVER,
    transfer: transfer::OPENSERVER,
    ancillary: ancillary::OPENSERVER,
    options: options::OPENSERVER,
    environment: environment::OPENSERVER,
    internet: internet::OPENSERVER,
};

impl Profile {
    /// Every system's rules.
    pub const ALL: &'static [Profile] = &[LINUX, FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER];

    /// The rules of a platform.
    pub fn of(platform: Platform) -> &'static Profile {
        Self::ALL.iter().find(|p| p.platform == platform).expect("every platform has rules")
    }
}
