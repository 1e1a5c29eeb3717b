//! Deliberate changes to the model's rules, each of which the tests must catch.
//!
//! Without arguments this checks that every change of `list.txt` still fits the source exactly
//! once. With `--run` it makes each change in a copy of the crate, under the target directory, and
//! runs tests there; it fails if they pass. `--run WORD` makes those changes only whose title or
//! file contains the word, and `--jobs N` works on N copies at a time (2 unless told):
//!
//! ```text
//! cargo test -p sunpath-core --test mutations -- --run connection --jobs 4
//! ```

mod run;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const LIST: &str = include_str!("list.txt");

/// A change: in this file, this text instead of that.
struct Mutation {
    title: String,
    /// Below `src`.
    file: String,
    old: String,
    new: String,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (mutations, mut faults) = parse(LIST);
    faults.extend(mutations.iter().filter_map(misfit));
    faults.extend(repeated(&mutations));
    if let Some(run) = args.iter().position(|a| a == "--run")
        && faults.is_empty()
    {
        let word = args.get(run + 1).filter(|word| !word.starts_with("--"));
        let word = word.map_or("", String::as_str);
        let chosen = mutations.iter().filter(|m| m.title.contains(word) || m.file.contains(word));
        faults = run::all(&chosen.collect::<Vec<_>>(), jobs(&args));
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    println!("{} changes, {} faults", mutations.len(), faults.len());
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn jobs(args: &[String]) -> usize {
    let told = args.iter().position(|a| a == "--jobs").and_then(|at| args.get(at + 1));
    told.and_then(|number| number.parse().ok()).unwrap_or(2)
}

/// Blocks that blank lines separate: a title after `#`, the file below `src/`, and lines with `-`
/// and `+` before them. What is wrong with blocks that are not so comes second.
fn parse(list: &str) -> (Vec<Mutation>, Vec<String>) {
    let (mut mutations, mut faults) = (Vec::new(), Vec::new());
    for block in list.split("\n\n").map(str::trim).filter(|block| !block.is_empty()) {
        match parse_block(block) {
            Some(mutation) => mutations.push(mutation),
            None => faults.push(format!("list.txt: this is no change:\n{block}")),
        }
    }
    (mutations, faults)
}

fn parse_block(block: &str) -> Option<Mutation> {
    let mut lines = block.lines();
    let title = lines.next()?.strip_prefix("# ")?.to_string();
    let file = lines.next()?.to_string();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for line in lines {
        match line.strip_prefix('-') {
            Some(line) => old.push(line),
            None => new.push(line.strip_prefix('+')?),
        }
    }
    Some(Mutation { title, file, old: old.join("\n"), new: new.join("\n") })
}

fn source(root: &Path, mutation: &Mutation) -> PathBuf {
    root.join("src").join(&mutation.file)
}

/// Where the wanted lines are. The spaces at their starts do not count, so that the list need not
/// repeat how deep they lie.
fn find(text: &str, wanted: &str) -> Vec<(usize, usize)> {
    let wanted: Vec<&str> = wanted.lines().map(str::trim).collect();
    let mut place = 0;
    let lines: Vec<(usize, &str)> = text
        .split_inclusive('\n')
        .map(|line| {
            let start = place;
            place += line.len();
            (start, line)
        })
        .collect();
    let mut places = Vec::new();
    for window in lines.windows(wanted.len().max(1)) {
        if window.iter().zip(&wanted).all(|((_, line), want)| line.trim() == *want) {
            let (last, line) = window[window.len() - 1];
            places.push((window[0].0, last + line.len()));
        }
    }
    places
}

/// Why a change does not fit the source.
fn misfit(mutation: &Mutation) -> Option<String> {
    let Mutation { title, file, old, new } = mutation;
    let told = |what: &str| Some(format!("list.txt: \"{title}\": {what}"));
    let path = source(Path::new(env!("CARGO_MANIFEST_DIR")), mutation);
    let Ok(text) = fs::read_to_string(path) else {
        return told(&format!("there is no file src/{file}"));
    };
    if old.is_empty() || old == new {
        return told("it changes nothing");
    }
    match find(&text, old).len() {
        1 => None,
        0 => told(&format!("src/{file} has no such lines any more; write the change anew:\n{old}")),
        n => told(&format!("src/{file} has these lines {n} times; name more of them:\n{old}")),
    }
}

/// Changes that are in the list more than once.
fn repeated(mutations: &[Mutation]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let again = mutations.iter().filter(|m| !seen.insert(&m.title));
    again.map(|m| format!("list.txt: \"{}\" is there twice", m.title)).collect()
}
