//! Where traces are played: a file system and a network of their own, from which no path, no
//! abstract name and no packet leads out.
//!
//! ```text
//!   this machine's files          a new tmpfs: the root directory of every worker
//!   /tmp/sunpath-PID-0  ◄─mounted─  /            (16 MiB, no devices, in a mount namespace
//!                                   └ app.sock    that ends with the last process in it)
//! ```
//! Each worker has a mount namespace of its own, without anything else in it, that follows what
//! is mounted here later.
//!
//! An ordinary user gets them in a user namespace, where only root exists.

use crate::stage::{Step, Trouble, caps, is_root, place};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use sunpath::model::{Caps, Credentials};
use sunpath::profile::Machine;
use sunpath::sys::namespace::{self, New, mount::MountFlags};
use sunpath::sys::process::{self, ThreeIds};
use sunpath::sys::{self, bare};

/// The most memory that a process may use, in bytes of addresses.
const MEMORY: u64 = 2 << 30;

/// The place.
pub struct Place {
    root: PathBuf,
    /// `/dev/null`, of this machine.
    null: File,
    /// There are other users than root.
    pub privileged: bool,
    /// What the model's machine decides: processes have as many descriptors as there.
    pub machine: Machine,
}

impl Place {
    /// Moves this process into namespaces of its own, and covers the directory `root` with an
    /// empty file system there.
    pub fn new(root: &Path) -> Result<Place, Trouble> {
        let null = File::options().read(true).write(true).open("/dev/null");
        let null = null.step("open /dev/null")?;
        let privileged = is_root();
        if !privileged {
            place::own_users()?;
        }
        place::own_mounts()?;
        place::own_network()?;
        let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC;
        let options = c"mode=0755,size=16m,nr_inodes=10000";
        namespace::mount("tmpfs", "sunpath", root, flags, options)
            .if_possible("mount a file system")?;
        namespace::share_mounts(root).step("share what is mounted below")?;
        process::limit_memory(MEMORY).step("limit the memory")?;
        let machine = Machine::default();
        Ok(Place { root: root.to_path_buf(), null, privileged, machine })
    }

    /// Makes this process one that knows nothing but the root directory, and keeps these
    /// descriptors out of reach.
    pub fn enter(&self, who: &Credentials, keep: &[BorrowedFd<'_>]) -> sys::Result<()> {
        // Not by chroot(2), from which no user namespace could be made.
        namespace::unshare(New::MOUNT)?;
        namespace::follow_mounts()?;
        namespace::pivot(&self.root)?;
        bare::begin(self.null.as_fd(), keep, self.machine.descriptors)?;
        bare::hold_pipe_signal()?;
        bare::umask(0o022);
        let groups = self.privileged.then_some(&who.supplementary[..]);
        let (users, their_groups) = (ThreeIds(who.users), ThreeIds(who.groups));
        process::become_exactly(users, their_groups, groups, unusual(who))
    }

    /// The root directory of all workers.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// The effective and the permitted capabilities, unless they are those that a user has anyway.
fn unusual(who: &Credentials) -> Option<(u64, u64)> {
    let all_if = |root| if root { Caps::ALL } else { Caps::NONE };
    let usual = (all_if(who.users[1] == 0), all_if(who.users.contains(&0)));
    let held = (who.caps, who.permitted);
    (held != usual).then(|| (caps::to_bits(who.caps), caps::to_bits(who.permitted)))
}
