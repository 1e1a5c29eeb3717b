//! Options of sockets, one file for each thing that they are about.

mod buffers;
mod passing;
pub(crate) mod table;

pub use buffers::Memory;
pub(crate) use buffers::microseconds;

use crate::reason::Reason;
use crate::sys::option::{self, OFlags};
use crate::sys::{self, Errno as Host};
use crate::{Call, Error, SocketType};
use std::os::fd::{AsFd, BorrowedFd};
use table::Named;

/// The options and queues of a socket: [`Stream::sockopt`](crate::Stream::sockopt) and its kin, or
/// [`SockOpt::of`] for a socket of another library.
///
/// Every method is one system call on the socket, and what it sets holds for everyone who shares
/// the socket. A listener's options are its own; the connections that it accepts inherit of them
/// only what the methods say.
///
/// # Errors
/// Where the running kernel lacks an option, the error names the version of Linux that it came
/// with, and its [`cause`](Error::cause) is `option/unknown` (`ENOPROTOOPT`). `option/bad-descriptor`
/// and the like cannot happen to a socket that is borrowed.
///
/// ```
/// use std::time::Duration;
/// use sunpath::{SockOpt, Stream};
///
/// let (a, _b) = Stream::pair()?;
/// a.sockopt().set_receive_timeout(Some(Duration::from_secs(2)))?;
/// a.sockopt().set_send_buffer(1 << 20)?;
/// assert!(a.sockopt().send_buffer()? >= 1 << 20);
///
/// let (c, _d) = std::os::unix::net::UnixStream::pair()?;
/// SockOpt::of(&c)?.set_pass_credentials(true)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// The options of any descriptor that is a UNIX domain socket, of whatever library.
    ///
    /// # Errors
    /// `EPROTOTYPE`, with what it is, for a socket of another family; `option/not-a-socket-descriptor`
    /// for what is no socket.
    pub fn of(fd: &'a impl AsFd) -> Result<SockOpt<'a>, Error> {
        let fd = fd.as_fd();
        unix_kind(fd).map(|kind| SockOpt::new(fd, kind))
    }

    /// `SO_TYPE`.
    pub fn socket_type(&self) -> Result<SocketType, Error> {
        match option::kind(self.fd) {
            Ok(Some(kind)) => Ok(kind),
            Ok(None) => Err(self.failed(Call::Getsockopt, table::TYPE, Host::PROTOTYPE)),
            Err(errno) => Err(self.failed(Call::Getsockopt, table::TYPE, errno)),
        }
    }

    /// `SO_DOMAIN`: the family, `AF_UNIX` (1).
    pub fn domain(&self) -> Result<i32, Error> {
        self.get(table::DOMAIN)
    }

    /// `SO_PROTOCOL`: always 0, also if the socket was made with `PF_UNIX`.
    pub fn protocol(&self) -> Result<i32, Error> {
        self.get(table::PROTOCOL)
    }

    /// `SO_ACCEPTCONN`: whether the socket listens.
    pub fn is_listening(&self) -> Result<bool, Error> {
        self.switch(table::LISTENING)
    }

    /// `O_NONBLOCK`: whether calls fail with `EAGAIN` instead of waiting.
    pub fn is_nonblocking(&self) -> Result<bool, Error> {
        option::status_flags(self.fd)
            .map(|flags| flags.contains(OFlags::NONBLOCK))
            .map_err(|errno| Error::bare(Call::Ioctl, self.kind, errno))
    }

    /// `SO_ERROR`: takes the pending error, which the next send or receive would otherwise report:
    /// `ECONNRESET` if the peer closed with data unread. `None` if there is none, and for every
    /// further call.
    pub fn take_error(&self) -> Result<Option<Error>, Error> {
        let pending = self.read(table::PENDING_ERROR, option::take_error(self.fd))?;
        Ok(pending.map(|errno| Error::bare(Call::Recv, self.kind, errno)))
    }

    /// `SO_COOKIE` (Linux 4.12): a number that no other socket has had since the system started.
    /// `ss --extended` shows it in hexadecimal, after `sk:`.
    pub fn cookie(&self) -> Result<u64, Error> {
        self.read(table::COOKIE, option::cookie(self.fd))
    }

    fn get(&self, option: Named) -> Result<i32, Error> {
        self.read(option, option::get(self.fd, sys::libc::SOL_SOCKET, option.number))
    }

    fn set(&self, option: Named, value: i32) -> Result<(), Error> {
        self.written(option, option::set(self.fd, sys::libc::SOL_SOCKET, option.number, value))
    }

    fn switch(&self, option: Named) -> Result<bool, Error> {
        self.get(option).map(|value| value != 0)
    }

    fn set_switch(&self, option: Named, on: bool) -> Result<(), Error> {
        self.set(option, on.into())
    }

    fn read<T>(&self, option: Named, value: sys::Result<T>) -> Result<T, Error> {
        value.map_err(|errno| self.failed(Call::Getsockopt, option, errno))
    }

    fn written(&self, option: Named, done: sys::Result<()>) -> Result<(), Error> {
        done.map_err(|errno| self.failed(Call::Setsockopt, option, errno))
    }

    fn answered<T>(&self, request: Named, value: sys::Result<T>) -> Result<T, Error> {
        value.map_err(|errno| self.failed(Call::Ioctl, request, errno))
    }

    fn failed(&self, call: Call, option: Named, errno: Host) -> Error {
        failed(self.kind, call, option, errno)
    }

    /// Older kernels answer requests that they have for streams alone on other sockets too, and
    /// newer ones give them several errors.
    fn streams_only(&self, call: Call, option: Named) -> Result<(), Error> {
        match self.kind {
            SocketType::Stream => Ok(()),
            kind => {
                let reason = Reason::ForStreamsOnly { option: option.name };
                Err(Error::bare(call, kind, Host::OPNOTSUPP).because(reason))
            }
        }
    }
}

/// The type of a UNIX domain socket of any origin.
pub(crate) fn unix_kind(fd: BorrowedFd<'_>) -> Result<SocketType, Error> {
    let error = |errno| Error::bare(Call::Getsockopt, SocketType::Stream, errno);
    let found = match option::kind(fd).map_err(error)? {
        Some(kind) if kind.is_unix() => return Ok(kind),
        Some(kind) => format!("a {kind} socket"),
        None => "a socket of another family or type".into(),
    };
    let reason = Reason::WrongSocket { wanted: "a UNIX domain socket", found };
    Err(error(Host::PROTOTYPE).because(reason))
}

/// The error of a call on an option: which one, and if the kernel lacks it, since when others have
/// it.
pub(crate) fn failed(kind: SocketType, call: Call, option: Named, errno: Host) -> Error {
    let error = Error::bare(call, kind, errno);
    match option.since {
        Some(since)
            if errno == Host::NOPROTOOPT || (errno == Host::NOTTY && call == Call::Ioctl) =>
        {
            error.because(Reason::NeedsLinux { option: option.name, since })
        }
        _ => error.because(Reason::Option { option: option.name, errno }),
    }
}
