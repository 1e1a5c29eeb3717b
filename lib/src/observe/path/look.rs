//! One file, looked at through an `O_PATH` descriptor.

use super::acl;
use crate::observe::mounts::{Entry, Mounts};
use crate::sys::{Errno, Result, errno, file};
use rustix::fs::{StatxAttributes, StatxFlags};
use std::os::fd::BorrowedFd;
use sunpath_core::fact::path::{Acl, FileId, FileKind, Mount, Step};
use sunpath_core::fact::{Seen, Unseen};

/// No access control list is longer: file systems keep them in a block.
const LONGEST_ACL: usize = 64 << 10;

/// What a file is, and the id of the mount it is on.
pub(super) struct Look {
    pub step: Step,
    pub mount_id: Option<u64>,
}

/// Looks at a file. `path` is how it is called; `ask` says whether the kernel's own answer about
/// access is wanted. Names of owner and group stay empty.
pub(super) fn look(
    file: BorrowedFd<'_>,
    path: Vec<u8>,
    mounts: &Seen<Mounts>,
    ask: bool,
) -> Result<Look> {
    let status = file::status(file)?;
    let kind = kind(u32::from(status.stx_mode));
    let has_mount = StatxFlags::from_bits_retain(status.stx_mask).contains(StatxFlags::MNT_ID);
    let mount_id = has_mount.then_some(status.stx_mnt_id);
    let entry = mount(mounts, mount_id);
    let device = match entry.known() {
        Some(entry) => entry.device,
        None => u64::from(status.stx_dev_major) << 32 | u64::from(status.stx_dev_minor),
    };
    let link = kind == FileKind::Symlink;
    let step = Step {
        path,
        kind,
        mode: u32::from(status.stx_mode) & 0o7777,
        uid: status.stx_uid,
        gid: status.stx_gid,
        file: FileId { device, inode: status.stx_ino },
        // A server of a file system need not count links.
        removed: kind == FileKind::Directory && status.stx_nlink == 0 && entry.is(|e| !e.is_fuse()),
        // A file system that does not report the flag has none: the kernel's check reads the
        // same bit.
        immutable: Seen::Known(status.stx_attributes.contains(StatxAttributes::IMMUTABLE)),
        acl: match entry.known() {
            _ if link => Seen::Known(None),
            // Its server would be asked, and need not answer.
            Some(entry) if entry.is_fuse() => Seen::default(),
            _ => access_list(file),
        },
        mount: match entry.map(|e| e.mount.clone()) {
            Seen::Unseen(_) if kind == FileKind::Socket && file::is_open_socket(file) => {
                Seen::Known(Mount { fs_type: "sockfs".into(), ..Mount::default() })
            }
            mount => mount,
        },
        kernel_allows: if ask && !link { allows(file, kind) } else { Seen::default() },
        ..Step::default()
    };
    Ok(Look { step, mount_id })
}

fn mount(mounts: &Seen<Mounts>, id: Option<u64>) -> Seen<&Entry> {
    let mounts = match mounts {
        Seen::Known(mounts) => mounts,
        Seen::Unseen(reason) => return Seen::Unseen(reason.clone()),
    };
    match id.map(|id| mounts.get(id)) {
        Some(Some(entry)) => Seen::Known(entry),
        Some(None) => Seen::Unseen(Unseen::Absent { what: "its mount in /proc/PID/mountinfo" }),
        None => Seen::Unseen(Unseen::Absent { what: "a mount id in statx(2), from Linux 5.8" }),
    }
}

fn kind(mode: u32) -> FileKind {
    match mode & libc::S_IFMT {
        libc::S_IFREG => FileKind::Regular,
        libc::S_IFDIR => FileKind::Directory,
        libc::S_IFSOCK => FileKind::Socket,
        libc::S_IFLNK => FileKind::Symlink,
        libc::S_IFIFO => FileKind::Fifo,
        libc::S_IFCHR => FileKind::CharDevice,
        libc::S_IFBLK => FileKind::BlockDevice,
        _ => FileKind::Other,
    }
}

fn access_list(file: BorrowedFd<'_>) -> Seen<Option<Acl>> {
    let mut small = [0; 512];
    let mut large;
    let bytes = match file::attribute(file, acl::NAME, &mut small) {
        Ok(length) => &small[..length],
        Err(Errno::NODATA | Errno::OPNOTSUPP) => return Seen::Known(None),
        Err(Errno::RANGE) => {
            large = vec![0; LONGEST_ACL];
            match file::attribute(file, acl::NAME, &mut large) {
                Ok(length) => &large[..length],
                Err(errno) => return unreadable_list(errno),
            }
        }
        Err(errno) => return unreadable_list(errno),
    };
    match acl::parse(bytes) {
        Some(acl) => Seen::Known(Some(acl)),
        None => Seen::Unseen(Unseen::Failed { error: "its format is unknown".into() }),
    }
}

fn unreadable_list<T>(errno: Errno) -> Seen<T> {
    Seen::Unseen(match errno {
        Errno::NOENT => Unseen::Absent { what: "/proc, through which the list is read" },
        other => Unseen::Failed { error: errno::told(other) },
    })
}

/// May this process search the directory, or write to anything else? A refusal that is none of
/// permission (`EPERM` of an immutable file) is no answer to that.
fn allows(file: BorrowedFd<'_>, kind: FileKind) -> Seen<bool> {
    let wanted = if kind == FileKind::Directory { libc::X_OK } else { libc::W_OK };
    match file::access(file, wanted) {
        Ok(()) => Seen::Known(true),
        Err(Errno::ACCESS) => Seen::Known(false),
        Err(Errno::NOSYS) => Seen::Unseen(Unseen::Absent { what: "faccessat2(2)" }),
        Err(other) => Seen::Unseen(Unseen::Failed { error: errno::told(other) }),
    }
}
