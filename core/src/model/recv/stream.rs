//! Reading a stream: bytes of one message after the other, until something must not be glued.

use super::{Gathered, Incoming, WAITING};
use crate::model::socket::{Options, Socket, SocketId};
use crate::model::stop::{Stop, Tried, fail};
use crate::model::wait::{Attempt, Line, Wake};
use crate::model::world::World;
use crate::op::{Ids, Received};
use crate::profile::{Flow, RightsStop};
use alloc::boxed::Box;

impl World {
    pub(super) fn recv_stream(
        &mut self,
        into: &Incoming<'_>,
        attempt: &mut Attempt,
    ) -> Tried<Received> {
        if into.want.length == 0 && !*self.profile.transfer.empty_read_waits {
            return Ok(Received::default());
        }
        let mut gathered = match attempt.gathered.take() {
            Some(gathered) => *gathered,
            None => Gathered::default(),
        };
        let before = gathered.bytes.len();
        let outcome = match into.want.flags.peek {
            true => self.peek_stream(into, &mut gathered),
            false => self.read_stream(into, &mut gathered),
        };
        if *self.profile.transfer.flow != Flow::Sender && gathered.bytes.len() > before {
            self.tell_of_room(into.at);
        }
        match outcome {
            Outcome::Enough => self.hand_over(into, gathered),
            Outcome::Fault if gathered.bytes.len() > 0 => self.hand_over(into, gathered),
            Outcome::Fault => {
                // What comes beside the bytes is handed over first: a descriptor of the sender's
                // process stays.
                let baggage = gathered.baggage;
                self.unload(into.caller, into.at, into.want, baggage, &mut Received::default())?;
                Err(fail("recv/bad-pointer"))
            }
            Outcome::Nothing => self.none_left(into, gathered, attempt),
        }
    }

    fn read_stream(&mut self, into: &Incoming<'_>, gathered: &mut Gathered) -> Outcome {
        let stops_before = *self.profile.transfer.rights_stop == RightsStop::Before;
        loop {
            let copied = gathered.bytes.len();
            if self.sockets[into.at].queue.is_empty() {
                return Outcome::Nothing;
            }
            if !self.clear_marks(into.at, copied > 0) {
                return if copied > 0 { Outcome::Enough } else { Outcome::Nothing };
            }
            let socket = &mut self.sockets[into.at];
            let Some(message) = socket.queue.front_mut() else { return Outcome::Nothing };
            if !gathered.admits(message.credentials(), &socket.options) {
                return Outcome::Enough;
            }
            if stops_before && copied > 0 && message.has_baggage() {
                return Outcome::Enough;
            }
            let start = message.read as usize;
            let length = (message.data.len() - start).min(into.want.length - copied);
            if into.want.unmapped && length > 0 {
                return Outcome::Fault;
            }
            gathered.bytes.add(message, start, length);
            message.read += length as u32;
            let carries = message.rights().is_some();
            if let Some(baggage) = &mut message.baggage {
                gathered.baggage.rights = baggage.rights.take().or(gathered.baggage.rights.take());
                // There credentials are an item like others, which comes once.
                if stops_before && baggage.credentials.is_some() {
                    gathered.baggage.credentials = baggage.credentials.take();
                }
            }
            let from = message.from;
            let ends = message.end_of_record;
            let left = message.data.len() - start > length;
            socket.unread -= length;
            if let Some(offset) = &mut socket.options.peek_offset {
                *offset = offset.saturating_sub(length as u32);
            }
            self.note_sender(gathered, from);
            if left {
                return Outcome::Enough;
            }
            if let Some(message) = self.take_out(into.at, 0) {
                self.discard(message);
            }
            gathered.end_of_record = ends;
            let full = gathered.bytes.len() == into.want.length;
            if full || ends || (carries && !stops_before) {
                return Outcome::Enough;
            }
        }
    }

    /// The name of whoever sent the bytes: on a stream, always the peer.
    #[inline]
    pub(super) fn note_sender(&self, gathered: &mut Gathered, from: SocketId) {
        use crate::profile::SenderNames::WhenRead;
        let sender = &self.sockets[from];
        if gathered.from.is_none()
            && let Some(name) = &sender.name
            && *self.profile.transfer.sender_names == WhenRead
        {
            gathered.from = Some(name.address.clone());
        }
    }

    /// The queue is empty, or what is in it may not be read now.
    #[cold]
    fn none_left(
        &mut self,
        into: &Incoming<'_>,
        gathered: Gathered,
        attempt: &mut Attempt,
    ) -> Tried<Received> {
        let copied = gathered.bytes.len();
        let socket = &mut self.sockets[into.at];
        if copied >= *attempt.least.get_or_insert_with(|| target(socket, into)) {
            return self.hand_over(into, gathered);
        }
        if let Some(error) = socket.error.take() {
            // What was read already is worth more: nobody will ever hear of the error.
            return if copied > 0 { self.hand_over(into, gathered) } else { Err(fail(error.id())) };
        }
        if socket.no_more_reading {
            if copied > 0 {
                return self.hand_over(into, gathered);
            }
            let mut end = self.end_of_file(into);
            self.unload_end(into.caller, into.at, into.want, &mut end)?;
            return Ok(end);
        }
        let timeout = socket.options.receive_timeout;
        let place = (into.at, Line::Readable);
        match self.wait_or_fail(attempt, into.may_wait, timeout, place, &WAITING) {
            Stop::Block(block) => {
                attempt.gathered = (copied > 0).then(|| Box::new(gathered));
                Err(Stop::Block(block))
            }
            // A signal's haste loses what came beside the bytes.
            Stop::Fail { id: "recv/interrupted", .. } if copied > 0 => Ok(Received {
                returned: copied,
                data: gathered.bytes.bytes(),
                from: gathered.from,
                ..Received::default()
            }),
            _ if copied > 0 => self.hand_over(into, gathered),
            stop => Err(stop),
        }
    }

    #[inline]
    pub(super) fn hand_over(&mut self, into: &Incoming<'_>, gathered: Gathered) -> Tried<Received> {
        let Gathered { bytes, baggage, from, end_of_record, .. } = gathered;
        let data = bytes.bytes();
        let mut received =
            Received { returned: data.len(), data, from, end_of_record, ..Received::default() };
        self.unload(into.caller, into.at, into.want, baggage, &mut received)?;
        self.remark_losses(&received);
        Ok(received)
    }

    /// The peer may send more.
    #[cold]
    fn tell_of_room(&mut self, at: SocketId) {
        if let Some(peer) = self.sockets[at].peer() {
            self.wake(peer, Line::Writable, Wake::All);
        }
    }
}

/// What became of looking for bytes.
pub(super) enum Outcome {
    /// The call is done with what it has.
    Enough,
    /// There are no bytes any more, and it may want some.
    Nothing,
    /// The buffer is not mapped.
    Fault,
}

impl Gathered {
    /// Whether bytes that came with this may follow: where credentials are wanted, those of
    /// another writer may not.
    #[inline]
    pub(super) fn admits(&mut self, credentials: Option<Ids>, options: &Options) -> bool {
        if self.from_one {
            return self.baggage.credentials == credentials;
        }
        if options.pass_credentials || options.pass_pidfd {
            self.baggage.credentials = credentials;
            self.from_one = true;
        }
        true
    }
}

/// How many bytes the call waits for.
fn target(socket: &Socket, into: &Incoming<'_>) -> usize {
    let wanted = match into.want.flags.wait_all {
        true => into.want.length,
        false => into.want.length.min(socket.options.receive_low_water as usize),
    };
    wanted.max(1)
}
