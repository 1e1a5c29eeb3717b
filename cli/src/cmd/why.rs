//! `sunpath why`: observe, diagnose, answer.

mod attempt;
pub mod failed;
mod hint;
mod leftover;
mod who;

use crate::args::Why;
use crate::exit::Exit;
use crate::json;
use crate::out::{self, Stop};
use crate::render::text::{quoted, width};
use crate::render::why::{Answer, assumed_type, depends_on_own_socket, report};
use attempt::Attempt;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use sunpath::cause::Class;
use sunpath::fact::path::End;
use sunpath::fact::{Arguments, InetTarget};
use sunpath::observe::{Query, observe};
use sunpath::{
    AddressError, Call, Certainty, Diagnosis, Endpoint, Facts, Outcome, SocketType, diagnose,
};

/// Answers the question.
pub fn run(args: &Why) -> Result<Exit, Stop> {
    let endpoint = endpoint(&args.address)?;
    let socket = socket_type(args, &endpoint)?;
    if args.connect {
        permit_attempt(args)?;
    }
    // Before the attempt: its own connection in the backlog says nothing about the server.
    let mut facts = gather(args, &endpoint, socket, None)?;
    if let Some(why) = misread(&args.address, &facts) {
        return Err(refuse(&args.address, &why));
    }
    let unresolved = facts.inet().is_some_and(InetTarget::is_unresolved);
    let attempt = match args.connect && !unresolved {
        true => Some(attempt::connect(&endpoint, socket)?),
        false => None,
    };
    if let Some(failed) = attempt.as_ref().filter(|a| !a.succeeded()) {
        facts = gather(args, &endpoint, socket, failed.nonblocking)?;
    }
    let symptom = attempt.as_ref().map_or(args.error, |a| a.symptom);
    let mut diagnosis = diagnose(args.call, socket, symptom, &facts);
    if attempt.as_ref().is_some_and(Attempt::succeeded) {
        happened(&mut diagnosis);
    } else if diagnosis.outcome == Outcome::Succeeds && depends_on_own_socket(args.call, socket) {
        diagnosis.outcome = Outcome::Unknown;
    }
    let notes = notes(args, &diagnosis, &facts, attempt.as_ref());
    let text = if args.json {
        let here = args.pid.is_none();
        let left = facts.path().and_then(|path| leftover::explain(path, &diagnosis, here));
        let notes: Vec<_> = notes.into_iter().chain(left.map(|left| left.note())).collect();
        json::why(args.address.as_bytes(), &diagnosis, &facts, &notes)
    } else {
        text(args, &endpoint, &diagnosis, &facts, (notes, attempt.is_some()), width())
    };
    match out::print(&text) {
        // The answer stands, whether it was read to its end or not.
        Ok(()) | Err(Stop::ReaderGone) => Ok(exit(&diagnosis)),
        Err(stop) => Err(stop),
    }
}

/// A connection was made: that outweighs every prediction of the call itself. What keeps the
/// server from answering it does not show in the call, and stands.
fn happened(diagnosis: &mut Diagnosis) {
    diagnosis.causes.retain(|r| r.cause.concerns(Call::Recv) && r.cause.class == Class::Waiting);
    let answered = diagnosis.causes.iter().all(|r| r.certainty == Certainty::Possible);
    if answered {
        diagnosis.causes.clear();
    }
    diagnosis.outcome = if answered { Outcome::Succeeds } else { Outcome::Waits };
    diagnosis.unseen.clear();
}

/// The answer to a question about an address, as text for this width. It is not asked with a
/// symptom or an attempt.
pub fn page(args: &Why, endpoint: &Endpoint, width: usize) -> String {
    let socket = args.socket.unwrap_or(SocketType::Stream);
    let facts = match gather(args, endpoint, socket, None) {
        Ok(facts) => facts,
        Err(Stop::Failed(_, message)) => return message,
        Err(Stop::ReaderGone | Stop::Told(_)) => return String::new(),
    };
    let diagnosis = diagnose(args.call, socket, None, &facts);
    let notes = notes(args, &diagnosis, &facts, None);
    text(args, endpoint, &diagnosis, &facts, (notes, false), width)
}

/// Remarks on how the question was understood, and what was done to answer it.
fn notes(
    args: &Why,
    diagnosis: &Diagnosis,
    facts: &Facts,
    attempt: Option<&Attempt>,
) -> Vec<String> {
    let mut notes: Vec<_> = attempt.map(|a| a.note.clone()).into_iter().collect();
    let assumed = args.socket.is_none() && matches!(args.call, Call::Connect | Call::Send);
    if assumed {
        notes.extend(assumed_type(facts, diagnosis.socket.name()));
    }
    if let Some(path) = facts.path() {
        let myself = args.user.is_none() && args.pid.is_none();
        let home = std::env::var_os("HOME").filter(|home| myself && !home.is_empty());
        notes.extend(hint::notes(path, args.call, args.pid.is_none(), home.as_deref()));
    }
    notes
}

fn text(
    args: &Why,
    endpoint: &Endpoint,
    diagnosis: &Diagnosis,
    facts: &Facts,
    (notes, tried): (Vec<String>, bool),
    width: usize,
) -> String {
    let now = |_| diagnose(args.call, diagnosis.socket, None, facts).outcome;
    let answer = Answer {
        endpoint,
        who: who::named(args),
        diagnosis,
        now: diagnosis.symptom.map(now),
        tried,
        facts,
        notes,
        instead: facts.path().and_then(|p| leftover::explain(p, diagnosis, args.pid.is_none())),
    };
    report(&answer, width)
}

/// The status of the answer: a symptom that no cause explains well cannot be told.
fn exit(diagnosis: &Diagnosis) -> Exit {
    let explained = diagnosis.causes.first().is_some_and(|r| r.certainty != Certainty::Possible);
    match diagnosis.outcome {
        Outcome::Succeeds => Exit::Success,
        Outcome::Unknown => Exit::Unknown,
        _ if diagnosis.symptom.is_some() && !explained => Exit::Unknown,
        Outcome::Fails(_) | Outcome::Waits | Outcome::Misleads(_) => Exit::Fails,
    }
}

fn endpoint(address: &OsStr) -> Result<Endpoint, Stop> {
    Endpoint::parse(address.as_bytes()).map_err(|why| refuse(address, &why))
}

/// What to say of an address that cannot be read.
pub fn refuse(address: &OsStr, why: &AddressError) -> Stop {
    // These may hold passwords.
    let secret = matches!(why, AddressError::Scheme { .. } | AddressError::Credentials);
    let shown = if secret { String::new() } else { format!(" {}", quoted(address.as_bytes())) };
    Stop::usage(format!("cannot read the address{shown}: {why}"))
}

/// A server's host and port, where there is no file of this name.
fn misread(address: &OsStr, facts: &Facts) -> Option<AddressError> {
    let walk = facts.path()?.walk.known()?;
    let missing = matches!(walk.end, End::Missing { last: true, link: None, .. });
    Endpoint::misread(address.as_bytes()).filter(|_| missing)
}

/// The type of the caller's socket: as asked, or what goes with address and call.
fn socket_type(args: &Why, endpoint: &Endpoint) -> Result<SocketType, Stop> {
    match (endpoint, args.socket) {
        (Endpoint::Inet { transport, .. }, Some(_)) => Err(Stop::usage(format!(
            "--type is for UNIX domain sockets; the address says {transport} already"
        ))),
        (Endpoint::Inet { transport, .. }, None) => Ok(*transport),
        (Endpoint::Unix(_), Some(socket)) => Ok(socket),
        (Endpoint::Unix(_), None) if args.call == Call::Send => Ok(SocketType::Datagram),
        (Endpoint::Unix(_), None) => Ok(SocketType::Stream),
    }
}

/// An attempt is made by this process: it cannot speak for another caller.
fn permit_attempt(args: &Why) -> Result<(), Stop> {
    if args.call != Call::Connect {
        return Err(Stop::usage(format!(
            "--connect makes a connection; it cannot answer for --call {}",
            args.call
        )));
    }
    if let Some(who) = who::named(args) {
        return Err(Stop::usage(format!(
            "--connect would connect as this process, not as {who}, and its answer could be \
             wrong for {who}; leave --connect out, or run sunpath itself from there"
        )));
    }
    Ok(())
}

fn gather(
    args: &Why,
    endpoint: &Endpoint,
    socket: SocketType,
    nonblocking: Option<bool>,
) -> Result<Facts, Stop> {
    let query = Query {
        call: args.call,
        socket,
        endpoint: Some(endpoint.clone()),
        caller: who::caller(args)?,
        descriptor: None,
        arguments: Arguments { nonblocking, ..Arguments::default() },
    };
    observe(&query).map_err(|why| Stop::usage(why.to_string()))
}
