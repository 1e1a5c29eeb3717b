//! The closing of the circle: the model fails for a cause, the cause is hidden, and the diagnosis
//! must find it again from the errno and from what can be seen.

use crate::model::stop::Failure;
use crate::model::world::{Caller, TaskId, World};
use crate::op::Op;
use crate::{Certainty, Diagnosis, Symptom, diagnose_on};

/// What a diagnosis made of a failure whose cause is known.
#[derive(Debug, Clone)]
pub enum Recovered {
    /// It names the cause, and is this sure.
    Named(Certainty),
    /// It names other causes, and knows that this one leaves the same facts.
    Confusable,
    /// It does not.
    Missed(Diagnosis),
}

impl World {
    /// Whether the cause of a call that just failed can be recovered from its errno and from what
    /// an observer sees now. `None` for calls that the catalogue does not treat.
    pub fn recover(&self, task: TaskId, op: &Op, failure: &Failure) -> Option<Recovered> {
        let (call, cause) = (op.call()?, failure.cause?);
        let process = self.tasks[task.0 as usize].process;
        let kind = self.kind_of(Caller { task, process, began_on: None }, op);
        let facts = self.facts(task, op);
        let symptom = Some(Symptom::Errno(failure.errno));
        let diagnosis = diagnose_on(self.profile.platform, call, kind, symptom, &facts);
        let named = diagnosis.causes.iter().find(|ranked| ranked.cause.id == cause.id);
        Some(match named {
            Some(ranked) => Recovered::Named(ranked.certainty),
            None if diagnosis.causes.iter().any(|r| r.cause.confusable.contains(&cause.id)) => {
                Recovered::Confusable
            }
            None => Recovered::Missed(diagnosis),
        })
    }
}
