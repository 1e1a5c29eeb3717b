//! `sunpath ls`

use crate::select::Selection;
use clap::{Args, ValueEnum};

/// Options that say nothing about files.
const OF_SOCKETS: [&str; 12] = [
    "pid",
    "user",
    "process",
    "kind",
    "state",
    "listening",
    "peer",
    "queue_over",
    "all",
    "sort",
    "reverse",
    "csv",
];

/// `sunpath ls`
#[derive(Debug, Default, Args)]
#[command(
    about = "List UNIX domain sockets, with who holds them and with whom they talk",
    long_about = "List UNIX domain sockets, with who holds them and with whom they talk.\n\n\
        A connection that nobody has accepted yet is shown with its client. Nothing is connected \
        to, opened or changed. Without privilege every socket is there, but not every process.",
    after_long_help = crate::cmd::after::LS
)]
pub struct Ls {
    /// Every network namespace that can be entered, not only this one.
    #[arg(long, short)]
    pub all: bool,
    /// In which order; see below.
    #[arg(
        long,
        short,
        value_name = "KEY",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    pub sort: Key,
    /// The other way round.
    #[arg(long, short)]
    pub reverse: bool,
    /// Every column, and nothing cut; so --json and --csv are in any case.
    #[arg(long, short)]
    pub wide: bool,
    /// Socket files on disk instead, and what is behind each: below these directories, or where
    /// socket files usually are.
    #[arg(long, conflicts_with_all = OF_SOCKETS)]
    pub files: bool,
    /// Only socket files that are provably dead, and a command that removes each; takes --files as
    /// given.
    #[arg(long, conflicts_with_all = OF_SOCKETS)]
    pub stale: bool,
    /// Do not page a long list.
    #[arg(long)]
    pub no_pager: bool,
    /// Print JSON, as described by sunpath man json.
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print comma-separated values (RFC 4180), one line a socket, names escaped.
    #[arg(long)]
    pub csv: bool,
    /// What is to be shown; last, because its heading holds for all that follows.
    #[command(flatten)]
    pub selection: Selection,
}

/// By what sockets are sorted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Key {
    /// State, then name.
    #[default]
    State,
    /// Name.
    Name,
    /// Type.
    Type,
    /// Bytes, or connections that wait.
    Queue,
    /// How full a listener's backlog is.
    Backlog,
    /// The name of the first process that holds it.
    Process,
    /// The id of that process.
    Pid,
    /// Its user.
    User,
    /// The id of the first process at the other end.
    Peer,
    /// Inode number.
    Inode,
}
