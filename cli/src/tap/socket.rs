//! The sockets of connections.

use std::os::fd::{AsFd, BorrowedFd};
use sunpath::{Error, SeqPacket, SockOpt, Stream};

/// A connected socket.
#[derive(Debug)]
pub enum Socket {
    /// Bytes.
    Stream(Stream),
    /// Packets.
    Packet(SeqPacket),
}

impl Socket {
    /// Its options.
    pub fn options(&self) -> SockOpt<'_> {
        match self {
            Socket::Stream(stream) => stream.sockopt(),
            Socket::Packet(packet) => packet.sockopt(),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Stream(stream) => stream.as_fd(),
            Socket::Packet(packet) => packet.as_fd(),
        }
    }
}

/// For a message that is longer than a socket usually sends: its sender has made room for it, too.
pub fn make_room(options: SockOpt<'_>, length: usize) -> Result<(), Error> {
    const OVERHEAD: usize = 4096;
    let bytes = u32::try_from(length + OVERHEAD).unwrap_or(u32::MAX);
    // Beyond the system's limit with privilege alone.
    options.set_send_buffer_force(bytes).or_else(|_| options.set_send_buffer(bytes))
}
