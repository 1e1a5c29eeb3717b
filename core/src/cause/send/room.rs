//! There is no room for the message now.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::nonblocking;
use crate::cause::own::{
    Patience, addressees, buffer_full, has_address, judge, limit, not_waiting, peer, seconds,
    sending, when,
};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::SocketFact;
use crate::fact::socket::OwnSocket;
use crate::{Call, Errno, SocketType, Sockets, Symptom};
use alloc::format;
use alloc::string::String;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "send/buffer-full",
        calls: &[at(Call::Send, 36)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EAGAIN, Evidence::Measured),
            fails(BSDS, Errno::EAGAIN, Evidence::Source).on(Sockets::CONNECTED),
            never(BSDS, Evidence::Source),
            fails(OPENSERVER, Errno::EAGAIN, Evidence::Manual),
        ],
        title: "the send buffer is full of messages that the peer has not read",
        happened: "The call does not wait, and the messages sent earlier and not yet read take all \
                   of the sender's buffer.",
        why: "The kernel charges each message to the socket that sent it, with its overhead, until \
              it is read to its end: one byte costs 768, so that 278 of them fill the default \
              buffer. A message may be sent as long as the buffer is not yet full, however large \
              it is. poll reports room only when no more than a quarter is in use.",
        fix: "Wait with poll for POLLOUT and send again. If the peer never reads, that is what to \
              look into. Join small messages, or raise SO_SNDBUF.",
        commands: &["ss -xpm"],
        differs: None,
        documents: &[Document::OpenServer, Document::Posix("send"), Document::Man("send(2)")],
        class: Class::UpFront,
        test: full_buffer,
        confusable: &["send/receiver-queue-full"],
        provoke: Provoke::Live(
            "pair of each type: send single bytes without waiting until it fails",
        ),
    },
    Cause {
        id: "send/timed-out",
        calls: &[at(Call::Send, 77)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EAGAIN, Evidence::Measured),
            fails(BSDS, Errno::EAGAIN, Evidence::Source),
            fails(OPENSERVER, Errno::EAGAIN, Evidence::Inferred),
        ],
        title: "no room appeared within SO_SNDTIMEO",
        happened: "The call waited for room for as long as SO_SNDTIMEO says, and the receiver did \
                   not read enough.",
        why: "A timeout has no error of its own here: it looks like a non-blocking call. A stream \
              that could send a part returns the number of bytes instead. A sender that waits is \
              let go only when three quarters of its buffer are free again.",
        fix: "Find out why the receiver does not read, or wait longer.",
        commands: &["ss -xpm"],
        differs: None,
        documents: &[Document::OpenServer, Document::Man("socket(7)")],
        class: Class::Waiting,
        test: timed_out,
        confusable: &[],
        provoke: Provoke::Live("fill the buffer of a pair, SO_SNDTIMEO of 0.05 s, send"),
    },
    Cause {
        id: "send/receiver-queue-full",
        calls: &[at(Call::Send, 76)],
        sockets: Sockets::DATAGRAM,
        shows: &[
            fails(LINUX, Errno::EAGAIN, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the receiver has as many messages waiting as it may have",
        happened: "The call does not wait, and the queue of the datagram receiver is full: with \
                   net.unix.max_dgram_qlen at 10, eleven messages are in it.",
        why: "A receiver that is not connected back to the sender has a queue that is bounded by \
              the number of messages, from all senders together. So the first message of a new \
              sender can meet it. An unconnected sender is told by poll that it can write at any \
              time; only a connected one is told the truth.",
        fix: "The receiver must read faster; look whether it hangs. Wait before trying again, or \
              connect the sender so that poll tells. Raise net.unix.max_dgram_qlen before the \
              receiver is created.",
        commands: &["sysctl net.unix.max_dgram_qlen", "ss -xpa"],
        differs: Some("The BSDs say ENOBUFS instead, to blocking calls too."),
        documents: &[Document::OpenServer, Document::Man("unix(7)"), Document::Man("send(2)")],
        class: Class::UpFront,
        test: full_queue,
        confusable: &["send/buffer-full"],
        provoke: Provoke::Live("sendto a receiver that does not read until it fails"),
    },
    Cause {
        id: "send/receiver-buffer-full",
        calls: &[at(Call::Send, 76)],
        sockets: Sockets::DATAGRAM,
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(BSDS, Errno::ENOBUFS, Evidence::Source),
            fails(OPENSERVER, Errno::ENOBUFS, Evidence::Manual),
        ],
        title: "the receiver's buffer has no room for the datagram",
        happened: "The receiver has too much unread in its buffer, and the system does not let \
                   datagram senders wait for it.",
        why: "BSD systems bound a datagram receiver by bytes (a few KiB) and refuse what does not \
              fit, to blocking calls too, as a network card would. Linux waits, or says EAGAIN.",
        fix: "Wait a moment and send again: poll does not tell when. Raise the receiver's buffer \
              (net.local.dgram.recvspace).",
        commands: &[],
        differs: Some(
            "OpenServer's list explains ENOBUFS by memory in general; for a datagram it is the \
             receiver's buffer. Linux has no such case.",
        ),
        documents: &[Document::OpenServer, Document::Posix("send")],
        class: Class::UpFront,
        test: full_receive_buffer,
        confusable: &[],
        provoke: Provoke::Not("Linux waits or says EAGAIN in this situation"),
    },
    Cause {
        id: "wait/send-buffer-full",
        calls: &[at(Call::Send, 95)],
        sockets: Sockets::UNIX,
        shows: &[
            shows(LINUX, Symptom::Hangs, Evidence::Measured),
            shows(BSDS, Symptom::Hangs, Evidence::Source).on(Sockets::CONNECTED),
            never(BSDS, Evidence::Source),
            shows(OPENSERVER, Symptom::Hangs, Evidence::Inferred),
        ],
        title: "send waits for the peer to read",
        happened: "The messages sent earlier and not yet read take all of the sender's buffer, and \
                   the call is a blocking one without a timeout.",
        why: "A blocking send waits until three quarters of its buffer are free again, however \
              small the message is. When both sides send before they read, both wait for ever.",
        fix: "Look at what the peer waits for. Read while sending (poll for both), or set \
              SO_SNDTIMEO.",
        commands: &["ss -xpm"],
        differs: None,
        documents: &[Document::Posix("send"), Document::Man("send(2)")],
        class: Class::Waiting,
        test: waits_for_buffer,
        confusable: &[],
        provoke: Provoke::Live("fill the buffer of a pair, then send and wait"),
    },
    Cause {
        id: "wait/receiver-queue-full",
        calls: &[at(Call::Send, 96)],
        sockets: Sockets::DATAGRAM,
        shows: &[
            shows(LINUX, Symptom::Hangs, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "send waits for the datagram receiver to take a message",
        happened: "The receiver has net.unix.max_dgram_qlen + 1 messages waiting, and the call is \
                   a blocking one without a timeout.",
        why: "Each message that the receiver takes lets one waiting sender go on, in their order. \
              A receiver that shuts down reading does not wake them; one that closes does. Syslog \
              and systemd's notification socket can stop a program in this way.",
        fix: "Look at the receiver: it is stopped, hangs, or is slower than its senders. Send \
              without waiting where losing a message is better than stopping.",
        commands: &["sysctl net.unix.max_dgram_qlen", "ss -xpa"],
        differs: None,
        documents: &[Document::Man("unix(7)")],
        class: Class::Waiting,
        test: waits_for_queue,
        confusable: &[],
        provoke: Provoke::Live("fill the queue of a receiver, then send to it and wait"),
    },
];

/// Where room is lacking.
#[derive(PartialEq, Eq)]
enum Lacking {
    /// In the sender's buffer.
    Buffer,
    /// In the receiver's queue of datagrams.
    Queue,
    /// Nowhere, as far as it was seen.
    Nothing,
}

fn lacking(case: &Case<'_>, own: &OwnSocket) -> Lacking {
    if buffer_full(own) == Some(true) {
        return Lacking::Buffer;
    }
    if own.kind != SocketType::Datagram || has_address(case) {
        return Lacking::Nothing;
    }
    let told = peer(own).is_some_and(|p| p.queue.is(|q| q.is_full()));
    if told { Lacking::Queue } else { Lacking::Nothing }
}

/// Whether the receiver's queue has no bound for this sender.
fn mutual(case: &Case<'_>, own: &OwnSocket) -> bool {
    !has_address(case) && peer(own).is_some_and(|p| p.mutual.is(|m| *m))
}

fn used(own: &OwnSocket) -> String {
    match own.unread_by_peer.known() {
        Some(used) => format!("unread messages take {used} of {} bytes", own.send_buffer),
        None => format!("the buffer has {} bytes", own.send_buffer),
    }
}

fn full_buffer(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        if sending(case, own) != Patience::None {
            return Finding::Excluded;
        }
        let lacking = lacking(case, own);
        if lacking == Lacking::Buffer {
            return Finding::Holds(format!("{}, and {}", not_waiting(own), used(own)));
        }
        match (case.symptom, own.kind) {
            (None, _) => Finding::Excluded,
            (Some(_), SocketType::Datagram) if lacking == Lacking::Queue => Finding::Excluded,
            (Some(_), SocketType::Datagram) if !mutual(case, own) => {
                Finding::Unobservable("whether the send buffer was full when the call was made")
            }
            (Some(_), _) => Finding::Holds(format!(
                "{}, and the buffer was full; by now {}",
                not_waiting(own),
                used(own)
            )),
        }
    })
}

/// What is not visible of a receiver that somebody else's messages may have filled.
const MESSAGES: &str = "the number of messages waiting in the receiver's queue";

/// The finding for a receiver with unread messages, where nothing is known of the caller's socket.
fn perhaps_full(case: &Case<'_>) -> Finding {
    match case.symptom {
        Some(_) => {
            Finding::Suggests(format!("the receiver has unread messages; not visible: {MESSAGES}"))
        }
        None => Finding::Unseen(MESSAGES),
    }
}

fn full_queue(case: &Case<'_>) -> Finding {
    if case.facts.descriptor.known().is_none() && unread(case) {
        let waits = nonblocking(case) == Some(false);
        return if waits { Finding::Excluded } else { perhaps_full(case) };
    }
    judge(case, |own| {
        if sending(case, own) != Patience::None || mutual(case, own) {
            return Finding::Excluded;
        }
        match (lacking(case, own), case.symptom) {
            (Lacking::Queue, _) => {
                Finding::Holds("the receiver's queue is full, and the call does not wait".into())
            }
            (Lacking::Buffer, _) => Finding::Excluded,
            (Lacking::Nothing, None) if others_unread(case, own) => Finding::Unseen(MESSAGES),
            (Lacking::Nothing, None) => Finding::Excluded,
            (Lacking::Nothing, Some(_)) => Finding::Suggests(suspicion(case, own)),
        }
    })
}

/// Whether the receiver at the address has messages that it has not read. The kernel shows how
/// many bytes the first one has, but not how many messages there are: a queue that is full of
/// empty messages looks empty.
fn unread(case: &Case<'_>) -> bool {
    has_address(case) && addressees(case).iter().any(|s| s.queued_bytes.is(|n| *n > 0))
}

/// The same, at a receiver whose queue has a bound for this sender: one that is not connected to it.
fn others_unread(case: &Case<'_>, own: &OwnSocket) -> bool {
    let waiting = |s: &&SocketFact| s.queued_bytes.is(|n| *n > 0);
    addressees(case).into_iter().filter(waiting).any(|s| s.peer.is_none_or(|p| p != own.inode))
}

/// What speaks for a full queue of a receiver that is sent to by address.
fn suspicion(case: &Case<'_>, own: &OwnSocket) -> String {
    let unread = if unread(case) { "the receiver has unread messages, and " } else { "" };
    format!("{unread}the send buffer is not full: {}", used(own))
}

fn full_receive_buffer(case: &Case<'_>) -> Finding {
    let full = case.facts.own().and_then(peer).is_some_and(|p| p.queue.is(|q| q.is_full()));
    if full {
        return Finding::Holds("the receiver's queue is full".into());
    }
    match case.symptom {
        Some(_) => Finding::Unobservable("how much of the receiver's buffer was free"),
        None => Finding::Excluded,
    }
}

fn timed_out(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        let us = match limit(case, sending(case, own)) {
            Ok(us) => us,
            Err(finding) => return finding,
        };
        let waits = case.symptom.is_some() || lacking(case, own) != Lacking::Nothing;
        when(waits, format!("SO_SNDTIMEO is {}; {}", seconds(us), used(own)))
    })
}

fn waits_for_buffer(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        let endless = sending(case, own) == Patience::Endless;
        // Who waits already goes on only when three quarters are free.
        let still = own.unread_by_peer.is(|used| used.saturating_mul(4) > own.send_buffer);
        let full = lacking(case, own) == Lacking::Buffer || case.symptom.is_some() && still;
        when(endless && full, format!("{}, and the call has no timeout", used(own)))
    })
}

fn waits_for_queue(case: &Case<'_>) -> Finding {
    if case.facts.descriptor.known().is_none() && unread(case) {
        let waits = nonblocking(case) != Some(true);
        return if waits { perhaps_full(case) } else { Finding::Excluded };
    }
    judge(case, |own| {
        let endless = sending(case, own) == Patience::Endless;
        let predicting = case.symptom.is_none() && lacking(case, own) == Lacking::Nothing;
        if endless && predicting && others_unread(case, own) {
            return Finding::Unseen(MESSAGES);
        }
        let full = lacking(case, own) == Lacking::Queue;
        when(endless && full, "the receiver's queue is full, and the call has no timeout")
    })
}
