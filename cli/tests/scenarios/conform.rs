//! `sunpath conform`.

use crate::tool::Tool;
use std::process::Output;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("ended by itself")
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
