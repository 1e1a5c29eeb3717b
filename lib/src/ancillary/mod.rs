//! Ancillary data: descriptors, credentials and what else travels beside the bytes.

use crate::reason::Reason;
use crate::socket::Socket;
use crate::sys::message::{self, CONTROL_ROOM, Control};
use crate::sys::{Errno as Host, name::Name};
use crate::{AddressRef, Call, Error, RecvFlags, SendFlags, SockAddr, SocketType};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub use crate::sys::option::Credentials;

/// The most descriptors that one message carries on Linux (`SCM_MAX_FD`).
pub const MOST_DESCRIPTORS: usize = 253;

/// What to send beside the bytes: borrowed, so that nothing is copied before the call.
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

    /// These descriptors; the receiver gets its own copies of them.
    pub const fn descriptors(descriptors: &'a [BorrowedFd<'a>]) -> Ancillary<'a> {
        Ancillary { descriptors, credentials: None }
    }

    /// Adds credentials, which the kernel checks: the sender's own ids, or any with privilege.
    pub const fn with_credentials(self, credentials: Credentials) -> Ancillary<'a> {
        Ancillary { credentials: Some(credentials), ..self }
    }
}

/// Room for what arrives beside the bytes, and what the last receive put there. It can be used
/// again and again; what was not taken out is closed by the next receive, and on drop.
#[derive(Debug, Default)]
pub struct AncillaryBuffer {
    room: Vec<u8>,
    descriptors: Vec<OwnedFd>,
    credentials: Option<Credentials>,
    pidfd: Option<OwnedFd>,
}

impl AncillaryBuffer {
    /// Room for this many descriptors a message, and for all else that a socket may be set to
    /// deliver.
    pub fn new(descriptors: usize) -> AncillaryBuffer {
        let room = if descriptors == 0 { 0 } else { CONTROL_ROOM };
        AncillaryBuffer { room: vec![0; room], ..AncillaryBuffer::default() }
    }

    /// The descriptors of the last message, in the order in which they were sent; those that
    /// remain in the iterator are closed.
    pub fn take_descriptors(&mut self) -> impl Iterator<Item = OwnedFd> + '_ {
        self.descriptors.drain(..)
    }

    /// The sender's ids, if the socket has `SO_PASSCRED` on.
    pub fn credentials(&self) -> Option<Credentials> {
        self.credentials
    }

    /// The sender's process, if the socket has `SO_PASSPIDFD` on (Linux 6.5).
    pub fn take_pidfd(&mut self) -> Option<OwnedFd> {
        self.pidfd.take()
    }
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
    /// Whether ancillary data was dropped.
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

pub(crate) fn send(
    socket: &Socket,
    to: Option<AddressRef<'_>>,
    buffers: &[IoSlice<'_>],
    ancillary: &Ancillary<'_>,
    flags: SendFlags,
) -> Result<usize, Error> {
    let count = ancillary.descriptors.len();
    if count > MOST_DESCRIPTORS {
        let error = socket.error(Call::Send, Host::INVAL);
        return Err(error.because(Reason::TooManyDescriptors { count }));
    }
    let empty = || buffers.iter().all(|buffer| buffer.is_empty());
    if count > 0 && socket.kind() == SocketType::Stream && empty() {
        let error = socket.error(Call::Send, Host::INVAL);
        return Err(error.because(Reason::DescriptorsWithoutData));
    }
    let mut control = Control::new();
    if count > 0 {
        control.rights(ancillary.descriptors);
    }
    if let Some(credentials) = ancillary.credentials {
        control.credentials(credentials);
    }
    let call = |name: Option<&Name>| {
        message::sendmsg(socket.as_fd(), name, buffers, &control, flags.raw())
    };
    match to {
        None => call(None).map_err(|errno| socket.error(Call::Send, errno)),
        Some(to) => crate::route::reach(to, |name| call(Some(name)))
            .map_err(|errno| Error::to(Call::Send, socket.kind(), errno, to)),
    }
}

pub(crate) fn receive(
    socket: &Socket,
    buffers: &mut [IoSliceMut<'_>],
    ancillary: &mut AncillaryBuffer,
    flags: RecvFlags,
) -> Result<Received, Error> {
    receive_from(socket, buffers, ancillary, flags).map(|(received, _)| received)
}

pub(crate) fn receive_from(
    socket: &Socket,
    buffers: &mut [IoSliceMut<'_>],
    ancillary: &mut AncillaryBuffer,
    flags: RecvFlags,
) -> Result<(Received, SockAddr), Error> {
    ancillary.descriptors.clear();
    ancillary.pidfd = None;
    let room: usize = buffers.iter().map(|buffer| buffer.len()).sum();
    let mut flags = flags;
    let mut mark = [0; message::MARK_ROOM];
    let mut control = &mut ancillary.room[..];
    if socket.kind() != SocketType::Stream {
        flags = flags | RecvFlags::TRUNC;
    }
    if socket.kind() == SocketType::SeqPacket {
        socket.mark();
        if control.is_empty() {
            // Without room for the mark, it could not be told whether anything else was dropped.
            control = &mut mark;
        }
    }
    let raw = message::recvmsg(socket.as_fd(), buffers, control, flags.raw())
        .map_err(|errno| socket.error(Call::Recv, errno))?;
    ancillary.descriptors = raw.descriptors;
    ancillary.credentials = raw.credentials;
    ancillary.pidfd = raw.pidfd;
    let received = Received {
        bytes: raw.bytes.min(room),
        length: raw.bytes,
        end_of_file: room + usize::from(socket.kind() != SocketType::Stream) > 0
            && socket.ended(raw.bytes, raw.beside || raw.control_truncated)?,
        ancillary_truncated: raw.control_truncated,
    };
    Ok((received, SockAddr(raw.from)))
}
