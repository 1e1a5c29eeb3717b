//! Calls that wait, on the model and on the running kernel: who sleeps, who wakes and who does not.
//!
//! ```text
//!  weave ── explores every interleaving of small programs in the model ─┐
//!  generate ── random calls of several tasks ───────────────────────────┤
//!  rules ── what is known of waking, as stories ────────────────────────┤
//!                                                                       ▼
//!                              one call, signal or while of time at once: pair
//!                                     │                            │
//!                                     ▼                            ▼
//!                           possible: every order in       kernel: real processes with
//!                           which those that were woken    real threads; waits until each has
//!                           can look again                 answered or is seen asleep
//!                                     │                            │
//!                                     └──── is it one of them? ◄───┘
//! ```
//! Nothing rests on time: a thread that was woken is not asleep any more when the call returns
//! that woke it. Which of several that were woken comes first is the kernel's choice, so the
//! model keeps every world that is possible until what is seen rules it out.

mod fair;
mod generate;
mod kernel;
pub mod lane;
mod pair;
mod possible;
mod program;
mod rules;
mod weave;
