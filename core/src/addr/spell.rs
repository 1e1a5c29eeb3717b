//! Writes addresses so that they can be read again.

use super::{Address, Endpoint};
use alloc::format;
use alloc::string::String;
use core::fmt;

impl fmt::Display for Endpoint {
    /// For people: a path, `@name`, or `tcp:host:port`; bytes that are not printable are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(address) => address.fmt(f),
            Endpoint::Inet { .. } => f.write_str(&self.spelling()),
        }
    }
}

impl Endpoint {
    /// The address as printable ASCII that [`Endpoint::parse`] reads back exactly: as short as
    /// the bytes admit, otherwise as a D-Bus address with `%` escapes. Empty for an unnamed
    /// address, which cannot be written.
    ///
    /// ```
    /// use sunpath_core::{Address, Endpoint};
    ///
    /// let odd = Endpoint::Unix(Address::Path(b"@odd\n".to_vec()));
    /// assert_eq!(odd.spelling(), "unix:path=%40odd%0a");
    /// assert_eq!(Endpoint::parse(odd.spelling().as_bytes()), Ok(odd));
    /// ```
    pub fn spelling(&self) -> String {
        let (plain, exact) = match self {
            Endpoint::Unix(Address::Unnamed) => return String::new(),
            Endpoint::Unix(Address::Path(path)) => (ascii(path), escaped("unix:path=", path)),
            Endpoint::Unix(Address::Abstract(name)) => {
                (ascii(name).map(|n| format!("@{n}")), escaped("unix:abstract=", name))
            }
            Endpoint::Inet { transport, host, port } if host.contains(':') => {
                return format!("{transport}:[{host}]:{port}");
            }
            Endpoint::Inet { transport, host, port } => {
                return format!("{transport}:{host}:{port}");
            }
        };
        let reads_back = |text: &String| Endpoint::parse(text.as_bytes()).as_ref() == Ok(self);
        plain.filter(reads_back).unwrap_or(exact)
    }
}

/// The bytes as text, if all are printable ASCII.
fn ascii(bytes: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(bytes).ok()?;
    text.bytes().all(|b| (b' '..=b'~').contains(&b)).then(|| text.into())
}

fn escaped(prefix: &str, bytes: &[u8]) -> String {
    let mut out = String::from(prefix);
    for b in bytes {
        if b.is_ascii_alphanumeric() || b"-_/.*".contains(b) {
            out.push(*b as char);
        } else {
            out.push_str(&format!("%{b:02x}"));
        }
    }
    out
}
