//! `sunpath play`.

mod common;

use common::run;
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
    assert!(played.out.ends_with("4 steps, 1 with expectations: all as expected\n"));
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
