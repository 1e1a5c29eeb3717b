//! UNIX domain sockets whose errors say why.
//!
//! This crate runs on Linux. The vocabulary, the catalogue of causes and the diagnosis come from
//! `sunpath-core` and are re-exported here, so that a program needs this crate only.
//!
//! [`Stream`] and [`Listener`] are sockets; their [`Error`]s name call, address and errno, and
//! explain themselves when asked. [`why`] does the same for errors of other libraries.
//!
//! # Coming from the standard library
//!
//! Sockets convert both ways with `From`, and [`Read`](std::io::Read) and
//! [`Write`](std::io::Write) are the same. `?` turns an [`Error`] into an `io::Error`, where a
//! function returns that. Otherwise:
//!
//! | `std::os::unix::net` | here |
//! | --- | --- |
//! | `let (stream, address) = listener.accept()?` | `let stream = listener.accept()?`; `stream.peer_addr()?` |
//! | dropping a `UnixListener` or `UnixDatagram` leaves its file | it removes the file that it made, unless [`keep_file`](BindOptions::keep_file) |
//! | `remove_file(path)` before `bind(path)` | [`options().replace_dead().bind(path)`](BindOptions::replace_dead), which never takes the file of a live server |
//! | `set_read_timeout`, `set_write_timeout` | `sockopt()`: [`set_receive_timeout`](SockOpt::set_receive_timeout), [`set_send_timeout`](SockOpt::set_send_timeout), which take zero for the shortest time |
//! | `take_error()` | [`sockopt().take_error()`](SockOpt::take_error) |
//! | `datagram.recv(..)?` is a number of bytes | it is a [`Received`]: `bytes`, and the `length` of the whole message |
//! | `datagram.send(..)?` is a number of bytes | it is `()`: a message is sent whole or not at all |
//! | `address.as_pathname()` | [`address.to_address().as_path()`](AddressRef::as_path), [`SockAddr::as_path`] |
//! | `SocketAddr::from_abstract_name(name)` | [`AddressRef::Abstract(name)`](AddressRef::Abstract) |
//! | `error.raw_os_error() == Some(libc::ENOENT)` | [`error.errno()`](Error::errno) `== Some(Errno::ENOENT)`; of an `io::Error` that was made from one, [`raw_os_error`] |
//! | descriptors come unasked | [`pass_rights`](BindOptions::pass_rights) lets them in |

#[cfg(not(target_os = "linux"))]
compile_error!("sunpath supports Linux; sunpath-core, the catalogue and diagnosis, runs anywhere");

pub mod activation;
mod address;
mod ancillary;
pub mod authorisation;
mod batch;
mod bind;
mod connect;
mod credentials;
mod datagram;
mod error;
mod flags;
pub mod framing;
mod listener;
pub mod observe;
mod peer;
mod reason;
mod route;
mod seqpacket;
mod socket;
mod sockopt;
mod spin;
mod stream;
#[doc(hidden)]
pub mod sys;
#[cfg(feature = "tokio")]
pub mod tokio;
mod why;

pub use address::{AddressRef, SockAddr, ToAddress};
pub use ancillary::{Ancillary, AncillaryBuffer, MOST_DESCRIPTORS, Received, Suspect, Truncation};
pub use batch::{MOST_IN_A_BATCH, Message, Outgoing, RecvBatch};
pub use bind::{BindOptions, Bound, Listens};
pub use connect::ConnectOptions;
pub use credentials::Credentials;
pub use datagram::Datagram;
pub use error::{Error, path_address, raw_os_error};
pub use flags::{RecvFlags, SendFlags};
pub use listener::{Listener, SeqPacketListener};
pub use peer::{Peer, PeerProcess};
pub use seqpacket::SeqPacket;
pub use socket::Rejected;
pub use sockopt::{Memory, SockOpt};
pub use spin::Spinning;
pub use stream::Stream;
pub use sunpath_core::*;
pub use why::{why, why_of};

/// Compiles and runs what the front page of the project shows.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct FrontPage;
