//! The catalogue: one entry for each precise reason for one symptom of one call.
//!
//! An entry ([`Cause`]) holds everything the project knows of its cause: the words, the errno on
//! each platform with the evidence for it, the documents that mention it, the test that recognises
//! it in observed [facts](crate::fact), and how it is provoked on a live kernel. One file for each
//! call; adding a cause is adding one entry. Ids are never reused.

use crate::case::{Case, Finding};
use crate::{Call, Errno, Platform, SocketType, Sockets, Symptom};

/// One precise reason for one symptom of one call.
#[derive(Debug, Clone, Copy)]
pub struct Cause {
    /// The stable name: `call/reason`. A cause that several calls share carries the name of the
    /// first.
    pub id: &'static str,
    /// The calls that can fail for this reason, each with the place of its check in the order
    /// of checks on Linux: lower places are checked first.
    pub calls: &'static [Place],
    /// The socket types concerned.
    pub sockets: Sockets,
    /// What the program sees on each platform, and what that rests on. The first rule that
    /// matches platform and socket type holds.
    pub shows: &'static [Rule],
    /// A title in a few words, without the errno.
    pub title: &'static str,
    /// What happened.
    pub happened: &'static str,
    /// Why systems behave so.
    pub why: &'static str,
    /// What to do about it.
    pub fix: &'static str,
    /// Commands to paste, with placeholders that facts fill; see [`crate::Ranked::commands`].
    pub commands: &'static [&'static str],
    /// What the documents get wrong about it, if they do.
    pub differs: Option<&'static str>,
    /// Where it is documented.
    pub documents: &'static [Document],
    /// When the kernel notices.
    pub class: Class,
    /// Recognises the cause in observed facts.
    pub test: fn(&Case<'_>) -> Finding,
    /// Causes with the same symptom that leave the same facts: observation cannot tell them apart.
    pub confusable: &'static [&'static str],
    /// How it is provoked on a live kernel, or why it cannot be.
    pub provoke: Provoke,
}

/// A call, and when in the order of its checks a cause is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The call.
    pub call: Call,
    /// The place, 0 to 255, by the order of checks on Linux.
    pub order: u8,
}

/// What a cause shows on some platforms, for some socket types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The platforms.
    pub platforms: &'static [Platform],
    /// The socket types.
    pub sockets: Sockets,
    /// What is seen.
    pub effect: Effect,
    /// What this rests on.
    pub evidence: Evidence,
}

/// What a platform does in a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The program sees this.
    Shows(Symptom),
    /// The situation does not arise, or is not an error, there.
    Never,
}

/// What a statement about a platform rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// It was provoked on a live kernel.
    Measured,
    /// It was read in the system's source.
    Source,
    /// A manual says so.
    Manual,
    /// Nobody has looked; it follows from the system's descent.
    Inferred,
}

impl Evidence {
    /// `measured`, `source`, `manual` or `inferred`.
    pub const fn name(self) -> &'static str {
        match self {
            Evidence::Measured => "measured",
            Evidence::Source => "source",
            Evidence::Manual => "manual",
            Evidence::Inferred => "inferred",
        }
    }
}

/// A document that mentions a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Document {
    /// OpenServer's list of UNIX domain error codes.
    OpenServer,
    /// Linux `unix(7)`.
    Unix7,
    /// BSD `connect(2)`.
    BsdConnect2,
    /// POSIX.1-2024, the page of this function.
    Posix(&'static str),
    /// Another manual page, for example `socket(7)`.
    Man(&'static str),
    /// Nothing but the kernel's source, in this file.
    Source(&'static str),
}

/// When the kernel notices a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Before anything has changed: the call can be repeated once the cause is gone.
    UpFront,
    /// After part of the work was done, or after the state of the socket changed.
    MidWay,
    /// Without an error.
    Silent,
    /// While the call, or one that follows, waits.
    Waiting,
}

impl Class {
    /// `checked up front`, `mid-way`, `silent` or `waiting`.
    pub const fn name(self) -> &'static str {
        match self {
            Class::UpFront => "checked up front",
            Class::MidWay => "mid-way",
            Class::Silent => "silent",
            Class::Waiting => "waiting",
        }
    }
}

/// How a cause is provoked on a live Linux kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provoke {
    /// `sunpath conform` does, in these steps.
    Live(&'static str),
    /// It cannot be; this is why.
    Not(&'static str),
}

impl Cause {
    /// Whether this call can fail for this reason.
    pub fn concerns(&self, call: Call) -> bool {
        self.order(call).is_some()
    }

    /// The place of the check in the call's order of checks.
    pub fn order(&self, call: Call) -> Option<u8> {
        self.calls.iter().find(|p| p.call == call).map(|p| p.order)
    }

    /// The rule for a platform and socket type.
    pub fn rule(&self, platform: Platform, socket: SocketType) -> Option<&'static Rule> {
        self.shows.iter().find(|r| r.platforms.contains(&platform) && r.sockets.contains(socket))
    }

    /// What a program sees on a platform; `None` where it never happens.
    pub fn symptom(&self, platform: Platform, socket: SocketType) -> Option<Symptom> {
        match self.rule(platform, socket)?.effect {
            Effect::Shows(symptom) => Some(symptom),
            Effect::Never => None,
        }
    }

    /// The errors that this cause shows on any platform, without repetition.
    pub fn errnos(&self) -> impl Iterator<Item = Errno> {
        let errno = |r: &'static Rule| match r.effect {
            Effect::Shows(Symptom::Errno(e)) => Some(e),
            _ => None,
        };
        let rules = self.shows;
        rules.iter().enumerate().filter_map(move |(i, rule)| {
            let e = errno(rule)?;
            (!rules[..i].iter().any(|earlier| errno(earlier) == Some(e))).then_some(e)
        })
    }
}

/// Every cause, call by call.
pub fn all() -> impl Iterator<Item = &'static Cause> {
    FILES.iter().flat_map(|file| file.iter())
}

/// The cause with this id.
pub fn find(id: &str) -> Option<&'static Cause> {
    all().find(|c| c.id == id)
}

/// The causes that show this error on any platform.
pub fn for_errno(errno: Errno) -> impl Iterator<Item = &'static Cause> {
    all().filter(move |c| c.errnos().any(|e| e == errno))
}

/// The causes of a call, in the order in which Linux checks them.
pub fn for_call(call: Call) -> alloc::vec::Vec<&'static Cause> {
    let mut causes: alloc::vec::Vec<_> = all().filter(|c| c.concerns(call)).collect();
    causes.sort_by_key(|c| c.order(call));
    causes
}

/// Ids that were in use once and may never be used again.
pub const RETIRED: &[&str] = &[];

/// The slices of the catalogue, one for each file.
const FILES: &[&[Cause]] = &[
    socket::CAUSES,
    descriptor::CAUSES,
    bind::directory::CAUSES,
    bind::exists::CAUSES,
    bind::own::CAUSES,
    listen::CAUSES,
    accept::CAUSES,
    connect::address::CAUSES,
    connect::path::CAUSES,
    connect::near::CAUSES,
    connect::access::CAUSES,
    connect::policy::CAUSES,
    connect::rebound::CAUSES,
    connect::refused::CAUSES,
    connect::abstract_name::CAUSES,
    connect::state::CAUSES,
    connect::timed_out::CAUSES,
    connect::elsewhere::CAUSES,
    wait::CAUSES,
    send::state::CAUSES,
    send::address::CAUSES,
    send::room::CAUSES,
    send::size::CAUSES,
    recv::state::CAUSES,
    recv::queue::CAUSES,
    rights::CAUSES,
    ancillary::CAUSES,
    name::CAUSES,
    shutdown::CAUSES,
    option::CAUSES,
    inet::attempt::CAUSES,
    inet::address::CAUSES,
    inet::route::CAUSES,
    inet::port::CAUSES,
    inet::answer::CAUSES,
    inet::transfer::CAUSES,
];

/// Short forms for writing entries.
mod build {
    use super::*;

    pub(in crate::cause) const LINUX: &[Platform] = &[Platform::Linux];
    pub(in crate::cause) const FREEBSD: &[Platform] = &[Platform::FreeBsd14, Platform::FreeBsd15];
    pub(in crate::cause) const FREEBSD_14: &[Platform] = &[Platform::FreeBsd14];
    pub(in crate::cause) const FREEBSD_15: &[Platform] = &[Platform::FreeBsd15];
    pub(in crate::cause) const MACOS: &[Platform] = &[Platform::MacOs];
    pub(in crate::cause) const OPENSERVER: &[Platform] = &[Platform::OpenServer];
    pub(in crate::cause) const BSDS: &[Platform] =
        &[Platform::FreeBsd14, Platform::FreeBsd15, Platform::MacOs];
    pub(in crate::cause) const NOT_LINUX: &[Platform] =
        &[Platform::FreeBsd14, Platform::FreeBsd15, Platform::MacOs, Platform::OpenServer];

    /// A check of `call`, at this place in its order of checks.
    pub(in crate::cause) const fn at(call: Call, order: u8) -> Place {
        Place { call, order }
    }

    /// All socket types show this errno on these platforms.
    pub(in crate::cause) const fn fails(
        platforms: &'static [Platform],
        errno: Errno,
        evidence: Evidence,
    ) -> Rule {
        shows(platforms, Symptom::Errno(errno), evidence)
    }

    /// All socket types show this symptom on these platforms.
    pub(in crate::cause) const fn shows(
        platforms: &'static [Platform],
        symptom: Symptom,
        evidence: Evidence,
    ) -> Rule {
        Rule { platforms, sockets: Sockets::ANY, effect: Effect::Shows(symptom), evidence }
    }

    /// It does not happen on these platforms.
    pub(in crate::cause) const fn never(
        platforms: &'static [Platform],
        evidence: Evidence,
    ) -> Rule {
        Rule { platforms, sockets: Sockets::ANY, effect: Effect::Never, evidence }
    }

    impl Rule {
        /// Narrows the rule to some socket types.
        pub(in crate::cause) const fn on(self, sockets: Sockets) -> Rule {
            Rule { sockets, ..self }
        }
    }
}

mod accept;
mod ancillary;
mod bind;
mod connect;
mod descriptor;
mod inet;
mod listen;
mod look;
mod mistake;
mod name;
mod option;
mod own;
mod recv;
mod rights;
mod send;
mod shutdown;
mod socket;
mod wait;
