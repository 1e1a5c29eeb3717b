//! Many messages in one call.

use crate::ancillary::{self, Ancillary, AncillaryBuffer, Received};
use crate::socket::Socket;
use crate::sys::batch::{self, HasInbox, MOST, Packet, Slot};
use crate::sys::message::Inbox;
use crate::sys::{self, Errno as Host};
use crate::{Call, Error, RecvFlags, SendFlags, SockAddr, SocketType, ToAddress};
use std::io::IoSlice;

/// The most messages that one call of `send_batch` or `recv_batch` moves.
///
/// The kernel's cost is that of each message; what a batch saves is the entry into the kernel,
/// which is spread thin enough over this many. Do not expect much of it: each message in a batch
/// takes the way of `sendmsg` and `recvmsg`, which is longer than that of `send` and `recv`.
/// Measured with 64 bytes a message on Linux 6.18, a batch of 32 takes 0.9 of the time of as many
/// `send_message` and `recv_message`, and 0.8 of that of the C library's `send` and `recv`, but 1.1
/// of that of this library's `send` and `recv`, which call the kernel without a detour. So batches
/// are for messages with ancillary data or addresses; many small messages without are best
/// [framed](crate::framing) on a stream.
pub const MOST_IN_A_BATCH: usize = MOST;

/// A message to send in a batch: borrowed bytes, what is beside them, and for datagrams perhaps an
/// address.
///
/// ```
/// use sunpath::{Outgoing, RecvBatch, RecvFlags, SendFlags, SeqPacket};
///
/// let (a, b) = SeqPacket::pair()?;
/// let messages = [Outgoing::new(b"one"), Outgoing::new(b"two"), Outgoing::new(b"three")];
/// assert_eq!(a.send_batch(&messages, SendFlags::NONE)?, 3);
///
/// let mut batch = RecvBatch::new(32, 1024, 0);
/// assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE)?, 3);
/// for message in batch.messages() {
///     println!("{} bytes", message.bytes.len());
/// }
/// # Ok::<(), sunpath::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    bytes: Bytes<'a>,
    ancillary: Ancillary<'a>,
    to: Option<&'a SockAddr>,
}

#[derive(Debug, Clone, Copy)]
enum Bytes<'a> {
    One(IoSlice<'a>),
    Many(&'a [IoSlice<'a>]),
}

impl<'a> Outgoing<'a> {
    /// A message of one buffer.
    pub fn new(message: &'a [u8]) -> Outgoing<'a> {
        Outgoing { bytes: Bytes::One(IoSlice::new(message)), ancillary: Ancillary::NONE, to: None }
    }

    /// A message that is gathered from several buffers.
    pub const fn vectored(buffers: &'a [IoSlice<'a>]) -> Outgoing<'a> {
        Outgoing { bytes: Bytes::Many(buffers), ancillary: Ancillary::NONE, to: None }
    }

    /// Adds what is to be sent beside the bytes.
    pub const fn with_ancillary(self, ancillary: Ancillary<'a>) -> Outgoing<'a> {
        Outgoing { ancillary, ..self }
    }

    /// Sends it to this address instead of the peer; datagrams only, packets go to the peer.
    pub const fn to(self, address: &'a SockAddr) -> Outgoing<'a> {
        Outgoing { to: Some(address), ..self }
    }

    /// The address that it is to be sent to instead of the peer.
    #[cfg(feature = "tokio")]
    pub(crate) fn receiver(&self) -> Option<&'a SockAddr> {
        self.to
    }

    fn buffers(&self) -> &[IoSlice<'a>] {
        match &self.bytes {
            Bytes::One(buffer) => std::slice::from_ref(buffer),
            Bytes::Many(buffers) => buffers,
        }
    }
}

/// Room for a batch of messages to receive, and what the last receive put there. It can be used
/// again and again, with any socket: all memory is allocated when it is made. Descriptors that were
/// not taken out are closed by the next receive, and on drop.
#[derive(Debug)]
pub struct RecvBatch {
    data: Vec<u8>,
    each: usize,
    slots: Vec<Slot<AncillaryBuffer>>,
    came: usize,
}

/// A message of a batch that was received.
#[derive(Debug)]
pub struct Message<'a> {
    /// Its bytes, as far as there was room for them.
    pub bytes: &'a [u8],
    /// Its whole length, and whether anything beside the bytes was dropped.
    pub received: Received,
    /// The sender's name.
    pub sender: SockAddr,
    /// What came beside the bytes.
    pub ancillary: &'a mut AncillaryBuffer,
}

impl RecvBatch {
    /// Room for so many messages, [`MOST_IN_A_BATCH`] at most, of so many bytes, each with so many
    /// descriptors, [`MOST_DESCRIPTORS`](crate::MOST_DESCRIPTORS) at most.
    ///
    /// # Panics
    /// If that is more memory than there can be.
    pub fn new(messages: usize, bytes: usize, descriptors: usize) -> RecvBatch {
        let messages = messages.clamp(1, MOST_IN_A_BATCH);
        let slots = (0..messages).map(|_| Slot::new(AncillaryBuffer::new(descriptors)));
        RecvBatch {
            data: vec![0; bytes.saturating_mul(messages)],
            each: bytes,
            slots: slots.collect(),
            came: 0,
        }
    }

    /// How many messages there is room for.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The messages of the last receive, in order.
    pub fn messages(&mut self) -> impl ExactSizeIterator<Item = Message<'_>> {
        let RecvBatch { data, each, slots, came } = self;
        slots[..*came].iter_mut().enumerate().map(|(i, slot)| {
            let inbox = slot.ancillary.inbox();
            let received = ancillary::received(*each, slot.arrival, inbox);
            let start = i * *each;
            Message {
                bytes: &data[start..start + received.bytes],
                received,
                sender: SockAddr(slot.from),
                ancillary: &mut slot.ancillary,
            }
        })
    }
}

impl HasInbox for AncillaryBuffer {
    fn inbox(&mut self) -> &mut Inbox {
        self.inbox()
    }
}

/// One `sendmmsg`; `EINTR` comes through. How many were sent.
pub(crate) fn send(
    socket: &Socket,
    messages: &[Outgoing<'_>],
    flags: SendFlags,
) -> Result<usize, Error> {
    // One descriptor or the credentials with each message.
    const LITTLE: usize = 2048;
    const MUCH: usize = 8 * LITTLE;
    let messages = &messages[..messages.len().min(MOST_IN_A_BATCH)];
    let Some(first) = messages.first() else { return Ok(0) };
    for message in messages {
        message.ancillary.check(socket, message.buffers())?;
    }
    let sent = match messages.iter().map(|message| message.ancillary.space()).sum() {
        0 => send_encoded(socket, messages, &mut [], flags),
        1..=LITTLE => send_encoded(socket, messages, &mut [0; LITTLE], flags),
        _ => send_encoded(socket, messages, &mut [0; MUCH], flags),
    };
    let to = first.to.map(|name| name.to_address());
    sent.map_err(|errno| ancillary::failed(socket, to, &first.ancillary, errno))
}

/// Sends as many messages as this room for control messages suffices for: one at least.
fn send_encoded(
    socket: &Socket,
    messages: &[Outgoing<'_>],
    room: &mut [u8],
    flags: SendFlags,
) -> sys::Result<usize> {
    let mut controls: [&[u8]; MOST] = [&[]; MOST];
    let mut rest = room;
    let mut count = 0;
    for (control, message) in controls.iter_mut().zip(messages) {
        let Some((mine, after)) = rest.split_at_mut_checked(message.ancillary.space()) else {
            break;
        };
        rest = after;
        *control = message.ancillary.encode(mine).map_err(|_| Host::NOBUFS)?;
        count += 1;
    }
    let packets = messages[..count].iter().zip(controls).map(|(message, control)| Packet {
        to: message.to.map(|name| &name.0),
        buffers: message.buffers(),
        control,
    });
    batch::sendmmsg(socket, packets, flags.raw())
}

/// One `recvmmsg` that waits for the first message alone; `EINTR` comes through. How many came; 0
/// at the end.
pub(crate) fn receive(
    socket: &Socket,
    room: &mut RecvBatch,
    flags: RecvFlags,
) -> Result<usize, Error> {
    let RecvBatch { data, each, slots, came } = room;
    *came = 0;
    for slot in &mut *slots {
        ancillary::prepare(socket, slot.ancillary.inbox());
    }
    let flags = ancillary::whole_length(socket.kind(), flags);
    let count = batch::recvmmsg(socket, data, *each, slots, flags)
        .map_err(|errno| socket.error(Call::Recv, errno))?;
    *came = before_end(socket, &mut slots[..count]);
    Ok(*came)
}

/// How many of these messages came before the end. The kernel goes on after the end of a
/// connection, and takes it for empty messages: nothing else comes after it.
fn before_end(socket: &Socket, slots: &mut [Slot<AncillaryBuffer>]) -> usize {
    let is_message = |slot: &mut Slot<AncillaryBuffer>| {
        slot.arrival.bytes > 0 || slot.ancillary.inbox().has_some()
    };
    let messages = slots.iter_mut().rposition(is_message).map_or(0, |last| last + 1);
    // A datagram socket that is shut down says so only to a call that would wait: the first.
    let may_be_end = match socket.kind() {
        SocketType::Datagram => slots.len() == 1,
        _ => true,
    };
    let doubtful = messages < slots.len() && may_be_end;
    if doubtful && socket.ended(0, false).unwrap_or(false) { messages } else { slots.len() }
}

/// What every socket type has that keeps messages apart.
macro_rules! batch_methods {
    ($name:ident) => {
        impl $name {
            /// Sends many messages in one call, each whole or not at all; how many were sent, in
            /// order. Of more than [`MOST_IN_A_BATCH`](crate::MOST_IN_A_BATCH) messages, or of
            /// ancillary data beyond 16 KiB, the first ones are tried: as after a short write, call
            /// again with the rest.
            ///
            /// # Errors
            /// Those of sending the first message, and only if it was not sent. If fewer were sent
            /// than were given, the error of the next one comes when it is sent again; the kernel
            /// does not tell it twice, so of one that it reports once only (`ECONNRESET`) what
            /// remains is what follows it (`EPIPE`). `rights/too-many` without a call, if any of
            /// the messages has too many descriptors.
            ///
            /// [sendmmsg(2)](https://man7.org/linux/man-pages/man2/sendmmsg.2.html)
            pub fn send_batch(
                &self,
                messages: &[$crate::Outgoing<'_>],
                flags: $crate::SendFlags,
            ) -> Result<usize, $crate::Error> {
                $crate::socket::persist!(self.socket, $crate::socket::Wait::ToSend, {
                    $crate::batch::send(&self.socket, messages, flags)
                })
            }

            /// Receives what is there, up to the room of the batch, in one call; how many messages
            /// came, which [`RecvBatch::messages`](crate::RecvBatch::messages) then gives. Waits for
            /// the first message only. 0 means the end: the peer has closed or will not send.
            ///
            /// # Errors
            /// Those of receiving the first message. If the kernel meets an error after some
            /// messages, the next call reports it.
            ///
            /// [recvmmsg(2)](https://man7.org/linux/man-pages/man2/recvmmsg.2.html)
            pub fn recv_batch(
                &self,
                batch: &mut $crate::RecvBatch,
                flags: $crate::RecvFlags,
            ) -> Result<usize, $crate::Error> {
                $crate::socket::persist!(self.socket, $crate::socket::Wait::ToReceive, {
                    $crate::batch::receive(&self.socket, batch, flags)
                })
            }
        }
    };
}
pub(crate) use batch_methods;
