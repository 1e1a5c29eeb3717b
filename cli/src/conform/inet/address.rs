//! Addresses that cannot be used.

use super::{network, tcp};
use crate::conform::{Look, Make, Need, Observed, Recipe, Scene, failed};
use crate::failure::Told;
use crate::stage::{Stage, Trouble};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use sunpath::fact::Arguments;
use sunpath::fact::arguments::{AddressArgument, Family};
use sunpath::sys::name::Name;
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::socket::{self, AddressFamily, Kind, SocketFlags};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe {
        id: "connect/bad-address-length-inet",
        needs: &[Need::Loopback],
        make: Make::Direct(bad_address_length),
    },
    Recipe {
        id: "connect/family-mismatch-inet",
        needs: &[Need::Loopback],
        make: Make::Direct(family_mismatch),
    },
    Recipe {
        id: "connect/incomplete-address-inet",
        needs: &[Need::Loopback],
        make: Make::Direct(incomplete_address),
    },
    Recipe {
        id: "connect/address-not-available",
        needs: &[Need::Loopback],
        make: Make::Scene(not_available),
    },
];

/// Connects to an address of which so many bytes are passed, and of this family.
fn connect_raw(length: i32, number: u16, family: Family) -> Result<Observed, Trouble> {
    network()?;
    let name = Name::internet(&SocketAddr::from((Ipv4Addr::LOCALHOST, 80)));
    let mut bytes = name.as_bytes().to_vec();
    bytes[..2].copy_from_slice(&number.to_ne_bytes());
    let fd = tcp()?;
    let symptom = failed(probe::connect(fd.as_raw_fd(), Memory::Bytes(&bytes), length));
    let passed = AddressArgument { length: length.into(), family: Some(family) };
    let arguments = Arguments { address: Some(passed), ..Arguments::default() };
    let look = Look::new(Call::Connect, SocketType::Tcp).descriptor(&fd).arguments(arguments);
    Observed::of(look, symptom)
}

fn bad_address_length(_: &mut Stage) -> Result<Observed, Trouble> {
    connect_raw(15, 2, Family::Inet)
}

fn family_mismatch(_: &mut Stage) -> Result<Observed, Trouble> {
    connect_raw(16, 1, Family::Unix)
}

/// A link-local address without its interface.
fn incomplete_address(_: &mut Stage) -> Result<Observed, Trouble> {
    network()?;
    let made = socket::socket_of(AddressFamily::INET6, Kind::STREAM, SocketFlags::empty());
    let fd = made.map_err(|errno| Trouble::NotHere(format!("no IPv6: {}", errno.told())))?;
    let at = SocketAddr::from(([0xfe80, 0, 0, 0, 0, 0, 0, 1], 80));
    let symptom = failed(socket::connect(&fd, &Name::internet(&at)));
    let look = Look::new(Call::Connect, SocketType::Tcp).descriptor(&fd);
    Observed::of(look.endpoint(super::endpoint(SocketType::Tcp, at)), symptom)
}

/// An address for documents (RFC 5737), which no machine has.
fn not_available(_: &mut Stage) -> Result<Scene, Trouble> {
    network()?;
    let at = SocketAddr::from(([192, 0, 2, 9], 4711));
    Ok(Scene::bind(super::endpoint(SocketType::Tcp, at)).socket(SocketType::Tcp))
}
