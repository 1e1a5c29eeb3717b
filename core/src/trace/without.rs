//! Leaving events out of a trace, so that a long one becomes a short one.

use super::reference::{Name, Named, Reference, References};
use super::{Event, Line, Step, Trace};
use crate::op::{Op, ProcessOp};
use alloc::collections::BTreeSet;

impl Trace {
    /// The trace without these steps (numbered as [`Trace::steps`] gives them), and without what
    /// makes no sense any more then: events of tasks that are not started. A descriptor that
    /// nothing names any more becomes -1.
    pub fn without(&self, steps: &BTreeSet<usize>) -> Trace {
        let mut number = 0;
        let mut known = Known::default();
        let kept = self.lines.iter().filter_map(|line| {
            let Line::Step(step) = line else { return Some(line.clone()) };
            number += 1;
            if steps.contains(&(number - 1)) {
                return None;
            }
            let mut step = step.clone();
            known.keeps(&mut step).then_some(Line::Step(step))
        });
        Trace { lines: kept.collect() }
    }
}

/// The names that the events so far give.
#[derive(Default)]
struct Known {
    tasks: BTreeSet<Name>,
    descriptors: BTreeSet<Name>,
}

impl Known {
    /// Whether an event still makes sense; takes names that are not known out of it.
    fn keeps(&mut self, step: &mut Step) -> bool {
        match &mut step.event {
            Event::Spawn { name, .. } => self.tasks.insert(name.clone()),
            Event::Resume { task } | Event::Interrupt { task } => self.tasks.contains(task),
            Event::Advance(_) | Event::Collect => true,
            Event::Set(setting) => self.mend(setting),
            Event::Call { task, gives, op } => {
                if !self.tasks.contains(task) || !self.mend(op) {
                    return false;
                }
                let new = matches!(op.is, Op::Process(ProcessOp::Fork | ProcessOp::Thread));
                let names = if new { &mut self.tasks } else { &mut self.descriptors };
                names.extend(gives.iter().cloned());
                true
            }
        }
    }

    /// Forgets the names of unknown descriptors; `false` if a task is not known.
    fn mend<T: References>(&self, named: &mut Named<T>) -> bool {
        let mut names = named.names.iter_mut();
        let mut sound = true;
        named.is.visit(&mut |reference| {
            let Some(slot) = names.next() else { return };
            let Some(name) = slot.as_deref() else { return };
            match reference {
                Reference::Fd(_) if !self.descriptors.contains(name) => *slot = None,
                Reference::Task(_) | Reference::Pid(_) if !self.tasks.contains(name) => {
                    sound = false
                }
                _ => {}
            }
        });
        sound
    }
}
