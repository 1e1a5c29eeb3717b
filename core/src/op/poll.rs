//! Events of `poll`.

use super::Fd;
use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign};

/// A set of events, as `poll` takes and gives them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Events(u8);

impl Events {
    /// No event.
    pub const NONE: Events = Events(0);
    /// `POLLIN`
    pub const IN: Events = Events(1);
    /// `POLLPRI`
    pub const PRI: Events = Events(2);
    /// `POLLOUT`
    pub const OUT: Events = Events(4);
    /// `POLLRDHUP`
    pub const RDHUP: Events = Events(8);
    /// `POLLERR`, reported whether asked for or not.
    pub const ERR: Events = Events(16);
    /// `POLLHUP`, reported whether asked for or not.
    pub const HUP: Events = Events(32);
    /// `POLLNVAL`: not an open descriptor.
    pub const NVAL: Events = Events(64);
    /// Everything that can be asked for.
    pub const ALL: Events = Events(15);

    const NAMES: &'static [(Events, &'static str)] = &[
        (Events::IN, "in"),
        (Events::PRI, "pri"),
        (Events::OUT, "out"),
        (Events::RDHUP, "rdhup"),
        (Events::ERR, "err"),
        (Events::HUP, "hup"),
        (Events::NVAL, "nval"),
    ];

    /// Whether all of these are in the set.
    pub const fn contains(self, other: Events) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These events and those.
    pub const fn or(self, other: Events) -> Events {
        Events(self.0 | other.0)
    }

    /// These events if the condition holds, none otherwise.
    pub const fn when(self, condition: bool) -> Events {
        if condition { self } else { Events::NONE }
    }

    /// The events with their names, lower case and without `POLL`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(e, _)| self.contains(*e)).map(|(_, name)| *name)
    }

    /// The event of this name.
    pub fn named(name: &str) -> Option<Events> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(e, _)| *e)
    }
}

impl BitOr for Events {
    type Output = Events;
    fn bitor(self, other: Events) -> Events {
        Events(self.0 | other.0)
    }
}

impl BitOrAssign for Events {
    fn bitor_assign(&mut self, other: Events) {
        self.0 |= other.0;
    }
}

impl BitAnd for Events {
    type Output = Events;
    fn bitand(self, other: Events) -> Events {
        Events(self.0 & other.0)
    }
}

impl fmt::Display for Events {
    /// `in,out`, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (place, name) in self.names().enumerate() {
            write!(f, "{}{name}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What `poll` found of one descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polled {
    /// The descriptor.
    pub fd: Fd,
    /// What is the case.
    pub events: Events,
}
