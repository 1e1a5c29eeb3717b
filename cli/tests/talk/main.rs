//! `sunpath connect` and `sunpath listen`, with real peers.

#[path = "../common/mod.rs"]
mod common;

mod descriptors;
mod endings;
mod messages;
mod program;
mod serving;
mod streams;
