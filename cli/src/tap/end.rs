//! One end of a connection: the client's socket, or the server's, as the tap has it.
//!
//! What is relayed is first looked at (`MSG_PEEK`), then sent on, and only then taken out of the
//! queue, but for its end: a byte of a stream, or the last packet. A socket that is closed with
//! something unread resets its peer, and nothing else does. So what is held back lets the tap
//! pass a reset on to a client that waits, and is taken out if there is none to pass on. Of longer
//! messages nothing is held back: they count against the sender's buffer as a whole until all of
//! them is taken, and a sender with a small buffer would wait for ever.
//!
//! ```text
//!   queue of the socket     h | n n n n n n n | w w w ...
//!   held back, sent already ─┘   │              └ written later
//!   looked at, from here  ───────┘
//!   (SO_PEEK_OFF)
//! ```
//! Much at once is not copied: its beginning is looked at, as far as the transcript shows it, and all
//! of it moves to the other queue while that has room ([`bulk`](super::bulk)).
//!
//! Urgent bytes stay in the stream (`SO_OOBINLINE`), so that none is skipped; the mark tells which
//! they are.

use super::bulk::{MOST, MUCH, Pipe};
use super::credentials;
use super::socket::{Socket, make_room};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno as Host;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use sunpath::sys::message;
use sunpath::{
    AncillaryBuffer, Credentials, Errno, Error, Peer, Received, RecvFlags, SendFlags, SockOpt,
};

/// Room for a part of a stream; the longest write that the kernel keeps in one piece is shorter.
const ROOM: usize = 64 << 10;

/// The size of the buffer of a stream to the other side, as far as the system allows: twice what is
/// usual. A writer who fills it sleeps until three quarters are free, and that less often.
const QUEUE: u32 = 212_992;

/// What may be held back: with its overhead, a quarter of the smallest send buffer that there is,
/// below which a sender that waits for room is told that there is some.
const SMALL: usize = 192;

/// What was looked at, and is to be sent on.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Its bytes.
    pub length: usize,
    /// So many of them are the first ones of the buffer.
    pub shown: usize,
    /// So many are sent already.
    pub sent: usize,
    /// It is one urgent byte.
    pub urgent: bool,
    /// It is not taken out by looking, and not copied.
    pub bulk: bool,
    /// What goes with its first byte.
    pub descriptors: Vec<OwnedFd>,
    /// Who sent it, if that is passed on.
    pub credentials: Option<Credentials>,
}

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

/// One end of a connection.
#[derive(Debug)]
pub struct End {
    /// Its socket.
    pub socket: Socket,
    /// Something may be there to be read.
    pub readable: bool,
    /// There may be room to send.
    pub writable: bool,
    /// The end of file is to come, or an error.
    pub closing: bool,
    /// Both directions are closed by the peer.
    pub gone: bool,
    /// The peer has closed without reading all that was sent to it.
    pub reset: bool,
    /// What is in the queue, though it was sent on: bytes of a stream, or one packet.
    held: Option<usize>,
    /// What was taken last may have been the beginning of a longer write.
    cut: bool,
    /// Much came with the last look.
    busy: bool,
    /// Who sends is passed on.
    credentials: bool,
    pipe: Option<Pipe>,
}

const LOOK: RecvFlags = RecvFlags::PEEK;
const NOW: RecvFlags = RecvFlags::DONTWAIT;

impl End {
    /// Prepares a socket that nothing was received from yet.
    pub fn new(socket: Socket, credentials: bool) -> Result<End, Error> {
        let end = End {
            socket,
            readable: true,
            writable: true,
            closing: false,
            gone: false,
            reset: false,
            held: None,
            cut: false,
            busy: false,
            credentials,
            pipe: None,
        };
        if credentials {
            end.options().set_pass_credentials(true)?;
        }
        end.options().set_peek_offset(Some(0))?;
        if let Socket::Stream(stream) = &end.socket {
            stream.sockopt().set_urgent_inline(true)?;
            // Nothing else keeps `splice` from waiting.
            stream.set_nonblocking(true)?;
            if stream.sockopt().send_buffer()? < 2 * QUEUE {
                stream.sockopt().set_send_buffer(QUEUE)?;
            }
        }
        Ok(end)
    }

    /// A buffer to look into its queue with.
    pub fn buffer() -> Vec<u8> {
        vec![0; ROOM]
    }

    fn options(&self) -> SockOpt<'_> {
        self.socket.options()
    }

    /// Who is at the other side of it.
    pub fn peer(&self) -> Peer<'_> {
        match &self.socket {
            Socket::Stream(stream) => stream.peer(),
            Socket::Packet(packet) => packet.peer(),
        }
    }

    /// Where the next look begins, if not where the last one ended.
    fn look_at(&self, offset: usize) -> Result<(), Error> {
        self.options().set_peek_offset(Some(u32::try_from(offset).unwrap_or(u32::MAX)))
    }

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

    fn receive(
        &self,
        buffer: &mut [u8],
        beside: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        let mut buffers = [IoSliceMut::new(buffer)];
        match &self.socket {
            Socket::Stream(stream) => stream.recv_message(&mut buffers, beside, flags),
            Socket::Packet(packet) => packet.recv_message(&mut buffers, beside, flags),
        }
    }

    fn look_at_packet(
        &self,
        buffer: &mut Vec<u8>,
        room: &mut AncillaryBuffer,
    ) -> Result<Look, Error> {
        let mut received = self.receive(buffer, room, LOOK | NOW)?;
        if received.is_truncated() {
            buffer.resize(received.length, 0);
            self.look_at(self.held.unwrap_or(0))?;
            received = self.receive(buffer, room, LOOK | NOW)?;
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
        let shown = wanted.clamp(1, length);
        if buffer.len() < shown {
            buffer.resize(shown, 0);
        }
        // Even a short look goes on through the whole queue for descriptors.
        let none = &mut AncillaryBuffer::default();
        let received = self.receive(&mut buffer[..shown], none, LOOK | NOW)?;
        if received.ancillary_truncated || received.bytes < shown || self.has_urgent() {
            self.look_at(held)?;
            return Ok(None);
        }
        self.drop_held()?;
        self.cut = true;
        Ok(Some(Chunk { length, shown, bulk: true, ..Chunk::default() }))
    }

    fn has_pipe(&mut self) -> bool {
        if self.pipe.is_none() {
            self.pipe = Pipe::new().ok();
        }
        self.pipe.is_some()
    }

    /// Moves what is left of much to the other side; whether that was all. `None`: there is no room
    /// now.
    pub fn pass(&mut self, chunk: &mut Chunk, to: &End) -> io::Result<Option<bool>> {
        let Some(pipe) = &mut self.pipe else { return Err(Host::BADF.into()) };
        let (left, room) = (chunk.length - chunk.sent, to.room()?);
        // As long as there is no room, bytes stay in the queue and slow their writer down.
        if pipe.filled() == 0 && room == 0 {
            return Ok(None);
        }
        let passed = pipe.pass(&self.socket, &to.socket, left.min(room).max(pipe.filled()));
        chunk.sent += passed?;
        match chunk.sent >= chunk.length {
            true => Ok(Some(true)),
            false if pipe.filled() > 0 => Ok(None),
            false => Ok(Some(false)),
        }
    }

    /// How many bytes can be sent for certain; none if it is worth waiting until the kernel tells
    /// that there is room.
    fn room(&self) -> Result<usize, Error> {
        let (size, used) = (self.options().send_buffer()?, self.options().unread_by_peer()?);
        let room = size.saturating_sub(used) as usize;
        Ok(if room >= MUCH || used <= size / 4 { room } else { 0 })
    }

    fn look_at_stream(
        &mut self,
        buffer: &mut [u8],
        room: &mut AncillaryBuffer,
    ) -> Result<Look, Error> {
        // Without room, the kernel says whether there are any without making copies of them.
        let none = &mut AncillaryBuffer::default();
        let beside = if self.credentials { &mut *room } else { none };
        let received = self.receive(buffer, beside, LOOK | NOW)?;
        let has_some = received.ancillary_truncated || !beside.descriptors().is_empty();
        if received.bytes == 0 {
            return Ok(Look::End);
        }
        self.busy = received.bytes >= MUCH;
        let credentials = self.sender(room);
        let mut chunk = Chunk { length: received.bytes, credentials, ..Chunk::default() };
        // Where another sender's bytes begin, a look ends.
        let mut more = received.bytes == buffer.len() || self.credentials;
        if has_some {
            self.part(&mut chunk, buffer, room)?;
            more = true;
        }
        if self.has_urgent() {
            self.urgent(&mut chunk)?;
            more = true;
        }
        chunk.shown = chunk.length;
        Ok(Look::Chunk(chunk, more))
    }

    /// There are descriptors: bytes that were written before them go without them.
    fn part(
        &self,
        chunk: &mut Chunk,
        buffer: &mut [u8],
        room: &mut AncillaryBuffer,
    ) -> Result<(), Error> {
        let held = self.held.unwrap_or(0);
        if chunk.length > 1 {
            self.look_at(held)?;
            let whole = message::peek_whole(self.as_fd(), &mut buffer[..chunk.length - 1]);
            if let Ok(bytes @ 1..) = whole {
                chunk.length = bytes;
                return Ok(());
            }
        }
        self.look_at(held)?;
        let received = self.receive(buffer, room, LOOK | NOW)?;
        chunk.length = received.bytes;
        chunk.descriptors = room.take_descriptors().collect();
        Ok(())
    }

    /// Who sent what was looked at.
    fn sender(&self, room: &AncillaryBuffer) -> Option<Credentials> {
        room.credentials().filter(|_| self.credentials).and_then(credentials::known)
    }

    fn has_urgent(&self) -> bool {
        self.polled(PollFlags::PRI).contains(PollFlags::PRI)
    }

    /// Whether both directions are closed by the peer.
    pub fn is_gone(&self) -> bool {
        self.polled(PollFlags::empty()).contains(PollFlags::HUP)
    }

    fn polled(&self, wanted: PollFlags) -> PollFlags {
        let mut polled = [PollFd::new(self, wanted)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut polled, Some(&at_once)) {
            Ok(_) => polled[0].revents(),
            Err(_) => PollFlags::empty(),
        }
    }

    /// An urgent byte is somewhere in the queue: if it comes next, it goes alone. The mark is told of
    /// the head of the queue only, so nothing may be held back before it.
    fn urgent(&mut self, chunk: &mut Chunk) -> Result<(), Error> {
        self.drop_held()?;
        let Socket::Stream(stream) = &self.socket else { return Ok(()) };
        if stream.sockopt().is_at_mark()? {
            chunk.length = 1;
            chunk.urgent = true;
        }
        self.look_at(chunk.length)
    }

    /// Takes out the byte of a stream that was held back.
    fn drop_held(&mut self) -> Result<(), Error> {
        if let (Socket::Stream(stream), Some(_)) = (&self.socket, self.held.take()) {
            stream.recv_with_flags(&mut [0], NOW)?;
        }
        Ok(())
    }

    /// Sends what is left of a chunk; whether that was all. `None`: there is no room now.
    pub fn send(&self, chunk: &mut Chunk, buffer: &[u8]) -> Result<Option<bool>, Error> {
        let descriptors: Vec<BorrowedFd<'_>> = chunk.descriptors.iter().map(AsFd::as_fd).collect();
        let bytes = [IoSlice::new(&buffer[chunk.sent..chunk.length])];
        let flags = match chunk.urgent {
            true => SendFlags::DONTWAIT | SendFlags::OOB,
            false => SendFlags::DONTWAIT,
        };
        let attempt = || {
            credentials::with(&descriptors, chunk.credentials, |ancillary| match &self.socket {
                Socket::Stream(stream) => stream.send_message(&bytes, ancillary, flags),
                Socket::Packet(packet) => {
                    packet.send_message(&bytes, ancillary, flags).map(|()| chunk.length)
                }
            })
        };
        let mut sent = attempt();
        if sent.as_ref().is_err_and(|error| error.errno() == Some(Errno::EMSGSIZE)) {
            make_room(self.options(), chunk.length)?;
            sent = attempt();
        }
        match sent {
            Err(error) if error.errno() == Some(Errno::EAGAIN) => Ok(None),
            sent => {
                chunk.sent += sent?;
                chunk.descriptors.clear();
                Ok(Some(chunk.sent >= chunk.length))
            }
        }
    }

    /// Takes out of the queue what was sent on, but for its end. The buffer is overwritten.
    pub fn taken(&mut self, chunk: &Chunk, buffer: &mut [u8]) -> Result<(), Error> {
        if chunk.bulk {
            return Ok(());
        }
        let small = chunk.length <= SMALL && !self.cut;
        match &self.socket {
            Socket::Packet(packet) => {
                if self.held.take().is_some() {
                    packet.recv_with_flags(&mut [], NOW)?;
                }
                match small {
                    true => self.held = Some(chunk.length),
                    false => drop(packet.recv_with_flags(&mut [], NOW)?),
                }
            }
            Socket::Stream(stream) => {
                let kept = usize::from(small && !chunk.urgent);
                let mut left = self.held.take().unwrap_or(0) + chunk.length - kept;
                while left > 0 {
                    let room = left.min(buffer.len());
                    match stream.recv_with_flags(&mut buffer[..room], NOW)? {
                        0 => break,
                        bytes => left -= bytes,
                    }
                }
                self.held = Some(kept).filter(|kept| *kept > 0);
                self.cut = chunk.length == buffer.len();
            }
        }
        Ok(())
    }

    /// Takes out what was held back: then closing does not reset the peer.
    pub fn release(&mut self) {
        if self.held.take().is_some() {
            // Whatever comes of it, the socket is about to be closed.
            let _ = match &self.socket {
                Socket::Stream(stream) => stream.recv_with_flags(&mut [0], NOW).map(drop),
                Socket::Packet(packet) => packet.recv_with_flags(&mut [], NOW).map(drop),
            };
        }
    }

    /// Closes one direction. It cannot fail for the state of the socket.
    pub fn shutdown(&self, how: Shutdown) {
        let _ = match &self.socket {
            Socket::Stream(stream) => stream.shutdown(how),
            Socket::Packet(packet) => packet.shutdown(how),
        };
    }

    /// Whether an error waits to be told, which is always a reset.
    pub fn take_reset(&mut self) -> bool {
        self.options().take_error().is_ok_and(|error| error.is_some())
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
