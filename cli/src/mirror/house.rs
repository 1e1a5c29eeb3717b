//! Where workers live: a file system and network namespaces that nobody else uses.

use crate::stage::place::powers;
use crate::stage::{Step, Trouble, is_root};
use crate::stage::{caps, directory};
use std::fs::{self, DirBuilder, File, Permissions};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use sunpath::host;
use sunpath::profile::Machine;
use sunpath::sys::namespace::{self, New};
use sunpath::sys::{probe, process};

use super::compare::Dictionary;
use super::script::{NETS, Role};

/// How long the kernel may take to collect what a script left behind.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to wait before looking again.
const NAP: Duration = Duration::from_micros(100);

/// What the workers of a lane share.
pub struct House {
    base: PathBuf,
    root: PathBuf,
    rooms: u64,
    /// `/dev/null`
    pub null: File,
    /// The network namespaces; none if this user cannot make any.
    pub nets: Vec<File>,
    /// Users can be changed, and the root directory.
    pub privileged: bool,
    /// Who this is.
    pub own: Role,
    /// What is added to the number of a script's user.
    pub users: u32,
    /// Rings can be made.
    pub rings: bool,
    /// What the running kernel decides.
    pub machine: Machine,
}

impl House {
    /// In a directory that is made for it.
    pub fn new(base: &Path) -> Result<House, Trouble> {
        fs::create_dir(base).step("make a directory")?;
        let privileged = is_root();
        let machine = host::machine().step("measure this machine")?;
        let mut nets = Vec::new();
        if privileged {
            namespace::unshare(New::MOUNT).step("make a mount namespace")?;
            namespace::make_mounts_private().step("keep mounts apart")?;
            let none = namespace::mount::MountFlags::empty();
            namespace::mount("tmpfs", "sunpath", base, none, c"mode=0755")
                .step("mount a file system")?;
            for _ in 0..NETS {
                namespace::unshare(New::NETWORK).step("make a network namespace")?;
                nets.push(File::open("/proc/self/ns/net").step("open a network namespace")?);
            }
        }
        let own = match privileged {
            true => Role::Root(caps::from_bits(powers().0)),
            false => Role::Own,
        };
        let null = null(base, privileged);
        // Numbers that hardly anybody has, and no other lane.
        let users = 1_000_000 + std::process::id() % 100_000 * 1000;
        Ok(House {
            base: base.to_path_buf(),
            root: base.join("0"),
            rooms: 0,
            null: null?,
            nets,
            privileged,
            own,
            users,
            rings: privileged && has_rings(),
            machine: Machine { descriptors: DESCRIPTORS, ..machine },
        })
    }

    /// A new, empty root directory for the next script; that of the last is removed.
    pub fn fresh_root(&mut self) -> Result<&Path, Trouble> {
        // What the last script left behind keeps its names until the kernel collects it.
        if !self.waits_for(0)? {
            return Err(Trouble::Failed("sockets of a script are never collected".into()));
        }
        if self.rooms > 0 {
            if !self.privileged {
                directory::open_up(&self.root);
            }
            fs::remove_dir_all(&self.root).step("remove a script's files")?;
        }
        self.rooms += 1;
        self.root = self.base.join(self.rooms.to_string());
        DirBuilder::new().mode(0o755).create(&self.root).step("make a directory")?;
        fs::set_permissions(&self.root, Permissions::from_mode(0o755)).step("open a directory")?;
        Ok(&self.root)
    }

    /// Waits until so many sockets are left in the namespaces, which is to be once the kernel has
    /// collected those that only messages in flight refer to. It does when it likes. Whether that
    /// came about.
    pub fn waits_for(&self, left: usize) -> Result<bool, Trouble> {
        let until = Instant::now() + PATIENCE;
        let mut naps = 0;
        while self.sockets()? != left {
            if Instant::now() > until {
                return Ok(false);
            }
            // Closing a socket asks for a collection.
            drop(UnixDatagram::pair().step("make a socket")?);
            thread::sleep(NAP);
            naps += 1;
        }
        // The last one is not to be seen any more, but its peer may have to learn of it yet.
        if naps > 0 || left > 0 {
            thread::sleep(NAP * 10);
        }
        Ok(true)
    }

    /// How many UNIX domain sockets there are in the namespaces, or with names of this lane.
    fn sockets(&self) -> Result<usize, Trouble> {
        let mut sockets = 0;
        for net in &self.nets {
            namespace::enter(net.as_fd(), None).step("enter a network namespace")?;
            // The first line is the heading.
            sockets += table()?.lines().count().saturating_sub(1);
        }
        if self.nets.is_empty() {
            // Among those of others, the ones that a script has left are known by their names.
            let name = format!(" @{}-", std::process::id());
            sockets = table()?.lines().filter(|line| line.contains(&name)).count();
        }
        Ok(sockets)
    }

    /// What is known when a script begins.
    pub fn dictionary(&self) -> Dictionary {
        let own = (!self.privileged).then(|| [process::user(), process::group()]);
        Dictionary { users: self.users, own, ..Dictionary::default() }
    }

    /// The root directory of this script.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// The sockets of the network namespace that this thread is in, a line each.
fn table() -> Result<String, Trouble> {
    let listed = fs::read("/proc/thread-self/net/unix").step("look for sockets")?;
    Ok(String::from_utf8_lossy(&listed).into_owned())
}

/// Whether this system lets root make an instance of `io_uring`.
fn has_rings() -> bool {
    let disabled = fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
    disabled.is_ok_and(|text| text.trim() == "0") && probe::ring().is_ok()
}

/// `/dev/null`. Root gets one of its own, as a script may change its mode.
fn null(base: &Path, privileged: bool) -> Result<File, Trouble> {
    let path = if privileged { base.join("null") } else { "/dev/null".into() };
    if privileged {
        namespace::make_null(&path).step("make a device")?;
    }
    File::options().read(true).write(true).open(path).step("open /dev/null")
}

/// How many descriptors a process of a script may have: few, so that the limit is met.
const DESCRIPTORS: u32 = 300;
