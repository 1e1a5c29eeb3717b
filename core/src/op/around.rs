//! Calls that concern what is around sockets: files, users, limits, processes.

use super::Fd;
use alloc::vec::Vec;

/// A process with its user and group, as credentials name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ids {
    /// The process.
    pub pid: i32,
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// A call that concerns files. Paths are bytes, relative to the working directory unless they
/// start with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOp {
    /// `open(2)` for reading and writing, without creating: gives a descriptor.
    Open {
        /// The file.
        path: Vec<u8>,
    },
    /// `open(2)` with `O_PATH`.
    OpenPath {
        /// The file.
        path: Vec<u8>,
    },
    /// `open(2)` with `O_CREAT | O_EXCL`, closed at once: makes a regular file.
    Create {
        /// The file.
        path: Vec<u8>,
        /// Its mode before the umask.
        mode: u32,
    },
    /// `mkdir(2)`
    Mkdir {
        /// The directory.
        path: Vec<u8>,
        /// Its mode before the umask.
        mode: u32,
    },
    /// `mkfifo(3)`
    Mkfifo {
        /// The named pipe.
        path: Vec<u8>,
        /// Its mode before the umask.
        mode: u32,
    },
    /// `symlink(2)`
    Symlink {
        /// What the link says.
        target: Vec<u8>,
        /// Where it is.
        path: Vec<u8>,
    },
    /// `link(2)`
    Link {
        /// The file.
        from: Vec<u8>,
        /// Its further name.
        to: Vec<u8>,
    },
    /// `rename(2)`
    Rename {
        /// The old name.
        from: Vec<u8>,
        /// The new name.
        to: Vec<u8>,
    },
    /// `unlink(2)`
    Unlink {
        /// The file.
        path: Vec<u8>,
    },
    /// `rmdir(2)`
    Rmdir {
        /// The directory.
        path: Vec<u8>,
    },
    /// `chmod(2)`
    Chmod {
        /// The file.
        path: Vec<u8>,
        /// The permission bits.
        mode: u32,
    },
    /// `fchmod(2)`, which on a socket decides the mode of the file that `bind` makes.
    Fchmod {
        /// The descriptor.
        fd: Fd,
        /// The permission bits.
        mode: u32,
    },
    /// `chown(2)`
    Chown {
        /// The file.
        path: Vec<u8>,
        /// The new owner.
        uid: u32,
        /// The new group.
        gid: u32,
    },
    /// `stat(2)` of the last component itself: gives the mode, with the file type's bits, as a
    /// number.
    Lstat {
        /// The file.
        path: Vec<u8>,
    },
    /// `chdir(2)`
    Chdir {
        /// The directory.
        path: Vec<u8>,
    },
    /// `io_uring_setup(2)`, or `kqueue(2)` where that is: gives a descriptor that no message may
    /// carry.
    Ring,
    /// `umask(2)`: gives the old one as a number.
    Umask {
        /// The bits that files will not get.
        mask: u32,
    },
}

/// A call that concerns the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessOp {
    /// `fork(2)`: gives the child's task.
    Fork,
    /// `pthread_create(3)`: gives the new thread's task.
    Thread,
    /// `_exit(2)`, or death by a signal: every descriptor is closed.
    Exit,
    /// `setgroups(2)`, `setresgid(2)`, `setresuid(2)`: becomes this user for good. Capabilities
    /// go when no id of the three is 0 any more.
    Become {
        /// Real, effective and saved user.
        uid: u32,
        /// Real, effective and saved group.
        gid: u32,
        /// Supplementary groups.
        groups: Vec<u32>,
    },
    /// `setresuid(2)` for the effective user alone: file access and peers see this one.
    SetEffective {
        /// The effective user.
        uid: u32,
        /// The effective group.
        gid: u32,
    },
    /// `setrlimit(RLIMIT_NOFILE)` to a lower soft and hard limit.
    LimitDescriptors {
        /// The limit.
        limit: u32,
    },
    /// `unshare(CLONE_NEWNET)`: a network namespace of its own.
    UnshareNet,
    /// `setns(2)`: joins the network namespace of another task's process.
    JoinNet {
        /// The task.
        of: u32,
    },
    /// `getpid(2)`: gives the number.
    Getpid,
}
