//! The data of the view without a view: as text, or a line of JSON for each look.

use super::columns::{namespace, shown_name, time};
use super::row::{Row, rows};
use super::sort::{By, sort};
use super::waits::Waits;
use crate::cmd::ls::complain;
use crate::exit::Exit;
use crate::failure::Told;
use crate::json;
use crate::out::{self, Stop};
use crate::render::columns::{Column, Table};
use crate::render::socket::holders;
use crate::select::Filter;
use crate::users::Users;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use sunpath::list::{Listing, Watch, What};

/// What is printed, how often and of what.
#[derive(Debug)]
pub struct Plan<'a> {
    /// What is listed.
    pub what: What,
    /// Which sockets.
    pub filter: &'a Filter,
    /// In which order, and whether the other way round.
    pub sort: (By, bool),
    /// At most so many each time.
    pub most: usize,
    /// So many times; `None`: until interrupted.
    pub times: Option<u64>,
    /// From one look to the next.
    pub delay: Duration,
    /// Lines of JSON.
    pub json: bool,
}

/// Prints as planned. An interrupt ends it after a whole line.
pub fn run(plan: &Plan<'_>) -> Result<Exit, Stop> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second one ends it even if nobody reads what is printed.
        signal_hook::flag::register_conditional_default(signal, interrupted.clone())
            .and_then(|_| signal_hook::flag::register(signal, interrupted.clone()))
            .map_err(|error| Stop::trouble(format!("cannot wait for signals: {}", error.told())))?;
    }
    let (mut watch, mut waits, users) = (Watch::new(), Waits::default(), Users::default());
    let mut next = Instant::now();
    let mut done = 0;
    loop {
        let listing = watch.look(&plan.what, &[]);
        let mut rows = rows(&listing, plan.filter, &mut waits, Instant::now());
        sort(&mut rows, plan.sort.0, plan.sort.1);
        rows.truncate(plan.most);
        let text = match plan.json {
            true => json::top(&listing, &rows, &users),
            false => text(&listing, &rows, done),
        };
        out::write(&text)?;
        if done == 0 && !plan.json {
            complain(&listing, plan.filter, plan.what.all_namespaces);
        }
        done += 1;
        if plan.times.is_some_and(|times| done >= times) {
            return Ok(Exit::Success);
        }
        next = (next + plan.delay).max(Instant::now());
        while Instant::now() < next {
            if interrupted.load(Ordering::Relaxed) {
                return Ok(Exit::Interrupted);
            }
            sleep(next.saturating_duration_since(Instant::now()).min(Duration::from_millis(50)));
        }
        if interrupted.load(Ordering::Relaxed) {
            return Ok(Exit::Interrupted);
        }
    }
}

const fn column(title: &'static str, right: bool) -> Column {
    Column { title, right, least: None, keep_end: false, rank: 0 }
}

const COLUMNS: [Column; 6] = [
    column("STATUS", false),
    column("WAIT", true),
    column("QUEUE", true),
    column("TYPE", false),
    column("PROCESS", false),
    column("NAME", false),
];

/// Where there are several.
const NAMESPACE: Column = column("NETNS", true);

/// A table; an empty line before each but the first.
fn text(listing: &Listing, rows: &[Row], before: u64) -> String {
    let several = listing.namespaces.len() > 1;
    let columns: Vec<Column> = COLUMNS.into_iter().chain(several.then_some(NAMESPACE)).collect();
    let mut table = Table::new(&columns, rows.len());
    let dash = |text: String| if text.is_empty() { "-".into() } else { text };
    for row in rows {
        table.cell(|out| out.push_str(&dash(row.status.word(row.stopped).into())));
        table.cell(|out| match row.queued {
            0 => out.push('-'),
            _ => out.push_str(&time(row.waited)),
        });
        table.cell(|out| match row.backlog {
            Some(backlog) => out.push_str(&format!("{}/{}", backlog.pending, backlog.limit)),
            None => out.push_str(&row.queued.to_string()),
        });
        table.cell(|out| out.push_str(row.kind.name()));
        table.cell(|out| match listing.socket(row.inode) {
            Some(socket) => holders(out, listing, socket, usize::MAX),
            None => out.push('-'),
        });
        table.cell(|out| out.push_str(&dash(shown_name(row))));
        if several {
            table.cell(|out| out.push_str(&namespace(row)));
        }
    }
    let table = table.finish(None, out::keeps_styles());
    if before == 0 { table } else { format!("\n{table}") }
}
