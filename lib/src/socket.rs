//! What the five socket types share.

mod ending;
mod methods;
mod waiting;

pub(crate) use methods::{peer_methods, socket_methods};
pub(crate) use waiting::{Wait, persist};

use crate::ancillary::{Ancillary, AncillaryBuffer, Received};
use crate::reason::Reason;
use crate::sys::socket::{self, SocketFlags};
use crate::sys::{self, Errno as Host, message, name::Name, option};
use crate::{
    Address, AddressRef, Call, Error, RecvFlags, SendFlags, SockAddr, SockOpt, SocketType, route,
};
use std::io::{IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A descriptor that is known to be a UNIX domain socket of this type, and what the kernel does
/// not know of its names.
#[derive(Debug)]
pub(crate) struct Socket {
    // Dropped before the descriptor is closed: clients shall find no file rather than a dead one.
    names: Option<Box<Names>>,
    fd: OwnedFd,
    kind: SocketType,
    /// The peer that a datagram socket chose last, where the kernel has another spelling of it.
    chosen: Mutex<Option<Box<Chosen>>>,
    /// Whether the kernel puts a time stamp beside each packet: see `ended`.
    marked: AtomicBool,
    /// Whether it was this library that told it to.
    marked_by_us: AtomicBool,
}

/// Names as they were given, where the kernel has another spelling of them, and the file that was
/// made.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) local: Option<Address>,
    pub(crate) peer: Option<Address>,
    pub(crate) file: Option<crate::bind::BoundFile>,
}

/// A peer: its name as the kernel has it, and as it was given.
#[derive(Debug, Clone)]
struct Chosen {
    kernel: Address,
    given: Address,
}

impl Socket {
    /// A new socket, which refuses descriptors where the kernel can do that.
    #[inline(always)]
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
    #[inline]
    pub(crate) fn trusted(fd: OwnedFd, kind: SocketType) -> Socket {
        let (marked, marked_by_us) = (AtomicBool::new(false), AtomicBool::new(false));
        Socket { names: None, fd, kind, chosen: Mutex::new(None), marked, marked_by_us }
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
        if *self.marked_by_us.get_mut() {
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
        if self.kind == SocketType::SeqPacket {
            // Each would take the marks of the other for somebody else's.
            self.mark();
        }
        let copy = |flag: &AtomicBool| AtomicBool::new(flag.load(Ordering::Relaxed));
        let (marked, marked_by_us) = (copy(&self.marked), copy(&self.marked_by_us));
        let chosen = Mutex::new(self.chosen().clone());
        Ok(Socket { names, fd, kind: self.kind, chosen, marked, marked_by_us })
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
            None => {
                let kernel = self.kernel_peer_addr()?;
                let chosen = self.chosen();
                let chosen = chosen.as_ref().filter(|chosen| chosen.kernel == kernel);
                Ok(chosen.map_or(kernel, |chosen| chosen.given.clone()))
            }
        }
    }

    fn kernel_peer_addr(&self) -> Result<Address, Error> {
        self.address(Call::Getpeername, socket::getpeername(&self.fd))
    }

    /// Notes the peer that a datagram socket has just chosen.
    pub(crate) fn choose(&self, to: AddressRef<'_>) {
        *self.chosen() = route::respelled(to).and_then(|given| {
            let kernel = self.kernel_peer_addr().ok()?;
            Some(Box::new(Chosen { kernel, given }))
        });
    }

    fn chosen(&self) -> MutexGuard<'_, Option<Box<Chosen>>> {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn address(&self, call: Call, name: sys::Result<Name>) -> Result<Address, Error> {
        let name = name.map_err(|errno| self.error(call, errno))?;
        name.address().ok_or_else(|| self.error(call, Host::AFNOSUPPORT))
    }

    pub(crate) fn sockopt(&self) -> SockOpt<'_> {
        SockOpt::new(self.fd.as_fd(), self.kind)
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
    // The return from a function that makes a system call costs a fifth of a short message.
    #[inline(always)]
    pub(crate) fn send(&self, bytes: &[u8], flags: SendFlags) -> Result<usize, Error> {
        socket::send(&self.fd, bytes, flags.raw()).map_err(|errno| {
            let error = self.error(Call::Send, errno);
            if errno == Host::MSGSIZE { too_long(error, bytes.len()) } else { error }
        })
    }

    /// One `sendto`; `EINTR` comes through.
    #[inline(always)]
    pub(crate) fn send_to(
        &self,
        bytes: &[u8],
        to: AddressRef<'_>,
        flags: SendFlags,
    ) -> Result<usize, Error> {
        route::reach(to, |name| socket::send_to(&self.fd, bytes, flags.raw(), name)).map_err(
            |errno| {
                let error = Error::to(Call::Send, self.kind, errno, to);
                if errno == Host::MSGSIZE { too_long(error, bytes.len()) } else { error }
            },
        )
    }

    /// One `read`; `EINTR` comes through. `recv` is the shorter way through the kernel, but waits
    /// for data also where none is wanted.
    #[inline]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.recv(buffer, RecvFlags::NONE)
    }

    /// One `readv`; `EINTR` comes through.
    #[inline]
    pub(crate) fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> Result<usize, Error> {
        socket::readv(&self.fd, buffers).map_err(|e| self.error(Call::Recv, e))
    }

    /// One `recv` from a stream; `EINTR` comes through.
    #[inline(always)]
    pub(crate) fn recv(&self, buffer: &mut [u8], flags: RecvFlags) -> Result<usize, Error> {
        socket::recv(&self.fd, buffer, flags.raw()).map_err(|e| self.error(Call::Recv, e))
    }

    /// One `recv` of a datagram; `EINTR` comes through.
    #[inline(always)]
    pub(crate) fn recv_datagram(
        &self,
        buffer: &mut [u8],
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        let (bytes, length) = socket::recv_datagram(&self.fd, buffer, flags.raw())
            .map_err(|e| self.error(Call::Recv, e))?;
        Ok(Received::plain(bytes, length, self.ended(length, false)?))
    }

    /// One `recvmsg` of a packet alone; `EINTR` comes through. `recv` would be faster, but could
    /// not tell an empty packet from the end of file.
    #[inline(always)]
    pub(crate) fn recv_packet(
        &self,
        buffer: &mut [u8],
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        self.mark();
        let room = buffer.len();
        let arrival = message::recv_dropping(&self.fd, buffer, flags.raw())
            .map_err(|e| self.error(Call::Recv, e))?;
        let end = self.ended(arrival.bytes, arrival.control_truncated)?;
        Ok(Received::plain(arrival.bytes.min(room), arrival.bytes, end))
    }

    /// One `recvfrom`; `EINTR` comes through.
    #[inline(always)]
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
    #[inline(always)]
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
    #[inline(always)]
    pub(crate) fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        crate::ancillary::receive(self, buffers, ancillary, flags)
    }
}

/// A message of one buffer that the kernel found too long: nothing else makes it say so.
#[cold]
fn too_long(error: Error, length: usize) -> Error {
    error.because(Reason::MessageTooLong { length })
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Switches `SO_PASSRIGHTS` off: then the sender of a descriptor that nobody waits for gets an
/// error, instead of the descriptor vanishing. Kernels before 6.16 close such descriptors.
#[inline]
fn refuse_descriptors(fd: &OwnedFd) {
    // What one simulated system lacks, another or the kernel may have.
    #[cfg(feature = "sim")]
    if crate::sim::current().is_some() {
        let _ = option::set_switch(fd, option::SO_PASSRIGHTS, false);
        return;
    }
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
