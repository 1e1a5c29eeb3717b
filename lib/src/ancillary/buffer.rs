//! Room for what is received.

use super::{Credentials, MOST_DESCRIPTORS, Truncation};
use crate::sys::control::{ROOM_FOR_FIXED, rights_space, space};
use crate::sys::libc::{SO_PASSSEC, SOL_SOCKET};
use crate::sys::message::Inbox;
use crate::sys::option;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Room for what arrives beside the bytes, and what the last receive put there. It can be used
/// again and again, with any socket: all memory is allocated when it is made. What was not taken out
/// is closed by the next receive, and on drop.
///
/// Every descriptor that arrives is owned before anything else can go wrong, and is close-on-exec
/// from its first moment. So is a pidfd, also on a socket where nobody asked for one: an accepted
/// socket inherits `SO_PASSPIDFD` from its listener.
///
/// [`AncillaryBuffer::default`] has no room: what arrives is closed, and reported as dropped.
///
/// # Messages and descriptors on a stream
/// Descriptors arrive with the first byte of the write that carried them, and a receive never
/// brings those of two writes: it ends with the write whose descriptors it has brought. But bytes
/// of an earlier write without descriptors may be before them in the same buffer, so a protocol on
/// a stream has to know from its own bytes which message the descriptors belong to. Datagrams and
/// packets keep them apart.
///
/// [cmsg(3)](https://man7.org/linux/man-pages/man3/cmsg.3.html),
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[derive(Default)]
pub struct AncillaryBuffer {
    inbox: Inbox,
}

/// Bytes of the longest security label for which room is made.
const LONGEST_LABEL: usize = 4096;

impl AncillaryBuffer {
    /// Room for this many descriptors a message, [`MOST_DESCRIPTORS`] at most, and for all of
    /// fixed size that a socket may be set to deliver: credentials, a pidfd, the count of unread
    /// bytes. Of more descriptors the first ones are kept.
    ///
    /// There is no room for a security label: use [`for_socket`](AncillaryBuffer::for_socket) if
    /// `SO_PASSSEC` is on.
    pub fn new(descriptors: usize) -> AncillaryBuffer {
        AncillaryBuffer::with_room(descriptors, 0)
    }

    /// As [`new`](AncillaryBuffer::new), and room for a security label if this socket delivers
    /// them now (`SO_PASSSEC`).
    pub fn for_socket(socket: impl AsFd, descriptors: usize) -> AncillaryBuffer {
        let labels = option::get(socket, SOL_SOCKET, SO_PASSSEC).is_ok_and(|on| on != 0);
        AncillaryBuffer::with_room(descriptors, if labels { space(LONGEST_LABEL) } else { 0 })
    }

    fn with_room(descriptors: usize, label: usize) -> AncillaryBuffer {
        let most = descriptors.min(MOST_DESCRIPTORS);
        AncillaryBuffer { inbox: Inbox::new(rights_space(most) + ROOM_FOR_FIXED + label, most) }
    }

    pub(crate) fn inbox(&mut self) -> &mut Inbox {
        &mut self.inbox
    }

    /// The descriptors of the last message that were not taken, in the order in which they were
    /// sent.
    pub fn descriptors(&self) -> &[OwnedFd] {
        self.inbox.descriptors()
    }

    /// Takes the descriptors of the last message, in the order in which they were sent; those that
    /// remain in the iterator are closed with it.
    pub fn take_descriptors(&mut self) -> impl ExactSizeIterator<Item = OwnedFd> + '_ {
        self.inbox.take_descriptors()
    }

    /// The sender's ids, if the socket has `SO_PASSCRED` on.
    ///
    /// The kernel has checked them. A message that was sent while neither side had the option on
    /// comes with process 0, user and group 65534.
    pub fn credentials(&self) -> Option<Credentials> {
        self.inbox.credentials()
    }

    /// The sender's process, if the socket has `SO_PASSPIDFD` on (Linux 6.5) and it was not taken.
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.inbox.pidfd().map(AsFd::as_fd)
    }

    /// Takes the descriptor of the sender's process.
    pub fn take_pidfd(&mut self) -> Option<OwnedFd> {
        self.inbox.take_pidfd()
    }

    /// The sender's security label, if the socket has `SO_PASSSEC` on and a security module labels
    /// processes.
    pub fn security_label(&self) -> Option<&[u8]> {
        self.inbox.label()
    }

    /// Bytes that were left to read after this receive, if the socket has `SO_INQ` on (Linux 6.17,
    /// streams).
    pub fn unread(&self) -> Option<u32> {
        self.inbox.unread()
    }

    /// Control messages of types that Sunpath does not know: level, type (`SCM_*`) and payload.
    ///
    /// Nothing in them is closed. A number in an unknown message may be anything, and to close one
    /// that is not a new descriptor would close a file that another thread has just opened. The
    /// kernel delivers no type that a socket was not switched to.
    pub fn unknown(&self) -> impl Iterator<Item = (i32, i32, &[u8])> {
        self.inbox.unknown()
    }

    /// If something was dropped from the last message: what, and why it may have been. Looks at
    /// the process as it is now; a receive itself gathers nothing.
    pub fn truncation(&self) -> Option<Truncation> {
        self.inbox.lost_some().then(|| Truncation::of(&self.inbox))
    }
}

impl std::fmt::Debug for AncillaryBuffer {
    /// What came, not the room for it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AncillaryBuffer")
            .field("descriptors", &self.descriptors())
            .field("credentials", &self.credentials())
            .field("pidfd", &self.pidfd())
            .field("security_label", &self.security_label())
            .field("unread", &self.unread())
            .field("truncated", &self.inbox.lost_some())
            .finish()
    }
}
