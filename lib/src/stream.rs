//! Stream sockets.

use crate::sys::message::{self, Control};
use crate::sys::name::Name;
use crate::sys::socket::{self, RecvFlags, SendFlags, SocketFlags};
use crate::sys::{Errno as Host, option};
use crate::{Address, Call, Error, SocketType};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A connected stream socket.
///
/// It is close-on-exec, and writing to it never raises `SIGPIPE`. Reads and writes fail with
/// `io::Error`s that carry an [`Error`]; they are not repeated after a signal (`Interrupted`),
/// which [`Read::read_exact`], [`Write::write_all`] and their kin take care of. Descriptors that
/// a peer passes are closed on arrival: reading as a stream has no place for them.
///
/// ```no_run
/// use std::io::{Read, Write};
///
/// let mut stream = sunpath::Stream::connect("/run/app.sock")?;
/// stream.write_all(b"ping\n")?;
/// let mut answer = [0; 16];
/// let length = stream.read(&mut answer)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
#[derive(Debug)]
pub struct Stream {
    fd: OwnedFd,
}

const KIND: SocketType = SocketType::Stream;

/// Buffers in one call; more make it fail as a whole (`send/too-many-buffers`), where a short
/// read or write does as well.
const MOST_BUFFERS: usize = libc::UIO_MAXIOV as usize;

impl Stream {
    /// Connects to the socket at a path.
    ///
    /// Waits while the server's backlog is full, however long. Goes on after a signal: an
    /// interrupted connect of a UNIX domain socket leaves nothing behind, so it is repeated.
    ///
    /// # Errors
    /// The `connect/*` causes, among them `connect/no-such-file`, `connect/stale-socket`,
    /// `connect/not-listening`, `connect/no-write-permission`; `connect/path-too-long` and
    /// `connect/bad-address-length` (both `EINVAL`) also for a path that cannot be passed: longer
    /// than 107 bytes, empty, or with a NUL in it. `socket/descriptor-limit` and its kin, of the
    /// call `socket`.
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    pub fn connect(path: impl AsRef<Path>) -> Result<Stream, Error> {
        let path = path.as_ref().as_os_str().as_bytes();
        connect(Name::path(path)).map_err(|(call, errno)| Error::on_path(call, KIND, errno, path))
    }

    /// Connects to a path or an abstract name. As [`Stream::connect`]; an abstract name on which
    /// nobody listens is `connect/abstract-nobody`, and `Unnamed` is `connect/bad-address-length`.
    pub fn connect_addr(address: &Address) -> Result<Stream, Error> {
        connect(Name::new(address)).map_err(|(call, errno)| Error::on(call, KIND, errno, address))
    }

    /// Two streams that are connected to each other.
    ///
    /// # Errors
    /// `socket/descriptor-limit` and its kin.
    ///
    /// [socketpair(2)](https://man7.org/linux/man-pages/man2/socketpair.2.html)
    pub fn pair() -> Result<(Stream, Stream), Error> {
        match socket::socketpair(KIND, SocketFlags::empty()) {
            Ok((a, b)) => Ok((Stream { fd: a }, Stream { fd: b })),
            Err(errno) => Err(Error::bare(Call::Socketpair, KIND, errno)),
        }
    }

    /// This end's own name; `Unnamed` unless it was bound, or accepted from a listener.
    ///
    /// [getsockname(2)](https://man7.org/linux/man-pages/man2/getsockname.2.html)
    pub fn local_addr(&self) -> Result<Address, Error> {
        address(Call::Getsockname, socket::getsockname(&self.fd))
    }

    /// The peer's name, also after it has closed.
    ///
    /// # Errors
    /// `name/no-peer` (`ENOTCONN`) if it was never connected.
    ///
    /// [getpeername(2)](https://man7.org/linux/man-pages/man2/getpeername.2.html)
    pub fn peer_addr(&self) -> Result<Address, Error> {
        address(Call::Getpeername, socket::getpeername(&self.fd))
    }

    /// Makes reads and writes fail with `EAGAIN` (`WouldBlock`) instead of waiting, or wait again.
    pub fn set_nonblocking(&self, on: bool) -> Result<(), Error> {
        option::set_nonblocking(&self.fd, on).map_err(|errno| Error::bare(Call::Ioctl, KIND, errno))
    }

    /// Closes one or both directions for everyone who holds this socket. Never fails because of
    /// the socket's state.
    ///
    /// [shutdown(2)](https://man7.org/linux/man-pages/man2/shutdown.2.html)
    pub fn shutdown(&self, how: Shutdown) -> Result<(), Error> {
        let how = match how {
            Shutdown::Read => socket::Shutdown::Read,
            Shutdown::Write => socket::Shutdown::Write,
            Shutdown::Both => socket::Shutdown::Both,
        };
        socket::shutdown(&self.fd, how).map_err(|errno| Error::bare(Call::Shutdown, KIND, errno))
    }
}

/// The call that fails, and its errno: the caller knows the address.
fn connect(name: Result<Name, Host>) -> Result<Stream, (Call, Host)> {
    let name = name.map_err(|errno| (Call::Connect, errno))?;
    let fd = socket::socket(KIND, SocketFlags::empty()).map_err(|errno| (Call::Socket, errno))?;
    loop {
        match socket::connect(&fd, &name) {
            Ok(()) => return Ok(Stream { fd }),
            Err(Host::INTR) => {}
            Err(errno) => return Err((Call::Connect, errno)),
        }
    }
}

/// The address in the answer of `getsockname` or `getpeername`. A socket that was taken over from
/// a descriptor may be of another family.
pub(crate) fn address(call: Call, name: Result<Name, Host>) -> Result<Address, Error> {
    let name = name.map_err(|errno| Error::bare(call, KIND, errno))?;
    name.address().ok_or_else(|| Error::bare(call, KIND, Host::AFNOSUPPORT))
}

fn receive_error(errno: Host) -> io::Error {
    Error::bare(Call::Recv, KIND, errno).into()
}

fn send_error(errno: Host) -> io::Error {
    Error::bare(Call::Send, KIND, errno).into()
}

impl Read for &Stream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        socket::recv(&self.fd, buffer, RecvFlags::empty()).map_err(receive_error)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let count = buffers.len().min(MOST_BUFFERS);
        let buffers = &mut buffers[..count];
        let received = message::recvmsg(&self.fd, buffers, &mut [], RecvFlags::empty());
        received.map(|received| received.bytes).map_err(receive_error)
    }
}

impl Write for &Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        socket::send(&self.fd, bytes, SendFlags::empty()).map_err(send_error)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let buffers = &buffers[..buffers.len().min(MOST_BUFFERS)];
        let none = Control::new();
        message::sendmsg(&self.fd, None, buffers, &none, SendFlags::empty()).map_err(send_error)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl Write for Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl From<OwnedFd> for Stream {
    /// Takes a descriptor over. It should be a stream socket; if it is not, calls on it fail.
    fn from(fd: OwnedFd) -> Stream {
        Stream { fd }
    }
}

impl From<Stream> for OwnedFd {
    fn from(stream: Stream) -> OwnedFd {
        stream.fd
    }
}
