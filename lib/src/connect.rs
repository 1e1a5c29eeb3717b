//! Connecting, at once or until a deadline.
//!
//! A connect to a server whose backlog is full fails with `EAGAIN` if it does not block, leaves
//! nothing behind, and nothing tells when there is room. One that blocks waits in a queue of the
//! server's: `accept` wakes the first. So a blocking call with `SO_SNDTIMEO` is fair and wakes up
//! at once; tries with pauses are neither, and are left to callers that must not block.

use crate::reason::Reason;
use crate::socket::Socket;
use crate::sockopt::microseconds;
use crate::sys::{self, Errno as Host, option};
use crate::{Address, AddressRef, Call, Error, SocketType, ToAddress, bind, observe, route};
use std::time::{Duration, Instant};

/// For how long to wait in a server's queue before the address is looked up again, which gives the
/// place in the queue away: a server that has shut its listener down wakes nobody, and one that
/// was replaced at its path may stay, without ever accepting again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Pauses between tries that nothing announces: growing, so that a long wait costs little.
#[derive(Debug)]
pub(crate) struct Pauses(Duration);

impl Pauses {
    const LONGEST: Duration = Duration::from_millis(10);

    pub(crate) fn new() -> Pauses {
        Pauses(Duration::from_micros(50))
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(Pauses::LONGEST);
        pause
    }
}

/// A connect that goes on after a signal: one try, if the socket does not block. `EAGAIN` then
/// means that the backlog is full, that nothing was begun, and that nothing tells when there is
/// room. A datagram socket never waits here.
#[inline(always)]
pub(crate) fn connect_once(socket: &Socket, to: AddressRef<'_>) -> sys::Result<()> {
    loop {
        match route::reach(to, |name| sys::socket::connect(socket, name)) {
            Err(Host::INTR) => {}
            done => return done,
        }
    }
}

/// What to say at the deadline, with the figures if they are visible.
pub(crate) fn backlog_full(kind: SocketType, to: AddressRef<'_>, waited: Duration) -> Error {
    let queue = observe::backlog(kind, to);
    let reason = Reason::BacklogFull { waited, queue };
    Error::on(Call::Connect, kind, Host::AGAIN, to).because(reason)
}

/// How to connect, beyond the address. [`Stream::options`](crate::Stream::options) and
/// [`SeqPacket::options`](crate::SeqPacket::options) make one.
///
/// ```
/// use std::time::Duration;
/// use sunpath::{AddressRef, Listener, Stream};
///
/// let name = AddressRef::Abstract(b"sunpath-doc-connect");
/// let listener = Listener::bind(name)?;
/// let client = Stream::options()
///     .local(AddressRef::Abstract(b"sunpath-doc-client"))
///     .timeout(Duration::from_secs(5))
///     .connect(name)?;
/// assert_eq!(listener.accept()?.peer_addr()?, client.local_addr()?);
/// # Ok::<(), sunpath::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ConnectOptions<T> {
    kind: SocketType,
    make: fn(Socket) -> T,
    limit: Limit,
    local: Option<Address>,
    pass_rights: bool,
    nonblocking: bool,
}

/// For how long to wait while the backlog is full.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    Never,
    At(Instant),
    After(Duration),
}

impl<T> ConnectOptions<T> {
    pub(crate) fn new(kind: SocketType, make: fn(Socket) -> T) -> ConnectOptions<T> {
        ConnectOptions {
            kind,
            make,
            limit: Limit::Never,
            local: None,
            pass_rights: false,
            nonblocking: false,
        }
    }

    /// Gives up at this time; one that has passed allows a single try. Without it, or
    /// [`timeout`](ConnectOptions::timeout), a full backlog is waited for however long.
    pub fn deadline(mut self, deadline: Instant) -> ConnectOptions<T> {
        self.limit = Limit::At(deadline);
        self
    }

    /// Gives up after this time; zero allows a single try.
    pub fn timeout(mut self, timeout: Duration) -> ConnectOptions<T> {
        self.limit = Limit::After(timeout);
        self
    }

    /// Binds the socket before it connects: the server sees the name as that of its peer. A file
    /// that is made is removed when the socket is dropped.
    pub fn local(mut self, address: impl ToAddress) -> ConnectOptions<T> {
        self.local = Some(address.to_address().into_owned());
        self
    }

    /// Whether the socket takes descriptors from the very start (`SO_PASSRIGHTS`, Linux 6.16; an
    /// older kernel always takes them). Without it, it refuses them.
    pub fn pass_rights(mut self, on: bool) -> ConnectOptions<T> {
        self.pass_rights = on;
        self
    }

    /// Whether calls on the connected socket fail with `EAGAIN` instead of waiting. The connect
    /// itself waits all the same.
    pub fn nonblocking(mut self, on: bool) -> ConnectOptions<T> {
        self.nonblocking = on;
        self
    }

    /// Connects. The options can be used again.
    ///
    /// # Errors
    /// Those of [`Stream::connect`](crate::Stream::connect); at the deadline
    /// `connect/backlog-full` (`EAGAIN`) with the figures; the `bind/*` causes, of the call `bind`,
    /// for the local name.
    ///
    /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
    pub fn connect(&self, address: impl ToAddress) -> Result<T, Error> {
        let to = address.to_address();
        let deadline = match self.limit {
            Limit::Never => None,
            Limit::At(deadline) => Some(deadline),
            // A time that no clock reaches is none.
            Limit::After(timeout) => sys::clock::now().checked_add(timeout),
        };
        let socket = self.prepare(to)?;
        connect_socket(&socket, to, deadline)?;
        if self.nonblocking {
            socket.set_nonblocking(true)?;
        }
        Ok((self.make)(connected(socket, to)))
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn limit(&self) -> Limit {
        self.limit
    }

    /// The socket to connect.
    pub(crate) fn prepare(&self, to: AddressRef<'_>) -> Result<Socket, Error> {
        let socket = match &self.local {
            Some(local) => bind::bind(self.kind, local.to_address())?,
            None => Socket::new(self.kind).map_err(|e| e.about(to))?,
        };
        if self.pass_rights {
            socket.sockopt().set_pass_rights(true)?;
        }
        Ok(socket)
    }
}

/// A new socket that is connected to the address. Waits while the backlog is full.
#[inline]
pub(crate) fn connect(kind: SocketType, to: AddressRef<'_>) -> Result<Socket, Error> {
    let socket = Socket::new(kind).map_err(|e| e.about(to))?;
    connect_once(&socket, to).map_err(|errno| Error::on(Call::Connect, kind, errno, to))?;
    Ok(connected(socket, to))
}

/// As [`connect`], but gives up at the deadline.
pub(crate) fn connect_until(
    kind: SocketType,
    to: AddressRef<'_>,
    deadline: Instant,
) -> Result<Socket, Error> {
    let socket = Socket::new(kind).map_err(|e| e.about(to))?;
    connect_socket(&socket, to, Some(deadline))?;
    Ok(connected(socket, to))
}

/// Connects a fresh socket, which blocks before and after.
fn connect_socket(
    socket: &Socket,
    to: AddressRef<'_>,
    deadline: Option<Instant>,
) -> Result<(), Error> {
    let Some(deadline) = deadline else {
        return connect_once(socket, to)
            .map_err(|errno| Error::on(Call::Connect, socket.kind(), errno, to));
    };
    let start = sys::clock::now();
    let done = wait_in_queue(socket, to, deadline);
    option::set_timeout(socket, sys::libc::SO_SNDTIMEO, 0)
        .map_err(|errno| socket.error(Call::Setsockopt, errno))?;
    match done {
        Err(Host::AGAIN) => {
            Err(backlog_full(socket.kind(), to, sys::clock::now().saturating_duration_since(start)))
        }
        done => done.map_err(|errno| Error::on(Call::Connect, socket.kind(), errno, to)),
    }
}

/// Waits in the server's queue until the deadline; `EAGAIN` if it was in vain.
fn wait_in_queue(socket: &Socket, to: AddressRef<'_>, deadline: Instant) -> sys::Result<()> {
    loop {
        let left = deadline.saturating_duration_since(sys::clock::now()).min(LOOK_AGAIN);
        option::set_timeout(socket, sys::libc::SO_SNDTIMEO, microseconds(Some(left)))?;
        match route::reach(to, |name| sys::socket::connect(socket, name)) {
            // Either gives the place in the queue away.
            Err(Host::AGAIN | Host::INTR) if sys::clock::now() < deadline => {}
            Err(Host::INTR) => return Err(Host::AGAIN),
            done => return done,
        }
    }
}

/// Notes the peer's name where the kernel has another spelling of it.
#[inline]
pub(crate) fn connected(mut socket: Socket, to: AddressRef<'_>) -> Socket {
    if let Some(given) = route::respelled(to) {
        socket.names_mut().peer = Some(given);
    }
    socket
}

/// What the socket types have that connect to a listener.
macro_rules! connect_methods {
    ($name:ident, $kind:expr) => {
        impl $name {
            /// Connects to a path, or to an address of another form.
            ///
            /// Waits while the server's backlog is full, however long. Goes on after a signal: an
            /// interrupted connect of a UNIX domain socket leaves nothing behind, so it is repeated.
            ///
            /// # Errors
            /// The `connect/*` causes, among them `connect/no-such-file`, `connect/stale-socket`,
            /// `connect/not-listening`, `connect/no-write-permission`, `connect/wrong-type`,
            /// `connect/abstract-nobody`; `connect/bad-address-length` (`EINVAL`) for an empty
            /// path, one with a NUL in it, and `Unnamed`. `socket/descriptor-limit` and its kin, of
            /// the call `socket`.
            ///
            /// [connect(2)](https://man7.org/linux/man-pages/man2/connect.2.html)
            pub fn connect(address: impl $crate::ToAddress) -> Result<$name, $crate::Error> {
                $crate::connect::connect($kind, address.to_address()).map($name::from_socket)
            }

            /// As [`connect`](Self::connect), but waits for a full backlog until the deadline only;
            /// one that has passed allows a single try. It waits in the server's queue with all
            /// others, first come, first served, and never returns a socket that is not connected.
            ///
            /// # Errors
            /// `connect/backlog-full` (`EAGAIN`) at the deadline, with the figures if they can be
            /// seen; no later than one tick of the kernel's timer and the look at them take.
            pub fn connect_until(
                address: impl $crate::ToAddress,
                deadline: ::std::time::Instant,
            ) -> Result<$name, $crate::Error> {
                let to = address.to_address();
                $crate::connect::connect_until($kind, to, deadline).map($name::from_socket)
            }

            /// As [`connect_until`](Self::connect_until), with a deadline so much later than now.
            pub fn connect_timeout(
                address: impl $crate::ToAddress,
                timeout: ::std::time::Duration,
            ) -> Result<$name, $crate::Error> {
                $name::options().timeout(timeout).connect(address)
            }

            /// How to connect, beyond the address: until when, from which name, and what the socket
            /// shall be set to.
            pub fn options() -> $crate::ConnectOptions<$name> {
                $crate::ConnectOptions::new($kind, $name::from_socket)
            }
        }
    };
}
pub(crate) use connect_methods;
