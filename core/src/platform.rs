//! The systems whose rules the catalogue records.

use core::fmt;

/// A system with rules of its own for UNIX domain sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Platform {
    /// Linux; measured on 6.18.
    Linux,
    /// FreeBSD 14, whose streams share the generic socket buffers. FreeBSD 13 is older in datagrams and
    /// descriptors: a receiver has 4 KiB for all senders, and too many descriptors show `E2BIG`.
    FreeBsd14,
    /// FreeBSD 15, with its own buffers for UNIX domain sockets.
    FreeBsd15,
    /// macOS (xnu 11417).
    MacOs,
    /// OpenServer, by its list of error codes: streams and datagrams of 4.3BSD descent.
    OpenServer,
}

impl Platform {
    /// Every platform.
    pub const ALL: &'static [Platform] = &[
        Platform::Linux,
        Platform::FreeBsd14,
        Platform::FreeBsd15,
        Platform::MacOs,
        Platform::OpenServer,
    ];

    /// `linux`, `freebsd-14`, `freebsd-15`, `macos` or `openserver`.
    pub const fn name(self) -> &'static str {
        match self {
            Platform::Linux => "linux",
            Platform::FreeBsd14 => "freebsd-14",
            Platform::FreeBsd15 => "freebsd-15",
            Platform::MacOs => "macos",
            Platform::OpenServer => "openserver",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
