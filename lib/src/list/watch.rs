//! Lists again and again at a small price: who holds what is kept from look to look.
//!
//! ```text
//!   sock_diag ──► sockets ──────────────────────────────────────┬─► Listing
//!                   │ one is gone that it held                  │
//!                   ▼                                           │
//!   /proc ──► due: new, or with more or fewer descriptors       │
//!               │   in turn: the others                         │
//!               ▼                                               │
//!             /proc, or the kernel for all at once ──► what each process holds
//! ```
//! The sockets are asked for anew each time, without what cannot have changed (`kept`). To find every holder takes as long again or several
//! times as long, so of the processes only those are looked into that have changed, and some of the
//! others, in turn. Where the kernel can be asked for all at once (`iterator`), it is asked when
//! that costs less, and every few looks in any case.

use super::holders::{Held, look_into};
use super::iterator::{self, Program, Told};
use super::join::{self, Again};
use super::kept::Kept;
use super::process::Process;
use super::socket::Socket;
use super::{Holder, Listing, What, holders, tables};
use crate::fact::Seen;
use crate::fact::socket::State;
use crate::observe::descriptors::{self, Kind};
use crate::observe::process;
use crate::sys::Errno;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// So many descriptors of processes that have not changed are looked at in a look, and of those
/// that have at most. What one process takes beyond that is saved in the next looks.
const IN_TURN: i64 = 200;
const MOST: i64 = 1500;

/// What looking into a process costs at least, in descriptors.
const ENTRANCE: i64 = 4;

/// To look at a descriptor in `/proc` costs as much as to be told so many by the kernel.
const TOLD: i64 = 3;

/// The kernel is asked for all holders at least every so many looks.
const ANEW: u64 = 8;

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
    /// Of the sockets.
    kept: Kept,
    /// By process.
    known: BTreeMap<u32, Known>,
    /// What all of them hold, sorted.
    held: Vec<Held>,
    /// The inode numbers of the last look, sorted.
    before: Vec<u32>,
    /// How many looks there were, and in which of them the kernel was last asked for all holders.
    looks: u64,
    told: u64,
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
            kept: Kept::default(),
            known: BTreeMap::new(),
            held: Vec::new(),
            before: Vec::new(),
            looks: 0,
            told: 0,
            in_turn: 0,
            for_large: 0,
        }
    }

    /// Lists what [`list`](super::list) lists.
    ///
    /// The first time all processes are looked into. From then on the sockets are those of the
    /// moment, as are the holders of those in `shown`, given by inode number, and what was opened or
    /// closed. Two things may appear some looks later: a descriptor of another socket that has taken
    /// the place of one in a process, and another peer of a connected datagram socket. With 10,000
    /// sockets a look takes about a quarter of the time of the first.
    pub fn look(&mut self, what: &What, shown: &[u32]) -> Listing {
        let mut tables = tables::gather(what.all_namespaces, &mut self.kept);
        let ask = || tables::again(what.all_namespaces);
        if !what.holders {
            let listing = join::join(tables, &[], |_| true, &Again { most: 1, ask });
            self.kept.keep(&listing.sockets);
            return listing;
        }
        join::order(&mut tables.sockets);
        self.looks += 1;
        let all_holders = self.find_holders(&tables.sockets, shown);
        // Without the program much may be left for the next look in any case.
        let again = Again { most: usize::from(self.program.is_some()), ask };
        // What is found in `/proc` may be of any family.
        let is_unix = |inode| self.told == self.looks || self.before.binary_search(&inode).is_ok();
        let mut listing = join::join(tables, &self.held, is_unix, &again);
        self.kept.keep(&listing.sockets);
        self.before.clear();
        self.before.extend(listing.sockets.iter().map(|s| s.inode).filter(|inode| *inode != 0));
        self.refresh(&listing, shown);
        listing.closed_processes = self.known.values().filter(|known| known.closed).count();
        listing.all_holders = all_holders;
        listing.processes = self.processes(&listing);
        if what.in_flight {
            join::count_in_flight(&mut listing);
        }
        listing
    }

    /// Brings up to date who holds what. What is found is whether these are all holders.
    fn find_holders(&mut self, sockets: &[Socket], shown: &[u32]) -> Seen<()> {
        let (pids, all_pids) = process::pids();
        let ended = self.forget_others(&pids);
        self.find_changes(&pids, sockets, shown);
        if self.ask() || self.look_into_some() || ended {
            self.held.clear();
            self.held.extend(self.known.values().flat_map(|known| &known.held));
            self.held.sort_unstable();
        }
        let closed = self.known.values().filter(|known| known.closed).count();
        holders::completeness(&pids, all_pids, closed)
    }

    /// Forgets processes that ended; whether there are any.
    fn forget_others(&mut self, pids: &[u32]) -> bool {
        let alive: BTreeSet<u32> = pids.iter().copied().collect();
        let before = self.known.len();
        self.known.retain(|pid, _| alive.contains(pid));
        self.known.len() != before
    }

    /// Finds the processes that began or changed.
    fn find_changes(&mut self, pids: &[u32], sockets: &[Socket], shown: &[u32]) {
        for pid in pids {
            let count = process::quick_count(*pid).unwrap_or_default();
            let known = self.known.entry(*pid).or_default();
            known.due |= known.looked == 0 || known.count != count;
            known.count = count;
        }
        // Both are sorted, and mostly the same.
        let mut rest = sockets.iter().peekable();
        let is_gone = |inode: &&u32| {
            while rest.next_if(|socket| socket.inode < **inode).is_some() {}
            rest.peek().is_none_or(|socket| socket.inode != **inode)
        };
        let gone = self.before.iter().filter(is_gone).flat_map(|inode| of(&self.held, *inode));
        let kind = self.kind;
        let checked = shown.iter().flat_map(|inode| of(&self.held, *inode)).take(MOST_CHECKED);
        let lost = checked.filter(|(inode, holder)| !still_holds(*holder, *inode, kind));
        for (_, holder) in gone.chain(lost) {
            if let Some(known) = self.known.get_mut(&holder.pid) {
                known.due = true;
            }
        }
    }

    /// Asks the kernel for all holders, where that can be done and is worth it; whether it has told.
    fn ask(&mut self) -> bool {
        let Some(program) = &self.program else { return false };
        let all = || self.known.values();
        let due: i64 = all().filter(|known| known.due).map(Known::price).sum();
        let worth = due * TOLD > all().map(Known::price).sum() || all().any(|known| known.closed);
        if self.told != 0 && self.looks - self.told < ANEW && !worth {
            return false;
        }
        let Ok(Told { mut held, .. }) = program.told() else {
            self.program = None;
            return false;
        };
        self.told = self.looks;
        held.sort_unstable_by_key(|(_, holder)| *holder);
        for (pid, known) in &mut self.known {
            let from = held.partition_point(|(_, holder)| holder.pid < *pid);
            let mine = held.get(from..).unwrap_or_default();
            let (mine, _) = mine.split_at(mine.partition_point(|(_, holder)| holder.pid == *pid));
            known.take(*pid, mine, self.looks);
        }
        true
    }

    /// Looks into the processes that are due, and into some of the others: each time those that
    /// were not looked into for longest. Where the kernel can be asked, the others are left to it, and
    /// those that are due are few. Whether there were any.
    fn look_into_some(&mut self) -> bool {
        let (first, may_ask) = (self.looks == 1, self.program.is_some());
        let mut waiting: Vec<(bool, u64, u32)> =
            self.known.iter().map(|(pid, known)| (!known.due, known.looked, *pid)).collect();
        waiting.sort_unstable();
        self.in_turn = (self.in_turn + IN_TURN).min(IN_TURN);
        self.for_large = (self.for_large + MOST).min(MOST);
        let (mut for_others, mut any) = (MOST, false);
        for (unchanged, _, pid) in waiting {
            if may_ask && unchanged {
                break;
            }
            let Some(known) = self.known.get_mut(&pid) else { continue };
            let price = known.price();
            let purse = match price > MOST {
                _ if unchanged => &mut self.in_turn,
                true => &mut self.for_large,
                false => &mut for_others,
            };
            if first || may_ask || *purse > 0 {
                *purse -= if first { 0 } else { price };
                known.look(pid, self.kind, self.looks);
                any = true;
            }
        }
        any
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
        pids.sort_unstable();
        pids.dedup();
        let process = |pid: &u32| self.known.get(pid)?.process.clone();
        pids.iter().filter_map(|pid| Some((*pid, process(pid)?))).collect()
    }
}

impl Known {
    /// Takes over what the kernel has told of the process.
    fn take(&mut self, pid: u32, held: &[Held], now: u64) {
        if self.held != held || self.looked == 0 {
            self.held = held.to_vec();
            self.looked = now;
            self.process = if held.is_empty() { None } else { Process::of(pid) };
        }
        (self.due, self.closed) = (false, false);
    }

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

/// The part that belongs to a socket.
fn of(held: &[Held], inode: u32) -> &[Held] {
    let rest = held.get(held.partition_point(|(other, _)| *other < inode)..).unwrap_or_default();
    rest.split_at(rest.partition_point(|(other, _)| *other == inode)).0
}

/// Whether a descriptor of a process still is this socket.
fn still_holds(holder: Holder, inode: u32, kind: Kind) -> bool {
    descriptors::at(holder.pid, holder.fd, kind)
        .is_ok_and(|found| found.map(|i| i as u32) == Some(inode))
}
