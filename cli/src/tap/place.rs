//! A live server's path, and the two files that change places there.
//!
//! ```text
//!             NAME             .sunpath-tap-OURS-THEIRS-NAME
//!   before    the server's     the tap's, listening already
//!               └──────── exchanged at once ───────┘
//!   during    the tap's        the server's, to which the tap connects
//!               └──────── exchanged at once ───────┘
//!   after     the server's     the tap's, which is removed
//! ```
//! The tap reaches the server by a descriptor of its file, so that clients which came in time are
//! served after the second exchange, too. The name beside tells the inode numbers of both, and the
//! name that is the server's, so that what a power cut leaves behind can be put right for certain
//! ([`left`](super::left)). Whoever restores makes sure that the files are these very two; what
//! others have made is left alone, or put back.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use sunpath::observe::{Bound, bound_to};
use sunpath::sys::{Errno, Result, directory, file};
use sunpath::text::{escape, shell};

/// What the name of a file beside begins with.
pub const PREFIX: &str = ".sunpath-tap-";

/// Which file it is: device and inode. Only of files that somebody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    major: u32,
    minor: u32,
    inode: u64,
}

impl Identity {
    /// Of an open file.
    pub fn of(file: BorrowedFd<'_>) -> Result<Identity> {
        file::status(file).map(|status| Identity::from(&status))
    }

    /// Of a name in a directory; of a symbolic link itself.
    pub fn at(directory: BorrowedFd<'_>, name: &OsStr) -> Result<Identity> {
        file::status_in(directory, name.as_bytes()).map(|status| Identity::from(&status))
    }

    /// Its number, of its device.
    pub fn inode(self) -> u64 {
        self.inode
    }
}

impl From<&file::Statx> for Identity {
    fn from(status: &file::Statx) -> Identity {
        let (major, minor) = (status.stx_dev_major, status.stx_dev_minor);
        Identity { major, minor, inode: status.stx_ino }
    }
}

/// The name beside for these two files, of which the server's is called so. The longest names do not
/// fit into it.
pub fn name_beside(ours: Identity, theirs: Identity, name: &OsStr) -> OsString {
    const MOST: usize = 255;
    let mut beside = OsString::from(format!("{PREFIX}{:x}-{:x}", ours.inode, theirs.inode));
    if beside.len() + 1 + name.len() <= MOST {
        beside.push("-");
        beside.push(name);
    }
    beside
}

/// What a name beside tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// The inode number of the tap's file.
    pub ours: u64,
    /// The inode number of the server's file.
    pub theirs: u64,
    /// How the server's file is called otherwise, if that fits.
    pub name: Option<&'a [u8]>,
}

/// Reads a name beside; `None` if it is none.
pub fn told_by(beside: &[u8]) -> Option<Told<'_>> {
    let mut parts = beside.strip_prefix(PREFIX.as_bytes())?.splitn(3, |b| *b == b'-');
    let mut number = || u64::from_str_radix(std::str::from_utf8(parts.next()?).ok()?, 16).ok();
    Some(Told { ours: number()?, theirs: number()?, name: parts.next() })
}

/// The place, and the two files, which are held so that their inode numbers stay theirs.
#[derive(Debug)]
pub struct Place {
    pub directory: OwnedFd,
    /// The directory's path, to name it.
    pub parent: PathBuf,
    pub name: OsString,
    pub beside: OsString,
    ours: OwnedFd,
    theirs: OwnedFd,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// The server's file is back.
    Back,
    /// There was nothing to be done.
    Nothing,
    /// Another file is at the path by now, or none; what was beside was the file of a server that
    /// has ended, and is removed.
    Superseded,
    /// The same, but the server lives, so its file stays where it is, beside.
    Orphaned,
}

/// What is at the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The tap, and the server lives.
    Tapped,
    /// The tap, but the server has ended.
    ServerEnded,
    /// Nothing: somebody removed it.
    Removed,
    /// Another file.
    Replaced,
}

/// The directory of a path, its name in it, and the directory's path.
pub fn directory_of(path: &Path) -> Result<(OwnedFd, OsString, PathBuf)> {
    let name = path.file_name().ok_or(Errno::INVAL)?.to_owned();
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let opened = directory::open(file::WORKING_DIRECTORY, parent.as_os_str().as_bytes())?;
    Ok((opened, name, parent.to_owned()))
}

impl Place {
    /// Holds two files, whose names are looked up now.
    pub fn hold(
        (directory, name, parent): (OwnedFd, OsString, PathBuf),
        beside: OsString,
        (ours, theirs): (&OsStr, &OsStr),
    ) -> Result<Place> {
        let ours = file::open_path(directory.as_fd(), ours.as_bytes())?;
        let theirs = file::open_path(directory.as_fd(), theirs.as_bytes())?;
        Ok(Place { directory, parent, name, beside, ours, theirs })
    }

    /// The file of the tap.
    pub fn ours(&self) -> Result<Identity> {
        Identity::of(self.ours.as_fd())
    }

    /// The file of the server.
    pub fn theirs(&self) -> Result<Identity> {
        Identity::of(self.theirs.as_fd())
    }

    /// What is bound to the server's file.
    pub fn server(&self) -> Option<Bound> {
        bound_to(self.theirs.as_fd())
    }

    /// What is bound to the tap's file.
    pub fn tap(&self) -> Option<Bound> {
        bound_to(self.ours.as_fd())
    }

    /// Where the server is reached, whatever its file is called at the time: by the descriptor that
    /// holds it. It leads nowhere once this is dropped.
    pub fn way_to_server(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.theirs.as_raw_fd()).into()
    }

    /// The name of the server's file while the tap is in its place.
    pub fn path_beside(&self) -> PathBuf {
        self.parent.join(&self.beside)
    }

    pub(super) fn at(&self, name: &OsStr) -> Option<Identity> {
        Identity::at(self.directory.as_fd(), name).ok()
    }

    fn exchange(&self) -> Result<()> {
        let base = self.directory.as_fd();
        directory::exchange((base, self.name.as_bytes()), (base, self.beside.as_bytes()))
    }

    fn remove_beside(&self) -> Result<()> {
        directory::unlink(self.directory.as_fd(), self.beside.as_bytes())
    }

    /// Puts the tap in the server's place. `false`: another file was there, and is again.
    pub fn enter(&self) -> Result<bool> {
        self.exchange()?;
        if self.at(&self.beside) == self.theirs().ok() {
            return Ok(true);
        }
        self.exchange()?;
        Ok(false)
    }

    /// Removes the tap's file from beside, if it is there.
    pub fn forget(&self) {
        if self.at(&self.beside) == self.ours().ok() {
            // It would be in nobody's way.
            let _ = self.remove_beside();
        }
    }

    /// Looks how things are.
    pub fn state(&self) -> State {
        match self.at(&self.name) {
            None => State::Removed,
            there if there != self.ours().ok() => State::Replaced,
            _ if self.server() == Some(Bound::Nobody) => State::ServerEnded,
            _ => State::Tapped,
        }
    }

    /// Puts the server's file back, if the two files still are where the tap put them.
    pub fn restore(&self) -> Result<Restored> {
        let (ours, theirs) = (self.ours()?, self.theirs()?);
        if self.at(&self.beside) != Some(theirs) {
            return Ok(Restored::Nothing);
        }
        if self.at(&self.name) == Some(ours) {
            match self.exchange() {
                // Somebody removed one of them this moment.
                Err(Errno::NOENT) => return self.give_up(),
                done => done?,
            }
            if self.at(&self.beside) == Some(ours) {
                self.remove_beside()?;
                return Ok(Restored::Back);
            }
            // Somebody else's file came in between, and goes back to where it was.
            self.exchange()?;
        }
        self.give_up()
    }

    /// The path belongs to others: only a file that nobody serves any more is removed.
    fn give_up(&self) -> Result<Restored> {
        if self.server() != Some(Bound::Nobody) {
            return Ok(Restored::Orphaned);
        }
        if self.at(&self.beside) == self.theirs().ok() {
            self.remove_beside()?;
        }
        Ok(Restored::Superseded)
    }

    /// What a restoration came to, in a sentence.
    pub fn told(&self, restored: Restored) -> String {
        let beside = Shown(&self.path_beside()).to_string();
        match restored {
            Restored::Back => format!("{self} is the server's again"),
            Restored::Nothing => format!("{self} needs no restoring"),
            Restored::Superseded => {
                format!("{self} is another's by now, or gone, and was left alone")
            }
            Restored::Orphaned if self.at(&self.name).is_none() => format!(
                "{self} was removed; the server that was there still runs, and its file stays as \
                 {beside}; to give it its path back: sunpath tap --restore {}",
                shell(self.parent.join(&self.name).as_os_str().as_bytes())
            ),
            Restored::Orphaned => format!(
                "{self} is another's by now, and was left alone; the server that was there still \
                 runs, and its file stays as {beside}"
            ),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown(&self.parent.join(&self.name)).fmt(f)
    }
}

/// A path, fit for a terminal.
pub struct Shown<'a>(pub &'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(self.0.as_os_str().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    struct Scene {
        dir: PathBuf,
        server: Option<UnixListener>,
        _tap: UnixListener,
    }

    impl Scene {
        /// A server, and a tap beside it.
        fn new(name: &str) -> (Scene, Place) {
            let dir =
                std::env::temp_dir().join(format!("sunpath-place-{}-{name}", std::process::id()));
            std::fs::create_dir(&dir).unwrap();
            let server = UnixListener::bind(dir.join("s")).unwrap();
            let tap = UnixListener::bind(dir.join("new")).unwrap();
            let (opened, name, parent) = directory_of(&dir.join("s")).unwrap();
            let id = |name: &str| Identity::at(opened.as_fd(), name.as_ref()).unwrap();
            let beside = name_beside(id("new"), id("s"), &name);
            std::fs::rename(dir.join("new"), dir.join(&beside)).unwrap();
            let place =
                Place::hold((opened, name, parent), beside.clone(), (&beside, "s".as_ref()));
            (Scene { dir, server: Some(server), _tap: tap }, place.unwrap())
        }

        fn names(&self) -> usize {
            std::fs::read_dir(&self.dir).unwrap().count()
        }

        fn inode(&self) -> Option<u64> {
            use std::os::unix::fs::MetadataExt;
            std::fs::symlink_metadata(self.dir.join("s")).ok().map(|m| m.ino())
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }

    #[test]
    fn the_files_change_places_and_back() {
        let (scene, place) = Scene::new("back");
        assert_eq!(place.enter(), Ok(true));
        assert_eq!(scene.inode(), Some(place.ours().unwrap().inode()));
        assert_eq!(place.state(), State::Tapped);
        assert_eq!(place.restore(), Ok(Restored::Back));
        assert_eq!((scene.inode(), scene.names()), (Some(place.theirs().unwrap().inode()), 1));
        assert_eq!(place.restore(), Ok(Restored::Nothing));
    }

    #[test]
    fn a_file_that_another_server_has_made_stays() {
        let (mut scene, place) = Scene::new("other");
        assert_eq!(place.enter(), Ok(true));
        std::fs::remove_file(scene.dir.join("s")).unwrap();
        assert_eq!(place.state(), State::Removed);
        let _other = UnixListener::bind(scene.dir.join("s")).unwrap();
        let inode = scene.inode();
        assert_eq!(place.state(), State::Replaced);
        assert_eq!(place.restore(), Ok(Restored::Orphaned));
        drop(scene.server.take());
        assert_eq!(place.restore(), Ok(Restored::Superseded));
        assert_eq!((scene.inode(), scene.names()), (inode, 1));
    }

    #[test]
    fn a_server_that_ends_is_noticed() {
        let (mut scene, place) = Scene::new("ends");
        assert_eq!(place.enter(), Ok(true));
        assert_eq!(place.state(), State::Tapped);
        drop(scene.server.take());
        assert_eq!(place.state(), State::ServerEnded);
    }

    #[test]
    fn only_names_with_two_numbers_are_names_beside() {
        let told = |name| Some(Told { ours: 0x1f, theirs: 0xa0, name });
        assert_eq!(told_by(b".sunpath-tap-1f-a0"), told(None));
        assert_eq!(told_by(b".sunpath-tap-1f-a0-my-\xffapp.sock"), told(Some(b"my-\xffapp.sock")));
        for other in ["", ".sunpath-tap-", ".sunpath-tap-1", ".sunpath-tap-1-x", "s"] {
            assert_eq!(told_by(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_longest_names_are_left_out() {
        let id = Identity { major: 0, minor: 0, inode: u64::MAX };
        for length in [1, 100, 208, 209, 255] {
            let name = OsString::from("n".repeat(length));
            let beside = name_beside(id, id, &name);
            assert!(beside.len() <= 255, "{length}");
            let told = told_by(beside.as_bytes()).unwrap();
            assert_eq!(told.name, Some(name.as_bytes()).filter(|_| length <= 208));
        }
    }
}
