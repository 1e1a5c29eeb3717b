//! Rules of options and requests.

use super::Cell;
use crate::op::Opt;

/// Rules of options and requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The options at `SOL_SOCKET`.
    pub known: Cell<&'static [Opt]>,
    /// The options at the family's own level (`SOL_LOCAL`); empty where there is no such level.
    pub local: Cell<&'static [Opt]>,
    /// Those of the known ones that this version does not have yet.
    pub absent: Cell<&'static [Opt]>,
    /// Those that can be read but not set.
    pub read_only: Cell<&'static [Opt]>,
    /// Those that can be set but not read.
    pub write_only: Cell<&'static [Opt]>,
    /// Those that exist for other families.
    pub foreign: Cell<&'static [Opt]>,
    /// A value is looked at before its option is.
    pub value_first: Cell<bool>,
    /// What becomes of the size that is set for a buffer.
    pub buffer_sizes: Cell<BufferSizes>,
    /// Below zero a time limit means not to wait at all; else it is out of range.
    pub negative_time: Cell<bool>,
    /// Time limits are rounded up to ticks of the machine's clock.
    pub time_in_ticks: Cell<bool>,
    /// Asking for a peer's credentials of a socket that has none gives ids of nobody; else it
    /// fails.
    pub blank_credentials: Cell<bool>,
    /// The bytes that wait can be asked of a listener, which has none.
    pub bytes_of_listener: Cell<bool>,
    /// The mark of urgent data can be asked of every socket, not only of streams.
    pub mark_of_packets: Cell<bool>,
    /// `SIOCUNIXFILE` exists.
    pub opens_bound_file: Cell<bool>,
}

/// What becomes of the size that is set for a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BufferSizes {
    /// It is cut to the machine's limits and doubled, for what the kernel adds to the bytes.
    Doubled,
    /// It holds as it is; 0, and more than this, is refused.
    Exact(u32),
    /// It is cut to this; 0 is refused.
    Cut(u32),
}

/// Options of all systems.
macro_rules! with_common {
    ($($more:ident),*) => {
        &[
            Opt::Type, Opt::AcceptConn, Opt::Error, Opt::SndBuf, Opt::RcvBuf, Opt::SndTimeo,
            Opt::RcvTimeo, Opt::SndLowat, Opt::RcvLowat, Opt::OobInline, Opt::Linger,
            Opt::KeepAlive, Opt::ReuseAddr, Opt::Broadcast, $(Opt::$more),*
        ]
    };
}

pub(super) const LINUX: Options = Options {
    known: Cell::measured(with_common![
        Domain,
        Protocol,
        SndBufForce,
        RcvBufForce,
        PassCred,
        PassPidfd,
        PassSec,
        PassRights,
        PeerCred,
        PeerPidfd,
        PeerGroups,
        PeerSec,
        PeerName,
        PeekOff,
        Inq,
        ReusePort,
        ZeroCopy,
        Timestamp,
        AttachFilter
    ]),
    local: Cell::measured(&[]),
    absent: Cell::measured(&[]),
    read_only: Cell::measured(&[
        Opt::Type,
        Opt::Domain,
        Opt::Protocol,
        Opt::AcceptConn,
        Opt::Error,
        Opt::SndLowat,
        Opt::PeerCred,
        Opt::PeerPidfd,
        Opt::PeerGroups,
        Opt::PeerSec,
        Opt::PeerName,
    ]),
    write_only: Cell::measured(&[Opt::SndBufForce, Opt::RcvBufForce, Opt::Inq, Opt::PeerSec]),
    foreign: Cell::measured(&[Opt::ReusePort, Opt::ZeroCopy]),
    value_first: Cell::measured(true),
    buffer_sizes: Cell::measured(BufferSizes::Doubled),
    negative_time: Cell::measured(true),
    time_in_ticks: Cell::measured(true),
    blank_credentials: Cell::measured(true),
    bytes_of_listener: Cell::measured(false),
    mark_of_packets: Cell::measured(false),
    opens_bound_file: Cell::measured(true),
};

pub(super) const FREEBSD_14: Options = Options {
    known: Cell::source(
        with_common![Domain, Protocol, ReusePort, Timestamp],
        "uipc_socket.c: sosetopt, sogetopt",
    ),
    local: Cell::source(
        &[Opt::LocalPeerCred, Opt::LocalCreds, Opt::LocalCredsPersistent, Opt::LocalConnWait],
        "uipc_usrreq.c: uipc_ctloutput",
    ),
    absent: Cell::source(&[], "uipc_socket.c: sosetopt, sogetopt"),
    read_only: Cell::source(
        &[Opt::Type, Opt::Domain, Opt::Protocol, Opt::AcceptConn, Opt::Error, Opt::LocalPeerCred],
        "uipc_socket.c: sosetopt",
    ),
    write_only: Cell::source(&[], "uipc_socket.c: sogetopt"),
    foreign: Cell::source(&[], "uipc_socket.c: sosetopt"),
    value_first: Cell::source(false, "uipc_socket.c: sosetopt, sooptcopyin in each case"),
    buffer_sizes: Cell::source(BufferSizes::Exact(1_864_135), "uipc_sockbuf.c: sbreserve_locked"),
    negative_time: Cell::source(false, "uipc_socket.c: sosetopt, SO_RCVTIMEO"),
    time_in_ticks: Cell::source(false, "uipc_socket.c: sosetopt, tvtosbt"),
    blank_credentials: Cell::source(false, "uipc_usrreq.c: uipc_ctloutput"),
    bytes_of_listener: Cell::inferred(true, "sys_socket.c: soo_ioctl, FIONREAD"),
    mark_of_packets: Cell::source(true, "sys_socket.c: soo_ioctl, SIOCATMARK"),
    opens_bound_file: Cell::source(false, "sys_socket.c: soo_ioctl"),
};

pub(super) const FREEBSD_15: Options = Options {
    local: Cell::source(
        &[Opt::LocalPeerCred, Opt::LocalCreds, Opt::LocalCredsPersistent],
        "uipc_usrreq.c: uipc_ctloutput",
    ),
    ..FREEBSD_14
};

pub(super) const MACOS: Options = Options {
    known: Cell::source(
        with_common![ReusePort, Timestamp],
        "uipc_socket.c: sosetoptlock, sogetoptlock",
    ),
    local: Cell::source(&[Opt::LocalPeerCred], "uipc_usrreq.c: uipc_ctloutput"),
    absent: Cell::source(&[], "uipc_socket.c: sosetoptlock"),
    read_only: Cell::source(
        &[Opt::Type, Opt::AcceptConn, Opt::Error, Opt::LocalPeerCred],
        "uipc_socket.c: sosetoptlock",
    ),
    write_only: Cell::source(&[], "uipc_socket.c: sogetoptlock"),
    foreign: Cell::source(&[], "uipc_socket.c: sosetoptlock"),
    value_first: Cell::source(false, "uipc_socket.c: sosetoptlock, sooptcopyin in each case"),
    buffer_sizes: Cell::source(BufferSizes::Cut(7_456_540), "uipc_socket2.c: sbreserve, sb_max"),
    negative_time: Cell::source(false, "uipc_socket.c: sosetoptlock, SO_RCVTIMEO"),
    time_in_ticks: Cell::source(false, "uipc_socket.c: sosetoptlock, so_rcv.sb_timeo"),
    blank_credentials: Cell::source(false, "uipc_usrreq.c: uipc_ctloutput"),
    bytes_of_listener: Cell::inferred(true, "sys_socket.c: soo_ioctl, FIONREAD"),
    mark_of_packets: Cell::source(true, "sys_socket.c: soo_ioctl, SIOCATMARK"),
    opens_bound_file: Cell::source(false, "sys_socket.c: soo_ioctl"),
};

pub(super) const OPENSERVER: Options = Options {
    known: Cell::inferred(with_common![], "4.3BSD: sosetopt, sogetopt"),
    local: Cell::inferred(&[], "4.3BSD: uipc_usrreq has no options"),
    absent: Cell::inferred(&[], "4.3BSD: sosetopt"),
    read_only: Cell::inferred(&[Opt::Type, Opt::AcceptConn, Opt::Error], "4.3BSD: sosetopt"),
    write_only: Cell::inferred(&[], "4.3BSD: sogetopt"),
    foreign: Cell::inferred(&[], "4.3BSD: sosetopt"),
    value_first: Cell::inferred(false, "4.3BSD: sosetopt"),
    buffer_sizes: Cell::inferred(BufferSizes::Exact(65_536), "4.3BSD: sbreserve, SB_MAX"),
    negative_time: Cell::inferred(false, "4.3BSD: sosetopt"),
    time_in_ticks: Cell::inferred(false, "4.3BSD: sosetopt"),
    blank_credentials: Cell::inferred(false, "it has no peer credentials"),
    bytes_of_listener: Cell::inferred(true, "4.3BSD: soo_ioctl"),
    mark_of_packets: Cell::inferred(true, "4.3BSD: soo_ioctl"),
    opens_bound_file: Cell::inferred(false, "4.3BSD: soo_ioctl"),
};
