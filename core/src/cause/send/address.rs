//! The destination or the flags do not suit the socket.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{addressees, argument, has_address, judge, peer, unrecorded, when};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::arguments::Control;
use crate::fact::socket::State;
use crate::{Call, Errno, Sockets};

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "send/address-on-connected-stream",
        calls: &[at(Call::Send, 29)],
        sockets: Sockets::STREAM,
        shows: &[
            fails(LINUX, Errno::EISCONN, Evidence::Measured),
            never(BSDS, Evidence::Source),
            fails(OPENSERVER, Errno::EISCONN, Evidence::Manual),
        ],
        title: "a destination was given on a connected stream",
        happened: "sendto or sendmsg was called with an address on a stream that has a peer.",
        why: "A stream sends to its peer and nowhere else. Linux refuses without looking at the \
              address, even if it is the peer's own, or no valid one. The BSDs ignore it.",
        fix: "Use send or write, or pass no address (a null pointer and length 0).",
        commands: &["strace -f -e trace=sendto,sendmsg -p {caller}"],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::Posix("sendto"),
            Document::Man("send(2)"),
        ],
        class: Class::UpFront,
        test: on_connected_stream,
        confusable: &[],
        provoke: Provoke::Live("sendto with an address on one end of a stream pair"),
    },
    Cause {
        id: "send/address-on-unconnected-stream",
        calls: &[at(Call::Send, 29)],
        sockets: Sockets::STREAM,
        shows: &[
            fails(LINUX, Errno::EOPNOTSUPP, Evidence::Measured),
            fails(BSDS, Errno::ENOTCONN, Evidence::Source),
            fails(OPENSERVER, Errno::EOPNOTSUPP, Evidence::Inferred),
        ],
        title: "a destination was given on a stream that is not connected",
        happened: "sendto or sendmsg was called with an address on a stream without a peer.",
        why: "A stream cannot be sent to by address: it has to be connected. The address is not \
              looked at. A sequenced-packet socket says ENOTCONN in the same situation.",
        fix: "Connect and then send, or make a datagram socket.",
        commands: &["strace -f -e trace=socket,sendto,sendmsg -p {caller}"],
        differs: None,
        documents: &[Document::OpenServer, Document::Unix7, Document::Man("send(2)")],
        class: Class::UpFront,
        test: on_unconnected_stream,
        confusable: &[],
        provoke: Provoke::Live("sendto with an address on a fresh stream"),
    },
    Cause {
        id: "send/address-on-connected-datagram",
        calls: &[at(Call::Send, 29)],
        sockets: Sockets::DATAGRAM,
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(BSDS, Errno::EISCONN, Evidence::Source),
            fails(OPENSERVER, Errno::EISCONN, Evidence::Manual),
        ],
        title: "a destination was given on a connected datagram socket",
        happened: "sendto was called with an address on a datagram socket that has a peer.",
        why: "Of BSD descent, a connected datagram socket sends to its peer only. On Linux the \
              address wins for this one message, and the association stays.",
        fix: "Send without an address, dissolve the association first, or use a second socket.",
        commands: &[],
        differs: Some(
            "OpenServer's list gives it for datagrams in general, and unix(7) for any connected \
             socket. On Linux the message is delivered to the given address.",
        ),
        documents: &[Document::OpenServer, Document::Unix7, Document::Posix("sendto")],
        class: Class::UpFront,
        test: on_connected_datagram,
        confusable: &[],
        provoke: Provoke::Not("Linux delivers the message to the given address"),
    },
    Cause {
        id: "send/address-on-connected-seqpacket",
        calls: &[at(Call::Send, 29)],
        sockets: Sockets::SEQPACKET,
        shows: &[
            never(LINUX, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "a destination was given on a connected sequenced-packet socket",
        happened: "sendto was called with an address on a connected sequenced-packet socket.",
        why: "Linux drops the address unseen, however wrong it is, and sends to the peer. The BSDs \
              ignore it as well.",
        fix: "Pass no address: the message goes to the peer in any case.",
        commands: &[],
        differs: Some(
            "unix(7) gives EISCONN for an address on any connected socket; for this type no \
             system described here fails.",
        ),
        documents: &[Document::Unix7],
        class: Class::Silent,
        test: on_connected_datagram,
        confusable: &[],
        provoke: Provoke::Not("the address is ignored and the message goes to the peer"),
    },
    Cause {
        id: "send/no-urgent-data",
        calls: &[at(Call::Send, 28), at(Call::Recv, 32)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EOPNOTSUPP, Evidence::Measured).on(Sockets::MESSAGES),
            never(LINUX, Evidence::Measured),
            fails(BSDS, Errno::EOPNOTSUPP, Evidence::Source),
            fails(OPENSERVER, Errno::EOPNOTSUPP, Evidence::Inferred),
        ],
        title: "sockets of this type have no urgent data",
        happened: "MSG_OOB was passed on a datagram or sequenced-packet socket.",
        why: "Urgent data is a mark in a stream of bytes; messages have no place for one. UNIX \
              domain streams have it on Linux since 5.15 (if the kernel was built with it), and \
              nowhere else.",
        fix: "Send urgent things in a message of their own, or over a second socket.",
        commands: &["strace -f -e trace=network -p {caller}"],
        differs: Some(
            "unix(7) says that out-of-band data is not supported at all; that is still so for \
             these two types, and no longer for streams.",
        ),
        documents: &[Document::Unix7, Document::Man("send(2)")],
        class: Class::UpFront,
        test: no_urgent_data,
        confusable: &[],
        provoke: Provoke::Live("send with MSG_OOB on a datagram and a sequenced-packet pair"),
    },
    Cause {
        id: "send/empty-urgent-data",
        calls: &[at(Call::Send, 28)],
        sockets: Sockets::STREAM,
        shows: &[
            fails(LINUX, Errno::EOPNOTSUPP, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "an urgent send without a byte to mark",
        happened: "A stream's send was called with MSG_OOB and no data.",
        why: "The last byte of an urgent send is the urgent one, so there has to be one.",
        fix: "Send at least one byte. If it fails so with data as well, the kernel is older than \
              5.15, or was built without urgent data for UNIX domain streams.",
        commands: &["uname -r"],
        differs: Some(
            "unix(7) gives this error for every use of out-of-band data; on a stream only the \
             empty one is left.",
        ),
        documents: &[Document::Unix7],
        class: Class::UpFront,
        test: empty_urgent_data,
        confusable: &[],
        provoke: Provoke::Live("send 0 bytes with MSG_OOB on a stream pair"),
    },
    Cause {
        id: "send/receiver-has-another-peer",
        calls: &[at(Call::Send, 66)],
        sockets: Sockets::DATAGRAM,
        shows: &[
            fails(LINUX, Errno::EPERM, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the receiver is connected to another socket and takes messages from that one only",
        happened: "The datagram socket at the destination has a peer, and it is not the sender.",
        why: "On Linux a datagram socket with a peer is closed to everybody else. The sender is \
              told by this error; a sender that was connected earlier too, once the receiver \
              connects elsewhere. No privilege helps.",
        fix: "A server that has several clients must not connect its socket: it answers with \
              sendto. Where one client is meant to have it alone, this is the intended answer.",
        commands: &["ss -xp -a"],
        differs: None,
        documents: &[Document::Source("net/unix/af_unix.c")],
        class: Class::UpFront,
        test: receiver_has_another_peer,
        confusable: &[],
        provoke: Provoke::Live("bind a receiver, connect it to a third socket, sendto it"),
    },
];

fn on_connected_stream(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        let connected = own.state == State::Connected;
        // Nothing else says EISCONN to a send, so the error itself tells of the address.
        let given = has_address(case) || case.symptom.is_some();
        when(connected && given, "an address was passed, and the stream is connected")
    })
}

fn on_unconnected_stream(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        let urgent = case.facts.arguments.urgent;
        let given = has_address(case) || case.symptom.is_some() && !urgent;
        let unconnected = own.state != State::Connected;
        when(unconnected && given, "an address was passed, and the stream is not connected")
    })
}

fn on_connected_datagram(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        let connected = own.state == State::Connected && has_address(case);
        when(connected, "an address was passed, and the socket is connected")
    })
}

fn no_urgent_data(case: &Case<'_>) -> Finding {
    if case.facts.arguments.urgent {
        return Finding::Holds("MSG_OOB was passed".into());
    }
    unrecorded(case, "MSG_OOB must have been among the flags")
}

fn empty_urgent_data(case: &Case<'_>) -> Finding {
    let arguments = &case.facts.arguments;
    if !arguments.urgent {
        return match case.facts.own() {
            Some(own) if own.state != State::Connected => Finding::Excluded,
            _ => unrecorded(case, "MSG_OOB must have been among the flags"),
        };
    }
    argument(case, arguments.length, "the number of bytes sent", |length| {
        when(length == 0, "MSG_OOB was passed with no byte")
    })
}

fn receiver_has_another_peer(case: &Case<'_>) -> Finding {
    const THEIRS: &str = "the receiver is connected to another socket than the sender";
    let mine = case.facts.own().map(|own| own.inode);
    if has_address(case) {
        let receivers = addressees(case);
        let taken = receivers.iter().any(|s| s.peer.is_some() && s.peer != mine);
        return when(taken, THEIRS);
    }
    let claims = case.facts.arguments.control.iter();
    let mut claims = claims.filter(|c| !matches!(c, Control::Malformed));
    judge(case, |own| match peer(own).map(|p| p.elsewhere.known()) {
        Some(Some(elsewhere)) => when(*elsewhere, THEIRS),
        Some(None) if case.symptom.is_some() && claims.next().is_some() => {
            Finding::Unobservable("whether the receiver has another peer by now")
        }
        Some(None) if case.symptom.is_some() => Finding::Suggests(
            "nothing else forbids a connected datagram socket to send plain data".into(),
        ),
        _ => Finding::Excluded,
    })
}
