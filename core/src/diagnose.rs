//! From a symptom and facts to ranked causes: a pure function.

use crate::case::{Case, Finding};
use crate::cause::{self, Cause};
use crate::fact::path::End;
use crate::fact::{Facts, Unseen};
use crate::{Call, Errno, Platform, SocketType, Symptom, remedy, text};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How sure a diagnosis is of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// The facts decide it.
    Certain,
    /// The facts point to it, or exclude every other known cause.
    Likely,
    /// Nothing speaks against it, but nothing speaks for it either.
    Possible,
}

impl Certainty {
    /// `certain`, `likely` or `possible`.
    pub const fn name(self) -> &'static str {
        match self {
            Certainty::Certain => "certain",
            Certainty::Likely => "likely",
            Certainty::Possible => "possible",
        }
    }
}

/// What the call does now, by the facts, or did, by the symptom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It would succeed.
    Succeeds,
    /// It fails with this error.
    Fails(Errno),
    /// It waits, possibly for ever.
    Waits,
    /// It succeeds, but not as the program expects; the symptom says how.
    Misleads(Symptom),
    /// The facts do not suffice to tell.
    Unknown,
}

impl Outcome {
    /// `succeeds`, `fails`, `waits`, `misleads` or `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Succeeds => "succeeds",
            Outcome::Fails(_) => "fails",
            Outcome::Waits => "waits",
            Outcome::Misleads(_) => "misleads",
            Outcome::Unknown => "unknown",
        }
    }
}

impl From<Symptom> for Outcome {
    fn from(symptom: Symptom) -> Self {
        match symptom {
            Symptom::Errno(errno) => Outcome::Fails(errno),
            Symptom::Hangs => Outcome::Waits,
            other => Outcome::Misleads(other),
        }
    }
}

/// A cause that a diagnosis names.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// The entry of the catalogue.
    pub cause: &'static Cause,
    /// How sure it is.
    pub certainty: Certainty,
    /// The fact that decided it, in words.
    pub because: String,
    /// Commands that can be pasted: those of the entry whose placeholders the facts fill.
    pub commands: Vec<String>,
}

/// A fact that would have helped but could not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnseenFact {
    /// What it is, in words.
    pub what: String,
    /// The id of the cause that it would have decided; empty if every cause depends on it.
    pub decides: &'static str,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// The call in question.
    pub call: Call,
    /// The type of the caller's socket.
    pub socket: SocketType,
    /// What the program saw, if it was given.
    pub symptom: Option<Symptom>,
    /// What the call does.
    pub outcome: Outcome,
    /// Causes, the surest first; the first in the kernel's order of checks among equals. At most
    /// one is certain.
    pub causes: Vec<Ranked>,
    /// What could not be seen and might have changed the answer.
    pub unseen: Vec<UnseenFact>,
    /// Why a symptom that was seen has no cause here.
    pub unexplained: Option<Unexplained>,
    /// Set by whoever asked about an error that tells nothing: why this is a prediction and no
    /// explanation of it. The text begins with it.
    pub caveat: Option<&'static str>,
}

impl Diagnosis {
    /// Whether there is an answer: a cause for the symptom, or a prediction.
    pub fn explained(&self) -> bool {
        self.unexplained.is_none() && self.outcome != Outcome::Unknown
    }
}

/// A symptom was seen, but no cause of it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unexplained {
    /// The catalogue has no cause of this symptom for this call and socket type.
    NotListed,
    /// The facts exclude every cause of it that could be met now: the situation has changed since
    /// it was seen, or the cause is not known. Causes that would have left no trace may be listed
    /// as possible.
    Excluded {
        /// What the call would do now, by the same facts.
        now: Outcome,
    },
}

impl fmt::Display for Unexplained {
    /// A sentence for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = match self {
            Unexplained::NotListed => {
                return f.write_str("No known cause makes this call show this on such a socket.");
            }
            Unexplained::Excluded { now } => now,
        };
        f.write_str("Nothing that can be seen now explains it")?;
        match now {
            Outcome::Succeeds => {
                f.write_str(": the situation has changed, and the call would succeed now.")
            }
            Outcome::Fails(errno) => write!(
                f,
                ": the situation may have changed, and the call would fail with {errno} now."
            ),
            Outcome::Waits => {
                f.write_str(": the situation may have changed, and the call would wait now.")
            }
            Outcome::Misleads(_) | Outcome::Unknown => {
                f.write_str(": the situation has changed, or the cause is not known.")
            }
        }
    }
}

/// Judges facts by Linux's rules: the causes of a symptom, or, without one, what the call would do.
///
/// With a symptom, the causes that can show it are ranked. The first in the kernel's order of
/// checks whose condition the facts show is certain, unless an earlier one could not be seen or is
/// suggested. If none is shown, one that remains after all others were excluded is likely, if its
/// condition could be met now. If none such remains, [`Diagnosis::unexplained`] says so.
///
/// Without a symptom, the checks are gone through in the kernel's order and the first that is met
/// gives the outcome.
///
/// ```
/// use sunpath_core::{Call, Errno, Facts, Outcome, SocketType, diagnose};
///
/// // Nothing was observed: every cause of the errno is possible, and none is certain.
/// let facts = Facts::default();
/// let d = diagnose(Call::Connect, SocketType::Stream, Some(Errno::ECONNREFUSED.into()), &facts);
/// assert_eq!(d.outcome, Outcome::Fails(Errno::ECONNREFUSED));
/// ```
pub fn diagnose(
    call: Call,
    socket: SocketType,
    symptom: Option<Symptom>,
    facts: &Facts,
) -> Diagnosis {
    diagnose_on(Platform::Linux, call, socket, symptom, facts)
}

/// As [`diagnose`], by the rules of another platform.
pub fn diagnose_on(
    platform: Platform,
    call: Call,
    socket: SocketType,
    symptom: Option<Symptom>,
    facts: &Facts,
) -> Diagnosis {
    let case = Case { call, socket, platform, symptom, facts };
    let found = examine(&case);
    let (outcome, mut causes) = match symptom {
        Some(symptom) => (symptom.into(), rank(&case, &found)),
        None => predict(&case, &found),
    };
    let unexplained = match symptom {
        Some(_) if found.is_empty() => Some(Unexplained::NotListed),
        Some(_) if !fits_now(&found) => Some(Unexplained::Excluded {
            now: diagnose_on(platform, call, socket, None, facts).outcome,
        }),
        _ => None,
    };
    let mut unseen = unseen_facts(&found, &causes);
    if symptom.is_none()
        && outcome == Outcome::Unknown
        && let Some(what) = blind(&case)
    {
        causes.clear();
        unseen = alloc::vec![UnseenFact { what, decides: "" }];
    }
    Diagnosis { call, socket, symptom, outcome, causes, unseen, unexplained, caveat: None }
}

struct Examined {
    cause: &'static Cause,
    shows: Symptom,
    finding: Finding,
}

/// Runs the tests of every cause that fits call, socket type and symptom, in order of checks, up
/// to the first whose condition is met: checks behind it are never reached.
fn examine(case: &Case<'_>) -> Vec<Examined> {
    let mut found = Vec::new();
    for cause in cause::for_call(case.call) {
        if !cause.sockets.contains(case.socket) {
            continue;
        }
        let Some(shows) = cause.symptom(case.platform, case.socket) else { continue };
        if case.symptom.is_some_and(|s| s != shows) {
            continue;
        }
        let finding = (cause.test)(case);
        let met = matches!(finding, Finding::Holds(_));
        found.push(Examined { cause, shows, finding });
        if met {
            break;
        }
    }
    found
}

/// Whether a cause remains whose condition could be met now, or there is but one at all.
fn fits_now(found: &[Examined]) -> bool {
    let fits = |e: &Examined| !matches!(e.finding, Finding::Excluded | Finding::Untraced(_));
    found.iter().any(fits) || only_one(found)
}

/// Whether the symptom has a single cause, which no fact excludes: then no other was excluded, and
/// the symptom itself speaks for it.
fn only_one(found: &[Examined]) -> bool {
    matches!(found, [one] if one.finding != Finding::Excluded)
}

/// The causes of a known symptom, the surest first.
///
/// The one whose condition is met is certain unless an earlier check may have failed before it.
/// What nothing speaks for is likely if it is all that remains and could be met now.
fn rank(case: &Case<'_>, found: &[Examined]) -> Vec<Ranked> {
    let open = found.iter().filter(|e| e.finding != Finding::Excluded).count();
    let remaining = if open == 1 { Certainty::Likely } else { Certainty::Possible };
    let mut doubt = false;
    let mut ranked = Vec::new();
    for e in found {
        let (certainty, because) = match &e.finding {
            Finding::Excluded => continue,
            Finding::Holds(because) if doubt => (Certainty::Likely, because.clone()),
            Finding::Holds(because) => (Certainty::Certain, because.clone()),
            Finding::Suggests(because) => (Certainty::Likely, because.clone()),
            Finding::Unseen(what) => (remaining, not_visible(what)),
            Finding::Unobservable(what) => (remaining, String::from(*what)),
            Finding::Untraced(what) if only_one(found) => (remaining, what.clone()),
            Finding::Untraced(what) => (Certainty::Possible, what.clone()),
        };
        doubt |= matches!(e.finding, Finding::Suggests(_) | Finding::Unseen(_));
        ranked.push(to_ranked(case, e.cause, certainty, because));
    }
    if ranked.iter().any(|r| r.certainty == Certainty::Certain) {
        ranked.retain(|r| r.certainty == Certainty::Certain);
    }
    ranked.sort_by_key(|r| r.certainty);
    ranked
}

fn not_visible(what: &str) -> String {
    format!("not visible: {what}")
}

/// What the call would do, and the causes that decide it.
///
/// The first check that is met, or seems to be, gives the outcome. What could not be seen makes
/// it less sure; if nothing else is met, the outcome is not known. A path that breaks does not
/// lead to success, even if no cause explains why it breaks.
fn predict(case: &Case<'_>, found: &[Examined]) -> (Outcome, Vec<Ranked>) {
    let mut outcome = None;
    let mut doubt = false;
    let mut causes = Vec::new();
    for e in found {
        let (certainty, because) = match &e.finding {
            Finding::Excluded | Finding::Unobservable(_) | Finding::Untraced(_) => continue,
            Finding::Unseen(_) if outcome.is_some() => continue,
            Finding::Holds(because) if !doubt => (Certainty::Certain, because.clone()),
            Finding::Holds(because) | Finding::Suggests(because) => {
                (Certainty::Likely, because.clone())
            }
            Finding::Unseen(what) => (Certainty::Possible, not_visible(what)),
        };
        doubt = true;
        if certainty != Certainty::Possible && outcome.is_none() {
            outcome = Some(e.shows.into());
        }
        causes.push(to_ranked(case, e.cause, certainty, because));
    }
    causes.sort_by_key(|r| r.certainty);
    let otherwise = if causes.is_empty() { end_of_path(case) } else { Outcome::Unknown };
    (outcome.unwrap_or(otherwise), causes)
}

/// What the way to the address alone says of a call that no cause stops.
fn end_of_path(case: &Case<'_>) -> Outcome {
    let looks_up = match case.call {
        Call::Connect | Call::Bind => true,
        Call::Send => case.socket == SocketType::Datagram,
        _ => false,
    };
    let walk = case.facts.path().filter(|_| looks_up).map(|p| &p.walk);
    match walk.and_then(|walk| walk.known()).map(|walk| &walk.end) {
        None | Some(End::Found) => Outcome::Succeeds,
        Some(End::Missing { last: true, .. }) if case.call == Call::Bind => Outcome::Succeeds,
        Some(End::Failed { errno: Some(errno) }) => Outcome::Fails(*errno),
        Some(_) => Outcome::Unknown,
    }
}

fn to_ranked(
    case: &Case<'_>,
    cause: &'static Cause,
    certainty: Certainty,
    because: String,
) -> Ranked {
    // Names from outside may have come in: no test can forget to escape them.
    let because = text::sentence(&because);
    Ranked { cause, certainty, because, commands: remedy::commands(cause, case) }
}

/// What is missing if nothing at all is known of what the address leads to. To name one of the many
/// causes that then are possible would only mislead.
fn blind(case: &Case<'_>) -> Option<String> {
    let unconnected = matches!(case.socket, SocketType::Datagram | SocketType::Udp);
    let looks_up = match case.call {
        Call::Connect | Call::Bind => true,
        Call::Send => unconnected,
        _ => false,
    };
    let facts = Some(case.facts).filter(|_| looks_up)?;
    if let Some(inet) = facts.inet().filter(|inet| inet.is_unresolved()) {
        let host = text::escape(inet.host.as_bytes());
        let error = match inet.addresses.unseen() {
            None => "it has no address",
            Some(Unseen::Failed { error }) => error,
            Some(reason) => return Some(format!("the addresses of {host}: {reason}")),
        };
        let again = text::shell(inet.host.as_bytes());
        let what = format!("the host name {host} does not resolve: {error} (getent hosts {again})");
        return Some(text::sentence(&what));
    }
    let reason = facts.path()?.walk.unseen()?;
    Some(text::sentence(&format!("the path, which could not be walked: {reason}")))
}

/// What could not be seen, each thing once, unless a certain cause made it irrelevant.
fn unseen_facts(found: &[Examined], causes: &[Ranked]) -> Vec<UnseenFact> {
    let mut unseen: Vec<UnseenFact> = Vec::new();
    if causes.first().is_some_and(|r| r.certainty == Certainty::Certain) {
        return unseen;
    }
    for e in found {
        if let Finding::Unseen(what) = e.finding
            && !unseen.iter().any(|u| u.what == what)
        {
            unseen.push(UnseenFact { what: what.into(), decides: e.cause.id });
        }
    }
    unseen
}
