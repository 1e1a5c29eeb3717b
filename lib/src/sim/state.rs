//! Everything that the threads of a simulation share: the model, the threads, whose turn it is.

use super::executor::Watch;
use super::files::Files;
use super::random::Random;
use super::report::{Event, Failure, Planned, Stuck};
use super::socket::{Holder, Sockets};
use super::walk::Point;
use crate::Cause;
use crate::model::{self, At, Fault, Order, Step, TaskId};
use crate::op::{Op, ProcessOp};
use crate::sys::Result;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar};
use std::time::Duration;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct State {
    pub(super) world: model::World,
    pub(super) random: Random,
    pub(super) tasks: Vec<Task>,
    pub(super) processes: Vec<Process>,
    pub(super) sockets: Sockets,
    pub(super) files: Files,
    /// What futures wait for.
    pub(super) watches: Vec<Watch>,
    pub(super) watch_keys: u64,
    pub(super) events: Vec<Event>,
    /// Every call that can go wrong, if that is wanted.
    pub(super) survey: Option<Vec<Point>>,
    /// Faults for threads that have not been started yet, and their numbers.
    pub(super) planned: Vec<(usize, Planned)>,
    /// The number of each fault that the model knows.
    pub(super) fault_numbers: Vec<usize>,
    /// Sockets that were open at the end although their process was done, unless a thread in the
    /// background has them: it lets go of them when it is ended.
    pub(super) lost: Vec<(u64, String)>,
    /// Whose turn it is.
    pub(super) turn: usize,
    /// How many times the turn has been passed on: it tells whether anything goes on.
    pub(super) passed: u64,
    pub(super) calls: u64,
    pub(super) most_calls: u64,
    /// The run is over: every thread leaves as soon as it makes a call.
    pub(super) over: bool,
    pub(super) failure: Option<Failure>,
}

/// A thread of the program.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) name: String,
    pub(super) process: usize,
    pub(super) model: TaskId,
    pub(super) status: Status,
    /// Rung when it is its turn.
    pub(super) bell: Arc<Condvar>,
    /// The run lasts until it ends.
    pub(super) foreground: bool,
    /// The call in which it waits.
    pub(super) waits: Option<(Op, &'static Cause)>,
    /// A waker of its futures was used.
    pub(super) notified: Arc<AtomicBool>,
}

/// What keeps a thread from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Nothing.
    Ready,
    /// A call that waits in the model.
    InCall,
    /// It sleeps until this time.
    Sleeping(Duration),
    /// It waits for another thread to end.
    Joining(usize),
    /// It waits for those in the foreground to end.
    Finishing,
    /// All its futures wait.
    Parked,
    /// It has ended.
    Done,
}

/// A process of the program.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) name: String,
    /// A thread of the model for what happens beside the calls of the program.
    pub(super) helper: TaskId,
    /// It was killed.
    pub(super) dead: bool,
}

impl State {
    pub(super) fn new(world: model::World, seed: u64, most_calls: u64) -> State {
        State {
            world,
            random: Random::new(seed),
            tasks: Vec::new(),
            processes: Vec::new(),
            sockets: Sockets::default(),
            files: Files::default(),
            watches: Vec::new(),
            watch_keys: 0,
            events: Vec::new(),
            survey: None,
            planned: Vec::new(),
            fault_numbers: Vec::new(),
            lost: Vec::new(),
            turn: 0,
            passed: 0,
            calls: 0,
            most_calls,
            over: false,
            failure: None,
        }
    }

    /// A process with one thread; the number of the thread.
    pub(super) fn add_process(
        &mut self,
        name: &str,
        user: model::Credentials,
        foreground: bool,
    ) -> usize {
        let model = self.world.spawn_as(user);
        let helper = self.world.spawn_thread(model);
        self.processes.push(Process { name: name.into(), helper, dead: false });
        self.add(name, self.processes.len() - 1, model, foreground)
    }

    /// One more thread of a process.
    pub(super) fn add_thread(&mut self, name: &str, process: usize, foreground: bool) -> usize {
        let model = self.world.spawn_thread(self.processes[process].helper);
        self.add(name, process, model, foreground)
    }

    /// Plans faults, those for certain threads as soon as there are such.
    pub(super) fn plan(&mut self, faults: &[Planned]) {
        for (number, planned) in faults.iter().enumerate() {
            match planned.thread {
                Some(_) => self.planned.push((number, planned.clone())),
                None => self.plan_one(number, planned.fault),
            }
        }
    }

    fn plan_one(&mut self, number: usize, fault: Fault) {
        self.world.plan(fault).expect("it was planned before");
        self.fault_numbers.push(number);
    }

    fn add(&mut self, name: &str, process: usize, model: TaskId, foreground: bool) -> usize {
        let is_for_it = |(_, planned): &mut (_, Planned)| planned.thread.as_deref() == Some(name);
        for (number, Planned { fault, .. }) in
            self.planned.extract_if(.., is_for_it).collect::<Vec<_>>()
        {
            let at = At { task: Some(model), ..fault.at };
            self.plan_one(number, Fault { at, ..fault });
        }
        self.tasks.push(Task {
            name: name.into(),
            process,
            model,
            status: Status::Ready,
            bell: Arc::default(),
            foreground,
            waits: None,
            notified: Arc::default(),
        });
        self.tasks.len() - 1
    }

    /// Picks whose turn is next; time passes if everybody waits for it. `false`: nobody can go on.
    pub(super) fn pass_turn(&mut self) -> bool {
        loop {
            let all = 0..self.tasks.len();
            let able: Vec<_> = all.filter(|task| self.is_able(*task)).collect();
            if !able.is_empty() {
                self.turn = able[self.random.below(able.len())];
                self.passed += 1;
                self.tasks[self.turn].bell.notify_all();
                return true;
            }
            let Some(next) = self.next_deadline() else { return false };
            self.world.advance(next.saturating_sub(self.world.now()));
        }
    }

    fn is_able(&self, number: usize) -> bool {
        let task = &self.tasks[number];
        if self.processes[task.process].dead {
            return task.status != Status::Done;
        }
        let now = self.world.now();
        match task.status {
            Status::Ready => true,
            Status::InCall => self.world.runnable().any(|woken| woken == task.model),
            Status::Sleeping(until) => until <= now,
            Status::Joining(other) => self.tasks[other].status == Status::Done,
            Status::Finishing => self.foreground_is_done(number),
            Status::Parked => {
                let notified = task.notified.load(Ordering::Acquire);
                notified || self.watches.iter().any(|w| w.task == number && w.is_ready(&self.world))
            }
            Status::Done => false,
        }
    }

    fn foreground_is_done(&self, but: usize) -> bool {
        let mut others = self.tasks.iter().enumerate().filter(|(n, t)| *n != but && t.foreground);
        others.all(|(_, task)| task.status == Status::Done)
    }

    fn next_deadline(&self) -> Option<Duration> {
        let sleepers = self.tasks.iter().filter_map(|task| match task.status {
            Status::Sleeping(until) => Some(until),
            _ => None,
        });
        let futures = self.watches.iter().filter_map(|watch| watch.until());
        sleepers.chain(futures).chain(self.world.next_deadline()).min()
    }

    /// Ends the run: everybody is told.
    pub(super) fn end(&mut self, failure: Option<Failure>) {
        // A thread that panicked may still unwind when the others are done.
        self.failure = self.failure.take().or(failure);
        self.over = true;
        self.tasks.iter().for_each(|task| task.bell.notify_all());
    }

    /// Who waits for ever, and for what.
    pub(super) fn deadlock(&self) -> Failure {
        let waiting = self
            .tasks
            .iter()
            .filter(|task| !matches!(task.status, Status::Done | Status::Finishing));
        let stuck = waiting.map(|task| Stuck {
            task: task.name.clone(),
            op: task.waits.as_ref().map(|(op, _)| op.clone()),
            cause: task.waits.as_ref().map(|(_, cause)| *cause),
        });
        Failure::Deadlock(stuck.collect())
    }

    /// Notes what a thread did. What one does that unwinds is not what led there.
    pub(super) fn note(&mut self, task: String, op: &Op, step: &Step) {
        if std::thread::panicking() {
            return;
        }
        let at = self.world.now();
        self.events.push(Event { at, task, op: op.clone(), step: step.clone() });
    }

    /// Closes in the model what the program has closed since the last look.
    pub(super) fn sweep(&mut self) {
        for holder in self.sockets.take_closed() {
            self.close(holder);
        }
    }

    fn close(&mut self, Holder { process, fd }: Holder) {
        let op = Op::Close { fd };
        let step = self.world.step(self.processes[process].helper, &op);
        self.note(self.processes[process].name.clone(), &op, &step);
    }

    /// Ends a process at once: its descriptors are closed, its files stay.
    pub(super) fn kill(&mut self, process: usize) {
        if std::mem::replace(&mut self.processes[process].dead, true) {
            return;
        }
        self.sweep();
        self.sockets.forget(process);
        self.files.forget(process);
        let op = Op::Process(ProcessOp::Exit);
        let step = self.world.step(self.processes[process].helper, &op);
        self.note(self.processes[process].name.clone(), &op, &step);
    }

    /// What a fault orders after a step of a thread.
    pub(super) fn obey(&mut self, task: usize) -> Option<Duration> {
        match self.world.take_order()? {
            Order::Kill => {
                self.kill(self.tasks[task].process);
                None
            }
            Order::Delay(time) => Some(self.world.now() + time),
        }
    }

    /// The descriptor of the model that a real one stands for, in the process of a thread.
    pub(super) fn descriptor(&mut self, inode: u64, task: usize) -> Option<i32> {
        let process = self.tasks[task].process;
        let holders = self.sockets.holders(inode)?;
        if let Some(own) = holders.iter().find(|holder| holder.process == process) {
            return Some(own.fd);
        }
        // Moved here by the program, as a child inherits what was open when it was forked.
        let from = *holders.first()?;
        let helper = self.processes[from.process].helper;
        let fd = self.world.share(helper, from.fd, self.tasks[task].model)?;
        self.sockets.share(inode, Holder { process, fd });
        Some(fd)
    }

    /// A real descriptor for a new one of the model.
    pub(super) fn descriptor_for(&mut self, task: usize, fd: i32) -> Result<OwnedFd> {
        let process = self.tasks[task].process;
        self.sockets.add(Holder { process, fd })
    }
}
