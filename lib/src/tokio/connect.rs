//! Connecting, with pauses while the backlog is full.

use super::io::Io;
use crate::connect::{Pauses, backlog_full, connect_once};
use crate::socket::Socket;
use crate::sys::Errno as Host;
use crate::{AddressRef, Call, Error, SocketType};
use ::tokio::time::{Instant, sleep_until};

/// A new socket that is connected to the address; never one that is not.
pub(super) async fn connect(
    kind: SocketType,
    to: AddressRef<'_>,
    deadline: Option<Instant>,
) -> Result<Io, Error> {
    let socket = Socket::new(kind).map_err(|e| e.about(to))?;
    socket.set_nonblocking(true)?;
    let start = Instant::now();
    let mut pauses = Pauses::new();
    loop {
        match connect_once(&socket, to) {
            Ok(()) => return Io::new(socket),
            Err(Host::AGAIN) => {}
            Err(errno) => return Err(Error::on(Call::Connect, kind, errno, to)),
        }
        let next = Instant::now() + pauses.next();
        match deadline {
            Some(deadline) if Instant::now() >= deadline => {
                return Err(backlog_full(kind, to, start.elapsed()));
            }
            Some(deadline) => sleep_until(next.min(deadline)).await,
            None => sleep_until(next).await,
        }
    }
}
