//! Small parts of a graph in columns: clients at the left, those that serve them at their right.

use super::island::Island;
use super::{CARD, Rect};
use std::collections::BTreeSet;

/// What fits on a screen.
const NODES: usize = 24;
const ROWS: usize = 8;
const COLUMNS: usize = 6;
/// Between columns, where the lines run, and between the cards of one.
const GAP: f64 = 90.0;
const SPACE: f64 = 18.0;

/// Places these nodes, which hang together by these links from client to server. `None`: there are
/// too many of them, or too many in one column.
pub(super) fn layered(
    nodes: &[usize],
    links: &BTreeSet<(usize, usize)>,
    heights: &[f64],
) -> Option<Island> {
    if !(2..=NODES).contains(&nodes.len()) {
        return None;
    }
    let own = |node: &usize| nodes.binary_search(node).ok();
    let links: Vec<(usize, usize)> =
        links.iter().filter_map(|(from, to)| Some((own(from)?, own(to)?))).collect();
    let mut columns = columns(nodes.len(), &forward(nodes.len(), &links));
    if columns.len() > COLUMNS || columns.iter().any(|column| column.len() > ROWS) {
        return None;
    }
    straighten(&mut columns, &links);
    let degree = |at: usize| links.iter().filter(|(a, b)| *a == at || *b == at).count();
    let hub = (0..nodes.len()).max_by_key(|at| (degree(*at), std::cmp::Reverse(*at)))?;
    let tall =
        |column: &[usize]| column.iter().map(|at| heights[nodes[*at]] + SPACE).sum::<f64>() - SPACE;
    let h = columns.iter().map(|column| tall(column)).fold(0.0, f64::max);
    let mut cards = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        let (x, mut y) = (i as f64 * (CARD + GAP), (h - tall(column)) / 2.0);
        for at in column {
            let node = nodes[*at];
            cards.push((node, Rect { x, y, w: CARD, h: heights[node] }));
            y += heights[node] + SPACE;
        }
    }
    let w = columns.len() as f64 * (CARD + GAP) - GAP;
    Some(Island { hub: nodes[hub], cards, w, h })
}

/// The links without those that would close a circle, each from an earlier node in the order that
/// is returned to a later one.
fn forward(count: usize, links: &[(usize, usize)]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let mut clients = vec![0; count];
    links.iter().for_each(|(_, to)| clients[*to] += 1);
    let mut starts: Vec<usize> = (0..count).collect();
    starts.sort_by_key(|at| clients[*at]);
    // Those visited, in the order in which all behind them was done.
    let mut done = Vec::new();
    let mut seen = vec![false; count];
    for start in starts {
        visit(start, links, &mut seen, &mut done);
    }
    done.reverse();
    let mut place = vec![0; count];
    done.iter().enumerate().for_each(|(i, at)| place[*at] = i);
    let kept = links.iter().copied().filter(|(from, to)| place[*from] < place[*to]).collect();
    (done, kept)
}

/// Recursive, over a few nodes only.
fn visit(at: usize, links: &[(usize, usize)], seen: &mut [bool], done: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[at], true) {
        return;
    }
    for (_, to) in links.iter().filter(|(from, _)| *from == at) {
        visit(*to, links, seen, done);
    }
    done.push(at);
}

/// Each node right of all its clients, and then as near to its servers as can be.
fn columns(count: usize, (order, links): &(Vec<usize>, Vec<(usize, usize)>)) -> Vec<Vec<usize>> {
    let mut column = vec![0usize; count];
    for at in order {
        let before = links.iter().filter(|(_, to)| to == at).map(|(from, _)| column[*from] + 1);
        column[*at] = before.max().unwrap_or(0);
    }
    for at in order.iter().rev() {
        let after = links.iter().filter(|(from, _)| from == at).map(|(_, to)| column[*to]);
        column[*at] = after.min().map_or(column[*at], |nearest| nearest - 1);
    }
    let most = column.iter().max().copied().unwrap_or(0);
    let nodes = |i: usize| (0..count).filter(|at| column[*at] == i).collect();
    let columns = (0..=most).map(nodes);
    columns.filter(|column: &Vec<usize>| !column.is_empty()).collect()
}

/// Orders each column so that lines cross less: each node at the middle of those it talks to.
fn straighten(columns: &mut [Vec<usize>], links: &[(usize, usize)]) {
    const SWEEPS: usize = 6;
    let count = columns.iter().map(Vec::len).sum();
    for sweep in 0..SWEEPS {
        for step in 0..columns.len() {
            let at = if sweep % 2 == 0 { step } else { columns.len() - 1 - step };
            let mut height = vec![0.0; count];
            for column in columns.iter() {
                for (row, node) in column.iter().enumerate() {
                    height[*node] = row as f64 - (column.len() - 1) as f64 / 2.0;
                }
            }
            let middle = |node: usize| {
                let others = links.iter().filter_map(|(a, b)| match (*a == node, *b == node) {
                    (true, _) => Some(height[*b]),
                    (_, true) => Some(height[*a]),
                    _ => None,
                });
                let (sum, count) = others.fold((0.0, 0.0), |(sum, n), h| (sum + h, n + 1.0));
                if count > 0.0 { sum / count } else { height[node] }
            };
            columns[at].sort_by(|a, b| middle(*a).total_cmp(&middle(*b)).then(a.cmp(b)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xs(links: &[(usize, usize)], count: usize) -> Vec<f64> {
        let nodes: Vec<usize> = (0..count).collect();
        let links = links.iter().copied().collect();
        let mut cards = layered(&nodes, &links, &vec![40.0; count]).unwrap().cards;
        cards.sort_by_key(|(node, _)| *node);
        cards.iter().map(|(_, card)| card.x).collect()
    }

    #[test]
    fn servers_are_at_the_right_of_their_clients() {
        let x = xs(&[(0, 1), (1, 2), (0, 2), (3, 2)], 4);
        assert!(x[0] < x[1] && x[1] < x[2], "{x:?}");
        assert_eq!(x[3], x[1], "a client is near its server: {x:?}");
    }

    #[test]
    fn circles_are_cut_somewhere() {
        let x = xs(&[(0, 1), (1, 2), (2, 0)], 3);
        assert_eq!(x.iter().filter(|x| **x == 0.0).count(), 1, "{x:?}");
        assert_eq!(xs(&[(0, 1), (1, 0)], 2).len(), 2);
    }

    #[test]
    fn what_is_too_much_for_a_screen_is_left_to_others() {
        let star: BTreeSet<(usize, usize)> = (1..12).map(|client| (client, 0)).collect();
        let nodes: Vec<usize> = (0..12).collect();
        assert!(layered(&nodes, &star, &[40.0; 12]).is_none());
    }
}
