//! The graph as a page: picture, table, and a script that searches and filters both.

use super::graph::{Graph, Link, Node, Port};
use super::layout::layout;
use super::svg::{drawing, xml};
use super::{Map, label, text};
use serde_json::{Map as Object, Value, json};
use std::collections::BTreeSet;

/// With more nodes than this the page starts with one node for each program.
const MANY: usize = 60;

/// The page. It asks for nothing from outside.
pub fn page(map: &Map<'_>) -> String {
    let programs = Map { graph: map.graph.by_program(), users: map.users, listing: map.listing };
    let several = programs.graph.nodes.len() < map.graph.nodes.len();
    let mut pictures = picture(map, 0);
    let mut views = vec![view(map, "processes")];
    if several {
        pictures.push_str(&picture(&programs, 1));
        views.push(view(&programs, "programs"));
    }
    let summary = text::summary(&map.graph);
    let data = json!({
        "summary": summary,
        "view": usize::from(several && map.graph.nodes.len() > MANY),
        "views": views,
        "sockets": sockets(map),
    });
    fill(&[
        ("css", include_str!("page.css")),
        ("summary", &xml(&summary)),
        ("pictures", &pictures),
        ("data", &harmless(&data.to_string())),
        ("script", include_str!("page.js")),
    ])
}

/// The template with its blanks filled, in one pass: what is filled in may hold anything.
fn fill(values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for part in include_str!("page.html").split("{{") {
        match part.split_once("}}") {
            Some((name, rest)) => {
                let value = values.iter().find(|(known, _)| *known == name);
                out.push_str(value.map_or("", |(_, value)| value));
                out.push_str(rest);
            }
            None => out.push_str(part),
        }
    }
    out
}

/// JSON that cannot end the element in which it stands, and has no character that is none in HTML.
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

fn picture(map: &Map<'_>, at: usize) -> String {
    let layout = layout(&map.graph);
    let hidden = if at == 0 { "" } else { " hidden" };
    let drawing = drawing(map, &layout, &format!("arrow-{at}"));
    let (width, height) = (layout.width.max(200.0), layout.height.max(60.0));
    format!(
        "<svg id=\"view-{at}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"group\" \
         aria-label=\"Processes and their connections\"{hidden}>\n{drawing}</svg>\n"
    )
}

fn view(map: &Map<'_>, title: &str) -> Value {
    let Graph { nodes, ports, links } = &map.graph;
    json!({
        "title": title,
        "nodes": nodes.iter().map(|n| node(map, n)).collect::<Value>(),
        "ports": ports.iter().map(port).collect::<Value>(),
        "links": links.iter().map(link).collect::<Value>(),
    })
}

fn node(map: &Map<'_>, node: &Node) -> Value {
    json!({
        "label": label::process(map, node),
        "user": label::user(map, node),
        "pids": node.pids,
        "alone": node.alone,
        "closed": node.widowed,
    })
}

fn port(port: &Port) -> Value {
    let waiting = port.backlog.map(|b| b.pending).or(port.unread);
    json!({
        "node": port.node,
        "also": port.also,
        "name": label::address(port.name.as_deref()),
        "type": port.kind.name(),
        "state": if port.backlog.is_some() { "listening" } else { "receiving" },
        "about": label::port(port),
        "net": namespace(port.namespace),
        "inode": port.inode,
        "queued": waiting.unwrap_or_default(),
    })
}

fn link(link: &Link) -> Value {
    let between = &link.between;
    json!({
        "from": between.from,
        "to": between.to,
        "relation": between.relation.name(),
        "type": between.kind.name(),
        "name": label::address(between.name.as_deref()),
        "net": namespace(between.namespace),
        "port": between.port,
        "count": link.count(),
        "what": label::relation(link),
        "queues": label::queues(link).join(", "),
        "queued": link.queued(),
        "ends": link.ends,
    })
}

fn namespace(number: u64) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}

/// Of each socket of a link or port, who holds it and what waits in it.
fn sockets(map: &Map<'_>) -> Value {
    let ends = map.graph.links.iter().flat_map(|l| l.ends.iter().flat_map(|(a, b)| [*a, *b]));
    let inodes: BTreeSet<u32> = ends.chain(map.graph.ports.iter().map(|p| p.inode)).collect();
    let known = inodes.iter().filter_map(|inode| map.listing.socket(*inode));
    let about = known.map(|socket| {
        let mut about = String::new();
        crate::render::socket::holders(&mut about, map.listing, socket, 3);
        if let Some(bytes) = socket.unread.filter(|n| *n > 0 && socket.backlog.is_none()) {
            about.push_str(&format!(", {} unread", label::size(bytes.into())));
        }
        (socket.inode.to_string(), Value::from(about))
    });
    Value::Object(about.collect::<Object<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_end_its_element_and_stays_what_it_is() {
        let value = json!({"name": "</script><!-- & \u{2028}"});
        let text = harmless(&value.to_string());
        assert!(!text.contains(['<', '>', '&']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn what_is_filled_in_is_not_filled_in_again() {
        let page = fill(&[("summary", "{{data}}"), ("data", "secret")]);
        assert_eq!(page.matches("secret").count(), 1);
        assert!(page.contains("{{data}}"));
    }

    #[test]
    fn the_page_asks_for_nothing_from_outside() {
        let page = fill(&[("css", include_str!("page.css")), ("script", include_str!("page.js"))]);
        for word in
            ["http://", "https://", "url(", "@import", "import(", "fetch(", "src=", "innerHTML"]
        {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}
