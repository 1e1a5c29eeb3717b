//! Listening sockets.

use crate::bind::BoundFile;
use crate::seqpacket::SeqPacket;
use crate::socket::{Socket, Wait, persist, socket_methods};
use crate::stream::Stream;
use crate::sys::socket::{self, PollFlags, SocketFlags};
use crate::{BindOptions, Call, Error, SocketType, ToAddress, sys};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::time::Instant;

macro_rules! listener {
    ($(#[$doc:meta])* $name:ident, $accepted:ident, $kind:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            socket: Socket,
        }

        socket_methods!($name, $kind, adopt_listener);

        impl $name {
            pub(crate) fn from_socket(socket: Socket) -> $name {
                $name { socket }
            }

            /// How to bind it, beyond the address: backlog, mode, owner, what to do about a file
            /// that is there.
            pub fn options() -> BindOptions<$name> {
                BindOptions::new()
            }

            /// Makes a socket file at a path and listens on it, or listens on an abstract name;
            /// for `Unnamed` the kernel picks a free abstract name. The backlog is the longest
            /// that `net.core.somaxconn` allows; the file's mode is `0777` without the bits of
            /// the umask.
            ///
            /// A file that exists is never replaced, be its server dead or alive:
            /// [`replace_dead`](BindOptions::replace_dead) replaces that of a server that was
            /// killed, [`take_over`](Self::take_over) that of one that runs.
            ///
            /// # Errors
            /// The `bind/*` causes, among them `bind/live-socket`, `bind/stale-socket`,
            /// `bind/missing-directory`, `bind/no-write-permission`, `bind/abstract-in-use`.
            ///
            /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html),
            /// [listen(2)](https://man7.org/linux/man-pages/man2/listen.2.html)
            pub fn bind(address: impl ToAddress) -> Result<$name, Error> {
                $name::options().bind(address)
            }

            /// Takes an address over from a running server of the same type, or binds it if nobody
            /// has it: a restart that no client notices.
            ///
            /// The new socket listens before it is renamed over the old one's file, so every client
            /// reaches the one or the other. The old server is not told; it looks
            /// ([`is_superseded`](Self::is_superseded)), takes what still waits in its queue, and
            /// ends. Its file is not its own any more, and stays.
            ///
            /// ```
            /// use std::time::{Duration, Instant};
            /// # let path = std::env::temp_dir().join(format!("sunpath-doc-over-{}", std::process::id()));
            #[doc = concat!("use sunpath::{", stringify!($name), ", ", stringify!($accepted), "};")]
            ///
            /// // The old server, which looks every second:
            #[doc = concat!("let old = ", stringify!($name), "::take_over(&path)?;")]
            /// let until = |wait| Instant::now() + wait;
            #[doc = concat!("# let client = ", stringify!($accepted), "::connect(&path)?;")]
            #[doc = concat!("# let new = ", stringify!($name), "::take_over(&path)?;")]
            /// while !old.is_superseded() {
            ///     if let Some(client) = old.accept_until(until(Duration::from_secs(1)))? {
            ///         // serve it
            ///     }
            /// }
            /// // The new one has it. A client that had found the old one by then may still come.
            /// while let Some(client) = old.accept_until(until(Duration::from_millis(200)))? {
            ///     // serve it
            /// #   drop(client);
            /// }
            /// drop(old);
            /// # assert!(!new.is_superseded());
            /// # Ok::<(), sunpath::Error>(())
            /// ```
            ///
            /// # Errors
            /// Those of [`BindOptions::take_over`].
            pub fn take_over(address: impl ToAddress) -> Result<$name, Error> {
                $name::options().take_over(address)
            }

            /// Whether another file is at the place where this listener's was made: then no new
            /// client reaches it, and it should take what [waits](Self::accept_until) and end. Only
            /// looks; always `false` for an abstract name, and a descriptor from elsewhere.
            pub fn is_superseded(&self) -> bool {
                self.socket.file().is_some_and(BoundFile::is_superseded)
            }

            /// Takes the next connection, waiting for one. Goes on after a signal: nothing was
            /// taken.
            ///
            /// # Errors
            /// `accept/nothing-pending` (`EAGAIN`) if it does not block;
            /// `accept/descriptor-limit`, which leaves the connection in the queue: close
            /// something before trying again; `accept/not-listening`, `accept/shut-down` and their
            /// kin for a descriptor that was taken over. [`Error::why_on`] with this listener
            /// finds out which.
            ///
            /// [accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html)
            #[inline]
            pub fn accept(&self) -> Result<$accepted, Error> {
                accept(&self.socket).map($accepted::from_socket)
            }

            /// As [`accept`](Self::accept), but waits until a deadline only, whether the listener
            /// blocks or not; `None` if nobody came. A deadline that has passed takes what waits.
            ///
            /// `accept` has no timeout of its own, so this waits until a connection is there and
            /// then takes it. Where several threads or processes take from the same listener, make
            /// it non-blocking: otherwise one whose connection was taken by another waits for the
            /// next.
            ///
            /// # Errors
            /// Those of `accept`; `accept/shut-down` (`EINVAL`) at once if nobody can come any
            /// more.
            ///
            /// [poll(2)](https://man7.org/linux/man-pages/man2/poll.2.html)
            pub fn accept_until(&self, deadline: Instant) -> Result<Option<$accepted>, Error> {
                Ok(accept_until(&self.socket, deadline)?.map($accepted::from_socket))
            }

            /// One connection after the other, as [`accept`](Self::accept) takes them; it never
            /// ends.
            pub fn incoming(&self) -> impl Iterator<Item = Result<$accepted, Error>> + '_ {
                std::iter::repeat_with(|| self.accept())
            }
        }
    };
}

listener! {
    /// A stream socket that waits for connections.
    ///
    /// It is close-on-exec. Dropping it removes its socket file, unless the path leads to another
    /// file by then.
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
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
    Listener, Stream, SocketType::Stream
}

listener! {
    /// A sequenced-packet socket that waits for connections; otherwise like [`Listener`].
    ///
    /// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)
    SeqPacketListener, SeqPacket, SocketType::SeqPacket
}

/// One connection; goes on after a signal.
#[inline(always)]
fn accept(listener: &Socket) -> Result<Socket, Error> {
    persist!(listener, Wait::ToReceive, {
        accept_once(listener, SocketFlags::empty())
            .map_err(|errno| listener.error(Call::Accept, errno))
    })
}

/// One try to take a connection, which has the listener's name.
#[inline(always)]
pub(crate) fn accept_once(listener: &Socket, flags: SocketFlags) -> sys::Result<Socket> {
    let mut accepted = Socket::trusted(socket::accept(listener, flags)?, listener.kind());
    if let Some(given) = listener.given_local() {
        accepted.names_mut().local = Some(given.clone());
    }
    Ok(accepted)
}

fn accept_until(listener: &Socket, deadline: Instant) -> Result<Option<Socket>, Error> {
    use sys::Errno as Host;
    let failed = |errno| listener.error(Call::Accept, errno);
    let wanted = PollFlags::IN | PollFlags::RDHUP;
    loop {
        let left = deadline.saturating_duration_since(sys::clock::now());
        let ready = match socket::poll(listener.as_fd(), wanted, left) {
            Err(Host::INTR) => continue,
            ready => ready.map_err(failed)?,
        };
        if ready.is_empty() {
            if left.is_zero() {
                return Ok(None);
            }
            continue;
        }
        match accept_once(listener, SocketFlags::empty()) {
            // A listener that is shut down says so only to those who wait.
            Err(Host::AGAIN) if ready.contains(PollFlags::RDHUP) => {
                return Err(failed(Host::INVAL));
            }
            // Interrupted, or another took it.
            Err(Host::INTR | Host::AGAIN) => {}
            done => return done.map(Some).map_err(failed),
        }
    }
}

impl From<UnixListener> for Listener {
    /// Its file, if it has one, is not removed on drop.
    fn from(listener: UnixListener) -> Listener {
        Listener::from_socket(Socket::trusted(listener.into(), SocketType::Stream))
    }
}

impl From<Listener> for UnixListener {
    /// Its file, if it has one, stays.
    fn from(listener: Listener) -> UnixListener {
        listener.socket.into_fd().into()
    }
}
