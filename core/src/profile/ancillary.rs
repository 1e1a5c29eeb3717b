//! Rules of descriptors and credentials that go with messages.

use super::Cell;

/// Rules of descriptors and credentials that go with messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancillary {
    /// How many bytes of ancillary data a call takes, counted as on 64-bit Linux; `None`: what the machine's memory for
    /// options leaves, see [`control_max`](super::Machine::control_max).
    pub control_max: Cell<Option<usize>>,
    /// Which items a message may carry.
    pub items: Cell<Items>,
    /// What becomes of items of another level than `SOL_SOCKET`.
    pub foreign_level: Cell<Foreign>,
    /// How many descriptors one message may carry.
    pub rights_max: Cell<usize>,
    /// The limit is of all items of a message together, not of each.
    pub rights_summed: Cell<bool>,
    /// The descriptors are counted before they are looked at.
    pub rights_counted_first: Cell<bool>,
    /// What a receiver gets for whose descriptors there is no room in the buffer.
    pub rights_without_room: Cell<WithoutRoom>,
    /// What a receiver gets whose table of descriptors is full.
    pub rights_without_slots: Cell<WithoutSlots>,
    /// Looking at a message with `MSG_PEEK` gives descriptors too.
    pub rights_peeked: Cell<bool>,
    /// A receiver with no buffer for what came with a message is told so by `MSG_CTRUNC`.
    pub missing_buffer_told: Cell<bool>,
    /// Descriptors in flight are counted for each user and limited.
    pub in_flight_limit: Cell<bool>,
    /// How credentials come into a message.
    pub credentials: Cell<Claim>,
    /// `SO_TIMESTAMP` tells when a message was sent; on streams it never does.
    pub timestamps: Cell<bool>,
    /// There are descriptors that no message may carry.
    pub rings: Cell<bool>,
    /// They can always be written to, as `poll` tells.
    pub rings_take_requests: Cell<bool>,
    /// A descriptor of a process can be had after the process was waited for.
    pub pidfd_of_reaped: Cell<bool>,
}

/// Which items a message may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Items {
    /// Any number of items.
    Any,
    /// One, of descriptors, which fills the buffer.
    OneOfRights,
}

/// What becomes of an item of a level that the family does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// It is passed over.
    Ignored,
    /// The message is refused.
    Refused,
}

/// What a receiver gets when not all descriptors of an item fit into its buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutRoom {
    /// Those that fit; the others are closed.
    ThoseThatFit,
    /// None: all are closed.
    None,
    /// All, of which the buffer tells those that fit; the others it has without knowing.
    AllUntold,
}

/// What a receiver gets whose table of descriptors cannot take all that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutSlots {
    /// The message, with as many descriptors as there are numbers for.
    ThoseThatFit,
    /// An error; all descriptors are closed.
    Error,
}

/// How credentials come into a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The sender fills them in, and what it claims is checked; a receiver that reads them asks
    /// for them by an option.
    Checked,
    /// The sender adds an empty item, or the receiver has asked by an option before: the kernel
    /// fills it in, and whoever reads the message gets it.
    FilledIn,
    /// They do not.
    None,
}

pub(super) const LINUX: Ancillary = Ancillary {
    control_max: Cell::measured(None),
    items: Cell::measured(Items::Any),
    foreign_level: Cell::measured(Foreign::Ignored),
    rights_max: Cell::measured(253),
    rights_summed: Cell::measured(true),
    rights_counted_first: Cell::measured(true),
    rights_without_room: Cell::measured(WithoutRoom::ThoseThatFit),
    rights_without_slots: Cell::measured(WithoutSlots::ThoseThatFit),
    rights_peeked: Cell::measured(true),
    missing_buffer_told: Cell::measured(true),
    in_flight_limit: Cell::measured(true),
    credentials: Cell::measured(Claim::Checked),
    timestamps: Cell::measured(true),
    rings: Cell::measured(true),
    rings_take_requests: Cell::measured(true),
    pidfd_of_reaped: Cell::measured(true),
};

pub(super) const FREEBSD_14: Ancillary = Ancillary {
    control_max: Cell::source(Some(2048), "uipc_syscalls.c: sockargs, MCLBYTES"),
    items: Cell::source(Items::Any, "uipc_usrreq.c: unp_internalize"),
    foreign_level: Cell::source(Foreign::Refused, "uipc_usrreq.c: unp_internalize"),
    rights_max: Cell::source(254, "uipc_usrreq.c: unp_internalize, MCLBYTES"),
    rights_summed: Cell::source(false, "uipc_usrreq.c: unp_internalize, a buffer for each item"),
    rights_counted_first: Cell::source(true, "uipc_usrreq.c: unp_internalize, newlen"),
    rights_without_room: Cell::source(
        WithoutRoom::None,
        "uipc_syscalls.c: kern_recvit, m_dispose_extcontrolm",
    ),
    rights_without_slots: Cell::source(
        WithoutSlots::Error,
        "uipc_usrreq.c: unp_externalize, fdallocn",
    ),
    rights_peeked: Cell::source(
        false,
        "uipc_socket.c: soreceive_generic; uipc_usrreq.c: uipc_peek_dgram",
    ),
    missing_buffer_told: Cell::source(false, "uipc_syscalls.c: kern_recvit, msg_control"),
    in_flight_limit: Cell::source(false, "uipc_usrreq.c: unp_internalize"),
    credentials: Cell::source(Claim::FilledIn, "uipc_usrreq.c: unp_internalize, unp_addsockcred"),
    timestamps: Cell::source(false, "uipc_usrreq.c: uipc_send, uipc_sosend_dgram"),
    rings: Cell::source(true, "kern_event.c: kqueueops"),
    rings_take_requests: Cell::source(false, "kern_event.c: kqueue_poll"),
    pidfd_of_reaped: Cell::inferred(false, "there is no such descriptor"),
};

pub(super) const FREEBSD_15: Ancillary = Ancillary {
    rights_peeked: Cell::source(
        false,
        "uipc_usrreq.c: uipc_soreceive_stream_or_seqpacket, uipc_peek_dgram",
    ),
    timestamps: Cell::source(
        false,
        "uipc_usrreq.c: uipc_sosend_stream_or_seqpacket, uipc_sosend_dgram",
    ),
    ..FREEBSD_14
};

pub(super) const MACOS: Ancillary = Ancillary {
    control_max: Cell::source(
        Some(1040),
        "uipc_syscalls.c: sockargs, MCLBYTES, with room to make pointers of descriptors",
    ),
    items: Cell::source(Items::OneOfRights, "uipc_usrreq.c: unp_internalize"),
    foreign_level: Cell::source(Foreign::Refused, "uipc_usrreq.c: unp_internalize"),
    rights_max: Cell::source(254, "uipc_syscalls.c: sockargs, alloc_buflen"),
    rights_summed: Cell::source(false, "uipc_usrreq.c: unp_internalize takes one item"),
    rights_counted_first: Cell::source(true, "uipc_syscalls.c: sockargs, alloc_buflen"),
    rights_without_room: Cell::source(
        WithoutRoom::AllUntold,
        "uipc_syscalls.c: copyout_control closes none",
    ),
    rights_without_slots: Cell::source(WithoutSlots::Error, "uipc_usrreq.c: unp_externalize"),
    rights_peeked: Cell::inferred(false, "uipc_socket.c: soreceive externalizes no peek"),
    missing_buffer_told: Cell::source(false, "uipc_syscalls.c: recvit, copyout_control"),
    in_flight_limit: Cell::source(false, "uipc_usrreq.c: unp_internalize"),
    credentials: Cell::source(Claim::None, "uipc_usrreq.c: unp_internalize"),
    timestamps: Cell::source(false, "uipc_usrreq.c: uipc_send"),
    rings: Cell::source(true, "kern_descrip.c: fg_sendable"),
    rings_take_requests: Cell::source(false, "kern_event.c: kqueue_select, kqueue_kqfilter"),
    pidfd_of_reaped: Cell::inferred(false, "there is no such descriptor"),
};

pub(super) const OPENSERVER: Ancillary = Ancillary {
    control_max: Cell::inferred(Some(136), "4.3BSD: sockargs, one mbuf, which needs no header"),
    items: Cell::inferred(Items::OneOfRights, "4.3BSD: msg_accrights holds descriptors only"),
    foreign_level: Cell::inferred(Foreign::Refused, "4.3BSD: msg_accrights has no levels"),
    rights_max: Cell::inferred(28, "4.3BSD: unp_internalize, one mbuf"),
    rights_summed: Cell::inferred(true, "4.3BSD: msg_accrights is one item"),
    rights_counted_first: Cell::inferred(true, "4.3BSD: sockargs comes before"),
    rights_without_room: Cell::inferred(WithoutRoom::AllUntold, "4.3BSD: recvit closes none"),
    rights_without_slots: Cell::inferred(WithoutSlots::Error, "4.3BSD: unp_externalize"),
    rights_peeked: Cell::inferred(false, "4.3BSD: soreceive externalizes no peek"),
    missing_buffer_told: Cell::inferred(false, "4.3BSD: recvit, msg_accrights"),
    in_flight_limit: Cell::inferred(false, "4.3BSD: unp_internalize"),
    credentials: Cell::inferred(Claim::None, "4.3BSD: unp_internalize"),
    timestamps: Cell::inferred(false, "4.3BSD: uipc_usrreq"),
    rings: Cell::inferred(false, "4.3BSD: files and sockets only"),
    rings_take_requests: Cell::inferred(false, "4.3BSD: files and sockets only"),
    pidfd_of_reaped: Cell::inferred(false, "there is no such descriptor"),
};
