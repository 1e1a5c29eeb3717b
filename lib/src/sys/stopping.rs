//! The signals that end a program, as something that can be waited for.

use super::{Result, check};
use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

/// The signals that are meant.
const SIGNALS: [c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// Where the handler writes; negative while there is nobody to tell.
static WRITER: AtomicI32 = AtomicI32::new(-1);

/// The signal that came first; 0 for none.
static FIRST: AtomicI32 = AtomicI32::new(0);

/// After [`catch`](Stopping::catch), the first `SIGINT`, `SIGTERM` or `SIGHUP` makes a descriptor
/// readable instead of ending the program, which can then end in good order. The second of the same
/// kind ends it as ever.
#[derive(Debug)]
pub struct Stopping {
    reader: OwnedFd,
}

extern "C" fn note(signal: c_int) {
    // SAFETY: the location of the calling thread's errno, which the interrupted code may be about
    // to read.
    let errno = unsafe { *libc::__errno_location() };
    let _ = FIRST.compare_exchange(0, signal, Ordering::AcqRel, Ordering::Acquire);
    let byte = 0_u8;
    // SAFETY: `write(2)` may be called in a handler; it reads one byte. The descriptor is never
    // closed once it was put there.
    unsafe { libc::write(WRITER.load(Ordering::Acquire), (&raw const byte).cast(), 1) };
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

impl Stopping {
    /// `pipe(2)`; no signal is caught yet. Once in the life of a process; `EBUSY` afterwards.
    pub fn new() -> Result<Stopping> {
        let flags = rustix::pipe::PipeFlags::CLOEXEC | rustix::pipe::PipeFlags::NONBLOCK;
        let (reader, writer) = rustix::pipe::pipe_with(flags)?;
        let number = writer.as_raw_fd();
        WRITER
            .compare_exchange(-1, number, Ordering::AcqRel, Ordering::Acquire)
            .map_err(|_| super::Errno::BUSY)?;
        // The handler uses it for as long as the process lives.
        std::mem::forget(writer);
        Ok(Stopping { reader })
    }

    /// `sigaction(2)` for each of the signals, except those that are ignored: whoever started the
    /// program wants that (`nohup`). Programs that are started from here begin with the default
    /// actions.
    pub fn catch(&self) -> Result<()> {
        SIGNALS.iter().try_for_each(|signal| handle(*signal))
    }

    /// The signal that came first, if one came.
    pub fn signal(&self) -> Option<i32> {
        Some(FIRST.load(Ordering::Acquire)).filter(|signal| *signal != 0)
    }
}

impl AsFd for Stopping {
    /// Readable from the first signal on, and for ever.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

/// Calls `note` at the first signal of this kind, unless it is ignored.
fn handle(signal: c_int) -> Result<()> {
    // SAFETY: all zeros is a valid `sigaction`: no flags, an empty mask, the default action.
    let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: nothing is set; the kernel writes one structure.
    check(unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut before) })?;
    if before.sa_sigaction == libc::SIG_IGN {
        return Ok(());
    }
    // SAFETY: as above.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = note as extern "C" fn(c_int) as libc::sighandler_t;
    action.sa_flags = libc::SA_RESETHAND;
    // SAFETY: points to a valid structure; the handler makes only calls that a handler may make.
    check(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) }).map(drop)
}
