//! Taking a name: plainly, in place of a dead socket, or from a running server.

use crate::socket::Socket;
use crate::{AddressRef, Call, Error, SocketType, route, sys};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that a socket was bound to: removed on drop if it is still the same one.
#[derive(Debug)]
pub(crate) struct BoundFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl BoundFile {
    fn of(path: &[u8]) -> Option<BoundFile> {
        let path = Path::new(std::ffi::OsStr::from_bytes(path)).to_path_buf();
        let path = std::path::absolute(path).ok()?;
        let status = std::fs::symlink_metadata(&path).ok()?;
        Some(BoundFile { identity: (status.dev(), status.ino()), path })
    }

    /// Leaves the file where it is.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for BoundFile {
    fn drop(&mut self) {
        let same = |s: &std::fs::Metadata| (s.dev(), s.ino()) == self.identity;
        if std::fs::symlink_metadata(&self.path).is_ok_and(|s| same(&s)) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A new socket that is bound to the address, and nothing more.
pub(crate) fn bind(kind: SocketType, address: AddressRef<'_>) -> Result<Socket, Error> {
    let mut socket = Socket::new(kind)?;
    route::reach(address, |name| sys::socket::bind(&socket, name))
        .map_err(|errno| Error::on(Call::Bind, kind, errno, address))?;
    if let AddressRef::Path(path) = address {
        socket.names_mut().file = BoundFile::of(path);
    }
    Ok(socket)
}
