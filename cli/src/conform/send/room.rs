//! There is no room for the message now.

use super::{UNIX, direct, observed};
use crate::conform::pair::{
    bound, client, each, fill, fresh, name, not_waiting, pair, send_byte, set_timeout, until_signal,
};
use crate::conform::{Look, Observed, Recipe, failed};
use crate::stage::{Stage, Trouble};
use std::os::fd::OwnedFd;
use sunpath::sys::libc::SO_SNDTIMEO;
use sunpath::sys::name::Name;
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

/// Fills the queue of a receiver, however long it may be: each sender until it can send no more,
/// until one cannot even send its first message. That one is returned.
fn crowd(to: &Name) -> Result<OwnedFd, Trouble> {
    const ENOUGH: u32 = 10_000;
    for _ in 0..ENOUGH {
        let sender = fresh(SocketType::Datagram)?;
        let mut sent = 0;
        fill(|| {
            let result = socket::send_to(&sender, b"x", SendFlags::DONTWAIT, to);
            sent += u32::from(result.is_ok());
            result
        })?;
        if sent == 0 {
            return Ok(sender);
        }
    }
    Err(Trouble::Failed("the queue of a receiver does not fill".into()))
}

/// By address, where only elimination points to it, and on a connected sender, whom poll tells.
fn receiver_queue_full(stage: &mut Stage) -> Result<Observed, Trouble> {
    let kind = SocketType::Datagram;
    let (address, to) = name(stage, "receiver")?;
    let _receiver = bound(kind, &to)?;
    let (stranger, connected) = (crowd(&to)?, client(kind, &to)?);
    each("send/receiver-queue-full", &[true, false], |by_address| {
        if !by_address {
            return observed(kind, &connected, failed(send_byte(&connected)));
        }
        let symptom = failed(socket::send_to(&stranger, b"x", SendFlags::DONTWAIT, &to));
        let look = Look::new(Call::Send, kind).descriptor(&stranger).arguments(not_waiting());
        Observed::of(look.endpoint(Endpoint::Unix(address.clone())), symptom)
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
    crowd(&to)?;
    let sender = client(kind, &to)?;
    let symptom = until_signal(true, || socket::send(&sender, b"x", SendFlags::empty()))?;
    Observed::of(Look::new(Call::Send, kind).descriptor(&sender), symptom)
}
