//! Bytes with what is beside them: the same for streams and packets.

use super::io::{Io, Read, Write};
use crate::ancillary::{Ancillary, AncillaryBuffer, Received};
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
    io.try_now(Write, |socket| socket.send_message(to, buffers, ancillary, flags))
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
    let received = io.run(Read, |socket| {
        let received = socket.recv_message(buffers, ancillary, flags);
        note_peek(io, flags, &received);
        received
    });
    received.await
}

/// Receives without waiting.
pub(super) fn try_recv(
    io: &Io,
    buffers: &mut [IoSliceMut<'_>],
    ancillary: &mut AncillaryBuffer,
    flags: RecvFlags,
) -> Result<Received, Error> {
    io.try_now(Read, |socket| {
        let received = socket.recv_message(buffers, ancillary, flags);
        note_peek(io, flags, &received);
        received
    })
}

/// A peek past what is queued (`SO_PEEK_OFF`) finds nothing where a receive would: the reactor's
/// view, which is about to be corrected, holds for peeks alone.
pub(super) fn note_peek<T>(io: &Io, flags: RecvFlags, outcome: &Result<T, Error>) {
    if flags.contains(RecvFlags::PEEK) && outcome.is_err() {
        io.retry(Read);
    }
}
