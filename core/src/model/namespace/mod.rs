//! Names: the file system, abstract names, and the sockets behind them.
//!
//! ```text
//!  address ──► a path ───────► walk ──► node ──► the socket bound to it     look_up, bind
//!     │        (permission                ▲
//!     │         at each step)             │ rename, link, unlink, chmod     files
//!     └──────► an abstract name ──► (network namespace, type, bytes) ──► socket
//! ```
//! A socket is bound to a node, not to a path: the file can be renamed, linked and removed under
//! it, and outlives it. Nodes are never numbered twice, so a number that was kept leads to its
//! node or to nothing.
//!
//! Where several causes have one errno, the world is looked at as a whole to return the true one:
//! that is `near` for paths that lead nowhere, and the end of `look_up` for sockets that do not
//! answer.

mod address;
mod automatic;
mod bind;
mod files;
mod look_at;
mod look_up;
mod name;
mod near;
pub(crate) mod permission;
pub(crate) mod tree;
pub(crate) mod walk;

pub use look_at::{BoundSocket, FileStatus};
pub(crate) use tree::{Namespace, NodeId};
