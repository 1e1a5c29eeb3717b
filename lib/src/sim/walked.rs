//! What a walk found: the faults by which runs failed, equal failures together.

use super::report::Report;
use crate::Call;
use crate::model::Effect;
use std::collections::BTreeMap;
use std::fmt;

/// A fault of a walk.
#[derive(Debug, Clone)]
pub struct Struck {
    /// The number of the call among all, from 1.
    pub number: u64,
    /// The name of the thread that made it.
    pub task: String,
    /// The call.
    pub call: Call,
    /// Its number among this thread's calls of its kind, from 1.
    pub among: u64,
    /// What went wrong.
    pub effect: Effect,
    /// Whether it lasted.
    pub persistent: bool,
}

impl Struck {
    /// The code that makes it happen again. If it lasts and several threads have the name of the one
    /// that it is for, the first of them is struck.
    pub fn code(&self) -> String {
        let Struck { number, task, call, among, effect, persistent } = self;
        let effect = match effect {
            Effect::Fail(cause) => format!("Effect::fail({:?})?", cause.id),
            Effect::Short(bytes) => format!("Effect::Short({bytes})"),
            Effect::ControlRoom(bytes) => format!("Effect::ControlRoom({bytes})"),
            Effect::Die => "Effect::Die".to_owned(),
            Effect::Delay(time) => {
                format!("Effect::Delay(Duration::from_nanos({}))", time.as_nanos())
            }
        };
        if *persistent {
            let fault = format!("Fault::lasting(At::nth(Call::{call:?}, {among}), {effect})");
            format!("world.fault_of({task:?}, {fault})?.run(program)")
        } else {
            format!("world.fault(Fault::once(At::number({number}), {effect}))?.run(program)")
        }
    }
}

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Struck { number, task, call, effect, .. } = self;
        let lasts = if self.persistent { ", and all that follow" } else { "" };
        write!(f, "call {number} ({call} of {task}){lasts}: {effect}")
    }
}

/// What a walk was like.
#[derive(Debug, Clone)]
pub struct Walked {
    /// How many calls the untouched program made that can go wrong.
    pub calls: usize,
    /// How often the program was run.
    pub runs: usize,
    /// The faults that fired where they were planned, in the order of the runs.
    pub fired: Vec<Struck>,
    /// The runs that failed, and by which fault; `None`: the untouched one, and the walk ended.
    pub failed: Vec<(Option<Struck>, Report)>,
}

/// Runs of a walk that failed in the same way.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// What was wrong with each of them.
    pub failure: String,
    /// The runs, out of [`Walked::failed`].
    pub runs: Vec<&'a (Option<Struck>, Report)>,
}

/// How many groups are shown, and how many of the faults of each.
const GROUPS: usize = 8;
const FAULTS: usize = 3;
/// How much of a failure is shown.
const LINES: usize = 12;
const CHARACTERS: usize = 400;

impl Walked {
    /// Nothing, if no run failed.
    ///
    /// # Panics
    /// If any did; the message is the one that [`Display`](fmt::Display) gives.
    #[track_caller]
    pub fn unwrap(&self) {
        assert!(self.failed.is_empty(), "{self}");
    }

    /// The runs that failed, equal failures together, in the order of the first of each.
    pub fn groups(&self) -> Vec<Group<'_>> {
        let mut places = BTreeMap::new();
        let mut groups: Vec<Group<'_>> = Vec::new();
        for run in &self.failed {
            let Some(failure) = &run.1.failure else { continue };
            let failure = failure.sort();
            let place = *places.entry(failure.clone()).or_insert(groups.len());
            if place == groups.len() {
                groups.push(Group { failure, runs: Vec::new() });
            }
            groups[place].runs.push(run);
        }
        groups
    }
}

impl fmt::Display for Walked {
    /// The figures, and the ways in which runs failed: of each, the first faults that led to it, and
    /// the code that makes the first of them happen again. [`Walked::groups`] has all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Walked { calls, runs, fired, failed } = self;
        let (fired, count, groups) = (fired.len(), failed.len(), self.groups());
        write!(f, "{runs} runs, {fired} faults at {calls} calls, {count} failed")?;
        groups.iter().take(GROUPS).try_for_each(|group| write!(f, "\n\n{group}"))?;
        match groups.len().saturating_sub(GROUPS) {
            0 => Ok(()),
            1 => f.write_str("\n\nand in one more way: see Walked::groups"),
            more => write!(f, "\n\nand in {more} more ways: see Walked::groups"),
        }
    }
}

impl fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", shortened(&self.failure))?;
        let faults: Vec<_> = self.runs.iter().filter_map(|(struck, _)| struck.as_ref()).collect();
        let Some(first) = faults.first() else { return f.write_str("\n  without a fault") };
        match faults.len() {
            1 => f.write_str("\n  by one fault:")?,
            count => write!(f, "\n  by {count} faults:")?,
        }
        faults.iter().take(FAULTS).try_for_each(|struck| write!(f, "\n    {struck}"))?;
        if faults.len() > FAULTS {
            f.write_str("\n    ...")?;
        }
        let Some((_, Report { platform, seed, .. })) = self.runs.first() else { return Ok(()) };
        write!(f, "\n  again (platform {platform}, seed {seed}):\n    {}", first.code())
    }
}

/// The beginning of a text.
fn shortened(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().take(LINES).map(String::from).collect();
    for line in &mut lines {
        if let Some((end, _)) = line.char_indices().nth(CHARACTERS) {
            line.truncate(end);
            line.push_str(" ...");
        }
    }
    if text.lines().count() > LINES {
        lines.push("    ...".to_owned());
    }
    lines.join("\n")
}
