//! The commonest calls in one go: bytes sent on a stream that has room for all of them, and one
//! message received whole.
//!
//! ```text
//!  step ──► at once? ──yes──► Done
//!              │ no: something is beside the bytes, in the way, or not the usual
//!              ▼
//!           the call's own file, which knows all rules
//! ```
//! Nothing is decided here: whatever might fail, wait, or differ between systems goes the long way.
//! What is left gives there what it gives here, and many times slower.

use super::socket::{Message, SocketId};
use super::step::Step;
use super::world::{Caller, World};
use crate::SocketType;
use crate::op::{self, Fd, Op, Received, Ret, Want};
use crate::profile::Flow;
use core::mem;

impl World {
    /// Makes a call of the commonest kind; `None`: it is of another, and nothing has happened.
    #[inline(always)]
    pub(super) fn at_once(&mut self, caller: Caller, op: &Op) -> Option<Step> {
        match op {
            Op::Send(message) => {
                self.send_at_once(caller, message).map(|count| Step::Done(Ret::Count(count)))
            }
            Op::Recv(want) => {
                self.recv_at_once(caller, want).map(|received| Step::Done(Ret::Received(received)))
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn send_at_once(&mut self, caller: Caller, message: &op::Message) -> Option<usize> {
        let from = self.stream(caller, message.fd)?;
        let sender = &self.sockets[from];
        let to = sender.peer()?;
        let receiver = &self.sockets[to];
        let (length, options) = (message.data.len(), &sender.options);
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
        let memory = &self.machine.memory;
        let fits = length > 0
            && sender.charged < options.send_buffer
            && length <= memory.stream_piece(options.send_buffer) as usize;
        if !plain || !open || !fits || options.wants_beside() || receiver.options.wants_beside() {
            return None;
        }
        let cost = memory.stream(length as u32);
        self.enqueue_made(to, from, (length, cost), || Message {
            data: message.data.clone(),
            read: 0,
            from,
            cost,
            urgent: false,
            end_of_record: false,
            peeked: false,
            name: None,
            baggage: None,
        });
        Some(length)
    }

    #[inline(always)]
    fn recv_at_once(&mut self, caller: Caller, want: &Want) -> Option<Received> {
        let at = self.stream(caller, want.fd)?;
        let socket = &self.sockets[at];
        socket.peer()?;
        let first = socket.queue.front()?;
        let length = first.data.len();
        let whole = first.read == 0
            && length > 0
            && !first.urgent
            && !first.end_of_record
            && first.baggage.is_none();
        // The buffer is full, or the call waits for nothing more and there is nothing more.
        let ends = length == want.length
            || length < want.length
                && socket.queue.len() == 1
                && !want.flags.wait_all
                && length >= socket.options.receive_low_water as usize;
        let plain = want.buffers == 1 && !want.unmapped && !want.flags.peek && !want.flags.urgent;
        let options = &socket.options;
        if !whole || !ends || !plain || options.wants_beside() || options.peek_offset.is_some() {
            return None;
        }
        let (sender, cost) = (first.from, first.cost);
        let from = match self.sockets[sender].name {
            Some(_) => self.told_name(first),
            None => None,
        };
        let socket = &mut self.sockets[at];
        let data = mem::take(&mut socket.queue.front_mut()?.data);
        socket.queue.advance();
        socket.unread -= length;
        self.let_off(sender, cost);
        Some(Received { data, returned: length, from, ..Received::default() })
    }

    /// The stream behind a descriptor, where senders pay for what they send and nobody counts how
    /// much memory is left.
    #[inline(always)]
    fn stream(&self, caller: Caller, fd: Fd) -> Option<SocketId> {
        let id = self.processes[caller.process].descriptor(fd)?.socket?;
        let usual = self.sockets[id].kind == SocketType::Stream
            && self.environment.allocations.is_none()
            && *self.profile.transfer.flow == Flow::Sender;
        usual.then_some(id)
    }
}
