//! The kernel's side: real processes and threads, one call each at a time.

use super::super::house::House;
use super::super::script::MOST_TASKS;
use super::super::worker;
use crate::stage::Trouble;
use crate::tasks::{self, Settled, Tasks};
use std::collections::{BTreeMap, BTreeSet};
use sunpath::host::Outcome;
use sunpath::op::{Op, ProcessOp, Ret};

/// Processes in a house, killed when this is dropped.
pub struct Kernel<'a> {
    house: &'a mut House,
    tasks: Tasks,
    /// The calls that have come back and were not told yet.
    ended: BTreeMap<u32, Outcome>,
    /// Those that have not.
    busy: BTreeSet<u32>,
}

impl Kernel<'_> {
    /// No process yet, in an empty directory.
    pub fn new(house: &mut House) -> Result<Kernel<'_>, Trouble> {
        house.fresh_root()?;
        let tasks = Tasks::new(MOST_TASKS)?;
        Ok(Kernel { house, tasks, ended: BTreeMap::new(), busy: BTreeSet::new() })
    }

    /// Starts a process with one task, the next one.
    pub fn spawn(&mut self) -> Result<(), Trouble> {
        let (house, known, lane) = (&*self.house, self.house.dictionary(), std::process::id());
        let spawned =
            self.tasks.spawn(|keep| worker::prepare(&known, house, house.own, keep, lane));
        spawned.map(drop)
    }

    /// How many tasks there were.
    pub fn tasks(&self) -> u32 {
        self.tasks.count() as u32
    }

    /// The process of a task.
    pub fn pid(&self, task: u32) -> i32 {
        self.tasks.pid(task as usize).cast_signed()
    }

    /// Has a call made. What comes of it is said by [`Kernel::settle`].
    pub fn call(&mut self, task: u32, op: &Op) -> Result<(), Trouble> {
        let number = task as usize;
        match op {
            Op::Process(made @ (ProcessOp::Fork | ProcessOp::Thread)) => {
                let made = self.tasks.make_task(number, *made == ProcessOp::Thread)?;
                self.ended.insert(task, made.map(|new| Ret::Task(new as u32)));
            }
            Op::Process(ProcessOp::Exit) => {
                self.tasks.end(number)?;
                let tasks = &self.tasks;
                self.busy.retain(|task| tasks.pid_of(*task as usize).is_some());
            }
            op => {
                self.tasks.call(number, op)?;
                self.busy.insert(task);
            }
        }
        Ok(())
    }

    /// Interrupts the call in which a task sleeps.
    pub fn interrupt(&self, task: u32) -> Result<(), Trouble> {
        self.tasks.interrupt(task as usize)
    }

    /// Waits until each task that is in a call has come back or sleeps, and all at one moment: the
    /// calls that have come back, and a task that neither comes back nor sleeps, or sleeps too
    /// long. Those of `must` sleep no more in the end: their time runs out.
    pub fn settle(
        &mut self,
        must: &BTreeSet<u32>,
    ) -> Result<(BTreeMap<u32, Outcome>, Option<u32>), Trouble> {
        let must = must.iter().map(|task| *task as usize).collect();
        let settled = self.tasks.settle(&must)?;
        for task in self.busy.clone() {
            if let Some(answer) = self.tasks.answer(task as usize) {
                self.ended.insert(task, tasks::outcome(&answer)?);
                self.busy.remove(&task);
            }
        }
        let restless = match settled {
            Settled::Still => None,
            Settled::Restless(task) => Some(task as u32),
        };
        Ok((std::mem::take(&mut self.ended), restless))
    }
}
