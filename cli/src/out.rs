//! Standard output and error.

use crate::args::Color;
use crate::exit::Exit;
use crate::failure::Told;
use crate::render::text::{width, wrap};
use std::io::{ErrorKind, IsTerminal, Write};

/// What ends a command early.
#[derive(Debug)]
pub enum Stop {
    /// The reader of our output went away: nothing more to do, and nothing wrong.
    ReaderGone,
    /// Something went wrong: the status, and what to tell the user.
    Failed(Exit, String),
    /// The same, and the user was told already.
    Told(Exit),
}

impl Stop {
    /// The command line is wrong, or names something that does not exist.
    pub fn usage(message: impl Into<String>) -> Self {
        Stop::Failed(Exit::Usage, message.into())
    }

    /// Sunpath could not do its work.
    pub fn trouble(message: impl Into<String>) -> Self {
        Stop::Failed(Exit::Trouble, message.into())
    }
}

/// Applies `--color` to everything that is written afterwards.
pub fn colour(when: Color) {
    let choice = match when {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Writes to standard output; styles are dropped where they are not wanted.
pub fn print(text: &str) -> Result<(), Stop> {
    let mut out = anstream::stdout().lock();
    done(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Whether [`print`] keeps styles.
pub fn keeps_styles() -> bool {
    let choice = anstream::AutoStream::choice(&std::io::stdout());
    choice != anstream::ColorChoice::Never
}

/// Writes to standard output as it is: for long texts that have styles only if those are kept.
pub fn write(text: &str) -> Result<(), Stop> {
    let mut out = std::io::stdout().lock();
    done(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn done(written: std::io::Result<()>) -> Result<(), Stop> {
    match written {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Stop::ReaderGone),
        Err(e) => Err(Stop::trouble(format!("cannot write to standard output: {}", e.told()))),
    }
}

/// Writes a line to standard error. If even that fails there is nobody left to tell.
pub fn complain(text: &str) {
    let line = format!("{}: {text}", crate::render::paint(crate::render::BAD, "sunpath"));
    let line = if std::io::stderr().is_terminal() { wrap(&line, 2, width()) } else { line };
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}
