//! What calls give back.

use super::{Fd, Polled, Received, Value};
use crate::Address;
use alloc::vec::Vec;

/// The result of a call that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ret {
    /// Nothing but success.
    Unit,
    /// A new descriptor.
    Fd(Fd),
    /// Two new descriptors.
    Pair(Fd, Fd),
    /// A number of bytes.
    Count(usize),
    /// A connection.
    Accepted {
        /// Its descriptor.
        fd: Fd,
        /// The peer's name; `None` if it was not asked for.
        name: Option<Address>,
    },
    /// A socket's name.
    Name(Address),
    /// The value of an option, or the answer to a request.
    Value(Value),
    /// A message.
    Received(Received),
    /// What is the case of each descriptor that was asked about.
    Polled(Vec<Polled>),
    /// A new process or thread, by the number of its task.
    Task(u32),
}
