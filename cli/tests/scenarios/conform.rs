//! `sunpath conform`.

use crate::tool::{Tool, is_root};
use serde_json::Value;
use std::process::Output;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("ended by itself")
}

/// Every cause with its result; none differs, and what was not tried has a reason.
fn check(output: &Output) -> Vec<Value> {
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let causes = report["causes"].as_array().expect("causes").clone();
    assert!(causes.len() > 150, "only {} causes", causes.len());
    for cause in &causes {
        let done = cause["result"] == "as-documented";
        let reason = cause["reason"].as_str().unwrap_or_default();
        assert!(cause["result"] != "differs", "{cause:#}");
        assert!(done || !reason.is_empty(), "{cause:#}");
        assert!(!done || cause["happened"].is_string(), "{cause:#}");
    }
    assert_eq!(code(output), 0);
    causes
}

fn count(causes: &[Value], result: &str) -> usize {
    causes.iter().filter(|cause| cause["result"] == result).count()
}

#[test]
fn root_provokes_everything_that_can_be_provoked() {
    if !is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    let output = Tool::reachable().as_is().args(["conform", "--json"]).output().expect("run");
    let causes = check(&output);
    for cause in causes.iter().filter(|cause| cause["result"] == "skipped") {
        eprintln!("skipped: {}: {}", cause["id"], cause["reason"]);
        assert_ne!(cause["reason"], "needs root");
    }
}

#[test]
fn an_ordinary_user_skips_what_needs_root() {
    let output = Tool::reachable().as_user().args(["conform", "--json"]).output().expect("run");
    let causes = check(&output);
    assert!(count(&causes, "as-documented") > 80);
    assert!(count(&causes, "skipped") > 5);
}

#[test]
fn the_table_ends_with_the_counts() {
    let output = Tool::reachable()
        .as_user()
        .args(["conform", "connect/stale-socket", "connect/immutable", "socket/system-limit"])
        .output()
        .expect("run");
    let text = text(&output.stdout);
    assert!(text.contains("connect/stale-socket  ECONNREFUSED      as documented\n"), "{text}");
    let end = "1 as documented, 0 differ, 1 not on this system, 1 skipped\n";
    assert!(text.ends_with(end), "{text}");
    assert!(text.contains("1 skipped: needs root\n"), "{text}");
    assert!(text.contains("1 not on this system: "), "{text}");
    assert!(output.stderr.is_empty(), "no progress bar where nobody watches");
    assert_eq!(code(&output), 0);
}

#[test]
fn a_mistyped_id_is_refused_with_a_suggestion() {
    let output =
        Tool::reachable().as_is().args(["conform", "connect/stale-soket"]).output().expect("run");
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("connect/stale-socket"));
    assert!(output.stdout.is_empty());
}
