//! Sequenced-packet sockets.

use crate::ancillary::{Ancillary, AncillaryBuffer, Received};
use crate::socket::{Socket, peer_methods, socket_methods};
use crate::{Error, RecvFlags, SendFlags, SocketType, ToAddress, connect};
use std::io::{IoSlice, IoSliceMut};
use std::time::Instant;

/// A connected sequenced-packet socket: a connection, as of a [`Stream`](crate::Stream), that
/// keeps messages apart.
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[derive(Debug)]
pub struct SeqPacket {
    socket: Socket,
}

const KIND: SocketType = SocketType::SeqPacket;

socket_methods!(SeqPacket, KIND, adopt);
peer_methods!(SeqPacket, KIND);

impl SeqPacket {
    pub(crate) fn from_socket(socket: Socket) -> SeqPacket {
        SeqPacket { socket }
    }

    /// Connects, as [`Stream::connect`](crate::Stream::connect).
    pub fn connect(address: impl ToAddress) -> Result<SeqPacket, Error> {
        connect::connect(KIND, address.to_address()).map(SeqPacket::from_socket)
    }

    /// As [`connect`](SeqPacket::connect), but gives up at a deadline: a full backlog is tried again,
    /// with growing pauses, because the kernel does not tell when there is room.
    ///
    /// # Errors
    /// `connect/backlog-full` (`EAGAIN`) with the figures, at the deadline.
    pub fn connect_until(address: impl ToAddress, deadline: Instant) -> Result<SeqPacket, Error> {
        connect::connect_until(KIND, address.to_address(), deadline).map(SeqPacket::from_socket)
    }

    /// Sends one message; it is sent whole or not at all.
    pub fn send(&self, message: &[u8]) -> Result<(), Error> {
        self.socket.send(message, SendFlags::NONE).map(drop)
    }

    /// Receives one message.
    pub fn recv(&self, buffer: &mut [u8]) -> Result<Received, Error> {
        let mut none = AncillaryBuffer::default();
        self.recv_message(&mut [IoSliceMut::new(buffer)], &mut none, RecvFlags::NONE)
    }

    /// Sends one message from several buffers, and what is beside it.
    pub fn send_message(
        &self,
        buffers: &[IoSlice<'_>],
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<(), Error> {
        self.socket.send_message(None, buffers, ancillary, flags).map(drop)
    }

    /// Receives one message into several buffers, and what is beside it.
    pub fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        self.socket.recv_message(buffers, ancillary, flags)
    }

    /// [`send_message`](SeqPacket::send_message) of one buffer, without flags.
    pub fn send_with(&self, message: &[u8], ancillary: &Ancillary<'_>) -> Result<(), Error> {
        self.send_message(&[IoSlice::new(message)], ancillary, SendFlags::NONE)
    }

    /// [`recv_message`](SeqPacket::recv_message) into one buffer, without flags.
    pub fn recv_with(
        &self,
        buffer: &mut [u8],
        ancillary: &mut AncillaryBuffer,
    ) -> Result<Received, Error> {
        self.recv_message(&mut [IoSliceMut::new(buffer)], ancillary, RecvFlags::NONE)
    }
}
