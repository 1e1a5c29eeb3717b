//! What calls and results are made of: bytes, addresses, times, users.

use super::cursor::{Cursor, Of, Read, did_you_mean};
use super::near::near;
use super::writer::Writer;
use crate::op::{Bytes, Events, Family, Fd, Ids, Name, NewFlags, Out};
use crate::{Address, Errno};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// From this many equal bytes on, they are written as one and a number.
const RUN: usize = 12;

/// `"app.sock"`, `"x"*4096`, `"head"+"x"*4096`. What is not printable ASCII is escaped.
pub(super) fn write_bytes(w: &mut Writer<'_>, bytes: &[u8]) {
    let (mut plain, mut rest, mut first) = (0, bytes, true);
    let mut piece = |w: &mut Writer<'_>, bytes: &[u8], times: usize| {
        w.add(if first { "" } else { "+" });
        first = false;
        w.add(quoted(bytes));
        if times > 1 {
            w.add(format!("*{times}"));
        }
    };
    while plain < rest.len() {
        let byte = rest[plain];
        let run = rest[plain..].iter().take_while(|b| **b == byte).count();
        if run < RUN {
            plain += run;
            continue;
        }
        if plain > 0 {
            piece(w, &rest[..plain], 1);
        }
        piece(w, &[byte], run);
        (rest, plain) = (&rest[plain + run..], 0);
    }
    if !rest.is_empty() || bytes.is_empty() {
        piece(w, rest, 1);
    }
}

fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in bytes {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            b'\0' => out.push_str("\\0"),
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

pub(super) fn read_bytes(c: &mut Cursor<'_>) -> Read<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let literal = read_literal(c)?;
        let mark = c.mark();
        let times = if c.eat("*") { c.number_of("a number of repetitions")? } else { 1usize };
        match literal.len().checked_mul(times) {
            Some(more) if more <= c.room => c.room -= more,
            _ => {
                c.back_to(mark);
                return c.fail("fewer bytes in all messages together");
            }
        }
        for _ in 0..if literal.is_empty() { 0 } else { times } {
            bytes.extend_from_slice(&literal);
        }
        if !c.eat("+") {
            return Ok(bytes);
        }
    }
}

fn read_literal(c: &mut Cursor<'_>) -> Read<Vec<u8>> {
    if !c.eat("\"") {
        return c.fail("bytes in quotes");
    }
    let mut bytes = Vec::new();
    loop {
        let Some(char) = c.rest().chars().next() else { return c.fail("`\"`") };
        let mark = c.mark();
        c.eat(char.encode_utf8(&mut [0; 4]));
        match char {
            '"' => return Ok(bytes),
            '\\' => match read_escape(c) {
                Some(byte) => bytes.push(byte),
                None => {
                    c.back_to(mark);
                    return c.fail(
                        "`\\\"`, `\\\\`, `\\n`, `\\t`, `\\r`, `\\0` or `\\x` and two digits",
                    );
                }
            },
            char => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn read_escape(c: &mut Cursor<'_>) -> Option<u8> {
    let plain =
        [("\"", b'"'), ("\\", b'\\'), ("n", b'\n'), ("t", b'\t'), ("r", b'\r'), ("0", b'\0')];
    if let Some((_, byte)) = plain.iter().find(|(text, _)| c.eat(text)) {
        return Some(*byte);
    }
    let digits = c.rest().strip_prefix('x')?.get(..2)?;
    let byte = u8::from_str_radix(digits, 16).ok()?;
    c.take("x..");
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then_some(byte)
}

/// The bytes of a message.
pub(super) fn read_data(c: &mut Cursor<'_>) -> Read<Bytes> {
    Ok(read_bytes(c)?.into())
}

/// A path as a word of its own.
pub(super) fn write_path(w: &mut Writer<'_>, path: &[u8]) {
    w.space();
    write_bytes(w, path);
}

pub(super) fn read_path(c: &mut Cursor<'_>) -> Read<Vec<u8>> {
    c.skip();
    read_bytes(c)
}

/// `"path"`, `@name`, `@"odd name"` or `unnamed`.
pub(super) fn write_address(w: &mut Writer<'_>, address: &Address) {
    match address {
        Address::Unnamed => w.add("unnamed"),
        Address::Path(path) => write_bytes(w, path),
        Address::Abstract(name) => {
            w.add("@");
            match core::str::from_utf8(name) {
                Ok(name) if !name.is_empty() && name.chars().all(is_bare) => w.add(name),
                _ => write_bytes(w, name),
            }
        }
    }
}

/// Whether a character of an abstract name needs no quotes.
fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/')
}

const ADDRESS: &str = "an address (\"path\", @name or unnamed)";

pub(super) fn read_address(c: &mut Cursor<'_>) -> Read<Address> {
    if c.rest().starts_with('"') {
        return Ok(Address::Path(read_bytes(c)?));
    }
    if c.eat("@") {
        if c.rest().starts_with('"') {
            return Ok(Address::Abstract(read_bytes(c)?));
        }
        let rest = c.rest();
        let name = &rest[..rest.find(|ch| !is_bare(ch)).unwrap_or(rest.len())];
        if name.is_empty() {
            return c.fail("an abstract name");
        }
        c.take(name);
        return Ok(Address::Abstract(name.into()));
    }
    if c.peek_word() != "unnamed" {
        return c.fail(ADDRESS);
    }
    c.take("unnamed");
    Ok(Address::Unnamed)
}

/// An address argument as a word of its own.
pub(super) fn write_name(w: &mut Writer<'_>, name: &Name) {
    match name {
        Name::Unix(address) => {
            w.space();
            write_address(w, address);
        }
        Name::Foreign(family) => {
            w.key("family");
            write_family(w, *family);
        }
        Name::Sized(length) => w.pair("length", length),
        Name::Inet { host: [a, b, c, d], port } => w.word(format!("{a}.{b}.{c}.{d}:{port}")),
        Name::Unmapped => w.word("unmapped"),
    }
}

pub(super) fn read_name(c: &mut Cursor<'_>) -> Read<Name> {
    c.skip();
    if c.at_number() {
        let host = read_host(c)?;
        c.expect(":")?;
        return Ok(Name::Inet { host, port: c.number_of("a port")? });
    }
    match c.peek_word() {
        "family" => {
            c.take("family");
            c.expect("=")?;
            Ok(Name::Foreign(read_family(c)?))
        }
        "length" => {
            c.take("length");
            c.expect("=")?;
            Ok(Name::Sized(c.number_of("a length")?))
        }
        "unmapped" => {
            c.take("unmapped");
            Ok(Name::Unmapped)
        }
        "unnamed" => Ok(Name::Unix(read_address(c)?)),
        "" if c.rest().starts_with(['"', '@']) => Ok(Name::Unix(read_address(c)?)),
        _ => c.fail(
            "an address (\"path\", @name, unnamed, 127.0.0.1:80, family=..., length=... or unmapped)",
        ),
    }
}

/// `127.0.0.1`
pub(super) fn read_host(c: &mut Cursor<'_>) -> Read<[u8; 4]> {
    c.skip();
    let mut host = [0; 4];
    for (place, byte) in host.iter_mut().enumerate() {
        if place > 0 {
            c.expect(".")?;
        }
        *byte = c.number_of("a number of an internet address")?;
    }
    Ok(host)
}

const FAMILIES: &[(&str, Family)] = &[
    ("unspecified", Family::Unspecified),
    ("unix", Family::Unix),
    ("inet", Family::Inet),
    ("inet6", Family::Inet6),
];

pub(super) fn write_family(w: &mut Writer<'_>, family: Family) {
    match (family, FAMILIES.iter().find(|(_, f)| *f == family)) {
        (Family::Other(number), _) => w.add(number),
        (_, named) => w.add(named.map_or("", |(name, _)| name)),
    }
}

pub(super) fn read_family(c: &mut Cursor<'_>) -> Read<Family> {
    if c.at_number() {
        return Ok(Family::Other(c.number_of("a family")?));
    }
    c.one_of("a family or its number", FAMILIES)
}

const ROOMS: &[(&str, Out)] =
    &[("null", Out::Null), ("unmapped", Out::Unmapped), ("negative", Out::NegativeLength)];

/// `name=null`, or nothing where there is room enough.
pub(super) fn write_out(w: &mut Writer<'_>, out: Out) {
    if let Some((name, _)) = ROOMS.iter().find(|(_, o)| *o == out) {
        w.pair("name", name);
    }
}

/// What stands after `name`.
pub(super) fn read_out(c: &mut Cursor<'_>) -> Read<Out> {
    c.expect("=")?;
    c.one_of("the room for the name", ROOMS)
}

pub(super) const NEW_FLAGS: &[super::writer::Switch<NewFlags>] = &[
    ("nonblocking", |flags| &mut flags.nonblocking),
    ("cloexec", |flags| &mut flags.close_on_exec),
    ("unknown-flag", |flags| &mut flags.unknown),
];

/// A descriptor: its number, or the name that it was given.
pub(super) fn read_fd(c: &mut Cursor<'_>) -> Read<Fd> {
    c.skip();
    read_reference(c, Of::Descriptor, "a descriptor")
}

/// A number or a name right here.
pub(super) fn read_reference<T>(c: &mut Cursor<'_>, of: Of, what: &str) -> Read<T>
where
    T: core::str::FromStr + NoNumber,
{
    if c.at_number() {
        c.names.push(None);
        return c.number_of(what);
    }
    let name = c.known(of, what)?;
    c.names.push(Some(name));
    Ok(T::NONE)
}

/// What stands where a name is.
pub(super) trait NoNumber {
    const NONE: Self;
}

impl NoNumber for i32 {
    const NONE: i32 = -1;
}

impl NoNumber for u32 {
    const NONE: u32 = u32::MAX;
}

/// `[3, b]`
pub(super) fn read_fds(c: &mut Cursor<'_>) -> Read<Vec<Fd>> {
    if !c.eat("[") {
        return c.fail("descriptors in brackets, such as [a, b]");
    }
    let mut fds = Vec::new();
    if c.find("]") {
        return Ok(fds);
    }
    loop {
        fds.push(read_fd(c)?);
        if c.find("]") {
            return Ok(fds);
        }
        c.expect(",")?;
    }
}

/// `PID:UID:GID`; the first may be the name of a process.
pub(super) fn write_ids(w: &mut Writer<'_>, ids: &Ids) {
    w.reference(ids.pid);
    w.add(format!(":{}:{}", ids.uid, ids.gid));
}

pub(super) fn read_ids(c: &mut Cursor<'_>) -> Read<Ids> {
    let pid = read_reference(c, Of::Task, "a process")?;
    c.expect(":")?;
    let uid = c.number_of("a user's number")?;
    c.expect(":")?;
    Ok(Ids { pid, uid, gid: c.number_of("a group's number")? })
}

/// `UID:GID`
pub(super) fn read_owner(c: &mut Cursor<'_>) -> Read<(u32, u32)> {
    c.skip();
    let uid = c.number_of("a user's number")?;
    c.expect(":")?;
    Ok((uid, c.number_of("a group's number")?))
}

/// `4,27`, or `none`.
pub(super) fn write_numbers(w: &mut Writer<'_>, numbers: &[u32]) {
    for (place, number) in numbers.iter().enumerate() {
        w.add(format!("{}{number}", if place > 0 { "," } else { "" }));
    }
    if numbers.is_empty() {
        w.add("none");
    }
}

pub(super) fn read_numbers(c: &mut Cursor<'_>) -> Read<Vec<u32>> {
    if c.peek_word() == "none" {
        c.take("none");
        return Ok(Vec::new());
    }
    let mut numbers = Vec::new();
    loop {
        numbers.push(c.number_of("a number")?);
        if !c.eat(",") {
            return Ok(numbers);
        }
    }
}

const UNITS: &[(&str, u128)] = &[("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

/// `200ms`
pub(super) fn write_time(w: &mut Writer<'_>, time: Duration) {
    let ns = time.as_nanos();
    for (unit, size) in UNITS {
        if ns.is_multiple_of(*size) {
            return w.add(format!("{}{unit}", ns / size));
        }
    }
}

pub(super) fn read_time(c: &mut Cursor<'_>) -> Read<Duration> {
    let mark = c.mark();
    let number: u128 = c.number_of("a time, such as 200ms")?;
    let ns = number.checked_mul(read_unit(c)?);
    let parts = ns.map(|ns| (u64::try_from(ns / 1_000_000_000), (ns % 1_000_000_000) as u32));
    match parts {
        Some((Ok(seconds), ns)) => Ok(Duration::new(seconds, ns)),
        _ => {
            c.back_to(mark);
            c.fail("a shorter time")
        }
    }
}

fn read_unit(c: &mut Cursor<'_>) -> Read<u128> {
    c.one_of("a unit of time", UNITS)
}

/// `in,out`, or `none`.
pub(super) fn read_events(c: &mut Cursor<'_>) -> Read<Events> {
    if c.peek_word() == "none" {
        c.take("none");
        return Ok(Events::NONE);
    }
    let mut events = Events::NONE;
    loop {
        let word = c.peek_word();
        let Some(event) = Events::named(word) else {
            return c.fail("an event (in, pri, out, rdhup, err, hup, nval) or none");
        };
        c.take(word);
        events |= event;
        if !c.eat(",") {
            return Ok(events);
        }
    }
}

/// An errno by its name.
pub(super) fn read_errno(c: &mut Cursor<'_>) -> Read<Errno> {
    let word = c.peek_word();
    match Errno::ALL.iter().find(|e| e.name() == word) {
        Some(errno) => {
            c.take(word);
            Ok(*errno)
        }
        None => {
            let names: Vec<&str> = Errno::ALL.iter().map(|errno| errno.name()).collect();
            let hint = near(word, &names).map(did_you_mean).unwrap_or_default();
            c.fail_with("an error by its name, such as ECONNREFUSED", hint)
        }
    }
}

/// Permission bits in octal: `0644`.
pub(super) fn write_mode(w: &mut Writer<'_>, mode: u32) {
    w.word(format!("0{mode:o}"));
}

pub(super) fn read_mode(c: &mut Cursor<'_>) -> Read<u32> {
    c.skip();
    let rest = c.rest();
    let digits = &rest[..rest.find(|ch: char| !ch.is_ascii_digit()).unwrap_or(rest.len())];
    match u32::from_str_radix(digits, 8) {
        Ok(mode) => {
            c.take(digits);
            Ok(mode)
        }
        Err(_) => c.fail("permission bits in octal, such as 0644"),
    }
}
