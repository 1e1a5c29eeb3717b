//! Finds the socket that an address names, for `connect` and for `sendto`.

use crate::Errno;
use crate::model::socket::SocketId;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::Name;

impl World {
    /// The live socket bound to this address, of the same type as `socket`, or the cause why the caller cannot reach one. It first gives `socket` an automatic name if it needs one (`SO_PASSCRED`), so it may change the world even if it fails.
    pub(crate) fn look_up(
        &mut self,
        _caller: Caller,
        _socket: SocketId,
        _name: &Name,
    ) -> Tried<SocketId> {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
