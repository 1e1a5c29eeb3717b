//! Who pays for a message until it is read, and who may send more.
//!
//! ```text
//!                  send: charged                          read to its end: refunded
//!  below the limit ─────────────► at the limit or above ─────────────► at most a quarter in use
//!        ▲     may send                  waits                               wakes who waits
//!        └──────────────────────────────────────────────────────────────────────────┘
//! ```
//! Between the limit and a quarter of it, who waits goes on waiting, while who comes then may send.
//! Where the receiver's buffer counts instead, every read makes room and wakes the sender.

use super::socket::{Message, SocketId};
use super::wait::{Line, Wake};
use super::world::World;
use crate::SocketType;
use crate::profile::{DatagramRoom, Flow};
use core::mem;

/// A sender that would rather wait than send less than this at a time.
const LOW_WATER: usize = 2048;

/// What the sender's address adds to a datagram in its receiver's buffer.
const NO_NAME: usize = 16;

impl World {
    /// How many of `rest` bytes a stream may send in one piece now; 0: it must wait.
    #[inline]
    pub(crate) fn piece(&self, from: SocketId, to: SocketId, rest: usize) -> usize {
        let (sender, receiver) = (&self.sockets[from], &self.sockets[to]);
        let (send, receive) =
            (sender.options.send_buffer, receiver.options.receive_buffer as usize);
        match *self.profile.transfer.flow {
            Flow::Sender if sender.charged >= send => 0,
            Flow::Sender => rest.min(self.machine.memory.stream_piece(send) as usize),
            Flow::ReceiverUntilFull if receiver.unread >= receive => 0,
            Flow::ReceiverUntilFull => rest.min(send as usize),
            Flow::Receiver => rest.min(receive.saturating_sub(receiver.unread)),
            Flow::ReceiverInSizeOfSender => {
                let room = (send as usize).saturating_sub(receiver.unread);
                if room < rest.min(LOW_WATER) { 0 } else { rest.min(room) }
            }
        }
    }

    /// Whether a message may be sent, whatever its length.
    #[inline]
    pub(crate) fn may_send(&self, from: SocketId) -> bool {
        let sender = &self.sockets[from];
        match (*self.profile.transfer.flow, sender.peer()) {
            (Flow::Sender, _) => sender.charged < sender.options.send_buffer,
            // The datagram's receiver decides, when it is known.
            (_, Some(to)) if sender.kind == SocketType::SeqPacket => {
                let receiver = &self.sockets[to];
                receiver.unread < receiver.options.receive_buffer as usize
            }
            _ => true,
        }
    }

    /// Whether `poll` says that a socket can be written to, as far as what it has sent goes.
    pub(crate) fn has_send_room(&self, id: SocketId) -> bool {
        let socket = &self.sockets[id];
        if *self.profile.transfer.flow == Flow::Sender {
            return socket.has_room_again();
        }
        let connected = socket.kind != SocketType::Datagram;
        match socket.peer().filter(|_| connected) {
            Some(peer) => self.piece(id, peer, LOW_WATER) > 0,
            None => true,
        }
    }

    /// Whether the queue of a datagram socket takes `length` bytes from this sender.
    pub(crate) fn takes_datagram(&self, to: SocketId, from: SocketId, length: usize) -> bool {
        let receiver = &self.sockets[to];
        let rule = *self.profile.transfer.datagram_room;
        if rule == DatagramRoom::Messages {
            let exempt = to == from || receiver.peer() == Some(from);
            return exempt || receiver.queue.len() <= receiver.options.queue_limit as usize;
        }
        let connected = |sender: SocketId| self.sockets[sender].peer() == Some(to);
        let counts = |sender: SocketId| match rule {
            DatagramRoom::BufferForEachSender if connected(from) => sender == from,
            DatagramRoom::BufferForEachSender => !connected(sender),
            DatagramRoom::Buffer | DatagramRoom::Messages => true,
        };
        let queued = receiver.queue.iter().filter(|m| counts(m.from));
        let used = queued.map(|m| m.data.len() + NO_NAME).fold(0, usize::saturating_add);
        let wanted = length.saturating_add(NO_NAME);
        used.saturating_add(wanted) <= receiver.options.receive_buffer as usize
    }

    /// Puts a message into a queue, at the expense of its sender.
    #[inline(always)]
    pub(crate) fn enqueue(&mut self, to: SocketId, message: Message) {
        let sender = &mut self.sockets[message.from];
        sender.charged += message.cost;
        sender.holds += 1;
        let receiver = &mut self.sockets[to];
        receiver.unread += message.data.len();
        receiver.queue.push_back(message);
        if !receiver.waiters.is_empty() {
            self.wake_reader(to);
        }
    }

    /// One of those who wait for a message is woken; of those who read a stream, all.
    #[cold]
    fn wake_reader(&mut self, id: SocketId) {
        let one = self.sockets[id].kind != SocketType::Stream;
        self.wake(id, Line::Readable, if one { Wake::One } else { Wake::All });
        // Whoever waits for room to send stands in the same line of the kernel, and looks again.
        self.wake(id, Line::Writable, Wake::All);
    }

    /// Throws a message away: its sender need not pay for it any more, its descriptors close.
    #[inline]
    pub(crate) fn discard(&mut self, message: Message) {
        self.let_off(message.from, message.cost);
        if let Some(baggage) = message.baggage {
            self.drop_baggage(*baggage);
        }
    }

    /// A message that was queued is gone: its sender need not pay for it any more, nor is it held.
    #[inline(always)]
    pub(crate) fn let_off(&mut self, from: SocketId, cost: u32) {
        self.refund(from, cost);
        self.release(from);
    }

    /// A sender need not pay any more for a message that was read or never queued.
    #[inline(always)]
    pub(crate) fn refund(&mut self, from: SocketId, cost: u32) {
        let sender = &mut self.sockets[from];
        sender.charged -= cost;
        if !sender.waiters.is_empty() && sender.has_room_again() {
            self.wake(from, Line::Writable, Wake::All);
        }
    }

    /// `SIOCINQ`: the bytes that can be read; of datagrams, those of the first.
    pub(crate) fn readable_bytes(&self, id: SocketId) -> usize {
        let socket = &self.sockets[id];
        match socket.kind {
            SocketType::Datagram => socket.queue.front().map_or(0, |first| first.data.len()),
            _ => socket.unread,
        }
    }

    /// Throws away whatever waits to be read. Whether there was something.
    pub(crate) fn purge(&mut self, id: SocketId) -> bool {
        let socket = &mut self.sockets[id];
        let mut queue = mem::take(&mut socket.queue);
        socket.unread = 0;
        socket.has_urgent = false;
        let some = !queue.is_empty();
        for message in queue.drain() {
            self.discard(message);
        }
        some
    }
}
