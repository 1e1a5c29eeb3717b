//! Causes of `getsockname` and `getpeername`.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{argument, judge, lacks_peer, unrecorded, when};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::arguments::OptionNature;
use crate::fact::socket::State;
use crate::{Call, Errno, Sockets};
use alloc::format;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "name/no-peer",
        calls: &[at(Call::Getpeername, 30), at(Call::Getsockopt, 42)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::ENOTCONN, Evidence::Measured),
            fails(BSDS, Errno::ENOTCONN, Evidence::Source),
            fails(OPENSERVER, Errno::ENOTCONN, Evidence::Inferred),
        ],
        title: "the socket has no peer to name",
        happened: "The peer's name was asked for on a socket that is not connected: a listener, a \
               fresh socket, or a datagram socket whose association was dissolved.",
        why: "Linux keeps the name of a UNIX domain peer after the peer has closed, so the question \
          goes on being answered. The BSDs fail with this error as soon as the peer is gone.",
        fix: "Ask on the connected or accepted socket, not on the listener. A portable program asks \
          once, right after connect or accept, and keeps the answer.",
        commands: &[],
        differs: Some(
            "It does not tell that a peer has left: on Linux getpeername of a UNIX domain socket \
         succeeds for ever after a connection was made.",
        ),
        documents: &[Document::Posix("getpeername"), Document::Man("getpeername(2)")],
        class: Class::UpFront,
        test: no_peer,
        confusable: &[],
        provoke: Provoke::Live("getpeername on a fresh socket"),
    },
    Cause {
        id: "name/bad-address-length",
        calls: &[at(Call::Getsockname, 40), at(Call::Getpeername, 40), at(Call::Accept, 81)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(FREEBSD, Errno::EINVAL, Evidence::Source),
            fails(MACOS, Errno::EINVAL, Evidence::Inferred),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "the length of the room for an address is negative",
        happened: "The length that goes with the address buffer, read as an int, is below zero.",
        why: "The argument is both the room on entry and the length on return, so it must be set \
              before each call; a variable that was not initialized holds anything. accept looks \
              at it only after it has taken a connection, which is then lost.",
        fix: "Set the length to the size of the buffer before every call. For accept without an \
              address pass two null pointers.",
        commands: &["strace -f -e trace=accept,accept4,getsockname,getpeername -p {caller}"],
        differs: None,
        documents: &[
            Document::Unix7,
            Document::Man("getsockname(2)"),
            Document::Man("getpeername(2)"),
            Document::Man("accept(2)"),
        ],
        class: Class::UpFront,
        test: bad_address_length,
        confusable: &[],
        provoke: Provoke::Live("getsockname, getpeername and accept with room for -1 bytes"),
    },
];

fn bad_address_length(case: &Case<'_>) -> Finding {
    let length = case.facts.arguments.address.map(|a| a.length);
    match case.facts.own() {
        // accept does not get to it without a connection to take.
        Some(own) if case.call == Call::Accept && own.state != State::Listening => {
            Finding::Excluded
        }
        _ => argument(case, length, "the length that was passed for the address", |length| {
            when(length < 0, format!("{length} was passed as the length"))
        }),
    }
}

fn no_peer(case: &Case<'_>) -> Finding {
    let option = case.facts.arguments.option.as_ref();
    if case.call == Call::Getsockopt && option.map(|o| o.nature) != Some(OptionNature::PeerName) {
        return match option {
            Some(_) => Finding::Excluded,
            None => unrecorded(case, "whether SO_PEERNAME was asked for"),
        };
    }
    judge(case, |own| match lacks_peer(own) {
        Some(lacks) if own.state == State::Listening => when(lacks, "the socket is a listener"),
        Some(lacks) => when(lacks, "the socket is not connected"),
        None => Finding::Unseen("the peer of the caller's socket"),
    })
}
