//! The urgent byte of a stream: the last of a send with `MSG_OOB`.

use crate::model::socket::SocketId;
use crate::model::world::World;

impl World {
    /// An urgent byte is about to be queued: one that came before is ordinary from now on.
    pub(super) fn mark_urgent(&mut self, to: SocketId) {
        let receiver = &mut self.sockets[to];
        if receiver.has_urgent {
            for message in receiver.queue.iter_mut() {
                message.urgent = false;
            }
        }
        receiver.has_urgent = true;
    }
}
