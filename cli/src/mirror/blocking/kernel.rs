//! The kernel's side: real processes and threads, one call each at a time.

use super::super::house::House;
use super::super::script::MOST_TASKS;
use super::worker;
use crate::stage::{Step, Trouble};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use sunpath::host::{Failed, Outcome};
use sunpath::op::{Op, ProcessOp};
use sunpath::sys::process::{self, Child};
use sunpath::sys::socket::{self, PollFlags};
use sunpath::sys::thread::{self, Sleep};

/// How long a thread that was woken may take. It is reached only if a thread neither comes back
/// nor sleeps, so it can be long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A task, which is a thread.
struct Task {
    pid: u32,
    thread: u32,
    /// Which of the children its process is.
    process: usize,
    /// It is in a call.
    busy: bool,
}

/// Processes, killed when this is dropped.
pub struct Kernel<'a> {
    house: &'a mut House,
    orders: Vec<PipeWriter>,
    answers: Vec<PipeReader>,
    ends: Vec<OwnedFd>,
    tasks: Vec<Task>,
    children: Vec<Child>,
}

/// What came of waiting until nobody moves any more.
pub enum Settled {
    /// These calls have come back; the others sleep.
    Still(BTreeMap<u32, Outcome>),
    /// This one neither comes back nor sleeps, or sleeps too long.
    Restless(u32),
}

impl Kernel<'_> {
    /// No process yet, in an empty directory.
    pub fn new(house: &mut House) -> Result<Kernel<'_>, Trouble> {
        house.fresh_root()?;
        let (mut orders, mut answers, mut ends) = (Vec::new(), Vec::new(), Vec::<OwnedFd>::new());
        for _ in 0..MOST_TASKS {
            let (order_end, order) = pipe().step("make a pipe")?;
            let (answer, answer_end) = pipe().step("make a pipe")?;
            ends.extend([order_end.into(), answer_end.into()]);
            orders.push(order);
            answers.push(answer);
        }
        Ok(Kernel { house, orders, answers, ends, tasks: Vec::new(), children: Vec::new() })
    }

    /// Starts a process with one task, the next one.
    pub fn spawn(&mut self) -> Result<(), Trouble> {
        let task = self.tasks.len();
        let parent = std::process::id();
        let child = process::fork(|| {
            let ends: Vec<_> = self.ends.iter().map(AsFd::as_fd).collect();
            worker::run(task, self.house, parent, &ends)
        });
        self.children.push(child.step("make a process")?);
        self.welcome(self.children.len() - 1)
    }

    /// The next task says who it is.
    fn welcome(&mut self, process: usize) -> Result<(), Trouble> {
        let words = self.words(self.tasks.len(), PATIENCE)?.unwrap_or_default();
        let mut fields = words.strip_prefix("here ").unwrap_or_default().split(' ');
        let mut number = || fields.next()?.parse::<u32>().ok();
        let (Some(pid), Some(thread)) = (number(), number()) else {
            return Err(Trouble::Failed(format!("a process does not begin: {words}")));
        };
        if process == self.children.len() {
            self.children.push(Child::adopt(pid).step("know a new process")?);
        }
        self.tasks.push(Task { pid, thread, process, busy: false });
        Ok(())
    }

    /// How many tasks there were.
    pub fn tasks(&self) -> u32 {
        self.tasks.len() as u32
    }

    /// The process of a task.
    pub fn pid(&self, task: u32) -> i32 {
        self.tasks[task as usize].pid.cast_signed()
    }

    /// Has a call made. What comes of it is said by [`Kernel::settle`].
    pub fn call(&mut self, task: u32, op: &Op) -> Result<(), Trouble> {
        let text = op.to_string();
        let mut order = (self.tasks.len() as u32).to_le_bytes().to_vec();
        order.extend((text.len() as u32).to_le_bytes());
        order.extend(text.as_bytes());
        self.orders[task as usize].write_all(&order).step("give an order")?;
        let caller = &mut self.tasks[task as usize];
        let process = caller.process;
        caller.busy = true;
        match op {
            Op::Process(ProcessOp::Thread) => self.welcome(process),
            Op::Process(ProcessOp::Fork) => self.welcome(self.children.len()),
            Op::Process(ProcessOp::Exit) => {
                self.children[process].wait_without_reaping().step("see a process off")?;
                for task in self.tasks.iter_mut().filter(|task| task.process == process) {
                    task.busy = false;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Interrupts the call in which a task sleeps.
    pub fn interrupt(&self, task: u32) -> Result<(), Trouble> {
        let task = &self.tasks[task as usize];
        thread::interrupt(task.pid, task.thread).step("send a signal")
    }

    /// Waits until each task that is in a call has come back or sleeps, and all at one moment.
    /// Those of `must` sleep no more in the end: their time runs out.
    pub fn settle(&mut self, must: &BTreeSet<u32>) -> Result<Settled, Trouble> {
        let limit = Instant::now() + PATIENCE;
        let (mut ended, mut before) = (BTreeMap::new(), None);
        for round in 0.. {
            let heard = self.hear(&mut ended)?;
            let asleep = self.asleep()?;
            let waited_for = must.iter().find(|task| self.tasks[**task as usize].busy);
            let awake = match (asleep, waited_for) {
                // Nobody has moved between two looks: so all slept at the moment between them.
                (Ok(asleep), None) if !heard && before.as_ref() == Some(&asleep) => {
                    return Ok(Settled::Still(ended));
                }
                (Ok(asleep), waited_for) => {
                    before = Some(asleep);
                    waited_for.copied()
                }
                (Err(awake), _) => {
                    before = None;
                    Some(awake)
                }
            };
            if let Some(awake) = awake
                && Instant::now() > limit
            {
                return Ok(Settled::Restless(awake));
            }
            match round {
                0..10 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(100)),
            }
        }
        Ok(Settled::Still(ended))
    }

    /// How often each task that is in a call has gone to sleep; or one that does not sleep.
    fn asleep(&self) -> Result<Result<Vec<u64>, u32>, Trouble> {
        let mut all = Vec::new();
        for (number, task) in (0..).zip(&self.tasks) {
            if !task.busy {
                continue;
            }
            match thread::sleep(task.pid, task.thread).if_possible("look at a thread")? {
                Sleep::Sound(times) => all.push(times),
                Sleep::Awake => return Ok(Err(number)),
            }
        }
        Ok(Ok(all))
    }

    /// Collects the answers that have come; whether there were any.
    fn hear(&mut self, ended: &mut BTreeMap<u32, Outcome>) -> Result<bool, Trouble> {
        let mut heard = false;
        for number in 0..self.tasks.len() {
            if !self.tasks[number].busy {
                continue;
            }
            if let Some(words) = self.words(number, Duration::ZERO)? {
                let outcome = outcome(&words);
                let outcome =
                    outcome.ok_or_else(|| Trouble::Failed(format!("a worker said: {words}")))?;
                ended.insert(number as u32, outcome);
                self.tasks[number].busy = false;
                heard = true;
            }
        }
        Ok(heard)
    }

    /// What a task says, if it says something in this time.
    fn words(&mut self, task: usize, time: Duration) -> Result<Option<String>, Trouble> {
        let pipe = &mut self.answers[task];
        let ready = socket::poll(pipe.as_fd(), PollFlags::IN, time).step("wait for a worker")?;
        if ready.is_empty() {
            return Ok(None);
        }
        let mut length = [0; 4];
        pipe.read_exact(&mut length).step("hear a worker")?;
        let mut text = vec![0; u32::from_le_bytes(length) as usize];
        pipe.read_exact(&mut text).step("hear a worker")?;
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }
}

/// What a worker's words mean.
fn outcome(words: &str) -> Option<Outcome> {
    match words.split_once(' ')? {
        ("ok", ret) => Some(Ok(ret.parse().ok()?)),
        ("no", failed) => {
            let (number, signal) = failed.split_once(' ')?;
            Some(Err(Failed { number: number.parse().ok()?, signal: signal == "1" }))
        }
        _ => None,
    }
}
