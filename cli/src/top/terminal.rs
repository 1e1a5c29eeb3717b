//! The terminal: raw mode and the other screen, and all as it was at the end.
//!
//! ```text
//!           enter ──────────► leave at the end, before a stop, in a panic
//!   cooked          raw, other screen
//!           ◄────────── leave
//! ```

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// The other screen, no cursor, no wrapping at the edge.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const LEAVE: &str = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Whether the terminal is ours now: it must not be restored twice.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// The terminal while the view is on it; restored when it is dropped.
#[derive(Debug)]
pub struct Terminal {
    /// The lines that are on it.
    shown: Vec<String>,
}

impl Terminal {
    /// Takes the terminal over. A panic in any thread gives it back before it says so.
    ///
    /// # Errors
    /// Of the calls on the terminal.
    pub fn new() -> io::Result<Terminal> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            before(panic);
        }));
        let mut terminal = Terminal { shown: Vec::new() };
        terminal.enter()?;
        Ok(terminal)
    }

    /// Takes the terminal over, again if need be: a shell may have changed its mode while this
    /// process was stopped.
    pub fn enter(&mut self) -> io::Result<()> {
        if ENTERED.swap(true, Ordering::AcqRel) {
            disable_raw_mode()?;
        }
        enable_raw_mode()?;
        self.shown.clear();
        write(ENTER)
    }

    /// Gives the terminal back.
    pub fn leave(&mut self) {
        leave();
    }

    /// Columns and lines.
    pub fn size() -> (usize, usize) {
        let (width, height) = crossterm::terminal::size().unwrap_or((80, 24));
        (width.into(), height.into())
    }

    /// Draws the lines that have changed.
    pub fn draw(&mut self, lines: Vec<String>) -> io::Result<()> {
        let mut out = String::new();
        for (i, line) in lines.iter().enumerate() {
            if self.shown.get(i) != Some(line) {
                // Cleared first: at the right edge, that would take the last character.
                out.push_str(&format!("\x1b[{};1H\x1b[2K{line}\x1b[0m", i + 1));
            }
        }
        if out.is_empty() {
            return Ok(());
        }
        self.shown = lines;
        write(&out)
    }

    /// Everything is drawn anew the next time.
    pub fn forget(&mut self) -> io::Result<()> {
        self.shown.clear();
        write("\x1b[0m\x1b[2J")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal back. Where that fails, there is no terminal any more.
fn leave() {
    if ENTERED.swap(false, Ordering::AcqRel) {
        let _ = write(LEAVE);
        let _ = disable_raw_mode();
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Why there can be no view here, if so.
pub fn obstacle() -> Option<&'static str> {
    if !io::stdout().is_terminal() {
        return Some("standard output is not a terminal");
    }
    let kind = std::env::var_os("TERM").unwrap_or_default();
    (kind == "dumb").then_some("this terminal cannot move its cursor (TERM=dumb)")
}
