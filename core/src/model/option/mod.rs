//! Options and requests.

mod get;
mod ioctl;
mod set;

use super::socket::SocketId;
use super::world::World;

impl World {
    /// How much of the memory for options a socket has left.
    pub(crate) fn option_memory_left(&self, _id: SocketId) -> usize {
        self.machine.control_max as usize
    }
}
