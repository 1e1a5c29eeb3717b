//! The subcommands, one file each.

pub mod after;
mod completions;
mod conform;
mod connect;
mod demo;
mod explain;
pub mod hidden;
mod listen;
pub mod ls;
mod man;
mod map;
mod play;
mod tap;
mod top;
pub mod why;

use crate::args::{Cli, Command};
use crate::out::Stop;
use std::process::ExitCode;

/// Runs the subcommand.
pub fn run(cli: &Cli) -> Result<ExitCode, Stop> {
    let exit = match &cli.command {
        Command::Demo(args) => return demo::run(args),
        Command::Connect(args) => return connect::run(args),
        Command::Listen(args) => return listen::run(args),
        Command::Conform(args) => conform::run(args),
        Command::Why(args) => why::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Ls(args) => ls::run(args),
        Command::Map(args) => map::run(args),
        Command::Top(args) => top::run(args),
        Command::Play(args) => play::run(args),
        Command::Tap(args) => tap::run(args),
        Command::Man(args) => man::run(args),
        Command::Completions(args) => completions::run(args),
    }?;
    Ok(exit.into())
}
