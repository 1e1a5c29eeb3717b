//! `sunpath ls`: every socket, who holds it, and with whom it talks.
//!
//! ```text
//!   list() ──► Listing ── select ──► sockets ── order ──► table (table) ──► pager
//!                                                     ├─► csv
//!                                                     └─► json::listing
//! ```
//! With `--files` it is about socket files: [`files`].

mod csv;
pub mod files;
mod order;
mod table;

use crate::args::Ls;
use crate::exit::Exit;
use crate::out::{self, Stop};
use crate::render::text::count;
use crate::select::Filter;
use crate::users::Users;
use crate::{json, pager};
use sunpath::list::{Listing, Socket, What, list_while};
use sunpath::sys::process;
use sunpath::text::escape;

/// Lists what was asked for.
pub fn run(args: &Ls) -> Result<Exit, Stop> {
    if args.files || args.stale {
        return files::run(args);
    }
    process::ends_in_a_moment();
    let filter = args.selection.filter()?;
    let what = What { all_namespaces: args.all, holders: true, in_flight: true };
    let users = Users::default();
    // The most likely one; to look up the first takes longest.
    let listing = list_while(&what, || users.name(process::user(), |_| ()));
    if listing.sockets.is_empty()
        && let Some(why) = listing.all_sockets.unseen()
    {
        return Err(Stop::trouble(format!("the sockets cannot be seen: {why}")));
    }
    let mut sockets: Vec<&Socket> =
        listing.sockets.iter().filter(|socket| filter.wants(&listing, socket)).collect();
    order::sort(&mut sockets, &listing, args.sort, args.reverse);
    if args.json {
        out::write(&json::listing(&listing, &sockets, &users))?;
    } else if args.csv {
        out::write(&csv::lines(&listing, &sockets, &users))?;
    } else {
        pager::print(&table::lines(&listing, &sockets, &users, args.wide), !args.no_pager)?;
    }
    complain(&listing, &filter, args.all);
    // Nothing else happens: the memory goes with the process, all at once.
    std::mem::forget(listing);
    Ok(Exit::Success)
}

/// Tells what could not be seen or found.
pub fn complain(listing: &Listing, filter: &Filter, all: bool) {
    for remark in remarks(listing, all) {
        out::complain(&remark);
    }
    for pid in filter.absent() {
        out::complain(&format!("there is no process {pid}"));
    }
}

/// What could not be seen, and what it would take.
fn remarks(listing: &Listing, all: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(why) = listing.all_sockets.unseen() {
        remarks.push(format!("not every socket could be seen: {why}"));
    }
    for way in listing.closed_namespaces.iter().take(SHOWN) {
        use std::os::unix::ffi::OsStrExt;
        let way = escape(way.as_os_str().as_bytes());
        remarks.push(format!("could not enter the network namespace {way}: needs CAP_SYS_ADMIN"));
    }
    let more = listing.closed_namespaces.len().saturating_sub(SHOWN);
    if more > 0 {
        remarks.push(format!("... nor {}", count(more, "more network namespace")));
    }
    if let (true, Some(why)) = (all || listing.closed_processes > 0, listing.all_holders.unseen()) {
        let closed = match listing.closed_processes {
            0 => "not every process could be looked into".to_string(),
            1 => "one process could not be looked into".to_string(),
            n => format!("{n} processes could not be looked into"),
        };
        remarks.push(format!("{closed}: {why}"));
    }
    remarks
}

/// So many namespaces are named that could not be entered.
const SHOWN: usize = 5;
