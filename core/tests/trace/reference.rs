//! The reference of the language, `docs/traces.md`: what it shows is understood, and it leaves
//! nothing out.

use std::path::Path;
use sunpath_core::model::World;
use sunpath_core::profile::Profile;
use sunpath_core::trace::{Trace, play};

/// The reference; nothing where only this crate was unpacked.
fn reference() -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/traces.md");
    let text = std::fs::read_to_string(file).ok();
    if text.is_none() {
        eprintln!("skipped: the documents around this crate are not here");
    }
    text
}

/// What its tables show in their first column, with the headings of these columns.
fn shown(text: &str) -> Vec<(&str, &str)> {
    let mut heading = "";
    let mut shown = Vec::new();
    let lines: Vec<_> = text.lines().collect();
    for (place, line) in lines.iter().enumerate() {
        let Some(row) = line.strip_prefix("| ") else { continue };
        let first = row.split(" |").next().unwrap_or_default();
        if lines.get(place + 1).is_some_and(|next| next.starts_with("| ---")) {
            heading = first;
        } else if let Some(span) = first.strip_prefix('`').and_then(|f| f.strip_suffix('`')) {
            shown.push((heading, span));
        }
    }
    shown
}

/// A line that shows it, with a process `p` that has descriptors `s`, `a` and `b`, and a process
/// `q`.
fn line_for(heading: &str, span: &str) -> String {
    match heading {
        "line" => span.into(),
        "call" => format!("p: {span}"),
        "expectation" => format!("p: close s {span}"),
        "address" => format!("p: connect s {span}"),
        "value" => format!("p: setsockopt s SO_ERROR {span}"),
        "result" => format!("p: close s -> {span}"),
        other => panic!("a table of `{other}`"),
    }
}

const BEFORE: &str = "spawn p\nspawn q\np: s = socket stream\np: a, b = socketpair stream\n";

#[test]
fn what_the_reference_shows_is_understood() {
    let Some(text) = reference() else { return };
    let shown = shown(&text);
    assert!(shown.len() > 100, "only {} forms are shown", shown.len());
    for (heading, span) in shown {
        let line = line_for(heading, span);
        let read: Result<Trace, _> = format!("{BEFORE}{line}\n").parse();
        let trace = read.unwrap_or_else(|error| panic!("`{line}`: {error}"));
        assert_eq!(trace.to_string().lines().last(), Some(&*line), "is written otherwise");
    }
}

#[test]
fn the_stories_of_the_reference_hold() {
    let Some(text) = reference() else { return };
    let mut played = 0;
    for story in text.split("```trace\n").skip(1) {
        let story = story.split("```").next().unwrap_or_default();
        let trace: Trace = story.parse().unwrap_or_else(|error| panic!("{error}\n{story}"));
        for platform in trace.platforms() {
            let mut world = World::new(Profile::of(platform).clone());
            for step in play(&trace, &mut world).unwrap() {
                assert_eq!(step.fault(), None, "{platform}: {}", step.step.event);
            }
        }
        played += 1;
    }
    assert_eq!(played, 2);
}

/// Lines that lack something, of which the error lists all that could stand there.
const INCOMPLETE: &[&str] = &[
    "-",
    "p: -",
    "p: socket -",
    "p: socket stream foo",
    "p: accept s foo",
    "p: send s \"x\" foo",
    "p: recv s 9 foo",
    "p: shutdown s -",
    "p: getsockopt s -",
    "p: getsockopt s level=-",
    "p: ioctl s -",
    "p: poll s:-",
    "p: getsockname s name=-",
    "p: connect s family=-",
    "p: setsockopt s SO_ERROR -",
    "p: recv s 9 -> \"x\" foo",
    "p: close s -> -",
    "p: close s [-]",
    "advance 2-",
    "spawn r foo",
    "mount \"/x\" -",
    "restrict p -",
    "immutable \"/x\" -",
    "route 192.0.2.0/24 -",
    "host 192.0.2.1 -",
];

#[test]
fn the_reference_leaves_nothing_out() {
    let Some(text) = reference() else { return };
    let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let parts = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let words: Vec<&str> = quoted.iter().flat_map(|span| span.split(parts)).collect();
    let mut listed = 0;
    for line in INCOMPLETE {
        let error = format!("{BEFORE}{line}").parse::<Trace>().unwrap_err();
        let list = error.expected.split_once(" (").map(|(_, list)| list);
        let list = list.unwrap_or_else(|| panic!("{line}: {error}")).trim_end_matches(')');
        for form in list.split(", ") {
            // Such as `a number`, which is no word of the language.
            if form.starts_with("a ") || form.starts_with("an ") || form.ends_with(']') {
                continue;
            }
            let word = form.split(parts).find(|word| !word.is_empty()).unwrap_or_default();
            assert!(words.contains(&word), "`{word}` of `{form}` is not in docs/traces.md");
            listed += 1;
        }
    }
    assert!(listed > 180, "only {listed} words are listed");
}
