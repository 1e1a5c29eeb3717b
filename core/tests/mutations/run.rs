//! Makes the changes, each in a copy of the crate, and looks what the tests say.

use super::{Mutation, find, source};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// The tests of the model, in the order in which they are asked: the first one catches most. The
/// others of the crate are about the catalogue, or about this list.
const TESTS: [&str; 3] = ["model", "traces", "tables"];

/// It compares the rules of all systems with what they were, so it would catch any change of one:
/// the point is whether a test notices what follows from the change.
const NOT_ASKED: [&str; 2] = ["--skip", "the_picture_of_all_rules_is_up_to_date"];

/// A test that runs for longer will never end.
const LIMIT: Duration = Duration::from_secs(120);

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    /// By this test.
    Caught(&'static str),
    Survived,
    DoesNotCompile,
}

/// Makes all of these changes, on several copies at a time. What is wrong.
pub fn all(mutations: &[&Mutation], jobs: usize) -> Vec<String> {
    let begin = Instant::now();
    let queue = Mutex::new(mutations.iter().enumerate());
    let faults = Mutex::new(Vec::new());
    let work = |job: usize| {
        let root = copy_crate(job);
        assert_eq!(test(&root), Verdict::Survived, "the tests pass without a change");
        loop {
            let Some((place, mutation)) = queue.lock().expect("a lock").next() else { break };
            let verdict = try_out(&root, mutation);
            let seconds = begin.elapsed().as_secs();
            let said = format!("{verdict:?}: {} ({})", mutation.title, mutation.file);
            println!("[{}/{}, {seconds} s] {said}", place + 1, mutations.len());
            if !matches!(verdict, Verdict::Caught(_)) {
                faults.lock().expect("a lock").push(said);
            }
        }
    };
    thread::scope(|scope| {
        for job in 0..jobs.clamp(1, mutations.len().max(1)) {
            scope.spawn(move || work(job));
        }
    });
    faults.into_inner().expect("a lock")
}

/// Makes a change, asks the tests, and takes it back.
fn try_out(root: &Path, mutation: &Mutation) -> Verdict {
    let path = source(root, mutation);
    let text = fs::read_to_string(&path).expect("it was copied");
    let (start, end) = find(&text, &mutation.old)[0];
    let changed = format!("{}{}\n{}", &text[..start], mutation.new, &text[end..]);
    fs::write(&path, changed).expect("the copy can be written");
    let verdict = test(root);
    fs::write(&path, &text).expect("the copy can be written");
    verdict
}

/// Copies the crate to where it can be changed, as a workspace of its own without dependencies.
/// What is the same from an earlier run stays as it is, so that little is built anew.
fn copy_crate(job: usize) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"));
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutations/{job}"));
    let workspace = from.parent().expect("the crate is part of a workspace");
    for folder in ["src", "tests"] {
        mirror(&from.join(folder), &to.join("core").join(folder));
    }
    mirror(&workspace.join("traces"), &to.join("traces"));
    let manifest = fs::read_to_string(workspace.join("Cargo.toml")).expect("the workspace's");
    let lonely: Vec<&str> = manifest
        .lines()
        .filter(|line| !line.starts_with("exclude") && !line.starts_with("default-members"))
        .map(|line| if line.starts_with("members") { "members = [\"core\"]" } else { line })
        .collect();
    write(&to.join("Cargo.toml"), lonely.join("\n").as_bytes());
    let manifest = fs::read_to_string(from.join("Cargo.toml")).expect("the crate's");
    let lonely: Vec<&str> = manifest.lines().filter(|l| !l.starts_with("proptest")).collect();
    write(&to.join("core/Cargo.toml"), lonely.join("\n").as_bytes());
    to.join("core")
}

/// Makes one folder like another one.
fn mirror(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder for the copy");
    let names = |folder: &Path| -> Vec<OsString> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).collect()
    };
    let wanted = names(from);
    for name in names(to).iter().filter(|name| !wanted.contains(name)) {
        let gone = to.join(name);
        let removed = if gone.is_dir() { fs::remove_dir_all(gone) } else { fs::remove_file(gone) };
        removed.expect("the copy can be changed");
    }
    for name in wanted {
        let (from, to) = (from.join(&name), to.join(&name));
        match from.is_dir() {
            true => mirror(&from, &to),
            false => write(&to, &fs::read(&from).expect("a file can be copied")),
        }
    }
}

/// Writes a file, unless it is like that already.
fn write(path: &Path, bytes: &[u8]) {
    if fs::read(path).ok().as_deref() != Some(bytes) {
        fs::write(path, bytes).expect("the copy can be written");
    }
}

fn test(root: &Path) -> Verdict {
    for name in TESTS {
        let Some(program) = build(root, name) else { return Verdict::DoesNotCompile };
        if !passes(root, &program) {
            return Verdict::Caught(name);
        }
    }
    Verdict::Survived
}

/// Builds a test: its program.
fn build(root: &Path, name: &str) -> Option<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--offline", "--no-run", "--message-format=json", "--test", name]);
    cargo.current_dir(root).env("CARGO_TARGET_DIR", root.join("../target"));
    // Warnings do not matter, nor what a debugger would need.
    cargo.env_remove("RUSTFLAGS").env("CARGO_INCREMENTAL", "1");
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_PROFILE_TEST_DEBUG", "0");
    let output = cargo.stderr(Stdio::null()).output().expect("cargo runs");
    let messages = String::from_utf8(output.stdout).ok()?;
    let (_, rest) = messages.rsplit_once("\"executable\":\"")?;
    let (path, _) = rest.split_once('"')?;
    output.status.success().then(|| PathBuf::from(path))
}

/// Whether a test passes in time.
fn passes(root: &Path, program: &Path) -> bool {
    let mut test = Command::new(program);
    test.args(NOT_ASKED).current_dir(root).stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = test.spawn().expect("the test runs");
    let begin = Instant::now();
    loop {
        if let Some(status) = running.try_wait().expect("the test can be waited for") {
            return status.success();
        }
        if begin.elapsed() > LIMIT {
            running.kill().expect("the test can be ended");
            running.wait().expect("the test can be waited for");
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}
