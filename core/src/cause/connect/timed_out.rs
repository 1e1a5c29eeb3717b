//! The listener's queue had no room for too long.

use crate::case::{Case, Finding};
use crate::cause::build::*;
use crate::cause::look::{is_full, listener, nonblocking};
use crate::cause::own::{Patience, judge, seconds, sending};
use crate::cause::{Cause, Class, Document, Evidence, Provoke};
use crate::text::connections_wait;
use crate::{Call, Errno, Sockets};
use alloc::format;

/// The entries of this file.
pub(in crate::cause) const CAUSES: &[Cause] = &[Cause {
    id: "connect/timed-out",
    calls: &[at(Call::Connect, 81)],
    sockets: Sockets::CONNECTED,
    shows: &[
        fails(LINUX, Errno::EAGAIN, Evidence::Measured),
        never(BSDS, Evidence::Source),
        never(OPENSERVER, Evidence::Inferred),
    ],
    title: "no room appeared in the server's backlog within SO_SNDTIMEO",
    happened: "The backlog was full, and connect waited for as long as SO_SNDTIMEO says without a \
               connection being accepted.",
    why: "A blocking connect to a full UNIX domain listener waits, and the send timeout limits \
          the wait. The error is the one of a non-blocking call, not ETIMEDOUT or EINPROGRESS as \
          for TCP, and nothing goes on in the background: the socket is as it was. Other systems \
          do not wait for the backlog at all.",
    fix: "Connect again, with the same socket if you like. Find out why the server does not \
          accept: stopped, busy, or out of descriptors; and see whether its backlog is too small.",
    commands: &["ss -xlp", "ps -o pid,stat,wchan:32,cmd -p {pid}"],
    differs: Some(
        "BSD connect(2) lists ETIMEDOUT for a connection that is not established in time; a UNIX \
         domain connect on Linux never returns it.",
    ),
    documents: &[Document::Man("socket(7)"), Document::Source("net/unix/af_unix.c")],
    class: Class::Waiting,
    test: timed_out,
    confusable: &["connect/backlog-full"],
    provoke: Provoke::Live("listen with backlog 0, fill it, SO_SNDTIMEO of 0.05 s, connect"),
}];

fn timed_out(case: &Case<'_>) -> Finding {
    if nonblocking(case) == Some(true) {
        return Finding::Excluded;
    }
    judge(case, |own| {
        let Patience::Limited(us) = sending(case, own) else { return Finding::Excluded };
        let full = listener(case).and_then(|s| s.backlog).filter(|b| is_full(case, *b));
        match (full, case.symptom) {
            (Some(backlog), _) => Finding::Holds(format!(
                "SO_SNDTIMEO is {}, and {} (backlog {})",
                seconds(us),
                connections_wait(backlog.pending),
                backlog.limit
            )),
            (None, Some(_)) => Finding::Holds(format!(
                "SO_SNDTIMEO is {}, and a blocking connect gives up for nothing else",
                seconds(us)
            )),
            (None, None) => Finding::Excluded,
        }
    })
}
