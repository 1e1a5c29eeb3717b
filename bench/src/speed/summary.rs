//! The ratios of a run in a table of 80 columns.

use super::report::{BASE, Report};

/// The columns: the heading, the width, where the workload ran, and its ids. A subject is found
/// under one of them.
const COLUMNS: &[(&str, usize, &str, &[&str])] = &[
    ("apart", 6, "across", &["round-trip"]),
    ("same", 6, "same", &["round-trip"]),
    ("64 B", 6, "across", &["one-way-64", "batch", "framing"]),
    ("1 K", 6, "across", &["one-way-1k"]),
    ("64 K", 6, "across", &["one-way-64k"]),
    ("1", 6, "across", &["descriptors-1"]),
    ("64", 6, "across", &["descriptors-64"]),
    ("253", 6, "across", &["descriptors-253"]),
    ("connect", 8, "across", &["connect"]),
];

/// Leaves out what the table has no room for.
const LEFT_OUT: &str = ", multi_thread";

/// Prints the table: times of the bare calls, and how much of them the others take.
pub fn print(report: &Report) {
    println!("Times; below them, how many times as long the others take on the same socket type");
    println!("(across two cores, but for \"same\", which is on one)");
    println!("{:<22}{:>12}{:>18}{:>18}", "", "round trip", "one way", "descriptors");
    let line = |first: &str, cells: &[String]| {
        let cells = cells.iter().zip(COLUMNS).map(|(cell, column)| format!("{cell:>0$}", column.1));
        println!("{first:<22}{}", cells.collect::<String>());
    };
    line("", &COLUMNS.iter().map(|column| column.0.to_owned()).collect::<Vec<_>>());
    for kind in ["stream", "seqpacket", "datagram"] {
        println!("{kind}");
        for name in names(report, kind) {
            let cells: Vec<_> = COLUMNS
                .iter()
                .map(|(_, _, place, ids)| cell(report, kind, name, place, ids))
                .collect();
            line(&format!("  {}", name.trim_end_matches(", current_thread")), &cells);
        }
    }
}

/// Every subject of a kind once, in the order in which they were measured.
fn names(report: &Report, kind: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for series in report.groups.iter().flat_map(|group| group.of(kind)) {
        if !names.contains(&series.name) && !series.name.ends_with(LEFT_OUT) {
            names.push(series.name);
        }
    }
    names
}

fn cell(report: &Report, kind: &str, name: &str, place: &str, ids: &[&str]) -> String {
    let mut groups = ids.iter().filter_map(|id| report.group(id, place));
    let found = groups.find(|group| group.find(kind, name).is_some());
    let Some(group) = found else { return String::new() };
    match (name, group.find(kind, name), group.ratio(kind, name, BASE)) {
        (BASE, Some(series), _) => short(series.median()),
        (_, _, Some(ratio)) => format!("{ratio:.2}"),
        _ => String::new(),
    }
}

/// A time in at most five characters.
fn short(ns: f64) -> String {
    match ns {
        ns if ns < 999.5 => format!("{ns:.0}ns"),
        ns if ns < 9_950.0 => format!("{:.1}us", ns / 1e3),
        ns => format!("{:.0}us", ns / 1e3),
    }
}
