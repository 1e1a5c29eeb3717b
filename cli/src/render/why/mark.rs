//! Where on its path a call breaks, in a few words.

use super::Answer;
use crate::render::tree::Mark;
use sunpath::fact::path::{End, FileKind, PathTarget, Step};
use sunpath::fact::permission::{Permission, Want, judge};
use sunpath::{Call, Outcome};

/// The mark at the end of the path, if there is anything to say.
pub(super) fn of(answer: &Answer<'_>, path: &PathTarget) -> Option<Mark> {
    let walk = path.walk.known()?;
    let last = walk.steps.last();
    let bad = |text: String| Some(Mark { bad: true, text });
    match &walk.end {
        End::Found => found(answer, path, last?),
        End::Missing { last: true, .. } if answer.diagnosis.call == Call::Bind => {
            match now(answer) {
                Outcome::Succeeds => Some(Mark { bad: false, text: "would be made here".into() }),
                _ => bad(denied(answer, last?, Want::Write).unwrap_or_else(|| title(answer))),
            }
        }
        End::Missing { .. } => bad("does not exist".into()),
        End::NotDirectory => bad("not a directory, but the path goes on".into()),
        End::NoSearch => {
            let no = "the caller may not pass".to_string();
            bad(denied(answer, last?, Want::Search)
                .map_or(no.clone(), |why| format!("{no}: {why}")))
        }
        End::TooManyLinks => bad("more than 40 symbolic links".into()),
        End::ComponentTooLong { .. } => bad("the next component is longer than 255 bytes".into()),
        End::ProtectedLink => bad("the kernel does not follow this link for the caller".into()),
        End::Disconnected => bad("the file system does not answer".into()),
        End::Changed => bad("kept changing while it was looked at".into()),
        End::Hidden { errno } => {
            let errno = errno.map(|e| format!(" ({e})")).unwrap_or_default();
            bad(format!("sunpath may not look further{errno}"))
        }
        End::Failed { errno } => {
            bad(errno.map_or("looking further failed".into(), |e| format!("failed with {e}")))
        }
    }
}

/// What the call would do now, whatever the program saw before.
fn now(answer: &Answer<'_>) -> Outcome {
    answer.now.unwrap_or(answer.diagnosis.outcome)
}

/// The path leads to something: what is wrong with it?
fn found(answer: &Answer<'_>, path: &PathTarget, step: &Step) -> Option<Mark> {
    let bad = |text: &str| Some(Mark { bad: true, text: text.to_string() });
    let failed = matches!(answer.diagnosis.outcome, Outcome::Fails(_));
    if !failed || now(answer) == Outcome::Succeeds {
        return None;
    }
    if answer.diagnosis.call == Call::Bind {
        return bad("exists already");
    }
    if !matches!(answer.diagnosis.call, Call::Connect | Call::Send) {
        return None;
    }
    if let Some(why) = denied(answer, step, Want::Write) {
        return bad(&format!("the caller may not write: {why}"));
    }
    if step.is_open_socket() {
        return bad("an open socket itself, not a socket file");
    }
    if step.kind != FileKind::Socket {
        return bad(&format!("{}, not a socket", step.kind.name()));
    }
    if path.lookalikes.is(|l| !l.is_empty()) {
        return bad("bound on another file system, of which this is a view");
    }
    if path.attached.is(Vec::is_empty) {
        return bad("no process has this socket open");
    }
    None
}

fn denied(answer: &Answer<'_>, step: &Step, want: Want) -> Option<String> {
    match judge(&answer.facts.caller, step, want).known()? {
        Permission::Denied(denial) => Some(denial.because.clone()),
        Permission::Allowed(_) => None,
    }
}

fn title(answer: &Answer<'_>) -> String {
    let first = answer.diagnosis.causes.first();
    first.map_or("cannot be made here", |r| r.cause.title).to_string()
}
