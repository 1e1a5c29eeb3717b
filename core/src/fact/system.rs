//! Limits and switches of the whole machine.

use super::Seen;
use alloc::string::String;
use alloc::vec::Vec;

/// What the kernel is, and the settings of it that causes depend on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct System {
    /// The kernel's release, for example `6.18.44`.
    pub release: Seen<String>,
    /// Its version as three numbers.
    pub version: Seen<(u32, u32, u32)>,
    /// Active security modules, for example `landlock`, `selinux`.
    pub security_modules: Seen<Vec<String>>,
    /// `fs.protected_symlinks`
    pub protected_symlinks: Seen<bool>,
    /// `net.core.somaxconn`
    pub somaxconn: Seen<u32>,
    /// `net.unix.max_dgram_qlen`
    pub max_dgram_qlen: Seen<u32>,
    /// `net.core.optmem_max`, in bytes.
    pub optmem_max: Seen<u64>,
    /// `net.core.wmem_max`, in bytes.
    pub wmem_max: Seen<u64>,
    /// `fs.file-max`
    pub file_max: Seen<u64>,
    /// Open files in the whole system.
    pub files_open: Seen<u64>,
    /// AF_UNIX sockets in use.
    pub unix_sockets: Seen<u64>,
}
