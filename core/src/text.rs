//! Untrusted bytes made fit for a terminal and for a shell.

use alloc::format;
use alloc::string::String;

/// Escapes bytes for a terminal: printable characters stay, everything else (controls, escape
/// codes, invalid UTF-8, bidirectional overrides) becomes `\n`, `\t`, `\xNN` or `\u{NNNN}`.
///
/// ```
/// assert_eq!(sunpath_core::text::escape(b"/run/a\x1b[31m\n"), "/run/a\\x1b[31m\\n");
/// ```
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(&mut out, c);
        }
        for b in chunk.invalid() {
            push_byte(&mut out, *b);
        }
    }
    out
}

/// Makes a sentence fit for a terminal: as [`escape`], but backslashes stay single, as parts of it
/// may have been escaped already.
pub(crate) fn sentence(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\\' { out.push(c) } else { push_escaped(&mut out, c) }
    }
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '\r' => out.push_str("\\r"),
        '\0' => out.push_str("\\0"),
        '\\' => out.push_str("\\\\"),
        c if c.is_ascii_control() => push_byte(out, c as u8),
        c if c.is_control() || is_format(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
        c => out.push(c),
    }
}

/// `\xNN`, without the detour of `format!`, which takes most of the time where much is binary.
fn push_byte(out: &mut String, byte: u8) {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    out.push_str("\\x");
    out.push(digit(byte >> 4));
    out.push(digit(byte & 15));
}

/// Invisible characters that reorder or hide text.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A number with its noun and verb: `1 connection waits`, `2 connections wait`.
pub fn connections_wait(count: u32) -> String {
    if count == 1 {
        String::from("1 connection waits")
    } else {
        format!("{count} connections wait")
    }
}

/// Quotes bytes as one word for a POSIX shell with `$'...'` (bash, zsh, ksh, busybox), bare where
/// no quotes are needed.
///
/// ```
/// assert_eq!(sunpath_core::text::shell(b"/run/app.sock"), "/run/app.sock");
/// assert_eq!(sunpath_core::text::shell(b"/tmp/my app"), "'/tmp/my app'");
/// assert_eq!(sunpath_core::text::shell(b"/tmp/a\n"), "$'/tmp/a\\n'");
/// ```
pub fn shell(bytes: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+:@%=,".contains(b);
    let start_ok = !bytes.first().is_some_and(|b| b"-=".contains(b));
    if !bytes.is_empty() && start_ok && bytes.iter().all(plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let escaped = escape(bytes);
    let unchanged = escaped.as_bytes() == bytes;
    if unchanged && !bytes.contains(&b'\'') {
        return format!("'{escaped}'");
    }
    let mut out = String::from("$'");
    for b in bytes {
        match b {
            b'\'' => out.push_str("\\'"),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b if (b' '..=b'~').contains(b) => out.push(*b as char),
            b => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out.push('\'');
    out
}
