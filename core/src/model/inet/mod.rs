//! The least internet: IPv4 with TCP and UDP over a small network, so that the errors of
//! `connect` that only the internet has can be had.

use super::slab::{Id, Slab};
use super::stop::Tried;
use super::wait::Attempt;
use super::world::{Caller, World};
use crate::SocketType;
use crate::op::{Fd, NewFlags, Op};

pub(crate) type InetId = Id<Socket>;

/// `IPPROTO_TCP`
pub(crate) const TCP: i32 = 6;
/// `IPPROTO_UDP`
pub(crate) const UDP: i32 = 17;

/// The internet, as far as this machine knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Internet {
    pub(crate) sockets: Slab<Socket>,
}

/// An internet socket.
#[derive(Debug, Clone)]
pub(crate) struct Socket {
    pub(crate) kind: SocketType,
}

impl Default for Internet {
    fn default() -> Internet {
        Internet { sockets: Slab::new() }
    }
}

impl World {
    pub(crate) fn open_internet(
        &mut self,
        caller: Caller,
        kind: SocketType,
        flags: NewFlags,
    ) -> Tried<Fd> {
        let socket = self.internet.sockets.insert(Socket { kind });
        let opened = self.open_file(
            caller,
            super::file::What::Inet(socket),
            flags,
            "socket/descriptor-limit",
        );
        opened.map(|(_, fd)| fd)
    }

    /// A call on an internet socket.
    pub(crate) fn internet_call(
        &mut self,
        _caller: Caller,
        _socket: InetId,
        _op: &Op,
        _attempt: &mut Attempt,
    ) -> Tried {
        Err(super::stop::Stop::Errno(crate::Errno::ENOSYS))
    }

    /// The last descriptor of an internet socket is closed.
    pub(crate) fn bury_internet(&mut self, socket: InetId) {
        self.internet.sockets.remove(socket);
    }
}
