//! Reading: a place in the text of a trace, and what is wrong with what stands there.

use super::near::near;
use super::reference::Names;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// All messages of one trace together have at most this many bytes, so that a short text cannot
/// ask for more memory than there is.
const MOST_DATA: usize = 64 << 20;

/// The text is not a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What could stand there.
    pub expected: String,
    /// What stands there, made fit for a terminal; empty at the end of the line.
    pub found: String,
    /// What probably helps, such as `did you mean send?`; empty if nobody can tell.
    pub hint: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: expected {}", self.line, self.column, self.expected)?;
        match self.found.as_str() {
            "" => f.write_str(", found the end of the line")?,
            found => write!(f, ", found {found}")?,
        }
        match self.hint.as_str() {
            "" => Ok(()),
            hint => write!(f, "; {hint}"),
        }
    }
}

impl core::error::Error for ParseError {}

pub(super) type Read<T> = Result<T, ParseError>;

/// A place in a line.
pub(super) struct Cursor<'a> {
    line: &'a str,
    at: usize,
    number: usize,
    /// The references that were read, see [`super::Named`].
    pub(super) names: Names,
    /// The names that earlier lines give.
    pub(super) known: Known,
    /// How many bytes the messages may still have.
    pub(super) room: usize,
}

/// The names that earlier lines give.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) tasks: BTreeSet<String>,
    pub(super) descriptors: BTreeSet<String>,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Task,
    Descriptor,
}

pub(super) fn did_you_mean(word: &str) -> String {
    format!("did you mean {word}?")
}

impl<'a> Cursor<'a> {
    /// The start of a trace.
    pub(super) fn new() -> Cursor<'a> {
        let (names, known) = (Names::new(), Known::default());
        Cursor { line: "", at: 0, number: 0, names, known, room: MOST_DATA }
    }

    /// A line without those before it.
    pub(super) fn alone(line: &'a str) -> Cursor<'a> {
        Cursor { line, number: 1, ..Cursor::new() }
    }

    /// Goes on to this line.
    pub(super) fn begin(&mut self, line: &'a str, number: usize) {
        (self.line, self.at, self.number) = (line, 0, number);
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    pub(super) fn skip(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    /// Whether nothing more stands in the line.
    pub(super) fn ended(&mut self) -> bool {
        self.skip();
        self.rest().is_empty()
    }

    /// Goes past this, if it stands right here.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let here = self.rest().starts_with(text);
        if here {
            self.at += text.len();
        }
        here
    }

    /// Goes past spaces and this, if it stands there.
    pub(super) fn find(&mut self, text: &str) -> bool {
        self.skip();
        self.eat(text)
    }

    pub(super) fn expect(&mut self, text: &str) -> Read<()> {
        if self.eat(text) { Ok(()) } else { self.fail(format!("`{text}`")) }
    }

    pub(super) fn fail<T>(&self, expected: impl Into<String>) -> Read<T> {
        self.fail_with(expected, String::new())
    }

    /// None of these words stands here, each with what follows it; perhaps one was meant.
    pub(super) fn none_of<T>(&self, what: &str, choices: &[&str]) -> Read<T> {
        let hint = near(self.peek_word(), choices).map(did_you_mean);
        self.fail_with(format!("{what} ({})", choices.join(", ")), hint.unwrap_or_default())
    }

    /// As [`Cursor::fail`], with what probably helps.
    pub(super) fn fail_with<T>(&self, expected: impl Into<String>, hint: String) -> Read<T> {
        let column = self.line[..self.at].chars().count() + 1;
        let rest = self.rest().trim_end();
        let end = rest.find([' ', '\t']).unwrap_or(rest.len()).max(usize::from(!rest.is_empty()));
        let shown: String = rest.get(..end).unwrap_or(rest).chars().take(40).collect();
        let found = match shown.as_str() {
            "" => String::new(),
            shown => format!("`{}`", crate::text::escape(shown.as_bytes())),
        };
        let hint = match hint.as_str() {
            "" if rest.starts_with('#') => "a comment needs a line of its own".to_string(),
            _ => hint,
        };
        Err(ParseError { line: self.number, column, expected: expected.into(), found, hint })
    }

    /// The word that stands here, or nothing: a letter, then letters, digits, dashes and
    /// underscores.
    pub(super) fn peek_word(&self) -> &'a str {
        let rest = self.rest();
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return "";
        }
        let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let word = &rest[..rest.find(|c| !part(c)).unwrap_or(rest.len())];
        match rest[word.len()..].starts_with('>') {
            true => word.strip_suffix('-').unwrap_or(word),
            false => word,
        }
    }

    /// The word that comes next, or nothing.
    pub(super) fn next_word(&mut self) -> Option<&'a str> {
        self.skip();
        let word = self.peek_word();
        (!word.is_empty()).then_some(word)
    }

    /// Goes past a word that [`Cursor::next_word`] found.
    pub(super) fn take(&mut self, word: &str) {
        self.at += word.len();
    }

    /// A name that an earlier line gives.
    pub(super) fn known(&mut self, of: Of, what: &str) -> Read<String> {
        let word = self.peek_word();
        let names = match of {
            Of::Task => &self.known.tasks,
            Of::Descriptor => &self.known.descriptors,
        };
        if !word.is_empty() && !names.contains(word) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let hint = near(word, &names).map(did_you_mean).unwrap_or_default();
            return self.fail_with(format!("{what} that an earlier line names"), hint);
        }
        self.name(what)
    }

    /// A name: of a process, or of a descriptor.
    pub(super) fn name(&mut self, expected: &str) -> Read<String> {
        let word = self.peek_word();
        if word.is_empty() {
            return self.fail(expected);
        }
        self.take(word);
        Ok(word.to_owned())
    }

    /// One of these words.
    pub(super) fn one_of<T: Copy>(&mut self, what: &str, choices: &[(&str, T)]) -> Read<T> {
        let word = self.peek_word();
        let Some((_, chosen)) = choices.iter().find(|(name, _)| *name == word) else {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            return self.none_of(what, &names);
        };
        self.take(word);
        Ok(*chosen)
    }

    /// Fails if this word, which stands right here, was seen already.
    pub(super) fn once(&self, seen: &mut Vec<&'a str>, word: &'a str) -> Read<()> {
        if seen.contains(&word) {
            return self.fail(format!("{word} only once"));
        }
        seen.push(word);
        Ok(())
    }

    /// Whether a number stands right here.
    pub(super) fn at_number(&self) -> bool {
        let rest = self.rest();
        rest.strip_prefix('-').unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit())
    }

    /// A whole number that fits into the type.
    pub(super) fn number_of<T: FromStr>(&mut self, what: &str) -> Read<T> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest[sign..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - sign);
        match rest[..sign + digits].parse() {
            Ok(number) => {
                self.at += sign + digits;
                Ok(number)
            }
            Err(_) if digits > 0 => self.fail(format!("{what} that is not out of range")),
            Err(_) => self.fail(what),
        }
    }

    /// A place to come back to.
    pub(super) fn mark(&self) -> usize {
        self.at
    }

    pub(super) fn back_to(&mut self, mark: usize) {
        self.at = mark;
    }
}
