//! Descriptors that a program gets from whoever starts it, and gives to whom it starts.

use super::{Result, check};
use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};

/// The number of the first inherited descriptor (`SD_LISTEN_FDS_START`).
pub const FIRST: RawFd = 3;

/// Why [`take`] took nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// They were taken before.
    Again,
    /// Nothing is open under this number.
    Closed(RawFd),
    /// What is open under this number is close-on-exec, so this program opened it.
    Opened(RawFd),
}

/// Takes over the descriptors `3..3 + count`, which the caller knows to have been handed to this
/// program when it started. Once in the life of a process, all of them or none. They are
/// close-on-exec afterwards.
pub fn take(count: u32) -> std::result::Result<Vec<OwnedFd>, NotTaken> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let end = FIRST.saturating_add(i32::try_from(count).unwrap_or(i32::MAX));
    // The first that is not open ends this, however large the count.
    for number in FIRST..end {
        match is_close_on_exec(number) {
            Ok(false) => {}
            Ok(true) if TAKEN.load(Ordering::Acquire) => return Err(NotTaken::Again),
            Ok(true) => return Err(NotTaken::Opened(number)),
            Err(_) if TAKEN.load(Ordering::Acquire) => return Err(NotTaken::Again),
            Err(_) => return Err(NotTaken::Closed(number)),
        }
    }
    if TAKEN.swap(true, Ordering::AcqRel) {
        return Err(NotTaken::Again);
    }
    let own = |number| {
        // SAFETY: the number is open and not close-on-exec: it came with `exec`, because whatever
        // Rust opens is close-on-exec. Nobody in this program has been told of it but the caller,
        // and the flag sees to it that it is owned once.
        let fd = unsafe { OwnedFd::from_raw_fd(number) };
        // Cannot fail: it is open.
        let _ = rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC);
        fd
    };
    Ok((FIRST..end).map(own).collect())
}

/// `fcntl(2)` `F_GETFD` of any number. `EBADF` if none is open under it.
fn is_close_on_exec(number: RawFd) -> Result<bool> {
    // SAFETY: takes numbers only.
    let flags = check(unsafe { libc::fcntl(number, libc::F_GETFD) })?;
    Ok(flags & libc::FD_CLOEXEC != 0)
}

/// `unsetenv(3)` of these variables, if this process has one thread only; `false`, with nothing
/// done, if it has more, which might read the environment at the same time.
pub fn clear_environment(names: &[&str]) -> bool {
    let alone = super::process::is_single_threaded();
    if alone {
        for name in names {
            // SAFETY: this is the only thread, so no other reads or writes the environment, and
            // none can be started meanwhile but by this one.
            unsafe { std::env::remove_var(name) };
        }
    }
    alone
}

/// The number of this process in the file system of process descriptors (Linux 6.9), which is
/// never used again; `None` where there is no such file system.
pub fn own_pidfd_id() -> Option<u64> {
    const PIDFS: i64 = 0x5049_4446;
    let flags = rustix::process::PidfdFlags::empty();
    let own = rustix::process::pidfd_open(rustix::process::getpid(), flags).ok()?;
    let kind = rustix::fs::fstatfs(&own).ok()?.f_type as i64;
    let id = rustix::fs::fstat(&own).ok()?.st_ino;
    (kind == PIDFS).then_some(id)
}

/// The variable of the environment that only the child can fill in, with room for any process id.
const OWN_PID: &[u8] = b"LISTEN_PID=0000000000";
const PREFIX: usize = b"LISTEN_PID=".len();

/// Starts the command with these descriptors under the numbers from 3 on, with this environment,
/// and `LISTEN_PID` in it.
///
/// The child's own id is known only between `fork` and `exec`, when the library's way to pass an
/// environment is past changing. So the child calls `execvpe(3)` itself, on memory that was made
/// before.
pub fn spawn(
    mut command: Command,
    descriptors: &[OwnedFd],
    environment: &[(std::ffi::OsString, std::ffi::OsString)],
) -> io::Result<Child> {
    let end = FIRST + i32::try_from(descriptors.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // Away from the numbers that they get, so that none overwrites another.
    let away: Vec<OwnedFd> = descriptors
        .iter()
        .map(|fd| rustix::io::fcntl_dupfd_cloexec(fd.as_fd(), end))
        .collect::<Result<_>>()?;
    let arguments: Vec<&OsStr> =
        [command.get_program()].into_iter().chain(command.get_args()).collect();
    let mut exec = Exec::new(&arguments, environment, away)?;
    // SAFETY: between `fork` and `exec` the closure makes system calls and writes to memory that
    // it has; it neither allocates nor takes a lock.
    unsafe { command.pre_exec(move || Err(exec.run())) };
    command.spawn()
}

/// All that the child needs, made before there is a child.
struct Exec {
    program: CString,
    /// Ends with a null pointer, as does the next; both point into `texts`.
    arguments: Vec<*const c_char>,
    environment: Vec<*const c_char>,
    /// `LISTEN_PID=` and room for the number; the environment points to it.
    own_pid: Box<[u8]>,
    _texts: Vec<CString>,
    descriptors: Vec<OwnedFd>,
    /// What was open under the numbers that the descriptors get.
    covered: Vec<Option<c_int>>,
}

// SAFETY: the pointers are to memory that the value owns and nobody else knows of.
unsafe impl Send for Exec {}
// SAFETY: as above; nothing can be done through a shared reference.
unsafe impl Sync for Exec {}

impl Exec {
    fn new(
        arguments: &[&OsStr],
        environment: &[(std::ffi::OsString, std::ffi::OsString)],
        descriptors: Vec<OwnedFd>,
    ) -> io::Result<Exec> {
        let text = |bytes: Vec<u8>| CString::new(bytes).map_err(io::Error::from);
        let own = |argument: &&OsStr| text(argument.as_bytes().to_vec());
        let mut texts = arguments.iter().map(own).collect::<io::Result<Vec<_>>>()?;
        for (name, value) in environment {
            texts.push(text([name.as_bytes(), b"=", value.as_bytes()].concat())?);
        }
        let mut own_pid = [OWN_PID, b"\0"].concat().into_boxed_slice();
        let (first, rest) = texts.split_at(arguments.len());
        let ended = |texts: &[CString], last: Option<*const c_char>| {
            let pointers = texts.iter().map(|text| text.as_ptr());
            pointers.chain(last).chain([std::ptr::null()]).collect()
        };
        Ok(Exec {
            program: first[0].clone(),
            arguments: ended(first, None),
            environment: ended(rest, Some(own_pid.as_mut_ptr().cast_const().cast())),
            own_pid,
            covered: vec![None; descriptors.len()],
            _texts: texts,
            descriptors,
        })
    }

    /// In the child. Comes back only if the program could not be started, and then leaves every
    /// descriptor as it was: the parent is told through one of them.
    fn run(&mut self) -> io::Error {
        write_pid(&mut self.own_pid[PREFIX..], std::process::id());
        let end = FIRST + self.descriptors.len() as c_int;
        let targets = (FIRST..end).zip(self.descriptors.iter().zip(&mut self.covered));
        let mut failed = None;
        for (number, (fd, covered)) in targets {
            // SAFETY: takes numbers only; the copy is closed by `exec`, or put back below.
            let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, end) };
            *covered = Some(copy).filter(|copy| *copy >= 0);
            // SAFETY: takes numbers only. What was open under the number is covered up in a child
            // that is about to call `exec`; its owners in this copy of memory never run.
            if unsafe { libc::dup2(fd.as_raw_fd(), number) } < 0 {
                failed = Some(io::Error::last_os_error());
                break;
            }
        }
        let error = failed.unwrap_or_else(|| self.exec());
        for (number, covered) in (FIRST..end).zip(&self.covered) {
            if let Some(copy) = *covered {
                // SAFETY: as above; this undoes it.
                unsafe { libc::dup3(copy, number, libc::O_CLOEXEC) };
            }
        }
        error
    }

    /// `execvpe(3)`.
    fn exec(&self) -> io::Error {
        let program: &CStr = &self.program;
        let (arguments, environment) = (self.arguments.as_ptr(), self.environment.as_ptr());
        // SAFETY: both arrays end with a null pointer, and what they point to is owned by `self`.
        unsafe { libc::execvpe(program.as_ptr(), arguments, environment) };
        io::Error::last_os_error()
    }
}

/// The number in digits with a NUL after them, without allocating.
fn write_pid(room: &mut [u8], pid: u32) {
    let length = pid.checked_ilog10().map_or(1, |log| log as usize + 1);
    let mut rest = pid;
    for digit in room[..length].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    room[length] = 0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;

    #[test]
    fn any_process_id_fits() {
        for pid in [1, 9, 10, 4_194_304, u32::MAX] {
            let mut room = [b'x'; 11];
            write_pid(&mut room, pid);
            let text = CStr::from_bytes_until_nul(&room).unwrap();
            assert_eq!(text.to_str().unwrap(), pid.to_string());
        }
        assert_eq!(OWN_PID.len() - PREFIX, 10);
    }

    #[test]
    fn numbers_that_are_not_open_are_told() {
        assert_eq!(is_close_on_exec(i32::MAX), Err(Errno::BADF));
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(is_close_on_exec(file.as_raw_fd()), Ok(true));
    }

    #[test]
    fn a_process_has_one_number_of_its_own() {
        assert_eq!(own_pidfd_id(), own_pidfd_id());
    }
}
