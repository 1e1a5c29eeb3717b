//! What is expected of an event, and what came of it.

use super::cursor::{Cursor, Read, did_you_mean};
use super::near::near;
use super::reference::Named;
use super::result;
use super::word;
use super::writer::Writer;
use crate::model;
use crate::op::Ret;
use crate::{Errno, Platform, cause};
use alloc::format;
use alloc::vec::Vec;
use core::fmt;

/// What is expected on some systems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The systems; empty for all of them.
    pub on: Vec<Platform>,
    /// What is expected.
    pub is: Expected,
}

impl Expectation {
    /// Whether it is meant for this system.
    pub fn concerns(&self, platform: Platform) -> bool {
        self.on.is_empty() || self.on.contains(&platform)
    }
}

/// What is expected of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// It succeeds, whatever it gives.
    Succeeds,
    /// It succeeds and gives just this.
    Gives(Named<Ret>),
    /// It fails.
    Fails {
        /// The error; `None`: any.
        errno: Option<Errno>,
        /// The id of the cause; `None`: any.
        cause: Option<&'static str>,
        /// `SIGPIPE` comes with it.
        signal: bool,
    },
    /// It waits for this reason; `None`: for any.
    Waits(Option<&'static str>),
}

/// What came of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The call succeeded.
    Done(Ret),
    /// It failed.
    Failed {
        /// The error.
        errno: Errno,
        /// The id of the cause, where the system knows it.
        cause: Option<&'static str>,
        /// `SIGPIPE` came with it.
        signal: bool,
    },
    /// It waits, for this reason, where the system knows it.
    Waits(Option<&'static str>),
    /// The event could not happen: the task waits in another call.
    Busy,
    /// The event could not happen: the task waits in no call.
    Idle,
    /// The event could not happen: the task has exited, or never started.
    Gone,
}

impl From<model::Step> for Outcome {
    fn from(step: model::Step) -> Outcome {
        match step {
            model::Step::Done(ret) => Outcome::Done(ret),
            model::Step::Fail(model::Failure { cause, errno, signal }) => {
                Outcome::Failed { errno, cause: cause.map(|c| c.id), signal }
            }
            model::Step::Blocked(wait) => Outcome::Waits(Some(wait.cause.id)),
        }
    }
}

impl Outcome {
    /// Why the event could not happen, if it could not: what there is to say of its task.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        match self {
            Outcome::Busy => Some("waits in another call"),
            Outcome::Idle => Some("waits in no call"),
            Outcome::Gone => Some("is not there"),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    /// As an expectation is written; `# ...` for an event that could not happen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self {
            Outcome::Busy | Outcome::Idle | Outcome::Gone => {
                return write!(f, "# {}", self.obstacle().unwrap_or_default());
            }
            Outcome::Done(ret) => Expected::Gives(ret.clone().into()),
            Outcome::Failed { errno, cause, signal } => {
                Expected::Fails { errno: Some(*errno), cause: *cause, signal: *signal }
            }
            Outcome::Waits(cause) => Expected::Waits(*cause),
        };
        expected.fmt(f)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write())
    }
}

impl Expected {
    /// The cause that it names.
    pub fn cause(&self) -> Option<&'static str> {
        match self {
            Expected::Fails { cause, .. } | Expected::Waits(cause) => *cause,
            Expected::Succeeds | Expected::Gives(_) => None,
        }
    }

    fn write(&self) -> alloc::string::String {
        let names = match self {
            Expected::Gives(ret) => &ret.names[..],
            _ => &[],
        };
        let mut w = Writer::new(names);
        match self {
            Expected::Succeeds => w.add("-> ok"),
            Expected::Gives(ret) => {
                w.add("->");
                result::write(&mut w, &ret.is);
            }
            Expected::Fails { errno, cause, signal } => {
                w.add("!");
                errno.iter().for_each(|errno| w.word(errno.name()));
                cause.iter().for_each(|cause| w.word(cause));
                w.word_if(*signal, "SIGPIPE");
            }
            Expected::Waits(cause) => {
                w.add("~");
                cause.iter().for_each(|cause| w.word(cause));
            }
        }
        w.done()
    }
}

/// `[linux macos] ! EAGAIN`
pub(super) fn write(expectation: &Expectation) -> alloc::string::String {
    let mut w = Writer::new(&[]);
    if !expectation.on.is_empty() {
        w.add("[");
        for (place, platform) in expectation.on.iter().enumerate() {
            w.add(if place > 0 { " " } else { "" });
            w.add(platform);
        }
        w.add("]");
    }
    w.word(&expectation.is);
    w.done()
}

const FORMS: &str = "what is expected (-> RESULT, ! ERROR, ~ for a wait; [linux macos] before it)";

/// What stands behind an event, or on a line below it.
pub(super) fn read(c: &mut Cursor<'_>) -> Read<Option<Expectation>> {
    if c.ended() {
        return Ok(None);
    }
    let mut on = Vec::new();
    let guarded = c.eat("[");
    if guarded {
        on = read_platforms(c)?;
        c.skip();
        c.expect("]")?;
    }
    c.skip();
    let is = match () {
        () if c.eat("->") => read_gift(c)?,
        () if c.eat("!") => read_failure(c)?,
        () if c.eat("~") => Expected::Waits(read_cause(c)?),
        () if guarded => return c.fail(FORMS),
        () => return c.fail(format!("the end of the line or {FORMS}")),
    };
    if !c.ended() {
        return c.fail("the end of the line");
    }
    Ok(Some(Expectation { on, is }))
}

/// Names of systems, one at least.
pub(super) fn read_platforms(c: &mut Cursor<'_>) -> Read<Vec<Platform>> {
    let names: Vec<_> = Platform::ALL.iter().map(|p| (p.name(), *p)).collect();
    let mut platforms = Vec::new();
    loop {
        c.skip();
        platforms.push(c.one_of("a system", &names)?);
        if c.next_word().is_none() {
            return Ok(platforms);
        }
    }
}

fn read_gift(c: &mut Cursor<'_>) -> Read<Expected> {
    c.names.clear();
    Ok(match result::read(c)? {
        Ret::Unit => Expected::Succeeds,
        is => Expected::Gives(Named { is, names: core::mem::take(&mut c.names) }),
    })
}

fn read_failure(c: &mut Cursor<'_>) -> Read<Expected> {
    c.skip();
    let is_cause = c.rest().starts_with(|ch: char| ch.is_ascii_lowercase());
    let errno = if is_cause { None } else { Some(word::read_errno(c)?) };
    let cause = read_cause(c)?;
    let signal = c.next_word() == Some("SIGPIPE");
    if signal {
        c.take("SIGPIPE");
    }
    Ok(Expected::Fails { errno, cause, signal })
}

/// The id of a cause, if a word in lower case stands here.
pub(super) fn read_cause(c: &mut Cursor<'_>) -> Read<Option<&'static str>> {
    c.skip();
    let rest = c.rest();
    if !rest.starts_with(|ch: char| ch.is_ascii_lowercase()) {
        return Ok(None);
    }
    let part = |ch: char| ch.is_ascii_alphanumeric() || ch == '-' || ch == '/';
    let id = &rest[..rest.find(|ch| !part(ch)).unwrap_or(rest.len())];
    match cause::find(id) {
        Some(cause) => {
            c.take(id);
            Ok(Some(cause.id))
        }
        None => {
            let ids: Vec<&str> = cause::all().map(|cause| cause.id).collect();
            let hint = near(id, &ids).map(did_you_mean).unwrap_or_default();
            c.fail_with("the id of a cause, such as connect/stale-socket", hint)
        }
    }
}
