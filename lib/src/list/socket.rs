//! One line of a listing.

use crate::SocketType;
use crate::fact::path::FileId;
use crate::fact::socket::{Backlog, Directions, State};
use crate::observe::file_id;
use std::fs::Metadata;
use std::ops::Range;

/// A UNIX domain socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// Its inode number in sockfs. 0 for a connection that waits to be accepted: it has no
    /// descriptor yet.
    pub inode: u32,
    /// The inode number that identifies its network namespace; 0 if that may not be seen.
    pub namespace: u64,
    /// Its type.
    pub kind: SocketType,
    /// Its state.
    pub state: State,
    /// Its name as bound: a path, or a NUL followed by an abstract name. An accepted connection
    /// carries its listener's.
    pub name: Option<Box<[u8]>>,
    /// The file it is bound to. Of the inode number the kernel gives the low 32 bits.
    pub file: Option<FileId>,
    /// With whom it is connected.
    pub peer: Option<Peer>,
    /// For a listener: connections that wait to be accepted, and the backlog.
    pub backlog: Option<Backlog>,
    /// Bytes that wait to be read: of all messages, but of a datagram socket only the first's.
    pub unread: Option<u32>,
    /// Bytes of kernel memory that messages sent and not yet read occupy.
    pub unsent: Option<u32>,
    /// Which directions are shut down.
    pub shutdown: Directions,
    /// The user that made it (Linux 5.9).
    pub uid: Option<u32>,
    /// How many descriptors wait in its queue; `None` if that was not asked for or may not be seen.
    pub in_flight: Option<u32>,
    /// The inode number of the listener at which it waits to be accepted. It then has no inode
    /// number and no holder itself, and what its queue holds is not shown.
    pub waits_at: Option<u32>,
    /// Where its holders are in the listing.
    pub(super) held: Range<usize>,
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// The socket with this inode number.
    Socket(u32),
    /// Nobody yet: the connection waits to be accepted at the listener with this inode number; 0
    /// if it is not known which, as where more than 8,000 wait.
    AtListener(u32),
    /// A socket that is closed, or that no table shows any more.
    Gone,
}

impl Socket {
    /// Its path, if it is bound to one.
    pub fn path(&self) -> Option<&[u8]> {
        self.name.as_deref().filter(|n| n.first() != Some(&0))
    }

    /// Whether it is bound to this file, by all that the kernel's table shows: on file systems such
    /// as btrfs and overlay that is another device, and the answer is no.
    pub fn is_bound_to(&self, file: &Metadata) -> bool {
        self.file.is_some_and(|bound| bound == file_id(file))
    }

    /// Its abstract name without the leading NUL, if it has one.
    pub fn abstract_name(&self) -> Option<&[u8]> {
        self.name.as_deref()?.strip_prefix(b"\0")
    }
}
