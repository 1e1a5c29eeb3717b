//! Taking names: what is replaced, what is left alone, and what others see meanwhile.

mod directory;

use directory::Directory;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use sunpath::{
    Address, AddressRef, Datagram, Errno, Error, Listener, SeqPacket, SeqPacketListener,
    SocketType, Stream, path_address,
};

fn names(directory: &Directory) -> Vec<String> {
    let entries = fs::read_dir(directory.path("")).unwrap();
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Leaves the file of a server that is gone.
fn dead(kind: SocketType, path: &Path) {
    let socket = sunpath::sys::socket::socket(kind, sunpath::sys::socket::SocketFlags::empty());
    let name = sunpath::sys::name::Name::new(&path_address(path)).unwrap();
    sunpath::sys::socket::bind(socket.unwrap(), &name).unwrap();
}

#[track_caller]
fn in_use(error: &Error, cause: Option<&str>) {
    assert_eq!((error.errno(), error.cause()), (Some(Errno::EADDRINUSE), cause), "{error}");
}

const KINDS: [SocketType; 3] = [SocketType::Stream, SocketType::SeqPacket, SocketType::Datagram];

/// Binds a socket of a type, by replacing or by taking over; the socket lives in the box.
fn bind(kind: SocketType, path: &Path, over: bool) -> Result<Box<dyn Send>, Error> {
    macro_rules! options {
        ($name:ident) => {
            match over {
                true => $name::options().take_over(path).map(|s| Box::new(s) as _),
                false => $name::options().replace_dead().bind(path).map(|s| Box::new(s) as _),
            }
        };
    }
    match kind {
        SocketType::Stream => options!(Listener),
        SocketType::SeqPacket => options!(SeqPacketListener),
        _ => options!(Datagram),
    }
}

#[test]
fn what_is_no_socket_is_never_touched() {
    let directory = Directory::new();
    let path = directory.path("name");
    let elsewhere = directory.path("elsewhere");
    dead(SocketType::Stream, &elsewhere);
    let make: [(&str, &dyn Fn()); 6] = [
        ("file", &|| fs::write(&path, "precious").unwrap()),
        ("empty file", &|| fs::write(&path, "").unwrap()),
        ("directory", &|| fs::create_dir(&path).unwrap()),
        ("dangling link", &|| symlink("nowhere", &path).unwrap()),
        ("link to a dead socket", &|| symlink(&elsewhere, &path).unwrap()),
        ("fifo", &|| {
            let fifo = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, &path, fifo, 0o600.into(), 0).unwrap();
        }),
    ];
    for (what, make) in make {
        make();
        let before = fs::symlink_metadata(&path).unwrap();
        for (kind, over) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
            let error = bind(kind, &path, over).err().unwrap_or_else(|| panic!("{what} replaced"));
            in_use(&error, Some("bind/not-a-socket"));
            in_use(&Listener::options().mode(0o600).bind(&path).unwrap_err(), None);
            let after = fs::symlink_metadata(&path).unwrap();
            assert_eq!((before.ino(), before.len()), (after.ino(), after.len()), "{what}");
            assert_eq!(before.mtime_nsec(), after.mtime_nsec(), "{what}");
        }
        assert_eq!(names(&directory), ["elsewhere", "name"]);
        fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
    }
}

#[test]
fn a_dead_socket_of_any_type_is_replaced_by_any_type() {
    let directory = Directory::new();
    let path = directory.path("name");
    for (old, new) in KINDS.into_iter().flat_map(|old| KINDS.map(|new| (old, new))) {
        for over in [false, true] {
            dead(old, &path);
            let server = bind(new, &path, over).unwrap();
            assert_eq!(names(&directory), ["name"], "{old} {new}");
            drop(server);
            assert_eq!(names(&directory), [""; 0], "{old} {new}");
            drop(bind(new, &path, over).unwrap());
        }
    }
}

#[test]
fn a_living_socket_is_never_taken_for_dead() {
    let directory = Directory::new();
    let path = directory.path("name");
    for old in KINDS {
        let server = bind(old, &path, false).unwrap();
        let before = fs::metadata(&path).unwrap().ino();
        for new in KINDS {
            in_use(&bind(new, &path, false).err().unwrap(), Some("bind/live-socket"));
            if new != old {
                in_use(&bind(new, &path, true).err().unwrap(), Some("bind/live-socket"));
            }
        }
        assert_eq!(fs::metadata(&path).unwrap().ino(), before);
        drop(server);
    }
    // Bound, and not listening yet.
    let kind = SocketType::Stream;
    let fresh =
        sunpath::sys::socket::socket(kind, sunpath::sys::socket::SocketFlags::empty()).unwrap();
    let name = sunpath::sys::name::Name::new(&path_address(&path)).unwrap();
    sunpath::sys::socket::bind(&fresh, &name).unwrap();
    in_use(&bind(kind, &path, false).err().unwrap(), Some("bind/live-socket"));
    in_use(&bind(kind, &path, true).err().unwrap(), Some("bind/live-socket"));
    assert_eq!(names(&directory), ["name"]);
}

/// Nobody notices that he was looked at.
#[test]
fn a_server_is_not_disturbed_by_one_that_fails() {
    let directory = Directory::new();
    let path = directory.path("name");
    let server = Listener::options().backlog(0).nonblocking(true).bind(&path).unwrap();
    for full in [false, true] {
        let _client = full.then(|| Stream::connect(&path).unwrap());
        bind(SocketType::Stream, &path, false).err().unwrap();
        if full {
            server.accept().unwrap();
        }
        assert_eq!(server.accept().unwrap_err().errno(), Some(Errno::EAGAIN));
    }
    drop(server);
    let server = Datagram::options().nonblocking(true).bind(&path).unwrap();
    bind(SocketType::Datagram, &path, false).err().unwrap();
    assert_eq!(server.recv(&mut [0; 9]).unwrap_err().errno(), Some(Errno::EAGAIN));
}

#[test]
fn only_the_own_file_is_removed_on_drop() {
    let directory = Directory::new();
    let path = directory.path("name");
    let (aside, below) = (directory.path("aside"), directory.path("below"));
    // Renamed away.
    let listener = Listener::bind(&path).unwrap();
    fs::rename(&path, &aside).unwrap();
    drop(listener);
    assert!(fs::symlink_metadata(&aside).unwrap().file_type().is_socket());
    // Replaced by a file and by a successor.
    let listener = Listener::bind(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    drop(listener);
    fs::remove_file(&path).unwrap();
    let listener = Listener::bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "precious").unwrap();
    drop(listener);
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    fs::remove_file(&path).unwrap();
    let old = Listener::bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let new = Listener::bind(&path).unwrap();
    drop(old);
    Stream::connect(&path).unwrap();
    drop(new);
    // A directory above is renamed: it is still the same file.
    fs::create_dir(&below).unwrap();
    let listener = Listener::bind(below.join("name")).unwrap();
    fs::rename(&below, &aside).unwrap();
    drop(listener);
    assert_eq!(fs::read_dir(&aside).unwrap().count(), 0);
    // Given away: whoever has the descriptor answers for the file.
    let listener = Listener::bind(&path).unwrap();
    let fd = std::os::fd::OwnedFd::from(listener);
    assert!(path.exists());
    let listener = Listener::try_from(fd).unwrap();
    Stream::connect(&path).unwrap();
    drop(listener);
    assert!(path.exists());
    let kept = Listener::options().keep_file(true).replace_dead().bind(&path).unwrap();
    assert!(!kept.is_superseded());
    drop(kept);
    assert_eq!(names(&directory), ["aside", "name"]);
}

#[test]
fn mode_owner_and_group_are_as_given() {
    let directory = Directory::new();
    let path = directory.path("name");
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let ids = if uid == 0 { (12345, 54321) } else { (uid, gid) };
    for mode in [0o777, 0o660, 0o600, 0o022, 0] {
        for long in [false, true] {
            let path = if long { directory.path("n".repeat(200)) } else { path.clone() };
            let seen = || {
                let status = fs::metadata(&path).unwrap();
                (status.mode() & 0o7777, status.uid(), status.gid())
            };
            let stream = Listener::options().mode(mode).bind(&path).unwrap();
            assert_eq!(seen(), (mode, uid, gid));
            assert_eq!(stream.local_addr().unwrap(), path_address(&path));
            drop(stream);
            let _packets =
                SeqPacketListener::options().owner(ids.0).group(ids.1).mode(mode).bind(&path);
            assert_eq!(seen(), (mode, ids.0, ids.1));
            drop(_packets);
            let datagram =
                Datagram::options().owner(ids.0).group(ids.1).mode(mode).bind(&path).unwrap();
            assert_eq!(seen(), (mode, ids.0, ids.1));
            assert_eq!(datagram.local_addr().unwrap(), path_address(&path));
        }
    }
    let plain = fs::metadata(directory.path("")).unwrap().ino();
    let usual = Datagram::bind(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().mode();
    drop(usual);
    let owned = Datagram::options().group(ids.1).bind(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode(), mode, "as without options");
    drop(owned);
    assert_eq!(fs::metadata(directory.path("")).unwrap().ino(), plain);
    assert_eq!(names(&directory), [""; 0]);
}

/// Trap 8: there is no instant at which the file has another mode, or nobody behind it.
#[test]
fn there_is_no_window_before_the_mode_is_set() {
    let directory = Directory::new();
    let path = directory.path("name");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut seen, mut connected) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                if let Ok(status) = fs::symlink_metadata(&path) {
                    assert_eq!(status.mode() & 0o7777, 0o640);
                    seen += 1;
                }
                match Stream::connect(&path).map_err(|e| e.errno()) {
                    Ok(_) => connected += 1,
                    Err(Some(Errno::ENOENT)) => {}
                    // Closed between the look-up and the queue, or right behind it.
                    Err(Some(Errno::ECONNREFUSED)) => assert!(!directory_has(&path), "refused"),
                    Err(errno) => panic!("{errno:?}"),
                }
            }
            (seen, connected)
        });
        let end = Instant::now() + Duration::from_millis(700);
        while Instant::now() < end {
            let listener = Listener::options().mode(0o640).bind(&path).unwrap();
            std::thread::sleep(Duration::from_micros(300));
            // So that a refusal can only mean that it was not listening yet.
            fs::remove_file(&path).unwrap();
            std::thread::sleep(Duration::from_millis(2));
            drop(listener);
        }
        done.store(true, Ordering::Relaxed);
        let (seen, connected) = watcher.join().unwrap();
        assert!(seen > 0 && connected > 0, "{seen} {connected}");
    });
}

fn directory_has(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// A sender keeps a name that can be answered to, although it has a mode.
#[test]
fn a_datagram_sender_with_a_mode_can_be_answered() {
    let directory = Directory::new();
    let server = Datagram::bind(directory.path("server")).unwrap();
    let client = Datagram::options().mode(0o600).bind(directory.path("client")).unwrap();
    client.send_to(b"question", directory.path("server")).unwrap();
    let (_, from) = server.recv_from(&mut [0; 9]).unwrap();
    assert_eq!(from.as_path(), Some(directory.path("client").as_path()));
    server.send_to(b"answer", from).unwrap();
    assert_eq!(client.recv(&mut [0; 9]).unwrap().bytes, 6);
}

/// One winner a round; clients find the dead socket or the winner, and always a file.
#[test]
fn of_competing_servers_one_wins_and_no_client_sees_a_gap() {
    let directory = Directory::new();
    let path = directory.path("name");
    for _round in 0..20 {
        dead(SocketType::Stream, &path);
        let (done, winners) = (AtomicBool::new(false), AtomicU32::new(0));
        std::thread::scope(|scope| {
            let servers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| Listener::options().replace_dead().bind(&path)))
                .collect();
            scope.spawn(|| {
                let mut reached = false;
                while !done.load(Ordering::Relaxed) || !reached {
                    match Stream::connect(&path).map_err(|e| e.errno()) {
                        Ok(mut stream) => {
                            let mut byte = [0];
                            stream.read_exact(&mut byte).unwrap();
                            assert_eq!(&byte, b"w", "reached a loser");
                            reached = true;
                        }
                        Err(Some(Errno::ECONNREFUSED)) => assert!(!reached, "refused by winner"),
                        Err(errno) => panic!("{errno:?}"),
                    }
                }
            });
            let mut winner = None;
            for server in servers {
                match server.join().unwrap() {
                    Ok(listener) => {
                        winners.fetch_add(1, Ordering::Relaxed);
                        winner = Some(listener);
                    }
                    Err(error) => in_use(&error, Some("bind/live-socket")),
                }
            }
            let winner = winner.unwrap();
            let first = winner.accept().unwrap();
            (&first).write_all(b"w").unwrap();
            done.store(true, Ordering::Relaxed);
            let until = |ms| Instant::now() + Duration::from_millis(ms);
            while let Some(client) = winner.accept_until(until(20)).unwrap() {
                (&client).write_all(b"w").unwrap();
            }
        });
        assert_eq!(winners.load(Ordering::Relaxed), 1);
        assert_eq!(names(&directory), [""; 0]);
    }
}

#[test]
fn a_lock_that_is_held_is_not_waited_for_without_end() {
    use rustix::fs::{FlockOperation, flock};
    let directory = Directory::new();
    let path = directory.path("name");
    let lock = fs::File::create(directory.path("name.lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let options = Listener::options().replace_dead().lock_timeout(Duration::from_millis(50));
    let start = Instant::now();
    let error = options.bind(&path).unwrap_err();
    assert!(start.elapsed() >= Duration::from_millis(50));
    in_use(&error, None);
    let holder = format!("process {}", std::process::id());
    let text = error.to_string();
    assert!(text.contains("held the lock") && text.contains(&holder), "{text}");
    assert_eq!(names(&directory), ["name.lock"]);
    // What needs no lock goes on, but its end leaves the file to whoever has the lock.
    drop(Listener::bind(&path).unwrap());
    assert_eq!(names(&directory), ["name", "name.lock"]);
    drop(lock);
    drop(options.bind(&path).unwrap());
    assert!(!path.exists());
}

/// Sticky, and writable for everyone: as `/tmp` is.
#[test]
fn a_sticky_directory_is_no_obstacle() {
    let directory = Directory::new();
    let mode = fs::Permissions::from_mode(0o1777);
    fs::set_permissions(directory.path(""), mode).unwrap();
    let path = directory.path("name");
    dead(SocketType::Stream, &path);
    let old = Listener::options().mode(0o600).replace_dead().bind(&path).unwrap();
    let new = Listener::take_over(&path).unwrap();
    drop(old);
    Stream::connect(&path).unwrap();
    drop(new);
    assert_eq!(names(&directory), [""; 0]);
}

#[test]
fn nothing_is_left_behind_by_a_failure() {
    let directory = Directory::new();
    let path = directory.path("name");
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped in part: root may give files away");
    } else {
        let error = Listener::options().owner(0).group(0).bind(&path).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EPERM));
        assert!(error.to_string().contains("given to user 0 and group 0"), "{error}");
        Datagram::options().owner(0).bind(&path).unwrap_err();
        Listener::options().replace_dead().group(0).bind(&path).unwrap_err();
        assert_eq!(names(&directory), [""; 0]);
    }
    let _server = Listener::bind(&path).unwrap();
    Listener::options().mode(0o600).bind(&path).unwrap_err();
    SeqPacketListener::take_over(&path).unwrap_err();
    Datagram::options().mode(0).bind(&path).unwrap_err();
    for wrong in
        [path.join("x"), directory.path("no/x"), directory.path("x/"), directory.path("..")]
    {
        Listener::options().mode(0o600).bind(&wrong).unwrap_err();
        Listener::take_over(&wrong).unwrap_err();
    }
    assert_eq!(names(&directory), ["name"]);
}

#[test]
fn names_that_are_no_files_have_no_mode() {
    let name = Address::Abstract(format!("sunpath-binding-{}", std::process::id()).into_bytes());
    let error = Listener::options().mode(0o600).bind(&name).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EINVAL));
    assert!(error.to_string().contains("only a file has a mode"), "{error}");
    assert!(Datagram::options().owner(0).bind(AddressRef::Unnamed).is_err());
    let _first = Listener::options().replace_dead().bind(&name).unwrap();
    in_use(&Listener::options().replace_dead().bind(&name).unwrap_err(), None);
    in_use(&Listener::take_over(&name).unwrap_err(), None);
}

#[test]
fn an_old_server_sees_that_it_is_superseded_and_takes_what_waits() {
    let directory = Directory::new();
    for long in [false, true] {
        let name = if long { "n".repeat(200) } else { "name".into() };
        let path = directory.path(&name);
        let old = SeqPacketListener::take_over(&path).unwrap();
        assert!(!old.is_superseded());
        let early = SeqPacket::connect(&path).unwrap();
        early.send(b"early").unwrap();
        let new = SeqPacketListener::take_over(&path).unwrap();
        assert!(old.is_superseded() && !new.is_superseded());
        let late = SeqPacket::connect(&path).unwrap();
        late.send(b"late").unwrap();
        let soon = || Instant::now() + Duration::from_millis(20);
        let mut buffer = [0; 9];
        let first = old.accept_until(soon()).unwrap().unwrap();
        assert_eq!(first.recv(&mut buffer).unwrap().bytes, 5);
        assert!(old.accept_until(soon()).unwrap().is_none());
        drop(old);
        assert_eq!(new.accept().unwrap().recv(&mut buffer).unwrap().bytes, 4);
        drop(new);
        assert_eq!(names(&directory), [""; 0]);
    }
}

/// A lock file of another program of the same name is used and left as it is.
#[test]
fn a_foreign_lock_file_stays() {
    let directory = Directory::new();
    let path = directory.path("name");
    fs::write(directory.path("name.lock"), "4711\n").unwrap();
    drop(Listener::options().replace_dead().bind(&path).unwrap());
    assert_eq!(fs::read(directory.path("name.lock")).unwrap(), b"4711\n");
    assert_eq!(names(&directory), ["name.lock"]);
}
