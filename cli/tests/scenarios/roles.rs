//! Who looks at a scene, and from where.

use crate::tool::{Tool, is_root};
use serde_json::Value;
use std::process::Output;

/// What `sunpath demo ID -- COMMAND` ends with if this system cannot set the scene up.
const NOT_SET_UP: i32 = 120;

/// A way to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Root sets the scene up; the client itself asks.
    Client,
    /// Root sets the scene up, and asks on behalf of a client that waits.
    Onlooker,
    /// Root sets the scene up, and asks on behalf of the user nobody, by name.
    ForNobody,
    /// An ordinary user does everything.
    User,
}

/// The answer of `sunpath why --json` in a scene; `None`, and a word on standard error, if this
/// system or user cannot set it up.
pub fn ask(role: Role, scene: &str, arguments: &[&str]) -> Option<Value> {
    if role != Role::User && !is_root() {
        eprintln!("skipped: {scene} as {role:?} needs root");
        return None;
    }
    let tool = Tool::reachable();
    let mut command = if role == Role::User { tool.as_user() } else { tool.as_is() };
    command.arg("demo").arg(scene);
    if role == Role::Onlooker || role == Role::ForNobody {
        command.arg("--outside");
    }
    // Within the scene, the tool's own process leads to its program wherever that is.
    command.args(["--", "/proc/self/exe", "why", "--json"]).args(arguments);
    match role {
        Role::Onlooker => command.args(["--pid", "{pid}"]),
        Role::ForNobody => command.args(["--as", "nobody"]),
        Role::Client | Role::User => &mut command,
    };
    let output = command.arg("{}").output().expect("run sunpath");
    answer(role, scene, &output)
}

fn answer(role: Role, scene: &str, output: &Output) -> Option<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(NOT_SET_UP) {
        eprintln!("skipped: {scene} as {role:?}: {}", said.trim());
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let value = serde_json::from_str(&text);
    Some(value.unwrap_or_else(|error| panic!("{scene} as {role:?}: {error}: {text}{said}")))
}

/// What matters of an answer when it is not the right one.
pub fn gist(answer: &Value) -> String {
    let causes = answer["causes"].as_array().into_iter().flatten();
    let causes: Vec<String> =
        causes.map(|c| format!("{} ({}): {}", c["id"], c["certainty"], c["because"])).collect();
    format!("{} {} {causes:?} unseen: {}", answer["outcome"], answer["errno"], answer["unseen"])
}
