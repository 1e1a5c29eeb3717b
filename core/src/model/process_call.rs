//! Calls on processes.

use super::file::{FileId, What};
use super::process::{Caps, Process, ProcessId, Task};
use super::stop::{Stop, Tried};
use super::wait::{Pending, Woken};
use super::world::{Caller, TaskId, World};
use crate::Errno;
use crate::op::{Op, ProcessOp, Ret, Value};
use alloc::vec::Vec;
use core::mem;

/// `fs.nr_open`: a limit that no process exceeds.
const MOST_DESCRIPTORS: u32 = 1 << 20;
/// `NGROUPS_MAX`
const MOST_GROUPS: usize = 65_536;

impl World {
    pub(crate) fn process_call(&mut self, caller: Caller, op: &ProcessOp) -> Tried {
        match op {
            ProcessOp::Fork => Ok(Ret::Task(self.fork(caller.process).0)),
            ProcessOp::Thread => Ok(Ret::Task(self.add_task(caller.process).0)),
            ProcessOp::Exit => Ok(self.exit(caller.process)),
            ProcessOp::Become { uid, gid, groups } => {
                self.processes[caller.process].become_user(*uid, *gid, groups)
            }
            ProcessOp::SetEffective { uid, gid } => {
                let process = &mut self.processes[caller.process];
                process.set_groups([None, Some(*gid), None])?;
                process.set_users([None, Some(*uid), None])
            }
            ProcessOp::LimitDescriptors { limit } => {
                self.processes[caller.process].limit_descriptors(*limit)
            }
            ProcessOp::UnshareNet => {
                self.may_change_net(caller)?;
                self.processes[caller.process].net = self.next_net;
                self.next_net += 1;
                Ok(Ret::Unit)
            }
            ProcessOp::JoinNet { of } => {
                let net = self.net_of(*of)?;
                self.may_change_net(caller)?;
                self.processes[caller.process].net = net;
                Ok(Ret::Unit)
            }
            ProcessOp::Getpid => Ok(Ret::Value(Value::Int(self.processes[caller.process].pid))),
        }
    }

    /// The child shares the open files, not the table of descriptors, and none of its calls waits.
    fn fork(&mut self, parent: ProcessId) -> TaskId {
        let child = Process {
            pid: self.next_pid,
            parent: Some(parent),
            stopped: false,
            claimed: Vec::new(),
            lowest: 0,
            ..self.processes[parent].clone()
        };
        self.next_pid += 1;
        for descriptor in child.descriptors.iter().flatten() {
            self.files[descriptor.file].references += 1;
        }
        let child = self.processes.insert(child);
        self.add_task(child)
    }

    /// The calls of other threads end without a result, then everything is closed, the highest
    /// descriptor first.
    fn exit(&mut self, id: ProcessId) -> Ret {
        self.processes[id].gone = true;
        self.tell_of_end(id);
        for number in 0..self.tasks.len() {
            let Task { process, pending } = &mut self.tasks[number];
            if *process != id {
                continue;
            }
            let Some(pending) = pending.take() else { continue };
            let Pending { places, files, attempt, .. } = *pending;
            let socket = files.first().and_then(|file| match self.files[*file].what {
                What::Socket(socket) => Some(socket),
                _ => None,
            });
            self.abandon(socket, attempt);
            self.leave_lines(TaskId(number as u32), &places);
            for file in files {
                self.drop_file(file);
            }
        }
        for descriptor in mem::take(&mut self.processes[id].descriptors).iter().rev().flatten() {
            self.drop_file(descriptor.file);
        }
        for directory in [self.processes[id].directory, self.processes[id].root] {
            self.leave_directory(directory);
        }
        self.reap(id);
        Ret::Unit
    }

    /// Wakes those who poll a descriptor of the process.
    fn tell_of_end(&mut self, id: ProcessId) {
        for pending in self.tasks.iter_mut().filter_map(|task| task.pending.as_deref_mut()) {
            let of_it = |file: &FileId| self.files[*file].what == What::Process(Some(id));
            let polls = matches!(pending.op, Op::Poll { .. });
            if polls && pending.attempt.woken.is_none() && pending.files.iter().any(of_it) {
                pending.attempt.woken = Some(Woken::Ready);
            }
        }
    }

    /// A process that has exited keeps its number until its parent asks how it ended, which no
    /// parent of this world does, or exits as well. Then the system's first process asks.
    fn reap(&mut self, exited: ProcessId) {
        let parent = self.processes[exited].parent;
        self.processes[exited].reaped = parent.is_some_and(|p| self.processes[p].gone);
        let children: Vec<_> =
            self.processes.iter().filter(|(_, p)| p.parent == Some(exited)).map(|c| c.0).collect();
        for child in children {
            let child = &mut self.processes[child];
            child.reaped |= child.gone;
        }
    }

    /// Whether a number stands for a process, be it one that has exited and was not waited for.
    pub(crate) fn process_exists(&self, pid: i32) -> bool {
        const INIT: i32 = 1;
        pid == INIT || self.processes.iter().any(|(_, p)| p.pid == pid && !p.reaped)
    }

    fn may_change_net(&self, caller: Caller) -> Tried<()> {
        if !*self.profile.creation.network_namespaces {
            return Err(Stop::Errno(Errno::ENOSYS));
        }
        self.processes[caller.process].needs(Caps::SYS_ADMIN)
    }

    fn net_of(&self, task: u32) -> Tried<u32> {
        let process = self.tasks.get(task as usize).map(|t| &self.processes[t.process]);
        match process {
            Some(process) if !process.gone => Ok(process.net),
            _ => Err(Stop::Errno(Errno::ESRCH)),
        }
    }
}

impl Process {
    fn needs(&self, capability: Caps) -> Tried<()> {
        if self.credentials.caps.contains(capability) {
            Ok(())
        } else {
            Err(Stop::Errno(Errno::EPERM))
        }
    }

    /// `setgroups`, `setresgid`, `setresuid`: what was done before one of them fails stays.
    fn become_user(&mut self, uid: u32, gid: u32, groups: &[u32]) -> Tried {
        self.needs(Caps::SETGID)?;
        if groups.len() > MOST_GROUPS || groups.contains(&u32::MAX) {
            return Err(Stop::Errno(Errno::EINVAL));
        }
        self.credentials.supplementary = groups.to_vec();
        self.credentials.supplementary.sort_unstable();
        self.set_groups([Some(gid); 3])?;
        self.set_users([Some(uid); 3])
    }

    /// `setresgid`; `None` leaves one as it is.
    fn set_groups(&mut self, wanted: [Option<u32>; 3]) -> Tried {
        let new = self.chosen(wanted, self.credentials.groups, Caps::SETGID)?;
        self.credentials.groups = new;
        Ok(Ret::Unit)
    }

    /// `setresuid`, with what it does to capabilities.
    fn set_users(&mut self, wanted: [Option<u32>; 3]) -> Tried {
        let old = self.credentials.users;
        let new = self.chosen(wanted, old, Caps::SETUID)?;
        let credentials = &mut self.credentials;
        credentials.users = new;
        if old.contains(&0) && !new.contains(&0) {
            credentials.permitted = Caps::NONE;
            credentials.caps = Caps::NONE;
        } else if old[1] == 0 && new[1] != 0 {
            credentials.caps = Caps::NONE;
        } else if old[1] != 0 && new[1] == 0 {
            credentials.caps = credentials.permitted;
        }
        Ok(Ret::Unit)
    }

    /// The new ids: without the capability, each must be one of the old ones.
    fn chosen(&self, wanted: [Option<u32>; 3], old: [u32; 3], capability: Caps) -> Tried<[u32; 3]> {
        // The number that stands for "as it is" can be nobody's.
        let wanted = wanted.map(|id| id.filter(|id| *id != u32::MAX));
        if wanted.iter().flatten().any(|id| !old.contains(id)) {
            self.needs(capability)?;
        }
        Ok([0, 1, 2].map(|place| wanted[place].unwrap_or(old[place])))
    }

    fn limit_descriptors(&mut self, limit: u32) -> Tried {
        if limit > MOST_DESCRIPTORS {
            return Err(Stop::Errno(Errno::EPERM));
        }
        if limit > self.limit {
            self.needs(Caps::SYS_RESOURCE)?;
        }
        self.limit = limit;
        Ok(Ret::Unit)
    }
}
