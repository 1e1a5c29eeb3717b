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

impl Socket {
    /// Makes a call that may wait, and goes on with it after a signal.
    ///
    /// A timeout of the socket starts anew with each call, so a storm of signals could extend it
    /// without limit: with one set, the wait ends when it has passed once more after the first
    /// signal.
    #[inline(always)]
    pub(crate) fn persist<T>(
        &self,
        wait: Wait,
        mut call: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        match call() {
            Err(error) if error.is(Host::INTR) => self.resume(wait, error, call),
            done => done,
        }
    }

    #[cold]
    fn resume<T>(
        &self,
        wait: Wait,
        interrupted: Error,
        mut call: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (timeout, events) = match wait {
            Wait::ToReceive => (sys::libc::SO_RCVTIMEO, PollFlags::IN),
            Wait::ToSend => (sys::libc::SO_SNDTIMEO, PollFlags::OUT),
        };
        let deadline = match option::timeout(&self.fd, timeout) {
            Ok(0) | Err(_) => None,
            Ok(limit) => Instant::now().checked_add(Duration::from_micros(limit)),
        };
        loop {
            if let Some(deadline) = deadline {
                let left = deadline.saturating_duration_since(Instant::now());
                let milliseconds = left.as_micros().div_ceil(1000).try_into().unwrap_or(u32::MAX);
                match socket::poll(self.fd.as_fd(), events, milliseconds) {
                    _ if left.is_zero() => return Err(interrupted.but(Host::AGAIN)),
                    Err(Host::INTR) => continue,
                    Ok(ready) if ready.is_empty() => return Err(interrupted.but(Host::AGAIN)),
                    // Ready, or it is for the call to say what is wrong.
                    Ok(_) | Err(_) => {}
                }
            }
            match call() {
                Err(error) if error.is(Host::INTR) => {}
                done => return done,
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
