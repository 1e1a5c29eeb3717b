//! The address leads to something that takes no connection: `ECONNREFUSED` and its kin.

use super::rebound;
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{self, Own, Reached, show};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::SocketFact;
use crate::fact::path::FileKind;
use crate::fact::socket::State;
use crate::profile::{Profile, WhenFull};
use crate::text::connections_wait;
use crate::{Call, Errno, Sockets, Symptom};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/not-a-socket",
        calls: &[at(Call::Connect, 60), at(Call::Send, 60)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            fails(BSDS, Errno::ENOTSOCK, Evidence::Source),
            fails(OPENSERVER, Errno::ENOTSOCK, Evidence::Inferred),
        ],
        title: "the path names something that is not a socket",
        happened: "There is a file at the path, and the caller may write to it, but it is a \
                   regular file, a directory, a FIFO or a device.",
        why: "Linux looks only for a socket that is bound to the file's inode; finding none, it \
              refuses, as it would for a socket file without a server.",
        fix: "Look at what is there before anything else: it may be somebody's data. If it is a \
              directory, the socket is probably a file in it, and the path lacks its last \
              component. If it is a regular file, it may be a configuration or a pid file named \
              by mistake. Only if the directory is empty and a container is involved, the engine \
              may have made it, because it was told to mount (-v) a path that did not exist yet: \
              then start the server before the container.",
        commands: &["ls -la {path}"],
        differs: Some(
            "Linux does not answer ENOTSOCK here, as FreeBSD and macOS do: that is kept for a \
             descriptor that is not a socket.",
        ),
        documents: &[Document::Unix7, Document::Man("connect(2)")],
        class: Class::UpFront,
        test: not_a_socket,
        confusable: &[],
        provoke: Provoke::Live("connect to a regular file, a directory, a FIFO and /dev/null"),
    },
    Cause {
        id: "connect/link-to-open-socket",
        calls: &[at(Call::Connect, 60), at(Call::Send, 60)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            never(NOT_LINUX, Evidence::Inferred),
        ],
        title: "the link leads to an open socket itself, not to the name it is bound to",
        happened: "The path goes through a link that /proc keeps for a descriptor \
                   (/proc/PID/fd/3, /dev/stdin), and that descriptor is a socket.",
        why: "Such a link leads to what is open, without a name in between. For a socket that is \
              an inode of the kernel's own, to which nothing can be bound: a server binds to the \
              inode of a file, and connect looks for that one.",
        fix: "Connect to the name that the socket is bound to. To use the open socket itself, \
              have it inherited, passed over with SCM_RIGHTS, or copied with pidfd_getfd.",
        commands: &["readlink {link}", "ss -xap"],
        differs: None,
        documents: &[
            Document::Man("proc_pid_fd(5)"),
            Document::Man("pidfd_getfd(2)"),
            Document::Source("net/unix/af_unix.c"),
        ],
        class: Class::UpFront,
        test: link_to_open_socket,
        confusable: &["connect/stale-socket"],
        provoke: Provoke::Live("listen, connect to the listener's link in /proc/PID/fd"),
    },
    Cause {
        id: "connect/stale-socket",
        calls: &[at(Call::Connect, 64), at(Call::Send, 64)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            fails(BSDS, Errno::ECONNREFUSED, Evidence::Source),
            fails(OPENSERVER, Errno::ECONNREFUSED, Evidence::Manual),
        ],
        title: "the socket file was left behind by a server that is gone",
        happened: "The path names a socket file, but no process has that socket open any more.",
        why: "A socket file outlives the socket: closing the socket, or dying, does not remove \
              the name. Only the file's inode leads to a socket, and this one leads to none.",
        fix: "Start the server. If it refuses to start because the file exists, remove the file \
              first.",
        commands: &["rm {file}"],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::BsdConnect2,
            Document::Posix("connect"),
        ],
        class: Class::UpFront,
        test: stale_socket,
        confusable: &[
            "connect/link-to-open-socket",
            "connect/other-filesystem-view",
            "connect/listener-closed-while-waiting",
        ],
        provoke: Provoke::Live("bind a socket, close it, connect to its path"),
    },
    Cause {
        id: "connect/wrong-type",
        calls: &[at(Call::Connect, 65), at(Call::Send, 65)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EPROTOTYPE, Evidence::Measured),
            fails(BSDS, Errno::EPROTOTYPE, Evidence::Source),
            fails(OPENSERVER, Errno::EPROTOTYPE, Evidence::Inferred),
        ],
        title: "the server's socket is of another type",
        happened: "The path leads to a live socket, but it is a datagram socket and the caller's \
                   a stream, or another pair of types that do not fit.",
        why: "A name leads to one socket, and that has one type. The kernel compares the types \
              before it asks whether the socket listens.",
        fix: "Use the type that the server uses: journald and syslog take datagrams, udev takes \
              sequenced packets, most others streams.",
        commands: &["ss -xap src {path}"],
        differs: Some(
            "OpenServer's list gives EPROTOTYPE to socket(2). No type of AF_UNIX gets it there; \
             it comes from connect and sendto.",
        ),
        documents: &[Document::Unix7, Document::Posix("connect"), Document::Man("connect(2)")],
        class: Class::UpFront,
        test: wrong_type,
        confusable: &[],
        provoke: Provoke::Live("connect a stream socket to the path of a datagram socket"),
    },
    Cause {
        id: "connect/not-listening",
        calls: &[at(Call::Connect, 70)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            fails(BSDS, Errno::ECONNREFUSED, Evidence::Source),
            fails(OPENSERVER, Errno::ECONNREFUSED, Evidence::Manual),
        ],
        title: "the server bound its socket but does not listen",
        happened: "A process has bound a socket to the address, but has not called listen on it.",
        why: "Bind makes the name visible; only listen makes the socket take connections. \
              Between the two, or if the second never comes, connect is refused.",
        fix: "If the server is just starting, try again in a moment. Otherwise look at why it \
              does not get as far as listen; some servers finish their setup first.",
        commands: &["ps -fp {pid}"],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::BsdConnect2,
            Document::Posix("connect"),
        ],
        class: Class::UpFront,
        test: not_listening,
        confusable: &[],
        provoke: Provoke::Live("bind a stream socket, do not listen, connect to it"),
    },
    Cause {
        id: "connect/listener-shut-down",
        calls: &[at(Call::Connect, 71)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the listener was shut down",
        happened: "The server's socket is open and in the listening state, but the server has \
                   shut its receiving side down.",
        why: "shutdown on a listener refuses new connections for ever: not even another listen \
              lifts it. Servers use it to drain before they exit. A connect that was waiting \
              for room at that moment is not woken.",
        fix: "Wait for the server to finish and to be started again, or restart it.",
        commands: &["ps -fp {pid}"],
        differs: Some(
            "Elsewhere shutdown refuses a listener (ENOTCONN), and clients go on to connect.",
        ),
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::BsdConnect2,
            Document::Source("net/unix/af_unix.c"),
        ],
        class: Class::UpFront,
        test: listener_shut_down,
        confusable: &[],
        provoke: Provoke::Live("listen, shut the listener down for reading, connect to it"),
    },
    Cause {
        id: "connect/listener-closed-while-waiting",
        calls: &[at(Call::Connect, 72)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the listener was closed while connect waited for room in its backlog",
        happened: "The backlog was full, so connect waited. Then the server closed its listening \
                   socket or died.",
        why: "Closing the listener wakes those who wait. They look the address up again, and now \
              nobody is bound to it. (If the file was removed too, they get ENOENT.)",
        fix: "Connect again once the server is back. Look at why it was so busy before it went.",
        commands: &[],
        differs: None,
        documents: &[Document::OpenServer, Document::Unix7, Document::BsdConnect2],
        class: Class::MidWay,
        test: listener_closed_while_waiting,
        confusable: &["connect/stale-socket", "connect/abstract-nobody"],
        provoke: Provoke::Live("fill a backlog, block in connect, close the listener"),
    },
    Cause {
        id: "connect/backlog-full",
        calls: &[at(Call::Connect, 80)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::EAGAIN, Evidence::Measured),
            fails(BSDS, Errno::ECONNREFUSED, Evidence::Source),
            fails(OPENSERVER, Errno::ECONNREFUSED, Evidence::Inferred),
        ],
        title: "the listener's backlog is full: it has no room for another connection",
        happened: "As many connections wait to be accepted as the listener admits, and the \
                   caller's socket is non-blocking, or its program would not wait any longer.",
        why: "Each connection waits in the listener's queue until it is accepted. Linux admits \
              one more than the number given to listen. A non-blocking connect that finds no \
              room has no effect at all: nothing goes on in the background, and poll does not \
              tell when to try again.",
        fix: "Call connect again after a pause, or let a blocking socket with SO_SNDTIMEO wait. \
              If it happens often, the server accepts too slowly or its backlog is too short \
              (net.core.somaxconn caps it).",
        commands: &["ss -xl src {path}", "ss -xl src {name}", "sysctl net.core.somaxconn"],
        differs: Some(
            "connect(2) describes EAGAIN for UNIX sockets as \"cannot be completed immediately\", \
             which sounds like EINPROGRESS; the connection is not under way.",
        ),
        documents: &[Document::OpenServer, Document::Man("connect(2)")],
        class: Class::UpFront,
        test: backlog_full,
        confusable: &["connect/timed-out"],
        provoke: Provoke::Live("listen with backlog 0, connect twice without blocking"),
    },
];

fn not_a_socket(case: &Case<'_>) -> Finding {
    let Some(file) = look::found(case) else { return look::unless_hidden(case) };
    if file.kind == FileKind::Socket {
        return Finding::Excluded;
    }
    let inside = match file.kind {
        FileKind::Directory => "; the socket is probably a file in it",
        _ => "",
    };
    let because = format!("{} is {}{inside}", show(&file.path), file.kind.name());
    if look::writing_meets_read_only(file) {
        // The kernel reports the read-only file system first; see bind/read-only-filesystem.
        return Finding::Excluded;
    }
    Finding::Holds(because)
}

fn link_to_open_socket(case: &Case<'_>) -> Finding {
    let (Some(path), Some(file)) = (look::path(case), look::found(case)) else {
        return look::unless_hidden(case);
    };
    if !file.is_open_socket() {
        return Finding::Excluded;
    }
    let bound = match path.open.known().map(Vec::as_slice) {
        Some([socket, ..]) => bound_to(socket),
        Some([]) => String::from("it is no UNIX domain socket"),
        None => String::from("what it is bound to could not be seen"),
    };
    Finding::Holds(format!(
        "{} leads to an open socket (inode {}), not to a file; {bound}",
        show(&path.given),
        file.file.inode
    ))
}

/// Where a socket that was reached by its descriptor takes connections.
fn bound_to(socket: &SocketFact) -> String {
    let name = match socket.name.as_deref() {
        None => return String::from("it is bound to no name"),
        Some([0, name @ ..]) => format!("@{}", show(name)),
        Some(path) => show(path),
    };
    match socket.state {
        State::Connected => format!("it is one end of a connection, and its name is {name}"),
        State::Listening | State::Unconnected => {
            format!("connect to the name it is bound to: {name}")
        }
    }
}

fn stale_socket(case: &Case<'_>) -> Finding {
    let (Some(path), Some(file)) = (look::path(case), look::socket_file(case)) else {
        return look::unless_hidden(case);
    };
    if file.is_open_socket() || rebound::explains(case) || look::waited(case) {
        return Finding::Excluded;
    }
    let inode = file.file.inode;
    match look::reached(case) {
        Reached::Nobody => {
            let because = format!(
                "no socket in the system's tables is bound to this file (inode {inode}){}",
                live_elsewhere(case)
            );
            if let Some(double) = path.lookalikes.known().and_then(|l| l.first()) {
                return Finding::Suggests(format!(
                    "{because}; but if this directory is a layer of another file system, the \
                     file may be that of {}, whose socket {} has the same inode number",
                    look::owner(double),
                    show(double.name.as_deref().unwrap_or_default())
                ));
            }
            look::sure(
                path.everywhere.known().is_some(),
                because,
                "sockets in other network namespaces could not be looked at",
            )
        }
        Reached::Remnant(socket) => Finding::Suggests(format!(
            "only a connection that a listener accepted still carries the name of this file \
             (inode {inode}), held by {}; no listener is bound to it",
            look::owner(socket)
        )),
        Reached::Unknown(what) => Finding::Unseen(what),
        Reached::Socket(_) | Reached::Nothing => Finding::Excluded,
    }
}

/// A live server of the same name that another view of the file system has.
fn live_elsewhere(case: &Case<'_>) -> String {
    match look::namesakes(case).first() {
        Some(socket) => format!(
            "; {} has a live socket of this name, but on another file in another view of the \
             file system",
            look::owner(socket)
        ),
        None => String::new(),
    }
}

fn wrong_type(case: &Case<'_>) -> Finding {
    if look::path(case).is_none() {
        return Finding::Excluded;
    }
    match look::reached(case) {
        Reached::Socket(s) if s.kind != case.socket => Finding::Holds(format!(
            "{} has a {} socket there, and the caller's is a {} socket",
            look::owner(s),
            s.kind,
            case.socket
        )),
        Reached::Remnant(s) if case.symptom.is_some() && s.kind != case.socket => {
            Finding::Suggests(format!(
                "{} holds a connected {} socket of this name, which has the file if it was bound \
                 and then connected, and the caller's is a {} socket",
                look::owner(s),
                s.kind,
                case.socket
            ))
        }
        Reached::Unknown(what) if case.symptom.is_some() => Finding::Unseen(what),
        _ => Finding::Excluded,
    }
}

fn not_listening(case: &Case<'_>) -> Finding {
    match look::reached(case) {
        Reached::Socket(s) if s.kind == case.socket && s.state != State::Listening => {
            Finding::Holds(format!(
                "{} has bound a {} socket (socket inode {}) that does not listen",
                look::owner(s),
                s.kind,
                s.inode
            ))
        }
        Reached::Remnant(s) if s.kind == case.socket => Finding::Suggests(format!(
            "{} holds a connected socket of this name; if it was bound and then connected, it \
             does not listen",
            look::owner(s)
        )),
        Reached::Unknown(what) if case.symptom.is_some() => Finding::Unseen(what),
        _ => Finding::Excluded,
    }
}

fn listener_shut_down(case: &Case<'_>) -> Finding {
    match look::reached(case) {
        Reached::Socket(s)
            if s.kind == case.socket && s.state == State::Listening && s.shutdown.read =>
        {
            Finding::Holds(format!(
                "the listener of {} (socket inode {}) is shut down for receiving",
                look::owner(s),
                s.inode
            ))
        }
        Reached::Unknown(what) if case.symptom.is_some() => Finding::Unseen(what),
        _ => Finding::Excluded,
    }
}

fn listener_closed_while_waiting(case: &Case<'_>) -> Finding {
    let open = look::found(case).is_some_and(|file| file.is_open_socket());
    if open || case.symptom.is_none() || matches!(look::reached(case), Reached::Nothing) {
        return Finding::Excluded;
    }
    let gone = matches!(look::reached(case), Reached::Nobody | Reached::Remnant(_));
    match look::own(case) {
        Own::Socket(own) if own.history.blocked && gone => Finding::Holds(String::from(
            "connect waited before it was refused, and nobody listens there now",
        )),
        Own::Socket(own) if own.history.blocked => Finding::Suggests(String::from(
            "connect waited before it was refused, so the listener went away meanwhile",
        )),
        Own::Unknown if look::nonblocking(case) != Some(true) => Finding::Untraced(String::from(
            "only the program knows whether connect waited before it was refused",
        )),
        _ => Finding::Excluded,
    }
}

fn backlog_full(case: &Case<'_>) -> Finding {
    let rules = &Profile::of(case.platform).connection;
    let may_wait = *rules.backlog_full == WhenFull::Waits;
    let waits = may_wait && look::nonblocking(case) == Some(false);
    let unknown = may_wait && look::nonblocking(case).is_none();
    if waits || (unknown && case.symptom.is_none()) {
        return Finding::Excluded;
    }
    let Some(listener) = look::listener(case) else {
        return match look::reached(case) {
            Reached::Unknown(what) if case.symptom.is_some() => Finding::Unseen(what),
            _ => Finding::Excluded,
        };
    };
    let Some(backlog) = listener.backlog else {
        return Finding::Unseen("the listener's backlog");
    };
    let most = rules.backlog.most(backlog.limit);
    let counts = format!(
        "{} to be accepted by {}, and its backlog is {}{}",
        connections_wait(backlog.pending),
        look::owner(listener),
        backlog.limit,
        match most - backlog.limit {
            0 => String::new(),
            1 => String::from(" (one more is admitted)"),
            more => format!(" ({more} more are admitted)"),
        }
    );
    let eagain = case.symptom == Some(Symptom::Errno(Errno::EAGAIN));
    match look::is_full(case, backlog) {
        true if unknown => Finding::Suggests(format!(
            "{counts}; if the socket was blocking, its SO_SNDTIMEO ran out instead"
        )),
        true => Finding::Holds(counts),
        false if eagain && !unknown => Finding::Suggests(format!(
            "a non-blocking connect fails so only if the backlog is full; by now {counts}"
        )),
        false if eagain => Finding::Suggests(format!(
            "connect fails so only if the backlog is full; by now {counts}"
        )),
        false => Finding::Excluded,
    }
}
