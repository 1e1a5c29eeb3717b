//! Connecting to servers whose backlog is full, that go away, or that are not there.

mod directory;

use directory::Directory;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use sunpath::sys::socket;
use sunpath::{
    Address, Call, Errno, Error, Listener, SeqPacket, SeqPacketListener, Stream, path_address,
};

/// Far longer than any of these tests takes.
const LONG: Duration = Duration::from_secs(30);
/// Long enough for another thread to have begun to wait.
const WHILE: Duration = Duration::from_millis(60);
/// A short deadline.
const SHORT: Duration = Duration::from_millis(40);

/// A listener with one connection in its queue, and no room for another.
fn full(path: &Path) -> (Listener, Stream) {
    let listener = Listener::bind(path).unwrap();
    socket::listen(&listener, 0).unwrap();
    let first = Stream::connect(path).unwrap();
    (listener, first)
}

#[track_caller]
fn is_backlog_full(error: &Error) {
    assert_eq!((error.call(), error.errno()), (Call::Connect, Some(Errno::EAGAIN)), "{error}");
    assert_eq!(error.cause(), Some("connect/backlog-full"));
}

#[track_caller]
fn is_connected(stream: &Stream) {
    stream.peer_addr().unwrap();
    (&mut &*stream).write_all(b"x").unwrap();
}

#[test]
fn at_the_deadline_the_figures_are_told() {
    let directory = Directory::new();
    let path = directory.path("server");
    let (_listener, _first) = full(&path);
    let start = Instant::now();
    let error = Stream::connect_until(&path, start + SHORT).unwrap_err();
    assert!(start.elapsed() >= SHORT);
    is_backlog_full(&error);
    assert_eq!(error.address(), Some(&path_address(&path)));
    let text = error.to_string();
    let figures = text.contains(": 1 connection waits to be accepted, limit 0");
    let visible = std::fs::read_dir("/proc/self/net").is_ok();
    assert!(figures || !visible, "{text}");
    // A link to the file is the same listener.
    let link = directory.path("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let text = Stream::connect_timeout(&link, SHORT).unwrap_err().to_string();
    assert!(text.contains("1 connection waits") || !visible, "{text}");
}

#[test]
fn seqpackets_and_abstract_names_alike() {
    let listener = SeqPacketListener::bind(&Address::Unnamed).unwrap();
    socket::listen(&listener, 2).unwrap();
    let name = listener.local_addr().unwrap();
    let _clients: Vec<SeqPacket> = (0..3).map(|_| SeqPacket::connect(&name).unwrap()).collect();
    let error = SeqPacket::connect_timeout(&name, SHORT).unwrap_err();
    is_backlog_full(&error);
    assert!(error.to_string().contains(": 3 connections wait to be accepted, limit 2"), "{error}");
    listener.accept().unwrap();
    let client = SeqPacket::connect_timeout(&name, LONG).unwrap();
    client.send(b"x").unwrap();
}

#[test]
fn a_deadline_that_has_passed_allows_a_try() {
    let directory = Directory::new();
    let path = directory.path("server");
    let (listener, _first) = full(&path);
    let past = Instant::now();
    is_backlog_full(&Stream::connect_until(&path, past).unwrap_err());
    is_backlog_full(&Stream::connect_timeout(&path, Duration::ZERO).unwrap_err());
    listener.accept().unwrap();
    is_connected(&Stream::connect_until(&path, past).unwrap());
    listener.accept().unwrap();
    is_connected(&Stream::connect_timeout(&path, Duration::ZERO).unwrap());
    listener.accept().unwrap();
    // No clock reaches this time.
    is_connected(&Stream::connect_timeout(&path, Duration::MAX).unwrap());
}

#[test]
fn room_is_taken_when_there_is_some() {
    let directory = Directory::new();
    let path = directory.path("server");
    let (listener, _first) = full(&path);
    let waiting = path.clone();
    let client = thread::spawn(move || Stream::connect_timeout(&waiting, LONG).unwrap());
    thread::sleep(WHILE);
    listener.accept().unwrap();
    let mut client = client.join().unwrap();
    client.write_all(b"x").unwrap();
    let mut server = listener.accept().unwrap();
    assert_eq!(server.read(&mut [0; 4]).unwrap(), 1);
    // The timeout of the wait is not left behind.
    let timeout = sunpath::sys::option::timeout(&client, sunpath::sys::option::SO_SNDTIMEO);
    assert_eq!(timeout, Ok(0));
}

#[test]
fn first_come_first_served() {
    let directory = Directory::new();
    let path = directory.path("server");
    let (listener, _first) = full(&path);
    let clients: Vec<_> = (0..4u8)
        .map(|number| {
            let path = path.clone();
            let client = thread::spawn(move || {
                let mut client = Stream::connect_timeout(&path, LONG).unwrap();
                client.write_all(&[number]).unwrap();
                client
            });
            thread::sleep(Duration::from_millis(20));
            client
        })
        .collect();
    listener.accept().unwrap();
    for number in 0..4u8 {
        let mut byte = [9];
        listener.accept().unwrap().read_exact(&mut byte).unwrap();
        assert_eq!(byte, [number]);
    }
    clients.into_iter().for_each(|client| drop(client.join().unwrap()));
}

/// What becomes of a client that waits while something happens to the server.
fn while_waiting(happens: impl FnOnce(Listener, &Path)) -> Result<Stream, Error> {
    let directory = Directory::new();
    let path = directory.path("server");
    let (listener, _first) = full(&path);
    let waiting = path.clone();
    let start = Instant::now();
    let client = thread::spawn(move || Stream::connect_timeout(&waiting, LONG));
    thread::sleep(WHILE);
    happens(listener, &path);
    let result = client.join().unwrap();
    assert!(start.elapsed() < LONG / 2, "it waited for the deadline");
    result
}

#[test]
fn a_server_that_goes_away_is_noticed() {
    let errno = |result: Result<Stream, Error>| result.unwrap_err().errno();
    let closed = while_waiting(|listener, _| drop(std::os::fd::OwnedFd::from(listener)));
    assert_eq!(errno(closed), Some(Errno::ECONNREFUSED));
    let removed = while_waiting(|listener, _| drop(listener));
    assert_eq!(errno(removed), Some(Errno::ENOENT));
    // Nobody is woken by this one.
    let mut kept = None;
    let shut_down = while_waiting(|listener, _| {
        rustix::net::shutdown(&listener, rustix::net::Shutdown::Both).unwrap();
        kept = Some(listener);
    });
    assert_eq!(errno(shut_down), Some(Errno::ECONNREFUSED));
}

#[test]
fn a_server_that_was_replaced_is_found() {
    let mut kept = None;
    let client = while_waiting(|old, path| {
        std::fs::remove_file(path).unwrap();
        kept = Some((old, Listener::bind(path).unwrap()));
    });
    is_connected(&client.unwrap());
    let (_old, new) = kept.unwrap();
    assert_eq!(new.accept().unwrap().recv(&mut [0; 4]), Ok(1));
}

#[test]
fn no_success_without_a_connection() {
    let directory = Directory::new();
    let path = directory.path("server");
    let (listener, _first) = full(&path);
    let mut connected = Vec::new();
    for round in 0..40 {
        let timeout = Duration::from_micros(100 * (round % 4));
        match Stream::connect_timeout(&path, timeout) {
            Ok(stream) => connected.push(stream),
            Err(error) => is_backlog_full(&error),
        }
        if round % 3 == 0 {
            drop(listener.accept().unwrap());
            let stream = Stream::connect_timeout(&path, LONG).unwrap();
            is_connected(&stream);
            connected.push(stream);
        }
    }
    assert!(connected.len() >= 13);
    connected.iter().for_each(|stream| drop(stream.peer_addr().unwrap()));
}

#[test]
fn other_errors_come_at_once_and_name_the_address() {
    let directory = Directory::new();
    let path = directory.path("missing");
    let start = Instant::now();
    let check = |result: Result<Stream, Error>, errno| {
        let error = result.unwrap_err();
        assert_eq!((error.call(), error.errno()), (Call::Connect, Some(errno)));
        assert_eq!(error.address(), Some(&path_address(&path)));
    };
    check(Stream::connect_timeout(&path, LONG), Errno::ENOENT);
    check(Stream::connect_until(&path, start + LONG), Errno::ENOENT);
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    check(Stream::options().timeout(LONG).connect(&path), Errno::ECONNREFUSED);
    let error = SeqPacket::connect_timeout("", LONG).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EINVAL));
    assert!(start.elapsed() < LONG);
}

#[test]
fn options_are_set_before_anybody_sees_the_socket() {
    let directory = Directory::new();
    let (path, local) = (directory.path("server"), directory.path("client"));
    let listener = Listener::bind(&path).unwrap();
    let options = Stream::options().local(&local).pass_rights(true).nonblocking(true);
    let client = options.connect(&path).unwrap();
    let server = listener.accept().unwrap();
    assert_eq!(server.peer_addr(), Ok(path_address(&local)));
    let error = client.recv(&mut [0; 4]).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EAGAIN));
    let file = std::fs::File::open("/dev/null").unwrap();
    let fds = [file.as_fd()];
    server.send_with(b"x", &sunpath::Ancillary::descriptors(&fds)).unwrap();
    assert_eq!(client.recv(&mut [0; 4]), Ok(1));
    // The name is taken as long as the socket lives, and the options can be used again.
    let error = options.connect(&path).unwrap_err();
    assert_eq!((error.call(), error.errno()), (Call::Bind, Some(Errno::EADDRINUSE)));
    drop(client);
    options.connect(&path).unwrap();
    let refusing = Stream::connect(&path).unwrap();
    drop(listener.accept().unwrap());
    let server = listener.accept().unwrap();
    match server.send_with(b"x", &sunpath::Ancillary::descriptors(&fds)) {
        Err(error) => assert_eq!(error.errno(), Some(Errno::EPERM)),
        Ok(_) => eprintln!("this kernel has no SO_PASSRIGHTS"),
    }
    drop(refusing);
}
