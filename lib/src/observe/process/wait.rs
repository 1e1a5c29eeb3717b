//! What the threads of a process wait in: could it notice a new connection?

use super::{LONGEST, SAME_USER, parse, read};
use crate::fact::process::{ProcessState, WaitsIn};
use crate::fact::{Seen, Unseen};
use crate::observe::unseen;
use parse::InCall;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// A process may have many threads; one that waits for events settles it, and these are the most
/// that are asked.
const MOST_THREADS: usize = 256;

/// What one thread does.
enum Thread {
    /// It runs or waits for events.
    Attentive,
    /// It waits in this.
    Elsewhere(String),
}

/// What the threads of a process wait in, seen from a server socket that it holds.
pub(super) fn waits_in(pid: u32, inode: u64) -> Seen<WaitsIn> {
    let tasks = match fs::read_dir(format!("/proc/{pid}/task")) {
        Ok(tasks) => tasks,
        Err(error) => return Seen::Unseen(unseen(&error, SAME_USER)),
    };
    let mut main = None;
    for task in tasks.flatten().take(MOST_THREADS) {
        let Some(tid) = task.file_name().to_str().and_then(|t| t.parse::<u32>().ok()) else {
            continue;
        };
        match thread(pid, tid, inode) {
            Seen::Known(Thread::Attentive) => return Seen::Known(WaitsIn::Events),
            Seen::Known(Thread::Elsewhere(call)) if tid == pid || main.is_none() => {
                main = Some(call);
            }
            Seen::Known(Thread::Elsewhere(_)) | Seen::Unseen(Unseen::Changed) => {}
            // A thread that cannot be seen may be the one that accepts.
            Seen::Unseen(why) => return Seen::Unseen(why),
        }
    }
    match main {
        Some(call) => Seen::Known(WaitsIn::Elsewhere { call }),
        None => Seen::Unseen(Unseen::Changed),
    }
}

fn thread(pid: u32, tid: u32, inode: u64) -> Seen<Thread> {
    let task = format!("task/{tid}");
    match read(pid, &format!("{task}/stat")).map(|s| parse::stat(&s).map(|(_, state)| state)) {
        Ok(Some(ProcessState::Running)) => return Seen::Known(Thread::Attentive),
        Ok(Some(_)) => {}
        Ok(None) => return Seen::Unseen(Unseen::Changed),
        Err(error) => return Seen::Unseen(unseen(&error, SAME_USER)),
    }
    if let Ok(text) = read(pid, &format!("{task}/syscall")) {
        match parse::syscall(&text) {
            Some(InCall::Running) => return Seen::Known(Thread::Attentive),
            Some(InCall::Outside) => {
                return Seen::Known(Thread::Elsewhere("no system call".into()));
            }
            Some(InCall::Call { number, first, stack }) if is_told(number, stack) => {
                return Seen::Known(by_call(pid, number, first, inode));
            }
            _ => {}
        }
    }
    match read(pid, &format!("{task}/wchan")) {
        Ok(channel) => by_channel(&channel),
        Err(error) => Seen::Unseen(unseen(&error, SAME_USER)),
    }
}

/// Whether the number tells the system call: not in a 32-bit process, and not for a call that goes
/// on after the process was stopped.
fn is_told(number: u64, stack: u64) -> bool {
    stack > u64::from(u32::MAX) && number != libc::SYS_restart_syscall as u64
}

/// Judges a wait by its system call. A thread that accepts from, or reads from, one descriptor
/// notices nothing on others.
fn by_call(pid: u32, number: u64, first: u64, inode: u64) -> Thread {
    let Some((name, watches)) = call(number) else {
        return Thread::Elsewhere(format!("system call {number}"));
    };
    match watches {
        Watches::Several => Thread::Attentive,
        Watches::Epoll if may_notice(pid, first, inode) => Thread::Attentive,
        Watches::Epoll => Thread::Elsewhere(format!("{name} without this socket")),
        Watches::One if holds(pid, first, inode) => Thread::Attentive,
        Watches::One => Thread::Elsewhere(format!("{name} on another descriptor")),
        Watches::Nothing => Thread::Elsewhere(name.into()),
    }
}

/// Whether the descriptor is the socket; a descriptor that cannot be seen counts as it.
fn holds(pid: u32, fd: u64, inode: u64) -> bool {
    match fs::read_link(format!("/proc/{pid}/fd/{}", fd as u32)) {
        Ok(link) => link.as_os_str().as_encoded_bytes() == format!("socket:[{inode}]").as_bytes(),
        Err(_) => true,
    }
}

/// Whether an epoll instance watches the socket. A service manager, for example, keeps a listener
/// open but does not watch it while the service runs. What cannot be seen counts as watched.
fn may_notice(pid: u32, epoll: u64, inode: u64) -> bool {
    let fd = epoll as u32;
    let Ok(text) = read(pid, &format!("fdinfo/{fd}")) else { return true };
    if text.len() as u64 == LONGEST {
        return true;
    }
    let anonymous = fs::metadata(format!("/proc/{pid}/fd/{fd}")).map(|m| m.ino());
    let nested = |fd: u32| {
        let link = fs::read_link(format!("/proc/{pid}/fd/{fd}"));
        link.is_ok_and(|l| l.as_os_str().as_encoded_bytes() == b"anon_inode:[eventpoll]")
    };
    parse::watched(&text).iter().any(|watched| {
        watched.inode.is_none_or(|i| i == inode)
            || (watched.inode == anonymous.as_ref().ok().copied() && nested(watched.fd))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watches {
    /// Many descriptors.
    Several,
    /// Those of the epoll instance that is its first argument.
    Epoll,
    /// The descriptor that is its first argument.
    One,
    /// None.
    Nothing,
}

/// The system calls in which threads usually wait: name, and what they watch.
fn call(number: u64) -> Option<(&'static str, Watches)> {
    use Watches::{Epoll, Nothing, One, Several};
    let number = i64::try_from(number).ok()?;
    let known: &[(i64, &str, Watches)] = &[
        (libc::SYS_accept, "accept", One),
        (libc::SYS_accept4, "accept4", One),
        (libc::SYS_recvfrom, "recvfrom", One),
        (libc::SYS_recvmsg, "recvmsg", One),
        (libc::SYS_recvmmsg, "recvmmsg", One),
        (libc::SYS_read, "read", One),
        (libc::SYS_readv, "readv", One),
        (libc::SYS_ppoll, "ppoll", Several),
        (libc::SYS_pselect6, "pselect6", Several),
        (libc::SYS_epoll_pwait, "epoll_pwait", Epoll),
        (libc::SYS_epoll_pwait2, "epoll_pwait2", Epoll),
        (libc::SYS_io_uring_enter, "io_uring_enter", Several),
        (libc::SYS_io_getevents, "io_getevents", Several),
        // A signal can announce a connection (F_SETSIG).
        (libc::SYS_rt_sigtimedwait, "rt_sigtimedwait", Several),
        (libc::SYS_nanosleep, "nanosleep", Nothing),
        (libc::SYS_clock_nanosleep, "clock_nanosleep", Nothing),
        (libc::SYS_futex, "futex", Nothing),
        (libc::SYS_wait4, "wait4", Nothing),
        (libc::SYS_waitid, "waitid", Nothing),
        (libc::SYS_rt_sigsuspend, "rt_sigsuspend", Nothing),
        (libc::SYS_write, "write", Nothing),
        (libc::SYS_writev, "writev", Nothing),
        (libc::SYS_sendto, "sendto", Nothing),
        (libc::SYS_sendmsg, "sendmsg", Nothing),
        (libc::SYS_connect, "connect", Nothing),
        (libc::SYS_openat, "openat", Nothing),
        (libc::SYS_flock, "flock", Nothing),
        (libc::SYS_fcntl, "fcntl", Nothing),
        (libc::SYS_fsync, "fsync", Nothing),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_poll, "poll", Several),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_select, "select", Several),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_epoll_wait, "epoll_wait", Epoll),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_pause, "pause", Nothing),
    ];
    known.iter().find(|(n, ..)| *n == number).map(|(_, name, watches)| (*name, *watches))
}

/// Judges a wait by the kernel function it is in, where the system call may not be seen.
fn by_channel(channel: &[u8]) -> Seen<Thread> {
    const EVENTS: &[&str] = &[
        "ep_poll",
        "do_epoll_wait",
        "poll_schedule_timeout",
        "do_sys_poll",
        "do_poll",
        "do_select",
        "io_cqring_wait",
        "read_events",
        "inet_csk_accept",
        // AF_UNIX `accept` and datagram receives wait here.
        "__skb_wait_for_more_packets",
        "unix_stream_read_generic",
        "unix_stream_data_wait",
        "do_sigtimedwait",
    ];
    match std::str::from_utf8(channel) {
        Ok("" | "0") | Err(_) => Seen::Unseen(Unseen::Denied { needs: SAME_USER }),
        // The kernel may add a suffix for a specialised copy, such as `.constprop.0`.
        Ok(name) if EVENTS.contains(&name.split('.').next().unwrap_or(name)) => {
            Seen::Known(Thread::Attentive)
        }
        Ok(name) => Seen::Known(Thread::Elsewhere(name.into())),
    }
}
