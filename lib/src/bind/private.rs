//! Directories that nobody else can reach, beside a place, and what is left of them.
//!
//! Who has made one holds a `flock` on it as long as he lives. One without is the remains of a
//! process that was killed, and whoever replaces a socket in the same directory clears it away.

use super::TRIES;
use super::file::is_socket;
use crate::observe::rehearse::{self, Bound};
use crate::route::{self, Place};
use crate::sys::{self, Errno as Host, directory, file};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Before 16 hexadecimal digits: its name.
const PREFIX: &str = ".sunpath-";

/// A private directory (`0700`) in the directory of the place; removed on drop if it is empty.
#[derive(Debug)]
pub(super) struct Private<'a> {
    pub(super) place: &'a Place,
    pub(super) name: Vec<u8>,
    pub(super) directory: OwnedFd,
}

impl<'a> Private<'a> {
    pub(super) fn make(place: &'a Place) -> sys::Result<Private<'a>> {
        let base = place.directory.as_fd();
        for _ in 0..TRIES {
            let name = new_name();
            match directory::make_private(base, &name) {
                Err(Host::EXIST) => continue,
                made => made?,
            }
            match hold(base, &name) {
                Ok(Some(directory)) => return Ok(Private { place, name, directory }),
                // Somebody who clears up was faster than the lock.
                Ok(None) | Err(Host::NOENT) => {
                    let _ = directory::remove_directory(base, &name);
                }
                Err(errno) => {
                    let _ = directory::remove_directory(base, &name);
                    return Err(errno);
                }
            }
        }
        Err(Host::EXIST)
    }
}

impl Drop for Private<'_> {
    fn drop(&mut self) {
        let _ = directory::remove_directory(self.place.directory.as_fd(), &self.name);
    }
}

/// A name that nobody can guess.
pub(super) fn new_name() -> Vec<u8> {
    let random = sys::clock::random();
    format!("{PREFIX}{random:016x}").into_bytes()
}

/// Opens and locks a private directory; `None` if somebody else has the lock, or the name leads to
/// another one by now. `EPERM` if it is not this user's own, or not private: whoever may write to
/// the directory around it could have put it there.
///
/// A file system without such locks does without: nobody clears up there.
fn hold(base: BorrowedFd<'_>, name: &[u8]) -> sys::Result<Option<OwnedFd>> {
    let opened = file::open_path(base, name)?;
    let status = file::status(opened.as_fd())?;
    let mode = u32::from(status.stx_mode);
    let is_directory = mode & sys::libc::S_IFMT == sys::libc::S_IFDIR;
    let mine = status.stx_uid == file::user();
    if !(is_directory && mine && mode & 0o077 == 0) {
        return Err(Host::PERM);
    }
    if mode & 0o700 != 0o700 {
        // The umask forbids its owner to use it.
        directory::set_mode_of(opened.as_fd(), mode & 0o7000 | 0o700)?;
    }
    let directory = directory::reopen(opened.as_fd())?;
    if lock(&directory) == Err(Host::AGAIN) {
        return Ok(None);
    }
    let named = route::identity_in(base, name) == Ok(route::identity_of(&status));
    Ok(named.then_some(directory))
}

fn lock(directory: &OwnedFd) -> sys::Result<()> {
    directory::flock(directory.as_fd(), directory::FlockOperation::NonBlockingLockExclusive)
}

/// Removes what killed processes have left in a directory: private directories of this user, each
/// with the dead socket in it, and dead sockets with such a name. Whatever else is there stays.
pub(super) fn clear(place: &Place) {
    let base = place.directory.as_fd();
    for name in file::names_at(base, b".").unwrap_or_default() {
        if is_private(&name) {
            // What cannot be removed is in nobody's way.
            let _ = remove_dead(base, &name).and_then(|removed| match removed {
                true => Ok(()),
                false => clear_one(base, &name),
            });
        }
    }
}

fn clear_one(base: BorrowedFd<'_>, name: &[u8]) -> sys::Result<()> {
    let Some(directory) = hold(base, name)? else { return Ok(()) };
    lock(&directory)?;
    for name in file::names_at(directory.as_fd(), b".")? {
        if !remove_dead(directory.as_fd(), &name)? {
            return Ok(());
        }
    }
    // Still locked: whoever has made it this instant will look whether it is still there.
    directory::remove_directory(base, name)
}

/// Removes a file if it is a socket that is known to be dead.
fn remove_dead(directory: BorrowedFd<'_>, name: &[u8]) -> sys::Result<bool> {
    let opened = file::open_path(directory, name)?;
    let dead = is_socket(file::status(opened.as_fd())?.stx_mode.into())
        && !file::is_shared(opened.as_fd())?
        && rehearse::file(opened.as_fd()) == Some(Bound::Nobody);
    if dead {
        directory::unlink(directory, name)?;
    }
    Ok(dead)
}

fn is_private(name: &[u8]) -> bool {
    let digits = name.strip_prefix(PREFIX.as_bytes());
    digits.is_some_and(|d| d.len() == 16 && d.iter().all(u8::is_ascii_hexdigit))
}
