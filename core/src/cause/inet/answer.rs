//! What the other end, or its silence, says.

use super::{OWN_STATE, by_pending_error, by_symptom, host};
use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::is_full;
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::fact::InetTarget;
use crate::fact::inet::InetSocket;
use crate::fact::socket::Backlog;
use crate::{Call, Errno, SocketType, Sockets};
use alloc::format;
use alloc::string::{String, ToString};
use core::net::IpAddr;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "connect/refused-inet",
        calls: &[at(Call::Connect, 70), at(Call::Send, 70), at(Call::Recv, 70)],
        sockets: Sockets::INET,
        shows: &[
            fails(LINUX, Errno::ECONNREFUSED, Evidence::Measured),
            fails(FREEBSD, Errno::ECONNREFUSED, Evidence::Manual),
            fails(MACOS, Errno::ECONNREFUSED, Evidence::Manual),
            fails(OPENSERVER, Errno::ECONNREFUSED, Evidence::Manual),
        ],
        title: "nobody listens on this port of the host",
        happened: "The host was reached and said no: no socket listens on the port at this \
                   address, or a firewall answers so on its behalf. With UDP, an earlier message \
                   met a port without a socket, and this call reports it.",
        why: "A host answers a TCP request to a port without a listener with a reset, and a \
              datagram with an ICMP message. A datagram is gone before its answer comes, so a \
              connected UDP socket keeps the answer for its next call.",
        fix: "Start the server. If it runs, compare its address with this one: a server that \
              listens on 127.0.0.1 is not reached by the machine's other addresses, and one in a \
              container listens on the container's addresses.",
        commands: &["ss -lntup sport = :{port}", "ss -lntup"],
        differs: None,
        documents: &[Document::OpenServer, Document::BsdConnect2, Document::Posix("connect")],
        class: Class::Waiting,
        test: refused,
        confusable: &[],
        provoke: Provoke::Live(
            "connect a TCP socket to a closed port on loopback; send twice by UDP to a closed port",
        ),
    },
    Cause {
        id: "connect/reset-inet",
        calls: &[at(Call::Connect, 72)],
        sockets: Sockets::TCP,
        shows: &[
            fails(LINUX, Errno::ECONNRESET, Evidence::Measured),
            fails(FREEBSD, Errno::ECONNRESET, Evidence::Manual),
            fails(MACOS, Errno::ECONNRESET, Evidence::Manual),
            fails(OPENSERVER, Errno::ECONNRESET, Evidence::Manual),
        ],
        title: "the other end began to connect, then reset",
        happened: "The first answer was a request of the other end's own (both ends connected at \
                   the same moment), and a reset followed before the connection stood.",
        why: "A reset that answers the first packet is a refusal. Once the other end has begun its \
              half of the connection, a reset breaks something off.",
        fix: "Try again; if it happens every time, look at what lies between the two ends: a load \
              balancer or a firewall that resets connections.",
        commands: &[],
        differs: Some(
            "A reset that comes just after the connection stood is not reported by connect but by \
             the next recv or send.",
        ),
        documents: &[Document::OpenServer, Document::BsdConnect2, Document::Posix("connect")],
        class: Class::Waiting,
        test: reset_while_connecting,
        confusable: &[],
        provoke: Provoke::Live("answer the SYN on a TUN device with a SYN, then with a reset"),
    },
    Cause {
        id: "connect/timed-out-inet",
        calls: &[at(Call::Connect, 74), at(Call::Send, 74), at(Call::Recv, 74)],
        sockets: Sockets::TCP,
        shows: &[
            fails(LINUX, Errno::ETIMEDOUT, Evidence::Measured),
            fails(FREEBSD, Errno::ETIMEDOUT, Evidence::Manual),
            fails(MACOS, Errno::ETIMEDOUT, Evidence::Manual),
            fails(OPENSERVER, Errno::ETIMEDOUT, Evidence::Inferred),
        ],
        title: "no answer came in time",
        happened: "The request was sent again and again without an answer: the host is off, a \
                   firewall drops the packets, or the server's accept queue is full. On a \
                   connection that stood, the other end stopped acknowledging.",
        why: "Silence does not say why, so the kernel repeats with growing pauses: six times, which \
              takes one to two minutes, unless tcp_syn_retries, TCP_SYNCNT or TCP_USER_TIMEOUT \
              say otherwise. A full accept queue drops requests rather than refusing them.",
        fix: "Check that the host is up and that no firewall drops packets for the port. If the \
              server is on this machine, look at its queue: it does not accept fast enough.",
        commands: &["ss -lntp sport = :{port}", "ip route get {address}"],
        differs: Some(
            "A UNIX domain connect never gives this error: when SO_SNDTIMEO ends, Linux gives \
             EAGAIN there, and EINPROGRESS to TCP. Taking the lo interface down leaves the route \
             to 127.0.0.1 in place, so that connecting there times out.",
        ),
        documents: &[Document::BsdConnect2, Document::Posix("connect"), Document::Man("tcp(7)")],
        class: Class::Waiting,
        test: timed_out,
        confusable: &[],
        provoke: Provoke::Live(
            "fill the accept queue of a listener on loopback and connect with TCP_SYNCNT 1",
        ),
    },
    Cause {
        id: "recv/reset-inet",
        calls: &[at(Call::Recv, 70), at(Call::Send, 72)],
        sockets: Sockets::TCP,
        shows: &[
            fails(LINUX, Errno::ECONNRESET, Evidence::Measured),
            fails(FREEBSD, Errno::ECONNRESET, Evidence::Manual),
            fails(MACOS, Errno::ECONNRESET, Evidence::Manual),
            fails(OPENSERVER, Errno::ECONNRESET, Evidence::Manual),
        ],
        title: "the other end reset the connection",
        happened: "A reset arrived on a connection that stood: the other end closed it with data \
                   unread or with SO_LINGER 0, its program died, its machine restarted, or a \
                   firewall forgot the connection.",
        why: "A reset ends a connection at once, in both directions, and drops what was not read. \
              The error is given once; after it, recv returns 0 and send fails with EPIPE.",
        fix: "Treat it as the end of the connection and connect again. If it is this program's \
              peer, let it read to the end before it closes.",
        commands: &[],
        differs: Some(
            "On UNIX domain sockets the error means something narrower: the other end closed with \
             data unread, or before it accepted.",
        ),
        documents: &[Document::OpenServer, Document::Posix("recv"), Document::Man("tcp(7)")],
        class: Class::MidWay,
        test: reset,
        confusable: &[],
        provoke: Provoke::Live("close the other end of a TCP connection with SO_LINGER 0"),
    },
    Cause {
        id: "recv/destroyed-by-administrator",
        calls: &[at(Call::Recv, 68), at(Call::Send, 68), at(Call::Connect, 76)],
        sockets: Sockets::TCP,
        shows: &[
            fails(LINUX, Errno::ECONNABORTED, Evidence::Measured),
            fails(FREEBSD, Errno::ECONNABORTED, Evidence::Inferred),
            never(MACOS, Evidence::Inferred),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "an administrator closed this socket from outside",
        happened: "A privileged program destroyed the connection under its owner: ss -K, a network \
                   manager after a change of networks, or a kernel program.",
        why: "Connections that lead nowhere any more would linger for minutes. SOCK_DESTROY ends \
              them at once, tells the other end by a reset, and leaves this error for the owner.",
        fix: "Connect again. To learn who does it, look for ss -K in scripts, and at services that \
              manage networks or VPNs.",
        commands: &[],
        differs: Some(
            "OpenServer lists the error for UNIX domain sockets, which Linux cannot destroy in \
             this way.",
        ),
        documents: &[Document::OpenServer, Document::Man("sock_diag(7)"), Document::Man("ss(8)")],
        class: Class::MidWay,
        test: destroyed,
        confusable: &["connect/aborted-earlier"],
        provoke: Provoke::Live(
            "connect over loopback and destroy the client's socket with SOCK_DESTROY",
        ),
    },
];

/// Whether the host is this machine, by every address that a program would try.
fn is_here(target: &InetTarget) -> Option<bool> {
    let loopback = |a: &IpAddr| a.is_loopback() || a.is_unspecified();
    match target.addresses.known() {
        Some(all) if !all.is_empty() && all.iter().all(loopback) => Some(true),
        Some(all) if all.len() > 1 => target.is_local.test(|local| *local).filter(|local| !local),
        _ => target.is_local.known().copied(),
    }
}

fn refused(case: &Case<'_>) -> Finding {
    match (case.call, case.socket) {
        (Call::Connect, SocketType::Tcp) => refused_connection(case),
        // A datagram socket learns nothing by connecting.
        (Call::Connect, _) => Finding::Excluded,
        (_, SocketType::Tcp) => by_pending_error(
            case,
            Errno::ECONNREFUSED,
            "the attempt to connect was refused, and nobody had read that",
        ),
        _ => refused_datagram(case),
    }
}

fn refused_connection(case: &Case<'_>) -> Finding {
    let Some(target) = case.facts.inet() else {
        return by_symptom(case, "only a refusal by the host or a firewall leads to this error");
    };
    let symptom = case.symptom.is_some();
    match is_here(target) {
        _ if target.is_unresolved() && !symptom => return Finding::Excluded,
        Some(true) => {}
        Some(false) if symptom => {
            return Finding::Holds(format!(
                "{} is another machine: it, or a firewall on the way, refused",
                host(target)
            ));
        }
        Some(false) => return Finding::Unseen("whether the remote host listens on the port"),
        None => return Finding::Unseen("whether the address is one of this machine's"),
    }
    let Some(sockets) = target.listeners.known() else {
        return Finding::Unseen("the table of internet sockets");
    };
    match sockets.iter().find(|s| s.listening) {
        None => Finding::Holds(nobody(target)),
        Some(listener) if symptom => Finding::Suggests(format!(
            "a socket listens on {} now: it was not there, or a firewall refuses",
            listener.local
        )),
        Some(_) => Finding::Excluded,
    }
}

/// That nobody listens here, and who does listen on the port elsewhere.
fn nobody(target: &InetTarget) -> String {
    let mut because = format!("no socket listens on port {} of {}", target.port, host(target));
    let elsewhere = target.in_use_by.known().and_then(|all| all.iter().find(|s| s.listening));
    if let Some(other) = elsewhere {
        because.push_str(&format!("; one listens on {} only", other.local));
    }
    because
}

fn refused_datagram(case: &Case<'_>) -> Finding {
    let own = case.facts.own();
    if let Some(Some(error)) = own.and_then(|own| own.pending_error.known()) {
        let refused = *error == Errno::ECONNREFUSED;
        let because = "an answer of the host waits in the socket: the port has no socket";
        return if refused { Finding::Holds(because.to_string()) } else { Finding::Excluded };
    }
    let target = case.facts.inet();
    let nobody_here = target
        .is_some_and(|t| is_here(t) == Some(true) && t.listeners.is(|sockets| sockets.is_empty()));
    if case.symptom.is_some() {
        let because =
            "the host, or a firewall, answered an earlier message: no socket has the port";
        let here = |t: &InetTarget| format!("no socket is bound to port {} of {}", t.port, host(t));
        let because = target.filter(|_| nobody_here).map_or_else(|| because.to_string(), here);
        return Finding::Holds(because);
    }
    match target {
        Some(t) if nobody_here && case.call == Call::Send => Finding::Suggests(format!(
            "no socket is bound to port {}: the first message is lost in silence, and a connected \
             socket's next call reports it",
            t.port
        )),
        _ => Finding::Excluded,
    }
}

fn reset_while_connecting(case: &Case<'_>) -> Finding {
    by_symptom(case, "only a reset in the middle of the attempt leads to this error")
}

fn timed_out(case: &Case<'_>) -> Finding {
    if case.call != Call::Connect {
        let because = "the other end stopped acknowledging what was sent";
        return by_pending_error(case, Errno::ETIMEDOUT, because);
    }
    let Some(target) = case.facts.inet() else {
        return by_symptom(case, "only silence of the other end leads to this error");
    };
    let symptom = case.symptom.is_some();
    match (is_here(target), full_queue(case, target)) {
        _ if target.is_unresolved() && !symptom => Finding::Excluded,
        (Some(true), Some(queue)) if symptom => Finding::Holds(queue),
        (Some(true), Some(queue)) => Finding::Suggests(
            queue + "; the request is dropped until the server accepts or the time is over",
        ),
        (Some(true), None) if symptom => Finding::Suggests(String::from(
            "the server's queue has room now: it was full, or packets are dropped on this machine",
        )),
        (Some(true), None) => Finding::Excluded,
        (Some(false), _) if symptom => {
            Finding::Holds(format!("{} is another machine, and sent no answer", host(target)))
        }
        (None, _) if symptom => by_symptom(case, "no answer came"),
        (Some(false), _) => Finding::Unseen("whether the remote host answers"),
        (None, _) => Finding::Unseen("whether the address is one of this machine's"),
    }
}

/// The full accept queue of the only listener, in words.
fn full_queue(case: &Case<'_>, target: &InetTarget) -> Option<String> {
    let mut listening = target.listeners.known()?.iter().filter(|s| s.listening);
    let full = |s: &InetSocket| s.backlog.filter(|b| is_full(case, *b));
    let Backlog { pending, limit } = full(listening.next()?)?;
    let others_full = listening.all(|s| full(s).is_some());
    others_full.then(|| {
        format!("the accept queue of the listener is full ({pending} wait, its backlog is {limit})")
    })
}

fn reset(case: &Case<'_>) -> Finding {
    by_pending_error(case, Errno::ECONNRESET, "only a reset from the other end leads to this error")
}

fn destroyed(case: &Case<'_>) -> Finding {
    if case.call != Call::Connect {
        let because = "only SOCK_DESTROY leads to this error on a connection";
        return by_pending_error(case, Errno::ECONNABORTED, because);
    }
    match case.facts.own() {
        _ if case.symptom.is_none() => Finding::Excluded,
        None => Finding::Unseen(OWN_STATE),
        Some(own) if own.history.connect_failed => Finding::Excluded,
        Some(own) if own.history.blocked => {
            let because = "the attempt was under way when it was ended from this machine";
            Finding::Holds(because.to_string())
        }
        Some(_) => Finding::Unseen("what happened to the caller's socket before"),
    }
}
