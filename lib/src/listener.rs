//! Listening stream sockets.

use crate::stream::{Stream, address};
use crate::sys::name::Name;
use crate::sys::socket::{self, SocketFlags};
use crate::sys::{Errno as Host, option};
use crate::{Address, Call, Error, SocketType};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A stream socket that waits for connections.
///
/// It is close-on-exec. Dropping it leaves the socket file in place, as the kernel does: by then
/// the path may belong to another server.
///
/// ```
/// use std::io::{Read, Write};
/// use sunpath::{Listener, Stream};
///
/// let path = std::env::temp_dir().join(format!("sunpath-doc-{}", std::process::id()));
/// let listener = Listener::bind(&path)?;
/// let mut client = Stream::connect(&path)?;
/// let mut server = listener.accept()?;
/// client.write_all(b"hello")?;
/// let mut word = [0; 5];
/// server.read_exact(&mut word)?;
/// assert_eq!(&word, b"hello");
/// std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
}

const KIND: SocketType = SocketType::Stream;

/// The longest queue that the system allows (`net.core.somaxconn`): `listen` compares unsigned.
const LONGEST_BACKLOG: i32 = -1;

impl Listener {
    /// Makes a socket file at a path and listens on it, with the longest backlog that
    /// `net.core.somaxconn` allows. The file's mode is `0777` without the bits of the umask.
    ///
    /// A file that exists is never replaced, be its server dead or alive.
    ///
    /// # Errors
    /// The `bind/*` causes, among them `bind/live-socket`, `bind/stale-socket`,
    /// `bind/missing-directory`, `bind/no-write-permission`; `EINVAL` for a path that cannot be
    /// passed, as for [`Stream::connect`].
    ///
    /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html),
    /// [listen(2)](https://man7.org/linux/man-pages/man2/listen.2.html)
    pub fn bind(path: impl AsRef<Path>) -> Result<Listener, Error> {
        let path = path.as_ref().as_os_str().as_bytes();
        bind(Name::path(path)).map_err(|(call, errno)| Error::on_path(call, KIND, errno, path))
    }

    /// Listens on a path or an abstract name; for `Unnamed` the kernel picks a free abstract name.
    /// As [`Listener::bind`]; `bind/abstract-in-use` if a stream socket has the name already.
    pub fn bind_addr(address: &Address) -> Result<Listener, Error> {
        bind(Name::new(address)).map_err(|(call, errno)| Error::on(call, KIND, errno, address))
    }

    /// Takes the next connection, waiting for one. Goes on after a signal: nothing was taken.
    ///
    /// # Errors
    /// `accept/nothing-pending` (`EAGAIN`) if it does not block; `accept/descriptor-limit`, which
    /// leaves the connection in the queue: close something before trying again;
    /// `accept/not-listening`, `accept/shut-down` and their kin for a descriptor that was
    /// taken over. [`Error::why_on`] with this listener finds out which.
    ///
    /// [accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html)
    pub fn accept(&self) -> Result<Stream, Error> {
        loop {
            match socket::accept(&self.fd, SocketFlags::empty()) {
                Ok(fd) => return Ok(Stream::from(fd)),
                Err(Host::INTR) => {}
                Err(errno) => return Err(Error::bare(Call::Accept, KIND, errno)),
            }
        }
    }

    /// The name that it listens on, as it was given to `bind`.
    ///
    /// [getsockname(2)](https://man7.org/linux/man-pages/man2/getsockname.2.html)
    pub fn local_addr(&self) -> Result<Address, Error> {
        address(Call::Getsockname, socket::getsockname(&self.fd))
    }

    /// Makes [`accept`](Listener::accept) fail with `EAGAIN` instead of waiting, or wait again.
    /// Accepted streams block either way.
    pub fn set_nonblocking(&self, on: bool) -> Result<(), Error> {
        option::set_nonblocking(&self.fd, on).map_err(|errno| Error::bare(Call::Ioctl, KIND, errno))
    }
}

/// The call that fails, and its errno: the caller knows the address.
fn bind(name: Result<Name, Host>) -> Result<Listener, (Call, Host)> {
    let name = name.map_err(|errno| (Call::Bind, errno))?;
    let fd = socket::socket(KIND, SocketFlags::empty()).map_err(|errno| (Call::Socket, errno))?;
    socket::bind(&fd, &name).map_err(|errno| (Call::Bind, errno))?;
    socket::listen(&fd, LONGEST_BACKLOG).map_err(|errno| (Call::Listen, errno))?;
    Ok(Listener { fd })
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl From<OwnedFd> for Listener {
    /// Takes a descriptor over, for example one that a service manager listens on. It should be a
    /// listening stream socket; if it is not, calls on it fail.
    fn from(fd: OwnedFd) -> Listener {
        Listener { fd }
    }
}

impl From<Listener> for OwnedFd {
    fn from(listener: Listener) -> OwnedFd {
        listener.fd
    }
}
