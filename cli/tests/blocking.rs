//! `sunpath conform --blocking`: calls that wait, on the model and on the running kernel.

use serde_json::Value;
use std::process::{Command, Output, Stdio};

fn conform(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sunpath"));
    let dir = std::env::temp_dir();
    command.args(["conform", "--blocking", "--json"]).args(args);
    command.stdin(Stdio::null()).current_dir(dir).output().unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        panic!("{complaint}")
    })
}

/// Whether this system does not let anybody see where a thread sleeps.
fn is_impossible(output: &Output) -> bool {
    let complaint = String::from_utf8_lossy(&output.stderr);
    let impossible = complaint.contains("look at a thread");
    if impossible {
        eprintln!("skipped: {complaint}");
    }
    impossible
}

#[test]
fn who_sleeps_and_who_wakes_is_as_the_model_says() {
    // The rules one by one, then some hundred random programs.
    let output = conform(&["--steps", "4000", "--seed", "1"]);
    if is_impossible(&output) {
        return;
    }
    let report = report(&output);
    assert_eq!(report["difference"], Value::Null, "{report:#}");
    assert_eq!(output.status.code(), Some(0));
    assert!(report["steps"].as_u64().unwrap() >= 4000, "{report}");
}

#[test]
fn a_model_that_wakes_too_late_is_found_out() {
    let trace = std::env::temp_dir().join(format!("blocking-{}.trace", std::process::id()));
    let args = ["--steps", "20000", "--seed", "1", "--mistake", "--save"];
    let args: Vec<&str> = args.into_iter().chain(trace.to_str()).collect();
    let output = conform(&args);
    if is_impossible(&output) {
        return;
    }
    let report = report(&output);
    let saved = std::fs::read_to_string(&trace);
    let _ = std::fs::remove_file(&trace);
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    let difference = &report["difference"];
    assert_ne!(difference["model"], difference["kernel"]);
    assert_eq!(difference["trace"].as_str(), saved.ok().as_deref());
    let parsed: Result<sunpath::trace::Trace, _> = difference["trace"].as_str().unwrap().parse();
    assert!(parsed.is_ok_and(|trace| trace.steps().count() > 1), "{report:#}");
}

#[test]
fn it_is_one_of_three_ways_to_conform() {
    for args in [&["--random"][..], &["connect/stale-socket"]] {
        let output = conform(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}
