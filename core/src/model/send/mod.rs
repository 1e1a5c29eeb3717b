//! `sendmsg` and its kin: one file for each type of socket.
//!
//! ```text
//!                     ┌─ stream: cut into pieces, each finds room or waits ─┐
//!  send ── arguments ─┼─ packet: to the peer, and then ─┐                   ├─► the receiver's queue
//!                     └─ datagram ──────────────────────┴─ room, receiver ──┘
//! ```
//! A call that waits keeps a [`Parcel`]: the descriptors that it passes stay open, and a datagram
//! that waits for its receiver is paid for already.

mod datagram;
mod packet;
mod stream;
mod urgent;

use super::ancillary::Baggage;
use super::socket::SocketId;
use super::stop::{Stop, Tried, fail};
use super::wait::{Attempt, Line, Waiting};
use super::world::{Caller, World, descriptor};
use crate::SocketType;
use crate::op::{Bytes, Message, Name, Ret};
use crate::profile::{First, Records, Sigpipe};
use alloc::boxed::Box;

/// A message takes no more buffers than this.
pub(super) const BUFFERS: u32 = 1024;

/// What a message without a buffer has.
static NOTHING: Bytes = Bytes::EMPTY;

const WAITING: Waiting = Waiting {
    would_block: "send/buffer-full",
    timed_out: "send/timed-out",
    interrupted: "send/interrupted",
    waits: "wait/send-buffer-full",
};

/// A send as it is under way.
struct Outgoing<'a> {
    caller: Caller,
    from: SocketId,
    message: &'a Message,
    data: &'a Bytes,
    to: Option<&'a Name>,
    may_wait: bool,
}

/// What a send keeps while it waits.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    /// It refers to the files once, and they are not in flight.
    baggage: Baggage,
    /// A datagram that waits for room at its receiver, which it holds: what its sender is charged.
    placed: Option<(SocketId, u32)>,
}

impl World {
    pub(crate) fn send(
        &mut self,
        caller: Caller,
        message: &Message,
        attempt: &mut Attempt,
    ) -> Tried {
        let (file, from) = self.socket(caller, message.fd, descriptor!("send"))?;
        let to = check_arguments(message)?;
        let waits = !(message.flags.dont_wait || self.files[file].nonblocking);
        let data = if message.buffers == 0 { &NOTHING } else { &message.data };
        let may_wait = waits || attempt.waited;
        let out = Outgoing { caller, from, message, data, to, may_wait };
        let mut parcel = attempt.parcel.take();
        let sent = match self.sockets[from].kind {
            SocketType::SeqPacket if *self.profile.transfer.records != Records::UntilMark => {
                self.send_packet(&out, &mut parcel, attempt)
            }
            SocketType::Datagram => self.send_datagram(&out, &mut parcel, attempt),
            _ => self.send_stream(&out, &parcel, attempt),
        };
        if let Some(parcel) = parcel {
            self.put_down(*parcel);
        }
        Ok(Ret::Count(sent?))
    }

    /// What a send on this socket looks at first.
    #[inline]
    fn first(&self, from: SocketId) -> First {
        match self.sockets[from].kind {
            SocketType::Datagram => *self.profile.transfer.first_of_datagrams,
            _ => *self.profile.transfer.first,
        }
    }

    /// Whether the bytes can be read.
    #[inline]
    fn check_bytes(&self, out: &Outgoing<'_>) -> Tried<()> {
        match out.message.unmapped && !out.data.is_empty() {
            true => Err(fail("send/bad-pointer")),
            false => Ok(()),
        }
    }

    /// What goes with the message: checked now, or when the call began.
    #[inline]
    fn baggage(&self, out: &Outgoing<'_>, parcel: &Option<Box<Parcel>>) -> Tried<Baggage> {
        match parcel {
            Some(parcel) => Ok(parcel.baggage.clone()),
            None => self.check_control(out.caller, out.from, &out.message.control),
        }
    }

    /// The message must wait for room in its sender's buffer, with what goes with it.
    #[cold]
    fn wait_for_room(
        &mut self,
        out: &Outgoing<'_>,
        baggage: &Baggage,
        attempt: &mut Attempt,
    ) -> Stop {
        let timeout = self.sockets[out.from].options.send_timeout;
        let place = (out.from, Line::Writable);
        let stop = self.wait_or_fail(attempt, out.may_wait, timeout, place, &WAITING);
        if matches!(stop, Stop::Block(_)) && !out.message.control.is_empty() {
            self.take_up(attempt, baggage, None);
        }
        stop
    }

    /// Keeps a message while its sender waits.
    fn take_up(
        &mut self,
        attempt: &mut Attempt,
        baggage: &Baggage,
        placed: Option<(SocketId, u32)>,
    ) {
        let baggage = baggage.clone();
        for file in baggage.rights.iter().flat_map(|rights| &rights.files) {
            self.files[*file].references += 1;
        }
        attempt.parcel = Some(Box::new(Parcel { baggage, placed }));
    }

    /// Lets go of what a message kept that is sent now, or never.
    #[cold]
    fn put_down(&mut self, parcel: Parcel) {
        for file in parcel.baggage.rights.into_iter().flat_map(|rights| rights.files) {
            self.drop_file(file);
        }
    }

    /// A call that waited will never go on: its thread has ended.
    pub(crate) fn abandon(&mut self, socket: Option<SocketId>, attempt: Attempt) {
        if let Some(parcel) = attempt.parcel {
            if let (Some(from), Some((to, cost))) = (socket, parcel.placed) {
                self.refund(from, cost);
                self.release(to);
            }
            self.put_down(*parcel);
        }
        if let Some(gathered) = attempt.gathered {
            self.drop_baggage(gathered.baggage);
        }
    }

    /// Sending is shut down, and this is why.
    #[cold]
    fn broken(&self, out: &Outgoing<'_>, begins: bool) -> Stop {
        let socket = &self.sockets[out.from];
        let peer_closed = socket.peer().is_some_and(|peer| self.sockets[peer].dead);
        let id = if socket.kind != SocketType::Datagram && peer_closed {
            "send/peer-closed"
        } else if socket.peer_reads_no_more {
            "send/peer-stopped-reading"
        } else {
            "send/after-shutdown"
        };
        self.pipe(out, id, begins)
    }

    /// It fails for this cause, with the signal of a broken pipe where that comes with it.
    #[cold]
    fn pipe(&self, out: &Outgoing<'_>, id: &'static str, begins: bool) -> Stop {
        let raised = match *self.profile.transfer.sigpipe {
            Sigpipe::Streams => begins && self.sockets[out.from].kind == SocketType::Stream,
            Sigpipe::All => true,
        };
        Stop::Fail { id, signal: raised && !out.message.flags.no_signal }
    }
}

/// The checks of the arguments alone. The address, if there is one.
#[inline]
fn check_arguments(message: &Message) -> Tried<Option<&Name>> {
    if let Some(name) = &message.to {
        match name {
            Name::Sized(length) if *length < 0 => return Err(fail("connect/bad-address-length")),
            Name::Unmapped => return Err(fail("send/bad-pointer")),
            _ => {}
        }
    }
    if message.buffers > BUFFERS {
        return Err(fail("send/too-many-buffers"));
    }
    Ok(message.to.as_ref().filter(|name| !matches!(name, Name::Sized(0))))
}
