//! `sunpath demo`: sets everyday failures up for real and shows what is said about them.

use crate::args::Demo;
use crate::cmd::conform::unknown;
use crate::conform::{self, Make, Recipe, run};
use crate::exit::Exit;
use crate::out::{self, Stop};
use crate::render::page::Page;
use crate::render::text::width;
use crate::render::{BAD, CODE, DIM, GOOD, HEAD, paint};
use crate::stage::directory::PrivateDir;
use crate::stage::{Step, Trouble};
use serde_json::Value;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;
use sunpath::cause;
use sunpath::text::escape;

/// What is shown if nothing is asked for: the failures that people meet most.
const EVERYDAY: &[&str] = &[
    "connect/no-such-file",
    "connect/dangling-symlink",
    "connect/stale-socket",
    "connect/not-a-socket",
    "connect/wrong-type",
    "connect/no-write-permission",
    "connect/no-search-permission",
    "connect/group-not-in-credentials",
    "connect/path-too-long",
    "connect/stray-whitespace",
    "connect/lost-leading-slash",
    "connect/unlinked-live",
    "connect/path-rebound",
    "connect/other-mount-namespace",
    "connect/backlog-full",
    "connect/abstract-nobody",
    "connect/abstract-padded",
    "wait/server-stopped",
    "wait/server-not-accepting",
    "bind/stale-socket",
    "bind/live-socket",
];

/// Shows, lists, or runs a command.
pub fn run(args: &Demo) -> Result<ExitCode, Stop> {
    if args.list {
        return list().map(ExitCode::from);
    }
    let ids = match &args.id {
        Some(id) => vec![known(id)?],
        None => EVERYDAY.to_vec(),
    };
    let dir = PrivateDir::new().map_err(trouble)?;
    if let ([id], false) = (ids.as_slice(), args.command.is_empty()) {
        return with_command(id, &dir, args).map_err(trouble);
    }
    let mut page = Page::new(width());
    let mut failed = false;
    for (index, id) in ids.iter().enumerate() {
        let place = dir.path().join(index.to_string());
        let seen = run::ask(run::SHOW, id, &place).map_err(trouble)?;
        let seen: Value = serde_json::from_str(&seen).unwrap_or_default();
        failed |= !write(&mut page, id, &seen);
        out::print(&std::mem::replace(&mut page, Page::new(width())).finish())?;
    }
    Ok(if failed { Exit::Trouble } else { Exit::Success }.into())
}

fn trouble(trouble: Trouble) -> Stop {
    Stop::trouble(trouble.to_string())
}

/// Every id that can be shown.
fn ids() -> impl Iterator<Item = &'static str> {
    conform::recipes().chain(conform::extras()).map(|recipe| recipe.id)
}

fn known(id: &str) -> Result<&'static str, Stop> {
    if let Some(found) = ids().find(|known| *known == id) {
        return Ok(found);
    }
    if let Some(why) = cause::find(id).and_then(|cause| conform::not_provoked(cause.id)) {
        return Err(Stop::usage(format!("{id} cannot be set up: {why}")));
    }
    Err(unknown(id, ids()))
}

/// The causes that can be set up, and what each needs.
fn list() -> Result<Exit, Stop> {
    let mut page = Page::new(width());
    let all = || conform::recipes().chain(conform::extras());
    let scene = |recipe: &&Recipe| matches!(recipe.make, Make::Scene(_));
    let failure = |recipe: &&Recipe| conform::cause_of(recipe.id).is_some();
    let groups: [(&str, Vec<&Recipe>); 3] = [
        ("Failures", all().filter(scene).filter(failure).collect()),
        ("Sockets that are well", all().filter(|r| !failure(r)).collect()),
        ("Failures that take no command", all().filter(failure).filter(|r| !scene(r)).collect()),
    ];
    for (heading, recipes) in groups {
        page.head(heading);
        page.table(&recipes.into_iter().map(row).collect::<Vec<_>>(), 0);
    }
    out::print(&page.finish())?;
    Ok(Exit::Success)
}

/// A line of the list.
fn row(recipe: &Recipe) -> Vec<String> {
    let title = conform::cause_of(recipe.id).map_or("a socket that is well", |cause| cause.title);
    let missing = recipe.needs.iter().find_map(|need| need.missing());
    let note = match (missing, &recipe.make) {
        (Some(missing), _) => paint(DIM, &format!(" ({missing})")),
        (None, Make::Direct(_)) => paint(DIM, " (takes no command)"),
        (None, Make::Scene(_)) => String::new(),
    };
    vec![recipe.id.to_string(), format!("{title}{note}")]
}

/// Writes what was seen; whether the failure could be shown or skipped in good order.
fn write(page: &mut Page, id: &str, seen: &Value) -> bool {
    let text = |name: &str| seen[name].as_str();
    let title = conform::cause_of(id).map_or("a socket that is well", |cause| cause.title);
    page.line(&format!("{}  {}", paint(HEAD, id), paint(DIM, title)));
    if let Some(why) = text("skipped") {
        page.field("skipped", 7, &escape(why.as_bytes()));
        page.gap();
        return true;
    }
    let Some(call) = text("call") else {
        let why = text("failed").unwrap_or("it could not be set up");
        page.field("failed", 7, &paint(BAD, &escape(why.as_bytes())));
        page.gap();
        return false;
    };
    let address = text("address").map(|a| format!("({a})")).unwrap_or_default();
    page.field("call", 7, &format!("{call}{address}"));
    page.field("system", 7, text("system").unwrap_or_default());
    match (text("because"), text("certainty")) {
        (Some(because), Some(certainty)) => {
            let named = text("id").filter(|named| !id.starts_with(named));
            let named = named.map(|named| format!("{named}: ")).unwrap_or_default();
            page.field(
                "sunpath",
                7,
                &format!("{named}{because} {}", paint(DIM, &format!("({certainty})"))),
            );
            page.field("fix", 7, text("fix").unwrap_or_default());
        }
        _ => page.field("sunpath", 7, &paint(GOOD, text("outcome").unwrap_or_default())),
    }
    let commands = seen["commands"].as_array().into_iter().flatten();
    for command in commands.filter_map(Value::as_str) {
        page.field("", 7, &paint(CODE, command));
    }
    page.gap();
    true
}

/// Runs the command while the scene is set up; its status.
fn with_command(id: &str, dir: &PrivateDir, args: &Demo) -> Result<ExitCode, Trouble> {
    let from = if args.outside { "outside" } else { "client" };
    let place = dir.path().join("0");
    let mut child = run::command(run::ACT, id, &place)?;
    let status = child.arg(from).args(&args.command).status().step("start the scene's process")?;
    let killed = status.signal().map(|signal| 128 + signal);
    let code = status.code().or(killed).and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
