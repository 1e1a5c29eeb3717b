//! Long lists go through a pager, as with git: on a terminal only, and one that fits is printed.

use crate::failure::Told;
use crate::out::{self, Stop};
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::{Command, Stdio};

/// Prints a text, through `$PAGER` if it is longer than the terminal.
///
/// # Errors
/// As [`out::print`]; [`Stop::ReaderGone`] also if the pager was left before the end.
pub fn print(text: &str, paged: bool) -> Result<(), Stop> {
    if !paged || !std::io::stdout().is_terminal() || fits(text) {
        return out::write(text);
    }
    let Some(program) = program() else { return out::write(text) };
    let mut command = Command::new("sh");
    command.args(["-c", &program]).stdin(Stdio::piped());
    // Leave on one screen, colours as they are, nothing cleared at the end.
    for (name, value) in [("LESS", "FRX"), ("LV", "-c")] {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    let Ok(mut pager) = command.spawn() else { return out::write(text) };
    // What is typed is for the pager.
    sunpath::sys::process::ignore_interrupts();
    let written = pager.stdin.take().map_or(Ok(()), |mut to| to.write_all(text.as_bytes()));
    let status = pager.wait();
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Stop::trouble(format!("cannot write to the pager: {}", error.told())))
        }
        // The shell's status for a program that is not there, or cannot be run.
        _ if status.is_ok_and(|s| matches!(s.code(), Some(126 | 127))) => out::write(text),
        Err(_) => Err(Stop::ReaderGone),
        Ok(()) => Ok(()),
    }
}

/// The command for the shell; `None`: there is to be no pager.
fn program() -> Option<String> {
    match std::env::var("PAGER") {
        Ok(program) if program.trim().is_empty() || program.trim() == "cat" => None,
        Ok(program) => Some(program),
        Err(_) => Some("less".into()),
    }
}

/// Whether all lines are on the screen at once, with one for the prompt.
fn fits(text: &str) -> bool {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    let rows = size.map_or(24, |(_, height)| usize::from(height.0));
    text.bytes().filter(|b| *b == b'\n').take(rows).count() < rows
}
