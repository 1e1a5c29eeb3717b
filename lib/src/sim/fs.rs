//! Files, for programs that look at or remove socket files themselves.
//!
//! In a simulation these act on its files, which are in memory: `/dev`, `/run` and `/tmp` exist at
//! the start. Outside of one they are those of [`std::fs`], so that a program can call them always.

use super::handle::current;
use crate::sys::Result as Sys;
use crate::sys::directory;
use crate::sys::file::WORKING_DIRECTORY as HERE;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn result<T>(done: Sys<T>) -> io::Result<T> {
    done.map_err(io::Error::from)
}

/// Whether there is a file; links are followed.
pub fn exists(path: impl AsRef<Path>) -> bool {
    match current() {
        Some(sim) => sim.status_at((HERE, bytes(path.as_ref())), true).is_ok(),
        None => path.as_ref().exists(),
    }
}

/// The mode of a file, with the file type's bits; a link counts as itself.
///
/// # Errors
/// As of `lstat(2)`.
pub fn mode(path: impl AsRef<Path>) -> io::Result<u32> {
    use std::os::unix::fs::MetadataExt;
    match current() {
        Some(sim) => {
            result(sim.status_at((HERE, bytes(path.as_ref())), false)).map(|status| status.mode)
        }
        None => std::fs::symlink_metadata(path).map(|status| status.mode()),
    }
}

/// Removes a file, also that of a live server.
///
/// # Errors
/// As of `unlink(2)`.
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    result(directory::unlink(HERE, bytes(path.as_ref())))
}

/// Renames a file.
///
/// # Errors
/// As of `rename(2)`.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    result(directory::rename((HERE, bytes(from.as_ref())), (HERE, bytes(to.as_ref()))))
}

/// Makes a directory that everybody may use, as far as the umask lets them.
///
/// # Errors
/// As of `mkdir(2)`.
pub fn create_dir(path: impl AsRef<Path>) -> io::Result<()> {
    match current() {
        Some(sim) => result(sim.make_directory((HERE, bytes(path.as_ref())), 0o777)),
        None => std::fs::create_dir(path),
    }
}

/// Sets the permissions of a file.
///
/// # Errors
/// As of `chmod(2)`.
pub fn set_mode(path: impl AsRef<Path>, mode: u32) -> io::Result<()> {
    result(directory::set_mode((HERE, bytes(path.as_ref())), mode))
}

/// The names in a directory, in their order.
///
/// # Errors
/// As of `opendir(3)`.
pub fn list(path: impl AsRef<Path>) -> io::Result<Vec<PathBuf>> {
    let path = Path::new(OsStr::from_bytes(bytes(path.as_ref())));
    let mut names = result(crate::sys::file::names_at(HERE, bytes(path)))?;
    names.sort();
    Ok(names.into_iter().map(|name| std::ffi::OsString::from_vec(name).into()).collect())
}
