//! Namespaces, mounts, and root directories.

use super::{Errno, Result, check};
use rustix::fs::CWD;
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use rustix::thread::UnshareFlags;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::path::Path;

pub use rustix::mount;
pub use rustix::thread::LinkNameSpaceType as Kind;

/// Which namespaces [`unshare`] makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct New(UnshareFlags);

impl New {
    /// A user namespace; needs a process with one thread.
    pub const USER: New = New(UnshareFlags::NEWUSER);
    /// A mount namespace.
    pub const MOUNT: New = New(UnshareFlags::NEWNS);
    /// A network namespace.
    pub const NETWORK: New = New(UnshareFlags::NEWNET);
    /// A pid namespace, for the children.
    pub const PROCESS: New = New(UnshareFlags::NEWPID);

    /// Root directory, working directory and umask, which the threads of a process else share.
    pub const PLACES: New = New(UnshareFlags::FS);

    /// Both.
    pub const fn and(self, other: New) -> New {
        New(self.0.union(other.0))
    }
}

/// `unshare(2)` of namespaces, for the calling thread. `EPERM` without `CAP_SYS_ADMIN`, except
/// for a user namespace where the system allows it.
pub fn unshare(new: New) -> Result<()> {
    // SAFETY: `New` has no value that unshares descriptors, which is what is unsafe here.
    unsafe { rustix::thread::unshare_unsafe(new.0) }
}

/// Maps ids in the user namespace that this process has just made: `inside` becomes `outside`,
/// the ids of the process that made it.
pub fn map_ids(inside: (u32, u32), outside: (u32, u32)) -> std::io::Result<()> {
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("{} {} 1", inside.0, outside.0))?;
    std::fs::write("/proc/self/gid_map", format!("{} {} 1", inside.1, outside.1))
}

/// `setns(2)`: moves the calling thread into the namespace of an open `/proc/PID/ns/*` link.
pub fn enter(link: BorrowedFd<'_>, kind: Option<Kind>) -> Result<()> {
    rustix::thread::move_into_link_name_space(link, kind)
}

/// `setns(2)`: joins the network namespace of a process. `EPERM` without `CAP_SYS_ADMIN`.
pub fn join_network_of(pid: u32) -> Result<()> {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let process = pid.ok_or(Errno::SRCH)?;
    let process = rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty())?;
    enter(std::os::fd::AsFd::as_fd(&process), Some(Kind::Network))
}

/// `mount(2)`: what is mounted below this mount point from now on shows in the copies of it that
/// other mount namespaces have, if they follow ([`follow_mounts`]).
pub fn share_mounts(target: &Path) -> Result<()> {
    rustix::mount::mount_change(target, MountPropagationFlags::SHARED)
}

/// `mount(2)`: what is mounted in the mount namespace from which this one was copied shows here,
/// where that is shared; nothing goes the other way.
pub fn follow_mounts() -> Result<()> {
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", flags)
}

/// `mount(2)`: makes no mount propagate out of this mount namespace.
pub fn make_mounts_private() -> Result<()> {
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", flags)
}

/// `mount(2)` of a file system, for example `tmpfs` with the options `size=64k,nr_inodes=3`.
pub fn mount(
    kind: &str,
    source: &str,
    target: &Path,
    flags: MountFlags,
    data: &CStr,
) -> Result<()> {
    rustix::mount::mount(source, target, kind, flags, data)
}

/// `mount(2)` with `MS_BIND`: shows a file or directory at another place.
pub fn bind(source: &Path, target: &Path) -> Result<()> {
    rustix::mount::mount_bind(source, target)
}

/// `open_tree(2)`, `mount_setattr(2)`, `move_mount(2)`: puts a read-only view of a directory over
/// it. It is read-only from its first moment, so it is that too where others follow.
pub fn cover_read_only(target: &Path) -> Result<()> {
    use rustix::mount::{MoveMountFlags, OpenTreeFlags};
    let clone = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let view = rustix::mount::open_tree(CWD, target, clone)?;
    let set = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let (fd, nothing) = (std::os::fd::AsRawFd::as_raw_fd(&view), c"".as_ptr());
    let size = size_of::<libc::mount_attr>();
    // SAFETY: the kernel reads one `mount_attr` and an empty path.
    let done = unsafe {
        let call = libc::SYS_mount_setattr;
        libc::syscall(call, fd, nothing, libc::AT_EMPTY_PATH, &raw const set, size)
    };
    check(done as libc::c_int)?;
    let empty = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(&view, c"", CWD, target, empty)
}

/// `mount(2)` with `MS_REMOUNT | MS_BIND | MS_RDONLY`: makes a mount read-only.
pub fn make_read_only(target: &Path) -> Result<()> {
    let flags = MountFlags::BIND | MountFlags::RDONLY;
    rustix::mount::mount_remount(target, flags, c"")
}

/// `umount2(2)` with `MNT_DETACH`.
pub fn unmount(target: &Path) -> Result<()> {
    rustix::mount::unmount(target, UnmountFlags::DETACH)
}

/// `mknod(2)`: the device that swallows everything, as `/dev/null` is.
pub fn make_null(path: &Path) -> Result<()> {
    let (everybody, null) = (rustix::fs::Mode::from_bits_retain(0o666), rustix::fs::makedev(1, 3));
    let kind = rustix::fs::FileType::CharacterDevice;
    rustix::fs::mknodat(CWD, path, kind, everybody, null)
}

/// `chroot(2)`, and `chdir(2)` to the new root.
pub fn change_root(root: &Path) -> Result<()> {
    rustix::process::chroot(root)?;
    rustix::process::chdir("/")
}

/// `chroot(2)` to a directory that is already open, and `chdir(2)` to it.
pub fn change_root_to(root: BorrowedFd<'_>) -> Result<()> {
    rustix::process::fchdir(root)?;
    rustix::process::chroot(".")
}

/// `pivot_root(2)`: `root`, a mount point, becomes the root, and the old one is detached.
pub fn pivot(root: &Path) -> Result<()> {
    let old = rustix::fs::openat(
        CWD,
        "/",
        rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    rustix::process::chdir(root)?;
    rustix::process::pivot_root(".", ".")?;
    rustix::process::fchdir(&old)?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")
}

/// `ioctl(2)` `SIOCGIFFLAGS` and `SIOCSIFFLAGS`: brings a network device up or takes it down.
/// `ENODEV` if there is none of this name; `EINVAL` if the name is too long for one.
pub fn set_link(device: &str, up: bool) -> Result<()> {
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: all zeros is a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if device.len() >= request.ifr_name.len() {
        return Err(Errno::INVAL);
    }
    for (to, from) in request.ifr_name.iter_mut().zip(device.bytes()) {
        *to = from.cast_signed();
    }
    let fd = std::os::fd::AsRawFd::as_raw_fd(&socket);
    // SAFETY: the request reads and writes one `ifreq`.
    check(unsafe { libc::ioctl(fd, libc::SIOCGIFFLAGS as _, &raw mut request) })?;
    // SAFETY: the call above filled in the flags, which are the union's field for it.
    let flags = unsafe { &mut request.ifr_ifru.ifru_flags };
    let bit = libc::IFF_UP as libc::c_short;
    *flags = if up { *flags | bit } else { *flags & !bit };
    // SAFETY: the request reads one `ifreq`.
    check(unsafe { libc::ioctl(fd, libc::SIOCSIFFLAGS as _, &raw const request) }).map(drop)
}

/// Brings the loopback device of a fresh network namespace up.
pub fn loopback_up() -> Result<()> {
    set_link("lo", true)
}
