//! The end of file, told from an empty message.

use super::Socket;
use crate::sys::socket::{self, PollFlags};
use crate::sys::{self, Errno as Host, message, option};
use crate::{Call, Error, SocketType};
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Socket {
    /// Has the kernel put a time stamp beside each packet from now on, which tells an empty one
    /// from the end of file: see [`ended`](Socket::ended).
    #[inline]
    pub(crate) fn mark(&self) {
        if !self.marked.load(Ordering::Relaxed) {
            self.start_marks();
        }
    }

    /// Time stamps that somebody else wants, perhaps finer ones, do as well and are left as they are.
    #[cold]
    fn start_marks(&self) {
        let mut marked = self.has_marks();
        if !marked {
            marked = option::set_switch(&self.fd, sys::libc::SO_TIMESTAMP, true).is_ok();
            self.marked_by_us.fetch_or(marked, Ordering::Relaxed);
        }
        self.marked.store(marked, Ordering::Relaxed);
    }

    fn has_marks(&self) -> bool {
        [sys::libc::SO_TIMESTAMP, sys::libc::SO_TIMESTAMPNS]
            .iter()
            .any(|stamps| option::switch(&self.fd, *stamps) == Ok(true))
    }

    /// Whether a message of this length was none: there is nothing to receive any more. `beside`:
    /// whether the kernel put or dropped anything beside it.
    ///
    /// A receive of 0 bytes is an empty packet or the end of file, and nothing in it tells which,
    /// except what comes beside a packet alone. `SO_TIMESTAMP` makes something come: the kernel
    /// drops it if there is no room, and says so. It has no effect on the sender, unlike
    /// `SO_PASSCRED`, which gives a socket without a name one as soon as it sends.
    #[inline(always)]
    pub(crate) fn ended(&self, length: usize, beside: bool) -> Result<bool, Error> {
        if length > 0 || beside {
            return Ok(false);
        }
        self.look_for_end().map_err(|errno| self.error(Call::Recv, errno))
    }

    /// Whether there is nothing more to receive, after an empty message without a mark.
    #[cold]
    fn look_for_end(&self) -> sys::Result<bool> {
        let kind = self.kind;
        if kind == SocketType::Stream || self.marked.load(Ordering::Relaxed) && self.has_marks() {
            return Ok(true);
        }
        // From now on it is known at once.
        self.marked.store(false, Ordering::Relaxed);
        if kind == SocketType::SeqPacket {
            self.mark();
        }
        if !self.is_shut()? {
            return Ok(false);
        }
        let flags = sys::socket::RecvFlags::PEEK | sys::socket::RecvFlags::DONTWAIT;
        match message::recv_dropping(&self.fd, &mut [], flags) {
            Ok(arrival) => {
                let nothing = arrival.bytes == 0 && !arrival.control_truncated;
                Ok(nothing && kind == SocketType::SeqPacket)
            }
            // A datagram socket that was shut down says so only to a call that would wait.
            Err(Host::AGAIN) => Ok(true),
            Err(errno) => Err(errno),
        }
    }

    /// Whether nothing more can come. A signal interrupts even a poll that does not wait: then what
    /// was received already would be lost with the error.
    fn is_shut(&self) -> sys::Result<bool> {
        loop {
            match socket::poll(self.fd.as_fd(), PollFlags::RDHUP, Duration::ZERO) {
                Err(Host::INTR) => {}
                polled => return Ok(polled?.contains(PollFlags::RDHUP)),
            }
        }
    }
}
