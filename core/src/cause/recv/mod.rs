//! Causes of `recv` and its kin.

pub(super) mod queue;
pub(super) mod state;
