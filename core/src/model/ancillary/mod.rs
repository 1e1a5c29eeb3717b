//! Ancillary data: descriptors in flight, credentials, and the garbage that sockets in flight can
//! become.

mod recv;
mod send;

use super::file::FileId;
use crate::op::Ids;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What goes with a message besides its bytes. Most messages have none, so it is small.
#[derive(Debug, Clone, Default)]
pub(crate) struct Baggage {
    /// Who sent it, if somebody wanted to know.
    pub(crate) credentials: Option<Ids>,
    /// Descriptors. Each is a reference to the file, and in flight while the message is queued.
    #[allow(clippy::box_collection, reason = "a thin pointer: most messages have no descriptors")]
    pub(crate) rights: Option<Box<Vec<FileId>>>,
}
