//! Commands that run on a connection, or on a listening socket.

use crate::failure::Told;
use crate::out::Stop;
use crate::talk::wait::{Wake, wait};
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use sunpath::Credentials;
use sunpath::sys::process::{self, Signal};
use sunpath::sys::stopping::Stopping;

/// How long commands that were told to stop are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A command that runs. It is not stopped when this is dropped.
pub struct Running {
    child: Child,
    /// Readable once it has ended.
    pidfd: OwnedFd,
    /// Which connection it serves.
    pub connection: u64,
}

/// Starts a command of the shell's, with the connection as its standard input and output.
pub fn start(
    command: &OsStr,
    socket: OwnedFd,
    peer: Option<Credentials>,
    connection: u64,
) -> Result<Running, Stop> {
    let input = socket.try_clone().map_err(|e| cannot(command, &e))?;
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::from(input)).stdout(Stdio::from(socket));
    if let Some(Credentials { pid, uid, gid, .. }) = peer {
        let ids = [("PID", pid.to_string()), ("UID", uid.to_string()), ("GID", gid.to_string())];
        shell.envs(ids.map(|(name, value)| (format!("SUNPATH_PEER_{name}"), value)));
    }
    let child = shell.spawn().map_err(|e| cannot(command, &e))?;
    Running::of(child, connection).map_err(|e| cannot(command, &e))
}

/// What to say of a command that cannot be started.
pub fn cannot(command: &OsStr, error: &std::io::Error) -> Stop {
    use std::os::unix::ffi::OsStrExt;
    let command = crate::render::text::show(command.as_bytes());
    let helps = match error.kind() {
        std::io::ErrorKind::NotFound => "; there is no sh in PATH",
        _ => "",
    };
    Stop::trouble(format!("cannot run {command}: {}{helps}", error.told()))
}

impl Running {
    /// A child that was just started.
    pub fn of(child: Child, connection: u64) -> std::io::Result<Running> {
        let pidfd = process::pidfd(child.id())?;
        Ok(Running { child, pidfd, connection })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end; if this program is to stop before, stops the command first and tells
    /// `None`.
    pub fn finish(mut self, stopping: &Stopping) -> Result<Option<ExitStatus>, Stop> {
        loop {
            if let Some(status) = self.ended() {
                return Ok(Some(status));
            }
            if let Wake::Stopped = wait(stopping, &[self.pidfd.as_fd()], None)? {
                stop(std::slice::from_mut(&mut self));
                return Ok(None);
            }
        }
    }
}

impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// Asks commands to stop, and waits a while until they have.
pub fn stop(running: &mut [Running]) {
    for command in running.iter() {
        // It may have ended by itself.
        let _ = process::signal(command.as_fd(), Signal::TERM);
    }
    let deadline = Instant::now() + PATIENCE;
    while running.iter_mut().any(|command| command.ended().is_none()) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The status of a command as a shell tells it.
pub fn code(status: ExitStatus) -> ExitCode {
    let killed = status.signal().map(|signal| 128 + signal);
    let code = status.code().or(killed).and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
