//! Causes that every call on a socket shares: the descriptor, the pointers, the memory, signals.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::unrecorded;
use crate::cause::{Cause, Class, Document, Evidence, Provoke, Rule};
use crate::fact::socket::Descriptor;
use crate::{Call, Errno, Sockets};
use alloc::format;
use alloc::string::String;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    bad_descriptor("bind/bad-descriptor", &[at(Call::Bind, 10)], &[POSIX_BIND, MAN_BIND]),
    bad_descriptor("listen/bad-descriptor", &[at(Call::Listen, 10)], &[POSIX_LISTEN, MAN_LISTEN]),
    bad_descriptor("accept/bad-descriptor", &[at(Call::Accept, 10)], &[POSIX_ACCEPT, MAN_ACCEPT]),
    bad_descriptor(
        "connect/bad-descriptor",
        &[at(Call::Connect, 10)],
        &[Document::BsdConnect2, Document::Posix("connect"), Document::Man("connect(2)")],
    ),
    bad_descriptor("send/bad-descriptor", &[at(Call::Send, 10)], &[POSIX_SEND, MAN_SEND]),
    bad_descriptor("recv/bad-descriptor", &[at(Call::Recv, 10)], &[POSIX_RECV, MAN_RECV]),
    bad_descriptor("shutdown/bad-descriptor", &[at(Call::Shutdown, 10)], SHUTDOWN_PAGES),
    bad_descriptor("name/bad-descriptor", NAME_CALLS, NAME_PAGES),
    bad_descriptor("option/bad-descriptor", OPTION_AND_IOCTL_CALLS, OPTION_PAGES),
    not_a_socket(
        "bind/not-a-socket-descriptor",
        &[at(Call::Bind, 14)],
        &[OPENSERVER_LIST, POSIX_BIND, MAN_BIND],
    ),
    not_a_socket(
        "listen/not-a-socket-descriptor",
        &[at(Call::Listen, 14)],
        &[OPENSERVER_LIST, POSIX_LISTEN, MAN_LISTEN],
    ),
    not_a_socket(
        "accept/not-a-socket-descriptor",
        &[at(Call::Accept, 14)],
        &[OPENSERVER_LIST, POSIX_ACCEPT, MAN_ACCEPT],
    ),
    not_a_socket(
        "connect/not-a-socket-descriptor",
        &[at(Call::Connect, 14)],
        &[
            OPENSERVER_LIST,
            Document::BsdConnect2,
            Document::Posix("connect"),
            Document::Man("connect(2)"),
        ],
    ),
    not_a_socket(
        "send/not-a-socket-descriptor",
        &[at(Call::Send, 14)],
        &[OPENSERVER_LIST, POSIX_SEND, MAN_SEND],
    ),
    not_a_socket(
        "recv/not-a-socket-descriptor",
        &[at(Call::Recv, 14)],
        &[OPENSERVER_LIST, POSIX_RECV, MAN_RECV],
    ),
    not_a_socket(
        "shutdown/not-a-socket-descriptor",
        &[at(Call::Shutdown, 14)],
        &[OPENSERVER_LIST, Document::Posix("shutdown"), Document::Man("shutdown(2)")],
    ),
    not_a_socket(
        "name/not-a-socket-descriptor",
        &[at(Call::Getsockname, 14), at(Call::Getpeername, 14)],
        &[OPENSERVER_LIST, Document::Man("getsockname(2)"), Document::Man("getpeername(2)")],
    ),
    not_a_socket(
        "option/not-a-socket-descriptor",
        &[at(Call::Getsockopt, 14), at(Call::Setsockopt, 14)],
        &[OPENSERVER_LIST, Document::Posix("setsockopt"), Document::Man("getsockopt(2)")],
    ),
    bad_pointer("bind/bad-pointer", &[at(Call::Bind, 22)], ADDRESS_COPIED, &[UNIX_7, MAN_BIND]),
    bad_pointer(
        "connect/bad-pointer",
        &[at(Call::Connect, 22)],
        ADDRESS_COPIED,
        &[Document::BsdConnect2, UNIX_7, Document::Man("connect(2)")],
    ),
    bad_pointer(
        "socket/bad-pointer",
        &[at(Call::Socketpair, 6)],
        ANSWER_COPIED,
        &[UNIX_7, Document::Man("socketpair(2)")],
    ),
    bad_pointer("accept/bad-pointer", &[at(Call::Accept, 80)], ACCEPT_LOSES, &[UNIX_7, MAN_ACCEPT]),
    bad_pointer("send/bad-pointer", &[at(Call::Send, 37)], SEND_COPIES, &[UNIX_7, MAN_SEND]),
    bad_pointer("recv/bad-pointer", &[at(Call::Recv, 80)], RECV_COPIES, &[UNIX_7, MAN_RECV]),
    bad_pointer(
        "name/bad-pointer",
        NAME_POINTER,
        ANSWER_COPIED,
        &[UNIX_7, Document::Man("getsockname(2)"), Document::Man("getpeername(2)")],
    ),
    bad_pointer(
        "option/bad-pointer",
        OPTION_POINTER,
        ANSWER_COPIED,
        &[UNIX_7, Document::Man("getsockopt(2)")],
    ),
    out_of_memory("socket/out-of-memory", &[at(Call::Socket, 50), at(Call::Socketpair, 50)]),
    out_of_memory("bind/out-of-memory", &[at(Call::Bind, 35)]),
    out_of_memory("connect/out-of-memory", &[at(Call::Connect, 35)]),
    out_of_memory("send/out-of-memory", &[at(Call::Send, 36)]),
    interrupted(
        "recv/interrupted",
        &[at(Call::Recv, 70)],
        "A signal handler ran while the call waited for data, and the kernel did not restart it.",
        "a signal handler without SA_RESTART runs while recv waits",
        &[POSIX_RECV, MAN_RECV, Document::Man("signal(7)")],
    ),
    interrupted(
        "send/interrupted",
        &[at(Call::Send, 35)],
        "A signal handler ran while the call waited for room, before any byte had been accepted. \
         A stream that had accepted some returns their number instead.",
        "a signal handler without SA_RESTART runs while send waits on a full buffer",
        &[POSIX_SEND, MAN_SEND, Document::Man("signal(7)")],
    ),
    interrupted(
        "accept/interrupted",
        &[at(Call::Accept, 70)],
        "A signal handler ran while the call waited for a connection. None was taken or lost.",
        "a signal handler without SA_RESTART runs while accept waits",
        &[POSIX_ACCEPT, MAN_ACCEPT, Document::Man("signal(7)")],
    ),
    interrupted(
        "bind/interrupted",
        &[at(Call::Bind, 60)],
        "Another thread was binding the same socket, and a signal arrived during the wait for it.",
        "take 15,000 automatic names, let one thread pick a name for a socket and another bind \
         it, until a signal interrupts the wait",
        &[Document::Source("net/unix/af_unix.c")],
    ),
];

const OPENSERVER_LIST: Document = Document::OpenServer;
const UNIX_7: Document = Document::Unix7;
const POSIX_BIND: Document = Document::Posix("bind");
const MAN_BIND: Document = Document::Man("bind(2)");
const POSIX_LISTEN: Document = Document::Posix("listen");
const MAN_LISTEN: Document = Document::Man("listen(2)");
const POSIX_ACCEPT: Document = Document::Posix("accept");
const MAN_ACCEPT: Document = Document::Man("accept(2)");
const POSIX_SEND: Document = Document::Posix("send");
const MAN_SEND: Document = Document::Man("send(2)");
const POSIX_RECV: Document = Document::Posix("recv");
const MAN_RECV: Document = Document::Man("recv(2)");
const SHUTDOWN_PAGES: &[Document] = &[Document::Posix("shutdown"), Document::Man("shutdown(2)")];
const NAME_PAGES: &[Document] = &[
    Document::Posix("getsockname"),
    Document::Posix("getpeername"),
    Document::Man("getsockname(2)"),
    Document::Man("getpeername(2)"),
];
const OPTION_PAGES: &[Document] =
    &[Document::Posix("getsockopt"), Document::Posix("setsockopt"), Document::Man("getsockopt(2)")];
const NAME_CALLS: &[crate::cause::Place] = &[at(Call::Getsockname, 10), at(Call::Getpeername, 10)];
const OPTION_AND_IOCTL_CALLS: &[crate::cause::Place] =
    &[at(Call::Getsockopt, 10), at(Call::Setsockopt, 10), at(Call::Ioctl, 10)];
const NAME_POINTER: &[crate::cause::Place] =
    &[at(Call::Getsockname, 50), at(Call::Getpeername, 50)];
const OPTION_POINTER: &[crate::cause::Place] =
    &[at(Call::Getsockopt, 50), at(Call::Setsockopt, 30), at(Call::Ioctl, 50)];

const EBADF: &[Rule] = &[
    fails(LINUX, Errno::EBADF, Evidence::Measured),
    fails(BSDS, Errno::EBADF, Evidence::Source),
    fails(OPENSERVER, Errno::EBADF, Evidence::Inferred),
];
const ENOTSOCK: &[Rule] = &[
    fails(LINUX, Errno::ENOTSOCK, Evidence::Measured),
    fails(BSDS, Errno::ENOTSOCK, Evidence::Source),
    fails(OPENSERVER, Errno::ENOTSOCK, Evidence::Manual),
];
const EFAULT: &[Rule] = &[
    fails(LINUX, Errno::EFAULT, Evidence::Measured),
    fails(BSDS, Errno::EFAULT, Evidence::Source),
    fails(OPENSERVER, Errno::EFAULT, Evidence::Inferred),
];
const NO_MEMORY: &[Rule] = &[
    fails(LINUX, Errno::ENOMEM, Evidence::Source),
    fails(BSDS, Errno::ENOBUFS, Evidence::Source),
    fails(OPENSERVER, Errno::ENOBUFS, Evidence::Manual),
];
const EINTR: &[Rule] = &[
    fails(LINUX, Errno::EINTR, Evidence::Measured),
    fails(BSDS, Errno::EINTR, Evidence::Source),
    fails(OPENSERVER, Errno::EINTR, Evidence::Inferred),
];
/// `bind` waits for another thread's `bind` on Linux only; elsewhere the loser fails at once.
const EINTR_OF_BIND: &[Rule] = &[
    fails(LINUX, Errno::EINTR, Evidence::Measured),
    never(BSDS, Evidence::Source),
    never(OPENSERVER, Evidence::Inferred),
];

const ADDRESS_COPIED: &str = "The address is copied into the kernel before anything else looks at \
    it, so nothing has changed when this fails.";
const ACCEPT_LOSES: &str = "Linux writes the peer's address after it has taken the connection from \
    the queue. When the pointer is bad the new connection is destroyed, and the client reads end \
    of file or a reset.";
const SEND_COPIES: &str = "Headers are copied first and data last. On a stream, bytes that were \
    copied before the bad page are sent, and their number is returned instead of the error.";
const RECV_COPIES: &str = "Data is copied out after it was found. A stream keeps the bytes for the \
    next call; a datagram or a sequenced packet has left the queue by then and is lost.";
const ANSWER_COPIED: &str = "The value is copied from or to the program's memory, and that memory \
    is not mapped, or may not be written.";

const fn bad_descriptor(
    id: &'static str,
    calls: &'static [crate::cause::Place],
    documents: &'static [Document],
) -> Cause {
    Cause {
        id,
        calls,
        sockets: Sockets::ANY,
        shows: EBADF,
        title: "the descriptor is not open",
        happened: "The number that was passed as the socket is not an open descriptor of this \
                   process, or it was opened with O_PATH and stands for a name only.",
        why: "The table of descriptors is the first thing the kernel consults. Usual reasons: the \
              descriptor was closed twice, closed by another thread, not inherited because of \
              close-on-exec, or an earlier call failed and its -1 was passed on.",
        fix: "Find where the descriptor is closed (strace -e trace=close,dup2,socket), and check \
              the result of the call that should have created it.",
        commands: &["strace -f -e trace=desc,network -p {caller}"],
        differs: None,
        documents,
        class: Class::UpFront,
        test: descriptor_not_open,
        confusable: &[],
        provoke: Provoke::Live("make the call on a number that is not open"),
    }
}

fn descriptor_not_open(case: &Case<'_>) -> Finding {
    match case.facts.descriptor.known() {
        Some(Descriptor::NotOpen) => {
            Finding::Holds(String::from("no descriptor with the number that was passed is open"))
        }
        Some(Descriptor::PathOnly) => Finding::Holds(String::from(
            "the descriptor was opened with O_PATH, which is good for names only",
        )),
        Some(_) => unrecorded(
            case,
            "the descriptor is open now: it was not when the call was made, or another number \
             was passed",
        ),
        None if case.symptom.is_some() => Finding::Unseen("the descriptor that was passed"),
        None => Finding::Excluded,
    }
}

const fn not_a_socket(
    id: &'static str,
    calls: &'static [crate::cause::Place],
    documents: &'static [Document],
) -> Cause {
    Cause {
        id,
        calls,
        sockets: Sockets::ANY,
        shows: ENOTSOCK,
        title: "the descriptor is open, but it is not a socket",
        happened: "The descriptor leads to a file, a pipe, a terminal or something else that is \
                   not a socket.",
        why: "The descriptor is looked up first and must then be a socket: only a descriptor that \
              is open at all gets this far. Often a number was reused after a close, or standard \
              input was expected to be a socket because a super-server would have passed one. \
              read, write and ioctl work on any descriptor and do not fail this way.",
        fix: "See what the number is (ls -l /proc/PID/fd), and pass the socket.",
        commands: &["ls -l /proc/{caller}/fd"],
        differs: None,
        documents,
        class: Class::UpFront,
        test: descriptor_not_socket,
        confusable: &[],
        provoke: Provoke::Live("make the call on a descriptor of /dev/null"),
    }
}

fn descriptor_not_socket(case: &Case<'_>) -> Finding {
    match case.facts.descriptor.known() {
        Some(Descriptor::NotSocket(what)) => {
            Finding::Holds(format!("the descriptor is {what}, not a socket"))
        }
        Some(Descriptor::Socket(_)) => unrecorded(
            case,
            "the descriptor is a socket now: the number was reused, or another was passed",
        ),
        Some(_) => Finding::Excluded,
        None if case.symptom.is_some() => Finding::Unseen("the descriptor that was passed"),
        None => Finding::Excluded,
    }
}

const fn bad_pointer(
    id: &'static str,
    calls: &'static [crate::cause::Place],
    why: &'static str,
    documents: &'static [Document],
) -> Cause {
    Cause {
        id,
        calls,
        sockets: Sockets::ANY,
        shows: EFAULT,
        title: "a pointer that was passed leads to no memory of the process",
        happened: "The kernel could not read from or write to memory at an address that the \
                   program passed.",
        why,
        fix: "Look for a pointer that is null, freed, or cast from a number, and for a length \
              larger than the object. strace shows the raw pointers of the call.",
        commands: &["strace -f -e trace=network -e raw=all -p {caller}"],
        differs: None,
        documents,
        class: Class::UpFront,
        test: pointer_not_mapped,
        confusable: &[],
        provoke: Provoke::Live("make the call with the pointer 8"),
    }
}

fn pointer_not_mapped(case: &Case<'_>) -> Finding {
    if case.facts.arguments.bad_pointer {
        return Finding::Holds(String::from("a pointer passed to the call is not mapped"));
    }
    unrecorded(case, "nothing but a pointer to memory that the process does not have fails so")
}

const fn out_of_memory(id: &'static str, calls: &'static [crate::cause::Place]) -> Cause {
    Cause {
        id,
        calls,
        sockets: Sockets::UNIX,
        shows: NO_MEMORY,
        title: "the kernel had no memory for it",
        happened: "An allocation inside the kernel failed: for the socket, its name, or a message.",
        why: "Kernel memory that a process causes to be used counts against its control group. \
              The call fails when that limit, or the machine's memory, is used up and nothing \
              could be reclaimed.",
        fix: "Look at the memory limit of the control group and at the machine's memory; raise \
              the limit, or find what holds the memory.",
        commands: &["grep -E 'MemAvailable|Slab|Unreclaim' /proc/meminfo", "dmesg | tail -50"],
        differs: Some(
            "OpenServer's list names ENOBUFS for this, as the BSDs do. On Linux it is ENOMEM; \
             ENOBUFS there comes from sizes that can never be had.",
        ),
        documents: &[Document::OpenServer, Document::Unix7, Document::Man("socket(2)")],
        class: Class::UpFront,
        test: |_| Finding::Untraced("how much memory the kernel had at that moment".into()),
        confusable: &[],
        provoke: Provoke::Not(
            "needs a memory limit so low that it hits other allocations of the process as well, \
             or a kernel built with fault injection",
        ),
    }
}

const fn interrupted(
    id: &'static str,
    calls: &'static [crate::cause::Place],
    happened: &'static str,
    recipe: &'static str,
    documents: &'static [Document],
) -> Cause {
    let of_bind = matches!(calls[0].call, Call::Bind);
    Cause {
        id,
        calls,
        sockets: if of_bind { Sockets::UNIX } else { Sockets::ANY },
        shows: if of_bind { EINTR_OF_BIND } else { EINTR },
        title: "a signal arrived while the call waited",
        happened,
        why: "A call that waits is ended when a signal handler runs. With SA_RESTART the kernel \
              repeats it unseen, but not when SO_RCVTIMEO or SO_SNDTIMEO limits the wait.",
        fix: "Call again. Where that happens often, install the handler with SA_RESTART, or block \
              the signal around the call.",
        commands: &["grep -E 'SigCgt|SigBlk' /proc/{caller}/status"],
        differs: None,
        documents,
        class: Class::Waiting,
        test: ended_by_signal,
        confusable: &[],
        provoke: Provoke::Live(recipe),
    }
}

fn ended_by_signal(case: &Case<'_>) -> Finding {
    if case.symptom.is_none() {
        return Finding::Excluded;
    }
    Finding::Holds(String::from("nothing but a signal that was handled during a wait gives EINTR"))
}
