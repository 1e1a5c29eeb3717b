//! Children, ids, limits and signals.

use super::{Errno, Result, check};
use rustix::event::PollFlags;
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, WaitId, WaitIdOptions, WaitOptions,
};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use rustix::process::Signal;

/// What a child answers with if its closure panicked.
pub const PANICKED: i32 = 101;

static ENDS: AtomicBool = AtomicBool::new(false);

/// For a program that ends in a moment: what the end of the process does anyhow is not waited for,
/// and the allocator neither gives memory back nor keeps apart what threads allocate, if it is
/// glibc's. It saves a short listing a twentieth of its time.
pub fn ends_in_a_moment() {
    ENDS.store(true, Ordering::Relaxed);
    #[cfg(target_env = "gnu")]
    for (setting, value) in
        [(libc::M_ARENA_MAX, 1), (libc::M_TRIM_THRESHOLD, i32::MAX), (libc::M_TOP_PAD, 1 << 20)]
    {
        // SAFETY: it takes a lock of the allocator's, and no pointer. A setting that it does not
        // have is refused.
        unsafe { libc::mallopt(setting, value) };
    }
}

/// Whether the program said that it [`ends_in_a_moment`].
pub(crate) fn ends() -> bool {
    ENDS.load(Ordering::Relaxed)
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It exited with this status.
    Exited(i32),
    /// A signal killed it.
    Killed(i32),
}

/// A child process; it is killed and reaped when this is dropped.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    reaped: bool,
}

/// `fork(2)`: runs the closure in a child, which exits with the status that it returns, or with
/// [`PANICKED`].
///
/// `EBUSY` if this process has more than one thread, and half a second later still: the child would
/// inherit locks that nobody ever releases.
pub fn fork(closure: impl FnOnce() -> i32) -> Result<Child> {
    let deadline = Instant::now() + LINGERING;
    while !is_single_threaded() {
        if Instant::now() >= deadline {
            return Err(Errno::BUSY);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // SAFETY: the process has one thread, so the child finds no lock held and no state half
    // changed by another. It leaves through `_exit` and never returns into the caller's frames.
    match check(unsafe { libc::fork() })? {
        0 => {
            let status = catch_unwind(AssertUnwindSafe(closure)).unwrap_or(PANICKED);
            // SAFETY: ends this process without running the handlers of the parent's program.
            unsafe { libc::_exit(status) }
        }
        pid => Ok(Child { pid: Pid::from_raw(pid).ok_or(Errno::SRCH)?, reaped: false }),
    }
}

/// A copy of another process's descriptor, by `pidfd_getfd(2)`.
///
/// `EBADF` if that is not open, `EPERM` if this process may not trace the other one, `ESRCH` if
/// that is not there, `ENOSYS` before Linux 5.6.
pub fn descriptor_of(pid: u32, number: i32) -> Result<OwnedFd> {
    if number < 0 {
        return Err(Errno::BADF);
    }
    let pid = Pid::from_raw(pid.cast_signed()).ok_or(Errno::SRCH)?;
    let process = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    rustix::process::pidfd_getfd(process, number, PidfdGetfdFlags::empty())
}

/// A thread that was joined still counts until the kernel has put it away.
const LINGERING: Duration = Duration::from_millis(500);

/// Whether this process has one thread only; `false` too if that cannot be seen.
pub fn is_single_threaded() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.take(2).count() == 1)
}

impl Child {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// A child that another process made for this one, with `CLONE_PARENT`.
    pub fn adopt(pid: u32) -> Result<Child> {
        let pid = Pid::from_raw(pid.cast_signed()).ok_or(Errno::SRCH)?;
        Ok(Child { pid, reaped: false })
    }

    /// `waitid(2)` with `WNOWAIT` until it ends, after which its number is still its own.
    pub fn wait_without_reaping(&self) -> Result<()> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        loop {
            match rustix::process::waitid(WaitId::Pid(self.pid), options) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// `waitpid(2)` until it ends; goes on after `EINTR`.
    pub fn wait(mut self) -> Result<End> {
        self.reap()
    }

    /// Whether it has ended, and how; does not wait.
    pub fn try_wait(&mut self) -> Result<Option<End>> {
        match rustix::process::waitpid(Some(self.pid), WaitOptions::NOHANG)? {
            Some((_, status)) => {
                self.reaped = true;
                Ok(Some(end(status)))
            }
            None => Ok(None),
        }
    }

    /// `kill(2)`. The child is not reaped before this value says so, so its id cannot have been
    /// given to another process.
    pub fn kill(&self, signal: Signal) -> Result<()> {
        if self.reaped {
            return Err(Errno::SRCH);
        }
        rustix::process::kill_process(self.pid, signal)
    }

    fn reap(&mut self) -> Result<End> {
        loop {
            match rustix::process::waitpid(Some(self.pid), WaitOptions::empty()) {
                Ok(Some((_, status))) => {
                    self.reaped = true;
                    return Ok(end(status));
                }
                Ok(None) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped && self.kill(Signal::KILL).is_ok() {
            // Only an error that leaves nothing to reap can happen here.
            let _ = self.reap();
        }
    }
}

fn end(status: rustix::process::WaitStatus) -> End {
    match status.exit_status() {
        Some(code) => End::Exited(code),
        None => End::Killed(status.terminating_signal().unwrap_or_default()),
    }
}

/// `pidfd_open(2)`: a descriptor of a process, readable once it has ended. The number must be that of
/// a child that was not reaped yet, or another process may have it by now.
pub fn pidfd(pid: u32) -> Result<OwnedFd> {
    let pid = Pid::from_raw(pid.cast_signed()).ok_or(Errno::SRCH)?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty())
}

/// `pidfd_send_signal(2)`.
pub fn signal(pidfd: BorrowedFd<'_>, signal: Signal) -> Result<()> {
    rustix::process::pidfd_send_signal(pidfd, signal)
}

/// `poll(2)` of a descriptor of a process (`pidfd`): whether the process has ended. One that
/// nobody has reaped yet has.
pub fn has_ended(pidfd: BorrowedFd<'_>) -> Result<bool> {
    loop {
        match super::socket::poll(pidfd, PollFlags::IN, Duration::ZERO) {
            Err(Errno::INTR) => {}
            ready => return ready.map(|ready| !ready.is_empty()),
        }
    }
}

/// `prctl(2)` `PR_SET_PDEATHSIG`: the kernel kills this process when the thread that started it
/// ends. A change of ids undoes it: ask again afterwards. `ESRCH` if `parent` is not the parent
/// any more: its end has gone unnoticed.
pub fn die_with(parent: u32) -> Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let now =
        rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get().cast_unsigned());
    if now == parent { Ok(()) } else { Err(Errno::SRCH) }
}

/// `sched_getaffinity(2)`: the CPU to which a thread is confined, if it is one only. `None` as the
/// thread: this one.
pub fn only_cpu(thread: Option<u32>) -> Result<Option<usize>> {
    let pid = match thread {
        Some(pid) => Some(Pid::from_raw(pid.cast_signed()).ok_or(Errno::SRCH)?),
        None => None,
    };
    let set = rustix::thread::sched_getaffinity(pid)?;
    let all = 0..rustix::thread::CpuSet::MAX_CPU;
    Ok(if set.count() == 1 { all.into_iter().find(|cpu| set.is_set(*cpu)) } else { None })
}

/// `sysconf(3)`: how many CPUs the system runs on, whether or not this thread may use them.
pub fn online_cpus() -> usize {
    // SAFETY: takes a number only.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    usize::try_from(count).unwrap_or(1)
}

/// `getuid(2)`
pub fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

/// `getgid(2)`
pub fn group() -> u32 {
    rustix::process::getgid().as_raw()
}

/// `sysconf(3)`: bytes of a page.
pub fn page_size() -> usize {
    // SAFETY: takes a number only.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// `prctl(2)` `PR_SET_NAME`: the name that tools show for this thread, of at most 15 bytes.
pub fn set_name(name: &std::ffi::CStr) -> Result<()> {
    rustix::thread::set_name(name)
}

/// From now on an interrupt from the keyboard (`SIGINT`) does not end this process: it is meant for
/// the program that it has started.
pub fn ignore_interrupts() {
    // SAFETY: the action is one of the two that need no handler, and the signal exists.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
}

/// `setsid(2)`: a session and process group of its own; signals to the old group do not come.
pub fn own_session() -> Result<()> {
    rustix::process::setsid().map(drop)
}

/// `prctl(2)` `PR_SET_DUMPABLE`: a process that changed its ids belongs to root in `/proc`, and
/// may not even map its own user namespace, until it allows itself to be looked at.
pub fn allow_inspection() -> Result<()> {
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable)
}

/// `kill(2)` with `SIGKILL` of a process group. `ESRCH` if it has no member.
pub fn kill_group(leader: u32) -> Result<()> {
    let group = i32::try_from(leader).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    rustix::process::kill_process_group(group, Signal::KILL)
}

/// `setgroups(2)`, `setresgid(2)`, `setresuid(2)`, in this order, for all threads. `EPERM`
/// without `CAP_SETUID` and `CAP_SETGID`; nothing more is changed after the first error.
pub fn become_user(uid: u32, gid: u32, groups: &[u32]) -> Result<()> {
    // SAFETY: the pointer is to as many group ids as the length says.
    check(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })?;
    // SAFETY: takes numbers only.
    check(unsafe { libc::setresgid(gid, gid, gid) })?;
    // SAFETY: takes numbers only.
    check(unsafe { libc::setresuid(uid, uid, uid) })?;
    Ok(())
}

/// Real, effective and saved ids of a process, as `setresuid(2)` takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreeIds(pub [u32; 3]);

/// `setgroups(2)`, `setresgid(2)`, `setresuid(2)`, and `capset(2)` of the effective and the
/// permitted capabilities, if any are given: otherwise they follow from the ids. Without
/// `groups` the supplementary groups stay.
///
/// `EPERM` without `CAP_SETUID` and `CAP_SETGID`; nothing more is changed after the first error.
pub fn become_exactly(
    ThreeIds(users): ThreeIds,
    ThreeIds(own_groups): ThreeIds,
    groups: Option<&[u32]>,
    capabilities: Option<(u64, u64)>,
) -> Result<()> {
    use rustix::thread::{CapabilitySet, CapabilitySets};
    if let Some(groups) = groups {
        // SAFETY: the pointer is to as many group ids as the length says.
        check(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })?;
    }
    rustix::thread::set_keep_capabilities(capabilities.is_some())?;
    let [real, effective, saved] = own_groups;
    // SAFETY: takes numbers only.
    check(unsafe { libc::setresgid(real, effective, saved) })?;
    let [real, effective, saved] = users;
    // SAFETY: takes numbers only.
    check(unsafe { libc::setresuid(real, effective, saved) })?;
    if let Some((effective, permitted)) = capabilities {
        let set = CapabilitySet::from_bits_retain;
        let (effective, permitted) = (set(effective), set(permitted));
        let inheritable = CapabilitySet::empty();
        let sets = CapabilitySets { effective, permitted, inheritable };
        rustix::thread::set_capabilities(None, sets)?;
        rustix::thread::set_keep_capabilities(false)?;
    }
    Ok(())
}

/// Limits the memory of this process and its children to so many bytes of addresses, and has no
/// image of it written when it dies.
pub fn limit_memory(bytes: u64) -> Result<()> {
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    rustix::process::setrlimit(Resource::As, limit(bytes))?;
    rustix::process::setrlimit(Resource::Core, limit(0))
}

/// Sets the soft limit of open descriptors of this process (`RLIMIT_NOFILE`); the hard limit
/// stays.
pub fn limit_descriptors(soft: u64) -> Result<()> {
    let hard = rustix::process::getrlimit(Resource::Nofile).maximum;
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(soft), maximum: hard })
}

/// Raises the soft limit of open descriptors to the hard one, and tells it; `u64::MAX` is
/// unlimited.
pub fn raise_descriptor_limit() -> Result<u64> {
    let hard = rustix::process::getrlimit(Resource::Nofile).maximum;
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard })?;
    Ok(hard.unwrap_or(u64::MAX))
}

/// `sched_setaffinity(2)`: keeps this thread, and those it starts from now on, on one of the
/// processors on which it may run.
pub fn stay_on_one_processor() -> Result<()> {
    let allowed = rustix::thread::sched_getaffinity(None)?;
    let mut one = rustix::thread::CpuSet::new();
    if let Some(cpu) = (0..rustix::thread::CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu)) {
        one.set(cpu);
    }
    rustix::thread::sched_setaffinity(None, &one)
}

/// The soft limit of open descriptors of a process, or of this one; `None` is unlimited.
pub fn descriptor_limit(pid: Option<Pid>) -> Result<Option<u64>> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let pid = pid.map_or(0, |p| p.as_raw_nonzero().get());
    // SAFETY: nothing is set; the kernel writes one `rlimit`.
    let done = unsafe { libc::prlimit(pid, libc::RLIMIT_NOFILE, std::ptr::null(), &raw mut limit) };
    check(done)?;
    Ok(Some(limit.rlim_cur).filter(|soft| *soft != libc::RLIM_INFINITY))
}

/// While it lives, `SIGALRM` comes every `interval`, and interrupts calls that block.
#[derive(Debug)]
pub struct Alarm {
    before: libc::sigaction,
}

extern "C" fn do_nothing(_signal: libc::c_int) {}

impl Alarm {
    /// `sigaction(2)` with a handler that does nothing, and `setitimer(2)`. With `restart`
    /// (`SA_RESTART`) the kernel goes on with calls that allow it.
    pub fn every(interval: Duration, restart: bool) -> Result<Alarm> {
        let flags = if restart { libc::SA_RESTART } else { 0 };
        // SAFETY: all zeros is a valid `sigaction`: no flags, an empty mask, the default action.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = do_nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
        action.sa_flags = flags;
        // SAFETY: as above.
        let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: both point to valid structures, and the handler touches nothing.
        check(unsafe { libc::sigaction(libc::SIGALRM, &raw const action, &raw mut before) })?;
        let alarm = Alarm { before };
        set_timer(interval)?;
        Ok(alarm)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let _ = set_timer(Duration::ZERO);
        // SAFETY: restores what `every` found.
        unsafe { libc::sigaction(libc::SIGALRM, &raw const self.before, std::ptr::null_mut()) };
    }
}

/// `setitimer(2)` of `ITIMER_REAL`; zero disarms it.
fn set_timer(interval: Duration) -> Result<()> {
    let time = libc::timeval {
        tv_sec: interval.as_secs() as libc::time_t,
        tv_usec: libc::suseconds_t::from(interval.subsec_micros()),
    };
    let timer = libc::itimerval { it_interval: time, it_value: time };
    // SAFETY: reads one `itimerval`; the old one is not asked for.
    let done =
        unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
    check(done).map(drop)
}
