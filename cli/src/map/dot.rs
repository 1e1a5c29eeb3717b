//! The graph for Graphviz.

use super::graph::{Port, Relation};
use super::{Map, label};

/// So many ports of a process are named in its box.
const PORTS: usize = 8;

/// The whole text.
pub fn dot(map: &Map<'_>) -> String {
    let graph = &map.graph;
    let mut out = String::from(
        "digraph sunpath {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  \
         edge [fontname=\"sans-serif\", fontsize=10];\n",
    );
    for (at, node) in graph.nodes.iter().enumerate() {
        let mut lines = vec![label::process(map, node)];
        lines.extend(Some(label::user(map, node)).filter(|user| !user.is_empty()));
        let ports: Vec<&Port> = graph.ports.iter().filter(|p| p.node == at).collect();
        lines.extend(ports.iter().take(PORTS).map(|port| {
            let name = label::address(port.name.as_deref());
            format!("{name} ({})", label::port(port))
        }));
        if ports.len() > PORTS {
            lines.push(format!("and {} more", ports.len() - PORTS));
        }
        out.push_str(&format!("  n{at} [label={}];\n", quoted(&lines)));
    }
    for link in &graph.links {
        let between = &link.between;
        let mut lines = vec![label::address(between.name.as_deref())];
        lines.push(label::relation(link));
        lines.extend(label::queues(link));
        lines.retain(|line| !line.is_empty());
        let style = match between.relation {
            Relation::Connected => "solid",
            Relation::Waiting => "dashed",
            Relation::Sends => "bold",
            Relation::Shares => "dotted",
        };
        let colour = if link.queued() > 0 { ", color=\"#b45309\"" } else { "" };
        out.push_str(&format!(
            "  n{} -> n{} [label={}, style={style}{colour}];\n",
            between.from,
            between.to,
            quoted(&lines)
        ));
    }
    out.push_str("}\n");
    out
}

/// Lines of text as a string in quotes. A backslash starts an escape in labels, and an ampersand a
/// character's name.
fn quoted(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    format!("\"{}\"", lines.join("\\n"))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_ends_a_string_early() {
        assert_eq!(super::escape("a\"b\\x1b<&"), "a\\\"b\\\\x1b&lt;&amp;");
    }
}
