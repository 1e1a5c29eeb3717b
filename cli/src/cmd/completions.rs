//! `sunpath completions`: a completion script for a shell.

use crate::args::{Cli, Completions};
use crate::exit::Exit;
use crate::out::{self, Stop};
use clap::CommandFactory;

/// Prints the script.
pub fn run(args: &Completions) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sunpath", &mut script);
    out::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
