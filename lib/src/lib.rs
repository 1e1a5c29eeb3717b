//! UNIX domain sockets without the usual traps, whose errors say why.
//!
//! ```
//! use std::os::fd::AsFd;
//! use std::time::Duration;
//! use sunpath::{Ancillary, AncillaryBuffer, Listener, Stream};
//!
//! let path = std::env::temp_dir().join(format!("sunpath-doc-front-{}", std::process::id()));
//! let listener = Listener::options().mode(0o660).replace_dead().pass_rights(true).bind(&path)?;
//! let client = Stream::connect_timeout(&path, Duration::from_secs(2))?;
//! let server = listener.accept()?;
//!
//! let file = std::fs::File::open("/dev/null")?;
//! client.send_with(b"take this", &Ancillary::descriptors(&[file.as_fd()]))?;
//!
//! let (mut bytes, mut beside) = ([0; 64], AncillaryBuffer::new(1));
//! let received = server.recv_with(&mut bytes, &mut beside)?;
//! let file = beside.take_descriptors().next(); // owned, and close-on-exec
//! assert!(received.bytes == 9 && file.is_some());
//!
//! let error = Stream::connect("/nonexistent/server").unwrap_err();
//! assert_eq!(error.why().causes[0].cause.id, "connect/missing-directory");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is where
//!
//! | to | there is |
//! |---|---|
//! | connect, and read and write bytes | [`Stream`]; with a deadline: [`Stream::connect_timeout`], [`Stream::connect_until`]; from a name: [`Stream::options`] |
//! | exchange messages over a connection | [`SeqPacket`] |
//! | send messages to many | [`Datagram`] |
//! | serve | [`Listener`], [`SeqPacketListener`] |
//! | set mode, owner and backlog; replace a dead server's file | [`BindOptions`] |
//! | take over from a running server | [`Listener::take_over`] |
//! | name a socket: paths of any length, abstract names, none | anything that is [`ToAddress`]: strings, paths, [`Address`], [`AddressRef`], [`SockAddr`] |
//! | pass descriptors and credentials | `send_with`, `send_message` with [`Ancillary`]; `recv_with`, `recv_message` with [`AncillaryBuffer`]; if some were dropped: [`Truncation`] |
//! | know who is at the other end | [`Peer`], [`Credentials`]; what of it to trust: [`authorisation`] |
//! | set options, look at queues | [`SockOpt`] |
//! | peek, not wait, wait for all, send urgent bytes | [`RecvFlags`], [`SendFlags`] |
//! | move many messages in one call | [`Outgoing`], [`RecvBatch`] |
//! | have messages on a stream, coalesce small writes | [`framing`] |
//! | answer within microseconds | [`Spinning`] |
//! | use tokio | the module `tokio`, with the feature of that name: every type, batches and frames |
//! | test all of it without a kernel, on any platform's rules, with every fault | the module `sim`, with the feature of that name |
//! | list every socket, its holders and its peer | [`list`](mod@list) |
//! | be started with open sockets by a service manager | [`activation`] |
//! | learn why a call failed | [`Error::why`]; for errors of other libraries [`why()`](fn@why), [`why_of`] |
//! | read the catalogue of causes, the facts and the diagnosis | [`cause`], [`fact`], [`observe`] |
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
//! | `peer_cred()`, `peek(..)` (both unstable) | [`peer().credentials()`](Peer::credentials), [`RecvFlags::PEEK`] |
//! | `connect_addr`, `bind_addr`, `send_to_addr` | `connect`, `bind` and `send_to` take every form of address |
//!
//! A descriptor of any origin is adopted by `TryFrom<OwnedFd>`, which checks family and type.
//!
//! # Rules that hold everywhere
//!
//! - Calls on sockets go on after a signal, except `Read` and `Write`, whose users expect
//!   `Interrupted`. Nothing raises `SIGPIPE`. Every descriptor is close-on-exec.
//! - Documentation names errors by the ids of their causes, as `connect/stale-socket`: `sunpath
//!   explain` and [`cause::find`] have a page on each.
//! - A failing call looks nothing up. Whoever asks ([`Error::why`], or `{:#}`) starts the diagnosis.
//! - No receive allocates once its buffers exist, and no send, except to a path of over 107 bytes.
//!
//! This crate runs on Linux; what came with a certain version says so. The vocabulary, the
//! catalogue of causes and the diagnosis come from `sunpath-core` and are re-exported here, so that
//! a program needs this crate only.

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
#[doc(hidden)]
pub mod host;
pub mod list;
mod listener;
pub mod observe;
mod peer;
mod reason;
mod route;
mod seqpacket;
#[cfg(feature = "sim")]
pub mod sim;
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
pub use sys::clock::{now, sleep};
pub use why::{why, why_of};

/// Compiles and runs what the front page of the project shows.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct FrontPage;
