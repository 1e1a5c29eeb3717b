//! UNIX domain sockets whose errors say why.
//!
//! This crate runs on Linux. The vocabulary, the catalogue of causes and the diagnosis come from
//! `sunpath-core` and are re-exported here, so that a program needs this crate only.

pub use sunpath_core::*;

#[doc(hidden)]
pub mod sys;

pub mod observe;
