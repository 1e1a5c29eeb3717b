//! The graph as a tree: servers, their ports, and below each who comes there.
//!
//! ```text
//!   app-server[4711] www-data
//!   ├ /run/app.sock  stream, listening, 0/128 waiting
//!   │ └ client[4720] alice  3 connections, 12 B unread by the server
//!   └ without a name
//!     └ helper[4712] www-data  1 connection
//! ```

use super::graph::{Graph, Link, Relation};
use super::{Map, label};
use crate::render::text::{columns, count, wrap};
use crate::render::{CODE, DIM, DOUBT, HEAD, paint};
use std::collections::{BTreeMap, BTreeSet};

/// The whole text, for lines of this many columns.
pub fn text(map: &Map<'_>, width: usize) -> String {
    let mut tree = Tree { map, width, out: String::new() };
    let graph = &map.graph;
    // What each node serves: at its ports, at names that no listener has any more, and without.
    let mut served: BTreeMap<usize, BTreeMap<Place, Vec<&Link>>> = BTreeMap::new();
    for (at, port) in graph.ports.iter().enumerate() {
        served.entry(port.node).or_default().entry(Place::Port(at)).or_default();
    }
    for link in graph.links.iter().filter(|l| l.between.relation != Relation::Shares) {
        let between = &link.between;
        let place = match (between.port, &between.name) {
            (Some(port), _) => Place::Port(port),
            (None, Some(name)) => Place::Lost(name),
            (None, None) => Place::Unnamed,
        };
        served.entry(between.to).or_default().entry(place).or_default().push(link);
    }
    let busy = |node: &usize| served[node].values().flatten().map(|l| l.count()).sum::<usize>();
    let mut order: Vec<usize> = served.keys().copied().collect();
    order.sort_by_key(|node| std::cmp::Reverse(busy(node)));
    for node in order {
        tree.server(node, &served[&node]);
    }
    tree.summary();
    tree.out
}

/// Where clients come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    Port(usize),
    /// A name whose listener is gone, or not shown.
    Lost(&'a [u8]),
    Unnamed,
}

struct Tree<'a> {
    map: &'a Map<'a>,
    width: usize,
    out: String,
}

impl Tree<'_> {
    fn server(&mut self, node: usize, places: &BTreeMap<Place<'_>, Vec<&Link>>) {
        let graph = &self.map.graph;
        let shown = &graph.nodes[node];
        let head = paint(HEAD, &label::process(self.map, shown));
        self.line("", "", &head, &paint(DIM, &label::user(self.map, shown)));
        let last = places.len() - 1;
        for (i, (place, links)) in places.iter().enumerate() {
            let (branch, below) = branches(i == last);
            let also: &[usize] = match place {
                Place::Port(port) => &graph.ports[*port].also,
                _ => &[],
            };
            let (name, about) = self.place(*place);
            self.line(branch, below, &name, &about);
            let total = also.len().min(1) + links.len();
            let mut links = links.clone();
            links.sort_by_key(|l| (std::cmp::Reverse(l.count()), l.between.from));
            for (i, link) in links.iter().enumerate() {
                let (branch, under) = branches(i + 1 == total);
                let (who, what) = self.client(link);
                self.line(&format!("{below}{branch}"), &format!("{below}{under}"), &who, &what);
            }
            if !also.is_empty() {
                let (branch, under) = branches(true);
                let others = self.others(also);
                self.line(&format!("{below}{branch}"), &format!("{below}{under}"), &others, "");
            }
        }
    }

    /// What a port or another place is called, and what is to be said of it.
    fn place(&self, place: Place<'_>) -> (String, String) {
        match place {
            Place::Port(port) => {
                let port = &self.map.graph.ports[port];
                let name = label::address(port.name.as_deref());
                let name = if name.is_empty() { "(no name)".into() } else { name };
                (paint(CODE, &name), format!("{}, {}", port.kind.name(), label::port(port)))
            }
            Place::Lost(name) => {
                (paint(CODE, &label::address(Some(name))), "its listener is not there".into())
            }
            Place::Unnamed => ("without a name".into(), String::new()),
        }
    }

    fn client(&self, link: &Link) -> (String, String) {
        let between = &link.between;
        let node = &self.map.graph.nodes[between.from];
        let who = match between.from == between.to {
            true => "itself".into(),
            false => label::process(self.map, node),
        };
        let user = label::user(self.map, node);
        let mut about = vec![label::relation(link)];
        about.extend(label::queues(link).into_iter().map(|text| paint(DOUBT, &text)));
        (format!("{who} {}", paint(DIM, &user)), about.join(", "))
    }

    fn others(&self, nodes: &[usize]) -> String {
        const MOST: usize = 4;
        let named = nodes.iter().take(MOST);
        let named: Vec<_> =
            named.map(|n| label::process(self.map, &self.map.graph.nodes[*n])).collect();
        let more = match nodes.len().saturating_sub(MOST) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        paint(DIM, &format!("also held by {}{more}", named.join(", ")))
    }

    /// A name and, beside it or on lines of its own, what is to be said of it.
    fn line(&mut self, before: &str, below: &str, name: &str, about: &str) {
        let name = name.trim_end();
        self.out.push_str(&format!("{before}{name}"));
        let at = columns(before) + columns(name) + 2;
        if about.is_empty() {
        } else if at + columns(about) <= self.width {
            self.out.push_str(&format!("  {about}"));
        } else {
            let indent = columns(below) + 4;
            for line in wrap(about, 0, self.width.saturating_sub(indent).max(20)).lines() {
                self.out.push_str(&format!("\n{below}    {line}"));
            }
        }
        self.out.push('\n');
    }

    fn summary(&mut self) {
        let graph = &self.map.graph;
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        let text = wrap(&summary(graph), 0, self.width);
        self.out.push_str(&format!("{text}\n"));
    }
}

/// What one glance should tell: `5 processes, 3 connections, ...`.
pub fn summary(graph: &Graph) -> String {
    let processes = graph.nodes.iter().map(|n| n.pids.len()).sum();
    let linked = graph.links.iter().flat_map(|l| [l.between.from, l.between.to]);
    let linked: BTreeSet<usize> = linked.chain(graph.ports.iter().map(|p| p.node)).collect();
    let alone: u32 = graph.nodes.iter().map(|n| n.alone).sum();
    let widowed: u32 = graph.nodes.iter().map(|n| n.widowed).sum();
    let es = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "es" });
    let mut parts = vec![
        es(processes, "process"),
        es(graph.ports.len(), "address"),
        count(graph.total(Relation::Connected), "connection"),
    ];
    let waiting = graph.total(Relation::Waiting);
    if waiting > 0 {
        parts.push(format!("{waiting} waiting to be accepted"));
    }
    let senders = graph.total(Relation::Sends);
    if senders > 0 {
        parts.push(count(senders, "datagram sender"));
    }
    if widowed > 0 {
        parts.push(format!("{} whose other end is closed", count(widowed as usize, "socket")));
    }
    match alone {
        0 => {}
        1 => parts.push("1 socket that talks to nobody".into()),
        n => parts.push(format!("{n} sockets that talk to nobody")),
    }
    match graph.nodes.len() - linked.len() {
        0 => {}
        1 => parts.push("1 process that has only such sockets".into()),
        n => parts.push(format!("{n} processes that have only such sockets")),
    }
    format!("{}.", parts.join(", "))
}

/// What stands before an entry, and before what is below it.
fn branches(last: bool) -> (&'static str, &'static str) {
    if last { ("└ ", "  ") } else { ("├ ", "│ ") }
}
