//! Carries a recipe out for somebody to look at: what the system says, and what Sunpath says.

use super::judge::start_client;
use super::{Make, Need, Observed, Recipe, Scene};
use crate::stage::client::Position;
use crate::stage::{Stage, Step, Trouble};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};
use std::time::Duration;
use sunpath::sys::process::{self, End};
use sunpath::{Address, Endpoint, Platform, Symptom, diagnose, sys};

/// From where a command runs while a scene is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// From the client's position: its user, its namespaces, its restrictions.
    Client,
    /// From where the scene was set up, while a client waits in its position.
    Outside,
}

/// Carries the recipe out; what there is to see, as a JSON object.
pub fn show(recipe: &Recipe, stage: &mut Stage) -> Value {
    if let Some(missing) = recipe.needs.iter().find_map(|need: &Need| need.missing()) {
        return json!({ "skipped": missing });
    }
    let seen = match recipe.make {
        Make::Scene(make) => make(stage).and_then(|scene| act_out(recipe.id, scene)),
        Make::Direct(make) => make(stage).map(|observed| seen(&observed, None)),
    };
    match seen {
        Ok(value) => value,
        Err(Trouble::NotHere(why)) => json!({ "skipped": why }),
        Err(Trouble::Failed(why)) => json!({ "failed": why }),
    }
}

/// Makes the call of a scene.
fn act_out(id: &str, mut scene: Scene) -> Result<Value, Trouble> {
    let expected = super::cause_of(id).and_then(|c| c.symptom(Platform::Linux, scene.socket));
    let mut client = start_client(&mut scene, expected)?;
    let limit = if expected == Some(Symptom::Hangs) { 300 } else { 5000 };
    let symptom = client.act(Duration::from_millis(limit))?;
    let facts = super::judge::facts(&scene, &client)?;
    let observed = Observed { call: scene.call, socket: scene.socket, symptom, facts };
    Ok(seen(&observed, Some(&scene.endpoint)))
}

fn seen(observed: &Observed, endpoint: Option<&Endpoint>) -> Value {
    let diagnosis = diagnose(observed.call, observed.socket, observed.symptom, &observed.facts);
    let first = diagnosis.causes.first();
    json!({
        "call": observed.call.name(),
        "address": endpoint.map(Endpoint::to_string),
        "system": plain(observed.symptom),
        "outcome": diagnosis.outcome.name(),
        "id": first.map(|r| r.cause.id),
        "certainty": first.map(|r| r.certainty.name()),
        "because": first.map(|r| r.because.as_str()),
        "fix": first.map(|r| r.cause.fix),
        "commands": first.map_or(&[][..], |r| &r.commands[..]),
    })
}

/// What a program prints that knows nothing but the errno.
fn plain(symptom: Option<Symptom>) -> String {
    match symptom {
        None => "success".to_string(),
        Some(Symptom::Errno(errno)) => {
            io::Error::from_raw_os_error(sys::errno::number(errno)).to_string()
        }
        Some(Symptom::Hangs) => "nothing, for ever".to_string(),
        Some(Symptom::EndOfFile) => "end of file".to_string(),
        Some(Symptom::ControlTruncated) => "success, with MSG_CTRUNC in the flags".to_string(),
        Some(Symptom::MessageTruncated) => "success, with MSG_TRUNC in the flags".to_string(),
        Some(Symptom::DescriptorsLost) => "success".to_string(),
    }
}

/// Sets a scene up and runs a command; `{}` stands for the address and `{pid}` for the client.
/// The status of the command.
pub fn run_command(
    recipe: &Recipe,
    stage: &mut Stage,
    from: From,
    command: &[OsString],
) -> Result<u8, Trouble> {
    if let Some(missing) = recipe.needs.iter().find_map(|need: &Need| need.missing()) {
        return Err(Trouble::NotHere(missing));
    }
    let Make::Scene(make) = recipe.make else {
        let why = "this failure is one of a program's own socket, not of an address";
        return Err(Trouble::NotHere(why.to_string()));
    };
    let mut scene = make(stage)?;
    match from {
        From::Outside => {
            let client = start_client(&mut scene, None)?;
            let command = fill(command, &scene.endpoint, client.pid());
            let status = prepare(&command)?.status().step("run the command")?;
            Ok(code(status))
        }
        From::Client => run_inside(scene, command),
    }
}

/// Runs the command in a process that takes the client's position first.
fn run_inside(scene: Scene, command: &[OsString]) -> Result<u8, Trouble> {
    let position = Position { uid: scene.caller, enter: scene.enter };
    let endpoint = scene.endpoint;
    let parent = std::process::id();
    let child = process::fork(move || {
        let ready = position.take().and_then(|()| {
            process::die_with(parent).step("tie the command to its parent")?;
            prepare(&fill(command, &endpoint, std::process::id()))
        });
        let trouble = match ready {
            Ok(mut command) => Trouble::Failed(format!("run the command: {}", command.exec())),
            Err(trouble) => trouble,
        };
        crate::out::complain(&trouble.to_string());
        127
    });
    match child.step("start the command")?.wait().step("wait for the command")? {
        End::Exited(code) => Ok(u8::try_from(code).unwrap_or(u8::MAX)),
        End::Killed(signal) => Ok(u8::try_from(128 + signal).unwrap_or(u8::MAX)),
    }
}

fn prepare(command: &[OsString]) -> Result<Command, Trouble> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Trouble::Failed("there is no command".into()))?;
    let mut prepared = Command::new(program);
    prepared.args(arguments);
    Ok(prepared)
}

/// A status as a shell has it.
fn code(status: ExitStatus) -> u8 {
    let killed = status.signal().map(|signal| 128 + signal);
    status.code().or(killed).and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// Puts the address and the client's id into a command.
fn fill(command: &[OsString], endpoint: &Endpoint, pid: u32) -> Vec<OsString> {
    let address = written(endpoint);
    let pid = pid.to_string();
    let filled = command.iter().map(|word| {
        let word = replace(word.as_bytes(), b"{}", address.as_bytes());
        OsString::from_vec(replace(&word, b"{pid}", pid.as_bytes()))
    });
    filled.collect()
}

/// The address as programs take it; spelt out where Sunpath would read that as something else.
fn written(endpoint: &Endpoint) -> OsString {
    let raw = match endpoint {
        Endpoint::Unix(Address::Path(path)) => path.clone(),
        Endpoint::Unix(Address::Abstract(name)) => [b"@", name.as_slice()].concat(),
        Endpoint::Unix(Address::Unnamed) | Endpoint::Inet { .. } => Vec::new(),
    };
    if Endpoint::parse(&raw).as_ref() == Ok(endpoint) {
        return OsString::from_vec(raw);
    }
    endpoint.spelling().into()
}

fn replace(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn a_command_gets_the_address_wherever_it_asks_for_it() {
        let endpoint = Endpoint::Unix(Address::Path(b"/run/a b\n".to_vec()));
        let command = ["curl", "--unix-socket={}", "{}{}", "{pid}", "{"].map(OsString::from);
        let filled = fill(&command, &endpoint, 7);
        let expected =
            ["curl", "--unix-socket=/run/a b\n", "/run/a b\n/run/a b\n", "7", "{"].map(OsStr::new);
        assert_eq!(filled, expected);
    }

    #[test]
    fn an_address_is_spelt_out_where_it_would_be_read_as_another() {
        let odd = Endpoint::Unix(Address::Path(b"@odd".to_vec()));
        let written = written(&odd);
        assert_eq!(Endpoint::parse(written.as_bytes()), Ok(odd));
        assert_ne!(written, "@odd");
    }
}
