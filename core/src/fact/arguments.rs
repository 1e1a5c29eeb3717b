//! What was passed to a call.

use super::Seen;
use alloc::vec::Vec;

/// The arguments of the call in question, as far as causes depend on them. The default is a
/// plain call with valid arguments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arguments {
    /// Whether the call does not wait (`O_NONBLOCK` or `MSG_DONTWAIT`), where the descriptor does
    /// not tell. `None`: not known; a prediction assumes that it waits.
    pub nonblocking: Option<bool>,
    /// The socket address, if it was another than that of [`Target`](super::Target): not a valid
    /// one, or a shorter way to the same file.
    pub address: Option<AddressArgument>,
    /// A pointer that does not point to memory of the process.
    pub bad_pointer: bool,
    /// Bytes to send or to receive.
    pub length: Option<u64>,
    /// Number of buffers (`msg_iovlen`).
    pub buffers: Option<u64>,
    /// `MSG_OOB`.
    pub urgent: bool,
    /// A flag that the call does not have (`accept4`).
    pub unknown_flag: bool,
    /// Ancillary data to send.
    pub control: Vec<Control>,
    /// Length of the ancillary buffer in bytes (`msg_controllen`).
    pub control_length: Option<u64>,
    /// For `socket` and `socketpair`: family, type and protocol, as numbers of this host.
    pub creation: Option<Creation>,
    /// For `setsockopt`, `getsockopt` and `ioctl`.
    pub option: Option<OptionArgument>,
    /// For `shutdown`: the direction, as passed.
    pub direction: Option<i32>,
    /// For a receive that returned: how many descriptors the sender passed and how many arrived.
    pub received: Option<Received>,
}

/// A raw socket address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddressArgument {
    /// Its length in bytes, as passed.
    pub length: i64,
    /// Its family, if it is long enough to have one.
    pub family: Option<Family>,
}

/// An address family, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `AF_UNSPEC`
    Unspec,
    /// `AF_UNIX`
    Unix,
    /// `AF_INET`
    Inet,
    /// `AF_INET6`
    Inet6,
    /// Another number.
    Other(i32),
}

/// The arguments of `socket` and `socketpair`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creation {
    /// The family.
    pub family: Family,
    /// Whether this system has the family at all.
    pub family_known: Option<bool>,
    /// The type without flags, as a number.
    pub kind: i32,
    /// The protocol.
    pub protocol: i32,
}

/// One ancillary message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// `SCM_RIGHTS`
    Rights {
        /// How many descriptors.
        count: u64,
        /// Those that are not open.
        not_open: Vec<i32>,
        /// Those that may not be passed (io_uring).
        not_passable: Vec<i32>,
    },
    /// `SCM_CREDENTIALS`
    Credentials {
        /// Process id.
        pid: i32,
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
        /// Whether a process with this id exists.
        exists: Seen<bool>,
        /// Whether the caller may claim these ids.
        permitted: Seen<bool>,
    },
    /// `SCM_CREDENTIALS` of a wrong length, or with ids that have no mapping.
    MalformedCredentials,
    /// A type that is not known at `SOL_SOCKET`.
    UnknownType(i32),
    /// A length that does not fit.
    Malformed,
}

/// The arguments of `setsockopt`, `getsockopt` and `ioctl`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OptionArgument {
    /// The level; `None` for `ioctl`.
    pub level: Option<i32>,
    /// The option or request.
    pub name: i64,
    /// Whether the level is one that the socket's family has.
    pub level_known: Seen<bool>,
    /// What this option is to this socket.
    pub nature: OptionNature,
    /// The length of the value, as passed.
    pub length: Option<i64>,
    /// For time values: the microseconds part.
    pub microseconds: Option<i64>,
    /// For a packet filter: bytes of kernel memory it needs.
    pub filter_bytes: Option<u64>,
}

/// What an option or request is to the socket it is used on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OptionNature {
    /// Valid.
    #[default]
    Valid,
    /// Not known to this system.
    Unknown,
    /// Can be read but not set.
    ReadOnly,
    /// Known, but not for sockets of this type.
    OtherSockets,
    /// Asks for `CAP_NET_ADMIN`.
    Privileged,
    /// Asks for credentials of the peer (`SO_PEERPIDFD`, `SO_PEERGROUPS`).
    PeerCredentials,
    /// Asks for the name of the peer (`SO_PEERNAME`).
    PeerName,
    /// Asks for the number of unread bytes (`SIOCINQ`).
    ReadableBytes,
}

/// What a receive brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Received {
    /// Bytes of the message, with what did not fit, if known.
    pub message_length: Option<u64>,
    /// Descriptors that arrived.
    pub descriptors: u64,
}
