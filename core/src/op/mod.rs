//! Calls with their arguments, and what comes of them: the vocabulary that the model, the kernel
//! and traces share.
//!
//! An [`Op`] is a system call with everything that a program passes to it, mistakes included: a
//! wrong length, an unmapped pointer, an unknown flag. A [`Ret`] is what a call that succeeds
//! gives back. Numbers of a host (of options, families, errors) never appear: names do.
//!
//! One file for each kind of argument: [`Name`] (addresses), [`Message`] and [`Control`],
//! [`Opt`] and [`Value`] (options), [`Events`] (poll), [`FileOp`] and [`ProcessOp`] (what happens
//! around sockets: files, users, limits).
//!
//! What happens without any program making a call is a [`Setting`].

mod around;
mod bytes;
mod message;
mod name;
mod option;
mod poll;
mod ret;
mod setting;

pub use around::{FileOp, Ids, ProcessOp};
pub use bytes::Bytes;
pub use message::{Control, ControlOut, Message, Received, RecvFlags, SendFlags, Want};
pub use name::{Family, Name, Out};
pub use option::{Level, Opt, Request, Value};
pub use poll::{Events, Polled};
pub use ret::Ret;
pub use setting::{Internet, Manner, Mount, Restriction, Route, Setting};

use crate::{Call, SocketType};
use alloc::vec::Vec;
use core::time::Duration;

/// A descriptor's number.
pub type Fd = i32;

/// A system call with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// `socket(2)`: gives [`Ret::Fd`].
    Socket(New),
    /// `socketpair(2)`: gives [`Ret::Pair`].
    Socketpair(New),
    /// `bind(2)`. [`crate::Address::Unnamed`] asks for an automatic name.
    Bind {
        /// The socket.
        fd: Fd,
        /// The name.
        name: Name,
    },
    /// `listen(2)`.
    Listen {
        /// The socket.
        fd: Fd,
        /// How many connections may wait, as it was passed.
        backlog: i32,
    },
    /// `accept4(2)`: gives [`Ret::Accepted`].
    Accept {
        /// The listener.
        fd: Fd,
        /// `SOCK_NONBLOCK` and `SOCK_CLOEXEC`.
        flags: NewFlags,
        /// Where the peer's address goes.
        name: Out,
    },
    /// `connect(2)`.
    Connect {
        /// The socket.
        fd: Fd,
        /// Whom to connect to.
        name: Name,
    },
    /// `sendmsg(2)`: gives [`Ret::Count`].
    Send(Message),
    /// `recvmsg(2)`: gives [`Ret::Received`].
    Recv(Want),
    /// `shutdown(2)`: 0 reading, 1 writing, 2 both; every other number is a mistake.
    Shutdown {
        /// The socket.
        fd: Fd,
        /// The direction.
        how: i32,
    },
    /// `getsockname(2)`: gives [`Ret::Name`].
    Getsockname {
        /// The socket.
        fd: Fd,
        /// Where the name goes.
        name: Out,
    },
    /// `getpeername(2)`: gives [`Ret::Name`].
    Getpeername {
        /// The socket.
        fd: Fd,
        /// Where the name goes.
        name: Out,
    },
    /// `getsockopt(2)`: gives [`Ret::Value`].
    Getsockopt {
        /// The socket.
        fd: Fd,
        /// The level.
        level: Level,
        /// The option.
        option: Opt,
    },
    /// `setsockopt(2)`.
    Setsockopt {
        /// The socket.
        fd: Fd,
        /// The level.
        level: Level,
        /// The option.
        option: Opt,
        /// The value.
        value: Value,
    },
    /// `ioctl(2)`: gives [`Ret::Value`], or [`Ret::Fd`] for [`Request::File`].
    Ioctl {
        /// The socket.
        fd: Fd,
        /// What is asked.
        request: Request,
    },
    /// `poll(2)`: gives [`Ret::Polled`].
    Poll {
        /// The descriptors, and what is waited for.
        fds: Vec<(Fd, Events)>,
        /// How long to wait; `None`: for ever.
        timeout: Option<Duration>,
    },
    /// `close(2)`.
    Close {
        /// The descriptor.
        fd: Fd,
    },
    /// `dup(2)`: gives [`Ret::Fd`].
    Dup {
        /// The descriptor.
        fd: Fd,
    },
    /// `fcntl(F_SETFL)`: switches `O_NONBLOCK`, which belongs to the open file.
    Nonblocking {
        /// The descriptor.
        fd: Fd,
        /// On or off.
        on: bool,
    },
    /// `lseek(2)`.
    Lseek {
        /// The descriptor.
        fd: Fd,
    },
    /// A call that concerns files.
    File(FileOp),
    /// A call that concerns the process.
    Process(ProcessOp),
}

/// The arguments of `socket` and `socketpair`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct New {
    /// The address family.
    pub family: Family,
    /// The type.
    pub kind: Kind,
    /// The protocol; 0 is what programs pass.
    pub protocol: i32,
    /// The flags that were added to the type.
    pub flags: NewFlags,
    /// `socketpair` only: the array for the descriptors is not mapped.
    pub unmapped: bool,
}

impl New {
    /// A UNIX domain socket of this type, as programs ask for it.
    pub const fn unix(kind: Kind) -> New {
        New { family: Family::Unix, kind, protocol: 0, flags: NewFlags::NONE, unmapped: false }
    }

    /// The same, with `SOCK_NONBLOCK`.
    pub const fn nonblocking(self) -> New {
        New { flags: NewFlags { nonblocking: true, ..self.flags }, ..self }
    }
}

/// A socket type as passed to `socket`, which may be no type at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `SOCK_STREAM`
    Stream,
    /// `SOCK_DGRAM`
    Datagram,
    /// `SOCK_SEQPACKET`
    SeqPacket,
    /// `SOCK_RAW`, which Linux takes for datagrams.
    Raw,
    /// Another number, as Linux numbers them.
    Other(i32),
}

impl From<SocketType> for Kind {
    fn from(kind: SocketType) -> Kind {
        match kind {
            SocketType::Stream | SocketType::Tcp => Kind::Stream,
            SocketType::Datagram | SocketType::Udp => Kind::Datagram,
            SocketType::SeqPacket => Kind::SeqPacket,
        }
    }
}

/// Flags of calls that make descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewFlags {
    /// `SOCK_NONBLOCK`
    pub nonblocking: bool,
    /// `SOCK_CLOEXEC`
    pub close_on_exec: bool,
    /// A bit that means nothing.
    pub unknown: bool,
}

impl NewFlags {
    /// No flag.
    pub const NONE: NewFlags =
        NewFlags { nonblocking: false, close_on_exec: false, unknown: false };
}

impl Op {
    /// The call's name in the catalogue; `None` for calls that the catalogue does not treat.
    pub fn call(&self) -> Option<Call> {
        Some(match self {
            Op::Socket(_) => Call::Socket,
            Op::Socketpair(_) => Call::Socketpair,
            Op::Bind { .. } => Call::Bind,
            Op::Listen { .. } => Call::Listen,
            Op::Accept { .. } => Call::Accept,
            Op::Connect { .. } => Call::Connect,
            Op::Send(_) => Call::Send,
            Op::Recv(_) => Call::Recv,
            Op::Shutdown { .. } => Call::Shutdown,
            Op::Getsockname { .. } => Call::Getsockname,
            Op::Getpeername { .. } => Call::Getpeername,
            Op::Getsockopt { .. } => Call::Getsockopt,
            Op::Setsockopt { .. } => Call::Setsockopt,
            Op::Ioctl { .. } => Call::Ioctl,
            Op::Lseek { .. } => Call::Lseek,
            Op::File(FileOp::Open { .. }) => Call::Open,
            Op::Poll { .. }
            | Op::Close { .. }
            | Op::Dup { .. }
            | Op::Nonblocking { .. }
            | Op::File(_)
            | Op::Process(_) => return None,
        })
    }

    /// The descriptor that the call is made on.
    pub fn fd(&self) -> Option<Fd> {
        match self {
            Op::Bind { fd, .. }
            | Op::Listen { fd, .. }
            | Op::Accept { fd, .. }
            | Op::Connect { fd, .. }
            | Op::Send(Message { fd, .. })
            | Op::Recv(Want { fd, .. })
            | Op::Shutdown { fd, .. }
            | Op::Getsockname { fd, .. }
            | Op::Getpeername { fd, .. }
            | Op::Getsockopt { fd, .. }
            | Op::Setsockopt { fd, .. }
            | Op::Ioctl { fd, .. }
            | Op::Close { fd }
            | Op::Dup { fd }
            | Op::Nonblocking { fd, .. }
            | Op::Lseek { fd } => Some(*fd),
            Op::Socket(_) | Op::Socketpair(_) | Op::Poll { .. } | Op::File(_) | Op::Process(_) => {
                None
            }
        }
    }
}
