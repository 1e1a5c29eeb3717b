//! Scripts whose descriptors and processes are known by the calls that made them, so that calls
//! can be left out and the others still mean the same.

use super::script::{Expected, Line, MOST_TASKS, Move, Play, Role};
use std::collections::BTreeMap;
use sunpath::op::{Fd, Op, ProcessOp, Ret};
use sunpath::profile::Machine;
use sunpath::trace::{Reference, References};

/// Descriptors from this number on stand for what a call made.
const FIRST_SYMBOL: Fd = 1_000_000;

/// What made a descriptor: a call by its number, and which of those that it made.
type Origin = (usize, usize);

/// What made a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Birth {
    /// It is there from the beginning.
    Cast(usize),
    /// A call, by its number.
    Call(usize),
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number in the script from which all are.
    id: usize,
    task: Birth,
    /// The call, with symbols for descriptors.
    pub op: Op,
}

/// A script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbolic {
    cast: Vec<(usize, Role)>,
    /// The calls.
    pub steps: Vec<Step>,
    origins: Vec<Origin>,
    births: Vec<Birth>,
}

/// The script as it was played, and which steps were.
pub struct Played {
    /// The processes.
    pub cast: Vec<Role>,
    /// The model's play.
    pub play: Play,
    /// The places of the steps that were played.
    pub kept: Vec<usize>,
}

impl Symbolic {
    /// The script that was played.
    pub fn of(cast: &[Role], play: &Play) -> Symbolic {
        let numbered: Vec<_> = cast.iter().copied().enumerate().collect();
        let mut births: Vec<_> = numbered.iter().map(|(number, _)| Birth::Cast(*number)).collect();
        let mut tables = vec![BTreeMap::<Fd, Origin>::new(); play.members.len()];
        let mut origins = Vec::new();
        let mut steps = Vec::new();
        let last = play.panicked.iter().map(|made| (made, None));
        let lines = play.lines.iter().map(|line| (&line.made, Some(line)));
        for (id, (made, line)) in lines.chain(last).enumerate() {
            let process = play.members[made.task as usize].process;
            let mut op = made.op.clone();
            op.visit(&mut |reference| {
                if let Reference::Fd(fd) = reference
                    && let Some(origin) = tables[process].get(fd)
                {
                    *fd = FIRST_SYMBOL + origins.len() as Fd;
                    origins.push(*origin);
                }
            });
            steps.push(Step { id, task: births[made.task as usize], op });
            let Some(Line { expected: Expected::Done(ret), .. }) = line else { continue };
            for (place, fd) in descriptors(ret).into_iter().enumerate() {
                tables[process].insert(fd, (id, place));
            }
            match (&made.op, ret) {
                (Op::Close { fd }, _) => {
                    tables[process].remove(fd);
                }
                (Op::Process(ProcessOp::Fork), Ret::Task(child)) => {
                    births.push(Birth::Call(id));
                    tables[*child as usize] = tables[process].clone();
                }
                (Op::Process(ProcessOp::Thread), _) => births.push(Birth::Call(id)),
                _ => {}
            }
        }
        Symbolic { cast: numbered, steps, origins, births }
    }

    /// Plays it in the model.
    pub fn play(&self, machine: &Machine) -> Played {
        let cast: Vec<_> = self.cast.iter().map(|(_, role)| *role).collect();
        let mut play = Play::new(&cast, machine);
        let mut tasks: BTreeMap<Birth, u32> =
            (0..).zip(&self.cast).map(|(task, (number, _))| (Birth::Cast(*number), task)).collect();
        let mut tables = vec![BTreeMap::<Origin, Fd>::new(); MOST_TASKS];
        let mut kept = Vec::new();
        for (place, step) in self.steps.iter().enumerate() {
            if play.is_over() {
                break;
            }
            let Some(task) = tasks.get(&step.task).copied() else { continue };
            let mut op = step.op.clone();
            let process = play.members[task as usize].process;
            let table = &tables[process];
            op.visit(&mut |reference| match reference {
                Reference::Fd(fd) => {
                    let symbol = usize::try_from(fd.wrapping_sub(FIRST_SYMBOL)).ok();
                    if let Some(origin) = symbol.and_then(|symbol| self.origins.get(symbol)) {
                        *fd = table.get(origin).copied().unwrap_or(-1);
                    }
                }
                Reference::Task(of) => {
                    let birth = self.births.get(*of as usize);
                    *of = birth.and_then(|b| tasks.get(b)).copied().unwrap_or(u32::MAX);
                }
                Reference::Pid(_) => {}
            });
            let Some(expected) = play.make(Move { task, op }).cloned() else { continue };
            kept.push(place);
            let Expected::Done(ret) = expected else { continue };
            for (number, fd) in descriptors(&ret).into_iter().enumerate() {
                tables[process].insert((step.id, number), fd);
            }
            if let Ret::Task(new) = ret {
                tasks.insert(Birth::Call(step.id), new);
                if step.op == Op::Process(ProcessOp::Fork) {
                    tables[new as usize] = tables[process].clone();
                }
            }
        }
        Played { cast, play, kept }
    }

    /// Without those processes that do nothing, and none does anything to.
    pub fn without_idlers(&self) -> Symbolic {
        let busy = |number: &usize| {
            self.steps.iter().any(|step| {
                step.task == Birth::Cast(*number)
                    || matches!(step.op, Op::Process(ProcessOp::JoinNet { .. }))
            })
        };
        let mut less = self.clone();
        less.cast.retain(|(number, _)| busy(number));
        less
    }

    /// What a task did that another one made, that one does itself.
    pub fn with_parents(&self) -> Vec<Symbolic> {
        let makes = |op: &Op| matches!(op, Op::Process(ProcessOp::Fork | ProcessOp::Thread));
        let replaced = |made: &Step| {
            let mut less = self.clone();
            for step in &mut less.steps {
                if step.task == Birth::Call(made.id) {
                    step.task = made.task;
                }
            }
            less.steps.retain(|step| step.id != made.id);
            less
        };
        self.steps.iter().filter(|step| makes(&step.op)).map(replaced).collect()
    }
}

/// The descriptors that a call gave.
fn descriptors(ret: &Ret) -> Vec<Fd> {
    let mut all = Vec::new();
    if matches!(ret, Ret::Polled(_)) {
        return all;
    }
    ret.clone().visit(&mut |reference| {
        if let Reference::Fd(fd) = reference {
            all.push(*fd);
        }
    });
    all
}
