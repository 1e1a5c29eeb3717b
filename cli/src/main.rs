//! `sunpath`: explains why a UNIX domain socket fails.

mod args;
mod cmd;
mod conform;
mod exit;
mod failure;
mod glob;
mod json;
mod live;
mod map;
mod mirror;
mod nearest;
mod out;
mod pager;
mod render;
mod select;
mod stage;
mod symptom;
mod talk;
mod tap;
mod tasks;
mod top;
mod usage;
mod users;

use args::{Cli, Color, Command, Ls};
use clap::{Args, ColorChoice, CommandFactory, FromArgMatches};
use exit::Exit;
use out::Stop;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    if let Some(exit) = cmd::hidden::run(&args) {
        return exit;
    }
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(answer) => return refuse(&answer, &args).into(),
    };
    out::colour(cli.color);
    match cmd::run(&cli) {
        Ok(exit) => exit,
        Err(Stop::ReaderGone) => Exit::Success.into(),
        Err(Stop::Told(exit)) => exit.into(),
        Err(Stop::Failed(exit, message)) => {
            out::complain(&message);
            exit.into()
        }
    }
}

/// The command line of a plain listing: it takes hardly longer than to describe all commands.
/// Whatever else it may be is left to [`parse`], as is everything that is wrong with it.
fn plain_listing(args: &[OsString]) -> Option<Cli> {
    let ls = match args.get(1..)? {
        // Nothing to parse.
        [name] if name == "ls" => Ls::default(),
        args @ [name, ..] if name == "ls" => described(args)?,
        _ => return None,
    };
    Some(Cli { color: Color::Auto, command: Command::Ls(ls) })
}

fn described(args: &[OsString]) -> Option<Ls> {
    let command = Ls::augment_args(clap::Command::new("ls"));
    Ls::from_arg_matches(&command.try_get_matches_from(args).ok()?).ok()
}

/// Parses the command line. `--color` also holds for the help, which is printed before all
/// arguments are understood; so it is looked for first.
fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    if let Some(cli) = plain_listing(args) {
        return Ok(cli);
    }
    let options = || args.iter().take_while(|a| *a != "--");
    let asked = |when: &str| {
        options().any(|a| *a == *format!("--color={when}"))
            || options().zip(options().skip(1)).any(|(a, b)| a == "--color" && b == when)
    };
    let colour = match (asked("always"), asked("never")) {
        (true, _) => ColorChoice::Always,
        (false, true) => ColorChoice::Never,
        (false, false) => ColorChoice::Auto,
    };
    let matches = Cli::command().color(colour).try_get_matches_from(args);
    let matches = matches.map_err(|mut error| {
        usage::advise(&mut error, args);
        error
    })?;
    Cli::from_arg_matches(&matches)
}

/// Prints help, version or what is wrong with the command line.
fn refuse(answer: &clap::Error, args: &[OsString]) -> Exit {
    let odd = |a: &OsString| a.to_string_lossy().chars().any(char::is_control);
    if args.iter().any(odd) {
        // The message repeats arguments as they are.
        let text = answer.render().to_string();
        let lines: Vec<_> = text.lines().map(|l| sunpath::text::escape(l.as_bytes())).collect();
        out::complain(lines.join("\n").trim_start_matches("error: ").trim_end());
    } else {
        // A reader that went away is no trouble, and there is nowhere else to report to.
        let _ = answer.print();
    }
    if answer.use_stderr() { Exit::Usage } else { Exit::Success }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_without_options_is_what_its_description_says() {
        let parsed = described(&["ls".into()]).unwrap();
        assert_eq!(format!("{:?}", Ls::default()), format!("{parsed:?}"));
    }
}
