//! Wrapping and measuring text.

use unicode_width::UnicodeWidthStr;

/// The width to write for: the terminal's, within reason, or 80 columns.
pub fn width() -> usize {
    let columns = terminal_size::terminal_size_of(std::io::stdout()).map(|(w, _)| usize::from(w.0));
    columns.unwrap_or(80).clamp(40, 100)
}

/// Columns that a text takes on a terminal.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// Breaks text between words so that no line is wider than `width`, each but the first indented
/// by `indent` columns. Words that are wider stand alone on their line.
pub fn wrap(text: &str, indent: usize, width: usize) -> String {
    let mut out = String::new();
    let mut at = indent;
    let mut line_is_empty = true;
    for word in text.split_ascii_whitespace() {
        let w = columns(word);
        if !line_is_empty && at + 1 + w > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            at = indent;
            line_is_empty = true;
        }
        if !line_is_empty {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += w;
        line_is_empty = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn wraps_between_words_and_indents() {
        assert_eq!(wrap("aa bb cc dd", 2, 8), "aa bb\n  cc dd");
        assert_eq!(wrap("a-very-long-word b", 2, 8), "a-very-long-word\n  b");
        assert_eq!(wrap("  ", 2, 8), "");
    }
}
