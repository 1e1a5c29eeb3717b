//! Lists again and again at a small price: who holds what is kept from look to look.
//!
//! ```text
//!   sock_diag ──► sockets ──────────────────────────────┬─► Listing
//!                   │ one is gone that it held          │
//!                   ▼                                   │
//!   /proc ──► due: new, or with more or fewer           │
//!                  descriptors; in turn: the others ──► what each process holds
//! ```
//! The sockets are asked for anew each time. To look at every descriptor of every process takes
//! several times as long as that, so of the processes only those are looked into that have
//! changed, and some of the others, in turn. Where the kernel can be asked for all at once
//! (`iterator`), it is asked each time instead.

use super::holders::{Held, look_into};
use super::iterator::{self, Program};
use super::process::Process;
use super::tables::Tables;
use super::{Holder, Listing, What, holders, join, tables};
use crate::fact::Seen;
use crate::fact::socket::State;
use crate::observe::descriptors::{self, Kind};
use crate::observe::process;
use crate::sys::Errno;
use std::collections::{BTreeMap, HashSet};

/// So many descriptors of processes that have not changed are looked at in a look, and of those
/// that have at most. What one process takes beyond that is saved in the next looks.
const IN_TURN: i64 = 200;
const MOST: i64 = 1500;

/// What looking into a process costs at least, in descriptors.
const ENTRANCE: i64 = 4;

/// So many descriptors of what is shown are checked in each look, and so many names and states
/// brought up to date.
const MOST_CHECKED: usize = 256;
const MOST_REFRESHED: usize = 128;

/// Lists again and again.
///
/// ```
/// use sunpath::list::{Watch, What};
///
/// let mut watch = Watch::new();
/// let before = watch.look(&What::default(), &[]);
/// let (one, _other) = sunpath::Stream::pair()?;
/// let after = watch.look(&What::default(), &[]);
/// let known = |inode| before.socket(inode).is_some();
/// let new = after.sockets.iter().filter(|s| s.inode != 0 && !known(s.inode));
/// assert!(new.map(|socket| after.holders(socket).len()).max() >= Some(1));
/// # drop(one);
/// # Ok::<(), sunpath::Error>(())
/// ```
#[derive(Debug)]
pub struct Watch {
    kind: Kind,
    /// What tells all holders at once, where that can be had.
    program: Option<Program>,
    /// By process.
    known: BTreeMap<u32, Known>,
    /// The inode numbers of the last look, sorted.
    before: Vec<u32>,
    /// How many looks there were.
    looks: u64,
    /// How many descriptors may be looked at of processes that have not changed, and of those
    /// that have and are large: the others need not wait for them. Negative: too many were.
    in_turn: i64,
    for_large: i64,
}

/// What is known of a process.
#[derive(Debug, Default)]
struct Known {
    held: Vec<Held>,
    /// How many descriptors it had; 0 if the kernel does not tell.
    count: u64,
    /// It has changed since it was looked into.
    due: bool,
    /// The look in which it was looked into.
    looked: u64,
    /// It may not be looked into.
    closed: bool,
    process: Option<Process>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch::new()
    }
}

impl Watch {
    /// Nothing is known yet.
    pub fn new() -> Watch {
        Watch {
            kind: Kind::sockets(),
            program: if iterator::may_be_had() { Program::load() } else { None },
            known: BTreeMap::new(),
            before: Vec::new(),
            looks: 0,
            in_turn: 0,
            for_large: 0,
        }
    }

    /// Lists what [`list`](super::list) lists.
    ///
    /// The first time all processes are looked into. From then on the sockets are those of the
    /// moment, as are the holders of those in `shown`, given by inode number; of others, a
    /// descriptor that was passed on or duplicated may appear some looks later. With 10,000
    /// sockets a look takes about a quarter of the time of the first. As root on Linux 6.16 or
    /// later all holders are those of the moment, and no look takes longer.
    pub fn look(&mut self, what: &What, shown: &[u32]) -> Listing {
        let tables = tables::gather(what.all_namespaces);
        let again = || tables::again(what.all_namespaces);
        if !what.holders {
            return join::join(tables, Vec::new(), (1, again));
        }
        self.looks += 1;
        let told = self.program.as_ref().and_then(|program| program.held().ok());
        let all_holders = match told {
            Some(held) => self.take(held),
            None => self.search(&tables, shown),
        };
        let held = self.known.values().flat_map(|known| &known.held).copied().collect();
        // Without the program, what is held may be of any family: the next look has to do.
        let most = usize::from(self.program.is_some());
        let mut listing = join::join(tables, held, (most, again));
        self.refresh(&listing, shown);
        listing.closed_processes = self.known.values().filter(|known| known.closed).count();
        listing.all_holders = all_holders;
        listing.processes = self.processes(&listing);
        if what.in_flight {
            join::count_in_flight(&mut listing);
        }
        listing
    }

    /// Takes over what the kernel has told of all processes.
    fn take(&mut self, mut held: Vec<Held>) -> Seen<()> {
        held.sort_unstable_by_key(|(_, holder)| *holder);
        let before = std::mem::take(&mut self.known);
        let mut before = before.into_iter().peekable();
        for mine in held.chunk_by(|(_, one), (_, next)| one.pid == next.pid) {
            let Some((_, Holder { pid, .. })) = mine.first() else { continue };
            while before.next_if(|(other, _)| other < pid).is_some() {}
            let known = before.next_if(|(other, _)| other == pid).map(|(_, known)| known);
            let known = match known.filter(|known| known.held == mine) {
                Some(known) => known,
                None => Known {
                    held: mine.to_vec(),
                    process: Process::of(*pid),
                    looked: self.looks,
                    ..Known::default()
                },
            };
            self.known.insert(*pid, known);
        }
        process::none_outside()
    }

    /// Looks into the processes that seem to have changed. What is found is whether all can be
    /// looked into.
    fn search(&mut self, tables: &Tables, shown: &[u32]) -> Seen<()> {
        let mut inodes: Vec<u32> = tables.sockets.iter().map(|s| s.inode).collect();
        inodes.sort_unstable();
        let (pids, all_pids) = process::pids();
        self.find_changes(&pids, &inodes, shown);
        self.look_into_some();
        self.before = inodes;
        let closed = self.known.values().filter(|known| known.closed).count();
        holders::completeness(&pids, all_pids, closed)
    }

    /// Finds the processes that ended, began or changed.
    fn find_changes(&mut self, pids: &[u32], inodes: &[u32], shown: &[u32]) {
        let alive: HashSet<u32> = pids.iter().copied().collect();
        self.known.retain(|pid, _| alive.contains(pid));
        // Both are sorted, and mostly the same.
        let mut rest = inodes.iter().peekable();
        let is_gone = |inode: &u32| {
            while rest.next_if(|one| *one < inode).is_some() {}
            rest.peek() != Some(&inode)
        };
        let gone: HashSet<u32> = self.before.iter().copied().filter(is_gone).collect();
        let shown: HashSet<u32> = shown.iter().copied().collect();
        let mut checks = MOST_CHECKED;
        let kind = self.kind;
        let mut is_lost = |(inode, holder): &Held| {
            let check = shown.contains(inode) && checks > 0;
            checks -= usize::from(check);
            gone.contains(inode) || check && !still_holds(*holder, *inode, kind)
        };
        for pid in pids {
            let count = process::quick_count(*pid).unwrap_or_default();
            let known = self.known.entry(*pid).or_default();
            let changed = known.looked == 0 || known.count != count;
            known.due |= changed || known.held.iter().any(&mut is_lost);
            known.count = count;
        }
    }

    /// Looks into the processes that are due, and into some of the others: each time those that
    /// were not looked into for longest.
    fn look_into_some(&mut self) {
        let first = self.looks == 1;
        let mut waiting: Vec<(bool, u64, u32)> =
            self.known.iter().map(|(pid, known)| (!known.due, known.looked, *pid)).collect();
        waiting.sort_unstable();
        self.in_turn = (self.in_turn + IN_TURN).min(IN_TURN);
        self.for_large = (self.for_large + MOST).min(MOST);
        let mut for_others = MOST;
        for (unchanged, _, pid) in waiting {
            let Some(known) = self.known.get_mut(&pid) else { continue };
            let price = known.price();
            let purse = match price > MOST {
                _ if unchanged => &mut self.in_turn,
                true => &mut self.for_large,
                false => &mut for_others,
            };
            if first || *purse > 0 {
                *purse -= if first { 0 } else { price };
                known.look(pid, self.kind, self.looks);
            }
        }
    }

    /// Asks again for name and state of the processes that matter most: those that hold listeners
    /// or what is shown.
    fn refresh(&mut self, listing: &Listing, shown: &[u32]) {
        let listeners = listing.sockets.iter().filter(|s| s.state == State::Listening);
        // With connections in the queue first.
        let (waiting, idle): (Vec<_>, Vec<_>) =
            listeners.partition(|s| s.backlog.is_some_and(|b| b.pending > 0));
        let shown = shown.iter().filter_map(|inode| listing.socket(*inode));
        let mut asked = HashSet::new();
        for socket in waiting.into_iter().chain(shown).chain(idle) {
            for holder in listing.holders(socket) {
                if asked.len() == MOST_REFRESHED {
                    return;
                }
                let known = self.known.get_mut(&holder.pid).filter(|k| k.looked != self.looks);
                if let Some(process) = known.and_then(|known| known.process.as_mut())
                    && asked.insert(holder.pid)
                {
                    process.refresh();
                }
            }
        }
    }

    /// Those that hold a socket of the listing.
    fn processes(&self, listing: &Listing) -> BTreeMap<u32, Process> {
        let mut pids: Vec<u32> = listing.holders.iter().map(|holder| holder.pid).collect();
        // A process's sockets mostly were made one after the other.
        pids.dedup();
        let holding: HashSet<u32> = pids.into_iter().collect();
        let known = self.known.iter().filter(|(pid, _)| holding.contains(pid));
        known.filter_map(|(pid, known)| Some((*pid, known.process.clone()?))).collect()
    }
}

impl Known {
    fn look(&mut self, pid: u32, kind: Kind, now: u64) {
        self.held.clear();
        let looked = look_into(pid, kind, &mut self.held);
        self.closed = matches!(looked, Err(errno) if !matches!(errno, Errno::NOENT | Errno::SRCH));
        self.due = false;
        self.looked = now;
        self.process = if self.held.is_empty() { None } else { Process::of(pid) };
    }

    /// What a look into the process costs, in descriptors.
    fn price(&self) -> i64 {
        let descriptors = if self.closed { 0 } else { self.count.max(self.held.len() as u64) };
        ENTRANCE.saturating_add(i64::try_from(descriptors).unwrap_or(i64::MAX))
    }
}

/// Whether a descriptor of a process still is this socket.
fn still_holds(holder: Holder, inode: u32, kind: Kind) -> bool {
    descriptors::at(holder.pid, holder.fd, kind)
        .is_ok_and(|found| found.map(|i| i as u32) == Some(inode))
}
