//! Recipes for `listen` and `accept`.

use super::own::{self, hangs, without_descriptors};
use super::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::OwnedFd;
use std::time::Duration;
use sunpath::fact::Seen;
use sunpath::sys::option::{self, SO_RCVTIMEO};
use sunpath::sys::process::Alarm;
use sunpath::sys::socket::{self, Shutdown, SocketFlags};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    direct("listen/datagram", listen_on_datagram),
    direct("listen/unbound", listen_unbound),
    direct("listen/connected", listen_connected),
    direct("accept/descriptor-limit", descriptor_limit),
    direct("accept/datagram", accept_on_datagram),
    direct("accept/not-listening", not_listening),
    direct("accept/shut-down", shut_down),
    direct("accept/nothing-pending", nothing_pending),
    direct("accept/timed-out", timed_out),
    direct("accept/interrupted", interrupted),
    direct("wait/nothing-pending", waits),
];

const fn direct(id: &'static str, make: fn(&mut Stage) -> Result<Observed, Trouble>) -> Recipe {
    Recipe { id, needs: &[], make: Make::Direct(make) }
}

fn fresh(kind: SocketType) -> Result<OwnedFd, Trouble> {
    socket::socket(kind, SocketFlags::empty()).step("make a socket")
}

/// `listen` on the socket, and the facts that go with it.
fn listen(fd: &OwnedFd, kind: SocketType) -> Result<Observed, Trouble> {
    let symptom = failed(socket::listen(fd, 1));
    Observed::of(Look::new(Call::Listen, kind).descriptor(fd), symptom)
}

/// `accept` on the socket, and the facts that go with it.
fn accept(fd: &OwnedFd, kind: SocketType) -> Result<Observed, Trouble> {
    let symptom = failed(socket::accept(fd, SocketFlags::empty()));
    Observed::of(Look::new(Call::Accept, kind).descriptor(fd), symptom)
}

fn listen_on_datagram(_: &mut Stage) -> Result<Observed, Trouble> {
    listen(&fresh(SocketType::Datagram)?, SocketType::Datagram)
}

fn listen_unbound(_: &mut Stage) -> Result<Observed, Trouble> {
    listen(&fresh(SocketType::Stream)?, SocketType::Stream)
}

/// A connected socket that has a name, so that the missing name is not found first.
fn listen_connected(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (fd, other) = own::pair(SocketType::Stream)?;
    own::bind(stage, &fd, "connected")?;
    stage.keep(other);
    listen(&fd, SocketType::Stream)
}

fn descriptor_limit(stage: &mut Stage) -> Result<Observed, Trouble> {
    let fd = own::listener(stage, SocketType::Stream)?;
    stage.keep(own::client(&fd, SocketType::Stream)?);
    let (result, full) = without_descriptors(|| socket::accept(&fd, SocketFlags::empty()))?;
    let mut facts = Look::new(Call::Accept, SocketType::Stream).descriptor(&fd).facts()?;
    facts.caller.descriptors = Seen::Known(full);
    let symptom = failed(result);
    Ok(Observed { call: Call::Accept, socket: SocketType::Stream, symptom, facts })
}

fn accept_on_datagram(_: &mut Stage) -> Result<Observed, Trouble> {
    accept(&fresh(SocketType::Datagram)?, SocketType::Datagram)
}

fn not_listening(_: &mut Stage) -> Result<Observed, Trouble> {
    accept(&fresh(SocketType::Stream)?, SocketType::Stream)
}

fn shut_down(stage: &mut Stage) -> Result<Observed, Trouble> {
    let fd = own::listener(stage, SocketType::Stream)?;
    socket::shutdown(&fd, Shutdown::Read).step("shut down")?;
    accept(&fd, SocketType::Stream)
}

fn nothing_pending(stage: &mut Stage) -> Result<Observed, Trouble> {
    let fd = own::listener(stage, SocketType::Stream)?;
    option::set_nonblocking(&fd, true).step("set O_NONBLOCK")?;
    accept(&fd, SocketType::Stream)
}

fn timed_out(stage: &mut Stage) -> Result<Observed, Trouble> {
    let fd = own::listener(stage, SocketType::Stream)?;
    option::set_timeout(&fd, SO_RCVTIMEO, own::SHORT_US).step("set SO_RCVTIMEO")?;
    accept(&fd, SocketType::Stream)
}

fn interrupted(stage: &mut Stage) -> Result<Observed, Trouble> {
    let fd = own::listener(stage, SocketType::Stream)?;
    let _alarm = Alarm::every(Duration::from_micros(own::SHORT_US), false).step("set an alarm")?;
    accept(&fd, SocketType::Stream)
}

fn waits(stage: &mut Stage) -> Result<Observed, Trouble> {
    let fd = own::listener(stage, SocketType::Stream)?;
    let symptom = hangs(|| socket::accept(&fd, SocketFlags::empty()))?;
    Observed::of(Look::new(Call::Accept, SocketType::Stream).descriptor(&fd), symptom)
}
