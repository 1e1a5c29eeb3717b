//! A process for each trace that is played, and the limit on all of it.

use super::Live;
use super::cause::{Explained, Source};
use super::place::Place;
use crate::failure::Told;
use crate::out;
use crate::stage::directory::PrivateDir;
use crate::stage::{Step, Trouble};
use serde_json::Value;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use sunpath::host;
use sunpath::model::World;
use sunpath::profile::{LINUX, Machine, linux};
use sunpath::sys::process;
use sunpath::sys::socket::{self, PollFlags};
use sunpath::trace::{Misplayed, Played, Trace, steps};

/// The hidden subcommand that plays.
pub const PLAY: &str = "__play";

/// How long a trace may take in all.
const LIMIT: Duration = Duration::from_secs(60);

/// The process that plays, killed with all its workers when this is dropped.
struct Player(Child);

impl Drop for Player {
    fn drop(&mut self) {
        // A group that is empty by now has nothing left to kill.
        let _ = process::kill_group(self.0.id());
        let _ = self.0.wait();
    }
}

/// What came of a trace: each step as [`run`] was told to say it, and what ended it early.
pub type Came = (Vec<Value>, Option<Misplayed>);

/// Plays a trace, which is this text, on the kernel, in a process of its own.
pub fn play(text: &str, trace: &Trace) -> Result<Came, Trouble> {
    let dir = PrivateDir::new()?;
    let mut child = Command::new("/proc/self/exe")
        .arg(PLAY)
        .arg(dir.path())
        .arg(std::process::id().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .step("start a process")?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let _player = Player(child);
    let (Some(mut input), Some(mut output)) = (input, output) else {
        return Err(Trouble::Failed("a process without pipes".into()));
    };
    // It reads everything before it says anything.
    input.write_all(text.as_bytes()).step("tell it the trace")?;
    drop(input);
    let (said, in_time) = read_until(&mut output, Instant::now() + LIMIT)?;
    let mut steps = Vec::new();
    for line in said.lines() {
        let said: Value = serde_json::from_str(line).step("understand the process")?;
        if let Some(step) = said.get("step") {
            steps.push(step.clone());
        } else if let Some(trouble) = said["trouble"].as_str() {
            return Err(Trouble::Failed(trouble.into()));
        } else if let Some(why) = said["ended"].as_str() {
            let line = said["line"].as_u64().unwrap_or(0) as usize;
            return Ok((steps, Some(Misplayed { line, why: why.into() })));
        } else if said.get("done").is_some() {
            return Ok((steps, None));
        }
    }
    let why = match in_time {
        true => "the process that played it has died".to_string(),
        false => format!("skipped: takes longer than {} seconds", LIMIT.as_secs()),
    };
    let next = trace.steps().nth(steps.len());
    Ok((steps, Some(Misplayed { line: next.map_or(0, |step| step.line), why })))
}

/// What is said until the end, and whether that came in time.
fn read_until(output: &mut (impl Read + AsFd), limit: Instant) -> Result<(String, bool), Trouble> {
    let mut said = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    let in_time = loop {
        let rest = limit.saturating_duration_since(Instant::now());
        match socket::poll(output.as_fd(), PollFlags::IN, rest) {
            Ok(ready) if ready.is_empty() => break false,
            Ok(_) => {}
            Err(sunpath::sys::Errno::INTR) => continue,
            Err(errno) => {
                return Err(Trouble::Failed(format!("wait for a process: {}", errno.told())));
            }
        }
        match output.read(&mut chunk).step("read what a process says")? {
            0 => break true,
            read => said.extend_from_slice(&chunk[..read]),
        }
    };
    // What was cut off in the midst of a line is none.
    let whole = said.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    Ok((String::from_utf8_lossy(&said[..whole]).into_owned(), in_time))
}

/// Plays the trace from standard input, in this process, a child of `parent`; `show` makes JSON
/// of each step.
pub fn run(
    dir: &Path,
    parent: u32,
    show: impl Fn(&Played<'_>, Option<Source>) -> Value,
) -> Result<(), Trouble> {
    process::die_with(parent).step("begin")?;
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).step("read the trace")?;
    let trace: Trace = text.parse().step("read the trace")?;
    let place = match Place::new(dir) {
        Err(Trouble::NotHere(why)) => return say_ended(0, &format!("skipped: {why}")),
        place => place?,
    };
    let model = model_of_this(&place)?;
    let mut explained = Explained::new(Live::new(place)?, model);
    let source = explained.source();
    for played in steps(&trace, &mut explained) {
        match played {
            Ok(played) => say(&serde_json::json!({ "step": show(&played, source.take()) }))?,
            Err(Misplayed { line, why }) => return say_ended(line, &why),
        }
    }
    say(&serde_json::json!({ "done": true }))
}

/// The model of the running kernel, as far as its version and this machine decide.
fn model_of_this(place: &Place) -> Result<World, Trouble> {
    let machine = host::machine().step("measure this machine")?;
    let machine = Machine { descriptors: place.machine.descriptors, ..machine };
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    let rules = match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => linux(major, minor),
        _ => LINUX,
    };
    Ok(World::on(rules, machine))
}

fn say_ended(line: usize, why: &str) -> Result<(), Trouble> {
    say(&serde_json::json!({ "ended": why, "line": line }))
}

fn say(value: &Value) -> Result<(), Trouble> {
    out::print(&format!("{value}\n")).map_err(|_| Trouble::Failed("nobody listens".into()))
}
