//! What a path leads to.

use super::attached::{self, Wanted};
use super::names::{Spellings, join};
use super::{owners_of, watch_queues};
use crate::fact::path::{End, FileKind, PathTarget, Step, Variants, Walk};
use crate::fact::{Seen, SocketFact};
use crate::observe::caller::View;
use crate::observe::diag::{Record, States};
use crate::observe::mounts;
use crate::observe::path::{variants, walk};
use crate::observe::rehearse::{self, Bound};
use crate::observe::tables::Tables;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, openat2};
use std::sync::mpsc;
use std::time::Duration;

/// How long a file system may take to say what is bound to a file.
const PATIENCE: Duration = Duration::from_secs(2);

/// Gathers what there is to know about a path.
pub(in crate::observe) fn target(given: &[u8], view: &View, tables: &mut Tables) -> PathTarget {
    let mut target =
        PathTarget { given: given.to_vec(), walk: walk(given, view), ..PathTarget::default() };
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
    target
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
    let absolute = step.path.starts_with(b"/");
    let base = if absolute { view.root.known() } else { view.cwd.known() }?.clone();
    let (path, inode) = (step.path.clone(), step.file.inode);
    let work = move || rehearse::file(open(&base, &path, inode)?.as_fd());
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

/// Opens the socket file without following or connecting, and only if it is still the same.
fn open(base: &OwnedFd, path: &[u8], inode: u64) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The links on the way are resolved already; a new one means that the path has changed.
    let mut resolve = ResolveFlags::NO_SYMLINKS;
    if path.starts_with(b"/") {
        resolve |= ResolveFlags::IN_ROOT;
    }
    let file = openat2(base, path, flags, Mode::empty(), resolve).ok()?;
    let stat = fstat(&file).ok()?;
    let is_socket = stat.st_mode & libc::S_IFMT == libc::S_IFSOCK;
    (is_socket && stat.st_ino == inode).then_some(file)
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
        return Variants {
            trimmed: Seen::Known(None),
            slashed: Seen::Known(None),
            abstract_name: Seen::Known(Vec::new()),
        };
    }
    Variants {
        abstract_name: match given.strip_prefix(b"@") {
            Some(name) => called(name, tables),
            None => Seen::Known(Vec::new()),
        },
        ..variants(given, view)
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
