//! What comes next at an end: looking into its queue.
//!
//! A look (`MSG_PEEK`) ends before an urgent byte, unless that is the first thing it shows. So where
//! a look begins with a byte that was sent on already, what follows it is not urgent for certain, and
//! where nothing follows, it may be: as `epoll` tells together with the news, or `poll`. Otherwise
//! the kernel is asked after each look.
//!
//! ```text
//!   looked at          h n n n n ! w w    h ! w w    n n n ! w     ! w w
//!                      └───────┘          ┘          └───┘         └───┘
//!   what comes next    n n n n            ask: !     n n n, ask    ask: !
//! ```
//! Some things need looks that begin behind what is held back (`SO_PEEK_OFF`): packets; bytes of other
//! senders, before which a look ends, too; and descriptors beside a byte that is held back, which a
//! look would show once more.
//!
//! Urgent bytes stay in the stream (`SO_OOBINLINE`), so that none is skipped; the mark tells which
//! they are.

use super::bulk::{MOST, MUCH, Pipe};
use super::credentials;
use super::end::{Chunk, End, NOW};
use super::socket::Socket;
use std::io::IoSliceMut;
use std::os::fd::AsFd;
use sunpath::sys::message;
use sunpath::{AncillaryBuffer, Credentials, Errno, Error, Received, RecvFlags};

/// What a look into a queue showed.
#[derive(Debug)]
pub enum Look {
    /// Nothing yet.
    Nothing,
    /// Nothing, and nothing will come.
    End,
    /// The peer has closed without reading all that was sent to it.
    Reset,
    /// This; `more`, if more may be there.
    Chunk(Chunk, bool),
}

impl End {
    /// Looks at what comes next, and at least at as many bytes of it as are wanted. `room` has room
    /// for all descriptors.
    pub fn look(
        &mut self,
        buffer: &mut Vec<u8>,
        wanted: usize,
        room: &mut AncillaryBuffer,
    ) -> Result<Look, Error> {
        let looked = match &self.socket {
            Socket::Stream(_) => match self.look_at_much(buffer, wanted) {
                Ok(Some(chunk)) => return Ok(Look::Chunk(chunk, true)),
                Ok(None) => self.look_at_stream(buffer, room),
                Err(error) => Err(error),
            },
            Socket::Packet(_) => self.look_at_packet(buffer, room),
        };
        match looked {
            Err(error) if error.errno() == Some(Errno::EAGAIN) => Ok(Look::Nothing),
            Err(error) if error.errno() == Some(Errno::ECONNRESET) => Ok(Look::Reset),
            looked => looked,
        }
    }

    fn receive(&self, buffer: &mut [u8], beside: &mut AncillaryBuffer) -> Result<Received, Error> {
        let (mut buffers, flags) = ([IoSliceMut::new(buffer)], RecvFlags::PEEK | NOW);
        match &self.socket {
            Socket::Stream(stream) => stream.recv_message(&mut buffers, beside, flags),
            Socket::Packet(packet) => packet.recv_message(&mut buffers, beside, flags),
        }
    }

    /// Forgets that there was a look.
    fn look_again(&self) -> Result<(), Error> {
        if self.steps_over { self.look_at(self.held.unwrap_or(0)) } else { Ok(()) }
    }

    /// How many bytes a look shows again that were sent on already.
    fn again(&self) -> usize {
        if self.steps_over { 0 } else { self.held.unwrap_or(0) }
    }

    fn look_at_packet(
        &self,
        buffer: &mut Vec<u8>,
        room: &mut AncillaryBuffer,
    ) -> Result<Look, Error> {
        let mut received = self.receive(buffer, room)?;
        if received.is_truncated() {
            buffer.resize(received.length, 0);
            self.look_again()?;
            received = self.receive(buffer, room)?;
        }
        if received.end_of_file {
            return Ok(Look::End);
        }
        let descriptors = room.take_descriptors().collect();
        let length = received.bytes;
        let credentials = self.sender(room);
        let chunk = Chunk { length, shown: length, descriptors, credentials, ..Chunk::default() };
        Ok(Look::Chunk(chunk, true))
    }

    /// After much has come: whether much is there again, nothing but bytes.
    fn look_at_much(
        &mut self,
        buffer: &mut Vec<u8>,
        wanted: usize,
    ) -> Result<Option<Chunk>, Error> {
        // The kernel would pass it on in the tap's name.
        if !self.busy || self.credentials {
            return Ok(None);
        }
        let held = self.held.unwrap_or(0);
        // Counted before the look: what it does not complain of has nothing beside it.
        let there = (self.options().readable()? as usize).saturating_sub(held);
        if there < MUCH || !self.has_pipe() {
            return Ok(None);
        }
        let length = there.min(MOST);
        let (start, shown) = (self.again(), wanted.clamp(1, length));
        if buffer.len() < start + shown {
            buffer.resize(start + shown, 0);
        }
        // Even a short look goes on through the whole queue for descriptors.
        let none = &mut AncillaryBuffer::default();
        let received = self.receive(&mut buffer[..start + shown], none)?;
        let short = received.bytes < start + shown;
        if received.ancillary_truncated || short || self.has_urgent() {
            self.look_again()?;
            return Ok(None);
        }
        self.drop_held()?;
        self.cut = true;
        Ok(Some(Chunk { length, start, shown, bulk: true, ..Chunk::default() }))
    }

    fn has_pipe(&mut self) -> bool {
        if self.pipe.is_none() {
            self.pipe = Pipe::new().ok();
        }
        self.pipe.is_some()
    }

    fn look_at_stream(
        &mut self,
        buffer: &mut [u8],
        room: &mut AncillaryBuffer,
    ) -> Result<Look, Error> {
        // Without room, the kernel says whether there are any without making copies of them.
        let none = &mut AncillaryBuffer::default();
        let beside = if self.credentials { &mut *room } else { none };
        let received = self.receive(buffer, beside)?;
        let has_some = received.ancillary_truncated || !beside.descriptors().is_empty();
        let start = self.again();
        if received.bytes <= start {
            return self.nothing_follows(start, buffer, room);
        }
        let length = received.bytes - start;
        self.busy = length >= MUCH;
        let credentials = self.sender(room);
        let mut chunk = Chunk { length, start, credentials, beside: has_some, ..Chunk::default() };
        // Where another sender's bytes begin, a look ends.
        let mut more = received.bytes == buffer.len() || self.credentials || self.urgent;
        if has_some {
            self.part(&mut chunk, buffer, room)?;
            more = true;
        }
        if start == 0 {
            self.urgent = self.has_urgent();
            if self.urgent {
                self.urgent(&mut chunk)?;
                more = true;
            }
        }
        chunk.shown = chunk.length;
        Ok(Look::Chunk(chunk, more))
    }

    /// A look has shown nothing but what was sent on already.
    fn nothing_follows(
        &mut self,
        start: usize,
        buffer: &mut [u8],
        room: &mut AncillaryBuffer,
    ) -> Result<Look, Error> {
        match start {
            0 => Ok(Look::End),
            _ if self.urgent => {
                self.urgent = false;
                self.drop_held()?;
                self.look_at_stream(buffer, room)
            }
            _ if self.closing => Ok(Look::End),
            _ => Ok(Look::Nothing),
        }
    }

    /// There are descriptors: bytes that were written before them go without them.
    fn part(
        &self,
        chunk: &mut Chunk,
        buffer: &mut [u8],
        room: &mut AncillaryBuffer,
    ) -> Result<(), Error> {
        if chunk.length > 1 {
            self.look_again()?;
            let before = &mut buffer[..chunk.start + chunk.length - 1];
            let whole = message::peek_whole(self.as_fd(), before).unwrap_or(0);
            if whole > chunk.start {
                chunk.length = whole - chunk.start;
                chunk.beside = false;
                return Ok(());
            }
        }
        self.look_again()?;
        let received = self.receive(buffer, room)?;
        chunk.length = received.bytes.saturating_sub(chunk.start);
        chunk.descriptors = room.take_descriptors().collect();
        Ok(())
    }

    /// Who sent what was looked at.
    fn sender(&self, room: &AncillaryBuffer) -> Option<Credentials> {
        room.credentials().filter(|_| self.credentials).and_then(credentials::known)
    }

    /// An urgent byte is somewhere in the queue: if it comes next, it goes alone. The mark is told of
    /// the head of the queue only, so nothing may be held back before it.
    fn urgent(&mut self, chunk: &mut Chunk) -> Result<(), Error> {
        self.drop_held()?;
        let Socket::Stream(stream) = &self.socket else { return Ok(()) };
        if stream.sockopt().is_at_mark()? {
            chunk.length = 1;
            chunk.urgent = true;
            self.urgent = false;
        }
        if self.steps_over { self.look_at(chunk.length) } else { Ok(()) }
    }
}
