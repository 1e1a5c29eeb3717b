//! The message, its buffers or its ancillary data are larger than can ever be sent.

use super::{MESSAGES, UNIX, direct};
use crate::conform::pair::{each, not_waiting, pair};
use crate::conform::{Look, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::{AsRawFd, OwnedFd};
use sunpath::fact::Arguments;
use sunpath::sys::option;
use sunpath::sys::probe::{self, Memory, Message};
use sunpath::sys::socket::{self, SendFlags};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    direct("send/too-many-buffers", too_many_buffers),
    direct("send/control-too-large", control_too_large),
    direct("send/message-too-long", message_too_long),
    direct("send/no-contiguous-memory", no_contiguous_memory),
];

fn too_many_buffers(_: &mut Stage) -> Result<Observed, Trouble> {
    const ONE_TOO_MANY: usize = 1025;
    each("send/too-many-buffers", &[Call::Recv, Call::Send], |call| {
        each("send/too-many-buffers", UNIX, |kind| {
            let (a, _b) = pair(kind)?;
            let message = Message { buffers: ONE_TOO_MANY, ..Message::default() };
            let symptom = match call {
                Call::Recv => failed(probe::recvmsg(a.as_raw_fd(), message)),
                _ => failed(probe::sendmsg(a.as_raw_fd(), message)),
            };
            let arguments = Arguments { buffers: Some(ONE_TOO_MANY as u64), ..not_waiting() };
            Observed::of(Look::new(call, kind).descriptor(&a).arguments(arguments), symptom)
        })
    })
}

/// More than the machine admits, and more than an `int` can hold.
fn control_too_large(_: &mut Stage) -> Result<Observed, Trouble> {
    let setting = std::fs::read_to_string("/proc/sys/net/core/optmem_max");
    let most: usize = setting.step("read net.core.optmem_max")?.trim().parse().step("read it")?;
    each("send/control-too-large", &[most + 1, 1 << 31], |length| {
        let (a, _b) = pair(SocketType::Stream)?;
        // The length is refused before the memory is looked at.
        let message = Message { control: Some((Memory::Bad, length)), ..Message::default() };
        let symptom = failed(probe::sendmsg(a.as_raw_fd(), message));
        let arguments = Arguments { control_length: Some(length as u64), ..not_waiting() };
        let look = Look::new(Call::Send, SocketType::Stream).descriptor(&a).arguments(arguments);
        Observed::of(look, symptom)
    })
}

/// Sends a message of so many bytes.
fn send(kind: SocketType, fd: &OwnedFd, length: usize) -> Result<Observed, Trouble> {
    let symptom = failed(socket::send(fd, &vec![0; length], SendFlags::DONTWAIT));
    let arguments = Arguments { length: Some(length as u64), ..not_waiting() };
    Observed::of(Look::new(Call::Send, kind).descriptor(fd).arguments(arguments), symptom)
}

/// One byte less is sent.
fn message_too_long(_: &mut Stage) -> Result<Observed, Trouble> {
    const OVERHEAD: usize = 32;
    each("send/message-too-long", MESSAGES, |kind| {
        let (a, _b) = pair(kind)?;
        let most = option::send_buffer(&a).step("read SO_SNDBUF")? as usize - OVERHEAD;
        socket::send(&a, &vec![0; most], SendFlags::DONTWAIT).step("send the longest message")?;
        send(kind, &a, most + 1)
    })
}

/// One byte less is sent.
fn no_contiguous_memory(_: &mut Stage) -> Result<Observed, Trouble> {
    const MOST: usize = 4_263_616;
    each("send/no-contiguous-memory", MESSAGES, |kind| {
        let (a, _b) = pair(kind)?;
        option::set_send_buffer(&a, 4 << 20).step("raise SO_SNDBUF")?;
        if (option::send_buffer(&a).step("read SO_SNDBUF")? as usize) < 2 * MOST - (1 << 20) {
            return Err(Trouble::NotHere("net.core.wmem_max is below 4 MiB".into()));
        }
        socket::send(&a, &vec![0; MOST], SendFlags::DONTWAIT).step("send the longest message")?;
        send(kind, &a, MOST + 1)
    })
}
