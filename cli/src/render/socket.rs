//! Parts of a line about a socket. They are appended to a text that may hold many thousands.

use crate::users::Users;
use std::fmt::Write;
use sunpath::list::{Holder, Listing, Peer, Socket};
use sunpath::text::escape;

/// Bytes from outside, escaped.
pub fn escaped(out: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(|b| matches!(b, b' '..=b'~') && *b != b'\\') => {
            out.push_str(text);
        }
        _ => out.push_str(&escape(bytes)),
    }
}

/// A decimal number.
pub fn number(out: &mut String, number: u32) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// The name of a socket: a path, or an abstract name with `@`. A relative path that begins like
/// one gets `./`, blanks at an end are put in quotes.
pub fn name(out: &mut String, name: &[u8]) {
    let blank = |b: Option<&u8>| b == Some(&b' ');
    let quoted = blank(name.first()) || blank(name.last());
    if quoted {
        out.push('"');
    }
    match name {
        [0, rest @ ..] => {
            out.push('@');
            escaped(out, rest);
        }
        [b'@', ..] => {
            out.push_str("./");
            escaped(out, name);
        }
        path => escaped(out, path),
    }
    if quoted {
        out.push('"');
    }
}

/// The processes that hold a socket, each with its descriptors: `nginx[4711]:6,8`. No more than
/// `most` processes; how many more there are follows. `?` if they may not be seen.
pub fn holders(out: &mut String, listing: &Listing, socket: &Socket, most: usize) {
    let holders = listing.holders(socket);
    if holders.is_empty() {
        let visible = socket.waits_at.is_some() || listing.all_holders.known().is_some();
        out.push(if visible { '-' } else { '?' });
        return;
    }
    let mut before: Option<&Holder> = None;
    let mut shown = 0;
    let mut more = 0;
    for holder in holders {
        let same = before.is_some_and(|b| b.pid == holder.pid);
        if !same && shown == most {
            more += 1;
        } else if more == 0 {
            if same {
                out.push(',');
            } else {
                if before.is_some() {
                    out.push(' ');
                }
                process(out, listing, holder.pid);
                out.push(':');
                shown += 1;
            }
            number(out, holder.fd);
        }
        before = Some(holder);
    }
    if more > 0 {
        // Writing to a string cannot fail.
        let _ = write!(out, " +{more}");
    }
}

/// `nginx[4711]`
pub fn process(out: &mut String, listing: &Listing, pid: u32) {
    match listing.processes.get(&pid) {
        Some(process) => escaped(out, &process.name),
        // It has ended since.
        None => out.push('?'),
    }
    out.push('[');
    number(out, pid);
    out.push(']');
}

/// The users of the processes that hold a socket; where none can be seen, the user that made it.
pub fn users(out: &mut String, listing: &Listing, socket: &Socket, users: &Users) {
    // Mostly there is one, and no list to be made.
    let (mut first, mut others) = (None, Vec::new());
    let mut last = None;
    for holder in listing.holders(socket) {
        if last.replace(holder.pid) == Some(holder.pid) {
            continue;
        }
        let uid = listing.processes.get(&holder.pid).and_then(|process| process.uid);
        match (first, uid) {
            (None, _) => first = uid,
            (Some(first), Some(uid)) if first != uid && !others.contains(&uid) => others.push(uid),
            _ => {}
        }
    }
    let Some(first) = first.or(socket.uid) else { return out.push('-') };
    for (i, uid) in std::iter::once(first).chain(others).enumerate() {
        if i > 0 {
            out.push(',');
        }
        users.name(uid, |name| match name {
            Some(name) => out.push_str(name),
            None => number(out, uid),
        });
    }
}

/// The other end of a connection: who holds it, and its name. A `-` if there is none.
pub fn peer(out: &mut String, listing: &Listing, socket: &Socket, most: usize) {
    let at_listener = match socket.peer {
        None => return out.push('-'),
        Some(Peer::Gone) => return out.push_str("(closed)"),
        Some(Peer::AtListener(_)) => true,
        Some(Peer::Socket(_)) => false,
    };
    if at_listener {
        out.push_str("not accepted: ");
    }
    let Some(peer) = listing.peer(socket) else {
        return match socket.peer {
            Some(Peer::Socket(inode)) => {
                out.push_str("socket ");
                number(out, inode);
            }
            _ => out.push('?'),
        };
    };
    holders(out, listing, peer, most);
    if let Some(its) = &peer.name {
        out.push(' ');
        name(out, its);
    }
}
