//! The model and the running kernel side by side: random scripts of calls, made by several
//! processes, whose every result must be the same on both.
//!
//! ```text
//!  run ──starts──► lane (a process for each CPU; one thread)
//!                    │  generate: asks the model as it goes, so it has every answer beforehand
//!                    │  crew: forks one worker for each process of the script, which has
//!                    │        the script and the answers in its memory
//!                    │            "make the calls 17 to 23"          worker ── the kernel
//!                    │  ◄──────── "done", or what differs ────────── (own table of descriptors,
//!                    │                                               directory, user, network)
//!                    └─ shrink: leaves calls out as long as something still differs
//! ```
//! What both sides number differently is translated: process ids, automatic names, users
//! ([`compare`]). No call waits: those that would are left out by the generator. Calls that wait
//! have a room of their own: [`blocking`]. So have scripts that are made one after the other
//! rather than by chance: [`cells`].

mod blocking;
pub mod cells;
pub mod compare;
mod crew;
mod dice;
mod generate;
mod house;
pub mod lane;
#[cfg(test)]
mod recovery;
pub mod run;
mod script;
mod shrink;
mod story;
mod symbolic;
mod wire;
mod worker;
