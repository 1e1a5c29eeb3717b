//! Small programs of two or three tasks: the model explores every interleaving, the kernel plays
//! one, whose end must be among those that the model found.

use super::super::dice::Dice;
use super::fair::is_fair;
use super::generate::Generator;
use super::pair::{Difference, Halt, Pair, name};
use sunpath::model::{Explored, TaskId};
use sunpath::op::Op;
use sunpath::trace::Outcome;

/// More states than this are not visited.
const STATES: usize = 400;

/// For each program what became of its calls, and whether it waits for ever.
type End = Vec<(Vec<Outcome>, bool)>;

/// Sets a scene up, makes programs up, explores them, and plays them in some order.
pub fn weave(pair: &mut Pair<'_>, mut dice: Dice) -> Result<(), Halt> {
    let mut generator = Generator::new(pair, dice.clone());
    generator.scene()?;
    let programs = generator.programs(2 + dice.below(2));
    let explored = pair.world().explore(&programs, STATES);
    if !explored.complete {
        return Ok(());
    }
    let Some(end) = play(pair, &programs, &mut dice)? else { return Ok(()) };
    if ends(&explored, &programs).contains(&end) {
        return Ok(());
    }
    let kernel = told(&end);
    let model = ends(&explored, &programs).iter().map(told).collect::<Vec<_>>().join(", or ");
    Err(Halt::Differs(Box::new(Difference { trace: pair.story.clone(), model, kernel })))
}

/// Plays the programs in a random order; `None` if what comes of it cannot be known.
fn play(
    pair: &mut Pair<'_>,
    programs: &[(TaskId, Vec<Op>)],
    dice: &mut Dice,
) -> Result<Option<End>, Halt> {
    let mut end: End = vec![(Vec::new(), false); programs.len()];
    pair.ended.clear();
    loop {
        for (task, _, outcome) in std::mem::take(&mut pair.ended) {
            if let Some(place) = programs.iter().position(|(of, _)| of.0 == task) {
                end[place].0.push(outcome);
            }
        }
        let ready = |(place, (task, calls)): (usize, &(TaskId, Vec<Op>))| {
            let next = calls.get(end[place].0.len())?.clone();
            pair.is_idle(task.0).then_some((task.0, next))
        };
        let ready: Vec<_> = programs.iter().enumerate().filter_map(ready).collect();
        let Some((task, op)) = dice.some(&ready) else { break };
        if !is_fair(pair, *task, op) {
            return Ok(None);
        }
        pair.call(*task, op)?;
    }
    for (place, (task, _)) in programs.iter().enumerate() {
        end[place].1 = pair.waiting.contains_key(&task.0);
    }
    Ok(Some(end))
}

/// The ends that the model found.
fn ends(explored: &Explored, programs: &[(TaskId, Vec<Op>)]) -> Vec<End> {
    let end = |outcome: &sunpath::model::Outcome| {
        let of = |(place, (task, _)): (usize, &(TaskId, Vec<Op>))| {
            let results = outcome.results[place].iter().cloned().map(Outcome::from);
            (results.collect(), outcome.hangs.iter().any(|(hangs, _)| hangs == task))
        };
        programs.iter().enumerate().map(of).collect()
    };
    explored.outcomes.iter().map(end).collect()
}

fn told(end: &End) -> String {
    let words = (0..).zip(end).map(|(place, (outcomes, waits))| {
        let outcomes: Vec<_> = outcomes.iter().map(Outcome::to_string).collect();
        let waits = if *waits { ", then sleeps" } else { "" };
        format!("{} {}{waits}", name(place), outcomes.join(", "))
    });
    words.collect::<Vec<_>>().join("; ")
}
