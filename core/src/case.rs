//! What the test of a cause is given, and what it finds.

use crate::fact::Facts;
use crate::{Call, Platform, SocketType, Symptom};
use alloc::string::String;

/// What a cause's test is given.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The call in question.
    pub call: Call,
    /// The type of the caller's socket.
    pub socket: SocketType,
    /// The platform by whose rules the facts are judged.
    pub platform: Platform,
    /// What the program saw; `None` to predict.
    pub symptom: Option<Symptom>,
    /// What was observed.
    pub facts: &'a Facts,
}

/// What a cause's test found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The facts show that the condition of this cause is met. In words, with the values.
    Holds(String),
    /// The facts point to it, but leave another possibility. In words, with the values and with
    /// what would be needed to be certain.
    Suggests(String),
    /// The facts show that the condition is not met.
    Excluded,
    /// A fact that decides it could not be seen; which one. It may be seen with more privilege or
    /// at another time.
    Unseen(&'static str),
    /// Nothing that can be observed ever decides it (for example, what was passed to the call):
    /// only the symptom points to it. In words: what would lead to it.
    Unobservable(&'static str),
    /// It would take something that is over and left no trace, such as a listener that closed
    /// meanwhile, or another caller: the symptom does not exclude it, and nothing that can be seen
    /// now speaks for it. That others are excluded says little, because they may have been met
    /// then. In words: what it would take.
    Untraced(String),
}
