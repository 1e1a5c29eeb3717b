//! The transcript for people: a line for each event.

use super::{Event, Side, What, Who};
use std::io::Write;
use std::time::Duration;
use sunpath::text::escape;

/// Writes a line.
pub(super) fn write(event: &Event<'_>, line: &mut Vec<u8>) {
    begin(event, line);
    let put = &mut *line;
    // Writing to memory cannot fail.
    let _ = match event.what {
        What::Open => {
            let client = who(&event.connection.client);
            let server = who(&event.connection.server);
            write!(put, "open   {client} to {server}")
        }
        What::Refused { why } => {
            let client = who(&event.connection.client);
            write!(put, "refused {client}: {}", escape(why.as_bytes()))
        }
        What::Data { from, bytes, length, urgent, .. } => {
            let _ = write!(put, "{} {length:>7}  ", arrow(from));
            if urgent {
                put.extend_from_slice(b"urgent ");
            }
            excerpt(event.shown(bytes), length, put);
            Ok(())
        }
        What::End { from } => write!(put, "{} end", arrow(from)),
        What::Reset { from } => write!(put, "{} reset: closed without reading all", arrow(from)),
        What::Lost { from, bytes } => {
            write!(put, "{} {bytes:>7}  of it not delivered", arrow(from))
        }
        What::Close => {
            let [client, server] = event.totals;
            write!(put, "close  {client} bytes ->, {server} bytes <-")
        }
    };
    line.push(b'\n');
    beside(event, line);
}

/// Time and connection.
pub(super) fn begin(event: &Event<'_>, line: &mut Vec<u8>) {
    clock(event.time, line);
    let _ = write!(line, " #{} ", event.connection.number);
}

/// A line for each descriptor.
pub(super) fn beside(event: &Event<'_>, line: &mut Vec<u8>) {
    if let What::Data { from, descriptors, .. } = event.what {
        for (index, descriptor) in descriptors.iter().enumerate() {
            begin(event, line);
            let (index, all) = (index + 1, descriptors.len());
            let what = descriptor.sentence();
            let _ = writeln!(line, "{} descriptor {index} of {all}: {what}", arrow(from));
        }
    }
}

/// `->` is from the client, `<-` from the server.
pub(super) fn arrow(from: Side) -> &'static str {
    match from {
        Side::Client => "->",
        Side::Server => "<-",
    }
}

/// A process in a few words.
pub(super) fn who(who: &Who) -> String {
    let mut text = match (&who.name, who.pid) {
        (Some(name), pid) => format!("{}, pid {pid}", escape(name.as_bytes())),
        (None, 0) => String::from("an unknown process"),
        (None, pid) => format!("pid {pid}"),
    };
    if let Some(uid) = who.uid {
        text.push_str(&format!(", uid {uid}"));
    }
    text
}

/// The time of day, in UTC.
fn clock(time: Duration, line: &mut Vec<u8>) {
    let seconds = time.as_secs();
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let _ = write!(line, "{hour:02}:{minute:02}:{second:02}.{:06}", time.subsec_micros());
}

/// What is shown of a message, in quotes.
fn excerpt(shown: &[u8], length: usize, line: &mut Vec<u8>) {
    line.push(b'"');
    if shown.iter().all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'"' | b'\\')) {
        line.extend_from_slice(shown);
    } else {
        for (index, part) in escape(shown).split('"').enumerate() {
            line.extend_from_slice(if index > 0 { b"\\\"" } else { b"" });
            line.extend_from_slice(part.as_bytes());
        }
    }
    line.push(b'"');
    if shown.len() < length {
        line.extend_from_slice(b"...");
    }
}
