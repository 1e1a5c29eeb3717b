//! Connections: listening, connecting, accepting, shutting down; and the association of datagram
//! sockets.
//!
//! ```text
//!   listener                          client
//!  ┌───────────────┐  look up        ┌─────────────┐
//!  │ pending: e f  │ ◄────────────── │ Unconnected │
//!  └───────┬───────┘                 └──────┬──────┘
//!   accept │ takes the first                │ connect
//!          ▼                                ▼
//!  ┌───────────────┐   each other's  ┌─────────────┐
//!  │ e: Connected  │ ◄────────────►  │ Connected   │
//!  └───────────────┘   peer          └─────────────┘
//! ```
//! The server's end is made by `connect`: until `accept` gives it a file it is an embryo, which
//! receives, but which nobody can use. It has the listener's name and wishes as they were then.

mod accept;
mod associate;
mod connect;
mod listen;
mod shutdown;
