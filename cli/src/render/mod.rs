//! Output for people: styles, wrapping, and one way to write that survives a closed pipe.

pub mod cause;
pub mod columns;
pub mod lists;
pub mod page;
pub mod server;
pub mod socket;
pub mod text;
pub mod tree;
pub mod why;

use anstyle::{AnsiColor, Style};

/// A verdict that is good.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// A verdict that is bad, and the place where a path breaks.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// A verdict that is neither.
pub const DOUBT: Style = AnsiColor::Yellow.on_default().bold();
/// A heading.
pub const HEAD: Style = Style::new().bold();
/// Something to type.
pub const CODE: Style = AnsiColor::Cyan.on_default();
/// Details that the eye may skip.
pub const DIM: Style = Style::new().dimmed();

/// Text in a style.
pub fn paint(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}
