//! The sockets of this crate for programs that run on [tokio](https://tokio.rs) (feature `tokio`).
//!
//! The types have the names and the methods of the blocking ones, with `async` where those wait.
//! [`TryFrom`] turns a blocking socket into one of these and back, so that whatever can be done
//! with a [`sunpath::Listener`](crate::Listener), as to how it is bound or handed over, can be
//! done before. All of them share these rules:
//!
//! - **The runtime** needs its I/O driver and its timer (`enable_all`). Making a socket outside of
//!   such a runtime panics, as tokio's own types do; nothing panics later.
//! - **Deadlines**: every method may be put into [`tokio::time::timeout`](fn@::tokio::time::timeout).
//! - **Cancellation**: a future that is dropped has done nothing, unless it had returned. No
//!   message, byte or descriptor is taken from a queue and lost, and none is sent half.
//!   What differs from that is said with the method: the `*_all` and `*_exact` methods of tokio's
//!   extension traits, for example, may have moved some of their bytes.
//! - **Several tasks** may wait for the same socket through `&self`, in any method that is
//!   `async` here. The traits [`AsyncRead`](::tokio::io::AsyncRead) and
//!   [`AsyncWrite`](::tokio::io::AsyncWrite) wake one task a direction.
//! - **No spinning**: a wait is for an event of the kernel. Where the kernel has none, tries are
//!   made with pauses that grow to 10 ms, and the method says so.
//! - **Fairness**: a method that has not to wait uses up some of the task's
//!   [budget](::tokio::task::coop), so that a busy socket does not starve other tasks.
//!
//! ```
//! use sunpath::tokio::{Listener, Stream};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let path = std::env::temp_dir().join(format!("sunpath-doc-tokio-{}", std::process::id()));
//! let listener = Listener::bind(&path)?;
//! let server = tokio::spawn(async move {
//!     let mut connection = listener.accept().await?;
//!     connection.write_all(b"hello").await
//! });
//! let mut client = Stream::connect(&path).await?;
//! let mut word = String::new();
//! client.read_to_string(&mut word).await?;
//! assert_eq!(word, "hello");
//! # server.await??;
//! # Ok(())
//! # }
//! ```

mod batch;
mod connect;
mod datagram;
pub mod framing;
mod full;
mod io;
mod listener;
mod message;
mod registration;
mod seqpacket;
mod split;
mod stream;

pub use datagram::Datagram;
pub use listener::{Listener, SeqPacketListener};
pub use seqpacket::SeqPacket;
pub use split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use stream::Stream;

/// Lets time pass, as [`tokio::time::sleep`](fn@::tokio::time::sleep) does; in a simulation (feature
/// `sim`) virtual time, which takes none.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// sunpath::tokio::sleep(std::time::Duration::from_millis(1)).await;
/// # }
/// ```
pub async fn sleep(time: std::time::Duration) {
    registration::sleep(time).await;
}

/// What every type has: its own name, options, and conversions.
macro_rules! socket_methods {
    ($name:ident, $blocking:ident, $kind:expr) => {
        impl $name {
            /// This socket's own name; `Unnamed` unless it was bound, or accepted from a listener.
            ///
            /// [getsockname(2)](https://man7.org/linux/man-pages/man2/getsockname.2.html)
            pub fn local_addr(&self) -> Result<$crate::Address, $crate::Error> {
                self.io.socket().local_addr()
            }

            /// Its options and queues.
            pub fn sockopt(&self) -> $crate::SockOpt<'_> {
                $crate::SockOpt::new(self.io.lend(), $kind)
            }
        }

        impl TryFrom<$crate::$blocking> for $name {
            type Error = $crate::Error;

            /// Sets the socket not to block, and registers it with the current runtime.
            ///
            /// # Errors
            /// Of epoll_ctl(2), for example at the limit of watches of the user.
            ///
            /// # Panics
            /// Outside of a runtime with I/O driver and timer.
            #[track_caller]
            fn try_from(socket: $crate::$blocking) -> Result<$name, $crate::Error> {
                $name::adopt(socket.into_socket())
            }
        }

        impl TryFrom<$name> for $crate::$blocking {
            type Error = $crate::Error;

            /// Takes the socket out of the runtime, and sets it to block.
            fn try_from(socket: $name) -> Result<$crate::$blocking, $crate::Error> {
                Ok($crate::$blocking::from_socket(socket.io.into_blocking()?))
            }
        }

        impl From<$name> for ::std::os::fd::OwnedFd {
            /// Gives the descriptor away, set not to block. A file that it is bound to stays.
            fn from(socket: $name) -> ::std::os::fd::OwnedFd {
                socket.io.into_socket().into_fd()
            }
        }

        impl ::std::os::fd::AsFd for $name {
            fn as_fd(&self) -> ::std::os::fd::BorrowedFd<'_> {
                self.io.lend()
            }
        }

        impl ::std::os::fd::AsRawFd for $name {
            fn as_raw_fd(&self) -> ::std::os::fd::RawFd {
                ::std::os::fd::AsRawFd::as_raw_fd(&self.io.lend())
            }
        }
    };
}

/// What every type has that can have a peer.
macro_rules! peer_methods {
    ($name:ident, $kind:expr) => {
        impl $name {
            /// Two sockets that are connected to each other.
            ///
            /// # Errors
            /// `socket/descriptor-limit` and its kin.
            ///
            /// # Panics
            /// Outside of a runtime with I/O driver and timer.
            ///
            /// [socketpair(2)](https://man7.org/linux/man-pages/man2/socketpair.2.html)
            #[track_caller]
            pub fn pair() -> Result<($name, $name), $crate::Error> {
                let (a, b) = $crate::socket::Socket::pair($kind)?;
                Ok(($name::adopt(a)?, $name::adopt(b)?))
            }

            /// The peer's name, also after it has closed.
            ///
            /// # Errors
            /// `name/no-peer` (`ENOTCONN`) if it has none.
            ///
            /// [getpeername(2)](https://man7.org/linux/man-pages/man2/getpeername.2.html)
            pub fn peer_addr(&self) -> Result<$crate::Address, $crate::Error> {
                self.io.socket().peer_addr()
            }

            /// Who is at the other end.
            pub fn peer(&self) -> $crate::Peer<'_> {
                $crate::Peer::new(::std::os::fd::AsFd::as_fd(self.io.socket()), $kind)
            }

            /// Waits until the socket may have something to receive, or the peer has closed.
            /// A false alarm is possible: use a `try_*` method then, which puts it right.
            ///
            /// Cancellation: nothing happens.
            pub async fn readable(&self) -> Result<(), $crate::Error> {
                self.io.wait(::tokio::io::Interest::READABLE).await.map(drop)
            }

            /// Waits until the socket may have room to send.
            /// A false alarm is possible: use a `try_*` method then, which puts it right.
            ///
            /// Cancellation: nothing happens.
            pub async fn writable(&self) -> Result<(), $crate::Error> {
                self.io.wait(::tokio::io::Interest::WRITABLE).await.map(drop)
            }

            /// Waits until one of the states may have come, and tells which.
            ///
            /// Cancellation: nothing happens.
            pub async fn ready(
                &self,
                interest: ::tokio::io::Interest,
            ) -> Result<::tokio::io::Ready, $crate::Error> {
                self.io.wait(interest).await
            }
        }
    };
}

use {peer_methods, socket_methods};
