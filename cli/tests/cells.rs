//! `sunpath conform --matrix` and `--exhaustive`: calls one after the other on the model and on the
//! running kernel.

use serde_json::Value;
use std::process::{Command, Stdio};

/// What it prints, as JSON, and its status.
fn conform(args: &[&str]) -> (Value, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sunpath"));
    let output = command.arg("conform").args(args).arg("--json").stdin(Stdio::null()).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    (report, output.status.code())
}

fn agrees((report, status): (Value, Option<i32>), least: u64) {
    assert_eq!(status, Some(0), "{report:#}");
    assert_eq!(report["differ"], 0, "{report:#}");
    assert!(report["agreed"].as_u64().unwrap() >= least, "{report:#}");
}

#[test]
fn every_call_does_in_every_state_what_the_model_says() {
    // An unoptimized model takes its time: then only every ninth cell, which meets each state and
    // each call.
    let sample = if cfg!(debug_assertions) { 9 } else { 1 };
    agrees(conform(&["--matrix", "--sample", &sample.to_string()]), 60_000 / sample);
}

#[test]
fn every_sequence_of_calls_does_what_the_model_says() {
    agrees(conform(&["--exhaustive", "3", "--sample", "5"]), 2000);
}

#[test]
fn a_model_that_is_wrong_is_found_out() {
    for args in [
        ["--matrix", "--sample", "500", "--mistake"].as_slice(),
        &["--exhaustive", "1", "--mistake"],
    ] {
        let (report, status) = conform(args);
        assert_eq!(status, Some(1), "{report:#}");
        let finding = &report["differences"][0];
        assert_ne!(finding["model"], finding["kernel"]);
        let trace: sunpath::trace::Trace = finding["trace"].as_str().unwrap().parse().unwrap();
        assert!(trace.steps().count() <= 8, "{finding:#}");
    }
}

#[test]
fn one_table_at_a_time() {
    let sunpath = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sunpath"));
        command.arg("conform").args(args).stdin(Stdio::null()).output().unwrap().status.code()
    };
    assert_eq!(sunpath(&["--matrix", "--random"]), Some(2));
    assert_eq!(sunpath(&["--matrix", "--exhaustive", "2"]), Some(2));
    assert_eq!(sunpath(&["--exhaustive", "0"]), Some(2));
    assert_eq!(sunpath(&["--matrix", "connect/stale-socket"]), Some(2));
}
