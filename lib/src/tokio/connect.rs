//! Connecting, with pauses while the backlog is full.

use super::io::Io;
use super::registration::{now, sleep_until};
use crate::connect::{ConnectOptions, Limit, Pauses, backlog_full, connect_once, connected};
use crate::socket::Socket;
use crate::sys::Errno as Host;
use crate::{AddressRef, Call, Error, SocketType};
use ::tokio::time::Instant;

/// A new socket that is connected to the address; never one that is not.
pub(super) async fn connect(
    kind: SocketType,
    to: AddressRef<'_>,
    deadline: Option<Instant>,
) -> Result<Io, Error> {
    let socket = Socket::new(kind).map_err(|e| e.about(to))?;
    connect_socket(socket, to, deadline).await
}

/// As [`connect`], with options.
pub(super) async fn connect_with<T>(
    options: &ConnectOptions<T>,
    to: AddressRef<'_>,
) -> Result<Io, Error> {
    // By tokio's clock, which may be paused.
    let deadline = match options.limit() {
        Limit::Never => None,
        Limit::At(deadline) => Some(Instant::from_std(deadline)),
        Limit::After(timeout) => now().checked_add(timeout),
    };
    connect_socket(options.prepare(to)?, to, deadline).await
}

async fn connect_socket(
    socket: Socket,
    to: AddressRef<'_>,
    deadline: Option<Instant>,
) -> Result<Io, Error> {
    socket.set_nonblocking(true)?;
    let start = now();
    let mut pauses = Pauses::new();
    loop {
        match connect_once(&socket, to) {
            Ok(()) => return Io::new(connected(socket, to)),
            Err(Host::AGAIN) => {}
            Err(errno) => return Err(Error::on(Call::Connect, socket.kind(), errno, to)),
        }
        let next = now() + pauses.next();
        match deadline {
            Some(deadline) if now() >= deadline => {
                return Err(backlog_full(
                    socket.kind(),
                    to,
                    now().saturating_duration_since(start),
                ));
            }
            Some(deadline) => sleep_until(next.min(deadline)).await,
            None => sleep_until(next).await,
        }
    }
}
