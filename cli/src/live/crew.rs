//! The tasks of a trace as real processes and threads, each told what to do by lines of text.
//!
//! ```text
//!            order                      answer
//!  idle ───────────────► in a call ───────────────────► idle
//!                           │  ▲
//!             sleeps, twice │  │ somebody woke it, a signal came, or time passed
//!             looked at     ▼  │
//!                          waits       (looked at again when the trace says so)
//! ```
//! No call is believed to wait before its thread was seen asleep in it ([`thread::sleep`]), and
//! none of both for too long is trouble: so nothing here hangs.

use super::place::Place;
use super::worker::{self, Worker};
use crate::stage::{Step, Trouble};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use sunpath::model::Credentials;
use sunpath::sys::process::{self, Child, Signal};
use sunpath::sys::socket::{self, PollFlags};
use sunpath::sys::thread::{self, Sleep};

/// The most tasks that a trace can have.
pub const MOST_TASKS: usize = 32;

/// How long a call may neither come back nor sleep.
const LIMIT: Duration = Duration::from_secs(5);

/// How long a thread must sleep at least until it is believed.
const SOUND: Duration = Duration::from_millis(4);

/// The pipes to and from a task, and their ends on its side.
struct Lines {
    orders: PipeWriter,
    answers: BufReader<PipeReader>,
    ends: [OwnedFd; 2],
}

struct Task {
    process: usize,
    thread: u32,
}

struct Process {
    child: Child,
    stopped: bool,
    ended: bool,
}

/// All tasks.
pub struct Crew {
    place: Place,
    lines: Vec<Lines>,
    tasks: Vec<Task>,
    processes: Vec<Process>,
}

impl Crew {
    /// Nobody, in this place.
    pub fn new(place: Place) -> Result<Crew, Trouble> {
        let lines = || {
            let (order_end, orders) = pipe()?;
            let (answers, answer_end) = pipe()?;
            let ends = [order_end.into(), answer_end.into()];
            Ok(Lines { orders, answers: BufReader::new(answers), ends })
        };
        let lines = (0..MOST_TASKS).map(|_| lines()).collect::<std::io::Result<_>>();
        let lines = lines.step("make pipes")?;
        Ok(Crew { place, lines, tasks: Vec::new(), processes: Vec::new() })
    }

    /// Where they live.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How many tasks there were.
    pub fn tasks(&self) -> u32 {
        self.tasks.len() as u32
    }

    /// The number of the task that is made next.
    fn next(&self) -> Result<usize, String> {
        let next = self.tasks.len();
        if next < MOST_TASKS { Ok(next) } else { Err("skipped: too many processes".into()) }
    }

    /// Starts a process.
    pub fn spawn(&mut self, who: &Credentials) -> Result<usize, String> {
        let number = self.next()?;
        let worker = Worker { task: number, parent: std::process::id() };
        let ends: Vec<_> = self.lines.iter().flat_map(|l| &l.ends).map(AsFd::as_fd).collect();
        let child = process::fork(|| worker::run(worker, &self.place, who, &ends));
        let child = child.map_err(|errno| format!("cannot make a process: {errno}"))?;
        self.welcome(child)?;
        Ok(number)
    }

    /// Notes a new process, and has its first words.
    fn welcome(&mut self, child: Child) -> Result<(), String> {
        let process = self.processes.len();
        let thread = child.pid();
        self.processes.push(Process { child, stopped: false, ended: false });
        self.tasks.push(Task { process, thread });
        match self.settle(self.tasks.len() - 1)? {
            Some(hello) if hello.starts_with("new ") => Ok(()),
            said => Err(format!("a process could not begin: {}", said.unwrap_or_default())),
        }
    }

    /// Has a task make a child or a thread. `Err`: its answer, if that failed.
    pub fn make_task(
        &mut self,
        task: usize,
        thread: bool,
    ) -> Result<Result<usize, String>, String> {
        let next = self.next()?;
        self.order(task, &format!("{} {next}", if thread { "thread" } else { "fork" }))?;
        let answer = self.answer_at_once(task)?;
        if thread && answer == "done ok" {
            let process = self.tasks[task].process;
            let thread = self.tasks[task].thread;
            self.tasks.push(Task { process, thread });
            let hello = self.answer_at_once(next)?;
            let number = hello.strip_prefix("new ").and_then(|number| number.parse().ok());
            self.tasks[next].thread = number.ok_or("a thread said nonsense")?;
            return Ok(Ok(next));
        }
        let Some(pid) = answer.strip_prefix("new ").and_then(|pid| pid.parse().ok()) else {
            return Ok(Err(answer));
        };
        let child = Child::adopt(pid).map_err(|errno| format!("no child: {errno}"))?;
        let process = self.processes.len();
        self.processes.push(Process { child, stopped: false, ended: false });
        self.tasks.push(Task { process, thread: pid });
        Ok(Ok(next))
    }

    /// Ends the process of a task, with all its threads.
    pub fn end(&mut self, task: usize) -> Result<(), String> {
        self.order(task, "exit")?;
        let process = &mut self.processes[self.tasks[task].process];
        process.ended = true;
        process.child.wait_without_reaping().map_err(|errno| format!("cannot see its end: {errno}"))
    }

    /// Stops the process of a task, or lets it go on.
    pub fn stop(&mut self, task: usize, on: bool) -> Result<(), String> {
        let process = &mut self.processes[self.tasks[task].process];
        process.stopped = on;
        let signal = if on { Signal::STOP } else { Signal::CONT };
        process.child.kill(signal).map_err(|errno| format!("cannot send a signal: {errno}"))
    }

    /// Whether its process is stopped.
    pub fn is_stopped(&self, task: usize) -> bool {
        self.processes[self.tasks[task].process].stopped
    }

    /// Sends the signal that ends calls.
    pub fn interrupt(&self, task: usize) -> Result<(), String> {
        let thread = self.tasks[task].thread;
        thread::interrupt(self.pid(task), thread)
            .map_err(|errno| format!("cannot send a signal: {errno}"))
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

    /// Tells a task what to do.
    pub fn order(&mut self, task: usize, order: &str) -> Result<(), String> {
        let written = self.lines[task].orders.write_all(format!("{order}\n").as_bytes());
        written.map_err(|error| format!("cannot give an order: {error}"))
    }

    /// The answer to an order that never waits.
    pub fn answer_at_once(&mut self, task: usize) -> Result<String, String> {
        self.settle(task)?.ok_or_else(|| "a process sleeps where none should".into())
    }

    /// The answer to the last order, or `None` if its call sleeps.
    pub fn settle(&mut self, task: usize) -> Result<Option<String>, String> {
        let limit = Instant::now() + LIMIT;
        let mut slept: Option<(u64, Instant)> = None;
        loop {
            if self.has_answer(task, Duration::from_millis(2))? {
                return self.read_answer(task).map(Some);
            }
            match thread::sleep(self.pid(task), self.tasks[task].thread) {
                Ok(Sleep::Sound(times)) => match slept {
                    Some((before, since)) if before == times => {
                        if since.elapsed() >= SOUND && !self.has_answer(task, Duration::ZERO)? {
                            return Ok(None);
                        }
                    }
                    _ => slept = Some((times, Instant::now())),
                },
                Ok(Sleep::Awake) => slept = None,
                Err(errno) => return Err(format!("cannot look at a process: {errno}")),
            }
            if self.is_stopped(task) {
                return Ok(None);
            }
            if Instant::now() >= limit {
                return Err("the process neither answers nor waits".into());
            }
        }
    }

    fn has_answer(&self, task: usize, patience: Duration) -> Result<bool, String> {
        let answers = self.lines[task].answers.get_ref().as_fd();
        match socket::poll(answers, PollFlags::IN, patience) {
            Ok(ready) => Ok(!ready.is_empty()),
            Err(sunpath::sys::Errno::INTR) => Ok(false),
            Err(errno) => Err(format!("cannot wait for a process: {errno}")),
        }
    }

    fn read_answer(&mut self, task: usize) -> Result<String, String> {
        let mut line = String::new();
        let read = self.lines[task].answers.read_line(&mut line);
        read.map_err(|error| format!("cannot read an answer: {error}"))?;
        line.pop();
        Ok(line)
    }
}
