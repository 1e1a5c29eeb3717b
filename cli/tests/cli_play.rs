//! `sunpath play`.

mod common;

use common::run;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of this test's own.
fn file(name: &str, text: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("play-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path
}

const STORY: &str = "\
# A pair whose one end closes
spawn program
program: a, b = socketpair stream
program: close b
program: send a \"hello\" ! EPIPE send/peer-closed SIGPIPE
";

#[test]
fn each_step_is_shown_with_its_outcome() {
    let path = file("pair.trace", STORY);
    let played = run(&["play".as_ref(), path.as_os_str()]);
    assert_eq!(played.code, 0, "{}", played.err);
    assert!(played.out.contains("! EPIPE send/peer-closed SIGPIPE"), "{}", played.out);
    assert!(played.out.ends_with("4 steps, 1 with an expectation: all as expected\n"));
}

#[test]
fn what_is_not_as_expected_is_told_with_its_line() {
    let path = file("wrong.trace", &STORY.replace("! EPIPE send/peer-closed SIGPIPE", "-> 5"));
    let played = run(&["play".as_ref(), path.as_os_str()]);
    assert_eq!(played.code, 1);
    let fault = "line 5: expected -> 5, got ! EPIPE send/peer-closed SIGPIPE";
    assert!(played.out.contains(fault), "{}", played.out);
}

#[test]
fn a_text_that_is_no_trace_is_refused_with_the_place() {
    let path = file("broken.trace", "spawn a\na: clse 3\n");
    let played = run(&["play".as_ref(), path.as_os_str()]);
    assert_eq!(played.code, 2);
    assert!(played.err.contains("line 2, column 4: expected a call"), "{}", played.err);
    let missing = run(&["play", "no-such.trace"]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("cannot read no-such.trace"), "{}", missing.err);
}

#[test]
fn what_is_no_trace_is_told_before_anything_is_played() {
    let good = file("good.trace", STORY);
    let dir = good.parent().unwrap().join("empty-directory");
    fs::create_dir_all(&dir).unwrap();
    let garbage = file("garbage.trace", "");
    fs::write(&garbage, [0xff, 0, 0x80]).unwrap();
    let complaints = [
        (garbage, "garbage.trace is no trace: it is not text"),
        (dir, "empty-directory has no traces (*.trace)"),
        (file("nul.trace", "spawn a\0\n"), "nul.trace: line 1"),
    ];
    for (path, complaint) in complaints {
        let played = run(&["play".as_ref(), good.as_os_str(), path.as_os_str()]);
        assert_eq!(played.code, 2, "{}", played.err);
        assert_eq!(played.out, "");
        assert!(played.err.contains(complaint), "{}", played.err);
    }
    let odd = ["--profile=vms", "--on=moon", "--steps=1"];
    for argument in odd {
        let played = run(&["play".as_ref(), argument.as_ref(), good.as_os_str()]);
        assert_eq!((played.code, played.out.as_str()), (2, ""), "{argument}");
    }
    let nothing = run(&["play".as_ref(), file("nothing.trace", "").as_os_str()]);
    assert!(nothing.code == 0 && nothing.out.contains("  0 steps"), "{}", nothing.out);
}

#[test]
fn json_holds_errno_and_cause_of_each_step() {
    let path = file("json.trace", STORY);
    let profile = ["play", "--json", "--profile", "all"];
    let args: Vec<_> = profile.iter().map(AsRef::as_ref).chain([path.as_os_str()]).collect();
    let played = run(&args);
    let json = played.json();
    let runs = json["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 5);
    assert_eq!(runs[0]["steps"][3]["errno"], "EPIPE");
    assert_eq!(runs[0]["steps"][3]["cause"], "send/peer-closed");
    assert_eq!(runs[0]["steps"][3]["cause_by"], "model");
    assert_eq!(runs[0]["steps"][3]["fault"], serde_json::Value::Null);
}

#[test]
fn recording_writes_what_happened_into_the_trace() {
    let path = file("record.trace", "spawn a\na: s = socket seqpacket\n");
    let args = ["play", "--record", "--profile", "all"];
    let args: Vec<_> = args.iter().map(AsRef::as_ref).chain([path.as_os_str()]).collect();
    assert_eq!(run(&args).code, 0);
    let written = fs::read_to_string(&path).unwrap();
    assert!(
        written
            .starts_with("spawn a\na: s = socket seqpacket [linux freebsd-14 freebsd-15] -> ok\n"),
        "{written}"
    );
    assert!(written.contains("[macos"), "{written}");
    assert_eq!(run(&args).code, 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
}

/// The trace that the help shows.
fn shown_in_the_help() -> String {
    let help = run(&["play", "--help"]).out;
    let (_, below) = help.split_once("A trace:\n").unwrap();
    let (story, _) = below.split_once("\n\n").unwrap();
    story.lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap())).collect()
}

#[test]
fn the_story_in_the_help_holds_everywhere() {
    let path = file("help.trace", &shown_in_the_help());
    let args = ["play", "--profile", "all"].map(OsStr::new);
    let played = run(&[&args[..], &[path.as_os_str()]].concat());
    assert_eq!(played.code, 0, "{}{}", played.out, played.err);
    assert_eq!(played.out.matches("all as expected").count(), 5, "{}", played.out);
}

#[test]
fn the_help_and_the_manual_lead_to_the_reference() {
    for args in [["play", "--help"], ["man", "play"]] {
        let text = run(&args).out;
        assert!(text.contains("sunpath man trace"), "{text}");
        assert!(text.contains("SIGPIPE") && text.contains("interrupt p"), "{text}");
    }
}

#[test]
fn recording_says_what_it_changed() {
    let path = file("changes.trace", &STORY.replace("! EPIPE", "! EBADF"));
    let args = ["play", "--record"].map(OsStr::new);
    let args = [&args[..], &[path.as_os_str()]].concat();
    let first = run(&args);
    assert_eq!(first.code, 0, "{}", first.err);
    let told = format!("1 not as expected before\n{}: recorded, 3 steps changed\n", path.display());
    assert!(first.out.ends_with(&told), "{}", first.out);
    let second = run(&args);
    let told =
        format!("all as expected before\n{}: recorded, nothing has changed\n", path.display());
    assert!(second.out.ends_with(&told), "{}", second.out);
    let json = run(&[&args[..], &[OsStr::new("--json")]].concat());
    assert_eq!(json.json()["runs"][0]["recorded"], 0);
    let both = run(&["play", "--record", "--json", "-"]);
    assert_eq!((both.code, both.out.as_str()), (2, ""), "{}", both.err);
}

#[test]
fn one_is_one_and_nothing_expected_is_no_success() {
    for (text, summary) in [
        ("spawn a\n", "  1 step, no expectations\n"),
        (
            "spawn a\na: socket stream -> ok\n",
            "  2 steps, 1 with an expectation: all as expected\n",
        ),
        ("# nothing\n", "  0 steps, no expectations\n"),
    ] {
        let played = run(&["play".as_ref(), file("few.trace", text).as_os_str()]);
        assert!(played.code == 0 && played.out.ends_with(summary), "{}", played.out);
    }
}

#[test]
fn the_help_says_what_goes_together() {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let play = flat(&run(&["play", "--help"]).out);
    assert!(play.contains("it goes with neither --profile nor --record"), "{play}");
    assert_eq!(play.matches("Not with --on kernel").count(), 2, "{play}");
    let conform = flat(&run(&["conform", "--help"]).out);
    assert!(!conform.contains("--random [ID]"), "{conform}");
    assert_eq!(conform.matches("With --random or --blocking:").count(), 3, "{conform}");
    assert!(conform.contains("(1 to 12)") && conform.contains("so many calls at least"));
    for number in ["0", "-1", "x"] {
        let odd = run(&["conform", "--random", &format!("--steps={number}")]);
        let told = "expected a whole number from 1 on";
        assert!(odd.code == 2 && odd.err.contains(told), "{}", odd.err);
    }
}
