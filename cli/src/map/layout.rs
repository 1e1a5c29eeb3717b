//! Where the nodes of a graph are drawn: the same graph gives the same picture.
//!
//! ```text
//!   parts that hang together ─┬─ few nodes ──► layered: columns, clients left of servers
//!                             └─ many ───────► islands: a hub in the middle, and beside it those
//!                                              that mostly talk to it
//!                                  └─────────► spread: islands that talk to each other near each
//!                                              other, in rows
//!   parts ──► rows
//! ```
//! Nodes are cards with text, so they are kept apart as rectangles: nothing ever overlaps.

mod island;
mod layered;
mod spread;

use super::graph::{Graph, Relation};
use island::Island;
use std::collections::{BTreeMap, BTreeSet};

/// A rectangle; `y` grows downwards.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Rect {
    fn moved(self, x: f64, y: f64) -> Rect {
        Rect { x: self.x + x, y: self.y + y, ..self }
    }

    /// Whether two rectangles have a point in common.
    #[cfg(test)]
    pub fn overlaps(&self, other: &Rect) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.y + other.h
            && other.y < self.y + self.h
    }
}

/// The picture.
#[derive(Debug, Default)]
pub struct Layout {
    pub width: f64,
    pub height: f64,
    /// For each node its card.
    pub cards: Vec<Rect>,
    /// The hub of each group of cards, and the space that the group takes.
    pub islands: Vec<(usize, Rect)>,
}

/// The width of a card.
pub const CARD: f64 = 190.0;
/// The height of a line of text.
pub const LINE: f64 = 17.0;
/// So many ports of a node are shown on its card.
pub const PORTS: usize = 4;
/// Space around everything, and between islands.
const MARGIN: f64 = 48.0;
/// Pictures are about so much wider than high.
const ASPECT: f64 = 1.6;

/// The height of the card of a node with so many ports.
fn height(ports: usize) -> f64 {
    let lines = 2 + ports.min(PORTS) + usize::from(ports > PORTS);
    lines as f64 * LINE + 12.0
}

/// Places every node.
pub fn layout(graph: &Graph) -> Layout {
    let mut ports = vec![0; graph.nodes.len()];
    for port in &graph.ports {
        ports[port.node] += 1;
    }
    let heights: Vec<f64> = ports.iter().map(|ports| height(*ports)).collect();
    let neighbours = graph.neighbours();
    let (mut islands, rest) = small(graph, &heights);
    islands.extend(island::islands(&rest, &neighbours, &ports, &heights));
    let weights = weights(&islands, &neighbours);
    let mut layout =
        Layout { cards: vec![Rect::default(); graph.nodes.len()], ..Layout::default() };
    let parts: Vec<Part> = parts(islands.len(), weights.keys())
        .into_iter()
        .map(|p| Part::new(p, &islands, &weights))
        .collect();
    let corners = rows(&parts);
    for (part, (x, y)) in parts.iter().zip(corners) {
        for (at, (px, py)) in part.islands.iter().zip(&part.corners) {
            let island = &islands[*at];
            let (x, y) = (x + px, y + py);
            for (node, card) in &island.cards {
                layout.cards[*node] = card.moved(x, y);
            }
            layout.islands.push((island.hub, Rect { x, y, w: island.w, h: island.h }));
        }
    }
    for card in &layout.cards {
        layout.width = layout.width.max(card.x + card.w + MARGIN);
        layout.height = layout.height.max(card.y + card.h + MARGIN);
    }
    layout
}

/// The parts that are small enough for columns, and the nodes of all others.
fn small(graph: &Graph, heights: &[f64]) -> (Vec<Island>, Vec<usize>) {
    let between = graph.links.iter().map(|link| &link.between);
    let talk = between.filter(|b| b.relation != Relation::Shares && b.from != b.to);
    let links: BTreeSet<(usize, usize)> = talk.map(|b| (b.from, b.to)).collect();
    let (mut islands, mut rest) = (Vec::new(), Vec::new());
    for part in parts(graph.nodes.len(), links.iter()) {
        match layered::layered(&part, &links, heights) {
            Some(island) => islands.push(island),
            None => rest.extend(part),
        }
    }
    rest.sort_unstable();
    (islands, rest)
}

/// How many connections there are between islands, from the lower number to the higher.
type Weights = BTreeMap<(usize, usize), usize>;

fn weights(islands: &[Island], neighbours: &[BTreeMap<usize, usize>]) -> Weights {
    let mut island_of = vec![0; neighbours.len()];
    for (i, island) in islands.iter().enumerate() {
        for (node, _) in &island.cards {
            island_of[*node] = i;
        }
    }
    let mut weights = Weights::new();
    for (node, neighbours) in neighbours.iter().enumerate() {
        for (other, count) in neighbours.range(node + 1..) {
            let (a, b) = (island_of[node], island_of[*other]);
            if a != b {
                *weights.entry((a.min(b), a.max(b))).or_default() += count;
            }
        }
    }
    weights
}

/// Those that hang together, in their order.
fn parts<'a>(count: usize, pairs: impl Iterator<Item = &'a (usize, usize)>) -> Vec<Vec<usize>> {
    let mut lowest: Vec<usize> = (0..count).collect();
    fn root(lowest: &mut [usize], mut at: usize) -> usize {
        while lowest[at] != at {
            lowest[at] = lowest[lowest[at]];
            at = lowest[at];
        }
        at
    }
    for (a, b) in pairs {
        let (a, b) = (root(&mut lowest, *a), root(&mut lowest, *b));
        lowest[a.max(b)] = a.min(b);
    }
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in 0..count {
        parts.entry(root(&mut lowest, at)).or_default().push(at);
    }
    parts.into_values().collect()
}

/// Islands that hang together, spread out.
struct Part {
    islands: Vec<usize>,
    /// The upper left corner of each.
    corners: Vec<(f64, f64)>,
    w: f64,
    h: f64,
}

impl Part {
    fn new(islands: Vec<usize>, all: &[Island], weights: &Weights) -> Part {
        let sizes: Vec<(f64, f64)> =
            islands.iter().map(|i| (all[*i].w + MARGIN, all[*i].h + MARGIN)).collect();
        let own = |at: &usize| islands.binary_search(at).ok();
        let attracted: Vec<(usize, usize, f64)> =
            weights.iter().filter_map(|((a, b), n)| Some((own(a)?, own(b)?, *n as f64))).collect();
        let corners = spread::spread(&sizes, &attracted);
        let far = |of: fn(&(f64, f64)) -> f64| {
            corners.iter().zip(&sizes).map(|(c, s)| of(c) + of(s)).fold(0.0, f64::max)
        };
        Part { w: far(|p| p.0), h: far(|p| p.1), islands, corners }
    }
}

/// The upper left corners of the parts, the highest first, in rows.
fn rows(parts: &[Part]) -> Vec<(f64, f64)> {
    let area: f64 = parts.iter().map(|p| p.w * p.h).sum();
    let widest = parts.iter().map(|p| p.w).fold(0.0, f64::max);
    let width = (area * ASPECT).sqrt().max(widest);
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| parts[*b].h.total_cmp(&parts[*a].h).then(a.cmp(b)));
    let mut corners = vec![(0.0, 0.0); parts.len()];
    let (mut x, mut y, mut row) = (MARGIN, MARGIN, 0.0);
    for at in order {
        let part = &parts[at];
        if x > MARGIN && x + part.w > width + MARGIN {
            (x, y, row) = (MARGIN, y + row, 0.0);
        }
        corners[at] = (x, y);
        x += part.w;
        row = part.h.max(row);
    }
    corners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::graph::{Between, Link, Node, Relation};
    use sunpath::SocketType;

    /// So many servers, each with clients of its own, some of which talk to the next one, too.
    fn graph(servers: usize, clients: usize) -> Graph {
        let node = |pid: usize| Node {
            pids: vec![pid as u32],
            name: b"p".to_vec(),
            uid: None,
            alone: 0,
            widowed: 0,
        };
        let total = servers * (clients + 1);
        let mut graph = Graph { nodes: (1..=total).map(node).collect(), ..Graph::default() };
        let mut link = |from, to| {
            let between = Between {
                from,
                to,
                relation: Relation::Connected,
                kind: SocketType::Stream,
                namespace: 1,
                port: None,
                name: None,
            };
            let ends = vec![(0, 0); 1 + from % 3];
            graph.links.push(Link { between, ends, at_client: 0, at_server: 0, in_flight: 0 });
        };
        for client in servers..total {
            link(client, client % servers);
            if client % 7 == 0 {
                link(client, (client + 1) % servers);
            }
        }
        graph
    }

    #[test]
    fn no_card_overlaps_another_and_all_are_within_the_picture() {
        for (servers, clients) in [(0, 0), (1, 0), (1, 4), (1, 60), (3, 9), (20, 24), (90, 2)] {
            let layout = layout(&graph(servers, clients));
            for (i, card) in layout.cards.iter().enumerate() {
                assert!(card.x >= 0.0 && card.x + card.w <= layout.width, "{card:?}");
                assert!(card.y >= 0.0 && card.y + card.h <= layout.height, "{card:?}");
                let clash = layout.cards[..i].iter().find(|other| other.overlaps(card));
                assert_eq!(clash, None, "{servers} {clients}: {card:?}");
            }
        }
    }

    #[test]
    fn five_thousand_pairs_of_five_hundred_nodes_are_placed_at_once() {
        let mut graph = graph(1, 499);
        let template = graph.links[0].clone();
        for (i, far) in (0..5_000).zip((1..20).cycle()) {
            let mut link = template.clone();
            (link.between.from, link.between.to) = (i % 500, (i % 500 + far * 23) % 500);
            graph.links.push(link);
        }
        let start = std::time::Instant::now();
        let layout = layout(&graph);
        // Without optimisation it takes ten times as long.
        let most = if cfg!(debug_assertions) { 10.0 } else { 1.0 };
        assert!(start.elapsed().as_secs_f64() < most, "{:?}", start.elapsed());
        for (i, card) in layout.cards.iter().enumerate() {
            assert!(!layout.cards[..i].iter().any(|other| other.overlaps(card)), "{card:?}");
        }
    }

    #[test]
    fn the_same_graph_gives_the_same_picture() {
        let (one, two) = (layout(&graph(8, 12)), layout(&graph(8, 12)));
        assert_eq!(one.cards, two.cards);
    }

    #[test]
    fn large_pictures_stay_about_as_wide_as_a_screen() {
        for (servers, clients) in [(1, 400), (20, 24), (200, 1)] {
            let layout = layout(&graph(servers, clients));
            let aspect = layout.width / layout.height;
            assert!((0.6..4.0).contains(&aspect), "{servers} {clients}: {aspect}");
        }
    }
}
