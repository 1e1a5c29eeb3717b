//! The model's files, as the library uses them to bind sockets: directories and files that are
//! held open, locks, and names that are moved.
//!
//! A file that is held is a placeholder like a socket is, but not a descriptor of the model: what it
//! is, is told by its number, and names in a directory are reached by the path to it at the time
//! when it was opened.

use super::handle::Handle;
use super::socket::{inode, placeholder};
use super::state::{State, Status};
use crate::model::{BoundSocket, FileStatus};
use crate::op::{FileOp, Op, Ret};
use crate::sys::{Errno as Host, Result, errno};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, OwnedFd};

/// The files that a program holds.
#[derive(Debug, Default)]
pub(super) struct Files {
    by_inode: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    kept: OwnedFd,
    process: usize,
    path: Vec<u8>,
    number: u64,
    locked: bool,
}

impl Held {
    fn is_open(&self) -> bool {
        let mut polled = [PollFd::new(&self.kept, PollFlags::empty())];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let _ = poll(&mut polled, Some(&at_once));
        !polled[0].revents().contains(PollFlags::HUP)
    }
}

impl Files {
    /// Lets go of what the program has closed.
    fn sweep(&mut self) {
        self.by_inode.retain(|_, held| held.is_open());
    }

    /// A process has died.
    pub(super) fn forget(&mut self, process: usize) {
        self.by_inode.retain(|_, held| held.process != process);
    }

    fn get(&self, fd: BorrowedFd<'_>) -> Option<&Held> {
        self.by_inode.get(&inode(fd)?)
    }
}

/// A path from a place, which is a held directory or the working directory.
fn path(state: &State, base: BorrowedFd<'_>, name: &[u8]) -> Vec<u8> {
    match state.files.get(base) {
        Some(held) if name.is_empty() => held.path.clone(),
        Some(held) if !name.starts_with(b"/") => {
            let slash: &[u8] = if held.path.ends_with(b"/") { b"" } else { b"/" };
            [&held.path, slash, name].concat()
        }
        _ => name.to_vec(),
    }
}

/// A name and the directory that it is in.
pub(crate) type At<'a> = (BorrowedFd<'a>, &'a [u8]);

impl Handle {
    /// Makes one step of several calls at once: nobody comes between.
    fn on_files<T>(&self, step: impl FnOnce(&mut State, usize) -> Result<T>) -> Result<T> {
        let mut state = self.wait(self.lock(), Status::Ready)?;
        state.files.sweep();
        let process = state.tasks[self.task].process;
        step(&mut state, process)
    }

    fn file_op(&self, op: impl FnOnce(&State) -> FileOp) -> Result<()> {
        self.on_files(|state, _| {
            let op = Op::File(op(state));
            self.step(state, &op).map(drop)
        })
    }

    /// A call that never waits, without giving others a turn.
    fn step(&self, state: &mut State, op: &Op) -> Result<Ret> {
        let (model, name) = (state.tasks[self.task].model, state.tasks[self.task].name.clone());
        let step = state.world.step(model, op);
        state.note(name, op, &step);
        match step {
            crate::model::Step::Done(ret) => Ok(ret),
            crate::model::Step::Fail(failure) => Err(errno::host(failure.errno)),
            crate::model::Step::Blocked(_) => Err(Host::AGAIN),
        }
    }

    fn look(&self, state: &State, path: &[u8], follow: bool) -> Result<FileStatus> {
        let task = state.tasks[self.task].model;
        state.world.look_at(task, path, follow).map_err(errno::host)
    }

    /// Holds a file; a directory if that is asked for.
    pub(crate) fn open(&self, at: At<'_>, follow: bool, directory: bool) -> Result<OwnedFd> {
        self.on_files(|state, process| {
            let path = path(state, at.0, at.1);
            let status = self.look(state, &path, follow)?;
            if directory && status.mode & crate::sys::libc::S_IFMT != crate::sys::libc::S_IFDIR {
                return Err(Host::NOTDIR);
            }
            hold(state, process, path, status.number)
        })
    }

    /// Opens a lock file, which is made if there is none.
    pub(crate) fn open_lock(&self, at: At<'_>) -> Result<OwnedFd> {
        self.on_files(|state, process| {
            let path = path(state, at.0, at.1);
            let create = Op::File(FileOp::Create { path: path.clone(), mode: 0o600 });
            match self.step(state, &create) {
                Err(Host::EXIST) => {}
                made => drop(made?),
            }
            let status = self.look(state, &path, false)?;
            hold(state, process, path, status.number)
        })
    }

    /// `flock(2)` that does not wait, for itself alone.
    pub(crate) fn lock_file(&self, file: BorrowedFd<'_>) -> Result<()> {
        self.on_files(|state, _| {
            let this = inode(file).ok_or(Host::BADF)?;
            let number = state.files.get(file).ok_or(Host::BADF)?.number;
            let mut others = state.files.by_inode.iter().filter(|(inode, _)| **inode != this);
            if others.any(|(_, held)| held.locked && held.number == number) {
                return Err(Host::AGAIN);
            }
            state.files.by_inode.get_mut(&this).ok_or(Host::BADF)?.locked = true;
            Ok(())
        })
    }

    /// What a held file is.
    pub(crate) fn status_of(&self, file: BorrowedFd<'_>) -> Result<FileStatus> {
        self.on_files(|state, _| {
            let number = state.files.get(file).ok_or(Host::BADF)?.number;
            state.world.look_at_number(number).ok_or(Host::STALE)
        })
    }

    /// What a name leads to.
    pub(crate) fn status_at(&self, at: At<'_>, follow: bool) -> Result<FileStatus> {
        self.on_files(|state, _| self.look(state, &path(state, at.0, at.1), follow))
    }

    /// The names in a directory.
    pub(crate) fn names(&self, at: At<'_>) -> Result<Vec<Vec<u8>>> {
        self.on_files(|state, _| {
            let task = state.tasks[self.task].model;
            state.world.list(task, &path(state, at.0, at.1)).map_err(errno::host)
        })
    }

    pub(crate) fn make_directory(&self, at: At<'_>, mode: u32) -> Result<()> {
        self.file_op(|state| FileOp::Mkdir { path: path(state, at.0, at.1), mode })
    }

    pub(crate) fn unlink(&self, at: At<'_>) -> Result<()> {
        self.file_op(|state| FileOp::Unlink { path: path(state, at.0, at.1) })
    }

    pub(crate) fn remove_directory(&self, at: At<'_>) -> Result<()> {
        self.file_op(|state| FileOp::Rmdir { path: path(state, at.0, at.1) })
    }

    pub(crate) fn link(&self, from: At<'_>, to: At<'_>) -> Result<()> {
        self.file_op(|state| FileOp::Link {
            from: path(state, from.0, from.1),
            to: path(state, to.0, to.1),
        })
    }

    pub(crate) fn set_mode(&self, at: At<'_>, mode: u32) -> Result<()> {
        self.file_op(|state| FileOp::Chmod { path: path(state, at.0, at.1), mode })
    }

    pub(crate) fn set_mode_of(&self, file: BorrowedFd<'_>, mode: u32) -> Result<()> {
        self.on_files(|state, _| {
            let path = state.files.get(file).ok_or(Host::BADF)?.path.clone();
            self.step(state, &Op::File(FileOp::Chmod { path, mode })).map(drop)
        })
    }

    pub(crate) fn set_owner(&self, at: At<'_>, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        self.on_files(|state, _| {
            let path = path(state, at.0, at.1);
            let now = self.look(state, &path, false)?;
            let (uid, gid) = (uid.unwrap_or(now.uid), gid.unwrap_or(now.gid));
            self.step(state, &Op::File(FileOp::Chown { path, uid, gid })).map(drop)
        })
    }

    pub(crate) fn rename(&self, from: At<'_>, to: At<'_>) -> Result<()> {
        self.file_op(|state| rename(state, from, to))
    }

    /// `RENAME_NOREPLACE`
    pub(crate) fn rename_new(&self, from: At<'_>, to: At<'_>) -> Result<()> {
        self.on_files(|state, _| {
            if self.look(state, &path(state, to.0, to.1), false).is_ok() {
                return Err(Host::EXIST);
            }
            let op = Op::File(rename(state, from, to));
            self.step(state, &op).map(drop)
        })
    }

    /// `RENAME_EXCHANGE`
    pub(crate) fn exchange(&self, one: At<'_>, other: At<'_>) -> Result<()> {
        self.on_files(|state, _| {
            let (one, other) = (path(state, one.0, one.1), path(state, other.0, other.1));
            self.look(state, &one, false)?;
            self.look(state, &other, false)?;
            let between = [&one[..], b".exchanged"].concat();
            let steps = [(&one, &between), (&other, &one), (&between, &other)];
            for (from, to) in steps {
                let op = FileOp::Rename { from: from.clone(), to: to.clone() };
                self.step(state, &Op::File(op))?;
            }
            Ok(())
        })
    }

    /// The socket that is bound to a held file.
    pub(crate) fn bound_to(&self, file: BorrowedFd<'_>) -> Result<Option<BoundSocket>> {
        self.on_files(|state, _| {
            let number = state.files.get(file).ok_or(Host::BADF)?.number;
            Ok(state.world.bound_to(number))
        })
    }

    /// The effective user of this thread.
    pub(crate) fn user(&self) -> u32 {
        let state = self.lock();
        state.world.effective_user(state.tasks[self.task].model)
    }
}

fn rename(state: &State, from: At<'_>, to: At<'_>) -> FileOp {
    FileOp::Rename { from: path(state, from.0, from.1), to: path(state, to.0, to.1) }
}

fn hold(state: &mut State, process: usize, path: Vec<u8>, number: u64) -> Result<OwnedFd> {
    let (inode, kept, given) = placeholder()?;
    state.files.by_inode.insert(inode, Held { kept, process, path, number, locked: false });
    Ok(given)
}
