//! Sequenced-packet sockets.

use crate::ancillary::{Ancillary, AncillaryBuffer, Received};
use crate::batch::batch_methods;
use crate::connect::connect_methods;
use crate::socket::{Socket, Wait, peer_methods, persist, socket_methods};
use crate::{Error, RecvFlags, SendFlags, SocketType};
use std::io::{IoSlice, IoSliceMut};

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
connect_methods!(SeqPacket, KIND);
batch_methods!(SeqPacket);

impl SeqPacket {
    pub(crate) fn from_socket(socket: Socket) -> SeqPacket {
        SeqPacket { socket }
    }

    /// Sends one message; it is sent whole or not at all. Waits while the peer's queue is full.
    /// An empty message is a message.
    ///
    /// # Errors
    /// `send/message-too-long` (`EMSGSIZE`): more than `SO_SNDBUF` less 32 bytes;
    /// `send/peer-closed` and its kin (`EPIPE`), `send/pending-reset` (`ECONNRESET`),
    /// `send/buffer-full` (`EAGAIN`) if it does not block, `send/timed-out` after `SO_SNDTIMEO`.
    ///
    /// [send(2)](https://man7.org/linux/man-pages/man2/send.2.html)
    #[inline(always)]
    pub fn send(&self, message: &[u8]) -> Result<(), Error> {
        self.send_with_flags(message, SendFlags::NONE)
    }

    /// [`send`](SeqPacket::send), with flags.
    #[inline(always)]
    pub fn send_with_flags(&self, message: &[u8], flags: SendFlags) -> Result<(), Error> {
        persist!(self.socket, Wait::ToSend, self.socket.send(message, flags)).map(drop)
    }

    /// Receives one message, waiting for it. What does not fit into the buffer is lost, and
    /// [`Received::length`] tells it; [`Received::end_of_file`] tells the end from an empty
    /// message.
    ///
    /// # Errors
    /// `recv/peer-closed-with-unread-data` and its kin (`ECONNRESET`), `recv/nothing-to-read`
    /// (`EAGAIN`) if it does not block, `recv/timed-out` (`EAGAIN`) after `SO_RCVTIMEO`,
    /// `recv/not-connected`.
    ///
    /// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
    #[inline(always)]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<Received, Error> {
        self.recv_with_flags(buffer, RecvFlags::NONE)
    }

    /// [`recv`](SeqPacket::recv), with flags.
    #[inline(always)]
    pub fn recv_with_flags(&self, buffer: &mut [u8], flags: RecvFlags) -> Result<Received, Error> {
        persist!(self.socket, Wait::ToReceive, self.socket.recv_packet(buffer, flags))
    }

    /// Sends one message from several buffers, and what is beside it.
    ///
    /// # Errors
    /// Those of [`send`](SeqPacket::send); `rights/too-many`, without a call;
    /// `rights/refused-by-receiver`, `rights/too-many-in-flight`, `credentials/not-permitted`.
    ///
    /// [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
    #[inline(always)]
    pub fn send_message(
        &self,
        buffers: &[IoSlice<'_>],
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<(), Error> {
        persist!(
            self.socket,
            Wait::ToSend,
            self.socket.send_message(None, buffers, ancillary, flags)
        )
        .map(drop)
    }

    /// Receives one message into several buffers, and what is beside it.
    ///
    /// Data that was dropped from what is beside the bytes is no error: see
    /// [`Received::ancillary_truncated`].
    ///
    /// # Errors
    /// Those of [`recv`](SeqPacket::recv).
    ///
    /// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html)
    #[inline(always)]
    pub fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        persist!(self.socket, Wait::ToReceive, self.socket.recv_message(buffers, ancillary, flags))
    }

    /// [`send_message`](SeqPacket::send_message) of one buffer, without flags.
    #[inline(always)]
    pub fn send_with(&self, message: &[u8], ancillary: &Ancillary<'_>) -> Result<(), Error> {
        self.send_message(&[IoSlice::new(message)], ancillary, SendFlags::NONE)
    }

    /// [`recv_message`](SeqPacket::recv_message) into one buffer, without flags.
    #[inline(always)]
    pub fn recv_with(
        &self,
        buffer: &mut [u8],
        ancillary: &mut AncillaryBuffer,
    ) -> Result<Received, Error> {
        self.recv_message(&mut [IoSliceMut::new(buffer)], ancillary, RecvFlags::NONE)
    }
}
