//! Verdicts on files and on the servers that lost theirs.

use super::scan::Scan;
use super::{Files, Instead, Lost, SocketFile, Verdict};
use crate::SocketType;
use crate::fact::path::{End, FileKind};
use crate::fact::socket::State;
use crate::fact::{Seen, SocketFact, Unseen};
use crate::list::{Listing, Socket};
use crate::observe::look::{self, OnFile};
use crate::observe::process;
use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;

/// Judges the files that were found, and the sockets with names where they were looked for.
pub(super) fn judge(listing: &Listing, scan: &mut Scan) -> Files {
    let bound = Bound::of(listing);
    let mut all = Files::default();
    let mut served: HashSet<u32> = HashSet::new();
    for path in &scan.sockets {
        let judged = look::socket_file(path, &scan.view, &|inode, name| bound.fitting(inode, name));
        // Gone since.
        let Some(on) = judged else { continue };
        let verdict = verdict(&on);
        if let Verdict::Served(sockets) = &verdict {
            served.extend(sockets);
        }
        all.files.push(SocketFile {
            path: on.step.path.clone(),
            file: on.step.file,
            mode: on.step.mode,
            uid: on.step.uid,
            verdict,
        });
    }
    let here = Here::look();
    for socket in listing.sockets.iter().filter(|s| can_be_reached(s)) {
        let Some(path) = socket.path().filter(|p| scan.roots.iter().any(|r| is_below(p, r))) else {
            continue;
        };
        if served.contains(&socket.inode) {
            continue;
        }
        if !here.is_seen_by(listing, socket) {
            all.elsewhere += 1;
            continue;
        }
        all.lost.extend(lost(socket, path, scan, &bound));
    }
    all.lost.sort_by(|a, b| (&a.path, a.socket).cmp(&(&b.path, b.socket)));
    all
}

/// An accepted connection carries its listener's name, but is not reached by it.
fn can_be_reached(socket: &Socket) -> bool {
    socket.inode != 0 && (socket.kind == SocketType::Datagram || socket.state != State::Connected)
}

fn is_below(path: &[u8], root: &[u8]) -> bool {
    let root = root.strip_suffix(b"/").unwrap_or(root);
    path.strip_prefix(root).is_some_and(|rest| rest.starts_with(b"/"))
}

fn verdict(on: &OnFile) -> Verdict {
    let known: Vec<u32> = on
        .attached
        .iter()
        .filter_map(|s| u32::try_from(s.inode).ok())
        .filter(|i| *i != 0)
        .collect();
    match on.bound {
        _ if !known.is_empty() => Verdict::Served(known),
        Some(true) => Verdict::ServedElsewhere,
        Some(false) => Verdict::Dead,
        None => Verdict::Unknown(Unseen::Denied { needs: "write permission for the file" }),
    }
}

/// What became of the name of a socket that no file found was bound to.
fn lost(socket: &Socket, path: &[u8], scan: &Scan, bound: &Bound<'_>) -> Option<Lost> {
    let lost = |instead| Some(Lost { socket: socket.inode, path: path.to_vec(), instead });
    let Seen::Known(walk) = look::walk(path, &scan.view) else { return None };
    match (&walk.end, walk.steps.last()) {
        (End::Missing { .. }, _) => lost(None),
        (End::Found, Some(step)) if step.kind == FileKind::Socket => {
            let on =
                look::socket_file(path, &scan.view, &|inode, name| bound.fitting(inode, name))?;
            if on.attached.iter().any(|s| s.inode == u64::from(socket.inode)) {
                return None;
            }
            // A socket that is shown without its file may be the one.
            socket.file?;
            lost(Some(Instead::Socket(verdict(&on))))
        }
        (End::Found, Some(step)) => lost(Some(Instead::Other(step.kind))),
        _ => None,
    }
}

/// The sockets of a listing that are bound to files, by what may tell to which.
struct Bound<'a> {
    by_inode: HashMap<u64, Vec<&'a Socket>>,
    by_name: HashMap<&'a [u8], Vec<&'a Socket>>,
}

impl<'a> Bound<'a> {
    fn of(listing: &'a Listing) -> Bound<'a> {
        let mut bound = Bound { by_inode: HashMap::new(), by_name: HashMap::new() };
        for socket in listing.sockets.iter().filter(|s| can_be_reached(s)) {
            let Some(path) = socket.path() else { continue };
            bound.by_name.entry(last_component(path)).or_default().push(socket);
            if let Some(file) = socket.file {
                bound.by_inode.entry(file.inode).or_default().push(socket);
            }
        }
        bound
    }

    /// Those with this inode number, and those whose name ends so.
    fn fitting(&self, inode: u64, name: &[u8]) -> Vec<SocketFact> {
        let numbered = self.by_inode.get(&(inode & 0xffff_ffff));
        let named = self.by_name.get(last_component(name));
        let mut all: Vec<SocketFact> =
            numbered.into_iter().chain(named).flatten().map(|s| fact(s)).collect();
        all.sort_by_key(|s| s.inode);
        all.dedup_by_key(|s| s.inode);
        all
    }
}

fn last_component(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').find(|c| !c.is_empty()).unwrap_or_default()
}

fn fact(socket: &Socket) -> SocketFact {
    SocketFact {
        state: socket.state,
        name: socket.name.as_deref().map(<[u8]>::to_vec),
        file: socket.file,
        backlog: socket.backlog,
        ..SocketFact::new(u64::from(socket.inode), socket.kind)
    }
}

/// Where this process looks from: only for processes that stand there too, a path means the same.
struct Here {
    mounts: Seen<u64>,
    root: Option<(u64, u64)>,
}

impl Here {
    fn look() -> Here {
        let mounts = process::namespace(std::process::id(), "mnt");
        Here { mounts, root: identity("/") }
    }

    /// Whether every process that holds the socket, and at least one, stands here.
    fn is_seen_by(&self, listing: &Listing, socket: &Socket) -> bool {
        let mut pids: Vec<u32> = listing.holders(socket).iter().map(|h| h.pid).collect();
        pids.dedup();
        let here = |pid: &u32| {
            let mounts = process::namespace(*pid, "mnt");
            mounts.known().is_some()
                && mounts == self.mounts
                && self.root.is_some()
                && identity(&format!("/proc/{pid}/root")) == self.root
        };
        !pids.is_empty() && pids.iter().all(here)
    }
}

fn identity(path: &str) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|status| (status.dev(), status.ino()))
}
