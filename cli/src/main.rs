//! `sunpath`: explains why a UNIX domain socket fails.

mod args;
mod cmd;
mod conform;
mod exit;
mod json;
mod nearest;
mod out;
mod render;
mod stage;
mod symptom;

use args::Cli;
use clap::Parser;
use exit::Exit;
use out::Stop;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    if let Some(exit) = cmd::hidden::run(&args) {
        return exit;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return refuse(&answer).into(),
    };
    out::colour(cli.color);
    match cmd::run(&cli) {
        Ok(exit) => exit,
        Err(Stop::ReaderGone) => Exit::Success.into(),
        Err(Stop::Failed(exit, message)) => {
            out::complain(&message);
            exit.into()
        }
    }
}

/// Prints help, version or what is wrong with the command line.
fn refuse(answer: &clap::Error) -> Exit {
    // A reader that went away is no trouble, and there is nowhere else to report to.
    let _ = answer.print();
    if answer.use_stderr() { Exit::Usage } else { Exit::Success }
}
