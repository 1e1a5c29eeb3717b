//! The same data without a view.

use crate::common::{Dir, every_key_is_documented, output, run, spawn, sunpath};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use sunpath::{Listener, Stream};

#[test]
fn without_a_terminal_there_is_no_view_and_the_way_out_is_told() {
    let run = run(&["top"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert!(run.err.contains("standard output is not a terminal"), "{}", run.err);
    assert!(run.err.contains("--once"), "{}", run.err);
}

#[test]
fn once_prints_a_table() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let _listener = Listener::options().backlog(1).bind(&path).unwrap();
    let _clients: Vec<_> = (0..2).map(|_| Stream::connect(&path).unwrap()).collect();
    let text = run(&["top", "--once", path.to_str().unwrap()]).out;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("STATUS"), "{text}");
    let words: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(words[..4], ["full", "0.0s", "2/1", "stream"], "{text}");
    assert!(lines[1].contains(&format!("[{}]:", std::process::id())), "{text}");
    assert!(lines[1].ends_with(path.to_str().unwrap()), "{text}");
}

#[test]
fn a_batch_of_json_measures_from_look_to_look() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let listener = Listener::options().backlog(5).bind(&path).unwrap();
    let _clients: Vec<_> = (0..2).map(|_| Stream::connect(&path).unwrap()).collect();
    let args = ["top", "--json", "--batch", "3", "--delay", "1.1", path.to_str().unwrap()];
    let text = run(&args).out;
    let looks: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(looks.len(), 3);
    looks.iter().for_each(every_key_is_documented);
    let of = |look: &Value, field: &str| look["sockets"][0][field].clone();
    assert_eq!(looks[0]["sockets"].as_array().map(Vec::len), Some(1), "{text}");
    assert_eq!(of(&looks[0], "name"), path.to_str().unwrap());
    assert_eq!(of(&looks[0], "status"), Value::Null);
    assert_eq!(of(&looks[0], "waited_ms"), 0);
    assert_eq!(of(&looks[2], "status"), "hung");
    for field in ["waited_ms", "unmoved_ms"] {
        assert!(of(&looks[2], field).as_u64().is_some_and(|ms| ms >= 2000), "{text}");
    }
    assert_eq!(of(&looks[2], "backlog")["pending"], 2);
    assert!(looks[2]["taken_ms"].as_u64() > looks[0]["taken_ms"].as_u64());
    drop(listener);
}

#[test]
fn an_interrupt_ends_it_after_a_whole_line() {
    let mut command = sunpath();
    command.args(["top", "--json", "--delay", "0.1"]).stdout(Stdio::piped());
    let mut child = spawn(&mut command).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    for line in std::iter::once(Ok(first)).chain(lines) {
        serde_json::from_str::<Value>(&line.unwrap()).unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_reader_that_goes_away_is_no_trouble() {
    let mut command = sunpath();
    command.args(["top", "--json", "--delay", "0.1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(&mut command).unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stderr.is_empty());
}

#[test]
fn a_full_disk_is_told() {
    let mut command = sunpath();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let child = spawn(command.args(["top", "--once"]).stdout(full).stderr(Stdio::piped())).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("cannot write"));
}

#[test]
fn odd_arguments_are_refused() {
    for args in [
        &["top", "--delay", "0"][..],
        &["top", "--delay", "nan"],
        &["top", "--batch", "0"],
        &["top", "--once", "--batch", "2"],
        &["top", "--sort", "colour"],
        &["top", "--once", "--user", "no such user"],
    ] {
        let run = run(args);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{args:?}");
    }
    let help = output(sunpath().args(["top", "--help"])).unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).contains("Examples:"));
}
