//! `sendmsg(2)` and `recvmsg(2)` with ancillary data on UNIX domain sockets.

use super::control::{self, Meaning};
use super::name::Name;
use super::option::Credentials;
use super::raw::call5;
use super::socket::raw;
use super::{Errno, Result};
use rustix::net::{RecvFlags, SendFlags};
use std::ffi::{c_int, c_void};
use std::io::{IoSlice, IoSliceMut};
use std::ops::Range;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::ptr::null_mut;

/// The kernel's `struct user_msghdr`, which C libraries declare in slightly different ways.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Header {
    name: *mut c_void,
    name_length: u32,
    buffers: *mut c_void,
    buffer_count: usize,
    control: *mut c_void,
    control_length: usize,
    flags: u32,
}

impl Header {
    pub(super) const EMPTY: Header = Header {
        name: null_mut(),
        name_length: 0,
        buffers: null_mut(),
        buffer_count: 0,
        control: null_mut(),
        control_length: 0,
        flags: 0,
    };

    /// What `sendmsg` shall read. `IoSlice` has the layout of `iovec`.
    #[inline]
    pub(super) fn to_send(to: Option<&Name>, buffers: &[IoSlice<'_>], control: &[u8]) -> Header {
        let mut header = Header::EMPTY;
        if let Some(name) = to {
            header.name = name.as_bytes().as_ptr().cast_mut().cast();
            header.name_length = name.as_bytes().len() as u32;
        }
        header.buffers = buffers.as_ptr().cast_mut().cast();
        header.buffer_count = buffers.len();
        if !control.is_empty() {
            header.control = control.as_ptr().cast_mut().cast();
            header.control_length = control.len();
        }
        header
    }

    /// Where `recvmsg` shall write. `IoSliceMut` has the layout of `iovec`.
    #[inline]
    pub(super) fn to_receive(
        from: Option<&mut Name>,
        buffers: &mut [IoSliceMut<'_>],
        room: &mut [u8],
    ) -> Header {
        let mut header = Header::EMPTY;
        if let Some(name) = from {
            *name = Name::room();
            header.name_length = name.as_bytes().len() as u32;
            header.name = name.parts().0.cast();
        }
        header.buffers = buffers.as_mut_ptr().cast();
        header.buffer_count = buffers.len();
        if !room.is_empty() {
            header.control = room.as_mut_ptr().cast();
            header.control_length = room.len();
        }
        header
    }

    #[inline]
    pub(super) fn name_length(&self) -> u32 {
        self.name_length
    }

    /// How much of the room for control messages the kernel filled.
    #[inline]
    pub(super) fn control_length(&self) -> usize {
        self.control_length
    }

    /// What the kernel says besides, of a message that has these many bytes.
    #[inline]
    pub(super) fn arrival(&self, bytes: usize) -> Arrival {
        let said = |flag: c_int| self.flags & flag.cast_unsigned() != 0;
        Arrival {
            bytes,
            truncated: said(libc::MSG_TRUNC),
            control_truncated: said(libc::MSG_CTRUNC),
        }
    }
}

/// `sendmsg(2)`; `MSG_NOSIGNAL` is always set. `EINTR` only if nothing was sent. The control bytes
/// are those of a [`Writer`](control::Writer).
#[inline]
pub fn sendmsg(
    fd: impl AsFd,
    to: Option<&Name>,
    buffers: &[IoSlice<'_>],
    control: &[u8],
    flags: SendFlags,
) -> Result<usize> {
    if_simulated!(fd, socket => {
        let data = buffers.iter().flat_map(|buffer| buffer.iter().copied()).collect::<Vec<u8>>().into();
        socket.send_message(data, buffers.len() as u32, control, flags, to)
    });
    let header = Header::to_send(to, buffers, control);
    let flags = (flags | SendFlags::NOSIGNAL).bits() as usize;
    // SAFETY: name, buffers and control bytes are borrowed for longer than the call, and the kernel
    // only reads from what a `sendmsg` points to.
    unsafe {
        call5(
            libc::SYS_sendmsg,
            [raw(&fd) as usize, (&raw const header).expose_provenance(), flags, 0, 0],
        )
    }
}

/// `recvmsg(2)` of one message into one buffer; `MSG_TRUNC` is always set. What is beside the
/// message is dropped, descriptors are closed, and [`Arrival::control_truncated`] says so.
#[inline]
pub fn recv_dropping(fd: impl AsFd, buffer: &mut [u8], flags: RecvFlags) -> Result<Arrival> {
    if_simulated!(fd, socket => {
        let received = socket.recv(buffer.len(), 1, 0, flags | RecvFlags::TRUNC)?;
        buffer[..received.data.len()].copy_from_slice(&received.data);
        Ok(super::simulated::arrival(&received))
    });
    let mut buffers = [IoSliceMut::new(buffer)];
    let mut header = Header::to_receive(None, &mut buffers, &mut []);
    let flags = (flags | RecvFlags::TRUNC).bits() as usize;
    // SAFETY: the buffer is exclusively borrowed for longer than the call, and its length is that
    // of its memory.
    let bytes = unsafe {
        let arguments = [raw(&fd) as usize, (&raw mut header).expose_provenance(), flags, 0, 0];
        call5(libc::SYS_recvmsg, arguments)?
    };
    Ok(header.arrival(bytes))
}

/// What one `recvmsg` brought, but for the ancillary data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrival {
    /// Bytes put into the buffers; the length of the whole message with `MSG_TRUNC` among the
    /// flags of the call.
    pub bytes: usize,
    /// `MSG_TRUNC`: the message was longer than the buffers, and the rest of it is lost.
    pub truncated: bool,
    /// `MSG_CTRUNC`: control messages were dropped. The kernel does not say why.
    pub control_truncated: bool,
}

/// `recvmsg(2)`; `MSG_CMSG_CLOEXEC` is always set. `EINTR` only if nothing was received.
///
/// What the inbox held before is closed and forgotten first. Between the call and the moment at
/// which everything that came is owned, nothing is allocated and nothing can fail.
#[inline]
pub fn recvmsg(
    fd: impl AsFd,
    mut from: Option<&mut Name>,
    buffers: &mut [IoSliceMut<'_>],
    inbox: &mut Inbox,
    flags: RecvFlags,
) -> Result<Arrival> {
    if_simulated!(fd, socket => super::simulated::recvmsg(&socket, from, buffers, inbox, flags));
    inbox.clear();
    let mut header = Header::to_receive(from.as_deref_mut(), buffers, inbox.room());
    let flags = (flags | RecvFlags::CMSG_CLOEXEC).bits() as usize;
    // SAFETY: name, buffers and control room are exclusively borrowed for longer than the call,
    // and each length is that of its memory.
    let bytes = unsafe {
        let arguments = [raw(&fd) as usize, (&raw mut header).expose_provenance(), flags, 0, 0];
        call5(libc::SYS_recvmsg, arguments)?
    };
    let arrival = header.arrival(bytes);
    // SAFETY: the kernel wrote these bytes in the call above, and they are taken once.
    unsafe { inbox.take(header.control_length(), arrival.control_truncated) };
    if let Some(name) = from {
        name.set_length(header.name_length());
    }
    Ok(arrival)
}

/// `recvmsg(2)` with `MSG_PEEK` of a stream, but of such writes only as fit whole into the buffer:
/// how many bytes they have. Never waits. `EFAULT` if not even the first fits.
///
/// A receive glues what was written without descriptors to a write with some, and nothing else
/// tells where that one begins. Behind the buffer the kernel finds no memory, and it leaves a
/// write alone that it cannot copy as a whole.
pub fn peek_whole(fd: impl AsFd, buffer: &mut [u8]) -> Result<usize> {
    if_simulated!(fd, _socket => Err(Errno::OPNOTSUPP));
    /// Within the first page, which no process has.
    const NOWHERE: *mut c_void = std::ptr::without_provenance_mut(8);
    const FAR: usize = 1 << 20;
    let mut buffers = [
        libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() },
        libc::iovec { iov_base: NOWHERE, iov_len: FAR },
    ];
    let mut header = Header::EMPTY;
    header.buffers = buffers.as_mut_ptr().cast();
    header.buffer_count = buffers.len();
    let flags = (RecvFlags::PEEK | RecvFlags::DONTWAIT).bits() as usize;
    // SAFETY: the first buffer is exclusively borrowed for longer than the call; where the second
    // points to there is no memory, which the kernel finds out by itself.
    unsafe {
        let arguments = [raw(&fd) as usize, (&raw mut header).expose_provenance(), flags, 0, 0];
        call5(libc::SYS_recvmsg, arguments)
    }
}

/// Room for control messages, and the bytes that the last receive put there.
#[derive(Debug, Default)]
struct Room {
    bytes: Vec<u8>,
    /// Room for a time stamp alone, used if there is no other and one is expected.
    least: [u8; control::space(control::TIMESTAMP)],
    expects_mark: bool,
    filled: usize,
}

impl Room {
    fn writable(&mut self) -> &mut [u8] {
        match self.bytes.is_empty() && self.expects_mark {
            true => &mut self.least,
            false => &mut self.bytes,
        }
    }

    fn filled(&self) -> &[u8] {
        let all = if self.bytes.is_empty() { &self.least[..] } else { &self.bytes };
        &all[..self.filled.min(all.len())]
    }
}

/// Room for control messages, and what the last receive put there. What is not taken out is closed
/// by the next receive, and on drop.
#[derive(Debug, Default)]
pub struct Inbox {
    room: Room,
    most: usize,
    descriptors: Vec<OwnedFd>,
    arrived: usize,
    surplus: usize,
    pidfd: Option<OwnedFd>,
    pidfd_failed: Option<Errno>,
    credentials: Option<Credentials>,
    label: Range<usize>,
    unread: Option<u32>,
    truncated: bool,
}

impl Inbox {
    /// Room of this many bytes. Of the descriptors that come, no more than `most` are kept; the
    /// others are closed at once.
    pub fn new(room: usize, most: usize) -> Inbox {
        // As many as can come, so that keeping them never allocates.
        let descriptors = Vec::with_capacity(most);
        let room = Room { bytes: vec![0; room], ..Room::default() };
        Inbox { room, most, descriptors, ..Inbox::default() }
    }

    /// If there is no room at all, makes some for a time stamp (`SO_TIMESTAMP`), which comes before
    /// all else: on a socket that delivers one with each message, only then does `MSG_CTRUNC` say
    /// that anything else was dropped.
    #[inline]
    pub fn expect_mark(&mut self, expected: bool) {
        self.room.expects_mark = expected;
    }

    /// Closes and forgets what came.
    #[inline]
    pub fn clear(&mut self) {
        self.descriptors.clear();
        self.arrived = 0;
        self.surplus = 0;
        self.pidfd = None;
        self.pidfd_failed = None;
        self.credentials = None;
        self.label = 0..0;
        self.unread = None;
        self.truncated = false;
        self.room.filled = 0;
    }

    #[inline]
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.room.writable()
    }

    /// Takes ownership of what the kernel wrote into the first bytes of the room.
    ///
    /// # Safety
    /// The bytes are those that the kernel has just written there, and nobody took ownership of
    /// the descriptors in them yet.
    #[inline]
    pub(super) unsafe fn take(&mut self, filled: usize, truncated: bool) {
        self.truncated = truncated;
        self.room.filled = filled;
        if filled > 0 {
            // SAFETY: the caller's duty.
            unsafe { self.sort() };
        }
    }

    /// Owns the descriptors of the two types that carry any. A type that is not known is left alone:
    /// its numbers may be anything, and to close a number that this message did not bring would
    /// close a file of another thread. The kernel delivers no new type unless the socket was told to.
    ///
    /// # Safety
    /// As of [`take`](Inbox::take).
    unsafe fn sort(&mut self) {
        let bytes = self.room.filled();
        for item in control::items(bytes) {
            match control::meaning(bytes, &item) {
                Meaning::Rights(payload) => {
                    for number in control::numbers(payload).filter(|number| *number >= 0) {
                        // SAFETY: the kernel has just made this descriptor for this message.
                        let fd = unsafe { OwnedFd::from_raw_fd(number) };
                        match self.descriptors.len() < self.most {
                            true => {
                                self.descriptors.push(fd);
                                self.arrived += 1;
                            }
                            false => self.surplus += 1,
                        }
                    }
                }
                Meaning::Pidfd(payload) => {
                    for number in control::numbers(payload) {
                        if number < 0 {
                            let errno = number.saturating_neg().min(4095);
                            self.pidfd_failed = Some(Errno::from_raw_os_error(errno));
                            continue;
                        }
                        // SAFETY: as above.
                        self.pidfd = Some(unsafe { OwnedFd::from_raw_fd(number) });
                    }
                }
                Meaning::Credentials(credentials) => self.credentials = Some(credentials),
                Meaning::Label => self.label = item.payload,
                Meaning::Unread(bytes) => self.unread = Some(bytes),
                Meaning::Time | Meaning::Unknown => {}
            }
        }
    }

    /// How many descriptors are kept at most.
    pub fn most(&self) -> usize {
        self.most
    }

    /// `SCM_RIGHTS`, in the order in which they were sent.
    pub fn descriptors(&self) -> &[OwnedFd] {
        &self.descriptors
    }

    /// Takes the descriptors out; those that remain in the iterator are closed.
    pub fn take_descriptors(&mut self) -> std::vec::Drain<'_, OwnedFd> {
        self.descriptors.drain(..)
    }

    /// How many descriptors came and were kept, whether or not they were taken out since.
    pub fn arrived(&self) -> usize {
        self.arrived
    }

    /// How many came beyond those that are kept. They are closed.
    pub fn surplus(&self) -> usize {
        self.surplus
    }

    /// `SCM_PIDFD`, if `SO_PASSPIDFD` is on. It may come although nobody asked: an accepted socket
    /// inherits the option from its listener.
    pub fn pidfd(&self) -> Option<&OwnedFd> {
        self.pidfd.as_ref()
    }

    /// Takes the pidfd out.
    pub fn take_pidfd(&mut self) -> Option<OwnedFd> {
        self.pidfd.take()
    }

    /// Why no pidfd could be made, if the kernel tried.
    pub fn pidfd_failed(&self) -> Option<Errno> {
        self.pidfd_failed
    }

    /// `SCM_CREDENTIALS`, if `SO_PASSCRED` is on.
    pub fn credentials(&self) -> Option<Credentials> {
        self.credentials
    }

    /// `SCM_SECURITY`, if `SO_PASSSEC` is on and a security module labels sockets.
    pub fn label(&self) -> Option<&[u8]> {
        self.room.filled().get(self.label.clone()).filter(|label| !label.is_empty())
    }

    /// `SCM_INQ`, if `SO_INQ` is on.
    pub fn unread(&self) -> Option<u32> {
        self.unread
    }

    /// `MSG_CTRUNC`: control messages were dropped by the kernel.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// Whether anything came beside the bytes, or was dropped.
    pub fn has_some(&self) -> bool {
        self.room.filled > 0 || self.truncated
    }

    /// Whether anything that was sent is not here.
    pub fn lost_some(&self) -> bool {
        self.truncated || self.surplus > 0 || self.pidfd_failed.is_some()
    }

    /// Whether the kernel dropped something although there was room for a descriptor.
    pub fn kernel_stopped(&self) -> bool {
        self.pidfd_failed.is_some() || (self.truncated && !self.is_full())
    }

    /// Whether the room is too full for one more descriptor.
    pub fn is_full(&self) -> bool {
        let room = self.room.bytes.len();
        room.saturating_sub(self.room.filled) < control::HEADER + size_of::<c_int>()
    }

    /// Control messages of types that this module does not know: level, type and payload.
    pub fn unknown(&self) -> impl Iterator<Item = (c_int, c_int, &[u8])> {
        let bytes = self.room.filled();
        control::items(bytes)
            .filter(|item| control::meaning(bytes, item) == Meaning::Unknown)
            .map(|item| (item.level, item.kind, bytes.get(item.payload).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
