//! Calls.

use super::cursor::{Cursor, Read};
use super::writer::{Writer, turn_on};
use super::{around, message, option, word};
use crate::op::{Kind, New, NewFlags, Op, Out};
use alloc::format;
use alloc::vec::Vec;

const KINDS: &[(&str, Kind)] = &[
    ("stream", Kind::Stream),
    ("datagram", Kind::Datagram),
    ("seqpacket", Kind::SeqPacket),
    ("raw", Kind::Raw),
];

/// The calls.
pub(super) const NAMES: &[&str] = &[
    "accept",
    "become",
    "bind",
    "chdir",
    "chmod",
    "chown",
    "close",
    "connect",
    "create",
    "dup",
    "exit",
    "fchmod",
    "fork",
    "getpeername",
    "getpid",
    "getsockname",
    "getsockopt",
    "ioctl",
    "join-net",
    "limit-descriptors",
    "link",
    "listen",
    "lseek",
    "lstat",
    "mkdir",
    "mkfifo",
    "nonblocking",
    "open",
    "open-path",
    "poll",
    "recv",
    "rename",
    "ring",
    "rmdir",
    "send",
    "set-effective",
    "setsockopt",
    "shutdown",
    "socket",
    "socketpair",
    "symlink",
    "thread",
    "umask",
    "unlink",
    "unshare-net",
];

const DIRECTIONS: &[(&str, i32)] = &[("read", 0), ("write", 1), ("both", 2)];

const OF_SOCKET: &[&str] =
    &["protocol=NUMBER", "nonblocking", "cloexec", "unknown-flag", "unmapped"];

const OF_ACCEPT: &[&str] = &["nonblocking", "cloexec", "unknown-flag", "name=null"];

/// A call with its arguments.
pub(super) fn write(w: &mut Writer<'_>, op: &Op) {
    let mut on = |call: &str, fd| {
        w.word(call);
        w.fd(fd);
    };
    match op {
        Op::Bind { fd, .. } => on("bind", *fd),
        Op::Listen { fd, .. } => on("listen", *fd),
        Op::Accept { fd, .. } => on("accept", *fd),
        Op::Connect { fd, .. } => on("connect", *fd),
        Op::Shutdown { fd, .. } => on("shutdown", *fd),
        Op::Getsockname { fd, .. } => on("getsockname", *fd),
        Op::Getpeername { fd, .. } => on("getpeername", *fd),
        Op::Close { fd } => on("close", *fd),
        Op::Dup { fd } => on("dup", *fd),
        Op::Nonblocking { fd, .. } => on("nonblocking", *fd),
        Op::Lseek { fd } => on("lseek", *fd),
        _ => {}
    }
    match op {
        Op::Socket(new) => write_new(w, "socket", new),
        Op::Socketpair(new) => write_new(w, "socketpair", new),
        Op::Bind { name, .. } | Op::Connect { name, .. } => word::write_name(w, name),
        Op::Listen { backlog, .. } => w.word(backlog),
        Op::Accept { flags, name, .. } => {
            w.switches(flags, word::NEW_FLAGS);
            word::write_out(w, *name);
        }
        Op::Send(send) => message::write_send(w, send),
        Op::Recv(want) => message::write_recv(w, want),
        Op::Shutdown { how, .. } => match DIRECTIONS.iter().find(|(_, number)| number == how) {
            Some((direction, _)) => w.word(direction),
            None => w.word(how),
        },
        Op::Getsockname { name, .. } | Op::Getpeername { name, .. } => word::write_out(w, *name),
        Op::Getsockopt { fd, level, option } => {
            option::write_option(w, "getsockopt", *fd, *level, *option);
        }
        Op::Setsockopt { fd, level, option, value } => {
            option::write_option(w, "setsockopt", *fd, *level, *option);
            option::write_value(w, value);
        }
        Op::Ioctl { fd, request } => option::write_request(w, *fd, *request),
        Op::Poll { fds, timeout } => {
            w.word("poll");
            for (fd, events) in fds {
                w.fd(*fd);
                w.add(":");
                w.add(events);
            }
            if let Some(timeout) = timeout {
                w.key("timeout");
                word::write_time(w, *timeout);
            }
        }
        Op::Nonblocking { on, .. } => w.word(if *on { "on" } else { "off" }),
        Op::File(op) => around::write_file(w, op),
        Op::Process(op) => around::write_process(w, op),
        Op::Close { .. } | Op::Dup { .. } | Op::Lseek { .. } => {}
    }
}

pub(super) fn read(c: &mut Cursor<'_>) -> Read<Op> {
    let Some(call) = c.next_word() else { return c.none_of("a call", NAMES) };
    let mark = c.mark();
    c.take(call);
    Ok(match call {
        "socket" => Op::Socket(read_new(c)?),
        "socketpair" => Op::Socketpair(read_new(c)?),
        "bind" => Op::Bind { fd: word::read_fd(c)?, name: word::read_name(c)? },
        "listen" => {
            let fd = word::read_fd(c)?;
            c.skip();
            Op::Listen { fd, backlog: c.number_of("how many connections may wait")? }
        }
        "accept" => read_accept(c)?,
        "connect" => Op::Connect { fd: word::read_fd(c)?, name: word::read_name(c)? },
        "send" => Op::Send(message::read_send(c)?),
        "recv" => Op::Recv(message::read_recv(c)?),
        "shutdown" => read_shutdown(c)?,
        "getsockname" => Op::Getsockname { fd: word::read_fd(c)?, name: read_out(c)? },
        "getpeername" => Op::Getpeername { fd: word::read_fd(c)?, name: read_out(c)? },
        "getsockopt" => {
            let (fd, level, option) = option::read_option(c)?;
            Op::Getsockopt { fd, level, option }
        }
        "setsockopt" => {
            let (fd, level, option) = option::read_option(c)?;
            Op::Setsockopt { fd, level, option, value: option::read_value(c)? }
        }
        "ioctl" => {
            let (fd, request) = option::read_request(c)?;
            Op::Ioctl { fd, request }
        }
        "poll" => read_poll(c)?,
        "close" => Op::Close { fd: word::read_fd(c)? },
        "dup" => Op::Dup { fd: word::read_fd(c)? },
        "nonblocking" => {
            let fd = word::read_fd(c)?;
            c.skip();
            Op::Nonblocking { fd, on: c.one_of("a switch", &[("on", true), ("off", false)])? }
        }
        "lseek" => Op::Lseek { fd: word::read_fd(c)? },
        _ => match (around::read_file(c, call)?, around::read_process(c, call)?) {
            (Some(op), _) => Op::File(op),
            (None, Some(op)) => Op::Process(op),
            (None, None) => {
                c.back_to(mark);
                return not_a_call(c, call);
            }
        },
    })
}

fn not_a_call<T>(c: &Cursor<'_>, word: &str) -> Read<T> {
    if super::step::EVENTS.contains(&word) {
        let hint = format!("{word} is no call, and stands at the beginning of its line");
        return c.fail_with(format!("a call ({})", NAMES.join(", ")), hint);
    }
    c.none_of("a call", NAMES)
}

/// `socket datagram nonblocking`, `socket family=inet type=9 protocol=6`
fn write_new(w: &mut Writer<'_>, call: &str, new: &New) {
    w.word(call);
    if new.family != crate::op::Family::Unix {
        w.key("family");
        word::write_family(w, new.family);
    }
    match (new.kind, KINDS.iter().find(|(_, kind)| *kind == new.kind)) {
        (Kind::Other(number), _) => w.pair("type", number),
        (_, named) => w.word(named.map_or("", |(name, _)| name)),
    }
    if new.protocol != 0 {
        w.pair("protocol", new.protocol);
    }
    w.switches(&new.flags, word::NEW_FLAGS);
    w.word_if(new.unmapped, "unmapped");
}

fn read_new(c: &mut Cursor<'_>) -> Read<New> {
    let mut new = New::unix(Kind::Stream);
    if c.next_word() == Some("family") {
        c.take("family");
        c.expect("=")?;
        new.family = word::read_family(c)?;
    }
    if c.next_word() == Some("type") {
        c.take("type");
        c.expect("=")?;
        new.kind = Kind::Other(c.number_of("the number of a type")?);
    } else {
        new.kind = c.one_of("a socket type", KINDS)?;
    }
    while let Some(word) = c.next_word() {
        let mark = c.mark();
        c.take(word);
        match word {
            "protocol" => {
                c.expect("=")?;
                new.protocol = c.number_of("the number of a protocol")?;
            }
            "unmapped" => new.unmapped = true,
            _ if turn_on(&mut new.flags, word::NEW_FLAGS, word) => {}
            _ => {
                c.back_to(mark);
                return c.none_of("an argument of socket", OF_SOCKET);
            }
        }
    }
    Ok(new)
}

fn read_accept(c: &mut Cursor<'_>) -> Read<Op> {
    let fd = word::read_fd(c)?;
    let mut flags = NewFlags::NONE;
    let mut name = Out::Room;
    while let Some(word) = c.next_word() {
        let mark = c.mark();
        c.take(word);
        if word == "name" {
            name = word::read_out(c)?;
        } else if !turn_on(&mut flags, word::NEW_FLAGS, word) {
            c.back_to(mark);
            return c.none_of("an argument of accept", OF_ACCEPT);
        }
    }
    Ok(Op::Accept { fd, flags, name })
}

fn read_out(c: &mut Cursor<'_>) -> Read<Out> {
    if c.next_word() != Some("name") {
        return Ok(Out::Room);
    }
    c.take("name");
    word::read_out(c)
}

fn read_shutdown(c: &mut Cursor<'_>) -> Read<Op> {
    let fd = word::read_fd(c)?;
    c.skip();
    let how = if c.at_number() {
        c.number_of("a direction")?
    } else {
        c.one_of("a direction or a number", DIRECTIONS)?
    };
    Ok(Op::Shutdown { fd, how })
}

fn read_poll(c: &mut Cursor<'_>) -> Read<Op> {
    let mut fds = Vec::new();
    let mut timeout = None;
    loop {
        c.skip();
        if c.peek_word() == "timeout" {
            let mark = c.mark();
            c.take("timeout");
            if c.eat("=") {
                timeout = Some(word::read_time(c)?);
                return Ok(Op::Poll { fds, timeout });
            }
            c.back_to(mark);
        }
        if !c.at_number() && c.peek_word().is_empty() {
            return Ok(Op::Poll { fds, timeout });
        }
        let fd = word::read_fd(c)?;
        c.expect(":")?;
        fds.push((fd, word::read_events(c)?));
    }
}
