//! Sending a message: to an address or to the peer, as a whole or not at all.

use super::{Outgoing, Parcel};
use crate::model::ancillary::Baggage;
use crate::model::socket::{self, SocketId};
use crate::model::stop::{Stop, Tried, fail};
use crate::model::wait::{Attempt, Line, Waiting, Woken};
use crate::model::world::World;
use crate::profile::{
    First, Flow, MessageLimit, Records, SenderNames, Superfluous, Urgent, WhenFull,
};
use crate::{Address, Errno, SocketType};
use alloc::boxed::Box;

const WAITING: Waiting = Waiting {
    would_block: "send/receiver-queue-full",
    timed_out: "send/timed-out",
    interrupted: "send/interrupted",
    waits: "wait/receiver-queue-full",
};

impl World {
    pub(super) fn send_datagram(
        &mut self,
        out: &Outgoing<'_>,
        parcel: &mut Option<Box<Parcel>>,
        attempt: &mut Attempt,
    ) -> Tried<usize> {
        if let Some((to, cost)) = parcel.as_mut().and_then(|parcel| parcel.placed.take()) {
            return self.try_again(out, (to, cost), parcel, attempt);
        }
        let (baggage, address) = self.check_datagram(out, parcel, attempt)?;
        let to = self.receiver(out, &address)?;
        // A filter takes the message for the receiver's own good: the sender is not told.
        if self.sockets[to].options.filter_drops {
            return Ok(out.data.len());
        }
        self.hand_to(out, to, &baggage, attempt)
    }

    /// The checks before the receiver is looked for.
    #[inline]
    fn check_datagram(
        &mut self,
        out: &Outgoing<'_>,
        parcel: &Option<Box<Parcel>>,
        attempt: &mut Attempt,
    ) -> Tried<(Baggage, Option<Address>)> {
        let mut address = None;
        let baggage = match self.first(out.from) {
            First::Arguments => {
                let baggage = self.baggage(out, parcel)?;
                self.check_not_urgent(out)?;
                if !attempt.waited {
                    if let Some(name) = out.to {
                        address = Some(self.check_target(name, "send/bad-pointer")?);
                    }
                    self.name_implicitly(out.from)?;
                    self.check_length(out)?;
                }
                self.check_open(out, false)?;
                baggage
            }
            First::ArgumentsThenState => {
                self.check_not_urgent(out)?;
                self.check_length(out)?;
                self.check_bytes(out)?;
                let baggage = self.baggage(out, parcel)?;
                self.check_open_end(out)?;
                baggage
            }
            First::State => {
                self.check_open_end(out)?;
                self.check_length(out)?;
                self.check_not_urgent(out)?;
                self.baggage(out, parcel)?
            }
        };
        let obeyed = *self.profile.transfer.address_on_datagram == Superfluous::Obeyed;
        if !obeyed && out.to.is_some() && self.sockets[out.from].peer().is_some() {
            return Err(fail("send/address-on-connected-datagram"));
        }
        let address = self.check_sending(out, &baggage, address, attempt)?;
        Ok((baggage, address))
    }

    /// `MSG_OOB` is for streams.
    fn check_not_urgent(&self, out: &Outgoing<'_>) -> Tried<()> {
        if !out.message.flags.urgent {
            return Ok(());
        }
        Err(fail(match *self.profile.transfer.urgent {
            Urgent::InStreams | Urgent::NotYet | Urgent::Never => "send/no-urgent-data",
        }))
    }

    /// The socket is open, and the message has somewhere to go.
    fn check_open_end(&mut self, out: &Outgoing<'_>) -> Tried<()> {
        self.check_open(out, true)?;
        if self.sockets[out.from].peer().is_none() && out.to.is_none() {
            return Err(fail("send/no-destination"));
        }
        Ok(())
    }

    /// The checks of what sending takes: room, memory, descriptors in flight.
    #[inline]
    fn check_sending(
        &mut self,
        out: &Outgoing<'_>,
        baggage: &Baggage,
        address: Option<Address>,
        attempt: &mut Attempt,
    ) -> Tried<Option<Address>> {
        if !self.may_send(out.from) {
            return Err(self.wait_for_room(out, baggage, attempt));
        }
        self.allocate("send/out-of-memory")?;
        if self.cost(out).is_none() {
            return Err(fail("send/no-contiguous-memory"));
        }
        self.allocate("send/out-of-memory")?;
        self.check_in_flight(out.caller, baggage)?;
        self.check_bytes(out)?;
        match (address, out.to) {
            (None, Some(name)) => Ok(Some(self.check_target(name, "send/bad-pointer")?)),
            (address, _) => Ok(address),
        }
    }

    /// Whether the message is too long for the socket.
    #[inline]
    fn check_length(&self, out: &Outgoing<'_>) -> Tried<()> {
        let buffer = self.sockets[out.from].options.send_buffer;
        let most = match *self.profile.transfer.message_limit {
            MessageLimit::SendBufferLess(less) => buffer.saturating_sub(less),
            MessageLimit::Datagram(most) if self.sockets[out.from].kind == SocketType::Datagram => {
                most
            }
            MessageLimit::Datagram(_) => buffer,
        };
        if out.data.len() > most as usize {
            return Err(fail("send/message-too-long"));
        }
        Ok(())
    }

    /// The memory that the message takes; `None` if there cannot be as much in one piece.
    #[inline]
    fn cost(&self, out: &Outgoing<'_>) -> Option<u32> {
        match *self.profile.transfer.flow {
            Flow::Sender => self.machine.memory.packet(out.data.len()),
            _ => Some(0),
        }
    }

    /// Whom the message is for.
    #[inline]
    fn receiver(&self, out: &Outgoing<'_>, address: &Option<Address>) -> Tried<SocketId> {
        match address {
            Some(address) => self.find_socket(out.caller, out.from, address),
            None => self.sockets[out.from].peer().ok_or(fail("send/no-destination")),
        }
    }

    /// Looks again whether the receiver has room, after a wait for it.
    #[cold]
    fn try_again(
        &mut self,
        out: &Outgoing<'_>,
        (to, cost): (SocketId, u32),
        parcel: &Option<Box<Parcel>>,
        attempt: &mut Attempt,
    ) -> Tried<usize> {
        let baggage = self.baggage(out, parcel)?;
        self.sockets[out.from].charged -= cost;
        let sent = match attempt.woken {
            // A signal ends the wait even if there is room.
            Some(Woken::Interrupted) => Err(fail(WAITING.interrupted)),
            _ => self.hand_to(out, to, &baggage, attempt),
        };
        if matches!(sent, Err(Stop::Fail { .. } | Stop::Errno(_))) {
            self.refund(out.from, 0);
        }
        self.release(to);
        sent
    }

    /// The receiver's part: whether it takes the message.
    fn hand_to(
        &mut self,
        out: &Outgoing<'_>,
        mut to: SocketId,
        baggage: &Baggage,
        attempt: &mut Attempt,
    ) -> Tried<usize> {
        if !self.may_reach(out.from, to) {
            return Err(fail("send/receiver-has-another-peer"));
        }
        if self.sockets[to].dead {
            to = self.find_again(out, to)?;
        }
        if self.sockets[to].no_more_reading {
            return Err(self.pipe(out, "send/peer-stopped-reading", false));
        }
        self.check_receiver_takes(to, baggage)?;
        let length = out.data.len();
        if self.sockets[to].kind == SocketType::Datagram {
            self.check_datagram_scope(out.caller, out.from, to)?;
            if !self.takes_datagram(to, out.from, length) {
                return Err(self.wait_for_receiver(out, to, baggage, attempt));
            }
        }
        self.queue_message(out, to, baggage.clone());
        Ok(length)
    }

    /// The receiver has closed: an association with it ends here; an address may have another
    /// socket by now.
    #[cold]
    fn find_again(&mut self, out: &Outgoing<'_>, to: SocketId) -> Tried<SocketId> {
        if self.sockets[out.from].kind == SocketType::SeqPacket {
            return Err(self.pipe(out, "send/peer-closed", false));
        }
        if self.sockets[out.from].peer() == Some(to) {
            self.change_peer(out.from, None);
            return Err(fail("send/receiver-closed"));
        }
        match out.to {
            Some(name) => {
                let address = self.check_target(name, "send/bad-pointer")?;
                self.find_socket(out.caller, out.from, &address)
            }
            // Another thread has connected the socket elsewhere while this one waited.
            None => Err(Stop::Errno(Errno::ECONNRESET)),
        }
    }

    #[cold]
    fn wait_for_receiver(
        &mut self,
        out: &Outgoing<'_>,
        to: SocketId,
        baggage: &Baggage,
        attempt: &mut Attempt,
    ) -> Stop {
        if *self.profile.transfer.receiver_full == WhenFull::Fails {
            return fail("send/receiver-buffer-full");
        }
        if !attempt.at_receiver {
            // This wait has a time limit of its own.
            attempt.waited = false;
            attempt.at_receiver = true;
        }
        let timeout = self.sockets[out.from].options.send_timeout;
        let place = (to, Line::Room);
        let stop = self.wait_or_fail(attempt, out.may_wait, timeout, place, &WAITING);
        if matches!(stop, Stop::Block(_)) {
            let cost = self.cost(out).unwrap_or(0);
            self.sockets[out.from].charged += cost;
            self.sockets[to].holds += 1;
            self.take_up(attempt, baggage, Some((to, cost)));
        }
        stop
    }

    #[inline]
    fn queue_message(&mut self, out: &Outgoing<'_>, to: SocketId, baggage: Baggage) {
        let baggage = self.board(out.caller, out.from, to, baggage);
        let rules = &self.profile.transfer;
        let told_now = *rules.sender_names == SenderNames::WhenSentOfDatagrams;
        let named = told_now && self.sockets[to].kind == SocketType::Datagram;
        let marked = *rules.records != Records::Sends && out.message.flags.end_of_record;
        let message = socket::Message {
            data: out.data.clone(),
            read: 0,
            from: out.from,
            cost: self.cost(out).unwrap_or(0),
            urgent: false,
            end_of_record: marked,
            peeked: false,
            name: named.then(|| Box::new(self.name_of(out.from))),
            baggage: baggage.boxed(),
        };
        self.enqueue(to, message);
    }
}
