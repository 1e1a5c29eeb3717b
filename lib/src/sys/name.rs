//! Socket addresses as the raw bytes that the kernel takes and gives.

use super::{Errno, Result};
use rustix::net::SocketAddrAny;
use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use sunpath_core::Address;
use sunpath_core::addr::{ABSTRACT_MAX_BYTES, PATH_MAX_BYTES};

/// The most bytes the kernel copies of any socket address (`struct sockaddr_storage`).
pub const CAPACITY: usize = 128;

/// Bytes before `sun_path`.
const HEADER: usize = 2;

/// A socket address of any family: up to 128 bytes, and how many of them count.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Name {
    bytes: [u8; CAPACITY],
    length: u32,
}

impl Name {
    /// Encodes a UNIX domain address. `Unnamed` becomes a bare family: `bind` then picks a free
    /// abstract name.
    ///
    /// `EINVAL`, the kernel's own answer, if the name is too long for `sun_path` with a NUL at
    /// its end, or empty; also if a path contains a NUL, where the kernel would silently cut it.
    pub fn new(address: &Address) -> Result<Name> {
        match address {
            Address::Unnamed => Ok(Name::from_bytes(libc::AF_UNIX as u16, &[])),
            Address::Path(path) => Name::path(path),
            Address::Abstract(name) => Name::abstract_name(name),
        }
    }

    /// Encodes a pathname, with a NUL at its end; `EINVAL` as for [`Name::new`].
    pub fn path(path: &[u8]) -> Result<Name> {
        if path.is_empty() || path.len() > PATH_MAX_BYTES || path.contains(&0) {
            return Err(Errno::INVAL);
        }
        let mut name = Name::from_bytes(libc::AF_UNIX as u16, path);
        name.length += 1;
        Ok(name)
    }

    /// Encodes an abstract name, without its leading NUL; `EINVAL` as for [`Name::new`].
    pub fn abstract_name(bytes: &[u8]) -> Result<Name> {
        if bytes.len() > ABSTRACT_MAX_BYTES {
            return Err(Errno::INVAL);
        }
        let mut name = Name::from_bytes(libc::AF_UNIX as u16, &[]);
        name.bytes[HEADER + 1..][..bytes.len()].copy_from_slice(bytes);
        name.length = (HEADER + 1 + bytes.len()) as u32;
        Ok(name)
    }

    /// A family, and the bytes that follow it; those beyond 126 are left out.
    pub fn from_bytes(family: u16, rest: &[u8]) -> Name {
        let rest = &rest[..rest.len().min(CAPACITY - HEADER)];
        let mut bytes = [0; CAPACITY];
        bytes[..HEADER].copy_from_slice(&family.to_ne_bytes());
        bytes[HEADER..][..rest.len()].copy_from_slice(rest);
        Name { bytes, length: (HEADER + rest.len()) as u32 }
    }

    /// An internet address.
    pub fn internet(address: &SocketAddr) -> Name {
        let port = address.port().to_be_bytes();
        match address {
            SocketAddr::V4(v4) => {
                let rest = [&port[..], &v4.ip().octets(), &[0; 8]].concat();
                Name::from_bytes(libc::AF_INET as u16, &rest)
            }
            SocketAddr::V6(v6) => {
                let flow = v6.flowinfo().to_ne_bytes();
                let scope = v6.scope_id().to_ne_bytes();
                let rest = [&port[..], &flow, &v6.ip().octets(), &scope].concat();
                Name::from_bytes(libc::AF_INET6 as u16, &rest)
            }
        }
    }

    /// Room for the kernel to write an address: the whole buffer, nothing in it yet.
    pub(super) const fn room() -> Name {
        Name { bytes: [0; CAPACITY], length: CAPACITY as u32 }
    }

    /// No address at all: what the kernel gives for a socket that was never bound.
    pub(super) const fn none() -> Name {
        Name { bytes: [0; CAPACITY], length: 0 }
    }

    /// What the kernel filled in, from rustix's own buffer.
    #[inline]
    pub(super) fn from_any(address: &SocketAddrAny) -> Name {
        let length = (address.addr_len() as usize).min(CAPACITY);
        let mut name = Name { bytes: [0; CAPACITY], length: length as u32 };
        // SAFETY: `addr_len` bytes are initialised there, and no more are copied than fit here.
        unsafe {
            let from = address.as_ptr().cast::<u8>();
            std::ptr::copy_nonoverlapping(from, name.bytes.as_mut_ptr(), length);
        }
        name
    }

    /// The buffer and its length, for a call that fills both in.
    pub(super) fn parts(&mut self) -> (*mut libc::sockaddr, *mut libc::socklen_t) {
        (self.bytes.as_mut_ptr().cast(), &raw mut self.length)
    }

    /// Notes how much of the buffer the kernel filled.
    pub(super) fn set_length(&mut self, length: u32) {
        self.length = length;
    }

    /// All bytes that count, the family first. The kernel never fills more than the buffer.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..(self.length as usize).min(CAPACITY)]
    }

    /// The bytes after the family: for a UNIX domain address `sun_path` as the kernel has it, for
    /// a path without the NUL at its end. Empty if there is no name.
    pub fn sun_path(&self) -> &[u8] {
        let rest = self.as_bytes().get(HEADER..).unwrap_or_default();
        match rest.first() {
            Some(0) | None => rest,
            Some(_) => rest.split(|b| *b == 0).next().unwrap_or_default(),
        }
    }

    /// The family; `None` if the address is too short to have one.
    pub fn family(&self) -> Option<u16> {
        let family = self.as_bytes().first_chunk()?;
        Some(u16::from_ne_bytes(*family))
    }

    /// The UNIX domain address; `None` for another family. No address at all is what the kernel
    /// gives for the sender of a message that has no name.
    pub fn address(&self) -> Option<Address> {
        match self.family() {
            None => Some(Address::Unnamed),
            Some(family) if family == libc::AF_UNIX as u16 => Some(match self.sun_path() {
                [] => Address::Unnamed,
                [0, name @ ..] => Address::Abstract(name.to_vec()),
                path => Address::Path(path.to_vec()),
            }),
            Some(_) => None,
        }
    }

    /// The internet address; `None` for another family.
    pub fn to_internet(&self) -> Option<SocketAddr> {
        let rest = self.as_bytes().get(HEADER..)?;
        let port = u16::from_be_bytes(*rest.first_chunk()?);
        match i32::from(self.family()?) {
            libc::AF_INET => {
                let ip: [u8; 4] = *rest.get(2..)?.first_chunk()?;
                Some(SocketAddrV4::new(Ipv4Addr::from(ip), port).into())
            }
            libc::AF_INET6 => {
                let flow = u32::from_ne_bytes(*rest.get(2..)?.first_chunk()?);
                let ip: [u8; 16] = *rest.get(6..)?.first_chunk()?;
                let scope = u32::from_ne_bytes(*rest.get(22..)?.first_chunk()?);
                Some(SocketAddrV6::new(Ipv6Addr::from(ip), port, flow, scope).into())
            }
            _ => None,
        }
    }
}

impl std::fmt::Debug for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Name({})", sunpath_core::text::escape(self.as_bytes()))
    }
}

// SAFETY: the pointer is to `length` initialised bytes of `self`, which is never more than the
// buffer holds: every constructor keeps to it, and the kernel only learns of `CAPACITY`.
unsafe impl SocketAddrArg for Name {
    unsafe fn with_sockaddr<R>(
        &self,
        f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R,
    ) -> R {
        f(self.bytes.as_ptr().cast(), self.as_bytes().len() as SocketAddrLen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_survive_the_round_trip() {
        let addresses = [
            Address::Unnamed,
            Address::Path(b"/run/\xff.sock".to_vec()),
            Address::Path(vec![b'a'; 107]),
            Address::Abstract(Vec::new()),
            Address::Abstract(b"\0a\0\0".to_vec()),
            Address::Abstract(vec![0; 107]),
        ];
        for address in addresses {
            assert_eq!(Name::new(&address).unwrap().address(), Some(address));
        }
    }

    #[test]
    fn internet_addresses_survive_the_round_trip() {
        for text in ["127.0.0.1:80", "[::1]:65535", "[fe80::1%3]:9"] {
            let address: SocketAddr = text.parse().unwrap();
            let name = Name::internet(&address);
            assert_eq!(name.to_internet(), Some(address));
            assert_eq!(name.address(), None);
        }
    }

    #[test]
    fn names_that_cannot_be_passed_are_refused() {
        for path in [&b""[..], b"a\0b", &[b'a'; 108], &[b'a'; 1 << 20]] {
            assert_eq!(Name::path(path).unwrap_err(), Errno::INVAL);
        }
        assert_eq!(Name::abstract_name(&[1; 108]).unwrap_err(), Errno::INVAL);
    }

    #[test]
    fn a_path_of_108_bytes_without_a_nul_is_decoded_whole() {
        let name = Name::from_bytes(libc::AF_UNIX as u16, &[b'a'; 108]);
        assert_eq!(name.address(), Some(Address::Path(vec![b'a'; 108])));
    }

    #[test]
    fn short_and_long_lengths_do_not_panic() {
        let mut name = Name::room();
        for length in [0, 1, 2, 3, 127, 128, 129, u32::MAX] {
            name.set_length(length);
            let _ = (name.address(), name.to_internet(), name.family());
            assert!(name.as_bytes().len() <= CAPACITY);
        }
    }

    proptest! {
        #[test]
        fn any_name_survives_the_round_trip(bytes in prop::collection::vec(any::<u8>(), 0..130)) {
            if let Ok(name) = Name::path(&bytes) {
                prop_assert_eq!(name.address(), Some(Address::Path(bytes.clone())));
            }
            if let Ok(name) = Name::abstract_name(&bytes) {
                prop_assert_eq!(name.address(), Some(Address::Abstract(bytes)));
            }
        }

        #[test]
        fn any_answer_of_the_kernel_is_survived(family in prop::sample::select(vec![0u16, 1, 2, 10, 16]),
                                                bytes in prop::collection::vec(any::<u8>(), 0..130),
                                                length in prop_oneof![0u32..130, any::<u32>()]) {
            let mut name = Name::from_bytes(family, &bytes);
            name.set_length(length);
            let address = name.address();
            prop_assert!(address.is_none() || length < 2 || i32::from(family) == libc::AF_UNIX);
            prop_assert!(name.to_internet().is_none() || [2, 10].contains(&family));
        }
    }
}
