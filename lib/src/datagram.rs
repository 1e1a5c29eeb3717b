//! Datagram sockets.

use crate::ancillary::{self, Ancillary, AncillaryBuffer, Received};
use crate::batch::batch_methods;
use crate::connect::connect_once;
use crate::socket::{Socket, Wait, peer_methods, persist, socket_methods};
use crate::sys::socket as call;
use crate::{
    BindOptions, Call, Error, RecvFlags, SendFlags, SockAddr, SocketType, ToAddress, bind,
};
use std::io::{IoSlice, IoSliceMut};
use std::os::unix::net::UnixDatagram;

/// A datagram socket: messages, reliable and in order, to one peer or to many.
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[derive(Debug)]
pub struct Datagram {
    socket: Socket,
}

const KIND: SocketType = SocketType::Datagram;

socket_methods!(Datagram, KIND, adopt);
peer_methods!(Datagram, KIND);
batch_methods!(Datagram);

impl Datagram {
    pub(crate) fn from_socket(socket: Socket) -> Datagram {
        Datagram { socket }
    }

    /// A socket without a name and without a peer: it can send, and nobody can answer.
    ///
    /// # Errors
    /// `socket/descriptor-limit` and its kin.
    ///
    /// [socket(2)](https://man7.org/linux/man-pages/man2/socket.2.html)
    pub fn unbound() -> Result<Datagram, Error> {
        Socket::new(KIND).map(Datagram::from_socket)
    }

    /// How to bind it, beyond the address: mode, owner, what to do about a file that is there.
    pub fn options() -> BindOptions<Datagram> {
        BindOptions::new()
    }

    /// A socket that others can send to, at a path or an abstract name; for `Unnamed` the kernel
    /// picks a free abstract name. A file that exists is never replaced.
    ///
    /// # Errors
    /// The `bind/*` causes, among them `bind/live-socket`, `bind/stale-socket`,
    /// `bind/missing-directory`, `bind/abstract-in-use`; `socket/descriptor-limit` and its kin.
    ///
    /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html)
    pub fn bind(address: impl ToAddress) -> Result<Datagram, Error> {
        bind::bind(KIND, address.to_address()).map(Datagram::from_socket)
    }

    /// Makes an address the one to send to, and the only one to receive from. It may be called
    /// again, for another address: then **messages that wait here are discarded**, also those of
    /// the new peer. A failure leaves everything as it was.
    ///
    /// # Errors
    /// The `connect/*` causes, among them `connect/no-such-file`, `connect/stale-socket`,
    /// `connect/receiver-has-another-peer` (`EPERM`), `connect/wrong-type`.
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    pub fn connect(&self, address: impl ToAddress) -> Result<(), Error> {
        let to = address.to_address();
        connect_once(&self.socket, to)
            .map_err(|errno| Error::to(Call::Connect, KIND, errno, to))?;
        self.socket.choose(to);
        Ok(())
    }

    /// Has no peer any more, if it had one: then messages that wait here are discarded.
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html) with `AF_UNSPEC`
    pub fn disconnect(&self) -> Result<(), Error> {
        call::disconnect(&self.socket).map_err(|errno| self.socket.error(Call::Connect, errno))
    }

    /// Sends one message to the peer; it is sent whole or not at all. Waits while the peer's
    /// queue is full.
    ///
    /// # Errors
    /// `send/message-too-long` (`EMSGSIZE`): more than `SO_SNDBUF` less 32 bytes;
    /// `send/no-destination` without a peer; `send/receiver-closed` (`ECONNREFUSED`), which also
    /// dissolves the association and discards what waits here; `send/receiver-queue-full` and
    /// `send/buffer-full` (`EAGAIN`) if it does not block, `send/timed-out` after `SO_SNDTIMEO`.
    /// Linux never says `ENOBUFS` for a full queue.
    ///
    /// [send(2)](https://man7.org/linux/man-pages/man2/send.2.html)
    #[inline(always)]
    pub fn send(&self, message: &[u8]) -> Result<(), Error> {
        self.send_with_flags(message, SendFlags::NONE)
    }

    /// [`send`](Datagram::send), with flags.
    #[inline(always)]
    pub fn send_with_flags(&self, message: &[u8], flags: SendFlags) -> Result<(), Error> {
        persist!(self.socket, Wait::ToSend, self.socket.send(message, flags)).map(drop)
    }

    /// Sends one message to an address; it is sent whole or not at all. Waits while the
    /// receiver's queue is full.
    ///
    /// # Errors
    /// Those of [`send`](Datagram::send) and of [`connect`](Datagram::connect).
    ///
    /// [sendto(2)](https://man7.org/linux/man-pages/man2/sendto.2.html)
    #[inline(always)]
    pub fn send_to(&self, message: &[u8], address: impl ToAddress) -> Result<(), Error> {
        let to = address.to_address();
        persist!(self.socket, Wait::ToSend, self.socket.send_to(message, to, SendFlags::NONE))
            .map(drop)
    }

    /// Receives one message, waiting for it. What does not fit into the buffer is lost, and
    /// [`Received::length`] tells it. There is no end of file, unless this socket itself was shut
    /// down for reading.
    ///
    /// # Errors
    /// `recv/nothing-to-read` (`EAGAIN`) if it does not block, also after a shutdown;
    /// `recv/timed-out` (`EAGAIN`) after `SO_RCVTIMEO`; `recv/peer-left-with-unread-data`
    /// (`ECONNRESET`).
    ///
    /// [recv(2)](https://man7.org/linux/man-pages/man2/recv.2.html)
    #[inline(always)]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<Received, Error> {
        self.recv_with_flags(buffer, RecvFlags::NONE)
    }

    /// [`recv`](Datagram::recv), with flags.
    #[inline(always)]
    pub fn recv_with_flags(&self, buffer: &mut [u8], flags: RecvFlags) -> Result<Received, Error> {
        persist!(self.socket, Wait::ToReceive, self.socket.recv_datagram(buffer, flags))
    }

    /// [`recv`](Datagram::recv), with the name of the sender, to which an answer can be sent. A
    /// sender without a name has none.
    ///
    /// # Errors
    /// Those of [`recv`](Datagram::recv).
    ///
    /// [recvfrom(2)](https://man7.org/linux/man-pages/man2/recvfrom.2.html)
    #[inline(always)]
    pub fn recv_from(&self, buffer: &mut [u8]) -> Result<(Received, SockAddr), Error> {
        persist!(self.socket, Wait::ToReceive, self.socket.recv_from(buffer, RecvFlags::NONE))
    }

    /// Sends one message from several buffers, and what is beside it, to the peer.
    ///
    /// # Errors
    /// Those of [`send`](Datagram::send); `rights/too-many`, without a call;
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

    /// Sends one message from several buffers, and what is beside it, to an address.
    ///
    /// # Errors
    /// Those of [`send_message`](Datagram::send_message) and of [`connect`](Datagram::connect).
    ///
    /// [sendmsg(2)](https://man7.org/linux/man-pages/man2/sendmsg.2.html)
    #[inline]
    pub fn send_message_to(
        &self,
        buffers: &[IoSlice<'_>],
        address: impl ToAddress,
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<(), Error> {
        let to = Some(address.to_address());
        persist!(self.socket, Wait::ToSend, self.socket.send_message(to, buffers, ancillary, flags))
            .map(drop)
    }

    /// Receives one message into several buffers, what is beside it, and the sender's name.
    ///
    /// Data that was dropped from what is beside the bytes is no error: see
    /// [`Received::ancillary_truncated`].
    ///
    /// # Errors
    /// Those of [`recv`](Datagram::recv).
    ///
    /// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html)
    #[inline(always)]
    pub fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<(Received, SockAddr), Error> {
        persist!(self.socket, Wait::ToReceive, {
            ancillary::receive_from(&self.socket, buffers, ancillary, flags)
        })
    }

    /// [`send_message`](Datagram::send_message) of one buffer, without flags.
    #[inline(always)]
    pub fn send_with(&self, message: &[u8], ancillary: &Ancillary<'_>) -> Result<(), Error> {
        self.send_message(&[IoSlice::new(message)], ancillary, SendFlags::NONE)
    }

    /// [`recv_message`](Datagram::recv_message) into one buffer, without flags.
    #[inline(always)]
    pub fn recv_with(
        &self,
        buffer: &mut [u8],
        ancillary: &mut AncillaryBuffer,
    ) -> Result<(Received, SockAddr), Error> {
        self.recv_message(&mut [IoSliceMut::new(buffer)], ancillary, RecvFlags::NONE)
    }
}

impl From<UnixDatagram> for Datagram {
    /// Its file, if it has one, is not removed on drop.
    fn from(socket: UnixDatagram) -> Datagram {
        Datagram::from_socket(Socket::trusted(socket.into(), KIND))
    }
}

impl From<Datagram> for UnixDatagram {
    /// Its file, if it has one, stays.
    fn from(datagram: Datagram) -> UnixDatagram {
        datagram.socket.into_fd().into()
    }
}
