//! What a tap left at a path that was killed together with its guardian: two files, of which the
//! diagnosis sees one that nobody serves, and a server elsewhere.

use crate::render::text::show;
use crate::render::why::Instead;
use crate::tap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use sunpath::fact::PathTarget;
use sunpath::observe::Bound;
use sunpath::text::shell;
use sunpath::{Call, Diagnosis};

/// What to say in the place of the cause, if a tap left this path to a live server behind. `here`
/// says whether the caller looks names up from where this process does.
pub fn explain(path: &PathTarget, diagnosis: &Diagnosis, here: bool) -> Option<Instead> {
    let fails = matches!(diagnosis.call, Call::Connect | Call::Send);
    if !(here && fails && diagnosis.causes.first().is_some_and(|first| is_met(first.cause.id))) {
        return None;
    }
    let given = Path::new(OsStr::from_bytes(&path.given));
    let command = format!("sunpath tap --restore {}", shell(&path.given));
    let Some(place) = tap::left_behind(given) else { return orphaned(given, command) };
    let beside = place.path_beside();
    let beside = show(beside.as_os_str().as_bytes());
    Some(match place.server() {
        Some(Bound::Socket { .. }) => Instead {
            title: "a tap was killed here, and the live server's file is beside".into(),
            evidence: format!(
                "The server's file is beside, as {beside}: sunpath tap --in-place put it there, \
                 and was killed together with the process that would have put it back."
            ),
            fix: "Give the server its path back. It runs, and need not be restarted.".into(),
            command,
        },
        _ => Instead {
            title: "a tap was killed here, and the server has ended, too".into(),
            evidence: format!(
                "sunpath tap --in-place was killed here, and left the server's file beside, as \
                 {beside}."
            ),
            fix: "Put the files back where they were, then start the server.".into(),
            command,
        },
    })
}

/// The same where somebody has removed the tap's file, and only the server's is left.
fn orphaned(path: &Path, command: String) -> Option<Instead> {
    let beside = tap::orphan(path)?;
    Some(Instead {
        title: "the path was removed while a tap was there, and the live server's file is beside"
            .into(),
        evidence: format!(
            "The server's file is beside, as {}: sunpath tap --in-place put it there, and what was \
             at the path meanwhile was removed.",
            show(beside.as_os_str().as_bytes())
        ),
        fix: "Give the server its path back. It runs, and need not be restarted.".into(),
        command,
    })
}

/// Whether it is a cause by which the diagnosis knows one of the two files.
fn is_met(cause: &str) -> bool {
    ["path-rebound", "stale-socket", "unlinked-live", "no-such-file"]
        .iter()
        .any(|id| cause.strip_prefix("connect/") == Some(id))
}
