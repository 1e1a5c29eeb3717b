//! The kernel's table of UNIX domain sockets, by `sock_diag(7)`.
//!
//! A table belongs to one network namespace: that of the [`Client`]. Names are bytes.

use super::netlink::{Attributes, Client, Trouble, field};
use crate::SocketType;
use crate::fact::path::FileId;
use crate::fact::socket::{Backlog, Directions, State};
use crate::fact::{Seen, SocketFact};
use rustix::io::Errno;
use std::borrow::Cow;

/// `SOCK_DIAG_BY_FAMILY`
const BY_FAMILY: u16 = 20;
const AF_UNIX: u8 = 1;
/// No cookie: any socket with the inode number.
const ANY_COOKIE: [u8; 8] = [0xff; 8];

/// `TCP_ESTABLISHED`, `TCP_CLOSE`, `TCP_LISTEN`: AF_UNIX borrows the states of TCP.
const ESTABLISHED: u8 = 1;
const CLOSE: u8 = 7;
const LISTEN: u8 = 10;

/// A set of states to dump.
#[derive(Debug, Clone, Copy)]
pub(crate) struct States(u32);

impl States {
    /// Sockets that may be bound and are not the ends of connections: what a name leads to,
    /// except for datagram sockets with a peer.
    pub(crate) const SERVERS: States = States(1 << LISTEN | 1 << CLOSE);
    /// Ends of connections, and datagram sockets with a peer.
    pub(crate) const CONNECTED: States = States(1 << ESTABLISHED);
    /// Listening sockets.
    pub(crate) const LISTENING: States = States(1 << LISTEN);
    /// All there are.
    pub(crate) const EVERY: States = States(u32::MAX);
}

/// `UDIAG_SHOW_*`: what is wanted of each socket. The kernel locks each socket once more for
/// some of them, so nothing is asked for that is not used.
pub(crate) mod show {
    pub(crate) const NAME: u32 = 1;
    pub(crate) const VFS: u32 = 2;
    pub(crate) const PEER: u32 = 4;
    pub(crate) const WAITING: u32 = 8;
    pub(crate) const QUEUE: u32 = 0x10;
    pub(crate) const UID: u32 = 0x40;
    /// What tells whether a socket is the one that is looked for, and what it is up to.
    pub(crate) const USUAL: u32 = NAME | VFS | PEER | QUEUE;
}

/// A socket as the table shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub inode: u32,
    pub kind: Option<SocketType>,
    pub state: State,
    /// Its name: a path without the NUL at its end, or a NUL and an abstract name.
    pub name: Option<Cow<'a, [u8]>>,
    /// Its file. Of the inode number, the kernel gives the low 32 bits.
    pub file: Option<FileId>,
    pub peer: Option<u32>,
    /// For a listener: the socket inodes of the clients that wait, first come first.
    pub waiting: Option<Vec<u32>>,
    /// For a listener: connections and backlog; otherwise bytes received and sent.
    pub queue: Option<(u32, u32)>,
    pub shutdown: Directions,
    /// The user that made it (Linux 5.9).
    pub uid: Option<u32>,
}

/// Reads one answer. `None`: not a UNIX domain socket, or too short to be one.
pub(crate) fn parse(message: &[u8]) -> Option<Record<'_>> {
    let [family, kind, state, _]: [u8; 4] = field(message, 0)?;
    if family != AF_UNIX {
        return None;
    }
    let mut record = Record {
        inode: u32_at(message, 4)?,
        kind: kind_of(kind),
        state: match state {
            LISTEN => State::Listening,
            ESTABLISHED => State::Connected,
            _ => State::Unconnected,
        },
        ..Record::default()
    };
    for (number, value) in Attributes(message.get(16..)?) {
        match number {
            0 => record.name = strip(value).map(Cow::Borrowed),
            1 => record.file = file_of(value),
            2 => record.peer = u32_at(value, 0),
            3 => {
                record.waiting = Some(value.chunks_exact(4).filter_map(|c| u32_at(c, 0)).collect())
            }
            4 => record.queue = Some((u32_at(value, 0)?, u32_at(value, 4)?)),
            6 => {
                let bits = value.first().copied().unwrap_or_default();
                record.shutdown = Directions { read: bits & 1 != 0, write: bits & 2 != 0 };
            }
            7 => record.uid = u32_at(value, 0),
            _ => {}
        }
    }
    Some(record)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    field(bytes, offset).map(u32::from_ne_bytes)
}

pub(super) fn kind_of(number: u8) -> Option<SocketType> {
    match number {
        1 => Some(SocketType::Stream),
        2 => Some(SocketType::Datagram),
        5 => Some(SocketType::SeqPacket),
        _ => None,
    }
}

/// A path ends at its NUL; an abstract name begins with one, and every later byte counts.
fn strip(name: &[u8]) -> Option<&[u8]> {
    match name.first()? {
        0 => Some(name),
        _ => name.split(|b| *b == 0).next(),
    }
}

fn file_of(value: &[u8]) -> Option<FileId> {
    let inode = u64::from(u32_at(value, 0)?);
    let device = u32_at(value, 4)?;
    // The kernel's own form of a device number: 12 bits major, 20 bits minor.
    let (major, minor) = (u64::from(device >> 20), u64::from(device & 0xf_ffff));
    Some(FileId { device: major << 32 | minor, inode })
}

impl Record<'_> {
    /// For a listener whose queue is shown: the connections in it, and its limit.
    pub(crate) fn backlog(&self) -> Option<Backlog> {
        let (pending, limit) = self.queue.filter(|_| self.state == State::Listening)?;
        Some(Backlog { pending, limit })
    }

    /// As a fact; the owners are not filled in.
    pub(crate) fn to_fact(&self, kind: SocketType, net_namespace: Seen<u64>) -> SocketFact {
        let listening = self.state == State::Listening;
        SocketFact {
            state: self.state,
            name: self.name.as_deref().map(<[u8]>::to_vec),
            file: self.file,
            net_namespace,
            backlog: self.backlog(),
            peer: self.peer.map(u64::from),
            queued_bytes: match self.queue {
                Some((unread, _)) if !listening => Seen::Known(unread),
                _ => Seen::default(),
            },
            shutdown: self.shutdown,
            ..SocketFact::new(u64::from(self.inode), kind)
        }
    }
}

fn query(states: States, inode: u32, shown: u32, cookie: [u8; 8]) -> Vec<u8> {
    let mut body = vec![AF_UNIX, 0, 0, 0];
    for number in [states.0, inode, shown] {
        body.extend_from_slice(&number.to_ne_bytes());
    }
    body.extend_from_slice(&cookie);
    body
}

/// Every socket in these states that `keep` wants, turned into what `keep` makes of it.
///
/// # Errors
/// `ENOENT` where the kernel lacks `unix_diag`.
pub(crate) fn dump<T>(
    client: &mut Client,
    states: States,
    shown: u32,
    keep: impl Fn(&Record<'_>) -> Option<T>,
) -> Result<Vec<T>, Trouble> {
    client.dump(BY_FAMILY, &query(states, 0, shown, [0; 8]), |_, message| keep(&parse(message)?))
}

/// The one socket with this inode number; `None` if there is none here.
pub(crate) fn exact<T>(
    client: &mut Client,
    inode: u32,
    shown: u32,
    make: impl Fn(&Record<'_>) -> Option<T>,
) -> Result<Option<T>, Trouble> {
    let mut found = None;
    let body = query(States::EVERY, inode, shown, ANY_COOKIE);
    match client.get(BY_FAMILY, &body, |_, message| found = parse(message).and_then(|r| make(&r))) {
        Ok(()) => Ok(found),
        Err(Trouble::Errno(Errno::NOENT)) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// The clients that wait for a listener to accept them, by socket inode, first come first. 0 is
/// one that is closed already. `None` if the listener is gone.
pub(crate) fn waiting(client: &mut Client, inode: u32) -> Result<Option<Vec<u32>>, Trouble> {
    let of = |record: &Record<'_>| record.waiting.clone();
    match exact(client, inode, show::WAITING, of) {
        // The answer to an exact query has at most one page; a dump has room for more.
        Err(Trouble::Errno(Errno::MSGSIZE)) => {
            let all = dump(client, States::LISTENING, show::WAITING, |record| {
                if record.inode == inode { of(record) } else { None }
            })?;
            Ok(all.into_iter().next())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::netlink::wire::request_attribute;
    use proptest::prelude::*;

    fn message(kind: u8, state: u8) -> Vec<u8> {
        let mut bytes = vec![AF_UNIX, kind, state, 0];
        bytes.extend_from_slice(&77u32.to_ne_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes
    }

    #[test]
    fn a_listener_is_read_with_all_its_attributes() {
        let mut bytes = message(1, LISTEN);
        request_attribute(&mut bytes, 0, b"/run/a\nb\xff\0");
        request_attribute(&mut bytes, 1, &[9, 0, 0, 0, 0x1f, 0, 0x10, 0]);
        request_attribute(&mut bytes, 3, &[1, 0, 0, 0, 2, 0, 0, 0, 3]);
        request_attribute(&mut bytes, 4, &[2, 0, 0, 0, 128, 0, 0, 0]);
        request_attribute(&mut bytes, 6, &[1]);
        let record = parse(&bytes).unwrap();
        assert_eq!(record.name.as_deref(), Some(&b"/run/a\nb\xff"[..]));
        assert_eq!(record.file, Some(FileId { device: 1 << 32 | 0x1f, inode: 9 }));
        assert_eq!(record.waiting.as_deref(), Some(&[1, 2][..]));
        assert!(record.shutdown.read && !record.shutdown.write);
        let fact = record.to_fact(SocketType::Stream, Seen::Known(1));
        assert_eq!(fact.backlog, Some(Backlog { pending: 2, limit: 128 }));
        assert_eq!((fact.inode, fact.state), (77, State::Listening));
    }

    #[test]
    fn every_byte_of_an_abstract_name_counts() {
        let mut bytes = message(2, CLOSE);
        request_attribute(&mut bytes, 0, b"\0name\0\0");
        assert_eq!(parse(&bytes).unwrap().name.as_deref(), Some(&b"\0name\0\0"[..]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut with_family = bytes.clone();
            if let Some(first) = with_family.first_mut() {
                *first = AF_UNIX;
            }
            for bytes in [&bytes, &with_family] {
                if let Some(record) = parse(bytes) {
                    prop_assert!(record.name.as_ref().is_none_or(|n| n.len() <= bytes.len()));
                    record.to_fact(SocketType::Stream, Seen::default());
                }
            }
        }
    }
}
