//! Addresses, as the kernel takes and gives them.

use crate::op::{Name, Out};
use crate::sys::bare::{self, Room};
use crate::sys::libc;
use crate::sys::probe::Memory;
use sunpath_core::Address;

/// An address as it is passed.
pub(super) struct Encoded {
    /// `None`: a pointer to no memory.
    bytes: Option<Vec<u8>>,
    length: i32,
}

impl Encoded {
    /// For calls that take a pointer and a length.
    pub(super) fn argument(&self) -> (Memory<'_>, i32) {
        // Beyond what the kernel copies it looks at the length alone.
        const LOOKED_AT: i32 = 128;
        match &self.bytes {
            Some(bytes) if self.length <= LOOKED_AT => (Memory::Bytes(bytes), self.length),
            _ => (Memory::Bad, self.length),
        }
    }

    /// For messages.
    pub(super) fn in_message(&self) -> bare::Address<'_> {
        bare::Address { bytes: self.bytes.as_deref(), length: self.length }
    }
}

fn starting(family: i32) -> Vec<u8> {
    (family as u16).to_ne_bytes().to_vec()
}

pub(super) fn encode(name: &Name) -> Encoded {
    let whole = |bytes: Vec<u8>| Encoded { length: bytes.len() as i32, bytes: Some(bytes) };
    let mut bytes = starting(libc::AF_UNIX);
    match name {
        Name::Unix(Address::Unnamed) => whole(bytes),
        Name::Unix(Address::Path(path)) => {
            bytes.extend_from_slice(path);
            // The longest path has no room for its NUL.
            if path.len() != 108 {
                bytes.push(0);
            }
            whole(bytes)
        }
        Name::Unix(Address::Abstract(name)) => {
            bytes.push(0);
            bytes.extend_from_slice(name);
            whole(bytes)
        }
        Name::Foreign(family) => {
            let mut bytes = starting(super::family(*family));
            bytes.resize(16, 0);
            whole(bytes)
        }
        Name::Sized(length) => {
            bytes.resize(usize::try_from(*length).unwrap_or(0).clamp(2, 128), b'x');
            Encoded { bytes: Some(bytes), length: *length }
        }
        Name::Inet { host, port } => {
            let mut bytes = starting(libc::AF_INET);
            bytes.extend_from_slice(&port.to_be_bytes());
            bytes.extend_from_slice(host);
            bytes.resize(16, 0);
            whole(bytes)
        }
        Name::Unmapped => Encoded { bytes: None, length: 16 },
    }
}

/// The name that the kernel wrote.
pub(super) fn decode(written: &[u8]) -> Address {
    match written.get(2..).unwrap_or_default() {
        [] => Address::Unnamed,
        [0, name @ ..] => Address::Abstract(name.to_vec()),
        path => Address::Path(path.split(|b| *b == 0).next().unwrap_or_default().to_vec()),
    }
}

/// The name that a call gave, if it was asked for.
pub(super) fn given(asked: Out, written: &[u8]) -> Option<Address> {
    (asked == Out::Room).then(|| decode(written))
}

pub(super) fn room(out: Out) -> Room {
    match out {
        Out::Room => Room::Enough,
        Out::Null => Room::Null,
        Out::Unmapped => Room::Bad,
        Out::NegativeLength => Room::Negative,
    }
}
