mod concealed;
mod elsewhere;
mod links;
mod permission;

use super::*;
use crate::observe::caller::{As, view};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use sunpath_core::fact::path::FileKind;

/// A directory that goes away with the test.
pub(super) struct Temporary(PathBuf);

impl Temporary {
    pub(super) fn new() -> Temporary {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sunpath-walk-{}-{number}", std::process::id());
        let path = fs::canonicalize(std::env::temp_dir()).unwrap().join(name);
        fs::create_dir(&path).unwrap();
        Temporary(path)
    }

    pub(super) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    path.as_ref().as_os_str().as_bytes().to_vec()
}

fn walked(path: impl AsRef<Path>) -> Walk {
    let view = view(&As::Myself).unwrap();
    walk(&bytes(path), &view).known().expect("the walk is visible").clone()
}

#[test]
fn a_socket_is_found() {
    let dir = Temporary::new();
    let path = dir.join("s");
    let _listener = UnixListener::bind(&path).unwrap();
    let walk = walked(&path);
    assert_eq!(walk.end, End::Found);
    let step = walk.steps.last().unwrap();
    assert_eq!(step.kind, FileKind::Socket);
    assert_eq!(step.path, bytes(&path));
    assert_eq!(step.file.inode, fs::symlink_metadata(&path).unwrap().ino());
    assert_eq!(step.kernel_allows, Seen::Known(true));
    assert_eq!(walk.named(), Some(step));
    assert_eq!(walk.directory().unwrap().path, bytes(path.parent().unwrap()));
    assert_eq!(walk.steps[0].path, b"/");
}

#[test]
fn links_are_expanded_in_place() {
    let dir = Temporary::new();
    fs::create_dir(dir.join("d")).unwrap();
    fs::write(dir.join("d/f"), "").unwrap();
    symlink("d", dir.join("relative")).unwrap();
    symlink(dir.join("relative/f"), dir.join("absolute")).unwrap();
    let walk = walked(dir.join("absolute"));
    assert_eq!(walk.end, End::Found);
    let last = walk.steps.last().unwrap();
    assert_eq!(last.path, bytes(dir.join("d/f")));
    assert_eq!(walk.named().unwrap().path, bytes(dir.join("absolute")));
    assert_eq!(walk.named().unwrap().link, Some(bytes(dir.join("relative/f"))));
    let names: Vec<_> = walk.steps.iter().map(|s| s.path.as_slice()).collect();
    assert_eq!(names.iter().filter(|n| **n == b"/").count(), 2);
    assert!(names.contains(&bytes(dir.join("relative")).as_slice()));
}
