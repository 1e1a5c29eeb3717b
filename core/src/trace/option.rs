//! Options, requests and their values.

use super::cursor::{Cursor, Of, Read};
use super::word;
use super::writer::Writer;
use crate::op::{Fd, Level, Opt, Request, Value};
use crate::{Errno, SocketType};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

const LEVELS: &[(&str, Level)] =
    &[("socket", Level::Socket), ("local", Level::Local), ("other", Level::Other)];

const REQUESTS: &[(&str, Request)] = &[
    ("SIOCINQ", Request::Inq),
    ("SIOCOUTQ", Request::Outq),
    ("SIOCATMARK", Request::AtMark),
    ("SIOCUNIXFILE", Request::File),
    ("SIOCGARP", Request::Arp),
    ("unknown", Request::Unknown),
];

/// `getsockopt s SO_ERROR level=other`, and the beginning of `setsockopt`.
pub(super) fn write_option(w: &mut Writer<'_>, call: &str, fd: Fd, level: Level, option: Opt) {
    w.word(call);
    w.fd(fd);
    if level != Level::Socket {
        let named = LEVELS.iter().find(|(_, l)| *l == level);
        w.pair("level", named.map_or("", |(name, _)| name));
    }
    w.word(option.name());
}

pub(super) fn read_option(c: &mut Cursor<'_>) -> Read<(Fd, Level, Opt)> {
    let fd = word::read_fd(c)?;
    let mut level = Level::Socket;
    if c.next_word() == Some("level") {
        c.take("level");
        c.expect("=")?;
        level = c.one_of("a level", LEVELS)?;
    }
    c.skip();
    let word = c.peek_word();
    let mut options = Opt::ALL.iter().chain(&[Opt::Unknown]);
    let Some(option) = options.find(|o| o.name() == word) else {
        let names: Vec<&str> = Opt::ALL.iter().chain(&[Opt::Unknown]).map(|o| o.name()).collect();
        return c.none_of("an option by its name", &names);
    };
    c.take(word);
    Ok((fd, level, *option))
}

/// `ioctl s SIOCINQ`
pub(super) fn write_request(w: &mut Writer<'_>, fd: Fd, request: Request) {
    w.word("ioctl");
    w.fd(fd);
    let named = REQUESTS.iter().find(|(_, r)| *r == request);
    w.word(named.map_or("", |(name, _)| name));
}

pub(super) fn read_request(c: &mut Cursor<'_>) -> Read<(Fd, Request)> {
    let fd = word::read_fd(c)?;
    c.skip();
    Ok((fd, c.one_of("a request", REQUESTS)?))
}

/// A value as a word of its own; numbers stand as they are.
pub(super) fn write_value(w: &mut Writer<'_>, value: &Value) {
    match value {
        Value::Int(number) => w.word(number),
        Value::Time(None) => w.word("never"),
        Value::Time(Some(time)) => {
            w.key("time");
            word::write_time(w, *time);
        }
        Value::RawTime(seconds, microseconds) => {
            w.pair("seconds", format!("{seconds},{microseconds}"))
        }
        Value::Error(None) => w.word("no-error"),
        Value::Error(Some(errno)) => w.word(errno.name()),
        Value::Type(kind) => w.word(kind),
        Value::Peer(None) => w.word("nobody"),
        Value::Peer(Some(ids)) => {
            w.key("peer");
            word::write_ids(w, ids);
        }
        Value::Groups(groups) => {
            w.key("groups");
            word::write_numbers(w, groups);
        }
        Value::Fd(fd) => {
            w.key("descriptor");
            w.reference(fd);
        }
        Value::Name(None) => w.word("no-name"),
        Value::Name(Some(address)) => {
            w.key("name");
            word::write_address(w, address);
        }
        Value::Linger(None) => w.word("no-linger"),
        Value::Linger(Some(seconds)) => w.pair("linger", seconds),
        Value::Filter { length, drops } => {
            w.pair(if *drops { "dropping-filter" } else { "passing-filter" }, length);
        }
        Value::Short => w.word("short"),
        Value::Unmapped => w.word("unmapped"),
    }
}

const PLAIN: &[(&str, Value)] = &[
    ("never", Value::Time(None)),
    ("no-error", Value::Error(None)),
    ("nobody", Value::Peer(None)),
    ("no-name", Value::Name(None)),
    ("no-linger", Value::Linger(None)),
    ("short", Value::Short),
    ("unmapped", Value::Unmapped),
];

const VALUES: &[&str] = &[
    "a number",
    "time=200ms",
    "never",
    "an error",
    "no-error",
    "a socket type",
    "peer=PID:UID:GID",
    "nobody",
    "groups=4,27",
    "descriptor=DESCRIPTOR",
    "name=ADDRESS",
    "no-name",
    "linger=SECONDS",
    "no-linger",
    "dropping-filter=LENGTH",
    "passing-filter=LENGTH",
    "seconds=S,US",
    "short",
    "unmapped",
];

pub(super) fn read_value(c: &mut Cursor<'_>) -> Read<Value> {
    c.skip();
    if c.at_number() {
        let mark = c.mark();
        let number = c.number_of("a number of 32 bits")?;
        if c.peek_word().is_empty() {
            return Ok(Value::Int(number));
        }
        c.back_to(mark);
        let hint = "a time is written time=100ms".to_string();
        return c.fail_with(format!("a value ({})", VALUES.join(", ")), hint);
    }
    let word = c.peek_word();
    let plain = PLAIN.iter().find(|(name, _)| *name == word).map(|(_, value)| value.clone());
    let errno = || Errno::ALL.iter().find(|e| e.name() == word).map(|e| Value::Error(Some(*e)));
    let kind = || SocketType::ALL.iter().find(|k| k.name() == word).map(|k| Value::Type(*k));
    if let Some(value) = plain.or_else(errno).or_else(kind) {
        c.take(word);
        return Ok(value);
    }
    const KEYS: &[&str] = &[
        "time",
        "seconds",
        "peer",
        "groups",
        "descriptor",
        "name",
        "linger",
        "dropping-filter",
        "passing-filter",
    ];
    if !KEYS.contains(&word) {
        return c.none_of("a value", VALUES);
    }
    c.take(word);
    c.expect("=")?;
    read_value_of(c, word)
}

fn read_value_of(c: &mut Cursor<'_>, key: &str) -> Read<Value> {
    Ok(match key {
        "time" => Value::Time(Some(word::read_time(c)?)),
        "seconds" => {
            let seconds = c.number_of("a number of seconds")?;
            c.expect(",")?;
            Value::RawTime(seconds, c.number_of("a number of microseconds")?)
        }
        "peer" => Value::Peer(Some(word::read_ids(c)?)),
        "groups" => Value::Groups(word::read_numbers(c)?),
        "descriptor" => Value::Fd(word::read_reference(c, Of::Descriptor, "a descriptor")?),
        "name" => Value::Name(Some(word::read_address(c)?)),
        "linger" => Value::Linger(Some(c.number_of("a number of seconds")?)),
        key => Value::Filter {
            length: c.number_of("a number of instructions")?,
            drops: key == "dropping-filter",
        },
    })
}
