//! The socket of a conversation, whatever its type. No call waits.

use std::io::{IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use sunpath::{
    Address, Ancillary, AncillaryBuffer, Datagram, Error, Peer, Received, RecvFlags, SendFlags,
    SeqPacket, SockAddr, Stream, ToAddress,
};

/// A socket to talk over.
pub enum Wire {
    Stream(Stream),
    SeqPacket(SeqPacket),
    /// A datagram socket that has a peer.
    Datagram(Datagram),
    /// A datagram socket to which anybody sends; answers go to the last sender that has a name.
    Server {
        socket: Datagram,
        last: Option<SockAddr>,
    },
}

impl Wire {
    /// Whether the other end can close, and this end be told.
    pub fn is_connection(&self) -> bool {
        matches!(self, Wire::Stream(_) | Wire::SeqPacket(_))
    }

    /// Whether boundaries are kept.
    pub fn has_messages(&self) -> bool {
        !matches!(self, Wire::Stream(_))
    }

    /// Whether there is somebody to send to.
    pub fn has_receiver(&self) -> bool {
        !matches!(self, Wire::Server { last: None, .. })
    }

    /// Sends a message, or as much of the bytes as there is room for; how many bytes. Descriptors go
    /// beside them.
    pub fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<usize, Error> {
        let (buffers, flags) = ([IoSlice::new(bytes)], SendFlags::DONTWAIT);
        let beside = Ancillary::descriptors(descriptors);
        match self {
            Wire::Stream(socket) => return socket.send_message(&buffers, &beside, flags),
            Wire::SeqPacket(socket) => socket.send_message(&buffers, &beside, flags)?,
            Wire::Datagram(socket) | Wire::Server { socket, last: None } => {
                socket.send_message(&buffers, &beside, flags)?;
            }
            Wire::Server { socket, last: Some(to) } => {
                socket.send_message_to(&buffers, *to, &beside, flags)?;
            }
        }
        Ok(bytes.len())
    }

    /// Receives what there is, and who sent it where that may change.
    pub fn receive(
        &mut self,
        buffer: &mut [u8],
        beside: &mut AncillaryBuffer,
    ) -> Result<(Received, Option<SockAddr>), Error> {
        let (mut buffers, flags) = ([IoSliceMut::new(buffer)], RecvFlags::DONTWAIT);
        match self {
            Wire::Stream(socket) => {
                socket.recv_message(&mut buffers, beside, flags).map(|received| (received, None))
            }
            Wire::SeqPacket(socket) => {
                socket.recv_message(&mut buffers, beside, flags).map(|received| (received, None))
            }
            Wire::Datagram(socket) => {
                let (received, _) = socket.recv_message(&mut buffers, beside, flags)?;
                Ok((received, None))
            }
            Wire::Server { socket, last } => {
                let (received, from) = socket.recv_message(&mut buffers, beside, flags)?;
                let named = from.to_address() != SockAddr::unnamed().to_address();
                *last = if named { Some(from) } else { last.take() };
                Ok((received, Some(from)))
            }
        }
    }

    /// Bytes of the next message, or at least as many.
    pub fn waiting(&self) -> usize {
        let options = match self {
            Wire::Stream(socket) => socket.sockopt(),
            Wire::SeqPacket(socket) => socket.sockopt(),
            Wire::Datagram(socket) | Wire::Server { socket, .. } => socket.sockopt(),
        };
        options.readable().map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Tells the other end that nothing more will come.
    pub fn finish(&self) -> Result<(), Error> {
        match self {
            Wire::Stream(socket) => socket.shutdown(Shutdown::Write),
            Wire::SeqPacket(socket) => socket.shutdown(Shutdown::Write),
            Wire::Datagram(_) | Wire::Server { .. } => Ok(()),
        }
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Wire::Stream(socket) => socket.as_fd(),
            Wire::SeqPacket(socket) => socket.as_fd(),
            Wire::Datagram(socket) | Wire::Server { socket, .. } => socket.as_fd(),
        }
    }
}

impl Wire {
    /// This end's own name.
    pub fn local_addr(&self) -> Result<Address, Error> {
        match self {
            Wire::Stream(socket) => socket.local_addr(),
            Wire::SeqPacket(socket) => socket.local_addr(),
            Wire::Datagram(socket) | Wire::Server { socket, .. } => socket.local_addr(),
        }
    }

    /// The other end's name.
    pub fn peer_addr(&self) -> Result<Address, Error> {
        match self {
            Wire::Stream(socket) => socket.peer_addr(),
            Wire::SeqPacket(socket) => socket.peer_addr(),
            Wire::Datagram(socket) | Wire::Server { socket, .. } => socket.peer_addr(),
        }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer<'_> {
        match self {
            Wire::Stream(socket) => socket.peer(),
            Wire::SeqPacket(socket) => socket.peer(),
            Wire::Datagram(socket) | Wire::Server { socket, .. } => socket.peer(),
        }
    }
}

impl From<Wire> for OwnedFd {
    fn from(wire: Wire) -> OwnedFd {
        match wire {
            Wire::Stream(socket) => socket.into(),
            Wire::SeqPacket(socket) => socket.into(),
            Wire::Datagram(socket) | Wire::Server { socket, .. } => socket.into(),
        }
    }
}
