//! A document in Markdown as a man page: the headings, paragraphs, lists, tables and blocks of code
//! that the documents have.

use super::SOURCE;
use clap_mangen::roff::{Inline, Roff, bold, roman};
use std::iter::Peekable;
use std::str::Lines;

/// The page, without its last section.
pub fn page(name: &str, about: &str, document: &str) -> String {
    let mut roff = Roff::new();
    roff.control("TH", [name, "1", "", SOURCE, "Sunpath"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman(format!("{name} - {about}"))]);
    roff.control("SH", ["DESCRIPTION"]);
    let mut lines = document.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some((marks, title)) = heading(line) {
            let (upper, title) = (title.to_uppercase(), title.replace('`', ""));
            let is_command = title.len() < upper.len();
            match marks {
                // It is the page's.
                1 => &mut roff,
                2 if is_command => roff.control("SH", [title.as_str()]),
                2 => roff.control("SH", [upper.as_str()]),
                _ => roff.control("SS", [title.as_str()]),
            };
        } else if line.starts_with("```") {
            code(&mut roff, &mut lines);
        } else if line.starts_with('|') {
            // Below the head of the table, a line of dashes.
            lines.next();
            rows(&mut roff, &mut lines);
        } else if let Some(item) = line.strip_prefix("- ") {
            roff.control("IP", ["\\(bu", "2"]);
            roff.text(inline(item));
        } else if line.is_empty() {
            roff.control("PP", []);
        } else {
            roff.text(inline(line));
        }
    }
    roff.to_roff()
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let marks = line.bytes().take_while(|b| *b == b'#').count();
    line[marks..].strip_prefix(' ').filter(|_| marks > 0).map(|title| (marks, title))
}

fn code(roff: &mut Roff, lines: &mut Peekable<Lines<'_>>) {
    roff.control("PP", []);
    roff.control("RS", ["4"]);
    roff.control("nf", []);
    for line in lines.by_ref().take_while(|line| !line.starts_with("```")) {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.control("RE", []);
}

/// The rows of a table: the first cell is a term, the last says what it is. One between them is the
/// type.
fn rows(roff: &mut Roff, lines: &mut Peekable<Lines<'_>>) {
    while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
        let cells = cells(line);
        let [term, between @ .., about] = cells.as_slice() else { continue };
        roff.control("TP", []);
        roff.text(inline(term));
        let between: String = between.iter().map(|cell| format!("({cell}) ")).collect();
        roff.text(inline(&format!("{between}{about}")));
    }
}

/// The cells of a row: a bar within code is none between cells.
fn cells(line: &str) -> Vec<&str> {
    let mut in_code = false;
    let inner = line.trim_start_matches('|').trim_end_matches('|');
    let bars = |c: char| {
        in_code ^= c == '`';
        c == '|' && !in_code
    };
    inner.split(bars).map(str::trim).collect()
}

/// Code in bold, and links without where they lead.
fn inline(text: &str) -> Vec<Inline> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '[']) {
        out.push(roman(&rest[..at]));
        let special = &rest[at + 1..];
        let (inner, after) = match rest.as_bytes()[at] {
            b'`' => special.split_once('`').unwrap_or((special, "")),
            _ => match special.split_once("](").zip(special.split_once(')')) {
                Some(((label, _), (_, after))) => {
                    out.extend(inline(label));
                    rest = after;
                    continue;
                }
                None => ("[", special),
            },
        };
        out.push(bold(inner));
        rest = after;
    }
    out.push(roman(rest));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_in_code_divide_nothing() {
        assert_eq!(cells("| `a | b` | c |"), ["`a | b`", "c"]);
        assert_eq!(cells("| `dup s` | |"), ["`dup s`", ""]);
    }

    #[test]
    fn what_a_document_has_becomes_a_page() {
        let text = "# T\n\nOne [`x`](#x) of `a`.\n\n## Names\n\n| h | t |\n| --- | --- |\n| `n` | b |\n\
                    ```\n.x  y\n```\n- item\n";
        let page = page("sunpath-t", "a test", text);
        let body = page.split(".SH DESCRIPTION\n").nth(1).unwrap();
        assert_eq!(
            body,
            ".PP\nOne \\fBx\\fR of \\fBa\\fR.\n.PP\n.SH NAMES\n.PP\n.TP\n\\fBn\\fR\nb\n.PP\n.RS 4\n\
             .nf\n\\&.x  y\n.fi\n.RE\n.IP \\(bu 2\nitem\n"
        );
    }
}
