//! Results.

use super::cursor::{Cursor, Of, Read};
use super::writer::Writer;
use super::{message, option, word};
use crate::op::{Polled, Ret};
use alloc::vec::Vec;

/// What a call gave. `ok` is [`Ret::Unit`]; a number alone counts bytes.
pub(super) fn write(w: &mut Writer<'_>, ret: &Ret) {
    match ret {
        Ret::Unit => w.word("ok"),
        Ret::Fd(fd) => {
            w.word("fd");
            w.fd(*fd);
        }
        Ret::Pair(a, b) => {
            w.word("fds");
            w.fd(*a);
            w.fd(*b);
        }
        Ret::Count(bytes) => w.word(bytes),
        Ret::Accepted { fd, name } => {
            w.word("accepted");
            w.fd(*fd);
            if let Some(name) = name {
                w.word("from ");
                word::write_address(w, name);
            }
        }
        Ret::Name(address) => {
            w.word("name ");
            word::write_address(w, address);
        }
        Ret::Value(value) => {
            w.word("value");
            option::write_value(w, value);
        }
        Ret::Received(received) => message::write_received(w, received),
        Ret::Polled(polled) => {
            w.word("poll");
            for Polled { fd, events } in polled {
                w.fd(*fd);
                w.add(":");
                w.add(events);
            }
        }
        Ret::Task(task) => {
            w.word("task ");
            w.reference(task);
        }
    }
}

pub(super) fn read(c: &mut Cursor<'_>) -> Read<Ret> {
    c.skip();
    if c.rest().starts_with('"') {
        return Ok(Ret::Received(message::read_received(c)?));
    }
    if c.at_number() {
        return Ok(Ret::Count(c.number_of("a number of bytes")?));
    }
    let word = c.peek_word();
    let mark = c.mark();
    c.take(word);
    Ok(match word {
        "ok" => Ret::Unit,
        "fd" => Ret::Fd(word::read_fd(c)?),
        "fds" => Ret::Pair(word::read_fd(c)?, word::read_fd(c)?),
        "accepted" => {
            let fd = word::read_fd(c)?;
            let mut name = None;
            if c.next_word() == Some("from") {
                c.take("from");
                c.skip();
                name = Some(word::read_address(c)?);
            }
            Ret::Accepted { fd, name }
        }
        "name" => {
            c.skip();
            Ret::Name(word::read_address(c)?)
        }
        "value" => Ret::Value(option::read_value(c)?),
        "poll" => read_polled(c)?,
        "task" => {
            c.skip();
            Ret::Task(word::read_reference(c, Of::Task, "a task")?)
        }
        _ => {
            c.back_to(mark);
            return c.fail(
                "a result (ok, a number, \"data\", fd, fds, accepted, name, value, poll or task)",
            );
        }
    })
}

fn read_polled(c: &mut Cursor<'_>) -> Read<Ret> {
    let mut polled = Vec::new();
    while !c.ended() {
        let fd = word::read_fd(c)?;
        c.expect(":")?;
        polled.push(Polled { fd, events: word::read_events(c)? });
    }
    Ok(Ret::Polled(polled))
}
