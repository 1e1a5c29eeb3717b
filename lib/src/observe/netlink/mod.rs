//! Netlink: how the kernel is asked about sockets, routes and neighbours.
//!
//! [`wire`] reads and writes messages and is pure; [`client`] sends a request and walks through
//! the answers. The families of messages (`sock_diag`, `rtnetlink`) are with those who use them.

mod client;
pub(super) mod wire;

pub(super) use client::{Client, Trouble};
pub(super) use wire::{Attributes, field};
