//! Where the walk goes: links, dots, slashes, lengths; compared with what the kernel does.

use super::*;
use crate::observe::caller::View;
use crate::sys::namespace::{self, New};
use proptest::prelude::*;
use sunpath_core::fact::path::Step;

fn end(path: impl AsRef<Path>) -> End {
    walked(path).end
}

#[test]
fn a_missing_component_is_named() {
    let dir = Temporary::new();
    let missing = |name: &str, last, link: Option<PathBuf>| End::Missing {
        name: name.into(),
        last,
        link: link.map(bytes),
    };
    assert_eq!(end(dir.join("a")), missing("a", true, None));
    assert_eq!(end(dir.join("a/")), missing("a", true, None));
    assert_eq!(end(dir.join("a/b/c")), missing("a", false, None));
    symlink("gone", dir.join("dangling")).unwrap();
    let walk = walked(dir.join("dangling"));
    assert_eq!(walk.end, missing("gone", true, Some(dir.join("dangling"))));
    assert_eq!(walk.named().unwrap().kind, FileKind::Symlink);
    assert_eq!(walk.directory().unwrap().path, bytes(dir.join("")).strip_suffix(b"/").unwrap());
    symlink("gone/deep", dir.join("deep")).unwrap();
    assert_eq!(end(dir.join("deep")), missing("gone", false, Some(dir.join("deep"))));
    assert_eq!(end(dir.join("dangling/x")), missing("gone", false, Some(dir.join("dangling"))));
    assert_eq!(walked(dir.join("dangling/x")).named, None);
}

#[test]
fn forty_links_are_followed_and_no_more() {
    let dir = Temporary::new();
    let listener = dir.join("0");
    let _listener = UnixListener::bind(&listener).unwrap();
    for i in 1..=41 {
        symlink((i - 1).to_string(), dir.join(i.to_string())).unwrap();
    }
    let walk = walked(dir.join("40"));
    assert_eq!(walk.end, End::Found);
    assert_eq!(walk.steps.iter().filter(|s| s.link.is_some()).count(), 40);
    assert!(fs::metadata(dir.join("40")).is_ok());
    assert_eq!(end(dir.join("41")), End::TooManyLinks);
    assert_eq!(fs::metadata(dir.join("41")).unwrap_err().raw_os_error(), Some(libc::ELOOP));
    symlink("loop", dir.join("loop")).unwrap();
    assert_eq!(end(dir.join("loop")), End::TooManyLinks);
    assert_eq!(walked(dir.join("loop")).named().unwrap().path, bytes(dir.join("loop")));
}

#[test]
fn what_is_no_directory_has_nothing_below() {
    let dir = Temporary::new();
    fs::write(dir.join("f"), "").unwrap();
    symlink("f", dir.join("l")).unwrap();
    symlink("./f", dir.join("m")).unwrap();
    for path in ["f/x", "f/", "f/.", "f/..", "l/", "l/x", "m/"] {
        let walk = walked(dir.join(path));
        assert_eq!(walk.end, End::NotDirectory, "{path}");
        assert_eq!(walk.steps.last().unwrap().path, bytes(dir.join("f")), "{path}");
    }
    let long = dir.join("f").join("x".repeat(256));
    assert_eq!(end(long), End::NotDirectory);
}

#[test]
fn a_component_may_have_255_bytes() {
    let dir = Temporary::new();
    let longest = "x".repeat(255);
    fs::write(dir.join(&longest), "").unwrap();
    assert_eq!(end(dir.join(&longest)), End::Found);
    let longer = "x".repeat(256);
    assert_eq!(end(dir.join(&longer)), End::ComponentTooLong { link: None });
    symlink(&longer, dir.join("l")).unwrap();
    let link = Some(bytes(dir.join("l")));
    assert_eq!(end(dir.join("l")), End::ComponentTooLong { link });
}

#[test]
fn dots_and_slashes_are_as_the_kernel_takes_them() {
    let dir = Temporary::new();
    fs::create_dir_all(dir.join("a/b")).unwrap();
    fs::write(dir.join("a/f"), "").unwrap();
    for path in ["a/b/../f", "a//./f", "a/b/../../a/f", "./a/f"] {
        let walk = walked(format!("{}{path}", dir.join("").display()));
        assert_eq!(walk.end, End::Found, "{path}");
        assert_eq!(walk.steps.last().unwrap().path, bytes(dir.join("a/f")), "{path}");
    }
    assert_eq!(walked("/../../..").steps.last().unwrap().path, b"/");
    assert_eq!(walked("/").named(), walked("/").steps.first());
    assert_eq!(walked("/..").end, End::Found);
}

#[test]
fn strange_paths_are_survived() {
    let view = view(&As::Myself).unwrap();
    let end = |path: &[u8]| walk(path, &view).known().unwrap().end.clone();
    let nowhere = End::Missing { name: Vec::new(), last: true, link: None };
    assert_eq!(end(b""), nowhere);
    assert_eq!(end(b"\0/etc"), nowhere);
    assert_eq!(end(b"/\0/nowhere"), End::Found);
    assert_eq!(
        end(b"/\xff\xfe\n\x1b[31m"),
        End::Missing { name: b"\xff\xfe\n\x1b[31m".to_vec(), last: true, link: None }
    );
    assert_eq!(end(&vec![b'/'; 1 << 20]), End::Found);
    assert_eq!(end(&b"/.".repeat(1 << 19)), End::Found);
    assert_eq!(end(&vec![b'x'; 1 << 20]), End::ComponentTooLong { link: None });
    let deep = walk(&b"/..".repeat(1 << 18), &view);
    assert!(matches!(deep.known().unwrap().end, End::Failed { errno: Some(_) }));
}

#[test]
fn paths_longer_than_an_address_are_walked() {
    let dir = Temporary::new();
    let deep = dir.join(["d".repeat(100), "e".repeat(100), "f".repeat(100)].join("/"));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("x"), "").unwrap();
    assert_eq!(end(deep.join("x")), End::Found);
}

#[test]
fn magic_links_lead_to_their_object() {
    let dir = Temporary::new();
    fs::write(dir.join("f"), "").unwrap();
    let opened = fs::File::open(dir.join("")).unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&opened);
    for path in [format!("/proc/self/fd/{fd}/f"), format!("/proc/thread-self/fd/{fd}/f")] {
        let walk = walked(&path);
        assert_eq!(walk.end, End::Found, "{path}");
        let inode = fs::metadata(dir.join("f")).unwrap().ino();
        assert_eq!(walk.steps.last().unwrap().file.inode, inode, "{path}");
    }
    // The text of such a link need not be a path.
    fs::rename(dir.join("f"), dir.join("g")).unwrap();
    let socket = UnixListener::bind(dir.join("s")).unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&socket);
    let walk = walked(format!("/proc/self/fd/{fd}"));
    assert_eq!(walk.end, End::Found);
    assert!(walk.named().unwrap().link.as_ref().unwrap().starts_with(b"socket:"));
    assert_eq!(walk.steps.last().unwrap().kind, FileKind::Socket);
}

#[test]
fn a_relative_path_starts_at_the_working_directory() {
    let dir = Temporary::new();
    fs::write(dir.join("f"), "").unwrap();
    let there = || {
        // Of this thread only.
        namespace::unshare(New::PLACES).unwrap();
        std::env::set_current_dir(dir.join("")).unwrap();
        (walked("f"), walked("../nowhere"), walked("."))
    };
    let (found, missing, here) = thread::scope(|s| s.spawn(there).join().unwrap());
    assert_eq!(found.end, End::Found);
    assert_eq!(found.steps.len(), 2);
    assert_eq!(found.steps[1].path, bytes(dir.join("f")));
    assert!(matches!(missing.end, End::Missing { last: true, .. }));
    assert_eq!(here.named, Some(0));
}

#[test]
fn devices_and_fifos_are_not_opened() {
    let dir = Temporary::new();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, dir.join("p"), fifo, mode, 0).unwrap();
    // Opening it for reading would wait for a writer.
    let walk = walked(dir.join("p"));
    assert_eq!(walk.steps.last().unwrap().kind, FileKind::Fifo);
    assert_eq!(walked("/dev/null").steps.last().unwrap().kind, FileKind::CharDevice);
}

#[test]
fn only_what_two_walks_agree_on_is_believed() {
    let walk_that_settles_at = |last: usize| {
        let mut number = 0;
        agreed(|| {
            number = last.min(number + 1);
            Seen::Known(Walk { named: Some(number), ..Walk::default() })
        })
    };
    assert_eq!(walk_that_settles_at(1).known().unwrap().end, End::Found);
    assert_eq!(walk_that_settles_at(3).known().unwrap().named, Some(3));
    assert_eq!(walk_that_settles_at(usize::MAX).known().unwrap().end, End::Changed);
}

#[test]
fn near_misses_exist() {
    let dir = Temporary::new();
    let path = dir.join("s");
    let _listener = UnixListener::bind(&path).unwrap();
    let view = view(&As::Myself).unwrap();
    let exact = bytes(&path);
    let spaced = [b" ", exact.as_slice(), b"\r\n"].concat();
    assert_eq!(variants(&spaced, &view).trimmed, Seen::Known(Some(exact.clone())));
    assert_eq!(variants(&exact[1..], &view).slashed, Seen::Known(Some(exact.clone())));
    let none = variants(&exact, &view);
    assert_eq!((none.trimmed, none.slashed), (Seen::Known(None), Seen::Known(None)));
    assert_eq!(variants(b"\n", &view).trimmed, Seen::Known(None));
    assert_eq!(variants(b"", &view).slashed, Seen::Known(None));
}

/// What the kernel reaches: the file's identity, or its error.
fn by_kernel(path: &Path) -> Result<u64, i32> {
    fs::metadata(path).map(|m| m.ino()).map_err(|e| e.raw_os_error().unwrap())
}

/// What the walk reaches, in the same terms.
fn by_walk(path: &Path, view: &View) -> Result<u64, i32> {
    let walk = walk(&bytes(path), view);
    let walk = walk.known().expect("the walk is visible").clone();
    match walk.end {
        End::Found => Ok(walk.steps.last().map(|s: &Step| s.file.inode).unwrap()),
        End::Missing { .. } => Err(libc::ENOENT),
        End::NotDirectory => Err(libc::ENOTDIR),
        End::NoSearch | End::ProtectedLink => Err(libc::EACCES),
        End::TooManyLinks => Err(libc::ELOOP),
        End::ComponentTooLong { .. } => Err(libc::ENAMETOOLONG),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None,
                                        ..ProptestConfig::default() })]
    #[test]
    fn the_walk_is_the_kernels(targets in prop::collection::vec("(/?(a|b|l0|l1|l2|f|\\.|\\.\\.)){1,4}/?", 3),
                               paths in prop::collection::vec("((a|b|l0|l1|l2|f|\\.|\\.\\.)/{1,2}){0,4}(a|l0|l1|l2|f)/?", 8)) {
        let dir = Temporary::new();
        fs::create_dir_all(dir.join("a/b")).unwrap();
        fs::write(dir.join("f"), "").unwrap();
        fs::write(dir.join("a/f"), "").unwrap();
        for (i, target) in targets.iter().enumerate() {
            let target = target.strip_prefix('/').unwrap_or(target);
            for place in ["", "a", "a/b"] {
                let _ = symlink(target, dir.join(place).join(format!("l{i}")));
            }
        }
        let view = view(&As::Myself).unwrap();
        for path in paths {
            let path = PathBuf::from(format!("{}/{path}", dir.join("").display()));
            prop_assert_eq!(by_walk(&path, &view), by_kernel(&path), "{} {:?}", path.display(), targets);
        }
    }

    #[test]
    fn any_path_is_survived(path: Vec<u8>, below in "(/|\\.|a|\\x00|\n){0,20}") {
        let view = view(&As::Myself).unwrap();
        for path in [path.as_slice(), below.as_bytes(), &[b"/tmp/", path.as_slice()].concat()] {
            prop_assert!(walk(path, &view).known().is_some());
            variants(path, &view);
        }
    }
}
