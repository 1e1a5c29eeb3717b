//! How full a listener's queue is.

use super::diag::{self, States, show};
use super::netlink::Client;
use crate::fact::path::FileId;
use crate::{AddressRef, SocketType};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Connections that wait at the listener that the address leads to, and the limit it set; `None` if
/// it cannot be seen from here: it is in another network namespace, or the kernel lacks
/// `unix_diag`.
pub(crate) fn backlog(kind: SocketType, address: AddressRef<'_>) -> Option<(u32, u32)> {
    #[cfg(feature = "sim")]
    if crate::sim::current().is_some() {
        return None;
    }
    let file = match address {
        AddressRef::Path(path) => {
            let status = std::fs::metadata(Path::new(OsStr::from_bytes(path))).ok()?;
            Some(file_id(&status))
        }
        AddressRef::Abstract(_) => None,
        AddressRef::Unnamed => return None,
    };
    let mut client = Client::sockets().ok()?;
    let shown = show::NAME | show::VFS | show::QUEUE;
    let found = diag::dump(&mut client, States::LISTENING, shown, |record| {
        let meant = match address {
            AddressRef::Abstract(name) => {
                record.name.as_deref().and_then(|n| n.strip_prefix(b"\0")) == Some(name)
            }
            _ => record.file.is_some() && record.file == file,
        };
        if meant && record.kind == Some(kind) { record.queue } else { None }
    });
    found.ok()?.into_iter().next()
}

/// A file as the tables name it: they show the low half of an inode number.
pub(crate) fn file_id(status: &Metadata) -> FileId {
    let device = status.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let device = u64::from(major) << 32 | u64::from(minor);
    FileId { device, inode: u64::from(status.ino() as u32) }
}
