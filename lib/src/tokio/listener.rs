//! Listening sockets.

use super::io::{Io, Read, would_block};
use super::registration::{now, sleep_until};
use super::seqpacket::SeqPacket;
use super::socket_methods;
use super::stream::Stream;
use crate::bind::BoundFile;
use crate::listener::accept_once;
use crate::reason::Reason;
use crate::socket::Socket;
use crate::sys::socket::SocketFlags;
use crate::sys::{Errno as Host, libc};
use crate::{Call, Error, SocketType, ToAddress};
use ::tokio::time::Instant;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest pause before a connection is taken after it could not be, in milliseconds.
const LONGEST_PAUSE: u32 = 256;

macro_rules! listener {
    ($(#[$doc:meta])* $name:ident, $accepted:ident, $kind:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            pub(super) io: Io,
            patience: Patience,
        }

        socket_methods!($name, $name, $kind);

        impl $name {
            #[track_caller]
            fn adopt(socket: Socket) -> Result<$name, Error> {
                Ok($name { io: Io::adopt(socket)?, patience: Patience::default() })
            }

            /// Binds to an address and listens, as the blocking listener does. What that offers
            /// beyond, is bound there and converted.
            ///
            /// # Errors
            /// The `bind/*` causes.
            ///
            /// # Panics
            /// Outside of a runtime with I/O driver and timer.
            #[track_caller]
            pub fn bind(address: impl ToAddress) -> Result<$name, Error> {
                crate::$name::bind(address)?.try_into()
            }

            /// Whether another file is at the place where this listener's was made, as
            /// [`take_over`](crate::Listener::take_over) of a new server puts one there: then it
            /// should take what still waits, and end. Only looks, and looks now: ask from time to
            /// time, from a branch of `select!` with a
            /// [timer](::tokio::time::interval).
            ///
            /// Always `false` for an abstract name, and a descriptor from elsewhere.
            pub fn is_superseded(&self) -> bool {
                self.io.socket().file().is_some_and(BoundFile::is_superseded)
            }

            /// Takes the next connection, waiting for one.
            ///
            /// It is safe to call again after any error but `accept/shut-down`, in a loop: if
            /// descriptors or memory were lacking, the connection stayed in the queue, and the
            /// next call begins with a pause that doubles each time, up to a quarter of a second,
            /// and ends with the first connection that can be taken. Closing something helps more.
            ///
            /// Cancellation: nothing was taken; a connection that had been taken is returned, not
            /// lost.
            ///
            /// # Errors
            /// `accept/descriptor-limit` and its kin; `accept/shut-down` (`EINVAL`) once the
            /// socket was shut down and nothing is left in the queue.
            ///
            /// [accept(2)](https://man7.org/linux/man-pages/man2/accept.2.html)
            pub async fn accept(&self) -> Result<$accepted, Error> {
                let socket = self.patience.accept(&self.io).await?;
                Io::new(socket).map(|io| $accepted { io })
            }
        }
    };
}

listener! {
    /// A stream socket that waits for connections; see [`sunpath::Listener`](crate::Listener).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sunpath::Error> {
    /// use sunpath::tokio::{Listener, Stream};
    ///
    /// let bound = sunpath::Listener::bind(&sunpath::Address::Unnamed)?; // with any options
    /// let listener = Listener::try_from(bound)?;
    /// let client = Stream::connect(listener.local_addr()?).await?;
    /// let server = listener.accept().await?;
    /// assert_eq!(server.local_addr()?, client.peer_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    Listener, Stream, SocketType::Stream
}

listener! {
    /// A sequenced-packet socket that waits for connections; otherwise like [`Listener`].
    SeqPacketListener, SeqPacket, SocketType::SeqPacket
}

/// How long to leave the queue alone after a connection could not be taken: it stays there, so
/// that trying again at once would fail again at once.
#[derive(Debug, Default)]
struct Patience {
    /// The last pause, in milliseconds; 0 after a connection was taken.
    pause: AtomicU32,
    /// When it ends: the same for all who wait, also for one who gave up and begins again.
    end: Mutex<Option<Instant>>,
}

impl Patience {
    async fn accept(&self, io: &Io) -> Result<Socket, Error> {
        let pause = self.pause.load(Ordering::Relaxed);
        if pause > 0 {
            let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
            sleep_until(end.unwrap_or_else(now)).await;
        }
        let accepted = io
            .run(Read, |listener| {
                accept_once(listener, SocketFlags::NONBLOCK)
                    .map_err(|errno| listener.error(Call::Accept, errno))
            })
            .await;
        let next = match &accepted {
            Err(error) if lacks_resources(error) => (pause * 2).clamp(1, LONGEST_PAUSE),
            _ => 0,
        };
        if next > 0 {
            let end = now() + Duration::from_millis(next.into());
            *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
        }
        if next != pause {
            self.pause.store(next, Ordering::Relaxed);
        }
        // A listener that waits says so where one that does not block has only `EAGAIN`.
        accepted.map_err(|error| match would_block(&error) {
            true => {
                let error = io.socket().error(Call::Accept, Host::INVAL);
                error.because(Reason::ListenerShutDown)
            }
            false => error,
        })
    }
}

fn lacks_resources(error: &Error) -> bool {
    let lacking = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
    lacking.contains(&error.raw_os_error())
}
