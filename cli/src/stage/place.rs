//! Namespaces and mounts of a process's own, and what this process may do.

use super::{Step, Trouble};
use std::ffi::CStr;
use std::fs;
use std::path::Path;
use sunpath::sys::namespace::{self, New, mount::MountFlags};

/// Whether this process has the powers of root in the initial user namespace: it may make
/// namespaces, mount, and become other users.
pub fn is_root() -> bool {
    const NEEDED: u64 = 1 << 0 | 1 << 1 | 1 << 6 | 1 << 7 | 1 << 12 | 1 << 21;
    let initial = fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = field(&status, "CapEff:").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let uid = field(&status, "Uid:").and_then(|ids| ids.split_whitespace().nth(1));
    initial && uid == Some("0") && effective.is_some_and(|bits| bits & NEEDED == NEEDED)
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The kernel's version, as far as features depend on it; 0.0 if it cannot be read.
pub fn kernel_version() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|n| n.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Moves this process into a network namespace of its own, in which only loopback exists, up.
pub fn own_network() -> Result<(), Trouble> {
    namespace::unshare(New::NETWORK).step("make a network namespace")?;
    namespace::loopback_up().step("bring loopback up")
}

/// Moves this process into a mount namespace of its own, from which no mount gets out.
pub fn own_mounts() -> Result<(), Trouble> {
    namespace::unshare(New::MOUNT).step("make a mount namespace")?;
    namespace::make_mounts_private().step("make the mounts private")
}

/// Makes this process root of a user namespace of its own, in which only its own ids have names.
pub fn own_users() -> Result<(), Trouble> {
    let status = fs::read_to_string("/proc/self/status").step("read the own ids")?;
    let id = |name| {
        let ids = field(&status, name).and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
        ids.ok_or_else(|| Trouble::Failed("the own ids cannot be read".into()))
    };
    let outside = (id("Uid:")?, id("Gid:")?);
    if let Err(errno) = namespace::unshare(New::USER) {
        return Err(Trouble::NotHere(format!("no user namespace can be made: {errno}")));
    }
    namespace::map_ids((0, 0), outside).step("map the ids")
}

/// Mounts a `tmpfs` with these options, for example `nr_inodes=3`.
pub fn mount_tmpfs(target: &Path, options: &CStr) -> Result<(), Trouble> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    namespace::mount("tmpfs", "sunpath", target, flags, options).step("mount a tmpfs")
}
