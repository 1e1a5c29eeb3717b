//! Causes of `listen`.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::own::{judge, when};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::socket::State;
use crate::{Call, Errno, SocketType, Sockets};

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "listen/datagram",
        calls: &[at(Call::Listen, 20)],
        sockets: Sockets::DATAGRAM.and(Sockets::UDP),
        shows: &[
            fails(LINUX, Errno::EOPNOTSUPP, Evidence::Measured),
            fails(BSDS, Errno::EOPNOTSUPP, Evidence::Source),
            fails(OPENSERVER, Errno::EOPNOTSUPP, Evidence::Manual),
        ],
        title: "a datagram socket cannot listen",
        happened: "listen was called on a datagram socket.",
        why: "Datagram sockets make no connections: whoever binds one receives at once. The type \
              is looked at before the name, so an unbound one fails the same way.",
        fix: "Leave listen and accept out and receive on the bound socket; or make a stream or \
              sequenced-packet socket.",
        commands: &[],
        differs: None,
        documents: &[
            Document::OpenServer,
            Document::Unix7,
            Document::Posix("listen"),
            Document::Man("listen(2)"),
        ],
        class: Class::UpFront,
        test: datagram,
        confusable: &[],
        provoke: Provoke::Live("listen on a bound datagram socket"),
    },
    Cause {
        id: "listen/unbound",
        calls: &[at(Call::Listen, 30)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(FREEBSD, Errno::EDESTADDRREQ, Evidence::Source),
            fails(MACOS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "the socket has no name to listen at",
        happened: "listen was called before bind, or after a bind that failed.",
        why: "A connection needs a name to be asked for. An internet socket gets a port of its \
              own when it listens unbound; a UNIX domain socket gets nothing.",
        fix: "Bind first, and check that bind succeeded.",
        commands: &["strace -f -e trace=bind,listen -p {caller}"],
        differs: None,
        documents: &[Document::Unix7, Document::Posix("listen")],
        class: Class::UpFront,
        test: unbound,
        confusable: &[],
        provoke: Provoke::Live("listen on a socket that is not bound"),
    },
    Cause {
        id: "listen/connected",
        calls: &[at(Call::Listen, 40)],
        sockets: Sockets::CONNECTED,
        shows: &[
            fails(LINUX, Errno::EINVAL, Evidence::Measured),
            fails(BSDS, Errno::EINVAL, Evidence::Source),
            fails(OPENSERVER, Errno::EINVAL, Evidence::Inferred),
        ],
        title: "a socket that is connected cannot listen",
        happened: "listen was called on a bound socket that is one end of a connection: a client \
                   that connected, an accepted socket, or an end of a pair.",
        why: "A socket is a listener or an end of a connection, never both. Listening again on a \
              listener is fine and changes its backlog.",
        fix: "Make a new socket for listening.",
        commands: &[],
        differs: None,
        documents: &[Document::Unix7, Document::Posix("listen")],
        class: Class::UpFront,
        test: connected,
        confusable: &[],
        provoke: Provoke::Live("accept a connection, listen on the accepted socket"),
    },
];

fn datagram(case: &Case<'_>) -> Finding {
    let datagram = matches!(case.socket, SocketType::Datagram | SocketType::Udp);
    when(datagram, "the socket is a datagram socket")
}

fn unbound(case: &Case<'_>) -> Finding {
    judge(case, |own| when(own.name.is_empty(), "the socket has no name"))
}

fn connected(case: &Case<'_>) -> Finding {
    judge(case, |own| {
        let connected = !own.name.is_empty() && own.state == State::Connected;
        when(connected, "the socket is one end of a connection")
    })
}
