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
        for task in woken {
            let mut next = state.clone();
            let outcome = Outcome::from(next.world.resume(task));
            if !matches!(outcome, Outcome::Waits(_)) {
                next.ended.insert(task.0, outcome.clone());
            }
            next.turns.push((task.0, outcome));
            if seen.insert(next.digest()) {
                moving.push(next);
            }
        }
        if seen.len() > MOST {
            return None;
        }
    }
    Some(still)
}
