//! The file that a socket was bound to.

use super::lock::Lock;
use super::private;
use crate::observe;
use crate::route::{self, Identity, Place};
use crate::sys::{self, Errno as Host, directory, file, option};
use std::os::fd::AsFd;
use std::time::Duration;

/// How long the end of a socket waits for a server that is about to take the place over.
const PATIENCE: Duration = Duration::from_secs(1);

/// A file that a socket was bound to: removed on drop if it is still the same one.
///
/// It is found by a descriptor of its directory, which costs one descriptor and keeps nothing
/// busy that the bound socket does not keep busy as well: an absolute path would lead elsewhere
/// when a directory above is renamed, and may be too long to be used at all. Its inode is not given
/// to another file as long as the socket is open, which holds it.
#[derive(Debug)]
pub(crate) struct BoundFile {
    place: Place,
    identity: Identity,
    remove: bool,
}

impl BoundFile {
    /// A file that is known.
    pub(super) fn new(place: Place, identity: Identity) -> BoundFile {
        BoundFile { place, identity, remove: true }
    }

    /// The socket file that `bind` has just made in this place. `None` if another one is there, or
    /// none: somebody came between, or the path leads to another directory by now.
    pub(super) fn found(place: Place, socket: impl AsFd) -> Option<BoundFile> {
        let status = file::status_in(place.directory.as_fd(), &place.name).ok()?;
        let identity = route::identity_of(&status);
        let own = is_socket(status.stx_mode.into()) && is_file_of(&socket, identity);
        own.then(|| BoundFile::new(place, identity))
    }

    /// Leaves the file where it is when this is dropped.
    pub(crate) fn keep(&mut self) {
        self.remove = false;
    }

    /// Where it was made.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether another file has taken its place.
    pub(crate) fn is_superseded(&self) -> bool {
        self.place.identity().is_ok_and(|there| there != self.identity)
    }

    fn is_there(&self) -> bool {
        self.place.identity() == Ok(self.identity)
    }

    /// Removes the file if it is still there.
    ///
    /// No call removes a file only if it is a certain one, and somebody who knows no lock may put
    /// another there at any time. So it is moved aside, and what was moved is looked at; another's
    /// file goes back, unless he has put a new one there by then.
    fn remove(&self) -> sys::Result<()> {
        let directory = self.place.directory.as_fd();
        let (there, name) = ((directory, &self.place.name[..]), private::new_name());
        let aside = (directory, &name[..]);
        if !self.is_there() {
            return Ok(());
        }
        match directory::rename_new(there, aside) {
            Err(Host::INVAL | Host::NOSYS) => return directory::unlink(directory, there.1),
            moved => moved?,
        }
        let moved = file::status_in(directory, aside.1)?;
        if route::identity_of(&moved) == self.identity {
            return directory::unlink(directory, aside.1);
        }
        match directory::rename_new(aside, there) {
            Err(Host::EXIST) if is_socket(moved.stx_mode.into()) => {
                directory::unlink(directory, aside.1)
            }
            done => done,
        }
    }
}

impl Drop for BoundFile {
    /// Nothing can be done about a failure: the file stays.
    fn drop(&mut self) {
        if !self.remove || !self.is_there() {
            return;
        }
        // A successor may come between the look and the removal; it holds the lock while it does.
        // Without a descriptor or room for a lock, a look has to do.
        match Lock::acquire(&self.place, PATIENCE) {
            Err(failure) if failure.is_held() => {}
            _lock => {
                let _ = self.remove();
            }
        }
    }
}

/// Whether a file is the one that a socket is bound to, by what the kernel tells: all of it to who
/// may administer the network, half of the inode number to everybody. Only if it tells nothing, a
/// file is believed to be.
fn is_file_of(socket: impl AsFd, identity: Identity) -> bool {
    if let Ok(opened) = option::bound_file(&socket) {
        return route::identity(opened.as_fd()) == Ok(identity);
    }
    match observe::file_number(socket) {
        Some(number) => number == identity.2 & 0xffff_ffff,
        None => true,
    }
}

/// Whether a file mode is that of a socket.
pub(super) fn is_socket(mode: u32) -> bool {
    mode & sys::libc::S_IFMT == sys::libc::S_IFSOCK
}
