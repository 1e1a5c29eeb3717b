//! The commonest calls in one go: bytes sent where there is room for all of them, and one message
//! received whole.
//!
//! ```text
//!  step ──► at once? ──yes──► Done
//!              │ no: something is beside the bytes, in the way, or not the usual
//!              ▼
//!           the call's own file, which knows all rules
//! ```
//! Nothing is decided here: whatever might fail, wait, or differ between systems goes the long way.
//! What is left gives there what it gives here, and many times slower.

use super::socket::{Message, Socket, SocketId};
use super::world::{Caller, World};
use crate::SocketType;
use crate::op::{self, Fd, Received, Want};
use crate::profile::{DatagramRoom, Flow, MessageLimit, Records, SenderNames};

/// A message that a call will have, and its reader.
pub(super) struct Ready {
    at: SocketId,
    from: SocketId,
    length: usize,
    cost: u32,
}

impl World {
    /// Sends a message to the peer; `None`: it is not of the commonest kind, and nothing has
    /// happened.
    #[inline(always)]
    pub(super) fn send_at_once(&mut self, caller: Caller, message: &op::Message) -> Option<usize> {
        let from = self.usual_socket(caller, message.fd)?;
        let sender = &self.sockets[from];
        let to = sender.peer()?;
        let receiver = &self.sockets[to];
        let length = message.data.len();
        let plain = message.buffers == 1
            && !message.unmapped
            && message.to.is_none()
            && message.control.is_empty()
            && !message.flags.urgent
            && !message.flags.end_of_record;
        let open = !sender.no_more_writing
            && sender.error.is_none()
            && !receiver.no_more_reading
            && !receiver.dead
            && receiver.file.is_some();
        let room = length > 0 && sender.charged < sender.options.send_buffer;
        let beside = sender.options.wants_beside() || receiver.options.wants_beside();
        if !plain || !open || !room || beside {
            return None;
        }
        let cost = match sender.kind {
            SocketType::Stream => self.stream_cost(sender, length)?,
            _ => self.message_cost(from, sender, receiver, length)?,
        };
        let message = Message {
            data: message.data.clone(),
            read: 0,
            from,
            cost,
            urgent: false,
            end_of_record: false,
            peeked: false,
            name: None,
            baggage: None,
        };
        self.enqueue(to, message);
        Some(length)
    }

    /// What bytes cost that a stream sends in one piece.
    #[inline(always)]
    fn stream_cost(&self, sender: &Socket, length: usize) -> Option<u32> {
        let memory = &self.machine.memory;
        let most = memory.stream_piece(sender.options.send_buffer) as usize;
        if length <= most { Some(memory.stream(length as u32)) } else { None }
    }

    /// What a packet costs, or a datagram to a peer that has this peer.
    #[inline(always)]
    fn message_cost(
        &self,
        from: SocketId,
        sender: &Socket,
        receiver: &Socket,
        length: usize,
    ) -> Option<u32> {
        let rules = &self.profile.transfer;
        let MessageLimit::SendBufferLess(less) = *rules.message_limit else { return None };
        let most = sender.options.send_buffer.saturating_sub(less);
        let usual = *rules.records == Records::Sends
            && *rules.sender_names == SenderNames::WhenRead
            && *rules.datagram_room == DatagramRoom::Messages;
        let taken = receiver.peer() == Some(from) && !receiver.options.filter_drops;
        if !usual || !taken || length > most as usize {
            return None;
        }
        self.machine.memory.packet(length)
    }

    /// Finds the message that a call receives; `None`: it is not of the commonest kind.
    #[inline(always)]
    pub(super) fn ready_at_once(&self, caller: Caller, want: &Want) -> Option<Ready> {
        let at = self.usual_socket(caller, want.fd)?;
        let socket = &self.sockets[at];
        let first = socket.queue.front()?;
        let length = first.data.len();
        let whole = first.read == 0
            && length > 0
            && !first.urgent
            && !first.end_of_record
            && first.name.is_none()
            && first.baggage.is_none();
        let ends = match socket.kind {
            SocketType::Stream => ends_stream(socket, length, want),
            // Others may wait for the place that becomes free.
            _ => {
                length <= want.length
                    && socket.error.is_none()
                    && socket.waiters.is_empty()
                    && *self.profile.transfer.records == Records::Sends
            }
        };
        let plain = want.buffers == 1 && !want.unmapped && !want.flags.peek && !want.flags.urgent;
        let options = &socket.options;
        if !whole || !ends || !plain || options.wants_beside() || options.peek_offset.is_some() {
            return None;
        }
        Some(Ready { at, from: first.from, length, cost: first.cost })
    }

    /// Receives the message that was found.
    #[inline(always)]
    pub(super) fn recv_at_once(&mut self, ready: Ready) -> Received {
        let Ready { at, from: sender, length, cost } = ready;
        let from = match self.sockets[sender].name {
            Some(_) if *self.profile.transfer.sender_names == SenderNames::WhenRead => {
                self.name_now(sender)
            }
            _ => None,
        };
        self.let_off(sender, cost);
        let socket = &mut self.sockets[at];
        socket.unread -= length;
        Received { data: socket.queue.advance(), returned: length, from, ..Received::default() }
    }

    /// The socket behind a descriptor, where senders pay for what they send and nobody counts how
    /// much memory is left.
    #[inline(always)]
    fn usual_socket(&self, caller: Caller, fd: Fd) -> Option<SocketId> {
        let id = self.processes[caller.process].descriptor(fd)?.socket?;
        let usual =
            self.environment.allocations.is_none() && *self.profile.transfer.flow == Flow::Sender;
        usual.then_some(id)
    }
}

/// Whether a stream's read of a first message of this length stops there: the buffer is full, or
/// the call waits for nothing more and there is nothing more.
#[inline(always)]
fn ends_stream(socket: &Socket, length: usize, want: &Want) -> bool {
    let last = length < want.length
        && socket.queue.len() == 1
        && !want.flags.wait_all
        && length >= socket.options.receive_low_water as usize;
    socket.peer().is_some() && (length == want.length || last)
}
