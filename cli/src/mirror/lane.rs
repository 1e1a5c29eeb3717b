//! A process that plays scripts, one after the other, with workers of its own.

use super::crew::{self, Ending};
use super::dice::Dice;
use super::generate::generate;
use super::house::House;
use super::script::{Play, Role};
use super::shrink::{self, Finding};
use crate::out;
use crate::stage::{Step, Trouble};
use serde_json::{Value, json};
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
}

impl Task {
    /// As arguments of the hidden subcommand.
    pub fn to_args(self) -> [String; 4] {
        [self.seed, self.first, self.every, self.steps].map(|number| number.to_string())
    }

    /// From the arguments.
    pub fn from_args(args: [&str; 4]) -> Option<Task> {
        let mut numbers = args.into_iter().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Task { seed: next()?, first: next()?, every: next()?.max(1), steps: next()? })
    }
}

/// Plays, in this process, a child of `parent`; says what comes of it in lines of JSON.
pub fn run(task: Task, dir: &Path, parent: u32) -> Result<(), Trouble> {
    process::die_with(parent).step("begin")?;
    // A model that panics is a finding like others, which is told in the end.
    std::panic::set_hook(Box::new(|_| {}));
    let mut house = House::new(dir)?;
    let (mut script, mut steps, mut told) = (task.first, 0, Instant::now());
    while steps < task.steps {
        let (cast, play) = script_of(task.seed, script, &house);
        steps += play.lines.len() as u64;
        if let Some(finding) = finding(&cast, play, &mut house)? {
            let short = shrink::shrink(finding, &mut house)?;
            return say(&json!({ "steps": steps, "finding": to_json(script, &short) }));
        }
        if told.elapsed() > OFTEN {
            say(&json!({ "steps": steps }))?;
            told = Instant::now();
        }
        script += task.every;
    }
    say(&json!({ "steps": steps, "done": true }))
}

fn script_of(seed: u64, number: u64, house: &House) -> (Vec<Role>, Play) {
    let mut dice = Dice::new(seed, number);
    let length = 30 + dice.below(400);
    generate(dice, length, house.privileged, house.own, &house.machine)
}

/// What differs when the model's play is repeated on the kernel.
fn finding(cast: &[Role], mut play: Play, house: &mut House) -> Result<Option<Finding>, Trouble> {
    if let Some(made) = play.panicked.take() {
        let mut script = play.script(cast);
        script.moves.push(made);
        return shrink::differs(&script, house);
    }
    Ok(match crew::perform(&play, cast, house)? {
        Ending::Agreed => None,
        Ending::Differs { at, kernel } => {
            play.lines.truncate(at + 1);
            Some(Finding { script: play.script(cast), play, kernel })
        }
    })
}

fn say(value: &Value) -> Result<(), Trouble> {
    out::print(&format!("{value}\n")).map_err(|_| Trouble::Failed("nobody listens".into()))
}

fn to_json(number: u64, finding: &Finding) -> Value {
    let lines = finding.play.lines.iter();
    let calls =
        lines.map(|line| format!("{} {:?} -> {:?}", line.made.task, line.made.op, line.expected));
    let last = finding.play.lines.last();
    let calls: Vec<_> = calls.collect();
    json!({
        "script": number,
        "cast": format!("{:?}", finding.script.cast),
        "calls": calls,
        "last": finding.script.moves.last().map(|made| format!("{made:?}")),
        "model": last.map(|line| format!("{:?}", line.expected)),
        "kernel": finding.kernel,
    })
}
