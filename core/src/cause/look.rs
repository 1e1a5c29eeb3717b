//! How tests look at facts: what an address leads to, step by step, as the kernel would go.

use crate::case::{Case, Finding};
use crate::fact::path::{End, FileKind, PathTarget, Step, Walk};
use crate::fact::permission::{Denial, Permission, Want, is_ambiguous, judge};
use crate::fact::socket::{AbstractTarget, Backlog, OwnSocket, State};
use crate::fact::{Process, Seen, SocketFact};
use crate::profile::Profile;
use crate::text::escape;
use crate::{Call, SocketType};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of a path for a sentence: escaped, nothing added.
pub(super) fn show(path: &[u8]) -> String {
    escape(path)
}

/// The path that the kernel looks up for this call, if it looks one up at all: a send on a
/// connection does not read its address.
pub(super) fn path<'a>(case: &Case<'a>) -> Option<&'a PathTarget> {
    if case.call == Call::Send && case.socket != SocketType::Datagram {
        return None;
    }
    case.facts.path()
}

/// The abstract name that the kernel looks up for this call, if it looks one up at all.
pub(super) fn abstract_name<'a>(case: &Case<'a>) -> Option<&'a AbstractTarget> {
    if case.call == Call::Send && case.socket != SocketType::Datagram {
        return None;
    }
    case.facts.abstract_name()
}

/// The walk along the path, if the observer could follow it to its end.
pub(super) fn walk<'a>(case: &Case<'a>) -> Option<&'a Walk> {
    let walk = path(case)?.walk.known()?;
    let followed = !matches!(walk.end, End::Hidden { .. } | End::Changed);
    followed.then_some(walk)
}

/// What to say if there is a path, but not the end of its walk: which fact is missing.
pub(super) fn hidden(case: &Case<'_>) -> Option<&'static str> {
    let path = path(case)?;
    match path.walk.known().map(|w| &w.end) {
        None => Some("the path, which was not walked"),
        Some(End::Hidden { .. }) => Some("the directories that only the caller may search"),
        Some(End::Changed) => Some("the path, which changed while it was walked"),
        Some(_) => None,
    }
}

/// For a cause that depends on how the walk ended: unseen if the walk is hidden and there is a
/// symptom to explain, otherwise excluded.
pub(super) fn unless_hidden(case: &Case<'_>) -> Finding {
    match hidden(case) {
        Some(what) if case.symptom.is_some() => Finding::Unseen(what),
        _ => Finding::Excluded,
    }
}

/// The object that the path names, with links followed.
pub(super) fn found<'a>(case: &Case<'a>) -> Option<&'a Step> {
    let walk = walk(case)?;
    if walk.end == End::Found { walk.steps.last() } else { None }
}

/// The object that the path names, if it is a socket file.
pub(super) fn socket_file<'a>(case: &Case<'a>) -> Option<&'a Step> {
    found(case).filter(|step| step.kind == FileKind::Socket)
}

/// The last component of a path, slashes at its end not counted.
pub(super) fn last_component(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |at| at + 1);
    let start = path[..end].iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    &path[start..end]
}

/// What the file's modes, and the kernel where it was asked, say about a wish.
pub(super) enum Verdict {
    /// Allowed by the modes, and the kernel does not contradict.
    Allowed,
    /// The modes allow it, but the kernel was asked and says no.
    KernelRefuses,
    /// Denied, for this reason. `sure`: nothing unseen could change it.
    Denied { denial: Denial, sure: bool },
    /// Who asks is not known.
    Unknown,
}

/// May the caller do this to the file?
pub(super) fn may(case: &Case<'_>, step: &Step, want: Want) -> Verdict {
    // The kernel was asked about searching a directory and about writing to anything else.
    let asked = (step.kind == FileKind::Directory) == (want == Want::Search);
    let kernel = step.kernel_allows.known().copied().filter(|_| asked);
    if kernel.is_none() && is_ambiguous(&case.facts.caller, step) {
        return Verdict::Unknown;
    }
    match judge(&case.facts.caller, step, want) {
        Seen::Unseen(_) => Verdict::Unknown,
        Seen::Known(Permission::Allowed(_)) if kernel == Some(false) => Verdict::KernelRefuses,
        Seen::Known(Permission::Allowed(_)) => Verdict::Allowed,
        Seen::Known(Permission::Denied(_)) if kernel == Some(true) => Verdict::Allowed,
        Seen::Known(Permission::Denied(denial)) => {
            let list_known = step.acl.known().is_some();
            Verdict::Denied { denial, sure: kernel == Some(false) || list_known }
        }
    }
}

/// `because` as proof or as evidence, by whether something unseen could change it.
pub(super) fn sure(sure: bool, because: String, else_say: &str) -> Finding {
    if sure { Finding::Holds(because) } else { Finding::Suggests(format!("{because}; {else_say}")) }
}

/// What the address leads to, after the file has been found and may be written.
pub(super) enum Reached<'a> {
    /// The call does not get that far, or has no such address.
    Nothing,
    /// A name to which no socket is bound.
    Nobody,
    /// A file whose listener is gone, although connections that it accepted still carry its name
    /// (or a socket that was bound and then connected: the tables do not tell them apart).
    Remnant(&'a SocketFact),
    /// A socket.
    Socket(&'a SocketFact),
    /// Not visible; this is what is missing.
    Unknown(&'static str),
}

/// The socket that the kernel finds for the address. Accepted connections carry the name and file
/// of their listener, but a lookup never finds them.
pub(super) fn reached<'a>(case: &Case<'a>) -> Reached<'a> {
    if path(case).is_some() {
        return match socket_file(case) {
            Some(_) => reached_by_file(case),
            None => hidden(case).map_or(Reached::Nothing, Reached::Unknown),
        };
    }
    reached_by_name(case)
}

fn reached_by_file<'a>(case: &Case<'a>) -> Reached<'a> {
    let Some(attached) = path(case).and_then(|p| p.attached.known()) else {
        return Reached::Unknown("the table of UNIX domain sockets");
    };
    // Only 32 bits of the inode number are known, so there may be a stranger among them: prefer
    // what would answer.
    let fits = |s: &&SocketFact| s.kind == case.socket;
    let listener = |s: &&SocketFact| s.state == State::Listening;
    let bound = |s: &&SocketFact| can_be_found(s);
    let best = attached.iter().find(|s| fits(s) && listener(s));
    let best = best.or_else(|| attached.iter().find(|s| fits(s) && bound(s)));
    let best = best.or_else(|| attached.iter().find(bound));
    match (best, attached.first()) {
        (Some(socket), _) => Reached::Socket(socket),
        (None, Some(remnant)) => Reached::Remnant(remnant),
        (None, None) => Reached::Nobody,
    }
}

fn reached_by_name<'a>(case: &Case<'a>) -> Reached<'a> {
    let Some(target) = abstract_name(case) else { return Reached::Nothing };
    let Some(bound) = target.bound.known() else {
        return Reached::Unknown("the table of UNIX domain sockets");
    };
    let mine: Vec<&SocketFact> = bound.iter().filter(|s| s.kind == case.socket).collect();
    let best = mine.iter().find(|s| can_be_found(s)).copied();
    match (best, mine.first().copied()) {
        (Some(socket), _) => Reached::Socket(socket),
        (None, Some(remnant)) => Reached::Remnant(remnant),
        (None, None) => Reached::Nobody,
    }
}

/// Whether a lookup finds the socket: accepted connections are not in the kernel's name tables.
pub(super) fn can_be_found(socket: &SocketFact) -> bool {
    socket.kind == SocketType::Datagram || socket.state != State::Connected
}

/// The listener that the address leads to, of the caller's type and taking connections.
pub(super) fn listener<'a>(case: &Case<'a>) -> Option<&'a SocketFact> {
    match reached(case) {
        Reached::Socket(s)
            if s.kind == case.socket && s.state == State::Listening && !s.shutdown.read =>
        {
            Some(s)
        }
        _ => None,
    }
}

/// Whether the next connection is one too many for a listener of the platform.
pub(super) fn is_full(case: &Case<'_>, backlog: Backlog) -> bool {
    backlog.pending >= Profile::of(case.platform).connection.backlog.most(backlog.limit)
}

/// Sockets that are bound by the same path to another file, and that a server could serve.
pub(super) fn namesakes<'a>(case: &Case<'a>) -> Vec<&'a SocketFact> {
    let sockets = path(case).and_then(|p| p.namesakes.known());
    let serving = |s: &&SocketFact| s.kind == SocketType::Datagram || s.state == State::Listening;
    sockets.into_iter().flatten().filter(serving).collect()
}

/// Where the owners of a socket look files up, compared with the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// At least one owner has the caller's mount namespace and root directory.
    Same,
    /// Every owner has another one.
    Other,
    /// Some owner could not be looked at.
    Unknown,
}

/// Whether the owners of a socket see the same files under the same names as the caller.
pub(super) fn view(case: &Case<'_>, socket: &SocketFact) -> View {
    let caller = &case.facts.caller;
    let (Some(owners), Some(mine)) = (socket.owners.known(), caller.mount_namespace.known()) else {
        return View::Unknown;
    };
    let same = |p: &Process| {
        let namespace = p.mount_namespace.known()? == mine;
        let root = match (p.root.known(), caller.root.known()) {
            (Some(theirs), Some(own)) => theirs == own,
            _ => true,
        };
        Some(namespace && root)
    };
    let seen: Vec<Option<bool>> = owners.iter().map(same).collect();
    if seen.contains(&Some(true)) {
        View::Same
    } else if seen.is_empty() || seen.contains(&None) {
        View::Unknown
    } else {
        View::Other
    }
}

/// Who holds a socket, for a sentence.
pub(super) fn owner(socket: &SocketFact) -> String {
    match socket.owners.known().map(Vec::as_slice) {
        Some([first, rest @ ..]) => {
            let others = if rest.is_empty() { "" } else { " and others" };
            format!("{} (pid {}){others}", escape(first.name.as_bytes()), first.pid)
        }
        Some([]) => String::from("no process (it is in flight between processes)"),
        None => String::from("a process that could not be seen"),
    }
}

/// The caller's own socket.
pub(super) enum Own<'a> {
    /// It was observed.
    Socket(&'a OwnSocket),
    /// Nothing was said of it, and a prediction is wanted: a fresh one.
    Fresh,
    /// A call failed, and the socket it failed on was not observed.
    Unknown,
}

/// What is known of the caller's own socket.
pub(super) fn own<'a>(case: &Case<'a>) -> Own<'a> {
    match (case.facts.own(), case.symptom) {
        (Some(own), _) => Own::Socket(own),
        (None, None) => Own::Fresh,
        (None, Some(_)) => Own::Unknown,
    }
}

/// Whether the call is known not to wait.
pub(super) fn nonblocking(case: &Case<'_>) -> Option<bool> {
    let argument = case.facts.arguments.nonblocking;
    argument.or_else(|| case.facts.own().map(|own| own.nonblocking))
}

/// Whether connect is known to have waited before it failed: then a listener was there at first.
pub(super) fn waited(case: &Case<'_>) -> bool {
    let waited = case.facts.own().is_some_and(|own| own.history.blocked);
    waited && case.symptom.is_some() && case.call == Call::Connect
}

/// Whether asking to write to this object fails with `EROFS` before anything else: Linux does so
/// for regular files and directories on a file system that is itself read-only.
pub(super) fn writing_meets_read_only(file: &Step) -> bool {
    matches!(file.kind, FileKind::Regular | FileKind::Directory)
        && file.mount.is(|m| m.fs_read_only)
}
