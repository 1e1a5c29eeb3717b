//! What happens, told on standard error: sentences for people, or lines of JSON.

use crate::args::Talk;
use crate::{json, out};
use serde_json::{Map, Value, json};
use std::io::Write;

/// Tells what happens; by default to people, and no details.
#[derive(Debug, Clone, Default)]
pub struct Teller {
    json: bool,
    verbose: bool,
    /// Which connection it is about, counted from 1.
    connection: Option<u64>,
}

/// Whether people want to know without asking. Programs are told everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Only with `--verbose`.
    Detail,
    /// Always.
    News,
}

impl Teller {
    /// As the command line wants it.
    pub fn new(args: &Talk) -> Teller {
        Teller { json: args.json, verbose: args.verbose, connection: None }
    }

    /// About this connection.
    pub fn about(&self, connection: u64) -> Teller {
        Teller { connection: Some(connection), ..self.clone() }
    }

    /// Whether it is told as JSON.
    pub fn speaks_json(&self) -> bool {
        self.json
    }

    /// Tells an event: its name and its fields for programs, a sentence for people.
    pub fn tell(&self, weight: Weight, event: &str, fields: Value, sentence: &str) {
        if self.json {
            let mut line = Map::new();
            line.insert("event".into(), event.into());
            line.extend(self.connection.map(|n| ("connection".into(), n.into())));
            line.extend(fields.as_object().cloned().unwrap_or_default());
            // Nobody is left to tell if that fails.
            let text = json::line(&Value::Object(line));
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        } else if self.verbose || weight == Weight::News {
            out::complain(sentence);
        }
    }

    /// A remark without fields of its own.
    pub fn note(&self, sentence: &str) {
        self.tell(Weight::News, "note", json!({ "message": sentence }), sentence);
    }
}
