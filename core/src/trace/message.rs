//! `send`, `recv`, and what comes of them.

use super::cursor::{Cursor, Of, Read};
use super::word;
use super::writer::{Switch, Writer, turn_on};
use crate::op::{Control, ControlOut, Message, Received, Want};
use alloc::vec::Vec;

const SEND: &[Switch<Message>] = &[
    ("unmapped", |m| &mut m.unmapped),
    ("dontwait", |m| &mut m.flags.dont_wait),
    ("nosignal", |m| &mut m.flags.no_signal),
    ("oob", |m| &mut m.flags.urgent),
    ("eor", |m| &mut m.flags.end_of_record),
];

const RECV: &[Switch<Want>] = &[
    ("unmapped", |w| &mut w.unmapped),
    ("dontwait", |w| &mut w.flags.dont_wait),
    ("peek", |w| &mut w.flags.peek),
    ("trunc", |w| &mut w.flags.truncate),
    ("waitall", |w| &mut w.flags.wait_all),
    ("oob", |w| &mut w.flags.urgent),
    ("cmsg-cloexec", |w| &mut w.flags.close_on_exec),
];

const RECEIVED: &[Switch<Received>] = &[
    ("truncated", |r| &mut r.truncated),
    ("control-truncated", |r| &mut r.control_truncated),
    ("oob", |r| &mut r.urgent),
    ("eor", |r| &mut r.end_of_record),
];

const OF_SEND: &[&str] = &[
    "to ADDRESS",
    "rights=[a, b]",
    "credentials=PID:UID:GID",
    "malformed-credentials",
    "malformed",
    "unknown-type",
    "foreign-level",
    "filler=BYTES",
    "buffers=NUMBER",
    "unmapped",
    "dontwait",
    "nosignal",
    "oob",
    "eor",
];

const OF_RECV: &[&str] = &[
    "control=BYTES",
    "buffers=NUMBER",
    "unmapped",
    "dontwait",
    "peek",
    "trunc",
    "waitall",
    "oob",
    "cmsg-cloexec",
];

const OF_RECEIVED: &[&str] = &[
    "from ADDRESS",
    "returned=BYTES",
    "truncated",
    "control-truncated",
    "oob",
    "eor",
    "rights=[a, b]",
    "credentials=PID:UID:GID",
    "pidfd=DESCRIPTOR",
    "no-pidfd=ERROR",
    "inq=BYTES",
    "cut=BYTES",
    "timestamp",
];

/// `send c "x" to "app.sock" rights=[3, d] dontwait`
pub(super) fn write_send(w: &mut Writer<'_>, message: &Message) {
    w.word("send");
    w.fd(message.fd);
    w.space();
    word::write_bytes(w, &message.data);
    if let Some(name) = &message.to {
        w.word("to");
        word::write_name(w, name);
    }
    message.control.iter().for_each(|item| write_control(w, item));
    if message.buffers != 1 {
        w.pair("buffers", message.buffers);
    }
    w.switches(message, SEND);
}

pub(super) fn read_send(c: &mut Cursor<'_>) -> Read<Message> {
    let fd = word::read_fd(c)?;
    c.skip();
    let mut message = Message::new(fd, word::read_data(c)?);
    let mut seen = Vec::new();
    while let Some(word) = c.next_word() {
        let mark = c.mark();
        if matches!(word, "to" | "buffers") {
            c.once(&mut seen, word)?;
        }
        c.take(word);
        match word {
            "to" => message.to = Some(word::read_name(c)?),
            "buffers" => {
                c.expect("=")?;
                message.buffers = c.number_of("a number of buffers")?;
            }
            _ if turn_on(&mut message, SEND, word) => {}
            _ => match read_control(c, word)? {
                Some(item) => message.control.push(item),
                None => {
                    c.back_to(mark);
                    return c.none_of("an argument of send", OF_SEND);
                }
            },
        }
    }
    Ok(message)
}

fn write_control(w: &mut Writer<'_>, item: &Control) {
    match item {
        Control::Rights(fds) => {
            w.key("rights");
            w.fds(fds);
        }
        Control::Credentials(ids) => {
            w.key("credentials");
            word::write_ids(w, ids);
        }
        Control::MalformedCredentials => w.word("malformed-credentials"),
        Control::Malformed => w.word("malformed"),
        Control::UnknownType => w.word("unknown-type"),
        Control::ForeignLevel => w.word("foreign-level"),
        Control::Filler(length) => w.pair("filler", length),
    }
}

/// The item that this word begins.
fn read_control(c: &mut Cursor<'_>, word: &str) -> Read<Option<Control>> {
    Ok(Some(match word {
        "rights" => {
            c.expect("=")?;
            Control::Rights(word::read_fds(c)?)
        }
        "credentials" => {
            c.expect("=")?;
            Control::Credentials(word::read_ids(c)?)
        }
        "malformed-credentials" => Control::MalformedCredentials,
        "malformed" => Control::Malformed,
        "unknown-type" => Control::UnknownType,
        "foreign-level" => Control::ForeignLevel,
        "filler" => {
            c.expect("=")?;
            Control::Filler(c.number_of("a number of bytes")?)
        }
        _ => return Ok(None),
    }))
}

/// `recv c 64 control=64 peek`
pub(super) fn write_recv(w: &mut Writer<'_>, want: &Want) {
    w.word("recv");
    w.fd(want.fd);
    w.word(want.length);
    if want.control != 0 {
        w.pair("control", want.control);
    }
    if want.buffers != 1 {
        w.pair("buffers", want.buffers);
    }
    w.switches(want, RECV);
}

pub(super) fn read_recv(c: &mut Cursor<'_>) -> Read<Want> {
    let fd = word::read_fd(c)?;
    c.skip();
    let mut want = Want::new(fd, c.number_of("the size of the buffer in bytes")?);
    let mut seen = Vec::new();
    while let Some(word) = c.next_word() {
        let mark = c.mark();
        c.once(&mut seen, word)?;
        c.take(word);
        match word {
            "control" => {
                c.expect("=")?;
                want.control = c.number_of("a number of bytes")?;
            }
            "buffers" => {
                c.expect("=")?;
                want.buffers = c.number_of("a number of buffers")?;
            }
            _ if turn_on(&mut want, RECV, word) => {}
            _ => {
                c.back_to(mark);
                return c.none_of("an argument of recv", OF_RECV);
            }
        }
    }
    Ok(want)
}

/// `"abc" from @name returned=9 truncated rights=[5]`
pub(super) fn write_received(w: &mut Writer<'_>, received: &Received) {
    w.space();
    word::write_bytes(w, &received.data);
    if let Some(address) = &received.from {
        w.word("from ");
        word::write_address(w, address);
    }
    if received.returned != received.data.len() {
        w.pair("returned", received.returned);
    }
    w.switches(received, RECEIVED);
    for item in &received.control {
        match item {
            ControlOut::Rights(fds) => {
                w.key("rights");
                w.fds(fds);
            }
            ControlOut::Credentials(ids) => {
                w.key("credentials");
                word::write_ids(w, ids);
            }
            ControlOut::Pidfd(fd) => {
                w.key("pidfd");
                w.reference(fd);
            }
            ControlOut::Inq(bytes) => w.pair("inq", bytes),
            ControlOut::Timestamp => w.word("timestamp"),
            ControlOut::NoPidfd(errno) => w.pair("no-pidfd", errno.name()),
            ControlOut::Cut(bytes) => w.pair("cut", bytes),
        }
    }
}

pub(super) fn read_received(c: &mut Cursor<'_>) -> Read<Received> {
    let data = word::read_data(c)?;
    let mut received = Received { returned: data.len(), data, ..Received::default() };
    while let Some(word) = c.next_word() {
        let mark = c.mark();
        c.take(word);
        match word {
            "from" => {
                c.skip();
                received.from = Some(word::read_address(c)?);
            }
            "returned" => {
                c.expect("=")?;
                received.returned = c.number_of("a number of bytes")?;
            }
            _ if turn_on(&mut received, RECEIVED, word) => {}
            _ if !read_control_out(c, word, &mut received.control)? => {
                c.back_to(mark);
                return c.none_of("a part of a message", OF_RECEIVED);
            }
            _ => {}
        }
    }
    Ok(received)
}

fn read_control_out(c: &mut Cursor<'_>, word: &str, items: &mut Vec<ControlOut>) -> Read<bool> {
    if word == "timestamp" {
        items.push(ControlOut::Timestamp);
        return Ok(true);
    }
    if !matches!(word, "rights" | "credentials" | "pidfd" | "no-pidfd" | "inq" | "cut") {
        return Ok(false);
    }
    c.expect("=")?;
    items.push(match word {
        "rights" => ControlOut::Rights(word::read_fds(c)?),
        "credentials" => ControlOut::Credentials(word::read_ids(c)?),
        "pidfd" => ControlOut::Pidfd(word::read_reference(c, Of::Descriptor, "a descriptor")?),
        "no-pidfd" => ControlOut::NoPidfd(word::read_errno(c)?),
        "cut" => ControlOut::Cut(c.number_of("a number of bytes")?),
        _ => ControlOut::Inq(c.number_of("a number of bytes")?),
    });
    Ok(true)
}
