//! What goes with a message: checked and taken when it is sent.

use crate::Errno;
use crate::model::ancillary::Baggage;
use crate::model::socket::SocketId;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::Control;

impl World {
    /// Checks the ancillary data of a message, without changing anything: the checks that come before all others. `from` is the sending socket.
    pub(crate) fn check_control(
        &self,
        _caller: Caller,
        _from: SocketId,
        _control: &[Control],
    ) -> Tried<Baggage> {
        Err(Stop::Errno(Errno::ENOSYS))
    }

    /// The check of descriptors in flight, which comes when room was found: see [`World::board`].
    pub(crate) fn check_in_flight(&self, _caller: Caller, _baggage: &Baggage) -> Tried<()> {
        Err(Stop::Errno(Errno::ENOSYS))
    }

    /// Counts the baggage of a message that is queued as in flight, and adds the sender's
    /// credentials if the sender or the receiver wants them.
    pub(crate) fn board(
        &mut self,
        _caller: Caller,
        _from: SocketId,
        _to: SocketId,
        baggage: Baggage,
    ) -> Baggage {
        baggage
    }
}
