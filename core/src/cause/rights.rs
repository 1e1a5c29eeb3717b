//! Causes of passing descriptors (`SCM_RIGHTS`).

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{
    MOST_DESCRIPTORS, addressees, control, descriptor_limit, judge, passes_rights, peer, unrecorded,
};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::arguments::Control;
use crate::fact::caller::Capabilities;
use crate::{Call, Errno, Sockets, Symptom};
use alloc::format;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "rights/too-many",
        calls: &[at(Call::Send, 25)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(FREEBSD, Errno::EMSGSIZE, Evidence::Source),
            fails(MACOS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "more descriptors in one message than the system admits",
        happened: "The message carries more than 253 descriptors, in one SCM_RIGHTS item or in \
                   several together.",
        why: "The descriptors of a message are kept in one small array. Linux holds 253 of them, \
              FreeBSD and macOS 254.",
        fix: "Send the descriptors in several messages, each with at least one byte.",
        commands: &[],
        differs: None,
        documents: &[Document::Unix7, Document::Man("unix(7)")],
        class: Class::UpFront,
        test: too_many,
        confusable: &[],
        provoke: Provoke::Live("send 254 descriptors in one message"),
    },
    Cause {
        id: "rights/bad-descriptor",
        calls: &[at(Call::Send, 26)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EBADF, Evidence::Measured),
            fails(BSDS, Errno::EBADF, Evidence::Source),
            fails(OPENSERVER, Errno::EBADF, Evidence::Inferred),
        ],
        title: "a descriptor to be passed is not open",
        happened: "One of the numbers in SCM_RIGHTS is no open descriptor of the sender. Nothing \
                   was sent, not even the valid ones.",
        why: "All descriptors are looked up before the message is made. The same error tells that \
              the socket itself is not open; the numbers tell which it is.",
        fix: "Keep the descriptors open until sendmsg has returned; a -1 among them is the result \
              of an open that failed.",
        commands: &["ls -l /proc/{caller}/fd"],
        differs: None,
        documents: &[Document::Unix7],
        class: Class::UpFront,
        test: bad_descriptor,
        confusable: &[],
        provoke: Provoke::Live("pass the number 9999, which is not open"),
    },
    Cause {
        id: "rights/not-passable",
        calls: &[at(Call::Send, 26)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(FREEBSD, Errno::EOPNOTSUPP, Evidence::Source),
            fails(MACOS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "a descriptor of this kind cannot be passed",
        happened: "One of the descriptors is an io_uring instance (on FreeBSD a kqueue and its \
                   like).",
        why: "A ring can hold sockets, and a socket in flight can hold the ring: such circles \
              could never be freed, so Linux refuses. Everything else can be passed: sockets, \
              epoll instances, O_PATH descriptors, the sending socket itself.",
        fix: "Create the ring in the process that uses it, and pass the files it works on.",
        commands: &["ls -l /proc/{caller}/fd"],
        differs: None,
        documents: &[Document::Unix7, Document::Source("net/core/scm.c")],
        class: Class::UpFront,
        test: not_passable,
        confusable: &[],
        provoke: Provoke::Live("pass the descriptor of an io_uring instance"),
    },
    Cause {
        id: "rights/too-many-in-flight",
        calls: &[at(Call::Send, 37)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ETOOMANYREFS, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the user has too many descriptors in messages that nobody has received",
        happened: "More descriptors than the sender's RLIMIT_NOFILE are in flight: sent by \
                   processes of this user and not yet received by anybody.",
        why: "A descriptor in flight counts against no process, so the user's total is bounded \
              instead; otherwise a sender could park any number of files. The limit is looked at \
              before a message, so the last one may go beyond it. CAP_SYS_RESOURCE or \
              CAP_SYS_ADMIN in the initial user namespace lifts it; being root without them does \
              not.",
        fix: "Find the receiver that does not read, and let it read or close its socket. Send \
              fewer descriptors ahead of the answers, or raise RLIMIT_NOFILE of the sender. If \
              every receiver reads, sockets were sent into each other's queues: Linux 6.18 does \
              not free circles of them that have a socket in common, and what they hold counts \
              until the machine is started anew.",
        commands: &["prlimit --pid {caller} --nofile", "ss -xpa"],
        differs: Some(
            "unix(7) names CAP_SYS_RESOURCE only; CAP_SYS_ADMIN has the same effect. The older \
             limit on sockets nested in messages, with the same error, is gone from the kernel.",
        ),
        documents: &[Document::Unix7],
        class: Class::UpFront,
        test: too_many_in_flight,
        confusable: &[],
        provoke: Provoke::Live(
            "as an ordinary user with RLIMIT_NOFILE 40, send one descriptor a message, unread",
        ),
    },
    Cause {
        id: "rights/refused-by-receiver",
        calls: &[at(Call::Send, 74)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EPERM, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the receiver takes no descriptors",
        happened: "The receiving socket has SO_PASSRIGHTS switched off (Linux 6.16 and later), and \
                   the message carries descriptors.",
        why: "A server can so protect itself from descriptors that it never asked for. The sender \
              is told, and the data of the message is not delivered either. Before a connection is \
              accepted it follows the listener's setting of the moment of connect.",
        fix: "Send the message without descriptors. If the receiver should take them, it must \
              have SO_PASSRIGHTS on before they are sent.",
        commands: &[],
        differs: Some("The option is newer than most copies of unix(7), which do not have it."),
        documents: &[Document::Source("net/unix/af_unix.c")],
        class: Class::UpFront,
        test: refused_by_receiver,
        confusable: &[],
        provoke: Provoke::Live("switch SO_PASSRIGHTS off at the receiver, send a descriptor"),
    },
    Cause {
        id: "rights/descriptor-limit",
        calls: &[at(Call::Recv, 66)],
        sockets: Sockets::UNIX,
        shows: &[
            never(LINUX, Evidence::Measured),
            fails(FREEBSD, Errno::EMFILE, Evidence::Source),
            fails(MACOS, Errno::EMSGSIZE, Evidence::Source),
            fails(OPENSERVER, Errno::EMSGSIZE, Evidence::Inferred),
        ],
        title: "the receiver has no room in its table for the descriptors",
        happened: "Descriptors arrived, but the receiving process has reached RLIMIT_NOFILE.",
        why: "The BSDs fail and close all descriptors of the message. Linux delivers the message, \
              installs what fits, closes the rest and sets MSG_CTRUNC.",
        fix: "Close what is not needed, or raise the limit. The descriptors of this message are \
              lost: ask for them again.",
        commands: &[],
        differs: Some("On Linux it is no error: look for MSG_CTRUNC (recv/descriptors-truncated)."),
        documents: &[Document::Source("sys/kern/uipc_usrreq.c")],
        class: Class::MidWay,
        test: |case| descriptor_limit(case, 1),
        confusable: &[],
        provoke: Provoke::Not("Linux reports it by MSG_CTRUNC, not by an error"),
    },
    Cause {
        id: "rights/dropped-with-empty-send",
        calls: &[at(Call::Send, 90)],
        sockets: Sockets::STREAM,
        shows: &[
            shows(LINUX, Symptom::DescriptorsLost, Evidence::Measured),
            shows(BSDS, Symptom::DescriptorsLost, Evidence::Inferred),
            shows(OPENSERVER, Symptom::DescriptorsLost, Evidence::Inferred),
        ],
        title: "descriptors were attached to a stream send without a byte of data",
        happened: "sendmsg returned 0, and the receiver never sees the descriptors.",
        why: "On a stream descriptors travel with a byte, and a send of none queues nothing for \
              them to travel with. The kernel lets go of them without an error. Datagrams and \
              sequenced packets can be empty and carry them.",
        fix: "Send at least one byte with the descriptors.",
        commands: &[],
        differs: None,
        documents: &[Document::Man("unix(7)")],
        class: Class::Silent,
        test: dropped_with_empty_send,
        confusable: &[],
        provoke: Provoke::Live("stream pair: sendmsg 0 bytes with a descriptor"),
    },
];

fn too_many(case: &Case<'_>) -> Finding {
    let mut total = 0;
    for item in &case.facts.arguments.control {
        if let Control::Rights { count, .. } = item {
            total = count.saturating_add(total);
        }
    }
    if case.facts.arguments.control.is_empty() {
        return unrecorded(case, "how many descriptors were passed");
    }
    if total > MOST_DESCRIPTORS {
        return Finding::Holds(format!(
            "{total} descriptors were passed in one message, of {MOST_DESCRIPTORS}"
        ));
    }
    Finding::Excluded
}

fn bad_descriptor(case: &Case<'_>) -> Finding {
    control(case, "the descriptors that were passed", |item| match item {
        Control::Rights { not_open, .. } if !not_open.is_empty() => {
            Some(format!("{} is no open descriptor", not_open[0]))
        }
        _ => None,
    })
}

fn not_passable(case: &Case<'_>) -> Finding {
    control(case, "the descriptors that were passed", |item| match item {
        Control::Rights { not_passable, .. } if !not_passable.is_empty() => {
            Some(format!("descriptor {} is an io_uring instance", not_passable[0]))
        }
        _ => None,
    })
}

fn too_many_in_flight(case: &Case<'_>) -> Finding {
    if case.symptom.is_none() {
        return Finding::Excluded;
    }
    let caller = &case.facts.caller;
    let initial = caller.user_namespace.test(|ns| ns.initial).unwrap_or(true);
    let exempt = |c: &Capabilities| {
        initial && (c.has(Capabilities::SYS_RESOURCE) || c.has(Capabilities::SYS_ADMIN))
    };
    if caller.capabilities.is(exempt) {
        return Finding::Suggests(
            "nothing else gives this error, although the caller has the capability that lifts \
             the limit"
                .into(),
        );
    }
    Finding::Holds(match caller.descriptors.known() {
        Some(in_use) => format!(
            "nothing else gives this error; the limit is RLIMIT_NOFILE, {}, for all of the user's \
             processes together",
            in_use.limit
        ),
        None => "nothing else gives this error".into(),
    })
}

fn refused_by_receiver(case: &Case<'_>) -> Finding {
    if !passes_rights(case) {
        return if case.facts.arguments.control.is_empty() {
            unrecorded(case, "whether descriptors were passed")
        } else {
            Finding::Excluded
        };
    }
    judge(case, |own| match peer(own).and_then(|p| p.refuses_rights.known()) {
        Some(true) => Finding::Holds("SO_PASSRIGHTS is off at the receiver".into()),
        Some(false) => Finding::Excluded,
        None if case.symptom.is_none() => Finding::Excluded,
        None if addressees(case).iter().any(|s| s.peer.is_some()) => {
            Finding::Unobservable("whether SO_PASSRIGHTS is off at the receiver")
        }
        None => Finding::Suggests(
            "descriptors were passed; whether SO_PASSRIGHTS is off at the receiver can be read \
             by its owner only"
                .into(),
        ),
    })
}

fn dropped_with_empty_send(case: &Case<'_>) -> Finding {
    match case.facts.arguments.length {
        Some(0) if passes_rights(case) => {
            Finding::Holds("descriptors were attached to a send of 0 bytes".into())
        }
        Some(_) => Finding::Excluded,
        None => unrecorded(case, "how many bytes were sent with the descriptors"),
    }
}
