//! Sequenced-packet sockets.

use super::batch::batch_methods;
use super::io::{Io, Read, Write};
use super::{connect, message, peer_methods, socket_methods};
use crate::ancillary::{Ancillary, AncillaryBuffer, Received};
use crate::batch;
use crate::socket::Socket;
use crate::{ConnectOptions, Error, Outgoing, RecvFlags, SendFlags, SocketType, ToAddress};
use ::tokio::time::Instant;
use std::io::{IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::time::Duration;

/// A connected sequenced-packet socket; see [`sunpath::SeqPacket`](crate::SeqPacket).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sunpath::Error> {
/// use sunpath::tokio::SeqPacket;
///
/// let (a, b) = SeqPacket::pair()?;
/// a.send(b"question").await?;
/// a.send(b"").await?;
/// drop(a);
///
/// let mut buffer = [0; 16];
/// assert_eq!(b.recv(&mut buffer).await?.bytes, 8);
/// let empty = b.recv(&mut buffer).await?;
/// assert_eq!((empty.bytes, empty.end_of_file), (0, false));
/// let end = b.recv(&mut buffer).await?;
/// assert_eq!((end.bytes, end.end_of_file), (0, true));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SeqPacket {
    pub(super) io: Io,
}

const KIND: SocketType = SocketType::SeqPacket;

socket_methods!(SeqPacket, SeqPacket, KIND);
peer_methods!(SeqPacket, KIND);
batch_methods!(SeqPacket);

impl SeqPacket {
    #[track_caller]
    fn adopt(socket: Socket) -> Result<SeqPacket, Error> {
        // The reactor takes a socket without a peer for one that is closed, and for good.
        socket.peer_addr()?;
        Io::adopt(socket).map(|io| SeqPacket { io })
    }

    /// Connects, as [`Stream::connect`](super::Stream::connect).
    pub async fn connect(address: impl ToAddress) -> Result<SeqPacket, Error> {
        let io = connect::connect(KIND, address.to_address(), None).await?;
        Ok(SeqPacket { io })
    }

    /// As [`connect`](SeqPacket::connect), but gives up at a deadline, which may be an instant of
    /// tokio or of the standard library.
    ///
    /// # Errors
    /// `connect/backlog-full` (`EAGAIN`) with the figures, at the deadline.
    pub async fn connect_until(
        address: impl ToAddress,
        deadline: impl Into<Instant>,
    ) -> Result<SeqPacket, Error> {
        let io = connect::connect(KIND, address.to_address(), Some(deadline.into())).await?;
        Ok(SeqPacket { io })
    }

    /// [`connect_until`](SeqPacket::connect_until) a while from now.
    pub async fn connect_timeout(
        address: impl ToAddress,
        timeout: Duration,
    ) -> Result<SeqPacket, Error> {
        let deadline = super::registration::now().checked_add(timeout);
        let io = connect::connect(KIND, address.to_address(), deadline).await?;
        Ok(SeqPacket { io })
    }

    /// Connects as the options say: within a time, from a name, or taking descriptors from the very
    /// start. The socket does not block, whatever they say of that.
    ///
    /// Looking for the figures at the deadline, and binding to a name, are done at once, without
    /// waiting.
    pub async fn connect_with(
        options: &ConnectOptions<crate::SeqPacket>,
        address: impl ToAddress,
    ) -> Result<SeqPacket, Error> {
        let io = connect::connect_with(options, address.to_address()).await?;
        Ok(SeqPacket { io })
    }

    /// Sends one message; it is sent whole or not at all.
    ///
    /// Cancellation: nothing was sent.
    ///
    /// # Errors
    /// Those of [`sunpath::SeqPacket::send`](crate::SeqPacket::send).
    pub async fn send(&self, message: &[u8]) -> Result<(), Error> {
        self.io.run(Write, |socket| socket.send(message, SendFlags::NONE).map(drop)).await
    }

    /// Receives one message, or the end: the two are told apart, also if the message is empty.
    ///
    /// Cancellation: nothing was received.
    pub async fn recv(&self, buffer: &mut [u8]) -> Result<Received, Error> {
        self.io.run(Read, |socket| socket.recv_packet(buffer, RecvFlags::NONE)).await
    }

    /// Sends one message from several buffers, and what is beside it.
    ///
    /// Cancellation: nothing was sent.
    pub async fn send_message(
        &self,
        buffers: &[IoSlice<'_>],
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<(), Error> {
        message::send(&self.io, buffers, ancillary, flags).await.map(drop)
    }

    /// Receives one message into several buffers, and what is beside it.
    ///
    /// Cancellation: nothing was received.
    pub async fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        message::recv(&self.io, buffers, ancillary, flags).await
    }

    /// [`send_message`](SeqPacket::send_message) of one buffer, without flags.
    pub async fn send_with(&self, message: &[u8], ancillary: &Ancillary<'_>) -> Result<(), Error> {
        self.send_message(&[IoSlice::new(message)], ancillary, SendFlags::NONE).await
    }

    /// [`recv_message`](SeqPacket::recv_message) into one buffer, without flags.
    pub async fn recv_with(
        &self,
        buffer: &mut [u8],
        ancillary: &mut AncillaryBuffer,
    ) -> Result<Received, Error> {
        self.recv_message(&mut [IoSliceMut::new(buffer)], ancillary, RecvFlags::NONE).await
    }

    async fn wait_and_send_batch(
        &self,
        messages: &[Outgoing<'_>],
        flags: SendFlags,
    ) -> Result<usize, Error> {
        self.io.run(Write, |socket| batch::send(socket, messages, flags)).await
    }

    /// [`send`](SeqPacket::send) without waiting.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room.
    pub fn try_send(&self, message: &[u8]) -> Result<(), Error> {
        self.io.try_now(Write, |socket| socket.send(message, SendFlags::NONE).map(drop))
    }

    /// [`recv`](SeqPacket::recv) without waiting.
    ///
    /// # Errors
    /// `EAGAIN` if there is nothing.
    pub fn try_recv(&self, buffer: &mut [u8]) -> Result<Received, Error> {
        self.io.try_now(Read, |socket| socket.recv_packet(buffer, RecvFlags::NONE))
    }

    /// [`send_message`](SeqPacket::send_message) without waiting.
    pub fn try_send_message(
        &self,
        buffers: &[IoSlice<'_>],
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<(), Error> {
        message::try_send(&self.io, None, buffers, ancillary, flags).map(drop)
    }

    /// [`recv_message`](SeqPacket::recv_message) without waiting.
    pub fn try_recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        message::try_recv(&self.io, buffers, ancillary, flags)
    }

    /// Closes one or both directions for everyone who holds this socket.
    ///
    /// [shutdown(2)](https://man7.org/linux/man-pages/man2/shutdown.2.html)
    pub fn shutdown(&self, how: Shutdown) -> Result<(), Error> {
        self.io.socket().shutdown(how)
    }
}
