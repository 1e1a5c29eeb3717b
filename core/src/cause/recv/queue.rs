//! What the queue holds, or lacks, and what fits into the caller's buffers.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{
    Patience, judge, limit, not_waiting, read_shut, receiving, reset_pending, seconds, when,
};
use crate::cause::{Cause, Class, Document, Evidence, Provoke, wait};
use crate::fact::socket::{OwnSocket, State};
use crate::{Call, Errno, SocketType, Sockets, Symptom};
use alloc::format;
use alloc::string::String;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "recv/nothing-to-read",
        calls: &[at(Call::Recv, 60)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EAGAIN, Evidence::Measured),
            fails(BSDS, Errno::EAGAIN, Evidence::Source),
            fails(OPENSERVER, Errno::EAGAIN, Evidence::Manual),
        ],
        title: "nothing has arrived yet",
        happened: "The call does not wait (O_NONBLOCK or MSG_DONTWAIT), and the queue is empty.",
        why: "It is how a non-blocking read says \"not yet\". It also follows a poll that said \
              \"readable\" if another thread or process was quicker. EWOULDBLOCK is the same \
              number on every system described here.",
        fix: "Wait with poll or epoll until the socket is readable, then call again.",
        commands: &[],
        differs: Some(
            "On a datagram socket shut down for reading, Linux goes on saying this to a \
             non-blocking call for ever, where a blocking one returns 0.",
        ),
        documents: &[Document::OpenServer, Document::Posix("recv"), Document::Man("recv(2)")],
        class: Class::UpFront,
        test: nothing_to_read,
        confusable: &[],
        provoke: Provoke::Live("recv with MSG_DONTWAIT on a fresh pair"),
    },
    Cause {
        id: "recv/timed-out",
        calls: &[at(Call::Recv, 61)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EAGAIN, Evidence::Measured),
            fails(BSDS, Errno::EAGAIN, Evidence::Source),
            fails(OPENSERVER, Errno::EAGAIN, Evidence::Inferred),
        ],
        title: "nothing arrived within SO_RCVTIMEO",
        happened: "The call waited for as long as SO_RCVTIMEO says, and nothing came.",
        why: "A timeout has no error of its own here: it looks like a non-blocking call with \
              nothing to read. With MSG_WAITALL a part that did come is returned instead.",
        fix: "Find out what the peer does, or wait longer. In Rust, both ErrorKind::WouldBlock and \
              TimedOut should be taken for a timeout.",
        commands: &[],
        differs: None,
        documents: &[Document::OpenServer, Document::Man("socket(7)"), Document::Man("recv(2)")],
        class: Class::Waiting,
        test: timed_out,
        confusable: &[],
        provoke: Provoke::Live("SO_RCVTIMEO of 0.05 s on a pair, recv"),
    },
    Cause {
        id: "recv/message-truncated",
        calls: &[at(Call::Recv, 65)],
        sockets: Sockets::MESSAGES,
        shows: &[
            shows(LINUX, Symptom::MessageTruncated, Evidence::Measured),
            shows(BSDS, Symptom::MessageTruncated, Evidence::Source),
            shows(OPENSERVER, Symptom::MessageTruncated, Evidence::Inferred),
        ],
        title: "the message is longer than the buffer; the rest is lost",
        happened: "recv filled the buffer and dropped the remainder of the message. Only recvmsg \
                   tells, by MSG_TRUNC in msg_flags; recv and read return the buffer's length as \
                   if all were well.",
        why: "A message is taken from the queue as a whole, so what does not fit has no place to \
              stay. (FreeBSD 15 keeps the rest of a sequenced packet for the next call.)",
        fix: "Use a buffer of the largest message the protocol has, or learn the length first: \
              recv with MSG_PEEK and MSG_TRUNC returns it.",
        commands: &[],
        differs: None,
        documents: &[Document::Posix("recvmsg"), Document::Man("recv(2)")],
        class: Class::Silent,
        test: message_truncated,
        confusable: &[],
        provoke: Provoke::Live("datagram and sequenced-packet pair: send 5 bytes, recvmsg into 2"),
    },
    Cause {
        id: "recv/descriptors-truncated",
        calls: &[at(Call::Recv, 66)],
        sockets: Sockets::UNIX,
        shows: &[
            shows(LINUX, Symptom::ControlTruncated, Evidence::Measured),
            shows(BSDS, Symptom::ControlTruncated, Evidence::Source),
            shows(OPENSERVER, Symptom::ControlTruncated, Evidence::Inferred),
        ],
        title: "descriptors came with the message and some were dropped",
        happened: "recvmsg set MSG_CTRUNC. Descriptors that did not fit into the ancillary buffer, \
                   or for which the process had no number left, were closed without an error.",
        why: "There are three reasons and the kernel does not say which: the buffer is too small \
              (four spare bytes are enough for one more descriptor), RLIMIT_NOFILE is reached, or \
              a security module refuses the file. With SO_PASSCRED, credentials that find no \
              buffer set the flag as well.",
        fix: "Reserve room for as many descriptors as the protocol can send (253 at most), and \
              for credentials if they are switched on. Compare the descriptors in use with the \
              limit. Always close what did arrive.",
        commands: &["prlimit --pid {caller} --nofile", "ls /proc/{caller}/fd | wc -l"],
        differs: Some(
            "A full descriptor table is not an error of recvmsg on Linux: the message arrives \
             without its descriptors.",
        ),
        documents: &[
            Document::Posix("recvmsg"),
            Document::Man("recv(2)"),
            Document::Man("unix(7)"),
        ],
        class: Class::Silent,
        test: descriptors_truncated,
        confusable: &[],
        provoke: Provoke::Live("send 3 descriptors, receive with room for 1; and at the limit"),
    },
    Cause {
        id: "wait/nothing-to-read",
        calls: &[at(Call::Recv, 95)],
        sockets: Sockets::ANY,
        shows: &[
            shows(LINUX, Symptom::Hangs, Evidence::Measured),
            shows(BSDS, Symptom::Hangs, Evidence::Source),
            shows(OPENSERVER, Symptom::Hangs, Evidence::Inferred),
        ],
        title: "recv waits for data that has not been sent",
        happened: "The queue is empty, the connection is open, and the call is a blocking one \
                   without a timeout.",
        why: "A blocking read waits until something comes or the peer closes. When both sides read \
              first, or a request was not sent to its end (a missing newline, a buffer that was \
              not flushed), both wait for ever. Closing the descriptor in another thread does not \
              end the wait; shutdown does.",
        fix: "Look at what the peer waits for. Set SO_RCVTIMEO, or poll with a timeout.",
        commands: &["ss -xp"],
        differs: None,
        documents: &[Document::Posix("recv"), Document::Man("recv(2)")],
        class: Class::Waiting,
        test: waits_for_data,
        confusable: &[],
        provoke: Provoke::Live("recv on a fresh pair"),
    },
];

/// Whether a read now would find neither data nor an end nor an error.
fn is_empty(own: &OwnSocket) -> bool {
    let can_receive = own.state == State::Connected || !own.kind.is_connection_oriented();
    can_receive && own.readable.is(|n| *n == 0) && !reset_pending(own)
}

fn nothing_to_read(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        if receiving(case, own) != Patience::None {
            return Finding::Excluded;
        }
        if case.symptom.is_some() {
            return Finding::Holds(format!("{}, and nothing was queued", not_waiting(own)));
        }
        let ended = read_shut(own) && own.kind != SocketType::Datagram;
        when(is_empty(own) && !ended, "nothing is queued, and the call does not wait")
    })
}

fn timed_out(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        let us = match limit(case, receiving(case, own)) {
            Ok(us) => us,
            Err(finding) => return finding,
        };
        let waits = case.symptom.is_some() || is_empty(own) && !read_shut(own);
        when(waits, format!("SO_RCVTIMEO is {}, and nothing came", seconds(us)))
    })
}

fn waits_for_data(case: &Case<'_>) -> Finding {
    if wait::server_explains(case) {
        return Finding::Excluded;
    }
    judge(case, |own| {
        let waits = receiving(case, own) == Patience::Endless && is_empty(own) && !read_shut(own);
        when(waits, "nothing is queued, and the call has no timeout")
    })
}

fn message_truncated(case: &Case<'_>) -> Finding {
    let arguments = &case.facts.arguments;
    let length = arguments.received.and_then(|r| r.message_length);
    match (case.symptom, length, arguments.length) {
        (Some(_), Some(message), Some(buffer)) => {
            Finding::Holds(format!("the message has {message} bytes, the buffer {buffer}"))
        }
        (Some(_), ..) => Finding::Holds("MSG_TRUNC is set for nothing else".into()),
        (None, _, Some(buffer)) => judge(case, |own| {
            // Only a datagram socket tells the length of the first message.
            let first = own.readable.known().copied().unwrap_or(0);
            let short = own.kind == SocketType::Datagram && u64::from(first) > buffer;
            when(short, format!("the first message has {first} bytes, the buffer {buffer}"))
        }),
        (None, ..) => Finding::Excluded,
    }
}

fn descriptors_truncated(case: &Case<'_>) -> Finding {
    if case.symptom.is_none() {
        return Finding::Excluded;
    }
    let arguments = &case.facts.arguments;
    let mut text = match arguments.received {
        Some(received) => format!("{} descriptors arrived", received.descriptors),
        None => String::from("the flag is set when ancillary data was dropped"),
    };
    if let Some(room) = arguments.control_length {
        text.push_str(&format!("; the ancillary buffer has {room} bytes"));
    }
    if let Some(in_use) = case.facts.caller.descriptors.known() {
        text.push_str(&format!("; {} of {} descriptors are in use", in_use.used, in_use.limit));
    }
    let credentials = case.facts.own().map(|own| own.options.pass_credentials);
    match credentials {
        Some(false) => Finding::Holds(text),
        Some(true) => {
            text.push_str("; SO_PASSCRED is on, so that credentials may be what was dropped");
            Finding::Suggests(text)
        }
        None => Finding::Suggests(text),
    }
}
