//! Connecting, at once or until a deadline.

use crate::reason::Reason;
use crate::socket::Socket;
use crate::sys::{self, Errno as Host};
use crate::{AddressRef, Call, Error, SocketType, route};
use std::time::{Duration, Instant};

/// How long to wait before a full backlog is tried again: doubled each time, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));

/// As [`connect`], but tries a full backlog again until the deadline only.
pub(crate) fn connect_until(
    kind: SocketType,
    to: AddressRef<'_>,
    deadline: Instant,
) -> Result<Socket, Error> {
    let socket = Socket::new(kind).map_err(|e| e.about(to))?;
    socket.set_nonblocking(true)?;
    let (start, mut pause) = (Instant::now(), PAUSES.0);
    loop {
        match route::reach(to, |name| sys::socket::connect(&socket, name)) {
            Ok(()) => {
                socket.set_nonblocking(false)?;
                return Ok(socket);
            }
            Err(Host::INTR) => {}
            Err(Host::AGAIN) if Instant::now() < deadline => {
                std::thread::sleep(pause.min(deadline.saturating_duration_since(Instant::now())));
                pause = (pause * 2).min(PAUSES.1);
            }
            Err(Host::AGAIN) => {
                let reason = Reason::BacklogFull { waited: start.elapsed(), queue: None };
                return Err(Error::on(Call::Connect, kind, Host::AGAIN, to).because(reason));
            }
            Err(errno) => return Err(Error::on(Call::Connect, kind, errno, to)),
        }
    }
}

/// A new socket that is connected to the address. Waits while the backlog is full.
pub(crate) fn connect(kind: SocketType, to: AddressRef<'_>) -> Result<Socket, Error> {
    let socket = Socket::new(kind).map_err(|e| e.about(to))?;
    loop {
        match route::reach(to, |name| sys::socket::connect(&socket, name)) {
            Ok(()) => return Ok(socket),
            Err(Host::INTR) => {}
            Err(errno) => return Err(Error::on(Call::Connect, kind, errno, to)),
        }
    }
}
