//! The socket itself has a name already, or no name is left for it.

use super::existing;
use crate::addr::AUTOBIND_NAMES;
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, Own};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::text::escape;
use crate::{Call, Errno, Platform, Sockets};
use alloc::format;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "bind/already-bound",
        calls: &[at(Call::Bind, 70)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "the socket has a name already",
        happened: "bind was called on a socket that is bound: by an earlier bind, by an \
                   automatic name (which SO_PASSCRED leads to at connect, and when a datagram or \
                   a packet is sent), or because it was accepted and carries the name of its \
                   listener.",
        why: "A socket gets a name once and keeps it. Linux notices only after it made the new \
              file, and removes that again.",
        fix: "Make a new socket for another name.",
        commands: &[],
        differs: None,
        documents: &[Document::Unix7, Document::Posix("bind"), Document::Man("bind(2)")],
        class: Class::UpFront,
        test: already_bound,
        confusable: &[],
        provoke: Provoke::Live(
            "bind one socket to two paths; bind one that sent a packet with SO_PASSCRED on",
        ),
    },
    Cause {
        id: "bind/already-bound-autobind",
        calls: &[at(Call::Bind, 70)],
        sockets: Sockets::UNIX,
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "an automatic name is asked for on a socket that has one",
        happened: "bind was called with an address that consists of the family only, on a bound \
                   socket. On Linux that succeeds and changes nothing.",
        why: "Linux takes the short address as a wish for any name, which is fulfilled. Other \
              systems have no automatic names, and an empty name is not valid there.",
        fix: "Nothing needs to be done on Linux. Elsewhere, leave the call out.",
        commands: &[],
        differs: Some("bind(2) has EINVAL for any bound socket."),
        documents: &[Document::Man("unix(7)"), Document::Man("bind(2)")],
        class: Class::UpFront,
        test: already_bound_autobind,
        confusable: &[],
        provoke: Provoke::Not("on Linux the call succeeds and does nothing"),
    },
    Cause {
        id: "bind/no-free-name",
        calls: &[at(Call::Bind, 76)],
        sockets: Sockets::UNIX,
        shows: &[fails(LINUX, Errno::ENOSPC, Evidence::Source), never(NOT_LINUX, Evidence::Source)],
        title: "every automatic name is taken",
        happened: "An automatic abstract name was asked for, and all that exist are in use.",
        why: "Automatic names have five hexadecimal digits, so there are 1048576 for each socket \
              type and network namespace.",
        fix: "Close sockets that are not used any more; something leaks them. Or bind to names \
              of one's own.",
        commands: &["ss -xa | wc -l"],
        differs: None,
        documents: &[Document::Man("unix(7)"), Document::Source("net/unix/af_unix.c")],
        class: Class::UpFront,
        test: no_free_name,
        confusable: &[],
        provoke: Provoke::Not("it takes 1048576 sockets with automatic names"),
    },
];

/// Whether the call asks for an automatic name: an address of nothing but the family.
fn asks_for_any_name(case: &Case<'_>) -> bool {
    case.facts.arguments.address.is_some_and(|a| a.length == 2)
}

fn already_bound(case: &Case<'_>) -> Finding {
    if existing(case).is_some() || asks_for_any_name(case) {
        return Finding::Excluded;
    }
    match look::own(case) {
        Own::Socket(own) if !own.name.is_empty() => Finding::Holds(format!(
            "the caller's socket (socket inode {}) has the name {}",
            own.inode,
            escape(&own.name)
        )),
        Own::Unknown => Finding::Unseen("the state of the caller's socket"),
        _ => Finding::Excluded,
    }
}

fn already_bound_autobind(case: &Case<'_>) -> Finding {
    if case.platform == Platform::Linux || !asks_for_any_name(case) {
        return Finding::Excluded;
    }
    match look::own(case) {
        Own::Socket(own) if !own.name.is_empty() => {
            Finding::Holds(format!("the caller's socket has the name {}", escape(&own.name)))
        }
        Own::Unknown => Finding::Unseen("the state of the caller's socket"),
        _ => Finding::Excluded,
    }
}

fn no_free_name(case: &Case<'_>) -> Finding {
    let named = case.facts.path().is_some() || case.facts.abstract_name().is_some();
    let few = case.facts.system.unix_sockets.is(|n| *n < AUTOBIND_NAMES);
    if named || few || case.symptom.is_none() {
        return Finding::Excluded;
    }
    match case.facts.system.unix_sockets.known() {
        Some(count) => Finding::Suggests(format!(
            "{count} UNIX domain sockets exist, and there are {AUTOBIND_NAMES} automatic names \
             for each type"
        )),
        None => Finding::Unseen("how many UNIX domain sockets there are"),
    }
}
