//! Stream sockets.

use super::io::{Done, Io, Read, Write};
use super::split::{self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use super::{connect, message, peer_methods, socket_methods};
use crate::ancillary::{Ancillary, AncillaryBuffer, Received};
use crate::socket::Socket;
use crate::stream::MOST_BUFFERS;
use crate::sys::reactor;
use crate::{Call, ConnectOptions, Error, RecvFlags, SendFlags, SocketType, ToAddress};
use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ::tokio::time::Instant;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A connected stream socket; see [`sunpath::Stream`](crate::Stream), and the
/// [module](crate::tokio) for what all types here share.
///
/// It is read and written through [`AsyncRead`] and [`AsyncWrite`]; closing the direction of
/// writing is `AsyncWriteExt::shutdown`. Messages that carry descriptors
/// go through its own methods.
#[derive(Debug)]
pub struct Stream {
    pub(super) io: Io,
}

const KIND: SocketType = SocketType::Stream;

socket_methods!(Stream, Stream, KIND);
peer_methods!(Stream, KIND);

impl Stream {
    #[track_caller]
    fn adopt(socket: Socket) -> Result<Stream, Error> {
        // The reactor takes a socket without a peer for one that is closed, and for good.
        socket.peer_addr()?;
        Io::adopt(socket).map(|io| Stream { io })
    }

    /// Connects to a path, or to an address of another form.
    ///
    /// While the server's backlog is full it is tried again with pauses that grow to 10 ms, however
    /// long: the kernel does not tell when there is room. The stream that comes back is connected.
    ///
    /// Cancellation: nothing is left behind.
    ///
    /// # Errors
    /// Those of [`sunpath::Stream::connect`](crate::Stream::connect).
    ///
    /// # Panics
    /// Outside of a runtime with I/O driver and timer.
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    pub async fn connect(address: impl ToAddress) -> Result<Stream, Error> {
        let io = connect::connect(KIND, address.to_address(), None).await?;
        Ok(Stream { io })
    }

    /// As [`connect`](Stream::connect), but gives up at a deadline, which may be an instant of
    /// tokio or of the standard library. Unlike a timeout around `connect`, it tells what it waited
    /// for.
    ///
    /// # Errors
    /// `connect/backlog-full` (`EAGAIN`) with the figures, at the deadline.
    pub async fn connect_until(
        address: impl ToAddress,
        deadline: impl Into<Instant>,
    ) -> Result<Stream, Error> {
        let io = connect::connect(KIND, address.to_address(), Some(deadline.into())).await?;
        Ok(Stream { io })
    }

    /// [`connect_until`](Stream::connect_until) a while from now.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sunpath::Error> {
    /// use std::time::Duration;
    /// use sunpath::tokio::Stream;
    ///
    /// let listener = sunpath::Listener::bind(&sunpath::Address::Unnamed)?;
    /// let stream = Stream::connect_timeout(listener.local_addr()?, Duration::from_secs(1)).await?;
    /// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect_timeout(
        address: impl ToAddress,
        timeout: Duration,
    ) -> Result<Stream, Error> {
        let deadline = super::registration::now().checked_add(timeout);
        let io = connect::connect(KIND, address.to_address(), deadline).await?;
        Ok(Stream { io })
    }

    /// Connects as the options say: within a time, from a name, or taking descriptors from the very
    /// start. The socket does not block, whatever they say of that.
    ///
    /// Looking for the figures at the deadline, and binding to a name, are done at once, without
    /// waiting.
    pub async fn connect_with(
        options: &ConnectOptions<crate::Stream>,
        address: impl ToAddress,
    ) -> Result<Stream, Error> {
        let io = connect::connect_with(options, address.to_address()).await?;
        Ok(Stream { io })
    }

    /// Sends bytes; how many were sent. Waits until there is room for at least one.
    ///
    /// Cancellation: nothing was sent.
    pub async fn send(&self, bytes: &[u8]) -> Result<usize, Error> {
        self.io.run(Write, |socket| socket.send(bytes, SendFlags::NONE)).await
    }

    /// Receives what there is, at least a byte; how many bytes. 0 is the end of file, unless the
    /// buffer is empty.
    ///
    /// Cancellation: nothing was received.
    pub async fn recv(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.io.run(Read, |socket| socket.recv(buffer, RecvFlags::NONE)).await
    }

    /// Sends bytes, and what is beside them; how many bytes were sent. Waits until there is room
    /// for at least one. Ancillary data travels with the first byte.
    ///
    /// Cancellation: nothing was sent.
    ///
    /// # Errors
    /// Those of [`sunpath::Stream::send_message`](crate::Stream::send_message).
    ///
    /// [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
    pub async fn send_message(
        &self,
        buffers: &[IoSlice<'_>],
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<usize, Error> {
        message::send(&self.io, buffers, ancillary, flags).await
    }

    /// Receives bytes, and what is beside them. `WAITALL` does not make it wait for all of them.
    ///
    /// Cancellation: nothing was received.
    ///
    /// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html)
    pub async fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        message::recv(&self.io, buffers, ancillary, flags).await
    }

    /// [`send_message`](Stream::send_message) of one buffer, without flags.
    pub async fn send_with(&self, bytes: &[u8], ancillary: &Ancillary<'_>) -> Result<usize, Error> {
        self.send_message(&[IoSlice::new(bytes)], ancillary, SendFlags::NONE).await
    }

    /// [`recv_message`](Stream::recv_message) into one buffer, without flags.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::os::fd::AsFd;
    /// use sunpath::{Ancillary, AncillaryBuffer, tokio::Stream};
    ///
    /// let (a, b) = Stream::pair()?;
    /// b.sockopt().set_pass_rights(true)?;
    /// a.send_with(b"here", &Ancillary::descriptors(&[std::io::stdout().as_fd()])).await?;
    ///
    /// let mut beside = AncillaryBuffer::new(1);
    /// let mut bytes = [0; 16];
    /// let received = b.recv_with(&mut bytes, &mut beside).await?;
    /// assert_eq!(&bytes[..received.bytes], b"here");
    /// assert_eq!(beside.take_descriptors().count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv_with(
        &self,
        buffer: &mut [u8],
        ancillary: &mut AncillaryBuffer,
    ) -> Result<Received, Error> {
        self.recv_message(&mut [IoSliceMut::new(buffer)], ancillary, RecvFlags::NONE).await
    }

    /// Reads what is there, without waiting; 0 is the end.
    ///
    /// # Errors
    /// `EAGAIN` (`WouldBlock`) if there is nothing.
    #[inline]
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.io.try_now(Read, |socket| socket.recv(buffer, RecvFlags::NONE))?)
    }

    /// As [`try_read`](Stream::try_read), into several buffers.
    pub fn try_read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let count = buffers.len().min(MOST_BUFFERS);
        let mut none = AncillaryBuffer::default();
        Ok(self.try_recv_message(&mut buffers[..count], &mut none, RecvFlags::NONE)?.bytes)
    }

    /// Writes what there is room for, without waiting.
    ///
    /// # Errors
    /// `EAGAIN` (`WouldBlock`) if there is no room.
    #[inline]
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.io.try_now(Write, |socket| socket.send(bytes, SendFlags::NONE))?)
    }

    /// As [`try_write`](Stream::try_write), from several buffers.
    pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let buffers = &buffers[..buffers.len().min(MOST_BUFFERS)];
        Ok(self.try_send_message(buffers, &Ancillary::NONE, SendFlags::NONE)?)
    }

    /// [`send_message`](Stream::send_message) without waiting.
    pub fn try_send_message(
        &self,
        buffers: &[IoSlice<'_>],
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<usize, Error> {
        message::try_send(&self.io, None, buffers, ancillary, flags)
    }

    /// [`recv_message`](Stream::recv_message) without waiting.
    pub fn try_recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        message::try_recv(&self.io, buffers, ancillary, flags)
    }

    /// Closes one or both directions at once, for everyone who holds this socket.
    ///
    /// [shutdown(2)](https://man7.org/linux/man-pages/man2/shutdown.2.html)
    pub fn shutdown_now(&self, how: Shutdown) -> Result<(), Error> {
        self.io.socket().shutdown(how)
    }

    /// A half to read from and a half to write to, which borrow the stream.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        split::borrowed(self)
    }

    /// A half to read from and a half to write to, for two tasks.
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        split::owned(self)
    }

    #[inline]
    pub(super) fn poll_read_at(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buffer.remaining();
        if room == 0 {
            return Poll::Ready(Ok(()));
        }
        self.io.poll(context, Read, |socket| {
            let bytes =
                reactor::recv_into(socket, buffer).map_err(|e| socket.error(Call::Recv, e))?;
            let short = 0 < bytes && bytes < room;
            Ok(Done { value: (), exhausted: short && self.io.short_read_empties() })
        })
    }

    #[inline]
    pub(super) fn poll_write_at(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io.poll(context, Write, |socket| {
            let sent = socket.send(bytes, SendFlags::NONE)?;
            Ok(Done { value: sent, exhausted: 0 < sent && sent < bytes.len() })
        })
    }

    #[inline]
    pub(super) fn poll_write_vectored_at(
        &self,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let buffers = &buffers[..buffers.len().min(MOST_BUFFERS)];
        self.poll_send_message(context, buffers, &Ancillary::NONE)
    }

    pub(super) fn poll_send_message(
        &self,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
        ancillary: &Ancillary<'_>,
    ) -> Poll<io::Result<usize>> {
        self.io.poll(context, Write, |socket| {
            let sent = socket.send_message(None, buffers, ancillary, SendFlags::NONE)?;
            Ok(Done { value: sent, exhausted: false })
        })
    }

    pub(super) fn poll_recv_message(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
    ) -> Poll<io::Result<Received>> {
        self.io.poll(context, Read, |socket| {
            let received = socket.recv_message(buffers, ancillary, RecvFlags::NONE)?;
            Ok(Done { value: received, exhausted: false })
        })
    }
}

impl AsRef<Stream> for Stream {
    fn as_ref(&self) -> &Stream {
        self
    }
}

impl AsyncRead for Stream {
    /// Cancellation: nothing was read.
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_read_at(context, buffer)
    }
}

impl AsyncWrite for Stream {
    /// Cancellation: nothing was written.
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_at(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored_at(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Closes the direction of writing: the peer reads the end.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(self.shutdown_now(Shutdown::Write)?))
    }
}
