//! Rules of sending and receiving, and of a datagram socket's association.

use super::Cell;

/// What a call does that finds no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits, or says that it would.
    Waits,
    /// It fails at once, whether it may wait or not.
    Fails,
}

/// Rules of sending and receiving, and of a datagram socket's association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// What a datagram does whose receiver has no room.
    pub receiver_full: Cell<WhenFull>,
}

pub(super) const LINUX: Transfer = Transfer { receiver_full: Cell::measured(WhenFull::Waits) };

pub(super) const FREEBSD_14: Transfer =
    Transfer { receiver_full: Cell::source(WhenFull::Fails, "uipc_usrreq.c: uipc_send") };

pub(super) const FREEBSD_15: Transfer = FREEBSD_14;

pub(super) const MACOS: Transfer =
    Transfer { receiver_full: Cell::source(WhenFull::Fails, "uipc_usrreq.c: uipc_send") };

pub(super) const OPENSERVER: Transfer =
    Transfer { receiver_full: Cell::inferred(WhenFull::Fails, "4.3BSD: uipc_usrreq, PRU_SEND") };
