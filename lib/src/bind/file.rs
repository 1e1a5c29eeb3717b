//! The file that a socket was bound to.

use super::lock::Lock;
use crate::route::{self, Identity, Place};
use crate::sys::{self, directory, file};
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

    /// The socket file that `bind` has just made in this place: the kernel does not tell which one,
    /// but whoever could have put another one there since must have made that for the same use.
    /// `None` if there is none any more.
    pub(super) fn found(place: Place) -> Option<BoundFile> {
        let opened = place.open().ok()?;
        let is_socket = file::status(opened.as_fd()).is_ok_and(|s| is_socket(s.stx_mode.into()));
        let identity = route::identity(opened.as_fd()).ok()?;
        is_socket.then(|| BoundFile::new(place, identity))
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

    fn remove(&self) -> sys::Result<()> {
        directory::unlink(self.place.directory.as_fd(), &self.place.name)
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
                let _ = if self.is_there() { self.remove() } else { Ok(()) };
            }
        }
    }
}

/// Whether a file mode is that of a socket.
pub(super) fn is_socket(mode: u32) -> bool {
    mode & sys::libc::S_IFMT == sys::libc::S_IFSOCK
}
