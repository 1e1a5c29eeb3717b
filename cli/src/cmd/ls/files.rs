//! `sunpath ls --files`: socket files, and what is behind them.

use crate::args::Ls;
use crate::exit::Exit;
use crate::out::{self, Stop};
use crate::render::columns::{Column, Table};
use crate::render::socket::{escaped, holders, users};
use crate::render::text::count;
use crate::users::Users;
use crate::{json, pager, tap};
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use sunpath::fact::Unseen;
use sunpath::list::files::{Files, Instead, Lost, Verdict, files};
use sunpath::list::{Listing, What, list};
use sunpath::text::{escape, shell};

/// Where socket files usually are.
const USUAL: [&str; 5] = ["/run", "/var/run", "/tmp", "/var/tmp", "/dev/shm"];

/// Directories in the environment.
const VARIABLES: [&str; 2] = ["XDG_RUNTIME_DIR", "TMPDIR"];

/// Judges the files in the directories that were given, or in the usual ones.
pub fn run(args: &Ls) -> Result<Exit, Stop> {
    let given: Vec<&OsString> = args.selection.names.iter().chain(&args.selection.paths).collect();
    let places: Vec<PathBuf> =
        if given.is_empty() { usual() } else { given.iter().map(PathBuf::from).collect() };
    let listing = list(&What { all_namespaces: true, holders: true, in_flight: false });
    let mut found = files(&listing, &places);
    if !given.is_empty()
        && let Some(wrong) = not_there(&given, &found)
    {
        return Err(wrong);
    }
    let left = left_by_taps(&found);
    let remarks = remarks(&found, args.stale);
    if args.stale {
        found.files.retain(|file| file.verdict == Verdict::Dead);
        found.lost.clear();
    }
    let users = Users::default();
    if args.json {
        out::write(&json::files(&listing, &found, &left, &users))?;
    } else {
        let mut text = table((&listing, &found, &left), &users, args.wide);
        if args.stale {
            text.push_str(&commands(&found, &left));
        }
        pager::print(&text, !args.no_pager)?;
    }
    for remark in remarks {
        out::complain(&remark);
    }
    Ok(Exit::Success)
}

/// Of each file at a path where a tap was killed, the live server's file beside.
pub type Left = HashMap<Vec<u8>, Vec<u8>>;

/// Those files: the name beside holds the inode numbers of both.
fn left_by_taps(found: &Files) -> Left {
    let split = |path: &[u8]| {
        let at = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        (path[..at].to_vec(), path[at..].to_vec())
    };
    let dead = found.files.iter().filter(|file| file.verdict == Verdict::Dead);
    let dead: HashMap<_, _> = dead.map(|f| ((split(&f.path).0, f.file.inode), &f.path)).collect();
    let live = found.files.iter().filter(|file| file.verdict != Verdict::Dead);
    let pairs = live.filter_map(|beside| {
        let (directory, name) = split(&beside.path);
        let told = tap::told_by(&name).filter(|told| told.theirs == beside.file.inode)?;
        let path = dead.get(&(directory, told.ours))?;
        Some(((*path).clone(), beside.path.clone()))
    });
    pairs.collect()
}

/// The usual directories that exist here.
fn usual() -> Vec<PathBuf> {
    let named = VARIABLES.iter().filter_map(std::env::var_os).map(PathBuf::from);
    let all = USUAL.iter().map(PathBuf::from).chain(named.filter(|path| path.is_absolute()));
    all.filter(|path| path.is_dir()).collect()
}

/// A directory that was named and is none.
fn not_there(given: &[&OsString], found: &Files) -> Option<Stop> {
    let (path, _) = found.unread.iter().find(|(path, why)| {
        *why == Unseen::Absent { what: "a directory" }
            && given.iter().any(|name| name.as_encoded_bytes() == path)
    })?;
    Some(Stop::usage(format!("there is no directory {}", escape(path))))
}

const fn column(title: &'static str, least: Option<usize>, keep_end: bool, rank: u8) -> Column {
    Column { title, right: false, least, keep_end, rank }
}

const COLUMNS: [Column; 5] = [
    column("VERDICT", None, false, 0),
    column("FILE", Some(20), true, 0),
    column("PROCESS", Some(14), false, 0),
    column("USER", None, false, 1),
    column("REMARK", Some(20), false, 2),
];

fn table((listing, found, left): (&Listing, &Files, &Left), names: &Users, wide: bool) -> String {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    let terminal = std::io::stdout().is_terminal() && !wide;
    let width = size.map(|(width, _)| usize::from(width.0)).filter(|_| terminal);
    let mut table = Table::new(&COLUMNS, found.files.len() + found.lost.len());
    for file in &found.files {
        table.cell(|out| out.push_str(verdict(&file.verdict)));
        table.cell(|out| escaped(out, &file.path));
        let bound = match &file.verdict {
            Verdict::Served(sockets) => sockets.first().and_then(|inode| listing.socket(*inode)),
            _ => None,
        };
        table.cell(|out| match bound {
            Some(socket) => holders(out, listing, socket, usize::MAX),
            None => out.push('-'),
        });
        table.cell(|out| match bound {
            Some(socket) => users(out, listing, socket, names),
            None => names.name(file.uid, |name| match name {
                Some(name) => out.push_str(name),
                None => out.push_str(&file.uid.to_string()),
            }),
        });
        table.cell(|out| match left.get(&file.path) {
            Some(beside) => {
                out.push_str("a tap was killed here; the live server's file is ");
                escaped(out, beside);
            }
            None => out.push_str(&remark(&file.verdict)),
        });
    }
    for lost in &found.lost {
        let socket = listing.socket(lost.socket);
        table.cell(|out| out.push_str(loss(lost)));
        table.cell(|out| escaped(out, &lost.path));
        table.cell(|out| socket.iter().for_each(|s| holders(out, listing, s, usize::MAX)));
        table.cell(|out| socket.iter().for_each(|s| users(out, listing, s, names)));
        table.cell(|out| out.push_str(&why_lost(lost)));
    }
    table.finish(width, out::keeps_styles())
}

/// The word for a verdict.
pub fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Served(_) | Verdict::ServedElsewhere => "served",
        Verdict::Dead => "stale",
        Verdict::Unknown(_) => "unknown",
    }
}

/// The word for a server that lost its file.
pub fn loss(lost: &Lost) -> &'static str {
    if lost.instead.is_some() { "rebound" } else { "orphaned" }
}

fn remark(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Served(sockets) if sockets.len() > 1 => count(sockets.len(), "socket"),
        Verdict::Served(_) => "-".into(),
        Verdict::ServedElsewhere => "in a network namespace that could not be entered".into(),
        Verdict::Dead => "no socket is bound to it".into(),
        Verdict::Unknown(why) => format!("no socket is seen; to be sure it {why}"),
    }
}

fn why_lost(lost: &Lost) -> String {
    match &lost.instead {
        None => "alive, but its file is gone".into(),
        Some(Instead::Socket(Verdict::Served(_) | Verdict::ServedElsewhere)) => {
            "alive, but the file is another server's".into()
        }
        Some(Instead::Socket(Verdict::Dead)) => "alive, but the file is a dead server's".into(),
        Some(Instead::Socket(Verdict::Unknown(_))) => "alive, but the file is not its own".into(),
        Some(Instead::Other(_)) => "alive, but the file is no socket".into(),
    }
}

/// What removes the dead files, for a person to run; but what a tap has left is put right.
fn commands(found: &Files, left: &Left) -> String {
    let (restored, removed): (Vec<_>, Vec<_>) =
        found.files.iter().map(|file| &file.path).partition(|path| left.contains_key(*path));
    let mut text = String::new();
    let mut add = |why: &str, command: fn(&[u8]) -> String, paths: &[&Vec<u8>]| {
        if !paths.is_empty() {
            let lines = paths.iter().map(|path| format!("    {}\n", command(path)));
            text.push_str(&format!("\n{why}\n\n{}", lines.collect::<String>()));
        }
    };
    add("Nobody can be served by them. To remove them:", remove, &removed);
    add("A tap was killed here. To give the live server its path back:", restore, &restored);
    text
}

/// The command that removes a file.
pub fn remove(path: &[u8]) -> String {
    format!("rm -- {}", shell(path))
}

/// The command that gives a path back to the server whose file is beside.
pub fn restore(path: &[u8]) -> String {
    format!("sunpath tap --restore {}", shell(path))
}

/// What was not looked at, and why.
fn remarks(found: &Files, stale: bool) -> Vec<String> {
    let mut remarks: Vec<String> = Vec::new();
    for (path, why) in found.unread.iter().take(MOST) {
        remarks.push(format!("{} was not looked into: {why}", escape(path)));
    }
    let more = found.unread.len().saturating_sub(MOST);
    if more > 0 {
        remarks.push(format!("... nor {}", count(more, "more place")));
    }
    if found.elsewhere > 0 && !stale {
        remarks.push(format!(
            "{} with a name there not judged: the processes that hold them may see other files",
            count(found.elsewhere, "socket")
        ));
    }
    let unsure = found.files.iter().filter(|file| matches!(file.verdict, Verdict::Unknown(_)));
    let unsure = unsure.count();
    if unsure > 0 && stale {
        remarks.push(format!(
            "{} may be dead, too, but not for certain: ls --files says what it takes to be sure",
            count(unsure, "more file")
        ));
    }
    remarks
}

/// So many places are named that were left out.
const MOST: usize = 5;
