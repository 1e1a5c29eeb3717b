//! Causes of `send` and its kin.

pub(super) mod address;
pub(super) mod room;
pub(super) mod size;
pub(super) mod state;
