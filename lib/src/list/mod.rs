//! Every UNIX domain socket of the machine: what it is, who holds it, and with whom it talks.
//!
//! ```text
//!   sock_diag of each ──► sockets, by inode ─┐
//!   network namespace                        ├─ join ──► Listing
//!   /proc/PID/fd      ──► holders, by inode ─┘
//! ```
//! [`list`] takes both sides at the same time, with two threads, and joins them by inode number.
//! Nothing is connected to, opened or stopped. What could not be seen is told in the [`Listing`]
//! and is no error: without privilege every socket is there, but not every holder. [`Watch`] does
//! the same again and again for less.
//!
//! ```
//! use sunpath::list::{What, list};
//!
//! let listing = list(&What::default());
//! for socket in &listing.sockets {
//!     let holders = listing.holders(socket);
//!     println!("{:?} {:?} held by {}", socket.kind, socket.state, holders.len());
//! }
//! ```

pub mod files;
mod holders;
mod iterator;
mod join;
mod kept;
mod process;
mod socket;
mod tables;
mod watch;

pub use holders::Holder;
pub use process::Process;
pub use socket::{Peer, Socket};
pub use watch::Watch;

use crate::fact::Seen;
use holders::Found;
use join::Again;
use kept::Kept;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct What {
    /// The sockets of every network namespace that can be entered, not only of this one.
    pub all_namespaces: bool,
    /// Which processes hold each socket. Most of the time goes into this.
    pub holders: bool,
    /// How many descriptors wait in each socket's queue (Linux 5.11): one more file is read for
    /// each held socket in whose queue something may wait.
    pub in_flight: bool,
}

impl Default for What {
    /// This network namespace, with holders.
    fn default() -> Self {
        What { all_namespaces: false, holders: true, in_flight: false }
    }
}

/// The sockets of a moment, or nearly so: the tables and the processes are read one after the
/// other, while the machine goes on.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The sockets, by inode number. Connections that wait to be accepted have none, and come
    /// first.
    pub sockets: Vec<Socket>,
    /// The processes that hold any of them, by id.
    pub processes: BTreeMap<u32, Process>,
    /// The network namespaces looked into, by number; the own one first. 0: one whose number may
    /// not be seen.
    pub namespaces: Vec<u64>,
    /// The files of those that could not be entered for lack of privilege (`CAP_SYS_ADMIN` in the
    /// namespace's and in this process's user namespace): of their sockets, no more is known than
    /// `/proc/PID/net/unix` shows, or nothing.
    pub closed_namespaces: Vec<PathBuf>,
    /// Whether all sockets are here: of this namespace, or of all if that was asked for.
    pub all_sockets: Seen<()>,
    /// Whether all holders are here.
    pub all_holders: Seen<()>,
    /// So many processes could not be looked into for lack of privilege.
    pub closed_processes: usize,
    /// What all sockets are held by, in the order of the sockets.
    holders: Vec<Holder>,
}

impl Listing {
    /// The descriptors that refer to a socket of this listing, by process and number. Empty: in
    /// flight in a message, held by the kernel or where this process cannot look, or not asked for.
    pub fn holders(&self, socket: &Socket) -> &[Holder] {
        self.holders.get(socket.held.clone()).unwrap_or_default()
    }

    /// The socket with this inode number; `None`: it is gone, or in a namespace not looked into.
    pub fn socket(&self, inode: u32) -> Option<&Socket> {
        let found = self.sockets.binary_search_by_key(&inode, |s| s.inode).ok()?;
        self.sockets.get(found).filter(|s| s.inode != 0)
    }

    /// The other end of a socket's connection; `None` if it has none or it is not listed.
    pub fn peer(&self, socket: &Socket) -> Option<&Socket> {
        match socket.peer? {
            Peer::Socket(inode) => self.socket(inode),
            Peer::AtListener(inode) => self.socket(inode),
            Peer::Gone => None,
        }
    }
}

/// The table is asked for so often again where sockets come and go: that the kernel passes over the
/// same one each time is next to impossible.
const OFTEN_ENOUGH: usize = 4;

/// Lists the UNIX domain sockets.
///
/// Takes about 2 microseconds for each socket, two threads, and no privilege; with `CAP_SYS_PTRACE`
/// (or as root) the holders are complete, with `CAP_SYS_ADMIN` other network namespaces are
/// entered. Rests on `sock_diag(7)`, `proc_pid_fd(5)`; where the kernel lacks `unix_diag` the text
/// of `/proc/net/unix` has to do, which shows no peers and no queues.
pub fn list(what: &What) -> Listing {
    list_while(what, || ())
}

/// The same as [`list`], and does something else while the kernel is still telling who holds them:
/// what the listing is needed for afterwards, and takes a fraction of a millisecond.
pub fn list_while(what: &What, meanwhile: impl FnOnce()) -> Listing {
    let sockets = || {
        let tables = tables::gather(what.all_namespaces, &mut Kept::default());
        meanwhile();
        tables
    };
    let finish = |mut found: Found, tables| {
        found.held.sort_unstable();
        let again = Again { most: OFTEN_ENOUGH, ask: || tables::again(what.all_namespaces) };
        let mut listing = join::join(tables, &found.held, |_| true, &again);
        listing.closed_processes = found.closed;
        listing.all_holders = found.all;
        listing.processes = process::of(&listing.holders, &found.processes);
        if what.in_flight {
            join::count_in_flight(&mut listing);
        }
        listing
    };
    match what.holders {
        true => holders::find_beside(sockets, finish),
        false => finish(Found::default(), sockets()),
    }
}
