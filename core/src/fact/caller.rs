//! Who makes a call, and from where it sees files and networks.

use super::Seen;
use super::process::DescriptorUse;
use alloc::string::String;
use alloc::vec::Vec;

/// The process that makes the call, as the kernel judges it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caller {
    /// Its process id, if it is a process that exists (not with `--as`).
    pub pid: Option<u32>,
    /// The name of its user, if the user database knows it.
    pub user_name: Option<String>,
    /// The ids that file permission checks use (`fsuid`, `fsgid`, supplementary groups), in the
    /// **initial** (the observer's) user namespace.
    pub ids: Seen<Ids>,
    /// Its effective capabilities. They count in its user namespace only.
    pub capabilities: Seen<Capabilities>,
    /// Its user namespace.
    pub user_namespace: Seen<UserNamespace>,
    /// The groups that the group database gives this user; a process may carry fewer.
    pub account_groups: Seen<Vec<Group>>,
    /// Its root directory, as the observer names it.
    pub root: Seen<Vec<u8>>,
    /// Its working directory.
    pub cwd: Seen<Vec<u8>>,
    /// The inode number that identifies its mount namespace.
    pub mount_namespace: Seen<u64>,
    /// The inode number that identifies its network namespace.
    pub net_namespace: Seen<u64>,
    /// Its system call filter.
    pub seccomp: Seen<Seccomp>,
    /// Whether a Landlock domain restricts it. The kernel does not tell; known only to a process
    /// that restricted itself.
    pub landlock: Seen<bool>,
    /// Its label from a security module such as SELinux or AppArmor.
    pub security_label: Seen<String>,
    /// Its open descriptors and their limit.
    pub descriptors: Seen<DescriptorUse>,
}

impl Caller {
    /// Whether it may write to files and search directories whatever their modes say
    /// (`CAP_DAC_OVERRIDE`), as root may. Where its capabilities are not known, its user id tells.
    pub fn overrides_modes(&self) -> bool {
        match self.capabilities.known() {
            Some(held) => held.has(Capabilities::DAC_OVERRIDE),
            None => self.ids.is(|ids| ids.uid == 0),
        }
    }
}

/// The ids of a process that file permission checks use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ids {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub groups: Vec<u32>,
}

impl Ids {
    /// Whether a process with these ids is in the group.
    pub fn in_group(&self, gid: u32) -> bool {
        self.gid == gid || self.groups.contains(&gid)
    }
}

/// A set of capabilities, as the bits of `CapEff` in `/proc/PID/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// Bypasses file read, write and execute checks.
    pub const DAC_OVERRIDE: u32 = 1;
    /// Bypasses file read and directory search checks.
    pub const DAC_READ_SEARCH: u32 = 2;
    /// Changes group ids at will.
    pub const SETGID: u32 = 6;
    /// Changes user ids at will.
    pub const SETUID: u32 = 7;
    /// Binds to privileged ports.
    pub const NET_BIND_SERVICE: u32 = 10;
    /// Administers the network.
    pub const NET_ADMIN: u32 = 12;
    /// Inspects other processes.
    pub const SYS_PTRACE: u32 = 19;
    /// Administers the system.
    pub const SYS_ADMIN: u32 = 21;
    /// Exceeds resource limits.
    pub const SYS_RESOURCE: u32 = 24;

    /// Whether the capability with this number is in the set.
    pub const fn has(self, number: u32) -> bool {
        self.0 & (1 << number) != 0
    }
}

/// A user namespace, as `/proc/PID/uid_map` and `gid_map` show it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserNamespace {
    /// Whether it is the initial one (or the observer's own, where that cannot be told).
    pub initial: bool,
    /// Ranges of user ids.
    pub uid_map: Vec<IdRange>,
    /// Ranges of group ids.
    pub gid_map: Vec<IdRange>,
}

impl UserNamespace {
    /// Whether a file's owner and group both have an id in the namespace: only then do
    /// capabilities held in it apply to the file.
    pub fn maps(&self, uid: u32, gid: u32) -> bool {
        self.initial
            || (self.uid_map.iter().any(|r| r.covers(uid))
                && self.gid_map.iter().any(|r| r.covers(gid)))
    }
}

/// One line of an id map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IdRange {
    /// The first id inside the namespace.
    pub inside: u32,
    /// The first id outside it.
    pub outside: u32,
    /// How many ids follow each other.
    pub count: u32,
}

impl IdRange {
    /// Whether this id outside the namespace has one inside, by this line.
    pub const fn covers(&self, outside: u32) -> bool {
        outside >= self.outside && outside - self.outside < self.count
    }

    /// Whether this id is one inside the namespace, by this line.
    pub const fn has_inside(&self, inside: u32) -> bool {
        inside >= self.inside && inside - self.inside < self.count
    }
}

/// A group of the group database.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// Its id.
    pub gid: u32,
    /// Its name.
    pub name: String,
}

/// The state of a process's system call filter, as `/proc/PID/status` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seccomp {
    /// No filter.
    #[default]
    Off,
    /// Strict mode: only `read`, `write`, `exit` and `sigreturn`.
    Strict,
    /// One or more filter programs; what they allow cannot be read.
    Filter,
}
