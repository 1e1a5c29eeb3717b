//! `sunpath completions`: a completion script for a shell.

use crate::args::{Cli, Completions};
use crate::conform;
use crate::exit::Exit;
use crate::out::{self, Stop};
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};
use sunpath::{Call, Errno, cause};

/// Prints the script.
pub fn run(args: &Completions) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "sunpath", &mut script);
    out::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}

/// The command line as shells shall complete it: they offer names, where the parser itself takes
/// any text, to suggest what was meant.
fn command() -> Command {
    let calls = Call::ALL.iter().map(|call| call.name());
    let names = cause::all().map(|c| c.id).chain(calls).chain(Errno::ALL.iter().map(|e| e.name()));
    let recipes: Vec<_> = conform::recipes().map(|recipe| recipe.id).collect();
    let scenes = conform::recipes().chain(conform::extras()).map(|recipe| recipe.id);
    let offer = |command: Command, name: &str, arg: &str, values: Vec<&'static str>| {
        let values = PossibleValuesParser::new(values);
        command.mut_subcommand(name, |c| c.mut_arg(arg, |a| a.value_parser(values)))
    };
    let command = offer(Cli::command(), "explain", "what", names.collect());
    let command = offer(command, "demo", "id", scenes.collect());
    offer(command, "conform", "ids", recipes)
}
