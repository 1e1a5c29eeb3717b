//! What is asked about a call when facts are gathered.

use std::os::fd::BorrowedFd;
use sunpath::fact::Arguments;
use sunpath::{Call, Endpoint, Facts, SocketType};

/// Who asks.
#[derive(Debug)]
pub enum As {
    /// This process.
    Myself,
    /// Another one.
    Process(u32),
}

/// A question.
#[derive(Debug)]
pub struct Query<'a> {
    pub call: Call,
    pub socket: SocketType,
    pub endpoint: Option<Endpoint>,
    pub caller: As,
    pub descriptor: Option<BorrowedFd<'a>>,
    pub arguments: Arguments,
}

/// What was passed is all that is known yet.
pub fn observe(query: &Query<'_>) -> Result<Facts, String> {
    let described = format!("{query:?}");
    let arguments = query.arguments.clone();
    (!described.is_empty())
        .then(|| Facts { arguments, ..Facts::default() })
        .ok_or_else(|| "nothing was asked".to_string())
}
