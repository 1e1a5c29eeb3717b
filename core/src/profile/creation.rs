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
    /// A type that can be none at all, an unknown flag and a protocol out of range are told from
    /// those that merely do not exist.
    pub impossible_types: Cell<bool>,
    /// What a type is that the family has no protocol for.
    pub type_without_protocol: Cell<NoProtocol>,
    /// A type of 0 is treated as an unknown protocol.
    pub no_type_is_no_protocol: Cell<bool>,
    /// A protocol that exists for another type is told from one that does not exist.
    pub protocol_of_another_type: Cell<bool>,
    /// A family that has a number but no protocols is told from one that has not even a number.
    pub families_without_protocols: Cell<bool>,
    /// Which of the two calls looks for free descriptors before anything else.
    pub takes_descriptors_first: Cell<Creates>,
    /// Processes can have networks of their own (`unshare(CLONE_NEWNET)`).
    pub network_namespaces: Cell<bool>,
}

/// What a type is that the family has no protocol for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoProtocol {
    /// A type that is not supported.
    BadType,
    /// A protocol that is not supported.
    BadProtocol,
    /// The wrong type for the protocol.
    WrongType,
}

/// How many sockets a call makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creates {
    /// One: `socket`.
    One,
    /// Two: `socketpair`.
    Pair,
}

pub(super) const LINUX: Creation = Creation {
    seqpacket: Cell::measured(true),
    raw_is_datagram: Cell::measured(true),
    family_is_protocol: Cell::measured(true),
    impossible_types: Cell::measured(true),
    type_without_protocol: Cell::measured(NoProtocol::BadType),
    no_type_is_no_protocol: Cell::measured(false),
    protocol_of_another_type: Cell::measured(false),
    families_without_protocols: Cell::measured(false),
    takes_descriptors_first: Cell::measured(Creates::Pair),
    network_namespaces: Cell::measured(true),
};

pub(super) const FREEBSD_14: Creation = Creation {
    seqpacket: Cell::source(true, "uipc_usrreq.c: localsw"),
    raw_is_datagram: Cell::source(false, "uipc_domain.c: pffindtype"),
    family_is_protocol: Cell::source(false, "uipc_socket.c: socreate"),
    impossible_types: Cell::source(false, "uipc_syscalls.c: kern_socket"),
    type_without_protocol: Cell::source(NoProtocol::WrongType, "uipc_socket.c: socreate"),
    no_type_is_no_protocol: Cell::source(true, "uipc_socket.c: socreate"),
    protocol_of_another_type: Cell::source(false, "uipc_domain.c: pffindproto"),
    families_without_protocols: Cell::source(false, "uipc_socket.c: socreate"),
    takes_descriptors_first: Cell::source(Creates::One, "uipc_syscalls.c: kern_socket"),
    network_namespaces: Cell::inferred(false, "a jail's network is not the process's to change"),
};

pub(super) const FREEBSD_15: Creation = FREEBSD_14;

pub(super) const MACOS: Creation = Creation {
    seqpacket: Cell::source(false, "uipc_proto.c: localsw"),
    raw_is_datagram: Cell::source(false, "uipc_domain.c: pffindtype"),
    family_is_protocol: Cell::source(false, "uipc_socket.c: socreate_internal"),
    impossible_types: Cell::source(false, "uipc_syscalls.c: socket_common"),
    type_without_protocol: Cell::source(
        NoProtocol::BadProtocol,
        "uipc_socket.c: socreate_internal",
    ),
    no_type_is_no_protocol: Cell::source(true, "uipc_socket.c: socreate_internal"),
    protocol_of_another_type: Cell::source(true, "uipc_socket.c: socreate_internal"),
    families_without_protocols: Cell::source(false, "uipc_socket.c: socreate_internal"),
    takes_descriptors_first: Cell::source(Creates::One, "uipc_syscalls.c: socket_common"),
    network_namespaces: Cell::inferred(false, "it has no such call"),
};

pub(super) const OPENSERVER: Creation = Creation {
    seqpacket: Cell::manual(false, "its list of error codes knows streams and datagrams"),
    raw_is_datagram: Cell::inferred(false, "4.3BSD: pffindtype"),
    family_is_protocol: Cell::inferred(false, "4.3BSD: socreate"),
    impossible_types: Cell::inferred(false, "4.3BSD: socket"),
    type_without_protocol: Cell::manual(
        NoProtocol::WrongType,
        "its list of error codes: EPROTOTYPE, the type has no supporting protocol",
    ),
    no_type_is_no_protocol: Cell::inferred(false, "its list of error codes: ESOCKTNOSUPPORT"),
    protocol_of_another_type: Cell::inferred(false, "4.3BSD: pffindproto"),
    families_without_protocols: Cell::manual(
        true,
        "its list of error codes: EPFNOSUPPORT beside EAFNOSUPPORT",
    ),
    takes_descriptors_first: Cell::inferred(Creates::One, "4.3BSD: socket, falloc"),
    network_namespaces: Cell::inferred(false, "4.3BSD has none"),
};
