//! A netlink socket and the exchange of a request for answers.

use super::wire::{Message, Messages, errno_of, request};
use crate::sys::Errno;
use crate::sys::netlink::{Netlink, ROUTE, SOCK_DIAG};

/// The kernel packs as much of a dump into one datagram as the reader's largest read so far had
/// room for, and what does not fit into a datagram of its own is left out without a word: a
/// listener with a thousand waiting connections, for example. So the first read is large already.
const BUFFER: usize = 256 * 1024;

/// So many objects, or fewer, are in most dumps.
const USUAL: usize = 1024;

/// A dump that changes interrupt is asked for again, so many times in all.
const ATTEMPTS: u32 = 4;

/// `NLM_F_REQUEST`
const REQUEST: u16 = 1;
/// `NLM_F_ROOT | NLM_F_MATCH`
const DUMP: u16 = 0x300;
/// `NLM_F_DUMP_INTR`
const INTERRUPTED: u16 = 0x10;
/// `NLMSG_ERROR`
const ERROR: u16 = 2;
/// `NLMSG_DONE`
const DONE: u16 = 3;
/// The first type that is not one of netlink's own.
const FIRST_TYPE: u16 = 0x10;

/// Why a request brought no complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The kernel's error, or a system call's.
    Errno(Errno),
    /// The tables changed during every attempt.
    Changed,
}

impl From<Errno> for Trouble {
    fn from(errno: Errno) -> Self {
        Trouble::Errno(errno)
    }
}

/// A netlink socket. It belongs for ever to the network namespace in which it was opened.
pub(crate) struct Client {
    socket: Netlink,
    sequence: u32,
}

impl Client {
    /// Asks about sockets: `sock_diag(7)`.
    pub(crate) fn sockets() -> Result<Client, Errno> {
        Netlink::open(SOCK_DIAG, BUFFER as u32).map(Client::on)
    }

    /// Asks about routes and neighbours: `rtnetlink(7)`.
    pub(crate) fn routes() -> Result<Client, Errno> {
        Netlink::open(ROUTE, BUFFER as u32).map(Client::on)
    }

    fn on(socket: Netlink) -> Client {
        Client { socket, sequence: 0 }
    }

    /// The name of a network device of the namespace, by its number.
    pub(crate) fn device(&self, number: u32) -> String {
        match rustix::net::netdevice::index_to_name(&self.socket, number) {
            Ok(name) => name,
            Err(_) => format!("device {number}"),
        }
    }

    /// Asks for one object.
    ///
    /// # Errors
    /// The kernel's error (`ENOENT`: there is none), or that of the exchange.
    pub(crate) fn get(
        &mut self,
        kind: u16,
        body: &[u8],
        mut take: impl FnMut(u16, &[u8]),
    ) -> Result<(), Trouble> {
        self.exchange(kind, REQUEST, body, &mut |message| take(message.kind, message.payload))
            .map(|_| ())
    }

    /// Asks for every object. `take` collects them; when the tables changed meanwhile, what was
    /// collected is dropped and the kernel is asked again.
    pub(crate) fn dump<T>(
        &mut self,
        kind: u16,
        body: &[u8],
        mut take: impl FnMut(u16, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, Trouble> {
        for _ in 0..ATTEMPTS {
            // Memory that is not written to costs nothing, and to grow costs a copy.
            let mut found = Vec::with_capacity(USUAL);
            let complete = self.exchange(kind, REQUEST | DUMP, body, &mut |message| {
                found.extend(take(message.kind, message.payload));
            })?;
            if complete {
                return Ok(found);
            }
        }
        Err(Trouble::Changed)
    }

    /// Sends a request and reads answers to the end. `false`: the dump was interrupted.
    fn exchange(
        &mut self,
        kind: u16,
        flags: u16,
        body: &[u8],
        take: &mut dyn FnMut(&Message<'_>),
    ) -> Result<bool, Trouble> {
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = request(kind, flags, self.sequence, body);
        retry(|| self.socket.send(&bytes))?;
        // Memory that is not written to costs nothing, and many namespaces may be asked.
        let mut buffer = vec![0; BUFFER];
        let mut complete = true;
        loop {
            let length = retry(|| self.socket.recv(&mut buffer))?;
            let Some(datagram) = buffer.get(..length) else {
                return Err(Errno::MSGSIZE.into());
            };
            for message in Messages(datagram) {
                if message.sequence != self.sequence {
                    continue;
                }
                complete &= message.flags & INTERRUPTED == 0;
                match message.kind {
                    DONE | ERROR => {
                        return match errno_of(message.payload) {
                            Some(0) | None => Ok(complete),
                            Some(number) => Err(Errno::from_raw_os_error(number).into()),
                        };
                    }
                    kind if kind < FIRST_TYPE => {}
                    _ => {
                        take(&message);
                        if flags & DUMP == 0 {
                            return Ok(true);
                        }
                    }
                }
            }
        }
    }
}

/// Repeats a call that a signal interrupted.
fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}
