//! The socket, or its peer, is in a state in which nothing can be sent.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{
    addressees, has_address, judge, lacks_peer, peer, peer_closed, read_shut, reset_pending, when,
    write_shut,
};
use crate::cause::{Cause, Class, Document, Evidence, Provoke, Rule};
use crate::fact::socket::{OwnSocket, State};
use crate::profile::{ClosedDatagram, Profile};
use crate::{Call, Errno, SocketType, Sockets};

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "send/not-connected",
        calls: &[at(Call::Send, 31)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::ENOTCONN, Evidence::Measured),
            fails(BSDS, Errno::ENOTCONN, Evidence::Source),
            fails(OPENSERVER, Errno::ENOTCONN, Evidence::Inferred),
        ],
        title: "the socket is not connected",
        happened: "The socket was never connected, its connect failed, or it is a listener.",
        why: "Streams and sequenced packets go to the peer, and there is none. A connect that \
              failed, also one that said EAGAIN, goes on nowhere in the background: poll reports \
              such a socket as writable, and the first send fails so.",
        fix: "Connect first, check that it succeeded, and repeat it after EAGAIN. On a server, \
              send on the accepted socket.",
        commands: &["strace -f -e trace=connect,accept,accept4,listen -p {caller}"],
        differs: None,
        documents: &[Document::Unix7, Document::Posix("send"), Document::Man("send(2)")],
        class: Class::UpFront,
        test: not_connected,
        confusable: &[],
        provoke: Provoke::Live("send on a fresh stream and on a listener"),
    },
    Cause {
        id: "send/no-destination",
        calls: &[at(Call::Send, 39)],
        sockets: Sockets::DATAGRAM,
        shows: &[
            fails(LINUX, Errno::ENOTCONN, Evidence::Measured),
            fails(BSDS, Errno::EDESTADDRREQ, Evidence::Source),
            fails(OPENSERVER, Errno::ENOTCONN, Evidence::Manual),
        ],
        title: "no destination was given and the socket has none",
        happened: "A datagram was sent without an address, on a socket that is not connected.",
        why: "A datagram needs an address with each message, or a peer set by connect. The peer \
              can have been lost: after a send fails because the receiver closed, Linux dissolves \
              the association, and the next send fails this way.",
        fix: "Use sendto with an address, or connect first; connect again after ECONNREFUSED.",
        commands: &["strace -f -e trace=network -p {caller}"],
        differs: Some(
            "send(2), POSIX and the BSDs give EDESTADDRREQ. A UNIX domain datagram socket on Linux \
             says ENOTCONN; UDP on Linux does say EDESTADDRREQ.",
        ),
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::Posix("send"),
            Document::Man("send(2)"),
        ],
        class: Class::UpFront,
        test: no_destination,
        confusable: &[],
        provoke: Provoke::Live("send without an address on a fresh datagram socket"),
    },
    Cause {
        id: "send/pending-reset",
        calls: &[at(Call::Send, 30)],
        sockets: Sockets::SEQPACKET,
        shows: &[
            fails(LINUX, Errno::ECONNRESET, Evidence::Measured),
            never(FREEBSD, Evidence::Source),
            never(MACOS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the peer has reset the connection, and this call is the first to report it",
        happened: "The peer closed with unread data, or closed its listener before it accepted. \
                   The reset was stored in the socket and is handed to the next call.",
        why: "On a sequenced-packet socket send looks at the stored error first and clears it: the \
              next send gets EPIPE. A stream's send says EPIPE at once and leaves the stored error \
              to recv.",
        fix: "Connect again. What the peer had not read is lost; messages that it sent can still \
              be received.",
        commands: &[],
        differs: None,
        documents: &[Document::OpenServer, Document::Unix7],
        class: Class::MidWay,
        test: pending_reset,
        confusable: &[],
        provoke: Provoke::Live("sequenced-packet pair: send, close the peer, send"),
    },
    Cause {
        id: "send/after-shutdown",
        calls: &[at(Call::Send, 34)],
        sockets: Sockets::UNIX,
        shows: BROKEN_PIPE,
        title: "sending was shut down on this side",
        happened: "The program itself, or another process that shares the socket, called shutdown \
                   for writing (or both directions) before this send.",
        why: "A shutdown for writing is a promise to send no more, and the peer has been told. It \
              cannot be taken back. A stream also raises SIGPIPE, unless MSG_NOSIGNAL is passed; \
              on Linux datagram and sequenced-packet sockets raise none.",
        fix: "Send everything before the shutdown. Look for a second owner of the descriptor, and \
              for a shutdown that was called before connect: it survives it.",
        commands: &["strace -f -e trace=shutdown,sendto,sendmsg,write -p {caller}"],
        differs: Some(
            "OpenServer's list has a name for it from 4.2BSD, ESHUTDOWN (\"cannot send after \
             socket shutdown\"), without saying from which call. Linux, FreeBSD and macOS return \
             EPIPE, from UNIX domain and TCP sockets alike.",
        ),
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::Posix("send"),
            Document::Man("send(2)"),
        ],
        class: Class::UpFront,
        test: after_shutdown,
        confusable: &["send/peer-stopped-reading"],
        provoke: Provoke::Live("pair of each type: shut down writing, send"),
    },
    Cause {
        id: "send/peer-closed",
        calls: &[at(Call::Send, 35)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::EPIPE, Evidence::Measured),
            fails(BSDS, Errno::EPIPE, Evidence::Source),
            fails(OPENSERVER, Errno::EPIPE, Evidence::Inferred),
        ],
        title: "the peer has closed its socket",
        happened: "Nobody is there to receive: the peer closed the connection or its process \
                   ended.",
        why: "The close reaches this side at once, so the first send after it fails; there is no \
              network between that could accept another message. A stream also raises SIGPIPE, \
              which ends a program that has not arranged for it.",
        fix: "Ignore SIGPIPE or pass MSG_NOSIGNAL, and connect again. Read what the peer sent \
              before it closed: it often says why.",
        commands: &["journalctl --since -10min"],
        differs: Some(
            "On Linux only streams raise SIGPIPE; sequenced packets just fail. The BSDs raise it \
             for every type.",
        ),
        documents: &[Document::Unix7, Document::Posix("send"), Document::Man("send(2)")],
        class: Class::UpFront,
        test: peer_has_closed,
        confusable: &[],
        provoke: Provoke::Live("stream and sequenced-packet pair: close the peer, send"),
    },
    Cause {
        id: "send/peer-stopped-reading",
        calls: &[at(Call::Send, 72)],
        sockets: Sockets::UNIX,
        shows: BROKEN_PIPE,
        title: "the peer has shut down its receiving side",
        happened: "The receiver called shutdown for reading; it is still there and may still send.",
        why: "A message that will never be read is refused right away. Only UNIX domain sockets \
              work so: TCP has no way to tell the other side, and accepts the data. On a \
              connection Linux marks both ends when either side shuts a direction down, so the \
              state alone does not tell whether this side stopped sending or the other stopped \
              reading.",
        fix: "Stop sending and read the peer's last answer. If the peer means to go on reading, it \
              must not shut that direction down.",
        commands: &[],
        differs: None,
        documents: &[Document::Unix7, Document::Posix("send"), Document::Man("send(2)")],
        class: Class::UpFront,
        test: peer_stopped_reading,
        confusable: &["send/after-shutdown"],
        provoke: Provoke::Live("pair of each type: the peer shuts down reading, send"),
    },
    Cause {
        id: "send/peer-closed-while-blocked",
        calls: &[at(Call::Send, 36)],
        sockets: Sockets::STREAM,
        shows: &[
            fails(LINUX, Errno::ECONNRESET, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the peer closed while this call waited for room",
        happened: "The send buffer was full of data that the peer had not read; the peer closed, \
                   and that data was lost.",
        why: "The close of a socket with unread data stores a reset, and a sender that wakes up \
              looks at the stored error before it looks whether sending is shut down. So this call \
              says ECONNRESET, without SIGPIPE, where one made a moment later would say EPIPE \
              with it.",
        fix: "Treat it as EPIPE: the connection is over. What was sent last has not been read.",
        commands: &["journalctl --since -10min"],
        differs: Some(
            "Elsewhere a close stores no error: the sender gets EPIPE, as one that comes later.",
        ),
        documents: &[Document::OpenServer, Document::Unix7],
        class: Class::Waiting,
        test: closed_while_blocked,
        confusable: &[],
        provoke: Provoke::Live("fill the buffer, let send wait, close the peer"),
    },
    Cause {
        id: "send/receiver-closed",
        calls: &[at(Call::Send, 69)],
        sockets: Sockets::DATAGRAM,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            fails(BSDS, Errno::ECONNRESET, Evidence::Source),
            fails(OPENSERVER, Errno::ECONNRESET, Evidence::Inferred),
        ],
        title: "the receiver that this socket is connected to has closed",
        happened: "The datagram socket was connected to a receiver that no longer exists. This \
                   send has dissolved the association; the next one without an address fails with \
                   ENOTCONN.",
        why: "connect remembers the socket, not its name, so a server that comes back under the \
              same name is another one. Linux notices at the first send only, and then also \
              throws away what waits unread in this socket's own queue.",
        fix: "Connect again and repeat the message. Read pending answers before sending, as long \
              as they are there. A client that must survive restarts sends with an address each \
              time.",
        commands: &[],
        differs: Some("The BSDs report ECONNRESET, and as soon as the receiver closes."),
        documents: &[Document::OpenServer, Document::Man("send(2)")],
        class: Class::MidWay,
        test: receiver_closed,
        confusable: &[],
        provoke: Provoke::Live("datagram pair: close the peer, send"),
    },
];

const BROKEN_PIPE: &[Rule] = &[
    fails(LINUX, Errno::EPIPE, Evidence::Measured),
    fails(BSDS, Errno::EPIPE, Evidence::Source),
    fails(OPENSERVER, Errno::ESHUTDOWN, Evidence::Manual),
];

fn not_connected(case: &Case<'_>) -> Finding {
    judge(case, |own| match own.state {
        State::Connected => Finding::Excluded,
        State::Listening => Finding::Holds("the socket is a listener".into()),
        State::Unconnected => Finding::Holds("the socket is not connected".into()),
    })
}

fn no_destination(case: &Case<'_>) -> Finding {
    if has_address(case) {
        return Finding::Excluded;
    }
    judge(case, |own| match lacks_peer(own) {
        // The error that the peer left comes first.
        Some(true) if tells_of_close(case) && case.symptom.is_none() && reset_pending(own) => {
            Finding::Excluded
        }
        Some(lacks) => when(lacks, "no address was passed, and the socket has no peer"),
        None => Finding::Unseen("the peer of the caller's socket"),
    })
}

fn pending_reset(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        if reset_pending(own) {
            return Finding::Holds("a reset waits in the socket to be reported".into());
        }
        match case.symptom {
            Some(_) if own.state == State::Connected && peer_closed(own) != Some(false) => {
                Finding::Holds("nothing else resets a sequenced-packet socket".into())
            }
            _ => Finding::Excluded,
        }
    })
}

/// Sending is shut down: by whom?
enum ShutBy {
    /// It is not shut down.
    Nobody,
    /// It was not seen.
    Unknown,
    /// By this side, as the program says or as only it can.
    ThisSide(&'static str),
    /// The peer is gone.
    PeerClosed,
    /// By one side of a connection that is still there. Linux marks both ends when either shuts
    /// its direction down, so the marks are the same.
    Either,
}

fn shut_by(own: &OwnSocket) -> ShutBy {
    if own.shutdown.known().is_none() {
        return ShutBy::Unknown;
    }
    if !write_shut(own) {
        return ShutBy::Nobody;
    }
    if own.history.shut_down_sending {
        return ShutBy::ThisSide("the program shut down sending itself");
    }
    if is_datagram(own) {
        return ShutBy::ThisSide("sending is shut down on this datagram socket");
    }
    match peer_closed(own) {
        Some(true) => ShutBy::PeerClosed,
        // The close of a peer shuts down both directions here.
        Some(false) => ShutBy::Either,
        None if !read_shut(own) => ShutBy::Either,
        None => ShutBy::Unknown,
    }
}

const WHO: &str = "which side shut the connection down";

fn after_shutdown(case: &Case<'_>) -> Finding {
    judge(case, |own| match shut_by(own) {
        ShutBy::ThisSide(because) => Finding::Holds(because.into()),
        ShutBy::Either => Finding::Suggests(
            "sending is shut down and the peer is still there; if the program did not call \
             shutdown, the peer shut down reading: the system marks both ends alike"
                .into(),
        ),
        ShutBy::Unknown if own.state == State::Connected => Finding::Unseen(WHO),
        ShutBy::Unknown | ShutBy::Nobody | ShutBy::PeerClosed => Finding::Excluded,
    })
}

fn peer_has_closed(case: &Case<'_>) -> Finding {
    judge(case, |own| match shut_by(own) {
        ShutBy::PeerClosed => Finding::Holds("the peer has closed its socket".into()),
        ShutBy::Unknown if own.state == State::Connected => Finding::Unseen(WHO),
        _ => Finding::Excluded,
    })
}

fn peer_stopped_reading(case: &Case<'_>) -> Finding {
    if addressees(case).iter().any(|s| s.shutdown.read) && case.socket == SocketType::Datagram {
        return Finding::Holds("the receiver is shut down for reading".into());
    }
    judge(case, |own| {
        let theirs = peer(own).and_then(|p| p.shutdown.known());
        if is_datagram(own) {
            return match theirs {
                Some(theirs) => when(theirs.read, "the peer is shut down for reading"),
                None if case.symptom.is_some() && lacks_peer(own) == Some(false) => {
                    Finding::Unseen("whether the peer is shut down for reading")
                }
                None => Finding::Excluded,
            };
        }
        match shut_by(own) {
            ShutBy::Either => Finding::Suggests(
                "if the program itself did not call shutdown, the peer has shut down reading"
                    .into(),
            ),
            ShutBy::Unknown if own.state == State::Connected => Finding::Unseen(WHO),
            // Who shuts down before the connection is made leaves no mark on the other side.
            ShutBy::Nobody if theirs.is_some_and(|theirs| theirs.read) => {
                Finding::Holds("the peer was shut down for reading before it connected".into())
            }
            _ => Finding::Excluded,
        }
    })
}

fn is_datagram(own: &OwnSocket) -> bool {
    own.kind == SocketType::Datagram
}

fn closed_while_blocked(case: &Case<'_>) -> Finding {
    if case.symptom.is_none() {
        return Finding::Excluded;
    }
    judge(case, |own| match peer_closed(own) {
        Some(false) => Finding::Excluded,
        _ if own.history.blocked => {
            Finding::Holds("the call had waited for room when the peer closed".into())
        }
        _ if own.state == State::Connected => {
            Finding::Holds("a stream's send reports a reset only if it came during the call".into())
        }
        _ => Finding::Excluded,
    })
}

fn receiver_closed(case: &Case<'_>) -> Finding {
    if tells_of_close(case) {
        return told_of_close(case);
    }
    let Some(own) = case.facts.own() else {
        return match case.symptom {
            Some(_) if !has_address(case) => Finding::Holds(
                "no address was passed, so only a peer that closed can have refused".into(),
            ),
            Some(_) => Finding::Unobservable("whether the socket was connected"),
            None => Finding::Excluded,
        };
    };
    match (peer_closed(own), lacks_peer(own)) {
        (Some(closed), _) => when(closed, "the peer of the socket has closed"),
        // The failing send has dissolved the association already.
        (None, Some(true)) if case.symptom.is_some() && !has_address(case) => Finding::Holds(
            "no address was passed, so only a peer that closed can have refused".into(),
        ),
        (None, Some(true)) => Finding::Excluded,
        (None, _) if !has_address(case) && case.symptom.is_some() => {
            Finding::Holds("no address was passed, so the peer has refused: it is closed".into())
        }
        (None, _) => Finding::Unseen("whether the peer is closed"),
    }
}

/// Whether a datagram peer that closes leaves an error on this platform.
fn tells_of_close(case: &Case<'_>) -> bool {
    *Profile::of(case.platform).connection.closed_datagram == ClosedDatagram::Tells
}

/// Where a peer that closes leaves an error: whatever send comes next reports it, also one with an
/// address.
fn told_of_close(case: &Case<'_>) -> Finding {
    judge(case, |own| match case.symptom {
        None => when(reset_pending(own), "the peer has closed, and left an error in the socket"),
        Some(_) => Finding::Holds("nothing else resets a datagram socket there".into()),
    })
}
