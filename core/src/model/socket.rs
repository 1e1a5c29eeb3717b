//! Sockets: what they are in, what they hold.
//!
//! ```text
//!  stream, seqpacket                              datagram
//!
//!  Unconnected ──listen──► Listening              Unconnected ◄──────────┐
//!      │                      │ connect by                │ connect      │ connect(AF_UNSPEC),
//!      │ connect              │ somebody                  ▼              │ or the peer is found
//!      ▼                      ▼                       Connected ─────────┘ closed
//!  Connected ◄── peers ──► Connected                      │ ▲
//!  (for ever: also when     (an embryo until              └─┘ connect to another
//!   the peer has closed)     accept gives it a file)
//! ```

use super::ancillary::{Baggage, Rights};
use super::environment::Scope;
use super::file::FileId;
use super::namespace::NodeId;
pub(crate) use super::option::Options;
use super::queue::Queue;
use super::slab::Id;
use super::wait::Waiters;
use crate::op::{Bytes, Ids};
use crate::{Address, SocketType};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
#[cfg(target_pointer_width = "64")]
use core::mem::offset_of;

pub(crate) type SocketId = Id<Socket>;

/// A network namespace.
pub(crate) type NetId = u32;

/// A socket. With many of them, to wait for memory is what takes the time: what every send and
/// receive looks at comes first, in the order that fills cache lines.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(crate) struct Socket {
    // The first line: what a sender and its receiver look at.
    /// The file through which processes use it; `None` for an embryo and after its close. Whether
    /// there is a socket at all is also told by its tag, as no later field has more values free.
    pub(crate) file: Option<FileId>,
    pub(crate) state: State,
    pub(crate) kind: SocketType,
    /// Nobody can use it any more.
    pub(crate) dead: bool,
    /// Shut down for reading (by itself, or by its peer's writing side).
    pub(crate) no_more_reading: bool,
    /// Shut down for writing (by itself, or by its peer's reading side).
    pub(crate) no_more_writing: bool,
    /// It was its peer that shut it down for writing, by reading no more.
    pub(crate) peer_reads_no_more: bool,
    /// A message in the queue is urgent.
    pub(crate) has_urgent: bool,
    /// A call of another thread on it is in the midst of a long path.
    pub(crate) busy: bool,
    /// What a later call will report.
    pub(crate) error: Option<PendingError>,
    /// Memory of its messages that nobody has read yet (`sk_wmem_alloc`), in bytes.
    pub(crate) charged: u32,
    /// Peers and messages that refer to it: it is forgotten when it is dead and nothing does.
    pub(crate) holds: u32,
    /// Its name, if it was ever bound; accepted sockets carry their listener's.
    pub(crate) name: Option<Box<Bound>>,
    /// Tasks that wait for something to happen to it.
    pub(crate) waiters: Waiters,
    /// Bytes in the queue that were not read.
    pub(crate) unread: usize,

    // The second and third: what a receiver looks at.
    /// Messages to be read.
    pub(crate) queue: Queue,

    // From the fourth on: what few calls ask comes last.
    pub(crate) options: Options,
    pub(crate) net: NetId,
    /// The scope of the process that made it.
    pub(crate) scope: Option<Scope>,
    /// What its peer was when the connection was made.
    pub(crate) peer_credentials: Option<Arc<PeerCredentials>>,
    /// Who made it: the owner of the open socket, as `fchmod` asks.
    pub(crate) owner: u32,
    /// The mode of the file that `bind` will make, before the umask.
    pub(crate) mode: u32,
}

/// What the comments in [`Socket`] say of lines.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(offset_of!(Socket, queue) == 64);
    assert!(offset_of!(Socket, options) + Options::LINE == 192);
};

/// An error that a later call will report.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PendingError {
    ClosedBeforeAccept,
    PeerClosedWithUnread,
    PeerLeftWithUnread,
    ReceiverClosed,
    ListenerShutDown,
}

impl PendingError {
    /// The id of the cause that is reported.
    pub(crate) fn id(self) -> &'static str {
        match self {
            PendingError::ClosedBeforeAccept => "recv/closed-before-accept",
            PendingError::PeerClosedWithUnread => "recv/peer-closed-with-unread-data",
            PendingError::PeerLeftWithUnread => "recv/peer-left-with-unread-data",
            PendingError::ReceiverClosed => "recv/receiver-closed",
            PendingError::ListenerShutDown => "accept/shut-down",
        }
    }
}

/// Where a socket is in its life.
#[derive(Debug, Clone)]
pub(crate) enum State {
    /// As made, or as a datagram socket that has no peer.
    Unconnected,
    /// `listen` was called.
    Listening(Box<Listening>),
    /// Its connection waits to be accepted, and until then it is none (`LOCAL_CONNWAIT`): the
    /// server's end.
    Connecting(SocketId),
    /// It has a peer, which may be dead. Both ends of a stream refer to each other; a datagram
    /// socket's peer need not refer back.
    Connected(SocketId),
}

/// The connections that wait for `accept`.
#[derive(Debug, Clone)]
pub(crate) struct Listening {
    /// As `listen` was told, within the machine's limit.
    pub(crate) backlog: u32,
    /// The server's ends, first come first.
    pub(crate) pending: VecDeque<SocketId>,
}

/// A name.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) address: Address,
    /// The file that `bind` made for a path.
    pub(crate) file: Option<Box<BoundFile>>,
}

/// The file that a socket is bound to, and where it was made. Somebody may have moved or removed it
/// since.
#[derive(Debug, Clone)]
pub(crate) struct BoundFile {
    pub(crate) node: NodeId,
    pub(crate) directory: NodeId,
    pub(crate) name: Vec<u8>,
    /// The path from the root of everything.
    pub(crate) absolute: Vec<u8>,
}

/// What the other end of a connection is told of this one. It never changes, so clones of the world
/// share it.
#[derive(Debug)]
pub(crate) struct PeerCredentials {
    pub(crate) ids: Ids,
    pub(crate) supplementary: Vec<u32>,
}

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) data: Bytes,
    /// How many of its bytes were read (streams).
    pub(crate) read: u32,
    /// The sender, which it holds, and which pays for it until it is read.
    pub(crate) from: SocketId,
    /// What the sender is charged.
    pub(crate) cost: u32,
    /// It is the urgent byte (streams).
    pub(crate) urgent: bool,
    /// `MSG_EOR`, where that means anything.
    pub(crate) end_of_record: bool,
    /// It is empty, and somebody has peeked at it.
    pub(crate) peeked: bool,
    /// The sender's name when it sent, where that is what the receiver is told.
    pub(crate) name: Option<Box<Address>>,
    /// Its baggage, if it has any.
    pub(crate) baggage: Option<Box<Baggage>>,
}

impl Message {
    /// The bytes that were not read.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.data[self.read as usize..]
    }

    /// Who sent it, if that was recorded.
    #[inline]
    pub(crate) fn credentials(&self) -> Option<Ids> {
        self.baggage.as_ref()?.credentials
    }

    /// Whether something comes beside its bytes.
    pub(crate) fn has_baggage(&self) -> bool {
        self.baggage.as_ref().is_some_and(|baggage| !baggage.is_empty())
    }

    /// Its descriptors, if it has any.
    pub(crate) fn rights(&self) -> Option<&Rights> {
        self.baggage.as_ref()?.rights.as_deref()
    }
}

impl Socket {
    /// Whether it may send again after it could not: three quarters of its buffer are free.
    pub(crate) fn has_room_again(&self) -> bool {
        // The kernel counts one more than what is charged.
        (u64::from(self.charged) + 1) * 4 <= u64::from(self.options.send_buffer)
    }

    /// The peer, dead or alive.
    #[inline]
    pub(crate) fn peer(&self) -> Option<SocketId> {
        match self.state {
            State::Connected(peer) => Some(peer),
            _ => None,
        }
    }
}
