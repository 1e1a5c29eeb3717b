//! The table, as text and as JSON.

use super::cell::word;
use super::{Outcome, Peer, Trap, Verdict};
use serde_json::{Map, Value, json};

type Row<'a> = (&'a Trap, Vec<(Peer, Outcome)>);

/// Width of the longest line.
const WIDTH: usize = 98;

/// Where a line of the list goes on after the verdict.
const INDENT: usize = 15;

/// Prints a line of JSON a row.
pub fn print_json(rows: &[Row<'_>]) {
    for (trap, row) in rows {
        let mut cells = Map::new();
        for (peer, outcome) in row {
            let cell = json!({"verdict": word(outcome.verdict), "said": outcome.said});
            cells.insert(peer.names().0.to_owned(), cell);
        }
        println!("{}", json!({"trap": trap.id, "title": trap.title, "peers": Value::from(cells)}));
    }
}

/// Prints a line of marks a row, and below what happened.
pub fn print(rows: &[Row<'_>]) {
    let title_width = rows.iter().map(|(trap, _)| trap.title.len()).max().unwrap_or_default();
    print!("{:title_width$}", "");
    for peer in Peer::ALL {
        print!(" {:>3}", peer.names().1);
    }
    println!();
    for (trap, row) in rows {
        print!("{:title_width$}", trap.title);
        for (_, outcome) in row {
            print!(" {:>3}", mark(outcome.verdict));
        }
        println!();
    }
    println!("\nok: no harm done   NO: caught in the trap   -: has no such operation");
    let legend = |(name, short): (&str, &str)| match short == name {
        true => format!("{name}{}", version(name)),
        false => format!("{short} {name}{}", version(name)),
    };
    let legend: Vec<String> = Peer::ALL.iter().map(|peer| legend(peer.names())).collect();
    wrapped("", &legend);
    for (trap, row) in rows {
        println!("\n{}", trap.title);
        for verdict in [Verdict::Fails, Verdict::Ok, Verdict::NotOffered] {
            let head = format!("  {:1$}", word(verdict), INDENT - 2);
            wrapped(&head, &groups(row, verdict));
        }
    }
}

/// A space and the version that this program was built with; nothing for `std`.
fn version(name: &str) -> String {
    let lock = include_str!("../../../Cargo.lock");
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{name}\""));
    let line = lines.nth(1).unwrap_or_default();
    line.strip_prefix("version = ").map(|v| format!(" {}", v.trim_matches('"'))).unwrap_or_default()
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Fails => "NO",
        Verdict::NotOffered => "-",
    }
}

/// Libraries to which the same happened, together.
fn groups(row: &[(Peer, Outcome)], verdict: Verdict) -> Vec<String> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (peer, outcome) in row.iter().filter(|(_, outcome)| outcome.verdict == verdict) {
        let name = peer.names().0;
        match groups.iter_mut().find(|(said, _)| *said == outcome.said) {
            Some((_, names)) => names.push(name),
            None => groups.push((&outcome.said, vec![name])),
        }
    }
    let text = |(said, names): (&str, Vec<&str>)| match said {
        "" => names.join(", "),
        _ => format!("{}: {said}", names.join(", ")),
    };
    groups.into_iter().map(text).collect()
}

/// Prints items, separated by semicolons, in lines that are indented below the first.
fn wrapped(head: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let text = items.join("; ");
    let (mut line, mut first) = (head.to_owned(), true);
    for word in text.split(' ') {
        if !first && line.len() + 1 + word.len() > WIDTH {
            println!("{line}");
            line = format!("{:1$}", "", head.len());
            first = true;
        }
        if !first {
            line.push(' ');
        }
        line.push_str(word);
        first = false;
    }
    println!("{line}");
}
