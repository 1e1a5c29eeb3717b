//! Addresses as they are passed to a call and given back by one.

use crate::Address;

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// `AF_UNSPEC`
    Unspecified,
    /// `AF_UNIX`
    Unix,
    /// `AF_INET`
    Inet,
    /// `AF_INET6`
    Inet6,
    /// A number that stands for no family, as Linux numbers them.
    Other(i32),
}

/// An address argument, with the mistakes that can be made in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A well-formed UNIX domain address.
    Unix(Address),
    /// An address of this family, long enough to be read.
    Foreign(Family),
    /// A UNIX domain address whose length is not that of any: -1, 0, 1, 2 (where no automatic
    /// name can be had), or more than the system takes.
    Sized(i32),
    /// An IPv4 address.
    Inet {
        /// The host.
        host: [u8; 4],
        /// The port; 0 asks for a free one in `bind`.
        port: u16,
    },
    /// A pointer to memory that is not mapped.
    Unmapped,
}

impl From<Address> for Name {
    fn from(address: Address) -> Name {
        Name::Unix(address)
    }
}

impl From<&str> for Name {
    /// A path, or an abstract name after `@`.
    fn from(text: &str) -> Name {
        Name::Unix(match text.strip_prefix('@') {
            Some(name) => Address::Abstract(name.as_bytes().to_vec()),
            None => Address::from(text),
        })
    }
}

/// Room for an address that a call gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Out {
    /// Room enough.
    #[default]
    Room,
    /// A null pointer: the caller does not want to know.
    Null,
    /// A pointer to memory that is not mapped.
    Unmapped,
    /// A length below zero.
    NegativeLength,
}
