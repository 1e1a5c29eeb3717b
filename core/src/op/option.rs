//! Socket options and `ioctl` requests.

use super::{Fd, Ids};
use crate::{Address, Errno, SocketType};
use alloc::vec::Vec;
use core::time::Duration;

/// The level of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// `SOL_SOCKET`
    #[default]
    Socket,
    /// `SOL_LOCAL` of the BSDs.
    Local,
    /// Another one.
    Other,
}

macro_rules! options {
    ($($name:ident $text:literal,)*) => {
        /// An option by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Opt {
            $(#[doc = concat!("`", $text, "`")] $name,)*
            /// A number that stands for no option.
            Unknown,
        }

        impl Opt {
            /// Every option that has a name.
            pub const ALL: &'static [Opt] = &[$(Opt::$name,)*];

            /// The name as C spells it; `unknown` for [`Opt::Unknown`].
            pub const fn name(self) -> &'static str {
                match self { $(Opt::$name => $text,)* Opt::Unknown => "unknown" }
            }
        }
    };
}

options! {
    Type "SO_TYPE",
    Domain "SO_DOMAIN",
    Protocol "SO_PROTOCOL",
    AcceptConn "SO_ACCEPTCONN",
    Error "SO_ERROR",
    SndBuf "SO_SNDBUF",
    RcvBuf "SO_RCVBUF",
    SndBufForce "SO_SNDBUFFORCE",
    RcvBufForce "SO_RCVBUFFORCE",
    SndTimeo "SO_SNDTIMEO",
    RcvTimeo "SO_RCVTIMEO",
    SndLowat "SO_SNDLOWAT",
    RcvLowat "SO_RCVLOWAT",
    PassCred "SO_PASSCRED",
    PassPidfd "SO_PASSPIDFD",
    PassSec "SO_PASSSEC",
    PassRights "SO_PASSRIGHTS",
    PeerCred "SO_PEERCRED",
    PeerPidfd "SO_PEERPIDFD",
    PeerGroups "SO_PEERGROUPS",
    PeerSec "SO_PEERSEC",
    PeerName "SO_PEERNAME",
    PeekOff "SO_PEEK_OFF",
    OobInline "SO_OOBINLINE",
    Inq "SO_INQ",
    Linger "SO_LINGER",
    KeepAlive "SO_KEEPALIVE",
    ReuseAddr "SO_REUSEADDR",
    ReusePort "SO_REUSEPORT",
    Broadcast "SO_BROADCAST",
    ZeroCopy "SO_ZEROCOPY",
    Timestamp "SO_TIMESTAMP",
    AttachFilter "SO_ATTACH_FILTER",
    LocalCreds "LOCAL_CREDS",
    LocalCredsPersistent "LOCAL_CREDS_PERSISTENT",
    LocalConnWait "LOCAL_CONNWAIT",
    LocalPeerCred "LOCAL_PEERCRED",
}

/// The value of an option, or what an `ioctl` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number; switches are 0 and 1.
    Int(i32),
    /// A time limit; `None`: none is set.
    Time(Option<Duration>),
    /// Seconds and microseconds as they were passed, which may be out of range.
    RawTime(i64, i64),
    /// `SO_ERROR`: what is pending.
    Error(Option<Errno>),
    /// `SO_TYPE`
    Type(SocketType),
    /// `SO_PEERCRED`; `None` where it is not set (pid 0, uid -1).
    Peer(Option<Ids>),
    /// `SO_PEERGROUPS`
    Groups(Vec<u32>),
    /// `SO_PEERPIDFD`: a descriptor.
    Fd(Fd),
    /// `SO_PEERNAME`
    Name(Option<Address>),
    /// `SO_LINGER`
    Linger(Option<u32>),
    /// `SO_ATTACH_FILTER`: a program of this many instructions, which drops every message or lets
    /// every message pass.
    Filter {
        /// The number of instructions.
        length: usize,
        /// Whether it drops what comes.
        drops: bool,
    },
    /// A value of fewer bytes than the option needs.
    Short,
    /// A pointer to memory that is not mapped.
    Unmapped,
}

/// A request of `ioctl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// `SIOCINQ`: bytes that can be read.
    Inq,
    /// `SIOCOUTQ`: memory that unread messages take.
    Outq,
    /// `SIOCATMARK`: whether the next byte is the urgent one.
    AtMark,
    /// `SIOCUNIXFILE`: a descriptor for the file that the socket is bound to.
    File,
    /// `SIOCGARP`, an internet request.
    Arp,
    /// A number that stands for no request.
    Unknown,
}
