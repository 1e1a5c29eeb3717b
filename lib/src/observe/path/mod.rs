//! A pathname, walked as the caller would walk it.
//!
//! [`walk`] opens nothing but `O_PATH` descriptors: no device, no FIFO, no automount. It judges
//! every directory for the caller, not for the observer, so it ends where the caller would be
//! stopped even if the observer could go on. It believes a result only if two walks agree, and
//! waits no longer than [`PATIENCE`] for a file system that may never answer.

mod acl;
mod look;
mod pending;
mod walker;

use super::accounts::Accounts;
use super::caller::View;
use super::mounts::Mounts;
use super::procfs;
use crate::sys::errno;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use sunpath_core::fact::caller::Caller;
use sunpath_core::fact::path::{End, Variants, Walk};
use sunpath_core::fact::{Seen, Unseen};

/// For how long a file system that asks a server may be silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a path that changes is walked before that is given up.
const TRIES: usize = 3;

/// What a walk needs of a [`View`]; it can be sent to another thread.
#[derive(Clone)]
struct Ground {
    caller: Caller,
    myself: bool,
    root: Seen<Arc<OwnedFd>>,
    cwd: Seen<Arc<OwnedFd>>,
    pids: Option<(u32, u32)>,
    protected_links: bool,
}

impl Ground {
    fn of(view: &View) -> Ground {
        Ground {
            caller: view.caller.clone(),
            myself: view.myself,
            root: view.root.clone(),
            cwd: view.cwd.clone(),
            pids: view.pids,
            protected_links: procfs::setting("fs/protected_symlinks") == Some(1u8),
        }
    }

    /// The working directory as the caller names it: below its own root.
    fn cwd_name(&self) -> Vec<u8> {
        let Some(cwd) = self.caller.cwd.known() else { return b".".to_vec() };
        let root = self.caller.root.known().map_or(&b"/"[..], Vec::as_slice);
        match cwd.strip_prefix(root) {
            Some(b"") => b"/".to_vec(),
            Some(below) if below.starts_with(b"/") => below.to_vec(),
            _ => cwd.clone(),
        }
    }
}

/// Walks a path as the caller would, following symbolic links to the end.
///
/// Like the kernel, it takes the bytes before the first NUL for the path; an empty path leads
/// nowhere. No length is too long here: what fits into an address is another question.
pub(crate) fn walk(path: &[u8], view: &View) -> Seen<Walk> {
    let ground = Ground::of(view);
    let mounts = mounts(view);
    let path = path.split(|b| *b == 0).next().unwrap_or_default();
    let walked = bounded(path, ground, mounts);
    walked.map(|mut walk| {
        put_names(&mut walk, &view.accounts);
        walk
    })
}

/// The mounts that the caller sees, and those that the observer sees: a process whose root directory
/// is no mount point is not shown the mount it is on.
pub(crate) fn mounts(view: &View) -> Seen<Mounts> {
    let Some(process) = &view.proc else {
        return Seen::Unseen(Unseen::Absent { what: "/proc/PID/mountinfo" });
    };
    let theirs = procfs::seen(Mounts::read(process.as_fd()), "/proc/PID/mountinfo");
    if view.myself {
        return theirs;
    }
    let mine = procfs::myself().and_then(|me| Mounts::read(me.as_fd()));
    theirs.map(|theirs| theirs.or(mine.unwrap_or_default()))
}

/// Paths that were probably meant: kept if they lead to an existing object.
///
/// `abstract_name` is not looked at here.
pub(crate) fn variants(path: &[u8], view: &View) -> Variants {
    let trimmed = path.trim_ascii();
    let slashed = [b"/", path].concat();
    let worth = |other: &[u8], differs: bool| {
        if !differs || other.is_empty() || other.contains(&0) {
            return Seen::Known(None);
        }
        walk(other, view).map(|walk| (walk.end == End::Found).then(|| other.to_vec()))
    };
    let relative = !path.is_empty() && !path.starts_with(b"/");
    Variants {
        trimmed: worth(trimmed, trimmed != path),
        slashed: worth(&slashed, relative),
        abstract_name: Seen::default(),
    }
}

/// Walks on a thread of its own if a file system on the machine may keep it waiting for ever. The
/// thread is then left behind: nothing can end it before the file system answers.
fn bounded(path: &[u8], ground: Ground, mounts: Seen<Mounts>) -> Seen<Walk> {
    if mounts.is(Mounts::are_local) {
        return steady(path, &ground, &mounts);
    }
    let (sender, receiver) = mpsc::channel();
    let path = path.to_vec();
    let work = move || {
        // Nobody listens any more if it took too long.
        let _ = sender.send(steady(&path, &ground, &mounts));
    };
    let thread = match thread::Builder::new().name("sunpath-walk".into()).spawn(work) {
        Ok(thread) => thread,
        Err(error) => return Seen::Unseen(Unseen::Failed { error: errno::io_told(&error) }),
    };
    match receiver.recv_timeout(PATIENCE) {
        Ok(walk) => {
            let _ = thread.join();
            walk
        }
        Err(_) => Seen::Unseen(Unseen::Failed { error: "the file system does not answer".into() }),
    }
}

/// Walks until the path holds still.
fn steady(path: &[u8], ground: &Ground, mounts: &Seen<Mounts>) -> Seen<Walk> {
    if path.is_empty() {
        let end = End::Missing { name: Vec::new(), last: true, link: None };
        return Seen::Known(Walk { end, ..Walk::default() });
    }
    agreed(|| match walker::walk(path, ground, mounts) {
        Ok(walk) => Seen::Known(walk),
        Err(reason) => Seen::Unseen(reason),
    })
}

/// What two walks in a row agree on.
fn agreed(mut walk: impl FnMut() -> Seen<Walk>) -> Seen<Walk> {
    let mut last = walk();
    for _ in 0..TRIES {
        let next = walk();
        if next == last {
            return next;
        }
        last = next;
    }
    last.map(|walk| Walk { end: End::Changed, ..walk })
}

/// Adds the names of owners and groups.
fn put_names(walk: &mut Walk, accounts: &Accounts) {
    for step in &mut walk.steps {
        step.owner_name = accounts.user_name(step.uid);
        step.group_name = accounts.group_name(step.gid);
    }
}

#[cfg(test)]
mod tests;
