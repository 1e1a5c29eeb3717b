//! From a symptom and facts to ranked causes: a pure function.

use crate::cause::{self, Cause, Effect};
use crate::fact::Facts;
use crate::{Call, Errno, Platform, SocketType, Symptom, remedy};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a cause's test is given.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The call in question.
    pub call: Call,
    /// The type of the caller's socket.
    pub socket: SocketType,
    /// The platform by whose rules the facts are judged.
    pub platform: Platform,
    /// What the program saw; `None` to predict.
    pub symptom: Option<Symptom>,
    /// What was observed.
    pub facts: &'a Facts,
}

/// What a cause's test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The facts show that the condition of this cause is met. In words, with the values.
    Holds(String),
    /// The facts point to it, but leave another possibility. In words, with the values and with
    /// what would be needed to be certain.
    Suggests(String),
    /// The facts show that the condition is not met.
    Excluded,
    /// A fact that decides it could not be seen; which one. It may be seen with more privilege or
    /// at another time.
    Unseen(&'static str),
    /// Nothing that can be observed ever decides it (for example, that memory was short): only
    /// the symptom points to it. In words: what would lead to it.
    Unobservable(&'static str),
}

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
    /// The id of the cause that it would have decided.
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
    /// Causes, the surest first; the first in the kernel's order of checks among equals.
    pub causes: Vec<Ranked>,
    /// What could not be seen.
    pub unseen: Vec<UnseenFact>,
}

/// Judges facts by Linux's rules: the causes of a symptom, or, without one, what the call would do.
///
/// With a symptom, the causes that can show it are ranked. The first in the kernel's order of
/// checks whose condition the facts show is certain, unless an earlier one could not be seen. If
/// none is shown, one that remains after all others were excluded is likely.
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
    let (outcome, causes) = match symptom {
        Some(symptom) => (symptom.into(), rank(&case, &found)),
        None => predict(&case, &found),
    };
    let unseen = unseen_facts(&found, &causes);
    Diagnosis { call, socket, symptom, outcome, causes, unseen }
}

struct Examined {
    cause: &'static Cause,
    shows: Symptom,
    finding: Finding,
}

/// Runs the tests of every cause that fits call, socket type and symptom, in order of checks.
fn examine(case: &Case<'_>) -> Vec<Examined> {
    let mut found = Vec::new();
    for cause in cause::for_call(case.call) {
        if !cause.sockets.contains(case.socket) {
            continue;
        }
        let Some(rule) = cause.rule(case.platform, case.socket) else { continue };
        let Effect::Shows(shows) = rule.effect else { continue };
        if case.symptom.is_some_and(|s| s != shows) {
            continue;
        }
        let finding = (cause.test)(case);
        found.push(Examined { cause, shows, finding });
    }
    found
}

/// The causes of a known symptom, the surest first.
fn rank(case: &Case<'_>, found: &[Examined]) -> Vec<Ranked> {
    let open = found.iter().filter(|e| e.finding != Finding::Excluded).count();
    let mut doubt_before = false;
    let mut decided = false;
    let mut ranked = Vec::new();
    for e in found {
        let (certainty, because) = match &e.finding {
            Finding::Excluded => continue,
            Finding::Holds(because) => {
                let certainty = match (decided, doubt_before) {
                    (true, _) => Certainty::Possible,
                    (false, true) => Certainty::Likely,
                    (false, false) => Certainty::Certain,
                };
                decided = true;
                (certainty, because.clone())
            }
            Finding::Suggests(because) if decided => (Certainty::Possible, because.clone()),
            Finding::Suggests(because) => (Certainty::Likely, because.clone()),
            Finding::Unseen(what) => {
                doubt_before = true;
                (remaining(open), without("not visible: ", what))
            }
            Finding::Unobservable(what) => (remaining(open), without("", what)),
        };
        ranked.push(to_ranked(case, e.cause, certainty, because));
    }
    if ranked.first().is_some() {
        let certain = ranked.iter().any(|r| r.certainty == Certainty::Certain);
        if certain {
            ranked.retain(|r| r.certainty != Certainty::Possible);
        }
    }
    ranked.sort_by_key(|r| r.certainty);
    ranked
}

fn remaining(open: usize) -> Certainty {
    if open == 1 { Certainty::Likely } else { Certainty::Possible }
}

fn without(prefix: &str, what: &str) -> String {
    let mut text = prefix.to_string();
    text.push_str(what);
    text
}

/// What the call would do, and the causes that decide it.
fn predict(case: &Case<'_>, found: &[Examined]) -> (Outcome, Vec<Ranked>) {
    let mut doubt = Vec::new();
    for e in found {
        match &e.finding {
            Finding::Holds(because) if doubt.is_empty() => {
                let ranked = to_ranked(case, e.cause, Certainty::Certain, because.clone());
                return (e.shows.into(), alloc::vec![ranked]);
            }
            Finding::Holds(because) | Finding::Suggests(because) => {
                let mut causes =
                    alloc::vec![to_ranked(case, e.cause, Certainty::Likely, because.clone())];
                causes.append(&mut doubt);
                return (e.shows.into(), causes);
            }
            Finding::Unseen(what) => {
                let because = without("not visible: ", what);
                doubt.push(to_ranked(case, e.cause, Certainty::Possible, because));
            }
            Finding::Excluded | Finding::Unobservable(_) => {}
        }
    }
    if doubt.is_empty() { (Outcome::Succeeds, doubt) } else { (Outcome::Unknown, doubt) }
}

fn to_ranked(
    case: &Case<'_>,
    cause: &'static Cause,
    certainty: Certainty,
    because: String,
) -> Ranked {
    Ranked { cause, certainty, because, commands: remedy::commands(cause, case) }
}

/// What could not be seen, unless a certain cause made it irrelevant.
fn unseen_facts(found: &[Examined], causes: &[Ranked]) -> Vec<UnseenFact> {
    if causes.first().is_some_and(|r| r.certainty == Certainty::Certain) {
        return Vec::new();
    }
    let unseen = found.iter().filter_map(|e| match e.finding {
        Finding::Unseen(what) => Some(UnseenFact { what: what.into(), decides: e.cause.id }),
        _ => None,
    });
    unseen.collect()
}
