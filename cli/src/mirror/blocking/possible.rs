//! The model's side: the worlds that are possible, as it is not known in which order those that
//! were woken look again.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use sunpath::model::{TaskId, World};
use sunpath::trace::Outcome;

/// More worlds than this are not followed.
const MOST: usize = 2000;

/// A world, and how it came to it.
#[derive(Debug, Clone)]
pub struct Possible {
    /// The world.
    pub world: World,
    /// The calls that are over since everybody was still.
    pub ended: BTreeMap<u32, Outcome>,
    /// What came of the call that was made last, at first.
    pub first: Option<Outcome>,
    /// Who looked again, in turn, and what came of it.
    pub turns: Vec<(u32, Outcome)>,
}

impl Possible {
    /// Everybody is still.
    pub fn new(world: World) -> Possible {
        Possible { world, ended: BTreeMap::new(), first: None, turns: Vec::new() }
    }

    /// The call of this task looks again.
    fn after(mut self, task: TaskId) -> Possible {
        let outcome = Outcome::from(self.world.resume(task));
        if !matches!(outcome, Outcome::Waits(_)) {
            self.ended.insert(task.0, outcome.clone());
        }
        self.turns.push((task.0, outcome));
        self
    }

    /// What decides what can follow.
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{:?}{:?}", self.world, self.ended).hash(&mut hasher);
        hasher.finish()
    }
}

/// Lets those that were woken look again, in every order, until all are still. `None` if there
/// are too many ways.
pub fn settle(worlds: Vec<Possible>) -> Option<Vec<Possible>> {
    let mut seen = BTreeSet::new();
    let (mut moving, mut still) = (worlds, Vec::new());
    while let Some(state) = moving.pop() {
        let woken: Vec<TaskId> = state.world.runnable().collect();
        if woken.is_empty() {
            still.push(state);
            continue;
        }
        // Without a choice nothing can come about twice.
        if let ([task], true, true) = (&woken[..], moving.is_empty(), seen.is_empty()) {
            moving.push(state.after(*task));
            continue;
        }
        for task in woken {
            let next = state.clone().after(task);
            if seen.insert(next.digest()) {
                moving.push(next);
            }
        }
        if seen.len() > MOST || moving.last().is_some_and(|state| state.turns.len() > MOST) {
            return None;
        }
    }
    Some(still)
}
