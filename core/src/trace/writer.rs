//! Writing: the text of a line as it grows.

use super::reference::Name;
use crate::op::Fd;
use alloc::string::String;
use core::fmt::{Display, Write as _};
use core::slice;

/// A line as it grows.
pub(super) struct Writer<'a> {
    text: String,
    names: slice::Iter<'a, Option<Name>>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(names: &'a [Option<Name>]) -> Writer<'a> {
        Writer { text: String::new(), names: names.iter() }
    }

    pub(super) fn done(self) -> String {
        self.text
    }

    /// Adds this as it is.
    pub(super) fn add(&mut self, text: impl Display) {
        // Writing to a string does not fail.
        let _ = write!(self.text, "{text}");
    }

    /// A space, if something stands before.
    pub(super) fn space(&mut self) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
    }

    /// Adds this as a word of its own.
    pub(super) fn word(&mut self, word: impl Display) {
        self.space();
        self.add(word);
    }

    /// Adds the word if the condition holds.
    pub(super) fn word_if(&mut self, condition: bool, word: &str) {
        if condition {
            self.word(word);
        }
    }

    /// Adds `key=`.
    pub(super) fn key(&mut self, key: &str) {
        self.word(key);
        self.text.push('=');
    }

    /// Adds `key=value`.
    pub(super) fn pair(&mut self, key: &str, value: impl Display) {
        self.key(key);
        self.add(value);
    }

    /// The name of the next reference, or its number.
    pub(super) fn reference(&mut self, number: impl Display) {
        match self.names.next() {
            Some(Some(name)) => self.text.push_str(name),
            _ => self.add(number),
        }
    }

    /// A descriptor as a word of its own.
    pub(super) fn fd(&mut self, fd: Fd) {
        self.space();
        self.reference(fd);
    }

    /// `[3, 4]`
    pub(super) fn fds(&mut self, fds: &[Fd]) {
        self.text.push('[');
        for (place, fd) in fds.iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            self.reference(fd);
        }
        self.text.push(']');
    }

    /// What a table says is on, by its name.
    pub(super) fn switches<T: Clone>(&mut self, of: &T, switches: &[Switch<T>]) {
        let mut of = of.clone();
        for (name, switch) in switches {
            if *switch(&mut of) {
                self.word(name);
            }
        }
    }
}

/// A flag with its name.
pub(super) type Switch<T> = (&'static str, fn(&mut T) -> &mut bool);

/// Turns the flag of this name on; `false` if there is none.
pub(super) fn turn_on<T>(of: &mut T, switches: &[Switch<T>], name: &str) -> bool {
    let Some((_, switch)) = switches.iter().find(|(n, _)| *n == name) else { return false };
    *switch(of) = true;
    true
}
