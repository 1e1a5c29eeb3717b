//! Sockets for the recipes that make their call themselves.

use super::judge::{describe, is_as_documented};
use super::{Look, Observed, failed};
use crate::failure::Told;
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use sunpath::fact::{Arguments, Seen, process::DescriptorUse};
use sunpath::sys::name::Name;
use sunpath::sys::process::{self, Alarm};
use sunpath::sys::socket::{self, SendFlags, SocketFlags};
use sunpath::sys::{self, Errno, option};
use sunpath::{Address, SocketType, Symptom};

/// For how long a call that waits is watched.
pub const MOMENT: Duration = Duration::from_millis(60);

/// As a timeout of a socket.
pub const MOMENT_US: u64 = 60_000;

/// Two sockets that are connected to each other.
pub fn pair(kind: SocketType) -> Result<(OwnedFd, OwnedFd), Trouble> {
    socket::socketpair(kind, SocketFlags::empty()).step("make a pair")
}

/// A socket without name and peer.
pub fn fresh(kind: SocketType) -> Result<OwnedFd, Trouble> {
    socket::socket(kind, SocketFlags::empty()).step("make a socket")
}

/// An address of this stage.
pub fn name(stage: &Stage, label: &str) -> Result<(Address, Name), Trouble> {
    let address = Address::Abstract(stage.abstract_name(label));
    let name = Name::new(&address).step("encode an address")?;
    Ok((address, name))
}

/// A socket that is bound to the address.
pub fn bound(kind: SocketType, name: &Name) -> Result<OwnedFd, Trouble> {
    let fd = fresh(kind)?;
    socket::bind(&fd, name).step("bind")?;
    Ok(fd)
}

/// A listener with a backlog of 8.
pub fn listener(kind: SocketType, name: &Name) -> Result<OwnedFd, Trouble> {
    let fd = bound(kind, name)?;
    socket::listen(&fd, 8).step("listen")?;
    Ok(fd)
}

/// A socket that is connected to the address.
pub fn client(kind: SocketType, name: &Name) -> Result<OwnedFd, Trouble> {
    let fd = fresh(kind)?;
    socket::connect(&fd, name).step("connect")?;
    Ok(fd)
}

/// Sends a byte without waiting.
pub fn send_byte(fd: &OwnedFd) -> sys::Result<usize> {
    socket::send(fd, b"x", SendFlags::DONTWAIT)
}

/// Sends single bytes until there is no room left.
pub fn fill(mut send: impl FnMut() -> sys::Result<usize>) -> Result<(), Trouble> {
    const MORE_THAN_FIT: u32 = 1_000_000;
    for _ in 0..MORE_THAN_FIT {
        match send() {
            Ok(_) => {}
            Err(Errno::AGAIN) => return Ok(()),
            Err(errno) => return Err(Trouble::Failed(format!("fill a buffer: {}", errno.told()))),
        }
    }
    Err(Trouble::Failed("a buffer does not fill".into()))
}

/// Arguments of a call that does not wait.
pub fn not_waiting() -> Arguments {
    Arguments { nonblocking: Some(true), ..Arguments::default() }
}

/// Gives up waiting after [`MOMENT`].
pub fn set_timeout(fd: &OwnedFd, option: i32) -> Result<(), Trouble> {
    option::set_timeout(fd, option, MOMENT_US).step("set a timeout")
}

/// Makes a call that waits until a signal interrupts it. With `hang` it is made again and again for
/// a moment, and that it waited is what came of it.
pub fn until_signal<T>(
    hang: bool,
    mut call: impl FnMut() -> sys::Result<T>,
) -> Result<Option<Symptom>, Trouble> {
    let _alarm = Alarm::every(MOMENT, false).step("set an alarm")?;
    let start = Instant::now();
    loop {
        match call() {
            Err(Errno::INTR) if hang && start.elapsed() < MOMENT => {}
            Err(Errno::INTR) if hang => return Ok(Some(Symptom::Hangs)),
            other => return Ok(failed(other)),
        }
    }
}

/// Makes a call without any descriptor left. The limit is raised again before facts are gathered:
/// looking needs descriptors too. The facts are those of the moment of failure.
pub fn without_descriptors<T>(
    look: Look<'_>,
    make: impl FnOnce() -> sys::Result<T>,
) -> Result<Observed, Trouble> {
    let before = process::descriptor_limit(None).step("read the limit")?;
    process::limit_descriptors(0).step("lower the limit")?;
    let result = make();
    process::limit_descriptors(before.unwrap_or(1024)).step("raise the limit")?;
    let symptom = failed(result);
    let mut observed = Observed::of(look, symptom)?;
    let listing = std::fs::read_dir("/proc/self/fd").step("list descriptors")?;
    let used = listing.count() as u64 - 1;
    observed.facts.caller.descriptors = Seen::Known(DescriptorUse { used, limit: 0 });
    Ok(observed)
}

/// Makes sure that the cause is foreseen before the call is made: some states are gone after it.
pub fn foresee(id: &str, look: Look<'_>) -> Result<(), Trouble> {
    let predicted = look.predict()?;
    match predicted.causes.first() {
        Some(first) if first.cause.id == id => Ok(()),
        _ => Err(Trouble::Failed(format!("predicted: {}", describe(&predicted)))),
    }
}

/// Carries the steps out for each of these; what comes back is the first that is not as the
/// catalogue says, or else the last.
pub fn each<K: Copy>(
    id: &str,
    kinds: &[K],
    mut make: impl FnMut(K) -> Result<Observed, Trouble>,
) -> Result<Observed, Trouble> {
    let mut last = None;
    for kind in kinds {
        let observed = make(*kind)?;
        if !is_as_documented(id, &observed) {
            return Ok(observed);
        }
        last = Some(observed);
    }
    last.ok_or_else(|| Trouble::Failed("there is nothing to try".into()))
}
