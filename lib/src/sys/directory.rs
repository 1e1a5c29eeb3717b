//! Names in directories: making, moving and removing them. Directories are held by `O_PATH`
//! descriptors, so that a name stays where it is whatever becomes of the path to it.
//!
//! Every call is retried after `EINTR`, which file systems in user space and on networks may
//! return.

use super::Result;
use rustix::fs::{self, AtFlags, Gid, Mode, OFlags, RenameFlags, Uid};
use rustix::io::retry_on_intr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

pub use rustix::fs::FlockOperation;

/// `openat(2)` of a directory with `O_PATH`; follows symbolic links.
pub fn open(base: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd> {
    in_simulation!(sim => sim.open((base, path), true, true));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    retry_on_intr(|| fs::openat(base, path, flags, Mode::empty()))
}

/// `openat(2)` of a directory that is held, so that it can be locked and listed.
pub fn reopen(directory: BorrowedFd<'_>) -> Result<OwnedFd> {
    in_simulation!(sim => sim.open((directory, b"."), true, true));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    retry_on_intr(|| fs::openat(directory, ".", flags, Mode::empty()))
}

/// `mkdirat(2)` with mode `0700`, less the umask.
pub fn make_private(directory: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    in_simulation!(sim => sim.make_directory((directory, name), 0o700));
    retry_on_intr(|| fs::mkdirat(directory, name, Mode::RWXU))
}

/// `unlinkat(2)` of a file.
pub fn unlink(directory: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    in_simulation!(sim => sim.unlink((directory, name)));
    retry_on_intr(|| fs::unlinkat(directory, name, AtFlags::empty()))
}

/// `unlinkat(2)` of an empty directory.
pub fn remove_directory(directory: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    in_simulation!(sim => sim.remove_directory((directory, name)));
    retry_on_intr(|| fs::unlinkat(directory, name, AtFlags::REMOVEDIR))
}

/// A directory and a name in it.
pub type At<'a> = (BorrowedFd<'a>, &'a [u8]);

/// `renameat(2)`.
pub fn rename(from: At<'_>, to: At<'_>) -> Result<()> {
    in_simulation!(sim => sim.rename(from, to));
    retry_on_intr(|| fs::renameat(from.0, from.1, to.0, to.1))
}

/// `renameat2(2)` with `RENAME_NOREPLACE`: `EEXIST` if the new name is taken. `EINVAL` where the
/// file system cannot do it.
pub fn rename_new(from: At<'_>, to: At<'_>) -> Result<()> {
    in_simulation!(sim => sim.rename_new(from, to));
    retry_on_intr(|| fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE))
}

/// `renameat2(2)` with `RENAME_EXCHANGE`: the two files change places at once. `EINVAL` where
/// the file system cannot do it.
pub fn exchange(one: At<'_>, other: At<'_>) -> Result<()> {
    in_simulation!(sim => sim.exchange(one, other));
    retry_on_intr(|| fs::renameat_with(one.0, one.1, other.0, other.1, RenameFlags::EXCHANGE))
}

/// `linkat(2)`: `EEXIST` if the new name is taken.
pub fn link(from: At<'_>, to: At<'_>) -> Result<()> {
    in_simulation!(sim => sim.link(from, to));
    retry_on_intr(|| fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty()))
}

/// `fchmodat(2)`; follows a symbolic link.
pub fn set_mode(at: At<'_>, mode: u32) -> Result<()> {
    in_simulation!(sim => sim.set_mode(at, mode));
    retry_on_intr(|| fs::chmodat(at.0, at.1, Mode::from_raw_mode(mode), AtFlags::empty()))
}

/// `fchownat(2)` of a symbolic link itself; `None` leaves an id as it is.
pub fn set_owner(at: At<'_>, owner: Option<u32>, group: Option<u32>) -> Result<()> {
    in_simulation!(sim => sim.set_owner(at, owner, group));
    let (owner, group) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
    retry_on_intr(|| fs::chownat(at.0, at.1, owner, group, AtFlags::SYMLINK_NOFOLLOW))
}

/// `fchownat(2)` of what a descriptor names, which may be `O_PATH`.
pub fn set_owner_of(file: BorrowedFd<'_>, owner: Option<u32>, group: Option<u32>) -> Result<()> {
    in_simulation!(sim => sim.set_owner((file, b""), owner, group));
    let (owner, group) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
    retry_on_intr(|| fs::chownat(file, c"", owner, group, AtFlags::EMPTY_PATH))
}

/// `fchmodat(2)` of what a descriptor names, which may be `O_PATH`: through its name in `/proc`,
/// because `fchmod(2)` refuses such descriptors and `fchmodat2(2)` needs Linux 6.6.
pub fn set_mode_of(file: BorrowedFd<'_>, mode: u32) -> Result<()> {
    in_simulation!(sim => sim.set_mode_of(file, mode));
    let path = format!("/proc/thread-self/fd/{}", file.as_raw_fd());
    set_mode((fs::CWD, path.as_bytes()), mode)
}

/// `fchmod(2)` of a socket that is not bound yet: the file that `bind` makes gets no other bits.
pub fn limit_mode(socket: BorrowedFd<'_>, mode: u32) -> Result<()> {
    if_simulated!(socket, simulated => simulated.limit_mode(mode));
    fs::fchmod(socket, Mode::from_raw_mode(mode))
}

/// `openat(2)` of a lock file, made with mode `0600` if there is none. Never waits, and does not
/// follow a symbolic link.
pub fn open_lock(directory: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd> {
    in_simulation!(sim => sim.open_lock((directory, name)));
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = flags | OFlags::NOCTTY | OFlags::CLOEXEC;
    retry_on_intr(|| fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR))
}

/// `flock(2)`.
pub fn flock(file: BorrowedFd<'_>, operation: FlockOperation) -> Result<()> {
    in_simulation!(sim => sim.lock_file(file));
    retry_on_intr(|| fs::flock(file, operation))
}
