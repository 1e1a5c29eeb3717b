//! Addresses as programs give them, and as the kernel gives them back.

use crate::Address;
use crate::sys::name::Name;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net;
use std::path::{Path, PathBuf};

/// An [`Address`] that is borrowed: what calls take, so that none of them copies a name.
///
/// ```
/// use sunpath::{AddressRef, Listener, Stream};
///
/// let name = AddressRef::Abstract(b"sunpath-doc-address");
/// let listener = Listener::bind(name)?;
/// let client = Stream::connect(name)?;
/// # Ok::<(), sunpath::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressRef<'a> {
    /// No name. To `bind` it means: pick a free abstract name.
    Unnamed,
    /// A file.
    Path(&'a [u8]),
    /// An abstract name (Linux), without its leading NUL. Every byte counts.
    Abstract(&'a [u8]),
}

impl<'a> AddressRef<'a> {
    /// The path, if it is one.
    ///
    /// ```
    /// use sunpath::ToAddress;
    ///
    /// let address = sunpath::Address::from("/run/app.sock");
    /// assert_eq!(address.to_address().as_path(), Some("/run/app.sock".as_ref()));
    /// ```
    pub fn as_path(self) -> Option<&'a Path> {
        match self {
            AddressRef::Path(path) => Some(Path::new(OsStr::from_bytes(path))),
            AddressRef::Unnamed | AddressRef::Abstract(_) => None,
        }
    }

    /// The address with a name of its own.
    pub fn into_owned(self) -> Address {
        match self {
            AddressRef::Unnamed => Address::Unnamed,
            AddressRef::Path(path) => Address::Path(path.to_vec()),
            AddressRef::Abstract(name) => Address::Abstract(name.to_vec()),
        }
    }
}

impl fmt::Debug for AddressRef<'_> {
    /// As [`Address`] is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.into_owned(), f)
    }
}

impl fmt::Display for AddressRef<'_> {
    /// As [`Address`] is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.into_owned(), f)
    }
}

/// What can be given as an address: paths and strings as they stand, [`Address`] in all its
/// forms, the [`SockAddr`] that came with a message, and the standard library's
/// [`SocketAddr`](net::SocketAddr).
///
/// A string is always a path: an `@` at its start is a character like any other.
pub trait ToAddress {
    /// The address, borrowed.
    fn to_address(&self) -> AddressRef<'_>;
}

macro_rules! paths {
    ($($name:ty)*) => {$(
        impl ToAddress for $name {
            fn to_address(&self) -> AddressRef<'_> {
                AddressRef::Path(OsStr::new(self).as_bytes())
            }
        }
    )*};
}

paths! { str String OsStr OsString Path PathBuf }

impl ToAddress for Address {
    fn to_address(&self) -> AddressRef<'_> {
        match self {
            Address::Unnamed => AddressRef::Unnamed,
            Address::Path(path) => AddressRef::Path(path),
            Address::Abstract(name) => AddressRef::Abstract(name),
        }
    }
}

impl ToAddress for AddressRef<'_> {
    fn to_address(&self) -> AddressRef<'_> {
        *self
    }
}

impl ToAddress for SockAddr {
    fn to_address(&self) -> AddressRef<'_> {
        match self.0.sun_path() {
            [] => AddressRef::Unnamed,
            [0, name @ ..] => AddressRef::Abstract(name),
            path => AddressRef::Path(path),
        }
    }
}

impl ToAddress for net::SocketAddr {
    fn to_address(&self) -> AddressRef<'_> {
        let name = || self.as_abstract_name().map(AddressRef::Abstract);
        let path = self.as_pathname().map(|path| AddressRef::Path(path.as_os_str().as_bytes()));
        path.or_else(name).unwrap_or(AddressRef::Unnamed)
    }
}

impl<T: ToAddress + ?Sized> ToAddress for &T {
    fn to_address(&self) -> AddressRef<'_> {
        (**self).to_address()
    }
}

/// A name as the kernel gave it (`struct sockaddr_un`), in place: no allocation. It is what comes
/// with a message; to answer, send to it.
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[derive(Clone, Copy)]
pub struct SockAddr(pub(crate) Name);

impl SockAddr {
    /// No name: what an unbound sender has.
    pub fn unnamed() -> SockAddr {
        SockAddr(Name::from_bytes(crate::sys::libc::AF_UNIX as u16, &[]))
    }

    /// The path, if it is one.
    pub fn as_path(&self) -> Option<&Path> {
        self.to_address().as_path()
    }
}

impl<'a> TryFrom<AddressRef<'a>> for SockAddr {
    type Error = AddressRef<'a>;

    /// Gives back what does not fit (more than 107 bytes), an empty path and one with a NUL in it.
    fn try_from(address: AddressRef<'a>) -> Result<SockAddr, AddressRef<'a>> {
        crate::route::encode(address).map(SockAddr).map_err(|_| address)
    }
}

impl From<SockAddr> for Address {
    fn from(address: SockAddr) -> Address {
        address.to_address().into_owned()
    }
}

impl From<net::SocketAddr> for SockAddr {
    fn from(address: net::SocketAddr) -> SockAddr {
        match address.to_address() {
            // It came out of a `sockaddr_un`; a path of 108 bytes without a NUL fills that.
            AddressRef::Path(path) => {
                SockAddr(Name::from_bytes(crate::sys::libc::AF_UNIX as u16, path))
            }
            address => SockAddr::try_from(address).unwrap_or_else(|_| SockAddr::unnamed()),
        }
    }
}

impl TryFrom<SockAddr> for net::SocketAddr {
    type Error = SockAddr;

    /// Gives back a path of 108 bytes, which the kernel takes without its NUL and the standard
    /// library does not.
    fn try_from(address: SockAddr) -> Result<net::SocketAddr, SockAddr> {
        match address.to_address() {
            AddressRef::Unnamed => net::SocketAddr::from_pathname(""),
            AddressRef::Path(path) => net::SocketAddr::from_pathname(OsStr::from_bytes(path)),
            AddressRef::Abstract(name) => net::SocketAddr::from_abstract_name(name),
        }
        .map_err(|_| address)
    }
}

impl fmt::Display for SockAddr {
    /// As [`Address`] is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_address(), f)
    }
}

impl Hash for SockAddr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_address().hash(state);
    }
}

impl PartialEq for SockAddr {
    fn eq(&self, other: &SockAddr) -> bool {
        self.to_address() == other.to_address()
    }
}

impl Eq for SockAddr {}

impl fmt::Debug for SockAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SockAddr({:?})", self.to_address())
    }
}
