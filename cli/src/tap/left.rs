//! What a tap leaves behind that was killed together with its guardian, or whose path was removed.
//!
//! ```text
//!   NAME         beside         --restore
//!   the tap's    the server's   exchanges them, if the tap is dead
//!   nothing      the server's   gives it its name back, if the server lives
//!   another's    the server's   changes nothing
//! ```

use super::place::{Identity, Place, Shown, directory_of, told_by};
use crate::failure::Told;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use sunpath::observe::{Bound, bound_to};
use sunpath::sys::{Errno, Result, directory, file};

/// The two files of a tap at this path; `None` if what is there is no file of a tap. The name beside
/// tells which two they are.
fn find(path: &Path) -> Result<Option<Place>> {
    let (opened, name, parent) = directory_of(path)?;
    let here = Identity::at(opened.as_fd(), &name)?;
    let matching = file::names_at(opened.as_fd(), b".")?.into_iter().find(|name| {
        told_by(name).is_some_and(|told| {
            let beside = Identity::at(opened.as_fd(), OsStr::from_bytes(name));
            told.ours == here.inode() && beside.is_ok_and(|beside| beside.inode() == told.theirs)
        })
    });
    let Some(beside) = matching.map(OsString::from_vec) else { return Ok(None) };
    let (ours, theirs) = (name.clone(), beside.clone());
    Place::hold((opened, name, parent), beside, (&ours, &theirs)).map(Some)
}

/// What a tap left behind at this path that was killed together with its guardian, if that is
/// certain.
pub fn left_behind(path: &Path) -> Option<Place> {
    let place = find(path).ok().flatten()?;
    (place.tap() == Some(Bound::Nobody)).then_some(place)
}

/// Puts right what a tap left behind, if that is certain.
pub fn put_right(path: &Path) -> std::result::Result<String, String> {
    let shown = Shown(path);
    let cannot = |errno: Errno| format!("{shown} cannot be restored: {}", errno.told());
    let place = match find(path) {
        Err(Errno::NOENT) => return give_name_back(path),
        found => found.map_err(cannot)?,
    };
    let Some(place) = place else {
        return Err(format!("{shown} is no file that a tap has left behind: nothing was changed"));
    };
    if place.tap() != Some(Bound::Nobody) {
        return Err(format!("a tap still runs at {shown}: end that, and it restores the file"));
    }
    place.restore().map(|restored| place.told(restored)).map_err(cannot)
}

/// The server's file that a tap has left beside, where nothing is at its path.
#[derive(Debug)]
pub struct Orphan {
    directory: OwnedFd,
    name: OsString,
    beside: OsString,
    file: OwnedFd,
    path_beside: PathBuf,
}

impl Orphan {
    /// Those of this path. The name of each tells that a tap has put it there, which file it is, and
    /// how it was called before.
    fn all(path: &Path) -> Result<Vec<Orphan>> {
        let (opened, name, parent) = directory_of(path)?;
        let mut all = Vec::new();
        for beside in file::names_at(opened.as_fd(), b".")? {
            let Some(told) = told_by(&beside) else { continue };
            if told.name != Some(name.as_bytes()) {
                continue;
            }
            let Ok(file) = file::open_path(opened.as_fd(), &beside) else { continue };
            if Identity::of(file.as_fd()).is_ok_and(|file| file.inode() == told.theirs) {
                let beside = OsString::from_vec(beside);
                let (directory, path_beside) = (opened.try_clone(), parent.join(&beside));
                let directory = directory.map_err(|_| Errno::MFILE)?;
                all.push(Orphan { directory, name: name.clone(), beside, file, path_beside });
            }
        }
        Ok(all)
    }

    fn is_served(&self) -> bool {
        matches!(bound_to(self.file.as_fd()), Some(Bound::Socket { .. }))
    }

    /// Gives it its name back, unless that is taken.
    fn rename(&self) -> Result<()> {
        let base = self.directory.as_fd();
        let (name, beside) = ((base, self.name.as_bytes()), (base, self.beside.as_bytes()));
        directory::rename_new(beside, name)?;
        if Identity::at(base, &self.name) == Identity::of(self.file.as_fd()) {
            return Ok(());
        }
        // Somebody has put another file beside this moment.
        directory::rename_new(name, beside).and(Err(Errno::NOENT))
    }
}

/// The live server's file that a tap has left beside this path, where nothing is.
pub fn orphan(path: &Path) -> Option<PathBuf> {
    let (directory, name, _) = directory_of(path).ok()?;
    if Identity::at(directory.as_fd(), &name) != Err(Errno::NOENT) {
        return None;
    }
    Orphan::all(path).ok()?.into_iter().find(Orphan::is_served).map(|orphan| orphan.path_beside)
}

/// Somebody has removed what was at the path: the server's file goes back there, if it is one.
fn give_name_back(path: &Path) -> std::result::Result<String, String> {
    let shown = Shown(path);
    let cannot = |errno: Errno| format!("{shown} cannot be restored: {}", errno.told());
    let all = Orphan::all(path).map_err(cannot)?;
    let served: Vec<&Orphan> = all.iter().filter(|orphan| orphan.is_served()).collect();
    match (&served[..], &all[..]) {
        ([orphan], _) => match orphan.rename() {
            Ok(()) => Ok(format!("{shown} is the server's again")),
            Err(Errno::EXIST) => {
                Err(format!("another file has come to {shown} this moment: it was left alone"))
            }
            Err(errno) => Err(cannot(errno)),
        },
        ([], []) => Err(format!("there is no {shown}, and no file beside that a tap has left")),
        ([], [orphan, ..]) => Err(format!(
            "there is no {shown}, and nobody is seen to serve {}, which a tap has left beside it: \
             start the server anew; nothing was changed",
            Shown(&orphan.path_beside)
        )),
        ([one, other, ..], _) => Err(format!(
            "there is no {shown}, and two files beside are served that taps have left, {} and {}: \
             nothing was changed",
            Shown(&one.path_beside),
            Shown(&other.path_beside)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::name_beside;
    use super::*;
    use std::os::unix::net::UnixListener;

    /// A directory with a server's socket `s` and a tap's in its place.
    struct Scene {
        dir: PathBuf,
        server: Option<UnixListener>,
        tap: Option<UnixListener>,
        beside: OsString,
    }

    impl Scene {
        fn new(name: &str) -> Scene {
            let dir =
                std::env::temp_dir().join(format!("sunpath-left-{}-{name}", std::process::id()));
            std::fs::create_dir(&dir).unwrap();
            let server = UnixListener::bind(dir.join("old")).unwrap();
            let tap = UnixListener::bind(dir.join("s")).unwrap();
            let (opened, ..) = directory_of(&dir.join("s")).unwrap();
            let id = |name: &str| Identity::at(opened.as_fd(), name.as_ref()).unwrap();
            let beside = name_beside(id("s"), id("old"), "s".as_ref());
            std::fs::rename(dir.join("old"), dir.join(&beside)).unwrap();
            Scene { dir, server: Some(server), tap: Some(tap), beside }
        }

        fn names(&self) -> Vec<OsString> {
            let all = std::fs::read_dir(&self.dir).unwrap();
            all.map(|entry| entry.unwrap().file_name()).collect()
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }

    #[test]
    fn a_dead_tap_is_replaced_by_its_server_and_nothing_else_is_touched() {
        let mut scene = Scene::new("dead");
        let path = scene.dir.join("s");
        assert!(put_right(&path).unwrap_err().contains("still runs"));
        drop(scene.tap.take());
        assert!(put_right(&path).unwrap().contains("the server's again"));
        assert_eq!(scene.names(), ["s"]);
        assert!(put_right(&path).unwrap_err().contains("nothing was changed"));
    }

    #[test]
    fn a_live_server_gets_a_name_back_that_was_removed() {
        let mut scene = Scene::new("removed");
        let path = scene.dir.join("s");
        drop(scene.tap.take());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(orphan(&path), Some(scene.dir.join(&scene.beside)));
        // The same for another path is none of this one's.
        let other = scene.dir.join("other");
        assert!(put_right(&other).unwrap_err().contains("no file beside"));
        assert!(put_right(&path).unwrap().contains("the server's again"));
        assert_eq!(scene.names(), ["s"]);
        std::os::unix::net::UnixStream::connect(&path).unwrap();
        assert_eq!(orphan(&path), None);
    }

    #[test]
    fn a_dead_server_gets_nothing_and_no_file_is_replaced() {
        let mut scene = Scene::new("nothing");
        let path = scene.dir.join("s");
        drop(scene.tap.take());
        std::fs::remove_file(&path).unwrap();
        let [orphan] = &Orphan::all(&path).unwrap()[..] else { panic!("one is there") };
        std::fs::write(&path, "another's").unwrap();
        assert_eq!(orphan.rename(), Err(Errno::EXIST));
        assert_eq!(std::fs::read(&path).unwrap(), b"another's");
        std::fs::remove_file(&path).unwrap();
        drop(scene.server.take());
        assert!(put_right(&path).unwrap_err().contains("start the server anew"));
        assert_eq!(scene.names(), [scene.beside.clone()]);
        // Somebody else's file of that name is no server's.
        std::fs::remove_file(scene.dir.join(&scene.beside)).unwrap();
        let _other = UnixListener::bind(scene.dir.join("other")).unwrap();
        std::fs::rename(scene.dir.join("other"), scene.dir.join(".sunpath-tap-1-2-s")).unwrap();
        assert!(put_right(&path).unwrap_err().contains("no file beside"));
    }
}
