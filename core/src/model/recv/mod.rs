//! `recvmsg` and its kin: what a socket's queue gives.
//!
//! ```text
//!          ┌─ stream: bytes, glued over messages ─┐            ┌─ unread: data, what came beside it
//!  recv ───┤      (read, or peek without taking)  ├─ nothing? ─┤
//!          └─ message: one, the rest is lost ─────┘            └─ error, end of file, or wait
//! ```

mod message;
mod peek;
mod stream;
mod urgent;

use super::ancillary::Baggage;
use super::send::BUFFERS;
use super::socket::{Message, SocketId};
use super::stop::{Tried, fail};
use super::wait::{Attempt, Waiting};
use super::world::{Caller, World, descriptor};
use crate::op::{Bytes, Received, Ret, Want};
use crate::profile::{Records, SenderNames};
use crate::{Address, SocketType};
use alloc::vec::Vec;

const WAITING: Waiting = Waiting {
    would_block: "recv/nothing-to-read",
    timed_out: "recv/timed-out",
    interrupted: "recv/interrupted",
    waits: "wait/nothing-to-read",
};

/// A receive as it is under way.
struct Incoming<'a> {
    caller: Caller,
    at: SocketId,
    want: &'a Want,
    may_wait: bool,
}

/// What a stream's read has so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    bytes: Piled,
    pub(super) baggage: Baggage,
    /// Whose bytes they are is known, and those of nobody else may follow.
    from_one: bool,
    /// The sender's name.
    from: Option<Address>,
    end_of_record: bool,
}

/// Bytes that are copied only if there is more than one piece of them.
#[derive(Debug, Clone, Default)]
enum Piled {
    #[default]
    None,
    One(Bytes),
    Many(Vec<u8>),
}

impl Piled {
    #[inline]
    fn len(&self) -> usize {
        match self {
            Piled::None => 0,
            Piled::One(bytes) => bytes.len(),
            Piled::Many(bytes) => bytes.len(),
        }
    }

    /// Adds bytes of a message, from `start` on.
    #[inline]
    fn add(&mut self, message: &Message, start: usize, length: usize) {
        let piece = &message.data[start..start + length];
        match self {
            Piled::None if piece.len() == message.data.len() => {
                *self = Piled::One(message.data.clone());
            }
            _ if piece.is_empty() => {}
            Piled::None => *self = Piled::One(piece.into()),
            Piled::One(first) => *self = Piled::Many([first, piece].concat()),
            Piled::Many(bytes) => bytes.extend_from_slice(piece),
        }
    }

    #[inline]
    fn bytes(self) -> Bytes {
        match self {
            Piled::None => Bytes::EMPTY,
            Piled::One(bytes) => bytes,
            Piled::Many(bytes) => bytes.into(),
        }
    }
}

impl World {
    pub(crate) fn recv(&mut self, caller: Caller, want: &Want, attempt: &mut Attempt) -> Tried {
        let (file, at) = self.socket(caller, want.fd, descriptor!("recv"))?;
        if want.buffers > BUFFERS {
            return Err(fail("send/too-many-buffers"));
        }
        // Without a buffer there is no room for a byte.
        let length = if want.buffers == 0 { 0 } else { want.length };
        let want = &Want { length, ..*want };
        let waits = !(want.flags.dont_wait || self.files[file].nonblocking);
        let into = Incoming { caller, at, want, may_wait: waits || attempt.waited };
        let socket = &self.sockets[at];
        let kind = socket.kind;
        if kind != SocketType::Datagram && socket.peer().is_none() {
            return Err(fail("recv/not-connected"));
        }
        let records = *self.profile.transfer.records;
        let received = match kind {
            SocketType::Stream if want.flags.urgent => self.recv_urgent(&into),
            _ if want.flags.urgent => Err(fail("send/no-urgent-data")),
            SocketType::Stream => self.recv_stream(&into, attempt),
            SocketType::SeqPacket if records == Records::UntilMark => {
                self.recv_stream(&into, attempt)
            }
            _ => self.recv_message(&into, attempt),
        };
        if self.burying {
            self.bury_doomed();
        }
        Ok(Ret::Received(received?))
    }

    /// The name of a message's sender, as far as the receiver is told.
    #[inline]
    pub(super) fn told_name(&self, message: &Message) -> Option<Address> {
        match *self.profile.transfer.sender_names {
            SenderNames::WhenRead => self.name_now(message.from),
            SenderNames::WhenSentOfDatagrams => message.name.as_deref().cloned(),
        }
    }

    /// The name that a socket has now, if it has one.
    #[inline]
    pub(super) fn name_now(&self, id: SocketId) -> Option<Address> {
        self.sockets[id].name.as_ref().map(|bound| bound.address.clone())
    }

    /// The end of file.
    #[cold]
    fn end_of_file(&mut self, into: &Incoming<'_>) -> Received {
        if self.sockets[into.at].kind != SocketType::Datagram {
            self.remark("recv/end-of-file");
        }
        Received::default()
    }

    /// Takes a message out of the queue, after it was read.
    #[inline]
    fn take_out(&mut self, at: SocketId, place: usize) -> Option<Message> {
        let queue = &mut self.sockets[at].queue;
        if place == 0 { queue.pop_front() } else { queue.remove(place) }
    }
}
