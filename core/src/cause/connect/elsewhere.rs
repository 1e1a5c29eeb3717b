//! Causes that other systems, or documents, have and Linux has not.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, Own};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::socket::State;
use crate::{Call, Errno, Platform, SocketType, Sockets};
use alloc::format;
use alloc::string::String;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/concurrent-connect",
        calls: &[at(Call::Connect, 34)],
        sockets: Sockets::UNIX,
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(BSDS, Errno::EALREADY, Evidence::Source),
            fails(OPENSERVER, Errno::EALREADY, Evidence::Manual),
        ],
        title: "another connect on the same socket has not finished",
        happened: "Two threads connect the same socket, and the first is not done yet.",
        why: "FreeBSD and macOS mark the socket while a connect is under way and turn a second \
              one away. Linux has no such mark for UNIX domain sockets: the second connect may \
              succeed while the first still waits for room in a backlog, and the first then gets \
              EISCONN.",
        fix: "Let one thread connect, and hand the socket out when it is done.",
        commands: &[],
        differs: Some(
            "OpenServer's list and the BSD page have EALREADY without saying when. On Linux a \
             UNIX domain connect never gives it.",
        ),
        documents: &[Document::OpenServer, Document::BsdConnect2, Document::Posix("connect")],
        class: Class::UpFront,
        test: concurrent_connect,
        confusable: &[],
        provoke: Provoke::Not("Linux lets the second connect succeed"),
    },
    Cause {
        id: "connect/in-progress-unix",
        calls: &[at(Call::Connect, 80)],
        sockets: Sockets::CONNECTED,
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(FREEBSD_14, Errno::EINPROGRESS, Evidence::Source),
            never(FREEBSD_15, Evidence::Source),
            never(MACOS, Evidence::Source),
            fails(OPENSERVER, Errno::EINPROGRESS, Evidence::Manual),
        ],
        title: "the UNIX domain connection is being made in the background",
        happened: "The socket does not wait, and the server has not yet accepted the connection.",
        why: "Up to FreeBSD 14 the option LOCAL_CONNWAIT makes connect wait until the server \
              accepts; a non-blocking socket is told so instead. On Linux a connection exists as \
              soon as it is in the backlog, and if there is no room, EAGAIN means that nothing \
              was begun.",
        fix: "On FreeBSD, wait until the socket is writable. On Linux do not expect it: after \
              EAGAIN, call connect again.",
        commands: &[],
        differs: Some(
            "OpenServer's list has EINPROGRESS for UNIX domain sockets. Linux gives it for TCP \
             only.",
        ),
        documents: &[Document::OpenServer, Document::BsdConnect2, Document::Posix("connect")],
        class: Class::MidWay,
        test: in_progress,
        confusable: &[],
        provoke: Provoke::Not("a Linux connect to a UNIX domain socket never goes on by itself"),
    },
    Cause {
        id: "connect/address-in-use",
        calls: &[at(Call::Connect, 83)],
        sockets: Sockets::ANY,
        shows: &[
            never(LINUX, Evidence::Measured),
            never(BSDS, Evidence::Source).on(Sockets::UNIX),
            fails(BSDS, Errno::EADDRINUSE, Evidence::Manual),
            never(OPENSERVER, Evidence::Inferred).on(Sockets::UNIX),
            fails(OPENSERVER, Errno::EADDRINUSE, Evidence::Inferred),
        ],
        title: "a connection between the same two addresses exists",
        happened: "Connecting would make a second connection with the same addresses and ports \
                   at both ends.",
        why: "A TCP connection is told apart by its four numbers. The BSDs report a clash of \
              these with this error; Linux says that no address is available. UNIX domain \
              connections have no such key.",
        fix: "Do not bind the client to a port of its own, or use another one.",
        commands: &["ss -tn dport = :{port}"],
        differs: Some(
            "The BSD page and POSIX list EADDRINUSE for connect. On Linux it does not come: \
             TCP gives EADDRNOTAVAIL, and AF_UNIX has it for bind only.",
        ),
        documents: &[Document::BsdConnect2, Document::Posix("connect")],
        class: Class::UpFront,
        test: address_in_use,
        confusable: &[],
        provoke: Provoke::Not("Linux answers a clash of addresses with EADDRNOTAVAIL"),
    },
    Cause {
        id: "connect/reset",
        calls: &[at(Call::Connect, 84)],
        sockets: Sockets::UNIX,
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(FREEBSD_14, Errno::ECONNRESET, Evidence::Inferred),
            never(FREEBSD_15, Evidence::Source),
            never(MACOS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the connection was reset while it was being made",
        happened: "The listener was closed while connect waited for the server to accept.",
        why: "That takes a connect that waits for the server's accept, which among UNIX domain \
              sockets only the option LOCAL_CONNWAIT of FreeBSD 14 and before has. Everywhere \
              else the connection is made at once, and a listener that closes resets it later: \
              the first receive tells (see recv/closed-before-accept).",
        fix: "Connect again when the server is back.",
        commands: &[],
        differs: Some(
            "The BSD page lists ECONNRESET for connect without restriction. A Linux connect to \
             a UNIX domain socket never gives it.",
        ),
        documents: &[Document::BsdConnect2, Document::Posix("connect")],
        class: Class::MidWay,
        test: reset,
        confusable: &[],
        provoke: Provoke::Not("a Linux connect to a UNIX domain socket is made at once or refused"),
    },
    Cause {
        id: "connect/already-connected-datagram",
        calls: &[at(Call::Connect, 85)],
        sockets: Sockets::DATAGRAM,
        shows: &[never(LINUX, Evidence::Measured), never(NOT_LINUX, Evidence::Source)],
        title: "a datagram socket is connected a second time",
        happened: "Nothing is wrong: the socket gets a new peer in place of the old one.",
        why: "For datagrams a connection is only a remembered address. If the new address fails, \
              Linux keeps the old peer, and the BSDs have already dropped it. Changing the peer \
              throws away on Linux what was received and not yet read.",
        fix: "Nothing needs to be done; read what has arrived before changing the peer.",
        commands: &[],
        differs: Some(
            "unix(7) and POSIX give EISCONN for connect on a connected socket without naming \
             the type. No system gives it for datagrams.",
        ),
        documents: &[Document::Unix7, Document::Posix("connect")],
        class: Class::UpFront,
        test: no_error,
        confusable: &[],
        provoke: Provoke::Not("every system lets a datagram socket change its peer"),
    },
    Cause {
        id: "connect/path-too-long-after-symlinks",
        calls: &[at(Call::Connect, 40)],
        sockets: Sockets::UNIX,
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(BSDS, Errno::ENAMETOOLONG, Evidence::Manual),
            fails(OPENSERVER, Errno::ENAMETOOLONG, Evidence::Inferred),
        ],
        title: "the path becomes too long when its symbolic links are put in",
        happened: "The address is short enough, but a symbolic link in it leads to a path of more \
                   than 1023 bytes.",
        why: "The BSDs put a link's target in front of the rest of the path, in a buffer of 1024 \
              bytes. Linux walks the target on its own and has no limit for the sum, only 4095 \
              bytes for each link.",
        fix: "Let the link lead to a shorter path.",
        commands: &["readlink {link}"],
        differs: Some(
            "The BSD page gives ENAMETOOLONG for a path of more than 1023 bytes. An address has \
             no room for one, so it takes a symbolic link, and on Linux even that does not do it.",
        ),
        documents: &[Document::BsdConnect2, Document::Posix("connect")],
        class: Class::UpFront,
        test: too_long_after_symlinks,
        confusable: &[],
        provoke: Provoke::Not("Linux sets no limit to the length of all links together"),
    },
];

fn concurrent_connect(case: &Case<'_>) -> Finding {
    match look::own(case) {
        _ if case.platform == Platform::Linux => Finding::Excluded,
        Own::Socket(own) if own.connecting => {
            Finding::Holds(String::from("a connect is under way on the caller's socket"))
        }
        Own::Unknown => Finding::Unobservable("only the program knows its other threads"),
        _ => Finding::Excluded,
    }
}

fn in_progress(case: &Case<'_>) -> Finding {
    let waits_for_accept = matches!(case.platform, Platform::FreeBsd14 | Platform::OpenServer);
    if !waits_for_accept || case.symptom.is_none() {
        return Finding::Excluded;
    }
    Finding::Unobservable("the option that makes connect wait for accept cannot be read")
}

fn address_in_use(case: &Case<'_>) -> Finding {
    let inet = matches!(case.socket, SocketType::Tcp | SocketType::Udp);
    if case.platform == Platform::Linux || !inet || case.symptom.is_none() {
        return Finding::Excluded;
    }
    Finding::Unobservable("which connections of this machine use the same ports")
}

fn reset(case: &Case<'_>) -> Finding {
    let own = case.facts.own();
    if case.platform != Platform::FreeBsd14 || case.symptom.is_none() {
        return Finding::Excluded;
    }
    match own {
        Some(own) if own.state == State::Connected => Finding::Excluded,
        _ => Finding::Untraced("a listener that closed while connect waited".into()),
    }
}

fn no_error(_: &Case<'_>) -> Finding {
    Finding::Excluded
}

/// The longest path on the BSDs, without its NUL.
const LONGEST: usize = 1023;

fn too_long_after_symlinks(case: &Case<'_>) -> Finding {
    if case.platform == Platform::Linux {
        return Finding::Excluded;
    }
    let Some(walk) = look::walk(case) else { return Finding::Excluded };
    let longest =
        walk.steps.iter().filter_map(|s| Some((s, s.link.as_ref()?.len()))).max_by_key(|l| l.1);
    match longest {
        Some((step, length)) if length > LONGEST => Finding::Holds(format!(
            "the symbolic link {} leads to a path of {length} bytes, more than {LONGEST}",
            look::show(&step.path)
        )),
        _ => Finding::Excluded,
    }
}
