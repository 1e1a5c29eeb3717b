//! Facts of real sockets, processes and namespaces.

#[path = "../directory/mod.rs"]
mod directory;
mod inet;
mod path;
mod server;
mod support;
