//! Every fault at every call: the program is run again and again, and each time something else goes
//! wrong.
//!
//! First it runs untouched, and what each of its calls could have gone wrong by is noted. The same
//! seed leads to the same call again, so that each later run is the same up to its fault. Where it
//! is not, the run has failed.

use super::program::Program;
use super::report::{Failure, Report};
use super::state::State;
use super::walked::{Struck, Walked};
use super::world::World;
use crate::model::{At, Effect, Fault, Fired, TaskId};
use crate::op::{Op, Want};
use crate::{Call, Cause, Errno, Symptom, cause};
use std::fmt;

/// A call of the untouched run, and what can go wrong with it.
#[derive(Debug, Clone)]
pub(super) struct Point {
    number: u64,
    task: String,
    model: TaskId,
    call: Call,
    /// Its number among this thread's calls of its kind.
    among: u64,
    effects: Vec<Effect>,
    first_process: bool,
    /// It never waits, and `poll` tells when it can go on.
    polled: bool,
}

/// Notes a call that is about to be made.
pub(super) fn note(state: &mut State, task: usize, op: &Op) {
    let Some(call) = op.call() else { return };
    let (model, name) = (state.tasks[task].model, state.tasks[task].name.clone());
    let first_process = state.tasks[task].process == 0;
    let polled = is_polled(state, model, op);
    let mut effects: Vec<_> = cause::for_call(call)
        .into_iter()
        .filter(|cause| state.world.can_fail(model, op, cause))
        .map(Effect::Fail)
        .collect();
    match op {
        Op::Send(message) if message.data.len() > 1 => effects.push(Effect::Short(1)),
        Op::Recv(Want { length: 2.., .. }) => effects.push(Effect::Short(1)),
        _ => {}
    }
    if matches!(op, Op::Recv(Want { control: 1.., .. })) {
        effects.push(Effect::ControlRoom(0));
    }
    let Some(points) = &mut state.survey else { return };
    let before = points.iter().filter(|p| p.model == model && p.call == call).count();
    let (number, among) = (points.len() as u64 + 1, before as u64 + 1);
    points.push(Point { number, task: name, model, call, among, effects, first_process, polled });
}

fn is_polled(state: &State, task: TaskId, op: &Op) -> bool {
    let now = match op {
        Op::Send(message) => message.flags.dont_wait,
        Op::Recv(want) => want.flags.dont_wait,
        Op::Accept { .. } => false,
        _ => return false,
    };
    now || op.fd().is_some_and(|fd| state.world.is_nonblocking(task, fd))
}

/// Whether a cause is taken.
type Chosen = dyn Fn(Call, &Cause) -> bool;
/// What must hold after a run.
type Invariant = dyn Fn(&Report) -> Result<(), String>;

/// A walk over every fault: see [`World::for_each_fault`].
pub struct Walk {
    world: World,
    deaths: bool,
    persistent: bool,
    one_per_errno: bool,
    chosen: Box<Chosen>,
    invariant: Box<Invariant>,
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").field("world", &self.world).finish_non_exhaustive()
    }
}

impl World {
    /// Runs a program again and again, each time with another fault, until it has run through with
    /// each: every call, with every cause that it can have there, once and for ever, and cut short.
    /// Causes that only a mistake in the program leads to ([`Cause::is_mistake`]) are left out.
    ///
    /// A run in which the planned fault does not come to its call has failed
    /// ([`Failure::Diverged`]): the program does not do the same in each run. Panics are in the
    /// result, and are not printed.
    pub fn for_each_fault(&self, program: impl Fn(&Program)) -> Walked {
        self.walk().run(program)
    }

    /// The same, to be told more precisely.
    pub fn walk(&self) -> Walk {
        Walk {
            world: self.clone(),
            deaths: false,
            persistent: true,
            one_per_errno: false,
            chosen: Box::new(|_, cause| !cause.is_mistake()),
            invariant: Box::new(|_| Ok(())),
        }
    }
}

impl Walk {
    /// Also kills each process but the first at each of its calls.
    pub fn deaths(mut self, on: bool) -> Walk {
        self.deaths = on;
        self
    }

    /// Whether faults also last: from a call on, every call of its kind of its thread fails. They
    /// do unless told otherwise. An interruption never lasts, nor does `EAGAIN` where `poll` would
    /// say that there is something to do.
    pub fn persistent(mut self, on: bool) -> Walk {
        self.persistent = on;
        self
    }

    /// Takes only the first cause for each errno of a call: a program that does not ask why cannot
    /// tell them apart.
    pub fn one_per_errno(mut self) -> Walk {
        self.one_per_errno = true;
        self
    }

    /// Takes only these causes. Unless told, all but the program's own mistakes, which
    /// `|_, _| true` includes: bad descriptors and pointers, wrong arguments and the like.
    pub fn causes(mut self, chosen: impl Fn(Call, &Cause) -> bool + 'static) -> Walk {
        self.chosen = Box::new(chosen);
        self
    }

    /// What must hold after each run; a text that says what does not.
    pub fn invariant(mut self, holds: impl Fn(&Report) -> Result<(), String> + 'static) -> Walk {
        self.invariant = Box::new(holds);
        self
    }

    /// Walks.
    pub fn run(&self, program: impl Fn(&Program)) -> Walked {
        let (mut report, points) = self.world.survey(&program);
        self.check(&mut report);
        let calls = points.len();
        let mut walked = Walked { calls, runs: 1, fired: Vec::new(), failed: Vec::new() };
        if report.failure.is_some() {
            walked.failed.push((None, report));
            return walked;
        }
        for point in &points {
            for (fault, struck) in self.faults(point) {
                self.try_one(&mut walked, &program, point, fault, struck);
            }
        }
        walked
    }

    fn try_one(
        &self,
        walked: &mut Walked,
        program: &impl Fn(&Program),
        point: &Point,
        fault: Fault,
        struck: Struck,
    ) {
        let world = self.world.clone().fault(fault).expect("the call can fail so");
        let mut report = world.report(program);
        self.check(&mut report);
        walked.runs += 1;
        // The faults of the world come first.
        let mut fired = report.fired.iter().filter(|fired| fired.fault == world.faults() - 1);
        let instead = fired.next().copied();
        let same =
            |f: &Fired| (f.number, f.task, f.call) == (point.number, point.model, point.call);
        if instead.as_ref().is_some_and(same) {
            walked.fired.push(struck.clone());
        } else {
            let planned = Box::new(struck.clone());
            report.failure = Some(Failure::Diverged { planned, instead });
        }
        if report.failure.is_some() {
            walked.failed.push((Some(struck), report));
        }
    }

    fn check(&self, report: &mut Report) {
        if report.failure.is_none()
            && let Err(what) = (self.invariant)(report)
        {
            report.failure = Some(Failure::Broken(what));
        }
    }

    fn faults(&self, point: &Point) -> Vec<(Fault, Struck)> {
        let platform = self.world.rules().platform;
        let once = At { task: None, call: None, nth: point.number };
        let ever = At { task: Some(point.model), call: Some(point.call), nth: point.among };
        let mut seen: Vec<Symptom> = Vec::new();
        let mut faults = Vec::new();
        let mut add = |effect, persistent| {
            let at = if persistent { ever } else { once };
            let Point { number, task, call, among, .. } = point.clone();
            let struck = Struck { number, task, call, among, effect, persistent };
            faults.push((Fault { at, effect, persistent }, struck));
        };
        for effect in &point.effects {
            let mut lasts = self.persistent;
            if let Effect::Fail(cause) = effect {
                let kinds = crate::SocketType::ALL.iter();
                let shown = kinds.filter_map(|kind| cause.symptom(platform, *kind)).next();
                let known = shown.is_some_and(|symptom| seen.contains(&symptom));
                if !(self.chosen)(point.call, cause) || self.one_per_errno && known {
                    continue;
                }
                seen.extend(shown);
                let errno = |errno| shown == Some(Symptom::Errno(errno));
                lasts &= !(errno(Errno::EINTR) || point.polled && errno(Errno::EAGAIN));
            }
            add(*effect, false);
            if lasts {
                add(*effect, true);
            }
        }
        if self.deaths && !point.first_process {
            add(Effect::Die, false);
        }
        faults
    }
}
