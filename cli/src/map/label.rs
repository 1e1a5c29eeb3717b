//! The words for the parts of a graph, the same in every output. What comes from outside is
//! escaped for people; each output escapes the result for its own language.

use super::Map;
use super::graph::{Link, Node, Port, Relation};
use crate::render::text::{count, show};
use sunpath::SocketType;
use sunpath::fact::Unseen;
use unicode_width::UnicodeWidthChar;

/// `app-server`, `(no process)`
pub fn name(map: &Map<'_>, node: &Node) -> String {
    match (node.is_nobody(), map.listing.all_holders.unseen()) {
        (false, _) => show(&node.name),
        (true, Some(Unseen::Denied { .. })) => "(not visible)".into(),
        (true, _) => "(no process)".into(),
    }
}

/// `4711`, `3 processes`; empty for nobody.
pub fn which(node: &Node) -> String {
    match node.pids.as_slice() {
        [] => String::new(),
        [pid] => pid.to_string(),
        pids => format!("{} processes", pids.len()),
    }
}

/// `app-server[4711]`, `app-server (3 processes)`
pub fn process(map: &Map<'_>, node: &Node) -> String {
    let name = name(map, node);
    match node.pids.len() {
        0 => name,
        1 => format!("{name}[{}]", which(node)),
        _ => format!("{name} ({})", which(node)),
    }
}

/// The user's name.
pub fn user(map: &Map<'_>, node: &Node) -> String {
    let name =
        |uid: u32| map.users.name(uid, |name| name.map_or_else(|| uid.to_string(), str::to_string));
    node.uid.map(name).unwrap_or_default()
}

/// `/run/app.sock`, `@name`; empty for a socket without a name.
pub fn address(name: Option<&[u8]>) -> String {
    let mut out = String::new();
    if let Some(name) = name {
        crate::render::socket::name(&mut out, name);
    }
    out
}

/// What a port does and what waits there: `listening, 3 of 128 waiting`.
pub fn port(port: &Port) -> String {
    match (port.backlog, port.unread) {
        (Some(backlog), _) => {
            let gave_up = match port.abandoned {
                0 => String::new(),
                n => format!(", {n} of them gone"),
            };
            format!("listening, {}/{} waiting{gave_up}", backlog.pending, backlog.limit)
        }
        (None, Some(bytes)) if bytes > 0 => format!("receiving, {} unread", size(bytes.into())),
        _ => "receiving".into(),
    }
}

/// `3 connections`, `1 client waits`
pub fn relation(link: &Link) -> String {
    let n = link.count();
    match link.between.relation {
        Relation::Connected if link.between.kind == SocketType::Datagram => count(n, "pair"),
        Relation::Connected => count(n, "connection"),
        Relation::Waiting if n == 1 => "waits to be accepted".into(),
        Relation::Waiting => format!("{n} wait to be accepted"),
        Relation::Sends => count(n, "sender"),
        Relation::Shares => {
            format!("holds {}, too", if n == 1 { "it".into() } else { count(n, "socket") })
        }
    }
}

/// What waits in the queues of a link, for each end that has not read it; empty if nothing does.
pub fn queues(link: &Link) -> Vec<String> {
    let mut parts = Vec::new();
    for (bytes, end) in [(link.at_server, "server"), (link.at_client, "client")] {
        if bytes > 0 {
            parts.push(format!("{} unread by the {end}", size(bytes)));
        }
    }
    if link.in_flight > 0 {
        parts.push(format!("{} in flight", count(link.in_flight as usize, "descriptor")));
    }
    parts
}

/// Bytes for people: `12 B`, `3.4 KiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut shown = format!("{bytes} B");
    for unit in UNITS {
        if value < 1000.0 {
            break;
        }
        value /= 1024.0;
        shown = format!("{value:.1} {unit}");
    }
    shown
}

/// The text cut to so many columns, at its start or at its end.
pub fn cut(text: &str, columns: usize, keep_end: bool) -> String {
    let wide = |c: char| c.width().unwrap_or(0);
    if text.chars().map(wide).sum::<usize>() <= columns {
        return text.to_string();
    }
    let mut left = columns.saturating_sub(1);
    let mut fits = |c: &char| {
        let fits = wide(*c) <= left;
        left = if fits { left - wide(*c) } else { 0 };
        fits
    };
    if keep_end {
        let mut end: Vec<char> = text.chars().rev().take_while(&mut fits).collect();
        end.push('…');
        end.iter().rev().collect()
    } else {
        let mut start: String = text.chars().take_while(&mut fits).collect();
        start.push('…');
        start
    }
}

/// A path cut to so many columns: whole parts at its start, if that is enough.
pub fn cut_path(path: &str, columns: usize) -> String {
    let end = cut(path, columns, true);
    match end.strip_prefix('…').and_then(|end| Some((end, end.find('/')?))) {
        Some((end, slash)) if path.len() > end.len() => format!("…{}", &end[slash..]),
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let shown = [0, 999, 1000, 4096, 1 << 20, u64::MAX].map(size);
        assert_eq!(shown, ["0 B", "999 B", "1.0 KiB", "4.0 KiB", "1.0 MiB", "16777216.0 TiB"]);
    }

    #[test]
    fn texts_are_cut_at_the_end_that_says_less() {
        assert_eq!(cut("/run/app.sock", 8, true), "…pp.sock");
        assert_eq!(cut("app-server", 8, false), "app-ser…");
        assert_eq!(cut("漢字漢字", 5, false), "漢字…");
        assert_eq!(cut("short", 5, true), "short");
        assert_eq!(cut("x", 0, true), "…");
        assert_eq!(cut_path("/run/user/app.sock", 14), "…/app.sock");
        assert_eq!(cut_path("/run/a-long-name.sock", 10), "…name.sock");
        assert_eq!(cut_path("/run/app.sock", 20), "/run/app.sock");
    }
}
