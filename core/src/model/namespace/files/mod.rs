//! Calls on files. Their errors are not of the catalogue, but for the one of `open` on a socket;
//! they are those of Linux on every system.

mod attributes;
mod make;
mod open;
mod remove;

use super::permission::{Denied, Want};
use super::tree::{NodeId, NodeKind};
use super::walk::{Broken, Final, Place};
use crate::Errno;
use crate::model::process::Process;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::{FileOp, Ret};

/// The longest path that a call takes, in bytes.
const PATH_MAX: usize = 4095;

impl World {
    pub(crate) fn file_call(&mut self, caller: Caller, op: &FileOp) -> Tried {
        match op {
            FileOp::Open { path } => self.open(caller, path),
            FileOp::OpenPath { path } => self.open_path(caller, path),
            FileOp::Create { path, mode } => self.create_file(caller, path, *mode),
            FileOp::Mkdir { path, mode } => self.mkdir(caller, path, *mode),
            FileOp::Mkfifo { path, mode } => self.mkfifo(caller, path, *mode),
            FileOp::Symlink { target, path } => self.symlink(caller, target, path),
            FileOp::Link { from, to } => self.link(caller, from, to),
            FileOp::Rename { from, to } => self.rename(caller, from, to),
            FileOp::Unlink { path } => self.unlink(caller, path),
            FileOp::Rmdir { path } => self.rmdir(caller, path),
            FileOp::Chmod { path, mode } => self.chmod(caller, path, *mode),
            FileOp::Fchmod { fd, mode } => self.fchmod(caller, *fd, *mode),
            FileOp::Chown { path, uid, gid } => self.chown(caller, path, *uid, *gid),
            FileOp::Lstat { path } => self.lstat(caller, path),
            FileOp::Chdir { path } => self.chdir(caller, path),
            FileOp::Ring => self.open_ring(caller),
            FileOp::Umask { mask } => Ok(self.umask(caller, *mask)),
        }
    }

    fn chdir(&mut self, caller: Caller, path: &[u8]) -> Tried {
        let node = self.arrive(caller, path, Final::Follow)?;
        if !self.namespace.is_directory(node) {
            return Err(Stop::Errno(Errno::ENOTDIR));
        }
        let process = &mut self.processes[caller.process];
        let old = core::mem::replace(&mut process.directory, node);
        if !self.may(&self.processes[caller.process], node, Want::SEARCH) {
            self.processes[caller.process].directory = old;
            return Err(Stop::Errno(Errno::EACCES));
        }
        self.leave_directory(old);
        Ok(Ret::Unit)
    }

    /// The file that a path of a file call leads to.
    fn arrive(&self, caller: Caller, path: &[u8], last: Final) -> Tried<NodeId> {
        let found = self.find_file(caller.process, argument(path)?, last).map_err(broken)?;
        // Whoever asks for a file itself must ask its file system.
        match self.namespace.mount(found.node).dead {
            true => Err(Stop::Errno(Errno::ENOTCONN)),
            false => Ok(found.node),
        }
    }

    /// The place that a path of a file call names.
    fn place(&self, caller: Caller, path: &[u8]) -> Tried<Place> {
        self.find_place(caller.process, argument(path)?).map_err(broken)
    }

    /// Frees a file that has no name any more, unless something still uses it.
    pub(super) fn forget_unused(&mut self, id: NodeId) {
        let Some(node) = self.namespace.get(id) else { return };
        let used = match &node.kind {
            NodeKind::Socket(bound) => bound.is_some(),
            NodeKind::Directory(_) => self.stands_below(id),
            _ => false,
        };
        if node.links == 0 && node.covers == 0 && !used {
            self.namespace.forget(id);
        }
    }

    /// A process does not work in this directory any more: it, and those above it, may have been
    /// removed meanwhile.
    pub(crate) fn leave_directory(&mut self, mut at: NodeId) {
        while let Some(node) = self.namespace.get(at)
            && node.links == 0
            && let Some(parent) = self.namespace.entries(at).map(|d| d.parent)
        {
            self.forget_unused(at);
            at = parent;
        }
    }

    /// Whether a process works in a directory, or below it.
    fn stands_below(&self, directory: NodeId) -> bool {
        let alive = self.processes.iter().filter(|(_, process)| !process.gone);
        alive.into_iter().any(|(_, process)| {
            [process.directory, process.root].iter().any(|at| self.is_above(directory, *at))
        })
    }

    /// Whether a directory is this one, or above it.
    fn is_above(&self, directory: NodeId, at: NodeId) -> bool {
        self.namespace.upwards(at).any(|at| at == directory)
    }

    /// Whether a process may change the entries of a directory.
    fn check_entries(&self, process: &Process, directory: NodeId) -> Tried<()> {
        self.check_write(process, directory, Want::CHANGE_ENTRIES).map_err(denied)
    }

    fn check_writable_mount(&self, node: NodeId) -> Tried<()> {
        match self.namespace.mount(node).read_only {
            true => Err(Stop::Errno(Errno::EROFS)),
            false => Ok(()),
        }
    }
}

/// A path as the kernel copies it: up to its first NUL.
fn argument(path: &[u8]) -> Tried<&[u8]> {
    let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
    match end {
        0 => Err(Stop::Errno(Errno::ENOENT)),
        _ if end > PATH_MAX => Err(Stop::Errno(Errno::ENAMETOOLONG)),
        _ => Ok(&path[..end]),
    }
}

fn denied(denied: Denied) -> Stop {
    Stop::Errno(match denied {
        Denied::ReadOnly => Errno::EROFS,
        Denied::Immutable => Errno::EPERM,
        Denied::Mode => Errno::EACCES,
    })
}

fn broken(broken: Broken) -> Stop {
    Stop::Errno(broken.errno())
}
