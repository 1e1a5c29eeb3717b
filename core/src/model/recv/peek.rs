//! Peeking at a stream: the bytes that a read would give, without taking them.

use super::stream::Outcome;
use super::{Gathered, Incoming};
use crate::model::socket::Socket;
use crate::model::world::World;

impl World {
    pub(super) fn peek_stream(&mut self, into: &Incoming<'_>, gathered: &mut Gathered) -> Outcome {
        let socket = &self.sockets[into.at];
        let mut skip = socket.options.peek_offset.unwrap_or(0) as usize;
        let mut place = 0;
        loop {
            let copied = gathered.bytes.len();
            let unmarked = past_marks(socket_of(self, into), place, copied > 0);
            let Some(found) = unmarked else {
                return if copied > 0 { Outcome::Enough } else { Outcome::Nothing };
            };
            place = found;
            let socket = socket_of(self, into);
            // Marks among what is skipped do not count.
            while let Some(message) = socket.queue.get(place)
                && skip >= message.rest().len()
            {
                skip -= message.rest().len();
                place += 1;
            }
            let Some(message) = socket.queue.get(place) else {
                return if copied > 0 { Outcome::Enough } else { Outcome::Nothing };
            };
            if !gathered.admits(message.credentials(), &socket.options) {
                return Outcome::Enough;
            }
            let length = (message.rest().len() - skip).min(into.want.length - copied);
            if into.want.unmapped && length > 0 {
                return Outcome::Fault;
            }
            let (from, ends) = (message.from, message.end_of_record);
            gathered.bytes.add(message, message.read as usize + skip, length);
            let whole = skip + length == message.rest().len();
            self.note_sender(gathered, from);
            let carries = self.copy_rights(into, place, gathered);
            if let Some(offset) = &mut self.sockets[into.at].options.peek_offset {
                *offset = offset.saturating_add(length as u32);
            }
            gathered.end_of_record = ends && whole;
            if carries || ends {
                return Outcome::Enough;
            }
            // The kernel goes on to the end of the queue, for descriptors, when the buffer is full.
            skip = 0;
            place += 1;
            if place == self.sockets[into.at].queue.len() {
                return Outcome::Enough;
            }
        }
    }

    /// Adds a second set of the descriptors of a message. Whether it has any.
    fn copy_rights(&mut self, into: &Incoming<'_>, place: usize, gathered: &mut Gathered) -> bool {
        let message = &self.sockets[into.at].queue[place];
        let Some(baggage) = message.baggage.as_ref().filter(|b| b.rights.is_some()).cloned() else {
            return false;
        };
        gathered.baggage.rights = self.copy_baggage(&baggage).rights;
        true
    }
}

fn socket_of<'a>(world: &'a World, into: &Incoming<'_>) -> &'a Socket {
    &world.sockets[into.at]
}

/// The place from which a peek goes on: past marks, unless something was gathered before one.
fn past_marks(socket: &Socket, place: usize, copied: bool) -> Option<usize> {
    let mut place = place;
    let first = socket.queue.get(place)?;
    if first.is_spent() {
        if copied && !socket.has_urgent {
            return None;
        }
        place += 1;
    }
    let next = socket.queue.get(place)?;
    match next.urgent {
        true if copied => None,
        true if !socket.options.urgent_inline => {
            (place + 1 < socket.queue.len()).then_some(place + 1)
        }
        _ => Some(place),
    }
}
