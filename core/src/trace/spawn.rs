//! The user of a process that starts.

use super::cursor::{Cursor, Read};
use super::word;
use super::writer::Writer;
use crate::model::{Caps, Credentials};
use alloc::vec::Vec;

/// `uid=1000 gid=1000 groups=4,27 caps=chown`; nothing for root.
pub(super) fn write(w: &mut Writer<'_>, credentials: &Credentials) {
    let Credentials { users, groups, supplementary, caps, permitted } = credentials;
    for (key, ids) in [("uid", users), ("gid", groups)] {
        match ids {
            [0, 0, 0] => {}
            [real, effective, saved] if real == effective && effective == saved => {
                w.pair(key, real)
            }
            ids => {
                w.key(key);
                word::write_numbers(w, ids);
            }
        }
    }
    if !supplementary.is_empty() {
        w.key("groups");
        word::write_numbers(w, supplementary);
    }
    let usual = usual(users);
    for (key, caps, usual) in [("caps", caps, usual.0), ("permitted", permitted, usual.1)] {
        if *caps != usual {
            w.key(key);
            write_caps(w, *caps);
        }
    }
}

/// The capabilities, in effect and permitted, that a user has of whom nothing is said.
fn usual(users: &[u32; 3]) -> (Caps, Caps) {
    let if_root = |root| if root { Caps::ALL } else { Caps::NONE };
    (if_root(users[1] == 0), if_root(users.contains(&0)))
}

fn write_caps(w: &mut Writer<'_>, caps: Caps) {
    if caps == Caps::ALL || caps == Caps::NONE {
        return w.add(if caps == Caps::ALL { "all" } else { "none" });
    }
    let named = Caps::NAMES.iter().filter(|(_, cap)| caps.contains(*cap));
    for (place, (name, _)) in named.enumerate() {
        w.add(if place > 0 { "," } else { "" });
        w.add(name);
    }
}

const PARTS: &[&str] =
    &["uid=1000", "gid=1000", "groups=4,27", "caps=chown,setuid", "permitted=chown"];

pub(super) fn read(c: &mut Cursor<'_>) -> Read<Credentials> {
    let mut credentials = Credentials::ROOT;
    let (mut caps, mut permitted) = (None, None);
    let mut seen = Vec::new();
    while let Some(word) = c.next_word() {
        if !["uid", "gid", "groups", "caps", "permitted"].contains(&word) {
            return c.none_of("a part of a user", PARTS);
        }
        c.once(&mut seen, word)?;
        c.take(word);
        c.expect("=")?;
        match word {
            "uid" => credentials.users = read_three(c)?,
            "gid" => credentials.groups = read_three(c)?,
            "groups" => credentials.supplementary = word::read_numbers(c)?,
            "permitted" => permitted = Some(read_caps(c)?),
            _ => caps = Some(read_caps(c)?),
        }
    }
    let usual = usual(&credentials.users);
    credentials.caps = caps.unwrap_or(usual.0);
    credentials.permitted = permitted.unwrap_or(usual.1);
    Ok(credentials)
}

/// `1000` for all of them, or `1000,0,0`.
fn read_three(c: &mut Cursor<'_>) -> Read<[u32; 3]> {
    let mark = c.mark();
    let numbers: Vec<u32> = word::read_numbers(c)?;
    match numbers[..] {
        [all] => Ok([all; 3]),
        [real, effective, saved] => Ok([real, effective, saved]),
        _ => {
            c.back_to(mark);
            c.fail("a number, or three (real, effective, saved)")
        }
    }
}

fn read_caps(c: &mut Cursor<'_>) -> Read<Caps> {
    match c.peek_word() {
        "all" => {
            c.take("all");
            return Ok(Caps::ALL);
        }
        "none" => {
            c.take("none");
            return Ok(Caps::NONE);
        }
        _ => {}
    }
    let mut caps = Caps::NONE;
    loop {
        caps = caps | c.one_of("a capability", Caps::NAMES)?;
        if !c.eat(",") {
            return Ok(caps);
        }
    }
}
