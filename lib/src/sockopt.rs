//! Options of sockets.

use crate::reason::Reason;
use crate::sys::option;
use crate::{Call, Errno, Error, SocketType};
use std::os::fd::BorrowedFd;

/// The options and queues of a socket; see [`Stream::sockopt`](crate::Stream::sockopt).
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html),
/// [socket(7)](https://man7.org/linux/man-pages/man7/socket.7.html)
#[derive(Debug, Clone, Copy)]
pub struct SockOpt<'a> {
    fd: BorrowedFd<'a>,
    kind: SocketType,
}

impl<'a> SockOpt<'a> {
    pub(crate) fn new(fd: BorrowedFd<'a>, kind: SocketType) -> SockOpt<'a> {
        SockOpt { fd, kind }
    }

    /// `SO_PASSRIGHTS` (Linux 6.16): whether the socket takes descriptors. Sockets that Sunpath
    /// makes do not, until this is switched on; before Linux 6.16 every socket takes them.
    pub fn set_pass_rights(&self, on: bool) -> Result<(), Error> {
        let set = option::set_switch(self.fd, option::SO_PASSRIGHTS, on);
        match set.map_err(|errno| Error::bare(Call::Setsockopt, self.kind, errno)) {
            Err(error) if error.errno() == Some(Errno::ENOPROTOOPT) => {
                match on {
                    true => Ok(()),
                    false => Err(error
                        .because(Reason::NeedsLinux { option: "SO_PASSRIGHTS", since: (6, 16) })),
                }
            }
            done => done,
        }
    }
}
