//! Messages, as they are sent and received.

use super::{Bytes, Fd, Ids, Name};
use crate::{Address, Errno};
use alloc::vec::Vec;

/// The arguments of `sendmsg` and its kin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The socket.
    pub fd: Fd,
    /// The bytes.
    pub data: Bytes,
    /// How many buffers they are spread over.
    pub buffers: u32,
    /// The buffer is not mapped; `data` says only how long it is.
    pub unmapped: bool,
    /// Whom it is for; `None`: the peer.
    pub to: Option<Name>,
    /// Ancillary data.
    pub control: Vec<Control>,
    /// The flags.
    pub flags: SendFlags,
}

impl Message {
    /// These bytes to the peer, and nothing else.
    #[inline]
    pub fn new(fd: Fd, data: impl Into<Bytes>) -> Message {
        Message {
            fd,
            data: data.into(),
            buffers: 1,
            unmapped: false,
            to: None,
            control: Vec::new(),
            flags: SendFlags::default(),
        }
    }

    /// The same, to this address.
    pub fn to(self, name: impl Into<Name>) -> Message {
        Message { to: Some(name.into()), ..self }
    }

    /// The same, with these descriptors.
    pub fn with_rights(mut self, fds: &[Fd]) -> Message {
        self.control.push(Control::Rights(fds.to_vec()));
        self
    }

    /// The same, with `MSG_DONTWAIT`.
    pub fn dont_wait(mut self) -> Message {
        self.flags.dont_wait = true;
        self
    }
}

/// Flags of `sendmsg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SendFlags {
    /// `MSG_DONTWAIT`
    pub dont_wait: bool,
    /// `MSG_NOSIGNAL`
    pub no_signal: bool,
    /// `MSG_OOB`
    pub urgent: bool,
    /// `MSG_EOR`
    pub end_of_record: bool,
}

/// One item of ancillary data, as a sender passes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// `SCM_RIGHTS`
    Rights(Vec<Fd>),
    /// `SCM_CREDENTIALS`
    Credentials(Ids),
    /// `SCM_CREDENTIALS` of a wrong length.
    MalformedCredentials,
    /// An item whose length does not fit into the buffer.
    Malformed,
    /// A type of `SOL_SOCKET` that nobody knows.
    UnknownType,
    /// An item of another level.
    ForeignLevel,
    /// An item of another level that fills this many bytes, its header included.
    Filler(usize),
}

impl Control {
    /// The header of an item (`struct cmsghdr`), in bytes, on 64-bit Linux.
    const HEADER: usize = 16;

    /// How many bytes it adds to `msg_controllen` (`CMSG_SPACE` on 64-bit Linux).
    pub fn space(&self) -> usize {
        let data = match self {
            Control::Rights(fds) => fds.len().saturating_mul(4),
            Control::Credentials(_) => 12,
            Control::MalformedCredentials => 8,
            Control::Malformed | Control::UnknownType | Control::ForeignLevel => 4,
            Control::Filler(bytes) => bytes.saturating_sub(Self::HEADER),
        };
        Self::HEADER.saturating_add(data).checked_next_multiple_of(8).unwrap_or(usize::MAX)
    }
}

/// The arguments of `recvmsg` and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// The socket.
    pub fd: Fd,
    /// The size of the buffer, in bytes.
    pub length: usize,
    /// How many buffers it is spread over.
    pub buffers: u32,
    /// The buffer is not mapped.
    pub unmapped: bool,
    /// The room for ancillary data, in bytes, as `msg_controllen` counts on 64-bit Linux; 0: none.
    pub control: usize,
    /// The flags.
    pub flags: RecvFlags,
}

impl Want {
    /// Up to `length` bytes, no ancillary data.
    #[inline]
    pub fn new(fd: Fd, length: usize) -> Want {
        let flags = RecvFlags::default();
        Want { fd, length, buffers: 1, unmapped: false, control: 0, flags }
    }

    /// The same, with this much room for ancillary data.
    pub fn control(self, room: usize) -> Want {
        Want { control: room, ..self }
    }

    /// The same, with `MSG_DONTWAIT`.
    pub fn dont_wait(mut self) -> Want {
        self.flags.dont_wait = true;
        self
    }
}

/// Flags of `recvmsg`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecvFlags {
    /// `MSG_DONTWAIT`
    pub dont_wait: bool,
    /// `MSG_PEEK`
    pub peek: bool,
    /// `MSG_TRUNC`
    pub truncate: bool,
    /// `MSG_WAITALL`
    pub wait_all: bool,
    /// `MSG_OOB`
    pub urgent: bool,
    /// `MSG_CMSG_CLOEXEC`
    pub close_on_exec: bool,
}

/// What a receive gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    /// The bytes that fit.
    pub data: Bytes,
    /// What the call returned: the number of bytes, or the whole message's with `MSG_TRUNC`.
    pub returned: usize,
    /// `MSG_TRUNC`: the message was longer than the buffer.
    pub truncated: bool,
    /// `MSG_CTRUNC`: ancillary data was dropped.
    pub control_truncated: bool,
    /// `MSG_OOB`: this is the urgent byte.
    pub urgent: bool,
    /// `MSG_EOR`: the end of a record.
    pub end_of_record: bool,
    /// Who sent it; `None` if the call gave no address, as for an unnamed sender.
    pub from: Option<Address>,
    /// Ancillary data, in the order in which it lay in the buffer.
    pub control: Vec<ControlOut>,
}

/// One item of ancillary data, as a receiver gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlOut {
    /// `SCM_RIGHTS`: the new descriptors.
    Rights(Vec<Fd>),
    /// `SCM_CREDENTIALS`
    Credentials(Ids),
    /// `SCM_PIDFD`: a descriptor for the sender's process.
    Pidfd(Fd),
    /// `SCM_INQ`: how many bytes remain.
    Inq(usize),
    /// `SCM_TIMESTAMP`
    Timestamp,
    /// `SCM_PIDFD` with an error instead of a descriptor, which could not be made.
    NoPidfd(Errno),
    /// An item of which only this many bytes of its data fitted.
    Cut(usize),
}
