//! What an address argument means, before anything is looked up.

use crate::Address;
use crate::model::stop::{Tried, fail};
use crate::model::world::World;
use crate::op::{Family, Name};
use alloc::vec;
use alloc::vec::Vec;

impl World {
    /// The name that an address argument stands for: a path without NUL, an abstract name where
    /// there are any, or none ([`Address::Unnamed`], an address of nothing but the family). Fails
    /// for what is wrong with the address itself; for an unmapped one with the cause given.
    pub(crate) fn check_address(&self, name: &Name, unmapped: &'static str) -> Tried<Address> {
        let rules = &self.profile.names;
        let longest = *rules.path_room;
        match name {
            Name::Unmapped => Err(fail(unmapped)),
            Name::Foreign(Family::Unix) => Ok(self.bytes_of_path(&[])),
            Name::Foreign(Family::Unspecified) if *rules.unspecified_is_unix => {
                Ok(self.bytes_of_path(&[]))
            }
            Name::Foreign(_) | Name::Inet { .. } => Err(fail("connect/wrong-family")),
            Name::Sized(2) | Name::Unix(Address::Unnamed) => Ok(Address::Unnamed),
            Name::Sized(length) => match usize::try_from(*length) {
                Ok(length @ 3..) if length - 2 <= longest => {
                    Ok(self.bytes_of_path(&vec![0; length - 3]))
                }
                _ => Err(fail("connect/bad-address-length")),
            },
            Name::Unix(Address::Path(path)) => match path.len() <= longest {
                true => Ok(self.bytes_of_path(path)),
                false => Err(fail("connect/path-too-long")),
            },
            Name::Unix(Address::Abstract(name)) => match name.len() < longest {
                true if *rules.abstract_names => Ok(Address::Abstract(name.clone())),
                // A path that begins with NUL is an empty one.
                true => Ok(Address::Path(Vec::new())),
                false => Err(fail("connect/path-too-long")),
            },
        }
    }

    /// The name that a path makes that is passed with the NUL behind it.
    fn bytes_of_path(&self, path: &[u8]) -> Address {
        match path.iter().position(|b| *b == 0) {
            Some(0) if *self.profile.names.abstract_names => {
                Address::Abstract([&path[1..], &[0]].concat())
            }
            None if path.is_empty() && *self.profile.names.abstract_names => {
                Address::Abstract(Vec::new())
            }
            Some(end) => Address::Path(path[..end].to_vec()),
            None => Address::Path(path.to_vec()),
        }
    }
}
