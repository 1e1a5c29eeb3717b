//! Recipes for descriptors that are no sockets and for pointers that point nowhere: one for each
//! call.

use super::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use sunpath::fact::{Arguments, Descriptor, Facts, Seen};
use sunpath::sys::name::Name;
use sunpath::sys::option::{SO_TYPE, SOL_SOCKET};
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::socket::{self, SendFlags, SocketFlags};
use sunpath::{Address, Call, SocketType, Symptom};

macro_rules! recipes {
    ($($id:literal $make:ident $call:ident,)*) => {
        /// The recipes of this file.
        pub const RECIPES: &[Recipe] = &[$(Recipe {
            id: $id,
            needs: &[],
            make: Make::Direct(|stage| $make(stage, Call::$call)),
        },)*];
    };
}

recipes! {
    "bind/bad-descriptor" not_open Bind,
    "listen/bad-descriptor" not_open Listen,
    "accept/bad-descriptor" not_open Accept,
    "connect/bad-descriptor" not_open Connect,
    "send/bad-descriptor" not_open Send,
    "recv/bad-descriptor" not_open Recv,
    "shutdown/bad-descriptor" not_open Shutdown,
    "name/bad-descriptor" not_open Getsockname,
    "option/bad-descriptor" not_open Getsockopt,
    "bind/not-a-socket-descriptor" not_a_socket Bind,
    "listen/not-a-socket-descriptor" not_a_socket Listen,
    "accept/not-a-socket-descriptor" not_a_socket Accept,
    "connect/not-a-socket-descriptor" not_a_socket Connect,
    "send/not-a-socket-descriptor" not_a_socket Send,
    "recv/not-a-socket-descriptor" not_a_socket Recv,
    "shutdown/not-a-socket-descriptor" not_a_socket Shutdown,
    "name/not-a-socket-descriptor" not_a_socket Getsockname,
    "option/not-a-socket-descriptor" not_a_socket Getsockopt,
    "bind/bad-pointer" bad_pointer Bind,
    "accept/bad-pointer" bad_pointer Accept,
    "connect/bad-pointer" bad_pointer Connect,
    "send/bad-pointer" bad_pointer Send,
    "recv/bad-pointer" bad_pointer Recv,
    "name/bad-pointer" bad_pointer Getsockname,
    "option/bad-pointer" bad_pointer Getsockopt,
}

/// A number that no descriptor has: the largest that could be one.
const NOT_OPEN: RawFd = RawFd::MAX;

fn not_open(_: &mut Stage, call: Call) -> Result<Observed, Trouble> {
    observed(call, failed(probe::plain(call, NOT_OPEN)), Descriptor::NotOpen)
}

fn not_a_socket(_: &mut Stage, call: Call) -> Result<Observed, Trouble> {
    let file = std::fs::File::open("/dev/null").step("open /dev/null")?;
    let symptom = failed(probe::plain(call, file.as_raw_fd()));
    let facts = Look::new(call, SocketType::Stream).descriptor(&file).facts()?;
    Ok(Observed { call, socket: SocketType::Stream, symptom, facts })
}

fn observed(
    call: Call,
    symptom: Option<Symptom>,
    descriptor: Descriptor,
) -> Result<Observed, Trouble> {
    let facts = Look::new(call, SocketType::Stream).facts()?;
    let facts = Facts { descriptor: Seen::Known(descriptor), ..facts };
    Ok(Observed { call, socket: SocketType::Stream, symptom, facts })
}

fn bad_pointer(stage: &mut Stage, call: Call) -> Result<Observed, Trouble> {
    let (fd, other) = socket_for(stage, call)?;
    let raw = fd.as_raw_fd();
    let symptom = match call {
        Call::Bind => failed(probe::bind(raw, Memory::Bad, 16)),
        Call::Connect => failed(probe::connect(raw, Memory::Bad, 16)),
        Call::Accept => failed(probe::accept(raw, 0, Some((Memory::Bad, 16)))),
        Call::Send => failed(probe::send(raw, Memory::Bad, 16, 0)),
        Call::Recv => failed(probe::recv(raw, Memory::Bad, 16, 0)),
        Call::Getsockname => failed(probe::getsockname(raw, Memory::Bad, 16)),
        _ => failed(probe::getsockopt(raw, SOL_SOCKET, SO_TYPE, Memory::Bad, 4)),
    };
    stage.keep(other);
    let arguments = Arguments { bad_pointer: true, ..Arguments::default() };
    Observed::of(Look::new(call, SocketType::Stream).descriptor(&fd).arguments(arguments), symptom)
}

/// A socket on which the call would succeed, and what it needs at its other end.
fn socket_for(stage: &Stage, call: Call) -> Result<(OwnedFd, OwnedFd), Trouble> {
    let none = SocketFlags::empty();
    match call {
        Call::Send | Call::Recv => {
            let (a, b) = socket::socketpair(SocketType::Stream, none).step("make a pair")?;
            socket::send(&b, b"unread", SendFlags::NOSIGNAL).step("send")?;
            Ok((a, b))
        }
        Call::Accept => {
            let name =
                Name::new(&Address::Abstract(stage.abstract_name("pointer"))).step("name")?;
            let listener = socket::socket(SocketType::Stream, none).step("make a socket")?;
            socket::bind(&listener, &name).step("bind")?;
            socket::listen(&listener, 1).step("listen")?;
            let client = socket::socket(SocketType::Stream, none).step("make a socket")?;
            socket::connect(&client, &name).step("connect")?;
            Ok((listener, client))
        }
        _ => {
            let fresh = || socket::socket(SocketType::Stream, none).step("make a socket");
            Ok((fresh()?, fresh()?))
        }
    }
}
