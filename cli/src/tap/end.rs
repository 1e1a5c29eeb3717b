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
//!   looked at, and sent on ──────┘
//! ```
//! How looking tells descriptors and urgent bytes from others is in [`look`](super::look). Much at
//! once is not copied: its beginning is looked at, as far as the transcript shows it, and all of it
//! moves to the other queue while that has room ([`bulk`](super::bulk)).

use super::bulk::{MUCH, Pipe};
use super::credentials;
use super::socket::{Socket, make_room};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno as Host;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use sunpath::{Credentials, Errno, Error, Peer, RecvFlags, SendFlags, SockOpt};

/// Room for a part of a stream, and the byte before it that was held back; the longest write that
/// the kernel keeps in one piece is shorter.
const ROOM: usize = (64 << 10) + 1;

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
    /// Where the first of them is in the buffer.
    pub start: usize,
    /// So many of them are in the buffer.
    pub shown: usize,
    /// So many are sent already.
    pub sent: usize,
    /// It is one urgent byte.
    pub urgent: bool,
    /// It is not copied, and moves out of the queue by that.
    pub bulk: bool,
    /// What goes with its first byte, until that is sent.
    pub descriptors: Vec<OwnedFd>,
    /// There were descriptors.
    pub beside: bool,
    /// Who sent it, if that is passed on.
    pub credentials: Option<Credentials>,
}

impl Chunk {
    /// The part of the buffer that shows it.
    pub fn shown<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        &buffer[self.start..][..self.shown]
    }
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
    /// An urgent byte is in the queue.
    pub urgent: bool,
    /// What is in the queue, though it was sent on: a byte of a stream, or one packet.
    pub(super) held: Option<usize>,
    /// A look begins behind what is held back, not with it.
    pub(super) steps_over: bool,
    /// What was taken last may have been the beginning of a longer write.
    pub(super) cut: bool,
    /// Much came with the last look.
    pub(super) busy: bool,
    /// Who sends is passed on.
    pub(super) credentials: bool,
    pub(super) pipe: Option<Pipe>,
}

pub(super) const NOW: RecvFlags = RecvFlags::DONTWAIT;

impl End {
    /// Prepares a socket that nothing was received from yet.
    pub fn new(socket: Socket, credentials: bool) -> Result<End, Error> {
        let mut end = End {
            socket,
            readable: true,
            writable: true,
            closing: false,
            gone: false,
            reset: false,
            urgent: false,
            held: None,
            steps_over: false,
            cut: false,
            busy: false,
            credentials,
            pipe: None,
        };
        if credentials {
            end.options().set_pass_credentials(true)?;
        }
        end.step_over(credentials || matches!(end.socket, Socket::Packet(_)))?;
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

    pub(super) fn options(&self) -> SockOpt<'_> {
        self.socket.options()
    }

    /// Who is at the other side of it.
    pub fn peer(&self) -> Peer<'_> {
        match &self.socket {
            Socket::Stream(stream) => stream.peer(),
            Socket::Packet(packet) => packet.peer(),
        }
    }

    /// Lets looks begin behind what is held back, or with it, which is quicker.
    fn step_over(&mut self, over: bool) -> Result<(), Error> {
        if over != self.steps_over {
            self.steps_over = over;
            self.look_at(self.held.unwrap_or(0))?;
        }
        Ok(())
    }

    /// Where the next look begins, if not where the last one ended.
    pub(super) fn look_at(&self, offset: usize) -> Result<(), Error> {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        self.options().set_peek_offset(Some(offset).filter(|_| self.steps_over))
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

    pub(super) fn has_urgent(&self) -> bool {
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

    /// Takes out the byte of a stream that was held back.
    pub(super) fn drop_held(&mut self) -> Result<(), Error> {
        if let (Socket::Stream(stream), Some(_)) = (&self.socket, self.held.take()) {
            stream.recv_with_flags(&mut [0], NOW)?;
        }
        Ok(())
    }

    /// Sends what is left of a chunk; whether that was all. `None`: there is no room now.
    pub fn send(&self, chunk: &mut Chunk, buffer: &[u8]) -> Result<Option<bool>, Error> {
        let descriptors: Vec<BorrowedFd<'_>> = chunk.descriptors.iter().map(AsFd::as_fd).collect();
        let bytes = [IoSlice::new(&chunk.shown(buffer)[chunk.sent..])];
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
                self.cut = chunk.start + chunk.length == buffer.len();
                // Descriptors go with the first byte, and a look would show them again.
                self.step_over(self.credentials || chunk.beside && chunk.length == kept)?;
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
