//! Recipes for socket options and ioctls.

use super::pair::each;
use super::{Look, Make, Observed, Recipe, failed};
use crate::stage::place::become_ordinary;
use crate::stage::{NOBODY, Stage, Step, Trouble};
use std::os::fd::{AsRawFd, OwnedFd};
use sunpath::fact::Arguments;
use sunpath::fact::arguments::OptionArgument;
use sunpath::observe::option as classify;
use sunpath::sys::option::{
    self, SIOCATMARK, SIOCINQ, SO_PEERPIDFD, SO_RCVTIMEO, SO_REUSEPORT, SO_SNDBUFFORCE, SO_TYPE,
    SOL_SOCKET,
};
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::sys::{self, name::Name};
use sunpath::{Address, Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    direct("option/wrong-level", wrong_level),
    direct("option/not-for-this-socket", not_for_this_socket),
    direct("option/unknown", unknown),
    direct("option/read-only", read_only),
    direct("option/filter-too-large", filter_too_large),
    direct("option/needs-privilege", needs_privilege),
    direct("option/no-peer-credentials", no_peer_credentials),
    direct("option/bad-length", bad_length),
    direct("option/bad-time", bad_time),
    direct("option/unknown-request", unknown_request),
    direct("option/queue-of-listener", queue_of_listener),
];

const fn direct(id: &'static str, make: fn(&mut Stage) -> Result<Observed, Trouble>) -> Recipe {
    Recipe { id, needs: &[], make: Make::Direct(make) }
}

fn stream() -> Result<OwnedFd, Trouble> {
    socket::socket(SocketType::Stream, SocketFlags::empty()).step("make a socket")
}

/// The result of a call with an option on a stream, and the facts that go with it.
fn observed<T>(
    call: Call,
    fd: &OwnedFd,
    option: OptionArgument,
    result: sys::Result<T>,
) -> Result<Observed, Trouble> {
    let arguments = Arguments { option: Some(option), ..Arguments::default() };
    let look = Look::new(call, SocketType::Stream).descriptor(fd).arguments(arguments);
    Observed::of(look, failed(result))
}

/// `setsockopt` of an `int` that is 1.
fn set_one(level: i32, name: i32) -> Result<Observed, Trouble> {
    let fd = stream()?;
    let one = 1i32.to_ne_bytes();
    let result = probe::setsockopt(fd.as_raw_fd(), level, name, Memory::Bytes(&one), 4);
    let option = classify::option(SocketType::Stream, level, name);
    observed(Call::Setsockopt, &fd, option, result)
}

fn wrong_level(_: &mut Stage) -> Result<Observed, Trouble> {
    const IPPROTO_TCP: i32 = 6;
    set_one(IPPROTO_TCP, 1)
}

fn not_for_this_socket(_: &mut Stage) -> Result<Observed, Trouble> {
    let on_stream = set_one(SOL_SOCKET, SO_REUSEPORT)?;
    for kind in [SocketType::Datagram, SocketType::SeqPacket] {
        let without_mark = ask_for_mark(kind)?;
        if without_mark.symptom != on_stream.symptom {
            return Ok(without_mark);
        }
    }
    Ok(on_stream)
}

/// The mark of urgent data, asked of a socket that has none.
fn ask_for_mark(kind: SocketType) -> Result<Observed, Trouble> {
    let fd = socket::socket(kind, SocketFlags::empty()).step("make a socket")?;
    let mark = option::at_mark(&fd);
    if failed(mark).is_none() {
        return Err(Trouble::Failed(format!("SIOCATMARK succeeded on a {kind} socket")));
    }
    let option = Some(classify::request(kind, SIOCATMARK));
    let arguments = Arguments { option, ..Arguments::default() };
    let look = Look::new(Call::Ioctl, kind).descriptor(&fd).arguments(arguments);
    Observed::of(look, failed(mark))
}

fn unknown(_: &mut Stage) -> Result<Observed, Trouble> {
    set_one(SOL_SOCKET, 9999)
}

fn read_only(_: &mut Stage) -> Result<Observed, Trouble> {
    set_one(SOL_SOCKET, SO_TYPE)
}

fn filter_too_large(_: &mut Stage) -> Result<Observed, Trouble> {
    let fd = stream()?;
    let result = probe::attach_filter(fd.as_raw_fd(), probe::LARGEST_FILTER);
    let option = OptionArgument {
        filter_bytes: Some(probe::filter_bytes(probe::LARGEST_FILTER)),
        ..classify::option(SocketType::Stream, SOL_SOCKET, option::SO_ATTACH_FILTER)
    };
    observed(Call::Setsockopt, &fd, option, result)
}

fn needs_privilege(_: &mut Stage) -> Result<Observed, Trouble> {
    become_ordinary(NOBODY)?;
    set_one(SOL_SOCKET, SO_SNDBUFFORCE)
}

fn no_peer_credentials(_: &mut Stage) -> Result<Observed, Trouble> {
    let fd = stream()?;
    let option = classify::option(SocketType::Stream, SOL_SOCKET, SO_PEERPIDFD);
    observed(Call::Getsockopt, &fd, option, option::peer_pidfd(&fd))
}

/// A switch of one byte, and room for less than nothing.
fn bad_length(_: &mut Stage) -> Result<Observed, Trouble> {
    each("option/bad-length", &[Call::Getsockopt, Call::Setsockopt], |call| {
        let fd = stream()?;
        let (raw, value) = (fd.as_raw_fd(), Memory::Bytes(&[1; 4]));
        let (name, length) =
            if call == Call::Getsockopt { (SO_TYPE, -1) } else { (SO_RCVTIMEO, 1) };
        let result = match call {
            Call::Getsockopt => probe::getsockopt(raw, SOL_SOCKET, name, value, length),
            _ => probe::setsockopt(raw, SOL_SOCKET, name, value, length),
        };
        let option = OptionArgument {
            length: Some(length.into()),
            ..classify::option(SocketType::Stream, SOL_SOCKET, name)
        };
        observed(call, &fd, option, result)
    })
}

fn bad_time(_: &mut Stage) -> Result<Observed, Trouble> {
    const MICROSECONDS: i64 = 1_000_000;
    let fd = stream()?;
    let time = [0i64.to_ne_bytes(), MICROSECONDS.to_ne_bytes()].concat();
    let value = Memory::Bytes(&time);
    let result = probe::setsockopt(fd.as_raw_fd(), SOL_SOCKET, SO_RCVTIMEO, value, 16);
    let option = OptionArgument {
        microseconds: Some(MICROSECONDS),
        ..classify::option(SocketType::Stream, SOL_SOCKET, SO_RCVTIMEO)
    };
    observed(Call::Setsockopt, &fd, option, result)
}

fn unknown_request(_: &mut Stage) -> Result<Observed, Trouble> {
    const NOBODY_KNOWS: u64 = 0x1234;
    let fd = stream()?;
    let result = probe::ioctl(fd.as_raw_fd(), NOBODY_KNOWS, Memory::Bytes(&[]));
    observed(Call::Ioctl, &fd, classify::request(SocketType::Stream, NOBODY_KNOWS), result)
}

fn queue_of_listener(stage: &mut Stage) -> Result<Observed, Trouble> {
    let fd = stream()?;
    let name = Name::new(&Address::Abstract(stage.abstract_name("listener"))).step("name")?;
    socket::bind(&fd, &name).step("bind")?;
    socket::listen(&fd, 1).step("listen")?;
    let result = option::readable(&fd);
    observed(Call::Ioctl, &fd, classify::request(SocketType::Stream, SIOCINQ), result)
}
