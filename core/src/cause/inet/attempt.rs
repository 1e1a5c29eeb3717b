//! Attempts to connect that are not over, or that an earlier one decides.

use super::{OWN_STATE, by_symptom};
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::inet::Route;
use crate::fact::socket::State;
use crate::{Call, Errno, Sockets};
use alloc::string::ToString;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/already-connected-inet",
        calls: &[at(Call::Connect, 25)],
        sockets: Sockets::TCP,
        shows: &[
            fails(LINUX, Errno::EISCONN, Evidence::Measured),
            fails(FREEBSD, Errno::EISCONN, Evidence::Manual),
            fails(MACOS, Errno::EISCONN, Evidence::Manual),
            fails(OPENSERVER, Errno::EISCONN, Evidence::Manual),
        ],
        title: "this TCP socket is connected, or listens, already",
        happened: "connect was called on a TCP socket that has a connection, or that listens.",
        why: "A TCP socket carries one connection in its life. Linux looks at the socket's own \
              state before it looks at the address, so even a bad address gets this answer.",
        fix: "Make a new socket for each connection. After an interrupted or non-blocking attempt, \
              wait until the socket is writable and read SO_ERROR instead of calling connect again.",
        commands: &[],
        differs: Some(
            "BSD connect(2) speaks of a socket that is connected; Linux gives the same error for \
             a socket that listens.",
        ),
        documents: &[Document::OpenServer, Document::BsdConnect2, Document::Posix("connect")],
        class: Class::UpFront,
        test: already_connected,
        confusable: &[],
        provoke: Provoke::Live("connect a TCP socket to a listener on loopback, twice"),
    },
    Cause {
        id: "connect/already-in-progress",
        calls: &[at(Call::Connect, 26)],
        sockets: Sockets::TCP,
        shows: &[
            fails(LINUX, Errno::EALREADY, Evidence::Measured),
            fails(FREEBSD, Errno::EALREADY, Evidence::Manual),
            fails(MACOS, Errno::EALREADY, Evidence::Manual),
            fails(OPENSERVER, Errno::EALREADY, Evidence::Manual),
        ],
        title: "an earlier attempt on this socket is still under way",
        happened: "connect was called again on a non-blocking socket whose first attempt has not \
                   been answered yet.",
        why: "A socket runs one attempt at a time. The first one goes on in the background, also \
              after it was interrupted by a signal or ran out of SO_SNDTIMEO; the second call \
              neither restarts nor replaces it.",
        fix: "Wait until poll reports the socket writable, then read SO_ERROR: 0 means connected. \
              To give up on the attempt, close the socket.",
        commands: &["ss -tnp state syn-sent dport = :{port}"],
        differs: Some(
            "OpenServer lists this error for UNIX domain sockets. There, Linux never returns it: \
             a UNIX domain connect is finished, or has failed, when it returns.",
        ),
        documents: &[Document::OpenServer, Document::BsdConnect2, Document::Posix("connect")],
        class: Class::UpFront,
        test: already_in_progress,
        confusable: &[],
        provoke: Provoke::Live(
            "fill the accept queue of a listener on loopback, start a non-blocking connect to it, \
             and call connect again",
        ),
    },
    Cause {
        id: "connect/aborted-earlier",
        calls: &[at(Call::Connect, 27)],
        sockets: Sockets::TCP,
        shows: &[
            fails(LINUX, Errno::ECONNABORTED, Evidence::Measured),
            never(NOT_LINUX, Evidence::Inferred),
        ],
        title: "the attempt before this one failed, and its error was taken already",
        happened: "A non-blocking connect failed, the program read the reason from SO_ERROR, and \
                   then called connect on the same socket to try again.",
        why: "After a non-blocking attempt, the next connect reports that attempt's result rather \
              than starting a new one. The reason was taken out of the socket by SO_ERROR, so \
              Linux reports an abort in its place. Only the call after this one tries anew.",
        fix: "Make a new socket for the next attempt: it is the way that works on every system.",
        commands: &[],
        differs: Some(
            "OpenServer lists the error without a word on when it occurs; on Linux it does not \
             come from UNIX domain sockets at all.",
        ),
        documents: &[Document::OpenServer, Document::Source("net/ipv4/af_inet.c")],
        class: Class::UpFront,
        test: aborted_earlier,
        confusable: &["recv/destroyed-by-administrator"],
        provoke: Provoke::Live(
            "connect a non-blocking TCP socket to a closed port on loopback, read SO_ERROR, and \
             call connect again",
        ),
    },
    Cause {
        id: "connect/in-progress",
        calls: &[at(Call::Connect, 60)],
        sockets: Sockets::TCP,
        shows: &[
            fails(LINUX, Errno::EINPROGRESS, Evidence::Measured),
            fails(FREEBSD, Errno::EINPROGRESS, Evidence::Manual),
            fails(MACOS, Errno::EINPROGRESS, Evidence::Manual),
            fails(OPENSERVER, Errno::EINPROGRESS, Evidence::Manual),
        ],
        title: "the attempt has begun and goes on in the background",
        happened: "A non-blocking connect sent its first packet and came back without waiting for \
                   the answer; or a blocking one had waited for as long as SO_SNDTIMEO allows.",
        why: "TCP needs an answer from the other end. Linux does not wait for it on a non-blocking \
              socket even if the other end is this same machine. This is no failure: the attempt \
              continues, and its result is kept in the socket.",
        fix: "Wait until poll reports the socket writable, then read SO_ERROR: 0 means connected, \
              anything else is why it failed.",
        commands: &["ss -tnp state syn-sent dport = :{port}"],
        differs: Some(
            "OpenServer lists this error for UNIX domain sockets, where Linux never returns it. No \
             list mentions that it also reports the end of SO_SNDTIMEO on a blocking TCP connect.",
        ),
        documents: &[Document::OpenServer, Document::BsdConnect2, Document::Posix("connect")],
        class: Class::MidWay,
        test: in_progress,
        confusable: &[],
        provoke: Provoke::Live("connect a non-blocking TCP socket to a listener on loopback"),
    },
    Cause {
        id: "connect/interrupted-inet",
        calls: &[at(Call::Connect, 62)],
        sockets: Sockets::TCP,
        shows: &[
            fails(LINUX, Errno::EINTR, Evidence::Measured),
            fails(FREEBSD, Errno::EINTR, Evidence::Manual),
            fails(MACOS, Errno::EINTR, Evidence::Manual),
            fails(OPENSERVER, Errno::EINTR, Evidence::Inferred),
        ],
        title: "a signal arrived while connect waited; the attempt goes on",
        happened: "A blocking connect waited for the other end's answer when a signal handler ran. \
                   The call returned, but the attempt was not given up.",
        why: "Waiting can be interrupted; a packet that is on its way cannot. With SA_RESTART and \
              without SO_SNDTIMEO, Linux goes back to waiting on its own.",
        fix: "Wait with poll until the socket is writable and read SO_ERROR. Calling connect again \
              is right on Linux only: there it waits for the attempt that is under way.",
        commands: &["ss -tnp state syn-sent dport = :{port}"],
        differs: None,
        documents: &[Document::BsdConnect2, Document::Posix("connect"), Document::Man("signal(7)")],
        class: Class::Waiting,
        test: interrupted,
        confusable: &[],
        provoke: Provoke::Live(
            "fill the accept queue of a listener on loopback, start a blocking connect to it, and \
             let a timer's signal arrive",
        ),
    },
];

fn already_connected(case: &Case<'_>) -> Finding {
    match case.facts.own() {
        Some(own) if own.state == State::Connected => {
            Finding::Holds("the caller's socket is connected".to_string())
        }
        Some(own) if own.state == State::Listening => {
            Finding::Holds("the caller's socket listens".to_string())
        }
        Some(_) => Finding::Excluded,
        None if case.symptom.is_some() => Finding::Unseen(OWN_STATE),
        None => Finding::Excluded,
    }
}

fn already_in_progress(case: &Case<'_>) -> Finding {
    match case.facts.own() {
        Some(own) if !own.connecting => Finding::Excluded,
        Some(own) if own.nonblocking || own.send_timeout_us > 0 || case.symptom.is_some() => {
            Finding::Holds("the caller's socket waits for the answer to its SYN".to_string())
        }
        // A blocking call joins the wait for the first attempt.
        Some(_) => Finding::Excluded,
        None if case.symptom.is_some() => Finding::Unseen(OWN_STATE),
        None => Finding::Excluded,
    }
}

fn aborted_earlier(case: &Case<'_>) -> Finding {
    let Some(own) = case.facts.own() else {
        return if case.symptom.is_some() { Finding::Unseen(OWN_STATE) } else { Finding::Excluded };
    };
    if own.history.connect_failed {
        return Finding::Holds(
            "an earlier connect on this socket failed, and its error was read".to_string(),
        );
    }
    if own.history.blocked || case.symptom.is_none() {
        return Finding::Excluded;
    }
    Finding::Unseen("what happened to the caller's socket before")
}

fn in_progress(case: &Case<'_>) -> Finding {
    let own = case.facts.own();
    if own.is_some_and(|own| own.connecting) && case.symptom.is_some() {
        return Finding::Holds("the caller's socket waits for the answer to its SYN".to_string());
    }
    if case.symptom.is_some() {
        return by_symptom(case, "connect gives this error only to an attempt that goes on");
    }
    let nonblocking = own.map(|own| own.nonblocking).or(case.facts.arguments.nonblocking);
    let route = case.facts.inet().and_then(|target| target.route.known());
    let leads_somewhere = matches!(route, Some(Route::Local | Route::Unicast { .. }));
    if nonblocking == Some(true) && leads_somewhere {
        return Finding::Holds("the call does not wait for the answer to its SYN".to_string());
    }
    Finding::Excluded
}

fn interrupted(case: &Case<'_>) -> Finding {
    by_symptom(case, "only a signal that arrives while connect waits leads to this error")
}
