//! Connections: listening, connecting, accepting, shutting down; and the association of datagram
//! sockets.

mod accept;
mod connect;
mod listen;
mod shutdown;
