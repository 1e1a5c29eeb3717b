//! Rules of sending and receiving.

use super::Cell;
use crate::SocketType;

/// What a call does that finds no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits, or says that it would.
    Waits,
    /// It fails at once, whether it may wait or not.
    Fails,
}

/// Rules of sending and receiving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The sizes of new sockets' buffers.
    pub spaces: Cell<Spaces>,
    /// Whose buffer the unread bytes of a connection fill.
    pub flow: Cell<Flow>,
    /// What `send` looks at first, on streams and sequenced packets.
    pub first: Cell<First>,
    /// The same on datagrams.
    pub first_of_datagrams: Cell<First>,
    /// What an address does to a send on a connected stream.
    pub address_on_stream: Cell<Superfluous>,
    /// What an address does to a send on a connected datagram socket.
    pub address_on_datagram: Cell<Superfluous>,
    /// `MSG_OOB`.
    pub urgent: Cell<Urgent>,
    /// What a record of sequenced packets is.
    pub records: Cell<Records>,
    /// How long a message may be.
    pub message_limit: Cell<MessageLimit>,
    /// How many datagrams wait at a receiver.
    pub datagram_room: Cell<DatagramRoom>,
    /// What a datagram does whose receiver has no room.
    pub receiver_full: Cell<WhenFull>,
    /// On sockets that keep messages apart, a pending error is reported before what waits.
    pub error_before_messages: Cell<bool>,
    /// Who gets `SIGPIPE`.
    pub sigpipe: Cell<Sigpipe>,
    /// What becomes of a stream's error after a part was sent.
    pub after_part: Cell<AfterPart>,
    /// Whose name a receiver is told.
    pub sender_names: Cell<SenderNames>,
    /// Where a stream's read stops beside descriptors.
    pub rights_stop: Cell<RightsStop>,
    /// `MSG_TRUNC` asks a receive for the length of the whole message.
    pub length_on_request: Cell<bool>,
    /// A stream's read of no bytes waits for some like any other.
    pub empty_read_waits: Cell<bool>,
    /// A datagram socket that is shut down for reading gives the end of file to a call that may
    /// wait alone.
    pub shut_datagram_ends_waits_only: Cell<bool>,
}

/// The sizes of a new socket's buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spaces {
    /// As the machine is set.
    OfMachine,
    /// Fixed, in bytes.
    Fixed {
        /// Streams and sequenced packets: for sending and receiving.
        connected: (u32, u32),
        /// Datagrams: for sending and receiving.
        datagram: (u32, u32),
    },
}

impl Spaces {
    /// The sizes for a socket of this type; `None`: the machine decides.
    pub fn of(self, kind: SocketType) -> Option<(u32, u32)> {
        match self {
            Spaces::OfMachine => None,
            Spaces::Fixed { datagram, .. } if kind == SocketType::Datagram => Some(datagram),
            Spaces::Fixed { connected, .. } => Some(connected),
        }
    }
}

/// Whose buffer the unread bytes of a connection fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The sender's, by the memory that messages take until they are read to their end. It may
    /// send whatever while its buffer is not full.
    Sender,
    /// The receiver's. A sender may send as much as its own buffer holds while the receiver's is
    /// not full.
    ReceiverUntilFull,
    /// The receiver's, to the byte.
    Receiver,
    /// The receiver's, to the byte, in the size of the sender's.
    ReceiverInSizeOfSender,
}

/// What `send` looks at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// Its arguments, and then the peer; whether sending was shut down, last.
    Arguments,
    /// Its arguments; then whether sending was shut down, a pending error, the peer.
    ArgumentsThenState,
    /// Whether sending was shut down, a pending error, the peer; then its arguments.
    State,
}

/// What an address does to a send that needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Superfluous {
    /// Nothing.
    Ignored,
    /// The call fails.
    Refused,
    /// It goes there.
    Obeyed,
}

/// `MSG_OOB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgent {
    /// A mark in streams.
    InStreams,
    /// Not yet: a stream fails as it will later for an urgent send without a byte.
    NotYet,
    /// There is none.
    Never,
}

/// What a record of sequenced packets is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// A send; `MSG_EOR` means nothing.
    Sends,
    /// A send; `MSG_EOR` is passed on.
    SendsWithMark,
    /// What was sent until `MSG_EOR`; a read stops there and leaves what it has no room for.
    UntilMark,
}

/// How long a message may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageLimit {
    /// The sender's buffer less this.
    SendBufferLess(u32),
    /// A datagram so many bytes, a packet as many as the sender's buffer has.
    Datagram(u32),
}

/// How many datagrams wait at a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatagramRoom {
    /// As many as the machine says, and one more; those from its own peer and from itself without
    /// limit.
    Messages,
    /// What its buffer holds, with an address for each.
    Buffer,
    /// What its buffer holds from each sender that is connected to it; from all others together.
    BufferForEachSender,
}

/// Who gets `SIGPIPE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sigpipe {
    /// Whoever begins to send on a stream.
    Streams,
    /// Everybody.
    All,
}

/// What becomes of a stream's error after a part was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterPart {
    /// The call succeeds with the part.
    Forgotten,
    /// The same for an end of the wait; other errors are reported, and the part is not.
    ReportedUnlessWaiting,
}

/// Whose name a receiver is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SenderNames {
    /// The name that the sender has when the message is read, whatever the type.
    WhenRead,
    /// The name that the sender had when it sent, of datagrams only; one without a name gives an
    /// empty address.
    WhenSentOfDatagrams,
}

/// Where a stream's read stops beside descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RightsStop {
    /// After the bytes that came with them.
    After,
    /// Before those bytes.
    Before,
}

pub(super) const LINUX: Transfer = Transfer {
    spaces: Cell::measured(Spaces::OfMachine),
    flow: Cell::measured(Flow::Sender),
    first: Cell::measured(First::Arguments),
    first_of_datagrams: Cell::measured(First::Arguments),
    address_on_stream: Cell::measured(Superfluous::Refused),
    address_on_datagram: Cell::measured(Superfluous::Obeyed),
    urgent: Cell::measured(Urgent::InStreams),
    records: Cell::measured(Records::Sends),
    message_limit: Cell::measured(MessageLimit::SendBufferLess(32)),
    datagram_room: Cell::measured(DatagramRoom::Messages),
    receiver_full: Cell::measured(WhenFull::Waits),
    error_before_messages: Cell::measured(true),
    sigpipe: Cell::measured(Sigpipe::Streams),
    after_part: Cell::measured(AfterPart::Forgotten),
    sender_names: Cell::measured(SenderNames::WhenRead),
    rights_stop: Cell::measured(RightsStop::After),
    length_on_request: Cell::measured(true),
    empty_read_waits: Cell::measured(true),
    shut_datagram_ends_waits_only: Cell::measured(true),
};

pub(super) const FREEBSD_14: Transfer = Transfer {
    spaces: Cell::source(
        Spaces::Fixed { connected: (8192, 8192), datagram: (16_384, 16_384) },
        "uipc_usrreq.c: PIPSIZ; uipc_attach, unpdg_recvspace",
    ),
    flow: Cell::source(Flow::ReceiverUntilFull, "uipc_usrreq.c: uipc_send, SB_STOP"),
    first: Cell::source(First::State, "uipc_socket.c: sosend_generic"),
    first_of_datagrams: Cell::source(First::ArgumentsThenState, "uipc_usrreq.c: uipc_sosend_dgram"),
    address_on_stream: Cell::source(Superfluous::Ignored, "uipc_usrreq.c: uipc_send"),
    address_on_datagram: Cell::source(
        Superfluous::Refused,
        "uipc_usrreq.c: uipc_sosend_dgram, unp_connectat",
    ),
    urgent: Cell::source(Urgent::Never, "uipc_usrreq.c: uipc_send, uipc_sosend_dgram"),
    records: Cell::source(Records::SendsWithMark, "uipc_socket.c: sosend_generic, M_EOR"),
    message_limit: Cell::source(
        MessageLimit::Datagram(2048),
        "uipc_usrreq.c: uipc_sosend_dgram, unpdg_maxdgram; uipc_socket.c: sosend_generic",
    ),
    datagram_room: Cell::source(
        DatagramRoom::BufferForEachSender,
        "uipc_usrreq.c: uipc_dgram_sbspace",
    ),
    receiver_full: Cell::source(WhenFull::Fails, "uipc_usrreq.c: uipc_sosend_dgram"),
    error_before_messages: Cell::source(
        false,
        "uipc_socket.c: soreceive_generic; uipc_usrreq.c: uipc_soreceive_dgram",
    ),
    sigpipe: Cell::source(Sigpipe::All, "uipc_socket.c: sousrsend"),
    after_part: Cell::source(AfterPart::ReportedUnlessWaiting, "uipc_socket.c: sousrsend"),
    sender_names: Cell::source(
        SenderNames::WhenSentOfDatagrams,
        "uipc_usrreq.c: uipc_sosend_dgram, uipc_send",
    ),
    rights_stop: Cell::source(RightsStop::Before, "uipc_socket.c: soreceive_generic, MT_CONTROL"),
    length_on_request: Cell::source(
        true,
        "uipc_usrreq.c: uipc_soreceive_dgram; uipc_socket.c: soreceive_generic, MSG_TRUNC",
    ),
    empty_read_waits: Cell::source(false, "uipc_socket.c: soreceive_generic, uio_resid"),
    shut_datagram_ends_waits_only: Cell::source(false, "uipc_usrreq.c: uipc_soreceive_dgram"),
};

pub(super) const FREEBSD_15: Transfer = Transfer {
    spaces: Cell::source(
        Spaces::Fixed { connected: (65_536, 65_536), datagram: (16_384, 16_384) },
        "uipc_usrreq.c: unpst_recvspace; uipc_attach, unpdg_recvspace",
    ),
    flow: Cell::source(Flow::Receiver, "uipc_usrreq.c: uipc_sosend_stream_or_seqpacket"),
    first: Cell::source(
        First::ArgumentsThenState,
        "uipc_usrreq.c: uipc_sosend_stream_or_seqpacket, uipc_lock_peer",
    ),
    address_on_stream: Cell::source(
        Superfluous::Ignored,
        "uipc_usrreq.c: uipc_sosend_stream_or_seqpacket",
    ),
    urgent: Cell::source(
        Urgent::Never,
        "uipc_usrreq.c: uipc_sosend_stream_or_seqpacket, uipc_sosend_dgram",
    ),
    records: Cell::source(
        Records::UntilMark,
        "uipc_usrreq.c: uipc_soreceive_stream_or_seqpacket, M_EOR",
    ),
    message_limit: Cell::source(
        MessageLimit::Datagram(8192),
        "uipc_usrreq.c: uipc_sosend_dgram, unpdg_maxdgram",
    ),
    error_before_messages: Cell::source(
        false,
        "uipc_usrreq.c: uipc_soreceive_stream_or_seqpacket, uipc_soreceive_dgram",
    ),
    sender_names: Cell::source(
        SenderNames::WhenSentOfDatagrams,
        "uipc_usrreq.c: uipc_sosend_dgram, uipc_soreceive_stream_or_seqpacket",
    ),
    rights_stop: Cell::source(
        RightsStop::Before,
        "uipc_usrreq.c: uipc_soreceive_stream_or_seqpacket, MT_CONTROL",
    ),
    length_on_request: Cell::source(true, "uipc_usrreq.c: uipc_soreceive_dgram, MSG_TRUNC"),
    empty_read_waits: Cell::source(
        true,
        "uipc_usrreq.c: uipc_soreceive_stream_or_seqpacket, sb_lowat",
    ),
    ..FREEBSD_14
};

pub(super) const MACOS: Transfer = Transfer {
    spaces: Cell::source(
        Spaces::Fixed { connected: (8192, 8192), datagram: (2048, 4096) },
        "uipc_usrreq.c: PIPSIZ, unpdg_sendspace, unpdg_recvspace",
    ),
    flow: Cell::source(Flow::ReceiverInSizeOfSender, "uipc_usrreq.c: uipc_send, sb_hiwat"),
    first: Cell::source(First::State, "uipc_socket.c: sosend, sosendcheck"),
    first_of_datagrams: Cell::source(First::State, "uipc_socket.c: sosend, sosendcheck"),
    address_on_stream: Cell::source(Superfluous::Ignored, "uipc_usrreq.c: uipc_send"),
    address_on_datagram: Cell::source(Superfluous::Refused, "uipc_usrreq.c: uipc_send"),
    urgent: Cell::source(Urgent::Never, "uipc_usrreq.c: uipc_send, PRUS_OOB"),
    records: Cell::inferred(Records::SendsWithMark, "it has no sequenced packets"),
    message_limit: Cell::source(
        MessageLimit::SendBufferLess(0),
        "uipc_socket.c: sosendcheck, PR_ATOMIC",
    ),
    datagram_room: Cell::source(DatagramRoom::Buffer, "uipc_usrreq.c: uipc_send, sbappendaddr"),
    receiver_full: Cell::source(WhenFull::Fails, "uipc_usrreq.c: uipc_send, sbappendaddr"),
    error_before_messages: Cell::source(false, "uipc_socket.c: soreceive"),
    sigpipe: Cell::source(Sigpipe::All, "uipc_syscalls.c: sendit"),
    after_part: Cell::source(AfterPart::ReportedUnlessWaiting, "uipc_syscalls.c: sendit"),
    sender_names: Cell::source(SenderNames::WhenSentOfDatagrams, "uipc_usrreq.c: uipc_send"),
    rights_stop: Cell::source(RightsStop::Before, "uipc_socket.c: soreceive, MT_CONTROL"),
    length_on_request: Cell::inferred(false, "recv(2) has MSG_TRUNC among what is given back"),
    empty_read_waits: Cell::source(false, "uipc_socket.c: soreceive, uio_resid"),
    shut_datagram_ends_waits_only: Cell::source(false, "uipc_socket.c: soreceive"),
};

pub(super) const OPENSERVER: Transfer = Transfer {
    spaces: Cell::inferred(
        Spaces::Fixed { connected: (4096, 4096), datagram: (2048, 4096) },
        "4.3BSD: PIPSIZ, unpdg_sendspace, unpdg_recvspace",
    ),
    flow: Cell::inferred(Flow::ReceiverInSizeOfSender, "4.3BSD: uipc_usrreq, PRU_SEND"),
    first: Cell::inferred(First::State, "4.3BSD: sosend"),
    first_of_datagrams: Cell::inferred(First::State, "4.3BSD: sosend"),
    address_on_stream: Cell::manual(Superfluous::Refused, "its list of error codes: EISCONN"),
    address_on_datagram: Cell::manual(Superfluous::Refused, "its list of error codes: EISCONN"),
    urgent: Cell::inferred(Urgent::Never, "4.3BSD: uipc_usrreq, PRU_SENDOOB"),
    records: Cell::inferred(Records::SendsWithMark, "it has no sequenced packets"),
    message_limit: Cell::inferred(MessageLimit::SendBufferLess(0), "4.3BSD: sosend, PR_ATOMIC"),
    datagram_room: Cell::inferred(DatagramRoom::Buffer, "4.3BSD: uipc_usrreq, sbappendaddr"),
    receiver_full: Cell::manual(WhenFull::Fails, "its list of error codes: ENOBUFS"),
    error_before_messages: Cell::inferred(false, "4.3BSD: soreceive"),
    sigpipe: Cell::inferred(Sigpipe::All, "4.3BSD: sendit"),
    after_part: Cell::inferred(AfterPart::ReportedUnlessWaiting, "4.3BSD: sendit"),
    sender_names: Cell::inferred(SenderNames::WhenSentOfDatagrams, "4.3BSD: uipc_usrreq"),
    rights_stop: Cell::inferred(RightsStop::Before, "4.3BSD: soreceive, MT_RIGHTS"),
    length_on_request: Cell::inferred(false, "4.3BSD has no MSG_TRUNC"),
    empty_read_waits: Cell::inferred(false, "4.3BSD: soreceive"),
    shut_datagram_ends_waits_only: Cell::inferred(false, "4.3BSD: soreceive"),
};
