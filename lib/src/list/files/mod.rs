//! Socket files on disk, and the sockets behind them: who serves which, what is dead, and which
//! servers have lost their file.
//!
//! ```text
//!   directories ── scan ──► socket files ─┐
//!                                         ├─ judge ──► Files: a verdict on each file,
//!   Listing ──► sockets bound to paths ───┘                   and servers without theirs
//! ```
//! Each file is judged as the diagnosis judges the path of a failing call: by the kernel's own
//! lookup, which never errs, where write permission allows to ask it, and by the socket tables.
//! Nothing is connected to, opened or removed.
//!
//! ```
//! use sunpath::list::files::{Verdict, files};
//! use sunpath::list::{What, list};
//!
//! let listing = list(&What { all_namespaces: true, ..What::default() });
//! for file in &files(&listing, &[std::env::temp_dir()]).files {
//!     if file.verdict == Verdict::Dead {
//!         println!("{} is dead", sunpath::text::escape(&file.path));
//!     }
//! }
//! ```

mod judge;
mod scan;

use super::Listing;
use crate::fact::Unseen;
use crate::fact::path::{FileId, FileKind};
use std::path::PathBuf;

/// What was found in directories, and what was not looked at.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The socket files, by path.
    pub files: Vec<SocketFile>,
    /// Sockets whose own name leads to no file, or to one that is not theirs, by name.
    pub lost: Vec<Lost>,
    /// Directories and files that were left out, and why.
    pub unread: Vec<(Vec<u8>, Unseen)>,
    /// So many sockets with names in these directories were not judged, because the processes that
    /// hold them may see other files than this process, or none may be seen.
    pub elsewhere: usize,
}

/// A socket file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketFile {
    /// Its path, without symbolic links.
    pub path: Vec<u8>,
    /// Its device and inode number.
    pub file: FileId,
    /// Its permission bits.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// What is behind it.
    pub verdict: Verdict,
}

/// What is behind a socket file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// These sockets are bound to it, by inode number in the listing.
    Served(Vec<u32>),
    /// A socket is bound to it that no table shows: it is in a network namespace that could not be
    /// looked into.
    ServedElsewhere,
    /// No socket is bound to it, by the kernel's own lookup: `connect/stale-socket`. A file is never
    /// bound a second time, so what is dead stays dead.
    Dead,
    /// No table shows a socket that is bound to it, and the kernel does not say.
    Unknown(Unseen),
}

/// A socket that nobody reaches by its name, though a process holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Its inode number in the listing.
    pub socket: u32,
    /// The path to which it was bound.
    pub path: Vec<u8>,
    /// What is there now; `None`: nothing, and it may have been removed or moved away.
    pub instead: Option<Instead>,
}

/// What is at the name of a socket that lost it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// A socket file, with this verdict.
    Socket(Verdict),
    /// Something else.
    Other(FileKind),
}

/// Looks for socket files below these directories, and judges them by a listing, which had better
/// have every network namespace.
///
/// Symbolic links are not followed, but for those on the way to a directory that is given. Other
/// file systems are entered if they are on this machine; those of FUSE or a network are not. So is
/// no directory that is more than 12 levels down, and no more than a million names are looked at.
/// What was left out for lack of permission or by these limits is told.
pub fn files(listing: &Listing, directories: &[PathBuf]) -> Files {
    let mut found = scan::scan(directories);
    let mut all = judge::judge(listing, &mut found);
    all.unread.append(&mut found.unread);
    all
}
