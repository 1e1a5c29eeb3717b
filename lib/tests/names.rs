//! Addresses of every form and length reach their sockets, and come back as they were given.

mod directory;

use directory::Directory;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use sunpath::{
    Address, AddressRef, Call, Certainty, Datagram, Errno, Listener, Outcome, SeqPacket,
    SeqPacketListener, SockAddr, Stream, ToAddress, path_address, sys,
};

/// A path below the directory that is this long to the byte, whose directories exist. Its last
/// component has `last` bytes.
fn path_of(directory: &Directory, length: usize, last: usize) -> PathBuf {
    let mut path = directory.path("").into_os_string().into_encoded_bytes();
    path.truncate(path.len() - 1);
    let mut level = open(&path);
    while path.len() + 1 + last < length {
        // What is left for another directory, which needs at least one byte and a slash.
        let left = length - path.len() - 1 - last;
        let name = match left {
            2..=201 => left - 1,
            _ => 198,
        };
        assert!(left > 1, "no room for a directory of one byte");
        let name = vec![b'd'; name];
        sys::directory::make_private(level_fd(&level), &name).unwrap();
        level = sys::directory::open(level_fd(&level), &name).unwrap();
        path.push(b'/');
        path.extend(&name);
    }
    path.push(b'/');
    path.resize(length, b's');
    Path::new(OsStr::from_bytes(&path)).to_path_buf()
}

fn open(path: &[u8]) -> std::os::fd::OwnedFd {
    sys::directory::open(sys::file::WORKING_DIRECTORY, path).unwrap()
}

fn level_fd(fd: &std::os::fd::OwnedFd) -> std::os::fd::BorrowedFd<'_> {
    std::os::fd::AsFd::as_fd(fd)
}

/// Lengths around every limit, with a last component of this length.
const LENGTHS: &[(usize, usize)] = &[
    (100, 10),
    (107, 10),
    (108, 10),
    (109, 10),
    (200, 64),
    (200, 65),
    (300, 200),
    (400, 255),
    (4094, 20),
    (4095, 20),
    (4096, 20),
    (4097, 255),
    (5000, 100),
    (9000, 255),
];

#[test]
fn a_path_of_any_length_is_bound_connected_and_removed() {
    for &(length, last) in LENGTHS {
        let directory = Directory::new();
        let path = path_of(&directory, length, last);
        assert_eq!(path.as_os_str().len(), length);
        let address = path_address(&path);
        let listener = Listener::bind(&path).unwrap();
        assert_eq!(listener.local_addr().unwrap(), address, "{length}");
        let error = Listener::bind(&path).unwrap_err();
        assert_eq!((error.errno(), error.address()), (Some(Errno::EADDRINUSE), Some(&address)));
        let mut client = Stream::connect(&path).unwrap();
        assert_eq!(client.peer_addr().unwrap(), address, "{length}");
        let late = Instant::now() + Duration::from_secs(10);
        let second = Stream::connect_until(&path, late).unwrap();
        assert_eq!(second.peer_addr().unwrap(), address, "{length}");
        let mut server = listener.accept().unwrap();
        assert_eq!(server.local_addr().unwrap(), address);
        client.write_all(b"hello").unwrap();
        let mut word = [0; 5];
        server.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"hello");
        drop(listener);
        let error = Stream::connect(&path).unwrap_err();
        assert_eq!((error.errno(), error.address()), (Some(Errno::ENOENT), Some(&address)));
        let listener = SeqPacketListener::bind(&path).unwrap();
        assert_eq!(Stream::connect(&path).unwrap_err().errno(), Some(Errno::EPROTOTYPE));
        SeqPacket::connect(&path).unwrap().send(b"x").unwrap();
        assert_eq!(listener.accept().unwrap().recv(&mut [0; 9]).unwrap().bytes, 1);
        drop(listener);
        let receiver = Datagram::bind(&path).unwrap();
        let sender = Datagram::unbound().unwrap();
        sender.send_to(b"to", &path).unwrap();
        sender.connect(&path).unwrap();
        sender.send(b"connected").unwrap();
        assert_eq!(receiver.recv(&mut [0; 99]).unwrap().bytes, 2);
        assert_eq!(receiver.recv(&mut [0; 99]).unwrap().bytes, 9);
    }
}

#[test]
fn the_kernel_would_take_none_of_them_beyond_its_limit() {
    let directory = Directory::new();
    let path = path_of(&directory, 200, 10);
    let error = std::os::unix::net::UnixListener::bind(&path).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn a_long_path_fails_as_a_short_one_does() {
    let directory = Directory::new();
    let long = path_of(&directory, 300, 20);
    let parent = long.parent().unwrap();
    let connect = |path: &Path| Stream::connect(path).unwrap_err().errno().unwrap();
    let bind = |path: &Path| Listener::bind(path).unwrap_err().errno().unwrap();
    let send = |path: &Path| {
        let error = Datagram::unbound().unwrap().send_to(b"x", path).unwrap_err();
        assert_eq!(error.call(), Call::Send);
        error.errno().unwrap()
    };
    assert_eq!([connect(&long), send(&long)], [Errno::ENOENT; 2]);
    let missing = long.join("below");
    assert_eq!([connect(&missing), bind(&missing), send(&missing)], [Errno::ENOENT; 3]);
    let too_long = parent.join("x".repeat(256));
    let calls = [connect(&too_long), bind(&too_long), send(&too_long)];
    assert_eq!(calls, [Errno::ENAMETOOLONG; 3]);
    let slashes = PathBuf::from(format!("{}/", long.display()));
    assert_eq!([connect(&slashes), bind(&slashes)], [Errno::ENOENT; 2]);
    std::fs::write(&long, "").unwrap();
    assert_eq!(connect(&missing), Errno::ENOTDIR);
    assert_eq!(bind(&missing), Errno::ENOTDIR);
    assert_eq!([connect(&long), send(&long)], [Errno::ECONNREFUSED; 2]);
    assert_eq!(bind(&long), Errno::EADDRINUSE);
    std::fs::remove_file(&long).unwrap();
    std::os::unix::fs::symlink(long.file_name().unwrap(), &long).unwrap();
    assert_eq!([connect(&long), bind(&long)], [Errno::ELOOP, Errno::EADDRINUSE]);
    assert_eq!([connect(parent), bind(parent)], [Errno::ECONNREFUSED, Errno::EADDRINUSE]);
    let dots = parent.join("..").join(parent.file_name().unwrap()).join(".");
    assert_eq!([connect(&dots), bind(&dots)], [Errno::ECONNREFUSED, Errno::EADDRINUSE]);
    let mut cut = long.clone().into_os_string().into_encoded_bytes();
    cut.push(0);
    let cut = Path::new(OsStr::from_bytes(&cut));
    assert_eq!([connect(cut), bind(cut), send(cut)], [Errno::EINVAL; 3]);
    let slashed = "/".repeat(5000);
    let root = Path::new(&slashed);
    assert_eq!([connect(root), bind(root)], [connect(Path::new("/")), Errno::EADDRINUSE]);
}

/// A long name with a slash behind it, which no call of the kernel sees as a whole.
#[test]
fn a_slash_behind_a_long_name_asks_for_a_directory() {
    let directory = Directory::new();
    let name = "n".repeat(200);
    let path = format!("{}/", directory.path(&name).display());
    assert_eq!(Listener::bind(&path).unwrap_err().errno(), Some(Errno::ENOENT));
    std::fs::create_dir(&path).unwrap();
    assert_eq!(Listener::bind(&path).unwrap_err().errno(), Some(Errno::EADDRINUSE));
}

#[test]
fn links_are_followed_by_connect_and_never_by_bind() {
    let directory = Directory::new();
    let long = path_of(&directory, 500, 100);
    let listener = Listener::bind(&long).unwrap();
    let link = directory.path("link");
    std::os::unix::fs::symlink(&long, &link).unwrap();
    Stream::connect(&link).unwrap();
    listener.accept().unwrap();
    let far_link = long.with_file_name("l".repeat(200));
    std::os::unix::fs::symlink(&link, &far_link).unwrap();
    Stream::connect(&far_link).unwrap();
    listener.accept().unwrap();
    assert_eq!(Listener::bind(&far_link).unwrap_err().errno(), Some(Errno::EADDRINUSE));
    let dangling = long.with_file_name("d".repeat(200));
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    assert_eq!(Listener::bind(&dangling).unwrap_err().errno(), Some(Errno::EADDRINUSE));
    assert_eq!(Stream::connect(&dangling).unwrap_err().errno(), Some(Errno::ENOENT));
    assert!(!long.with_file_name("nowhere").exists());
}

#[test]
fn permission_is_asked_for_on_long_paths_too() {
    if rustix::process::geteuid().is_root() {
        eprintln!("skipped: root may do everything; see the test of the same name in `binding`");
        return;
    }
    let directory = Directory::new();
    let long = path_of(&directory, 300, 20);
    let _listener = Listener::bind(&long).unwrap();
    let mode = |path: &Path, mode| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&long, 0o555);
    assert_eq!(Stream::connect(&long).unwrap_err().errno(), Some(Errno::EACCES));
    mode(&long, 0o222);
    Stream::connect(&long).unwrap();
    let parent = long.parent().unwrap();
    mode(parent, 0o600);
    assert_eq!(Stream::connect(&long).unwrap_err().errno(), Some(Errno::EACCES));
    assert_eq!(Listener::bind(&long).unwrap_err().errno(), Some(Errno::EACCES));
    mode(parent, 0o500);
    let other = long.with_file_name("other".repeat(20));
    assert_eq!(Listener::bind(&other).unwrap_err().errno(), Some(Errno::EACCES));
    mode(parent, 0o700);
}

#[test]
fn nothing_is_left_behind_by_a_long_name() {
    let directory = Directory::new();
    let path = directory.path("n".repeat(200));
    let names = || std::fs::read_dir(directory.path("")).unwrap().count();
    let listener = Listener::bind(&path).unwrap();
    assert_eq!(names(), 1);
    Listener::bind(&path).unwrap_err();
    assert_eq!(names(), 1);
    drop(listener);
    assert_eq!(names(), 0);
}

/// Every byte but NUL and slash is part of a name like any other.
#[test]
fn names_have_any_bytes() {
    let directory = Directory::new();
    let odd: Vec<u8> = (1..=255).filter(|b| *b != b'/').collect();
    let mut base = directory.path("").into_os_string().into_encoded_bytes();
    base.extend(&odd);
    for name in [&base[..], &base[..base.len() - 200]] {
        let path = Path::new(OsStr::from_bytes(name));
        let listener = Listener::bind(path).unwrap();
        assert!(std::fs::symlink_metadata(path).is_ok());
        Stream::connect(path).unwrap();
        assert_eq!(listener.local_addr().unwrap(), Address::Path(name.to_vec()));
    }
    let unique = std::process::id().to_ne_bytes();
    for name in [&[][..], b"\0", b"a\0\0", b"/run/x", &odd[..103]] {
        let name = [name, &unique].concat();
        let address = Address::Abstract(name);
        let listener = Listener::bind(&address).unwrap();
        assert_eq!(listener.local_addr().unwrap(), address);
        let client = Stream::connect(&address).unwrap();
        assert_eq!(client.peer_addr().unwrap(), address);
        assert_eq!(listener.accept().unwrap().local_addr().unwrap(), address);
    }
    let long = Address::Abstract(vec![b'x'; 108]);
    assert_eq!(Listener::bind(&long).unwrap_err().errno(), Some(Errno::EINVAL));
}

#[test]
fn unnamed_lets_the_kernel_pick() {
    let listener = Listener::bind(AddressRef::Unnamed).unwrap();
    let packets = SeqPacketListener::bind(AddressRef::Unnamed).unwrap();
    let datagram = Datagram::bind(AddressRef::Unnamed).unwrap();
    let names = [
        listener.local_addr().unwrap(),
        packets.local_addr().unwrap(),
        datagram.local_addr().unwrap(),
    ];
    for name in &names {
        assert!(matches!(name, Address::Abstract(name) if name.len() == 5), "{name:?}");
    }
    Stream::connect(&names[0]).unwrap();
    SeqPacket::connect(&names[1]).unwrap();
    Datagram::unbound().unwrap().send_to(b"x", &names[2]).unwrap();
    assert_eq!(Stream::connect(AddressRef::Unnamed).unwrap_err().errno(), Some(Errno::EINVAL));
}

#[test]
fn an_error_on_a_long_path_is_explained_by_what_is_there() {
    let directory = Directory::new();
    let long = path_of(&directory, 300, 20);
    let certain = |error: &sunpath::Error, id: &str| {
        let diagnosis = error.why();
        let first = diagnosis.causes.first().map(|r| (r.cause.id, r.certainty));
        assert_eq!(first, Some((id, Certainty::Certain)), "\n{diagnosis}");
        assert!(!diagnosis.to_string().contains("path-too-long"), "\n{diagnosis}");
    };
    certain(&Stream::connect(&long).unwrap_err(), "connect/no-such-file");
    certain(&Stream::connect(long.join("x")).unwrap_err(), "connect/missing-directory");
    let too_long = long.with_file_name("x".repeat(256));
    certain(&Stream::connect(&too_long).unwrap_err(), "connect/component-too-long");
    let listener = Listener::bind(&long).unwrap();
    certain(&Listener::bind(&long).unwrap_err(), "bind/live-socket");
    certain(&SeqPacket::connect(&long).unwrap_err(), "connect/wrong-type");
    // Closes it, and leaves the file.
    drop(std::os::unix::net::UnixListener::from(listener));
    certain(&Stream::connect(&long).unwrap_err(), "connect/stale-socket");
    certain(&Listener::bind(&long).unwrap_err(), "bind/stale-socket");
    // For everybody else it is still too long.
    let error = std::os::unix::net::UnixStream::connect(&long).unwrap_err();
    let diagnosis = sunpath::why(Call::Connect, &path_address(&long), &error);
    assert_eq!(diagnosis.causes[0].cause.id, "connect/path-too-long");
    assert_eq!(diagnosis.outcome, Outcome::Fails(Errno::EINVAL));
}

/// What the kernel does for short paths: a server that was replaced between look-up and call is
/// looked up again.
#[test]
fn a_server_that_is_replaced_is_never_missed() {
    let directory = Directory::new();
    let path = path_of(&directory, 300, 100);
    let mut current = Listener::take_over(&path).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            let mut connections = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                Stream::connect(&path).unwrap();
                connections += 1;
            }
            connections
        });
        for _ in 0..200 {
            let next = Listener::take_over(&path).unwrap();
            drop(std::mem::replace(&mut current, next));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(client.join().unwrap() > 0);
    });
}

#[test]
fn addresses_convert_and_compare() {
    let directory = Directory::new();
    let path = directory.path("socket");
    let socket = Datagram::bind(&path).unwrap();
    let sender = Datagram::bind(directory.path("sender")).unwrap();
    sender.send_to(b"x", &path).unwrap();
    let (_, from) = socket.recv_from(&mut [0; 1]).unwrap();
    assert_eq!(from.as_path(), Some(directory.path("sender").as_path()));
    assert_eq!(from.to_string(), directory.path("sender").display().to_string());
    socket.send_to(b"answer", from).unwrap();
    assert_eq!(sender.recv(&mut [0; 9]).unwrap().bytes, 6);
    let std_from = std::os::unix::net::SocketAddr::from_pathname(directory.path("sender")).unwrap();
    assert_eq!(SockAddr::from(std_from.clone()), from);
    let to_std = |address| std::os::unix::net::SocketAddr::try_from(address).unwrap();
    assert_eq!(to_std(from).as_pathname(), std_from.as_pathname());
    assert_eq!(Address::from(from), path_address(directory.path("sender")));
    let mut set = std::collections::HashSet::from([from, SockAddr::unnamed()]);
    assert!(!set.insert(SockAddr::from(std_from)));
    for address in [
        AddressRef::Unnamed,
        AddressRef::Path(b"/a"),
        AddressRef::Path(&[b'p'; 107]),
        AddressRef::Abstract(b""),
        AddressRef::Abstract(b"a\0b\0"),
        AddressRef::Abstract(&[b'n'; 107]),
    ] {
        let converted = SockAddr::try_from(address).unwrap();
        assert_eq!(converted.to_address(), address);
        assert_eq!(converted.to_string(), address.to_string());
        assert_eq!(SockAddr::from(to_std(converted)), converted);
    }
    for long in [AddressRef::Path(&[b'p'; 108]), AddressRef::Abstract(&[b'n'; 108])] {
        assert_eq!(SockAddr::try_from(long).unwrap_err().into_owned(), long.into_owned());
    }
    assert!(SockAddr::try_from(AddressRef::Path(b"a\0b")).is_err());
    assert!(SockAddr::try_from(AddressRef::Path(b"")).is_err());
}

#[test]
fn the_peer_of_a_datagram_socket_is_named_as_it_was_given() {
    let directory = Directory::new();
    let (long, short) = (directory.path("n".repeat(200)), directory.path("short"));
    let (far, near) = (Datagram::bind(&long).unwrap(), Datagram::bind(&short).unwrap());
    let client = Datagram::unbound().unwrap();
    client.connect(&long).unwrap();
    let clone = client.try_clone().unwrap();
    assert_eq!(client.peer_addr().unwrap(), path_address(&long));
    assert_eq!(clone.peer_addr().unwrap(), path_address(&long));
    clone.connect(&short).unwrap();
    assert_eq!(client.peer_addr().unwrap(), path_address(&short));
    client.connect(&long).unwrap();
    assert_eq!(client.peer_addr().unwrap(), path_address(&long));
    client.disconnect().unwrap();
    assert_eq!(client.peer_addr().unwrap_err().errno(), Some(sunpath::Errno::ENOTCONN));
    client.connect(&long).unwrap();
    drop((far, near));
    client.send(b"x").unwrap_err();
    assert_eq!(client.peer_addr().unwrap_err().errno(), Some(sunpath::Errno::ENOTCONN));
}
