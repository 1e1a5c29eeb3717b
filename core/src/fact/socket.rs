//! Sockets: those of others, as the socket tables show them, and the caller's own.

use super::path::FileId;
use super::{Process, Seen};
use crate::{Errno, SocketType};
use alloc::string::String;
use alloc::vec::Vec;

/// The state of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Neither listening nor connected. A stream that is bound but does not listen is in it.
    #[default]
    Unconnected,
    /// Listening.
    Listening,
    /// Connected. A datagram socket that has a peer counts.
    Connected,
}

/// A UNIX domain socket, as the socket tables show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketFact {
    /// Its inode number in sockfs. 0 for a connection that waits to be accepted, and for a socket
    /// that is there by the kernel's own lookup but that no visible table shows.
    pub inode: u64,
    /// Its type.
    pub kind: SocketType,
    /// Its state.
    pub state: State,
    /// Its name as bound: a path, or a NUL followed by an abstract name.
    pub name: Option<Vec<u8>>,
    /// The file it is bound to. The kernel reports only the low 32 bits of the inode number.
    pub file: Option<FileId>,
    /// The inode number that identifies its network namespace.
    pub net_namespace: Seen<u64>,
    /// For a listener: connections that wait to be accepted, and the backlog.
    pub backlog: Option<Backlog>,
    /// For a datagram socket: the socket inode of its peer.
    pub peer: Option<u64>,
    /// For a receiver: bytes waiting to be read.
    pub queued_bytes: Seen<u32>,
    /// Which directions are shut down.
    pub shutdown: Directions,
    /// For how long, at least, the same connection has been first in line: two looks, this many
    /// milliseconds apart, found it still there. 0: it was accepted between them.
    pub stuck_ms: Seen<u32>,
    /// The processes that hold it: all of them if connections wait or if one of them may be unable
    /// to take a connection, otherwise perhaps only the first that was found.
    pub owners: Seen<Vec<Process>>,
    /// Whether no other process holds it: known if every process of the machine was looked into,
    /// otherwise why not.
    pub all_owners: Seen<()>,
}

impl SocketFact {
    /// A socket of which nothing but its inode and type is known.
    pub fn new(inode: u64, kind: SocketType) -> Self {
        SocketFact {
            inode,
            kind,
            state: State::default(),
            name: None,
            file: None,
            net_namespace: Seen::default(),
            backlog: None,
            peer: None,
            queued_bytes: Seen::default(),
            shutdown: Directions::default(),
            stuck_ms: Seen::default(),
            owners: Seen::default(),
            all_owners: Seen::default(),
        }
    }
}

/// A listener's queue of connections that wait to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Connections waiting.
    pub pending: u32,
    /// The backlog as given to `listen`, clamped by `somaxconn`. How many connections that admits,
    /// differs between systems: see [`crate::profile::Backlog`].
    pub limit: u32,
}

impl Backlog {
    /// Whether the next `connect` would have to wait, by Linux's rule (`pending > limit`).
    pub const fn is_full(self) -> bool {
        self.pending > self.limit
    }
}

/// Which directions of a socket are shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Directions {
    /// Receiving is shut down.
    pub read: bool,
    /// Sending is shut down.
    pub write: bool,
}

/// What an abstract name leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AbstractTarget {
    /// The name's bytes, without the leading NUL.
    pub name: Vec<u8>,
    /// Sockets of any type bound to exactly this name in the caller's network namespace.
    pub bound: Seen<Vec<SocketFact>>,
    /// Sockets bound to this name in other network namespaces.
    pub elsewhere: Seen<Vec<SocketFact>>,
    /// Sockets in the caller's namespace whose name differs only by NULs at its end.
    pub padded: Seen<Vec<SocketFact>>,
    /// Whether every network namespace could be looked into; if not, why.
    pub everywhere: Seen<()>,
    /// `Some(path)`: a socket file exists whose path is spelt like the name.
    pub as_path: Seen<Option<Vec<u8>>>,
}

/// The caller's own descriptor.
#[expect(clippy::large_enum_variant, reason = "there is one in a diagnosis: a box saves nothing")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Descriptor {
    /// No descriptor with this number is open.
    NotOpen,
    /// It was opened with `O_PATH`: good for names only.
    PathOnly,
    /// It is something else; in words, for example `a character device`.
    NotSocket(String),
    /// A socket.
    Socket(OwnSocket),
}

/// The caller's own socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSocket {
    /// Its inode number in sockfs.
    pub inode: u64,
    /// Its type and family.
    pub kind: SocketType,
    /// Its state.
    pub state: State,
    /// For TCP: a connection attempt is under way (`SYN_SENT`).
    pub connecting: bool,
    /// Its own name, raw as `getsockname` gives it; empty if it has none.
    pub name: Vec<u8>,
    /// Its peer; `Known(None)` if it has none.
    pub peer: Seen<Option<Peer>>,
    /// Which directions the owner (or the peer's close) shut down.
    pub shutdown: Seen<Directions>,
    /// The error waiting to be reported, if it was looked at without clearing it.
    pub pending_error: Seen<Option<Errno>>,
    /// `O_NONBLOCK`.
    pub nonblocking: bool,
    /// `SO_SNDTIMEO` in microseconds; 0 waits for ever.
    pub send_timeout_us: u64,
    /// `SO_RCVTIMEO` in microseconds; 0 waits for ever.
    pub receive_timeout_us: u64,
    /// `SO_SNDBUF` as read back, in bytes of kernel memory.
    pub send_buffer: u32,
    /// Bytes of kernel memory that messages sent and not yet read occupy (`SIOCOUTQ`).
    pub unread_by_peer: Seen<u32>,
    /// Bytes ready to be read (`SIOCINQ`; the first message only for datagrams).
    pub readable: Seen<u32>,
    /// For a listener: its queue.
    pub backlog: Option<Backlog>,
    /// Options that are on.
    pub options: SocketOptions,
    /// Whether an urgent byte waits (`MSG_OOB`).
    pub urgent: Seen<bool>,
    /// What the program knows of what happened to this socket before; empty if nothing.
    pub history: History,
}

impl OwnSocket {
    /// A socket of this type that was just created: no name, no peer, every option as the system
    /// sets it.
    pub fn fresh(kind: SocketType) -> Self {
        OwnSocket {
            inode: 0,
            kind,
            state: State::Unconnected,
            connecting: false,
            name: Vec::new(),
            peer: Seen::Known(None),
            shutdown: Seen::Known(Directions::default()),
            pending_error: Seen::Known(None),
            nonblocking: false,
            send_timeout_us: 0,
            receive_timeout_us: 0,
            send_buffer: 212_992,
            unread_by_peer: Seen::Known(0),
            readable: Seen::Known(0),
            backlog: None,
            options: SocketOptions::default(),
            urgent: Seen::Known(false),
            history: History::default(),
        }
    }
}

/// Events before the failing call that leave no trace in the socket. Only the program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// An earlier `connect` failed, and its error was read.
    pub connect_failed: bool,
    /// The connection was accepted by the server, as shown by an answer.
    pub answered: bool,
    /// The call blocked before it failed.
    pub blocked: bool,
    /// Nothing was ever sent on this socket.
    pub sent_nothing: bool,
    /// The program itself shut down its sending side.
    pub shut_down_sending: bool,
}

/// The other end of the caller's socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peer {
    /// Its inode number in sockfs; 0 while it waits to be accepted; unseen once it is closed.
    pub inode: Seen<u64>,
    /// Its name, raw as `getpeername` gives it; empty if it has none.
    pub name: Seen<Vec<u8>>,
    /// Whether it is closed.
    pub closed: Seen<bool>,
    /// Which directions it shut down.
    pub shutdown: Seen<Directions>,
    /// Whether it is connected back to the caller (datagrams).
    pub mutual: Seen<bool>,
    /// Whether it is connected to a socket other than the caller's, so that it takes messages
    /// from that one only (datagrams).
    pub elsewhere: Seen<bool>,
    /// For datagrams: how many messages wait in its queue, and how many may.
    pub queue: Seen<Backlog>,
    /// Whether it refuses descriptors (`SO_PASSRIGHTS` off).
    pub refuses_rights: Seen<bool>,
    /// The process at the other end, as `SO_PEERCRED` recorded it.
    pub process: Seen<Process>,
}

/// Options of a socket that causes depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SocketOptions {
    /// `SO_PASSCRED`
    pub pass_credentials: bool,
    /// `SO_PASSPIDFD`
    pub pass_pidfd: bool,
    /// `SO_PASSRIGHTS` (Linux 6.16); unseen where the kernel lacks it.
    pub pass_rights: Option<bool>,
    /// `SO_BROADCAST`
    pub broadcast: bool,
    /// `SO_OOBINLINE`
    pub urgent_inline: bool,
    /// `SO_REUSEADDR`
    pub reuse_address: bool,
}
