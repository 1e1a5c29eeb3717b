//! Rules of `listen`, `connect`, `accept`, `shutdown`, `close` and `poll`.

use super::{Cell, WhenFull};

/// Rules of `listen`, `connect`, `accept`, `shutdown`, `close` and `poll`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// How many connections wait before one is too many.
    pub backlog: Cell<Backlog>,
    /// What `listen` makes of a backlog that is no number of connections.
    pub odd_backlog: Cell<OddBacklog>,
    /// What `connect` does that finds the backlog full.
    pub backlog_full: Cell<WhenFull>,
    /// `listen` looks whether the socket is connected before it looks for a name.
    pub listen_looks_at_connection_first: Cell<bool>,
    /// `connect` looks at the caller's own socket before it looks the target up.
    pub own_state_first: Cell<bool>,
    /// `connect` forgets an error that a later call would have reported.
    pub connect_forgets_error: Cell<bool>,
    /// When a connection is made.
    pub connected: Cell<Connected>,
    /// When a datagram socket that gets another peer loses the old one.
    pub reassociation: Cell<Reassociation>,
    /// A datagram socket that has a peer takes messages and associations from it alone.
    pub only_peer_may_reach: Cell<bool>,
    /// `accept` takes flags.
    pub accept_flags: Cell<bool>,
    /// When `accept` takes the descriptor for the connection.
    pub accept_descriptor: Cell<AcceptDescriptor>,
    /// `accept` reports a client that has gone already, instead of its connection.
    pub accept_reports_lost_client: Cell<bool>,
    /// What an accepted socket has of its listener, besides the name.
    pub accept_inherits: Cell<Inherits>,
    /// When it gets the wishes for credentials and descriptors from there.
    pub wishes_inherited: Cell<Inherited>,
    /// What `shutdown` does to a listener.
    pub shut_listener: Cell<ShutListener>,
    /// `shutdown` succeeds on a socket that is not connected, and marks it.
    pub shutdown_unconnected: Cell<bool>,
    /// A datagram socket is shut by a `shutdown` that fails because it is not connected.
    pub failed_shutdown_shuts: Cell<bool>,
    /// A direction that is shut can be shut again; else that fails, and goes no further.
    pub shut_twice: Cell<bool>,
    /// `shutdown` for reading, on a stream or sequenced packets.
    pub shut_reading: Cell<ShutReading>,
    /// A stream's peer gets an error if what it sent was not read at the close.
    pub close_reports_unread: Cell<bool>,
    /// A client gets an error whose connection was not accepted when its listener closed.
    pub close_reports_unaccepted: Cell<bool>,
    /// What becomes of the datagram sockets that are associated with one that closes.
    pub closed_datagram: Cell<ClosedDatagram>,
    /// What `poll` says of a stream that is not connected.
    pub poll_unconnected: Cell<PollUnconnected>,
    /// What `poll` says of a pending error.
    pub poll_error: Cell<PollError>,
    /// When `poll` says that a connection hung up.
    pub poll_hangup: Cell<PollHangup>,
}

/// How many connections wait in a backlog of `n` before one is too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// `n`
    Exact,
    /// `n` and one more.
    OneMore,
    /// `n`, half as many again, and one more.
    HalfMore,
}

impl Backlog {
    /// How many connections wait at most.
    pub fn most(self, n: u32) -> u32 {
        match self {
            Backlog::Exact => n,
            Backlog::OneMore => n.saturating_add(1),
            Backlog::HalfMore => n.saturating_add(n / 2).saturating_add(1),
        }
    }
}

/// What a backlog means that is not the number of some connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OddBacklog {
    /// Below 0: as many as the machine admits.
    NegativeIsMost,
    /// Below 1: as many as the machine admits.
    NonPositiveIsMost,
    /// Below 0: 0.
    NegativeIsNone,
}

/// When a connection is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connected {
    /// When it joins the backlog.
    WhenQueued,
    /// When it joins the backlog, or, if an end asked for it with `LOCAL_CONNWAIT`, when it is
    /// accepted.
    WhenAcceptedIfAsked,
    /// When it joins the backlog, for a call that waits; for one that does not, when it is
    /// accepted.
    WhenAcceptedIfNonblocking,
}

/// When a datagram socket that gets another peer loses the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reassociation {
    /// When the new one is found; what was received and not read goes then, and an old peer that
    /// had sent it gets an error.
    WhenFound,
    /// First, whether a new one is found or not.
    First,
}

/// When `accept` takes the descriptor for the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptDescriptor {
    /// First of all: a limit shows before anything that is wrong with the listener.
    First,
    /// When the listener is known to be one.
    BeforeWaiting,
    /// When the connection was taken, which is lost at the limit.
    WhenTaken,
}

/// When an accepted socket gets its listener's wishes for what comes with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherited {
    /// When the client connects.
    WithConnect,
    /// When it is accepted.
    WithAccept,
}

/// What an accepted socket has of its listener, besides the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherits {
    /// The wishes for credentials and descriptors with messages.
    Passing,
    /// Those, `O_NONBLOCK` (unless the call passes flags of its own) and the sizes of buffers.
    Buffers,
    /// Those, and the time limits and low-water mark.
    BuffersAndTimeouts,
}

/// What `shutdown` for reading does to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutListener {
    /// It is refused from then on whoever connects; `accept` empties the backlog and then fails
    /// if it would wait.
    Ends,
    /// The next `accept` fails, and nothing else changes; the call itself fails all the same.
    FailsOneAccept,
    /// Nothing: the call fails.
    Nothing,
}

/// What `shutdown` for reading does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutReading {
    /// What has come can be read; the peer cannot write any more, and knows it.
    KeepsAndTellsPeer,
    /// What has come is gone; the peer finds out when it writes.
    Discards,
}

/// What becomes of the datagram sockets that are associated with one that closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedDatagram {
    /// They are told when they send.
    FoundOut,
    /// They get an error and have no peer any more.
    Tells,
}

/// What `poll` says of a stream that is not connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollUnconnected {
    /// That it is writable and hung up.
    WritableHangup,
    /// Nothing.
    Nothing,
}

/// What `poll` says of a pending error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollError {
    /// `POLLERR`
    Err,
    /// That it is readable and writable.
    InOut,
}

/// When `poll` says that a connection hung up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollHangup {
    /// When both directions are shut; `POLLRDHUP` tells of one.
    BothDirections,
    /// When one direction is shut, and then it is not said to be writable.
    EitherDirection,
    /// Never: it has `select` only.
    Never,
}

pub(super) const LINUX: Connection = Connection {
    backlog: Cell::measured(Backlog::OneMore),
    odd_backlog: Cell::measured(OddBacklog::NegativeIsMost),
    backlog_full: Cell::measured(WhenFull::Waits),
    listen_looks_at_connection_first: Cell::measured(false),
    own_state_first: Cell::measured(false),
    connect_forgets_error: Cell::measured(false),
    connected: Cell::measured(Connected::WhenQueued),
    reassociation: Cell::measured(Reassociation::WhenFound),
    only_peer_may_reach: Cell::measured(true),
    accept_flags: Cell::measured(true),
    accept_descriptor: Cell::measured(AcceptDescriptor::First),
    accept_reports_lost_client: Cell::measured(false),
    wishes_inherited: Cell::measured(Inherited::WithConnect),
    accept_inherits: Cell::measured(Inherits::Passing),
    shut_listener: Cell::measured(ShutListener::Ends),
    shutdown_unconnected: Cell::measured(true),
    failed_shutdown_shuts: Cell::measured(false),
    shut_twice: Cell::measured(true),
    shut_reading: Cell::measured(ShutReading::KeepsAndTellsPeer),
    close_reports_unread: Cell::measured(true),
    close_reports_unaccepted: Cell::measured(true),
    closed_datagram: Cell::measured(ClosedDatagram::FoundOut),
    poll_unconnected: Cell::measured(PollUnconnected::WritableHangup),
    poll_error: Cell::measured(PollError::Err),
    poll_hangup: Cell::measured(PollHangup::BothDirections),
};

pub(super) const FREEBSD_14: Connection = Connection {
    backlog: Cell::source(Backlog::HalfMore, "uipc_socket.c: solisten_clone"),
    odd_backlog: Cell::source(OddBacklog::NegativeIsMost, "uipc_socket.c: solisten_proto"),
    backlog_full: Cell::source(WhenFull::Fails, "uipc_socket.c: solisten_clone"),
    listen_looks_at_connection_first: Cell::source(true, "uipc_usrreq.c: uipc_listen"),
    own_state_first: Cell::source(true, "uipc_socket.c: soconnectat"),
    connect_forgets_error: Cell::source(true, "uipc_socket.c: soconnectat"),
    connected: Cell::source(Connected::WhenAcceptedIfAsked, "uipc_usrreq.c: unp_connect2"),
    reassociation: Cell::source(Reassociation::First, "uipc_socket.c: soconnectat"),
    only_peer_may_reach: Cell::source(false, "uipc_usrreq.c: unp_connectat, uipc_send"),
    accept_flags: Cell::source(true, "uipc_syscalls.c: sys_accept4"),
    accept_descriptor: Cell::source(
        AcceptDescriptor::BeforeWaiting,
        "uipc_syscalls.c: kern_accept4",
    ),
    accept_reports_lost_client: Cell::source(false, "uipc_usrreq.c: uipc_accept"),
    wishes_inherited: Cell::source(
        Inherited::WithConnect,
        "uipc_usrreq.c: unp_copy_peercred, UNP_WANTCRED_MASK",
    ),
    accept_inherits: Cell::source(Inherits::BuffersAndTimeouts, "uipc_socket.c: solisten_clone"),
    shut_listener: Cell::source(ShutListener::FailsOneAccept, "uipc_socket.c: soshutdown"),
    shutdown_unconnected: Cell::source(false, "uipc_socket.c: soshutdown"),
    failed_shutdown_shuts: Cell::source(true, "uipc_socket.c: soshutdown"),
    shut_twice: Cell::source(true, "uipc_socket.c: soshutdown"),
    shut_reading: Cell::source(ShutReading::Discards, "uipc_socket.c: sorflush"),
    close_reports_unread: Cell::source(false, "uipc_usrreq.c: unp_disconnect"),
    close_reports_unaccepted: Cell::source(true, "uipc_usrreq.c: unp_drop"),
    closed_datagram: Cell::source(ClosedDatagram::Tells, "uipc_usrreq.c: unp_drop"),
    poll_unconnected: Cell::source(PollUnconnected::Nothing, "socketvar.h: sowriteable"),
    poll_error: Cell::source(PollError::InOut, "socketvar.h: soreadabledata, sowriteable"),
    poll_hangup: Cell::source(PollHangup::BothDirections, "uipc_socket.c: sopoll_generic"),
};

pub(super) const FREEBSD_15: Connection = Connection {
    connected: Cell::source(Connected::WhenQueued, "uipc_usrreq.c: unp_connect2"),
    shut_listener: Cell::source(ShutListener::FailsOneAccept, "uipc_usrreq.c: uipc_shutdown"),
    shutdown_unconnected: Cell::source(false, "uipc_usrreq.c: uipc_shutdown"),
    failed_shutdown_shuts: Cell::source(true, "uipc_usrreq.c: uipc_shutdown"),
    shut_twice: Cell::source(true, "uipc_usrreq.c: uipc_shutdown"),
    shut_reading: Cell::source(ShutReading::Discards, "uipc_usrreq.c: uipc_shutdown"),
    poll_unconnected: Cell::source(
        PollUnconnected::Nothing,
        "uipc_usrreq.c: uipc_sopoll_stream_or_seqpacket",
    ),
    poll_error: Cell::inferred(
        PollError::InOut,
        "as sopoll_generic, for datagrams; a stream has errors only when it is disconnected",
    ),
    poll_hangup: Cell::inferred(
        PollHangup::BothDirections,
        "as sopoll_generic; who asks for room is told of a hang-up when the peer reads no more",
    ),
    ..FREEBSD_14
};

pub(super) const MACOS: Connection = Connection {
    backlog: Cell::source(Backlog::Exact, "uipc_socket2.c: sonewconn, soqlimitcompat"),
    odd_backlog: Cell::source(OddBacklog::NonPositiveIsMost, "uipc_socket.c: solisten"),
    backlog_full: Cell::source(WhenFull::Fails, "uipc_socket2.c: sonewconn"),
    listen_looks_at_connection_first: Cell::source(false, "uipc_usrreq.c: uipc_listen"),
    own_state_first: Cell::source(true, "uipc_socket.c: soconnectlock"),
    connect_forgets_error: Cell::source(true, "uipc_socket.c: soconnectlock"),
    connected: Cell::source(Connected::WhenQueued, "uipc_usrreq.c: unp_connect2"),
    reassociation: Cell::source(Reassociation::First, "uipc_socket.c: soconnectlock"),
    only_peer_may_reach: Cell::source(false, "uipc_usrreq.c: unp_connect, uipc_send"),
    accept_flags: Cell::source(false, "uipc_syscalls.c: accept_nocancel"),
    accept_descriptor: Cell::source(
        AcceptDescriptor::WhenTaken,
        "uipc_syscalls.c: accept_nocancel",
    ),
    accept_reports_lost_client: Cell::source(false, "uipc_socket.c: soacceptlock"),
    wishes_inherited: Cell::source(Inherited::WithConnect, "uipc_socket2.c: sonewconn"),
    accept_inherits: Cell::source(Inherits::Buffers, "uipc_socket2.c: sonewconn_internal"),
    shut_listener: Cell::source(ShutListener::Nothing, "uipc_socket.c: soshutdown"),
    shutdown_unconnected: Cell::source(false, "uipc_socket.c: soshutdown"),
    failed_shutdown_shuts: Cell::source(false, "uipc_socket.c: soshutdown"),
    shut_twice: Cell::source(false, "uipc_socket.c: soshutdownlock"),
    shut_reading: Cell::source(ShutReading::Discards, "uipc_socket.c: sorflush"),
    close_reports_unread: Cell::source(false, "uipc_usrreq.c: unp_disconnect"),
    close_reports_unaccepted: Cell::source(false, "uipc_usrreq.c: uipc_abort"),
    closed_datagram: Cell::source(ClosedDatagram::Tells, "uipc_usrreq.c: unp_detach"),
    poll_unconnected: Cell::inferred(PollUnconnected::Nothing, "as sowriteable of FreeBSD"),
    poll_error: Cell::inferred(PollError::InOut, "as sowriteable of FreeBSD"),
    poll_hangup: Cell::source(PollHangup::EitherDirection, "sys_generic.c: poll_callback"),
};

pub(super) const OPENSERVER: Connection = Connection {
    backlog: Cell::inferred(Backlog::HalfMore, "4.3BSD: sonewconn"),
    odd_backlog: Cell::inferred(OddBacklog::NegativeIsNone, "4.3BSD: solisten"),
    backlog_full: Cell::inferred(WhenFull::Fails, "4.3BSD: sonewconn"),
    listen_looks_at_connection_first: Cell::inferred(false, "4.3BSD: uipc_usrreq, PRU_LISTEN"),
    own_state_first: Cell::inferred(true, "4.3BSD: soconnect"),
    connect_forgets_error: Cell::inferred(false, "4.3BSD: soconnect"),
    connected: Cell::manual(
        Connected::WhenAcceptedIfNonblocking,
        "its list of error codes has EINPROGRESS and EALREADY",
    ),
    reassociation: Cell::inferred(Reassociation::First, "4.3BSD: soconnect"),
    only_peer_may_reach: Cell::inferred(false, "4.3BSD: unp_connect, uipc_usrreq"),
    accept_flags: Cell::inferred(false, "4.3BSD: accept"),
    accept_descriptor: Cell::inferred(AcceptDescriptor::BeforeWaiting, "4.3BSD: accept"),
    accept_reports_lost_client: Cell::manual(true, "its list of error codes has ECONNABORTED"),
    wishes_inherited: Cell::inferred(Inherited::WithConnect, "4.3BSD: sonewconn"),
    accept_inherits: Cell::inferred(Inherits::Buffers, "4.3BSD: sonewconn, so_state"),
    shut_listener: Cell::inferred(ShutListener::Nothing, "as shutdown_unconnected"),
    shutdown_unconnected: Cell::inferred(
        false,
        "as FreeBSD and macOS, and its list of error codes has ENOTCONN; 4.3BSD did not look",
    ),
    failed_shutdown_shuts: Cell::inferred(false, "as macOS"),
    shut_twice: Cell::inferred(true, "4.3BSD: soshutdown"),
    shut_reading: Cell::inferred(ShutReading::Discards, "4.3BSD: sorflush"),
    close_reports_unread: Cell::manual(true, "its list of error codes has ECONNRESET"),
    close_reports_unaccepted: Cell::inferred(
        false,
        "4.3BSD: unp_drop leaves it in the server's end",
    ),
    closed_datagram: Cell::inferred(ClosedDatagram::Tells, "4.3BSD: unp_detach"),
    poll_unconnected: Cell::inferred(PollUnconnected::Nothing, "4.3BSD: sowriteable"),
    poll_error: Cell::inferred(PollError::InOut, "4.3BSD: soreadable, sowriteable"),
    poll_hangup: Cell::inferred(PollHangup::Never, "4.3BSD has select and not poll"),
};
