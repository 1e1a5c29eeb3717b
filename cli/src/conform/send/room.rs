//! There is no room for the message now.

use super::{UNIX, direct, observed};
use crate::conform::pair::{
    bound, client, each, fill, fresh, name, not_waiting, pair, send_byte, set_timeout, until_signal,
};
use crate::conform::{Look, Observed, Recipe, failed};
use crate::stage::{Stage, Trouble};
use std::os::fd::OwnedFd;
use sunpath::sys::libc::SO_SNDTIMEO;
use sunpath::sys::socket::{self, SendFlags};
use sunpath::{Call, Endpoint, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    direct("send/buffer-full", buffer_full),
    direct("send/timed-out", timed_out),
    direct("send/receiver-queue-full", receiver_queue_full),
    direct("send/interrupted", was_interrupted),
    direct("wait/send-buffer-full", waits_for_buffer),
    direct("wait/receiver-queue-full", waits_for_queue),
];

/// A pair whose first end can send no more.
fn full(kind: SocketType) -> Result<(OwnedFd, OwnedFd), Trouble> {
    let (a, b) = pair(kind)?;
    fill(|| send_byte(&a))?;
    Ok((a, b))
}

fn buffer_full(_: &mut Stage) -> Result<Observed, Trouble> {
    each("send/buffer-full", UNIX, |kind| {
        let (a, _b) = full(kind)?;
        observed(kind, &a, failed(send_byte(&a)))
    })
}

fn timed_out(_: &mut Stage) -> Result<Observed, Trouble> {
    each("send/timed-out", UNIX, |kind| {
        let (a, _b) = full(kind)?;
        set_timeout(&a, SO_SNDTIMEO)?;
        let symptom = failed(socket::send(&a, b"x", SendFlags::empty()));
        Observed::of(Look::new(Call::Send, kind).descriptor(&a), symptom)
    })
}

/// By address, where only elimination points to it, and on a connected sender, whom poll tells.
fn receiver_queue_full(stage: &mut Stage) -> Result<Observed, Trouble> {
    let kind = SocketType::Datagram;
    let (address, to) = name(stage, "receiver")?;
    let _receiver = bound(kind, &to)?;
    let (stranger, connected) = (fresh(kind)?, client(kind, &to)?);
    let send_to = || socket::send_to(&stranger, b"x", SendFlags::DONTWAIT, &to);
    fill(send_to)?;
    each("send/receiver-queue-full", &[true, false], |by_address| {
        if !by_address {
            return observed(kind, &connected, failed(send_byte(&connected)));
        }
        let look = Look::new(Call::Send, kind).descriptor(&stranger).arguments(not_waiting());
        Observed::of(look.endpoint(Endpoint::Unix(address.clone())), failed(send_to()))
    })
}

fn waiting(kind: SocketType, hang: bool) -> Result<Observed, Trouble> {
    let (a, _b) = full(kind)?;
    let symptom = until_signal(hang, || socket::send(&a, b"x", SendFlags::empty()))?;
    Observed::of(Look::new(Call::Send, kind).descriptor(&a), symptom)
}

fn was_interrupted(_: &mut Stage) -> Result<Observed, Trouble> {
    each("send/interrupted", UNIX, |kind| waiting(kind, false))
}

fn waits_for_buffer(_: &mut Stage) -> Result<Observed, Trouble> {
    each("wait/send-buffer-full", UNIX, |kind| waiting(kind, true))
}

fn waits_for_queue(stage: &mut Stage) -> Result<Observed, Trouble> {
    let kind = SocketType::Datagram;
    let (_, to) = name(stage, "receiver")?;
    let _receiver = bound(kind, &to)?;
    let sender = client(kind, &to)?;
    fill(|| send_byte(&sender))?;
    let symptom = until_signal(true, || socket::send(&sender, b"x", SendFlags::empty()))?;
    Observed::of(Look::new(Call::Send, kind).descriptor(&sender), symptom)
}
