//! How tests look at the caller's own socket and at what it passed to the call.

use crate::Errno;
use crate::case::{Case, Finding};
use crate::fact::arguments::Control;
use crate::fact::socket::{Descriptor, OwnSocket, Peer, State};
use crate::fact::{SocketFact, Target};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Judges the caller's own socket. Not observed: a fresh, usable one for a prediction; unseen for
/// a symptom.
pub(super) fn judge(case: &Case<'_>, ask: impl FnOnce(&OwnSocket) -> Finding) -> Finding {
    match case.facts.descriptor.known() {
        Some(Descriptor::Socket(own)) => ask(own),
        Some(_) => Finding::Excluded,
        None if case.symptom.is_some() => Finding::Unseen("the state of the caller's socket"),
        None => Finding::Excluded,
    }
}

/// `Holds` if the condition is met.
pub(super) fn when(met: bool, because: impl Into<String>) -> Finding {
    if met { Finding::Holds(because.into()) } else { Finding::Excluded }
}

/// Judges an argument. Not recorded: a valid one for a prediction; for a symptom, `hint` says what
/// it must have been.
pub(super) fn argument<T>(
    case: &Case<'_>,
    value: Option<T>,
    hint: &'static str,
    ask: impl FnOnce(T) -> Finding,
) -> Finding {
    match value {
        Some(value) => ask(value),
        None => unrecorded(case, hint),
    }
}

/// The finding for a cause that only the program's own arguments could show, and they were not
/// recorded.
pub(super) fn unrecorded(case: &Case<'_>, hint: &'static str) -> Finding {
    if case.symptom.is_some() { Finding::Unobservable(hint) } else { Finding::Excluded }
}

/// Judges the ancillary data of a send. `Some` from `ask` for a message that shows the cause.
pub(super) fn control(
    case: &Case<'_>,
    hint: &'static str,
    ask: impl Fn(&Control) -> Option<String>,
) -> Finding {
    let control = &case.facts.arguments.control;
    if control.is_empty() {
        return unrecorded(case, hint);
    }
    // The address's length is looked at before, and the items one after the other.
    if case.facts.arguments.address.is_some_and(|address| address.length < 0) {
        return Finding::Excluded;
    }
    let mut descriptors = 0;
    for item in control {
        match (item, ask(item)) {
            (_, Some(because)) => return Finding::Holds(because),
            (Control::Rights { count, .. }, None) => {
                descriptors = count.saturating_add(descriptors);
                if descriptors > MOST_DESCRIPTORS {
                    return Finding::Excluded;
                }
            }
            (Control::Credentials { .. }, None) => {}
            // It is refused whoever sends it.
            (_, None) => return Finding::Excluded,
        }
    }
    Finding::Excluded
}

/// The most descriptors that one message carries on Linux (`SCM_MAX_FD`).
pub(super) const MOST_DESCRIPTORS: u64 = 253;

/// Whether descriptors are attached.
pub(super) fn passes_rights(case: &Case<'_>) -> bool {
    case.facts.arguments.control.iter().any(|c| matches!(c, Control::Rights { .. }))
}

/// Whether a destination was passed to the call.
pub(super) fn has_address(case: &Case<'_>) -> bool {
    let address = case.facts.arguments.address;
    // Of a length of 0, `sendto` makes no address at all.
    case.facts.target != Target::None || address.is_some_and(|address| address.length != 0)
}

/// For how long a call waits before it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It does not wait.
    None,
    /// For so many microseconds.
    Limited(u64),
    /// Until something happens.
    Endless,
}

/// How long a call that receives (or accepts) waits.
pub(super) fn receiving(case: &Case<'_>, own: &OwnSocket) -> Patience {
    patience(case, own, own.receive_timeout_us)
}

/// How long a call that sends (or connects) waits.
pub(super) fn sending(case: &Case<'_>, own: &OwnSocket) -> Patience {
    patience(case, own, own.send_timeout_us)
}

fn patience(case: &Case<'_>, own: &OwnSocket, timeout_us: u64) -> Patience {
    match (case.facts.arguments.nonblocking.unwrap_or(own.nonblocking), timeout_us) {
        (true, _) => Patience::None,
        (false, 0) => Patience::Endless,
        (false, us) => Patience::Limited(us),
    }
}

/// The time limit at which a call gave up, in microseconds; otherwise what to find. A limit that is
/// negative means not to wait, and reads back as none.
pub(super) fn limit(case: &Case<'_>, patience: Patience) -> Result<u64, Finding> {
    match patience {
        Patience::Limited(us) => Ok(us),
        Patience::Endless if case.symptom.is_some() => Err(Finding::Untraced(
            "the call gave up, and there is no time limit now: a negative one was set, which reads \
             back as none, or it was lifted since"
                .into(),
        )),
        Patience::Endless | Patience::None => Err(Finding::Excluded),
    }
}

/// Why a call did not wait, for a sentence.
pub(super) fn not_waiting(own: &OwnSocket) -> &'static str {
    if own.nonblocking {
        "the socket is non-blocking (O_NONBLOCK)"
    } else {
        "this call was told not to wait (MSG_DONTWAIT)"
    }
}

/// Microseconds for a sentence.
pub(super) fn seconds(us: u64) -> String {
    format!("{}.{:03} s", us / 1_000_000, us % 1_000_000 / 1000)
}

/// The peer, if there is one and it was seen.
pub(super) fn peer(own: &OwnSocket) -> Option<&Peer> {
    own.peer.known()?.as_ref()
}

/// Whether the peer is known to have closed its socket.
pub(super) fn peer_closed(own: &OwnSocket) -> Option<bool> {
    peer(own)?.closed.known().copied()
}

/// Whether the socket has no peer: `None` if that was not seen.
pub(super) fn lacks_peer(own: &OwnSocket) -> Option<bool> {
    match own.peer.known() {
        Some(peer) => Some(peer.is_none()),
        None if own.state != State::Connected => Some(true),
        None => None,
    }
}

/// Whether a reset waits to be reported.
pub(super) fn reset_pending(own: &OwnSocket) -> bool {
    own.pending_error.is(|e| *e == Some(Errno::ECONNRESET))
}

/// Whether receiving is shut down, by either side.
pub(super) fn read_shut(own: &OwnSocket) -> bool {
    own.shutdown.is(|d| d.read)
}

/// Whether sending is shut down, by either side.
pub(super) fn write_shut(own: &OwnSocket) -> bool {
    own.shutdown.is(|d| d.write)
}

/// Whether messages that the peer has not read occupy the whole send buffer: `None` if unseen.
pub(super) fn buffer_full(own: &OwnSocket) -> Option<bool> {
    own.unread_by_peer.test(|used| *used >= own.send_buffer)
}

/// The sockets of the caller's type that the address leads to.
pub(super) fn addressees<'a>(case: &Case<'a>) -> Vec<&'a SocketFact> {
    let sockets = match &case.facts.target {
        Target::Path(path) => path.attached.known(),
        Target::Abstract(name) => name.bound.known(),
        Target::None | Target::Inet(_) => None,
    };
    sockets.into_iter().flatten().filter(|s| s.kind == case.socket).collect()
}

/// Whether the caller has less than so many descriptors left.
pub(super) fn descriptor_limit(case: &Case<'_>, wanted: u64) -> Finding {
    match case.facts.caller.descriptors.known() {
        Some(in_use) if in_use.used.saturating_add(wanted) > in_use.limit => {
            Finding::Holds(format!(
                "the process has {} descriptors open, of {} that RLIMIT_NOFILE admits",
                in_use.used, in_use.limit
            ))
        }
        Some(in_use) if case.symptom.is_some() => Finding::Suggests(format!(
            "nothing else gives this error; by now {} of {} descriptors are in use",
            in_use.used, in_use.limit
        )),
        None if case.symptom.is_some() => Finding::Unseen("the caller's open descriptors"),
        Some(_) | None => Finding::Excluded,
    }
}
