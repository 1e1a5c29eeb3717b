//! What a path leads to.

use super::attached::{self, Wanted};
use super::names::{Spellings, join};
use super::{owners_of, watch_queues};
use crate::fact::path::{End, FileId, FileKind, PathTarget, Space, Step, Variants, Walk};
use crate::fact::{Seen, SocketFact, Unseen};
use crate::observe::caller::View;
use crate::observe::diag::{Record, States};
use crate::observe::mounts;
use crate::observe::path::{variants, walk};
use crate::observe::rehearse::{self, Bound};
use crate::observe::tables::Tables;
use crate::sys::errno;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, fstatvfs, openat2};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// How long a file system may take to say what is bound to a file.
const PATIENCE: Duration = Duration::from_secs(2);

/// Gathers what there is to know about a path.
pub(in crate::observe) fn target(given: &[u8], view: &View, tables: &mut Tables) -> PathTarget {
    let mut target =
        PathTarget { given: given.to_vec(), walk: walk(given, view), ..PathTarget::default() };
    if let Some(inode) = target.found().filter(|s| s.is_open_socket()).map(|s| s.file.inode) {
        return open_socket(target, inode, tables);
    }
    let names = spellings(&target, view);
    let file = target.found().filter(|step| step.kind == FileKind::Socket).cloned();
    let wanted = Wanted {
        names: &names,
        bound: file.as_ref().and_then(|step| ask(step, view)),
        file: file.as_ref(),
    };
    let found = attached::find(&wanted, tables);
    target.attached = found.attached;
    target.namesakes = found.namesakes;
    target.lookalikes = found.lookalikes;
    target.everywhere = found.everywhere;
    target.variants = meant_instead(&target, view, tables);
    owners_of(&mut [
        &mut target.attached,
        &mut target.namesakes,
        &mut target.lookalikes,
        &mut target.variants.abstract_name,
    ]);
    if let Seen::Known(namesakes) = &mut target.namesakes {
        namesakes.retain(|socket| may_be_bound_here(socket, &names));
    }
    watch_queues(&mut target.attached, tables);
    target.space = space(&target, view);
    target
}

/// A socket file, and what is bound to it.
pub(crate) struct OnFile {
    /// The file.
    pub step: Step,
    /// Whether anything is bound to it, by the kernel's own lookup; `None`: it does not say.
    pub bound: Option<bool>,
    /// The sockets that are.
    pub attached: Vec<SocketFact>,
}

/// Judges a socket file by sockets that were listed already: those that `fitting` gives for its
/// inode number and path. `None` if the path does not lead to one.
pub(crate) fn socket_file(
    path: &[u8],
    view: &View,
    fitting: &dyn Fn(u64, &[u8]) -> Vec<SocketFact>,
) -> Option<OnFile> {
    let target =
        PathTarget { given: path.to_vec(), walk: walk(path, view), ..PathTarget::default() };
    let step = target.found().filter(|step| step.kind == FileKind::Socket)?.clone();
    let names = spellings(&target, view);
    let wanted = Wanted { names: &names, bound: ask(&step, view), file: Some(&step) };
    let attached = attached::choose(&wanted, &fitting(step.file.inode, path));
    let bound = wanted.bound.map(|bound| bound != Bound::Nobody);
    Some(OnFile { step, bound, attached })
}

/// A path that leads to an open socket itself: nothing can be bound to it or be mistaken for it.
fn open_socket(target: PathTarget, inode: u64, tables: &mut Tables) -> PathTarget {
    let nothing = Seen::Known(Vec::new());
    let mut open = by_inode(inode, tables).map(Vec::from_iter);
    owners_of(&mut [&mut open]);
    PathTarget {
        attached: nothing.clone(),
        namesakes: nothing.clone(),
        lookalikes: nothing,
        everywhere: Seen::Known(()),
        variants: nothing_else_meant(),
        open,
        ..target
    }
}

/// The UNIX domain socket with this inode, wherever it is; `None`: there is none.
fn by_inode(inode: u64, tables: &mut Tables) -> Seen<Option<SocketFact>> {
    let same = |record: &Record<'_>| u64::from(record.inode) == inode;
    let mut missing = None;
    for states in [States::SERVERS, States::CONNECTED] {
        match tables.home.sockets(states, &same) {
            Ok(found) if found.is_empty() => {}
            Ok(found) => return Seen::Known(found.into_iter().next()),
            Err(why) => missing = Some(why),
        }
    }
    for states in [States::SERVERS, States::CONNECTED] {
        let (found, everywhere) = tables.elsewhere(states, &same);
        if let Some(found) = found.into_iter().next() {
            return Seen::Known(Some(found));
        }
        missing = missing.or(everywhere.unseen().cloned());
    }
    missing.map_or(Seen::Known(None), Seen::Unseen)
}

/// What is left of the file system in which the missing name would be made.
fn space(target: &PathTarget, view: &View) -> Seen<Space> {
    let walk = target.walk.known();
    let ends = walk.filter(|w| matches!(w.end, End::Missing { last: true, .. }));
    let Some(directory) = ends.and_then(Walk::directory) else { return Seen::default() };
    // A file system that asks a server might never answer.
    if !directory.mount.is(|mount| mounts::is_local(&mount.fs_type)) {
        return Seen::default();
    }
    let base = base(directory, view);
    let opened = base.and_then(|b| open(&b, &directory.path, directory.file, FileType::Directory));
    match opened.map(|file| fstatvfs(&file)) {
        Some(Ok(total)) => Seen::Known(Space {
            inodes: total.f_files,
            free_inodes: total.f_ffree,
            free_bytes: total.f_bavail.saturating_mul(total.f_frsize),
        }),
        Some(Err(errno)) => Seen::Unseen(Unseen::Failed { error: errno::told(errno) }),
        None => Seen::Unseen(Unseen::Changed),
    }
}

/// Every name under which a server may have bound what the path means.
fn spellings(target: &PathTarget, view: &View) -> Spellings {
    let mut names = vec![target.given.clone()];
    if let Some(walk) = target.walk.known() {
        names.extend(walk.named().map(|step| step.path.clone()));
        names.extend(meant(walk));
    }
    if let Some(root) = view.caller.root.known().filter(|root| root.as_slice() != b"/") {
        let below: Vec<Vec<u8>> =
            names.iter().filter(|n| n.starts_with(b"/")).map(|n| join(root, n)).collect();
        names.extend(below);
    }
    Spellings::new(names, view.caller.cwd.known().map(Vec::as_slice))
}

/// The path with links resolved, up to the component that is missing, if one is.
fn meant(walk: &Walk) -> Option<Vec<u8>> {
    match &walk.end {
        End::Found => walk.steps.last().map(|step| step.path.clone()),
        End::Missing { name, last: true, .. } => Some(join(&walk.directory()?.path, name)),
        _ => None,
    }
}

/// What the kernel says is bound to the socket file; see [`rehearse`].
fn ask(step: &Step, view: &View) -> Option<Bound> {
    let base = base(step, view)?;
    let (path, file) = (step.path.clone(), step.file);
    let work = move || rehearse::file(open(&base, &path, file, FileType::Socket)?.as_fd());
    if step.mount.is(|mount| mounts::is_local(&mount.fs_type)) {
        return work();
    }
    // The server of such a file system may be away: nobody waits for it for ever.
    let (sender, receiver) = mpsc::channel();
    let send = move || {
        let _ = sender.send(work());
    };
    std::thread::Builder::new().name("sunpath-ask".into()).spawn(send).ok()?;
    receiver.recv_timeout(PATIENCE).ok()?
}

/// The directory from which the path of a step starts.
fn base(step: &Step, view: &View) -> Option<Arc<OwnedFd>> {
    let absolute = step.path.starts_with(b"/");
    if absolute { view.root.known() } else { view.cwd.known() }.cloned()
}

/// Opens a file for its name only, without following or connecting, and only if it is still the
/// one that the walk saw.
fn open(base: &OwnedFd, path: &[u8], seen: FileId, kind: FileType) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The links on the way are resolved already; a new one means that the path has changed.
    let mut resolve = ResolveFlags::NO_SYMLINKS;
    if path.starts_with(b"/") {
        resolve |= ResolveFlags::IN_ROOT;
    }
    let file = openat2(base, path, flags, Mode::empty(), resolve).ok()?;
    let stat = fstat(&file).ok()?;
    let same = FileType::from_raw_mode(stat.st_mode) == kind && stat.st_ino == seen.inode;
    same.then_some(file)
}

/// Whether a socket with a relative name can be the one: not if its owners stand elsewhere.
fn may_be_bound_here(socket: &SocketFact, names: &Spellings) -> bool {
    let Some(name) = socket.name.as_deref().filter(|n| !n.starts_with(b"/")) else {
        return true;
    };
    let owners = socket.owners.known().map(Vec::as_slice).unwrap_or_default();
    let places: Vec<Vec<u8>> =
        owners.iter().filter_map(|p| crate::observe::process::cwd(p.pid)).collect();
    places.is_empty() || places.iter().any(|place| names.fit_in(place, name))
}

/// What was probably meant, if the path leads nowhere.
fn meant_instead(target: &PathTarget, view: &View, tables: &mut Tables) -> Variants {
    let given = target.given.as_slice();
    if target.found().is_some() {
        return nothing_else_meant();
    }
    Variants {
        abstract_name: match given.strip_prefix(b"@") {
            Some(name) => called(name, tables),
            None => Seen::Known(Vec::new()),
        },
        ..variants(given, view)
    }
}

fn nothing_else_meant() -> Variants {
    Variants {
        trimmed: Seen::Known(None),
        slashed: Seen::Known(None),
        abstract_name: Seen::Known(Vec::new()),
    }
}

/// Servers with this abstract name.
fn called(name: &[u8], tables: &mut Tables) -> Seen<Vec<SocketFact>> {
    let same = |record: &Record<'_>| {
        record.name.as_deref().and_then(|n| n.strip_prefix(b"\0")) == Some(name)
    };
    match tables.home.sockets(States::SERVERS, &same) {
        Ok(sockets) => Seen::Known(sockets),
        Err(why) => Seen::Unseen(why),
    }
}
