//! What a passed descriptor is.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use sunpath::sys::{file, libc};

/// A descriptor that came with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// `regular file`, `pipe` and so on.
    pub kind: &'static str,
    /// Its path, or what the kernel calls it.
    pub name: Option<Vec<u8>>,
    /// Its inode number.
    pub inode: Option<u64>,
}

/// Looks at each.
pub fn all(descriptors: &[OwnedFd]) -> Vec<Descriptor> {
    descriptors.iter().map(Descriptor::of).collect()
}

impl Descriptor {
    /// Asks for what the kernel knows already: a file system that does not answer shall not hold
    /// the message up.
    fn of(fd: &OwnedFd) -> Descriptor {
        let status = file::status(fd.as_fd()).ok();
        let kind = status.as_ref().map_or("unknown", |status| {
            match u32::from(status.stx_mode) & libc::S_IFMT {
                libc::S_IFREG => "regular file",
                libc::S_IFDIR => "directory",
                libc::S_IFCHR => "character device",
                libc::S_IFBLK => "block device",
                libc::S_IFIFO => "pipe",
                libc::S_IFSOCK => "socket",
                libc::S_IFLNK => "symbolic link",
                _ => "kernel object",
            }
        });
        let link = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()));
        let name = link.ok().map(|path| path.into_os_string().into_vec());
        Descriptor { kind, name, inode: status.map(|status| status.stx_ino) }
    }

    /// In words.
    pub fn sentence(&self) -> String {
        let name = self.name.as_deref().map(sunpath::text::escape).unwrap_or_default();
        match self.inode {
            // The name says it.
            Some(inode) if !name.contains(&format!("[{inode}]")) => {
                format!("{} {name} (inode {inode})", self.kind)
            }
            _ => format!("{} {name}", self.kind),
        }
    }
}
