//! Which file a socket of this process is bound to.

use super::diag::{self, show};
use super::netlink::Client;
use std::os::fd::AsFd;

/// The low 32 bits of the inode number of the file that a socket is bound to, as the kernel's
/// table has it; `None` if that cannot be seen: the socket is of another network namespace, or the
/// kernel lacks `unix_diag`.
pub(crate) fn file_number(socket: impl AsFd) -> Option<u64> {
    #[cfg(feature = "sim")]
    if let Some(socket) = crate::sim::of(&socket) {
        return socket.file_number();
    }
    let inode = u32::try_from(rustix::fs::fstat(socket).ok()?.st_ino).ok()?;
    let mut client = Client::sockets().ok()?;
    let found = diag::exact(&mut client, inode, show::VFS, |record| record.file);
    found.ok()?.map(|file| file.inode)
}
