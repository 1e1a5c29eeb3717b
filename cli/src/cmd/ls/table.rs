//! The table for people.

use crate::out;
use crate::render::columns::{Column, Table};
use crate::render::socket::{holders, name, number, peer, users};
use crate::select::Stage;
use crate::users::Users;
use std::io::IsTerminal;
use sunpath::fact::socket::Directions;
use sunpath::list::{Listing, Socket};

const fn column(title: &'static str, rank: u8) -> Column {
    Column { title, right: false, least: None, keep_end: false, rank }
}

const fn flexible(title: &'static str, least: usize, keep_end: bool) -> Column {
    Column { title, right: false, least: Some(least), keep_end, rank: 0 }
}

/// All columns. What tells least of most sockets is left out first.
const COLUMNS: [Column; 10] = [
    column("TYPE", 4),
    column("STATE", 3),
    Column { right: true, ..column("QUEUE", 1) },
    Column { right: true, ..column("FDS", 7) },
    column("SHUT", 8),
    Column { right: true, ..column("INODE", 9) },
    column("USER", 6),
    flexible("PROCESS", 14, false),
    flexible("NAME", 16, true),
    Column { rank: 2, ..flexible("PEER", 14, false) },
];

/// Where there are several: the same abstract name may be in each.
const NAMESPACE: Column = Column { right: true, ..column("NETNS", 5) };

/// On a terminal, so many processes of a socket are named.
const MOST: usize = 2;

/// The table; on a terminal it fits, unless it is to be wide.
pub fn lines(listing: &Listing, sockets: &[&Socket], names: &Users, wide: bool) -> String {
    let terminal = std::io::stdout().is_terminal();
    let size = terminal_size::terminal_size_of(std::io::stdout());
    let width = size.map(|(width, _)| usize::from(width.0)).filter(|_| terminal && !wide);
    let most = if width.is_some() { MOST } else { usize::MAX };
    let several = listing.namespaces.len() > 1;
    let columns: Vec<Column> = COLUMNS.into_iter().chain(several.then_some(NAMESPACE)).collect();
    let mut table = Table::new(&columns, sockets.len());
    for socket in sockets {
        table.cell(|out| out.push_str(socket.kind.name()));
        table.cell(|out| out.push_str(Stage::of(socket).name()));
        table.cell(|out| queue(out, socket));
        table.cell(|out| in_flight(out, socket));
        table.cell(|out| out.push_str(shut(socket.shutdown)));
        table.cell(|out| inode(out, socket));
        table.cell(|out| users(out, listing, socket, names));
        table.cell(|out| holders(out, listing, socket, most));
        table.cell(|out| match &socket.name {
            Some(its) => name(out, its),
            None => out.push('-'),
        });
        table.cell(|out| peer(out, listing, socket, most));
        if several {
            table.cell(|out| match socket.namespace {
                0 => out.push('?'),
                namespace => out.push_str(&namespace.to_string()),
            });
        }
    }
    table.finish(width, out::keeps_styles())
}

fn queue(out: &mut String, socket: &Socket) {
    match (socket.backlog, socket.unread) {
        (Some(backlog), _) => {
            number(out, backlog.pending);
            out.push('/');
            number(out, backlog.limit);
        }
        (None, Some(bytes)) => number(out, bytes),
        (None, None) => out.push('-'),
    }
}

fn in_flight(out: &mut String, socket: &Socket) {
    match socket.in_flight {
        Some(count) => number(out, count),
        None => out.push('-'),
    }
}

/// The directions that are shut down.
pub fn shut(directions: Directions) -> &'static str {
    match (directions.read, directions.write) {
        (true, true) => "rw",
        (true, false) => "r",
        (false, true) => "w",
        (false, false) => "-",
    }
}

fn inode(out: &mut String, socket: &Socket) {
    match socket.inode {
        0 => out.push('-'),
        inode => number(out, inode),
    }
}
