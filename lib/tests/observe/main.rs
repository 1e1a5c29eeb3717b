//! Facts of real sockets, processes and namespaces.

mod path;
mod support;
