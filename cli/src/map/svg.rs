//! The graph as a picture.

use super::graph::{Graph, Link, Node, Port, Relation};
use super::label::{self, cut, cut_path};
use super::layout::{CARD, LINE, Layout, PORTS, Rect, layout};
use super::{Map, text};
use std::fmt::Write;

/// A file of its own: light and dark, as the reader's system is.
pub fn file(map: &Map<'_>) -> String {
    let layout = layout(&map.graph);
    let (width, height) = (layout.width.max(200.0), layout.height.max(60.0));
    let title = xml(&text::summary(&map.graph));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
         aria-label=\"Who talks to whom: {title}\">\n<style>\n{}</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n{}</svg>\n",
        include_str!("picture.css"),
        drawing(map, &layout, "arrow")
    )
}

/// What is drawn, without the element around it. Nodes, ports and links tell their numbers; the
/// head of an arrow has a name, of which a page may have one only.
pub fn drawing(map: &Map<'_>, layout: &Layout, arrow: &str) -> String {
    let graph = &map.graph;
    let ports = ports(graph);
    let mut out = format!(
        "<defs><marker id=\"{arrow}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
         <path class=\"arrow\" d=\"M0 1 8 4 0 7Z\"/></marker></defs>\n",
    );
    for (_, place) in layout.islands.iter().filter(|(hub, place)| place.w > layout.cards[*hub].w) {
        let Rect { x, y, w, h } = place;
        let (x, y, w, h) = (x - 12.0, y - 12.0, w + 24.0, h + 24.0);
        push(
            &mut out,
            format_args!(
                "<rect class=\"island\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" \
                 height=\"{h:.1}\" rx=\"14\"/>\n"
            ),
        );
    }
    for (at, link) in graph.links.iter().enumerate() {
        if link.between.from != link.between.to {
            let path = path(layout, &ports, link);
            line(&mut out, map, &path, arrow, at, link);
        }
    }
    let traffic = traffic(graph);
    for (at, node) in graph.nodes.iter().enumerate() {
        card(&mut out, map, &layout.cards[at], at, node, &ports[at], traffic[at]);
    }
    for (hub, place) in &layout.islands {
        far(&mut out, map, &graph.nodes[*hub], *hub, place);
    }
    out
}

/// The ports of each node, those with the most clients first.
fn ports(graph: &Graph) -> Vec<Vec<usize>> {
    let mut clients = vec![0; graph.ports.len()];
    for link in &graph.links {
        if let Some(port) = link.between.port {
            clients[port] += link.count();
        }
    }
    let mut ports = vec![Vec::new(); graph.nodes.len()];
    for (at, port) in graph.ports.iter().enumerate() {
        ports[port.node].push(at);
    }
    for own in &mut ports {
        own.sort_by_key(|port| std::cmp::Reverse(clients[*port]));
    }
    ports
}

/// The connections of each node, and the bytes that wait in them.
fn traffic(graph: &Graph) -> Vec<(usize, u64)> {
    let mut traffic = vec![(0, 0); graph.nodes.len()];
    for link in graph.links.iter().filter(|l| l.between.relation != Relation::Shares) {
        let mut nodes = vec![link.between.from, link.between.to];
        nodes.dedup();
        for node in nodes {
            traffic[node].0 += link.count();
            traffic[node].1 += link.queued();
        }
    }
    traffic
}

/// From the edge of the client's card to the server's port.
fn path(layout: &Layout, ports: &[Vec<usize>], link: &Link) -> String {
    let between = &link.between;
    let (from, to) = (&layout.cards[between.from], &layout.cards[between.to]);
    let shown = |port: &usize| ports[between.to].iter().take(PORTS).position(|p| p == port);
    let start = from.y + from.h / 2.0;
    let end = match between.port.as_ref().and_then(shown) {
        Some(row) => to.y + 6.0 + (row as f64 + 2.5) * LINE,
        None => to.y + LINE + 2.0,
    };
    let bend = |gap: f64| (gap / 2.0).clamp(20.0, 160.0);
    if from.x + from.w <= to.x {
        let (x1, x2) = (from.x + from.w, to.x);
        let bend = bend(x2 - x1);
        curve((x1, start), (x1 + bend, start), (x2 - bend, end), (x2, end))
    } else if to.x + to.w <= from.x {
        let (x1, x2) = (from.x, to.x + to.w);
        let bend = bend(x1 - x2);
        curve((x1, start), (x1 - bend, start), (x2 + bend, end), (x2, end))
    } else {
        // One above the other: around the left side of both.
        let x = from.x.min(to.x) - 30.0;
        curve((from.x, start), (x, start), (x, end), (to.x, end))
    }
}

fn line(out: &mut String, map: &Map<'_>, path: &str, arrow: &str, at: usize, link: &Link) {
    let between = &link.between;
    let busy = if link.queued() > 0 { " busy" } else { "" };
    let width = 1.0 + (link.count() as f64).log2().min(8.0) / 2.0;
    let nodes = &map.graph.nodes;
    let mut about = vec![
        format!(
            "{} → {}",
            label::process(map, &nodes[between.from]),
            label::process(map, &nodes[between.to])
        ),
        label::address(between.name.as_deref()),
        label::relation(link),
    ];
    about.extend(label::queues(link));
    about.retain(|part| !part.is_empty());
    let title = xml(&about.join(", "));
    let relation = between.relation.name();
    push(
        out,
        format_args!(
            "<path class=\"link {relation}{busy}\" data-l=\"{at}\" d=\"{path}\" \
             stroke-width=\"{width:.1}\" marker-end=\"url(#{arrow})\"><title>{title}</title></path>\n"
        ),
    );
}

fn curve(a: (f64, f64), b: (f64, f64), c: (f64, f64), d: (f64, f64)) -> String {
    format!(
        "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
        a.0, a.1, b.0, b.1, c.0, c.1, d.0, d.1
    )
}

fn card(
    out: &mut String,
    map: &Map<'_>,
    place: &Rect,
    at: usize,
    node: &Node,
    ports: &[usize],
    (connections, queued): (usize, u64),
) {
    let (name, user) = (label::name(map, node), label::user(map, node));
    let serves = if ports.is_empty() { "" } else { " server" };
    let full = xml(&format!("{} {user}", label::process(map, node)));
    push(
        out,
        format_args!(
            "<g class=\"node{serves}\" data-n=\"{at}\" transform=\"translate({:.1} {:.1})\">\
             <title>{full}</title><rect class=\"card\" width=\"{CARD}\" height=\"{:.1}\" rx=\"8\"/>",
            place.x, place.y, place.h
        ),
    );
    let right = CARD - 12.0;
    written(out, "name", 12.0, LINE + 2.0, &cut(&name, 16, false));
    if connections > 0 {
        written(out, "count end", right, LINE + 2.0, &format!("⇄ {connections}"));
    }
    let mut about = label::which(node);
    if !user.is_empty() {
        about.push_str(&format!(" · {user}"));
    }
    written(out, "about", 12.0, 2.0 * LINE + 2.0, &cut(&about, 20, false));
    if queued > 0 {
        written(out, "queue end", right, 2.0 * LINE + 2.0, &label::size(queued));
    }
    for (row, port) in ports.iter().take(PORTS).enumerate() {
        let y = (row as f64 + 3.0) * LINE + 2.0;
        port_line(out, *port, &map.graph.ports[*port], y);
    }
    if ports.len() > PORTS {
        let more = format!("and {} more", ports.len() - PORTS);
        written(out, "about", 12.0, (PORTS as f64 + 3.0) * LINE + 2.0, &more);
    }
    out.push_str("</g>\n");
}

fn port_line(out: &mut String, at: usize, port: &Port, y: f64) {
    const COLUMNS: usize = 25;
    let state = match (port.backlog, port.unread) {
        (Some(backlog), _) => format!("{}/{}", backlog.pending, backlog.limit),
        (None, Some(bytes)) if bytes > 0 => label::size(bytes.into()),
        _ => String::new(),
    };
    let waits = port.backlog.map_or(port.unread > Some(0), |b| b.pending > 0);
    let address = label::address(port.name.as_deref());
    let room = COLUMNS.saturating_sub(state.chars().count() + 1);
    let title = xml(&format!("{address}, {}, {}", port.kind.name(), label::port(port)));
    push(out, format_args!("<g class=\"port\" data-p=\"{at}\"><title>{title}</title>"));
    push(
        out,
        format_args!(
            "<rect class=\"row\" x=\"6\" y=\"{:.1}\" width=\"{:.1}\" height=\"{LINE}\" rx=\"4\"/>",
            y - LINE + 4.5,
            CARD - 12.0
        ),
    );
    written(out, "address", 12.0, y, &cut_path(&address, room));
    let class = if waits { "backlog end waits" } else { "backlog end" };
    written(out, class, CARD - 12.0, y, &state);
    out.push_str("</g>");
}

/// The name of an island, for when everything else is too small to be read: it fills the island.
fn far(out: &mut String, map: &Map<'_>, node: &Node, hub: usize, place: &Rect) {
    let name = label::name(map, node);
    let columns = name.chars().count().max(4) as f64;
    let size = (place.w * 0.8 / columns / 0.62).min(place.h * 0.6).min(200.0);
    let (x, y) = (place.x + place.w / 2.0, place.y + place.h / 2.0);
    push(
        out,
        format_args!(
            "<text class=\"far\" data-n=\"{hub}\" aria-hidden=\"true\" x=\"{x:.1}\" y=\"{y:.1}\" \
             style=\"--most:{size:.1}px\">{}</text>\n",
            xml(&name)
        ),
    );
}

fn written(out: &mut String, class: &str, x: f64, y: f64, text: &str) {
    if !text.is_empty() {
        let text = xml(text);
        push(out, format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{y:.1}\">{text}</text>"));
    }
}

/// Writing to a string cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Text for XML and HTML, also within quotes.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML has no place for these.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::xml;

    #[test]
    fn nothing_is_taken_for_markup() {
        assert_eq!(xml("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
        assert_eq!(xml("\u{ffff}\0\n"), "\u{fffd}\u{fffd}\u{fffd}");
    }
}
