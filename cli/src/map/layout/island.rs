//! Islands: a hub, and beside it those that mostly talk to it.

use super::{CARD, Rect};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A hub with its members. Positions are relative to its upper left corner.
pub(super) struct Island {
    pub hub: usize,
    pub cards: Vec<(usize, Rect)>,
    pub w: f64,
    pub h: f64,
}

/// Who talks to so many others is a hub in any case.
const HUB: usize = 4;
/// Between the hub and its members, where the lines run.
const GAP: f64 = 80.0;
/// Between members.
const SPACE: f64 = 10.0;

/// Every one of these nodes in one island.
pub(super) fn islands(
    nodes: &[usize],
    neighbours: &[BTreeMap<usize, usize>],
    ports: &[usize],
    heights: &[f64],
) -> Vec<Island> {
    let mut order = nodes.to_vec();
    order.sort_by_key(|node| (Reverse(neighbours[*node].len()), ports[*node] == 0, *node));
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for node in order {
        let own = &neighbours[node];
        let hubs = own.iter().filter(|(other, _)| members.contains_key(other));
        // The hub that it talks to most; then the one that fewer others talk to, as it says more.
        let main = hubs.min_by_key(|(hub, count)| (Reverse(**count), neighbours[**hub].len()));
        match main {
            Some((hub, _)) if own.len() < HUB => members.entry(*hub).or_default().push(node),
            _ => drop(members.insert(node, Vec::new())),
        }
    }
    members.into_iter().map(|(hub, members)| island(hub, members, heights)).collect()
}

/// Places the hub in the middle and its members in columns: few at its left, many at both sides.
fn island(hub: usize, mut members: Vec<usize>, heights: &[f64]) -> Island {
    const FEW: usize = 6;
    members.sort_unstable();
    // So the island gets about as wide as it should be, with cards four times as wide as high.
    let rows = ((2.0 * members.len() as f64).sqrt().ceil() as usize).max(FEW);
    let sides = if members.len() <= FEW { 1 } else { 2 };
    let half = members.len().div_ceil(sides);
    let (left, right) = members.split_at(half.min(members.len()));
    let columns = |side: &[usize]| -> Vec<Vec<usize>> {
        let count = side.len().div_ceil(rows).max(1);
        let each = side.len().div_ceil(count).max(1);
        side.chunks(each).map(<[usize]>::to_vec).collect()
    };
    let (left, right) = (columns(left), columns(right));
    let tall =
        |column: &Vec<usize>| column.iter().map(|node| heights[*node] + SPACE).sum::<f64>() - SPACE;
    let h = left.iter().chain(&right).map(tall).fold(heights[hub], f64::max);
    let mut cards = Vec::new();
    let mut x = 0.0;
    let mut fill = |column: &[usize], x: f64, tall: f64| {
        let mut y = (h - tall) / 2.0;
        for node in column {
            cards.push((*node, Rect { x, y, w: CARD, h: heights[*node] }));
            y += heights[*node] + SPACE;
        }
    };
    for column in &left {
        fill(column, x, tall(column));
        x += CARD + SPACE;
    }
    x += if left.is_empty() { 0.0 } else { GAP - SPACE };
    fill(&[hub], x, heights[hub]);
    x += CARD + if right.is_empty() { 0.0 } else { GAP };
    for column in &right {
        fill(column, x, tall(column));
        x += CARD + SPACE;
    }
    let w = if right.is_empty() { x } else { x - SPACE };
    Island { hub, cards, w, h }
}
