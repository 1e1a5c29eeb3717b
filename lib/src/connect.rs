//! Connecting, at once or until a deadline.

use crate::reason::Reason;
use crate::socket::Socket;
use crate::sys::{self, Errno as Host};
use crate::{AddressRef, Call, Error, SocketType, route};
use std::time::{Duration, Instant};

/// How long to wait before a full backlog is tried again: doubled each time, up to the second.
const PAUSES: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));

/// Pauses between tries that nothing announces: growing, so that a long wait costs little.
#[derive(Debug)]
pub(crate) struct Pauses(Duration);

impl Pauses {
    pub(crate) fn new() -> Pauses {
        Pauses(PAUSES.0)
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(PAUSES.1);
        pause
    }
}

/// One try to connect a socket that does not block. `EAGAIN` means that the backlog is full:
/// then nothing was begun, and nothing tells when there is room.
pub(crate) fn connect_once(socket: &Socket, to: AddressRef<'_>) -> sys::Result<()> {
    loop {
        match route::reach(to, |name| sys::socket::connect(socket, name)) {
            Err(Host::INTR) => {}
            done => return done,
        }
    }
}

/// What to say at the deadline.
pub(crate) fn backlog_full(kind: SocketType, to: AddressRef<'_>, waited: Duration) -> Error {
    let reason = Reason::BacklogFull { waited, queue: None };
    Error::on(Call::Connect, kind, Host::AGAIN, to).because(reason)
}

/// As [`connect`], but tries a full backlog again until the deadline only.
pub(crate) fn connect_until(
    kind: SocketType,
    to: AddressRef<'_>,
    deadline: Instant,
) -> Result<Socket, Error> {
    let socket = Socket::new(kind).map_err(|e| e.about(to))?;
    socket.set_nonblocking(true)?;
    let (start, mut pauses) = (Instant::now(), Pauses::new());
    loop {
        match connect_once(&socket, to) {
            Ok(()) => {
                socket.set_nonblocking(false)?;
                return Ok(socket);
            }
            Err(Host::AGAIN) if Instant::now() < deadline => {
                let left = deadline.saturating_duration_since(Instant::now());
                std::thread::sleep(pauses.next().min(left));
            }
            Err(Host::AGAIN) => return Err(backlog_full(kind, to, start.elapsed())),
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
