//! Rules of ancillary data, credentials and options.

use super::Cell;

/// Rules of ancillary data, credentials and options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancillary {
    /// How many descriptors one message may carry.
    pub rights_max: Cell<usize>,
}

pub(super) const LINUX: Ancillary = Ancillary { rights_max: Cell::measured(253) };

pub(super) const FREEBSD_14: Ancillary =
    Ancillary { rights_max: Cell::source(254, "uipc_usrreq.c: unp_internalize, MCLBYTES") };

pub(super) const FREEBSD_15: Ancillary = FREEBSD_14;

pub(super) const MACOS: Ancillary =
    Ancillary { rights_max: Cell::source(509, "uipc_usrreq.c: unp_internalize, MCLBYTES") };

pub(super) const OPENSERVER: Ancillary =
    Ancillary { rights_max: Cell::inferred(28, "4.3BSD: unp_internalize, one mbuf") };
