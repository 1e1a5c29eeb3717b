//! Rules of internet sockets, as far as `connect` differs.

use super::Cell;

/// Rules of internet sockets, as far as `connect` differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Internet {
    /// What a connection is between two ends that have one already.
    pub clash: Cell<Clash>,
    /// `connect` reports how an earlier attempt ended before it begins another.
    pub attempt_is_remembered: Cell<bool>,
    /// Routes can deny: by order, or without a word.
    pub policy_routes: Cell<bool>,
    /// An administrator can destroy a connection that a program has.
    pub connections_can_be_destroyed: Cell<bool>,
    /// An ARP request (`SIOCGARP`) whose address is not of the internet has an error of its own.
    pub arp_names_family: Cell<bool>,
}

/// What a connection is between two ends that have one already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clash {
    /// A lack of free ports.
    NoFreePort,
    /// An address that is in use.
    AddressInUse,
}

pub(super) const LINUX: Internet = Internet {
    clash: Cell::measured(Clash::NoFreePort),
    attempt_is_remembered: Cell::measured(true),
    policy_routes: Cell::measured(true),
    connections_can_be_destroyed: Cell::measured(true),
    arp_names_family: Cell::measured(true),
};

pub(super) const FREEBSD_14: Internet = Internet {
    clash: Cell::manual(Clash::AddressInUse, "connect(2): EADDRINUSE"),
    attempt_is_remembered: Cell::source(false, "uipc_socket.c: soconnectat"),
    policy_routes: Cell::inferred(false, "its reject and blackhole routes show other errors"),
    connections_can_be_destroyed: Cell::manual(true, "tcpdrop(8)"),
    arp_names_family: Cell::inferred(false, "it has no such request"),
};

pub(super) const FREEBSD_15: Internet = FREEBSD_14;

pub(super) const MACOS: Internet = Internet {
    clash: Cell::manual(Clash::AddressInUse, "connect(2): EADDRINUSE"),
    attempt_is_remembered: Cell::source(false, "uipc_socket.c: soconnectlock"),
    policy_routes: Cell::inferred(false, "its reject and blackhole routes show other errors"),
    connections_can_be_destroyed: Cell::inferred(false, "no tool of the system does"),
    arp_names_family: Cell::inferred(false, "it has no such request"),
};

pub(super) const OPENSERVER: Internet = Internet {
    clash: Cell::inferred(Clash::AddressInUse, "4.3BSD: in_pcbconnect"),
    attempt_is_remembered: Cell::inferred(false, "4.3BSD: soconnect"),
    policy_routes: Cell::inferred(false, "4.3BSD has none"),
    connections_can_be_destroyed: Cell::inferred(false, "4.3BSD has no such call"),
    arp_names_family: Cell::manual(true, "its list of error codes: EPFNOSUPPORT"),
};
