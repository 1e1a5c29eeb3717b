//! Causes of other ancillary data: its form, and credentials.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::control;
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::Seen;
use crate::fact::arguments::Control;
use crate::{Call, Errno, Sockets};
use alloc::format;
use alloc::string::String;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "ancillary/malformed",
        calls: &[at(Call::Send, 24)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "a length in the ancillary data does not fit",
        happened: "An item of ancillary data has a cmsg_len that is shorter than its header or \
                   reaches past msg_controllen.",
        why: "Items follow each other by their lengths, so a wrong one makes the rest unreadable, \
              and the whole message is refused.",
        fix: "Build it with CMSG_LEN (for cmsg_len) and CMSG_SPACE (for the buffer): mixing the \
              two up, or counting a structure by hand, is the usual mistake.",
        commands: &["strace -f -e trace=sendmsg -p {caller}"],
        differs: None,
        documents: &[Document::Unix7, Document::Man("cmsg(3)")],
        class: Class::UpFront,
        test: malformed,
        confusable: &[],
        provoke: Provoke::Live("sendmsg with a cmsg_len of 15"),
    },
    Cause {
        id: "ancillary/unknown-type",
        calls: &[at(Call::Send, 25)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "ancillary data of a type that cannot be sent",
        happened: "An item at level SOL_SOCKET is neither SCM_RIGHTS nor SCM_CREDENTIALS. Others, \
                   such as SCM_PIDFD and SCM_SECURITY, can only be received.",
        why: "At its own level the kernel knows what can be sent and refuses the rest. Items of \
              another level are none of its business: Linux skips them without a word, the BSDs \
              refuse them too.",
        fix: "Send SCM_RIGHTS or SCM_CREDENTIALS; do not copy received ancillary data into a send.",
        commands: &["strace -f -e trace=sendmsg -p {caller}"],
        differs: None,
        documents: &[Document::Unix7, Document::Source("net/core/scm.c")],
        class: Class::UpFront,
        test: unknown_type,
        confusable: &[],
        provoke: Provoke::Live("sendmsg with an item of type 77 at SOL_SOCKET"),
    },
    Cause {
        id: "credentials/malformed",
        calls: &[at(Call::Send, 25)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the credentials have a wrong length, or ids without a mapping",
        happened: "The SCM_CREDENTIALS item is not exactly as long as a struct ucred, or its user \
                   or group id has no counterpart in the sender's user namespace.",
        why: "The kernel reads three numbers from it and no more. An id that the namespace does \
              not map, such as -1, stands for nobody.",
        fix: "Pass a struct ucred with getpid, getuid and getgid, or leave the item out: the kernel \
              fills it in for a receiver that asks (SO_PASSCRED).",
        commands: &["cat /proc/{caller}/uid_map /proc/{caller}/gid_map"],
        differs: None,
        documents: &[Document::Unix7, Document::Source("net/core/scm.c")],
        class: Class::UpFront,
        test: malformed_credentials,
        confusable: &[],
        provoke: Provoke::Live("SCM_CREDENTIALS of 8 bytes"),
    },
    Cause {
        id: "credentials/not-permitted",
        calls: &[at(Call::Send, 26)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::EPERM, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the sender claims to be somebody else",
        happened: "The process, user or group id in SCM_CREDENTIALS is not the sender's own, and \
                   it lacks the capability to claim another.",
        why: "Receivers trust these numbers, so they must be true: the process id is the sender's, \
              the user and group ids one of its real, effective or saved ones. CAP_SYS_ADMIN, \
              CAP_SETUID and CAP_SETGID each lift one of the three rules. This is looked at \
              before the process is looked for, so an ordinary user never learns that it does not \
              exist.",
        fix: "Fill in getpid, getuid and getgid (getpid anew after a fork). Or leave the item out: \
              with SO_PASSCRED the receiver gets the process id and the real user and group ids \
              anyway. (SO_PEERCRED has the effective ones.)",
        commands: &["grep -E '^(Pid|Uid|Gid|CapEff)' /proc/{caller}/status"],
        differs: None,
        documents: &[Document::Unix7, Document::Man("credentials(7)")],
        class: Class::UpFront,
        test: not_permitted,
        confusable: &[],
        provoke: Provoke::Live("as an ordinary user, claim process 1, user 0 or group 0"),
    },
    Cause {
        id: "credentials/no-such-process",
        calls: &[at(Call::Send, 27)],
        sockets: Sockets::UNIX,
        shows: &[
            fails(LINUX, Errno::ESRCH, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "no process has the id that the sender claims",
        happened: "A sender with CAP_SYS_ADMIN put a process id into SCM_CREDENTIALS that does not \
                   exist in its pid namespace (0 never does).",
        why: "The message carries a reference to the process, not only its number. A process that \
              has ended but was not waited for still counts.",
        fix: "Make sure that the process lives, and that its id is the one in the sender's own pid \
              namespace.",
        commands: &[],
        differs: Some(
            "unix(7) does not say that only a sender with CAP_SYS_ADMIN gets here: all others \
             are refused with EPERM first.",
        ),
        documents: &[Document::Unix7],
        class: Class::UpFront,
        test: no_such_process,
        confusable: &[],
        provoke: Provoke::Live("as root, claim a process id that does not exist"),
    },
];

fn malformed(case: &Case<'_>) -> Finding {
    control(case, "the lengths in the ancillary data", |item| match item {
        Control::Malformed => Some(String::from("an item's length does not fit")),
        _ => None,
    })
}

fn unknown_type(case: &Case<'_>) -> Finding {
    control(case, "the types of the ancillary data", |item| match item {
        Control::UnknownType(kind) => Some(format!("an item has type {kind}")),
        _ => None,
    })
}

fn malformed_credentials(case: &Case<'_>) -> Finding {
    control(case, "the form of the credentials", |item| match item {
        Control::MalformedCredentials => {
            Some(String::from("the credentials have a wrong length, or ids without a mapping"))
        }
        _ => None,
    })
}

fn not_permitted(case: &Case<'_>) -> Finding {
    control(case, "the credentials that were claimed", |item| match item {
        Control::Credentials { pid, uid, gid, permitted: Seen::Known(false), .. } => Some(format!(
            "process {pid}, user {uid} and group {gid} were claimed, which the caller may not"
        )),
        _ => None,
    })
}

fn no_such_process(case: &Case<'_>) -> Finding {
    control(case, "the process id that was claimed", |item| match item {
        Control::Credentials { pid, exists: Seen::Known(false), permitted, .. }
            if permitted.known() != Some(&false) =>
        {
            Some(format!("process {pid} was claimed, and there is none"))
        }
        _ => None,
    })
}
