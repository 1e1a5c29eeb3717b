//! Conversations between the standard streams and a socket: what `connect` and `listen` share.
//!
//! ```text
//! standard input  -> input: bytes -> framing: messages -> \
//!                                                          pump <-> wire: the socket
//! standard output <- output: bytes <- framing: messages <- /
//! ```
//!
//! One thread does all of it. [`pump`] holds at most one message for each direction and waits with
//! `poll` for what can go on; so memory is bounded, a slow reader slows the writer, and a signal is
//! seen at any time. [`beside`] lists and saves descriptors that come, [`who`] tells who is at the
//! other end, [`command`] runs commands on connections, and [`tell`] says what happens.

pub mod beside;
pub mod command;
pub mod framing;
pub mod input;
pub mod output;
pub mod pump;
mod save;
pub mod setup;
pub mod tell;
pub mod wait;
pub mod who;
pub mod wire;
