//! Abstract names that lead to no listener.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, Reached, show};
use crate::cause::{Cause, Class, Document, Evidence, Provoke, Rule};
use crate::fact::{AbstractTarget, SocketFact};
use crate::{Call, Errno, Sockets};
use alloc::format;
use alloc::string::String;

const REFUSED: &[Rule] =
    &[fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured), never(NOT_LINUX, Evidence::Source)];

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/abstract-padded",
        calls: &[at(Call::Connect, 61), at(Call::Send, 61)],
        sockets: Sockets::UNIX,
        shows: REFUSED,
        title: "the abstract name differs from a bound one only by NULs at its end",
        happened: "One side passed the name with its exact length, the other the whole of \
                   sun_path, filled up with NULs. To the kernel these are two names.",
        why: "An abstract name has no terminator: every byte within the address length counts, \
              NULs too. Passing sizeof(struct sockaddr_un) as the length, as is usual for paths, \
              makes a name of 107 bytes.",
        fix: "Compute the length as offsetof(struct sockaddr_un, sun_path) + 1 + the name's \
              length, on both sides; or pad it on both.",
        commands: &["ss -xlp | cat -A"],
        differs: None,
        documents: &[Document::Man("unix(7)")],
        class: Class::UpFront,
        test: padded,
        confusable: &[],
        provoke: Provoke::Live("bind a name filled up with NULs, connect to it without them"),
    },
    Cause {
        id: "connect/abstract-other-namespace",
        calls: &[at(Call::Connect, 62), at(Call::Send, 62)],
        sockets: Sockets::UNIX,
        shows: REFUSED,
        title: "the abstract name is bound in another network namespace",
        happened: "A socket has this abstract name, but in another network namespace than the \
                   caller's: the server or the client runs in a container or with \
                   PrivateNetwork=.",
        why: "Abstract names belong to the network namespace, as ports do. Paths do not: they \
              reach across, wherever the file is visible.",
        fix: "Run both in the same network namespace, or bind the server to a path in a \
              directory that both see.",
        commands: &["nsenter -n -t {pid} ss -xlp"],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::BsdConnect2,
            Document::Man("network_namespaces(7)"),
        ],
        class: Class::UpFront,
        test: other_namespace,
        confusable: &[],
        provoke: Provoke::Live(
            "bind an abstract name in a new network namespace, connect from outside",
        ),
    },
    Cause {
        id: "connect/abstract-nobody",
        calls: &[at(Call::Connect, 63), at(Call::Send, 63)],
        sockets: Sockets::UNIX,
        shows: REFUSED,
        title: "no socket has this abstract name",
        happened: "No socket of the caller's type is bound to the abstract name in the caller's \
                   network namespace.",
        why: "An abstract name lives only as long as a socket has it, so there is nothing that \
              could be missing: an unknown name is refused, never ENOENT. Names are kept apart by \
              socket type: a datagram socket of the same name does not count for a stream.",
        fix: "Start the server, and compare the name byte by byte with what it binds.",
        commands: &["ss -xlp src {name}", "ss -xap | grep -F {name}"],
        differs: None,
        documents: &[Document::OpenServer, Document::Unix7, Document::BsdConnect2],
        class: Class::UpFront,
        test: nobody,
        confusable: &["connect/listener-closed-while-waiting"],
        provoke: Provoke::Live("connect to an abstract name that nobody has bound"),
    },
    Cause {
        id: "connect/abstract-other-type",
        calls: &[at(Call::Connect, 65), at(Call::Send, 65)],
        sockets: Sockets::UNIX,
        shows: &[never(LINUX, Evidence::Measured), never(NOT_LINUX, Evidence::Source)],
        title: "the abstract name is bound by a socket of another type",
        happened: "This does not give EPROTOTYPE, as it does for a path. Linux answers \
                   ECONNREFUSED: see connect/abstract-nobody.",
        why: "The type is part of the key under which abstract names are kept, so a name of \
              another type is simply not found; one name can be bound by a stream, a datagram \
              and a sequenced packet socket at once. Other systems have no abstract names.",
        fix: "Use the type of the server's socket.",
        commands: &["ss -xap | grep -F {name}"],
        differs: Some(
            "unix(7) gives EPROTOTYPE for any remote socket of another type. For abstract names \
             it never comes.",
        ),
        documents: &[Document::Unix7],
        class: Class::UpFront,
        test: other_type,
        confusable: &[],
        provoke: Provoke::Not("Linux refuses with ECONNREFUSED: the type is part of the name"),
    },
];

/// The abstract name, if a lookup of it finds no socket of the caller's type.
fn unbound<'a>(case: &Case<'a>) -> Option<&'a AbstractTarget> {
    let target = case.facts.abstract_name().filter(|_| !look::waited(case))?;
    matches!(look::reached(case), Reached::Nobody | Reached::Remnant(_)).then_some(target)
}

fn of_type<'a>(
    sockets: Option<&'a alloc::vec::Vec<SocketFact>>,
    case: &Case<'_>,
) -> Option<&'a SocketFact> {
    let mine = || sockets.into_iter().flatten().filter(|s| s.kind == case.socket);
    mine().find(|s| look::can_be_found(s)).or_else(|| mine().next())
}

/// Of a connected socket, the tables do not tell whether the name is its own or its listener's.
const ONLY_ACCEPTED: &str = "but it is connected, and may only be what a listener accepted";

fn padded(case: &Case<'_>) -> Finding {
    let Some(target) = unbound(case) else { return Finding::Excluded };
    let Some(socket) = of_type(target.padded.known(), case) else { return Finding::Excluded };
    let theirs = socket.name.as_deref().map_or(0, |n| n.len().saturating_sub(1));
    let because = format!(
        "{} has the name with another number of NULs at its end: its name is {theirs} bytes \
         long, the one asked for {} bytes",
        look::owner(socket),
        target.name.len()
    );
    look::sure(look::can_be_found(socket), because, ONLY_ACCEPTED)
}

fn other_namespace(case: &Case<'_>) -> Finding {
    let Some(target) = unbound(case) else { return Finding::Excluded };
    if padded(case) != Finding::Excluded {
        return Finding::Excluded;
    }
    if let Some(socket) = of_type(target.elsewhere.known(), case) {
        let namespace = match socket.net_namespace.known() {
            Some(number) => format!(" (net:[{number}])"),
            None => String::new(),
        };
        return Finding::Holds(format!(
            "nobody has the name in the caller's network namespace, but {} has it in another{}",
            look::owner(socket),
            namespace
        ));
    }
    match target.everywhere.known() {
        Some(()) => Finding::Excluded,
        None => Finding::Unseen("sockets in other network namespaces"),
    }
}

fn nobody(case: &Case<'_>) -> Finding {
    let Some(target) = case.facts.abstract_name() else { return Finding::Excluded };
    if look::waited(case) {
        return Finding::Excluded;
    }
    let free = match look::reached(case) {
        Reached::Nobody => true,
        Reached::Remnant(_) => false,
        Reached::Unknown(what) => return Finding::Unseen(what),
        Reached::Socket(_) | Reached::Nothing => return Finding::Excluded,
    };
    if matches!(padded(case), Finding::Holds(_))
        || matches!(other_namespace(case), Finding::Holds(_))
    {
        return Finding::Excluded;
    }
    let bound = target.bound.known();
    let stranger = bound.and_then(|b| b.iter().find(|s| s.kind != case.socket));
    let stranger = stranger.map(|s| {
        format!("; {} has it as a {} socket, which is another name", look::owner(s), s.kind)
    });
    let file = target.as_path.known().and_then(Option::as_ref);
    let file =
        file.map(|p| format!("; there is a socket file {}, so a path may be meant", show(p)));
    let because = format!(
        "no {} socket in the caller's network namespace has the name @{}{}{}",
        case.socket,
        show(&target.name),
        stranger.unwrap_or_default(),
        file.unwrap_or_default()
    );
    look::sure(free, because, "a connected socket carries it, probably one that was accepted")
}

fn other_type(_: &Case<'_>) -> Finding {
    Finding::Excluded
}
