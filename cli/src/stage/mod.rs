//! Sets failures up for real: private directories, servers in processes of their own, namespaces.
//!
//! A [`Stage`] belongs to a process that was started for one recipe and has a single thread, so
//! it may fork, enter namespaces and give up its ids. Everything it makes ends with it: its
//! children are killed when it is dropped or when its process dies, its namespaces go with its
//! processes, and its directory is removed by the process that made it ([`directory`]).
//!
//! - [`server`]: processes that hold sockets. [`client`]: the process whose call fails.
//! - [`place`]: namespaces and mounts. [`caps`]: capabilities.

pub mod caps;
pub mod client;
pub mod directory;
pub mod place;
pub mod server;

pub use place::is_root;

use crate::failure::Told;
use std::any::Any;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use sunpath::{Address, Endpoint};

/// The ordinary user as whom clients act where a recipe needs one.
pub const NOBODY: u32 = 65534;

/// Why a recipe could not be carried out.
#[derive(Debug)]
pub enum Trouble {
    /// This system cannot do it, in words: a kernel without the feature, a missing device.
    NotHere(String),
    /// A step failed that should have worked, in words.
    Failed(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::NotHere(why) | Trouble::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Trouble {}

/// Names the step that failed: `.step("bind the server")?`.
pub trait Step<T> {
    /// Turns an error of this step into [`Trouble::Failed`].
    fn step(self, what: &str) -> Result<T, Trouble>;

    /// Turns an error of a step that systems may refuse for good into [`Trouble::NotHere`].
    fn if_possible(self, what: &str) -> Result<T, Trouble>;
}

impl<T, E: std::error::Error + 'static> Step<T> for Result<T, E> {
    fn step(self, what: &str) -> Result<T, Trouble> {
        self.map_err(|error| Trouble::Failed(format!("{what}: {}", error.told())))
    }

    fn if_possible(self, what: &str) -> Result<T, Trouble> {
        self.map_err(|error| Trouble::NotHere(format!("cannot {what}: {}", error.told())))
    }
}

/// Where a recipe sets its failure up.
pub struct Stage {
    dir: PathBuf,
    guards: Vec<Box<dyn Any>>,
}

impl Stage {
    /// A stage in a directory that exists and is its own.
    pub fn new(dir: PathBuf) -> Self {
        Stage { dir, guards: Vec::new() }
    }

    /// The private directory. Other users can pass through it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A path in the private directory.
    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.dir.join(name.as_ref())
    }

    /// A directory in the private directory, made with mode 0755.
    pub fn subdir(&self, name: impl AsRef<OsStr>) -> Result<PathBuf, Trouble> {
        let path = self.path(name);
        std::fs::create_dir(&path).step("make a directory")?;
        Ok(path)
    }

    /// An abstract name that no other stage uses.
    pub fn abstract_name(&self, name: &str) -> Vec<u8> {
        let dir = self.dir.as_os_str().as_bytes();
        let own = dir.rsplit(|b| *b == b'/').take(2).collect::<Vec<_>>();
        let mut bytes = own.into_iter().rev().collect::<Vec<_>>().join(&b'.');
        bytes.push(b'.');
        bytes.extend_from_slice(name.as_bytes());
        bytes
    }

    /// Keeps something alive until the stage ends: a descriptor, a server.
    pub fn keep(&mut self, guard: impl Any) {
        self.guards.push(Box::new(guard));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The last one made may depend on those before it.
        while self.guards.pop().is_some() {}
    }
}

/// The path as the bytes of an address.
pub fn address(path: impl AsRef<Path>) -> Address {
    Address::Path(path.as_ref().as_os_str().as_bytes().to_vec())
}

/// The path as an endpoint.
pub fn endpoint(path: impl AsRef<Path>) -> Endpoint {
    Endpoint::Unix(address(path))
}

/// Sets the permission bits of a file.
pub fn chmod(path: impl AsRef<Path>, mode: u32) -> Result<(), Trouble> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).step("change a mode")
}

/// Waits until the condition is true, for at most five seconds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) -> Result<(), Trouble> {
    let limit = Instant::now() + Duration::from_secs(5);
    while !condition() {
        if Instant::now() > limit {
            return Err(Trouble::Failed(format!("waited in vain until {what}")));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
