//! Ancillary data: descriptors, credentials and what else travels beside the bytes.
//!
//! [`Ancillary`] is what is sent, [`AncillaryBuffer`] what is received, [`Truncation`] what is known
//! when something was dropped. The two functions at the end are what every socket type calls.

mod buffer;
mod truncation;

pub use buffer::AncillaryBuffer;
pub use truncation::{Suspect, Truncation};

use crate::reason::Reason;
use crate::socket::Socket;
use crate::sys::control::{self, NoRoom, ROOM_TO_SEND, Writer};
use crate::sys::message::{self, Arrival, Inbox};
use crate::sys::{self, Errno as Host, name::Name, socket as call};
use crate::{AddressRef, Call, Error, RecvFlags, SendFlags, SockAddr, SocketType};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd};

use crate::Credentials;

/// The most descriptors that one message carries on Linux (`SCM_MAX_FD`).
pub const MOST_DESCRIPTORS: usize = control::MOST_DESCRIPTORS;

/// What to send beside the bytes: borrowed, so that nothing is copied before the call.
///
/// On a stream it travels with the first byte of the write. If the write is short, the rest is to
/// be sent without it. Descriptors sent beside a single urgent byte (`SendFlags::OOB`) are lost if
/// the receiver reads past that byte.
///
/// ```
/// use std::os::fd::AsFd;
/// use sunpath::{Ancillary, AncillaryBuffer, Stream};
///
/// let (a, b) = Stream::pair()?;
/// b.sockopt().set_pass_rights(true)?; // a socket takes descriptors only if told to
///
/// let file = std::fs::File::open("/dev/null")?;
/// a.send_with(b"here", &Ancillary::descriptors(&[file.as_fd()]))?;
///
/// let mut room = AncillaryBuffer::new(1);
/// let mut bytes = [0; 16];
/// let received = b.recv_with(&mut bytes, &mut room)?;
/// let file = room.take_descriptors().next().expect("one was sent");
/// assert_eq!((received.bytes, room.truncation()), (4, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[derive(Debug, Clone, Copy, Default)]
pub struct Ancillary<'a> {
    descriptors: &'a [BorrowedFd<'a>],
    credentials: Option<Credentials>,
}

impl<'a> Ancillary<'a> {
    /// Nothing.
    pub const NONE: Ancillary<'static> = Ancillary { descriptors: &[], credentials: None };

    /// These descriptors, [`MOST_DESCRIPTORS`] at most; the receiver gets its own copies of them.
    pub const fn descriptors(descriptors: &'a [BorrowedFd<'a>]) -> Ancillary<'a> {
        Ancillary { descriptors, credentials: None }
    }

    /// Adds credentials, which the kernel checks: the sender's own ids, or any with privilege.
    pub const fn with_credentials(self, credentials: Credentials) -> Ancillary<'a> {
        Ancillary { credentials: Some(credentials), ..self }
    }

    /// Bytes of room that [`encode`](Ancillary::encode) needs.
    #[inline]
    pub(crate) const fn space(&self) -> usize {
        let ids = if self.credentials.is_some() { control::space(control::CREDENTIALS) } else { 0 };
        control::rights_space(self.descriptors.len()) + ids
    }

    /// The control messages. [`space`](Ancillary::space) bytes of room suffice.
    pub(crate) fn encode<'r>(&self, room: &'r mut [u8]) -> Result<&'r [u8], NoRoom> {
        let mut writer = Writer::new(room);
        if !self.descriptors.is_empty() {
            writer.rights(self.descriptors)?;
        }
        if let Some(credentials) = self.credentials {
            writer.credentials(credentials)?;
        }
        Ok(writer.into_bytes())
    }

    /// What the kernel would refuse without a word of why, or drop in silence.
    #[inline]
    pub(crate) fn check(&self, socket: &Socket, buffers: &[IoSlice<'_>]) -> Result<(), Error> {
        let count = self.descriptors.len();
        if count == 0 {
            return Ok(());
        }
        let refused = |reason| Err(socket.error(Call::Send, Host::INVAL).because(reason));
        if count > MOST_DESCRIPTORS {
            return refused(Reason::TooManyDescriptors { count });
        }
        let empty = || buffers.iter().all(|buffer| buffer.is_empty());
        if socket.kind() == SocketType::Stream && empty() {
            return refused(Reason::DescriptorsWithoutData);
        }
        Ok(())
    }

    /// What is certain of the reason for which a send with this failed.
    fn reason(&self, kind: SocketType, errno: Host) -> Option<Reason> {
        if self.descriptors.is_empty() {
            return None;
        }
        match errno {
            // Only a ring cannot be passed, and the arguments are right otherwise.
            Host::INVAL => {
                let ring = self.descriptors.iter().find(|fd| is_ring(**fd))?;
                Some(Reason::NotPassable { number: ring.as_raw_fd() })
            }
            // A datagram's receiver may also have another peer, and credentials may be refused.
            Host::PERM if kind != SocketType::Datagram && self.credentials.is_none() => {
                Some(Reason::DescriptorsRefused)
            }
            _ => None,
        }
    }
}

/// Whether a descriptor is an io_uring instance, as `/proc` tells.
fn is_ring(fd: BorrowedFd<'_>) -> bool {
    let link = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()));
    link.is_ok_and(|target| target.as_os_str() == "anon_inode:[io_uring]")
}

/// What one receive brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Bytes in the buffers.
    pub bytes: usize,
    /// The length of the whole message as it was sent; what did not fit into the buffers is lost.
    /// For a stream the same as `bytes`.
    pub length: usize,
    /// Whether there was nothing to receive any more: the peer has closed or will not send.
    /// An empty message is not the end.
    pub end_of_file: bool,
    /// Whether ancillary data was dropped; the bytes are all there. See
    /// [`AncillaryBuffer::truncation`] for what is known of the reason.
    pub ancillary_truncated: bool,
}

impl Received {
    /// Bytes alone, received without room for anything beside them.
    #[inline]
    pub(crate) const fn plain(bytes: usize, length: usize, end_of_file: bool) -> Received {
        Received { bytes, length, end_of_file, ancillary_truncated: false }
    }

    /// Whether the message was longer than the buffers; the rest of it is lost.
    pub const fn is_truncated(&self) -> bool {
        self.length > self.bytes
    }
}

/// One `sendmsg`; `EINTR` comes through.
#[inline(always)]
pub(crate) fn send(
    socket: &Socket,
    to: Option<AddressRef<'_>>,
    buffers: &[IoSlice<'_>],
    ancillary: &Ancillary<'_>,
    flags: SendFlags,
) -> Result<usize, Error> {
    // Most messages carry little: clearing room for 253 descriptors would be most of their cost.
    const LITTLE: usize = control::rights_space(8) + control::space(control::CREDENTIALS);
    ancillary.check(socket, buffers)?;
    let sent = match ancillary.space() {
        0 => send_control(socket, to, buffers, &[], flags),
        1..=LITTLE => send_encoded(socket, to, buffers, ancillary, &mut [0; LITTLE], flags),
        _ => send_much(socket, to, buffers, ancillary, flags),
    };
    sent.map_err(|errno| {
        let error = failed(socket, to, ancillary, errno);
        // Otherwise the kernel may have found too many of them.
        if errno != Host::MSGSIZE || buffers.len() > crate::stream::MOST_BUFFERS {
            return error;
        }
        let length = buffers.iter().map(|buffer| buffer.len()).sum();
        error.because(Reason::MessageTooLong { length })
    })
}

/// In a function of its own, so that no other call has to have so much room on the stack.
#[inline(never)]
fn send_much(
    socket: &Socket,
    to: Option<AddressRef<'_>>,
    buffers: &[IoSlice<'_>],
    ancillary: &Ancillary<'_>,
    flags: SendFlags,
) -> sys::Result<usize> {
    send_encoded(socket, to, buffers, ancillary, &mut [0; ROOM_TO_SEND], flags)
}

#[inline(always)]
fn send_encoded(
    socket: &Socket,
    to: Option<AddressRef<'_>>,
    buffers: &[IoSlice<'_>],
    ancillary: &Ancillary<'_>,
    room: &mut [u8],
    flags: SendFlags,
) -> sys::Result<usize> {
    let control = ancillary.encode(room).map_err(|NoRoom| Host::NOBUFS)?;
    send_control(socket, to, buffers, control, flags)
}

#[inline(always)]
fn send_control(
    socket: &Socket,
    to: Option<AddressRef<'_>>,
    buffers: &[IoSlice<'_>],
    control: &[u8],
    flags: SendFlags,
) -> sys::Result<usize> {
    match to {
        None => message::sendmsg(socket, None, buffers, control, flags.raw()),
        Some(to) => crate::route::reach(to, |name| {
            message::sendmsg(socket, Some(name), buffers, control, flags.raw())
        }),
    }
}

/// The error of a send, with what is certain of its reason.
#[cold]
pub(crate) fn failed(
    socket: &Socket,
    to: Option<AddressRef<'_>>,
    ancillary: &Ancillary<'_>,
    errno: Host,
) -> Error {
    let error = match to {
        None => socket.error(Call::Send, errno),
        Some(to) => Error::to(Call::Send, socket.kind(), errno, to),
    };
    match ancillary.reason(socket.kind(), errno) {
        Some(reason) => error.because(reason),
        None => error,
    }
}

/// One `recvmsg`; `EINTR` comes through.
#[inline(always)]
pub(crate) fn receive(
    socket: &Socket,
    buffers: &mut [IoSliceMut<'_>],
    ancillary: &mut AncillaryBuffer,
    flags: RecvFlags,
) -> Result<Received, Error> {
    receive_named(socket, None, buffers, ancillary, flags)
}

/// One `recvmsg`, with the name of the sender; `EINTR` comes through.
#[inline(always)]
pub(crate) fn receive_from(
    socket: &Socket,
    buffers: &mut [IoSliceMut<'_>],
    ancillary: &mut AncillaryBuffer,
    flags: RecvFlags,
) -> Result<(Received, SockAddr), Error> {
    let mut from = SockAddr::unnamed();
    let received = receive_named(socket, Some(&mut from.0), buffers, ancillary, flags)?;
    Ok((received, from))
}

#[inline(always)]
fn receive_named(
    socket: &Socket,
    from: Option<&mut Name>,
    buffers: &mut [IoSliceMut<'_>],
    ancillary: &mut AncillaryBuffer,
    flags: RecvFlags,
) -> Result<Received, Error> {
    let kind = socket.kind();
    let room: usize = buffers.iter().map(|buffer| buffer.len()).sum();
    let inbox = ancillary.inbox();
    prepare(socket, inbox);
    let arrival = message::recvmsg(socket, from, buffers, inbox, whole_length(kind, flags))
        .map_err(|errno| socket.error(Call::Recv, errno))?;
    let mut received = received(room, arrival, inbox);
    if arrival.bytes == 0 && (room > 0 || kind != SocketType::Stream) {
        received.end_of_file = socket.ended(0, inbox.has_some())?;
    }
    Ok(received)
}

/// Before a receive: lets an empty packet be told from the end of file.
#[inline]
pub(crate) fn prepare(socket: &Socket, inbox: &mut Inbox) {
    let packets = socket.kind() == SocketType::SeqPacket;
    if packets {
        socket.mark();
    }
    inbox.expect_mark(packets);
}

/// For messages, the kernel is asked for the length of the whole.
#[inline]
pub(crate) fn whole_length(kind: SocketType, flags: RecvFlags) -> call::RecvFlags {
    match kind {
        SocketType::Stream => flags.raw(),
        _ => flags.raw() | call::RecvFlags::TRUNC,
    }
}

/// What came into buffers that have room for so many bytes, if it was not the end.
#[inline]
pub(crate) fn received(room: usize, arrival: Arrival, inbox: &Inbox) -> Received {
    Received {
        bytes: arrival.bytes.min(room),
        length: arrival.bytes,
        end_of_file: false,
        ancillary_truncated: inbox.lost_some(),
    }
}
