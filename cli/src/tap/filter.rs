//! What of all that happens comes into the transcript.

use super::transcript::{Connection, Side, What};
use std::str::FromStr;

/// A condition, or its opposite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    opposite: bool,
    condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    From(Side),
    Event(String),
    Connection(u64),
    Pid(i32),
    Process(String),
    Longer(usize),
    Shorter(usize),
    Contains(Vec<u8>),
    Descriptors,
}

const EVENTS: [&str; 7] = ["open", "refused", "data", "end", "reset", "lost", "close"];

/// What a filter can be, for the error message.
const FORMS: &str = "from=client, from=server, event=NAME, connection=NUMBER, pid=NUMBER, \
                     process=NAME, size>BYTES, size<BYTES, text=BYTES, descriptors; with ! in \
                     front, the opposite";

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Filter, String> {
        let (opposite, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let condition = condition(rest).ok_or_else(|| format!("a filter is one of {FORMS}"))?;
        Ok(Filter { opposite, condition })
    }
}

fn condition(text: &str) -> Option<Condition> {
    if text == "descriptors" {
        return Some(Condition::Descriptors);
    }
    let at = text.find(['=', '<', '>'])?;
    let (name, value) = (&text[..at], &text[at + 1..]);
    match (name, &text[at..=at]) {
        ("from", "=") if value == "client" => Some(Condition::From(Side::Client)),
        ("from", "=") if value == "server" => Some(Condition::From(Side::Server)),
        ("event", "=") if EVENTS.contains(&value) => Some(Condition::Event(value.into())),
        ("connection", "=") => value.parse().ok().map(Condition::Connection),
        ("pid", "=") => value.parse().ok().map(Condition::Pid),
        ("process", "=") => Some(Condition::Process(value.into())),
        ("size", ">") => value.parse().ok().map(Condition::Longer),
        ("size", "<") => value.parse().ok().map(Condition::Shorter),
        ("text", "=") => unescape(value).filter(|b| !b.is_empty()).map(Condition::Contains),
        _ => None,
    }
}

/// `\n`, `\r`, `\t`, `\0`, `\\` and `\xNN` stand for a byte.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'0' => 0,
                b'\\' => b'\\',
                b'x' => {
                    let digit = |b: u8| char::from(b).to_digit(16);
                    let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                    (high * 16 + low) as u8
                }
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(out)
}

impl Filter {
    /// Whether it depends on all bytes of a message.
    pub fn reads_bytes(&self) -> bool {
        matches!(self.condition, Condition::Contains(_))
    }

    /// Whether this is to be told.
    pub fn admits(&self, connection: &Connection, what: &What<'_>) -> bool {
        self.condition.holds(connection, what) != self.opposite
    }
}

impl Condition {
    fn holds(&self, connection: &Connection, what: &What<'_>) -> bool {
        let (data, length) = match what {
            What::Data { bytes, length, .. } => (Some(*bytes), Some(length)),
            _ => (None, None),
        };
        match self {
            Condition::From(side) => what.from() == Some(*side),
            Condition::Event(name) => what.name() == name,
            Condition::Connection(number) => connection.number == *number,
            Condition::Pid(pid) => connection.client.pid == *pid,
            Condition::Process(name) => connection.client.name.as_ref() == Some(name),
            Condition::Longer(bytes) => length.is_some_and(|length| length > bytes),
            Condition::Shorter(bytes) => length.is_some_and(|length| length < bytes),
            Condition::Contains(part) => {
                data.is_some_and(|data| data.windows(part.len()).any(|window| window == part))
            }
            Condition::Descriptors => {
                matches!(what, What::Data { descriptors, .. } if !descriptors.is_empty())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::transcript::Who;
    use super::*;
    use proptest::prelude::*;
    use sunpath::SocketType;

    fn admits(filter: &str, what: &What<'_>) -> bool {
        let client = Who { pid: 7, uid: Some(0), name: Some("curl".into()) };
        let server = Who::default();
        let connection = Connection { number: 3, kind: SocketType::Stream, client, server };
        filter.parse::<Filter>().expect("a filter").admits(&connection, what)
    }

    #[test]
    fn each_condition_holds_for_what_it_names() {
        let bytes = b"GET / HTTP/1.1\r\n";
        let (from, length) = (Side::Client, bytes.len());
        let get = What::Data { from, bytes, length, urgent: false, descriptors: &[] };
        for yes in [
            "from=client",
            "!from=server",
            "event=data",
            "connection=3",
            "pid=7",
            "process=curl",
            "size>15",
            "size<17",
            "text=/ HTTP/1.1\\r\\x0a",
            "!descriptors",
        ] {
            assert!(admits(yes, &get), "{yes}");
        }
        for no in ["from=server", "event=open", "connection=4", "pid=8", "size>16", "text=\\0"] {
            assert!(!admits(no, &get), "{no}");
        }
        assert!(admits("from=client", &What::End { from: Side::Client }));
        assert!(!admits("text=GET", &What::Close));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for bad in ["", "from=me", "size=3", "text=", "text=\\q", "text=\\x1", "pid=x", "event=x"] {
            assert!(bad.parse::<Filter>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_filter_panics(text in ".{0,20}") {
            let _ = text.parse::<Filter>();
        }
    }
}
