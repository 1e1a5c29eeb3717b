//! Starts lanes, and gathers what they say.

use super::lane::{LANE, Task};
use crate::stage::directory::PrivateDir;
use crate::stage::{Step, Trouble};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use sunpath::sys::process;

/// How many scripts are played at the same time. The number of CPUs decides; which scripts there
/// are does not depend on it.
pub fn lanes() -> u64 {
    process::online_cpus().clamp(1, 8) as u64
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// How many calls were compared.
    pub steps: u64,
    /// The first difference.
    pub finding: Option<Value>,
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
    let dir = PrivateDir::new()?;
    let every = lanes();
    let (sender, lines) = mpsc::channel();
    let mut lanes = Vec::new();
    for first in 0..every {
        let steps = steps.div_ceil(every);
        let task = Task { seed, first, every, steps, mistake: mistake.into(), blocking };
        let mut child = Command::new("/proc/self/exe")
            .arg(LANE)
            .args(task.to_args())
            .arg(dir.path().join(first.to_string()))
            .arg(std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .step("start a process")?;
        let stdout = child.stdout.take();
        lanes.push(Lane(child));
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
    gather(&lines, lanes.len(), &mut progress)
}

type Said = (usize, Option<String>);

fn gather(
    lines: &mpsc::Receiver<Said>,
    lanes: usize,
    progress: &mut impl FnMut(u64),
) -> Result<Report, Trouble> {
    let mut steps = vec![0; lanes];
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
        steps[lane] = said["steps"].as_u64().unwrap_or(steps[lane]);
        progress(steps.iter().sum());
        if let Some(finding) = said.get("finding") {
            let finding = Some(finding.clone());
            return Ok(Report { steps: steps.iter().sum(), finding });
        }
        if let Some(trouble) = said.get("trouble").and_then(Value::as_str) {
            return Err(Trouble::Failed(trouble.to_string()));
        }
        done[lane] |= said.get("done").is_some();
    }
    Ok(Report { steps: steps.iter().sum(), finding: None })
}
