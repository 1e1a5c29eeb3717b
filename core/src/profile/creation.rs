//! Rules of `socket` and `socketpair`.

use super::Cell;

/// Rules of `socket` and `socketpair`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    /// `SOCK_SEQPACKET` exists.
    pub seqpacket: Cell<bool>,
    /// `SOCK_RAW` is taken for `SOCK_DGRAM`.
    pub raw_is_datagram: Cell<bool>,
    /// The number of the family is a protocol too.
    pub family_is_protocol: Cell<bool>,
}

pub(super) const LINUX: Creation = Creation {
    seqpacket: Cell::measured(true),
    raw_is_datagram: Cell::measured(true),
    family_is_protocol: Cell::measured(true),
};

pub(super) const FREEBSD_14: Creation = Creation {
    seqpacket: Cell::source(true, "uipc_usrreq.c: localsw"),
    raw_is_datagram: Cell::source(false, "uipc_domain.c: pffindtype"),
    family_is_protocol: Cell::source(false, "uipc_socket.c: socreate"),
};

pub(super) const FREEBSD_15: Creation = FREEBSD_14;

pub(super) const MACOS: Creation = Creation {
    seqpacket: Cell::source(false, "uipc_proto.c: localsw"),
    raw_is_datagram: Cell::source(false, "uipc_domain.c: pffindtype"),
    family_is_protocol: Cell::source(false, "uipc_socket.c: socreate_internal"),
};

pub(super) const OPENSERVER: Creation = Creation {
    seqpacket: Cell::manual(false, "its list of error codes knows streams and datagrams"),
    raw_is_datagram: Cell::inferred(false, "4.3BSD: pffindtype"),
    family_is_protocol: Cell::inferred(false, "4.3BSD: socreate"),
};
