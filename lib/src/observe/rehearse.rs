//! Asks the kernel what a file leads to, without connecting to it.
//!
//! `connect` looks the address up and checks the listener before it looks at the state of the
//! socket that it is called on. Called on a socket that is connected already, it therefore answers
//! what the address leads to and then always fails: nothing reaches the server, nothing wakes it.
//! And since the type of the socket is compared before the listener's state, two sockets of
//! different types tell apart "nobody" and "does not listen".
//!
//! The answer holds across network namespaces and needs neither netlink nor `/proc/net`, only
//! write permission for the file. It also settles what the socket tables cannot: file systems
//! (btrfs, overlay) on which the tables show another device number than `stat`, and ends of
//! connections that carry their dead listener's name.

use crate::SocketType;
use crate::fact::socket::State;
use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags};

/// What is bound to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// No socket.
    Nobody,
    /// A socket of this type. A listener that no longer receives counts as unconnected.
    Socket {
        /// Its type.
        kind: SocketType,
        /// Listening or not.
        state: State,
        /// Whether its queue is full.
        full: bool,
    },
}

/// What the socket file is bound to, by the kernel's own lookup. `None` if the kernel does not
/// say, for lack of write permission for example.
pub fn file(file: BorrowedFd<'_>) -> Option<Bound> {
    #[cfg(feature = "sim")]
    if let Some(sim) = crate::sim::current() {
        return sim.bound_to(file).ok().map(|bound| match bound {
            None => Bound::Nobody,
            Some(socket) => Bound::Socket {
                kind: socket.kind,
                state: if socket.listening { State::Listening } else { State::Unconnected },
                full: false,
            },
        });
    }
    let path = format!("{}{}", crate::route::LINK, file.as_raw_fd());
    let address = SocketAddrUnix::new(path).ok()?;
    let stream = attempt(net::SocketType::STREAM, &address)?;
    let packet = attempt(net::SocketType::SEQPACKET, &address)?;
    conclude(stream, packet)
}

/// The errno of a `connect` that cannot succeed.
fn attempt(kind: net::SocketType, address: &SocketAddrUnix) -> Option<Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (end, _other): (OwnedFd, OwnedFd) =
        net::socketpair(AddressFamily::UNIX, kind, flags, None).ok()?;
    net::connect(&end, address).err()
}

/// What the answers to a stream and to a seqpacket socket mean together. Anything else (a
/// permission that is missing, a socket that changed in between) means nothing.
fn conclude(stream: Errno, packet: Errno) -> Option<Bound> {
    let listening = |kind, errno| match errno {
        Errno::ISCONN => Some((kind, State::Listening, false)),
        Errno::AGAIN => Some((kind, State::Listening, true)),
        Errno::CONNREFUSED => Some((kind, State::Unconnected, false)),
        _ => None,
    };
    let (kind, state, full) = match (stream, packet) {
        (Errno::CONNREFUSED, Errno::CONNREFUSED) => return Some(Bound::Nobody),
        (Errno::PROTOTYPE, Errno::PROTOTYPE) => (SocketType::Datagram, State::Unconnected, false),
        (errno, Errno::PROTOTYPE) => listening(SocketType::Stream, errno)?,
        (Errno::PROTOTYPE, errno) => listening(SocketType::SeqPacket, errno)?,
        _ => return None,
    };
    Some(Bound::Socket { kind, state, full })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags};
    use rustix::net::{bind, listen, socket, sockopt};
    use std::time::Duration;

    fn look(path: &std::path::Path) -> Option<Bound> {
        let opened = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        file(rustix::fd::AsFd::as_fd(&opened))
    }

    /// Every type in every state is told apart, and no listener ever sees a connection.
    #[test]
    fn every_kind_of_server_is_told_apart_without_a_connection() {
        let dir = crate::observe::test::Dir::new();
        let kinds = [
            (net::SocketType::STREAM, SocketType::Stream),
            (net::SocketType::SEQPACKET, SocketType::SeqPacket),
            (net::SocketType::DGRAM, SocketType::Datagram),
        ];
        for (raw, kind) in kinds {
            let path = dir.join(kind.name());
            let address = SocketAddrUnix::new(&path).unwrap();
            let server = socket(AddressFamily::UNIX, raw, None).unwrap();
            bind(&server, &address).unwrap();
            let unconnected = Bound::Socket { kind, state: State::Unconnected, full: false };
            assert_eq!(look(&path), Some(unconnected));
            if kind != SocketType::Datagram {
                listen(&server, 0).unwrap();
                let listening = Bound::Socket { kind, state: State::Listening, full: false };
                assert_eq!(look(&path), Some(listening));
                rustix::io::ioctl_fionbio(&server, true).unwrap();
                assert_eq!(net::accept(&server).unwrap_err(), Errno::AGAIN, "somebody connected");
                let client = socket(AddressFamily::UNIX, raw, None).unwrap();
                net::connect(&client, &address).unwrap();
                let full = Bound::Socket { kind, state: State::Listening, full: true };
                assert_eq!(look(&path), Some(full));
                net::shutdown(&server, net::Shutdown::Read).unwrap();
                assert_eq!(look(&path), Some(unconnected), "a shut listener takes nobody");
            } else {
                let patience = Some(Duration::from_millis(20));
                sockopt::set_socket_timeout(&server, sockopt::Timeout::Recv, patience).unwrap();
                let mut buffer = [0; 8];
                let got = net::recv(&server, &mut buffer, net::RecvFlags::empty());
                assert_eq!(got.unwrap_err(), Errno::AGAIN);
            }
            drop(server);
            // A process that another test starts may hold a copy for a moment.
            let gone = (0..100).any(|_| {
                std::thread::sleep(Duration::from_millis(10));
                look(&path) == Some(Bound::Nobody)
            });
            assert!(gone, "{kind}");
        }
    }

    #[test]
    fn answers_that_do_not_fit_mean_nothing() {
        for pair in [
            (Errno::ACCESS, Errno::ACCESS),
            (Errno::ISCONN, Errno::ISCONN),
            (Errno::CONNREFUSED, Errno::ISCONN),
            (Errno::ISCONN, Errno::CONNREFUSED),
        ] {
            assert_eq!(conclude(pair.0, pair.1), None, "{pair:?}");
        }
    }
}
