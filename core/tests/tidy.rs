//! The machine check: the catalogue is complete and consistent, and the source keeps the house
//! rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use sunpath_core::cause::{Cause, Document, Effect, Provoke};
use sunpath_core::trace::Trace;
use sunpath_core::{Call, Errno, Platform, Symptom, cause, lists};

/// Collects what is wrong, so that one run tells all.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn unless(&mut self, ok: bool, fault: impl FnOnce() -> String) {
        if !ok {
            self.0.push(fault());
        }
    }

    #[track_caller]
    fn none(self) {
        assert!(self.0.is_empty(), "{} faults:\n{}", self.0.len(), self.0.join("\n"));
    }
}

fn published_ids() -> Vec<&'static str> {
    let list = include_str!("ids.txt");
    list.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect()
}

#[test]
fn ids_are_unique_well_formed_and_published() {
    let mut faults = Faults::default();
    let published = published_ids();
    let mut seen = BTreeSet::new();
    for entry in cause::all() {
        let id = entry.id;
        faults.unless(seen.insert(id), || format!("{id}: used twice"));
        faults.unless(well_formed(id), || format!("{id}: not call/reason"));
        faults.unless(published.contains(&id), || format!("{id}: not in ids.txt"));
        faults.unless(!cause::RETIRED.contains(&id), || format!("{id}: was retired"));
    }
    for id in &published {
        let known = seen.contains(id) || cause::RETIRED.contains(id);
        faults.unless(known, || format!("{id}: in ids.txt, but not in the catalogue"));
    }
    faults.unless(published.is_sorted(), || "ids.txt is not sorted".into());
    faults.none();
}

/// `call/reason`: a call or one of the four topics that several calls share, and words joined by
/// dashes.
fn well_formed(id: &str) -> bool {
    let Some((group, reason)) = id.split_once('/') else { return false };
    let word =
        |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    is_group(group) && reason.split('-').all(word)
}

fn is_group(name: &str) -> bool {
    let topics = ["ancillary", "credentials", "name", "option", "rights", "wait", "descriptor"];
    topics.contains(&name) || Call::ALL.iter().any(|c| c.name() == name)
}

#[test]
fn every_entry_is_filled() {
    let mut faults = Faults::default();
    for entry in cause::all() {
        let id = entry.id;
        for (field, text) in [("happened", entry.happened), ("why", entry.why), ("fix", entry.fix)]
        {
            faults.unless(is_prose(text), || format!("{id}: {field}: {text:?}"));
        }
        if let Some(differs) = entry.differs {
            faults.unless(is_prose(differs), || format!("{id}: differs: {differs:?}"));
        }
        let title = entry.title;
        let start = title.chars().next().is_some_and(|c| !c.is_uppercase() || is_name(title));
        let plain = start && !title.ends_with('.') && !title.contains("  ");
        faults.unless(plain, || format!("{id}: title: {title:?}"));
        faults.unless(!entry.calls.is_empty(), || format!("{id}: no call"));
        faults.unless(!entry.documents.is_empty(), || format!("{id}: no document"));
        let (Provoke::Live(how) | Provoke::Not(how)) = entry.provoke;
        let said = how.len() >= 10 && !how.ends_with('.');
        faults.unless(said, || format!("{id}: provoke: {how:?}"));
        check_commands(entry, &mut faults);
    }
    faults.none();
}

/// Sentences: a capital or a name first, a full stop last, no double spaces.
fn is_prose(text: &str) -> bool {
    text.len() >= 12
        && (text.ends_with('.') || text.ends_with(".)"))
        && !text.contains("  ")
        && !text.contains(" .")
        && !text.contains('\n')
}

/// Titles may begin with what is written in capitals everywhere: `FUSE`, `SO_PASSCRED`.
fn is_name(title: &str) -> bool {
    let first = title.split(' ').next().unwrap_or_default();
    first.len() > 1 && first.bytes().all(|b| !b.is_ascii_lowercase())
}

/// Placeholders that `Ranked::commands` can fill.
const PLACEHOLDERS: &[&str] = &[
    "path",
    "dir",
    "far_dir",
    "trimmed",
    "slashed",
    "file",
    "link",
    "mount",
    "user",
    "caller",
    "group",
    "pid",
    "server",
    "other_path",
    "name",
    "type",
    "host",
    "port",
    "address",
];

fn check_commands(entry: &Cause, faults: &mut Faults) {
    for command in entry.commands {
        let id = entry.id;
        let mut pieces = command.split('{');
        let start = pieces.next().unwrap_or_default();
        faults.unless(!command.trim().is_empty() && !start.contains('}'), || {
            format!("{id}: command {command:?}")
        });
        for piece in pieces {
            let name = piece.split('}').next().unwrap_or_default();
            let closed = piece.contains('}') && PLACEHOLDERS.contains(&name);
            faults.unless(closed, || format!("{id}: placeholder {name:?} in {command:?}"));
        }
    }
}

/// Only one reason for one call each, as `bind/bad-pointer` and `connect/bad-pointer`, may be told
/// in the same words.
#[test]
fn no_two_reasons_share_a_text() {
    let mut faults = Faults::default();
    let mut owners = BTreeMap::new();
    let reason = |id: &'static str| id.split_once('/').map_or(id, |(_, reason)| reason);
    for entry in cause::all() {
        for text in [entry.title, entry.happened, entry.fix, entry.why] {
            let owner = *owners.entry(text).or_insert(entry.id);
            faults.unless(reason(owner) == reason(entry.id), || {
                format!("{owner} and {} share {text:?}", entry.id)
            });
        }
    }
    faults.none();
}

#[test]
fn every_platform_has_a_rule_for_every_socket_type() {
    let mut faults = Faults::default();
    for entry in cause::all() {
        let id = entry.id;
        for socket in entry.sockets.iter() {
            for platform in Platform::ALL {
                let rule = entry.rule(*platform, socket);
                faults
                    .unless(rule.is_some(), || format!("{id}: no rule for {socket} on {platform}"));
            }
        }
        let shown = |p: Platform| entry.sockets.iter().any(|s| entry.symptom(p, s).is_some());
        // An entry that shows nothing anywhere explains what a document claims.
        let never_here = !shown(Platform::Linux);
        let honest = !never_here || matches!(entry.provoke, Provoke::Not(_));
        faults.unless(honest, || format!("{id}: never on Linux, but provoked there"));
        faults.unless(!never_here || entry.differs.is_some(), || {
            format!("{id}: never on Linux, and `differs` does not say so")
        });
    }
    faults.none();
}

#[test]
fn confusable_causes_know_each_other() {
    let mut faults = Faults::default();
    for entry in cause::all() {
        for other in entry.confusable {
            let Some(back) = cause::find(other) else {
                faults.unless(false, || format!("{}: confusable {other} is unknown", entry.id));
                continue;
            };
            let mutual = back.confusable.contains(&entry.id);
            faults.unless(mutual, || format!("{}: {other} does not name it back", entry.id));
            let shared = symptoms(entry).intersection(&symptoms(back)).next().is_some();
            faults.unless(shared, || format!("{}: {other} shows nothing of its", entry.id));
        }
    }
    faults.none();
}

fn symptoms(entry: &Cause) -> BTreeSet<Symptom> {
    let effect = |e: Effect| if let Effect::Shows(s) = e { Some(s) } else { None };
    entry.shows.iter().filter_map(|r| effect(r.effect)).collect()
}

#[test]
fn every_errno_of_the_lists_is_explained() {
    let mut faults = Faults::default();
    let all = [lists::OPENSERVER, lists::UNIX_7, lists::BSD_CONNECT_2].concat();
    let distinct: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!(distinct.len(), 40);
    for name in distinct {
        let errno: Errno = name.parse().unwrap_or_else(|_| panic!("{name} is no errno"));
        let listed = |d: &Document| list_of(*d).is_some_and(|names| contains(names, errno));
        let covered =
            cause::for_errno(errno).any(|c| c.documents.iter().any(listed)) || mentioned(name);
        faults.unless(covered, || format!("{name}: no entry explains the list's {name}"));
        let leads = cause::for_errno(errno).next().is_some() || mentioned(name);
        faults.unless(leads, || format!("{name}: leads to no entry"));
    }
    faults.none();
}

/// Whether an entry says in words what becomes of an errno that nothing shows any more.
fn mentioned(name: &str) -> bool {
    cause::all().any(|c| c.differs.is_some_and(|text| text.contains(name)))
}

fn list_of(document: Document) -> Option<&'static [&'static str]> {
    match document {
        Document::OpenServer => Some(lists::OPENSERVER),
        Document::Unix7 => Some(lists::UNIX_7),
        Document::BsdConnect2 => Some(lists::BSD_CONNECT_2),
        _ => None,
    }
}

fn contains(names: &[&str], errno: Errno) -> bool {
    names.iter().any(|name| name.parse() == Ok(errno))
}

#[test]
fn documents_list_what_the_entries_show() {
    let mut faults = Faults::default();
    for entry in cause::all() {
        for document in entry.documents {
            let Some(names) = list_of(*document) else { continue };
            let listed = entry.errnos().any(|e| contains(names, e));
            faults.unless(listed || entry.differs.is_some(), || {
                format!("{}: {document:?} lists none of its errnos", entry.id)
            });
        }
    }
    faults.none();
}

#[test]
fn calls_are_named_once_with_a_place() {
    let mut faults = Faults::default();
    for entry in cause::all() {
        let calls: BTreeSet<_> = entry.calls.iter().map(|p| p.call).collect();
        faults.unless(calls.len() == entry.calls.len(), || format!("{}: a call twice", entry.id));
    }
    faults.none();
}

/// The root of the workspace, or `None` where only this crate was unpacked.
fn workspace() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    root.join("core/Cargo.toml").is_file().then(|| root.to_path_buf())
}

/// Every source file of the workspace, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let Some(root) = workspace() else {
        eprintln!("skipped: the workspace around this crate is not here");
        return Vec::new();
    };
    let mut found = Vec::new();
    let folders = ["core", "lib", "cli", "bench", "fuzz"].map(|folder| root.join(folder));
    let mut folders: Vec<_> = folders.into_iter().filter(|folder| folder.is_dir()).collect();
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|n| n != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(&root).unwrap().to_path_buf(), text));
            }
        }
    }
    found
}

#[test]
fn files_are_short_and_finished() {
    let mut faults = Faults::default();
    // Spelt apart, so that this file does not find itself.
    let marks = ["TO\u{44}O", "FIX\u{4d}E", "XX\u{58}", "todo\u{21}(", "unimplemented\u{21}("];
    let foreign = ["/wor\u{6b}/", "/tmp/w\u{74}/", "#[ignor\u{65}", "dbg\u{21}("];
    for (path, text) in sources() {
        let shown = path.display();
        let most = if is_test(&path) { 600 } else { 500 };
        let lines = text.lines().count();
        faults.unless(lines < most, || format!("{shown}: {lines} lines, of {most}"));
        for mark in marks.iter().chain(&foreign) {
            faults.unless(!text.contains(mark), || format!("{shown}: has {mark}"));
        }
    }
    faults.none();
}

#[test]
fn functions_are_short() {
    const MOST: usize = 70;
    let mut faults = Faults::default();
    for (path, text) in sources().iter().filter(|(path, _)| !is_test(path)) {
        let lines: Vec<_> = text.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            let indent = &line[..line.len() - code.len()];
            let words = ["pub ", "pub(super) ", "pub(crate) ", "const ", "async ", "unsafe "];
            let plain =
                words.iter().fold(code, |code, word| code.strip_prefix(word).unwrap_or(code));
            let first = lines[i..].iter().find(|l| l.ends_with(['{', '}', ';']));
            // A trait's declaration has no body.
            if !plain.starts_with("fn ") || first.is_some_and(|l| l.ends_with(';')) {
                continue;
            }
            let end = format!("{indent}}}");
            let length = lines[i..].iter().position(|l| **l == end).unwrap_or(0) + 1;
            faults.unless(length <= MOST, || {
                format!("{}:{}: a function of {length} lines, of {MOST}", path.display(), i + 1)
            });
        }
    }
    faults.none();
}

/// Causes that the model does not reach, and why.
const NOT_MODELLED: &[(&str, &str)] = &[];

/// Every cause that some system shows is reached: a shipped trace expects it, or a test of the
/// model names it.
#[test]
fn every_cause_is_reached_in_the_model() {
    let Some(root) = workspace() else { return };
    let mut reached = BTreeSet::new();
    for (_, text) in files(&root.join("traces"), "trace") {
        let trace: Trace = text.parse().unwrap();
        reached.extend(trace.causes().into_iter().map(String::from));
    }
    for (_, text) in files(&root.join("core/tests/model"), "rs") {
        reached.extend(text.split('"').skip(1).step_by(2).map(String::from));
    }
    let mut faults = Faults::default();
    for entry in cause::all() {
        let shown = entry.shows.iter().any(|rule| matches!(rule.effect, Effect::Shows(_)));
        let excused = NOT_MODELLED.iter().any(|(id, _)| *id == entry.id);
        let id = entry.id;
        faults.unless(reached.contains(id) || excused || !shown, || format!("{id}: not reached"));
        faults.unless(!(reached.contains(id) && excused), || format!("{id}: reached, yet excused"));
    }
    for (path, text) in files(&root.join("core/src/model"), "rs") {
        let named = text.split('"').skip(1).step_by(2).filter(|id| cause::find(id).is_some());
        for id in named {
            let shown = path.display();
            faults.unless(reached.contains(id), || format!("{shown}: nothing reaches {id}"));
        }
    }
    faults.none();
}

/// Every file below a folder whose name ends so, with its text.
fn files(folder: &Path, extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

fn is_test(path: &Path) -> bool {
    let tests = |name: &std::ffi::OsStr| name == "tests" || name == "tests.rs";
    path.iter().any(tests)
}

/// The library's documentation names errors by their causes: `call/reason`, or `call/*` for all of
/// a call.
#[test]
fn the_documentation_names_causes_that_exist() {
    let mut faults = Faults::default();
    let published = published_ids();
    let exists = |id: &str| match id.strip_suffix("/*") {
        Some(_) => true,
        None => published.contains(&id) && !cause::RETIRED.contains(&id),
    };
    let mut named = 0;
    let sources = sources();
    for (path, text) in sources.iter().filter(|(path, _)| path.starts_with("lib/src")) {
        let lines = text.lines().map(str::trim_start).enumerate();
        for (i, line) in lines.filter(|(_, line)| line.starts_with("//")) {
            let ids = line.split('`').skip(1).step_by(2).filter(|quoted| {
                quoted
                    .split_once('/')
                    .is_some_and(|(group, rest)| is_group(group) && !rest.is_empty())
            });
            for id in ids {
                named += 1;
                let at = || format!("{}:{}: no cause {id}", path.display(), i + 1);
                faults.unless(exists(id), at);
            }
        }
    }
    assert!(named > 50 || sources.is_empty(), "only {named} causes are named");
    faults.none();
}

#[test]
fn unsafe_code_stays_in_sys_and_gives_its_reason() {
    let mut faults = Faults::default();
    for (path, text) in sources() {
        let in_sys = path.starts_with("lib/src/sys");
        let lines: Vec<_> = text.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let used = ["{", "fn", "impl", "extern"].map(|what| ["unsafe", what].join(" "));
            if !used.iter().any(|u| code.contains(u)) || is_quoted(code) {
                continue;
            }
            let at = || format!("{}:{}", path.display(), i + 1);
            faults.unless(in_sys, || format!("{}: unsafe outside sys", at()));
            let before = &lines[i.saturating_sub(8)..=i];
            let reason = before.iter().any(|l| l.contains("SAFETY:") || l.contains("# Safety"));
            faults.unless(reason, || format!("{}: unsafe without its reason", at()));
        }
    }
    faults.none();
}

/// Whether the word stands in a string only.
fn is_quoted(code: &str) -> bool {
    code.find('"').zip(code.find("unsafe")).is_some_and(|(quote, word)| quote < word)
}
