//! Causes of `shutdown`.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{argument, judge, when};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::socket::{OwnSocket, State};
use crate::profile::Profile;
use crate::{Call, Errno, Platform, Sockets};
use alloc::format;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "shutdown/bad-direction",
        calls: &[at(Call::Shutdown, 20)],
        sockets: Sockets::ANY,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "the direction is none of reading, writing and both",
        happened: "A number other than SHUT_RD (0), SHUT_WR (1) and SHUT_RDWR (2) was passed.",
        why: "The argument is one of three numbers, not a set of flags: there is no 3.",
        fix: "Pass one of the three names.",
        commands: &[],
        differs: None,
        documents: &[Document::Unix7, Document::Posix("shutdown"), Document::Man("shutdown(2)")],
        class: Class::UpFront,
        test: bad_direction,
        confusable: &[],
        provoke: Provoke::Live("shutdown(socket, 3)"),
    },
    Cause {
        id: "shutdown/not-connected",
        calls: &[at(Call::Shutdown, 30)],
        sockets: Sockets::ANY,
        shows: &[
            never(LINUX, Evidence::Measured).on(Sockets::UNIX),
            fails(LINUX, Errno::ENOTCONN, Evidence::Measured),
            fails(BSDS, Errno::ENOTCONN, Evidence::Source),
            fails(OPENSERVER, Errno::ENOTCONN, Evidence::Inferred),
        ],
        title: "there is no connection to shut down",
        happened: "shutdown was called on a socket that is not connected, or, on macOS, for a \
                   direction that is shut already, by this side or by the other.",
        why: "POSIX lets shutdown fail without a connection. Linux's UNIX domain sockets do not \
              look: shutdown succeeds in every state, on a fresh socket, a listener, a datagram \
              socket, after the peer has gone, and again. It then marks the socket, and the mark \
              survives a later connect. macOS shuts a direction once: to shut both fails without \
              shutting writing if the peer has shut its own.",
        fix: "Where the connection may have ended already, ignore this error: the wish is \
              fulfilled.",
        commands: &[],
        differs: Some(
            "shutdown(2) and POSIX list it for every socket; Linux never returns it for UNIX \
             domain sockets, and for TCP ones it does.",
        ),
        documents: &[Document::Posix("shutdown"), Document::Man("shutdown(2)")],
        class: Class::UpFront,
        test: not_connected,
        confusable: &[],
        provoke: Provoke::Live("shutdown of a fresh TCP socket; a UNIX domain one never fails so"),
    },
];

fn bad_direction(case: &Case<'_>) -> Finding {
    let hint = "a direction other than 0, 1 and 2 must have been passed";
    argument(case, case.facts.arguments.direction, hint, |direction| {
        when(!(0..=2).contains(&direction), format!("{direction} was passed as the direction"))
    })
}

fn not_connected(case: &Case<'_>) -> Finding {
    judge(case, |own| match own.state {
        State::Connected if !*Profile::of(case.platform).connection.shut_twice => {
            shut_already(case, own)
        }
        State::Connected => Finding::Excluded,
        State::Listening if case.platform == Platform::Linux => Finding::Excluded,
        State::Listening => Finding::Holds("the socket is a listener".into()),
        State::Unconnected => when(!own.connecting, "the socket is not connected"),
    })
}

/// Whether a direction is shut that can be shut only once.
fn shut_already(case: &Case<'_>, own: &OwnSocket) -> Finding {
    let Some(shut) = own.shutdown.known() else {
        return Finding::Unseen("which directions of the socket are shut down");
    };
    let met = match case.facts.arguments.direction {
        Some(0) => shut.read,
        Some(1) => shut.write,
        Some(_) => shut.read || shut.write,
        None => case.symptom.is_some() && (shut.read || shut.write),
    };
    when(met, "that direction is shut down already")
}
