//! A process that plays scripts, one after the other, with workers of its own.

use super::blocking;
use super::crew::Manner;
use super::dice::Dice;
use super::generate::generate;
use super::house::House;
use super::script::{Expected, Play, Role};
use super::shrink;
use super::story;
use crate::out;
use crate::stage::{Step, Trouble};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use sunpath::sys::process;

/// The hidden subcommand that plays scripts.
pub const LANE: &str = "__mirror";

/// How often a lane tells how far it has come.
const OFTEN: Duration = Duration::from_millis(100);

/// What a lane is to do.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// Of all scripts.
    pub seed: u64,
    /// The number of its first script.
    pub first: u64,
    /// From one of its scripts to the next.
    pub every: u64,
    /// How many calls at least.
    pub steps: u64,
    /// What the model believes that messages take more than they do, in bytes.
    pub mistake: u64,
    /// The scripts are programs whose calls wait.
    pub blocking: bool,
}

impl Task {
    /// As arguments of the hidden subcommand.
    pub fn to_args(self) -> [String; 6] {
        [self.seed, self.first, self.every, self.steps, self.mistake, self.blocking.into()]
            .map(|number| number.to_string())
    }

    /// From the arguments.
    pub fn from_args(args: [&str; 6]) -> Option<Task> {
        let mut numbers = args.into_iter().map(str::parse::<u64>);
        let mut next = || numbers.next()?.ok();
        let (seed, first, every, steps) = (next()?, next()?, next()?.max(1), next()?);
        Some(Task { seed, first, every, steps, mistake: next()?, blocking: next()? != 0 })
    }
}

/// Plays, in this process, a child of `parent`; says what comes of it in lines of JSON.
pub fn run(task: Task, dir: &Path, parent: u32) -> Result<(), Trouble> {
    process::die_with(parent).step("begin")?;
    // A model that panics is a finding like others, which is told in the end.
    std::panic::set_hook(Box::new(|_| {}));
    let mut house = House::new(dir)?;
    house.machine.memory.description += task.mistake as u32;
    if task.blocking {
        return wait(task, &mut house);
    }
    let (mut script, mut steps, mut told) = (task.first, 0, Instant::now());
    let mut causes = BTreeMap::new();
    while steps < task.steps {
        let (cast, play) = script_of(task.seed, script, &house);
        steps += play.lines.len() as u64;
        for line in &play.lines {
            if let Expected::Fails { cause, .. } = &line.expected {
                *causes.entry(*cause).or_insert(0u64) += 1;
            }
        }
        let differs = shrink::difference(&cast, &play, &mut house, Manner::USUAL);
        // What a script left behind hinders the next one.
        let at = |trouble| match trouble {
            Trouble::Failed(why) => Trouble::Failed(format!("at script {script}: {why}")),
            other => other,
        };
        if let Some(differs) = differs.map_err(at)? {
            let short = shrink::shrink(&cast, &play, differs, &mut house);
            let mut finding = story::to_json(&short);
            finding["script"] = json!(script);
            return say(&json!({ "steps": steps, "finding": finding }));
        }
        if told.elapsed() > OFTEN {
            say(&json!({ "steps": steps }))?;
            told = Instant::now();
        }
        script += task.every;
    }
    causes.remove("");
    say(&json!({ "steps": steps, "done": true, "causes": causes }))
}

/// Plays programs whose calls wait.
fn wait(task: Task, house: &mut House) -> Result<(), Trouble> {
    house.machine.datagram_queue += task.mistake as u32;
    let (mut program, mut steps, mut told) = (task.first, 0, Instant::now());
    while steps < task.steps {
        let played = blocking::lane::play(task.seed, program, house)?;
        steps += played.steps;
        if let Some(found) = played.difference {
            let finding = json!({
                "script": program,
                "trace": found.trace.to_string(),
                "model": found.model,
                "kernel": found.kernel,
            });
            return say(&json!({ "steps": steps, "finding": finding }));
        }
        if told.elapsed() > OFTEN {
            say(&json!({ "steps": steps }))?;
            told = Instant::now();
        }
        program += task.every;
    }
    say(&json!({ "steps": steps, "done": true }))
}

fn script_of(seed: u64, number: u64, house: &House) -> (Vec<Role>, Play) {
    let mut dice = Dice::new(seed, number);
    let length = 30 + dice.below(400);
    generate(dice, length, house.privileged, house.own, house.rings, &house.machine)
}

/// A line for whoever started this process.
pub fn say(value: &Value) -> Result<(), Trouble> {
    out::print(&format!("{value}\n")).map_err(|_| Trouble::Failed("nobody listens".into()))
}
