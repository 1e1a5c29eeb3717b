//! Gathers real facts: who the caller is, and what an address leads to.

mod accounts;
mod caller;
mod mounts;
mod path;
mod procfs;

pub use caller::{As, ObserveError, UserSpec};
