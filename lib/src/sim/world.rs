//! A simulation before it runs: the rules, the machine, the seed, the faults.

use super::handle::Shared;
use super::panics;
use super::program::{Program, Why, run_body};
use super::report::{Failure, Planned, Report};
use super::socket::Holder;
use super::state::{State, Status};
use super::walk::Point;
use crate::model::{self, Credentials, Fault, Fired, NoFault};
use crate::profile::{Machine, Profile};
use crate::{Platform, profile};
use std::sync::{Arc, PoisonError};

/// A simulated system that a program can run in. It can be used any number of times, and each run
/// with the same seed is the same.
///
/// ```
/// use std::io::{Read, Write};
/// use sunpath::{Stream, sim};
///
/// let word = sim::World::default().seed(7).run(|program| {
///     let (mut here, mut there) = Stream::pair().unwrap();
///     program.spawn("writer", move || there.write_all(b"hello").unwrap());
///     let mut word = String::new();
///     here.read_to_string(&mut word).unwrap();
///     word
/// });
/// assert_eq!(word, "hello");
/// ```
#[derive(Debug, Clone)]
pub struct World {
    profile: Profile,
    machine: Machine,
    seed: u64,
    most_calls: u64,
    faults: Vec<Planned>,
}

/// Whether panics are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Panics {
    Shown,
    Quiet,
}

impl Default for World {
    /// With the rules of Linux.
    fn default() -> World {
        World::new(profile::LINUX)
    }
}

impl World {
    /// With the rules of this system, on a usual machine.
    pub fn new(profile: Profile) -> World {
        let machine = Machine::default();
        World { profile, machine, seed: 0, most_calls: 100_000, faults: Vec::new() }
    }

    /// With the rules of this platform.
    pub fn platform(mut self, platform: Platform) -> World {
        self.profile = Profile::of(platform).clone();
        self
    }

    /// On this machine: limits and sizes of buffers.
    pub fn machine(mut self, machine: Machine) -> World {
        self.machine = machine;
        self
    }

    /// With at most so many descriptors in each process, 0 to 2 among them.
    pub fn descriptor_limit(mut self, limit: u32) -> World {
        self.machine.descriptors = limit;
        self
    }

    /// The seed decides who goes first wherever several could; 0 unless told.
    pub fn seed(mut self, seed: u64) -> World {
        self.seed = seed;
        self
    }

    /// A run that makes more calls than this has failed; 100,000 unless told.
    pub fn most_calls(mut self, calls: u64) -> World {
        self.most_calls = calls;
        self
    }

    /// Plans a fault. A run in which it does not fire has failed.
    ///
    /// ```
    /// use sunpath::model::{At, Effect, Fault};
    /// use sunpath::{Call, Errno, Stream, sim};
    ///
    /// let broken = Fault::once(At::nth(Call::Send, 2), Effect::fail("send/peer-closed")?);
    /// sim::World::default().fault(broken)?.run(|_| {
    ///     let (a, _b) = Stream::pair().unwrap();
    ///     assert_eq!(a.send(b"one").unwrap(), 3);
    ///     assert_eq!(a.send(b"two").unwrap_err().errno(), Some(Errno::EPIPE));
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NoFault`] if it can never fire on this platform: choose that first.
    pub fn fault(self, fault: Fault) -> Result<World, NoFault> {
        self.plan(None, fault)
    }

    /// Plans a fault for the calls of one thread, by its name; the first to be started, if several
    /// have it. The thread that the run begins with is `main`.
    ///
    /// ```
    /// use sunpath::model::{At, Effect, Fault};
    /// use sunpath::{Call, Listener, Stream, sim};
    ///
    /// let full = Fault::once(At::nth(Call::Socket, 1), Effect::fail("socket/descriptor-limit")?);
    /// sim::World::default().fault_of("client", full)?.run(|program| {
    ///     let _listener = Listener::bind("/run/server").unwrap(); // has a socket
    ///     let client = program.spawn("client", || Stream::connect("/run/server").is_err());
    ///     assert_eq!(client.join(), Some(true));
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As those of [`fault`](World::fault).
    pub fn fault_of(self, thread: &str, fault: Fault) -> Result<World, NoFault> {
        self.plan(Some(thread.to_owned()), fault)
    }

    fn plan(mut self, thread: Option<String>, fault: Fault) -> Result<World, NoFault> {
        model::World::new(self.profile.clone()).plan(fault)?;
        self.faults.push(Planned { thread, fault });
        Ok(self)
    }

    /// Runs a program, the first process of which is `main`; what that returned. The run lasts
    /// until every thread has ended that was not started in the background.
    ///
    /// # Panics
    /// If the run fails: see [`Failure`]. The message is the [`Report`].
    #[track_caller]
    pub fn run<R>(&self, main: impl FnOnce(&Program) -> R) -> R {
        let (report, value) = self.carry_out(&self.start(Panics::Shown), main);
        match value {
            Some(value) if report.failure.is_none() => value,
            _ => panic!("{report}"),
        }
    }

    /// Runs a program and reports what it was like, whether it failed or not. A panic is in the
    /// report, and is not printed.
    pub fn report(&self, main: impl FnOnce(&Program)) -> Report {
        self.carry_out(&self.start(Panics::Quiet), main).0
    }

    /// How many faults are planned.
    pub(super) fn faults(&self) -> usize {
        self.faults.len()
    }

    pub(super) fn rules(&self) -> &Profile {
        &self.profile
    }

    /// Runs a program, and notes what could have gone wrong with each call.
    pub(super) fn survey(&self, main: impl FnOnce(&Program)) -> (Report, Vec<Point>) {
        let program = self.start(Panics::Quiet);
        program.handle.lock().survey = Some(Vec::new());
        let (report, _) = self.carry_out(&program, main);
        let points = program.handle.lock().survey.take();
        (report, points.unwrap_or_default())
    }

    fn carry_out<R>(
        &self,
        program: &Program,
        main: impl FnOnce(&Program) -> R,
    ) -> (Report, Option<R>) {
        let value = {
            let _entered = program.enter();
            let value = run_body(&program.handle, || main(program));
            let failed = match &value {
                Err(Why::Panicked(failure)) => Some(failure.clone()),
                _ => None,
            };
            wait_for_others(program, failed);
            value.ok()
        };
        let threads =
            std::mem::take(&mut *program.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let mut state = program.handle.lock();
        if !matches!(state.failure, Some(Failure::Outside { .. })) {
            drop(state);
            for thread in threads {
                // Its panic is in the report.
                let _ = thread.join();
            }
            state = program.handle.lock();
            find_leaks(&mut state);
        }
        (self.summary(&mut state), value)
    }

    fn start(&self, panics: Panics) -> Program {
        panics::note();
        let world = model::World::on(self.profile.clone(), self.machine.clone());
        let mut state = State::new(world, self.seed, self.most_calls);
        state.plan(&self.faults);
        let task = state.add_process("main", Credentials::ROOT, true);
        Program::new(Arc::new(Shared::new(state, panics == Panics::Quiet)), task)
    }

    fn summary(&self, state: &mut State) -> Report {
        let numbered = |fired: &Fired| Fired { fault: state.fault_numbers[fired.fault], ..*fired };
        let fired: Vec<_> = state.world.fired().iter().map(numbered).collect();
        if state.failure.is_none() {
            let silent = |number| !fired.iter().any(|f: &Fired| f.fault == number);
            let all = self.faults.iter().enumerate();
            let silent = all.filter(|(number, _)| silent(*number)).map(|(_, fault)| fault.clone());
            let silent: Vec<_> = silent.collect();
            state.failure = (!silent.is_empty()).then_some(Failure::NotFired(silent));
        }
        Report {
            seed: self.seed,
            platform: self.profile.platform,
            failure: state.failure.take(),
            events: std::mem::take(&mut state.events),
            fired,
            elapsed: state.world.now(),
        }
    }
}

/// Lets the rest of the program run to its end.
fn wait_for_others(program: &Program, failed: Option<Failure>) {
    let handle = &program.handle;
    let ended = run_body(handle, || {
        let mut state = handle.lock();
        if failed.is_some() {
            state.end(failed);
        }
        if state.over || state.processes[0].dead {
            state.end(None);
            return;
        }
        let Ok(mut state) = handle.wait(state, Status::Finishing) else { return };
        state.tasks[handle.task].status = Status::Done;
        state.lost = lost(&state);
        state.end(None);
    });
    drop(ended);
}

/// The sockets that are still open although the processes that opened them have ended, and what to
/// call them.
fn lost(state: &State) -> Vec<(u64, String)> {
    let runs = |process: usize| {
        let mut running = state.tasks.iter().filter(|t| t.status != Status::Done);
        running.any(|task| task.process == process)
    };
    let all = state.sockets.held();
    let lost = all.iter().filter(|(_, by)| !by.iter().any(|holder| runs(holder.process)));
    let lost = lost.filter_map(|(inode, by)| Some((*inode, by.first()?)));
    let name = |h: &Holder| format!("descriptor {} of {}", h.fd, state.processes[h.process].name);
    lost.map(|(inode, holder)| (inode, name(holder))).collect()
}

/// Every thread has ended: what is open now, nobody can close any more.
fn find_leaks(state: &mut State) {
    drop(state.sockets.take_closed());
    let lost = std::mem::take(&mut state.lost).into_iter();
    let lost = lost.filter(|(inode, _)| state.sockets.holders(*inode).is_some());
    let leaked: Vec<_> = lost.map(|(_, name)| name).collect();
    if state.failure.is_none() && !leaked.is_empty() {
        state.failure = Some(Failure::Leaked(leaked));
    }
}
