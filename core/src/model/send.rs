//! `sendmsg` and its kin.

use super::ancillary::Baggage;
use super::socket::{self, SocketId};
use super::stop::{Stop, Tried, fail};
use super::wait::{Attempt, Line, Waiting, Wake};
use super::world::{Caller, World, descriptor};
use crate::op::{Message, Ret};

const WAITING: Waiting = Waiting {
    would_block: "send/buffer-full",
    timed_out: "send/timed-out",
    interrupted: "send/interrupted",
    waits: "wait/send-buffer-full",
};

impl World {
    pub(crate) fn send(
        &mut self,
        caller: Caller,
        message: &Message,
        attempt: &mut Attempt,
    ) -> Tried {
        let (file, id) = self.socket(caller, message.fd, descriptor!("send"))?;
        let socket = &self.sockets[id];
        let Some(peer) = socket.peer() else { return Err(fail("send/not-connected")) };
        if socket.no_more_writing {
            let id =
                if self.sockets[peer].dead { "send/peer-closed" } else { "send/after-shutdown" };
            return Err(Stop::Fail { id, signal: !message.flags.no_signal });
        }
        if socket.charged >= socket.options.send_buffer {
            let may_wait = !(message.flags.dont_wait || self.files[file].nonblocking);
            let timeout = socket.options.send_timeout;
            let place = (id, Line::Writable);
            return Err(self.wait_or_fail(attempt, may_wait, timeout, place, &WAITING));
        }
        self.enqueue(id, peer, message);
        Ok(Ret::Count(message.data.len()))
    }

    fn enqueue(&mut self, from: SocketId, to: SocketId, message: &Message) {
        let cost = self.machine.memory.stream(message.data.len() as u32);
        let sender = &mut self.sockets[from];
        sender.charged += cost;
        sender.holds += 1;
        self.sockets[to].queue.push_back(socket::Message {
            data: message.data.clone(),
            read: 0,
            from,
            cost,
            baggage: Baggage::default(),
        });
        self.wake(to, Line::Readable, Wake::All);
    }
}
