//! The causes of UNIX domain socket errors, as data and as a pure diagnosis.
//!
//! An errno is not a cause: `ECONNREFUSED` from `connect` alone has more than ten. This crate
//! holds one entry for each precise reason ([`cause`]), the vocabulary in which they are stated
//! ([`Call`], [`Errno`], [`SocketType`], [`Platform`]), what can be observed of a system
//! ([`fact`]), and [`diagnose`], which turns a symptom and facts into ranked causes.
//!
//! Nothing here touches a system: the crate is `no_std` with `alloc`, has no dependencies and no
//! `unsafe`, and compiles anywhere. Gathering real facts is the work of the `sunpath` crate.
//!
//! ```
//! use sunpath_core::{Call, Errno, cause};
//!
//! let stale = cause::find("connect/stale-socket").unwrap();
//! assert!(stale.concerns(Call::Connect));
//! assert!(cause::for_errno(Errno::ECONNREFUSED).any(|c| c.id == stale.id));
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod addr;
mod call;
mod case;
pub mod cause;
mod diagnose;
mod errno;
pub mod fact;
pub mod model;
pub mod op;
mod platform;
pub mod profile;
mod remedy;
mod report;
pub mod text;
pub mod trace;

pub use addr::{Address, AddressError, Endpoint};
pub use call::{Call, SocketType, Sockets};
pub use case::{Case, Finding};
pub use cause::Cause;
pub use diagnose::{
    Certainty, Diagnosis, Outcome, Ranked, Unexplained, UnseenFact, diagnose, diagnose_on,
};
pub use errno::{Errno, Symptom, lists};
pub use fact::Facts;
pub use platform::Platform;
