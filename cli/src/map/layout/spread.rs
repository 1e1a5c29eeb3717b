//! Spreads rectangles out: those that belong together near each other, in rows without gaps.
//!
//! Forces find who should be near whom; then the places are taken as an order only: from top to
//! bottom into rows, and in each row from left to right.

use super::ASPECT;

/// The upper left corners for rectangles of these sizes; pairs attract each other by their weight.
pub(super) fn spread(sizes: &[(f64, f64)], pairs: &[(usize, usize, f64)]) -> Vec<(f64, f64)> {
    let mut centres = spiral(sizes);
    attract(&mut centres, sizes, pairs);
    rows(&centres, sizes)
}

/// The typical distance of neighbours.
fn unit(sizes: &[(f64, f64)]) -> f64 {
    let area: f64 = sizes.iter().map(|(w, h)| w * h).sum();
    (area / sizes.len().max(1) as f64).sqrt().max(1.0)
}

/// A start without two in one place: a sunflower's.
fn spiral(sizes: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let golden = std::f64::consts::PI * (3.0 - 5f64.sqrt());
    let place = |i: usize| {
        let (radius, angle) = (unit(sizes) * (i as f64).sqrt(), i as f64 * golden);
        (radius * angle.cos() * ASPECT, radius * angle.sin())
    };
    (0..sizes.len()).map(place).collect()
}

/// Moves by forces: every two repel each other, pairs attract each other, the middle attracts all.
/// The steps get smaller; with many rectangles there are fewer of them.
fn attract(centres: &mut [(f64, f64)], sizes: &[(f64, f64)], pairs: &[(usize, usize, f64)]) {
    const WORK: usize = 12_000_000;
    let n = centres.len();
    let unit = unit(sizes);
    let steps = (WORK / (n * n).max(1)).clamp(10, 300);
    for step in 0..steps {
        let most = unit * 2.0 * (1.0 - step as f64 / steps as f64);
        let mut force = vec![(0.0, 0.0); n];
        let mut push = |a: usize, b: usize, strength: f64, (dx, dy): (f64, f64)| {
            force[a].0 += dx * strength;
            force[a].1 += dy * strength;
            force[b].0 -= dx * strength;
            force[b].1 -= dy * strength;
        };
        let apart = |a: usize, b: usize| (centres[a].0 - centres[b].0, centres[a].1 - centres[b].1);
        for a in 0..n {
            for b in 0..a {
                let (dx, dy) = apart(a, b);
                let square = (dx * dx + dy * dy).max(1.0);
                push(a, b, unit * unit / square, (dx, dy));
            }
        }
        for (a, b, weight) in pairs {
            let (dx, dy) = apart(*a, *b);
            let far = (dx * dx + dy * dy).sqrt();
            push(*a, *b, -far / unit * (1.0 + weight.ln().min(4.0) / 4.0) / 2.0, (dx, dy));
        }
        for (centre, (x, y)) in centres.iter_mut().zip(&force) {
            let (x, y) = (x - centre.0 * 0.05, y - centre.1 * 0.05 * ASPECT);
            let long = (x * x + y * y).sqrt().max(1e-9);
            let scale = long.min(most) / long;
            centre.0 += x * scale;
            centre.1 += y * scale;
        }
    }
}

/// Rows that are about equally long and together about as wide as a picture should be.
fn rows(centres: &[(f64, f64)], sizes: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let area: f64 = sizes.iter().map(|(w, h)| w * h).sum();
    let widest = sizes.iter().map(|s| s.0).fold(1.0, f64::max);
    let length: f64 = sizes.iter().map(|s| s.0).sum();
    let count = (length / (area * ASPECT).sqrt().max(widest)).ceil().max(1.0);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|a, b| centres[*a].1.total_cmp(&centres[*b].1).then(a.cmp(b)));
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    let mut before = 0.0;
    for at in order {
        // A rectangle is in the row in which its middle falls.
        let row = ((before + sizes[at].0 / 2.0) * count / length) as usize;
        rows.resize(rows.len().max(row + 1), Vec::new());
        rows[row].push(at);
        before += sizes[at].0;
    }
    let long = |row: &Vec<usize>| row.iter().map(|at| sizes[*at].0).sum::<f64>();
    let width = rows.iter().map(long).fold(0.0, f64::max);
    let mut corners = vec![(0.0, 0.0); sizes.len()];
    let mut y = 0.0;
    for mut row in rows {
        row.sort_by(|a, b| centres[*a].0.total_cmp(&centres[*b].0).then(a.cmp(b)));
        let mut x = (width - long(&row)) / 2.0;
        let high = row.iter().map(|at| sizes[*at].1).fold(0.0, f64::max);
        for at in row {
            corners[at] = (x, y + (high - sizes[at].1) / 2.0);
            x += sizes[at].0;
        }
        y += high;
    }
    corners
}
