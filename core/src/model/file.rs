//! Open files: what descriptors, and messages with descriptors in flight, refer to.

use super::inet::InetId;
use super::slab::Id;
use super::socket::SocketId;

pub(crate) type FileId = Id<File>;

/// An open file (an "open file description").
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) what: What,
    /// `O_NONBLOCK`
    pub(crate) nonblocking: bool,
    /// Descriptors, messages in flight and waiting calls that refer to it.
    pub(crate) references: u32,
    /// How many of the references are messages in flight.
    pub(crate) in_flight: u32,
}

/// What an open file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A socket.
    Socket(SocketId),
    /// An internet socket.
    Inet(InetId),
    /// A character device: `/dev/null`.
    Device,
    /// A file opened with `O_PATH`, which no call of sockets takes.
    Path,
    /// A descriptor of a process.
    Process,
}
