//! Which descriptors of which processes are sockets: one look at each descriptor of each process.

use crate::fact::{Seen, Unseen};
use crate::observe::descriptors::{self, Kind};
use crate::observe::process;
use crate::sys::Errno;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A descriptor of a process that refers to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The descriptor's number in it.
    pub fd: u32,
}

/// A socket's inode number, and who holds it.
pub(super) type Held = (u32, Holder);

/// A search through processes, on which several threads may work.
pub(super) struct Search<'a> {
    pids: &'a [u32],
    next: AtomicUsize,
    closed: AtomicUsize,
    kind: Kind,
}

impl<'a> Search<'a> {
    pub(super) fn new(pids: &'a [u32]) -> Search<'a> {
        Search {
            pids,
            next: AtomicUsize::new(0),
            closed: AtomicUsize::new(0),
            kind: Kind::sockets(),
        }
    }

    /// Looks into processes that nobody has looked into yet, until none is left.
    pub(super) fn work(&self) -> Vec<Held> {
        let mut held = Vec::new();
        while let Some(pid) = self.pids.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            match look_into(*pid, self.kind, &mut held) {
                Ok(()) | Err(Errno::NOENT | Errno::SRCH) => {}
                Err(_) => {
                    self.closed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        held
    }

    /// How many processes could not be looked into.
    pub(super) fn closed(&self) -> usize {
        self.closed.load(Ordering::Relaxed)
    }
}

/// Adds the sockets that a process holds.
pub(super) fn look_into(pid: u32, kind: Kind, held: &mut Vec<Held>) -> Result<(), Errno> {
    let directory = descriptors::of(pid)?;
    descriptors::each(&directory, |name| {
        let socket = descriptors::socket_at(&directory, name, kind);
        // The tables show the low half of the number.
        if let (Ok(Some(inode)), Some(fd)) = (socket, descriptors::number(name)) {
            held.push((inode as u32, Holder { pid, fd }));
        }
    })
}

/// Whether the holders found are all there are.
pub(super) fn completeness(pids: &[u32], all_pids: bool, closed: usize) -> Seen<()> {
    Seen::Unseen(if pids.is_empty() {
        Unseen::Absent { what: "/proc" }
    } else if closed > 0 || !all_pids {
        Unseen::Denied { needs: process::SAME_USER }
    } else {
        return process::none_outside();
    })
}
