//! Keeping what files hold whose descriptors a peer has passed.
//!
//! Nothing of it is the peer's choice: not the names, not the place, not how much. Files are new, so
//! none is overwritten and no link followed, and only their owner may read them.

use crate::render::text::show;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most files that are made: empty ones take space, too.
const MOST: u32 = 10_000;

/// Where files are saved, and how much may still be.
#[derive(Debug)]
pub struct Saver {
    directory: PathBuf,
    left: u64,
    made: u32,
    /// Grows with what is saved, also while it is.
    progress: Arc<AtomicU64>,
}

/// What was saved.
#[derive(Debug)]
pub struct Saved {
    pub path: PathBuf,
    pub bytes: u64,
    /// Whether the file held more than was allowed.
    pub cut: bool,
}

impl Saver {
    /// The directory is made when there is something to save.
    ///
    /// # Errors
    /// It is no directory, or there is none in which to make it.
    pub fn new(directory: &Path, limit: u64) -> Result<Saver, String> {
        let name = || show(directory.as_os_str().as_bytes());
        // A link that leads nowhere is there, too.
        if directory.symlink_metadata().is_err() {
            let above = match directory.parent() {
                Some(above) if above.as_os_str().is_empty() => Path::new("."),
                Some(above) => above,
                None => directory,
            };
            if !above.is_dir() {
                return Err(format!("there is no directory in which to make {}", name()));
            }
        } else if !directory.is_dir() {
            return Err(format!("{} is no directory", name()));
        }
        Ok(Saver { directory: directory.into(), left: limit, made: 0, progress: Arc::default() })
    }

    /// A number that grows while something is saved.
    pub fn progress(&self) -> Arc<AtomicU64> {
        self.progress.clone()
    }

    /// Copies a file from its start, wherever its offset is, which belongs to the peer too.
    pub fn save(&mut self, file: &File) -> io::Result<Saved> {
        // Before a file is made: it may not be readable.
        file.read_at(&mut [0], 0)?;
        let (mut copy, path) = self.create()?;
        let copied = self.copy(file, &mut copy);
        if copied.is_err() {
            // Half a file would be taken for a whole one.
            let _ = std::fs::remove_file(&path);
        }
        let (bytes, cut) = copied?;
        Ok(Saved { path, bytes, cut })
    }

    /// A file that was not there.
    fn create(&mut self) -> io::Result<(File, PathBuf)> {
        if self.made == 0 && self.directory.symlink_metadata().is_err() {
            DirBuilder::new().mode(0o700).create(&self.directory)?;
        }
        while self.made < MOST {
            self.made += 1;
            let path = self.directory.join(format!("fd-{}", self.made));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                made => return made.map(|file| (file, path)),
            }
        }
        Err(io::Error::other(format!("{MOST} files were made, or were there")))
    }

    fn copy(&mut self, file: &File, copy: &mut File) -> io::Result<(u64, bool)> {
        let mut buffer = vec![0; 64 << 10];
        let mut at = 0;
        loop {
            let count = match file.read_at(&mut buffer, at) {
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                count => count?,
            };
            let kept = count.min(usize::try_from(self.left).unwrap_or(usize::MAX));
            copy.write_all(&buffer[..kept])?;
            self.progress.fetch_add(1, Ordering::Relaxed);
            self.left -= kept as u64;
            at += kept as u64;
            if count == 0 || kept < count {
                return Ok((at, kept < count));
            }
        }
    }
}
