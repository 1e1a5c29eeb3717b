//! What each library does where UNIX domain sockets set a trap.
//!
//! A trap is a row, a library is a column, and each cell is a function that runs the library: in
//! a process of its own, in a private directory, with a time limit. The cell looks at what can be
//! observed from outside (descriptors in `/proc/self/fd`, processor time, the file, the errno)
//! and says what happened. A cell that has nothing to run says why, next to its row.

mod ancillary;
mod cell;
mod connect;
mod errors;
mod files;
mod messages;
mod mode;
mod options;
mod peers;
mod receivers;
mod send;
mod table;
mod tools;
mod window;

use std::io;

/// The libraries, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Std,
    Nix,
    Rustix,
    Uds,
    Socket2,
    Tokio,
    TokioSeqpacket,
    Interprocess,
    Sendfd,
    Passfd,
    UnixAncillary,
    IpcChannel,
    Sunpath,
}

impl Peer {
    pub const ALL: [Peer; 13] = [
        Peer::Std,
        Peer::Nix,
        Peer::Rustix,
        Peer::Uds,
        Peer::Socket2,
        Peer::Tokio,
        Peer::TokioSeqpacket,
        Peer::Interprocess,
        Peer::Sendfd,
        Peer::Passfd,
        Peer::UnixAncillary,
        Peer::IpcChannel,
        Peer::Sunpath,
    ];

    /// The crate's name, and the head of its column.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Peer::Std => ("std", "std"),
            Peer::Nix => ("nix", "nix"),
            Peer::Rustix => ("rustix", "rsx"),
            Peer::Uds => ("uds", "uds"),
            Peer::Socket2 => ("socket2", "sk2"),
            Peer::Tokio => ("tokio", "tok"),
            Peer::TokioSeqpacket => ("tokio-seqpacket", "tsp"),
            Peer::Interprocess => ("interprocess", "ipr"),
            Peer::Sendfd => ("sendfd", "sfd"),
            Peer::Passfd => ("passfd", "pfd"),
            Peer::UnixAncillary => ("unix-ancillary", "uan"),
            Peer::IpcChannel => ("ipc-channel", "ipc"),
            Peer::Sunpath => ("sunpath", "SUN"),
        }
    }
}

/// How a cell is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    Fails,
    NotOffered,
}

/// What happened in a cell, in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub verdict: Verdict,
    pub said: String,
}

impl Outcome {
    pub fn ok(said: impl Into<String>) -> Outcome {
        Outcome { verdict: Verdict::Ok, said: said.into() }
    }

    pub fn fails(said: impl Into<String>) -> Outcome {
        Outcome { verdict: Verdict::Fails, said: said.into() }
    }

    pub fn lacks(said: impl Into<String>) -> Outcome {
        Outcome { verdict: Verdict::NotOffered, said: said.into() }
    }
}

/// What stands in a cell: something to run, or the reason why there is nothing.
#[derive(Clone, Copy)]
pub enum Cell {
    Run(fn() -> io::Result<Outcome>),
    Absent(&'static str),
}

/// One row.
pub struct Trap {
    /// A word for the command line and for JSON.
    pub id: &'static str,
    /// What is tried, for the table.
    pub title: &'static str,
    /// Each library once.
    pub cells: &'static [(Peer, Cell)],
}

/// A library that blocks or runs on tokio: both have to do well. The second gets a directory of its
/// own.
fn twice(
    blocking: fn() -> io::Result<Outcome>,
    on_tokio: fn() -> io::Result<Outcome>,
) -> io::Result<Outcome> {
    let first = blocking()?;
    if first.verdict != Verdict::Ok {
        return Ok(first);
    }
    std::fs::create_dir("tokio")?;
    std::env::set_current_dir("tokio")?;
    let second = on_tokio()?;
    Ok(match second.verdict {
        Verdict::Ok => first,
        verdict => Outcome { verdict, said: format!("on tokio: {}", second.said) },
    })
}

/// A row: what is run for whom, and who has no such operation, with the reason.
macro_rules! trap {
    ($name:ident, $id:literal, $title:literal;
     run { $($peer:ident: $run:expr,)* }
     absent { $($reason:literal: $($lacking:ident)*;)* }) => {
        pub const $name: $crate::traps::Trap = $crate::traps::Trap {
            id: $id,
            title: $title,
            cells: &[
                $(($crate::traps::Peer::$peer, $crate::traps::Cell::Run($run)),)*
                $($((
                    $crate::traps::Peer::$lacking,
                    $crate::traps::Cell::Absent($reason),
                ),)*)*
            ],
        };
    };
}
pub(crate) use trap;

/// All rows, in the order in which they are shown.
pub const TRAPS: &[Trap] = &[
    connect::AT_ONCE,
    connect::TIMEOUT,
    connect::ROOM_APPEARS,
    send::FULL_RECEIVER,
    ancillary::TRUNCATED_LEAK,
    ancillary::PIDFD_LEAK,
    ancillary::CLOSE_ON_EXEC,
    window::CLOSE_ON_EXEC,
    files::REGULAR_FILE,
    files::DEAD_SERVER,
    files::LIVE_SERVER,
    files::SUCCESSOR,
    errors::NAMES_THE_PATH,
    errors::TOLD_APART,
    errors::LONG_PATH,
    mode::WINDOW,
    mode::UMASK,
    ancillary::BYTES_TRUNCATED,
    ancillary::DESCRIPTORS_TRUNCATED,
    ancillary::DESCRIPTOR_LIMIT,
    send::TOO_MANY,
    messages::SEQPACKET,
    messages::EMPTY_OR_END,
    send::NO_BUFFERS,
    messages::BATCH,
    options::OFFERED,
];

/// Runs the rows whose id or title has all the words of `only`; fails if Sunpath fails in one.
pub fn run(json: bool, only: &[&str]) -> io::Result<()> {
    let wanted = |trap: &Trap| {
        let text = format!("{} {}", trap.id, trap.title);
        only.iter().all(|word| text.contains(word))
    };
    let mut rows = Vec::new();
    for trap in TRAPS.iter().filter(|trap| wanted(trap)) {
        let mut row = Vec::new();
        for peer in Peer::ALL {
            row.push((peer, cell::outcome(trap, peer)?));
        }
        rows.push((trap, row));
    }
    match json {
        true => table::print_json(&rows),
        false => table::print(&rows),
    }
    let caught = |row: &[(Peer, Outcome)]| {
        row.iter().any(|(peer, outcome)| *peer == Peer::Sunpath && outcome.verdict != Verdict::Ok)
    };
    match rows.iter().filter(|(_, row)| caught(row)).count() {
        _ if rows.is_empty() => Err(io::Error::other("no row has these words")),
        0 => Ok(()),
        count => Err(io::Error::other(format!("Sunpath is caught in {count} of these traps"))),
    }
}

/// The child's side: runs one cell, and prints its outcome.
pub fn run_cell(id: &str, peer: &str) -> io::Result<()> {
    cell::run(id, peer)
}

/// The side of a child that watches another process's descriptor.
pub fn watch(process: &str, number: &str) -> io::Result<()> {
    window::watch(process, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_every_library_once_and_sunpath_runs_in_each() {
        for trap in TRAPS {
            for peer in Peer::ALL {
                let count = trap.cells.iter().filter(|(p, _)| *p == peer).count();
                assert_eq!(count, 1, "{}: {}", trap.id, peer.names().0);
            }
            let runs = |(p, c): &(Peer, Cell)| *p == Peer::Sunpath && matches!(c, Cell::Run(_));
            assert!(trap.cells.iter().any(runs), "{}", trap.id);
        }
    }

    #[test]
    fn ids_are_unique() {
        for (i, trap) in TRAPS.iter().enumerate() {
            assert!(TRAPS[..i].iter().all(|other| other.id != trap.id), "{}", trap.id);
        }
    }
}
