//! Rules of `listen`, `connect`, `accept`, `shutdown` and `poll`.

use super::{Cell, WhenFull};

/// Rules of `listen`, `connect`, `accept`, `shutdown` and `poll`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// How many connections wait before one is too many.
    pub backlog: Cell<Backlog>,
    /// What `connect` does that finds the backlog full.
    pub backlog_full: Cell<WhenFull>,
}

/// How many connections wait in a backlog of `n` before one is too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// `n`
    Exact,
    /// `n` and one more.
    OneMore,
    /// `n` and half as many again.
    HalfMore,
}

pub(super) const LINUX: Connection = Connection {
    backlog: Cell::measured(Backlog::OneMore),
    backlog_full: Cell::measured(WhenFull::Waits),
};

pub(super) const FREEBSD_14: Connection = Connection {
    backlog: Cell::source(Backlog::HalfMore, "uipc_socket.c: solisten_clone"),
    backlog_full: Cell::source(WhenFull::Fails, "uipc_socket.c: solisten_clone"),
};

pub(super) const FREEBSD_15: Connection = FREEBSD_14;

pub(super) const MACOS: Connection = Connection {
    backlog: Cell::source(Backlog::Exact, "uipc_socket2.c: sonewconn, soqlimitcompat"),
    backlog_full: Cell::source(WhenFull::Fails, "uipc_socket2.c: sonewconn"),
};

pub(super) const OPENSERVER: Connection = Connection {
    backlog: Cell::inferred(Backlog::HalfMore, "4.3BSD: sonewconn"),
    backlog_full: Cell::inferred(WhenFull::Fails, "4.3BSD: sonewconn"),
};
