//! Running one cell in a process of its own.

use super::{Cell, Outcome, Peer, TRAPS, Trap, Verdict};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use std::io::{self, Error, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// After this a cell hangs. Nothing in a cell waits for more than two seconds by itself.
const LIMIT: Duration = Duration::from_secs(10);

/// What happens when this library meets this trap.
pub fn outcome(trap: &Trap, peer: Peer) -> io::Result<Outcome> {
    let cell = trap.cells.iter().find(|(p, _)| *p == peer);
    match cell.map(|(_, cell)| cell) {
        Some(Cell::Run(_)) => in_child(trap, peer),
        Some(Cell::Absent(reason)) => Ok(Outcome::lacks(*reason)),
        None => Err(Error::other(format!("{} has no cell for {}", trap.id, peer.names().0))),
    }
}

fn in_child(trap: &Trap, peer: Peer) -> io::Result<Outcome> {
    let place = Place::new()?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["trap-cell", trap.id, peer.names().0])
        .current_dir(&place.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let ended = wait(&mut child);
    // What the cell has started goes with it.
    let group = Pid::from_child(&child);
    let _ = rustix::process::kill_process_group(group, Signal::KILL);
    let Some(status) = ended? else {
        child.wait()?;
        return Ok(Outcome::fails("hangs"));
    };
    let (mut said, mut complaint) = (String::new(), String::new());
    if let (Some(mut out), Some(mut err)) = (child.stdout.take(), child.stderr.take()) {
        out.read_to_string(&mut said)?;
        err.read_to_string(&mut complaint)?;
    }
    Ok(parse(&said).unwrap_or_else(|| crashed(status, &complaint)))
}

/// How the child ended; `None` if it did not within the limit.
fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(None)
}

/// A private directory, which goes with all that is in it.
struct Place(PathBuf);

impl Place {
    fn new() -> io::Result<Place> {
        let name = format!("sunpath-traps-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Place(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The child's side: runs the cell in the working directory, and prints the outcome as a line of
/// JSON.
pub fn run(id: &str, peer: &str) -> io::Result<()> {
    let unknown = || Error::other(format!("no cell {id} {peer}"));
    let trap = TRAPS.iter().find(|trap| trap.id == id).ok_or_else(unknown)?;
    let cell = trap.cells.iter().find(|(p, _)| p.names().0 == peer).ok_or_else(unknown)?;
    let Cell::Run(run) = cell.1 else { return Err(unknown()) };
    let outcome = run()?;
    let verdict = word(outcome.verdict);
    println!("{}", json!({"verdict": verdict, "said": outcome.said}));
    // Threads that the trap has caught are not waited for.
    std::process::exit(0);
}

/// The word for a verdict.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Fails => "fails",
        Verdict::NotOffered => "not offered",
    }
}

fn parse(line: &str) -> Option<Outcome> {
    let value: Value = serde_json::from_str(line.lines().last()?).ok()?;
    let verdict = match value["verdict"].as_str()? {
        "ok" => Verdict::Ok,
        "fails" => Verdict::Fails,
        _ => Verdict::NotOffered,
    };
    Some(Outcome { verdict, said: value["said"].as_str()?.to_owned() })
}

/// A child that printed no outcome: the library ended it, or the cell could not be run.
fn crashed(status: ExitStatus, complaint: &str) -> Outcome {
    let said = |line: &str| complaint.lines().skip_while(|l| !l.contains(line)).nth(1);
    match status.signal() {
        Some(signal) => Outcome::fails(format!("killed by signal {signal}")),
        None if complaint.contains("panicked at") => {
            Outcome::fails(format!("panics: {}", said("panicked at").unwrap_or_default()))
        }
        None => Outcome::fails(format!("cannot be run: {}", complaint.trim())),
    }
}

/// A path in the private directory of the cell.
pub fn path(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_dir()?.join(Path::new(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_survives_the_pipe() {
        let line = json!({"verdict": word(Verdict::Fails), "said": "leaks 2"}).to_string();
        assert_eq!(parse(&format!("noise\n{line}\n")), Some(Outcome::fails("leaks 2")));
        assert_eq!(parse("noise"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_child_without_an_outcome_fails() {
        let panic = "thread 'main' panicked at a.rs:1:1:\nassertion failed\nstack backtrace:\n";
        let ended = |raw, complaint| crashed(ExitStatus::from_raw(raw), complaint);
        assert_eq!(ended(101 << 8, panic), Outcome::fails("panics: assertion failed"));
        assert_eq!(ended(11, ""), Outcome::fails("killed by signal 11"));
        assert_eq!(ended(1 << 8, "why\n"), Outcome::fails("cannot be run: why"));
    }
}
