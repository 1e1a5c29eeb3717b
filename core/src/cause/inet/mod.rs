//! Causes on internet sockets, as BSD `connect(2)` lists them.

pub(super) mod address;
pub(super) mod answer;
pub(super) mod attempt;
pub(super) mod port;
pub(super) mod route;
pub(super) mod transfer;

use crate::case::{Case, Finding};
use crate::fact::InetTarget;
use crate::{Errno, Symptom};
use alloc::format;
use alloc::string::{String, ToString};
use core::net::IpAddr;

/// What the own state of an unseen socket would decide.
const OWN_STATE: &str = "the state of the caller's socket";

/// The host that facts about the network describe, in words: its first address.
fn host(target: &InetTarget) -> String {
    match first_address(target) {
        Some(address) => address.to_string(),
        None => target.host.clone(),
    }
}

fn first_address(target: &InetTarget) -> Option<IpAddr> {
    target.addresses.known()?.first().copied()
}

/// A condition that the facts show for the first address of the host. A program that was told a
/// name with several addresses tries the others too: then it is not the whole answer.
fn shown(target: &InetTarget, because: String) -> Finding {
    match target.addresses.known().map_or(1, |a| a.len()) {
        0 | 1 => Finding::Holds(because),
        n => Finding::Suggests(format!(
            "{because}; this is the first of {n} addresses of the host, and a program may try the \
             others"
        )),
    }
}

/// A cause that leaves no trace but is the only reason for its error: the symptom shows it.
fn by_symptom(case: &Case<'_>, because: &str) -> Finding {
    if case.symptom.is_some() { Finding::Holds(because.to_string()) } else { Finding::Excluded }
}

/// A cause that the socket keeps as its pending error until a call reports it. Once reported, the
/// symptom is all that is left.
fn by_pending_error(case: &Case<'_>, errno: Errno, because: &str) -> Finding {
    let pending = case.facts.own().and_then(|own| own.pending_error.known().copied());
    match pending.flatten() {
        Some(error) if error == errno => {
            Finding::Holds(format!("{errno} waits in the socket to be reported"))
        }
        Some(_) => Finding::Excluded,
        None if case.symptom == Some(Symptom::Errno(errno)) => by_symptom(case, because),
        None => Finding::Excluded,
    }
}
