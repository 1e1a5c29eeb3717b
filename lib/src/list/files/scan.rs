//! Finds socket files below directories, without touching anything that may not answer.

use crate::fact::path::{End, FileKind};
use crate::fact::{Seen, Unseen};
use crate::observe::look::{self, Mounts, View};
use crate::sys::{Errno, errno, file};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, RawDir, ResolveFlags, openat, openat2};
use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Directories further down are left out.
const DEEPEST: usize = 12;

/// No more names are looked at.
const MOST: usize = 1_000_000;

/// File systems of this machine on which there are no socket files, and those that mount others
/// when they are entered.
const WITHOUT: [&str; 14] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "efivarfs",
    "mqueue",
    "proc",
    "pstore",
    "securityfs",
    "sysfs",
];

/// What was found.
pub(super) struct Scan {
    /// As whom paths are walked: this thread.
    pub view: View,
    /// The directories, without symbolic links.
    pub roots: Vec<Vec<u8>>,
    /// The paths of socket files.
    pub sockets: Vec<Vec<u8>>,
    pub unread: Vec<(Vec<u8>, Unseen)>,
    mounts: Seen<Mounts>,
    /// Directories by device and inode number: a bind mount shows one again.
    met: HashSet<(u32, u32, u64)>,
    left: usize,
}

/// Looks below all directories.
pub(super) fn scan(directories: &[PathBuf]) -> Scan {
    let view = look::myself();
    let mut scan = Scan {
        mounts: look::mounts(&view),
        view,
        roots: Vec::new(),
        sockets: Vec::new(),
        unread: Vec::new(),
        met: HashSet::new(),
        left: MOST,
    };
    for directory in directories {
        scan.root(directory.as_os_str().as_bytes());
    }
    scan.sockets.sort();
    scan.sockets.dedup();
    scan
}

/// A directory in which a name is looked up, and whether other mounts may be entered.
type Place<'a> = (&'a OwnedFd, &'a [u8], ResolveFlags);

impl Scan {
    fn root(&mut self, given: &[u8]) {
        let walk = match look::walk(given, &self.view) {
            Seen::Known(walk) => walk,
            Seen::Unseen(why) => return self.unread.push((given.to_vec(), why)),
        };
        let last = walk.steps.last().filter(|_| walk.end == End::Found);
        let Some(step) = last else {
            let why = match walk.end {
                End::NoSearch => Unseen::Denied { needs: "search permission" },
                _ => Unseen::Absent { what: "a directory" },
            };
            return self.unread.push((given.to_vec(), why));
        };
        if !step.mount.is(|mount| enters(&mount.fs_type)) {
            return self.unread.push((given.to_vec(), other_file_system()));
        }
        match step.kind {
            FileKind::Socket => self.sockets.push(step.path.clone()),
            FileKind::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                match openat(rustix::fs::CWD, step.path.as_slice(), flags, Mode::empty()) {
                    Ok(opened) => {
                        self.roots.push(step.path.clone());
                        self.directory(&opened, &step.path, 0);
                    }
                    Err(errno) => self.skip(&step.path, errno),
                }
            }
            _ => self.unread.push((given.to_vec(), Unseen::Absent { what: "a directory" })),
        }
    }

    fn directory(&mut self, directory: &OwnedFd, path: &[u8], depth: usize) {
        let Ok(status) = file::status(directory.as_fd()) else { return };
        let identity = (status.stx_dev_major, status.stx_dev_minor, status.stx_ino);
        if !self.met.insert(identity) {
            return;
        }
        let mut below = Vec::new();
        if let Err(errno) = self.names(directory, path, &mut below) {
            self.skip(path, errno);
        }
        for name in below {
            let inner = join(path, &name);
            if depth == DEEPEST {
                let error = format!("it is more than {DEEPEST} directories down");
                self.unread.push((inner, Unseen::Failed { error }));
                continue;
            }
            match self.enter((directory, &name, ResolveFlags::NO_XDEV)) {
                Ok(Some(opened)) => self.directory(&opened, &inner, depth + 1),
                Ok(None) => {}
                Err(errno) => self.skip(&inner, errno),
            }
        }
    }

    /// Notes the socket files of a directory, and gives the names of the directories in it.
    fn names(
        &mut self,
        directory: &OwnedFd,
        path: &[u8],
        below: &mut Vec<Vec<u8>>,
    ) -> Result<(), Errno> {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut entries = RawDir::new(directory, &mut buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let Some(left) = self.left.checked_sub(1) else {
                let error = format!("{MOST} names were looked at, and no more");
                self.unread.push((path.to_vec(), Unseen::Failed { error }));
                below.clear();
                return Ok(());
            };
            self.left = left;
            let kind = match entry.file_type() {
                FileType::Unknown => file::status_in(directory.as_fd(), name)
                    .map_or(FileType::Unknown, |s| FileType::from_raw_mode(s.stx_mode.into())),
                kind => kind,
            };
            match kind {
                FileType::Socket => self.sockets.push(join(path, name)),
                FileType::Directory => below.push(name.to_vec()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Opens a directory to be read, unless it is on a file system that is not entered.
    fn enter(&self, (directory, name, on): Place<'_>) -> Result<Option<OwnedFd>, Errno> {
        let resolve = ResolveFlags::NO_SYMLINKS | on;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat2(directory, name, flags | OFlags::RDONLY, Mode::empty(), resolve) {
            Err(Errno::XDEV) => {}
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            opened => return opened.map(Some),
        }
        // A name alone is asked for no more than the id of its mount, which any server's file
        // system tells without its server.
        let named = file::open_path(directory.as_fd(), name)?;
        let mount = file::mount_id(named.as_fd())?;
        let enters = self.mounts.is(|all| all.get(mount).is_some_and(|m| enters(&m.mount.fs_type)));
        if !enters {
            return Ok(None);
        }
        openat(&named, c".", flags | OFlags::RDONLY, Mode::empty()).map(Some)
    }

    fn skip(&mut self, path: &[u8], errno: Errno) {
        let why = match errno {
            Errno::ACCESS | Errno::PERM => Unseen::Denied { needs: "read permission" },
            Errno::NOENT => return,
            other => Unseen::Failed { error: errno::told(other) },
        };
        self.unread.push((path.to_vec(), why));
    }
}

fn other_file_system() -> Unseen {
    let error = "it is on a file system of a network, of FUSE or of the kernel".to_string();
    Unseen::Failed { error }
}

/// Whether directories on a file system of this type are looked into.
fn enters(fs_type: &str) -> bool {
    look::is_local(fs_type) && !WITHOUT.contains(&fs_type)
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match directory {
        b"/" => [b"/", name].concat(),
        directory => [directory, b"/", name].concat(),
    }
}
