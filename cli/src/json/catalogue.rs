//! Entries of the catalogue as JSON.

use super::print;
use crate::render::cause::{effects, name};
use crate::render::lists;
use serde_json::{Value, json};
use sunpath::cause::{Effect, Provoke};
use sunpath::{Call, Cause, Platform, Symptom, cause as catalogue};

/// One entry, complete.
pub fn cause(cause: &Cause) -> String {
    print(&entry(cause))
}

/// All entries.
pub fn index() -> String {
    print(&json!({"causes": catalogue::all().map(entry).collect::<Vec<_>>()}))
}

/// The causes of an error or another symptom, by call.
pub fn symptom(symptom: Symptom, meaning: &str) -> String {
    let calls = lists::by_call(symptom).into_iter().map(|(call, causes)| {
        json!({"call": call.name(), "causes": causes.into_iter().map(entry).collect::<Vec<_>>()})
    });
    print(&json!({
        "symptom": symptom.name(),
        "meaning": meaning,
        "calls": calls.collect::<Vec<_>>(),
    }))
}

/// The symptoms of a call, with their causes.
pub fn call(call: Call) -> String {
    let symptoms = lists::by_symptom(call).into_iter().map(|(symptom, causes)| {
        let causes: Vec<_> = causes.into_iter().map(entry).collect();
        json!({"symptom": symptom.name(), "causes": causes})
    });
    print(&json!({"call": call.name(), "symptoms": symptoms.collect::<Vec<_>>()}))
}

/// What a search found, best first.
pub fn found(words: &[String], causes: &[&'static Cause]) -> String {
    let causes: Vec<_> = causes.iter().map(|c| entry(c)).collect();
    print(&json!({"search": words, "causes": causes}))
}

fn entry(cause: &Cause) -> Value {
    let (provokable, provoke) = match cause.provoke {
        Provoke::Live(how) => (true, how),
        Provoke::Not(why) => (false, why),
    };
    let calls: Vec<_> = cause.calls.iter().map(|p| p.call.name()).collect();
    let sockets: Vec<_> = cause.sockets.iter().map(|t| t.name()).collect();
    let documents: Vec<_> = cause.documents.iter().map(|d| name(*d)).collect();
    json!({
        "id": cause.id,
        "title": cause.title,
        "calls": calls,
        "sockets": sockets,
        "shows": Platform::ALL.iter().flat_map(|p| shows(cause, *p)).collect::<Vec<_>>(),
        "class": cause.class.name(),
        "happened": cause.happened,
        "why": cause.why,
        "fix": cause.fix,
        "commands": cause.commands,
        "differs": cause.differs,
        "documents": documents,
        "provokable": provokable,
        "provoke": provoke,
        "confusable": cause.confusable,
    })
}

fn shows(cause: &Cause, platform: Platform) -> Vec<Value> {
    let one = |(effect, evidence, types): (Effect, sunpath::cause::Evidence, Vec<_>)| {
        let symptom = match effect {
            Effect::Shows(symptom) => Some(symptom.name()),
            Effect::Never => None,
        };
        let types: Vec<_> = types.iter().map(|t: &sunpath::SocketType| t.name()).collect();
        json!({
            "platform": platform.name(),
            "sockets": types,
            "symptom": symptom,
            "evidence": evidence.name(),
        })
    };
    effects(cause, platform).into_iter().map(one).collect()
}
