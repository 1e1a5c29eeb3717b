//! The verdict in a sentence.

use super::Answer;
use crate::render::page::Page;
use crate::render::text::show;
use crate::render::{BAD, DIM, DOUBT, GOOD, HEAD, paint};
use sunpath::fact::socket::State;
use sunpath::fact::{Process, SocketFact, Target, Unseen};
use sunpath::{Address, Call, Certainty, Endpoint, Errno, Outcome, Ranked, Symptom, Unexplained};

/// Writes the verdict, and below it what was assumed or done.
pub(super) fn write(page: &mut Page, answer: &Answer<'_>) {
    let call = call(answer);
    let sentence = match answer.diagnosis.symptom {
        None => predicted(answer, &call),
        Some(symptom) => seen(answer, &call, symptom),
    };
    let who = answer.who.as_ref().map(|who| format!("For {who}, ")).unwrap_or_default();
    page.para(&format!("{who}{sentence}"), 0);
    if let Some(now) = answer.now.and_then(|now| changed(answer, now)) {
        page.para(&now, 0);
    }
    for note in &answer.notes {
        page.para(&paint(DIM, note), 0);
    }
}

/// `connect to /run/app.sock`
fn call(answer: &Answer<'_>) -> String {
    let address = match answer.endpoint {
        // Bare, it would read as an abstract name.
        Endpoint::Unix(Address::Path(path)) if path.starts_with(b"@") => {
            format!("./{}", show(path))
        }
        Endpoint::Unix(Address::Path(path)) => show(path),
        Endpoint::Unix(Address::Abstract(name)) => format!("@{}", show(name)),
        other => other.to_string(),
    };
    let call = answer.diagnosis.call;
    let joint = match call {
        Call::Bind | Call::Connect | Call::Send => "to",
        Call::Recv => "from",
        _ => "on",
    };
    format!("{} {joint} {}", paint(HEAD, call.name()), paint(HEAD, &address))
}

/// What the call would do.
fn predicted(answer: &Answer<'_>, call: &str) -> String {
    let title = answer.title();
    match answer.diagnosis.outcome {
        Outcome::Succeeds => {
            let by = served(answer).map(|by| format!(": {by}")).unwrap_or_default();
            let verb = if answer.tried { "succeeded" } else { "would succeed" };
            format!("{call} {}{by}.", paint(GOOD, verb))
        }
        Outcome::Fails(errno) => {
            let probably = probably(answer);
            let title = match answer.diagnosis.causes.is_empty() {
                true => "that is what the kernel answers to a look at the path",
                false => title,
            };
            format!(
                "{call} {}: {title}.",
                paint(BAD, &format!("would {probably}fail with {errno}"))
            )
        }
        Outcome::Waits => {
            let probably = probably(answer);
            // Where a read hangs for the same reason, connect itself gets into the backlog.
            let later = |r: &Ranked| r.cause.concerns(Call::Recv);
            if answer.tried {
                let but = paint(BAD, &format!("{probably}never be answered"));
                return format!("{call}: the connection was made, but it would {but}: {title}.");
            }
            let how = match answer.diagnosis.causes.first().is_some_and(later) {
                true if answer.diagnosis.call == Call::Connect => {
                    format!("would succeed, but {probably}never be answered")
                }
                _ => format!("would {probably}wait"),
            };
            format!("{call} {}: {title}.", paint(BAD, &how))
        }
        Outcome::Misleads(symptom) => {
            let how = format!("would mislead ({})", symptom.name());
            format!("{call} {}: {title}.", paint(BAD, &how))
        }
        Outcome::Unknown => {
            let doubt = paint(DOUBT, "cannot be told");
            let why = if let Some(reason) = unresolved(answer) {
                reason
            } else if own(answer) {
                "it depends on the state of the program's own socket. Give the error that the \
                 program saw with --error"
                    .to_string()
            } else {
                "too little can be seen from here".to_string()
            };
            let what = if answer.who.is_some() { "what" } else { "What" };
            format!("{what} {call} would do {doubt}: {why}.")
        }
    }
}

/// Why the name of an internet host led to no address, if it did not.
fn unresolved(answer: &Answer<'_>) -> Option<String> {
    let target = answer.facts.inet().filter(|t| t.is_unresolved())?;
    Some(match target.addresses.unseen() {
        Some(Unseen::Failed { .. }) | None => {
            format!("the host name {} does not resolve", show(target.host.as_bytes()))
        }
        Some(_) => "the addresses of the host could not be looked up".to_string(),
    })
}

fn own(answer: &Answer<'_>) -> bool {
    super::depends_on_own_socket(answer.diagnosis.call, answer.diagnosis.socket)
}

fn probably(answer: &Answer<'_>) -> &'static str {
    let certain = answer.diagnosis.causes.first().map(|r| r.certainty);
    if certain == Some(Certainty::Certain) { "" } else { "probably " }
}

/// Why the call did what the program saw.
fn seen(answer: &Answer<'_>, call: &str, symptom: Symptom) -> String {
    let what = match symptom {
        Symptom::Errno(errno) => format!("failed with {errno}"),
        Symptom::Hangs => "hangs".to_string(),
        other => format!("misled with {}", other.name()),
    };
    let main = answer.main_cause().map(|r| (r.certainty, answer.title()));
    match main {
        Some((Certainty::Certain, title)) => {
            format!("{call} {} because {title}.", paint(BAD, &what))
        }
        Some((_, title)) => format!("{call} {}, probably because {title}.", paint(BAD, &what)),
        None if answer.diagnosis.unexplained == Some(Unexplained::NotListed) => {
            let (what, kind) = (paint(DOUBT, &what), answer.diagnosis.socket);
            format!("{call} {what}; no known cause makes it do that on a {kind} socket.")
        }
        None if answer.diagnosis.unexplained.is_some() => {
            format!("{call} {}; nothing that can be seen now explains it.", paint(DOUBT, &what))
        }
        None => match answer.diagnosis.causes.as_slice() {
            [one] => {
                format!("{call} {}, possibly because {}.", paint(DOUBT, &what), one.cause.title)
            }
            more => {
                let n = more.len();
                format!("{call} {} for one of {n} possible reasons.", paint(DOUBT, &what))
            }
        },
    }
}

/// What the call would do now, if that is not what the program saw.
fn changed(answer: &Answer<'_>, now: Outcome) -> Option<String> {
    let symptom = answer.diagnosis.symptom?;
    if now == Outcome::from(symptom) {
        return None;
    }
    match now {
        Outcome::Succeeds if own(answer) => None,
        Outcome::Succeeds => Some(since(answer, symptom).to_string()),
        Outcome::Fails(errno) => Some(format!("Now it would fail with {errno}.")),
        Outcome::Waits if symptom == Symptom::Errno(Errno::EAGAIN) => {
            Some("A blocking socket would wait now.".to_string())
        }
        Outcome::Waits => Some("Now it would wait.".to_string()),
        Outcome::Misleads(_) | Outcome::Unknown => None,
    }
}

/// What most likely changed, if the call would succeed now.
fn since(answer: &Answer<'_>, symptom: Symptom) -> &'static str {
    let reaches_out = matches!(answer.diagnosis.call, Call::Connect | Call::Send);
    let rank = answer.diagnosis.unexplained.is_some() && answer.facts.caller.overrides_modes();
    match symptom {
        Symptom::Errno(Errno::EACCES) if rank => {
            "For this caller it would succeed, because root is not bound by file modes. The \
             program that failed probably ran as another user: ask again with --as USER or \
             --pid PID."
        }
        Symptom::Errno(Errno::ECONNREFUSED | Errno::ENOENT) if reaches_out => {
            "Now it would succeed: the server was probably not listening yet, or was restarted."
        }
        _ => "Now it would succeed.",
    }
}

/// Who takes the connection or the message.
fn served(answer: &Answer<'_>) -> Option<String> {
    if !matches!(answer.diagnosis.call, Call::Connect | Call::Send) {
        return None;
    }
    let sockets = match &answer.facts.target {
        Target::Path(path) => path.attached.known()?,
        Target::Abstract(name) => name.bound.known()?,
        Target::Inet(inet) => {
            let owner = inet.listeners.known()?.iter().find_map(|s| s.owners.known()?.first())?;
            return Some(format!("{} answers", process(owner)));
        }
        Target::None => return None,
    };
    let fits = |s: &&SocketFact| s.kind == answer.diagnosis.socket;
    let takes = |s: &&SocketFact| s.state == State::Listening || !s.kind.is_connection_oriented();
    let socket = sockets.iter().find(|s| fits(s) && takes(s))?;
    let verb = if socket.state == State::Listening { "listens" } else { "receives" };
    match socket.owners.known().and_then(|o| o.first()) {
        Some(owner) => Some(format!("{} {verb}", process(owner))),
        None => Some(format!("a {} socket {verb}", socket.kind)),
    }
}

fn process(process: &Process) -> String {
    format!("{} (pid {})", show(process.name.as_bytes()), process.pid)
}
