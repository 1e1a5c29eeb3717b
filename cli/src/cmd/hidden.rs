//! Subcommands for the processes that Sunpath starts from itself. They are no part of its
//! interface, so the command line's description does not have them.

use crate::cmd::play;
use crate::conform::run;
use crate::conform::show::From;
use crate::exit::Exit;
use crate::live::run as live;
use crate::mirror::{cells, lane};
use crate::out;
use crate::stage::{Trouble, directory};
use crate::tap;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// Runs the hidden subcommand, if the arguments ask for one.
pub fn run(args: &[OsString]) -> Option<ExitCode> {
    let (name, args) = args.get(1..)?.split_first()?;
    match (name.to_str()?, args) {
        (run::PROVOKE, [id, dir, parent]) => {
            let line = run::provoke(id.to_str()?, dir.into(), parent.to_str()?.parse().ok()?);
            Some(
                if out::print(&(line + "\n")).is_ok() { Exit::Success } else { Exit::Trouble }
                    .into(),
            )
        }
        (run::SHOW, [id, dir, parent]) => {
            let line = run::show(id.to_str()?, dir.into(), parent.to_str()?.parse().ok()?);
            Some(
                if out::print(&(line + "\n")).is_ok() { Exit::Success } else { Exit::Trouble }
                    .into(),
            )
        }
        (run::ACT, [id, dir, parent, from, command @ ..]) => {
            let from = if from == "outside" { From::Outside } else { From::Client };
            let parent = parent.to_str()?.parse().ok()?;
            let status = run::act(id.to_str()?, dir.into(), parent, from, command);
            Some(status.map_or_else(
                |trouble| {
                    out::complain(&trouble.to_string());
                    match trouble {
                        Trouble::NotHere(_) => Exit::NotSetUp.into(),
                        Trouble::Failed(_) => Exit::Trouble.into(),
                    }
                },
                ExitCode::from,
            ))
        }
        (lane::LANE, [seed, first, every, steps, mistake, blocking, dir, parent]) => {
            let task = [seed, first, every, steps, mistake, blocking];
            let task = task.map(|arg| arg.to_str().unwrap_or_default());
            let parent = parent.to_str()?.parse().ok()?;
            Some(told(lane::run(lane::Task::from_args(task)?, Path::new(dir), parent)))
        }
        (cells::CELLS, [length, first, every, mistake, dir, parent]) => {
            let task = [length, first, every, mistake].map(|arg| arg.to_str().unwrap_or_default());
            let parent = parent.to_str()?.parse().ok()?;
            Some(told(cells::work::run(cells::Task::from_args(task)?, Path::new(dir), parent)))
        }
        (live::PLAY, [dir, parent]) => {
            let parent = parent.to_str()?.parse().ok()?;
            Some(told(live::run(Path::new(dir), parent, play::show)))
        }
        (tap::GUARD, [path, beside]) => Some(tap::guard(Path::new(path), beside.clone()).into()),
        (directory::SWEEP, [dir]) => {
            let swept = directory::sweep(Path::new(dir));
            Some(if swept.is_ok() { Exit::Success } else { Exit::Trouble }.into())
        }
        _ => None,
    }
}

/// The end of a process that plays scripts.
fn told(played: Result<(), Trouble>) -> ExitCode {
    let Err(trouble) = played else { return Exit::Success.into() };
    let line = serde_json::json!({ "trouble": trouble.to_string() });
    // Without a listener there is nowhere to report to.
    let _ = out::print(&format!("{line}\n"));
    Exit::Trouble.into()
}
