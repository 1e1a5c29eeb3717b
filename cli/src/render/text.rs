//! Measuring, wrapping and shortening text.

use anstream::adapter::strip_str;
use unicode_width::UnicodeWidthStr;

/// The width to write for: the terminal's, within reason, or 80 columns.
pub fn width() -> usize {
    let columns = terminal_size::terminal_size_of(std::io::stdout()).map(|(w, _)| usize::from(w.0));
    columns.unwrap_or(80).clamp(40, 100)
}

/// Columns that a text takes on a terminal. Styles take none.
pub fn columns(text: &str) -> usize {
    strip_str(text).map(UnicodeWidthStr::width).sum()
}

/// The text, with spaces at its end up to this many columns.
pub fn pad(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(columns(text))))
}

/// Breaks text between words so that no line is wider than `width`, each but the first indented
/// by `indent` columns. Words that are wider stand alone on their line. Runs of spaces within a
/// line are kept: they may belong to a file's name.
pub fn wrap(text: &str, indent: usize, width: usize) -> String {
    let mut out = String::new();
    let mut at = indent;
    for (i, word) in text.trim().split(' ').enumerate() {
        let w = columns(word);
        if i > 0 && at + 1 + w > width {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            at = indent;
        } else if i > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += w;
    }
    out
}

/// The first letter in upper case.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    first + chars.as_str()
}

/// Words as a list: `a`, `a and b`, `a, b and c`.
pub fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_string(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

/// `1 file`, `2 files`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Bytes from outside for a line of a terminal: escaped, the middle left out if they are longer
/// than anyone would read, and in quotes if blanks at an end would go unnoticed.
pub fn show(bytes: &[u8]) -> String {
    let blank = |b: Option<&u8>| b.is_none_or(|b| *b == b' ');
    if blank(bytes.first()) || blank(bytes.last()) { quoted(bytes) } else { short(bytes) }
}

/// A text that may quote names from outside, most of them escaped already: whatever a terminal
/// would obey is escaped, and backslashes stay.
pub fn calm(text: &str) -> String {
    let parts: Vec<_> = text.split('\\').map(|p| sunpath::text::escape(p.as_bytes())).collect();
    parts.join("\\")
}

/// As [`show`], always in quotes.
pub fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", short(bytes))
}

fn short(bytes: &[u8]) -> String {
    const HEAD: usize = 120;
    const TAIL: usize = 40;
    if bytes.len() <= HEAD + TAIL + 40 {
        return sunpath::text::escape(bytes);
    }
    let head = sunpath::text::escape(&bytes[..HEAD]);
    let tail = sunpath::text::escape(&bytes[bytes.len() - TAIL..]);
    format!("{head}[... {} bytes ...]{tail}", bytes.len() - HEAD - TAIL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_between_words_and_indents() {
        assert_eq!(wrap("aa bb cc dd", 2, 8), "aa bb\n  cc dd");
        assert_eq!(wrap("a-very-long-word b", 2, 8), "a-very-long-word\n  b");
        assert_eq!(wrap("a  b", 2, 80), "a  b");
        assert_eq!(wrap("aaa  bbb", 2, 6), "aaa\n  bbb");
        assert_eq!(wrap("  ", 2, 8), "");
    }

    #[test]
    fn styles_take_no_columns() {
        let bold = crate::render::paint(crate::render::HEAD, "four");
        assert!(bold.len() > 4);
        assert_eq!(columns(&bold), 4);
        assert_eq!(columns(&pad(&bold, 6)), 6);
    }

    #[test]
    fn long_names_keep_their_ends() {
        let long = [b"/start/".as_slice(), &[b'x'; 5000], b"/end"].concat();
        let shown = show(&long);
        assert!(shown.starts_with("/start/x") && shown.ends_with("x/end"), "{shown}");
        assert!(shown.len() < 220);
        assert_eq!(show(b"a\x1b"), "a\\x1b");
        assert_eq!(show(b"a b "), "\"a b \"");
        assert_eq!(show(b""), "\"\"");
    }

    #[test]
    fn what_is_escaped_already_stays() {
        assert_eq!(calm("a\\x1b b\x1b"), "a\\x1b b\\x1b");
    }

    #[test]
    fn lists_read_well() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
