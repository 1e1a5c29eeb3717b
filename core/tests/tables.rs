//! The tables of transitions: every call in every state of a socket, on every system. What comes of
//! each is kept in `snapshots`; `SUNPATH_RECORD=1` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};
use sunpath_core::model::World;
use sunpath_core::profile::Profile;
use sunpath_core::trace::{CALLS, Expected, Line, Outcome, STATES, State, Step, Trace, play};
use sunpath_core::{Platform, SocketType};

fn file(kind: SocketType) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{kind}.txt"))
}

/// What comes of a call; `None` where the socket cannot be in the state.
fn told(trace: &Trace, platform: Platform) -> Option<Expected> {
    let mut world = World::new(Profile::of(platform).clone());
    let mut played = play(trace, &mut world).unwrap();
    let last = played.pop()?;
    let there = played.iter().all(|step| matches!(step.outcome, None | Some(Outcome::Done(_))));
    if there { last.told } else { None }
}

/// A state with all calls, each with its outcomes.
fn table(state: &State, kind: SocketType) -> String {
    let mut text = format!("{}\n", state.name);
    for call in CALLS {
        let whole = state.trace_with(kind, call);
        let step = Step { expected: Vec::new(), ..whole.steps().last().unwrap().clone() };
        let mut cell = Trace { lines: vec![Line::Step(step)] };
        for platform in Platform::ALL {
            cell.record(*platform, &[told(&whole, *platform)]);
        }
        let cell = cell.to_string();
        for line in cell.strip_prefix("a: ").unwrap().lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

fn check(kind: SocketType) {
    let states = STATES.iter().filter(|state| state.sockets.contains(kind));
    let tables: Vec<_> = states.map(|state| table(state, kind)).collect();
    let now = tables.join("\n");
    let path = file(kind);
    if std::env::var_os("SUNPATH_RECORD").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &now).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    let pair = kept.lines().zip(now.lines()).enumerate().find(|(_, (kept, now))| kept != now);
    if let Some((number, (kept, now))) = pair {
        panic!("{}:{}: was\n{kept}\nand is now\n{now}", path.display(), number + 1);
    }
    assert_eq!(kept.lines().count(), now.lines().count(), "{}", path.display());
}

#[test]
fn streams() {
    check(SocketType::Stream);
}

#[test]
fn datagrams() {
    check(SocketType::Datagram);
}

#[test]
fn seqpackets() {
    check(SocketType::SeqPacket);
}
