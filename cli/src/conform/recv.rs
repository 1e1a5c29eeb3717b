//! Recipes for `recv`.

use super::pair::{
    client, each, foresee, fresh, listener, name, not_waiting, pair, send_byte, set_timeout,
    until_signal,
};
use super::{Look, Make, Observed, Recipe, failed};
use crate::stage::{Stage, Step, Trouble};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use sunpath::fact::Arguments;
use sunpath::fact::arguments::Received;
use sunpath::fact::socket::History;
use sunpath::sys::control::{CONTROL_ROOM, Writer};
use sunpath::sys::libc::{MSG_OOB, SO_RCVTIMEO};
use sunpath::sys::message::{Inbox, recvmsg, sendmsg};
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::process;
use sunpath::sys::socket::{self, RecvFlags, SendFlags};
use sunpath::{Call, SocketType, Symptom};

/// The recipes of this file.
pub const RECIPES: &[Recipe] = &[
    direct("recv/not-connected", not_connected),
    direct("recv/no-urgent-data", no_urgent_data),
    direct("recv/peer-left-with-unread-data", peer_left),
    direct("recv/peer-closed-with-unread-data", peer_closed_unread),
    direct("recv/closed-before-accept", closed_before_accept),
    direct("recv/end-of-file", end_of_file),
    direct("recv/nothing-to-read", nothing_to_read),
    direct("recv/timed-out", timed_out),
    direct("recv/interrupted", was_interrupted),
    direct("recv/message-truncated", message_truncated),
    direct("recv/descriptors-truncated", descriptors_truncated),
    direct("wait/nothing-to-read", waits),
];

const fn direct(id: &'static str, make: fn(&mut Stage) -> Result<Observed, Trouble>) -> Recipe {
    Recipe { id, needs: &[], make: Make::Direct(make) }
}

const CONNECTED: &[SocketType] = &[SocketType::Stream, SocketType::SeqPacket];
const UNIX: &[SocketType] = &[SocketType::Stream, SocketType::SeqPacket, SocketType::Datagram];

/// Receives without waiting.
fn recv(fd: &OwnedFd) -> Option<Symptom> {
    failed(socket::recv(fd, &mut [0; 16], RecvFlags::DONTWAIT))
}

fn observed(kind: SocketType, fd: &OwnedFd, symptom: Option<Symptom>) -> Result<Observed, Trouble> {
    let look = Look::new(Call::Recv, kind).descriptor(fd).arguments(not_waiting());
    Observed::of(look, symptom)
}

fn not_connected(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "server")?;
    each("recv/not-connected", CONNECTED, |kind| {
        let sockets = [&fresh(kind)?, &listener(kind, &name)?];
        each("recv/not-connected", &sockets, |fd| observed(kind, fd, recv(fd)))
    })
}

fn no_urgent_data(_: &mut Stage) -> Result<Observed, Trouble> {
    let (a, _b) = pair(SocketType::Stream)?;
    let symptom = failed(probe::recv(a.as_raw_fd(), Memory::Bytes(&[]), 1, MSG_OOB));
    let arguments = Arguments { urgent: true, ..not_waiting() };
    let look = Look::new(Call::Recv, SocketType::Stream).descriptor(&a).arguments(arguments);
    Observed::of(look, symptom)
}

/// Both calls report it, the one that is made first.
fn peer_left(_: &mut Stage) -> Result<Observed, Trouble> {
    each("recv/peer-left-with-unread-data", &[Call::Send, Call::Recv], |call| {
        let (a, b) = pair(SocketType::Datagram)?;
        send_byte(&a).step("send")?;
        socket::disconnect(&b).step("dissolve the association")?;
        let look = || Look::new(call, SocketType::Datagram).descriptor(&a);
        foresee("recv/peer-left-with-unread-data", look())?;
        let symptom = if call == Call::Send { failed(send_byte(&a)) } else { recv(&a) };
        Observed::of(look().arguments(not_waiting()), symptom)
    })
}

fn peer_closed_unread(_: &mut Stage) -> Result<Observed, Trouble> {
    each("recv/peer-closed-with-unread-data", CONNECTED, |kind| {
        let (a, b) = pair(kind)?;
        send_byte(&a).step("send")?;
        drop(b);
        let look = Look::new(Call::Recv, kind).descriptor(&a);
        foresee("recv/peer-closed-with-unread-data", look)?;
        observed(kind, &a, recv(&a))
    })
}

fn closed_before_accept(stage: &mut Stage) -> Result<Observed, Trouble> {
    let (_, name) = name(stage, "server")?;
    each("recv/closed-before-accept", CONNECTED, |kind| {
        let server = listener(kind, &name)?;
        let client = client(kind, &name)?;
        drop(server);
        let history = History { sent_nothing: true, ..History::default() };
        let look = || Look::new(Call::Recv, kind).descriptor(&client).history(history);
        foresee("recv/closed-before-accept", look())?;
        let symptom = recv(&client);
        Observed::of(look().arguments(not_waiting()), symptom)
    })
}

fn end_of_file(_: &mut Stage) -> Result<Observed, Trouble> {
    each("recv/end-of-file", CONNECTED, |kind| {
        let (a, b) = pair(kind)?;
        drop(b);
        let read = socket::recv(&a, &mut [0; 16], RecvFlags::DONTWAIT).step("receive")?;
        observed(kind, &a, (read == 0).then_some(Symptom::EndOfFile))
    })
}

fn nothing_to_read(_: &mut Stage) -> Result<Observed, Trouble> {
    each("recv/nothing-to-read", UNIX, |kind| {
        let (a, _b) = pair(kind)?;
        observed(kind, &a, recv(&a))
    })
}

fn timed_out(_: &mut Stage) -> Result<Observed, Trouble> {
    each("recv/timed-out", UNIX, |kind| {
        let (a, _b) = pair(kind)?;
        set_timeout(&a, SO_RCVTIMEO)?;
        let symptom = failed(socket::recv(&a, &mut [0; 16], RecvFlags::empty()));
        Observed::of(Look::new(Call::Recv, kind).descriptor(&a), symptom)
    })
}

fn waiting(kind: SocketType, hang: bool) -> Result<Observed, Trouble> {
    let (a, _b) = pair(kind)?;
    let symptom = until_signal(hang, || socket::recv(&a, &mut [0; 16], RecvFlags::empty()))?;
    Observed::of(Look::new(Call::Recv, kind).descriptor(&a), symptom)
}

fn was_interrupted(_: &mut Stage) -> Result<Observed, Trouble> {
    each("recv/interrupted", UNIX, |kind| waiting(kind, false))
}

fn waits(_: &mut Stage) -> Result<Observed, Trouble> {
    each("wait/nothing-to-read", UNIX, |kind| waiting(kind, true))
}

fn message_truncated(_: &mut Stage) -> Result<Observed, Trouble> {
    const MESSAGES: &[SocketType] = &[SocketType::Datagram, SocketType::SeqPacket];
    each("recv/message-truncated", MESSAGES, |kind| {
        let (a, b) = pair(kind)?;
        socket::send(&b, b"12345", SendFlags::DONTWAIT).step("send")?;
        let mut two = [0; 2];
        let buffers = &mut [IoSliceMut::new(&mut two)];
        let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
        let received = recvmsg(&a, None, buffers, &mut Inbox::default(), flags).step("receive")?;
        let message_length = Some(received.bytes as u64);
        let arguments = Arguments {
            length: Some(2),
            received: Some(Received { message_length, descriptors: 0 }),
            ..not_waiting()
        };
        let look = Look::new(Call::Recv, kind).descriptor(&a).arguments(arguments);
        Observed::of(look, received.truncated.then_some(Symptom::MessageTruncated))
    })
}

/// The same for want of room in the buffer, and in the table of descriptors.
fn descriptors_truncated(_: &mut Stage) -> Result<Observed, Trouble> {
    const ROOM_FOR_ONE: usize = 20;
    each("recv/descriptors-truncated", &[ROOM_FOR_ONE, CONTROL_ROOM], |room| {
        let (a, b) = pair(SocketType::Stream)?;
        let three: [BorrowedFd<'_>; 3] = [a.as_fd(); 3];
        let data = [IoSlice::new(b"x")];
        let mut control = [0; CONTROL_ROOM];
        let mut writer = Writer::new(&mut control);
        writer.rights(&three).map_err(|_| Trouble::Failed("no room to send".into()))?;
        sendmsg(&b, None, &data, writer.into_bytes(), SendFlags::empty()).step("send")?;
        let before = process::descriptor_limit(None).step("read the limit")?.unwrap_or(1024);
        if room == CONTROL_ROOM {
            process::limit_descriptors(0).step("lower the limit")?;
        }
        let mut byte = [0; 1];
        let mut inbox = Inbox::new(room, three.len());
        let buffers = &mut [IoSliceMut::new(&mut byte)];
        let result = recvmsg(&a, None, buffers, &mut inbox, RecvFlags::DONTWAIT);
        process::limit_descriptors(before).step("raise the limit")?;
        let received = result.step("receive")?;
        let arguments = Arguments {
            control_length: Some(room as u64),
            received: Some(Received { message_length: None, descriptors: inbox.arrived() as u64 }),
            ..not_waiting()
        };
        let look = Look::new(Call::Recv, SocketType::Stream).descriptor(&a).arguments(arguments);
        Observed::of(look, received.control_truncated.then_some(Symptom::ControlTruncated))
    })
}
