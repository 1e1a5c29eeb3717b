//! Listening sockets.

use crate::seqpacket::SeqPacket;
use crate::socket::{Socket, socket_methods};
use crate::stream::Stream;
use crate::sys::socket::{self, SocketFlags};
use crate::{Call, Error, SocketType, ToAddress, bind, sys};
use std::os::unix::net::UnixListener;

/// The longest queue that the system allows (`net.core.somaxconn`): `listen` compares unsigned.
const LONGEST_BACKLOG: i32 = -1;

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

            /// Makes a socket file at a path and listens on it, or listens on an abstract name;
            /// for `Unnamed` the kernel picks a free abstract name. The backlog is the longest
            /// that `net.core.somaxconn` allows; the file's mode is `0777` without the bits of
            /// the umask.
            ///
            /// A file that exists is never replaced, be its server dead or alive.
            ///
            /// # Errors
            /// The `bind/*` causes, among them `bind/live-socket`, `bind/stale-socket`,
            /// `bind/missing-directory`, `bind/no-write-permission`, `bind/abstract-in-use`.
            ///
            /// [bind(2)](https://man7.org/linux/man-pages/man2/bind.2.html),
            /// [listen(2)](https://man7.org/linux/man-pages/man2/listen.2.html)
            pub fn bind(address: impl ToAddress) -> Result<$name, Error> {
                let address = address.to_address();
                let socket = bind::bind($kind, address)?;
                socket::listen(&socket, LONGEST_BACKLOG)
                    .map_err(|errno| Error::on(Call::Listen, $kind, errno, address))?;
                Ok($name { socket })
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
            pub fn accept(&self) -> Result<$accepted, Error> {
                accept(&self.socket).map($accepted::from_socket)
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
fn accept(listener: &Socket) -> Result<Socket, Error> {
    loop {
        match accept_once(listener, SocketFlags::empty()) {
            Err(sys::Errno::INTR) => {}
            done => return done.map_err(|errno| listener.error(Call::Accept, errno)),
        }
    }
}

/// One try to take a connection, which has the listener's name.
pub(crate) fn accept_once(listener: &Socket, flags: SocketFlags) -> sys::Result<Socket> {
    let mut accepted = Socket::trusted(socket::accept(listener, flags)?, listener.kind());
    if let Some(given) = listener.given_local() {
        accepted.names_mut().local = Some(given.clone());
    }
    Ok(accepted)
}

impl From<UnixListener> for Listener {
    /// Its file, if it has one, is not removed on drop.
    fn from(listener: UnixListener) -> Listener {
        Listener::from_socket(Socket::trusted(listener.into(), SocketType::Stream))
    }
}

impl From<Listener> for UnixListener {
    fn from(listener: Listener) -> UnixListener {
        listener.socket.into_fd().into()
    }
}
