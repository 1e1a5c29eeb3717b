//! The message, its buffers or its ancillary data are larger than can ever be sent.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{argument, unrecorded, when};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::{Call, Errno, Sockets};
use alloc::format;

/// What a message needs of the send buffer besides its own bytes, on Linux.
const OVERHEAD: u64 = 32;

/// The longest message whose memory Linux can still allocate in one piece (4 MiB, with what pages
/// and headers take of it).
const LARGEST_PIECE: u64 = 4_263_616;

/// The most buffers a call takes (`UIO_MAXIOV`).
const MOST_BUFFERS: u64 = 1024;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "send/too-many-buffers",
        calls: &[at(Call::Send, 21), at(Call::Recv, 21)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EMSGSIZE, Evidence::Measured),
            fails(BSDS, Errno::EMSGSIZE, Evidence::Source),
            fails(OPENSERVER, Errno::EMSGSIZE, Evidence::Inferred),
        ],
        title: "more buffers were passed than one call takes",
        happened: "sendmsg or recvmsg was called with more than 1024 buffers (msg_iovlen).",
        why: "The number of buffers is bounded (UIO_MAXIOV) so that the kernel's copy of the list \
              stays small. It has nothing to do with the size of the message. writev and readv \
              with as many say EINVAL.",
        fix: "Join small buffers, or send in several calls; keep a message of a datagram or \
              sequenced-packet socket in one.",
        commands: &[],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Posix("sendmsg"),
            Document::Source("net/socket.c"),
        ],
        class: Class::UpFront,
        test: too_many_buffers,
        confusable: &[],
        provoke: Provoke::Live("sendmsg with 1025 buffers"),
    },
    Cause {
        id: "send/control-too-large",
        calls: &[at(Call::Send, 23)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::ENOBUFS, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Inferred),
            fails(OPENSERVER, Errno::ENOBUFS, Evidence::Inferred),
        ],
        title: "the ancillary data is larger than the system admits",
        happened: "sendmsg was called with a msg_controllen above net.core.optmem_max (or above \
                   what an int can hold).",
        why: "Ancillary data is copied into memory that is charged to the socket, and \
              net.core.optmem_max bounds it. Real ancillary data is far smaller: 253 descriptors \
              take about 1 KiB. Usually the field was not set and holds garbage.",
        fix: "Set msg_controllen to the bytes that are used, and to 0 where there is no ancillary \
              data.",
        commands: &["sysctl net.core.optmem_max"],
        differs: Some(
            "OpenServer's list explains ENOBUFS by a lack of memory. On Linux a UNIX domain send \
             never gives it for that reason, but for sizes that can never be had.",
        ),
        documents: &[Document::OpenServer, Document::Source("net/socket.c")],
        class: Class::UpFront,
        test: control_too_large,
        confusable: &[],
        provoke: Provoke::Live("sendmsg with ancillary data longer than net.core.optmem_max"),
    },
    Cause {
        id: "send/message-too-long",
        calls: &[at(Call::Send, 32)],
        sockets: Sockets::MESSAGES,
        shows: &[
            fails(LINUX, Errno::EMSGSIZE, Evidence::Measured),
            fails(BSDS, Errno::EMSGSIZE, Evidence::Source),
            fails(OPENSERVER, Errno::EMSGSIZE, Evidence::Manual),
        ],
        title: "the message is larger than the send buffer",
        happened: "One datagram or sequenced packet is longer than SO_SNDBUF, as the kernel keeps \
                   it, less 32 bytes: 212960 bytes by default.",
        why: "A message is sent as a whole or not at all, so it has to fit into the buffer of the \
              sending socket. SO_SNDBUF is stored doubled, within net.core.wmem_max. The BSDs have \
              a limit of their own for datagrams (2 KiB on macOS and FreeBSD 14, 8 KiB on FreeBSD \
              15).",
        fix: "Raise SO_SNDBUF (on the sender; the receiver's buffer size has no effect), or send \
              in parts, or pass a descriptor of a memfd instead of the bytes, or use a stream.",
        commands: &["sysctl net.core.wmem_default net.core.wmem_max"],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Posix("send"),
            Document::Man("send(2)"),
            Document::Man("unix(7)"),
        ],
        class: Class::UpFront,
        test: message_too_long,
        confusable: &[],
        provoke: Provoke::Live("datagram and sequenced-packet pair: send 212961 bytes"),
    },
    Cause {
        id: "send/no-contiguous-memory",
        calls: &[at(Call::Send, 36)],
        sockets: Sockets::MESSAGES,
        shows: &[
            fails(LINUX, Errno::ENOBUFS, Evidence::Measured),
            never(BSDS, Evidence::Inferred),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "the message is too large for one piece of kernel memory",
        happened: "The send buffer was raised so far that a message of more than 4 MiB fits, and \
                   such a message was sent.",
        why: "The part of a message that does not go into pages must lie in one piece, and the \
              kernel allocates no more than 4 MiB in one. The limit is 4263616 bytes with 4 KiB \
              pages. Below it, fragmented memory can make it fail at any size, though only where \
              memory is very short.",
        fix: "Keep messages below 4 MiB; for more, pass a descriptor of a memfd, or use a stream.",
        commands: &["cat /proc/buddyinfo"],
        differs: Some("No list and no manual page mentions this limit."),
        documents: &[Document::OpenServer, Document::Source("net/core/skbuff.c")],
        class: Class::UpFront,
        test: no_contiguous_memory,
        confusable: &[],
        provoke: Provoke::Live("SO_SNDBUF of 4 MiB, send 4263617 bytes"),
    },
];

fn too_many_buffers(case: &Case<'_>) -> Finding {
    let hint = "the number of buffers that were passed";
    argument(case, case.facts.arguments.buffers, hint, |buffers| {
        when(buffers > MOST_BUFFERS, format!("{buffers} buffers were passed, of {MOST_BUFFERS}"))
    })
}

fn control_too_large(case: &Case<'_>) -> Finding {
    let hint = "the length of the ancillary data";
    argument(case, case.facts.arguments.control_length, hint, |length| {
        match case.facts.system.optmem_max.known() {
            _ if length > i32::MAX as u64 => {
                Finding::Holds(format!("msg_controllen is {length}, more than an int can hold"))
            }
            Some(max) => when(
                length > *max,
                format!("msg_controllen is {length}, and net.core.optmem_max is {max}"),
            ),
            None => unrecorded(case, "net.core.optmem_max"),
        }
    })
}

fn message_too_long(case: &Case<'_>) -> Finding {
    let hint = "the length of the message";
    argument(case, case.facts.arguments.length, hint, |length| match case.facts.own() {
        Some(own) => {
            let most = u64::from(own.send_buffer).saturating_sub(OVERHEAD);
            when(
                length > most,
                format!(
                    "the message has {length} bytes, and the send buffer ({}) takes {most}",
                    own.send_buffer
                ),
            )
        }
        None => unrecorded(case, "the size of the send buffer"),
    })
}

fn no_contiguous_memory(case: &Case<'_>) -> Finding {
    let hint = "the length of the message";
    argument(case, case.facts.arguments.length, hint, |length| {
        when(
            length > LARGEST_PIECE,
            format!("the message has {length} bytes, and one piece holds {LARGEST_PIECE}"),
        )
    })
}
