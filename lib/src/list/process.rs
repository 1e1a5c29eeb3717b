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

    /// Brings it up to date. A process that has ended stays as it was.
    pub(super) fn refresh(&mut self) {
        if let Some((name, state)) = process::name_and_state(self.pid) {
            self.name = name;
            self.state = state;
            // A server may have given up its privileges meanwhile.
            self.uid = process::effective_user(self.pid).known().copied();
        }
    }
}

/// With fewer processes a second thread costs more than it saves.
const WORTH_A_THREAD: usize = 16;

/// Those that hold anything. One that ended meanwhile is left out.
pub(super) fn of(holders: &[Holder]) -> BTreeMap<u32, Process> {
    let mut pids: Vec<u32> = holders.iter().map(|h| h.pid).collect();
    // A process's sockets mostly were made one after the other.
    pids.dedup();
    pids.sort_unstable();
    pids.dedup();
    let look = |pids: &[u32]| -> Vec<(u32, Process)> {
        pids.iter().filter_map(|pid| Some((*pid, Process::of(*pid)?))).collect()
    };
    let shared = if pids.len() < WORTH_A_THREAD { 0 } else { pids.len() / 2 };
    let (theirs, mine) = pids.split_at(shared);
    std::thread::scope(|scope| {
        let helper =
            (shared > 0).then(|| std::thread::Builder::new().spawn_scoped(scope, || look(theirs)));
        let mut found = look(mine);
        // Without a second thread the first does all the work.
        found.extend(match helper {
            Some(Ok(helper)) => helper.join().unwrap_or_default(),
            _ => look(theirs),
        });
        found.into_iter().collect()
    })
}
