//! Lines.

use super::cursor::{Cursor, Of, ParseError, Read};
use super::reference::Named;
use super::writer::Writer;
use super::{Event, Line, Step, Trace, call, expect, result, setting, spawn, word};
use crate::op::{Op, ProcessOp, Ret};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// The words with which lines begin that are no calls.
pub(super) const EVENTS: &[&str] = &[
    "spawn",
    "resume",
    "interrupt",
    "advance",
    "collect",
    "only",
    "about",
    "mount",
    "immutable",
    "protected-symlinks",
    "member",
    "restrict",
    "stop",
    "continue",
    "busy",
    "kernel-memory",
    "system-limit",
    "route",
    "host",
    "ports",
    "destroy",
];

/// A text with more lines than this is no trace.
const MOST_LINES: usize = 10_000_000;

impl FromStr for Trace {
    type Err = ParseError;

    /// Reads the text form. The error says where the text is wrong, and what could stand there.
    fn from_str(text: &str) -> Result<Trace, ParseError> {
        let mut c = Cursor::new();
        let mut lines: Vec<Line> = Vec::new();
        for (place, line) in text.lines().enumerate() {
            c.begin(line, place + 1);
            if place >= MOST_LINES {
                return c.fail("fewer lines");
            }
            let deep = line.starts_with([' ', '\t']);
            c.skip();
            match lines.last_mut() {
                Some(Line::Step(step)) if deep && c.rest().starts_with('[') => {
                    if step.expected.is_empty() && !has_result(&step.event) {
                        return c.fail("an event, as nothing comes of the one before");
                    }
                    step.expected.extend(expect::read(&mut c)?);
                }
                _ => lines.push(read_line(&mut c)?),
            }
        }
        Ok(Trace { lines })
    }
}

fn read_line(c: &mut Cursor<'_>) -> Read<Line> {
    if c.ended() {
        return Ok(Line::Blank);
    }
    if c.eat("#") {
        return Ok(Line::Comment(c.rest().trim_end().to_owned()));
    }
    let word = c.peek_word();
    let mark = c.mark();
    c.take(word);
    let line = match word {
        "only" if !c.eat(":") => Line::Only(expect::read_platforms(c)?),
        "about" if !c.eat(":") => read_about(c)?,
        _ => {
            c.back_to(mark);
            let event = read_event(c)?;
            let expected = if has_result(&event) {
                expect::read(c)?.into_iter().collect()
            } else {
                Vec::new()
            };
            Line::Step(Step { event, expected, line: c.number() })
        }
    };
    if c.ended() { Ok(line) } else { c.fail("the end of the line") }
}

/// Whether something comes of an event.
fn has_result(event: &Event) -> bool {
    matches!(event, Event::Call { .. } | Event::Resume { .. } | Event::Set(_))
}

fn read_about(c: &mut Cursor<'_>) -> Read<Line> {
    let mut causes = Vec::new();
    while let Some(id) = expect::read_cause(c)? {
        causes.push(id);
    }
    if causes.is_empty() { c.fail("the id of a cause") } else { Ok(Line::About(causes)) }
}

fn read_event(c: &mut Cursor<'_>) -> Read<Event> {
    let word = c.peek_word();
    let mark = c.mark();
    c.take(word);
    if !word.is_empty() && c.eat(":") {
        c.back_to(mark);
        let task = c.known(Of::Task, "a process")?;
        c.eat(":");
        return read_call(c, task);
    }
    c.skip();
    Ok(match word {
        "spawn" => read_spawn(c)?,
        "resume" => Event::Resume { task: c.known(Of::Task, "a process")? },
        "interrupt" => Event::Interrupt { task: c.known(Of::Task, "a process")? },
        "advance" => Event::Advance(word::read_time(c)?),
        "collect" => Event::Collect,
        word if EVENTS.contains(&word) => {
            c.names.clear();
            let is = setting::read(c, word)?;
            Event::Set(Named { is, names: core::mem::take(&mut c.names) })
        }
        _ => {
            c.back_to(mark);
            return not_an_event(c, word);
        }
    })
}

fn not_an_event<T>(c: &Cursor<'_>, word: &str) -> Read<T> {
    let expected = "a process and its call, such as `bob: close s`, or an event";
    if call::NAMES.contains(&word) {
        let hint = format!("a call has its process before it: `PROCESS: {word}`");
        return c.fail_with(format!("{expected} ({})", EVENTS.join(", ")), hint);
    }
    c.none_of(expected, EVENTS)
}

fn read_spawn(c: &mut Cursor<'_>) -> Read<Event> {
    let mark = c.mark();
    let name = c.name("a name for the process")?;
    if !c.known.tasks.insert(name.clone()) {
        c.back_to(mark);
        return c.fail("a name that no process has");
    }
    Ok(Event::Spawn { name, credentials: spawn::read(c)? })
}

fn read_call(c: &mut Cursor<'_>, task: String) -> Read<Event> {
    let gives = read_gives(c);
    c.names.clear();
    let is = call::read(c)?;
    let op = Named { is, names: core::mem::take(&mut c.names) };
    let new = matches!(op.is, Op::Process(ProcessOp::Fork | ProcessOp::Thread));
    let names = if new { &mut c.known.tasks } else { &mut c.known.descriptors };
    names.extend(gives.iter().cloned());
    Ok(Event::Call { task, gives, op })
}

/// `a, b =`, or nothing.
fn read_gives(c: &mut Cursor<'_>) -> Vec<String> {
    let mark = c.mark();
    let mut names = Vec::new();
    loop {
        c.skip();
        let Ok(name) = c.name("") else { break };
        names.push(name);
        if c.find("=") {
            return names;
        }
        if !c.eat(",") {
            break;
        }
    }
    c.back_to(mark);
    Vec::new()
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            match line {
                Line::Blank => writeln!(f)?,
                Line::Comment(text) => writeln!(f, "#{text}")?,
                Line::Only(platforms) => {
                    f.write_str("only")?;
                    platforms.iter().try_for_each(|p| write!(f, " {p}"))?;
                    writeln!(f)?;
                }
                Line::About(causes) => writeln!(f, "about {}", causes.join(" "))?,
                Line::Step(step) => writeln!(f, "{step}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    /// The event, what is expected behind it, and further lines for what else is expected.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.event.fmt(f)?;
        for (place, expectation) in self.expected.iter().enumerate() {
            f.write_str(if place > 0 { "\n    " } else { " " })?;
            f.write_str(&expect::write(expectation))?;
        }
        Ok(())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Spawn { name, credentials } => {
                let mut w = Writer::new(&[]);
                w.word("spawn");
                w.word(name);
                spawn::write(&mut w, credentials);
                f.write_str(&w.done())
            }
            Event::Call { task, gives, op } => {
                write!(f, "{task}: ")?;
                if !gives.is_empty() {
                    write!(f, "{} = ", gives.join(", "))?;
                }
                op.fmt(f)
            }
            Event::Resume { task } => write!(f, "resume {task}"),
            Event::Interrupt { task } => write!(f, "interrupt {task}"),
            Event::Advance(time) => {
                let mut w = Writer::new(&[]);
                word::write_time(&mut w, *time);
                write!(f, "advance {}", w.done())
            }
            Event::Collect => f.write_str("collect"),
            Event::Set(setting) => {
                let mut w = Writer::new(&setting.names);
                setting::write(&mut w, &setting.is);
                f.write_str(&w.done())
            }
        }
    }
}

impl fmt::Display for Named<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut w = Writer::new(&self.names);
        call::write(&mut w, &self.is);
        f.write_str(&w.done())
    }
}

impl fmt::Display for Op {
    /// As in a [trace](crate::trace): `send 3 "hello" dontwait`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut w = Writer::new(&[]);
        call::write(&mut w, self);
        f.write_str(&w.done())
    }
}

impl FromStr for Op {
    type Err = ParseError;

    /// Reads what [`Display`](fmt::Display) writes.
    ///
    /// ```
    /// use sunpath_core::op::Op;
    ///
    /// let op: Op = r#"connect 3 "app.sock""#.parse().unwrap();
    /// assert_eq!(op, Op::Connect { fd: 3, name: "app.sock".into() });
    /// assert_eq!("connect three".parse::<Op>().unwrap_err().column, 9);
    /// ```
    fn from_str(text: &str) -> Result<Op, ParseError> {
        let mut c = Cursor::alone(text);
        let op = call::read(&mut c)?;
        if c.ended() { Ok(op) } else { c.fail("the end of the line") }
    }
}

impl fmt::Display for Ret {
    /// As in a [trace](crate::trace): `"hello" from @name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut w = Writer::new(&[]);
        result::write(&mut w, self);
        f.write_str(&w.done())
    }
}

impl FromStr for Ret {
    type Err = ParseError;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Ret, ParseError> {
        let mut c = Cursor::alone(text);
        let ret = result::read(&mut c)?;
        if c.ended() { Ok(ret) } else { c.fail("the end of the line") }
    }
}
