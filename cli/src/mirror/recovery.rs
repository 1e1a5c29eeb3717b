//! The circle closes: for the failures of random scripts, a diagnosis that is told the errno and
//! what can be seen, but not the cause, must find the cause.

use super::dice::Dice;
use super::generate::generate;
use super::script::Role;
use std::collections::BTreeMap;
use sunpath::Certainty;
use sunpath::model::{Caps, Recovered, Step, TaskId, World};
use sunpath::op::Op;
use sunpath::profile::{LINUX, Machine};

/// How many scripts; `RECOVERY_SCRIPTS` asks for more.
const SCRIPTS: u64 = 300;

/// What came of the failures for one cause.
#[derive(Debug, Default)]
struct Tally {
    certain: u32,
    likely: u32,
    possible: u32,
    confusable: u32,
}

#[test]
fn the_cause_of_every_failure_is_recovered() {
    let asked = std::env::var("RECOVERY_SCRIPTS").ok().and_then(|n| n.parse().ok());
    let mut tallies = BTreeMap::new();
    let mut missed = BTreeMap::new();
    for number in 0..asked.unwrap_or(SCRIPTS) {
        let (cast, play) = generate(
            Dice::new(0, number),
            120,
            true,
            Role::Root(Caps::ALL),
            true,
            &Machine::default(),
        );
        let mut world = World::on(LINUX, Machine::default());
        for role in &cast {
            world.spawn_as(role.credentials());
        }
        for line in &play.lines {
            let (task, op) = (TaskId(line.made.task), &line.made.op);
            let step = world.step(task, op);
            judge(&world, task, op, &step, &mut tallies, &mut missed);
            if line.left.is_some() {
                world.collect_garbage();
            }
        }
    }
    for (id, tally) in &tallies {
        println!("{id}: {tally:?}");
    }
    let told: Vec<_> = missed.values().collect();
    assert!(missed.is_empty(), "{} causes were missed:\n{}", missed.len(), join(&told));
    assert!(tallies.len() > 60, "only {} causes arose", tallies.len());
}

fn join(told: &[&String]) -> String {
    told.iter().map(|text| text.as_str()).collect::<Vec<_>>().join("\n")
}

fn judge(
    world: &World,
    task: TaskId,
    op: &Op,
    step: &Step,
    tallies: &mut BTreeMap<&'static str, Tally>,
    missed: &mut BTreeMap<&'static str, String>,
) {
    let Step::Fail(failure) = step else { return };
    let Some(recovered) = world.recover(task, op, failure) else { return };
    let Some(cause) = failure.cause else { return };
    let tally = tallies.entry(cause.id).or_default();
    match recovered {
        Recovered::Named(Certainty::Certain) => tally.certain += 1,
        Recovered::Named(Certainty::Likely) => tally.likely += 1,
        Recovered::Named(Certainty::Possible) => tally.possible += 1,
        Recovered::Confusable => tally.confusable += 1,
        Recovered::Missed(diagnosis) => {
            let named: Vec<_> =
                diagnosis.causes.iter().map(|r| (r.cause.id, r.certainty, &r.because)).collect();
            missed.entry(cause.id).or_insert_with(|| {
                let call: String = format!("{op:?}").chars().take(300).collect();
                format!(
                    "{failure:?} of a {} by {call}: {named:?} {:?} {:?}",
                    diagnosis.socket,
                    diagnosis.unexplained,
                    world.facts(task, op).descriptor
                )
            });
        }
    }
}
