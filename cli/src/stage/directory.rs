//! Private directories that are removed whatever happens.
//!
//! A process that is killed cannot clean up. So each directory has a sweeper: a process in a
//! group of its own that waits until the process which made the directory is gone, and then
//! removes it. No signal has to be caught for this.

use super::{Step, Trouble};
use crate::failure::Told;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The hidden subcommand that sweeps.
pub const SWEEP: &str = "__sweep";

/// A directory that nobody else uses. It is removed when this is dropped or its process dies.
pub struct PrivateDir {
    path: PathBuf,
    sweeper: Child,
}

/// The directory for temporary files, unless sockets below it would have too long a path.
fn base() -> PathBuf {
    const LONGEST: usize = 50;
    let base = std::env::temp_dir();
    if base.as_os_str().len() <= LONGEST { base } else { "/tmp".into() }
}

impl PrivateDir {
    /// Makes one below the directory for temporary files. Others may pass through it, so that
    /// clients who are other users reach what is below.
    pub fn new() -> Result<Self, Trouble> {
        let base = base();
        let pid = std::process::id();
        let paths = (0..1000).map(|n| base.join(format!("sunpath-{pid}-{n}")));
        let made = paths.map(|path| match DirBuilder::new().mode(0o755).create(&path) {
            Ok(()) => Ok(Some(path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        });
        let path = made.filter_map(Result::transpose).next();
        let path = path.unwrap_or_else(|| Err(io::ErrorKind::AlreadyExists.into()));
        let path = path.step("make a temporary directory")?;
        // The umask may have taken away what other users need.
        fs::set_permissions(&path, Permissions::from_mode(0o755)).step("open the directory")?;
        let sweeper = Command::new("/proc/self/exe")
            .arg(SWEEP)
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let sweeper = sweeper.map_err(|error| {
            // Nobody else would.
            let _ = fs::remove_dir(&path);
            let proc = match Path::new("/proc/self/exe").exists() {
                true => "",
                false => "; mount /proc, by which sunpath starts processes of itself",
            };
            Trouble::Failed(format!("start the process that cleans up: {}{proc}", error.told()))
        })?;
        Ok(PrivateDir { path, sweeper })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        // The sweeper ends when its input does; should it be gone already, nothing is left to do.
        drop(self.sweeper.stdin.take());
        let _ = self.sweeper.wait();
    }
}

/// Waits until the input ends, and removes the directory.
pub fn sweep(path: &Path) -> io::Result<()> {
    let mut rest = Vec::new();
    io::stdin().read_to_end(&mut rest)?;
    let mut result = Ok(());
    for _ in 0..50 {
        open_up(path);
        result = fs::remove_dir_all(path);
        match &result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // A process that is being killed may still be making files.
                std::thread::sleep(Duration::from_millis(20));
            }
            _ => return Ok(()),
        }
    }
    result
}

/// Gives the owner back the permissions that somebody took from a directory and those in it.
pub fn open_up(path: &Path) {
    open_up_from(path, 0);
}

fn open_up_from(path: &Path, depth: u32) {
    // What is not ours to change, or is gone, shows when it cannot be removed.
    let _ = fs::set_permissions(path, Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        if depth < 16 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up_from(&entry.path(), depth + 1);
        }
    }
}
