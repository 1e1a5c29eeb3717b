//! Open files: what descriptors, and messages with descriptors in flight, refer to.

use super::inet::InetId;
use super::process::ProcessId;
use super::slab::Id;
use super::socket::SocketId;
use super::stop::{Stop, Tried};
use super::world::{Caller, World};
use crate::Errno;
use crate::op::{Fd, NewFlags, Ret};

pub(crate) type FileId = Id<File>;

/// An open file (an "open file description").
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) what: What,
    /// `O_NONBLOCK`
    pub(crate) nonblocking: bool,
    /// Descriptors, messages in flight and waiting calls that refer to it.
    pub(crate) references: u32,
    /// How many of the references are messages in flight.
    pub(crate) in_flight: u32,
}

/// What an open file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A socket.
    Socket(SocketId),
    /// An internet socket.
    Inet(InetId),
    /// A character device: `/dev/null`.
    Device,
    /// A file opened with `O_PATH`, which no call of sockets takes.
    Path,
    /// A descriptor of a process; `None`: of one outside this world, which never ends.
    Process(Option<ProcessId>),
    /// An instance of `io_uring`, or of `kqueue`, which no message may carry.
    Ring,
}

impl World {
    /// A descriptor of a process.
    pub(crate) fn open_pidfd(&mut self, caller: Caller, pid: i32) -> Result<Fd, Errno> {
        if !*self.profile.ancillary.pidfd_of_reaped && !self.process_exists(pid) {
            return Err(Errno::EINVAL);
        }
        let of = self.processes.iter().find(|(_, p)| p.pid == pid).map(|(id, _)| id);
        let opened = self.open_file(caller, What::Process(of), NewFlags::NONE, "");
        opened.map(|(_, fd)| fd).map_err(|_| Errno::EMFILE)
    }

    /// `io_uring_setup`
    pub(crate) fn open_ring(&mut self, caller: Caller) -> Tried {
        if !*self.profile.ancillary.rings {
            return Err(Stop::Errno(Errno::ENOSYS));
        }
        let opened = self.open_file(caller, What::Ring, NewFlags::NONE, "");
        opened.map(|(_, fd)| Ret::Fd(fd)).map_err(|_| Stop::Errno(Errno::EMFILE))
    }
}
