//! Playing a trace: in a world, or in any other system.

use super::expect::{Expected, Outcome};
use super::reference::{Name, Named, Reference, References};
use super::{Event, Step, Trace};
use crate::model::{Credentials, TaskId, World};
use crate::op::{Fd, Op, ProcessOp, Ret, Setting};
use crate::{Platform, cause};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// A system in which traces are played: the model, or a kernel.
///
/// Tasks have numbers of the system's choice. No method is called with a task that does not exist
/// or has exited.
pub trait System {
    /// Whose rules it has.
    fn platform(&self) -> Platform;
    /// Starts a process with one task.
    ///
    /// # Errors
    /// Why the system cannot: the trace ends there. So for all methods.
    fn spawn(&mut self, credentials: &Credentials) -> Result<u32, String>;
    /// Makes a task, which waits in no call, make one.
    ///
    /// # Errors
    /// As [`System::spawn`].
    fn call(&mut self, task: u32, op: &Op) -> Result<Outcome, String>;
    /// Makes the call in which a task waits look again.
    ///
    /// # Errors
    /// As [`System::spawn`].
    fn resume(&mut self, task: u32) -> Result<Outcome, String>;
    /// Interrupts the call in which a task waits, if it does.
    ///
    /// # Errors
    /// As [`System::spawn`].
    fn interrupt(&mut self, task: u32) -> Result<(), String>;
    /// Lets time pass.
    ///
    /// # Errors
    /// As [`System::spawn`].
    fn advance(&mut self, time: Duration) -> Result<(), String>;
    /// Collects garbage.
    ///
    /// # Errors
    /// As [`System::spawn`].
    fn collect(&mut self) -> Result<(), String>;
    /// Changes what is around the processes.
    ///
    /// # Errors
    /// As [`System::spawn`].
    fn set(&mut self, setting: &Setting) -> Result<Outcome, String>;
    /// The number of a task's process.
    fn pid(&self, task: u32) -> i32;
}

/// A trace could not be played to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplayed {
    /// The line of the event, from 1; 0 if the trace comes from no text.
    pub line: usize,
    /// Why.
    pub why: String,
}

impl fmt::Display for Misplayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

impl core::error::Error for Misplayed {}

/// A step that was played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played<'a> {
    /// The step.
    pub step: &'a Step,
    /// What came of it; `None` for events of which nothing comes.
    pub outcome: Option<Outcome>,
    /// The outcome as an expectation, with the names that the step has for numbers.
    pub told: Option<Expected>,
    /// What was expected, if anything was on this system.
    pub expected: Option<&'a Expected>,
    as_expected: bool,
}

impl Played<'_> {
    /// What is not as it was expected.
    pub fn fault(&self) -> Option<String> {
        if self.as_expected {
            return None;
        }
        let obstacle = self.outcome.as_ref().and_then(Outcome::obstacle);
        if let Some(obstacle) = obstacle {
            let task = self.step.event.task().unwrap_or_default();
            return Some(match self.expected {
                Some(expected) => format!("expected {expected}, but {task} {obstacle}"),
                None => format!("cannot happen: {task} {obstacle}"),
            });
        }
        let told = match (&self.told, &self.outcome) {
            (Some(told), _) => format!("{told}"),
            (None, Some(outcome)) => format!("{outcome}"),
            (None, None) => String::from("nothing"),
        };
        Some(match self.expected {
            Some(expected) => format!("expected {expected}, got {told}{}", self.forgotten()),
            None => format!("got {told}"),
        })
    }
}

impl Played<'_> {
    /// What an expectation probably lacks, if that is easily forgotten.
    fn forgotten(&self) -> &'static str {
        match (self.expected, &self.outcome) {
            (
                Some(Expected::Fails { signal: false, .. }),
                Some(Outcome::Failed { signal: true, .. }),
            ) => "; where a signal comes, SIGPIPE must be expected, too",
            (
                Some(Expected::Gives(Named { is: Ret::Received(expected), .. })),
                Some(Outcome::Done(Ret::Received(came))),
            ) if expected.data == came.data => {
                "; what comes beside the bytes must be expected, too"
            }
            _ => "",
        }
    }
}

/// Plays a trace, event by event, and tells what came of each.
///
/// Outcomes that were not expected do not end it: see [`Played::fault`].
///
/// # Errors
/// If the system cannot do what an event says.
pub fn play<'a>(trace: &'a Trace, on: &mut impl System) -> Result<Vec<Played<'a>>, Misplayed> {
    steps(trace, on).collect()
}

/// Plays a trace as [`play`] does, one event with each call of the iterator. After an error the
/// rest of the trace means nothing.
pub fn steps<'a>(
    trace: &'a Trace,
    on: &mut impl System,
) -> impl Iterator<Item = Result<Played<'a>, Misplayed>> {
    let mut player = Player { on, tasks: BTreeMap::new(), scopes: Vec::new() };
    trace.steps().map(move |step| player.step(step))
}

struct Player<'s, S> {
    on: &'s mut S,
    tasks: BTreeMap<Name, Task>,
    /// The descriptors' names, for each process.
    scopes: Vec<BTreeMap<Name, Fd>>,
}

struct Task {
    number: u32,
    scope: usize,
    /// The step of the call in which it waits.
    waits: Option<(Vec<Name>, Named<Op>)>,
    gone: bool,
}

/// What came of an event.
struct Came {
    outcome: Outcome,
    told: Option<Expected>,
    /// The process whose names count.
    scope: Option<usize>,
}

impl From<Outcome> for Came {
    /// The event could not happen.
    fn from(outcome: Outcome) -> Came {
        Came { outcome, told: None, scope: None }
    }
}

impl<S: System> Player<'_, S> {
    fn step<'a>(&mut self, step: &'a Step) -> Result<Played<'a>, Misplayed> {
        let fail = |why| Misplayed { line: step.line, why };
        let came = self.happen(&step.event).map_err(fail)?;
        let mut expected = step.expected.iter();
        let platform = self.on.platform();
        let expected = expected.find(|e| e.concerns(platform)).map(|e| &e.is);
        let as_expected = match (&came, expected) {
            (Some(Came { outcome: Outcome::Busy | Outcome::Gone, .. }), _) => false,
            (Some(came), Some(expected)) => self.fits(expected, came),
            (None, Some(_)) => false,
            (_, None) => true,
        };
        let (outcome, told) = came.map(|came| (came.outcome, came.told)).unzip();
        Ok(Played { step, outcome, told: told.flatten(), expected, as_expected })
    }

    fn happen(&mut self, event: &Event) -> Result<Option<Came>, String> {
        match event {
            Event::Spawn { name, credentials } => {
                let number = self.on.spawn(credentials)?;
                let scope = self.scopes.len();
                self.scopes.push(BTreeMap::new());
                let task = Task { number, scope, waits: None, gone: false };
                self.tasks.insert(name.clone(), task);
            }
            Event::Advance(time) => self.on.advance(*time)?,
            Event::Collect => self.on.collect()?,
            Event::Interrupt { task } => return self.interrupt(task),
            Event::Set(setting) => {
                let setting = self.resolve(setting, None);
                let outcome = self.on.set(&setting)?;
                let told = self.told(&outcome, |_| None);
                return Ok(Some(Came { outcome, told, scope: None }));
            }
            Event::Call { task, gives, op } => return self.call(task, gives, op).map(Some),
            Event::Resume { task } => return self.resume(task).map(Some),
        }
        Ok(None)
    }

    fn interrupt(&mut self, name: &str) -> Result<Option<Came>, String> {
        let Some(task) = self.tasks.get(name).filter(|task| !task.gone) else {
            return Ok(Some(Outcome::Gone.into()));
        };
        if task.waits.is_none() {
            return Ok(Some(Outcome::Idle.into()));
        }
        self.on.interrupt(task.number)?;
        Ok(None)
    }

    fn call(&mut self, name: &str, gives: &[Name], op: &Named<Op>) -> Result<Came, String> {
        let Some(task) = self.tasks.get(name).filter(|task| !task.gone) else {
            return Ok(Outcome::Gone.into());
        };
        let (number, scope) = (task.number, task.scope);
        if task.waits.is_some() {
            return Ok(Outcome::Busy.into());
        }
        let outcome = self.on.call(number, &self.resolve(op, Some(scope)))?;
        Ok(self.came(name, gives.to_vec(), op.clone(), outcome))
    }

    fn resume(&mut self, name: &str) -> Result<Came, String> {
        let Some(task) = self.tasks.get_mut(name).filter(|task| !task.gone) else {
            return Ok(Outcome::Gone.into());
        };
        let Some((gives, op)) = task.waits.take() else { return Ok(Outcome::Idle.into()) };
        let outcome = self.on.resume(task.number)?;
        Ok(self.came(name, gives, op, outcome))
    }

    /// A call came to an outcome: remembers what it gave.
    fn came(&mut self, name: &str, gives: Vec<Name>, op: Named<Op>, outcome: Outcome) -> Came {
        let scope = self.tasks[name].scope;
        match &outcome {
            Outcome::Done(Ret::Task(number)) => self.add_task(scope, *number, &gives, &op.is),
            Outcome::Done(ret) => {
                if op.is == Op::Process(ProcessOp::Exit) {
                    let gone = self.tasks.values_mut().filter(|task| task.scope == scope);
                    gone.for_each(|task| task.gone = true);
                }
                let mut names = gives.iter();
                ret.clone().visit(&mut |reference| {
                    if let Reference::Fd(fd) = reference
                        && let Some(name) = names.next()
                    {
                        self.scopes[scope].insert(name.clone(), *fd);
                    }
                });
            }
            _ => {}
        }
        let descriptors = &self.scopes[scope];
        let mentioned = || gives.iter().chain(op.names.iter().flatten());
        let name_of = |fd| mentioned().find(|n| descriptors.get(*n) == Some(&fd)).cloned();
        let told = self.told(&outcome, name_of);
        if matches!(outcome, Outcome::Waits(_))
            && let Some(task) = self.tasks.get_mut(name)
        {
            task.waits = Some((gives, op));
        }
        Came { outcome, told, scope: Some(scope) }
    }

    /// A thread shares the names of its process, a child has a copy of them.
    fn add_task(&mut self, of: usize, number: u32, gives: &[Name], op: &Op) {
        let mut scope = of;
        if *op == Op::Process(ProcessOp::Fork) {
            scope = self.scopes.len();
            self.scopes.push(self.scopes[of].clone());
        }
        if let Some(name) = gives.first() {
            self.tasks.insert(name.clone(), Task { number, scope, waits: None, gone: false });
        }
    }

    /// Puts numbers for names. `scope`: whose descriptors; `None`: of the task named first.
    fn resolve<T: References + Clone>(&self, named: &Named<T>, scope: Option<usize>) -> T {
        let mut scope = scope;
        named.with(|name, reference| match reference {
            Reference::Fd(fd) => {
                let names = scope.and_then(|scope| self.scopes.get(scope));
                **fd = names.and_then(|names| names.get(name)).copied().unwrap_or(-1);
            }
            Reference::Pid(pid) => {
                **pid = self.tasks.get(name).map_or(-1, |task| self.on.pid(task.number));
            }
            Reference::Task(number) => {
                let task = self.tasks.get(name);
                **number = task.map_or(u32::MAX, |task| task.number);
                scope = scope.or(task.map(|task| task.scope));
            }
        })
    }

    fn fits(&self, expected: &Expected, came: &Came) -> bool {
        match (expected, &came.outcome) {
            (Expected::Succeeds, Outcome::Done(_)) => true,
            (Expected::Gives(ret), Outcome::Done(given)) => self.resolve(ret, came.scope) == *given,
            (
                Expected::Fails { errno, cause, signal },
                Outcome::Failed { errno: got, cause: reason, signal: came },
            ) => {
                // Where the system knows no causes, the error must be one that the cause shows.
                let shows =
                    |id: &str| cause::find(id).is_some_and(|c| c.errnos().any(|e| e == *got));
                let right = match (cause, reason) {
                    (Some(cause), Some(reason)) => cause == reason,
                    (Some(cause), None) => errno.is_some() || shows(cause),
                    (None, _) => true,
                };
                errno.is_none_or(|errno| errno == *got) && right && signal == came
            }
            (Expected::Waits(Some(cause)), Outcome::Waits(Some(reason))) => cause == reason,
            (Expected::Waits(_), Outcome::Waits(_)) => true,
            _ => false,
        }
    }

    /// An outcome as an expectation, with names where there are some.
    fn told(&self, outcome: &Outcome, name_of: impl Fn(Fd) -> Option<Name>) -> Option<Expected> {
        let is = match outcome {
            Outcome::Done(Ret::Unit) => return Some(Expected::Succeeds),
            Outcome::Done(ret) => ret,
            Outcome::Waits(cause) => return Some(Expected::Waits(*cause)),
            Outcome::Busy | Outcome::Idle | Outcome::Gone => return None,
            Outcome::Failed { errno, cause, signal } => {
                let (errno, cause, signal) = (Some(*errno), *cause, *signal);
                return Some(Expected::Fails { errno, cause, signal });
            }
        };
        let mut names = Vec::new();
        let task = |is: &dyn Fn(&Task) -> bool| {
            self.tasks.iter().find(|(_, task)| is(task)).map(|(name, _)| name.clone())
        };
        is.clone().visit(&mut |reference| {
            names.push(match reference {
                Reference::Fd(fd) => name_of(*fd),
                Reference::Task(number) => task(&|task| task.number == *number),
                Reference::Pid(pid) => task(&|task| self.on.pid(task.number) == *pid),
            });
        });
        Some(Expected::Gives(Named { is: is.clone(), names }))
    }
}

impl System for World {
    fn platform(&self) -> Platform {
        self.profile.platform
    }

    fn spawn(&mut self, credentials: &Credentials) -> Result<u32, String> {
        Ok(self.spawn_as(credentials.clone()).0)
    }

    fn call(&mut self, task: u32, op: &Op) -> Result<Outcome, String> {
        Ok(self.step(TaskId(task), op).into())
    }

    fn resume(&mut self, task: u32) -> Result<Outcome, String> {
        Ok(World::resume(self, TaskId(task)).into())
    }

    fn interrupt(&mut self, task: u32) -> Result<(), String> {
        World::interrupt(self, TaskId(task));
        Ok(())
    }

    fn advance(&mut self, time: Duration) -> Result<(), String> {
        if self.now().checked_add(time).is_none() {
            return Err(String::from("that is beyond the end of time"));
        }
        World::advance(self, time);
        Ok(())
    }

    fn collect(&mut self) -> Result<(), String> {
        self.collect_garbage();
        Ok(())
    }

    fn set(&mut self, setting: &Setting) -> Result<Outcome, String> {
        Ok(match World::set(self, setting) {
            Ok(()) => Outcome::Done(Ret::Unit),
            Err(errno) => Outcome::Failed { errno, cause: None, signal: false },
        })
    }

    fn pid(&self, task: u32) -> i32 {
        self.processes[self.tasks[task as usize].process].pid
    }
}
