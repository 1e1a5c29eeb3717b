//! Addresses: what a program passes to the kernel, and the ways in which people write them.

mod parse;
mod spell;

use crate::SocketType;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use parse::AddressError;

/// The longest pathname that fits into `sun_path` with its NUL, in bytes, on Linux.
pub const PATH_MAX_BYTES: usize = 107;

/// How many automatic abstract names Linux has for each socket type and network namespace.
pub const AUTOBIND_NAMES: u64 = 1 << 20;

/// The longest abstract name, without the leading NUL, in bytes.
pub const ABSTRACT_MAX_BYTES: usize = 107;

/// A UNIX domain address.
///
/// Text and bytes convert to a path as they stand: an `@` at their start is a character like any
/// other. For the ways in which people write addresses, see [`Endpoint::parse`].
///
/// ```
/// use sunpath_core::Address;
///
/// assert_eq!(Address::from("/run/app.sock"), Address::Path(b"/run/app.sock".to_vec()));
/// assert_eq!(format!("{:?}", Address::from("/run/app.sock")), r#"Path("/run/app.sock")"#);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// No name: the state of a socket that was never bound.
    Unnamed,
    /// A file.
    Path(Vec<u8>),
    /// An abstract name (Linux), without its leading NUL. Every byte counts, NULs at the end
    /// included.
    Abstract(Vec<u8>),
}

impl Address {
    /// The length that is passed to the kernel: the family, and the path with its NUL or the
    /// abstract name with its leading NUL.
    pub fn socket_length(&self) -> usize {
        match self {
            Address::Unnamed => 2,
            Address::Path(bytes) | Address::Abstract(bytes) => 2 + bytes.len() + 1,
        }
    }

    /// Whether it fits into `sun_path` on Linux. A path of 108 bytes fits too if the program
    /// leaves out its NUL; hardly any does.
    pub fn fits(&self) -> bool {
        match self {
            Address::Unnamed => true,
            Address::Path(path) => path.len() <= PATH_MAX_BYTES,
            Address::Abstract(name) => name.len() <= ABSTRACT_MAX_BYTES,
        }
    }
}

impl From<&[u8]> for Address {
    /// A path.
    fn from(path: &[u8]) -> Self {
        Address::Path(path.to_vec())
    }
}

impl From<&str> for Address {
    /// A path.
    fn from(path: &str) -> Self {
        path.as_bytes().into()
    }
}

impl fmt::Debug for Address {
    /// `Path("/run/app.sock")`; bytes that are not printable are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = match self {
            Address::Unnamed => return f.write_str("Unnamed"),
            Address::Path(bytes) => ("Path", bytes),
            Address::Abstract(bytes) => ("Abstract", bytes),
        };
        write!(f, "{name}(\"{}\")", crate::text::escape(bytes))
    }
}

impl fmt::Display for Address {
    /// The path, or `@name`; bytes that are not printable are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unnamed => f.write_str("(unnamed)"),
            Address::Path(path) if path.is_empty() => f.write_str("(empty path)"),
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
