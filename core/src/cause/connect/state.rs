//! The target or the caller's own socket is in the wrong state.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, Own, Reached};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::socket::State;
use crate::text::connections_wait;
use crate::{Call, Errno, SocketType, Sockets};
use alloc::format;
use alloc::string::String;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/interrupted",
        calls: &[at(Call::Connect, 82)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::EINTR, Evidence::Measured),
            fails(FREEBSD_14, Errno::EINTR, Evidence::Source),
            never(FREEBSD_15, Evidence::Source),
            never(MACOS, Evidence::Source),
            fails(OPENSERVER, Errno::EINTR, Evidence::Inferred),
        ],
        title: "a signal interrupted connect while it waited for room in the backlog",
        happened: "The listener's backlog was full, so connect waited, and a signal handler ran. \
                   The socket is as unconnected as before.",
        why: "A UNIX domain connect either happens at once or not at all, so nothing goes on in \
              the background. With SA_RESTART the kernel repeats the call by itself, unless \
              SO_SNDTIMEO is set.",
        fix: "Call connect again on the same socket. Look at why the server does not accept.",
        commands: &["ss -xl src {path}", "ss -xl src {name}"],
        differs: Some(
            "The BSD list says that the connection goes on in the background. On Linux that is \
             so for TCP, not for UNIX domain sockets.",
        ),
        documents: &[
            Document::BsdConnect2,
            Document::Posix("connect"),
            Document::Man("connect(2)"),
            Document::Man("signal(7)"),
        ],
        class: Class::MidWay,
        test: interrupted,
        confusable: &[],
        provoke: Provoke::Live("block in connect on a full backlog, let an alarm signal arrive"),
    },
    Cause {
        id: "connect/already-connected",
        calls: &[at(Call::Connect, 85)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::EISCONN, Evidence::Measured),
            fails(BSDS, Errno::EISCONN, Evidence::Source),
            fails(OPENSERVER, Errno::EISCONN, Evidence::Manual),
        ],
        title: "the socket is connected already",
        happened: "The caller's socket has a peer: by an earlier connect, because it was accepted, \
                   or as one end of a pair. That the peer closed since does not change it.",
        why: "A stream has one peer for life. Linux finds this out last, after the target was \
              looked up and its backlog had room: a bad name gives ENOENT or ECONNREFUSED first.",
        fix: "Make a new socket for a new connection. If connect was called in a loop, leave the \
              loop when it succeeds.",
        commands: &[],
        differs: Some("The BSDs find it out first, before they look the target up."),
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::BsdConnect2,
            Document::Posix("connect"),
        ],
        class: Class::UpFront,
        test: already_connected,
        confusable: &[],
        provoke: Provoke::Live("connect a stream socket twice to a listener with room"),
    },
    Cause {
        id: "connect/from-listener",
        calls: &[at(Call::Connect, 86)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(BSDS, Errno::EOPNOTSUPP, Evidence::Source),
            fails(OPENSERVER, Errno::EOPNOTSUPP, Evidence::Inferred),
        ],
        title: "the connecting socket is itself a listener",
        happened: "listen was called on the caller's socket, and now connect.",
        why: "A socket takes connections or makes one. As with a connected socket, Linux finds \
              it out last: only a target that would take the connection leads to this error.",
        fix: "Use another socket to connect. If two descriptors were mixed up, the wrong one was \
              passed.",
        commands: &[],
        differs: Some("POSIX has EOPNOTSUPP for it; Linux gives EINVAL for UNIX domain sockets."),
        documents: &[Document::Unix7, Document::Posix("connect")],
        class: Class::UpFront,
        test: from_listener,
        confusable: &[],
        provoke: Provoke::Live("let one listener connect to another"),
    },
    Cause {
        id: "connect/receiver-has-another-peer",
        calls: &[at(Call::Connect, 87)],
        sockets: Sockets::DATAGRAM,
        shows: &[
            fails(LINUX, Errno::EPERM, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the datagram socket at the address is connected to somebody else",
        happened: "The socket that the address leads to has a peer of its own, and the caller is \
                   not it.",
        why: "On Linux a datagram socket that is connected takes messages from its peer only. \
              Others are told so when they connect or send.",
        fix: "Let the server not connect its socket, or bind another one for other clients.",
        commands: &["ss -xap src {path}"],
        differs: None,
        documents: &[Document::Source("net/unix/af_unix.c")],
        class: Class::UpFront,
        test: receiver_has_another_peer,
        confusable: &[],
        provoke: Provoke::Live("connect x to y, then z to x, with datagram sockets"),
    },
];

fn interrupted(case: &Case<'_>) -> Finding {
    if case.symptom.is_none() {
        return Finding::Unobservable("a signal may arrive while connect waits");
    }
    if matches!(look::own(case), Own::Socket(own) if own.history.blocked) {
        return Finding::Holds(String::from(
            "connect waited, and for UNIX domain sockets it waits only for room in a backlog",
        ));
    }
    match look::listener(case).and_then(|l| l.backlog) {
        Some(b) if look::is_full(case, b) => Finding::Suggests(format!(
            "{} at a backlog of {}, so connect has to wait, and waiting ends when a signal \
             arrives",
            connections_wait(b.pending),
            b.limit
        )),
        _ => Finding::Untraced(String::from(
            "a signal that arrived while connect waited leaves no trace",
        )),
    }
}

/// What is not known when a call failed on a socket that nobody looked at.
const OWN_STATE: &str = "the state of the caller's socket";

fn already_connected(case: &Case<'_>) -> Finding {
    match look::own(case) {
        Own::Socket(own) if own.state == State::Connected => Finding::Holds(format!(
            "the caller's socket (socket inode {}) is in the connected state",
            own.inode
        )),
        Own::Unknown => Finding::Unseen(OWN_STATE),
        _ => Finding::Excluded,
    }
}

fn from_listener(case: &Case<'_>) -> Finding {
    match look::own(case) {
        Own::Socket(own) if own.state == State::Listening => {
            Finding::Holds(format!("the caller's socket (socket inode {}) is listening", own.inode))
        }
        Own::Unknown => Finding::Unseen(OWN_STATE),
        _ => Finding::Excluded,
    }
}

fn receiver_has_another_peer(case: &Case<'_>) -> Finding {
    let receiver = match look::reached(case) {
        Reached::Socket(s) if s.kind == SocketType::Datagram => s,
        Reached::Unknown(what) if case.symptom.is_some() => return Finding::Unseen(what),
        _ => return Finding::Excluded,
    };
    let Some(peer) = receiver.peer else { return Finding::Excluded };
    match look::own(case) {
        Own::Socket(own) if own.inode == peer => Finding::Excluded,
        Own::Socket(_) | Own::Fresh => Finding::Holds(format!(
            "the socket of {} (socket inode {}) is connected to another one (socket inode {peer})",
            look::owner(receiver),
            receiver.inode
        )),
        // The peer itself would not have been turned away, at a path by nothing else either.
        Own::Unknown => look::sure(
            look::path(case).is_some(),
            format!(
                "the socket of {} (socket inode {}) is connected to one with socket inode {peer}, \
                 and it takes nothing from others",
                look::owner(receiver),
                receiver.inode
            ),
            "the caller's own socket was not looked at",
        ),
    }
}
