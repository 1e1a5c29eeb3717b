//! What a pathname leads to, component by component.

use super::{Seen, SocketFact};
use crate::Errno;
use alloc::string::String;
use alloc::vec::Vec;

/// A pathname, walked as the caller would walk it, and the sockets that belong to it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PathTarget {
    /// The bytes as given by the user or the program.
    pub given: Vec<u8>,
    /// The walk. A walk that ended early says where and why.
    pub walk: Seen<Walk>,
    /// The sockets whose bound inode is the file at the end of the walk, in every network
    /// namespace that could be looked into. Empty: none is alive, in what could be seen.
    pub attached: Seen<Vec<SocketFact>>,
    /// Sockets bound by this same name to **another** inode (or with no file left).
    pub namesakes: Seen<Vec<SocketFact>>,
    /// Sockets bound to a file with the same last component and the same inode number, but on
    /// another file system: the same file, when this one is a view of it (overlay, network or
    /// shared folder).
    pub lookalikes: Seen<Vec<SocketFact>>,
    /// Whether some network namespaces or processes could not be looked into, and why. When
    /// known, all were.
    pub everywhere: Seen<()>,
    /// Near misses that users make.
    pub variants: Variants,
    /// The open socket itself, if a link of `/proc` (`/proc/PID/fd/3`) led to it and not to a file.
    /// Empty: it is no UNIX domain socket. Only looked for at the end of such a walk.
    pub open: Seen<Vec<SocketFact>>,
    /// For `bind`: what is left of the file system in which the name is to be made.
    pub space: Seen<Space>,
}

/// Paths that were probably meant instead. `Some(path)` means that it exists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variants {
    /// The path without leading or trailing white space.
    pub trimmed: Seen<Option<Vec<u8>>>,
    /// The path with a leading slash.
    pub slashed: Seen<Option<Vec<u8>>>,
    /// Sockets bound to an abstract name with the same spelling (`@name` written as a file name).
    pub abstract_name: Seen<Vec<SocketFact>>,
}

/// A path as walked: one step for each component, symbolic links expanded in place.
///
/// The first step is the root directory or the working directory. A link is a step of its own,
/// followed by the steps of its target; a link to an absolute path leads to a step for the root
/// directory again. `..` is a step for the directory it leads to, `.` is none. So the directory in
/// which the next component is looked up is always the last step that is a directory
/// ([`Walk::directory`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Walk {
    /// The components that were reached, from the root or the working directory on.
    pub steps: Vec<Step>,
    /// How it ended.
    pub end: End,
    /// The index of the step that is the last component of the path as given, before any symbolic
    /// link is followed: what `bind` would run into. `None` if there is no such object, or if the
    /// walk ended before it.
    pub named: Option<usize>,
}

impl Walk {
    /// The directory in which the last component that was looked up, or looked for, is.
    ///
    /// When the walk ended at a missing component, this is the directory that lacks it.
    pub fn directory(&self) -> Option<&Step> {
        let before = match self.end {
            End::Found | End::NotDirectory => self.steps.len().saturating_sub(1),
            _ => self.steps.len(),
        };
        self.steps[..before].iter().rev().find(|s| s.kind == FileKind::Directory)
    }

    /// The object that the last component of the path as given names, links not followed.
    pub fn named(&self) -> Option<&Step> {
        self.steps.get(self.named?)
    }
}

/// How a walk ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum End {
    /// The last step is the object that the path names.
    #[default]
    Found,
    /// The component `name` does not exist below the last step.
    Missing {
        /// The component that is missing.
        name: Vec<u8>,
        /// Whether it is the last component of the path (otherwise a directory is missing).
        last: bool,
        /// If the missing component came out of a symbolic link: the link's path.
        link: Option<Vec<u8>>,
    },
    /// The last step is not a directory, but more components follow.
    NotDirectory,
    /// The caller may not search the directory that is the last step.
    NoSearch,
    /// More than 40 symbolic links.
    TooManyLinks,
    /// A component is longer than 255 bytes; `link` is the symbolic link it came out of.
    ComponentTooLong {
        /// The symbolic link, if any.
        link: Option<Vec<u8>>,
    },
    /// `fs.protected_symlinks` forbids following the link that is the last step.
    ProtectedLink,
    /// A file system in the way does not answer (`ENOTCONN` from a dead FUSE server), at the
    /// component `name` or at the last step.
    Disconnected,
    /// The path changed while it was walked, repeatedly.
    Changed,
    /// The observer could not look further, although the caller might; `errno` is the
    /// observer's error.
    Hidden {
        /// The observer's error.
        errno: Option<Errno>,
    },
    /// Another error of a system call on the way.
    Failed {
        /// The error.
        errno: Option<Errno>,
    },
}

/// One component on the way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// Its full path so far, as the caller would write it. Symbolic links before it are resolved.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits (`07777`).
    pub mode: u32,
    /// Owner, as the observer sees it.
    pub uid: u32,
    /// Group, as the observer sees it.
    pub gid: u32,
    /// Names of owner and group, where the databases know them.
    pub owner_name: Option<String>,
    /// See `owner_name`.
    pub group_name: Option<String>,
    /// Device of its file system (`major << 32 | minor`) and inode number.
    pub file: FileId,
    /// It is a directory that has been removed, and only somebody who was in it still sees it.
    pub removed: bool,
    /// `chattr +i`.
    pub immutable: Seen<bool>,
    /// Its access control list, if it has one.
    pub acl: Seen<Option<Acl>>,
    /// For a symbolic link: its target.
    pub link: Option<Vec<u8>>,
    /// The mount it is on.
    pub mount: Seen<Mount>,
    /// What the kernel itself answers when the observer **is** the caller: may it write (for the
    /// last step) or search (for a directory)?
    pub kernel_allows: Seen<bool>,
}

/// A file's identity: file system and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId {
    /// Device of the file system: `major << 32 | minor`.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

/// The type of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileKind {
    /// A regular file.
    #[default]
    Regular,
    /// A directory.
    Directory,
    /// A socket.
    Socket,
    /// A symbolic link.
    Symlink,
    /// A FIFO.
    Fifo,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// Something else.
    Other,
}

impl FileKind {
    /// With its article, for example `a regular file`.
    pub const fn name(self) -> &'static str {
        match self {
            FileKind::Regular => "a regular file",
            FileKind::Directory => "a directory",
            FileKind::Socket => "a socket",
            FileKind::Symlink => "a symbolic link",
            FileKind::Fifo => "a FIFO",
            FileKind::CharDevice => "a character device",
            FileKind::BlockDevice => "a block device",
            FileKind::Other => "a file of unknown type",
        }
    }
}

/// A POSIX access control list: what it adds to the mode bits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acl {
    /// Named users and their permission bits (`rwx` as 4, 2, 1).
    pub users: Vec<(u32, u8)>,
    /// Named groups and their permission bits.
    pub groups: Vec<(u32, u8)>,
    /// The owning group's own bits (the mode shows the mask instead).
    pub owning_group: u8,
    /// What named users and all groups can have at most.
    pub mask: u8,
}

/// A mount, from `/proc/PID/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mount {
    /// Where it is mounted, as its owner sees it.
    pub point: Vec<u8>,
    /// The part of the file system that is mounted; not `/` for a bind mount.
    pub root: Vec<u8>,
    /// The file system's type, for example `ext4`.
    pub fs_type: String,
    /// The source, for example `/dev/sda1`.
    pub source: Vec<u8>,
    /// Whether the mount or the file system is read-only.
    pub read_only: bool,
    /// Whether the file system itself is read-only (`ro` among its own options, not only among
    /// those of the mount): then even a connect that would write to a file fails with `EROFS`.
    pub fs_read_only: bool,
}

/// How much of a file system is in use, from `statfs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Space {
    /// Inodes in all; 0 where the file system makes them as needed.
    pub inodes: u64,
    /// Inodes that are free.
    pub free_inodes: u64,
    /// Bytes that an ordinary user could still write.
    pub free_bytes: u64,
}

impl Step {
    /// Whether it is an open socket itself and no file: the kernel keeps those on a file system of
    /// its own, into which only the links in `/proc/PID/fd` lead.
    pub fn is_open_socket(&self) -> bool {
        self.kind == FileKind::Socket && self.mount.is(|mount| mount.fs_type == "sockfs")
    }
}

impl PathTarget {
    /// The object at the end of a complete walk.
    pub fn found(&self) -> Option<&Step> {
        let walk = self.walk.known()?;
        if walk.end == End::Found { walk.steps.last() } else { None }
    }

    /// The step at which an incomplete walk broke.
    pub fn broken_at(&self) -> Option<&Step> {
        let walk = self.walk.known()?;
        if walk.end == End::Found { None } else { walk.steps.last() }
    }
}
