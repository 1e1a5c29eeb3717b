//! The kernel with the model beside it: why a call on the kernel failed, or waits.
//!
//! ```text
//!             ┌─► kernel: ECONNREFUSED ──► facts, seen on the live system ──► diagnosis
//!  each step ─┤                                   ▲ what was passed               │ does it
//!             │                                   │                               ▼ say so, too?
//!             └─► model of this kernel: ECONNREFUSED, connect/stale-socket ────► cause
//! ```
//! A kernel tells an errno and no cause. The diagnosis sees the system after the call, from
//! outside, and misses what is over by then or what only the processes know; the model knows what
//! came before. So the model's word counts as long as it has agreed with the kernel on every step,
//! and the diagnosis confirms it, or stands in for it once they differ.

use super::Live;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use sunpath::fact::{Arguments, Descriptor, Seen};
use sunpath::model::{Credentials, TaskId, World};
use sunpath::observe::{As, Query, descriptor_of, observe};
use sunpath::op::{Kind, Name, New, Op, Ret, Setting};
use sunpath::trace::{Outcome, Reference, References, System};
use sunpath::{Certainty, Diagnosis, Endpoint, Platform, SocketType, Symptom, diagnose};

/// How a cause is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The model failed for it.
    Model,
    /// Facts that were seen on the live system lead to it.
    Diagnosis,
}

impl Source {
    /// As JSON has it.
    pub const fn name(self) -> &'static str {
        match self {
            Source::Model => "model",
            Source::Diagnosis => "diagnosis",
        }
    }
}

/// Where the source of the last cause is left for whoever shows it.
pub type LastSource = Rc<Cell<Option<Source>>>;

/// The kernel, whose failures have causes.
pub struct Explained {
    live: Live,
    /// The model of this kernel, which does the same; `None` once the two have come to differ.
    model: Option<World>,
    /// The last call of each task.
    calls: BTreeMap<u32, Op>,
    source: LastSource,
}

impl Explained {
    /// The two, in which nothing has happened yet.
    pub fn new(live: Live, model: World) -> Explained {
        Explained {
            live,
            model: Some(model),
            calls: BTreeMap::new(),
            source: LastSource::default(),
        }
    }

    /// Where the source of the last cause is.
    pub fn source(&self) -> LastSource {
        self.source.clone()
    }

    /// The outcome with its cause. `model`: what the model came to.
    fn explain(&mut self, task: u32, outcome: Outcome, model: Option<Outcome>) -> Outcome {
        let same = model.as_ref().is_some_and(|model| alike(model, &outcome));
        if !same {
            self.model = None;
        }
        let symptom = match &outcome {
            Outcome::Failed { errno, .. } => Symptom::Errno(*errno),
            Outcome::Waits(_) => Symptom::Hangs,
            _ => return outcome,
        };
        let said = model.filter(|_| same).as_ref().and_then(cause_of);
        let seen = self.calls.get(&task).and_then(|op| self.diagnose(task, op, symptom));
        let found = seen.as_ref().and_then(first);
        let cause = said.or(found);
        let by = if cause == found { Source::Diagnosis } else { Source::Model };
        self.source.set(cause.map(|_| by));
        match outcome {
            Outcome::Failed { errno, signal, .. } => Outcome::Failed { errno, cause, signal },
            Outcome::Waits(_) => Outcome::Waits(cause),
            other => other,
        }
    }

    /// What the system as it is now says of a call that was just made.
    fn diagnose(&self, task: u32, op: &Op, symptom: Symptom) -> Option<Diagnosis> {
        let call = op.call()?;
        let pid = self.live.tasks.pid_of(task as usize)?;
        let held = op.fd().map(|fd| descriptor_of(pid, fd));
        let socket = match (op, &held) {
            (Op::Socket(new) | Op::Socketpair(new), _) => kind_of(new),
            (_, Some(Seen::Known(Descriptor::Socket(own)))) => own.kind,
            _ => SocketType::Stream,
        };
        let endpoint = address_of(op).map(Endpoint::Unix);
        let arguments = self.arguments(task, op);
        let caller = As::Process(pid);
        let query = Query { call, socket, endpoint, caller, descriptor: None, arguments };
        let mut facts = observe(&query).ok()?;
        facts.descriptor = held.unwrap_or_default();
        Some(diagnose(call, socket, Some(symptom), &facts))
    }

    /// What was passed, as the model understands it.
    fn arguments(&self, task: u32, op: &Op) -> Arguments {
        match &self.model {
            Some(model) => model.facts(TaskId(task), op).arguments,
            None => Arguments::default(),
        }
    }

    /// The call as the model makes it, whose processes have other numbers.
    fn to_model(&self, op: &Op) -> Op {
        let mut op = op.clone();
        op.visit(&mut |reference| {
            if let Reference::Pid(pid) = reference {
                let real = |task: &u32| self.live.pid(*task) == *pid;
                let task = (0..self.live.tasks.count() as u32).find(real);
                if let (Some(task), Some(model)) = (task, &self.model) {
                    *pid = model.pid(task);
                }
            }
        });
        op
    }

    /// Has the model do what the kernel does.
    fn beside<T>(&mut self, act: impl FnOnce(&mut World) -> Result<T, String>) -> Option<T> {
        self.model.as_mut().and_then(|model| act(model).ok())
    }
}

impl System for Explained {
    fn platform(&self) -> Platform {
        self.live.platform()
    }

    fn spawn(&mut self, credentials: &Credentials) -> Result<u32, String> {
        self.source.take();
        self.beside(|model| System::spawn(model, credentials));
        self.live.spawn(credentials)
    }

    fn call(&mut self, task: u32, op: &Op) -> Result<Outcome, String> {
        self.source.take();
        let own = self.to_model(op);
        self.calls.insert(task, op.clone());
        let said = self.beside(|model| model.call(task, &own));
        let outcome = self.live.call(task, op)?;
        Ok(self.explain(task, outcome, said))
    }

    fn resume(&mut self, task: u32) -> Result<Outcome, String> {
        self.source.take();
        let said = self.beside(|model| System::resume(model, task));
        let outcome = self.live.resume(task)?;
        Ok(self.explain(task, outcome, said))
    }

    fn interrupt(&mut self, task: u32) -> Result<(), String> {
        self.source.take();
        self.beside(|model| System::interrupt(model, task));
        self.live.interrupt(task)
    }

    fn advance(&mut self, time: Duration) -> Result<(), String> {
        self.source.take();
        self.beside(|model| System::advance(model, time));
        self.live.advance(time)
    }

    fn collect(&mut self) -> Result<(), String> {
        self.source.take();
        self.beside(System::collect);
        self.live.collect()
    }

    fn set(&mut self, setting: &Setting) -> Result<Outcome, String> {
        self.source.take();
        let said = self.beside(|model| System::set(model, setting));
        let outcome = self.live.set(setting)?;
        if !said.is_some_and(|said| alike(&said, &outcome)) {
            self.model = None;
        }
        Ok(outcome)
    }

    fn pid(&self, task: u32) -> i32 {
        self.live.pid(task)
    }
}

/// The cause that comes first, unless it is no more than possible.
fn first(diagnosis: &Diagnosis) -> Option<&'static str> {
    let first = diagnosis.causes.first()?;
    (first.certainty != Certainty::Possible).then_some(first.cause.id)
}

/// Whether two outcomes are of one kind.
fn alike(a: &Outcome, b: &Outcome) -> bool {
    match (a, b) {
        (
            Outcome::Failed { errno: a, signal: also_a, .. },
            Outcome::Failed { errno: b, signal: also_b, .. },
        ) => a == b && also_a == also_b,
        (Outcome::Done(Ret::Task(a)), Outcome::Done(Ret::Task(b))) => a == b,
        (Outcome::Done(_), Outcome::Done(_)) | (Outcome::Waits(_), Outcome::Waits(_)) => true,
        _ => false,
    }
}

fn cause_of(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Failed { cause, .. } | Outcome::Waits(cause) => *cause,
        _ => None,
    }
}

fn kind_of(new: &New) -> SocketType {
    match new.kind {
        Kind::Datagram | Kind::Raw => SocketType::Datagram,
        Kind::SeqPacket => SocketType::SeqPacket,
        Kind::Stream | Kind::Other(_) => SocketType::Stream,
    }
}

fn address_of(op: &Op) -> Option<sunpath::Address> {
    let name = match op {
        Op::Bind { name, .. } | Op::Connect { name, .. } => name,
        Op::Send(message) => message.to.as_ref()?,
        _ => return None,
    };
    match name {
        Name::Unix(address) => Some(address.clone()),
        _ => None,
    }
}
