//! The shipped traces: each tells the story of one cause, and holds on every system that it is
//! about.
//!
//! With `SUNPATH_RECORD=1` the lines that expect something are rewritten to what happens now.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use sunpath_core::cause::{Document, Effect};
use sunpath_core::model::World;
use sunpath_core::op::Ret;
use sunpath_core::profile::Profile;
use sunpath_core::trace::{Expected, Line, Outcome, Played, Trace, play};
use sunpath_core::{Cause, Errno, Platform, Symptom, cause, lists};

/// The traces that lie beside the crate; none where only the crate was unpacked.
fn stories() -> Vec<(PathBuf, Trace)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../traces");
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        let Ok(items) = fs::read_dir(&folder) else {
            eprintln!("skipped: there are no traces in {}", folder.display());
            return found;
        };
        for item in items {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "trace") {
                let text = fs::read_to_string(&path).unwrap();
                let trace = text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                found.push((path, trace));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// The id that a story is named after: its folder and its file.
fn id_of(path: &Path) -> String {
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_string();
    format!("{}/{}", name(path.parent().unwrap()), name(path))
}

/// What is wrong with a story on a system.
fn faults(trace: &Trace, platform: Platform) -> Vec<String> {
    let mut world = World::new(Profile::of(platform).clone());
    let played = match play(trace, &mut world) {
        Ok(played) => played,
        Err(error) => return vec![format!("{platform}: {error}")],
    };
    let mut faults = Vec::new();
    for step in &played {
        let silent = match (&step.outcome, step.expected) {
            (Some(Outcome::Done(_) | Outcome::Idle) | None, None) => None,
            (Some(outcome), None) => Some(format!("nobody expected {outcome}")),
            (_, Some(_)) => None,
        };
        let fault = step.fault().or(silent);
        let line = step.step.line;
        faults.extend(fault.map(|f| format!("{platform}: line {line}: {}: {f}", step.step.event)));
    }
    for line in &trace.lines {
        let Line::About(causes) = line else { continue };
        for id in causes {
            let shown = shows(cause::find(id).unwrap(), platform);
            let seen = shown.is_empty() || shown.iter().any(|symptom| happened(&played, *symptom));
            if !seen {
                faults.push(format!("{platform}: nothing shows {id}"));
            }
        }
    }
    faults
}

/// What a cause shows on a system, for whatever socket.
fn shows(cause: &Cause, platform: Platform) -> Vec<Symptom> {
    let rules = cause.shows.iter().filter(|rule| rule.platforms.contains(&platform));
    let symptom = |effect| match effect {
        Effect::Shows(symptom) => Some(symptom),
        Effect::Never => None,
    };
    rules.filter_map(|rule| symptom(rule.effect)).collect()
}

/// Whether a symptom that is no error was seen.
fn happened(played: &[Played<'_>], symptom: Symptom) -> bool {
    let received = |test: fn(&sunpath_core::op::Received) -> bool| {
        played.iter().any(|step| match &step.outcome {
            Some(Outcome::Done(Ret::Received(received))) => test(received),
            _ => false,
        })
    };
    match symptom {
        Symptom::EndOfFile => received(|r| r.returned == 0),
        Symptom::ControlTruncated => received(|r| r.control_truncated),
        Symptom::MessageTruncated => received(|r| r.truncated),
        Symptom::DescriptorsLost => {
            played.iter().any(|s| s.outcome == Some(Outcome::Done(Ret::Count(0))))
        }
        Symptom::Hangs => played.iter().any(|s| matches!(s.outcome, Some(Outcome::Waits(_)))),
        Symptom::Errno(errno) => played
            .iter()
            .any(|s| matches!(&s.outcome, Some(Outcome::Failed { errno: e, .. }) if *e == errno)),
    }
}

#[test]
fn every_story_holds_on_every_system_that_it_is_about() {
    let mut wrong = Vec::new();
    for (path, mut trace) in stories() {
        if std::env::var_os("SUNPATH_RECORD").is_some() {
            record(&path, &mut trace);
        }
        let id = id_of(&path);
        if trace.title().is_none_or(str::is_empty) {
            wrong.push(format!("{id}: no title"));
        }
        if cause::find(&id).is_some() && !trace.causes().iter().any(|cause| *cause == id) {
            wrong.push(format!("{id}: does not name its cause"));
        }
        for platform in trace.platforms() {
            let run = || faults(&trace, platform);
            let faults = std::panic::catch_unwind(run).unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>().cloned();
                vec![format!("{platform}: panicked: {}", text.unwrap_or_default())]
            });
            wrong.extend(faults.iter().map(|fault| format!("{id}: {fault}")));
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

/// Errors of the lists whose causes have no story, and why.
const UNTOLD: &[(Errno, &str, &str)] = &[
    (Errno::EPIPE, "send/pending-reset", "the model's packets fail for the closed peer there"),
    (Errno::EPIPE, "send/peer-closed-while-blocked", "told as send/peer-closed there"),
    (
        Errno::ENOMEM,
        "option/filter-too-large",
        "the model counts instructions, not what they become",
    ),
];

/// Causes that no story tells, and why.
const WITHOUT_STORY: &[(&str, &str)] = &[
    ("bind/no-free-name", "there are 1048576 automatic names, and a story would take them all"),
    (
        "option/filter-too-large",
        "a story's filters are of the shortest instructions, which never need so much memory",
    ),
];

/// Each cause of the catalogue is named by a story, or there is a reason why it cannot be.
#[test]
fn every_cause_has_its_story_or_a_reason() {
    let stories = stories();
    let told: BTreeSet<_> = stories.iter().flat_map(|(_, trace)| trace.causes()).collect();
    let excused = |id: &str| WITHOUT_STORY.iter().any(|(excused, _)| *excused == id);
    let all = || cause::all().map(|cause| cause.id);
    let missing: Vec<_> = all().filter(|id| !told.contains(id) && !excused(id)).collect();
    assert!(missing.is_empty() || stories.is_empty(), "no story names {missing:?}");
    let idle: Vec<_> = WITHOUT_STORY.iter().filter(|(id, _)| told.contains(id)).collect();
    assert!(idle.is_empty(), "there is a story: {idle:?}");
    assert!(WITHOUT_STORY.iter().all(|(id, _)| cause::find(id).is_some()));
}

/// Each error of the three reference lists, with each cause that the catalogue knows for it, has a
/// story in which it happens.
#[test]
fn every_error_of_the_lists_has_its_stories() {
    let stories = stories();
    let mut told = BTreeSet::new();
    for step in stories.iter().flat_map(|(_, trace)| trace.steps()) {
        for expectation in &step.expected {
            if let Expected::Fails { errno: Some(errno), cause: Some(id), .. } = expectation.is {
                told.insert((errno, id));
            }
        }
    }
    let mut missing = Vec::new();
    for entry in cause::all() {
        let listed = |errno: Errno| entry.documents.iter().any(|d| lists_it(*d, errno));
        for errno in entry.errnos().filter(|errno| listed(*errno)) {
            let excused = UNTOLD.iter().any(|(e, id, _)| (*e, *id) == (errno, entry.id));
            if !told.contains(&(errno, entry.id)) && !excused {
                missing.push(format!("{errno} {}", entry.id));
            }
        }
    }
    assert!(missing.is_empty() || stories.is_empty(), "{}", missing.join("\n"));
}

fn lists_it(document: Document, errno: Errno) -> bool {
    let names = match document {
        Document::OpenServer => lists::OPENSERVER,
        Document::Unix7 => lists::UNIX_7,
        Document::BsdConnect2 => lists::BSD_CONNECT_2,
        _ => return false,
    };
    names.iter().any(|name| name.parse() == Ok(errno))
}

/// Rewrites what is expected, where something is.
fn record(path: &Path, trace: &mut Trace) {
    for platform in trace.platforms() {
        let before = trace.clone();
        let mut world = World::new(Profile::of(platform).clone());
        let played = play(&before, &mut world).unwrap();
        let told = |step: Played<'_>| {
            if step.step.expected.iter().any(|e| e.concerns(platform)) { step.told } else { None }
        };
        let told: Vec<Option<Expected>> = played.into_iter().map(told).collect();
        trace.record(platform, &told);
    }
    fs::write(path, trace.to_string()).unwrap();
}
