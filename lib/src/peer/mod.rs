//! Who is at the other end of a socket.

mod process;

pub use process::PeerProcess;

use crate::credentials::Credentials;
use crate::reason::Reason;
use crate::sockopt::table::{self, Named};
use crate::sys::{self, Errno as Host, option};
use crate::{Call, Error, SocketType};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Who is at the other end, as the kernel recorded it when the connection was made; see
/// [`Stream::peer`](crate::Stream::peer). The page [`authorisation`](crate::authorisation) says
/// what of it may be trusted.
///
/// A server sees who called `connect`, a client who called `listen` last, both ends of a pair who
/// made it. Nothing changes that later: neither a change of ids, nor `exec`, nor the end of the
/// process, nor handing the socket to another.
///
/// # Errors
/// `option/no-peer-credentials` (`ENODATA`) for a socket that is not connected, and for every
/// datagram socket that is not one of a pair. Where the running kernel lacks an option, the error
/// names the version of Linux that it came with.
///
/// ```
/// use sunpath::{Credentials, Stream};
///
/// let (a, _b) = Stream::pair()?;
/// assert_eq!(a.peer().credentials()?, Credentials::current());
/// # Ok::<(), sunpath::Error>(())
/// ```
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

    /// The peer of any descriptor that is a UNIX domain socket, of whatever library. The "peer" of a
    /// listener is who called `listen`.
    ///
    /// # Errors
    /// As [`SockOpt::of`](crate::SockOpt::of).
    pub fn of(fd: &'a impl AsFd) -> Result<Peer<'a>, Error> {
        let fd = fd.as_fd();
        crate::sockopt::unix_kind(fd).map(|kind| Peer::new(fd, kind))
    }

    /// `SO_PEERCRED`: process id, effective user and effective group. Compare
    /// [`user`](Credentials::user), which leaves out ids that are not certain.
    ///
    /// The process id is 0 if the peer is in a PID namespace that this process does not see.
    pub fn credentials(&self) -> Result<Credentials, Error> {
        let credentials = self.read(table::PEER_CREDENTIALS, option::peer_credentials(self.fd))?;
        // Where nobody was recorded, the kernel answers with ids that none can have.
        match credentials.uid {
            u32::MAX => Err(self.failed(table::PEER_CREDENTIALS, Host::NODATA)),
            _ => Ok(credentials),
        }
    }

    /// `SO_PEERGROUPS` (Linux 4.13): the supplementary groups, in ascending order. The group of
    /// [`credentials`](Peer::credentials) may be among them or not.
    pub fn groups(&self) -> Result<Vec<u32>, Error> {
        self.read(table::PEER_GROUPS, option::peer_groups(self.fd))
    }

    /// `SO_PEERSEC`: the label that the security module (SELinux, AppArmor, Smack) gave to the peer,
    /// without a NUL at its end; `None` if none labels sockets.
    pub fn security_label(&self) -> Result<Option<Vec<u8>>, Error> {
        match option::peer_label(self.fd) {
            Err(Host::NOPROTOOPT) => Ok(None),
            answer => self.read(table::PEER_SECURITY, answer).map(Some),
        }
    }

    /// `SO_PEERPIDFD` (Linux 6.5): a descriptor of the peer's process, close-on-exec. It never
    /// comes to mean another process. Before Linux 6.16 the call fails if the process has ended and
    /// was reaped.
    pub fn pidfd(&self) -> Result<OwnedFd, Error> {
        self.read(table::PEER_PIDFD, option::peer_pidfd(self.fd))
    }

    /// Whether the process that was recorded still runs (Linux 6.5). Others may hold the socket:
    /// that it has ended does not mean that nobody will answer.
    pub fn is_alive(&self) -> Result<bool, Error> {
        match self.living()? {
            Some(pidfd) => process::is_alive(&pidfd, self.kind),
            None => Ok(false),
        }
    }

    /// What `/proc` tells about the process now (Linux 6.5); `None` if it has ended. Safe against
    /// the reuse of process ids: the descriptor of the process is taken first, and what was read is
    /// thrown away if the process has ended by then.
    ///
    /// There is no weaker answer for older kernels: by its id alone, another process might be taken
    /// for the peer.
    pub fn process(&self) -> Result<Option<PeerProcess>, Error> {
        let credentials = self.credentials()?;
        match self.living()? {
            Some(pidfd) => PeerProcess::look(credentials, pidfd, self.kind),
            None => Ok(None),
        }
    }

    /// The process, unless the kernel says that it is gone.
    fn living(&self) -> Result<Option<OwnedFd>, Error> {
        match option::peer_pidfd(self.fd) {
            // Linux 6.5 to 6.15, of a process that was reaped.
            Err(Host::SRCH | Host::INVAL) => Ok(None),
            answer => self.read(table::PEER_PIDFD, answer).map(Some),
        }
    }

    fn read<T>(&self, option: Named, value: sys::Result<T>) -> Result<T, Error> {
        value.map_err(|errno| self.failed(option, errno))
    }

    fn failed(&self, option: Named, errno: Host) -> Error {
        let error = crate::sockopt::failed(self.kind, Call::Getsockopt, option, errno);
        if errno == Host::NODATA { error.because(Reason::NoPeerCredentials) } else { error }
    }
}
