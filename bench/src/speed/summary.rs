//! The ratios of a run in a table of 80 columns.

use super::report::{BASE, Report};

/// The columns: two lines of heading, where the workload ran, and its ids. A subject is found
/// under one of them.
const COLUMNS: &[(&str, &str, &str, &[&str])] = &[
    ("round", "trip", "across", &["round-trip"]),
    ("1 core", "trip", "same", &["round-trip"]),
    ("one way", "64 B", "across", &["one-way-64", "batch", "framing"]),
    ("", "1 KiB", "across", &["one-way-1k"]),
    ("", "64 KiB", "across", &["one-way-64k"]),
    ("descr.", "1", "across", &["descriptors-1"]),
    ("", "64", "across", &["descriptors-64"]),
    ("", "253", "across", &["descriptors-253"]),
    ("", "connect", "across", &["connect"]),
];

/// Leaves out what the table has no room for.
const LEFT_OUT: &str = ", multi_thread";

/// Prints the table: times of the bare calls, and how much of them the others take.
pub fn print(report: &Report) {
    println!("Time by rustix's, for sockets of the same type; on two cores unless told otherwise");
    let line = |first: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>6}")).collect();
        println!("{first:<25}{cells}");
    };
    line("", &COLUMNS.iter().map(|c| c.0.to_owned()).collect::<Vec<_>>());
    line("", &COLUMNS.iter().map(|c| c.1.to_owned()).collect::<Vec<_>>());
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
