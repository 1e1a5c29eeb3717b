//! Recipes for `getpeername` and `shutdown`.

use super::pair::{client, each, fresh, listener, name};
use super::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::AsRawFd;
use sunpath::fact::Arguments;
use sunpath::fact::arguments::AddressArgument;
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::socket::{self, Shutdown, SocketFlags};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    Recipe { id: "name/no-peer", needs: &[], make: Make::Direct(no_peer) },
    Recipe { id: "name/bad-address-length", needs: &[], make: Make::Direct(bad_address_length) },
    Recipe { id: "shutdown/not-connected", needs: &[], make: Make::Direct(not_connected) },
    Recipe { id: "shutdown/bad-direction", needs: &[], make: Make::Direct(bad_direction) },
];

fn no_peer(_: &mut Stage) -> Result<Observed, Trouble> {
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let symptom = failed(socket::getpeername(&fd));
    Observed::of(Look::new(Call::Getpeername, SocketType::Stream).descriptor(&fd), symptom)
}

/// `accept` loses the connection.
fn bad_address_length(stage: &mut Stage) -> Result<Observed, Trouble> {
    const CALLS: [Call; 3] = [Call::Accept, Call::Getpeername, Call::Getsockname];
    let kind = SocketType::Stream;
    let (_, name) = name(stage, "server")?;
    let server = listener(kind, &name)?;
    let client = client(kind, &name)?;
    let (memory, length) = (Memory::Bytes(&[]), -1);
    each("name/bad-address-length", &CALLS, |call| {
        let fd = if call == Call::Accept { &server } else { &client };
        let symptom = match call {
            Call::Accept => failed(probe::accept(fd.as_raw_fd(), 0, Some((memory, length)))),
            Call::Getpeername => failed(probe::getpeername(fd.as_raw_fd(), memory, length)),
            _ => failed(probe::getsockname(fd.as_raw_fd(), memory, length)),
        };
        let address = Some(AddressArgument { length: length.into(), family: None });
        let arguments = Arguments { address, ..Arguments::default() };
        Observed::of(Look::new(call, kind).descriptor(fd).arguments(arguments), symptom)
    })
}

/// Of internet sockets only: a UNIX domain socket in the same state raises no error.
fn not_connected(_: &mut Stage) -> Result<Observed, Trouble> {
    for kind in [SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket] {
        socket::shutdown(&fresh(kind)?, Shutdown::Both).step("shut a fresh socket down")?;
    }
    each("shutdown/not-connected", &[SocketType::Udp, SocketType::Tcp], |kind| {
        let fd = fresh(kind)?;
        let symptom = failed(socket::shutdown(&fd, Shutdown::Both));
        Observed::of(Look::new(Call::Shutdown, kind).descriptor(&fd), symptom)
    })
}

fn bad_direction(_: &mut Stage) -> Result<Observed, Trouble> {
    const NONE_OF_THREE: i32 = 3;
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")?;
    let symptom = failed(probe::shutdown(fd.as_raw_fd(), NONE_OF_THREE));
    let arguments = Arguments { direction: Some(NONE_OF_THREE), ..Arguments::default() };
    let look = Look::new(Call::Shutdown, SocketType::Stream).descriptor(&fd).arguments(arguments);
    Observed::of(look, symptom)
}
