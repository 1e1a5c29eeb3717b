//! What `connect` and `listen` have in common.

use clap::{Args, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use sunpath::SocketType;

/// Options of both.
#[derive(Debug, Args)]
pub struct Talk {
    /// The type of the socket.
    #[arg(long = "type", value_name = "TYPE", default_value = "stream", value_parser = super::socket_type())]
    pub socket: SocketType,
    #[command(flatten)]
    pub form: Form,
    /// Send this file's descriptor, opened for reading, or the descriptor of this number, with the
    /// first bytes or message; can be repeated.
    #[arg(long, value_name = "FILE|NUMBER", value_hint = ValueHint::FilePath, conflicts_with = "exec")]
    pub send_fd: Vec<OsString>,
    /// Save what received descriptors of regular files hold into new files in this directory, which
    /// is made if need be.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "exec")]
    pub save_fds: Option<PathBuf>,
    /// The most that is saved in all: a number of bytes, or 64K, 64M, 64G.
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size, requires = "save_fds")]
    pub save_limit: u64,
    /// Tell who is at the other end: process, ids, and whether the process still runs.
    #[arg(long)]
    pub peer: bool,
    /// Run this with the shell instead, with the connection as its standard input and output.
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub exec: Option<OsString>,
    /// Give up after so long, such as 5, 0.5 or 200ms, without a connection, or in which nothing
    /// is sent or received.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Tell on standard error what happens.
    #[arg(long, short)]
    pub verbose: bool,
    /// Tell it as lines of JSON, as described by sunpath man json.
    #[arg(long)]
    pub json: bool,
}

/// How messages stand in standard input and output.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Form {
    /// Datagrams and packets: messages end with these bytes, such as '\0' or '\r\n', not with a
    /// newline.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub delimiter: Option<Bytes>,
    /// Datagrams and packets: messages have their length in front, as four bytes, the highest
    /// first.
    #[arg(long)]
    pub length_prefixed: bool,
    /// Each message, or what a stream brings at once, is a line of hexadecimal digits.
    #[arg(long)]
    pub hex: bool,
}

/// Bytes that were written with escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

fn bytes(text: &str) -> Result<Bytes, String> {
    let mut found = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            found.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        found.push(match rest.next() {
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('x') => {
                let digit = |c: Option<char>| c.and_then(|c| c.to_digit(16));
                let (high, low) = (digit(rest.next()), digit(rest.next()));
                let byte = high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                byte.ok_or("\\x is followed by two hexadecimal digits")?
            }
            _ => return Err("after \\ stands n, r, t, 0, x and two digits, or \\".into()),
        });
    }
    if found.is_empty() { Err("nothing would end a message".into()) } else { Ok(Bytes(found)) }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is a number of seconds, such as 5 or 0.5, or 200ms".to_string();
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())
}

fn size(text: &str) -> Result<u64, String> {
    let wrong = || "a size is a number of bytes, or 64K, 64M, 64G".to_string();
    let units = [('K', 10), ('M', 20), ('G', 30)];
    let unit = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(*unit)?, *shift)));
    let (number, shift) = unit.unwrap_or((text, 0));
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_bytes() {
        assert_eq!(bytes(r"\r\n"), Ok(Bytes(b"\r\n".to_vec())));
        assert_eq!(bytes(r"a\x00\0\\"), Ok(Bytes(b"a\0\0\\".to_vec())));
        assert_eq!(bytes("é"), Ok(Bytes("é".as_bytes().to_vec())));
        for wrong in ["", "\\", "\\x", "\\x1", "\\xg0", "\\q"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_and_sizes_have_units() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(seconds("2s"), Ok(Duration::from_secs(2)));
        for wrong in ["", "-1", "NaN", "inf", "1e300", "s", "1m"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(size("64M"), Ok(64 << 20));
        assert_eq!(size("0"), Ok(0));
        for wrong in ["", "-1", "1T", "18446744073709551615G", "M"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
