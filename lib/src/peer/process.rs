//! The process at the other end.

use crate::credentials::Credentials;
use crate::observe::process;
use crate::sys::Errno as Host;
use crate::sys::process::has_ended;
use crate::{Call, Error, SocketType};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A process that was at the other end of a socket, and ran when it was looked at; from
/// [`Peer::process`](crate::Peer::process). Everything but the credentials is what was so at that
/// time, and says nothing about when the connection was made.
#[derive(Debug)]
pub struct PeerProcess {
    pidfd: OwnedFd,
    credentials: Credentials,
    looks: Option<Looks>,
}

/// What `/proc` shows of it.
#[derive(Debug)]
struct Looks {
    pid: u32,
    name: OsString,
    effective_user: Option<u32>,
    executable: Option<PathBuf>,
}

impl PeerProcess {
    /// Reads `/proc`; `None` if the process has ended by then, and what was read may be about
    /// another.
    pub(super) fn look(
        credentials: Credentials,
        pidfd: OwnedFd,
        kind: SocketType,
    ) -> Result<Option<PeerProcess>, Error> {
        let pid = match process::of_pidfd(pidfd.as_fd()) {
            Ok(Some(pid)) => pid,
            Ok(None) => return Ok(None),
            Err(error) => match Host::from_io_error(&error) {
                Some(errno @ (Host::MFILE | Host::NFILE)) => {
                    return Err(Error::bare(Call::Getsockopt, kind, errno));
                }
                // No `/proc`: nothing to look at.
                _ => 0,
            },
        };
        // Another number is that of another PID namespace, whose `/proc` is mounted here.
        let shown = pid != 0 && i32::try_from(pid) == Ok(credentials.pid);
        let looks = if shown { Looks::of(pid) } else { None };
        let alive = is_alive(&pidfd, kind)?;
        Ok(alive.then_some(PeerProcess { pidfd, credentials, looks }))
    }

    /// Process id, user and group as they were when the connection was made.
    pub fn credentials(&self) -> Credentials {
        self.credentials
    }

    /// Its id in this process's PID namespace; `None` if it has none there, or `/proc` does not
    /// show it. As long as [`is_alive`](PeerProcess::is_alive) says so afterwards, whatever was
    /// done with the number was done to this process.
    pub fn pid(&self) -> Option<u32> {
        Some(self.looks.as_ref()?.pid)
    }

    /// The name, of at most 15 bytes. The process chooses it: for messages and logs only.
    pub fn name(&self) -> Option<&OsStr> {
        Some(&self.looks.as_ref()?.name)
    }

    /// The program that it ran, as this process names the file; ` (deleted)` is added to one that
    /// was deleted. `None` for another user's process without `CAP_SYS_PTRACE`.
    ///
    /// What runs in the process need not be what is in the file: a debugger, an injected library
    /// or a script's interpreter are not seen. The file may be in a mount namespace in which the
    /// same path is another.
    pub fn executable(&self) -> Option<&Path> {
        self.looks.as_ref()?.executable.as_deref()
    }

    /// Its effective user when it was looked at, which may have changed since the connection was
    /// made.
    pub fn effective_user(&self) -> Option<u32> {
        self.looks.as_ref()?.effective_user
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        has_ended(self.pidfd.as_fd()) == Ok(false)
    }
}

pub(super) fn is_alive(pidfd: &OwnedFd, kind: SocketType) -> Result<bool, Error> {
    has_ended(pidfd.as_fd())
        .map(|ended| !ended)
        .map_err(|errno| Error::bare(Call::Getsockopt, kind, errno))
}

impl Looks {
    fn of(pid: u32) -> Option<Looks> {
        let (name, _) = process::name_and_state(pid)?;
        Some(Looks {
            pid,
            name: OsString::from_vec(name),
            effective_user: process::effective_user(pid).known().copied(),
            executable: process::executable(pid).ok(),
        })
    }
}

impl AsFd for PeerProcess {
    /// A descriptor of the process (`pidfd`), for `poll`, signals and `setns`.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl From<PeerProcess> for OwnedFd {
    fn from(process: PeerProcess) -> OwnedFd {
        process.pidfd
    }
}
