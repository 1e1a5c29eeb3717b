//! What is foreseen is what happens: in every scene, for a user whom the scene was not made for.

use crate::tool::{NOBODY, Tool, is_root};
use serde_json::{Deserializer, Value};
use std::process::Command;

/// Asks twice, the second time with a real connection.
const ASK: &str = r#"
    setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups "$0" why --json "$@"
    setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups "$0" why --json --connect "$@"
"#;

#[test]
fn a_stranger_is_told_what_really_happens() {
    if !is_root() || Command::new("setpriv").arg("--version").output().is_err() {
        eprintln!("skipped: needs root and the program setpriv");
        return;
    }
    let tool = Tool::reachable();
    let list = tool.as_is().args(["demo", "--list"]).output().expect("run sunpath");
    let list = String::from_utf8(list.stdout).expect("text");
    let scenes = list
        .lines()
        .filter(|line| line.starts_with("connect/") || line.starts_with("healthy/"))
        .filter(|line| !line.contains("takes no command") && !line.contains("bind-"))
        .filter_map(|line| line.split_whitespace().next());
    let mut compared = 0;
    for scene in scenes {
        compared += usize::from(compare(&tool, scene));
    }
    assert!(compared > 40, "only {compared} scenes");
}

/// Whether the scene could be set up.
fn compare(tool: &Tool, scene: &str) -> bool {
    let kind = match scene {
        "connect/receiver-has-another-peer" => "datagram",
        _ if scene.ends_with("/datagram") => "datagram",
        _ if scene.ends_with("/seqpacket") && scene != "connect/wrong-type/seqpacket" => {
            "seqpacket"
        }
        _ => "stream",
    };
    let mut command = tool.as_is();
    command.args(["demo", "--outside", scene, "--", "sh", "-c", ASK]).arg(tool.path());
    let output = command
        .args(["--type", kind, "{}"])
        .env("USER_ID", NOBODY.to_string())
        .output()
        .expect("run sunpath");
    let answers: Result<Vec<Value>, _> =
        Deserializer::from_slice(&output.stdout).into_iter().collect();
    let said = String::from_utf8_lossy(&output.stderr);
    let answers = answers.unwrap_or_else(|error| panic!("{scene}: {error}: {said}"));
    let [foreseen, happened] = answers.as_slice() else {
        eprintln!("skipped: {scene}: {said}");
        return false;
    };
    let result = |answer: &Value| (answer["outcome"].clone(), answer["errno"].clone());
    if result(foreseen) == (Value::from("unknown"), Value::Null) {
        return true;
    }
    // The attempt does not wait, so a backlog that is full shows as an error.
    if foreseen["outcome"] == "waits" {
        assert_eq!(happened["errno"], "EAGAIN", "{scene}: {happened:#}");
        return true;
    }
    assert_eq!(result(foreseen), result(happened), "{scene}: {}", foreseen["causes"]);
    true
}
