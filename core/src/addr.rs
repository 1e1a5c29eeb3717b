//! Addresses: what a program passes to the kernel, and the ways in which people write them.

use crate::SocketType;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The longest pathname that fits into `sun_path` with its NUL, in bytes, on Linux.
pub const PATH_MAX_BYTES: usize = 107;

/// The longest abstract name, without the leading NUL, in bytes.
pub const ABSTRACT_MAX_BYTES: usize = 107;

/// A UNIX domain address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// No name: the state of a socket that was never bound.
    Unnamed,
    /// A file.
    Path(Vec<u8>),
    /// An abstract name (Linux), without its leading NUL. Every byte counts, NULs at the end
    /// included.
    Abstract(Vec<u8>),
}

impl fmt::Display for Address {
    /// The path, or `@name`; bytes that are not printable are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unnamed => f.write_str("(unnamed)"),
            Address::Path(path) => f.write_str(&crate::text::escape(path)),
            Address::Abstract(name) => write!(f, "@{}", crate::text::escape(name)),
        }
    }
}

/// What `why` can be asked about: a UNIX domain address or an internet one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A UNIX domain address.
    Unix(Address),
    /// An internet address: TCP or UDP, by `transport`.
    Inet {
        /// [`SocketType::Tcp`] or [`SocketType::Udp`].
        transport: SocketType,
        /// A host name or address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
}
/// The text is not an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressError;
