//! Sockets of a recipe's own process, and calls on them that wait or lack a descriptor.

use super::failed;
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use sunpath::fact::process::DescriptorUse;
use sunpath::sys::name::Name;
use sunpath::sys::process::{self, Alarm};
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::{Address, Errno, SocketType, Symptom, sys};

/// Long enough for a call to begin to wait, in microseconds.
pub const SHORT_US: u64 = 100_000;

/// Two sockets that are connected to each other.
pub fn pair(kind: SocketType) -> Result<(OwnedFd, OwnedFd), Trouble> {
    socket::socketpair(kind, SocketFlags::empty()).step("make a pair")
}

/// Gives the socket an abstract name that no other recipe uses.
pub fn bind(stage: &Stage, fd: impl AsFd, name: &str) -> Result<(), Trouble> {
    let address = Address::Abstract(stage.abstract_name(name));
    let name = Name::new(&address).step("encode an address")?;
    socket::bind(fd, &name).step("bind")
}

/// A listener with an abstract name.
pub fn listener(stage: &Stage, kind: SocketType) -> Result<OwnedFd, Trouble> {
    let fd = socket::socket(kind, SocketFlags::empty()).step("make a socket")?;
    bind(stage, &fd, "listener")?;
    socket::listen(&fd, 8).step("listen")?;
    Ok(fd)
}

/// A socket that is connected to the listener.
pub fn client(listener: impl AsFd, kind: SocketType) -> Result<OwnedFd, Trouble> {
    let name = socket::getsockname(listener).step("ask for the name")?;
    let fd = socket::socket(kind, SocketFlags::empty()).step("make a socket")?;
    socket::connect(&fd, &name).step("connect")?;
    Ok(fd)
}

/// Makes the call while the process may open no descriptor, and tells how many were open then.
/// The limit is raised again, because gathering facts needs descriptors too.
pub fn without_descriptors<T>(
    call: impl FnOnce() -> sys::Result<T>,
) -> Result<(sys::Result<T>, DescriptorUse), Trouble> {
    // One of those listed belongs to the listing.
    let used = std::fs::read_dir("/proc/self/fd").step("list descriptors")?.count() as u64 - 1;
    let before = process::descriptor_limit(None).step("read the limit")?;
    process::limit_descriptors(0).step("lower the limit")?;
    let result = call();
    process::limit_descriptors(before.unwrap_or(u64::MAX)).step("raise the limit")?;
    Ok((result, DescriptorUse { used, limit: 0 }))
}

/// Makes a call that is to wait. A signal ends the wait: one that comes back with `EINTR` would
/// have waited on.
pub fn hangs<T>(call: impl FnOnce() -> sys::Result<T>) -> Result<Option<Symptom>, Trouble> {
    let _alarm = Alarm::every(Duration::from_micros(SHORT_US), false).step("set an alarm")?;
    Ok(match failed(call()) {
        Some(Symptom::Errno(Errno::EINTR)) => Some(Symptom::Hangs),
        other => other,
    })
}
