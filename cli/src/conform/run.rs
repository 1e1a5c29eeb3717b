//! Runs recipes, each in a process of its own, several at a time.

use super::judge::{Report, Verdict, judge};
use super::show::{self, From};
use crate::failure::Told;
use crate::stage::directory::PrivateDir;
use crate::stage::{Stage, Step, Trouble};
use serde_json::json;
use std::ffi::OsString;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use sunpath::cause;
use sunpath::sys::process;
use sunpath::sys::socket::{self, PollFlags};

/// The hidden subcommand that carries one recipe out.
pub const PROVOKE: &str = "__provoke";

/// The hidden subcommand that carries one recipe out for people to see.
pub const SHOW: &str = "__show";

/// The hidden subcommand that sets a scene up and runs a command.
pub const ACT: &str = "__act";

/// How long a recipe may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Recipes mostly wait; more at a time would only disturb each other's timing.
const WORKERS: usize = 3;

/// Provokes the causes with these ids. `done` is told of each report as it comes; the order of
/// the result is that of the ids.
pub fn run(ids: &[&str], done: impl Fn(&Report) + Sync) -> Result<Vec<Report>, Trouble> {
    let dir = PrivateDir::new()?;
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(Vec::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(id) = ids.get(index) else { break };
            let report = provoke_elsewhere(id, &dir.path().join(index.to_string()));
            done(&report);
            reports.lock().unwrap_or_else(PoisonError::into_inner).push((index, report));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS.min(ids.len()) {
            scope.spawn(work);
        }
    });
    let mut reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    reports.sort_by_key(|(index, _)| *index);
    Ok(reports.into_iter().map(|(_, report)| report).collect())
}

/// Provokes a cause in a process of its own, in this directory.
fn provoke_elsewhere(id: &str, dir: &Path) -> Report {
    if let Some(why) = super::not_provoked(id) {
        let known = cause::find(id).is_some_and(|c| matches!(c.provoke, cause::Provoke::Not(_)));
        let verdict = if known { Verdict::NotHere } else { Verdict::Differs };
        return Report::new(id, verdict, why);
    }
    let failed = |why| Report::new(id, Verdict::Differs, why);
    match ask(PROVOKE, id, dir) {
        Ok(line) => Report::from_json(&line).unwrap_or_else(|| failed(format!("said: {line}"))),
        Err(trouble) => failed(trouble.to_string()),
    }
}

/// Starts one of the hidden subcommands that answer with a line; the line.
pub fn ask(subcommand: &str, id: &str, dir: &Path) -> Result<String, Trouble> {
    let mut command = command(subcommand, id, dir)?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    let mut child = command.spawn().step("start the recipe's process")?;
    let line = match child.stdout.take() {
        Some(stdout) => first_line(stdout, LIMIT),
        None => Err(Trouble::Failed("the recipe has no output".into())),
    };
    // Its process group holds everything that it started, whatever became of it. A group that
    // is empty by now has nothing left to kill.
    let _ = process::kill_group(child.id());
    child.wait().step("wait for the recipe")?;
    line
}

/// A hidden subcommand for a recipe, in a directory that is made for it.
pub fn command(subcommand: &str, id: &str, dir: &Path) -> Result<Command, Trouble> {
    std::fs::create_dir(dir).step("make a directory")?;
    crate::stage::chmod(dir, 0o755)?;
    let mut command = Command::new("/proc/self/exe");
    command.arg(subcommand).arg(id).arg(dir).arg(std::process::id().to_string());
    Ok(command)
}

/// The first line of what a process says, if it says one in time.
fn first_line(mut stdout: ChildStdout, limit: Duration) -> Result<String, Trouble> {
    let end = Instant::now() + limit;
    let mut text = Vec::new();
    while !text.contains(&b'\n') {
        let left = end.saturating_duration_since(Instant::now());
        let ready =
            socket::poll(stdout.as_fd(), PollFlags::IN, left).step("wait for the recipe")?;
        if ready.is_empty() {
            return Err(Trouble::Failed(format!("took longer than {} seconds", limit.as_secs())));
        }
        let mut chunk = [0; 4096];
        match stdout.read(&mut chunk).step("hear the recipe")? {
            0 => return Err(Trouble::Failed("its process ended early".into())),
            n => text.extend_from_slice(&chunk[..n]),
        }
    }
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}

/// Carries one recipe out in this process, a child of `parent`; the report, as a line of JSON.
pub fn provoke(id: &str, dir: PathBuf, parent: u32) -> String {
    let report = match (process::die_with(parent), super::find(id)) {
        (Ok(()), Some(recipe)) => judge(recipe, &mut Stage::new(dir)),
        (Err(errno), _) => {
            Report::new(id, Verdict::Differs, format!("cannot start: {}", errno.told()))
        }
        (_, None) => Report::new(id, Verdict::Differs, "there is no recipe of this id"),
    };
    report.to_json().to_string()
}

/// Carries one recipe out for people to see, in this process, a child of `parent`; a line of JSON.
pub fn show(id: &str, dir: PathBuf, parent: u32) -> String {
    let seen = match (process::die_with(parent), super::find_any(id)) {
        (Ok(()), Some(recipe)) => show::show(recipe, &mut Stage::new(dir)),
        _ => json!({ "failed": "its process could not start" }),
    };
    seen.to_string()
}

/// Sets a scene up in this process, a child of `parent`, and runs a command; its status.
pub fn act(
    id: &str,
    dir: PathBuf,
    parent: u32,
    from: From,
    command: &[OsString],
) -> Result<u8, Trouble> {
    process::die_with(parent).step("tie the scene to its parent")?;
    let missing = || Trouble::Failed("there is no recipe of this id".into());
    let recipe = super::find_any(id).ok_or_else(missing)?;
    show::run_command(recipe, &mut Stage::new(dir), from, command)
}
