//! The socket that clients find.

use super::in_place::attributes;
use crate::args::Tap;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use sunpath::sys::file::Statx;
use sunpath::{Address, BindOptions, Datagram, Error, SeqPacketListener, SocketType};

/// A socket of one of the three types, which never waits.
#[derive(Debug)]
pub enum Listener {
    /// For streams.
    Stream(sunpath::Listener),
    /// For packets.
    Packet(SeqPacketListener),
    /// For datagrams.
    Datagram(Datagram),
}

/// Calls a method of the options of each type.
macro_rules! bind {
    ($kind:expr, $with:expr, $address:expr) => {
        match $kind {
            SocketType::Datagram => {
                let options = $with.datagram(Datagram::options());
                options.pass_credentials(true).bind($address).map(Listener::Datagram)
            }
            SocketType::SeqPacket => {
                let options = $with.packet(SeqPacketListener::options());
                options.pass_credentials($with.credentials).bind($address).map(Listener::Packet)
            }
            _ => {
                let options = $with.stream(sunpath::Listener::options());
                options.pass_credentials($with.credentials).bind($address).map(Listener::Stream)
            }
        }
    };
}

/// How the file is made.
struct With {
    mode: Option<u32>,
    owner: Option<u32>,
    group: Option<u32>,
    replace_dead: bool,
    keep: bool,
    /// Those of each message are received.
    credentials: bool,
}

macro_rules! applied {
    ($($name:ident $kind:ty)*) => {$(
        fn $name(&self, options: BindOptions<$kind>) -> BindOptions<$kind> {
            let mut options = options.nonblocking(true).pass_rights(true).keep_file(self.keep);
            if let Some(mode) = self.mode {
                options = options.mode(mode);
            }
            if let Some(owner) = self.owner {
                options = options.owner(owner);
            }
            if let Some(group) = self.group {
                options = options.group(group);
            }
            if self.replace_dead {
                options = options.replace_dead();
            }
            options
        }
    )*};
}

impl With {
    applied! { stream sunpath::Listener packet SeqPacketListener datagram Datagram }
}

/// Binds where the user wants.
pub fn bind(address: &Address, kind: SocketType, args: &Tap) -> Result<Listener, Error> {
    let with = With {
        mode: args.mode,
        owner: None,
        group: None,
        replace_dead: args.replace_dead,
        keep: false,
        credentials: args.credentials,
    };
    bind!(kind, with, address)
}

/// Binds with owner, group and mode of another file. The new file is never removed.
pub fn bind_like(
    path: &Path,
    kind: SocketType,
    other: &Statx,
    credentials: bool,
) -> Result<Listener, Error> {
    let (mode, owner, group) = attributes(other);
    let with =
        With { mode: Some(mode), owner, group, replace_dead: false, keep: true, credentials };
    bind!(kind, with, path)
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Listener::Stream(listener) => listener.as_fd(),
            Listener::Packet(listener) => listener.as_fd(),
            Listener::Datagram(socket) => socket.as_fd(),
        }
    }
}
