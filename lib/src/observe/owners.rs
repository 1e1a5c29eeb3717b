//! Which processes hold a socket: a search through `/proc/PID/fd`.
//!
//! The first descriptors of each process are looked at first: a server opens its listener before it
//! takes connections. The search ends as soon as every socket has an owner, if that cannot change a verdict: when no
//! connection waits and the owners found can run, wait for events and may open descriptors. In
//! every other case all owners matter (another process that shares the socket may well accept), and
//! the search goes on to the end.

use super::descriptors::{self, Kind};
use super::process::{self, SAME_USER};
use crate::fact::process::{Process, ProcessState, WaitsIn};
use crate::fact::{Seen, SocketFact, Unseen};
use crate::sys::thread;
use rustix::fd::OwnedFd;
use rustix::fs::Dir;
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The most owners of one socket that are described.
const MOST_OWNERS: usize = 64;

/// With so few processes a second thread costs more than it saves.
const WORTH_A_THREAD: usize = 8;

/// A descriptor of a process that is one of the sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Holder {
    inode: u64,
    pid: u32,
    fd: u32,
}

/// What a search found.
#[derive(Debug, Default)]
struct Found {
    holders: BTreeSet<Holder>,
    /// Sockets without an owner so far.
    missing: BTreeSet<u64>,
    /// Some process could not be looked into.
    denied: bool,
    /// Every descriptor of every process was looked at, but for those denied.
    complete: bool,
}

/// A socket whose owners are wanted.
pub(crate) struct Wanted<'a> {
    /// Its inode number.
    pub inode: u64,
    /// Whether connections wait in its queue.
    pub waiting: bool,
    /// Where the owners go.
    pub owners: &'a mut Seen<Vec<Process>>,
    /// Where it goes whether these are all.
    pub all: Option<&'a mut Seen<()>>,
}

impl<'a> From<&'a mut SocketFact> for Wanted<'a> {
    fn from(socket: &'a mut SocketFact) -> Self {
        Wanted {
            inode: socket.inode,
            waiting: socket.backlog.is_some_and(|b| b.pending > 0),
            owners: &mut socket.owners,
            all: Some(&mut socket.all_owners),
        }
    }
}

/// Fills in the owners of these sockets.
pub(crate) fn fill<'a>(sockets: impl Iterator<Item = Wanted<'a>>) {
    let sockets: Vec<Wanted<'a>> = sockets.filter(|s| s.inode != 0).collect();
    if sockets.is_empty() {
        return;
    }
    let wanted: BTreeSet<u64> = sockets.iter().map(|s| s.inode).collect();
    let waiting = sockets.iter().any(|s| s.waiting);
    let (pids, all_pids) = process::pids();
    let mut found = search(&pids, &wanted, waiting);
    let mut owners = describe(&found.holders);
    if !waiting && found.missing.is_empty() && owners.iter().any(|(_, p)| is_suspicious(p)) {
        found = search(&pids, &wanted, true);
        owners = describe(&found.holders);
    }
    for socket in sockets {
        let mine: Vec<Process> =
            owners.iter().filter(|(i, _)| *i == socket.inode).map(|(_, p)| p.clone()).collect();
        if let Some(all) = socket.all {
            *all = are_all(&found, &pids, all_pids, mine.len());
        }
        *socket.owners = if !mine.is_empty() {
            Seen::Known(mine)
        } else if pids.is_empty() {
            Seen::Unseen(Unseen::Absent { what: "/proc" })
        } else if found.denied || !all_pids {
            Seen::Unseen(Unseen::Denied { needs: SAME_USER })
        } else {
            // In flight in a message, or held outside this PID namespace.
            Seen::Unseen(Unseen::Absent { what: "a process here that holds the socket" })
        };
    }
}

/// Whether no process but the `described` ones holds a socket.
fn are_all(found: &Found, pids: &[u32], all_pids: bool, described: usize) -> Seen<()> {
    Seen::Unseen(if pids.is_empty() {
        Unseen::Absent { what: "/proc" }
    } else if found.denied || !all_pids {
        Unseen::Denied { needs: SAME_USER }
    } else if !found.complete {
        Unseen::NotLooked
    } else if described == MOST_OWNERS {
        Unseen::Failed { error: format!("more than {MOST_OWNERS} processes hold it") }
    } else {
        return process::none_outside();
    })
}

fn describe(holders: &BTreeSet<Holder>) -> Vec<(u64, Process)> {
    let mut owners: Vec<(u64, Process)> = Vec::new();
    for holder in holders {
        let of_this = owners.iter().filter(|(i, _)| *i == holder.inode).count();
        if of_this < MOST_OWNERS
            && let Some(process) = process::describe(holder.pid, Some(holder.fd), holder.inode)
        {
            owners.push((holder.inode, process));
        }
    }
    owners
}

/// Whether something about the owner may keep it from accepting.
fn is_suspicious(process: &Process) -> bool {
    process.is_stopped() != Some(false)
        || process.state.is(|s| *s == ProcessState::Dead)
        || process.descriptors.is(|d| d.is_full())
        || process.waits_in.is(|w| matches!(w, WaitsIn::Elsewhere { .. }))
}

/// Looks for the sockets in every process. Unless `all` owners are wanted, it ends when each socket
/// has one.
fn search(pids: &[u32], wanted: &BTreeSet<u64>, all: bool) -> Found {
    let mut found = Found { missing: wanted.clone(), ..Found::default() };
    if !all {
        found = search_in(pids, wanted, found, false, Extent::First);
    }
    if all || !found.missing.is_empty() {
        found = search_in(pids, wanted, found, all, Extent::Every);
        found.complete = all || !found.missing.is_empty();
    }
    found
}

/// Which descriptors of a process are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The lowest numbers, without reading the directory.
    First,
    /// All.
    Every,
}

/// Goes through the processes with a second thread if there are many.
fn search_in(
    pids: &[u32],
    wanted: &BTreeSet<u64>,
    so_far: Found,
    all: bool,
    extent: Extent,
) -> Found {
    let kind = Kind::sockets();
    let found = Mutex::new(so_far);
    let next = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    let work = || {
        while !done.load(Ordering::Relaxed) {
            let Some(pid) = pids.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let result = look_into(*pid, kind, wanted, extent, &done);
            let mut found = found.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            match result {
                Ok(holders) => {
                    for holder in holders {
                        found.missing.remove(&holder.inode);
                        found.holders.insert(holder);
                    }
                }
                Err(Errno::NOENT | Errno::SRCH) => {}
                Err(_) => found.denied = true,
            }
            if !all && found.missing.is_empty() {
                done.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        if pids.len() > WORTH_A_THREAD {
            // Without a second thread the first does all the work.
            let _ = thread::beside(scope, work);
        }
        work();
    });
    found.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// So many descriptors are tried before any directory is read.
const FIRST: u32 = 16;

/// After so many numbers in a row that are not open, higher ones are not expected either.
const GAP: u32 = 4;

impl Extent {
    fn names(self, directory: &OwnedFd) -> Result<Vec<CString>, Errno> {
        match self {
            Extent::First => {
                Ok((0..FIRST).filter_map(|fd| CString::new(fd.to_string()).ok()).collect())
            }
            Extent::Every => {
                Dir::read_from(directory)?.map(|entry| Ok(entry?.file_name().to_owned())).collect()
            }
        }
    }
}

/// The first descriptor of each wanted socket among those listed of a process.
fn look_into(
    pid: u32,
    kind: Kind,
    wanted: &BTreeSet<u64>,
    extent: Extent,
    done: &AtomicBool,
) -> Result<Vec<Holder>, Errno> {
    let directory = descriptors::of(pid)?;
    let mut holders: Vec<Holder> = Vec::new();
    let mut gap = 0;
    for name in extent.names(&directory)? {
        if done.load(Ordering::Relaxed) || (extent == Extent::First && gap == GAP) {
            break;
        }
        let Some(fd) = descriptors::number(&name) else { continue };
        let Ok(socket) = descriptors::socket_at(&directory, &name, kind) else {
            gap += 1;
            continue;
        };
        gap = 0;
        if let Some(inode) = socket
            && wanted.contains(&inode)
            && !holders.iter().any(|h| h.inode == inode)
        {
            holders.push(Holder { inode, pid, fd });
        }
    }
    Ok(holders)
}
