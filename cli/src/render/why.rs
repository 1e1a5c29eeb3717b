//! The answer of `sunpath why`, for people.

mod caller;
mod mark;
mod verdict;

use super::page::Page;
use super::text::{calm, capital};
use super::{CODE, DIM, paint, server, tree};
use std::borrow::Cow;
use std::collections::BTreeSet;
use sunpath::fact::path::End;
use sunpath::fact::{PathTarget, Seen, SocketFact, Target, Unseen};
use sunpath::text::shell;
use sunpath::{Call, Certainty, Diagnosis, Endpoint, Facts, Outcome, Ranked, SocketType};

/// Causes beside the first that are shown at most.
const MOST: usize = 6;

/// Everything that an answer is made of.
pub struct Answer<'a> {
    /// What was asked about.
    pub endpoint: &'a Endpoint,
    /// Whose call it is, if not the observer's: `www-data`, `process 4711`.
    pub who: Option<String>,
    /// The answer.
    pub diagnosis: &'a Diagnosis,
    /// With a symptom: what the call would do now.
    pub now: Option<Outcome>,
    /// Whether the call was really made.
    pub tried: bool,
    /// What it rests on.
    pub facts: &'a Facts,
    /// Remarks on how the question was understood, or what was done to answer it.
    pub notes: Vec<String>,
    /// What to say in the place of what the catalogue says of the first cause.
    pub instead: Option<Instead>,
}

/// What is known of the first cause that the kernel does not know: who made what is there.
pub struct Instead {
    /// For its title.
    pub title: String,
    /// After what decided.
    pub evidence: String,
    /// For its fix.
    pub fix: String,
    /// For its commands.
    pub command: String,
}

impl Instead {
    /// All in a line, beside an answer that goes by the catalogue.
    pub fn note(&self) -> String {
        format!("{}: {}", capital(&self.title), self.command)
    }
}

impl Answer<'_> {
    /// The cause that the answer stands on: the first, unless there are only possibilities.
    fn main_cause(&self) -> Option<&Ranked> {
        self.diagnosis.causes.first().filter(|first| first.certainty != Certainty::Possible)
    }

    /// What the first cause is, in a few words.
    fn title(&self) -> &str {
        let first = self.diagnosis.causes.first().map(|first| first.cause.title);
        self.instead.as_ref().map_or(first.unwrap_or_default(), |instead| &instead.title)
    }

    /// Whether what is missing is so much that no cause is in question: the answer says so itself.
    fn is_blind(&self) -> bool {
        self.diagnosis.unseen.iter().any(|u| u.decides.is_empty())
    }
}

/// Lays the answer out.
pub fn report(answer: &Answer<'_>, width: usize) -> String {
    let mut page = Page::new(width);
    verdict::write(&mut page, answer);
    target(&mut page, answer);
    if caller::matters(answer) {
        caller::write(&mut page, answer);
    }
    evidence(&mut page, answer);
    unseen(&mut page, answer);
    remedy(&mut page, answer);
    page.finish()
}

/// What the address leads to.
fn target(page: &mut Page, answer: &Answer<'_>) {
    match &answer.facts.target {
        Target::None => {}
        Target::Path(path) => {
            page.gap();
            let walked = as_walked(path, answer.diagnosis.call);
            tree::draw(page, &walked, mark::of(answer, &walked).as_ref());
            list_of(page, "Server", &path.attached, false);
            list_of(page, "The open socket", &path.open, true);
            if path.attached.known().is_none_or(Vec::is_empty) {
                let spelt = &path.variants.abstract_name;
                list_of(page, "Bound to the same name", &path.namesakes, true);
                list_of(page, "Bound to the file below this view", &path.lookalikes, true);
                list_of(page, "Bound to an abstract name of this spelling", spelt, true);
            }
        }
        Target::Abstract(name) => {
            list_of(page, "Server", &name.bound, false);
            if name.bound.known().is_none_or(Vec::is_empty) {
                list_of(page, "In another network namespace", &name.elsewhere, true);
                list_of(page, "With more or fewer NUL bytes at its end", &name.padded, true);
            }
        }
        Target::Inet(inet) => {
            page.gap();
            server::inet(page, inet);
        }
    }
}

/// The path as far as the call walks it: `bind` does not follow a symbolic link at the end.
fn as_walked(path: &PathTarget, call: Call) -> Cow<'_, PathTarget> {
    let named = path.walk.known().and_then(|w| w.named).filter(|_| call == Call::Bind);
    let mut path = Cow::Borrowed(path);
    if let Some(named) = named
        && let Seen::Known(walk) = &mut path.to_mut().walk
    {
        walk.steps.truncate(named + 1);
        walk.end = End::Found;
    }
    path
}

fn list_of(page: &mut Page, heading: &str, sockets: &Seen<Vec<SocketFact>>, names: bool) {
    if let Some(sockets) = sockets.known().filter(|s| !s.is_empty()) {
        server::sockets(page, heading, sockets, names);
    }
}

/// What shows the cause, and what else it could be.
fn evidence(page: &mut Page, answer: &Answer<'_>) {
    let causes = &answer.diagnosis.causes;
    let main = answer.main_cause();
    if let Some(main) = main {
        page.head("Evidence");
        page.para(&decided(main), 2);
        if let Some(instead) = &answer.instead {
            page.para(&instead.evidence, 2);
        }
        page.para(&tag(main), 2);
    }
    let others = if main.is_some() { &causes[1..] } else { &causes[..] };
    if others.is_empty() {
        return;
    }
    page.head(if main.is_some() { "Other possible causes" } else { "Possible causes" });
    for other in others.iter().take(MOST) {
        page.para(&format!("{} {}", capital(other.cause.title), tag(other)), 2);
        page.para(&paint(DIM, &sentence(&other.because)), 4);
    }
    if others.len() > MOST {
        page.para(&paint(DIM, &format!("and {} more; --json lists all", others.len() - MOST)), 2);
    }
}

/// The fact that decided.
fn decided(main: &Ranked) -> String {
    match main.because.strip_prefix("not visible: ") {
        Some(what) => {
            let what = capital(&calm(what));
            format!("{what} could not be seen, and no other cause is left.")
        }
        None => sentence(&main.because),
    }
}

/// A sentence. Its first word keeps its case unless it is a plain word: it may be a name.
fn sentence(text: &str) -> String {
    const PLAIN: [&str; 14] = [
        "a", "an", "another", "by", "every", "it", "no", "nobody", "nothing", "only", "the",
        "there", "this", "not",
    ];
    let text = calm(text);
    let first = text.split(' ').next().unwrap_or_default();
    let start = if PLAIN.contains(&first) { capital(&text) } else { text.clone() };
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{start}{end}")
}

fn tag(ranked: &Ranked) -> String {
    paint(DIM, &format!("[{}, {}]", ranked.cause.id, ranked.certainty.name()))
}

/// What could not be seen, and what would show it.
fn unseen(page: &mut Page, answer: &Answer<'_>) {
    let certain = |r: &Ranked| r.certainty == Certainty::Certain;
    if answer.diagnosis.causes.first().is_some_and(certain) {
        return;
    }
    let told = |what: &&str| {
        let shown = answer.diagnosis.causes.iter().take(MOST + 1);
        shown.map(|r| r.because.strip_prefix("not visible: ")).any(|b| b == Some(what))
    };
    let unseen = answer.diagnosis.unseen.iter().map(|u| u.what.as_str());
    let what: BTreeSet<&str> = unseen.filter(|what| !told(what)).collect();
    let hidden = hidden(answer);
    if what.is_empty() && hidden.is_empty() {
        return;
    }
    page.head("Not visible");
    for what in what {
        page.para(&capital(what), 2);
    }
    for (what, why) in hidden {
        page.para(&format!("{}: {}", capital(what), calm(&why)), 2);
    }
}

/// The facts that somebody looked for in vain, with the reason.
fn hidden(answer: &Answer<'_>) -> Vec<(&'static str, String)> {
    fn note<T>(out: &mut Vec<(&'static str, String)>, what: &'static str, fact: &Seen<T>) {
        match fact.unseen() {
            None | Some(Unseen::NotLooked) => {}
            Some(reason) => out.push((what, reason.to_string())),
        }
    }
    let facts = answer.facts;
    let mut out = Vec::new();
    match &facts.target {
        Target::None => {}
        Target::Path(path) => {
            if !answer.is_blind() {
                note(&mut out, "the path", &path.walk);
            }
            note(&mut out, "the sockets bound to this file", &path.attached);
            note(&mut out, "some other namespaces or processes", &path.everywhere);
        }
        Target::Abstract(name) => {
            note(&mut out, "the sockets bound to this name", &name.bound);
            note(&mut out, "some other network namespaces", &name.everywhere);
        }
        // Without an address, nothing else was to be seen.
        Target::Inet(inet) if inet.is_unresolved() && answer.is_blind() => {}
        Target::Inet(inet) => {
            note(&mut out, "the addresses of the host", &inet.addresses);
            note(&mut out, "the route", &inet.route);
            note(&mut out, "the sockets bound to the port", &inet.listeners);
        }
    }
    note(&mut out, "the caller's user and groups", &facts.caller.ids);
    note(&mut out, "the caller's system call filter", &facts.caller.seccomp);
    out
}

/// What to do.
fn remedy(page: &mut Page, answer: &Answer<'_>) {
    let Some(main) = answer.main_cause() else {
        let unresolved = answer.facts.inet().filter(|i| i.is_unresolved() && answer.is_blind());
        if let Some(inet) = unresolved {
            page.head("What to do");
            page.para("Ask the resolver itself, and correct the name or what it goes by.", 2);
            page.commands(&[format!("getent hosts {}", shell(inet.host.as_bytes()))]);
        }
        if !answer.diagnosis.causes.is_empty() {
            page.gap();
            page.line(&format!("More on one of them: {}", paint(CODE, "sunpath explain ID")));
        }
        return;
    };
    page.head("What to do");
    if let Some(instead) = &answer.instead {
        page.para(&instead.fix, 2);
        return page.commands(std::slice::from_ref(&instead.command));
    }
    page.para(main.cause.fix, 2);
    page.commands(&main.commands);
    page.gap();
    let explain = format!("sunpath explain {}", main.cause.id);
    page.line(&format!("  More: {}", paint(CODE, &explain)));
}

/// Whether what a call does depends on the caller's own socket more than on the address.
pub fn depends_on_own_socket(call: Call, socket: SocketType) -> bool {
    match call {
        Call::Listen | Call::Recv => true,
        Call::Send => socket.is_connection_oriented(),
        _ => false,
    }
}

/// The types of live sockets at the address.
pub fn live_types(facts: &Facts) -> Vec<&'static str> {
    let sockets = match &facts.target {
        Target::Path(path) => path.attached.known(),
        Target::Abstract(name) => name.bound.known(),
        _ => None,
    };
    let mut names: Vec<_> = sockets.into_iter().flatten().map(|s| s.kind.name()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The remark that the type was assumed, if the only live socket has another.
pub fn assumed_type(facts: &Facts, asked: &str) -> Option<String> {
    match live_types(facts).as_slice() {
        [only] if *only != asked => Some(format!(
            "A {asked} socket was assumed; the server's is {only}. For that, ask with --type {only}."
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
