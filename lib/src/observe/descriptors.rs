//! The descriptors of other processes, in `/proc/PID/fd`.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RawDir, StatxFlags, fstat, openat, readlinkat, statx,
};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

/// The directory of a process's descriptors.
pub(crate) fn of(pid: u32) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, format!("/proc/{pid}/fd"), flags, Mode::empty())
}

/// Calls `look` with the name of every descriptor.
pub(crate) fn each(directory: &OwnedFd, mut look: impl FnMut(&CStr)) -> Result<(), Errno> {
    let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
    let mut entries = RawDir::new(directory, &mut buffer);
    let mut met = 0;
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            look(entry.file_name());
        }
        met += 1;
        // So few fill a fraction of the buffer: had there been more, they would be in it. Asking
        // again would take the kernel through the whole table of descriptors once more.
        if met < FEW && entries.is_buffer_empty() {
            break;
        }
    }
    Ok(())
}

/// So many entries, of at most 40 bytes each, take less than half of the buffer of [`each`].
const FEW: usize = 200;

/// A descriptor's number.
pub(crate) fn number(name: &CStr) -> Option<u32> {
    name.to_str().ok()?.parse().ok()
}

/// What tells a socket from a socket file that was opened with `O_PATH`, whose inode number is of
/// another kind: the device of sockfs, if it is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    sockfs: Option<(u32, u32)>,
}

impl Kind {
    /// Sockets.
    pub(crate) fn sockets() -> Kind {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
        let made = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
        let device = made.and_then(|s| fstat(&s)).map(|s| s.st_dev).ok();
        Kind { sockfs: device.map(|d| (rustix::fs::major(d), rustix::fs::minor(d))) }
    }
}

/// The inode number of the socket that a descriptor refers to; `None`: it is something else.
///
/// # Errors
/// It is closed by now.
pub(crate) fn socket_at(
    directory: impl AsFd,
    name: &CStr,
    kind: Kind,
) -> Result<Option<u64>, Errno> {
    // The numbers that are cached do: a file on a network or FUSE file system whose server hangs
    // must not hang the search.
    let cached = AtFlags::STATX_DONT_SYNC;
    let stat = statx(&directory, name, cached, StatxFlags::TYPE | StatxFlags::INO)?;
    let socket = u32::from(stat.stx_mode) & libc::S_IFMT == libc::S_IFSOCK
        && match kind.sockfs {
            Some(device) => (stat.stx_dev_major, stat.stx_dev_minor) == device,
            None => says_socket(directory, name),
        };
    Ok(socket.then_some(stat.stx_ino))
}

/// As [`socket_at`], for one descriptor of a process.
pub(crate) fn at(pid: u32, fd: u32, kind: Kind) -> Result<Option<u64>, Errno> {
    let path = CString::new(format!("/proc/{pid}/fd/{fd}")).map_err(|_| Errno::INVAL)?;
    socket_at(CWD, &path, kind)
}

fn says_socket(directory: impl AsFd, name: &CStr) -> bool {
    let link = readlinkat(directory, name, Vec::with_capacity(64));
    link.is_ok_and(|l| l.as_bytes().starts_with(b"socket:["))
}
