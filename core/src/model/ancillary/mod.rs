//! Ancillary data: descriptors in flight, credentials, and the garbage that sockets in flight can
//! become.
//!
//! ```text
//!   check_control          check_in_flight, board            unload
//!  ──────────────► Baggage ──────────────► queued message ──────────────► Received
//!   nothing is          it refers to its      │     ▲         installs what fits,
//!   referred to         files and is counted  │     │         closes the rest
//!                                             │ copy_baggage (a second set, not counted)
//!                                             ▼
//!                          drop_baggage: the message is thrown away
//! ```
//! A file in flight is referred to by messages; a socket to which nothing but messages refers, in
//! queues that only such sockets can read, is [garbage](garbage).

mod credentials;
mod garbage;
mod recv;
mod send;

use super::file::FileId;
use crate::op::Ids;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What goes with a message besides its bytes. Most messages have none, so it is small.
#[derive(Debug, Clone, Default)]
pub(crate) struct Baggage {
    /// Who sent it, if somebody wanted to know.
    pub(crate) credentials: Option<Ids>,
    /// Descriptors.
    pub(crate) rights: Option<Box<Rights>>,
}

impl Baggage {
    /// Whether there is none.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.credentials.is_none() && self.rights.is_none()
    }

    /// As a message carries it: most carry none.
    #[inline]
    pub(crate) fn boxed(self) -> Option<Box<Baggage>> {
        if self.is_empty() { None } else { Some(Box::new(self)) }
    }
}

/// Descriptors that go with a message.
#[derive(Debug, Clone)]
pub(crate) struct Rights {
    /// The user who sent them, for whom they count while they are in flight.
    pub(crate) user: u32,
    /// Each is a reference to the file, and in flight while the message is queued.
    pub(crate) files: Vec<FileId>,
}

/// What is in flight in the whole world.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight {
    /// How many descriptors of each user.
    pub(crate) users: BTreeMap<u32, u32>,
    /// How many of them are sockets, which alone can be garbage.
    pub(crate) sockets: u32,
    /// The collector was asked to run.
    pub(crate) collection_due: bool,
}
