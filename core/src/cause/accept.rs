//! Causes of `accept`.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{
    Patience, descriptor_limit, judge, limit, not_waiting, read_shut, receiving, seconds,
    unrecorded, when,
};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::socket::{OwnSocket, State};
use crate::{Call, Errno, SocketType, Sockets, Symptom};
use alloc::format;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "accept/descriptor-limit",
        calls: &[at(Call::Accept, 12)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EMFILE, Evidence::Measured),
            fails(BSDS, Errno::EMFILE, Evidence::Source),
            fails(OPENSERVER, Errno::EMFILE, Evidence::Inferred),
        ],
        title: "the server has no descriptor left for the connection",
        happened: "The process has as many descriptors open as its RLIMIT_NOFILE admits.",
        why: "Linux reserves the descriptor first, even before it looks whether the listener is a \
              socket, and leaves the connection in the queue. A server that polls is therefore \
              told at once that there is something to accept, and spins. FreeBSD keeps the \
              connection as well; macOS drops it.",
        fix: "Close what is not needed and accept again; the connection is still there. Raise the \
              limit (LimitNOFILE= in the unit). Keep one descriptor in reserve to accept and \
              close with, so that clients see a closed connection instead of a hang.",
        commands: &["prlimit --pid {caller} --nofile", "ls /proc/{caller}/fd | wc -l"],
        differs: None,
        documents: &[Document::Posix("accept"), Document::Man("accept(2)")],
        class: Class::UpFront,
        test: |case| descriptor_limit(case, 1),
        confusable: &[],
        provoke: Provoke::Live("lower RLIMIT_NOFILE to the descriptors in use, then accept"),
    },
    Cause {
        id: "accept/unknown-flag",
        calls: &[at(Call::Accept, 11)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(FREEBSD, Errno::EINVAL, Evidence::Source),
            never(MACOS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "accept4 has no such flag",
        happened: "A flag other than SOCK_NONBLOCK and SOCK_CLOEXEC was passed to accept4.",
        why: "Flags are looked at right after the descriptor, so that nothing is accepted when \
              one is wrong. Flags of recv, such as MSG_DONTWAIT, are not flags of this call.",
        fix: "Pass SOCK_NONBLOCK, SOCK_CLOEXEC, both or 0.",
        commands: &["strace -f -e trace=accept4 -p {caller}"],
        differs: None,
        documents: &[Document::Unix7, Document::Man("accept(2)")],
        class: Class::UpFront,
        test: unknown_flag,
        confusable: &[],
        provoke: Provoke::Live("accept4 with flag 0x10"),
    },
    Cause {
        id: "accept/datagram",
        calls: &[at(Call::Accept, 20)],
        sockets: Sockets::DATAGRAM.and(Sockets::UDP),
        shows: &[
            fails(LINUX, Errno::EOPNOTSUPP, Evidence::Measured),
            fails(FREEBSD, Errno::EINVAL, Evidence::Source),
            fails(MACOS, Errno::EOPNOTSUPP, Evidence::Source),
            fails(OPENSERVER, Errno::EOPNOTSUPP, Evidence::Manual),
        ],
        title: "a datagram socket accepts no connections",
        happened: "accept was called on a datagram socket.",
        why: "Datagram sockets make no connections: every message arrives at the bound socket \
              itself.",
        fix: "Receive on the socket; or make a stream or sequenced-packet socket and listen.",
        commands: &[],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::Posix("accept"),
            Document::Man("accept(2)"),
        ],
        class: Class::UpFront,
        test: datagram,
        confusable: &[],
        provoke: Provoke::Live("accept on a bound datagram socket"),
    },
    Cause {
        id: "accept/not-listening",
        calls: &[at(Call::Accept, 30)],
        sockets: Sockets::CONNECTED.and(Sockets::TCP),
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "the socket does not listen",
        happened: "accept was called on a socket on which listen was not called, or on a \
                   connection instead of its listener.",
        why: "Only a listener has a queue of connections.",
        fix: "Call listen after bind. If there are several descriptors, make sure that this one \
              is the listener.",
        commands: &["strace -f -e trace=bind,listen,accept,accept4 -p {caller}"],
        differs: None,
        documents: &[Document::Unix7, Document::Posix("accept"), Document::Man("accept(2)")],
        class: Class::UpFront,
        test: not_listening,
        confusable: &[],
        provoke: Provoke::Live("accept on a bound stream that does not listen"),
    },
    Cause {
        id: "accept/shut-down",
        calls: &[at(Call::Accept, 41)],
        sockets: Sockets::CONNECTED.and(Sockets::TCP),
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(FREEBSD, Errno::ECONNABORTED, Evidence::Source),
            never(MACOS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "this listener was shut down",
        happened: "shutdown was called on the listener: by another thread, to end the accept loop, \
                   or by another process that has the same socket. No connection waits any more.",
        why: "After a shutdown for reading the queue only drains. A blocking accept of an empty \
              one then fails, instead of waiting for what can never come; a non-blocking one goes \
              on to say EAGAIN, for ever. Connections that were in the queue are still handed out.",
        fix: "Treat it as the end of the accept loop. The socket never listens again, not even \
              after another listen: make a new one.",
        commands: &[],
        differs: Some(
            "A UNIX domain listener stays a listener after shutdown; a TCP one turns back into a \
             plain socket, so that accept fails with EINVAL even if it does not block.",
        ),
        documents: &[Document::Unix7, Document::Man("accept(2)")],
        class: Class::UpFront,
        test: shut_down,
        confusable: &[],
        provoke: Provoke::Live("listen, shutdown for reading, accept"),
    },
    Cause {
        id: "accept/nothing-pending",
        calls: &[at(Call::Accept, 42)],
        sockets: Sockets::CONNECTED.and(Sockets::TCP),
        shows: &[
            fails(LINUX, Errno::EAGAIN, Evidence::Measured),
            fails(BSDS, Errno::EAGAIN, Evidence::Source),
            fails(OPENSERVER, Errno::EAGAIN, Evidence::Manual),
        ],
        title: "no connection is waiting",
        happened: "The listener is non-blocking and its queue is empty.",
        why: "It is how a non-blocking accept says \"not yet\". It also happens after poll said \
              that a connection was there, if another thread or process took it. A non-blocking \
              listener that was shut down answers so for ever.",
        fix: "Wait with poll or epoll until the listener is readable, then call again.",
        commands: &[],
        differs: None,
        documents: &[Document::OpenServer, Document::Posix("accept"), Document::Man("accept(2)")],
        class: Class::UpFront,
        test: nothing_pending,
        confusable: &[],
        provoke: Provoke::Live("accept on a non-blocking listener with an empty queue"),
    },
    Cause {
        id: "accept/timed-out",
        calls: &[at(Call::Accept, 43)],
        sockets: Sockets::CONNECTED.and(Sockets::TCP),
        shows: &[
            fails(LINUX, Errno::EAGAIN, Evidence::Measured),
            fails(BSDS, Errno::EAGAIN, Evidence::Inferred),
            fails(OPENSERVER, Errno::EAGAIN, Evidence::Inferred),
        ],
        title: "no connection came within SO_RCVTIMEO",
        happened: "accept waited for as long as SO_RCVTIMEO says, and nobody connected.",
        why: "The receive timeout of a listener limits accept. There is no error of its own for \
              it: it looks like a non-blocking call with an empty queue.",
        fix: "Call again, or give up: that is what the timeout is for. Set it to 0 to wait for \
              ever.",
        commands: &[],
        differs: None,
        documents: &[Document::OpenServer, Document::Man("socket(7)")],
        class: Class::Waiting,
        test: timed_out,
        confusable: &[],
        provoke: Provoke::Live("SO_RCVTIMEO of 0.05 s on a listener, accept"),
    },
    Cause {
        id: "accept/aborted",
        calls: &[at(Call::Accept, 50)],
        sockets: Sockets::CONNECTED.and(Sockets::TCP),
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(BSDS, Errno::ECONNABORTED, Evidence::Source).on(Sockets::TCP),
            never(BSDS, Evidence::Source),
            fails(OPENSERVER, Errno::ECONNABORTED, Evidence::Manual),
        ],
        title: "the connection was gone before it was accepted",
        happened: "The client went away while its connection waited in the queue.",
        why: "A system may drop a connection that ended in the queue and tell the server so. For \
              UNIX domain sockets Linux, FreeBSD and macOS do not: accept succeeds and returns a \
              socket whose first read tells (end of file, or the data the client left behind). \
              The only code of Linux for this error is reached when the new socket has no peer \
              name, which does not happen to UNIX domain sockets.",
        fix: "Call accept again. A portable server treats this error like a client that left.",
        commands: &[],
        differs: Some(
            "The lists and accept(2) name it as a matter of course. On Linux neither a client \
             that closed, with or without data sent, nor a shutdown of the listener gives it for \
             a UNIX domain socket.",
        ),
        documents: &[Document::OpenServer, Document::Posix("accept"), Document::Man("accept(2)")],
        class: Class::MidWay,
        test: aborted,
        confusable: &[],
        provoke: Provoke::Not("Linux never returns it for UNIX domain sockets"),
    },
    Cause {
        id: "wait/nothing-pending",
        calls: &[at(Call::Accept, 95)],
        sockets: Sockets::CONNECTED.and(Sockets::TCP),
        shows: &[
            shows(LINUX, Symptom::Hangs, Evidence::Measured),
            shows(BSDS, Symptom::Hangs, Evidence::Source),
            shows(OPENSERVER, Symptom::Hangs, Evidence::Inferred),
        ],
        title: "accept waits for a client",
        happened: "No connection waits, and the call is a blocking one without a timeout.",
        why: "A blocking accept waits until somebody connects. Closing the listener in another \
              thread does not end the wait; shutdown does.",
        fix: "If a client should be there, look at which name it connects to. To stop a server, \
              shut the listener down, or poll it together with something that tells to stop.",
        commands: &["ss -xlp"],
        differs: None,
        documents: &[Document::Posix("accept"), Document::Man("accept(2)")],
        class: Class::Waiting,
        test: waits_for_client,
        confusable: &[],
        provoke: Provoke::Live("accept on a blocking listener with an empty queue"),
    },
];

fn unknown_flag(case: &Case<'_>) -> Finding {
    if case.facts.arguments.unknown_flag {
        return Finding::Holds("a flag was passed that accept4 does not have".into());
    }
    // Where the listener itself is well, little else is left.
    match case.facts.own() {
        Some(own) if own.state != State::Listening || read_shut(own) => Finding::Excluded,
        _ => unrecorded(case, "the flags that were passed to accept4"),
    }
}

fn datagram(case: &Case<'_>) -> Finding {
    let datagram = matches!(case.socket, SocketType::Datagram | SocketType::Udp);
    when(datagram, "the socket is a datagram socket")
}

fn not_listening(case: &Case<'_>) -> Finding {
    judge(case, |own| when(own.state != State::Listening, "the socket is not a listener"))
}

fn shut_down(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        let waits = receiving(case, own) != Patience::None;
        let shut = own.state == State::Listening && read_shut(own);
        // Nothing joins the queue of such a listener: what waits there now waited then.
        let filled = own.backlog.is_some_and(|b| b.pending > 0);
        let over = shut && waits && !filled && (case.symptom.is_some() || is_empty(own));
        let length = case.facts.arguments.address.map(|a| a.length);
        if over && case.symptom.is_some() && length.is_some_and(|l| l < 0) {
            return Finding::Suggests(
                "the listener is shut down for reading; but if a connection was in its queue, it \
                 was taken, and then the length that was passed was not valid"
                    .into(),
            );
        }
        when(over, "the listener is shut down for reading and its queue is empty")
    })
}

fn nothing_pending(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        if own.state != State::Listening || receiving(case, own) != Patience::None {
            return Finding::Excluded;
        }
        match case.symptom {
            Some(_) => Finding::Holds(format!("{}, and the queue was empty", not_waiting(own))),
            None => when(is_empty(own), "the queue is empty, and the call does not wait"),
        }
    })
}

fn timed_out(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        let us = match limit(case, receiving(case, own)) {
            Ok(us) => us,
            Err(finding) => return finding,
        };
        let waits = own.state == State::Listening && (case.symptom.is_some() || is_empty(own));
        when(waits, format!("SO_RCVTIMEO is {}, and no connection waits", seconds(us)))
    })
}

fn aborted(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        if own.state != State::Listening {
            return Finding::Excluded;
        }
        if read_shut(own) {
            return Finding::Holds("the listener is shut down for reading".into());
        }
        match case.symptom {
            Some(_) => {
                Finding::Untraced("the client left before its connection was accepted".into())
            }
            None => Finding::Excluded,
        }
    })
}

fn waits_for_client(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        let endless = receiving(case, own) == Patience::Endless && !read_shut(own);
        let empty = own.state == State::Listening && is_empty(own);
        when(endless && empty, "no connection waits, and the call has no timeout")
    })
}

fn is_empty(own: &OwnSocket) -> bool {
    own.backlog.is_some_and(|b| b.pending == 0)
}
