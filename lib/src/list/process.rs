//! The processes that hold sockets.

use super::Holder;
use crate::fact::process::ProcessState;
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
    /// What its first thread is up to: one that is stopped serves nobody.
    pub state: ProcessState,
}

impl Process {
    /// As it is now; `None` if it has ended.
    pub(super) fn of(pid: u32) -> Option<Process> {
        let (name, state) = process::name_and_state(pid)?;
        let uid = process::effective_user(pid).known().copied();
        Some(Process { pid, name, uid, state })
    }

    /// Brings name and state up to date. A process that has ended stays as it was.
    pub(super) fn refresh(&mut self) {
        if let Some((name, state)) = process::name_and_state(self.pid) {
            self.name = name;
            self.state = state;
        }
    }
}

/// Those that hold anything. One that ended meanwhile is left out.
pub(super) fn of(holders: &[Holder]) -> BTreeMap<u32, Process> {
    let mut pids: Vec<u32> = holders.iter().map(|h| h.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    pids.into_iter().filter_map(|pid| Some((pid, Process::of(pid)?))).collect()
}
