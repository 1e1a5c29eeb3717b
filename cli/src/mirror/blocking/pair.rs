//! The model and the kernel, which do the same.

use super::super::compare::Dictionary;
use super::super::house::House;
use super::super::script::Expected;
use super::kernel::Kernel;
use super::possible::{self, Possible};
use crate::stage::Trouble;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use sunpath::host;
use sunpath::model::{Step, TaskId, World};
use sunpath::op::{Op, ProcessOp, Ret};
use sunpath::profile::LINUX;
use sunpath::trace::{self, Event, Expectation, Line, Outcome, Trace};

/// Limits up to this one are waited for; longer ones never run out.
const SHORT: Duration = Duration::from_secs(1);

/// Where the two differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What happened up to there, with what the model says; at its end one of the ways in which
    /// it could have gone on for the model.
    pub trace: Trace,
    /// All that the model says is possible.
    pub model: String,
    /// What happened.
    pub kernel: String,
}

/// Why a program does not go on.
pub enum Halt {
    /// The two differ.
    Differs(Box<Difference>),
    /// Too much is possible for anything to be said.
    TooMany,
    /// Something else failed.
    Trouble(Trouble),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Halt {
        Halt::Trouble(trouble)
    }
}

/// A call that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The call.
    pub op: Op,
    /// When it gives up, in the model's time.
    until: Option<Duration>,
    /// The id of the cause why it waits.
    why: &'static str,
}

/// The model and the kernel.
pub struct Pair<'a> {
    kernel: Kernel<'a>,
    /// One at least, in each of which everybody is still.
    possible: Vec<Possible>,
    known: Dictionary,
    /// The calls that wait.
    pub waiting: BTreeMap<u32, Waiting>,
    /// What has come back on the kernel's side alone, as its short time limit ran out there.
    early: BTreeMap<u32, host::Outcome>,
    /// The calls that are over, in the order of their ends; whoever asks may take them out.
    pub ended: Vec<(u32, Op, Outcome)>,
    /// What happened so far.
    pub story: Trace,
    /// How many calls, signals and whiles there were.
    pub steps: u64,
}

impl Pair<'_> {
    /// One process, which is task 0.
    pub fn new(house: &mut House) -> Result<Pair<'_>, Halt> {
        let role = house.own;
        let mut world = World::on(LINUX, house.machine.clone());
        let known = house.dictionary();
        let mut kernel = Kernel::new(house)?;
        let task = world.spawn_as(role.credentials());
        kernel.spawn()?;
        let mut story = Trace::new();
        story.push(Event::Spawn { name: name(task.0), credentials: role.credentials() });
        let mut pair = Pair {
            kernel,
            possible: vec![Possible::new(world)],
            known,
            waiting: BTreeMap::new(),
            early: BTreeMap::new(),
            ended: Vec::new(),
            story,
            steps: 0,
        };
        pair.meet(task.0);
        Ok(pair)
    }

    /// A world that is possible.
    pub fn world(&self) -> &World {
        &self.possible[0].world
    }

    /// Whether a task is there and waits in no call.
    pub fn is_idle(&self, task: u32) -> bool {
        self.world().is_alive(TaskId(task)) && !self.waiting.contains_key(&task)
    }

    /// Why a task waits, if it does.
    pub fn cause(&self, task: u32) -> Option<&'static str> {
        self.waiting.get(&task).map(|waiting| waiting.why)
    }

    /// A process id, on both sides.
    fn meet(&mut self, task: u32) {
        let pid = trace::System::pid(self.world(), task);
        let real = self.kernel.pid(task);
        if !self.known.pids.contains(&(pid, real)) {
            self.known.pids.push((pid, real));
        }
    }

    /// Makes a task that is idle make a call, and sees what comes of it.
    pub fn call(&mut self, task: u32, op: &Op) -> Result<(), Halt> {
        let (mut until, mut why) = (None, "");
        for possible in &mut self.possible {
            let step = possible.world.step(TaskId(task), op);
            if let Step::Blocked(wait) = &step {
                (until, why) = (wait.until, wait.cause.id);
            }
            let outcome = Outcome::from(step);
            if !matches!(outcome, Outcome::Waits(_)) {
                possible.ended.insert(task, outcome.clone());
            }
            possible.first = Some(outcome);
        }
        self.waiting.insert(task, Waiting { op: op.clone(), until, why });
        self.kernel.call(task, op)?;
        let event = match op {
            Op::Process(ProcessOp::Fork | ProcessOp::Thread) => {
                let gives = vec![name(self.kernel.tasks() - 1)];
                Event::Call { task: name(task), gives, op: op.clone().into() }
            }
            _ => Event::call(name(task), op.clone()),
        };
        let exits = (*op == Op::Process(ProcessOp::Exit)).then_some(task);
        self.observe(event, false, exits)?;
        if let Op::Process(ProcessOp::Fork | ProcessOp::Thread) = op {
            self.meet(self.kernel.tasks() - 1);
        }
        Ok(())
    }

    /// Lets time pass: calls whose limit is over return.
    pub fn advance(&mut self, time: Duration) -> Result<(), Halt> {
        self.possible.iter_mut().for_each(|possible| possible.world.advance(time));
        self.observe(Event::Advance(time), true, None)
    }

    /// Interrupts the call in which a task waits.
    pub fn interrupt(&mut self, task: u32) -> Result<(), Halt> {
        self.possible.iter_mut().for_each(|possible| possible.world.interrupt(TaskId(task)));
        self.kernel.interrupt(task)?;
        self.observe(Event::Interrupt { task: name(task) }, true, None)
    }

    /// Lets both sides come to rest, and keeps the worlds that are as the kernel is. `surely`:
    /// what ends in every world does so on the kernel's side, be it later.
    fn observe(&mut self, event: Event, surely: bool, exits: Option<u32>) -> Result<(), Halt> {
        self.steps += 1;
        let moving = std::mem::take(&mut self.possible);
        let possible = possible::settle(moving).ok_or(Halt::TooMany)?;
        let ends = |task: &u32| possible.iter().all(|p| p.ended.contains_key(task));
        let late = |task: &u32| !self.early.contains_key(task);
        let must = self.waiting.keys().copied().filter(|task| surely && ends(task) && late(task));
        let must: BTreeSet<u32> = must.collect();
        let (ended, restless) = self.kernel.settle(&must)?;
        let mut seen = std::mem::take(&mut self.early);
        seen.extend(ended);
        seen.extend(exits.map(|task| (task, Ok(Ret::Unit))));
        let fits = |p: &&Possible| restless.is_none() && self.fits(p, &seen);
        let fitting: Vec<Possible> = possible.iter().filter(fits).cloned().collect();
        let Some(like) = fitting.first().or(possible.first()).cloned() else {
            return Err(Halt::TooMany);
        };
        self.tell(event, &like);
        if fitting.is_empty() {
            let mut kernel = self.said(seen.iter().map(|(task, outcome)| (*task, shown(outcome))));
            if let Some(task) = restless {
                kernel = format!("{kernel}; {} neither returns nor sleeps", name(task));
            }
            let mut model: Vec<String> = possible
                .iter()
                .map(|p| self.said(p.ended.iter().map(|(task, o)| (*task, o.to_string()))))
                .collect();
            model.sort();
            model.dedup();
            let (trace, model) = (self.story.clone(), model.join(", or "));
            return Err(Halt::Differs(Box::new(Difference { trace, model, kernel })));
        }
        for (task, outcome) in seen {
            match like.ended.get(&task) {
                Some(ended) => {
                    if let Some(waiting) = self.waiting.remove(&task) {
                        self.ended.push((task, waiting.op, ended.clone()));
                    }
                }
                None => {
                    self.early.insert(task, outcome);
                }
            }
        }
        let still: BTreeSet<u32> = like.world.blocked().map(|task| task.0).collect();
        self.waiting.retain(|task, _| still.contains(task));
        let fresh = fitting.into_iter().map(|p| Possible::new(p.world));
        self.possible = fresh.collect();
        Ok(())
    }

    /// Whether what was seen is what came of it in this world.
    fn fits(&self, possible: &Possible, seen: &BTreeMap<u32, host::Outcome>) -> bool {
        let early = |task: &u32| {
            let until = self.waiting.get(task).and_then(|waiting| waiting.until);
            until.is_some_and(|until| until.saturating_sub(possible.world.now()) <= SHORT)
        };
        let fits = |(task, outcome): (&u32, &host::Outcome)| match possible.ended.get(task) {
            Some(expected) => self.agree(expected, outcome),
            None => early(task),
        };
        seen.iter().all(fits) && possible.ended.keys().all(|task| seen.contains_key(task))
    }

    fn agree(&self, expected: &Outcome, outcome: &host::Outcome) -> bool {
        let expected = match expected {
            Outcome::Done(ret) => Expected::Done(ret.clone()),
            Outcome::Failed { errno, signal, .. } => {
                Expected::Fails { errno: *errno, signal: *signal, cause: "" }
            }
            _ => return false,
        };
        self.known.clone().agree(&expected, &mut outcome.clone())
    }

    /// Adds what happened to the story.
    fn tell(&mut self, event: Event, like: &Possible) {
        let expected = |outcome: &Outcome| {
            let is = match outcome {
                Outcome::Done(Ret::Unit | Ret::Task(_)) => trace::Expected::Succeeds,
                Outcome::Done(ret) => trace::Expected::Gives(ret.clone().into()),
                Outcome::Failed { errno, cause, signal } => {
                    let (errno, cause, signal) = (Some(*errno), *cause, *signal);
                    trace::Expected::Fails { errno, cause, signal }
                }
                Outcome::Waits(cause) => trace::Expected::Waits(*cause),
                Outcome::Busy | Outcome::Idle | Outcome::Gone => return Vec::new(),
            };
            vec![Expectation { on: Vec::new(), is }]
        };
        let first = like.first.as_ref().map(expected).unwrap_or_default();
        self.story.lines.push(Line::Step(trace::Step { event, expected: first, line: 0 }));
        for (task, outcome) in &like.turns {
            let event = Event::Resume { task: name(*task) };
            let expected = expected(outcome);
            self.story.lines.push(Line::Step(trace::Step { event, expected, line: 0 }));
        }
    }

    /// In words: what came of calls, and who still waits.
    fn said(&self, ended: impl Iterator<Item = (u32, String)>) -> String {
        let mut sleeping: BTreeSet<u32> = self.waiting.keys().copied().collect();
        let mut words = Vec::new();
        for (task, outcome) in ended {
            sleeping.remove(&task);
            words.push(format!("{} {outcome}", name(task)));
        }
        words.extend(sleeping.into_iter().map(|task| format!("{} sleeps", name(task))));
        words.join("; ")
    }
}

/// What a task is called.
pub fn name(task: u32) -> String {
    format!("p{task}")
}

fn shown(outcome: &host::Outcome) -> String {
    match outcome {
        Ok(ret) => Outcome::Done(ret.clone()).to_string(),
        Err(failed) => format!("! {failed:?}"),
    }
}
