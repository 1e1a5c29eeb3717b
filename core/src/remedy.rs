//! Fills the placeholders of an entry's commands with facts, quoted for a shell.

use crate::addr::PATH_MAX_BYTES;
use crate::case::Case;
use crate::cause::Cause;
use crate::fact::path::Step;
use crate::fact::{Facts, Process, SocketFact};
use crate::text::shell;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The commands of the entry whose placeholders the facts fill. The others are left out.
pub(crate) fn commands(cause: &Cause, case: &Case<'_>) -> Vec<String> {
    cause.commands.iter().filter_map(|template| fill(template, case)).collect()
}

/// Replaces each `{name}`; `None` if a name has no value in the facts.
fn fill(template: &str, case: &Case<'_>) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let close = open + rest[open..].find('}')?;
        out.push_str(&rest[..open]);
        out.push_str(&value(&rest[open + 1..close], case)?);
        rest = &rest[close + 1..];
    }
    out.push_str(rest);
    Some(out)
}

/// The value of a placeholder:
/// - `path`: the path as given; `dir`: its directory; `trimmed`, `slashed`: what was meant;
/// - `far_dir`: its directory, if a short link to that would make the path fit into an address;
/// - `file`: the component at which the walk broke; `link`: the symbolic link that leads nowhere;
/// - `mount`: where the file system at the place of the break is mounted;
/// - `user`: the caller's user; `caller`: the caller's process id; `group`: the group of the socket file;
/// - `pid`, `server`: a process that owns the socket, and its name;
/// - `other_path`: the file to which a live namesake socket is bound;
/// - `name`: the abstract name as `@name`; `type`: the socket type;
/// - `host`, `port`: as given; `address`: the first address of the host.
fn value(name: &str, case: &Case<'_>) -> Option<String> {
    let facts = case.facts;
    let path = facts.path();
    match name {
        "path" => path.map(|p| file(&p.given)),
        "dir" => path.map(|p| file(parent(&p.given))),
        "far_dir" => path.and_then(|p| far_directory(&p.given)),
        "trimmed" => path?.variants.trimmed.known()?.as_deref().map(file),
        "slashed" => path?.variants.slashed.known()?.as_deref().map(file),
        "file" => {
            let p = path?;
            p.broken_at().or_else(|| p.found()).map(|s| file(&s.path))
        }
        "link" => {
            let steps = &path?.walk.known()?.steps;
            steps.iter().rev().find(|s| s.link.is_some()).map(|s| file(&s.path))
        }
        "mount" => {
            let step = path?.walk.known()?.steps.last()?;
            Some(file(&step.mount.known()?.point))
        }
        "user" => caller_name(facts),
        "caller" => facts.caller.pid.map(|pid| pid.to_string()),
        "group" => group_that_helps(path?.found()?),
        "pid" => server(facts).map(|p| p.pid.to_string()),
        "server" => server(facts).map(|p| shell(p.name.as_bytes())),
        "other_path" => path?.namesakes.known()?.first()?.name.as_deref().map(file),
        "name" => {
            let name = &facts.abstract_name()?.name;
            Some(shell(&[b"@", name.as_slice()].concat()))
        }
        "type" => Some(case.socket.name().to_string()),
        "host" => facts.inet().map(|i| shell(i.host.as_bytes())),
        "port" => facts.inet().map(|i| i.port.to_string()),
        "address" => facts.inet()?.addresses.known()?.first().map(|a| a.to_string()),
        _ => None,
    }
}

/// A file's name as a word. One that begins with a dash would be taken for an option.
fn file(path: &[u8]) -> String {
    match path.first() {
        Some(b'-') => shell(&[b"./", path].concat()),
        _ => shell(path),
    }
}

fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|b| *b == b'/') {
        Some(0) => b"/",
        Some(at) => &path[..at],
        None => b".",
    }
}

/// The directory of the path, if `/run/short` in its place would make the path short enough. A
/// relative one would lead elsewhere from there.
fn far_directory(path: &[u8]) -> Option<String> {
    let name = path.len() - path.iter().rposition(|b| *b == b'/')? - 1;
    let fits = "/run/short/".len() + name <= PATH_MAX_BYTES;
    (fits && path.first() == Some(&b'/')).then(|| file(parent(path)))
}

fn caller_name(facts: &Facts) -> Option<String> {
    facts.caller.user_name.as_ref().map(|n| shell(n.as_bytes()))
}

/// The group of the file, if its members may write to it. Root's group is nobody's remedy.
fn group_that_helps(file: &Step) -> Option<String> {
    const GROUP_WRITE: u32 = 0o020;
    let helps = file.mode & GROUP_WRITE != 0 && file.gid != 0;
    file.group_name.as_ref().filter(|_| helps).map(|name| shell(name.as_bytes()))
}

/// The process that owns a socket which the address leads to, or nearly leads to. Of several, one
/// that is in trouble: the others may only keep a copy of the descriptor.
fn server(facts: &Facts) -> Option<&Process> {
    fn trouble(process: &Process) -> u8 {
        match (process.is_stopped(), process.descriptors.is(|d| d.is_full())) {
            (Some(true), _) => 0,
            (_, true) => 1,
            _ => 2,
        }
    }
    fn owner(sockets: Option<&Vec<SocketFact>>) -> Option<&Process> {
        sockets?.iter().find_map(|s| s.owners.known()?.iter().min_by_key(|p| trouble(p)))
    }
    if let Some(path) = facts.path() {
        return owner(path.attached.known()).or_else(|| owner(path.namesakes.known()));
    }
    if let Some(inet) = facts.inet() {
        let sockets = [inet.listeners.known(), inet.in_use_by.known()];
        return sockets.into_iter().flatten().flatten().find_map(|s| s.owners.known()?.first());
    }
    let name = facts.abstract_name()?;
    owner(name.bound.known())
        .or_else(|| owner(name.padded.known()))
        .or_else(|| owner(name.elsewhere.known()))
}
