//! Datagram sockets.

use super::batch::batch_methods;
use super::full::Helper;
use super::io::{Direction, Io, Read, Write, would_block};
use super::message;
use super::{peer_methods, socket_methods};
use crate::ancillary::{self, Ancillary, AncillaryBuffer, Received};
use crate::batch;
use crate::connect::connect_once;
use crate::socket::Socket;
use crate::{Call, Error, Outgoing, RecvFlags, SendFlags, SockAddr, SocketType, ToAddress};
use std::io::{IoSlice, IoSliceMut};
use std::net::Shutdown;

/// A datagram socket; see [`sunpath::Datagram`](crate::Datagram).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sunpath::Error> {
/// use sunpath::{Address, tokio::Datagram};
///
/// let server = Datagram::bind(&Address::Unnamed)?; // a free abstract name
/// let client = Datagram::bind(&Address::Unnamed)?;
/// client.send_to(b"ping", server.local_addr()?).await?;
///
/// let mut buffer = [0; 16];
/// let (received, from) = server.recv_from(&mut buffer).await?;
/// assert_eq!(&buffer[..received.bytes], b"ping");
/// server.send_to(b"pong", from).await?;
/// assert_eq!(client.recv(&mut buffer).await?.bytes, 4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Datagram {
    io: Io,
    helper: Helper,
}

const KIND: SocketType = SocketType::Datagram;

socket_methods!(Datagram, Datagram, KIND);
peer_methods!(Datagram, KIND);
batch_methods!(Datagram);

impl Datagram {
    #[track_caller]
    fn adopt(socket: Socket) -> Result<Datagram, Error> {
        Ok(Datagram { io: Io::adopt(socket)?, helper: Helper::default() })
    }

    /// A socket without a name and without a peer.
    ///
    /// # Panics
    /// Outside of a runtime with I/O driver and timer.
    #[track_caller]
    pub fn unbound() -> Result<Datagram, Error> {
        crate::Datagram::unbound()?.try_into()
    }

    /// A socket that others can send to.
    ///
    /// # Panics
    /// Outside of a runtime with I/O driver and timer.
    ///
    /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html)
    #[track_caller]
    pub fn bind(address: impl ToAddress) -> Result<Datagram, Error> {
        crate::Datagram::bind(address)?.try_into()
    }

    /// Makes an address the one to send to, and the only one to receive from; never waits.
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    pub fn connect(&self, address: impl ToAddress) -> Result<(), Error> {
        let to = address.to_address();
        connect_once(self.io.socket(), to)
            .map_err(|errno| Error::to(Call::Connect, KIND, errno, to))?;
        self.io.socket().choose(to);
        Ok(())
    }

    /// Sends one message to the peer; it is sent whole or not at all. Waits while the peer's queue
    /// or the own buffer is full.
    ///
    /// Cancellation: nothing was sent.
    pub async fn send(&self, message: &[u8]) -> Result<(), Error> {
        self.io.run(Write, |socket| socket.send(message, SendFlags::NONE).map(drop)).await
    }

    /// Sends one message to an address; it is sent whole or not at all.
    ///
    /// Waits while the receiver's queue is full: as the kernel reports room there only to a socket
    /// that is connected to the receiver, a helper is connected to it, and kept for the next time
    /// (one descriptor for each `Datagram` that ever met a full receiver). If none can be had, it
    /// is tried again with pauses that grow to 10 ms.
    ///
    /// Cancellation: nothing was sent.
    pub async fn send_to(&self, message: &[u8], address: impl ToAddress) -> Result<(), Error> {
        let to = address.to_address();
        let send = |socket: &Socket| socket.send_to(message, to, SendFlags::NONE).map(drop);
        self.helper.send_to(&self.io, to, send).await
    }

    /// Receives one message. `end_of_file` after the direction of reading was shut down here:
    /// nobody else can end it.
    ///
    /// Cancellation: nothing was received.
    pub async fn recv(&self, buffer: &mut [u8]) -> Result<Received, Error> {
        let received = self.io.run(Read, |socket| socket.recv_datagram(buffer, RecvFlags::NONE));
        ended(received.await, || END)
    }

    /// Receives one message, and the name of its sender.
    ///
    /// Cancellation: nothing was received.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> Result<(Received, SockAddr), Error> {
        let received = self.io.run(Read, |socket| socket.recv_from(buffer, RecvFlags::NONE));
        ended(received.await, || (END, SockAddr::unnamed()))
    }

    /// Sends one message from several buffers, and what is beside it, to the peer.
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

    /// Sends one message from several buffers, and what is beside it, to an address; waits as
    /// [`send_to`](Datagram::send_to) does.
    ///
    /// Cancellation: nothing was sent.
    pub async fn send_message_to(
        &self,
        buffers: &[IoSlice<'_>],
        address: impl ToAddress,
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<(), Error> {
        let to = address.to_address();
        if flags.contains(SendFlags::DONTWAIT) {
            return message::try_send(&self.io, Some(to), buffers, ancillary, flags).map(drop);
        }
        let send =
            |socket: &Socket| socket.send_message(Some(to), buffers, ancillary, flags).map(drop);
        self.helper.send_to(&self.io, to, send).await
    }

    /// Receives one message into several buffers, what is beside it, and the sender's name.
    ///
    /// Cancellation: nothing was received.
    pub async fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<(Received, SockAddr), Error> {
        if flags.contains(RecvFlags::DONTWAIT) {
            return self.try_recv_message(buffers, ancillary, flags);
        }
        let received = self.io.run(Direction::of(flags), |socket| {
            ancillary::receive_from(socket, buffers, ancillary, flags)
        });
        ended(received.await, || (END, SockAddr::unnamed()))
    }

    /// [`send_message`](Datagram::send_message) of one buffer, without flags.
    pub async fn send_with(&self, message: &[u8], ancillary: &Ancillary<'_>) -> Result<(), Error> {
        self.send_message(&[IoSlice::new(message)], ancillary, SendFlags::NONE).await
    }

    /// [`recv_message`](Datagram::recv_message) into one buffer, without flags.
    pub async fn recv_with(
        &self,
        buffer: &mut [u8],
        ancillary: &mut AncillaryBuffer,
    ) -> Result<(Received, SockAddr), Error> {
        self.recv_message(&mut [IoSliceMut::new(buffer)], ancillary, RecvFlags::NONE).await
    }

    /// [`send`](Datagram::send) without waiting.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room.
    pub fn try_send(&self, message: &[u8]) -> Result<(), Error> {
        self.io.try_now(Write, |socket| socket.send(message, SendFlags::NONE).map(drop))
    }

    /// [`send_to`](Datagram::send_to) without waiting.
    ///
    /// # Errors
    /// `EAGAIN` if there is no room. [`writable`](Datagram::writable) does not tell when there is:
    /// use `send_to` to wait.
    pub fn try_send_to(&self, message: &[u8], address: impl ToAddress) -> Result<(), Error> {
        let to = address.to_address();
        self.io.once(&mut |socket: &Socket| socket.send_to(message, to, SendFlags::NONE).map(drop))
    }

    /// [`recv_from`](Datagram::recv_from) without waiting.
    ///
    /// # Errors
    /// `EAGAIN` if there is nothing.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> Result<(Received, SockAddr), Error> {
        let received = self.io.try_now(Read, |socket| socket.recv_from(buffer, RecvFlags::NONE));
        self.ended_now(received)
    }

    /// [`recv_message`](Datagram::recv_message) without waiting.
    pub fn try_recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<(Received, SockAddr), Error> {
        let received = self.io.try_now(Direction::of(flags), |socket| {
            ancillary::receive_from(socket, buffers, ancillary, flags)
        });
        self.ended_now(received)
    }

    /// A loop of waiting and trying has to end as well.
    fn ended_now(
        &self,
        received: Result<(Received, SockAddr), Error>,
    ) -> Result<(Received, SockAddr), Error> {
        match received {
            Err(error) if would_block(&error) && !self.io.is_over() => Err(error),
            done => ended(done, || (END, SockAddr::unnamed())),
        }
    }

    async fn wait_and_send_batch(
        &self,
        messages: &[Outgoing<'_>],
        flags: SendFlags,
    ) -> Result<usize, Error> {
        let send = |socket: &Socket| batch::send(socket, messages, flags);
        // What waits is the first message: the others make it a short batch.
        match messages.first().and_then(Outgoing::receiver) {
            Some(to) => self.helper.send_to(&self.io, to.to_address(), send).await,
            None => self.io.run(Write, send).await,
        }
    }

    /// Closes one or both directions for everyone who holds this socket.
    ///
    /// [shutdown(2)](https://man7.org/linux/man-pages/man2/shutdown.2.html)
    pub fn shutdown(&self, how: Shutdown) -> Result<(), Error> {
        self.io.socket().shutdown(how)
    }
}

/// What a receive brings after a shutdown.
const END: Received = Received::plain(0, 0, true);

/// A socket that blocks returns 0 once it was shut down; one that does not has only `EAGAIN`, which
/// comes here for no other reason.
fn ended<T>(received: Result<T, Error>, end: impl FnOnce() -> T) -> Result<T, Error> {
    match received {
        Err(error) if would_block(&error) => Ok(end()),
        done => done,
    }
}
