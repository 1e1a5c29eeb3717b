//! A process that owns a socket.

use super::Seen;
use alloc::string::String;
use alloc::vec::Vec;

/// A process, as `/proc/PID` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// Process id, in the observer's pid namespace.
    pub pid: u32,
    /// Its name (`comm`), unescaped: escape before printing.
    pub name: String,
    /// The descriptor under which it holds the socket.
    pub fd: Option<u32>,
    /// Its effective user id.
    pub uid: Seen<u32>,
    /// Its state.
    pub state: Seen<ProcessState>,
    /// What its threads wait in.
    pub waits_in: Seen<WaitsIn>,
    /// Whether its control group is frozen.
    pub frozen: Seen<bool>,
    /// Its open descriptors and their limit.
    pub descriptors: Seen<DescriptorUse>,
    /// The inode number that identifies its mount namespace.
    pub mount_namespace: Seen<u64>,
    /// The inode number that identifies its network namespace.
    pub net_namespace: Seen<u64>,
    /// Its root directory, as the observer names it.
    pub root: Seen<Vec<u8>>,
}

impl Process {
    /// Whether it cannot run until somebody continues it: `None` if that is not known.
    pub fn is_stopped(&self) -> Option<bool> {
        if self.frozen.is(|f| *f) {
            return Some(true);
        }
        self.state.test(|s| matches!(s, ProcessState::Stopped | ProcessState::Traced))
    }
}

/// The letter in `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProcessState {
    /// `R`
    Running,
    /// `S`, `I`
    #[default]
    Sleeping,
    /// `D`
    DiskSleep,
    /// `T`
    Stopped,
    /// `t`
    Traced,
    /// `Z`, `X`
    Dead,
}

impl ProcessState {
    /// In words: `running`, `sleeping`, `in uninterruptible sleep`, `stopped`,
    /// `stopped by a debugger`, `dead`.
    pub const fn name(self) -> &'static str {
        match self {
            ProcessState::Running => "running",
            ProcessState::Sleeping => "sleeping",
            ProcessState::DiskSleep => "in uninterruptible sleep",
            ProcessState::Stopped => "stopped",
            ProcessState::Traced => "stopped by a debugger",
            ProcessState::Dead => "dead",
        }
    }
}

/// What a server's threads wait in, as far as it matters: could it notice a new connection?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitsIn {
    /// At least one thread runs, or waits in `accept` or `recvmsg` on this socket, in `epoll_wait`
    /// on a set that this socket is in, or in `poll`, `select` or the like on any sockets.
    Events,
    /// Every thread waits in something else; `call` is one of them, for example `nanosleep`.
    Elsewhere {
        /// The system call or wait channel of the main thread.
        call: String,
    },
}

/// Descriptors in use, and the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DescriptorUse {
    /// Open descriptors.
    pub used: u64,
    /// The soft `RLIMIT_NOFILE`.
    pub limit: u64,
}

impl DescriptorUse {
    /// Whether no further descriptor can be opened.
    pub const fn is_full(self) -> bool {
        self.used >= self.limit
    }
}
