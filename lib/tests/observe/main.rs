//! Facts of real sockets, processes and namespaces.

mod inet;
mod path;
mod server;
mod support;
