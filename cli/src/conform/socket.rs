//! Recipes for `socket`, `socketpair`, and sockets used as files.

use super::pair::{each, without_descriptors};
use super::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble, endpoint};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use sunpath::fact::Arguments;
use sunpath::fact::arguments::{AddressArgument, Creation, Family};
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Call, Errno, SocketType, Symptom};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    direct("socket/family-unsupported", family_unsupported),
    direct("socket/protocol-family-unsupported", protocol_family_unsupported),
    direct("socket/bad-type", bad_type),
    direct("socket/bad-pointer", bad_pointer),
    direct("socket/protocol-unsupported", protocol_unsupported),
    direct("socket/type-unsupported", type_unsupported),
    direct("socket/no-pairs-in-family", no_pairs_in_family),
    direct("socket/descriptor-limit", descriptor_limit),
    direct("socket/not-seekable", not_seekable),
    direct("socket/opened-as-file", opened_as_file),
];

const fn direct(id: &'static str, make: fn(&mut Stage) -> Result<Observed, Trouble>) -> Recipe {
    Recipe { id, needs: &[], make: Make::Direct(make) }
}

const AF_UNIX: i32 = 1;
const AF_INET: i32 = 2;
const SOCK_STREAM: i32 = 1;

/// `socket` with these numbers.
fn create(family: i32, kind: i32, protocol: i32) -> Result<Observed, Trouble> {
    let symptom = failed(probe::socket(family, kind, protocol));
    created(Call::Socket, SocketType::Stream, (family, kind, protocol), symptom)
}

fn created(
    call: Call,
    socket: SocketType,
    (family, kind, protocol): (i32, i32, i32),
    symptom: Option<Symptom>,
) -> Result<Observed, Trouble> {
    let known = matches!(family, AF_UNIX | AF_INET);
    let family = match family {
        AF_UNIX => Family::Unix,
        AF_INET => Family::Inet,
        other => Family::Other(other),
    };
    let creation = Creation { family, family_known: Some(known), kind, protocol };
    let arguments = Arguments { creation: Some(creation), ..Arguments::default() };
    Observed::of(Look::new(call, socket).arguments(arguments), symptom)
}

fn family_unsupported(_: &mut Stage) -> Result<Observed, Trouble> {
    // Beyond the last family of any kernel.
    create(255, SOCK_STREAM, 0)
}

/// The one request that still answers so: it asks for an ARP entry of an address that is none.
fn protocol_family_unsupported(_: &mut Stage) -> Result<Observed, Trouble> {
    const SIOCGARP: u64 = 0x8954;
    let fd = socket::socket(SocketType::Udp, SocketFlags::empty()).step("make a socket")?;
    // `struct arpreq` begins with the protocol address, and that with its family.
    let request = (AF_UNIX as u16).to_ne_bytes();
    let symptom = failed(probe::ioctl(fd.as_raw_fd(), SIOCGARP, Memory::Bytes(&request)));
    let address = AddressArgument { length: 16, family: Some(Family::Unix) };
    let arguments = Arguments { address: Some(address), ..Arguments::default() };
    let look = Look::new(Call::Ioctl, SocketType::Udp).descriptor(&fd).arguments(arguments);
    Observed::of(look, symptom)
}

/// The first number that is no type, and a flag that does not exist.
fn bad_type(_: &mut Stage) -> Result<Observed, Trouble> {
    const UNKNOWN_FLAG: i32 = 0x100;
    let types = [11, SOCK_STREAM | UNKNOWN_FLAG];
    each("socket/bad-type", &types, |kind| create(AF_UNIX, kind, 0))
}

fn bad_pointer(_: &mut Stage) -> Result<Observed, Trouble> {
    let symptom = failed(probe::socketpair(AF_UNIX, SOCK_STREAM, 0, true));
    let arguments = Arguments { bad_pointer: true, ..Arguments::default() };
    let look = Look::new(Call::Socketpair, SocketType::Stream).arguments(arguments);
    Observed::of(look, symptom)
}

fn protocol_unsupported(_: &mut Stage) -> Result<Observed, Trouble> {
    create(AF_UNIX, SOCK_STREAM, 6)
}

fn type_unsupported(_: &mut Stage) -> Result<Observed, Trouble> {
    create(AF_UNIX, 4, 0)
}

fn no_pairs_in_family(_: &mut Stage) -> Result<Observed, Trouble> {
    let symptom = failed(probe::socketpair(AF_INET, SOCK_STREAM, 0, false));
    created(Call::Socketpair, SocketType::Tcp, (AF_INET, SOCK_STREAM, 0), symptom)
}

fn descriptor_limit(_: &mut Stage) -> Result<Observed, Trouble> {
    let look = Look::new(Call::Socket, SocketType::Stream);
    without_descriptors(look, || socket::socket(SocketType::Stream, SocketFlags::empty()))
}

fn not_seekable(_: &mut Stage) -> Result<Observed, Trouble> {
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let symptom = failed(probe::lseek(fd.as_raw_fd()));
    Observed::of(Look::new(Call::Lseek, SocketType::Stream).descriptor(&fd), symptom)
}

fn opened_as_file(stage: &mut Stage) -> Result<Observed, Trouble> {
    let path = stage.path("app.sock");
    let listener = UnixListener::bind(&path).step("bind")?;
    let error = std::fs::File::open(&path).err();
    let errno = error.and_then(|e| e.raw_os_error());
    let name = |raw| sunpath::sys::errno::name(sunpath::sys::Errno::from_raw_os_error(raw));
    let symptom = errno.map(|raw| Symptom::Errno(name(raw).unwrap_or(Errno::EIO)));
    stage.keep(listener);
    Observed::of(Look::new(Call::Open, SocketType::Stream).endpoint(endpoint(&path)), symptom)
}
