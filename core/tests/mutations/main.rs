//! Deliberate changes to the model's rules, each of which the tests must catch.
//!
//! Without arguments this checks that every change of `list.txt` still fits the source exactly
//! once. With `--run` it makes each change in a copy of the crate, under the target directory, and
//! runs the crate's tests there; it fails if they pass. `--run WORD` makes those changes only whose
//! title or file contains the word.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

const LIST: &str = include_str!("list.txt");

/// A change: in this file, this text instead of that.
struct Mutation<'a> {
    title: &'a str,
    file: &'a str,
    old: String,
    new: String,
}

/// What came of a change.
#[derive(Debug, PartialEq)]
enum Verdict {
    Caught,
    Survived,
    DoesNotCompile,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mutations = parse(LIST);
    let mut bad: Vec<String> = mutations.iter().filter_map(misfit).collect();
    if let Some(run) = args.iter().position(|a| a == "--run")
        && bad.is_empty()
    {
        let word = args.get(run + 1).map_or("", String::as_str);
        let chosen = mutations.iter().filter(|m| m.title.contains(word) || m.file.contains(word));
        bad = run_all(&chosen.collect::<Vec<_>>());
    }
    for fault in &bad {
        eprintln!("{fault}");
    }
    println!("{} changes, {} faults", mutations.len(), bad.len());
    if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Blocks that blank lines separate: a title after `#`, the file below `src/`, and lines with `-`
/// and `+` before them.
fn parse(list: &str) -> Vec<Mutation<'_>> {
    let block = |block: &'static str| {
        let mut lines = block.lines();
        let title = lines.next()?.strip_prefix("# ")?;
        let file = lines.next()?;
        let side = |sign: char| {
            let mine = block.lines().skip(2).filter_map(|line| line.strip_prefix(sign));
            mine.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
        };
        Some(Mutation { title, file, old: side('-'), new: side('+') })
    };
    list.split("\n\n").filter_map(|text| block(leak(text.trim()))).collect()
}

/// The list lives as long as the program.
fn leak(text: &str) -> &'static str {
    Box::leak(text.to_string().into_boxed_str())
}

fn source(root: &Path, mutation: &Mutation<'_>) -> PathBuf {
    root.join("src").join(mutation.file)
}

/// Lines without the spaces at their starts, so that the list need not repeat how deep they lie.
fn find(text: &str, wanted: &str) -> Vec<(usize, usize)> {
    let wanted: Vec<&str> = wanted.lines().map(str::trim).collect();
    let mut starts = Vec::new();
    let mut place = 0;
    let lines: Vec<(usize, &str)> = text
        .split_inclusive('\n')
        .map(|line| {
            let start = place;
            place += line.len();
            (start, line)
        })
        .collect();
    for window in lines.windows(wanted.len()) {
        if window.iter().zip(&wanted).all(|((_, line), want)| line.trim() == *want) {
            let (last, line) = window[window.len() - 1];
            starts.push((window[0].0, last + line.len()));
        }
    }
    starts
}

/// Why a change does not fit the source.
fn misfit(mutation: &Mutation<'_>) -> Option<String> {
    let Mutation { title, file, old, .. } = mutation;
    let Ok(text) = fs::read_to_string(source(Path::new(env!("CARGO_MANIFEST_DIR")), mutation))
    else {
        return Some(format!("{title}: there is no file {file}"));
    };
    let places = find(&text, old).len();
    (old.is_empty() || places != 1)
        .then(|| format!("{title}: its text occurs {places} times in {file}"))
}

fn run_all(mutations: &[&Mutation<'_>]) -> Vec<String> {
    let root = copy_crate();
    assert_eq!(test(&root), Verdict::Survived, "the tests pass without a change");
    let mut faults = Vec::new();
    for mutation in mutations {
        let path = source(&root, mutation);
        let text = fs::read_to_string(&path).expect("it was copied");
        let (start, end) = find(&text, &mutation.old)[0];
        let changed = format!("{}{}\n{}", &text[..start], mutation.new, &text[end..]);
        fs::write(&path, changed).expect("the copy can be written");
        let verdict = test(&root);
        fs::write(&path, &text).expect("the copy can be written");
        println!("{verdict:?}: {} ({})", mutation.title, mutation.file);
        if verdict != Verdict::Caught {
            faults.push(format!("{verdict:?}: {} ({})", mutation.title, mutation.file));
        }
    }
    faults
}

/// Copies the crate to where it can be changed, as a workspace of its own.
fn copy_crate() -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"));
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutations");
    let _ = fs::remove_dir_all(to.join("core"));
    copy(from, &to.join("core"));
    let workspace = from.parent().expect("the crate is part of a workspace");
    copy(&workspace.join("traces"), &to.join("traces"));
    let manifest = fs::read_to_string(workspace.join("Cargo.toml")).expect("the workspace's");
    let lonely: Vec<String> = manifest
        .lines()
        .filter(|line| !line.starts_with("exclude") && !line.starts_with("default-members"))
        .map(|line| match line.starts_with("members") {
            true => String::from("members = [\"core\"]"),
            false => line.to_string(),
        })
        .collect();
    fs::write(to.join("Cargo.toml"), lonely.join("\n")).expect("the manifest");
    let lock = workspace.join("Cargo.lock");
    fs::copy(lock, to.join("Cargo.lock")).expect("the lock file");
    to.join("core")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory for the copy");
    let Ok(entries) = fs::read_dir(from) else { return };
    for entry in entries.flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(fs::copy(&path, &target).expect("a file is copied")),
        }
    }
}

fn test(root: &Path) -> Verdict {
    let cargo = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command.args(args).current_dir(root).env("CARGO_TARGET_DIR", root.join("../target"));
        command.env_remove("RUSTFLAGS").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().expect("cargo runs").success()
    };
    // The other tests are about the catalogue, or about this list.
    let tests = ["test", "--quiet", "--test", "model", "--test", "traces"];
    if !cargo(&[&tests[..], &["--no-run"]].concat()) {
        Verdict::DoesNotCompile
    } else if cargo(&tests) {
        Verdict::Survived
    } else {
        Verdict::Caught
    }
}
