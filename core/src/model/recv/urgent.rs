//! The urgent byte of a stream: the mark at which reads stop, and the receive that takes it alone.
//!
//! ```text
//!  queue:   a b │c│ d e      c is urgent
//!  read     "ab"             stops at the mark
//!  read         "de"         c is skipped and lost; SO_OOBINLINE: "cde"
//!  MSG_OOB  "c"              its place stays as an empty message, a mark that reads stop at
//! ```

use super::Incoming;
use crate::model::socket::{Message, Socket, SocketId, State};
use crate::model::stop::{Tried, fail};
use crate::model::world::World;
use crate::op::{Bytes, Received};
use crate::profile::Urgent;

impl World {
    #[cold]
    pub(super) fn recv_urgent(&mut self, into: &Incoming<'_>) -> Tried<Received> {
        if *self.profile.transfer.urgent == Urgent::Never {
            return Err(fail("send/no-urgent-data"));
        }
        let socket = &mut self.sockets[into.at];
        let place = match socket.has_urgent && !socket.options.urgent_inline {
            true => socket.queue.iter().position(|m| m.urgent),
            false => None,
        };
        let Some(place) = place else { return Err(fail("recv/no-urgent-data")) };
        let message = &mut socket.queue[place];
        let byte = message.data.clone();
        if !into.want.flags.peek {
            message.urgent = false;
            message.read = message.data.len() as u32;
            socket.has_urgent = false;
            socket.unread -= 1;
            // Of two places that were urgent in a row, one is mark enough.
            let before = place.checked_sub(1);
            if let Some(before) = before.filter(|before| socket.queue[*before].is_spent())
                && let Some(spent) = self.take_out(into.at, before)
            {
                self.discard(spent);
            }
        }
        if into.want.unmapped && into.want.length > 0 {
            return Err(fail("recv/bad-pointer"));
        }
        let data = if into.want.length == 0 { Bytes::EMPTY } else { byte };
        Ok(Received { data, returned: 1, urgent: true, ..Received::default() })
    }

    /// Goes past marks at the head of the queue, or stops at one if something was read. Whether
    /// there is something to read.
    #[inline]
    pub(super) fn clear_marks(&mut self, at: SocketId, copied: bool) -> bool {
        match self.sockets[at].queue.front() {
            None => false,
            Some(first) if !first.urgent && !first.is_spent() => true,
            Some(_) => self.pass_mark(at, copied),
        }
    }

    #[cold]
    fn pass_mark(&mut self, at: SocketId, copied: bool) -> bool {
        // What is thrown away on the way is closed when the call is over, not before it has looked
        // for an end of file.
        self.burying = true;
        let socket = &mut self.sockets[at];
        if socket.queue[0].is_spent() {
            if copied && !socket.has_urgent {
                return false;
            }
            if let Some(spent) = self.take_out(at, 0) {
                self.discard(spent);
            }
        }
        let socket = &mut self.sockets[at];
        let Some(first) = socket.queue.front_mut() else { return false };
        if !first.urgent {
            return true;
        }
        if copied {
            return false;
        }
        first.urgent = false;
        socket.has_urgent = false;
        if socket.options.urgent_inline {
            return true;
        }
        // It goes on counting among the bytes that can be read.
        if let Some(skipped) = self.take_out(at, 0) {
            self.discard(skipped);
        }
        !self.sockets[at].queue.is_empty()
    }
}

impl Message {
    /// Whether nothing but a mark is left of it (streams).
    #[inline]
    pub(crate) fn is_spent(&self) -> bool {
        self.read as usize == self.data.len()
    }
}

impl Socket {
    /// `SIOCATMARK`: whether the next byte is the urgent one, or would be if it were still there.
    pub(crate) fn is_at_mark(&self) -> bool {
        // What stands for a connection that waits has no bytes, as if they were read up to a mark.
        if let State::Listening(listening) = &self.state {
            return !listening.pending.is_empty();
        }
        let mut queue = self.queue.iter();
        let Some(first) = queue.next() else { return false };
        let next_is_urgent = queue.next().is_some_and(|second| second.urgent);
        first.urgent || first.is_spent() && (!self.has_urgent || next_is_urgent)
    }
}
