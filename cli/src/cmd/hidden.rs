//! Subcommands for the processes that Sunpath starts from itself. They are no part of its
//! interface, so the command line's description does not have them.

use crate::conform::run;
use crate::exit::Exit;
use crate::out;
use crate::stage::directory;
use std::ffi::OsString;
use std::path::Path;

/// Runs the hidden subcommand, if the arguments ask for one.
pub fn run(args: &[OsString]) -> Option<Exit> {
    let (name, args) = args.get(1..)?.split_first()?;
    match (name.to_str()?, args) {
        (run::PROVOKE, [id, dir, parent]) => {
            let line = run::provoke(id.to_str()?, dir.into(), parent.to_str()?.parse().ok()?);
            Some(if out::print(&(line + "\n")).is_ok() { Exit::Success } else { Exit::Trouble })
        }
        (directory::SWEEP, [dir]) => {
            let swept = directory::sweep(Path::new(dir));
            Some(if swept.is_ok() { Exit::Success } else { Exit::Trouble })
        }
        _ => None,
    }
}
