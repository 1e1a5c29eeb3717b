//! Threads as the kernel knows them: their numbers, where they run, whether they sleep, and signals
//! to them.

use super::{Result, check};
use rustix::thread::{sched_getaffinity, sched_getcpu, sched_setaffinity};
use std::ffi::c_int;
use std::io;
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

/// The number of the calling thread.
pub fn id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned()
}

/// A thread that works beside this one.
///
/// A new thread begins on the CPU of its maker and takes turns with it; on some machines it is
/// milliseconds until the kernel moves one of them, and what is short is over by then. So it moves
/// away itself, and stays away.
pub(crate) fn beside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    let thread = Builder::new().spawn_scoped(scope, away(work));
    std::thread::yield_now();
    thread
}

/// The same for one that nobody has to wait for.
pub(crate) fn beside_detached<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let thread = Builder::new().spawn(away(work));
    std::thread::yield_now();
    thread
}

/// The same work on another CPU than this one, if there is another.
fn away<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let cpu = sched_getcpu();
    move || {
        let _ = leave(cpu);
        work()
    }
}

/// `sched_setaffinity(2)`: moves this thread to another CPU, if it is on this one; it does not come
/// back.
fn leave(cpu: usize) -> Result<()> {
    if sched_getcpu() != cpu {
        return Ok(());
    }
    let mut others = sched_getaffinity(None)?;
    others.unset(cpu);
    sched_setaffinity(None, &others)
}

/// `unshare(2)` of the table of descriptors: those of this thread are copies from now on, and what
/// it opens is its own. For a thread that closes nothing it did not open.
#[cfg(test)]
pub(crate) fn unshare_descriptors() -> Result<()> {
    let files = rustix::thread::UnshareFlags::FILES;
    // SAFETY: nothing that this thread closes from now on is used by another, or the other way
    // round: they only keep what they have.
    unsafe { rustix::thread::unshare_unsafe(files) }
}

extern "C" fn do_nothing(_signal: c_int) {}

/// From now on [`interrupt`] ends calls of this process that wait, and nothing else: its signal
/// has a handler that does nothing, and no call goes on after it (no `SA_RESTART`).
pub fn allow_interrupts() -> Result<()> {
    // SAFETY: all zeros is a valid `sigaction`: no flags, an empty mask, the default action.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = do_nothing as extern "C" fn(c_int) as libc::sighandler_t;
    // SAFETY: points to a valid structure, and the handler touches nothing.
    check(unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) })
        .map(drop)
}

/// `tgkill(2)` of a thread of a process that has called [`allow_interrupts`].
pub fn interrupt(pid: u32, thread: u32) -> Result<()> {
    // SAFETY: takes numbers only.
    let done = unsafe { libc::syscall(libc::SYS_tgkill, pid, thread, libc::SIGUSR1) };
    check(done as c_int).map(drop)
}

/// What [`sleep`] sees of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sleep {
    /// It sleeps in a call on sockets that can wait, and has gone to sleep so many times in its
    /// life: a thread of the same number later has slept all the time.
    Sound(u64),
    /// It runs, is about to, or does something else.
    Awake,
}

/// Whether a thread sleeps in one of the calls that wait for sockets.
///
/// `ENOENT` if it is gone, `EACCES` if this process may not know.
pub fn sleep(pid: u32, thread: u32) -> Result<Sleep> {
    let read = |name: &str| {
        let path = format!("/proc/{pid}/task/{thread}/{name}");
        std::fs::read_to_string(path)
            .map_err(|error| super::Errno::from_io_error(&error).unwrap_or(super::Errno::IO))
    };
    let call = read("syscall")?;
    let number = call.split(' ').next().and_then(|word| word.parse().ok());
    if !number.is_some_and(waits) {
        return Ok(Sleep::Awake);
    }
    let status = read("status")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(|rest| rest.trim_start_matches(':').trim())
    };
    let sleeps = field("State").is_some_and(|state| state.starts_with('S'));
    let switches = field("voluntary_ctxt_switches").and_then(|count| count.parse().ok());
    Ok(match switches.filter(|_| sleeps) {
        Some(switches) => Sleep::Sound(switches),
        None => Sleep::Awake,
    })
}

/// Whether this is the number of a call that waits for sockets, as `sys` makes it.
fn waits(number: libc::c_long) -> bool {
    #[cfg(target_arch = "x86_64")]
    if number == libc::SYS_poll {
        return true;
    }
    let waiting = [
        libc::SYS_recvmsg,
        libc::SYS_recvfrom,
        libc::SYS_sendmsg,
        libc::SYS_sendto,
        libc::SYS_accept4,
        libc::SYS_connect,
        libc::SYS_ppoll,
    ];
    waiting.contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::socket::{self, RecvFlags, SendFlags, SocketFlags};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};
    use sunpath_core::SocketType;

    #[test]
    fn a_thread_works_on_another_cpu_if_there_is_one() {
        let all = sched_getaffinity(None).unwrap();
        let seen = std::thread::scope(|scope| {
            let look = || (sched_getcpu(), sched_getaffinity(None).unwrap());
            beside(scope, look).unwrap().join().unwrap()
        });
        let (cpu, allowed) = seen;
        assert!(allowed.is_set(cpu));
        // At first it may be elsewhere by itself.
        assert!(allowed.count() == all.count() || allowed.count() + 1 == all.count());
        let detached = beside_detached(sched_getcpu).unwrap();
        assert!(all.is_set(detached.join().unwrap()));
        let stays = std::thread::spawn(|| {
            let here = sched_getcpu();
            (leave(here), sched_getcpu() != here, sched_getaffinity(None).unwrap().is_set(here))
        });
        let (left, moved, may_return) = stays.join().unwrap();
        if all.count() > 1 {
            // Between the calls it may be moved, and then is where it is to be.
            assert!(left.is_ok() && (moved || may_return));
        } else {
            assert!(left.is_err());
        }
        assert_eq!(sched_getaffinity(None).unwrap(), all);
    }

    #[test]
    fn a_thread_that_waits_is_seen_asleep_until_something_comes() {
        let (a, b) = socket::socketpair(SocketType::Stream, SocketFlags::empty()).unwrap();
        let (sender, receiver) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            sender.send(id()).unwrap();
            socket::recv(&a, &mut [0; 8], RecvFlags::empty())
        });
        let thread = receiver.recv().unwrap();
        let pid = std::process::id();
        let limit = Instant::now() + Duration::from_secs(10);
        let asleep = loop {
            match sleep(pid, thread) {
                Ok(Sleep::Sound(times)) => break times,
                Ok(Sleep::Awake) => assert!(Instant::now() < limit, "it never sleeps"),
                Err(errno) => return eprintln!("skipped: cannot look at a thread: {errno}"),
            }
            std::thread::yield_now();
        };
        assert_eq!(sleep(pid, thread).unwrap(), Sleep::Sound(asleep));
        assert_eq!(socket::send(&b, b"up", SendFlags::empty()).unwrap(), 2);
        assert_eq!(reader.join().unwrap().unwrap(), 2);
        assert_eq!(sleep(pid, id()).unwrap(), Sleep::Awake);
    }
}
