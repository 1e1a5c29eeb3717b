//! A socket that is bound beside its place, where nobody else can reach it yet.

use super::TRIES;
use super::file::is_socket;
use super::options::Attributes;
use super::private::Private;
use crate::addr::PATH_MAX_BYTES;
use crate::route::{self, Identity, Place};
use crate::sys::{self, Errno as Host, directory, file, name::Name};
use std::os::fd::{AsFd, OwnedFd};

/// A bound socket's file in a private directory. Unless it has been moved to its place, it is
/// removed on drop.
///
/// Until then, only this user and a privileged process can connect to it.
#[derive(Debug)]
pub(super) struct Aside<'a> {
    room: Private<'a>,
    file: &'a [u8],
    identity: Identity,
}

impl<'a> Aside<'a> {
    /// Binds a socket beside the place. Its own name, as the kernel keeps it, is that of the
    /// private directory.
    pub(super) fn bind(place: &'a Place, socket: impl AsFd) -> sys::Result<Aside<'a>> {
        check(place)?;
        let room = Private::make(place)?;
        // A long name would not fit behind that of the private directory.
        let file = if place.name.len() <= super::FITS { &place.name[..] } else { b"socket" };
        let path = [&place.parent[..], &room.name, b"/", file].concat();
        let mut call = |name: &Name| sys::socket::bind(&socket, name);
        let bound = match path.len() {
            ..=PATH_MAX_BYTES => call(&Name::path(&path)?),
            _ => Err(Host::NOENT),
        };
        match bound {
            // Too long, or the path leads to another directory by now.
            Err(Host::NOENT) => route::through(room.directory.as_fd(), file, &mut call)?,
            done => done?,
        }
        match route::identity_in(room.directory.as_fd(), file) {
            Ok(identity) => Ok(Aside { room, file, identity }),
            Err(errno) => {
                let _ = directory::unlink(room.directory.as_fd(), file);
                Err(errno)
            }
        }
    }

    /// Which file it is.
    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// Gives the file its owner, group and mode.
    pub(super) fn set(&self, attributes: &Attributes) -> sys::Result<()> {
        if attributes.owner.is_some() || attributes.group.is_some() {
            directory::set_owner(self.here(), attributes.owner, attributes.group)?;
        }
        match attributes.mode {
            Some(mode) => directory::set_mode(self.here(), mode),
            None => Ok(()),
        }
    }

    fn here(&self) -> directory::At<'_> {
        (self.room.directory.as_fd(), self.file)
    }

    fn there(&self) -> directory::At<'_> {
        (self.room.place.directory.as_fd(), &self.room.place.name)
    }

    /// Moves the file to its place; `EADDRINUSE` if anything is there.
    pub(super) fn put(&self) -> sys::Result<()> {
        let put = match directory::rename_new(self.here(), self.there()) {
            // A second name for the file is as good: it may not replace anything either.
            Err(Host::INVAL | Host::NOSYS) => directory::link(self.here(), self.there()),
            done => done,
        };
        put.map_err(|errno| if errno == Host::EXIST { Host::ADDRINUSE } else { errno })
    }

    /// Puts the file in place of the one that is expected there, at once for clients, and
    /// removes that. `false`: another one is there, and stays.
    pub(super) fn replace(&self, expected: Identity) -> sys::Result<bool> {
        match directory::exchange(self.here(), self.there()) {
            Ok(()) => {}
            Err(Host::NOENT) => return Ok(false),
            Err(Host::INVAL | Host::NOSYS) => return self.rename_over(expected),
            Err(errno) => return Err(errno),
        }
        let mut out = self.held()?;
        if out.identity == expected {
            // It has been replaced, whether or not its remains can be removed.
            let _ = directory::unlink(self.room.directory.as_fd(), self.file);
            return Ok(true);
        }
        // Somebody who knows no lock was there in between: what came out is put back.
        let mut put = Held { identity: self.identity, _open: None };
        for _ in 0..TRIES {
            match directory::exchange(self.here(), self.there()) {
                Err(Host::NOENT) => self.put_back()?,
                done => done?,
            }
            let next = self.held()?;
            if next.identity == put.identity {
                return if put.identity == self.identity { Ok(false) } else { self.discard() };
            }
            // And he did it again: what he made last belongs there.
            (put, out) = (out, next);
        }
        Err(Host::ADDRINUSE)
    }

    /// Somebody has replaced this socket at its place, and so, without knowing, the file that is
    /// left here: a socket is removed, as he did; anything else is kept here rather than lost.
    fn discard(&self) -> sys::Result<bool> {
        let (directory, name) = self.here();
        if file::status_in(directory, name).is_ok_and(|s| is_socket(s.stx_mode.into())) {
            let _ = directory::unlink(directory, name);
        }
        Err(Host::ADDRINUSE)
    }

    /// Puts what came out of the place back into it, which is empty by now; then this socket has
    /// no file any more.
    fn put_back(&self) -> sys::Result<()> {
        directory::rename_new(self.here(), self.there())?;
        Err(Host::ADDRINUSE)
    }

    /// For file systems that cannot exchange two files: the lock alone keeps others away.
    fn rename_over(&self, expected: Identity) -> sys::Result<bool> {
        if self.room.place.identity() != Ok(expected) {
            return Ok(false);
        }
        directory::rename(self.here(), self.there()).map(|()| true)
    }

    /// Which file is in the private directory.
    fn held(&self) -> sys::Result<Held> {
        let directory = self.room.directory.as_fd();
        let identity = route::identity_in(directory, self.file)?;
        Ok(Held { identity, _open: file::open_path(directory, self.file).ok() })
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        // A file of somebody else that could not be put back is not ours to remove.
        if self.held().is_ok_and(|held| held.identity == self.identity) {
            let _ = directory::unlink(self.room.directory.as_fd(), self.file);
        }
    }
}

/// A file that was in the private directory.
struct Held {
    identity: Identity,
    /// As long as it is open, no new file has its number. Without a free descriptor there is that
    /// small risk.
    _open: Option<OwnedFd>,
}

/// What `bind` says of a name before it looks for room: `.`, `..`, the root and an existing file
/// are in use, and a slash behind a new name leads nowhere.
fn check(place: &Place) -> sys::Result<()> {
    if matches!(place.name.as_slice(), b"" | b"." | b"..") {
        return Err(Host::ADDRINUSE);
    }
    if !place.slash {
        return Ok(());
    }
    place.open()?;
    Err(Host::ADDRINUSE)
}

/// Gives a file that was made with mode 0 its owner, group and mode, where it stands.
///
/// It is known to be ours without a private directory, because it is a socket with one name, of
/// this user, that nobody may use: whoever may write to the directory could put nothing else there
/// but another such socket.
pub(super) fn set_in_place(place: &Place, attributes: &Attributes) -> sys::Result<()> {
    let opened = place.open()?;
    let status = file::status(opened.as_fd())?;
    let mode = u32::from(status.stx_mode);
    let mine = status.stx_uid == file::user() && status.stx_nlink == 1;
    if !(is_socket(mode) && mode & 0o7777 == 0 && mine) {
        return Err(Host::PERM);
    }
    if attributes.owner.is_some() || attributes.group.is_some() {
        directory::set_owner_of(opened.as_fd(), attributes.owner, attributes.group)?;
    }
    let mode = attributes.mode.map_or_else(|| umask().map(|umask| 0o777 & !umask), Ok)?;
    directory::set_mode_of(opened.as_fd(), mode)
}

/// The umask, without changing it for a moment as `umask(2)` would.
fn umask() -> sys::Result<u32> {
    let status = file::read_at(file::WORKING_DIRECTORY, b"/proc/thread-self/status", 1 << 16)?;
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).ok_or(Host::NOSYS)
}
