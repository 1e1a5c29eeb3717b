//! A process that plays its share of the cells.

use super::super::house::House;
use super::super::lane::say;
use super::super::shrink::Finding;
use super::super::story;
use super::batch::{self, Cell, Tally};
use super::matrix::Matrix;
use super::sequences::Sequences;
use crate::stage::{Step, Trouble};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};
use sunpath::sys::process;

/// The hidden subcommand that plays cells.
pub const CELLS: &str = "__cells";

/// How often it tells how far it has come.
const OFTEN: Duration = Duration::from_millis(100);

/// After so many differences no more are looked for.
const MOST_DIFFERENCES: u64 = 20;

/// Which cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Every state with every call.
    Matrix,
    /// Every sequence of so many calls.
    Sequences(usize),
}

/// What a process is to do.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// The cells.
    pub table: Table,
    /// The number of its first.
    pub first: usize,
    /// From one of its cells to the next.
    pub every: usize,
    /// What the model believes that messages take more than they do, in bytes.
    pub mistake: usize,
}

impl Task {
    /// As arguments of the hidden subcommand.
    pub fn to_args(self) -> [String; 4] {
        let length = match self.table {
            Table::Matrix => 0,
            Table::Sequences(length) => length,
        };
        [length, self.first, self.every, self.mistake].map(|number| number.to_string())
    }

    /// From the arguments.
    pub fn from_args(args: [&str; 4]) -> Option<Task> {
        let mut numbers = args.into_iter().map(str::parse);
        let mut next = || numbers.next()?.ok();
        let table = match next()? {
            0 => Table::Matrix,
            length => Table::Sequences(length),
        };
        Some(Task { table, first: next()?, every: usize::max(next()?, 1), mistake: next()? })
    }
}

/// Plays, in this process, a child of `parent`; says what comes of it in lines of JSON.
pub fn run(task: Task, dir: &Path, parent: u32) -> Result<(), Trouble> {
    process::die_with(parent).step("begin")?;
    // A model that panics is a finding like others, which is told in the end.
    std::panic::set_hook(Box::new(|_| {}));
    let mut house = House::new(dir)?;
    house.machine.memory.description += task.mistake as u32;
    match task.table {
        Table::Matrix => {
            let matrix = Matrix::new()?;
            play(matrix.cells().skip(task.first).step_by(task.every).collect(), &mut house)
        }
        Table::Sequences(length) => {
            let all = Sequences::new(length, house.own, &house.machine)?;
            play(all.cells().skip(task.first).step_by(task.every).collect(), &mut house)
        }
    }
}

fn play(cells: Vec<Cell<'_>>, house: &mut House) -> Result<(), Trouble> {
    let mut told = Instant::now();
    let total = cells.len();
    say(&json!({ "total": total }))?;
    let differs = |cell: &Cell<'_>, finding: &Finding| {
        let mut value = story::to_json(finding);
        value["cell"] = json!(cell.name);
        say(&json!({ "finding": value }))
    };
    let goes_on = |tally: &Tally, played: usize| {
        if told.elapsed() > OFTEN {
            say(&json!({ "tally": to_json(tally), "played": played }))?;
            told = Instant::now();
        }
        Ok(tally.differ < MOST_DIFFERENCES)
    };
    let tally = batch::play(&cells, house, differs, goes_on)?;
    say(&json!({ "tally": to_json(&tally), "done": true }))
}

fn to_json(tally: &Tally) -> serde_json::Value {
    json!({
        "agreed": tally.agreed,
        "differ": tally.differ,
        "wait": tally.wait,
        "calls": tally.calls,
    })
}
