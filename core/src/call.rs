//! The vocabulary of calls and socket types.

use core::fmt;
use core::ops::BitOr;
use core::str::FromStr;

macro_rules! calls {
    ($($name:ident $text:literal $doc:literal,)*) => {
        /// A system call, with the variants that share its causes (`send` stands for `sendto`,
        /// `sendmsg`, `write` and their kin).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Call {
            $(#[doc = $doc] $name,)*
        }

        impl Call {
            /// Every call, in the order in which a program meets them.
            pub const ALL: &'static [Call] = &[$(Call::$name,)*];

            /// The name as typed in C, for example `connect`.
            pub const fn name(self) -> &'static str {
                match self { $(Call::$name => $text,)* }
            }
        }
    };
}

calls! {
    Socket "socket" "`socket(2)`",
    Socketpair "socketpair" "`socketpair(2)`",
    Bind "bind" "`bind(2)`",
    Listen "listen" "`listen(2)`",
    Accept "accept" "`accept(2)`, `accept4(2)`",
    Connect "connect" "`connect(2)`",
    Send "send" "`send(2)`, `sendto(2)`, `sendmsg(2)`, `sendmmsg(2)`, `write(2)`, `writev(2)`",
    Recv "recv" "`recv(2)`, `recvfrom(2)`, `recvmsg(2)`, `recvmmsg(2)`, `read(2)`, `readv(2)`",
    Shutdown "shutdown" "`shutdown(2)`",
    Getsockname "getsockname" "`getsockname(2)`",
    Getpeername "getpeername" "`getpeername(2)`",
    Getsockopt "getsockopt" "`getsockopt(2)`",
    Setsockopt "setsockopt" "`setsockopt(2)`",
    Ioctl "ioctl" "`ioctl(2)`",
    Open "open" "`open(2)` of a socket file",
    Lseek "lseek" "`lseek(2)`, `pread(2)`, `pwrite(2)`",
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCall;

impl FromStr for Call {
    type Err = UnknownCall;

    /// Parses a call's name; the variants that it stands for are accepted too.
    fn from_str(text: &str) -> Result<Self, UnknownCall> {
        let name = match text {
            "accept4" => "accept",
            "sendto" | "sendmsg" | "sendmmsg" | "write" | "writev" => "send",
            "recvfrom" | "recvmsg" | "recvmmsg" | "read" | "readv" => "recv",
            "pread" | "pwrite" => "lseek",
            other => other,
        };
        Self::ALL.iter().find(|c| c.name() == name).copied().ok_or(UnknownCall)
    }
}

/// The type of a socket, with its family where that matters to a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SocketType {
    /// `AF_UNIX`, `SOCK_STREAM`
    Stream,
    /// `AF_UNIX`, `SOCK_DGRAM`
    Datagram,
    /// `AF_UNIX`, `SOCK_SEQPACKET`
    SeqPacket,
    /// `AF_INET` or `AF_INET6`, `SOCK_STREAM`
    Tcp,
    /// `AF_INET` or `AF_INET6`, `SOCK_DGRAM`
    Udp,
}

impl SocketType {
    /// Every socket type.
    pub const ALL: &'static [SocketType] = &[
        SocketType::Stream,
        SocketType::Datagram,
        SocketType::SeqPacket,
        SocketType::Tcp,
        SocketType::Udp,
    ];

    /// `stream`, `datagram`, `seqpacket`, `tcp` or `udp`.
    pub const fn name(self) -> &'static str {
        match self {
            SocketType::Stream => "stream",
            SocketType::Datagram => "datagram",
            SocketType::SeqPacket => "seqpacket",
            SocketType::Tcp => "tcp",
            SocketType::Udp => "udp",
        }
    }

    /// Whether the family is `AF_UNIX`.
    pub const fn is_unix(self) -> bool {
        matches!(self, SocketType::Stream | SocketType::Datagram | SocketType::SeqPacket)
    }

    /// Whether a connection is made with `listen`, `connect` and `accept`.
    pub const fn is_connection_oriented(self) -> bool {
        matches!(self, SocketType::Stream | SocketType::SeqPacket | SocketType::Tcp)
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of socket types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sockets(u8);

impl Sockets {
    /// `AF_UNIX` streams.
    pub const STREAM: Sockets = Sockets(1);
    /// `AF_UNIX` datagrams.
    pub const DATAGRAM: Sockets = Sockets(2);
    /// `AF_UNIX` sequenced packets.
    pub const SEQPACKET: Sockets = Sockets(4);
    /// TCP.
    pub const TCP: Sockets = Sockets(8);
    /// UDP.
    pub const UDP: Sockets = Sockets(16);
    /// The two connection-oriented types of `AF_UNIX`.
    pub const CONNECTED: Sockets = Sockets(1 | 4);
    /// The two types of `AF_UNIX` that keep message boundaries.
    pub const MESSAGES: Sockets = Sockets(2 | 4);
    /// All three types of `AF_UNIX`.
    pub const UNIX: Sockets = Sockets(7);
    /// TCP and UDP.
    pub const INET: Sockets = Sockets(8 | 16);
    /// Everything.
    pub const ANY: Sockets = Sockets(31);

    /// Whether the set holds this type.
    pub const fn contains(self, socket: SocketType) -> bool {
        self.0 & (1 << socket as u8) != 0
    }

    /// The union, for use in constants.
    pub const fn and(self, other: Sockets) -> Sockets {
        Sockets(self.0 | other.0)
    }

    /// The types in the set.
    pub fn iter(self) -> impl Iterator<Item = SocketType> {
        SocketType::ALL.iter().copied().filter(move |t| self.contains(*t))
    }
}

impl BitOr for Sockets {
    type Output = Sockets;
    fn bitor(self, other: Sockets) -> Sockets {
        self.and(other)
    }
}
