//! The results as text and as JSON.

use super::Placement;
use super::limits::{self, Limit};
use crate::stats::{Series, ratio, time};
use serde_json::{Value, json};

/// Whom the others are compared with: the bare calls of each socket type.
pub const BASE: &str = "rustix";

/// One workload in one placement.
pub struct Group {
    pub id: &'static str,
    pub title: &'static str,
    pub placement: Placement,
    /// Messages, or connections, a round.
    pub messages: usize,
    pub rows: Vec<Row>,
}

/// A subject's times for one message.
pub struct Row {
    pub kind: &'static str,
    pub series: Series,
}

impl Group {
    /// What was measured of a subject.
    pub fn find(&self, kind: &str, name: &str) -> Option<&Series> {
        self.rows.iter().find(|r| r.kind == kind && r.series.name == name).map(|r| &r.series)
    }

    /// The median of the ratios of two subjects' times in each round.
    pub fn ratio(&self, kind: &str, name: &str, base: &str) -> Option<f64> {
        Some(ratio(self.find(kind, name)?, self.find(kind, base)?))
    }

    /// The kinds that occur, in the order in which they do.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.rows.iter().map(|row| row.kind).collect();
        let mut seen = Vec::new();
        kinds.retain(|kind| {
            !seen.contains(kind) && {
                seen.push(kind);
                true
            }
        });
        kinds
    }

    /// The subjects of a kind.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Series> {
        self.rows.iter().filter(move |row| row.kind == kind).map(|row| &row.series)
    }
}

/// Everything that a run found out.
pub struct Report {
    pub groups: Vec<Group>,
    pub seconds: u64,
}

impl Report {
    /// The group of this id and placement.
    pub fn group(&self, id: &str, placement: &str) -> Option<&Group> {
        self.groups.iter().find(|g| g.id == id && g.placement.name == placement)
    }

    /// The whole as one document.
    pub fn json(&self) -> Value {
        json!({
            "unit": "nanoseconds for one message, round trip or connection",
            "seconds": self.seconds,
            "groups": self.groups.iter().map(group_json).collect::<Vec<_>>(),
            "limits": limits::all(self).iter().map(Limit::json).collect::<Vec<_>>(),
        })
    }
}

fn group_json(group: &Group) -> Value {
    let rows = group.rows.iter().map(|row| {
        let s = &row.series;
        json!({
            "type": row.kind, "name": s.name, "median": s.median(), "p10": s.quantile(0.1),
            "p90": s.quantile(0.9), "to_rustix": group.ratio(row.kind, s.name, BASE),
            "to_std": group.ratio(row.kind, s.name, "std"),
        })
    });
    json!({
        "id": group.id, "title": group.title, "placement": group.placement.name,
        "processors": [group.placement.processors.0, group.placement.processors.1],
        "rounds": group.rows.first().map(|row| row.series.samples.len()),
        "messages_a_round": group.messages, "rows": rows.collect::<Vec<_>>(),
    })
}

/// Prints a group: the time of one message, beside that of the bare calls and of std.
pub fn print(group: &Group) {
    println!("{}, {}", group.title, group.placement.title);
    println!(
        "  {:<33} {:>10} {:>21} {:>8} {:>8}",
        "", "median", "10 % .. 90 %", "/ rustix", "/ std"
    );
    for kind in group.kinds() {
        println!("  {kind}");
        for s in group.of(kind) {
            let spread = format!("{} .. {}", time(s.quantile(0.1)), time(s.quantile(0.9)));
            let [rustix, std] = [BASE, "std"].map(|base| decimals(group.ratio(kind, s.name, base)));
            println!(
                "    {:<31} {:>10} {spread:>21} {rustix:>8} {std:>8}",
                s.name,
                time(s.median())
            );
        }
    }
    println!();
}

fn decimals(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}"))
}
