//! Lists of causes: the index, an errno's, a call's, and what a search found.

use super::page::Page;
use super::text::count;
use super::{CODE, DIM, HEAD, paint};
use sunpath::{Call, Cause, Platform, Symptom, cause};

/// The index of the catalogue, by the call that each id begins with.
pub fn index(width: usize) -> String {
    let mut page = Page::new(width);
    let total = cause::all().count();
    page.line(&format!("{} of socket errors", count(total, "cause")));
    for call in Call::ALL {
        let causes: Vec<_> = cause::all().filter(|c| first_call(c) == Some(*call)).collect();
        if !causes.is_empty() {
            page.head(call.name());
            page.table(&causes.iter().map(|c| row(c, &shown(c))).collect::<Vec<_>>(), 2);
        }
    }
    pointer(&mut page);
    page.finish()
}

/// The causes of an error or another symptom, call by call.
pub fn symptom(symptom: Symptom, meaning: &str, width: usize) -> String {
    let mut page = Page::new(width);
    page.para(&format!("{}: {meaning}", paint(HEAD, symptom.name())), 0);
    let groups = by_call(symptom);
    if groups.is_empty() {
        page.gap();
        page.para("No cause in the catalogue shows it.", 0);
    }
    for (call, causes) in groups {
        page.head(call.name());
        page.table(&causes.iter().map(|c| row(c, &elsewhere(c, symptom))).collect::<Vec<_>>(), 2);
    }
    pointer(&mut page);
    page.finish()
}

/// The errors of a call, each with its causes.
pub fn call(call: Call, width: usize) -> String {
    let mut page = Page::new(width);
    let groups = by_symptom(call);
    let causes = cause::for_call(call).len();
    let what = format!("{}, {}", count(groups.len(), "symptom"), count(causes, "cause"));
    page.line(&format!("{}: {what}", paint(HEAD, call.name())));
    for (symptom, causes) in groups {
        page.head(symptom.name());
        page.table(&causes.iter().map(|c| row(c, &elsewhere(c, symptom))).collect::<Vec<_>>(), 2);
    }
    pointer(&mut page);
    page.finish()
}

/// What a search found, best first.
pub fn found(causes: &[&'static Cause], width: usize) -> String {
    let mut page = Page::new(width);
    page.table(&causes.iter().map(|c| row(c, &shown(c))).collect::<Vec<_>>(), 0);
    pointer(&mut page);
    page.finish()
}

/// The causes that show a symptom on any platform, by call.
pub fn by_call(symptom: Symptom) -> Vec<(Call, Vec<&'static Cause>)> {
    let of = |call: &Call| {
        let mut causes = cause::for_call(*call);
        causes.retain(|c| symptoms(c).contains(&symptom));
        (*call, causes)
    };
    Call::ALL.iter().map(of).filter(|(_, causes)| !causes.is_empty()).collect()
}

/// The symptoms of a call on any platform, errors first, with their causes.
pub fn by_symptom(call: Call) -> Vec<(Symptom, Vec<&'static Cause>)> {
    let mut groups: Vec<(Symptom, Vec<&'static Cause>)> = Vec::new();
    for cause in cause::for_call(call) {
        for symptom in symptoms(cause) {
            match groups.iter_mut().find(|(s, _)| *s == symptom) {
                Some((_, causes)) => causes.push(cause),
                None => groups.push((symptom, vec![cause])),
            }
        }
    }
    groups.sort_by_key(|(symptom, _)| *symptom);
    groups
}

/// What a cause shows, on any platform, Linux's first.
pub fn symptoms(cause: &Cause) -> Vec<Symptom> {
    let mut found = Vec::new();
    for platform in Platform::ALL {
        for socket in cause.sockets.iter() {
            found.extend(cause.symptom(*platform, socket).filter(|s| !found.contains(s)));
        }
    }
    found
}

fn first_call(cause: &Cause) -> Option<Call> {
    let prefix = cause.id.split('/').next()?;
    prefix.parse().ok().or_else(|| cause.calls.first().map(|p| p.call))
}

/// What it shows, in words.
fn shown(cause: &Cause) -> String {
    let names: Vec<_> = symptoms(cause).iter().map(|s| s.name()).collect();
    names.join(", ")
}

/// Where it shows a symptom, if not on Linux.
fn elsewhere(cause: &Cause, symptom: Symptom) -> String {
    let shows = |p: &Platform| cause.sockets.iter().any(|t| cause.symptom(*p, t) == Some(symptom));
    if shows(&Platform::Linux) {
        return String::new();
    }
    let platforms: Vec<_> = Platform::ALL.iter().filter(|p| shows(p)).map(|p| p.name()).collect();
    format!("only {}", platforms.join(", "))
}

fn row(cause: &Cause, note: &str) -> Vec<String> {
    let note = if note.is_empty() { String::new() } else { paint(DIM, &format!(" ({note})")) };
    vec![paint(CODE, cause.id), format!("{}{note}", cause.title)]
}

fn pointer(page: &mut Page) {
    page.gap();
    page.line(&format!("More on one of them: {}", paint(CODE, "sunpath explain ID")));
}
