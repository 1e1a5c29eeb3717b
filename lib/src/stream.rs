//! Stream sockets.

use crate::ancillary::{Ancillary, AncillaryBuffer, Received};
use crate::connect::connect_methods;
use crate::socket::{Socket, Wait, peer_methods, persist, socket_methods};
use crate::{Error, RecvFlags, SendFlags, SocketType};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::unix::net::UnixStream;

/// A connected stream socket.
///
/// It is close-on-exec, and writing to it never raises `SIGPIPE`. Reads and writes fail with
/// `io::Error`s that carry an [`Error`]; they are not repeated after a signal (`Interrupted`),
/// which [`Read::read_exact`], [`Write::write_all`] and their kin take care of. Descriptors that
/// a peer passes are closed on arrival: reading as a stream has no place for them.
///
/// ```no_run
/// use std::io::{Read, Write};
///
/// let mut stream = sunpath::Stream::connect("/run/app.sock")?;
/// stream.write_all(b"ping\n")?;
/// let mut answer = [0; 16];
/// let length = stream.read(&mut answer)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
}

const KIND: SocketType = SocketType::Stream;

/// Buffers in one call; more make it fail as a whole (`send/too-many-buffers`), where a short
/// read or write does as well.
pub(crate) const MOST_BUFFERS: usize = crate::sys::libc::UIO_MAXIOV as usize;

socket_methods!(Stream, KIND, adopt);
peer_methods!(Stream, KIND);
connect_methods!(Stream, KIND);

impl Stream {
    pub(crate) fn from_socket(socket: Socket) -> Stream {
        Stream { socket }
    }

    /// Sends bytes; how many were sent. It waits while the peer's queue is full, and may send a
    /// part only: [`Write::write_all`] sends all.
    ///
    /// # Errors
    /// `send/peer-closed` and its kin (`EPIPE`), `send/buffer-full` (`EAGAIN`) if it does not
    /// block, `send/timed-out` (`EAGAIN`) after `SO_SNDTIMEO`, `send/not-connected`.
    ///
    /// [send(2)](https://man7.org/linux/man-pages/man2/send.2.html)
    #[inline(always)]
    pub fn send(&self, bytes: &[u8]) -> Result<usize, Error> {
        self.send_with_flags(bytes, SendFlags::NONE)
    }

    /// [`send`](Stream::send), with flags.
    #[inline(always)]
    pub fn send_with_flags(&self, bytes: &[u8], flags: SendFlags) -> Result<usize, Error> {
        persist!(self.socket, Wait::ToSend, self.socket.send(bytes, flags))
    }

    /// Receives what there is, at least a byte; how many bytes. It waits while there is nothing.
    /// 0 is the end of file, unless the buffer is empty. Goes on after a signal, unlike
    /// [`Read::read`].
    ///
    /// # Errors
    /// `recv/peer-closed-with-unread-data` and its kin (`ECONNRESET`), `recv/nothing-to-read`
    /// (`EAGAIN`) if it does not block, `recv/timed-out` (`EAGAIN`) after `SO_RCVTIMEO`.
    ///
    /// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
    #[inline(always)]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.recv_with_flags(buffer, RecvFlags::NONE)
    }

    /// [`recv`](Stream::recv), with flags. `WAITALL` fills the buffer unless the stream ends, a
    /// signal or a timeout comes in between, or descriptors were passed with some of the bytes.
    #[inline(always)]
    pub fn recv_with_flags(&self, buffer: &mut [u8], flags: RecvFlags) -> Result<usize, Error> {
        persist!(self.socket, Wait::ToReceive, self.socket.recv(buffer, flags))
    }

    /// Sends bytes, and what is beside them; how many bytes were sent. Ancillary data travels with
    /// the first byte.
    ///
    /// # Errors
    /// Those of `send`; `rights/too-many`, `rights/dropped-with-empty-send` without a call;
    /// `rights/refused-by-receiver`, `rights/too-many-in-flight`.
    ///
    /// [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
    #[inline(always)]
    pub fn send_message(
        &self,
        buffers: &[IoSlice<'_>],
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<usize, Error> {
        persist!(
            self.socket,
            Wait::ToSend,
            self.socket.send_message(None, buffers, ancillary, flags)
        )
    }

    /// Receives bytes, and what is beside them.
    ///
    /// Data that was dropped from what is beside the bytes is no error: see
    /// [`Received::ancillary_truncated`].
    ///
    /// # Errors
    /// Those of [`recv`](Stream::recv).
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

    /// [`send_message`](Stream::send_message) of one buffer, without flags.
    #[inline(always)]
    pub fn send_with(&self, bytes: &[u8], ancillary: &Ancillary<'_>) -> Result<usize, Error> {
        self.send_message(&[IoSlice::new(bytes)], ancillary, SendFlags::NONE)
    }

    /// [`recv_message`](Stream::recv_message) into one buffer, without flags.
    #[inline(always)]
    pub fn recv_with(
        &self,
        buffer: &mut [u8],
        ancillary: &mut AncillaryBuffer,
    ) -> Result<Received, Error> {
        self.recv_message(&mut [IoSliceMut::new(buffer)], ancillary, RecvFlags::NONE)
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Stream {
        Stream::from_socket(Socket::trusted(stream.into(), KIND))
    }
}

impl From<Stream> for UnixStream {
    fn from(stream: Stream) -> UnixStream {
        stream.socket.into_fd().into()
    }
}

impl Read for &Stream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.socket.read(buffer)?)
    }

    #[inline]
    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let count = buffers.len().min(MOST_BUFFERS);
        Ok(self.socket.read_vectored(&mut buffers[..count])?)
    }
}

impl Write for &Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.socket.send(bytes, SendFlags::NONE)?)
    }

    #[inline]
    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let buffers = &buffers[..buffers.len().min(MOST_BUFFERS)];
        Ok(self.socket.send_message(None, buffers, &Ancillary::NONE, SendFlags::NONE)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    #[inline]
    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl Write for Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    #[inline]
    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
