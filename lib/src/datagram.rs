//! Datagram sockets.

use crate::ancillary::{self, Ancillary, AncillaryBuffer, Received};
use crate::socket::{Socket, peer_methods, socket_methods};
use crate::sys::socket as call;
use crate::{Call, Error, RecvFlags, SendFlags, SockAddr, SocketType, ToAddress, bind, route};
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

impl Datagram {
    pub(crate) fn from_socket(socket: Socket) -> Datagram {
        Datagram { socket }
    }

    /// A socket without a name and without a peer.
    pub fn unbound() -> Result<Datagram, Error> {
        Socket::new(KIND).map(Datagram::from_socket)
    }

    /// A socket that others can send to.
    ///
    /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html)
    pub fn bind(address: impl ToAddress) -> Result<Datagram, Error> {
        bind::bind(KIND, address.to_address()).map(Datagram::from_socket)
    }

    /// Makes an address the one to send to, and the only one to receive from.
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    pub fn connect(&self, address: impl ToAddress) -> Result<(), Error> {
        let to = address.to_address();
        route::reach(to, |name| call::connect(&self.socket, name))
            .map_err(|errno| Error::to(Call::Connect, KIND, errno, to))
    }

    /// Sends one message to the peer; it is sent whole or not at all.
    pub fn send(&self, message: &[u8]) -> Result<(), Error> {
        self.socket.send(message, SendFlags::NONE).map(drop)
    }

    /// Sends one message to an address; it is sent whole or not at all.
    pub fn send_to(&self, message: &[u8], address: impl ToAddress) -> Result<(), Error> {
        let to = address.to_address();
        route::reach(to, |name| call::send_to(&self.socket, message, SendFlags::NONE.raw(), name))
            .map(drop)
            .map_err(|errno| Error::to(Call::Send, KIND, errno, to))
    }

    /// Receives one message.
    pub fn recv(&self, buffer: &mut [u8]) -> Result<Received, Error> {
        self.recv_from(buffer).map(|(received, _)| received)
    }

    /// Receives one message, and the name of its sender.
    pub fn recv_from(&self, buffer: &mut [u8]) -> Result<(Received, SockAddr), Error> {
        let mut none = AncillaryBuffer::default();
        self.recv_message(&mut [IoSliceMut::new(buffer)], &mut none, RecvFlags::NONE)
    }

    /// Sends one message from several buffers, and what is beside it, to the peer.
    pub fn send_message(
        &self,
        buffers: &[IoSlice<'_>],
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<(), Error> {
        self.socket.send_message(None, buffers, ancillary, flags).map(drop)
    }

    /// Sends one message from several buffers, and what is beside it, to an address.
    pub fn send_message_to(
        &self,
        buffers: &[IoSlice<'_>],
        address: impl ToAddress,
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<(), Error> {
        self.socket.send_message(Some(address.to_address()), buffers, ancillary, flags).map(drop)
    }

    /// Receives one message into several buffers, what is beside it, and the sender's name.
    pub fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<(Received, SockAddr), Error> {
        ancillary::receive_from(&self.socket, buffers, ancillary, flags)
    }

    /// [`send_message`](Datagram::send_message) of one buffer, without flags.
    pub fn send_with(&self, message: &[u8], ancillary: &Ancillary<'_>) -> Result<(), Error> {
        self.send_message(&[IoSlice::new(message)], ancillary, SendFlags::NONE)
    }

    /// [`recv_message`](Datagram::recv_message) into one buffer, without flags.
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
    fn from(datagram: Datagram) -> UnixDatagram {
        datagram.socket.into_fd().into()
    }
}
