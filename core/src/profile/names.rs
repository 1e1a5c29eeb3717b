//! Rules of addresses, `bind` and the files that sockets are bound to.

use super::Cell;

/// Rules of addresses, `bind` and the files that sockets are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Names outside the file system, and automatic ones.
    pub abstract_names: Cell<bool>,
}

pub(super) const LINUX: Names = Names { abstract_names: Cell::measured(true) };

pub(super) const FREEBSD_14: Names =
    Names { abstract_names: Cell::source(false, "uipc_usrreq.c: uipc_bindat") };

pub(super) const FREEBSD_15: Names = FREEBSD_14;

pub(super) const MACOS: Names =
    Names { abstract_names: Cell::source(false, "uipc_usrreq.c: unp_bind") };

pub(super) const OPENSERVER: Names =
    Names { abstract_names: Cell::inferred(false, "4.3BSD: unp_bind") };
