//! Calls that wait, and signals that come meanwhile.

use super::Socket;
use crate::Error;
use crate::sys::socket::{self, PollFlags};
use crate::sys::{self, Errno as Host, option};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A message or a connection: no longer than `SO_RCVTIMEO`.
    ToReceive,
    /// Room: no longer than `SO_SNDTIMEO`.
    ToSend,
}

/// Makes a call that may wait on a socket, and goes on with it after a signal.
///
/// A timeout of the socket starts anew with each call, so a storm of signals could extend it
/// without limit: with one set, the wait ends when it has passed once more after the first signal.
///
/// A macro, because a closure of any length is compiled into a function of its own, and the return
/// from one that has made a system call costs a tenth to a fifth of a short message.
macro_rules! persist {
    ($socket:expr, $wait:expr, $call:expr) => {{
        let mut deadline = None;
        loop {
            match $call {
                Err(error) if error.is($crate::sys::Errno::INTR) => {
                    if let Err(error) = $socket.again($wait, error, &mut deadline) {
                        break Err(error);
                    }
                }
                done => break done,
            }
        }
    }};
}
pub(crate) use persist;

impl Socket {
    /// Whether a call that was interrupted may be made again, after a wait if a timeout is set.
    /// `deadline` is found out at the first time; the inner `None` is never.
    #[cold]
    pub(crate) fn again(
        &self,
        wait: Wait,
        interrupted: Error,
        deadline: &mut Option<Option<Instant>>,
    ) -> Result<(), Error> {
        let (timeout, events) = match wait {
            Wait::ToReceive => (sys::libc::SO_RCVTIMEO, PollFlags::IN),
            Wait::ToSend => (sys::libc::SO_SNDTIMEO, PollFlags::OUT),
        };
        let deadline = deadline.get_or_insert_with(|| match option::timeout(&self.fd, timeout) {
            Ok(0) | Err(_) => None,
            Ok(limit) => sys::clock::now().checked_add(Duration::from_micros(limit)),
        });
        let Some(deadline) = *deadline else { return Ok(()) };
        loop {
            let left = deadline.saturating_duration_since(sys::clock::now());
            match socket::poll(self.fd.as_fd(), events, left) {
                _ if left.is_zero() => return Err(interrupted.but(Host::AGAIN)),
                Err(Host::INTR) => {}
                Ok(ready) if ready.is_empty() => return Err(interrupted.but(Host::AGAIN)),
                // Ready, or it is for the call to say what is wrong.
                Ok(_) | Err(_) => return Ok(()),
            }
        }
    }
}

#[cfg(feature = "tokio")]
impl std::os::fd::AsRawFd for Socket {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.fd.as_raw_fd()
    }
}
