//! Nothing fails, but the caller waits: in `connect`, or for an answer after it.

use super::build::*;
use super::look::{self, Own};
use super::own::{self, Patience};
use crate::case::{Case, Finding};
use crate::cause::{Cause, Class, Document, Evidence, Provoke, Rule};
use crate::fact::SocketFact;
use crate::fact::process::{Process, WaitsIn};
use crate::fact::socket::{Backlog, OwnSocket, Peer, State};
use crate::text::{connections_wait, escape};
use crate::{Call, Sockets, Symptom};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const HANGS: &[Rule] = &[
    shows(LINUX, Symptom::Hangs, Evidence::Measured),
    shows(NOT_LINUX, Symptom::Hangs, Evidence::Inferred),
];

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[
    Cause {
        id: "wait/backlog-full",
        calls: &[at(Call::Connect, 81)],
        sockets: Sockets::CONNECTED,
        shows: &[
            shows(LINUX, Symptom::Hangs, Evidence::Measured),
            never(BSDS, Evidence::Source),
            never(OPENSERVER, Evidence::Inferred),
        ],
        title: "connect waits for room in the listener's backlog",
        happened: "As many connections wait to be accepted as the listener admits, and the \
                   caller's socket is a blocking one.",
        why: "Linux lets a blocking connect sleep until the server accepts somebody else, for \
              ever if need be, unless SO_SNDTIMEO is set. Connections whose clients have given \
              up still take their place. The BSDs refuse instead.",
        fix: "Find out why the server does not accept (see its threads, its descriptors). Set \
              SO_SNDTIMEO in the client so that it does not wait for ever; a longer backlog \
              helps against peaks only.",
        commands: &[
            "ss -xl src {path}",
            "ss -xl src {name}",
            "cat /proc/{pid}/wchan",
            "sysctl net.core.somaxconn",
        ],
        differs: None,
        documents: &[Document::Man("connect(2)"), Document::Man("listen(2)")],
        class: Class::Waiting,
        test: backlog_full,
        confusable: &[],
        provoke: Provoke::Live("listen with backlog 0, leave one connection pending, connect"),
    },
    Cause {
        id: "wait/server-stopped",
        calls: &[at(Call::Connect, 200), at(Call::Recv, 92)],
        sockets: Sockets::UNIX,
        shows: HANGS,
        title: "the server process is stopped",
        happened: "Every process that holds the server's socket is stopped: by a signal (Ctrl-Z, \
                   SIGSTOP), by a debugger, or because its control group is frozen.",
        why: "The kernel makes the connection without the server, so connect succeeds. Then \
              nobody is there to accept it or to answer.",
        fix: "Let the server go on: send SIGCONT, detach the debugger, thaw the control group \
              (systemctl thaw, docker unpause).",
        commands: &["kill -CONT {pid}"],
        differs: None,
        documents: &[Document::Man("signal(7)"), Document::Man("cgroups(7)")],
        class: Class::Waiting,
        test: server_stopped,
        confusable: &[],
        provoke: Provoke::Live("stop a listening server with SIGSTOP, connect to it"),
    },
    Cause {
        id: "wait/server-out-of-descriptors",
        calls: &[at(Call::Connect, 201), at(Call::Recv, 93)],
        sockets: Sockets::CONNECTED,
        shows: HANGS,
        title: "the server has no descriptors left to accept with",
        happened: "Connections wait in the server's backlog, and the server has as many open \
                   descriptors as its limit allows.",
        why: "accept needs a descriptor. Without one it fails with EMFILE and the connection \
              stays in the queue; many servers then spin or go to sleep. Clients see nothing of \
              it.",
        fix: "Raise the limit (LimitNOFILE=, prlimit), and look for what the server does not \
              close.",
        commands: &["ls -l /proc/{pid}/fd | wc -l", "prlimit --pid {pid} --nofile=65536:65536"],
        differs: Some("macOS drops the connection when accept fails so; Linux keeps it."),
        documents: &[Document::Man("accept(2)"), Document::Man("getrlimit(2)")],
        class: Class::Waiting,
        test: server_out_of_descriptors,
        confusable: &["wait/server-not-accepting"],
        provoke: Provoke::Live("lower a server's descriptor limit to what it has open, connect"),
    },
    Cause {
        id: "wait/server-not-accepting",
        calls: &[at(Call::Connect, 202), at(Call::Recv, 94)],
        sockets: Sockets::CONNECTED,
        shows: HANGS,
        title: "the server does not accept the connections that wait",
        happened: "Connections wait in the backlog and none is taken out, although the server \
                   runs and has descriptors left.",
        why: "connect succeeds as soon as there is room in the backlog; the server does not have \
              to do anything for it. A server that is busy with one client, caught in a deadlock \
              or waiting for something else leaves its new clients waiting for an answer.",
        fix: "Look at what the server does: its stack, its log, whom it serves. Restarting it \
              resets everybody who waits.",
        commands: &["cat /proc/{pid}/wchan", "gdb -p {pid} -batch -ex 'thread apply all bt'"],
        differs: None,
        documents: &[Document::Man("listen(2)"), Document::Man("accept(2)")],
        class: Class::Waiting,
        test: server_not_accepting,
        confusable: &["wait/server-out-of-descriptors"],
        provoke: Provoke::Live("listen with a long backlog, never accept, connect and receive"),
    },
];

/// Whether the state of the server explains why a receive waits, and not only that nothing came.
pub(super) fn server_explains(case: &Case<'_>) -> bool {
    let tests = [server_stopped, server_out_of_descriptors, server_not_accepting];
    tests.iter().any(|test| points(&test(case)))
}

fn points(finding: &Finding) -> bool {
    matches!(finding, Finding::Holds(_) | Finding::Suggests(_))
}

/// The queue in which the caller would wait, or does, and who could take it out.
struct Queue<'a> {
    /// Connections that wait; for the caller's own connection, at least its own.
    backlog: Option<Backlog>,
    /// For how long the first in line has not changed.
    stuck_ms: Option<u32>,
    /// The caller's own connection is known to wait in it.
    own_waits: bool,
    holders: Option<Holders<'a>>,
}

impl Queue<'_> {
    fn waiting(&self) -> bool {
        self.own_waits || self.backlog.is_some_and(|b| b.pending > 0)
    }

    /// Whether the queue is known not to move.
    fn stuck(&self) -> bool {
        self.own_waits || self.stuck_ms.is_some_and(|ms| ms > 0)
    }

    fn counts(&self) -> String {
        match (self.backlog, self.stuck_ms) {
            (Some(b), Some(ms)) if ms > 0 => {
                format!("{}, and for {ms} ms none was accepted", connections_wait(b.pending))
            }
            (Some(b), _) => connections_wait(b.pending),
            (None, _) => String::from("the caller's connection waits to be accepted"),
        }
    }
}

fn queue<'a>(case: &Case<'a>) -> Option<Queue<'a>> {
    match case.call {
        Call::Recv => own_queue(case),
        _ => look::listener(case).map(listener_queue),
    }
}

fn listener_queue(listener: &SocketFact) -> Queue<'_> {
    Queue {
        backlog: listener.backlog,
        stuck_ms: listener.stuck_ms.known().copied(),
        own_waits: false,
        holders: Holders::of(listener),
    }
}

/// The caller is connected and receives: does its connection still wait to be accepted?
fn own_queue<'a>(case: &Case<'a>) -> Option<Queue<'a>> {
    let (_, peer) = receiving(case)?;
    let unaccepted = peer.inode.is(|inode| *inode == 0) && !peer.closed.is(|closed| *closed);
    unaccepted.then(|| Queue {
        backlog: None,
        stuck_ms: None,
        own_waits: true,
        holders: Holders::recorded(peer),
    })
}

/// The caller's socket and its peer, if a receive on it would have to wait.
fn receiving<'a>(case: &Case<'a>) -> Option<(&'a OwnSocket, &'a Peer)> {
    let own = case.facts.own()?;
    let peer = own.peer.known()?.as_ref()?;
    let empty = own.readable.is(|bytes| *bytes == 0);
    let waits = empty && own::receiving(case, own) == Patience::Endless;
    let told = case.symptom == Some(Symptom::Hangs);
    (told || waits).then_some((own, peer))
}

/// The processes that hold the server's socket.
struct Holders<'a> {
    seen: Vec<&'a Process>,
    /// What to say if somebody else may hold it too.
    others: Option<String>,
}

impl<'a> Holders<'a> {
    fn of(socket: &'a SocketFact) -> Option<Self> {
        let seen: Vec<&Process> = socket.owners.known()?.iter().collect();
        let others = |why| {
            format!("another process may hold the socket too: not all could be looked into ({why})")
        };
        let others = socket.all_owners.unseen().map(others);
        (!seen.is_empty()).then_some(Holders { seen, others })
    }

    /// The credentials of a peer name who listened or connected, not who accepts or reads now.
    fn recorded(peer: &'a Peer) -> Option<Self> {
        let process = peer.process.known()?;
        let others = "if another process has taken the connection over, it may answer";
        let others = process.fd.is_none().then(|| String::from(others));
        Some(Holders { seen: alloc::vec![process], others })
    }

    /// Those that keep the socket open but wait for something else. Among them are service
    /// managers, which do not watch a listener while its service runs.
    fn inattentive(&self) -> impl Iterator<Item = (&'a Process, &'a str)> {
        self.seen.iter().filter_map(|process| match process.waits_in.known() {
            Some(WaitsIn::Elsewhere { call }) => Some((*process, call.as_str())),
            _ => None,
        })
    }

    /// `because` as proof, if these processes are all there are and `bystanders` none of them.
    fn judge(&self, because: String, bystanders: &[&Process]) -> Finding {
        let aside = self.inattentive().filter(|(p, _)| bystanders.iter().any(|b| b.pid == p.pid));
        let mut doubts: Vec<String> = aside.take(MOST_NAMED).map(stays_aside).collect();
        doubts.extend(self.others.clone());
        look::sure(doubts.is_empty(), because, &doubts.join("; "))
    }
}

/// The most processes that a sentence names.
const MOST_NAMED: usize = 4;

fn stays_aside((process, call): (&Process, &str)) -> String {
    format!("{} holds the socket too, but waits in {}", named(process), escape(call.as_bytes()))
}

/// Whether the process could take a connection soon: it can run, and does not wait for something
/// else.
fn may_take(process: &Process) -> bool {
    let elsewhere = process.waits_in.is(|w| matches!(w, WaitsIn::Elsewhere { .. }));
    process.is_stopped() != Some(true) && !elsewhere
}

fn backlog_full(case: &Case<'_>) -> Finding {
    let hangs = case.symptom == Some(Symptom::Hangs);
    let times_out = matches!(look::own(case), Own::Socket(own) if own.send_timeout_us > 0);
    if !hangs && (look::nonblocking(case) == Some(true) || times_out) {
        return Finding::Excluded;
    }
    let Some(listener) = look::listener(case) else { return Finding::Excluded };
    let queue = listener_queue(listener);
    let Some(backlog) = listener.backlog else {
        return if hangs { Finding::Unseen("the listener's backlog") } else { Finding::Excluded };
    };
    if !look::is_full(case, backlog) || points(&server_stopped(case)) {
        return Finding::Excluded;
    }
    let because = format!(
        "{} to be accepted by {}, and its backlog is {} (one more is admitted)",
        connections_wait(backlog.pending),
        look::owner(listener),
        backlog.limit
    );
    match queue.stuck_ms {
        Some(0) => {
            Finding::Suggests(format!("{because}; the queue moves, so it may not take long"))
        }
        Some(ms) => Finding::Holds(format!("{because}; for {ms} ms none was accepted")),
        None => Finding::Holds(because),
    }
}

fn server_stopped(case: &Case<'_>) -> Finding {
    let holders = match case.call {
        Call::Recv => receiving(case).map(|(_, peer)| Holders::recorded(peer)),
        _ => target(case).filter(|s| s.owners.known().is_some()).map(Holders::of),
    };
    let hangs = case.symptom == Some(Symptom::Hangs);
    let holders = match holders {
        Some(Some(holders)) => holders,
        None if hangs => return Finding::Unseen("the server's process"),
        Some(None) | None => return Finding::Excluded,
    };
    let is = |wanted| move |p: &&&Process| p.is_stopped() == wanted;
    let halted: Vec<&Process> = holders.seen.iter().filter(is(Some(true))).copied().collect();
    let running: Vec<&Process> = holders.seen.iter().filter(is(Some(false))).copied().collect();
    if running.iter().any(|p| may_take(p)) {
        return Finding::Excluded;
    }
    if holders.seen.iter().any(|p| is(None)(&p)) {
        return if hangs { Finding::Unseen("the state of the server") } else { Finding::Excluded };
    }
    if halted.is_empty() {
        return Finding::Excluded;
    }
    let each: Vec<String> = halted.iter().take(MOST_NAMED).map(|p| stopped(p)).collect();
    holders.judge(each.join("; "), &running)
}

/// The socket that the address leads to, if connecting to it succeeds.
fn target<'a>(case: &Case<'a>) -> Option<&'a SocketFact> {
    let target = match look::reached(case) {
        look::Reached::Socket(s) if s.kind == case.socket => s,
        _ => return None,
    };
    let listening = target.state == State::Listening && !target.shutdown.read;
    (listening || !case.socket.is_connection_oriented()).then_some(target)
}

fn stopped(process: &Process) -> String {
    let how = match process.state.known() {
        _ if process.frozen.is(|f| *f) => "in a frozen control group",
        Some(state) => state.name(),
        None => "stopped",
    };
    format!("{} is {how}", named(process))
}

fn named(process: &Process) -> String {
    format!("{} (pid {})", escape(process.name.as_bytes()), process.pid)
}

fn server_out_of_descriptors(case: &Case<'_>) -> Finding {
    let hangs = case.symptom == Some(Symptom::Hangs);
    let Some(queue) = queue(case).filter(Queue::waiting) else { return Finding::Excluded };
    let full = queue.backlog.is_some_and(|b| look::is_full(case, b));
    if (full && !hangs) || points(&server_stopped(case)) {
        return Finding::Excluded;
    }
    let Some(holders) = &queue.holders else {
        return if hangs { Finding::Unseen("the server's process") } else { Finding::Excluded };
    };
    let is_full = |p: &&Process| p.descriptors.test(|d| d.is_full());
    let rest: Vec<&Process> =
        holders.seen.iter().copied().filter(|p| is_full(p) != Some(true)).collect();
    if rest.iter().any(|p| may_take(p) && is_full(p) == Some(false)) {
        return Finding::Excluded;
    }
    let able = rest.iter().any(|p| may_take(p));
    let full = holders.seen.iter().filter(|_| !able).find_map(|p| {
        let uses = p.descriptors.known().filter(|d| d.is_full())?;
        Some((p, uses))
    });
    let Some((server, uses)) = full else {
        let unseen = rest.iter().any(|p| is_full(p).is_none());
        return if unseen && hangs {
            Finding::Unseen("the server's descriptors")
        } else {
            Finding::Excluded
        };
    };
    let because = format!(
        "{}; {} has {} descriptors open, and its limit is {}",
        queue.counts(),
        named(server),
        uses.used,
        uses.limit
    );
    if !queue.stuck() {
        let moves = "a second look would show whether the queue moves";
        return look::sure(false, because, moves);
    }
    holders.judge(because, &rest)
}

fn server_not_accepting(case: &Case<'_>) -> Finding {
    let Some(queue) = queue(case).filter(Queue::waiting) else { return Finding::Excluded };
    let hangs = case.symptom == Some(Symptom::Hangs);
    let full = queue.backlog.is_some_and(|b| look::is_full(case, b));
    if full || points(&server_stopped(case)) || points(&server_out_of_descriptors(case)) {
        return Finding::Excluded;
    }
    if queue.own_waits && hangs {
        return Finding::Holds(queue.counts());
    }
    if !queue.stuck() {
        return if hangs {
            Finding::Unseen("whether the server's queue moves")
        } else {
            Finding::Excluded
        };
    }
    let seen = queue.holders.as_ref().map(|h| h.seen.as_slice()).unwrap_or_default();
    if !hangs && seen.iter().any(|p| p.waits_in.is(|w| *w == WaitsIn::Events)) {
        return Finding::Excluded;
    }
    let inattentive = queue.holders.iter().flat_map(Holders::inattentive);
    let elsewhere: String = inattentive
        .take(MOST_NAMED)
        .map(|(p, call)| format!("; {} waits in {}", named(p), escape(call.as_bytes())))
        .collect();
    Finding::Suggests(format!(
        "{}{elsewhere}; that it never accepts could only be known by waiting longer",
        queue.counts()
    ))
}
