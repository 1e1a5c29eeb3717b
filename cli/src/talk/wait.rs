//! Waiting for descriptors, a time and the wish to stop.

use crate::failure::Told;
use crate::out::Stop;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;
use sunpath::sys::Errno;
use sunpath::sys::socket::{PollFd, PollFlags, poll_many};
use sunpath::sys::stopping::Stopping;

/// Why a wait is over.
pub enum Wake {
    /// A signal asks this program to stop.
    Stopped,
    /// The time has come.
    Late,
    /// One of the descriptors is readable, or may be.
    Ready,
}

/// Waits until one of the descriptors is readable.
pub fn wait(
    stopping: &Stopping,
    fds: &[BorrowedFd<'_>],
    deadline: Option<Instant>,
) -> Result<Wake, Stop> {
    let all = std::iter::once(stopping.as_fd()).chain(fds.iter().copied());
    let mut polled: Vec<_> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
    poll(&mut polled, left)?;
    let ready = polled.iter().any(|fd| !fd.revents().is_empty());
    Ok(match stopping.signal() {
        Some(_) => Wake::Stopped,
        None if !ready && deadline.is_some_and(|at| Instant::now() >= at) => Wake::Late,
        None => Wake::Ready,
    })
}

/// `poll`; nothing is ready after a signal.
pub fn poll(polled: &mut [PollFd<'_>], left: Option<std::time::Duration>) -> Result<(), Stop> {
    match poll_many(polled, left) {
        Err(Errno::INTR) => polled.iter_mut().for_each(PollFd::clear_revents),
        done => done.map_err(|e| Stop::trouble(format!("cannot wait: {}", e.told())))?,
    }
    Ok(())
}
