//! Reading `/proc`: files by descriptor of a process's directory, so that a process that dies, or
//! whose number is used again, is never mixed up with another.

use crate::sys::{Errno, Result, errno, file};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::str::FromStr;
use sunpath_core::fact::{Seen, Unseen};

/// No file that is read here is longer on a sane system.
const LONGEST: usize = 64 << 20;

/// The privilege that opens the directory of another user's process.
pub(crate) const PTRACE: &str = "CAP_SYS_PTRACE, or the same user and no more privilege";

const PTRACE_MISSING: &str = "which needs CAP_SYS_PTRACE, or the same user and no more privilege";

/// The directory of the calling thread.
pub(crate) fn myself() -> Result<OwnedFd> {
    directory(b"/proc/thread-self").or_else(|_| directory(b"/proc/self"))
}

/// The directory of a process.
pub(crate) fn process(pid: u32) -> Result<OwnedFd> {
    directory(format!("/proc/{pid}").as_bytes())
}

fn directory(path: &[u8]) -> Result<OwnedFd> {
    file::open_path_following(file::WORKING_DIRECTORY, path)
}

/// A file of a process, whole.
pub(crate) fn read(process: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<u8>> {
    file::read_at(process, name, LONGEST)
}

/// A switch of `/proc/sys`, for example `fs/protected_symlinks`.
pub(crate) fn setting<T: FromStr>(name: &str) -> Option<T> {
    let path = format!("/proc/sys/{name}");
    let text = file::read_at(file::WORKING_DIRECTORY, path.as_bytes(), 4096).ok()?;
    number(text.trim_ascii())
}

/// The inode number of a namespace link, for example `ns/mnt`.
pub(crate) fn namespace(process: BorrowedFd<'_>, name: &'static str) -> Seen<u64> {
    seen(file::status_at(process, name.as_bytes()), name).map(|s| s.stx_ino)
}

/// The answer of a call about a file of a process, or why there is none.
pub(crate) fn seen<T>(answer: Result<T>, what: &'static str) -> Seen<T> {
    match answer {
        Ok(value) => Seen::Known(value),
        Err(errno) => Seen::Unseen(unseen(errno, what)),
    }
}

/// Why a file of a process could not be looked at.
pub(crate) fn unseen(errno: Errno, what: &'static str) -> Unseen {
    match errno {
        Errno::ACCESS | Errno::PERM => Unseen::Denied { needs: PTRACE },
        Errno::SRCH => Unseen::Changed,
        Errno::NOENT => Unseen::Absent { what },
        other => Unseen::Failed { error: errno::told(other) },
    }
}

/// A number in decimal.
pub(crate) fn number<T: FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The fields of a line, by white space.
pub(crate) fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty())
}

/// Why the kernel did not let this process follow `root` or `cwd` of another one: privilege alone
/// may not be enough.
fn refused(name: &str, errno: Errno) -> Unseen {
    let traces = rustix::thread::capabilities(None)
        .is_ok_and(|sets| sets.effective.contains(rustix::thread::CapabilitySet::SYS_PTRACE));
    let why = match traces {
        true => {
            "although this process has CAP_SYS_PTRACE: the other may be in a user namespace \
                 above this one's, or a security module or sandbox forbids it"
        }
        false => PTRACE_MISSING,
    };
    let error = errno::name(errno).map_or_else(|| errno.to_string(), |e| e.to_string());
    Unseen::Failed { error: format!("opening /proc/PID/{name} failed with {error}, {why}") }
}

/// Opens the object that `root` or `cwd` of a process leads to.
pub(crate) fn place(process: &impl AsFd, name: &'static str) -> Seen<OwnedFd> {
    match file::open_path_following(process.as_fd(), name.as_bytes()) {
        // A process that is gone, but not yet waited for, has no directories any more.
        Err(Errno::NOENT) => Seen::Unseen(Unseen::Changed),
        Err(errno @ (Errno::ACCESS | Errno::PERM)) => Seen::Unseen(refused(name, errno)),
        answer => seen(answer, name),
    }
}
