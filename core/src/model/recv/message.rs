//! Receiving a message: from the queue as a whole, however much of it fits into the buffer.

use super::{Incoming, WAITING};
use crate::SocketType;
use crate::model::socket::Message;
use crate::model::stop::{Tried, fail};
use crate::model::wait::{Attempt, Line, Wake, Woken};
use crate::model::world::World;
use crate::op::{Bytes, Received};
use core::mem;
use core::time::Duration;

impl World {
    pub(super) fn recv_message(
        &mut self,
        into: &Incoming<'_>,
        attempt: &mut Attempt,
    ) -> Tried<Received> {
        let error_first = *self.profile.transfer.error_before_messages;
        let socket = &mut self.sockets[into.at];
        if error_first && let Some(error) = socket.error.take() {
            return Err(fail(error.id()));
        }
        let peeks = into.want.flags.peek;
        let offset = socket.options.peek_offset.filter(|_| peeks).map(|o| o as usize);
        let found = match offset {
            None => (!socket.queue.is_empty()).then_some((0, 0)),
            Some(offset) => skip(socket.queue.iter(), offset),
        };
        let Some((place, start)) = found else { return self.no_message(into, attempt) };
        // A place in the queue is free, or a peek makes the kernel believe so.
        self.wake(into.at, Line::Room, Wake::One);
        match peeks {
            true => self.peek_message(into, place, start),
            false => self.read_message(into),
        }
    }

    /// Nothing to read: an error, the end, or a wait.
    #[cold]
    fn no_message(&mut self, into: &Incoming<'_>, attempt: &mut Attempt) -> Tried<Received> {
        let socket = &mut self.sockets[into.at];
        if let Some(error) = socket.error.take() {
            return Err(fail(error.id()));
        }
        let waits_only = *self.profile.transfer.shut_datagram_ends_waits_only;
        let timeout = socket.options.receive_timeout;
        let has_time = timeout != Some(Duration::ZERO) && attempt.woken != Some(Woken::Expired);
        let could_wait = into.may_wait && has_time;
        if socket.no_more_reading
            && (could_wait || socket.kind != SocketType::Datagram || !waits_only)
        {
            return Ok(self.end_of_file(into));
        }
        let place = (into.at, Line::Readable);
        Err(self.wait_or_fail(attempt, into.may_wait, timeout, place, &WAITING))
    }

    #[inline]
    fn read_message(&mut self, into: &Incoming<'_>) -> Tried<Received> {
        let Some(mut message) = self.take_out(into.at, 0) else { return Ok(Received::default()) };
        let socket = &mut self.sockets[into.at];
        socket.unread -= message.data.len();
        let length = message.data.len().min(into.want.length);
        if into.want.unmapped && length > 0 {
            self.discard(message);
            return Err(fail("recv/bad-pointer"));
        }
        if let Some(offset) = &mut socket.options.peek_offset {
            *offset = offset.saturating_sub(message.data.len() as u32);
        }
        let whole = message.data.len();
        let data = match length == whole {
            true => mem::take(&mut message.data),
            false => Bytes::from(&message.data[..length]),
        };
        let mut received = self.received(into, &message, whole, data);
        let baggage = message.baggage.map(|baggage| *baggage).unwrap_or_default();
        self.let_off(message.from, message.cost);
        self.unload(into.caller, into.at, into.want, baggage, &mut received)?;
        self.remark_losses(&received);
        Ok(received)
    }

    #[cold]
    fn peek_message(&mut self, into: &Incoming<'_>, place: usize, start: usize) -> Tried<Received> {
        let socket = &mut self.sockets[into.at];
        let Some(message) = socket.queue.get_mut(place) else { return Ok(Received::default()) };
        message.peeked |= message.data.is_empty();
        let length = (message.data.len() - start).min(into.want.length);
        if into.want.unmapped && length > 0 {
            return Err(fail("recv/bad-pointer"));
        }
        if let Some(offset) = &mut socket.options.peek_offset {
            *offset = offset.saturating_add(length as u32);
        }
        let message = socket.queue[place].clone();
        let rest = message.data.len() - start;
        let data = match length == message.data.len() {
            true => message.data.clone(),
            false => Bytes::from(&message.data[start..start + length]),
        };
        let mut received = self.received(into, &message, rest, data);
        let baggage = message.baggage.as_deref().map(|baggage| self.copy_baggage(baggage));
        let baggage = baggage.unwrap_or_default();
        self.unload(into.caller, into.at, into.want, baggage, &mut received)?;
        self.remark_losses(&received);
        Ok(received)
    }

    /// What the caller gets of a message of which `rest` bytes are to be read: `data`.
    #[inline]
    fn received(
        &self,
        into: &Incoming<'_>,
        message: &Message,
        rest: usize,
        data: Bytes,
    ) -> Received {
        let length = data.len();
        let asked = into.want.flags.truncate && *self.profile.transfer.length_on_request;
        Received {
            data,
            returned: if asked { rest } else { length },
            truncated: length < rest,
            end_of_record: message.end_of_record && length == rest,
            from: self.told_name(message),
            ..Received::default()
        }
    }

    /// Says what was lost without an error.
    #[inline]
    pub(super) fn remark_losses(&mut self, received: &Received) {
        if received.truncated {
            self.remark("recv/message-truncated");
        }
        if received.control_truncated {
            self.remark("recv/descriptors-truncated");
        }
    }
}

/// The message in which the byte at an offset lies, and where in it; an empty message is found
/// unless somebody has peeked at it.
fn skip<'a>(queue: impl Iterator<Item = &'a Message>, mut offset: usize) -> Option<(usize, usize)> {
    for (place, message) in queue.enumerate() {
        let length = message.data.len();
        if offset < length || (offset == 0 && !message.peeked) {
            return Some((place, offset));
        }
        offset -= length;
    }
    None
}
