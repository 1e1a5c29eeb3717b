//! Callers that see other files than the observer, and file systems that misbehave. Threads with
//! places, mounts and ids of their own stand for processes: the kernel keeps them for each thread.

use super::*;
use crate::observe::caller::UserSpec;
use crate::sys::namespace::{self, New};
use rustix::mount::MountFlags;
use std::ffi::CString;
use std::sync::Barrier;
use std::time::Instant;
use sunpath_core::fact::caller::Ids;
use sunpath_core::fact::permission::{Permission, Want, judge};

pub(super) fn is_root(why: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: needs root {why}");
    }
    root
}

/// Runs `look` while a thread that has run `prepare` stands where that left it.
pub(super) fn beside<T>(prepare: impl FnOnce() + Send, look: impl FnOnce(As) -> T) -> T {
    let (ready, done) = (Barrier::new(2), Barrier::new(2));
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        let (ready, done) = (&ready, &done);
        scope.spawn(move || {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(prepare));
            let number = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
            sender.send(outcome.map(|()| number)).unwrap();
            ready.wait();
            done.wait();
        });
        let prepared = receiver.recv().unwrap();
        ready.wait();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            look(As::Process(prepared.expect("the other thread is prepared")))
        }));
        done.wait();
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Runs `work` on a thread with mounts of its own.
pub(super) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let run = || {
            namespace::unshare(New::MOUNT).unwrap();
            namespace::make_mounts_private().unwrap();
            work()
        };
        scope.spawn(run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn mount(kind: &str, target: &Path, data: &str) {
    let data = CString::new(data).unwrap();
    namespace::mount(kind, "none", target, MountFlags::empty(), &data).unwrap();
}

fn end(path: &Path, view: &View) -> End {
    walk(&bytes(path), view).known().unwrap().end.clone()
}

#[test]
fn another_mount_namespace_is_walked_as_its_process_does() {
    if !is_root("to make a mount namespace") {
        return;
    }
    let dir = Temporary::new();
    let path = dir.join("s");
    let prepare = || {
        namespace::unshare(New::MOUNT).unwrap();
        namespace::make_mounts_private().unwrap();
        mount("tmpfs", &dir.join(""), "size=64k");
        drop(UnixListener::bind(&path).unwrap());
    };
    beside(prepare, |other| {
        let theirs = view(&other).unwrap();
        let walk = walk(&bytes(&path), &theirs).known().unwrap().clone();
        assert_eq!(walk.end, End::Found);
        let step = walk.steps.last().unwrap();
        assert_eq!(step.mount.known().unwrap().fs_type, "tmpfs");
        assert_eq!(
            step.mount.known().unwrap().point,
            bytes(dir.join("")).strip_suffix(b"/").unwrap()
        );
        let mine = view(&As::Myself).unwrap();
        assert!(matches!(end(&path, &mine), End::Missing { last: true, .. }));
        assert_ne!(mine.caller.mount_namespace, theirs.caller.mount_namespace);
        assert_eq!(mine.caller.net_namespace, theirs.caller.net_namespace);
    });
}

#[test]
fn a_changed_root_directory_is_not_left() {
    if !is_root("to change the root directory") {
        return;
    }
    let dir = Temporary::new();
    fs::create_dir(dir.join("sub")).unwrap();
    fs::write(dir.join("f"), "").unwrap();
    symlink("/f", dir.join("sub/absolute")).unwrap();
    symlink("../../../../f", dir.join("sub/climbing")).unwrap();
    let prepare = || {
        namespace::unshare(New::PLACES).unwrap();
        namespace::change_root(&dir.join("")).unwrap();
        std::env::set_current_dir("/sub").unwrap();
    };
    beside(prepare, |other| {
        let view = view(&other).unwrap();
        let root = bytes(dir.join(""));
        assert_eq!(view.caller.root.known().unwrap(), root.strip_suffix(b"/").unwrap());
        for path in ["/f", "/../f", "/sub/absolute", "absolute", "climbing", "../f", "../../f"] {
            let walk = walk(path.as_bytes(), &view).known().unwrap().clone();
            assert_eq!(walk.end, End::Found, "{path}");
            let file = walk.steps.last().unwrap();
            assert_eq!(file.path, b"/f", "{path}");
            assert!(file.mount.known().is_some(), "{path}");
        }
        let relative = walk(b"absolute", &view).known().unwrap().clone();
        assert_eq!(relative.steps[0].path, b"/sub");
        assert!(matches!(end(&dir.join("f"), &view), End::Missing { last: false, .. }));
    });
}

#[test]
fn a_user_is_stopped_where_root_could_go_on() {
    if !is_root("to look where a user may not") {
        return;
    }
    let dir = Temporary::new();
    fs::create_dir(dir.join("d")).unwrap();
    fs::write(dir.join("d/f"), "").unwrap();
    let mode = |mode| rustix::fs::chmod(dir.join("d"), rustix::fs::Mode::from_raw_mode(mode));
    let user = As::User(UserSpec::Ids(Ids { uid: 4321, gid: 4321, groups: vec![] }));
    let view = view(&user).unwrap();
    mode(0o700).unwrap();
    let walk = walk(&bytes(dir.join("d/f")), &view).known().unwrap().clone();
    assert_eq!(walk.end, End::NoSearch);
    assert_eq!(walk.steps.last().unwrap().path, bytes(dir.join("d")));
    assert_eq!(walk.steps.last().unwrap().kernel_allows, Seen::default());
    mode(0o711).unwrap();
    assert_eq!(end(&dir.join("d/f"), &view), End::Found);
}

#[test]
fn what_only_the_caller_could_see_is_hidden() {
    let dir = Temporary::new();
    fs::create_dir(dir.join("d")).unwrap();
    fs::write(dir.join("d/f"), "").unwrap();
    rustix::fs::chmod(dir.join("d"), rustix::fs::Mode::empty()).unwrap();
    let look = || {
        if rustix::process::geteuid().is_root() {
            let (uid, gid) =
                (rustix::process::Uid::from_raw(4321), rustix::process::Gid::from_raw(4321));
            rustix::thread::set_thread_groups(&[]).unwrap();
            rustix::thread::set_thread_res_gid(gid, gid, gid).unwrap();
            rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
        }
        let path = dir.join("d/f");
        let root = view(&As::User(UserSpec::Id(0))).unwrap();
        (end(&path, &root), end(&path, &view(&As::Myself).unwrap()))
    };
    let (root, mine) = thread::scope(|s| s.spawn(look).join().unwrap());
    let _ = rustix::fs::chmod(dir.join("d"), rustix::fs::Mode::RWXU);
    assert!(matches!(root, End::Hidden { errno: Some(sunpath_core::Errno::EACCES) }), "{root:?}");
    assert_eq!(mine, End::NoSearch);
}

#[test]
fn a_link_of_another_user_is_protected() {
    if !is_root("to make links of other users") {
        return;
    }
    let dir = Temporary::new();
    fs::create_dir(dir.join("t")).unwrap();
    rustix::fs::chmod(dir.join("t"), rustix::fs::Mode::from_raw_mode(0o1777)).unwrap();
    fs::write(dir.join("f"), "").unwrap();
    symlink("../f", dir.join("t/l")).unwrap();
    symlink("..", dir.join("t/up")).unwrap();
    for link in ["t/l", "t/up"] {
        std::os::unix::fs::lchown(dir.join(link), Some(4321), Some(4321)).unwrap();
    }
    let view = view(&As::Myself).unwrap();
    let end = |path: &str, protected_links| {
        let ground = Ground { protected_links, ..Ground::of(&view) };
        let walk = steady(&bytes(dir.join(path)), &ground, &mounts(&view));
        walk.known().unwrap().end.clone()
    };
    assert_eq!(end("t/l", true), End::ProtectedLink);
    assert_eq!(end("t/l", false), End::Found);
    // Only a link at the end of the path is protected.
    assert_eq!(end("t/up/f", true), End::Found);
    std::os::unix::fs::lchown(dir.join("t/l"), Some(0), Some(0)).unwrap();
    assert_eq!(end("t/l", true), End::Found);
    let protected = procfs::setting("fs/protected_symlinks") == Some(1u8);
    std::os::unix::fs::lchown(dir.join("t/l"), Some(4321), Some(4321)).unwrap();
    assert_eq!(fs::metadata(dir.join("t/l")).is_err(), protected);
}

#[test]
fn root_of_a_user_namespace_is_not_roots_equal() {
    let dir = Temporary::new();
    rustix::fs::chmod(dir.join(""), rustix::fs::Mode::from_raw_mode(0o755)).unwrap();
    let mut command = std::process::Command::new("unshare");
    if rustix::process::geteuid().is_root() {
        command = std::process::Command::new("setpriv");
        command.args(["--reuid=4321", "--regid=4321", "--clear-groups", "unshare"]);
    }
    command.args(["-Ur", "sh", "-c", "echo ready; exec sleep 60"]);
    let Ok(mut child) = command.stdout(std::process::Stdio::piped()).spawn() else {
        eprintln!("skipped: unshare(1) or setpriv(1) is missing");
        return;
    };
    let mut line = String::new();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    let view = view(&As::Process(child.id()));
    let etc = view.as_ref().ok().map(|view| walk(b"/etc/passwd", view));
    child.kill().unwrap();
    child.wait().unwrap();
    if line != "ready\n" {
        eprintln!("skipped: user namespaces are not allowed here");
        return;
    }
    let view = view.unwrap();
    let namespace = view.caller.user_namespace.known().unwrap();
    assert!(!namespace.initial);
    let uid = view.caller.ids.known().unwrap().uid;
    assert!(namespace.maps(uid, view.caller.ids.known().unwrap().gid));
    assert!(!namespace.maps(0, 0));
    let etc = etc.unwrap();
    let Some(etc) = etc.known() else {
        // The observer has no power over a process that is root of a namespace, unless it made it.
        panic!("{etc:?}");
    };
    let Seen::Known(Permission::Denied(denial)) =
        judge(&view.caller, etc.steps.last().unwrap(), Want::Write)
    else {
        panic!("root of a user namespace may not write to root's file");
    };
    assert!(denial.capability_out_of_reach);
}

#[test]
fn a_path_that_changes_is_never_mixed_up() {
    let dir = Temporary::new();
    for name in ["a", "b"] {
        fs::create_dir(dir.join(name)).unwrap();
        fs::write(dir.join(name).join("f"), "").unwrap();
    }
    let inodes = ["a", "b"].map(|name| {
        let inode = |path| fs::metadata(path).unwrap().ino();
        (inode(dir.join(name)), inode(dir.join(name).join("f")))
    });
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (found, other) = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for (from, to) in [("a", "x"), ("b", "a"), ("a", "b"), ("x", "a")] {
                    fs::rename(dir.join(from), dir.join(to)).unwrap();
                }
            }
        });
        let view = view(&As::Myself).unwrap();
        let (mut found, mut other) = (0, 0);
        for _ in 0..500 {
            let walk = walk(&bytes(dir.join("a/f")), &view).known().unwrap().clone();
            match walk.end {
                End::Found => {
                    let [.., directory, file] = walk.steps.as_slice() else { panic!("{walk:?}") };
                    assert!(inodes.contains(&(directory.file.inode, file.file.inode)));
                    found += 1;
                }
                End::Missing { .. } | End::Changed => other += 1,
                other => panic!("{other:?}"),
            }
        }
        stop.store(true, Ordering::Relaxed);
        (found, other)
    });
    assert_eq!(found + other, 500);
    assert!(found > 0, "the path was never found");
}

/// Mounts a file system whose server is this process.
fn fuse(target: &Path, options: &str) -> Option<fs::File> {
    let device = fs::File::options().read(true).write(true).open("/dev/fuse").ok()?;
    let fd = std::os::fd::AsRawFd::as_raw_fd(&device);
    mount("fuse", target, &format!("fd={fd},rootmode=40000{options}"));
    Some(device)
}

#[test]
fn a_file_system_without_its_server_is_disconnected() {
    if !is_root("to mount") {
        return;
    }
    let dir = Temporary::new();
    let path = dir.join("s");
    apart(|| {
        let Some(device) = fuse(&dir.join(""), ",user_id=0,group_id=0") else {
            eprintln!("skipped: no /dev/fuse");
            return;
        };
        drop(device);
        let view = view(&As::Myself).unwrap();
        assert_eq!(end(&path, &view), End::Disconnected);
        assert_eq!(fs::metadata(&path).unwrap_err().raw_os_error(), Some(libc::ENOTCONN));
    });
}

#[test]
fn a_file_system_that_does_not_answer_is_not_waited_for() {
    if !is_root("to mount") {
        return;
    }
    let dir = Temporary::new();
    let path = dir.join("s");
    apart(|| {
        let Some(device) = fuse(&dir.join(""), ",user_id=0,group_id=0,allow_other") else {
            eprintln!("skipped: no /dev/fuse");
            return;
        };
        let view = view(&As::Myself).unwrap();
        let start = Instant::now();
        let walk = walk(&bytes(&path), &view);
        assert!(start.elapsed() < PATIENCE * 3);
        let silent = Unseen::Failed { error: "the file system does not answer".into() };
        assert_eq!(walk.unseen(), Some(&silent));
        // Lets the thread that was left behind end.
        drop(device);
    });
}

#[test]
fn a_private_fuse_mount_keeps_others_out() {
    if !is_root("to mount") {
        return;
    }
    let dir = Temporary::new();
    apart(|| {
        let Some(_device) = fuse(&dir.join(""), ",user_id=0,group_id=0") else {
            eprintln!("skipped: no /dev/fuse");
            return;
        };
        let user = As::User(UserSpec::Ids(Ids { uid: 4321, gid: 4321, groups: vec![] }));
        assert_eq!(end(&dir.join("s"), &view(&user).unwrap()), End::NoSearch);
        namespace::unmount(&dir.join("")).unwrap();

        // Not even root may look into that of a user.
        let _device = fuse(&dir.join(""), ",user_id=4321,group_id=4321").unwrap();
        let mine = view(&As::Myself).unwrap();
        let walk = walk(&bytes(dir.join("s")), &mine).known().unwrap().clone();
        assert_eq!(walk.end, End::NoSearch);
        assert_eq!(walk.steps.last().unwrap().mount.known().unwrap().fs_type, "fuse");
        let kernel = fs::metadata(dir.join("s")).unwrap_err();
        assert_eq!(kernel.raw_os_error(), Some(libc::EACCES));
        let hidden = End::Hidden { errno: Some(sunpath_core::Errno::EACCES) };
        assert_eq!(end(&dir.join("s"), &view(&user).unwrap()), hidden);
    });
}

#[test]
fn an_immutable_directory_shows() {
    if !is_root("to set the flag") {
        return;
    }
    let dir = Temporary::new();
    let opened = fs::File::open(dir.join("")).unwrap();
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let Ok(flags) = ioctl_getflags(&opened) else {
        eprintln!("skipped: the file system has no flags");
        return;
    };
    let immutable = || walked(dir.join("")).steps.last().unwrap().immutable.clone();
    assert_eq!(immutable(), Seen::Known(false));
    ioctl_setflags(&opened, flags | IFlags::IMMUTABLE).unwrap();
    let seen = immutable();
    ioctl_setflags(&opened, flags).unwrap();
    assert_eq!(seen, Seen::Known(true));
}

#[test]
fn nothing_is_mounted_by_looking() {
    if !is_root("to mount") {
        return;
    }
    let dir = Temporary::new();
    apart(|| {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&writer);
        // The automounter is not of this process group, so that a look by name would ask it.
        let options = format!("fd={fd},pgrp=1,minproto=5,maxproto=5,indirect");
        let options = CString::new(options).unwrap();
        let target = dir.join("");
        if let Err(errno) =
            namespace::mount("autofs", "none", &target, MountFlags::empty(), &options)
        {
            eprintln!("skipped: autofs cannot be mounted here: {errno}");
            return;
        }
        let view = view(&As::Myself).unwrap();
        assert_eq!(end(&dir.join("s"), &view), End::Hidden { errno: None });
        assert_eq!(end(&dir.join(""), &view), End::Found);
        drop(writer);
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        let asked = rustix::io::read(&reader, &mut [0; 64]);
        assert!(!matches!(asked, Ok(1..)), "the automounter was asked");
    });
}
