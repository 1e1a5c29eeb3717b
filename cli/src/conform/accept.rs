//! Recipes for `accept`.

use super::pair::{
    bound, each, fresh, listener, name, not_waiting, set_timeout, until_signal, without_descriptors,
};
use super::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::{AsRawFd, OwnedFd};
use sunpath::fact::Arguments;
use sunpath::sys::libc::SO_RCVTIMEO;
use sunpath::sys::socket::{self, Shutdown, SocketFlags};
use sunpath::sys::{option, probe};
use sunpath::{Call, SocketType, Symptom};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    direct("accept/descriptor-limit", descriptor_limit),
    direct("accept/unknown-flag", unknown_flag),
    direct("accept/datagram", datagram),
    direct("accept/not-listening", not_listening),
    direct("accept/shut-down", shut_down),
    direct("accept/nothing-pending", nothing_pending),
    direct("accept/timed-out", timed_out),
    direct("accept/interrupted", was_interrupted),
    direct("wait/nothing-pending", waits),
];

const fn direct(id: &'static str, make: fn(&mut Stage) -> Result<Observed, Trouble>) -> Recipe {
    Recipe { id, needs: &[], make: Make::Direct(make) }
}

const CONNECTED: &[SocketType] = &[SocketType::Stream, SocketType::SeqPacket];

fn accept(fd: &OwnedFd) -> Option<Symptom> {
    failed(socket::accept(fd, SocketFlags::empty()))
}

fn observed(kind: SocketType, fd: &OwnedFd, symptom: Option<Symptom>) -> Result<Observed, Trouble> {
    Observed::of(Look::new(Call::Accept, kind).descriptor(fd), symptom)
}

/// The connection is still there afterwards.
fn descriptor_limit(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "server")?;
    let server = listener(SocketType::Stream, &name)?;
    let client = fresh(SocketType::Stream)?;
    socket::connect(&client, &name).step("connect")?;
    let look = Look::new(Call::Accept, SocketType::Stream).descriptor(&server);
    let accept = || socket::accept(&server, SocketFlags::empty());
    let observed = without_descriptors(look, accept)?;
    socket::accept(&server, SocketFlags::NONBLOCK).step("accept afterwards")?;
    Ok(observed)
}

fn unknown_flag(stage: &mut Stage) -> Result<Observed, Trouble> {
    const NO_FLAG: i32 = 0x10;
    let (_, name) = name(stage, "server")?;
    let fd = listener(SocketType::Stream, &name)?;
    let symptom = failed(probe::accept(fd.as_raw_fd(), NO_FLAG, None));
    let arguments = Arguments { unknown_flag: true, ..Arguments::default() };
    let look = Look::new(Call::Accept, SocketType::Stream).descriptor(&fd).arguments(arguments);
    Observed::of(look, symptom)
}

fn datagram(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "datagram")?;
    let fd = bound(SocketType::Datagram, &name)?;
    observed(SocketType::Datagram, &fd, accept(&fd))
}

fn not_listening(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "bound")?;
    each("accept/not-listening", CONNECTED, |kind| {
        let fd = bound(kind, &name)?;
        observed(kind, &fd, accept(&fd))
    })
}

fn shut_down(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "server")?;
    each("accept/shut-down", CONNECTED, |kind| {
        let fd = listener(kind, &name)?;
        socket::shutdown(&fd, Shutdown::Read).step("shut down")?;
        observed(kind, &fd, accept(&fd))
    })
}

/// A listener that was shut down says the same, as long as it does not wait.
fn nothing_pending(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "server")?;
    each("accept/nothing-pending", CONNECTED, |kind| {
        let fd = listener(kind, &name)?;
        option::set_nonblocking(&fd, true).step("make it non-blocking")?;
        each("accept/nothing-pending", &[false, true], |shut| {
            if shut {
                socket::shutdown(&fd, Shutdown::Both).step("shut down")?;
            }
            let look = Look::new(Call::Accept, kind).descriptor(&fd).arguments(not_waiting());
            Observed::of(look, accept(&fd))
        })
    })
}

fn timed_out(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "server")?;
    let fd = listener(SocketType::Stream, &name)?;
    set_timeout(&fd, SO_RCVTIMEO)?;
    observed(SocketType::Stream, &fd, accept(&fd))
}

fn waiting(stage: &Stage, hang: bool) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "server")?;
    let fd = listener(SocketType::Stream, &name)?;
    let symptom = until_signal(hang, || socket::accept(&fd, SocketFlags::empty()))?;
    observed(SocketType::Stream, &fd, symptom)
}

fn was_interrupted(stage: &mut Stage) -> Result<Observed, Trouble> {
    waiting(stage, false)
}

fn waits(stage: &mut Stage) -> Result<Observed, Trouble> {
    waiting(stage, true)
}
