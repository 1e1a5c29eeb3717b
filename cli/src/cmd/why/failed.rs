//! The answer for a call of the tool itself that has failed, at once.

use super::{hint, leftover};
use crate::json;
use crate::render::text::{calm, width};
use crate::render::why::{Answer, report};
use crate::talk::tell::{Teller, Weight};
use serde_json::{Map, Value};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use sunpath::fact::Arguments;
use sunpath::observe::{As, Query, observe};
use sunpath::{Address, Call, Diagnosis, Endpoint, Error, Facts, SocketType, Symptom, diagnose};

/// Tells why a call failed, as `sunpath why` does. `address`: with whom it was talked, where the
/// error itself has no address. `socket`: the one on which it was made, if it is still there.
/// Returns the diagnosis.
pub fn tell(
    teller: &Teller,
    error: &Error,
    address: &Address,
    socket: Option<BorrowedFd<'_>>,
) -> Diagnosis {
    let (diagnosis, facts) = match socket {
        Some(socket) => error.evidence_on(socket),
        None => error.evidence(),
    };
    let address = error.address().unwrap_or(address);
    show(teller, &error.to_string(), &diagnosis, &facts, address);
    diagnosis
}

/// Tells why nothing came in time on a connection.
pub fn tell_late(teller: &Teller, kind: SocketType, address: &Address, socket: impl AsFd) {
    let query = Query {
        call: Call::Recv,
        socket: kind,
        endpoint: Some(Endpoint::Unix(address.clone())),
        caller: As::Myself,
        descriptor: Some(socket.as_fd()),
        arguments: Arguments::default(),
    };
    // Nobody else is asked about, so nobody can be missing.
    let facts = observe(&query).unwrap_or_default();
    let diagnosis = diagnose(Call::Recv, kind, Some(Symptom::Hangs), &facts);
    show(teller, "nothing was sent or received in time", &diagnosis, &facts, address);
}

fn show(teller: &Teller, message: &str, diagnosis: &Diagnosis, facts: &Facts, address: &Address) {
    let endpoint = Endpoint::Unix(address.clone());
    if teller.speaks_json() {
        teller.tell(Weight::News, "failed", fields(message, diagnosis, address), message);
        return;
    }
    // Of some limits the library itself says all there is to say.
    if diagnosis.unexplained.is_some() {
        teller.tell(Weight::News, "failed", Value::Null, &calm(message));
        return;
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let hints = facts.path().map(|path| hint::notes(path, diagnosis.call, true, home.as_deref()));
    let instead = facts.path().and_then(|path| leftover::explain(path, diagnosis, true));
    let answer = Answer {
        endpoint: &endpoint,
        who: None,
        diagnosis,
        now: None,
        tried: false,
        facts,
        notes: hints.unwrap_or_default(),
        instead,
    };
    // If standard error is gone, nobody is left to tell.
    let _ = anstream::stderr().lock().write_all(report(&answer, width()).as_bytes());
}

fn fields(message: &str, diagnosis: &Diagnosis, address: &Address) -> Value {
    let mut fields = Map::new();
    fields.insert("message".into(), message.into());
    fields.insert("call".into(), diagnosis.call.name().into());
    json::put_bytes(&mut fields, "address", &json::spelled(address));
    fields.insert("type".into(), diagnosis.socket.name().into());
    let errno = diagnosis.symptom.and_then(|symptom| symptom.errno());
    fields.insert("errno".into(), errno.map(|errno| errno.name()).into());
    fields.insert("causes".into(), json::causes(diagnosis));
    Value::Object(fields)
}
