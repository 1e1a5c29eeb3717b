//! Calls that are written down with names for descriptors, and the place where they are made.

use super::super::script::{Expected, Move, Play};
use crate::stage::Trouble;
use sunpath::Address;
use sunpath::op::{Fd, FileOp, Name, Op, Ret};
use sunpath::trace::{Event, Named, Reference, References, Trace};

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct Called {
    /// Names for the descriptors that it gives.
    gives: Vec<String>,
    op: Named<Op>,
    /// It is made again and again, until it fails.
    repeated: bool,
}

/// The names that descriptors can have: `s` is the socket that matters, `p` its peer, `o` another
/// one, the others as needed.
const NAMES: &str = "spawn a\n\
    a: s, p = socketpair stream\na: o, c = socketpair stream\na: d, t = socketpair stream\n\
    a: l, q = socketpair stream\na: x, y = socketpair stream\n";

/// No call is repeated more often.
const MOST_REPEATS: usize = 2000;

/// Reads calls of a process `a`, one a line, as traces are written; `repeat` before a call has it
/// made until it fails.
pub fn read(text: &str) -> Result<Vec<Called>, Trouble> {
    let mut whole = NAMES.to_string();
    let mut repeated = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let rest = line.strip_prefix("repeat ");
        repeated.push(rest.is_some());
        whole.push_str(&format!("a: {}\n", rest.unwrap_or(line)));
    }
    let parsed = whole.parse().map_err(|error| Trouble::Failed(format!("{error}, in {text:?}")));
    let trace: Trace = parsed?;
    let called = |(step, repeated): (&sunpath::trace::Step, bool)| match &step.event {
        Event::Call { gives, op, .. } => {
            Some(Called { gives: gives.clone(), op: op.clone(), repeated })
        }
        _ => None,
    };
    Ok(trace.steps().skip(NAMES.lines().count()).zip(repeated).filter_map(called).collect())
}

/// What a cell has made so far.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Descriptors by their names.
    names: Vec<(String, Fd)>,
    /// Descriptors that are open, besides the first three.
    pub open: Vec<Fd>,
    /// Files that were made, and how each is removed.
    pub files: Vec<FileOp>,
}

impl Known {
    /// The call with numbers; `None` if it speaks of a descriptor that there is not.
    pub fn resolve(&self, called: &Called, pid: i32) -> Option<Op> {
        let mut missing = false;
        let op = called.op.with(|name, reference| match reference {
            Reference::Fd(fd) => match self.names.iter().find(|(known, _)| known == name) {
                Some((_, number)) => **fd = *number,
                None => missing = true,
            },
            Reference::Pid(number) => **number = pid,
            Reference::Task(task) => **task = 0,
        });
        (!missing).then_some(op)
    }

    /// Takes note of what a call did.
    pub fn note(&mut self, called: &Called, op: &Op, ret: &Ret) {
        let mut names = called.gives.iter();
        if !matches!(ret, Ret::Polled(_)) {
            ret.clone().visit(&mut |reference| {
                let Reference::Fd(fd) = reference else { return };
                self.open.push(*fd);
                if let Some(name) = names.next() {
                    self.names.retain(|(known, _)| known != name);
                    self.names.push((name.clone(), *fd));
                }
            });
        }
        match op {
            Op::Close { fd } => {
                self.open.retain(|open| open != fd);
                self.names.retain(|(_, known)| known != fd);
            }
            Op::Bind { name: Name::Unix(Address::Path(path)), .. }
            | Op::File(FileOp::Create { path, .. } | FileOp::Symlink { path, .. }) => {
                self.files.push(FileOp::Unlink { path: path.clone() });
            }
            Op::File(FileOp::Mkdir { path, .. }) => {
                self.files.push(FileOp::Rmdir { path: path.clone() });
            }
            _ => {}
        }
    }
}

/// Why a call cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// It speaks of a socket that there is not.
    NoSocket,
    /// It would wait.
    Waits,
}

/// Where a cell is played.
pub struct Scene<'p> {
    /// The script.
    pub play: &'p mut Play,
    /// What is there.
    pub known: Known,
}

impl<'p> Scene<'p> {
    /// At the end of a script that has left nothing behind.
    pub fn new(play: &'p mut Play) -> Scene<'p> {
        Scene { play, known: Known::default() }
    }

    /// Makes a call.
    pub fn make(&mut self, called: &Called) -> Result<(), Obstacle> {
        for _ in 0..MOST_REPEATS {
            let op = self.known.resolve(called, self.play.members[0].pid);
            let op = op.ok_or(Obstacle::NoSocket)?;
            let expected = self.play.make(Move { task: 0, op: op.clone() });
            match expected.ok_or(Obstacle::Waits)?.clone() {
                Expected::Done(ret) => self.known.note(called, &op, &ret),
                Expected::Fails { .. } => break,
            }
            if !called.repeated {
                break;
            }
        }
        Ok(())
    }

    /// Makes a call that has no names.
    pub fn plain(&mut self, op: Op) -> Result<Expected, Obstacle> {
        let expected = self.play.make(Move { task: 0, op: op.clone() });
        let expected = expected.ok_or(Obstacle::Waits)?.clone();
        if let Expected::Done(ret) = &expected {
            let called = Called { gives: Vec::new(), op: op.clone().into(), repeated: false };
            self.known.note(&called, &op, ret);
        }
        Ok(expected)
    }
}
