//! Processes: their user, their descriptors, their limits; and tasks, which make calls.

use super::environment::Restrictions;
use super::file::FileId;
use super::namespace::NodeId;
use super::slab::Id;
use super::socket::{NetId, SocketId};
use super::wait::Pending;
use crate::op::{Fd, Ids};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::BitOr;

pub(crate) type ProcessId = Id<Process>;

/// A process.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: i32,
    pub(crate) credentials: Credentials,
    pub(crate) descriptors: Vec<Option<Descriptor>>,
    /// The lowest number that may be free.
    pub(crate) lowest: usize,
    /// Numbers that calls which wait keep for what they will give: neither free nor open.
    pub(crate) claimed: Vec<Fd>,
    /// `RLIMIT_NOFILE`
    pub(crate) limit: u32,
    /// The network namespace of new sockets.
    pub(crate) net: NetId,
    pub(crate) umask: u32,
    pub(crate) restrictions: Restrictions,
    /// Who forked it; `None`: nobody of this world.
    pub(crate) parent: Option<ProcessId>,
    /// The working directory.
    pub(crate) directory: NodeId,
    /// Where paths start that begin with a slash.
    pub(crate) root: NodeId,
    /// It has exited.
    pub(crate) gone: bool,
    /// Its end was noticed, so that its number stands for nothing any more.
    pub(crate) reaped: bool,
    /// `SIGSTOP`
    pub(crate) stopped: bool,
}

/// An entry of the table of descriptors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Descriptor {
    pub(crate) file: FileId,
    /// The file's socket, if it is one: what stands for a file never changes.
    pub(crate) socket: Option<SocketId>,
}

/// A thread: one call at a time.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) process: ProcessId,
    /// The call in which it waits.
    pub(crate) pending: Option<Box<Pending>>,
}

/// The users, groups and powers of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Real, effective and saved user.
    pub users: [u32; 3],
    /// Real, effective and saved group.
    pub groups: [u32; 3],
    /// Supplementary groups.
    pub supplementary: Vec<u32>,
    /// Capabilities that are in effect.
    pub caps: Caps,
    /// Capabilities that it gets back when its effective user is root again.
    pub permitted: Caps,
}

impl Credentials {
    /// Root, with every capability.
    pub const ROOT: Credentials = Credentials {
        users: [0; 3],
        groups: [0; 3],
        supplementary: Vec::new(),
        caps: Caps::ALL,
        permitted: Caps::ALL,
    };

    /// An ordinary user of one group.
    pub const fn user(uid: u32, gid: u32) -> Credentials {
        Credentials {
            users: [uid; 3],
            groups: [gid; 3],
            supplementary: Vec::new(),
            caps: Caps::NONE,
            permitted: Caps::NONE,
        }
    }
}

/// A set of capabilities, see `capabilities(7)`. Systems without them have all or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps(u16);

impl Caps {
    /// None.
    pub const NONE: Caps = Caps(0);
    /// Goes past the mode of files and directories: `CAP_DAC_OVERRIDE`.
    pub const DAC_OVERRIDE: Caps = Caps(1);
    /// Searches every directory: `CAP_DAC_READ_SEARCH`.
    pub const DAC_READ_SEARCH: Caps = Caps(2);
    /// Changes others' files: `CAP_FOWNER`.
    pub const FOWNER: Caps = Caps(4);
    /// Gives files away: `CAP_CHOWN`.
    pub const CHOWN: Caps = Caps(8);
    /// Claims any user: `CAP_SETUID`.
    pub const SETUID: Caps = Caps(16);
    /// Claims any group: `CAP_SETGID`.
    pub const SETGID: Caps = Caps(32);
    /// Claims any process, and much else: `CAP_SYS_ADMIN`.
    pub const SYS_ADMIN: Caps = Caps(64);
    /// Exceeds limits: `CAP_SYS_RESOURCE`.
    pub const SYS_RESOURCE: Caps = Caps(128);
    /// Configures the network: `CAP_NET_ADMIN`.
    pub const NET_ADMIN: Caps = Caps(256);
    /// Binds to the low ports of the internet: `CAP_NET_BIND_SERVICE`.
    pub const NET_BIND_SERVICE: Caps = Caps(512);
    /// All of these.
    pub const ALL: Caps = Caps(1023);

    /// Each of them by its name, lower case and without `CAP_`.
    pub const NAMES: &'static [(&'static str, Caps)] = &[
        ("dac_override", Caps::DAC_OVERRIDE),
        ("dac_read_search", Caps::DAC_READ_SEARCH),
        ("fowner", Caps::FOWNER),
        ("chown", Caps::CHOWN),
        ("setuid", Caps::SETUID),
        ("setgid", Caps::SETGID),
        ("sys_admin", Caps::SYS_ADMIN),
        ("sys_resource", Caps::SYS_RESOURCE),
        ("net_admin", Caps::NET_ADMIN),
        ("net_bind_service", Caps::NET_BIND_SERVICE),
    ];

    /// Whether all of these are in the set.
    pub const fn contains(self, other: Caps) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Caps {
    type Output = Caps;
    fn bitor(self, other: Caps) -> Caps {
        Caps(self.0 | other.0)
    }
}

impl Process {
    /// What peers see of it: the process and its effective user and group.
    pub(crate) fn effective(&self) -> Ids {
        Ids { pid: self.pid, uid: self.credentials.users[1], gid: self.credentials.groups[1] }
    }

    /// What a message carries that nobody filled in: the process and its real user and group.
    pub(crate) fn real(&self) -> Ids {
        Ids { pid: self.pid, uid: self.credentials.users[0], gid: self.credentials.groups[0] }
    }

    /// The descriptor of this number.
    #[inline]
    pub(crate) fn descriptor(&self, fd: Fd) -> Option<Descriptor> {
        *self.descriptors.get(usize::try_from(fd).ok()?)?
    }

    /// How many more descriptors it may have.
    pub(crate) fn vacancies(&self) -> usize {
        let limit = self.limit as usize;
        let used = self.descriptors.iter().take(limit).flatten().count();
        let claimed = self.claimed.iter().filter(|fd| (**fd as usize) < limit).count();
        limit - used - claimed
    }

    /// The lowest free number, and as many entries of the table as that takes; `None` at the limit.
    fn lowest_free(&mut self) -> Option<usize> {
        let free = |number: &usize| {
            matches!(self.descriptors.get(*number), None | Some(None))
                && !self.claimed.contains(&(*number as Fd))
        };
        let number = (self.lowest..self.limit as usize).find(free)?;
        if number >= self.descriptors.len() {
            self.descriptors.resize(number + 1, None);
        }
        Some(number)
    }

    /// Keeps the lowest free number for a call that waits; `None` at the limit.
    pub(crate) fn claim(&mut self) -> Option<Fd> {
        let number = self.lowest_free()? as Fd;
        self.claimed.push(number);
        Some(number)
    }

    /// The call that kept this number wants it no more.
    pub(crate) fn renounce(&mut self, fd: Fd) {
        self.claimed.retain(|claimed| *claimed != fd);
        self.lowest = self.lowest.min(fd as usize);
    }

    /// Puts a file under a number that was kept for it.
    pub(crate) fn redeem(&mut self, fd: Fd, new: Descriptor) {
        self.claimed.retain(|claimed| *claimed != fd);
        self.descriptors[fd as usize] = Some(new);
    }

    /// Puts a file under the lowest free number; `None` at the limit.
    pub(crate) fn install(&mut self, new: Descriptor) -> Option<Fd> {
        let number = self.lowest_free()?;
        self.descriptors[number] = Some(new);
        self.lowest = number + 1;
        Some(number as Fd)
    }

    /// Takes a number away.
    pub(crate) fn uninstall(&mut self, fd: Fd) -> Option<Descriptor> {
        let number = usize::try_from(fd).ok()?;
        let taken = self.descriptors.get_mut(number)?.take()?;
        self.lowest = self.lowest.min(number);
        Some(taken)
    }
}
