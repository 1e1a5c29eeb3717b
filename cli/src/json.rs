//! JSON output. The shapes are described in `docs/json.md` and do not change within a major
//! version; fields may be added.

mod catalogue;
mod facts;
mod files;
mod listing;
mod map;
mod top;

pub use catalogue::{call, cause, found, index, symptom};
pub use files::files;
pub use listing::listing;
pub use map::map;
pub use top::top;

use serde_json::{Map, Value, json};
use sunpath::{Address, Diagnosis, Facts, Outcome};

/// The answer of `sunpath why`.
pub fn why(address: &[u8], diagnosis: &Diagnosis, facts: &Facts, notes: &[String]) -> String {
    let mut object = Map::new();
    put_bytes(&mut object, "address", address);
    object.insert("call".into(), diagnosis.call.name().into());
    object.insert("type".into(), diagnosis.socket.name().into());
    object.insert("outcome".into(), outcome(diagnosis.outcome).into());
    let errno = match diagnosis.outcome {
        Outcome::Fails(errno) => Value::from(errno.name()),
        _ => Value::Null,
    };
    object.insert("errno".into(), errno);
    object.insert("causes".into(), causes(diagnosis));
    object.insert("facts".into(), facts::facts(facts));
    let unseen = diagnosis.unseen.iter().map(|u| {
        let decides = (!u.decides.is_empty()).then_some(u.decides);
        json!({"what": u.what, "decides": decides})
    });
    object.insert("unseen".into(), unseen.collect());
    object.insert("notes".into(), notes.into());
    print(&Value::Object(object))
}

/// The causes of a diagnosis, the surest first.
pub fn causes(diagnosis: &Diagnosis) -> Value {
    let causes = diagnosis.causes.iter().map(|r| {
        json!({
            "id": r.cause.id,
            "certainty": r.certainty.name(),
            "because": r.because,
            "fix": r.cause.fix,
            "commands": r.commands,
        })
    });
    causes.collect()
}

/// The four outcomes of the format: a call that misleads fails its program without an errno.
fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeds => "succeeds",
        Outcome::Fails(_) | Outcome::Misleads(_) => "fails",
        Outcome::Waits => "waits",
        Outcome::Unknown => "unknown",
    }
}

/// Bytes as a string. Those that are not UTF-8 are escaped, and a second field gives them in hex.
pub fn put_bytes(object: &mut Map<String, Value>, key: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            object.insert(key.into(), text.into());
        }
        Err(_) => {
            object.insert(key.into(), sunpath::text::escape(bytes).into());
            let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            object.insert(format!("{key}_bytes"), hex.into());
        }
    }
}

/// An address as the command line takes it.
pub fn spelled(address: &Address) -> Vec<u8> {
    match address {
        Address::Unnamed => Vec::new(),
        // Bare, it would read as an abstract name.
        Address::Path(path) if path.starts_with(b"@") => [b"./", path.as_slice()].concat(),
        Address::Path(path) => path.clone(),
        Address::Abstract(name) => [b"@", name.as_slice()].concat(),
    }
}

/// Lays a value out. Characters that a terminal would obey stay escaped, as JSON permits.
pub fn print(value: &Value) -> String {
    let mut out = calm(&format!("{value:#}"));
    out.push('\n');
    out
}

/// A value in one line, escaped as by [`print`].
pub fn line(value: &Value) -> String {
    let mut out = calm(&value.to_string());
    out.push('\n');
    out
}

/// The text of a value, with characters that a terminal would obey escaped.
fn calm(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        let mut buffer = [0; 4];
        let one: &str = c.encode_utf8(&mut buffer);
        if c < '\x7f' || sunpath::text::escape(one.as_bytes()) == one {
            out.push(c);
        } else {
            let mut units = [0; 2];
            let escapes = c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
            out.extend(escapes);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        let value = json!({"a": "\x1b[31m\u{9b}\u{202e}\u{7f}\u{e0041} é\n"});
        let text = print(&value);
        let raw = text.chars().any(|c| c.is_control() && c != '\n');
        assert!(!raw && !text.contains('\u{202e}'), "{text:?}");
        assert!(text.contains('é'));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn bytes_that_are_no_text_come_twice() {
        let mut object = Map::new();
        put_bytes(&mut object, "path", b"/a\xff");
        put_bytes(&mut object, "other", b"/b");
        let expected = json!({"path": "/a\\xff", "path_bytes": "2f61ff", "other": "/b"});
        assert_eq!(Value::Object(object), expected);
    }
}
