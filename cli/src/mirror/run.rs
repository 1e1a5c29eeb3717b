//! Starts lanes, and gathers what they say.

use super::cells::{self, CELLS, Table};
use super::lane::{LANE, Task};
use crate::stage::directory::PrivateDir;
use crate::stage::{Step, Trouble, is_root};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use sunpath::sys::process;

/// How many scripts are played at the same time. The number of CPUs decides; which scripts there
/// are does not depend on it. Without a network namespace for each they would meet by their
/// abstract names.
pub fn lanes() -> u64 {
    let most = if is_root() { 8 } else { 1 };
    process::online_cpus().clamp(1, most) as u64
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// How many calls were compared.
    pub steps: u64,
    /// The first difference.
    pub finding: Option<Value>,
    /// How often calls failed for each cause, if there was no difference.
    pub causes: BTreeMap<String, u64>,
}

/// A lane, killed with all its workers when this is dropped.
struct Lane(Child);

impl Drop for Lane {
    fn drop(&mut self) {
        // A group that is empty by now has nothing left to kill.
        let _ = process::kill_group(self.0.id());
        let _ = self.0.wait();
    }
}

/// Plays scripts, or programs whose calls wait, until so many calls were compared, or the sides
/// differ. `progress` is told how many were.
pub fn run(
    seed: u64,
    steps: u64,
    mistake: bool,
    blocking: bool,
    mut progress: impl FnMut(u64),
) -> Result<Report, Trouble> {
    let every = lanes();
    let steps_of_each = steps.div_ceil(every);
    let mistake = mistake.into();
    let task = |first| Task { seed, first, every, steps: steps_of_each, mistake, blocking };
    let mut steps = vec![0; every as usize];
    let mut finding = None;
    let mut causes = BTreeMap::new();
    in_lanes(
        LANE,
        |first| task(first).to_args().to_vec(),
        |lane, said| {
            steps[lane] = said["steps"].as_u64().unwrap_or(steps[lane]);
            progress(steps.iter().sum());
            for (cause, times) in said["causes"].as_object().into_iter().flatten() {
                *causes.entry(cause.clone()).or_insert(0) += times.as_u64().unwrap_or(0);
            }
            finding = said.get("finding").cloned();
            if finding.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    )?;
    Ok(Report { steps: steps.iter().sum(), finding, causes })
}

/// What came of cells.
#[derive(Debug, Default)]
pub struct Cells {
    /// Cells in which both sides agree.
    pub agreed: u64,
    /// Cells in which they do not.
    pub differ: u64,
    /// Cells in which a call would wait, which were left out.
    pub wait: u64,
    /// How many calls were compared.
    pub calls: u64,
    /// The differences, made short.
    pub findings: Vec<Value>,
}

/// Plays the cells of a table, or every `sample`th of them. `progress` is told how many were
/// played, of how many.
pub fn cells(
    table: Table,
    sample: usize,
    mistake: bool,
    mut progress: impl FnMut(u64, u64),
) -> Result<Cells, Trouble> {
    let every = lanes() as usize * sample;
    let mistake = mistake.into();
    let task = |first| cells::Task { table, first: first as usize * sample, every, mistake };
    let mut tallies = vec![Value::Null; lanes() as usize];
    let (mut played, mut total) = (vec![0; lanes() as usize], 0);
    let mut findings: Vec<Value> = Vec::new();
    in_lanes(
        CELLS,
        |first| task(first).to_args().to_vec(),
        |lane, said| {
            total += said["total"].as_u64().unwrap_or(0);
            findings.extend(said.get("finding").cloned());
            if let Some(tally) = said.get("tally") {
                tallies[lane] = tally.clone();
            }
            played[lane] = said["played"].as_u64().unwrap_or(played[lane]);
            progress(played.iter().sum(), total);
            ControlFlow::Continue(())
        },
    )?;
    let sum = |key| tallies.iter().filter_map(|tally| tally[key].as_u64()).sum();
    let [agreed, differ, wait, calls] = ["agreed", "differ", "wait", "calls"].map(sum);
    Ok(Cells { agreed, differ, wait, calls, findings })
}

/// Starts a lane for each CPU and tells `said` what they say, until it breaks off or all are done.
fn in_lanes(
    subcommand: &str,
    arguments: impl Fn(u64) -> Vec<String>,
    said: impl FnMut(usize, &Value) -> ControlFlow<()>,
) -> Result<(), Trouble> {
    let dir = PrivateDir::new()?;
    let (sender, lines) = mpsc::channel();
    let mut started = Vec::new();
    for first in 0..lanes() {
        let mut child = Command::new("/proc/self/exe")
            .arg(subcommand)
            .args(arguments(first))
            .arg(dir.path().join(first.to_string()))
            .arg(std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .step("start a process")?;
        let stdout = child.stdout.take();
        started.push(Lane(child));
        let sender = sender.clone();
        std::thread::spawn(move || {
            let lines = stdout.into_iter().flat_map(|out| BufReader::new(out).lines());
            for line in lines.map_while(Result::ok) {
                if sender.send((first as usize, Some(line))).is_err() {
                    return;
                }
            }
            // Nobody asks any more.
            let _ = sender.send((first as usize, None));
        });
    }
    drop(sender);
    gather(&lines, started.len(), said)
}

type Said = (usize, Option<String>);

fn gather(
    lines: &mpsc::Receiver<Said>,
    lanes: usize,
    mut tell: impl FnMut(usize, &Value) -> ControlFlow<()>,
) -> Result<(), Trouble> {
    let mut done = vec![false; lanes];
    for (lane, line) in lines {
        let Some(line) = line else {
            if !done[lane] {
                return Err(Trouble::Failed("a process ended early".into()));
            }
            if done.iter().all(|done| *done) {
                break;
            }
            continue;
        };
        let Ok(said) = serde_json::from_str::<Value>(&line) else {
            return Err(Trouble::Failed(format!("a process said: {line}")));
        };
        if let Some(trouble) = said.get("trouble").and_then(Value::as_str) {
            return Err(Trouble::Failed(trouble.to_string()));
        }
        if tell(lane, &said).is_break() {
            break;
        }
        done[lane] |= said.get("done").is_some();
    }
    Ok(())
}
