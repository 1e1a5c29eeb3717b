//! `sunpath conform --random`: the model and the running kernel side by side.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn sunpath(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sunpath"));
    command.args(["conform", "--random"]).args(args).stdin(Stdio::null());
    command
}

/// A directory of a test, removed at its end.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let path = std::env::temp_dir().join(format!("mirror-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Dir(path)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_kernel_does_what_the_model_says() {
    let dir = Dir::new("agree");
    let trace = dir.0.join("found.trace");
    for seed in ["1", "2", "3", "4"] {
        let save = trace.to_str().unwrap();
        let output =
            sunpath(&["--steps", "5000", "--seed", seed, "--save", save]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        assert!(text(&output).contains("no difference"), "{}", text(&output));
        assert!(!trace.exists());
    }
}

/// Whether this is root, who can become somebody else.
fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").unwrap().contains("CapEff:\t000001ff")
}

#[test]
fn an_ordinary_user_sees_the_same() {
    use std::os::unix::process::CommandExt;
    if !is_root() {
        return eprintln!("skipped: needs root, to become an ordinary user");
    }
    // The one number stands for users that are not known, too; the other is nobody's.
    for (user, group) in [(65534, 65534), (1234, 4321)] {
        for way in ["--random", "--blocking"] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sunpath"));
            command.args(["conform", way, "--steps", "6000", "--seed", "1"]).stdin(Stdio::null());
            let output = command.uid(user).gid(group).current_dir("/").output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            if said.contains("look at a thread") {
                eprintln!("skipped: {said}");
                continue;
            }
            assert!(text(&output).contains("no difference"), "{}{said}", text(&output));
        }
    }
}

#[test]
fn a_difference_that_cannot_be_saved_is_shown_all_the_same() {
    let args = ["--steps", "50000", "--seed", "1", "--mistake", "--save", "/nowhere/found.trace"];
    let output = sunpath(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    assert!(text(&output).contains("model and kernel differ"), "{}", text(&output));
    assert!(text(&output).ends_with("not saved\n"), "{}", text(&output));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains(
            "cannot save the trace as /nowhere/found.trace: no such file or directory (ENOENT)"
        ),
        "{said}"
    );
}

#[test]
fn no_steps_are_no_comparison() {
    let output = sunpath(&["--steps", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_report_tells_how_often_each_cause_was_reached() {
    let output = sunpath(&["--steps", "20000", "--seed", "5", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["steps"].as_u64().unwrap() >= 20_000);
    assert!(report["difference"].is_null() && report["saved"].is_null());
    let causes = report["causes"].as_object().unwrap();
    assert!(causes.len() > 60, "only {} causes arose", causes.len());
    for (cause, times) in causes {
        assert!(sunpath::cause::find(cause).is_some() && times.as_u64() > Some(0), "{cause}");
    }
}

#[test]
fn a_model_that_is_wrong_is_found_out_by_a_short_trace() {
    let dir = Dir::new("wrong");
    let save = dir.0.join("found.trace");
    let args = ["--steps", "50000", "--seed", "1", "--mistake", "--json", "--save"];
    let output = sunpath(&args).arg(&save).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &report["difference"];
    assert_ne!(finding["model"], finding["kernel"]);
    let trace = std::fs::read_to_string(&save).unwrap();
    assert_eq!(finding["trace"].as_str(), Some(trace.as_str()));
    let parsed: sunpath::trace::Trace = trace.parse().unwrap();
    assert!(parsed.steps().count() <= 12, "{trace}");
}

/// Waits until something holds.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < limit, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// How many processes have this directory in their environment.
fn processes_of(dir: &Path) -> usize {
    let mark = format!("TMPDIR={}", dir.display()).into_bytes();
    let marked = |pid: &String| {
        std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environment| environment.split(|b| *b == 0).any(|v| v == mark))
    };
    let pids = names(Path::new("/proc"));
    pids.iter().filter(|n| n.bytes().all(|b| b.is_ascii_digit())).filter(|n| marked(n)).count()
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let dir = Dir::new("interrupt");
    let mut child = sunpath(&["--steps", "1000000000", "--seed", "5"])
        .env("TMPDIR", &dir.0)
        .stdout(Stdio::null())
        .current_dir(&dir.0)
        .spawn()
        .unwrap();
    // Itself, the one that cleans up, a lane, and its workers.
    wait_until("it plays", || processes_of(&dir.0) >= 4 && !names(&dir.0).is_empty());
    let pid = child.id().to_string();
    let signal = format!("-{}", common::interrupt().as_raw());
    assert!(Command::new("kill").args([&signal, &pid]).status().unwrap().success());
    assert!(!child.wait().unwrap().success());
    wait_until("processes end", || processes_of(&dir.0) == 0);
    wait_until("directories go", || names(&dir.0).is_empty());
}
