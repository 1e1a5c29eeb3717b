//! Looking at files without opening them: nothing here reads, writes or wakes anything.
//!
//! Files are held by `O_PATH` descriptors, which give a name's identity but no access: a device or
//! FIFO is never opened, an automount never triggered. Every call is retried after `EINTR`, which
//! file systems in user space and on networks may return.

use super::{Result, check};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::{Errno, retry_on_intr};
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

pub use rustix::fs::Statx;

/// `openat2(2)` has no flag that this needs: `openat(2)` with `O_PATH | O_NOFOLLOW`. A symbolic
/// link is opened itself.
pub fn open_path(directory: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd> {
    in_simulation!(sim => sim.open((directory, name), false, false));
    open(directory, name, OFlags::PATH | OFlags::NOFOLLOW)
}

/// `openat(2)` with `O_PATH`, following a symbolic link at the end, also a magic one of `/proc`.
pub fn open_path_following(directory: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd> {
    in_simulation!(sim => sim.open((directory, name), true, false));
    open(directory, name, OFlags::PATH)
}

/// `openat(2)` with `O_RDONLY`, for files of `/proc`: never waits.
pub fn open_to_read(directory: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd> {
    open(directory, name, OFlags::RDONLY | OFlags::NONBLOCK)
}

fn open(directory: BorrowedFd<'_>, name: &[u8], flags: OFlags) -> Result<OwnedFd> {
    retry_on_intr(|| rustix::fs::openat(directory, name, flags | OFlags::CLOEXEC, Mode::empty()))
}

/// The working directory of the process, as a place to open names from.
pub const WORKING_DIRECTORY: BorrowedFd<'static> = CWD;

/// `statx(2)` of what a descriptor names, from what the kernel knows already where it can be.
pub fn status(file: BorrowedFd<'_>) -> Result<Statx> {
    in_simulation!(sim => sim.status_of(file).map(|status| super::simulated::status(&status)));
    let flags = AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    retry_on_intr(|| rustix::fs::statx(file, c"", flags, wanted))
}

/// `statx(2)` that asks for nothing, for the id of the mount, which is told unasked: a FUSE file
/// system that keeps this process out refuses any wish, even that for the id.
pub fn mount_id(file: BorrowedFd<'_>) -> Result<u64> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    let status = retry_on_intr(|| rustix::fs::statx(file, c"", flags, StatxFlags::empty()))?;
    let has_id = StatxFlags::from_bits_retain(status.stx_mask).contains(StatxFlags::MNT_ID);
    if has_id { Ok(status.stx_mnt_id) } else { Err(Errno::NOSYS) }
}

/// `statx(2)` of a name, following symbolic links; needs no free descriptor.
pub fn status_at(directory: BorrowedFd<'_>, name: &[u8]) -> Result<Statx> {
    in_simulation!(sim => sim.status_at((directory, name), true).map(|status| super::simulated::status(&status)));
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    retry_on_intr(|| rustix::fs::statx(directory, name, AtFlags::NO_AUTOMOUNT, wanted))
}

/// `statx(2)` of a name, of a symbolic link itself; needs no free descriptor.
pub fn status_in(directory: BorrowedFd<'_>, name: &[u8]) -> Result<Statx> {
    in_simulation!(sim => sim.status_at((directory, name), false).map(|status| super::simulated::status(&status)));
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    retry_on_intr(|| rustix::fs::statx(directory, name, flags, StatxFlags::BASIC_STATS))
}

/// The effective user: `geteuid(2)`.
pub fn user() -> u32 {
    in_simulation!(sim => sim.user());
    rustix::process::geteuid().as_raw()
}

/// `fstatfs(2)`: whether a descriptor, which may be `O_PATH`, refers to a socket itself and not to
/// a file that a socket is bound to. Sockets are on a file system of the kernel's own.
pub fn is_open_socket(file: BorrowedFd<'_>) -> bool {
    const SOCKFS_MAGIC: u64 = 0x534f_434b;
    retry_on_intr(|| rustix::fs::fstatfs(file)).is_ok_and(|fs| fs.f_type as u64 == SOCKFS_MAGIC)
}

/// `fstatfs(2)`: whether a file system is known to be one that other machines, or another kernel on
/// this one, may use at the same time.
pub fn is_shared(file: BorrowedFd<'_>) -> Result<bool> {
    in_simulation!(sim => sim.status_of(file).map(|_| false));
    // NFS, CIFS, SMB2, 9P, FUSE and virtiofs, Ceph, AFS (two), Coda, GFS2, OCFS2, Lustre, vboxsf.
    const SHARED: [u64; 13] = [
        0x6969,
        0xff53_4d42,
        0xfe53_4d42,
        0x0102_1997,
        0x6573_5546,
        0x00c3_6400,
        0x5346_414f,
        0x6b41_4653,
        0x7375_7245,
        0x0116_1970,
        0x7461_636f,
        0x0bd0_0bd0,
        0x786f_4256,
    ];
    let system = retry_on_intr(|| rustix::fs::fstatfs(file))?;
    Ok(SHARED.contains(&u64::from(system.f_type as u32)))
}

/// `readlinkat(2)` of a name in a directory.
pub fn link_at(directory: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<u8>> {
    retry_on_intr(|| rustix::fs::readlinkat(directory, name, Vec::new())).map(CString::into_bytes)
}

/// `readlinkat(2)` of a symbolic link that is itself open (see [`open_path`]).
pub fn link(file: BorrowedFd<'_>) -> Result<Vec<u8>> {
    link_at(file, b"")
}

/// Reads a file of `/proc` to its end, at most `limit` bytes.
pub fn read_at(directory: BorrowedFd<'_>, name: &[u8], limit: usize) -> Result<Vec<u8>> {
    use std::io::Read;
    let file = std::fs::File::from(open_to_read(directory, name)?);
    let mut bytes = Vec::new();
    match file.take(limit as u64).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
    }
}

/// `ioctl(2)` `FS_IOC_SETFLAGS`: sets or clears the immutable flag of a file. `EPERM` without
/// `CAP_LINUX_IMMUTABLE`, `ENOTTY` or `EOPNOTSUPP` if the file system has no such flag.
pub fn set_immutable(file: impl std::os::fd::AsFd, on: bool) -> Result<()> {
    let mut flags = rustix::fs::ioctl_getflags(&file)?;
    flags.set(rustix::fs::IFlags::IMMUTABLE, on);
    rustix::fs::ioctl_setflags(&file, flags)
}

/// The names in a directory: `getdents64(2)`, without `.` and `..`.
pub fn names_at(directory: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<Vec<u8>>> {
    in_simulation!(sim => sim.names((directory, name)));
    let opened = open(directory, name, OFlags::RDONLY | OFlags::DIRECTORY)?;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(opened)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    Ok(names)
}

/// `faccessat2(2)` with `AT_EACCESS`: may this process do that, by its effective ids? `mode` is of
/// `R_OK`, `W_OK`, `X_OK`. Linux 5.8; `ENOSYS` before.
pub fn access(file: BorrowedFd<'_>, mode: libc::c_int) -> Result<()> {
    let flags = libc::AT_EMPTY_PATH | libc::AT_EACCESS;
    retry_on_intr(|| {
        // SAFETY: the path is a C string, and nothing is written to.
        let value = unsafe {
            libc::syscall(libc::SYS_faccessat2, file.as_raw_fd(), c"".as_ptr(), mode, flags)
        };
        check(value as libc::c_int).map(drop)
    })
}

/// `getxattr(2)` of what a descriptor names, which may be `O_PATH`: through its name in `/proc`,
/// because `fgetxattr(2)` and `getxattrat(2)` with an empty path refuse such descriptors with
/// `EBADF`. `ENOENT` without `/proc`, `ERANGE` if the value is longer than `buffer`.
pub fn attribute(file: BorrowedFd<'_>, name: &CStr, buffer: &mut [u8]) -> Result<usize> {
    let path = format!("/proc/thread-self/fd/{}", file.as_raw_fd());
    retry_on_intr(|| rustix::fs::getxattr(path.as_str(), name, &mut *buffer))
}

/// `openat2(2)` with `RESOLVE_NO_MAGICLINKS`: whether a symbolic link is a magic one of `/proc`,
/// which leads straight to an object. Linux 5.6; before, none is found.
pub fn is_magic(directory: BorrowedFd<'_>, name: &[u8]) -> bool {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::NO_MAGICLINKS;
    let opened =
        retry_on_intr(|| rustix::fs::openat2(directory, name, flags, Mode::empty(), resolve));
    // An ordinary link that leads in a circle gives the same error, but leads nowhere either way.
    opened.err() == Some(Errno::LOOP) && open_path_following(directory, name).is_ok()
}
