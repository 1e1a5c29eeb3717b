//! Every interleaving of small programs.
//!
//! ```text
//!                    ┌──────────── one branch for each task that can go on ────────────┐
//!                    ▼                                                                 │
//!  a state: world, ──┬── a task has a call to make, or its call was woken ── step or ──┤
//!  results so far    │                                                       resume    │
//!                    ├── nobody can go on, but a time limit runs ── time passes ───────┘
//!                    └── nobody will ever go on ──► an outcome (who still waits, hangs)
//! ```

use super::step::Step;
use super::stop::Wait;
use super::world::{TaskId, World};
use crate::op::Op;
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// What came of all interleavings of some programs; see [`World::explore`].
#[derive(Debug, Clone)]
pub struct Explored {
    /// The different outcomes, in the order in which they were found.
    pub outcomes: Vec<Outcome>,
    /// How many different states were visited.
    pub states: usize,
    /// Every state was visited: the limit was not reached.
    pub complete: bool,
}

/// How programs can end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// For each program, what became of its calls. It is shorter than the program if a call hangs
    /// or the process has exited.
    pub results: Vec<Vec<Step>>,
    /// The tasks that wait for ever, and for what.
    pub hangs: Vec<(TaskId, Wait)>,
    /// One order of turns that leads here: whose call was made or looked again, one after the
    /// other.
    pub turns: Vec<TaskId>,
}

impl Explored {
    /// Whether some order of turns leaves a task waiting for ever.
    pub fn can_hang(&self) -> bool {
        self.outcomes.iter().any(|outcome| !outcome.hangs.is_empty())
    }

    /// Whether this is the outcome of every order of turns: for each program, the results.
    pub fn always(&self, results: &[Vec<Step>]) -> bool {
        self.complete && self.outcomes.iter().all(|outcome| outcome.results == results)
    }
}

/// A state on the way.
#[derive(Clone)]
struct State {
    world: World,
    results: Vec<Vec<Step>>,
    turns: Vec<TaskId>,
}

impl World {
    /// Lets each of these tasks make its calls, one after the other, in every order of turns that
    /// is possible, and gives the different ways in which that ends. This world itself stays as
    /// it is.
    ///
    /// A turn is one call, or one new look of a call that was woken. Time passes only when nobody
    /// can go on otherwise, up to the next time limit. A task may be one that a call of these
    /// programs makes (a fork, a thread): its turn comes when it exists. A program ends early if
    /// its process exits. States that several orders lead to are visited once; at most
    /// `most_states` are visited.
    ///
    /// ```
    /// use sunpath_core::model::{Step, World};
    /// use sunpath_core::op::{Kind, Message, New, Op, Want};
    /// use sunpath_core::profile::LINUX;
    ///
    /// let mut world = World::new(LINUX);
    /// let reader = world.spawn();
    /// world.step(reader, &Op::Socketpair(New::unix(Kind::Stream)));
    /// let writer = world.spawn_thread(reader);
    /// let looks = vec![Op::Recv(Want::new(3, 8).dont_wait())];
    /// let waits = vec![Op::Recv(Want::new(3, 8))];
    /// let writes = vec![Op::Send(Message::new(4, b"a"))];
    ///
    /// // Who does not wait gets the message or nothing.
    /// let explored = world.explore(&[(reader, looks), (writer, writes.clone())], 1000);
    /// assert_eq!(explored.outcomes.len(), 2);
    ///
    /// // Who waits always gets it, unless nobody writes.
    /// let explored = world.explore(&[(reader, waits.clone()), (writer, writes)], 1000);
    /// assert!(explored.complete && explored.outcomes.len() == 1 && !explored.can_hang());
    /// assert!(world.explore(&[(reader, waits)], 1000).can_hang());
    /// ```
    pub fn explore(&self, programs: &[(TaskId, Vec<Op>)], most_states: usize) -> Explored {
        let start =
            State { world: self.clone(), results: vec![vec![]; programs.len()], turns: vec![] };
        let mut seen = BTreeSet::from([start.digest()]);
        let mut stack = vec![start];
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut complete = true;
        while let Some(state) = stack.pop() {
            let next = state.successors(programs);
            if next.is_empty() {
                let end = state.end(programs);
                if !outcomes.iter().any(|o| (&o.results, &o.hangs) == (&end.results, &end.hangs)) {
                    outcomes.push(end);
                }
            }
            // The last is visited first: the first task goes as far as it can.
            for state in next.into_iter().rev() {
                if seen.len() >= most_states {
                    complete = false;
                } else if seen.insert(state.digest()) {
                    stack.push(state);
                }
            }
        }
        Explored { outcomes, states: seen.len(), complete }
    }

    /// A number for everything that decides what can follow, apart from the rules and the machine:
    /// worlds with the same one are taken for the same, as it is long enough for a mistake never
    /// to happen. It means nothing to another version of this crate.
    pub fn digest(&self) -> u128 {
        let World { now, tasks, processes, files, sockets, environment, .. } = self;
        let World { internet, namespace, next_pid, next_net, in_flight, .. } = self;
        let World { doomed, burying, faults, .. } = self;
        let first = (now, tasks, processes, files, sockets, environment);
        let second = (internet, namespace, next_pid, next_net, in_flight);
        let mut digest = Digest(Digest::START);
        let written = write!(digest, "{first:?}{second:?}{:?}", (doomed, burying, faults));
        written.expect("a digest takes everything");
        digest.0
    }

    /// Whether a task exists and its process has not exited and is not stopped.
    fn runs(&self, task: TaskId) -> bool {
        let Some(task) = self.tasks.get(task.0 as usize) else { return false };
        let process = &self.processes[task.process];
        !process.gone && !process.stopped
    }
}

impl State {
    /// Every state that one turn leads to; none at the end.
    fn successors(&self, programs: &[(TaskId, Vec<Op>)]) -> Vec<State> {
        let turns = programs.iter().enumerate();
        let next: Vec<State> =
            turns.filter_map(|(place, (task, calls))| self.turn(place, *task, calls)).collect();
        if !next.is_empty() {
            return next;
        }
        let Some(deadline) = self.world.next_deadline() else { return next };
        let mut later = self.clone();
        later.world.advance(deadline.saturating_sub(self.world.now()));
        vec![later]
    }

    /// The state after a task's turn, if it can go on.
    fn turn(&self, place: usize, task: TaskId, calls: &[Op]) -> Option<State> {
        if !self.world.runs(task) {
            return None;
        }
        let waiting = self.world.tasks[task.0 as usize].pending.as_ref();
        let call = calls.get(self.results[place].len());
        if !waiting.map_or(call.is_some(), |pending| pending.attempt.woken.is_some()) {
            return None;
        }
        let (waits, mut next) = (waiting.is_some(), self.clone());
        let result = match call {
            Some(op) if !waits => next.world.step(task, op),
            _ => next.world.resume(task),
        };
        next.turns.push(task);
        if !matches!(result, Step::Blocked(_)) {
            next.results[place].push(result);
        }
        Some(next)
    }

    fn end(self, programs: &[(TaskId, Vec<Op>)]) -> Outcome {
        let hangs = programs.iter().filter_map(|(task, _)| {
            let pending = self.world.tasks.get(task.0 as usize)?.pending.as_ref()?;
            Some((*task, pending.told()))
        });
        Outcome { hangs: hangs.collect(), results: self.results, turns: self.turns }
    }

    /// A number for everything that decides what can follow and came of it so far.
    fn digest(&self) -> u128 {
        let mut digest = Digest(self.world.digest());
        write!(digest, "{:?}", self.results).expect("a digest takes everything");
        digest.0
    }
}

/// FNV-1a of 128 bits.
struct Digest(u128);

impl Digest {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
}

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(Digest::PRIME);
        }
        Ok(())
    }
}
