//! The socket, or its peer, is in a state in which nothing (more) can be received.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{
    addressees, judge, peer, peer_closed, read_shut, reset_pending, unrecorded, when,
};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::socket::{OwnSocket, State};
use crate::{Call, Errno, SocketType, Sockets, Symptom};
use alloc::format;
use alloc::string::String;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "recv/not-connected",
        calls: &[at(Call::Recv, 30)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured).on(Sockets::STREAM),
            fails(LINUX, Errno::ENOTCONN, Evidence::Measured),
            fails(BSDS, Errno::ENOTCONN, Evidence::Source),
            fails(OPENSERVER, Errno::ENOTCONN, Evidence::Inferred),
        ],
        title: "the socket is not connected, so nothing can arrive",
        happened: "The socket was never connected, its connect failed, or it is a listener.",
        why: "Connection-oriented sockets receive from their peer only. Linux answers a stream \
              with EINVAL and a sequenced-packet socket with ENOTCONN.",
        fix: "Connect first and check that it succeeded; on a server, read from the accepted \
              socket, not from the listener.",
        commands: &["strace -f -e trace=connect,accept,accept4,listen -p {caller}"],
        differs: Some(
            "recv(2) and POSIX give ENOTCONN; a UNIX domain stream on Linux says EINVAL instead.",
        ),
        documents: &[Document::Unix7, Document::Posix("recv"), Document::Man("recv(2)")],
        class: Class::UpFront,
        test: not_connected,
        confusable: &[],
        provoke: Provoke::Live("recv on a fresh stream and on a fresh sequenced-packet socket"),
    },
    Cause {
        id: "recv/no-urgent-data",
        calls: &[at(Call::Recv, 31)],
        sockets: Sockets::STREAM,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "no urgent byte is waiting",
        happened: "recv was called with MSG_OOB, but the peer sent no urgent byte, it was read \
                   already, or SO_OOBINLINE leaves it among the other bytes.",
        why: "A UNIX domain stream on Linux (5.15 and later) keeps one urgent byte, the last of a \
              send with MSG_OOB. Asking for it does not wait.",
        fix: "Wait for POLLPRI before reading with MSG_OOB; with SO_OOBINLINE read it without the \
              flag.",
        commands: &[],
        differs: Some(
            "unix(7) says that the flag is not supported at all, which gave EOPNOTSUPP; for \
             streams that ended with Linux 5.15.",
        ),
        documents: &[Document::Unix7, Document::Posix("recv")],
        class: Class::UpFront,
        test: no_urgent_data,
        confusable: &[],
        provoke: Provoke::Live("recv with MSG_OOB on a stream pair that carries none"),
    },
    Cause {
        id: "recv/peer-left-with-unread-data",
        calls: &[at(Call::Recv, 40), at(Call::Send, 33)],
        sockets: Sockets::DATAGRAM,
        shows: &[
            fails(LINUX, Errno::ECONNRESET, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the peer left and threw away messages that it had not read",
        happened: "This datagram socket and its peer were connected to each other. The peer then \
                   connected elsewhere, or dissolved the association, while messages from here \
                   were in its queue.",
        why: "Linux empties the queue of a datagram socket that changes its peer, and if that \
              loses something, tells the old peer once. The next call reports it: a send to quite \
              another address too, and a recv before any message that waits. A peer that closes \
              is not reported so: the next send to it says ECONNREFUSED.",
        fix: "The error is reported once: repeat the call. What was sent and not answered must be \
              taken for lost.",
        commands: &[],
        differs: None,
        documents: &[Document::OpenServer, Document::Unix7],
        class: Class::MidWay,
        test: peer_left,
        confusable: &[],
        provoke: Provoke::Live("datagram pair: send, let the peer connect to AF_UNSPEC, recv"),
    },
    Cause {
        id: "recv/receiver-closed",
        calls: &[at(Call::Recv, 43)],
        sockets: Sockets::DATAGRAM,
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(BSDS, Errno::ECONNRESET, Evidence::Source),
            fails(OPENSERVER, Errno::ECONNRESET, Evidence::Inferred),
        ],
        title: "the socket that this one was connected to has closed",
        happened: "This datagram socket was connected to another one, which closed. The \
                   association is over, and this call is the first to tell.",
        why: "The BSDs leave an error in every datagram socket that was connected to one that \
              closes. Whichever call comes next reports it once: a send before anything else, a \
              recv when no message waits. A recv that waits already is not woken by it.",
        fix: "Connect again, and ask again for the answer that was awaited: nobody is left to send \
              it. Let a recv that waits for an answer have a time limit.",
        commands: &[],
        differs: Some(
            "Linux says nothing to a receiver: only a send finds out, with ECONNREFUSED, and a \
             recv waits for messages from others.",
        ),
        documents: &[Document::OpenServer],
        class: Class::MidWay,
        test: receiver_closed,
        confusable: &[],
        provoke: Provoke::Not("Linux tells a receiver nothing of a peer that closed"),
    },
    Cause {
        id: "recv/peer-closed-with-unread-data",
        calls: &[at(Call::Recv, 41)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::ECONNRESET, Evidence::Measured),
            never(BSDS, Evidence::Source),
            fails(OPENSERVER, Errno::ECONNRESET, Evidence::Manual),
        ],
        title: "the peer closed without reading everything that was sent to it",
        happened: "The peer closed its socket, or died, while data from here was still in its \
                   queue. That data is lost.",
        why: "Linux tells the difference between a peer that read everything and one that did not \
              by a reset instead of an end of file; data that was only peeked at counts as unread. \
              A stream hands out what the peer had sent first, then the reset, then end of file; a \
              sequenced-packet socket reports the reset first. Shutting down before closing does \
              not avoid it. The BSDs just say end of file.",
        fix: "Find out why the server stopped reading: a crash, a request it rejected half-way, a \
              limit. If the peer is yours, read until end of file before closing.",
        commands: &["journalctl --since -10min"],
        differs: Some(
            "The lists speak of a peer that forces the session to close. Nothing is forced: an \
             ordinary close with something unread suffices.",
        ),
        documents: &[Document::OpenServer, Document::Unix7],
        class: Class::MidWay,
        test: peer_closed_unread,
        confusable: &["recv/closed-before-accept"],
        provoke: Provoke::Live("stream and sequenced-packet pair: send, close the peer, recv"),
    },
    Cause {
        id: "recv/closed-before-accept",
        calls: &[at(Call::Recv, 42)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::ECONNRESET, Evidence::Measured),
            fails(FREEBSD_14, Errno::ECONNRESET, Evidence::Source),
            fails(FREEBSD_15, Errno::EPIPE, Evidence::Source),
            shows(MACOS, Symptom::EndOfFile, Evidence::Source),
            shows(OPENSERVER, Symptom::EndOfFile, Evidence::Inferred),
        ],
        title: "the server closed its listener without accepting this connection",
        happened: "connect succeeded and the connection waited in the server's queue; then the \
                   listener was closed, or the server died.",
        why: "connect returns as soon as the connection is queued. The queue dies with the \
              listener, and each client in it is told by a reset, whether it sent anything or not; \
              end of file follows.",
        fix: "Connect again; the server is probably restarting. A connection proves that somebody \
              serves it only when the first answer has come.",
        commands: &["journalctl --since -10min"],
        differs: None,
        documents: &[Document::OpenServer, Document::Unix7],
        class: Class::MidWay,
        test: closed_before_accept,
        confusable: &["recv/peer-closed-with-unread-data"],
        provoke: Provoke::Live("listen, connect, close the listener, recv"),
    },
    Cause {
        id: "recv/end-of-file",
        calls: &[at(Call::Recv, 50)],
        sockets: Sockets::CONNECTED,
        shows: &[
            shows(LINUX, Symptom::EndOfFile, Evidence::Measured),
            shows(BSDS, Symptom::EndOfFile, Evidence::Source),
            shows(OPENSERVER, Symptom::EndOfFile, Evidence::Inferred),
        ],
        title: "the peer will send no more",
        happened: "recv returned 0: the peer closed its socket or shut down its sending side, or \
                   receiving was shut down here, and everything that had arrived was read.",
        why: "It is how a connection ends in good order. On a sequenced-packet socket an empty \
              message returns 0 as well; only a second look tells them apart (poll then reports \
              POLLRDHUP for an end). A recv into an empty buffer returns 0, too.",
        fix: "Close the socket. If the server ended too early, look at its log.",
        commands: &[],
        differs: None,
        documents: &[Document::Posix("recv"), Document::Man("recv(2)")],
        class: Class::Silent,
        test: end_of_file,
        confusable: &[],
        provoke: Provoke::Live("stream pair: close the peer, recv"),
    },
];

fn not_connected(case: &Case<'_>) -> Finding {
    judge(case, |own| match own.state {
        State::Connected => Finding::Excluded,
        State::Listening => Finding::Holds("the socket is a listener".into()),
        State::Unconnected => Finding::Holds("the socket is not connected".into()),
    })
}

fn no_urgent_data(case: &Case<'_>) -> Finding {
    let arguments = &case.facts.arguments;
    let connected = |own: &OwnSocket| own.state == State::Connected;
    if !arguments.urgent {
        // EINVAL on a connected stream: nothing but the flag asks for something it lacks.
        return match case.facts.own() {
            Some(own) if case.symptom.is_some() && connected(own) => {
                Finding::Unobservable("whether MSG_OOB was among the flags")
            }
            Some(_) => Finding::Excluded,
            None => unrecorded(case, "whether MSG_OOB was among the flags"),
        };
    }
    judge(case, |own| {
        if !connected(own) {
            return Finding::Excluded;
        }
        if own.options.urgent_inline {
            return Finding::Holds("SO_OOBINLINE keeps urgent bytes among the others".into());
        }
        match (own.urgent.known(), case.symptom) {
            (Some(false), _) => Finding::Holds("no urgent byte is in the queue".into()),
            (_, Some(_)) => Finding::Holds("MSG_OOB was passed on a connected stream".into()),
            (Some(true), None) => Finding::Excluded,
            (None, None) => Finding::Unseen("whether an urgent byte waits"),
        }
    })
}

fn peer_left(case: &Case<'_>) -> Finding {
    judge(case, |own| match case.symptom {
        None => when(reset_pending(own), "poll reports an error on the socket: a reset"),
        Some(_) if reset_pending(own) => {
            Finding::Holds("a further reset waits to be reported".into())
        }
        Some(_) => Finding::Holds("nothing else resets a UNIX domain datagram socket".into()),
    })
}

fn receiver_closed(case: &Case<'_>) -> Finding {
    judge(case, |own| match case.symptom {
        None => when(
            reset_pending(own) && own.readable.is(|n| *n == 0),
            "the peer has closed, and left an error in the socket",
        ),
        Some(_) => Finding::Holds("nothing else resets a datagram socket there".into()),
    })
}

/// Whether a connection that was reset had been accepted.
enum Accepted {
    Yes(&'static str),
    No(&'static str),
    /// The kernel keeps no trace of it.
    Unknown,
}

fn accepted(own: &OwnSocket) -> Accepted {
    if own.history.answered {
        return Accepted::Yes("the server had answered on this connection");
    }
    if own.history.sent_nothing {
        return Accepted::No("nothing had been sent, so there was nothing to leave unread");
    }
    match peer(own) {
        Some(p) if p.name.is(|n| n.is_empty()) => {
            Accepted::Yes("the peer has no name, so it was not behind a listener")
        }
        Some(p) if p.inode.is(|i| *i != 0) => Accepted::Yes("the connection was accepted"),
        _ => Accepted::Unknown,
    }
}

/// Whether the socket is, or just was, in the state in which a reset is reported.
fn was_reset(case: &Case<'_>, own: &OwnSocket) -> bool {
    let drained = own.kind == SocketType::SeqPacket || own.readable.is(|n| *n == 0);
    match case.symptom {
        None => reset_pending(own) && drained,
        Some(_) => {
            own.state == State::Connected && (reset_pending(own) || peer_closed(own) != Some(false))
        }
    }
}

/// Whether a listener is alive at the address: then it did not close with this connection in its
/// queue, unless it was restarted meanwhile.
fn listener_lives(case: &Case<'_>) -> bool {
    addressees(case).iter().any(|s| s.state == State::Listening)
}

/// Whether the reset connection had been accepted; `None` if the facts show that there was no
/// reset, or the socket was not observed.
fn reset(case: &Case<'_>) -> Option<Accepted> {
    match case.facts.own() {
        Some(own) => was_reset(case, own).then(|| accepted(own)),
        None if case.symptom.is_some() && listener_lives(case) => Some(Accepted::Unknown),
        None => None,
    }
}

fn peer_closed_unread(case: &Case<'_>) -> Finding {
    match reset(case) {
        Some(Accepted::Yes(why)) => Finding::Holds(format!("the peer reset the connection; {why}")),
        Some(Accepted::No(_)) => Finding::Excluded,
        Some(Accepted::Unknown) if listener_lives(case) => Finding::Suggests(String::from(
            "a listener is alive at the address, so it is this connection that was closed, with \
             something unread",
        )),
        Some(Accepted::Unknown) => Finding::Suggests(String::from(
            "the peer reset the connection; whether it had accepted it leaves no trace",
        )),
        None => judge(case, |_| Finding::Excluded),
    }
}

fn closed_before_accept(case: &Case<'_>) -> Finding {
    match reset(case) {
        Some(Accepted::Yes(_)) => Finding::Excluded,
        Some(Accepted::No(why)) => Finding::Holds(format!("the connection was reset; {why}")),
        Some(Accepted::Unknown) if listener_lives(case) => Finding::Untraced(String::from(
            "a listener is alive at the address; only if the server was restarted can it have \
             dropped this connection unaccepted",
        )),
        Some(Accepted::Unknown) => Finding::Suggests(String::from(
            "the connection was reset; whether it had been accepted leaves no trace",
        )),
        None => judge(case, |_| Finding::Excluded),
    }
}

fn end_of_file(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        if own.state != State::Connected {
            return Finding::Excluded;
        }
        if own.shutdown.known().is_none() {
            return Finding::Unseen("which directions of the socket are shut down");
        }
        let predicted_other = own.readable.is(|n| *n > 0) || reset_pending(own);
        if !read_shut(own) || case.symptom.is_none() && predicted_other {
            return Finding::Excluded;
        }
        let because = match peer(own) {
            Some(p) if p.closed.is(|c| *c) => "the peer has closed its socket",
            Some(p) if p.closed.is(|c| !c) => {
                "the peer has shut down its sending side (or this side its receiving one)"
            }
            _ => "receiving is shut down",
        };
        // The last thing read before an end can have been a message without content.
        if case.symptom.is_some() && own.kind == SocketType::SeqPacket {
            let text = format!("{because}; an empty message would have returned 0 as well");
            return Finding::Suggests(text);
        }
        Finding::Holds(because.into())
    })
}
