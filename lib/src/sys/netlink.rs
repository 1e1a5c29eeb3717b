//! Netlink sockets: a request, and the datagrams that answer it.

use super::option::{set, set_timeout};
use super::{Result, socket};
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub use rustix::net::Protocol;

/// `NETLINK_ROUTE`, whose number is 0: links, addresses, routes.
pub const ROUTE: Option<Protocol> = None;
/// `NETLINK_SOCK_DIAG`: the tables of sockets.
pub const SOCK_DIAG: Option<Protocol> = Some(netlink::SOCK_DIAG);

/// How long an answer may take, in microseconds. The kernel answers at once; this only keeps a
/// defect from becoming a hang.
const PATIENCE: u64 = 5_000_000;

/// A netlink socket of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Netlink {
    fd: OwnedFd,
}

impl Netlink {
    /// Opens a socket with a receive buffer of this many bytes, set before anything is read: with
    /// a small one the kernel silently leaves out whatever does not fit into a datagram.
    pub fn open(protocol: Option<Protocol>, receive_buffer: u32) -> Result<Netlink> {
        let flags = SocketFlags::CLOEXEC;
        let fd =
            rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, protocol)?;
        let bytes = i32::try_from(receive_buffer).unwrap_or(i32::MAX);
        set(&fd, libc::SOL_SOCKET, libc::SO_RCVBUF, bytes)?;
        set_timeout(&fd, libc::SO_RCVTIMEO, PATIENCE)?;
        Ok(Netlink { fd })
    }

    /// Sends one request to the kernel.
    pub fn send(&self, request: &[u8]) -> Result<()> {
        socket::send_to(&self.fd, request, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))
            .map(drop)
    }

    /// Receives one datagram. The number of bytes is that of the whole datagram: if it is larger
    /// than the buffer, the rest is lost. `EAGAIN` if no answer came in time; `EINTR` if a signal
    /// came first, nothing is lost then.
    pub fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        rustix::net::recv(&self.fd, buffer, RecvFlags::TRUNC).map(|(_stored, length)| length)
    }
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;

    #[test]
    fn a_request_of_an_unknown_type_is_answered_by_an_error() {
        let netlink = Netlink::open(ROUTE, 256 * 1024).unwrap();
        // nlmsghdr: length, type, flags, sequence, port. Type 0xfff0 does not exist.
        let mut request = Vec::new();
        request.extend(16u32.to_ne_bytes());
        request.extend(0xfff0u16.to_ne_bytes());
        request.extend((libc::NLM_F_REQUEST as u16).to_ne_bytes());
        request.extend([0; 8]);
        netlink.send(&request).unwrap();
        let mut buffer = [0; 512];
        let length = netlink.recv(&mut buffer).unwrap();
        assert!(length >= 20, "{length}");
        assert_eq!(buffer[4..6], (libc::NLMSG_ERROR as u16).to_ne_bytes());
        let errno = i32::from_ne_bytes(buffer[16..20].try_into().unwrap());
        assert_eq!(Errno::from_raw_os_error(-errno), Errno::OPNOTSUPP);
    }
}
