//! The subcommands, one file each.

pub mod after;
mod completions;
mod conform;
mod explain;
pub mod hidden;
mod man;
mod why;

use crate::args::{Cli, Command};
use crate::exit::Exit;
use crate::out::Stop;

/// Runs the subcommand.
pub fn run(cli: &Cli) -> Result<Exit, Stop> {
    match &cli.command {
        Command::Conform(args) => conform::run(args),
        Command::Why(args) => why::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Man(args) => man::run(args),
        Command::Completions(args) => completions::run(args),
        _ => Err(Stop::trouble("not available in this version")),
    }
}
