//! The processes that hold sockets.

use super::Holder;
use crate::observe::process;
use std::collections::BTreeMap;

/// A process that holds sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its name, at most 15 bytes (`comm`).
    pub name: Vec<u8>,
    /// Its effective user; `None` if that may not be seen.
    pub uid: Option<u32>,
}

/// Those that hold anything. One that ended meanwhile is left out.
pub(super) fn of(holders: &[Holder]) -> BTreeMap<u32, Process> {
    let mut pids: Vec<u32> = holders.iter().map(|h| h.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    let describe = |pid| {
        let (name, uid) = process::identity(pid)?;
        Some((pid, Process { pid, name, uid: uid.known().copied() }))
    };
    pids.into_iter().filter_map(describe).collect()
}
