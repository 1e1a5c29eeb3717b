//! The destination or the flags do not suit the socket.

use super::{MESSAGES, direct};
use crate::conform::pair::{bound, each, fresh, name, not_waiting, pair};
use crate::conform::{Look, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::os::fd::{AsRawFd, OwnedFd};
use sunpath::fact::Arguments;
use sunpath::sys::libc::MSG_OOB;
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::socket::{self, SendFlags};
use sunpath::{Call, Endpoint, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    direct("send/address-on-connected-stream", on_connected_stream),
    direct("send/address-on-unconnected-stream", on_unconnected_stream),
    direct("send/no-urgent-data", no_urgent_data),
    direct("send/empty-urgent-data", empty_urgent_data),
    direct("send/receiver-has-another-peer", receiver_has_another_peer),
];

/// A stream is sent to by address.
fn to_address(stage: &Stage, fd: &OwnedFd) -> Result<Observed, Trouble> {
    let (address, name) = name(stage, "anywhere")?;
    let symptom = failed(socket::send_to(fd, b"x", SendFlags::DONTWAIT, &name));
    let look = Look::new(Call::Send, SocketType::Stream).descriptor(fd);
    Observed::of(look.endpoint(Endpoint::Unix(address)).arguments(not_waiting()), symptom)
}

fn on_connected_stream(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (a, _b) = pair(SocketType::Stream)?;
    to_address(stage, &a)
}

fn on_unconnected_stream(stage: &mut Stage) -> Result<Observed, Trouble> {
    to_address(stage, &fresh(SocketType::Stream)?)
}

/// A call with `MSG_OOB` and so many bytes.
fn urgent(call: Call, kind: SocketType, length: usize) -> Result<Observed, Trouble> {
    let (a, _b) = pair(kind)?;
    let raw = a.as_raw_fd();
    let symptom = match call {
        Call::Recv => failed(probe::recv(raw, Memory::Bytes(&[]), length, MSG_OOB)),
        _ => failed(probe::send(raw, Memory::Bytes(b"x"), length, MSG_OOB)),
    };
    let arguments = Arguments { urgent: true, length: Some(length as u64), ..not_waiting() };
    Observed::of(Look::new(call, kind).descriptor(&a).arguments(arguments), symptom)
}

fn no_urgent_data(_: &mut Stage) -> Result<Observed, Trouble> {
    each("send/no-urgent-data", &[Call::Recv, Call::Send], |call| {
        each("send/no-urgent-data", MESSAGES, |kind| urgent(call, kind, 1))
    })
}

fn empty_urgent_data(_: &mut Stage) -> Result<Observed, Trouble> {
    urgent(Call::Send, SocketType::Stream, 0)
}

/// By address, and on a sender that was connected before the receiver turned to another.
fn receiver_has_another_peer(stage: &mut Stage) -> Result<Observed, Trouble> {
    let kind = SocketType::Datagram;
    let (address, to) = name(stage, "receiver")?;
    let (_, third) = name(stage, "third")?;
    let (receiver, _friend) = (bound(kind, &to)?, bound(kind, &third)?);
    let earlier = fresh(kind)?;
    socket::connect(&earlier, &to).step("connect the sender")?;
    socket::connect(&receiver, &third).step("connect the receiver")?;
    let stranger = fresh(kind)?;
    each("send/receiver-has-another-peer", &[true, false], |connected| {
        if connected {
            let symptom = failed(socket::send(&earlier, b"x", SendFlags::DONTWAIT));
            return super::observed(kind, &earlier, symptom);
        }
        let symptom = failed(socket::send_to(&stranger, b"x", SendFlags::DONTWAIT, &to));
        let look = Look::new(Call::Send, kind).descriptor(&stranger).arguments(not_waiting());
        Observed::of(look.endpoint(Endpoint::Unix(address.clone())), symptom)
    })
}
