//! What happens to a world without any program in it making a call: what an administrator,
//! a service manager or bad luck does.

use super::Fd;
use alloc::vec::Vec;

/// A change of what is around the processes. Paths start with a slash; tasks are numbers of
/// tasks, and a process is named by any of its tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// From now on this directory (for [`Mount::Bind`] also a file) is where a file system is
    /// mounted.
    Mount {
        /// The directory.
        at: Vec<u8>,
        /// What kind of file system.
        how: Mount,
    },
    /// Sets or clears the immutable flag of a file or directory (`chattr +i`).
    Immutable {
        /// The file.
        path: Vec<u8>,
        /// Set or cleared.
        on: bool,
    },
    /// `fs.protected_symlinks`; a new world has it off.
    ProtectedSymlinks {
        /// On or off.
        on: bool,
    },
    /// The group database lists this user as a member of this group from now on. Processes that
    /// run already do not get the group by it.
    Member {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// Restricts a process, and those that it will fork.
    Restrict {
        /// A task of it.
        task: u32,
        /// In what.
        how: Restriction,
    },
    /// Stops a process (`SIGSTOP`) or lets it go on (`SIGCONT`). Its tasks make no calls and do
    /// not resume while it is stopped.
    Stop {
        /// A task of it.
        task: u32,
        /// Stopped, or let go on.
        on: bool,
    },
    /// A call of another thread on this socket (`bind` or `connect`) is in the midst of a long
    /// path from now on, or no more.
    Busy {
        /// A task of its process.
        task: u32,
        /// The socket.
        fd: Fd,
        /// Begun, or over.
        on: bool,
    },
    /// How many allocations the kernel can make before it has no memory left; `None`: as many as
    /// it is asked for.
    KernelMemory {
        /// The number.
        allocations: Option<u32>,
    },
    /// How many open files the system may have (`fs.file-max`), and twice as many UNIX domain
    /// sockets.
    SystemLimit {
        /// The number.
        files: u32,
    },
    /// How the internet is from now on.
    Internet(Internet),
}

/// A kind of file system to be mounted. What is in the directory stays, unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// It is read-only.
    ReadOnly,
    /// It has no room for another file.
    Full,
    /// It knows no socket files.
    WithoutSockets,
    /// Its server, a program (FUSE), has died: nothing below it can be reached.
    DeadFuse,
    /// It shows the files of another directory with inodes of its own, as an overlay or a shared
    /// folder of a virtual machine does: the names are the same, the sockets behind them are not.
    View {
        /// The directory whose files are shown.
        of: Vec<u8>,
    },
    /// It shows another file, or directory, itself (`mount --bind`): whoever replaces the file
    /// under its old name does not replace it here.
    Bind {
        /// The file or directory that is shown.
        of: Vec<u8>,
    },
}

/// What a process may not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restriction {
    /// Reach abstract names that were bound outside of it (Landlock's scope).
    AbstractScope,
    /// Bind, connect or send to anything at or below this path (a security module's rule).
    Denied {
        /// The file or directory.
        path: Vec<u8>,
    },
    /// Make UNIX domain sockets (a seccomp filter, as `RestrictAddressFamilies=` installs).
    NoUnixSockets,
    /// See what is in this directory: it has a mount namespace of its own, in which an empty
    /// directory lies over it.
    Covered {
        /// The directory.
        path: Vec<u8>,
    },
    /// Be root outside: it is in a user namespace, in which it seems to be root.
    UserNamespace,
}

/// A change of the internet, which every network namespace but the first sees as it begins:
/// without routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Internet {
    /// Adds a route; of several that cover an address, the one with the most bits counts.
    Route {
        /// The network.
        to: [u8; 4],
        /// How many leading bits of an address must agree with it.
        bits: u8,
        /// Where it leads.
        leads: Route,
    },
    /// How a host behaves that a route leads to. A host of which nothing was said is not there.
    Host {
        /// Its address.
        address: [u8; 4],
        /// How it behaves.
        manner: Manner,
    },
    /// `net.ipv4.ip_local_port_range`, both ends included.
    Ports {
        /// The first port.
        first: u16,
        /// The last port.
        last: u16,
    },
    /// An administrator destroys a connection (`ss -K`).
    Destroy {
        /// A task of the process that has it.
        task: u32,
        /// The socket.
        fd: Fd,
    },
}

/// Where a route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// To hosts.
    Hosts,
    /// To all hosts of a network.
    Broadcast,
    /// Nowhere, and says so.
    Unreachable,
    /// Nowhere, by order.
    Prohibit,
    /// Nowhere, without a word.
    Blackhole,
}

/// How a host behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It accepts connections to every port, and takes datagrams.
    Accepts,
    /// Nothing listens on any port: it refuses, with a reset or by ICMP.
    Refuses,
    /// It begins to connect by itself at the same moment, then resets.
    Resets,
    /// It never says anything.
    Silent,
    /// It, or the router before it, is not there, which another router says.
    Unreachable,
}
