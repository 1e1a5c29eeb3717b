//! Binding where everything is against it: limits, umasks, kernels and file systems that lack a
//! call, processes that are killed half-way, and others who take the same names without asking.

use crate::binding::Scratch;
use crate::descriptors::with_numbers_left;
use crate::leaks::open_descriptors;
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};
use sunpath::sys::process::{End, become_user, fork};
use sunpath::sys::restrict::deny_call;
use sunpath::{Call, Datagram, Errno, Error, Listener, SeqPacketListener, Stream};

crate::tests! {
    the_longest_names_can_be_locked
    a_limit_leaves_nothing_at_any_position
    a_umask_that_forbids_everything_is_no_obstacle
    what_a_killed_process_left_is_cleared_away
    killed_at_any_time_nothing_stands_in_the_way
    without_flags_of_rename
    what_came_between_is_put_back
    a_listen_that_fails_is_called_so
    of_two_who_unlink_and_bind_none_removes_the_file_of_the_other
    a_link_on_the_way_that_flips
}

type Way = fn(&Path) -> Result<Box<dyn Send>, Error>;

/// All ways to bind, of all types.
const WAYS: [Way; 7] = [
    |path| Listener::bind(path).map(|s| Box::new(s) as _),
    |path| Listener::options().mode(0o600).bind(path).map(|s| Box::new(s) as _),
    |path| Listener::options().replace_dead().bind(path).map(|s| Box::new(s) as _),
    |path| SeqPacketListener::options().mode(0o640).take_over(path).map(|s| Box::new(s) as _),
    |path| Datagram::bind(path).map(|s| Box::new(s) as _),
    |path| Datagram::options().mode(0o600).bind(path).map(|s| Box::new(s) as _),
    |path| Datagram::options().replace_dead().bind(path).map(|s| Box::new(s) as _),
];

fn dead(path: &Path) {
    drop(std::os::unix::net::UnixListener::bind(path).unwrap());
}

/// The file of the lock has another name than any socket that needs it, however long.
fn the_longest_names_can_be_locked() {
    let scratch = Scratch::new("longest", 0o700);
    for name in ["n".repeat(250) + ".lock", "n".repeat(245) + ".lock", "\n".repeat(255)] {
        let path = scratch.path(&name);
        drop(Listener::options().keep_file(true).bind(&path).unwrap());
        let old = Listener::options().replace_dead().bind(&path).unwrap();
        let new = Listener::take_over(&path).unwrap();
        Stream::connect(&path).unwrap();
        drop((old, new));
        scratch.assert_names(&[]);
    }
}

fn a_limit_leaves_nothing_at_any_position() {
    let scratch = Scratch::new("limit", 0o700);
    let below = scratch.path(&"d".repeat(200));
    fs::create_dir(&below).unwrap();
    let before = open_descriptors();
    for way in WAYS {
        for path in [scratch.path("name"), below.join("name"), below.join("n".repeat(200))] {
            let mut bound = false;
            for numbers in 0..12 {
                let made = with_numbers_left(numbers, || way(&path).map(drop));
                match made {
                    Ok(()) => bound = true,
                    Err(error) => {
                        assert!(!bound, "more numbers, and less came of it");
                        assert_eq!(error.raw_os_error(), libc::EMFILE, "{error}");
                        let ids: Vec<_> = error.why().causes.iter().map(|c| c.cause.id).collect();
                        assert_eq!(ids, ["socket/descriptor-limit"], "{error:#}");
                    }
                }
                let left = |path: &Path| fs::read_dir(path).unwrap().count();
                assert_eq!((left(&scratch.0), left(&below)), (1, 0), "{path:?} {numbers}");
                assert_eq!(open_descriptors(), before);
            }
            assert!(bound);
        }
    }
    let long = below.join("name");
    let _listener = Listener::bind(&long).unwrap();
    let error = with_numbers_left(1, || Stream::connect(&long)).unwrap_err();
    assert_eq!((error.call(), error.cause()), (Call::Connect, Some("socket/descriptor-limit")));
    assert!(error.to_string().contains("no descriptor left to find the path"), "{error}");
}

fn a_umask_that_forbids_everything_is_no_obstacle() {
    let scratch = Scratch::new("umask", 0o777);
    let user = fork(|| {
        if rustix::process::geteuid().is_root() {
            become_user(65534, 65534, &[]).unwrap();
        }
        for umask in [0o777, 0o277, 0o000] {
            rustix::process::umask(umask.into());
            let path = scratch.path("name");
            dead(&path);
            if umask & 0o200 != 0 {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            }
            let listener = Listener::options().mode(0o640).replace_dead().bind(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
            let next = Listener::options().mode(0o600).take_over(&path).unwrap();
            drop((listener, next));
            // Such a lock file, left by one who was killed.
            drop(fs::File::create(scratch.path("name.lock")).unwrap());
            let closed = fs::Permissions::from_mode(0o000);
            fs::set_permissions(scratch.path("name.lock"), closed).unwrap();
            drop(Listener::take_over(&path).unwrap());
            drop(Datagram::options().mode(0o600).bind(&path).unwrap());
            scratch.assert_names(&[]);
        }
        0
    });
    assert_eq!(user.unwrap().wait(), Ok(End::Exited(0)));
}

fn what_a_killed_process_left_is_cleared_away() {
    let scratch = Scratch::new("remains", 0o700);
    let make = |name: &str| {
        let path = scratch.path(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        path
    };
    make(".sunpath-0000000000000001");
    dead(&make(".sunpath-0000000000000002").join("name"));
    dead(&scratch.path(".sunpath-000000000000000a"));
    dead(&scratch.path(".sunpath-unlike"));
    let precious = make(".sunpath-0000000000000003");
    fs::write(precious.join("file"), "precious").unwrap();
    let alive = make(".sunpath-0000000000000004");
    let server = std::os::unix::net::UnixListener::bind(alive.join("name")).unwrap();
    let open = make(".sunpath-0000000000000005");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    make(".sunpath-other");
    let held = make(".sunpath-0000000000000006");
    let lock = fs::File::open(&held).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    symlink(&held, scratch.path(".sunpath-0000000000000007")).unwrap();
    drop(Listener::options().replace_dead().bind(scratch.path("name")).unwrap());
    let stay = |numbers: &[u32]| {
        let mut names: Vec<String> = numbers.iter().map(|n| format!(".sunpath-{n:016x}")).collect();
        names.extend([".sunpath-other".into(), ".sunpath-unlike".into()]);
        names
    };
    let all = stay(&[3, 4, 5, 6, 7]);
    scratch.assert_names(&all.iter().map(String::as_str).collect::<Vec<_>>());
    drop((server, lock));
    drop(Listener::take_over(scratch.path("name")).unwrap());
    let all = stay(&[3, 5, 7]);
    scratch.assert_names(&all.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Killed at random instants, while others want the same name.
fn killed_at_any_time_nothing_stands_in_the_way() {
    let scratch = Scratch::new("killed", 0o700);
    let path = scratch.path("name");
    for round in 0..150u32 {
        let victims: Vec<_> = (0..2)
            .map(|_| {
                fork(|| {
                    loop {
                        for over in [false, true] {
                            let options = Listener::options().mode(0o600).replace_dead();
                            let _bound =
                                if over { options.take_over(&path) } else { options.bind(&path) };
                        }
                    }
                })
                .unwrap()
            })
            .collect();
        std::thread::sleep(Duration::from_micros(u64::from(300 + round * 37)));
        for victim in victims {
            victim.kill(Signal::KILL).unwrap();
            victim.wait().unwrap();
        }
        let start = Instant::now();
        let next = Listener::options().replace_dead().bind(&path).unwrap();
        assert!(start.elapsed() < Duration::from_secs(4), "waited for a dead process");
        Stream::connect(&path).unwrap();
        drop(next);
        scratch.assert_names(&[]);
    }
}

/// Old kernels and some file systems lack `RENAME_EXCHANGE` and `RENAME_NOREPLACE`.
fn without_flags_of_rename() {
    for errno in [Errno::EINVAL, Errno::ENOSYS] {
        let inside = fork(|| {
            deny_call(libc::SYS_renameat2, errno).unwrap();
            let scratch = Scratch::new("rename", 0o700);
            let path = scratch.path("name");
            for way in WAYS {
                drop(way(&path).unwrap());
                scratch.assert_names(&[]);
            }
            dead(&path);
            Listener::options().mode(0o600).bind(&path).unwrap_err();
            let old = Listener::options().mode(0o640).replace_dead().bind(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
            assert_eq!(fs::metadata(&path).unwrap().nlink(), 1);
            let error = Listener::options().replace_dead().bind(&path).unwrap_err();
            assert_eq!(error.cause(), Some("bind/live-socket"));
            let new = Listener::take_over(&path).unwrap();
            assert!(old.is_superseded() && !new.is_superseded());
            drop(old);
            Stream::connect(&path).unwrap();
            drop(new);
            scratch.assert_names(&[]);
            fs::write(&path, "precious").unwrap();
            Listener::options().replace_dead().bind(&path).unwrap_err();
            assert_eq!(fs::read(&path).unwrap(), b"precious");
            0
        });
        assert_eq!(inside.unwrap().wait(), Ok(End::Exited(0)), "{errno}");
    }
}

/// Somebody who knows no lock puts sockets and files of his there all the time: what he made last
/// is there in the end, and no file of his is lost.
fn what_came_between_is_put_back() {
    let scratch = Scratch::new("between", 0o700);
    let path = scratch.path("name");
    let foreign = fork(|| {
        let aside = scratch.path("foreign");
        let end = Instant::now() + Duration::from_millis(1500);
        let mut number = 0;
        while Instant::now() < end {
            number += 1;
            let text = number.to_string();
            dead(&aside);
            fs::rename(&aside, &path).unwrap();
            fs::write(&aside, &text).unwrap();
            fs::rename(&aside, &path).unwrap();
            // It may be away for an instant, and come back.
            let patience = Instant::now() + Duration::from_secs(5);
            while fs::read_to_string(&path).ok().as_ref() != Some(&text) {
                assert!(Instant::now() < patience, "{text} is gone: {:?}", fs::read(&path));
            }
        }
        0
    });
    let mut foreign = foreign.unwrap();
    let (mut won, mut refused) = (0, 0);
    let end = loop {
        match Listener::options().replace_dead().bind(&path) {
            Ok(_listener) => won += 1,
            Err(error) => {
                assert_eq!(error.errno(), Some(Errno::EADDRINUSE), "{error}");
                refused += 1;
            }
        }
        if let Some(end) = foreign.try_wait().unwrap() {
            break end;
        }
    };
    assert_eq!(end, End::Exited(0));
    assert!(won > 0 && refused > 0, "{won} {refused}");
    // What he had replaced himself, by way of the socket that stood there for an instant.
    for entry in fs::read_dir(&scratch.0).unwrap().map(|entry| entry.unwrap().path()) {
        if entry != path {
            // By a replacement, in its directory; by the end of a listener, as it is.
            let kept = if entry.is_dir() { entry.join("name") } else { entry };
            let status = fs::metadata(&kept);
            assert!(status.as_ref().is_ok_and(fs::Metadata::is_file), "{kept:?}: {status:?}");
        }
    }
}

fn a_listen_that_fails_is_called_so() {
    let scratch = Scratch::new("listen", 0o700);
    let path = scratch.path("name");
    deny_call(libc::SYS_listen, Errno::EPERM).unwrap();
    let name = sunpath::Address::Abstract(crate::unique("listen").into_bytes());
    for error in [
        Listener::bind(&path).unwrap_err(),
        Listener::options().mode(0o600).bind(&path).unwrap_err(),
        SeqPacketListener::take_over(&path).unwrap_err(),
        Listener::bind(&name).unwrap_err(),
    ] {
        assert_eq!((error.call(), error.errno()), (Call::Listen, Some(Errno::EPERM)), "{error}");
        scratch.assert_names(&[]);
    }
}

/// Each removes whatever is there before it binds, as many programs do. Dropping a listener may
/// remove its own file and no other.
fn of_two_who_unlink_and_bind_none_removes_the_file_of_the_other() {
    let scratch = Scratch::new("unlink", 0o777);
    unlink_and_bind(&scratch.path("name"));
    // Who may not administer the network is told less by the kernel.
    let user = fork(|| {
        if rustix::process::geteuid().is_root() {
            become_user(65534, 65534, &[]).unwrap();
        }
        unlink_and_bind(&scratch.path("name"));
        0
    });
    assert_eq!(user.unwrap().wait(), Ok(End::Exited(0)));
}

fn unlink_and_bind(path: &Path) {
    let both = Barrier::new(2);
    let compete = || {
        both.wait();
        let _ = fs::remove_file(path);
        Listener::options().nonblocking(true).bind(path).ok()
    };
    let mut contested = 0;
    for _ in 0..3000 {
        let (one, two) = std::thread::scope(|scope| {
            let (one, two) = (scope.spawn(compete), scope.spawn(compete));
            (one.join().unwrap(), two.join().unwrap())
        });
        let (Some(one), Some(two)) = (one, two) else { continue };
        contested += 1;
        Stream::connect(path).unwrap();
        let (loser, winner) = if one.accept().is_ok() { (two, one) } else { (one, two) };
        drop(loser);
        assert!(Stream::connect(path).is_ok(), "the file of the other was removed");
        drop(winner);
    }
    assert!(contested > 100, "{contested}");
}

fn a_link_on_the_way_that_flips() {
    let scratch = Scratch::new("flip", 0o700);
    for name in ["a", "b"] {
        fs::create_dir(scratch.path(name)).unwrap();
    }
    let (way, next) = (scratch.path("way"), scratch.path("next"));
    symlink("a", &way).unwrap();
    let flipper = fork(|| {
        loop {
            for to in ["b", "a"] {
                symlink(to, &next).unwrap();
                fs::rename(&next, &way).unwrap();
            }
        }
    })
    .unwrap();
    let end = Instant::now() + Duration::from_millis(1500);
    let mut rounds = 0;
    while Instant::now() < end {
        for bind in WAYS {
            // Servers of the other two releases, which stay.
            let kept = ["a", "b"].map(|d| {
                let path = scratch.path(d).join("other");
                let _ = fs::remove_file(&path);
                std::os::unix::net::UnixListener::bind(path).unwrap()
            });
            drop(bind(&way.join("name")).unwrap());
            drop(kept);
            rounds += 1;
        }
    }
    flipper.kill(Signal::KILL).unwrap();
    flipper.wait().unwrap();
    assert!(rounds > 100, "{rounds}");
    for name in ["a", "b"] {
        let left = fs::read_dir(scratch.path(name)).unwrap().map(|e| e.unwrap().file_name());
        let left: Vec<_> = left.collect();
        assert_eq!(left, ["other"], "in {name}");
    }
}
