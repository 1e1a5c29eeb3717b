//! Sending on a stream: pieces of bytes, each of which finds room or waits for it.

use super::{Outgoing, Parcel};
use crate::SocketType;
use crate::model::ancillary::Baggage;
use crate::model::socket::{self, PendingError, SocketId};
use crate::model::stop::{Stop, Tried, fail};
use crate::model::wait::Attempt;
use crate::model::world::World;
use crate::op::Bytes;
use crate::profile::{AfterPart, First, Flow, Records, Superfluous, Urgent};
use alloc::boxed::Box;

impl World {
    pub(super) fn send_stream(
        &mut self,
        out: &Outgoing<'_>,
        parcel: &Option<Box<Parcel>>,
        attempt: &mut Attempt,
    ) -> Tried<usize> {
        let mut baggage = match attempt.waited {
            true => self.baggage(out, parcel)?,
            false => self.check_stream(out)?,
        };
        let to = self.sockets[out.from].peer().ok_or(fail("send/not-connected"))?;
        if out.data.is_empty() && baggage.rights.is_some() {
            self.remark("rights/dropped-with-empty-send");
        }
        match self.send_pieces(out, to, &mut baggage, attempt) {
            Ok(()) => Ok(attempt.sent),
            Err(Stop::Block(block)) => Err(Stop::Block(block)),
            Err(stop) if attempt.sent > 0 && self.part_suffices(&stop) => Ok(attempt.sent),
            Err(stop) => Err(stop),
        }
    }

    /// The checks before anything is sent.
    #[inline]
    fn check_stream(&mut self, out: &Outgoing<'_>) -> Tried<Baggage> {
        match self.first(out.from) {
            First::Arguments => {
                let baggage = self.baggage(out, &None)?;
                self.check_urgent(out)?;
                self.check_connection(out)?;
                Ok(baggage)
            }
            First::ArgumentsThenState => {
                self.check_urgent(out)?;
                let baggage = self.baggage(out, &None)?;
                self.check_bytes(out)?;
                self.check_open(out, true)?;
                self.check_connection(out)?;
                Ok(baggage)
            }
            First::State => {
                self.check_open(out, true)?;
                self.check_connection(out)?;
                self.check_urgent(out)?;
                self.baggage(out, &None)
            }
        }
    }

    /// Whether the system has urgent data, and there is a byte for it.
    #[inline]
    fn check_urgent(&self, out: &Outgoing<'_>) -> Tried<()> {
        if !out.message.flags.urgent {
            return Ok(());
        }
        match *self.profile.transfer.urgent {
            Urgent::InStreams if !out.data.is_empty() => Ok(()),
            Urgent::InStreams | Urgent::NotYet => Err(fail("send/empty-urgent-data")),
            Urgent::Never => Err(fail("send/no-urgent-data")),
        }
    }

    /// Whether the socket is connected, and not to be told an address.
    #[inline]
    fn check_connection(&mut self, out: &Outgoing<'_>) -> Tried<()> {
        let connected = self.sockets[out.from].peer().is_some();
        if out.to.is_some() {
            let refused = *self.profile.transfer.address_on_stream == Superfluous::Refused;
            let packets = self.sockets[out.from].kind == SocketType::SeqPacket;
            match connected {
                true if refused => return Err(fail("send/address-on-connected-stream")),
                false if !packets => return Err(fail("send/address-on-unconnected-stream")),
                _ => {}
            }
        }
        if !connected {
            return Err(fail("send/not-connected"));
        }
        if self.sockets[out.from].no_more_writing {
            return Err(self.broken(out, true));
        }
        Ok(())
    }

    /// Whether a pending error or a shutdown forbids to send.
    #[inline]
    pub(super) fn check_open(&mut self, out: &Outgoing<'_>, begins: bool) -> Tried<()> {
        let errors_first = self.first(out.from) == First::Arguments;
        let socket = &mut self.sockets[out.from];
        if socket.no_more_writing && !errors_first {
            return Err(self.broken(out, begins));
        }
        if let Some(error) = socket.error.take() {
            return Err(fail(match (socket.kind, errors_first, error) {
                (SocketType::Stream, true, _) => "send/peer-closed-while-blocked",
                (SocketType::SeqPacket, true, _) => "send/pending-reset",
                (_, _, PendingError::ReceiverClosed) => "send/receiver-closed",
                _ => error.id(),
            }));
        }
        if socket.no_more_writing {
            return Err(self.broken(out, begins));
        }
        Ok(())
    }

    fn send_pieces(
        &mut self,
        out: &Outgoing<'_>,
        to: SocketId,
        baggage: &mut Baggage,
        attempt: &mut Attempt,
    ) -> Tried<()> {
        let length = out.data.len();
        let plain = length - usize::from(out.message.flags.urgent);
        while attempt.sent < length {
            // The urgent byte is a piece of its own.
            let urgent = attempt.sent == plain;
            let rest = if urgent { 1 } else { plain - attempt.sent };
            self.check_open(out, false)?;
            let piece = self.piece(out.from, to, rest);
            if piece == 0 {
                return Err(self.wait_for_room(out, baggage, attempt));
            }
            self.allocate("send/out-of-memory")?;
            self.check_in_flight(out.caller, baggage)?;
            if out.message.unmapped {
                return Err(fail("send/bad-pointer"));
            }
            let receiver = &self.sockets[to];
            if receiver.dead || receiver.no_more_reading {
                let begins = attempt.sent == 0 && !urgent;
                return Err(self.pipe(out, "send/peer-stopped-reading", begins));
            }
            self.check_receiver_takes(to, baggage)?;
            self.send_piece(out, to, baggage, (attempt.sent, piece, urgent));
            attempt.sent += piece;
        }
        Ok(())
    }

    /// Queues a piece. Descriptors go with the first one only.
    #[inline]
    fn send_piece(
        &mut self,
        out: &Outgoing<'_>,
        to: SocketId,
        baggage: &mut Baggage,
        (start, length, urgent): (usize, usize, bool),
    ) {
        let load = Baggage { credentials: baggage.credentials, rights: baggage.rights.take() };
        let baggage = self.board(out.caller, out.from, to, load);
        let cost = match *self.profile.transfer.flow {
            Flow::Sender => self.machine.memory.stream(length as u32),
            _ => 0,
        };
        if urgent {
            self.mark_urgent(to);
        }
        let last = start + length == out.data.len();
        let marks = *self.profile.transfer.records == Records::UntilMark;
        let marked = marks && out.message.flags.end_of_record;
        let message = socket::Message {
            data: cut(out.data, start, length),
            read: 0,
            from: out.from,
            cost,
            urgent,
            end_of_record: last && marked,
            peeked: false,
            name: None,
            baggage: baggage.boxed(),
        };
        self.enqueue(to, message);
    }

    /// Whether a call that has sent a part succeeds with it.
    #[cold]
    fn part_suffices(&self, stop: &Stop) -> bool {
        const ENDS_OF_WAITS: [&str; 3] = ["send/buffer-full", "send/timed-out", "send/interrupted"];
        match *self.profile.transfer.after_part {
            AfterPart::Forgotten => true,
            AfterPart::ReportedUnlessWaiting => {
                matches!(stop, Stop::Fail { id, .. } if ENDS_OF_WAITS.contains(id))
            }
        }
    }
}

/// The bytes of a piece: a part is copied, so that it does not keep the whole in memory.
#[inline]
fn cut(data: &Bytes, start: usize, length: usize) -> Bytes {
    match length == data.len() {
        true => data.clone(),
        false => Bytes::from(&data[start..start + length]),
    }
}
