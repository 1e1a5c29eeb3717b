//! Bytes with what is beside them: the same for streams and packets.

use super::io::{Direction, Io, Write};
use crate::ancillary::{Ancillary, AncillaryBuffer, Received};
use crate::socket::Socket;
use crate::{AddressRef, Error, RecvFlags, SendFlags};
use std::io::{IoSlice, IoSliceMut};

/// Sends to the peer; with `DONTWAIT` fails rather than waits.
pub(super) async fn send(
    io: &Io,
    buffers: &[IoSlice<'_>],
    ancillary: &Ancillary<'_>,
    flags: SendFlags,
) -> Result<usize, Error> {
    if flags.contains(SendFlags::DONTWAIT) {
        return try_send(io, None, buffers, ancillary, flags);
    }
    io.run(Write, |socket| socket.send_message(None, buffers, ancillary, flags)).await
}

/// Sends without waiting.
pub(super) fn try_send(
    io: &Io,
    to: Option<AddressRef<'_>>,
    buffers: &[IoSlice<'_>],
    ancillary: &Ancillary<'_>,
    flags: SendFlags,
) -> Result<usize, Error> {
    let mut send = |socket: &Socket| socket.send_message(to, buffers, ancillary, flags);
    match to {
        None => io.try_now(Write, send),
        // That this receiver is full says nothing of the socket.
        Some(_) => io.once(&mut send),
    }
}

/// Receives; with `DONTWAIT` fails rather than waits.
pub(super) async fn recv(
    io: &Io,
    buffers: &mut [IoSliceMut<'_>],
    ancillary: &mut AncillaryBuffer,
    flags: RecvFlags,
) -> Result<Received, Error> {
    if flags.contains(RecvFlags::DONTWAIT) {
        return try_recv(io, buffers, ancillary, flags);
    }
    note_urgent(io, flags);
    io.run(Direction::of(flags), |socket| socket.recv_message(buffers, ancillary, flags)).await
}

/// Receives without waiting.
pub(super) fn try_recv(
    io: &Io,
    buffers: &mut [IoSliceMut<'_>],
    ancillary: &mut AncillaryBuffer,
    flags: RecvFlags,
) -> Result<Received, Error> {
    note_urgent(io, flags);
    io.try_now(Direction::of(flags), |socket| socket.recv_message(buffers, ancillary, flags))
}

/// Where an urgent byte was, a read stops, and nothing reports that any more once it is taken.
fn note_urgent(io: &Io, flags: RecvFlags) {
    if flags.contains(RecvFlags::OOB) {
        io.doubt_short_reads();
    }
}
