//! Causes of `connect` to a UNIX domain address.

pub(super) mod abstract_name;
pub(super) mod access;
pub(super) mod address;
pub(super) mod elsewhere;
pub(super) mod near;
pub(super) mod path;
pub(super) mod policy;
pub(super) mod rebound;
pub(super) mod refused;
pub(super) mod state;
pub(super) mod timed_out;
