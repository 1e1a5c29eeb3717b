//! The world: everything there is, its clock, and the tasks in it.

use super::ancillary::InFlight;
use super::environment::{Environment, Restrictions};
use super::fault::Planning;
use super::file::{File, FileId, What};
use super::inet::Internet;
use super::namespace::Namespace;
use super::process::{Credentials, Descriptor, Process, ProcessId, Task};
use super::slab::Slab;
use super::socket::{NetId, Socket, SocketId};
use super::stop::{Stop, Tried, fail};
use super::wait::Woken;
use crate::Platform;
use crate::op::{Fd, Ids};
use crate::profile::{Machine, Profile};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

/// A thread of a process in a [`World`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

/// Who makes a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) task: TaskId,
    pub(crate) process: ProcessId,
    /// The descriptor of a call that looks again, and the open file it was begun on: the number
    /// may stand for another file, or for none, by now.
    pub(crate) began_on: Option<(Fd, FileId)>,
}

/// A system with its processes, files and sockets. See the [module](crate::model).
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) profile: Arc<Profile>,
    pub(crate) machine: Arc<Machine>,
    pub(crate) now: Duration,
    pub(crate) tasks: Vec<Task>,
    pub(crate) processes: Slab<Process>,
    pub(crate) files: Slab<File>,
    pub(crate) sockets: Slab<Socket>,
    pub(crate) environment: Environment,
    pub(crate) internet: Internet,
    pub(crate) namespace: Namespace,
    pub(crate) next_pid: i32,
    pub(crate) next_net: NetId,
    /// Descriptors in messages.
    pub(crate) in_flight: InFlight,
    /// Files that nothing refers to any more, and that are about to be released.
    pub(crate) doomed: Vec<FileId>,
    /// What the last call lost, or why it ended, without an error.
    pub(crate) remark: Option<&'static str>,
    /// They are being released.
    pub(crate) burying: bool,
    pub(crate) faults: Planning,
}

impl World {
    /// An empty world with the rules of this system, on a usual machine.
    pub fn new(profile: Profile) -> World {
        World::on(profile, Machine::default())
    }

    /// An empty world with the rules of this system, on this machine.
    pub fn on(profile: Profile, machine: Machine) -> World {
        World {
            profile: Arc::new(profile),
            machine: Arc::new(machine),
            now: Duration::ZERO,
            tasks: Vec::new(),
            processes: Slab::new(),
            files: Slab::new(),
            sockets: Slab::new(),
            environment: Environment::default(),
            internet: Internet::default(),
            namespace: Namespace::new(),
            next_pid: 100,
            next_net: 1,
            in_flight: InFlight::default(),
            doomed: Vec::new(),
            remark: None,
            burying: false,
            faults: None,
        }
    }

    /// The system whose rules hold.
    pub fn platform(&self) -> Platform {
        self.profile.platform
    }

    /// Starts a process of root, with descriptors 0, 1 and 2 open on a device.
    pub fn spawn(&mut self) -> TaskId {
        self.spawn_as(Credentials::ROOT)
    }

    /// Starts a process of this user, with descriptors 0, 1 and 2 open on a device.
    pub fn spawn_as(&mut self, credentials: Credentials) -> TaskId {
        let mut process = Process {
            pid: self.next_pid,
            credentials,
            descriptors: Vec::new(),
            lowest: 0,
            claimed: Vec::new(),
            limit: self.machine.descriptors,
            net: 0,
            umask: 0o022,
            restrictions: Restrictions::default(),
            parent: None,
            directory: Namespace::ROOT,
            root: Namespace::ROOT,
            gone: false,
            reaped: false,
            stopped: false,
        };
        self.next_pid += 1;
        let device = File { what: What::Device, nonblocking: false, references: 3, in_flight: 0 };
        let device = self.files.insert(device);
        for _ in 0..3 {
            process.install(Descriptor { file: device, socket: None });
        }
        let process = self.processes.insert(process);
        self.add_task(process)
    }

    /// The users, groups and powers of a task's process.
    ///
    /// # Panics
    /// If there is no such task.
    pub fn credentials(&self, task: TaskId) -> &Credentials {
        &self.processes[self.caller(task).process].credentials
    }

    /// The process of a task with its effective user and group, as others see it.
    ///
    /// # Panics
    /// If there is no such task.
    pub fn ids(&self, task: TaskId) -> Ids {
        let process = &self.processes[self.caller(task).process];
        let Credentials { users, groups, .. } = &process.credentials;
        Ids { pid: process.pid, uid: users[1], gid: groups[1] }
    }

    /// A task as a caller, outside of a call.
    pub(crate) fn caller(&self, task: TaskId) -> Caller {
        Caller { task, process: self.tasks[task.0 as usize].process, began_on: None }
    }

    pub(crate) fn add_task(&mut self, process: ProcessId) -> TaskId {
        self.tasks.push(Task { process, pending: None });
        TaskId(self.tasks.len() as u32 - 1)
    }

    /// Starts another thread in the process of a task.
    pub fn spawn_thread(&mut self, of: TaskId) -> TaskId {
        self.add_task(self.tasks[of.0 as usize].process)
    }

    /// Gives another process a descriptor of the same open file, as `fork` would have. `None` if
    /// there is no such descriptor, or no room for one more.
    pub fn share(&mut self, from: TaskId, fd: Fd, to: TaskId) -> Option<Fd> {
        let [from, to] = [from, to].map(|task| self.tasks[task.0 as usize].process);
        let found = self.processes[from].descriptor(fd)?;
        let shared = self.processes[to].install(found)?;
        self.files[found.file].references += 1;
        Some(shared)
    }

    /// Whether `O_NONBLOCK` is set; `false` also if there is no such descriptor.
    pub fn is_nonblocking(&self, task: TaskId, fd: Fd) -> bool {
        let process = self.tasks[task.0 as usize].process;
        self.processes[process].descriptor(fd).is_some_and(|d| self.files[d.file].nonblocking)
    }

    /// The time since the start of the world.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Lets time pass. Calls whose time is up can be resumed then.
    pub fn advance(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
        for task in &mut self.tasks {
            let Some(pending) = &mut task.pending else { continue };
            let late = pending.attempt.deadline.is_some_and(|deadline| deadline <= self.now);
            if late && pending.attempt.woken.is_none() {
                pending.attempt.woken = Some(Woken::Expired);
            }
        }
    }

    /// When the next call gives up waiting; `None` if no call with a time limit waits.
    pub fn next_deadline(&self) -> Option<Duration> {
        let waiting = self.tasks.iter().filter_map(|t| t.pending.as_ref());
        waiting.filter(|p| p.attempt.woken.is_none()).filter_map(|p| p.attempt.deadline).min()
    }

    /// Sends a signal with a handler to a task: a call that waits ends.
    pub fn interrupt(&mut self, task: TaskId) {
        if let Some(pending) = &mut self.tasks[task.0 as usize].pending {
            pending.attempt.woken = Some(Woken::Interrupted);
        }
    }

    /// Whether there is such a task, and its process has not exited.
    pub fn is_alive(&self, task: TaskId) -> bool {
        self.tasks.get(task.0 as usize).is_some_and(|t| !self.processes[t.process].gone)
    }

    /// The tasks whose calls wait and can look again now, in ascending order. Those of stopped
    /// processes cannot.
    pub fn runnable(&self) -> impl Iterator<Item = TaskId> {
        self.waiting(|woken| woken.is_some())
    }

    /// The tasks whose calls wait and have no reason to look again.
    pub fn blocked(&self) -> impl Iterator<Item = TaskId> {
        self.waiting(|woken| woken.is_none())
    }

    fn waiting(&self, which: fn(Option<Woken>) -> bool) -> impl Iterator<Item = TaskId> {
        let numbered = (0..).zip(&self.tasks);
        numbered.filter_map(move |(number, task)| {
            let woken = task.pending.as_ref()?.attempt.woken;
            let woken = woken.filter(|_| !self.processes[task.process].stopped);
            which(woken).then_some(TaskId(number))
        })
    }

    /// The open file behind a descriptor; fails with the first cause.
    pub(crate) fn file(&self, caller: Caller, fd: Fd, bad: &'static str) -> Tried<FileId> {
        match caller.began_on {
            Some((begun, file)) if begun == fd => Ok(file),
            _ => {
                let found = self.processes[caller.process].descriptor(fd);
                Ok(found.ok_or(fail(bad))?.file)
            }
        }
    }

    /// The socket behind a descriptor, and its open file. Fails with the first cause if there is
    /// no such descriptor, with the second if it is no socket.
    pub(crate) fn socket(
        &self,
        caller: Caller,
        fd: Fd,
        [bad, not_a_socket]: [&'static str; 2],
    ) -> Tried<(FileId, SocketId)> {
        let file = self.file(caller, fd, bad)?;
        match self.files[file].what {
            What::Socket(socket) => Ok((file, socket)),
            What::Path => Err(fail(bad)),
            What::Inet(socket) => Err(Stop::Internet(socket)),
            What::Device | What::Process(_) | What::Ring => Err(fail(not_a_socket)),
        }
    }

    /// Gives the caller a descriptor for a file, with the reference that goes with it.
    pub(crate) fn install(
        &mut self,
        caller: Caller,
        file: FileId,
        limit: &'static str,
    ) -> Tried<Fd> {
        let socket = match self.files[file].what {
            What::Socket(socket) => Some(socket),
            _ => None,
        };
        let installed = self.processes[caller.process].install(Descriptor { file, socket });
        let fd = installed.ok_or(fail(limit))?;
        self.files[file].references += 1;
        Ok(fd)
    }
}

/// Two causes for a descriptor that a family of calls cannot use.
macro_rules! descriptor {
    ($family:literal) => {
        [concat!($family, "/bad-descriptor"), concat!($family, "/not-a-socket-descriptor")]
    };
}
pub(crate) use descriptor;
