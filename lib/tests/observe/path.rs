//! Which sockets belong to a path or a name.

use crate::directory::Directory;
use crate::support::*;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use sunpath::SocketType;
use sunpath::fact::path::FileId;
use sunpath::fact::socket::{Backlog, State};

#[test]
fn a_listener_is_attached_to_its_file_by_every_way_to_it() {
    let dir = Directory::new();
    let path = dir.path("app.sock");
    let _server = listener(&path, 7);
    fs::hard_link(&path, dir.path("hard")).unwrap();
    symlink(&path, dir.path("soft")).unwrap();
    let _client = client(&path);
    for way in ["app.sock", "hard", "soft", "./app.sock"] {
        let target = path_target(&dir.path(way));
        let attached = target.attached.known().unwrap();
        assert_eq!(attached.len(), 1, "{way}: {attached:?}");
        let socket = &attached[0];
        assert_eq!((socket.kind, socket.state), (SocketType::Stream, State::Listening));
        assert_eq!(socket.backlog, Some(Backlog { pending: 1, limit: 7 }));
        assert_eq!(socket.name.as_deref(), Some(path.as_os_str().as_bytes()));
        assert_eq!(socket.file.map(|f| f.inode), Some(fs::metadata(&path).unwrap().ino()));
        let owners = socket.owners.known().unwrap();
        assert!(owners.iter().any(|o| o.pid == std::process::id()), "{owners:?}");
        assert_eq!(target.namesakes.known(), Some(&vec![]), "{way}");
        assert_eq!(target.everywhere.known(), Some(&()));
    }
}

#[test]
fn every_type_and_state_is_told() {
    let dir = Directory::new();
    let unconnected = bound(SocketType::Stream, &dir.path("bound"));
    let datagram = bound(SocketType::Datagram, &dir.path("datagram"));
    let packet = bound(SocketType::SeqPacket, &dir.path("packet"));
    rustix::net::listen(&packet, 3).unwrap();
    for (name, kind, state) in [
        ("bound", SocketType::Stream, State::Unconnected),
        ("datagram", SocketType::Datagram, State::Unconnected),
        ("packet", SocketType::SeqPacket, State::Listening),
    ] {
        let target = path_target(&dir.path(name));
        let attached = target.attached.known().unwrap();
        assert_eq!(attached.len(), 1, "{name}");
        assert_eq!((attached[0].kind, attached[0].state), (kind, state), "{name}");
    }
    drop((unconnected, datagram, packet));
    for name in ["bound", "datagram", "packet"] {
        let target = dead_target(&dir.path(name));
        assert_eq!(target.everywhere.known(), Some(&()), "{name}");
    }
}

#[test]
fn a_connection_that_outlives_its_listener_is_no_server() {
    let dir = Directory::new();
    let path = dir.path("s");
    let server = listener(&path, 1);
    let client = client(&path);
    let accepted = rustix::net::accept(&server).unwrap();
    drop(server);
    // The accepted connection has the name and the file of the listener.
    let target = dead_target(&path);
    assert_eq!(target.namesakes.known(), Some(&vec![]));
    drop((client, accepted));
}

#[test]
fn a_socket_that_was_bound_and_then_connected_is_attached() {
    let dir = Directory::new();
    let _server = listener(&dir.path("server"), 1);
    let path = dir.path("client");
    let client = bound(SocketType::Stream, &path);
    let address = rustix::net::SocketAddrUnix::new(dir.path("server")).unwrap();
    rustix::net::connect(&client, &address).unwrap();
    let target = path_target(&path);
    let states: Vec<State> = target.attached.known().unwrap().iter().map(|s| s.state).collect();
    assert_eq!(states, [State::Connected]);
}

#[test]
fn a_rebound_path_shows_the_live_namesake() {
    let dir = Directory::new();
    let path = dir.path("app.sock");
    let live = listener(&path, 1);
    let old = fs::metadata(&path).unwrap().ino();
    fs::rename(&path, dir.path("kept")).unwrap();
    drop(listener(&path, 1));
    let target = dead_target(&path);
    let namesakes = target.namesakes.known().unwrap();
    assert_eq!(namesakes.len(), 1);
    assert_eq!(namesakes[0].file.map(|f: FileId| f.inode), Some(old));
    assert!(namesakes[0].owners.is(|o| o.iter().any(|p| p.pid == std::process::id())));
    drop(live);
}

#[test]
fn a_missing_file_shows_who_is_bound_to_its_name() {
    let dir = Directory::new();
    let path = dir.path("app.sock");
    let _live = listener(&path, 1);
    fs::remove_file(&path).unwrap();
    let target = path_target(&path);
    assert!(target.found().is_none());
    assert_eq!(target.namesakes.known().map(Vec::len), Some(1));
    symlink(dir.path("."), dir.path("link")).unwrap();
    let target = path_target(&dir.path("link/app.sock"));
    assert_eq!(target.namesakes.known().map(Vec::len), Some(1), "through a link");
}

#[test]
fn names_are_bytes() {
    let dir = Directory::new();
    for name in [&b"a\nb"[..], b"\xff\xfe", b"a b ", b"\x1b[31m"] {
        let path = dir.path(OsStr::from_bytes(name));
        let _server = listener(&path, 1);
        let target = path_target(&path);
        let attached = target.attached.known().unwrap();
        assert_eq!(attached.len(), 1, "{}", name.escape_ascii());
        assert_eq!(attached[0].name.as_deref(), Some(path.as_os_str().as_bytes()));
    }
}

#[test]
fn abstract_names_differ_by_every_byte() {
    let name = format!("sunpath-facts-{}-{}\n\u{1b}", std::process::id(), number());
    let padded = format!("{name}\0\0\0");
    let server = fresh(SocketType::Stream);
    let address = rustix::net::SocketAddrUnix::new_abstract_name(padded.as_bytes()).unwrap();
    rustix::net::bind(&server, &address).unwrap();
    rustix::net::listen(&server, 1).unwrap();
    let target = abstract_target(name.as_bytes());
    assert_eq!(target.bound.known(), Some(&vec![]));
    assert_eq!(target.padded.known().map(Vec::len), Some(1));
    let target = abstract_target(padded.as_bytes());
    assert_eq!(target.padded.known(), Some(&vec![]));
    let bound = target.bound.known().unwrap();
    assert_eq!((bound.len(), bound[0].state), (1, State::Listening));
    assert!(bound[0].owners.known().is_some());
}

#[test]
fn an_abstract_name_in_place_of_a_path_and_the_reverse() {
    let name = format!("sunpath-facts-{}-{}", std::process::id(), number());
    let server = fresh(SocketType::Stream);
    let address = rustix::net::SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap();
    rustix::net::bind(&server, &address).unwrap();
    let target = bytes_target(format!("@{name}").as_bytes());
    assert_eq!(target.variants.abstract_name.known().map(Vec::len), Some(1));
    let dir = Directory::new();
    let path = dir.path("s");
    let _server = listener(&path, 1);
    let bytes = path.as_os_str().as_bytes();
    let target = abstract_target(bytes);
    assert_eq!(target.bound.known(), Some(&vec![]));
    assert_eq!(target.as_path.known(), Some(&Some(bytes.to_vec())));
}

#[test]
fn a_listener_that_was_shut_down_shows_it() {
    let dir = Directory::new();
    let path = dir.path("s");
    let server = listener(&path, 1);
    rustix::net::shutdown(&server, rustix::net::Shutdown::Read).unwrap();
    let target = path_target(&path);
    let attached = target.attached.known().unwrap();
    assert_eq!((attached.len(), attached[0].state), (1, State::Listening));
    assert!(attached[0].shutdown.read && !attached[0].shutdown.write);
}

#[test]
fn a_datagram_socket_with_a_peer_is_attached() {
    let dir = Directory::new();
    let (a, b) = (dir.path("a"), dir.path("b"));
    let (first, second) = (bound(SocketType::Datagram, &a), bound(SocketType::Datagram, &b));
    rustix::net::connect(&first, &rustix::net::SocketAddrUnix::new(&b).unwrap()).unwrap();
    let target = path_target(&a);
    let attached = target.attached.known().unwrap();
    assert_eq!((attached.len(), attached[0].kind), (1, SocketType::Datagram));
    let other = path_target(&b).attached.known().unwrap()[0].clone();
    assert_eq!(attached[0].peer, Some(other.inode));
    drop((first, second));
}

#[test]
fn nothing_asked_is_ever_a_panic() {
    let long = vec![b'x'; 1 << 20];
    for path in [&b""[..], b"/", b"\0", b"//", b"..", b"@", b" ", b"\n", b"/proc/self/fd/0", &long]
    {
        let target = bytes_target(path);
        let shown = path[..path.len().min(20)].escape_ascii();
        assert!(target.attached.is(Vec::is_empty), "{shown}: {:?}", target.attached);
    }
    for name in [&b""[..], b"\0", &long] {
        assert!(abstract_target(name).bound.is(Vec::is_empty));
    }
}
