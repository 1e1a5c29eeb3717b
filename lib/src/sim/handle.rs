//! A thread's part in a simulation: it takes turns with the others.
//!
//! ```text
//!            a call: anybody able may come first            it must wait
//!   running ────────────────────────────────► able ◄──────┐ ───────► waiting
//!      ▲                                        │         └──────────────┘
//!      └──────────── it is its turn ────────────┘   woken, or its time has come
//! ```
//!
//! Exactly one thread runs at a time, the one whose turn it is. It passes the turn on with each
//! call, to one that the seed chooses, which may be itself.

use super::report::Failure;
use super::state::{State, Status};
use crate::model::Step;
use crate::op::{Op, Ret};
use crate::sys::{Errno as Host, Result, errno};
use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a thread may compute without a call before the others give it up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the threads of a simulation share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// What the clock of the library shows at the start.
    pub(super) start: Instant,
    /// Whether panics are for the report alone.
    pub(super) quiet: bool,
}

/// A thread of a simulation.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    pub(super) shared: Arc<Shared>,
    pub(super) task: usize,
}

/// With this a thread unwinds that shall end.
pub(super) struct Ended;

thread_local! {
    static CURRENT: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

/// The simulation that this thread is part of.
pub(crate) fn current() -> Option<Handle> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Makes this thread part of a simulation until the value is dropped.
pub(super) struct Entered(Option<Handle>);

impl Entered {
    pub(super) fn new(handle: Handle) -> Entered {
        Entered(CURRENT.replace(Some(handle)))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

impl Shared {
    pub(super) fn new(state: State, quiet: bool) -> Shared {
        Shared { state: Mutex::new(state), start: Instant::now(), quiet }
    }

    /// A thread that unwinds while it holds the lock has changed nothing by halves: there is
    /// nothing in it that panics.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    /// Whether this thread shall end.
    fn shall_end(&self, state: &State) -> bool {
        state.over || state.processes[state.tasks[self.task].process].dead
    }

    /// Ends this thread, unless it unwinds already: then its calls fail.
    fn leave<T>(&self, state: MutexGuard<'_, State>) -> Result<T> {
        drop(state);
        if std::thread::panicking() {
            return Err(Host::CANCELED);
        }
        resume_unwind(Box::new(Ended))
    }

    /// Passes the turn on, and waits until it is this thread's again.
    pub(super) fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        status: Status,
    ) -> Result<MutexGuard<'a, State>> {
        if self.shall_end(&state) {
            return self.leave(state);
        }
        state.sweep();
        state.tasks[self.task].status = status;
        if !state.pass_turn() {
            let deadlock = state.deadlock();
            state.end(Some(deadlock));
        }
        state = self.await_turn(state);
        if self.shall_end(&state) {
            return self.leave(state);
        }
        state.tasks[self.task].status = Status::Ready;
        Ok(state)
    }

    /// Waits for the first turn. If the run or the process is over by then, nothing is begun.
    pub(super) fn begin(&self) {
        let state = self.await_turn(self.lock());
        if self.shall_end(&state) {
            let _ = self.leave::<()>(state);
        }
    }

    /// Waits until it is this thread's turn, or the run is over.
    pub(super) fn await_turn<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
    ) -> MutexGuard<'a, State> {
        let bell = state.tasks[self.task].bell.clone();
        while !state.over && state.turn != self.task {
            let before = state.passed;
            let waited = bell.wait_timeout(state, PATIENCE);
            let timeout;
            (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() && state.passed == before && !state.over {
                let task = state.tasks[state.turn].name.clone();
                let failure = Failure::Outside { task };
                // Whoever started the run may be the very thread, and never see the report.
                eprintln!("{failure}");
                state.end(Some(failure));
            }
        }
        state
    }

    /// Makes a call on the model, waiting if it waits.
    pub(crate) fn call(&self, op: &Op) -> Result<Ret> {
        let mut state = self.wait(self.lock(), Status::Ready)?;
        state.calls += 1;
        if state.calls > state.most_calls {
            let calls = state.most_calls;
            state.end(Some(Failure::Endless { calls }));
            return self.leave(state);
        }
        let (model, name) = {
            let task = &state.tasks[self.task];
            (task.model, task.name.clone())
        };
        if state.survey.is_some() {
            super::walk::note(&mut state, self.task, op);
        }
        let mut step = state.world.step(model, op);
        let delay = state.obey(self.task);
        while let Step::Blocked(wait) = step {
            state.note(name.clone(), op, &step);
            state.tasks[self.task].waits = Some((op.clone(), wait.cause));
            state = self.wait(state, Status::InCall)?;
            step = state.world.resume(model);
        }
        state.tasks[self.task].waits = None;
        // A call that was to fail because its time was up took that time; one that was done is only
        // late.
        let in_vain = matches!(step, Step::Fail(_));
        if !in_vain {
            state.note(name.clone(), op, &step);
        }
        if let Some(until) = delay {
            state = self.wait(state, Status::Sleeping(until))?;
        }
        if in_vain {
            state.note(name, op, &step);
        }
        if self.shall_end(&state) {
            return self.leave(state);
        }
        match step {
            Step::Done(ret) => Ok(ret),
            Step::Fail(failure) => Err(errno::host(failure.errno)),
            Step::Blocked(_) => unreachable!("it waited until it was done"),
        }
    }

    /// The virtual time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.lock().world.now()
    }

    /// What the library's clock shows.
    pub(crate) fn now(&self) -> Instant {
        self.shared.start + self.elapsed()
    }

    /// Lets virtual time pass.
    pub(crate) fn sleep(&self, time: Duration) {
        let state = self.lock();
        let until = state.world.now().saturating_add(time);
        // A thread that unwinds need not sleep.
        drop(self.wait(state, Status::Sleeping(until)));
    }

    /// A number that the seed decides.
    pub(crate) fn random(&self) -> u64 {
        self.lock().random.next()
    }
}
