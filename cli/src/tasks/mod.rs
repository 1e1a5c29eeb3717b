//! Tasks as real processes and threads, which make one call each at a time: for stories that are
//! played on the kernel ([`crate::live`]), and for calls that wait ([`crate::mirror`]).
//!
//! ```text
//!            order                      answer
//!  idle ───────────────► in a call ───────────────────► idle
//!                           │  ▲
//!       sleeps: two looks   │  │ somebody woke it, a signal came, or time passed
//!       show the same sleep ▼  │
//!                          waits
//! ```
//! Orders and answers are lines of text in pipes (`worker` lists them, `pipes` has the numbers of
//! their ends). A task is believed to wait only if its thread is seen asleep in a call that waits,
//! and nobody moves between two looks at all of them: a wake-up happens inside the call that
//! causes it, so what has settled stays settled, and no time limit decides anything. One that
//! neither answers nor sleeps for too long is trouble: so nothing here hangs.

pub mod pipes;
mod worker;

use crate::stage::{Step, Trouble};
use pipes::Pipes;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};
use sunpath::host::{Failed, Outcome};
use sunpath::op::Op;
use sunpath::sys::process::{self, Child, Signal};
use sunpath::sys::socket::{self, PollFlags};
use sunpath::sys::thread::{self, Sleep};
use sunpath::sys::{self, Errno};
use worker::Worker;

/// How long a task may neither answer nor sleep. It is reached only if one does neither, so it can
/// be long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A thread.
struct Task {
    process: usize,
    thread: u32,
    /// It is in a call, or has an answer that nobody has read yet.
    busy: bool,
}

struct Process {
    child: Child,
    stopped: bool,
    ended: bool,
}

/// All tasks; their processes are killed when this is dropped.
pub struct Tasks {
    orders: Vec<PipeWriter>,
    answers: Vec<BufReader<PipeReader>>,
    ends: Vec<OwnedFd>,
    tasks: Vec<Task>,
    processes: Vec<Process>,
    /// Answers that nobody has asked for yet.
    heard: BTreeMap<usize, String>,
}

/// What came of waiting until nobody moves any more.
pub enum Settled {
    /// Each has answered, or sleeps.
    Still,
    /// This one does neither, or sleeps too long.
    Restless(usize),
}

impl Tasks {
    /// Nobody, and pipes for so many.
    pub fn new(most: usize) -> Result<Tasks, Trouble> {
        let Pipes { orders, answers, ends } = Pipes::new(most)?;
        let answers = answers.into_iter().map(BufReader::new).collect();
        let (tasks, processes, heard) = (Vec::new(), Vec::new(), BTreeMap::new());
        Ok(Tasks { orders, answers, ends, tasks, processes, heard })
    }

    /// How many tasks there were.
    pub fn count(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there can be another one.
    pub fn has_room(&self) -> bool {
        self.tasks.len() < self.orders.len()
    }

    /// Starts a process of one task, the next one. `prepare` makes it what it is to be, and keeps
    /// these descriptors (see [`sys::bare::begin`]) first.
    pub fn spawn(
        &mut self,
        prepare: impl FnOnce(&[BorrowedFd<'_>]) -> sys::Result<()>,
    ) -> Result<usize, Trouble> {
        let number = self.tasks.len();
        let worker = Worker { task: number, parent: std::process::id() };
        let ends: Vec<_> = self.ends.iter().map(AsFd::as_fd).collect();
        let child = process::fork(|| worker.run(prepare(&ends))).step("make a process")?;
        let thread = child.pid();
        self.add_process(child, thread);
        self.tasks[number].busy = true;
        let said = self.answer_at_once(number)?;
        match said.starts_with("new ") {
            true => Ok(number),
            false => Err(Trouble::Failed(format!("a process could not begin: {said}"))),
        }
    }

    fn add_process(&mut self, child: Child, thread: u32) {
        let process = self.processes.len();
        self.processes.push(Process { child, stopped: false, ended: false });
        self.tasks.push(Task { process, thread, busy: false });
    }

    /// Has a task fork, or start a thread: the new task, or the error if that failed.
    pub fn make_task(
        &mut self,
        task: usize,
        is_thread: bool,
    ) -> Result<Result<usize, Failed>, Trouble> {
        let next = self.tasks.len();
        self.order(task, &format!("{} {next}", if is_thread { "thread" } else { "fork" }))?;
        let answer = self.answer_at_once(task)?;
        if is_thread && answer == "done ok" {
            let process = self.tasks[task].process;
            self.tasks.push(Task { process, thread: 0, busy: false });
            // Where it is cannot be seen before it says so.
            let hello = self.read_answer(next)?;
            self.tasks[next].thread = number_of(&hello)?;
            return Ok(Ok(next));
        }
        if answer.starts_with("failed ") {
            return match outcome(&answer)? {
                Err(failed) => Ok(Err(failed)),
                Ok(_) => Err(Trouble::Failed(format!("a process said: {answer}"))),
            };
        }
        let pid = number_of(&answer)?;
        let child = Child::adopt(pid).step("know a new process")?;
        self.add_process(child, pid);
        Ok(Ok(next))
    }

    /// Ends the process of a task, with all its threads.
    pub fn end(&mut self, task: usize) -> Result<(), Trouble> {
        self.order(task, "exit")?;
        let number = self.tasks[task].process;
        let process = &mut self.processes[number];
        process.ended = true;
        process.child.wait_without_reaping().step("see a process off")?;
        let gone = self.tasks.iter_mut().filter(|task| task.process == number);
        gone.for_each(|task| task.busy = false);
        Ok(())
    }

    /// Stops the process of a task, or lets it go on.
    pub fn stop(&mut self, task: usize, on: bool) -> Result<(), Trouble> {
        let process = &mut self.processes[self.tasks[task].process];
        process.stopped = on;
        let signal = if on { Signal::STOP } else { Signal::CONT };
        process.child.kill(signal).step("send a signal")
    }

    /// Whether its process is stopped.
    pub fn is_stopped(&self, task: usize) -> bool {
        self.processes[self.tasks[task].process].stopped
    }

    /// Sends the signal that ends calls.
    pub fn interrupt(&self, task: usize) -> Result<(), Trouble> {
        thread::interrupt(self.pid(task), self.tasks[task].thread).step("send a signal")
    }

    /// The process of a task.
    pub fn pid(&self, task: usize) -> u32 {
        self.processes[self.tasks[task].process].child.pid()
    }

    /// The process of a task that may never have been; `None` too if it has ended.
    pub fn pid_of(&self, task: usize) -> Option<u32> {
        let process = &self.processes[self.tasks.get(task)?.process];
        (!process.ended).then(|| process.child.pid())
    }

    /// Has a task make a call. What comes of it is known when all have settled.
    pub fn call(&mut self, task: usize, op: &Op) -> Result<(), Trouble> {
        self.order(task, &format!("call {op}"))
    }

    /// Tells a task what to do.
    pub fn order(&mut self, task: usize, order: &str) -> Result<(), Trouble> {
        self.orders[task].write_all(format!("{order}\n").as_bytes()).step("give an order")?;
        self.tasks[task].busy = true;
        Ok(())
    }

    /// The answer to the last order, once, if it has been heard.
    pub fn answer(&mut self, task: usize) -> Option<String> {
        self.heard.remove(&task)
    }

    /// The answer to an order that never waits.
    fn answer_at_once(&mut self, task: usize) -> Result<String, Trouble> {
        self.settle(&BTreeSet::from([task]))?;
        let silent = || Trouble::Failed("a process does not answer".into());
        self.answer(task).ok_or_else(silent)
    }

    /// Waits until each task that is in a call has answered or sleeps, and all at one moment.
    /// Those of `must` sleep no more in the end.
    pub fn settle(&mut self, must: &BTreeSet<usize>) -> Result<Settled, Trouble> {
        let limit = Instant::now() + PATIENCE;
        let mut before = None;
        for round in 0.. {
            let heard = self.hear()?;
            let asleep = self.asleep()?;
            let waited_for = must.iter().find(|task| self.tasks[**task].busy);
            let awake = match (asleep, waited_for) {
                // Nobody has moved between two looks: so all slept at the moment between them.
                (Ok(asleep), None) if !heard && before.as_ref() == Some(&asleep) => break,
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
        Ok(Settled::Still)
    }

    /// How often each task that is in a call has gone to sleep; or one that does not sleep. Those
    /// that are stopped do not move either.
    fn asleep(&self) -> Result<Result<Vec<u64>, usize>, Trouble> {
        let mut all = Vec::new();
        for (number, task) in self.tasks.iter().enumerate() {
            if !task.busy || self.is_stopped(number) {
                continue;
            }
            match thread::sleep(self.pid(number), task.thread) {
                Err(Errno::NOENT | Errno::SRCH) => return Err(died()),
                looked => match looked.if_possible("look at a thread")? {
                    Sleep::Sound(times) => all.push(times),
                    Sleep::Awake => return Ok(Err(number)),
                },
            }
        }
        Ok(Ok(all))
    }

    /// Collects the answers that have come; whether there were any.
    fn hear(&mut self) -> Result<bool, Trouble> {
        let mut any = false;
        for number in 0..self.tasks.len() {
            if !self.tasks[number].busy {
                continue;
            }
            let pipe = self.answers[number].get_ref().as_fd();
            match socket::poll(pipe, PollFlags::IN, Duration::ZERO) {
                Ok(ready) if ready.is_empty() => continue,
                Err(Errno::INTR) => continue,
                ready => ready.step("wait for a process")?,
            };
            let answer = self.read_answer(number)?;
            self.heard.insert(number, answer);
            self.tasks[number].busy = false;
            any = true;
        }
        Ok(any)
    }

    /// Waits for the next line.
    fn read_answer(&mut self, task: usize) -> Result<String, Trouble> {
        let mut line = String::new();
        self.answers[task].read_line(&mut line).step("hear a process")?;
        if line.pop().is_none() {
            return Err(died());
        }
        Ok(line)
    }
}

fn died() -> Trouble {
    Trouble::Failed("a process has died".into())
}

/// `new 4711`
fn number_of(answer: &str) -> Result<u32, Trouble> {
    let number = answer.strip_prefix("new ").and_then(|number| number.parse().ok());
    number.ok_or_else(|| Trouble::Failed(format!("a process said: {answer}")))
}

/// What an answer to a call says.
pub fn outcome(answer: &str) -> Result<Outcome, Trouble> {
    let (word, rest) = answer.split_once(' ').unwrap_or((answer, ""));
    let told = match word {
        "done" => rest.parse().ok().map(Ok),
        "failed" => {
            let (number, signal) = rest.split_once(' ').unwrap_or((rest, "0"));
            let failed = |number| Err(Failed { number, signal: signal == "1" });
            number.parse().ok().map(failed)
        }
        _ => None,
    };
    told.ok_or_else(|| Trouble::Failed(format!("a process said: {answer}")))
}
