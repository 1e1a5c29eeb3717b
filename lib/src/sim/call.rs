//! The system calls of the library, as calls on the model.

use super::handle::{Handle, current};
use super::socket::inode;
use crate::op::{
    Bytes, Control, ControlOut, Events, Fd, Ids, Message, Name, New, NewFlags, Op, Out, Received,
    RecvFlags, Ret, SendFlags, Want,
};
use crate::sys::socket as host;
use crate::sys::{Errno as Host, Result, control, name::Name as HostName, option::Credentials};
use crate::{Address, SocketType};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// A simulated socket, as a thread of the simulation sees it.
#[derive(Debug)]
pub(crate) struct Simulated {
    pub(super) handle: Handle,
    pub(super) fd: Fd,
}

/// The simulated socket that a descriptor stands for; `None` if it stands for none, or this thread
/// is in no simulation.
pub(crate) fn of(fd: impl AsFd) -> Option<Simulated> {
    let handle = current()?;
    let fd = handle.descriptor(fd.as_fd())?;
    Some(Simulated { handle, fd })
}

impl Handle {
    /// The model's descriptor for one of the program's.
    pub(super) fn descriptor(&self, fd: BorrowedFd<'_>) -> Option<Fd> {
        let inode = inode(fd)?;
        self.lock().descriptor(inode, self.task)
    }

    pub(super) fn own(&self, fd: Fd) -> Result<OwnedFd> {
        self.lock().descriptor_for(self.task, fd)
    }

    /// `socket(2)`.
    pub(crate) fn socket(&self, kind: SocketType, flags: host::SocketFlags) -> Result<OwnedFd> {
        let flags = new_flags(flags);
        match self.call(&Op::Socket(New { flags, ..New::unix(kind.into()) }))? {
            Ret::Fd(fd) => self.own(fd),
            other => unexpected(&other),
        }
    }

    /// `socketpair(2)`.
    pub(crate) fn socketpair(
        &self,
        kind: SocketType,
        flags: host::SocketFlags,
    ) -> Result<(OwnedFd, OwnedFd)> {
        let flags = new_flags(flags);
        match self.call(&Op::Socketpair(New { flags, ..New::unix(kind.into()) }))? {
            Ret::Pair(a, b) => Ok((self.own(a)?, self.own(b)?)),
            other => unexpected(&other),
        }
    }
}

impl Simulated {
    pub(super) fn call(&self, op: &Op) -> Result<Ret> {
        self.handle.call(op)
    }

    pub(super) fn done(&self, op: &Op) -> Result<()> {
        match self.call(op)? {
            Ret::Unit => Ok(()),
            other => unexpected(&other),
        }
    }

    pub(crate) fn bind(&self, name: &HostName) -> Result<()> {
        self.done(&Op::Bind { fd: self.fd, name: to_model(name) })
    }

    /// The number of the file that it is bound to.
    pub(crate) fn file_number(&self) -> Option<u64> {
        let state = self.handle.lock();
        state.world.bound_file(state.tasks[self.handle.task].model, self.fd)
    }

    /// `fchmod(2)`, which decides the mode of the file that `bind` makes.
    pub(crate) fn limit_mode(&self, mode: u32) -> Result<()> {
        self.done(&Op::File(crate::op::FileOp::Fchmod { fd: self.fd, mode }))
    }

    pub(crate) fn listen(&self, backlog: i32) -> Result<()> {
        self.done(&Op::Listen { fd: self.fd, backlog })
    }

    pub(crate) fn connect(&self, name: &HostName) -> Result<()> {
        self.done(&Op::Connect { fd: self.fd, name: to_model(name) })
    }

    pub(crate) fn disconnect(&self) -> Result<()> {
        let name = Name::Foreign(crate::op::Family::Unspecified);
        self.done(&Op::Connect { fd: self.fd, name })
    }

    /// The connection, and the name of the client.
    pub(crate) fn accept(&self, flags: host::SocketFlags) -> Result<(OwnedFd, HostName)> {
        let op = Op::Accept { fd: self.fd, flags: new_flags(flags), name: Out::Room };
        match self.call(&op)? {
            Ret::Accepted { fd, name } => {
                Ok((self.handle.own(fd)?, to_host(&name.unwrap_or(Address::Unnamed))))
            }
            other => unexpected(&other),
        }
    }

    pub(crate) fn shutdown(&self, how: host::Shutdown) -> Result<()> {
        let how = match how {
            host::Shutdown::Read => 0,
            host::Shutdown::Write => 1,
            host::Shutdown::Both => 2,
        };
        self.done(&Op::Shutdown { fd: self.fd, how })
    }

    pub(crate) fn getsockname(&self) -> Result<HostName> {
        self.name(&Op::Getsockname { fd: self.fd, name: Out::Room })
    }

    pub(crate) fn getpeername(&self) -> Result<HostName> {
        self.name(&Op::Getpeername { fd: self.fd, name: Out::Room })
    }

    fn name(&self, op: &Op) -> Result<HostName> {
        match self.call(op)? {
            Ret::Name(address) => Ok(to_host(&address)),
            other => unexpected(&other),
        }
    }

    /// `sendmsg(2)` of bytes alone.
    pub(crate) fn send(
        &self,
        bytes: &[u8],
        flags: host::SendFlags,
        to: Option<&HostName>,
    ) -> Result<usize> {
        self.send_message(bytes.into(), 1, &[], flags, to)
    }

    /// `sendmsg(2)`; the control bytes are those of a [`Writer`](control::Writer).
    pub(crate) fn send_message(
        &self,
        data: Bytes,
        buffers: u32,
        control: &[u8],
        flags: host::SendFlags,
        to: Option<&HostName>,
    ) -> Result<usize> {
        let message = Message {
            fd: self.fd,
            data,
            buffers,
            unmapped: false,
            to: to.map(to_model),
            control: self.control_to_model(control)?,
            flags: SendFlags {
                dont_wait: flags.contains(host::SendFlags::DONTWAIT),
                no_signal: true,
                urgent: flags.contains(host::SendFlags::OOB),
                end_of_record: flags.contains(host::SendFlags::EOR),
            },
        };
        match self.call(&Op::Send(message))? {
            Ret::Count(bytes) => Ok(bytes),
            other => unexpected(&other),
        }
    }

    fn control_to_model(&self, bytes: &[u8]) -> Result<Vec<Control>> {
        let items = control::items(bytes);
        items.map(|item| self.item_to_model(control::meaning(bytes, &item))).collect()
    }

    fn item_to_model(&self, meaning: control::Meaning<'_>) -> Result<Control> {
        Ok(match meaning {
            control::Meaning::Rights(payload) => {
                let numbers = control::numbers(payload);
                let models = numbers.map(|number| {
                    let fd = crate::sys::simulated::borrow(number);
                    self.handle.descriptor(fd).ok_or(Host::OPNOTSUPP)
                });
                Control::Rights(models.collect::<Result<_>>()?)
            }
            control::Meaning::Credentials(Credentials { pid, uid, gid }) => {
                Control::Credentials(Ids { pid, uid, gid })
            }
            _ => Control::UnknownType,
        })
    }

    /// `recvmsg(2)`.
    pub(crate) fn recv(
        &self,
        length: usize,
        buffers: u32,
        control: usize,
        flags: host::RecvFlags,
    ) -> Result<Received> {
        let has = |flag| flags.contains(flag);
        let want = Want {
            fd: self.fd,
            length,
            buffers,
            unmapped: false,
            control,
            flags: RecvFlags {
                dont_wait: has(host::RecvFlags::DONTWAIT),
                peek: has(host::RecvFlags::PEEK),
                truncate: has(host::RecvFlags::TRUNC),
                wait_all: has(host::RecvFlags::WAITALL),
                urgent: has(host::RecvFlags::OOB),
                close_on_exec: true,
            },
        };
        match self.call(&Op::Recv(want))? {
            Ret::Received(received) => Ok(received),
            other => unexpected(&other),
        }
    }

    /// One item of ancillary data as the kernel writes it, with real descriptors. Whoever reads
    /// the bytes owns them.
    pub(crate) fn write_control(
        &self,
        item: &ControlOut,
        to: &mut control::Writer<'_>,
    ) -> Result<Vec<OwnedFd>> {
        use crate::sys::libc::{SCM_CREDENTIALS, SCM_TIMESTAMP, SOL_SOCKET};
        let (fds, written) = match item {
            ControlOut::Rights(models) => {
                let owned = models.iter().map(|fd| self.handle.own(*fd));
                let owned: Vec<_> = owned.collect::<Result<_>>()?;
                let borrowed: Vec<_> = owned.iter().map(AsFd::as_fd).collect();
                let written = to.rights(&borrowed).map(drop);
                (owned, written)
            }
            ControlOut::Pidfd(model) => {
                let owned = self.handle.own(*model)?;
                let number = std::os::fd::AsRawFd::as_raw_fd(&owned);
                let bytes = number.to_ne_bytes();
                (vec![owned], to.raw(SOL_SOCKET, control::SCM_PIDFD, &bytes).map(drop))
            }
            ControlOut::NoPidfd(errno) => {
                let bytes = (-crate::sys::errno::number(*errno)).to_ne_bytes();
                (Vec::new(), to.raw(SOL_SOCKET, control::SCM_PIDFD, &bytes).map(drop))
            }
            ControlOut::Cut(length) => {
                // Too short for what it is, so its content does not matter.
                let rest = vec![0; (*length).min(control::CREDENTIALS - 1)];
                (Vec::new(), to.raw(SOL_SOCKET, SCM_CREDENTIALS, &rest).map(drop))
            }
            ControlOut::Credentials(Ids { pid, uid, gid }) => {
                let ids = Credentials { pid: *pid, uid: *uid, gid: *gid };
                (Vec::new(), to.credentials(ids).map(drop))
            }
            ControlOut::Inq(unread) => {
                let bytes = i32::try_from(*unread).unwrap_or(i32::MAX).to_ne_bytes();
                (Vec::new(), to.raw(SOL_SOCKET, control::SCM_INQ, &bytes).map(drop))
            }
            ControlOut::Timestamp => {
                let bytes = [0; control::TIMESTAMP];
                (Vec::new(), to.raw(SOL_SOCKET, SCM_TIMESTAMP, &bytes).map(drop))
            }
        };
        written.map(|()| fds).map_err(|control::NoRoom| Host::NOBUFS)
    }

    pub(crate) fn poll(&self, events: host::PollFlags, time: Duration) -> Result<host::PollFlags> {
        let wanted = EVENTS.iter().filter(|(flag, _)| events.contains(*flag));
        let wanted = wanted.fold(Events::NONE, |all, (_, event)| all | *event);
        let op = Op::Poll { fds: vec![(self.fd, wanted)], timeout: Some(time) };
        match self.call(&op)? {
            Ret::Polled(polled) => {
                Ok(polled.iter().fold(host::PollFlags::empty(), |all, found| {
                    let set = EVENTS.iter().filter(|(_, event)| found.events.contains(*event));
                    set.fold(all, |all, (flag, _)| all | *flag)
                }))
            }
            other => unexpected(&other),
        }
    }

    /// `fcntl(F_DUPFD_CLOEXEC)`.
    pub(crate) fn duplicate(&self) -> Result<OwnedFd> {
        match self.call(&Op::Dup { fd: self.fd })? {
            Ret::Fd(fd) => self.handle.own(fd),
            other => unexpected(&other),
        }
    }

    pub(crate) fn is_nonblocking(&self) -> bool {
        let state = self.handle.lock();
        let task = state.tasks[self.handle.task].model;
        state.world.is_nonblocking(task, self.fd)
    }

    pub(crate) fn set_nonblocking(&self, on: bool) -> Result<()> {
        self.done(&Op::Nonblocking { fd: self.fd, on })
    }
}

const EVENTS: &[(host::PollFlags, Events)] = &[
    (host::PollFlags::IN, Events::IN),
    (host::PollFlags::PRI, Events::PRI),
    (host::PollFlags::OUT, Events::OUT),
    (host::PollFlags::RDHUP, Events::RDHUP),
    (host::PollFlags::ERR, Events::ERR),
    (host::PollFlags::HUP, Events::HUP),
    (host::PollFlags::NVAL, Events::NVAL),
];

fn new_flags(flags: host::SocketFlags) -> NewFlags {
    NewFlags {
        nonblocking: flags.contains(host::SocketFlags::NONBLOCK),
        close_on_exec: true,
        unknown: false,
    }
}

/// A host's address as the model takes it.
fn to_model(name: &HostName) -> Name {
    match name.address() {
        Some(address) => Name::Unix(address),
        None => Name::Foreign(crate::op::Family::Inet),
    }
}

/// An address of the model as the host gives it. No name is longer than it has room for.
fn to_host(address: &Address) -> HostName {
    HostName::new(address).unwrap_or_else(|_| {
        let path = if let Address::Path(path) = address { &path[..] } else { &[] };
        HostName::from_bytes(crate::sys::libc::AF_UNIX as u16, path)
    })
}

/// The model and this module disagree about a call.
#[cold]
pub(super) fn unexpected<T>(ret: &Ret) -> Result<T> {
    debug_assert!(false, "the model answers a call with {ret:?}");
    Err(Host::NOSYS)
}
