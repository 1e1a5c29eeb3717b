//! What the five socket types share.

use crate::ancillary::{Ancillary, AncillaryBuffer, Received};
use crate::reason::Reason;
use crate::sys::socket::{self, PollFlags, SocketFlags};
use crate::sys::{self, Errno as Host, name::Name, option};
use crate::{Address, AddressRef, Call, Error, RecvFlags, SendFlags, SockAddr, SocketType, route};
use std::io::{IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A descriptor that is known to be a UNIX domain socket of this type, and what the kernel does
/// not know of its names.
#[derive(Debug)]
pub(crate) struct Socket {
    // Dropped before the descriptor is closed: clients shall find no file rather than a dead one.
    names: Option<Box<Names>>,
    fd: OwnedFd,
    kind: SocketType,
    /// Whether the kernel was told to put a time stamp beside each packet: see `ended`.
    marked: AtomicBool,
}

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A message or a connection: no longer than `SO_RCVTIMEO`.
    ToReceive,
    /// Room: no longer than `SO_SNDTIMEO`.
    ToSend,
}

/// Names as they were given, where the kernel has another spelling of them, and the file that was
/// made.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) local: Option<Address>,
    pub(crate) peer: Option<Address>,
    pub(crate) file: Option<crate::bind::BoundFile>,
}

impl Socket {
    /// A new socket, which refuses descriptors where the kernel can do that.
    pub(crate) fn new(kind: SocketType) -> Result<Socket, Error> {
        let fd = socket::socket(kind, SocketFlags::empty())
            .map_err(|errno| Error::bare(Call::Socket, kind, errno))?;
        refuse_descriptors(&fd);
        Ok(Socket::trusted(fd, kind))
    }

    /// Two sockets that are connected to each other.
    pub(crate) fn pair(kind: SocketType) -> Result<(Socket, Socket), Error> {
        let (a, b) = socket::socketpair(kind, SocketFlags::empty())
            .map_err(|errno| Error::bare(Call::Socketpair, kind, errno))?;
        refuse_descriptors(&a);
        refuse_descriptors(&b);
        Ok((Socket::trusted(a, kind), Socket::trusted(b, kind)))
    }

    /// A descriptor whose type is known already.
    pub(crate) fn trusted(fd: OwnedFd, kind: SocketType) -> Socket {
        Socket { names: None, fd, kind, marked: AtomicBool::new(false) }
    }

    /// A descriptor from elsewhere, whose family and type are checked.
    pub(crate) fn adopt(fd: OwnedFd, kind: SocketType) -> Result<Socket, Rejected> {
        let found = match option::kind(&fd) {
            Ok(Some(found)) if found == kind => return Ok(Socket::trusted(fd, kind)),
            Ok(Some(found)) => format!("a {found} socket"),
            Ok(None) => "a socket of another family or type".into(),
            Err(errno) => {
                return Err(Rejected { error: Error::bare(Call::Getsockopt, kind, errno), fd });
            }
        };
        let wanted = match kind {
            SocketType::Stream => "a UNIX domain stream",
            SocketType::Datagram => "a UNIX domain datagram socket",
            _ => "a UNIX domain seqpacket socket",
        };
        Err(Rejected::wrong(fd, kind, wanted, found))
    }

    /// As [`adopt`](Socket::adopt), and it listens.
    pub(crate) fn adopt_listener(fd: OwnedFd, kind: SocketType) -> Result<Socket, Rejected> {
        let socket = Socket::adopt(fd, kind)?;
        match option::switch(&socket, sys::libc::SO_ACCEPTCONN) {
            Ok(true) => Ok(socket),
            _ => {
                let found = format!("a {kind} socket that does not listen");
                Err(Rejected::wrong(socket.into_fd(), kind, "a listener", found))
            }
        }
    }

    pub(crate) fn into_fd(mut self) -> OwnedFd {
        // Whoever takes the descriptor answers for the file from now on.
        if let Some(file) = self.names.as_mut().and_then(|names| names.file.as_mut()) {
            file.keep();
        }
        if *self.marked.get_mut() {
            // Other readers may not expect time stamps. A failure leaves them on, no worse.
            let _ = option::set_switch(&self.fd, sys::libc::SO_TIMESTAMP, false);
        }
        self.fd
    }

    /// Another descriptor of the same socket. The file stays with this one.
    pub(crate) fn try_clone(&self) -> Result<Socket, Error> {
        let fd = option::duplicate(self.fd.as_fd().as_raw_fd())
            .map_err(|errno| self.error(Call::Socket, errno))?;
        let names = self.names.as_ref().map(|names| {
            Box::new(Names { local: names.local.clone(), peer: names.peer.clone(), file: None })
        });
        let marked = AtomicBool::new(self.marked.load(Ordering::Relaxed));
        Ok(Socket { names, fd, kind: self.kind, marked })
    }

    pub(crate) fn kind(&self) -> SocketType {
        self.kind
    }

    /// Names to be noted; made on first use.
    pub(crate) fn names_mut(&mut self) -> &mut Names {
        self.names.get_or_insert_default()
    }

    /// The file that it was bound to, if the library made it.
    pub(crate) fn file(&self) -> Option<&crate::bind::BoundFile> {
        self.names.as_ref()?.file.as_ref()
    }

    /// The local address as it was given, if the kernel has another spelling of it.
    pub(crate) fn given_local(&self) -> Option<&Address> {
        self.names.as_ref()?.local.as_ref()
    }

    pub(crate) fn error(&self, call: Call, errno: Host) -> Error {
        Error::bare(call, self.kind, errno)
    }

    pub(crate) fn local_addr(&self) -> Result<Address, Error> {
        match self.given_local() {
            Some(given) => Ok(given.clone()),
            None => self.address(Call::Getsockname, socket::getsockname(&self.fd)),
        }
    }

    pub(crate) fn peer_addr(&self) -> Result<Address, Error> {
        match self.names.as_ref().and_then(|names| names.peer.as_ref()) {
            Some(given) => Ok(given.clone()),
            None => self.address(Call::Getpeername, socket::getpeername(&self.fd)),
        }
    }

    fn address(&self, call: Call, name: sys::Result<Name>) -> Result<Address, Error> {
        let name = name.map_err(|errno| self.error(call, errno))?;
        name.address().ok_or_else(|| self.error(call, Host::AFNOSUPPORT))
    }

    /// Takes descriptors from now on; before Linux 6.16, every socket does.
    pub(crate) fn accept_descriptors(&self) -> Result<(), Error> {
        match option::set_switch(&self.fd, option::SO_PASSRIGHTS, true) {
            Err(Host::NOPROTOOPT) => Ok(()),
            done => done.map_err(|errno| self.error(Call::Setsockopt, errno)),
        }
    }

    pub(crate) fn set_nonblocking(&self, on: bool) -> Result<(), Error> {
        option::set_nonblocking(&self.fd, on).map_err(|errno| self.error(Call::Ioctl, errno))
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> Result<(), Error> {
        let how = match how {
            Shutdown::Read => socket::Shutdown::Read,
            Shutdown::Write => socket::Shutdown::Write,
            Shutdown::Both => socket::Shutdown::Both,
        };
        socket::shutdown(&self.fd, how).map_err(|errno| self.error(Call::Shutdown, errno))
    }

    /// One `send`, without waiting for room more than once; `EINTR` comes through.
    #[inline]
    pub(crate) fn send(&self, bytes: &[u8], flags: SendFlags) -> Result<usize, Error> {
        socket::send(&self.fd, bytes, flags.raw()).map_err(|e| self.error(Call::Send, e))
    }

    /// One `sendto`; `EINTR` comes through.
    pub(crate) fn send_to(
        &self,
        bytes: &[u8],
        to: AddressRef<'_>,
        flags: SendFlags,
    ) -> Result<usize, Error> {
        route::reach(to, |name| socket::send_to(&self.fd, bytes, flags.raw(), name))
            .map_err(|errno| Error::to(Call::Send, self.kind, errno, to))
    }

    /// One `read`; `EINTR` comes through.
    #[inline]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        socket::read(&self.fd, buffer).map_err(|e| self.error(Call::Recv, e))
    }

    /// One `readv`; `EINTR` comes through.
    pub(crate) fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize, Error> {
        socket::readv(&self.fd, buffers).map_err(|e| self.error(Call::Recv, e))
    }

    /// One `recv` from a stream; `EINTR` comes through.
    #[inline]
    pub(crate) fn recv(&self, buffer: &mut [u8], flags: RecvFlags) -> Result<usize, Error> {
        socket::recv(&self.fd, buffer, flags.raw()).map_err(|e| self.error(Call::Recv, e))
    }

    /// One `recv` of a message; `EINTR` comes through.
    #[inline]
    pub(crate) fn recv_packet(
        &self,
        buffer: &mut [u8],
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        if self.marked.load(Ordering::Relaxed) {
            let (bytes, length, beside) =
                socket::recv_packet_dropping(&self.fd, buffer, flags.raw())
                    .map_err(|e| self.error(Call::Recv, e))?;
            return Ok(Received::plain(bytes, length, self.ended(length, beside)?));
        }
        let (bytes, length) = socket::recv_packet(&self.fd, buffer, flags.raw())
            .map_err(|e| self.error(Call::Recv, e))?;
        Ok(Received::plain(bytes, length, self.ended(length, false)?))
    }

    /// One `recvfrom`; `EINTR` comes through.
    pub(crate) fn recv_from(
        &self,
        buffer: &mut [u8],
        flags: RecvFlags,
    ) -> Result<(Received, SockAddr), Error> {
        let (bytes, length, from) = socket::recv_from(&self.fd, buffer, flags.raw())
            .map_err(|e| self.error(Call::Recv, e))?;
        Ok((Received::plain(bytes, length, self.ended(length, false)?), SockAddr(from)))
    }

    /// One `sendmsg` to the peer, or to an address; `EINTR` comes through.
    pub(crate) fn send_message(
        &self,
        to: Option<AddressRef<'_>>,
        buffers: &[IoSlice<'_>],
        ancillary: &Ancillary<'_>,
        flags: SendFlags,
    ) -> Result<usize, Error> {
        crate::ancillary::send(self, to, buffers, ancillary, flags)
    }

    /// One `recvmsg`; `EINTR` comes through.
    pub(crate) fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        crate::ancillary::receive(self, buffers, ancillary, flags)
    }

    /// Has the kernel put a time stamp beside each packet from now on, which tells an empty one
    /// from the end of file: see [`ended`](Socket::ended).
    #[inline]
    pub(crate) fn mark(&self) {
        if !self.marked.load(Ordering::Relaxed) {
            let set = option::set_switch(&self.fd, sys::libc::SO_TIMESTAMP, true);
            self.marked.store(set.is_ok(), Ordering::Relaxed);
        }
    }

    /// Whether a message of this length was none: there is nothing to receive any more. `beside`:
    /// whether the kernel put or dropped anything beside it.
    ///
    /// A receive of 0 bytes is an empty packet or the end of file, and nothing in it tells which,
    /// except what comes beside a packet alone. `SO_TIMESTAMP` makes something come: the kernel
    /// drops it if there is no room, and says so. It has no effect on the sender, unlike
    /// `SO_PASSCRED`, which gives a socket without a name one as soon as it sends.
    #[inline]
    pub(crate) fn ended(&self, length: usize, beside: bool) -> Result<bool, Error> {
        if length > 0 || beside {
            return Ok(false);
        }
        self.look_for_end().map_err(|errno| self.error(Call::Recv, errno))
    }

    /// Whether there is nothing more to receive, after an empty message without a mark.
    #[cold]
    fn look_for_end(&self) -> sys::Result<bool> {
        let kind = self.kind;
        let marks = || option::switch(&self.fd, sys::libc::SO_TIMESTAMP) == Ok(true);
        if kind == SocketType::Stream || self.marked.load(Ordering::Relaxed) && marks() {
            return Ok(true);
        }
        // From now on it is known at once.
        self.marked.store(false, Ordering::Relaxed);
        if kind == SocketType::SeqPacket {
            self.mark();
        }
        if !socket::poll(self.fd.as_fd(), PollFlags::RDHUP, 0)?.contains(PollFlags::RDHUP) {
            return Ok(false);
        }
        let flags = sys::socket::RecvFlags::PEEK | sys::socket::RecvFlags::DONTWAIT;
        match socket::recv_packet_dropping(&self.fd, &mut [], flags) {
            Ok((_, length, beside)) => Ok(length == 0 && !beside && kind == SocketType::SeqPacket),
            // A datagram socket that was shut down says so only to a call that would wait.
            Err(Host::AGAIN) => Ok(true),
            Err(errno) => Err(errno),
        }
    }

    /// Makes a call that may wait, and goes on with it after a signal.
    ///
    /// A timeout of the socket starts anew with each call, so a storm of signals could extend it
    /// without limit: with one set, the wait ends when it has passed once more after the first
    /// signal.
    #[inline]
    pub(crate) fn persist<T>(
        &self,
        wait: Wait,
        mut call: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        match call() {
            Err(error) if error.is(Host::INTR) => self.resume(wait, error, call),
            done => done,
        }
    }

    #[cold]
    fn resume<T>(
        &self,
        wait: Wait,
        interrupted: Error,
        mut call: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (timeout, events) = match wait {
            Wait::ToReceive => (sys::libc::SO_RCVTIMEO, PollFlags::IN),
            Wait::ToSend => (sys::libc::SO_SNDTIMEO, PollFlags::OUT),
        };
        let deadline = match option::timeout(&self.fd, timeout) {
            Ok(0) | Err(_) => None,
            Ok(limit) => Instant::now().checked_add(Duration::from_micros(limit)),
        };
        loop {
            if let Some(deadline) = deadline {
                let left = deadline.saturating_duration_since(Instant::now());
                let milliseconds = left.as_micros().div_ceil(1000).try_into().unwrap_or(u32::MAX);
                match socket::poll(self.fd.as_fd(), events, milliseconds) {
                    _ if left.is_zero() => return Err(interrupted.but(Host::AGAIN)),
                    Err(Host::INTR) => continue,
                    Ok(ready) if ready.is_empty() => return Err(interrupted.but(Host::AGAIN)),
                    // Ready, or it is for the call to say what is wrong.
                    Ok(_) | Err(_) => {}
                }
            }
            match call() {
                Err(error) if error.is(Host::INTR) => {}
                done => return done,
            }
        }
    }
}

#[cfg(feature = "tokio")]
impl std::os::fd::AsRawFd for Socket {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.fd.as_raw_fd()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Switches `SO_PASSRIGHTS` off: then the sender of a descriptor that nobody waits for gets an
/// error, instead of the descriptor vanishing. Kernels before 6.16 close such descriptors.
fn refuse_descriptors(fd: &OwnedFd) {
    static LACKING: AtomicBool = AtomicBool::new(false);
    if LACKING.load(Ordering::Relaxed) {
        return;
    }
    if option::set_switch(fd, option::SO_PASSRIGHTS, false) == Err(Host::NOPROTOOPT) {
        LACKING.store(true, Ordering::Relaxed);
    }
}

/// A descriptor that is not what it was taken for, handed back with the reason.
#[derive(Debug)]
pub struct Rejected {
    /// What is wrong with it.
    pub error: Error,
    /// The descriptor, unchanged.
    pub fd: OwnedFd,
}

impl Rejected {
    fn wrong(fd: OwnedFd, kind: SocketType, wanted: &'static str, found: String) -> Rejected {
        let error = Error::bare(Call::Getsockopt, kind, Host::PROTOTYPE);
        Rejected { error: error.because(Reason::WrongSocket { wanted, found }), fd }
    }
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Rejected {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<Rejected> for Error {
    /// Closes the descriptor.
    fn from(rejected: Rejected) -> Error {
        rejected.error
    }
}

/// What every socket type has: its own name, options, and conversions.
macro_rules! socket_methods {
    ($name:ident, $kind:expr, $adopt:ident) => {
        impl $name {
            /// This socket's own name; `Unnamed` unless it was bound, or accepted from a listener.
            /// A path is given back as it was bound, however long.
            ///
            /// [getsockname(2)](https://man7.org/linux/man-pages/man2/getsockname.2.html)
            pub fn local_addr(&self) -> Result<$crate::Address, $crate::Error> {
                self.socket.local_addr()
            }

            /// Makes calls fail with `EAGAIN` (`WouldBlock`) instead of waiting, or wait again.
            /// The setting belongs to the socket: whoever shares it is affected.
            pub fn set_nonblocking(&self, on: bool) -> Result<(), $crate::Error> {
                self.socket.set_nonblocking(on)
            }

            /// Another descriptor of the same socket: options, queues and whether it blocks are
            /// shared. A file that it is bound to is removed with the original only.
            ///
            /// # Errors
            /// `socket/descriptor-limit` (`EMFILE`).
            ///
            /// [dup(2)](https://man7.org/linux/man-pages/man2/dup.2.html)
            pub fn try_clone(&self) -> Result<$name, $crate::Error> {
                self.socket.try_clone().map($name::from_socket)
            }

            /// Its options and queues.
            pub fn sockopt(&self) -> $crate::SockOpt<'_> {
                $crate::SockOpt::new(::std::os::fd::AsFd::as_fd(&self.socket), $kind)
            }
        }

        #[cfg(feature = "tokio")]
        impl $name {
            pub(crate) fn into_socket(self) -> $crate::socket::Socket {
                self.socket
            }
        }

        impl ::std::os::fd::AsFd for $name {
            fn as_fd(&self) -> ::std::os::fd::BorrowedFd<'_> {
                ::std::os::fd::AsFd::as_fd(&self.socket)
            }
        }

        impl ::std::os::fd::AsRawFd for $name {
            fn as_raw_fd(&self) -> ::std::os::fd::RawFd {
                ::std::os::fd::AsRawFd::as_raw_fd(&::std::os::fd::AsFd::as_fd(self))
            }
        }

        impl ::std::os::fd::IntoRawFd for $name {
            /// Gives the descriptor away. A file that it is bound to stays.
            fn into_raw_fd(self) -> ::std::os::fd::RawFd {
                ::std::os::fd::IntoRawFd::into_raw_fd(self.socket.into_fd())
            }
        }

        impl From<$name> for ::std::os::fd::OwnedFd {
            /// Gives the descriptor away. A file that it is bound to stays.
            fn from(socket: $name) -> ::std::os::fd::OwnedFd {
                socket.socket.into_fd()
            }
        }

        impl TryFrom<::std::os::fd::OwnedFd> for $name {
            type Error = $crate::Rejected;

            /// Takes a descriptor over. Its family and type are checked, and of a
            /// listener that it listens; nothing is changed.
            fn try_from(fd: ::std::os::fd::OwnedFd) -> Result<$name, $crate::Rejected> {
                $crate::socket::Socket::$adopt(fd, $kind).map($name::from_socket)
            }
        }
    };
}

/// What every socket type has that can have a peer.
macro_rules! peer_methods {
    ($name:ident, $kind:expr) => {
        impl $name {
            /// Two sockets that are connected to each other.
            ///
            /// # Errors
            /// `socket/descriptor-limit` and its kin.
            ///
            /// [socketpair(2)](https://man7.org/linux/man-pages/man2/socketpair.2.html)
            pub fn pair() -> Result<($name, $name), $crate::Error> {
                let (a, b) = $crate::socket::Socket::pair($kind)?;
                Ok(($name::from_socket(a), $name::from_socket(b)))
            }

            /// The peer's name, also after it has closed.
            ///
            /// # Errors
            /// `name/no-peer` (`ENOTCONN`) if it has none.
            ///
            /// [getpeername(2)](https://man7.org/linux/man-pages/man2/getpeername.2.html)
            pub fn peer_addr(&self) -> Result<$crate::Address, $crate::Error> {
                self.socket.peer_addr()
            }

            /// Who is at the other end.
            pub fn peer(&self) -> $crate::Peer<'_> {
                $crate::Peer::new(::std::os::fd::AsFd::as_fd(&self.socket), $kind)
            }

            /// Closes one or both directions for everyone who holds this socket. Never fails
            /// because of the socket's state.
            ///
            /// [shutdown(2)](https://man7.org/linux/man-pages/man2/shutdown.2.html)
            pub fn shutdown(&self, how: ::std::net::Shutdown) -> Result<(), $crate::Error> {
                self.socket.shutdown(how)
            }
        }
    };
}

pub(crate) use {peer_methods, socket_methods};
