//! The socket or its peer is in a state in which nothing can be sent.

use super::{CONNECTED, UNIX, direct, observed};
use crate::conform::pair::{
    each, fill, foresee, fresh, listener, name, not_waiting, pair, send_byte,
};
use crate::conform::{Look, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble, wait_until};
use sunpath::fact::socket::History;
use sunpath::sys::process;
use sunpath::sys::socket::{self, SendFlags, Shutdown};
use sunpath::{Call, SocketType};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    direct("send/not-connected", not_connected),
    direct("send/no-destination", no_destination),
    direct("send/pending-reset", pending_reset),
    direct("send/after-shutdown", after_shutdown),
    direct("send/peer-closed", peer_closed),
    direct("send/peer-stopped-reading", peer_stopped_reading),
    direct("send/peer-closed-while-blocked", closed_while_blocked),
    direct("send/receiver-closed", receiver_closed),
];

fn not_connected(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "server")?;
    each("send/not-connected", CONNECTED, |kind| {
        let sockets = [&fresh(kind)?, &listener(kind, &name)?];
        each("send/not-connected", &sockets, |fd| observed(kind, fd, failed(send_byte(fd))))
    })
}

fn no_destination(_: &mut Stage) -> Result<Observed, Trouble> {
    let fd = fresh(SocketType::Datagram)?;
    observed(SocketType::Datagram, &fd, failed(send_byte(&fd)))
}

fn pending_reset(_: &mut Stage) -> Result<Observed, Trouble> {
    let (a, b) = pair(SocketType::SeqPacket)?;
    send_byte(&a).step("send")?;
    drop(b);
    foresee("send/pending-reset", Look::new(Call::Send, SocketType::SeqPacket).descriptor(&a))?;
    observed(SocketType::SeqPacket, &a, failed(send_byte(&a)))
}

fn after_shutdown(_: &mut Stage) -> Result<Observed, Trouble> {
    each("send/after-shutdown", UNIX, |kind| {
        let (a, _b) = pair(kind)?;
        socket::shutdown(&a, Shutdown::Write).step("shut down")?;
        let symptom = failed(send_byte(&a));
        let history = History { shut_down_sending: true, ..History::default() };
        let look = Look::new(Call::Send, kind).descriptor(&a).arguments(not_waiting());
        Observed::of(look.history(history), symptom)
    })
}

fn peer_closed(_: &mut Stage) -> Result<Observed, Trouble> {
    each("send/peer-closed", CONNECTED, |kind| {
        let (a, b) = pair(kind)?;
        drop(b);
        observed(kind, &a, failed(send_byte(&a)))
    })
}

fn peer_stopped_reading(_: &mut Stage) -> Result<Observed, Trouble> {
    each("send/peer-stopped-reading", UNIX, |kind| {
        let (a, b) = pair(kind)?;
        socket::shutdown(&b, Shutdown::Read).step("shut down")?;
        observed(kind, &a, failed(send_byte(&a)))
    })
}

/// The peer is a process that ends when this one waits for room.
fn closed_while_blocked(_: &mut Stage) -> Result<Observed, Trouble> {
    let (a, b) = pair(SocketType::Stream)?;
    fill(|| send_byte(&a))?;
    let sender = format!("/proc/{}/stat", std::process::id());
    let peer = process::fork(|| {
        let asleep = || std::fs::read_to_string(&sender).is_ok_and(|stat| stat.contains(") S "));
        i32::from(wait_until("the sender waits", asleep).is_err())
    });
    let peer = peer.step("start the peer")?;
    drop(b);
    let symptom = failed(socket::send(&a, b"x", SendFlags::empty()));
    peer.wait().step("wait for the peer")?;
    let history = History { blocked: true, ..History::default() };
    let look = Look::new(Call::Send, SocketType::Stream).descriptor(&a).history(history);
    Observed::of(look, symptom)
}

fn receiver_closed(_: &mut Stage) -> Result<Observed, Trouble> {
    let (a, b) = pair(SocketType::Datagram)?;
    drop(b);
    foresee("send/receiver-closed", Look::new(Call::Send, SocketType::Datagram).descriptor(&a))?;
    observed(SocketType::Datagram, &a, failed(send_byte(&a)))
}
