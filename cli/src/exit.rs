//! How the tool ends: one enum for every subcommand.

use crate::render::text::wrap;
use std::process::ExitCode;

/// The exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The call would succeed; what was asked for was done.
    Success,
    /// The call would fail, mislead or wait; `conform` or `play` found a difference; a call of
    /// `connect` or `listen` failed, or nothing came in time; the server behind a `tap` ended.
    Fails,
    /// The command line makes no sense, or names something that does not exist.
    Usage,
    /// The facts that could be seen do not suffice to tell.
    Unknown,
    /// The tool itself could not do its work, for example write its output.
    Trouble,
    /// `demo ID -- COMMAND`: this system or user cannot set the failure up.
    NotSetUp,
    /// Stopped by an interrupt.
    Interrupted,
}

impl Exit {
    /// Every status.
    pub const ALL: &'static [Exit] = &[
        Exit::Success,
        Exit::Fails,
        Exit::Usage,
        Exit::Unknown,
        Exit::Trouble,
        Exit::NotSetUp,
        Exit::Interrupted,
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Fails => 1,
            Exit::Usage => 2,
            Exit::Unknown => 3,
            Exit::Trouble => 4,
            Exit::NotSetUp => 120,
            Exit::Interrupted => 130,
        }
    }

    /// What the number means, for the help and the man pages.
    pub const fn meaning(self) -> &'static str {
        match self {
            Exit::Success => "the call would succeed; what was asked for was done",
            Exit::Fails => {
                "the call would fail, mislead or wait; conform, play: something differs; \
                 connect, listen: a call failed, or nothing came in time; tap: the server ended, or \
                 the address cannot be used"
            }
            Exit::Usage => "the command line is wrong, or names something that does not exist",
            Exit::Unknown => "what can be seen does not suffice to tell",
            Exit::Trouble => "sunpath itself could not do its work; standard error says why",
            Exit::NotSetUp => {
                "demo ID -- COMMAND: the failure cannot be set up here, or by this user"
            }
            Exit::Interrupted => "interrupted; tap, which only a signal ends, then has 0",
        }
    }

    /// The statuses as lines of text.
    pub fn table() -> String {
        let line = |e: &Exit| format!("  {:<5}{}\n", e.code(), wrap(e.meaning(), 7, 72));
        Exit::ALL.iter().map(line).collect()
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
