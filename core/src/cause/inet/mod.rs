//! Causes on internet sockets, as BSD `connect(2)` lists them.

pub(super) mod connect;
pub(super) mod transfer;
