//! Who is at the other end of a socket.

use crate::ancillary::Credentials;
use crate::sys::option;
use crate::{Call, Error, SocketType};
use std::os::fd::BorrowedFd;

/// The process at the other end; see [`Stream::peer`](crate::Stream::peer).
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[derive(Debug, Clone, Copy)]
pub struct Peer<'a> {
    fd: BorrowedFd<'a>,
    kind: SocketType,
}

impl<'a> Peer<'a> {
    pub(crate) fn new(fd: BorrowedFd<'a>, kind: SocketType) -> Peer<'a> {
        Peer { fd, kind }
    }

    /// `SO_PEERCRED`: ids of who called `connect`, for a server; of who called `listen`, for a
    /// client.
    pub fn credentials(&self) -> Result<Credentials, Error> {
        option::peer_credentials(self.fd)
            .map_err(|errno| Error::bare(Call::Getsockopt, self.kind, errno))
    }
}
