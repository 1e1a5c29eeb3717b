//! What is known of waiting and waking, rule by rule: each holds in the model and on the kernel.

use super::pair::{Difference, Halt, Pair};
use std::time::Duration;
use sunpath::Platform;
use sunpath::model::Credentials;
use sunpath::op::{Op, Setting};
use sunpath::trace::{self, Outcome, System, Trace};

/// The rule of this number as a trace, with the name of its only process at first.
pub fn rule(number: u64) -> Option<&'static str> {
    include_str!("rules.txt").split("\n\n").nth(usize::try_from(number).ok()?)
}

/// Plays a rule on both sides; what is expected must come on both.
pub fn play(rule: &str, pair: &mut Pair<'_>) -> Result<(), Halt> {
    let trace: Trace = rule.parse().map_err(|error| differs(rule, format!("{error}")))?;
    let mut both = Both { pair, told: Vec::new(), halt: None, begun: false };
    let played = trace::play(&trace, &mut both);
    if let Some(halt) = both.halt {
        return Err(halt);
    }
    let played = played.map_err(|error| differs(rule, format!("{error}")))?;
    match played.iter().find_map(|step| Some((step.step.event.to_string(), step.fault()?))) {
        None => Ok(()),
        Some((event, fault)) => Err(differs(rule, format!("{event}: {fault}"))),
    }
}

fn differs(rule: &str, kernel: String) -> Halt {
    let trace = rule.parse().unwrap_or_default();
    let model = "a rule does not hold".to_string();
    Halt::Differs(Box::new(Difference { trace, model, kernel }))
}

/// Both sides as one system, on which traces can be played.
struct Both<'p, 'h> {
    pair: &'p mut Pair<'h>,
    /// What came of calls that waited, as long as nobody has asked.
    told: Vec<(u32, Outcome)>,
    halt: Option<Halt>,
    begun: bool,
}

impl Both<'_, '_> {
    fn unless<T>(&mut self, came: Result<T, Halt>) -> Result<T, String> {
        let ended = std::mem::take(&mut self.pair.ended);
        self.told.extend(ended.into_iter().map(|(task, _, outcome)| (task, outcome)));
        came.map_err(|halt| {
            self.halt = Some(halt);
            "the two differ".to_string()
        })
    }

    fn outcome(&mut self, task: u32) -> Outcome {
        match self.told.iter().position(|(of, _)| *of == task) {
            Some(place) => self.told.remove(place).1,
            None => Outcome::Waits(self.pair.cause(task)),
        }
    }
}

impl System for Both<'_, '_> {
    fn platform(&self) -> Platform {
        Platform::Linux
    }

    fn spawn(&mut self, _: &Credentials) -> Result<u32, String> {
        match std::mem::replace(&mut self.begun, true) {
            false => Ok(0),
            true => Err("one process is there already: fork".to_string()),
        }
    }

    fn call(&mut self, task: u32, op: &Op) -> Result<Outcome, String> {
        let came = self.pair.call(task, op);
        self.unless(came)?;
        Ok(self.outcome(task))
    }

    fn resume(&mut self, task: u32) -> Result<Outcome, String> {
        Ok(self.outcome(task))
    }

    fn interrupt(&mut self, task: u32) -> Result<(), String> {
        let came = match self.pair.waiting.contains_key(&task) {
            true => self.pair.interrupt(task),
            false => Ok(()),
        };
        self.unless(came)
    }

    fn advance(&mut self, time: Duration) -> Result<(), String> {
        let came = self.pair.advance(time);
        self.unless(came)
    }

    fn collect(&mut self) -> Result<(), String> {
        Err("the kernel collects garbage when it likes".to_string())
    }

    fn set(&mut self, _: &Setting) -> Result<Outcome, String> {
        Err("rules change nothing around".to_string())
    }

    fn pid(&self, task: u32) -> i32 {
        System::pid(self.pair.world(), task)
    }
}
