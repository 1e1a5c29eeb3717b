//! `sunpath map`: who talks to whom, in several forms.

use crate::args::Map as Args;
use crate::exit::Exit;
use crate::failure;
use crate::json;
use crate::map::graph::Graph;
use crate::map::{Map, dot, html, processes, sockets, svg, text};
use crate::out::{self, Stop};
use crate::pager;
use crate::render::text::width;
use crate::users::Users;
use std::path::Path;
use sunpath::list::{What, list};

/// Shows what was asked for.
pub fn run(args: &Args) -> Result<Exit, Stop> {
    let filter = args.selection.filter()?;
    let what = What { all_namespaces: args.all, holders: true, in_flight: true };
    let listing = list(&what);
    if listing.sockets.is_empty()
        && let Some(why) = listing.all_sockets.unseen()
    {
        return Err(Stop::trouble(format!("the sockets cannot be seen: {why}")));
    }
    let graph = Graph::of(&sockets(&listing, &filter), &processes(&listing));
    let graph = if args.programs { graph.by_program() } else { graph };
    let users = Users::default();
    let map = Map { graph, users: &users, listing: &listing };
    if let Some(file) = &args.svg {
        write(file, &svg::file(&map))?;
    } else if let Some(file) = &args.html {
        write(file, &html::page(&map))?;
    } else if args.dot {
        out::write(&dot::dot(&map))?;
    } else if args.json {
        out::write(&json::map(&map))?;
    } else {
        let text = text::text(&map, width());
        let plain = || anstream::adapter::strip_str(&text).to_string();
        pager::print(&if out::keeps_styles() { text } else { plain() }, true)?;
    }
    super::ls::complain(&listing, &filter, args.all);
    Ok(Exit::Success)
}

/// Writes a file, or to standard output for `-`.
fn write(file: &Path, text: &str) -> Result<(), Stop> {
    if file.as_os_str() == "-" {
        return out::write(text);
    }
    std::fs::write(file, text)
        .map_err(|error| Stop::trouble(failure::on_file("write", file, &error)))
}
