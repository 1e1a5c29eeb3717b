//! The processes that hold sockets.

use super::Holder;
use super::iterator::Processes;
use crate::fact::process::ProcessState;
use crate::observe::process;
use crate::sys::thread;
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

/// Those that hold anything: as the kernel told, otherwise as `/proc` shows them. One that ended
/// meanwhile is left out.
pub(super) fn of(holders: &[Holder], told: &Processes) -> BTreeMap<u32, Process> {
    let mut pids: Vec<u32> = holders.iter().map(|h| h.pid).collect();
    // A process's sockets mostly were made one after the other.
    pids.dedup();
    pids.sort_unstable();
    pids.dedup();
    let mut found: BTreeMap<u32, Process> =
        pids.iter().filter_map(|pid| Some((*pid, told.get(*pid)?))).collect();
    pids.retain(|pid| !found.contains_key(pid));
    let look = |pids: &[u32]| -> Vec<(u32, Process)> {
        pids.iter().filter_map(|pid| Some((*pid, Process::of(*pid)?))).collect()
    };
    let shared = if pids.len() < WORTH_A_THREAD { 0 } else { pids.len() / 2 };
    let (theirs, mine) = pids.split_at(shared);
    std::thread::scope(|scope| {
        let helper = (shared > 0).then(|| thread::beside(scope, || look(theirs)));
        found.extend(look(mine));
        // Without a second thread the first does all the work.
        found.extend(match helper {
            Some(Ok(helper)) => helper.join().unwrap_or_default(),
            _ => look(theirs),
        });
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::iterator::{Program, may_be_had};
    use crate::observe::test::Running;
    use rustix::process::{Pid, Signal, kill_process};
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::time::Duration;

    fn once(pid: u32, state: ProcessState) -> Process {
        for _ in 0..500 {
            match Process::of(pid) {
                Some(process) if process.state == state && process.name == b"sleep" => {
                    return process;
                }
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        panic!("never {state:?}: {:?}", Process::of(pid));
    }

    #[test]
    fn the_kernel_tells_of_processes_what_proc_shows() {
        let program = if may_be_had() { Program::load() } else { None };
        let Some(program) = program else {
            eprintln!("skipped: the kernel cannot be asked here (root, Linux 6.16)");
            return;
        };
        let child = Running(Command::new("sleep").arg("100").uid(65534).spawn().unwrap());
        let pid = child.0.id();
        let told = |pid| program.told().unwrap().processes.get(pid);

        let asleep = once(pid, ProcessState::Sleeping);
        assert_eq!(asleep.uid, Some(65534));
        assert_eq!(told(pid), Some(asleep));
        let me = told(std::process::id()).unwrap();
        assert_eq!(me.uid, Some(rustix::process::geteuid().as_raw()));
        assert_eq!(Some(me.name), Process::of(std::process::id()).map(|process| process.name));

        kill_process(Pid::from_child(&child.0), Signal::STOP).unwrap();
        let stopped = once(pid, ProcessState::Stopped);
        assert_eq!(told(pid), None, "what is rare is asked of /proc");
        let holders = [Holder { pid, fd: 0 }];
        let found = of(&holders, &program.told().unwrap().processes);
        assert_eq!(found.get(&pid), Some(&stopped));
    }
}
