//! What the tests share: private directories, servers, questions.

use rustix::fd::OwnedFd;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags};
use rustix::net::{bind, connect, listen, socket_with};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use sunpath::fact::{AbstractTarget, PathTarget};
use sunpath::observe::{As, Query, observe};
use sunpath::{Address, Call, Endpoint, Facts, SocketType};

/// A number that no other test of this process gets.
pub fn number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// A socket of a type, bound to a path.
pub fn bound(kind: SocketType, path: &Path) -> OwnedFd {
    let server = fresh(kind);
    bind(&server, &SocketAddrUnix::new(path).unwrap()).unwrap();
    server
}

pub fn fresh(kind: SocketType) -> OwnedFd {
    let kind = match kind {
        SocketType::Stream => rustix::net::SocketType::STREAM,
        SocketType::Datagram => rustix::net::SocketType::DGRAM,
        SocketType::SeqPacket => rustix::net::SocketType::SEQPACKET,
        SocketType::Tcp | SocketType::Udp => unreachable!("not a UNIX domain socket"),
    };
    socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap()
}

/// A stream listener at a path.
pub fn listener(path: &Path, backlog: i32) -> OwnedFd {
    let server = bound(SocketType::Stream, path);
    listen(&server, backlog).unwrap();
    server
}

/// A connection to a stream listener.
pub fn client(path: &Path) -> OwnedFd {
    let client = fresh(SocketType::Stream);
    connect(&client, &SocketAddrUnix::new(path).unwrap()).unwrap();
    client
}

/// The facts about a stream connect to an address.
pub fn facts(address: Address, caller: As) -> Facts {
    let endpoint = Endpoint::Unix(address);
    let query = Query { caller, ..Query::new(Call::Connect, SocketType::Stream, endpoint) };
    observe(&query).unwrap()
}

/// What a path leads to.
pub fn path_target(path: &Path) -> PathTarget {
    bytes_target(path.as_os_str().as_bytes())
}

/// What a path leads to, once nothing is bound to it any more.
///
/// A process that another test is starting holds a copy of every descriptor until it has begun its
/// program, so a socket may outlive its last owner for a moment.
pub fn dead_target(path: &Path) -> PathTarget {
    for _ in 0..100 {
        let target = path_target(path);
        if target.attached.is(Vec::is_empty) {
            return target;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("still alive: {:?}", path_target(path).attached);
}

/// What a path leads to, by its bytes.
pub fn bytes_target(path: &[u8]) -> PathTarget {
    facts(Address::Path(path.to_vec()), As::Myself).path().unwrap().clone()
}

/// What an abstract name leads to.
pub fn abstract_target(name: &[u8]) -> AbstractTarget {
    facts(Address::Abstract(name.to_vec()), As::Myself).abstract_name().unwrap().clone()
}
