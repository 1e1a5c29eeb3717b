//! Every sequence of a few calls, each of which is made at the end of every sequence that came
//! before it.
//!
//! ```text
//!  the beginning ── a call ──► a world of the model ── a call ──► ...
//!                   each of     known already? then no        each of
//!                   the few     sequence goes on from here    the few
//! ```
//! The shortest ones are never taken for the same: what the model forgets, the kernel might not.

use super::batch::Cell;
use super::matrix::TYPES;
use super::scene::{Called, Known, read};
use crate::mirror::script::Role;
use crate::stage::Trouble;
use std::collections::HashSet;
use sunpath::SocketType;
use sunpath::model::{Step, TaskId, World};
use sunpath::op::{Op, ProcessOp, Ret, Value};
use sunpath::profile::{LINUX, Machine};

/// Sequences of no more calls than this are all gone on from.
const ALWAYS: usize = 2;

/// Where sequences start, and the calls that they consist of.
struct Arena {
    name: &'static str,
    start: &'static str,
    calls: &'static [&'static str],
    /// Calls that only streams know.
    of_streams: &'static [&'static str],
}

const PAIR: Arena = Arena {
    name: "pair",
    start: "s, p = socketpair KIND nonblocking",
    calls: &[
        "send s \"ab\" nosignal",
        "send p \"cd\" rights=[0] nosignal",
        "recv s 1 control=64",
        "recv s 64 control=64",
        "recv p 64",
        "recv s 1 peek",
        "shutdown s read",
        "shutdown s write",
        "shutdown p read",
        "shutdown p write",
        "close s",
        "close p",
        "getsockopt s SO_ERROR",
    ],
    of_streams: &["send p \"!\" oob nosignal", "recv s 1 oob", "setsockopt s SO_OOBINLINE 1"],
};

const LISTENER: Arena = Arena {
    name: "listener",
    start: "l = socket KIND nonblocking\nbind l @l\nlisten l 0\nc = socket KIND nonblocking\n\
            d = socket KIND nonblocking",
    calls: &[
        "connect c @l",
        "connect d @l",
        "x = accept l nonblocking",
        "send c \"ab\" nosignal",
        "send x \"cd\" nosignal",
        "recv c 64",
        "recv x 64",
        "shutdown l read",
        "shutdown c write",
        "listen l 1",
        "close l",
        "close c",
        "close x",
    ],
    of_streams: &[],
};

const DATAGRAMS: Arena = Arena {
    name: "datagrams",
    start: "s = socket KIND nonblocking\nbind s @s\np = socket KIND nonblocking\nbind p @p\n\
            c = socket KIND nonblocking",
    calls: &[
        "connect s @p",
        "connect p @s",
        "connect s @s",
        "connect s family=unspecified",
        "connect c @s",
        "send s \"ab\" nosignal",
        "send p \"cd\" nosignal",
        "send c \"ef\" to @s nosignal",
        "send c \"gh\" nosignal",
        "recv s 1",
        "recv p 64",
        "shutdown s read",
        "shutdown s write",
        "shutdown p both",
        "close s",
        "close p",
    ],
    of_streams: &[],
};

/// An arena for a type.
struct Ground {
    name: String,
    start: Vec<Called>,
    calls: Vec<(&'static str, Vec<Called>)>,
    /// The sequences, as places in `calls`.
    sequences: Vec<Vec<u8>>,
}

/// All sequences.
pub struct Sequences(Vec<Ground>);

/// A world on the way, and the names of its descriptors.
#[derive(Clone)]
struct Way {
    world: World,
    task: TaskId,
    pid: i32,
    known: Known,
}

impl Way {
    fn new(role: Role, machine: &Machine) -> Way {
        let mut world = World::on(LINUX, machine.clone());
        let task = world.spawn_as(role.credentials());
        let pid = match world.step(task, &Op::Process(ProcessOp::Getpid)) {
            Step::Done(Ret::Value(Value::Int(pid))) => pid,
            _ => 0,
        };
        Way { world, task, pid, known: Known::default() }
    }

    /// Makes calls; whether it could.
    fn make(&mut self, calls: &[Called]) -> bool {
        calls.iter().all(|called| {
            let Some(op) = self.known.resolve(called, self.pid) else { return false };
            match self.world.step(self.task, &op) {
                Step::Done(ret) => self.known.note(called, &op, &ret),
                Step::Fail(_) => {}
                Step::Blocked(_) => return false,
            }
            !self.world.has_garbage()
        })
    }

    /// What tells it from others.
    fn digest(&self) -> (u128, String) {
        (self.world.digest(), format!("{:?}", self.known))
    }
}

impl Ground {
    fn new(arena: &Arena, kind: SocketType) -> Result<Ground, Trouble> {
        let of_streams = if kind == SocketType::Stream { arena.of_streams } else { &[] };
        let calls = arena.calls.iter().chain(of_streams);
        Ok(Ground {
            name: format!("{kind}, {}", arena.name),
            start: read(&arena.start.replace("KIND", kind.name()))?,
            calls: calls.map(|text| Ok((*text, read(text)?))).collect::<Result<_, Trouble>>()?,
            sequences: Vec::new(),
        })
    }

    /// Finds the sequences of up to `length` calls.
    fn explore(&mut self, length: usize, start: &Way) {
        let mut start = start.clone();
        start.make(&self.start);
        let mut seen = HashSet::from([start.digest()]);
        let mut last = vec![(Vec::new(), start)];
        for done in 0..length {
            let mut next = Vec::new();
            for (sequence, way) in last {
                for (place, (_, call)) in self.calls.iter().enumerate() {
                    let mut way = way.clone();
                    let possible = way.make(call);
                    let mut sequence: Vec<u8> = sequence.clone();
                    sequence.push(place as u8);
                    self.sequences.push(sequence.clone());
                    let goes_on = possible && done + 1 < length;
                    if goes_on && (seen.insert(way.digest()) || done < ALWAYS) {
                        next.push((sequence, way));
                    }
                }
            }
            last = next;
        }
    }
}

impl Sequences {
    /// Those of up to `length` calls.
    pub fn new(length: usize, role: Role, machine: &Machine) -> Result<Sequences, Trouble> {
        let start = Way::new(role, machine);
        let mut grounds = Vec::new();
        for kind in TYPES {
            let second = if kind == SocketType::Datagram { DATAGRAMS } else { LISTENER };
            for arena in [PAIR, second] {
                let mut ground = Ground::new(&arena, kind)?;
                ground.explore(length, &start);
                grounds.push(ground);
            }
        }
        Ok(Sequences(grounds))
    }

    /// Each as a cell.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.0.iter().flat_map(|ground| {
            ground.sequences.iter().map(move |sequence| {
                let calls = sequence.iter().map(|place| &ground.calls[usize::from(*place)]);
                let texts: Vec<_> = calls.clone().map(|(text, _)| *text).collect();
                Cell {
                    name: format!("{}: {}", ground.name, texts.join("; ")),
                    calls: ground.start.iter().chain(calls.flat_map(|(_, c)| c)).collect(),
                }
            })
        })
    }
}
