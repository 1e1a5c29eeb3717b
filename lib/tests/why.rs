//! Errors of the library and of others explain themselves on real sockets.

mod directory;

use directory::Directory;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use sunpath::{
    Address, Call, Certainty, Diagnosis, Endpoint, Error, Listener, Outcome, SocketType, Stream,
    path_address, why, why_of,
};

#[track_caller]
fn certain(diagnosis: &Diagnosis, id: &str) {
    let first = diagnosis.causes.first().map(|r| (r.cause.id, r.certainty));
    assert_eq!(first, Some((id, Certainty::Certain)), "\n{diagnosis}");
}

#[test]
fn a_failed_connect_knows_why() {
    let directory = Directory::new();
    let path = directory.path("server");
    certain(&Stream::connect(&path).unwrap_err().why(), "connect/no-such-file");
    certain(&Stream::connect(path.join("x")).unwrap_err().why(), "connect/missing-directory");
    std::fs::write(&path, "").unwrap();
    certain(&Stream::connect(&path).unwrap_err().why(), "connect/not-a-socket");
    certain(&Stream::connect(path.join("x")).unwrap_err().why(), "connect/not-a-directory");
    std::fs::remove_file(&path).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    certain(&Stream::connect(&path).unwrap_err().why(), "connect/stale-socket");
    std::fs::remove_file(&path).unwrap();
    let _datagram = UnixDatagram::bind(&path).unwrap();
    certain(&Stream::connect(&path).unwrap_err().why(), "connect/wrong-type");
    let long = "x".repeat(200);
    certain(&Stream::connect(&long).unwrap_err().why(), "connect/no-such-file");
    certain(&Stream::connect("").unwrap_err().why(), "connect/bad-address-length");
}

#[test]
fn a_failed_bind_knows_why() {
    let directory = Directory::new();
    let path = directory.path("server");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    certain(&Listener::bind(&path).unwrap_err().why(), "bind/live-socket");
    drop(listener);
    certain(&Listener::bind(&path).unwrap_err().why(), "bind/stale-socket");
    certain(&Listener::bind(directory.path("a/b")).unwrap_err().why(), "bind/missing-directory");
    let link = directory.path("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    certain(&Listener::bind(&link).unwrap_err().why(), "bind/dangling-symlink");
    certain(&Listener::bind(directory.path("")).unwrap_err().why(), "bind/not-a-socket");
}

#[test]
fn the_alternate_form_adds_the_diagnosis() {
    let directory = Directory::new();
    let path = directory.path("server");
    let error = Stream::connect(&path).unwrap_err();
    let short = error.to_string();
    for long in [format!("{error:#}"), format!("{:#}", io::Error::from(error))] {
        assert!(long.starts_with(&short), "{long}");
        assert!(
            long.contains("\n  certain: ") && long.contains("(connect/no-such-file)"),
            "{long}"
        );
    }
}

#[test]
fn errors_of_others_are_explained() {
    let directory = Directory::new();
    let path = directory.path("server");
    let address = path_address(&path);
    let error = UnixStream::connect(&path).unwrap_err();
    certain(&why(Call::Connect, &address, &error), "connect/no-such-file");
    let wrapped = io::Error::other(error);
    certain(&why(Call::Connect, &address, &wrapped), "connect/no-such-file");
    let long = Address::Path(vec![b'x'; 200]);
    let error = UnixStream::connect("x".repeat(200)).unwrap_err();
    certain(&why(Call::Connect, &long, &error), "connect/path-too-long");
    let _listener = Listener::bind(&path).unwrap();
    let socket = UnixDatagram::unbound().unwrap();
    let error = socket.send_to(b"x", &path).unwrap_err();
    let endpoint = Endpoint::Unix(address.clone());
    let diagnosis = why_of(Call::Send, SocketType::Datagram, &endpoint, &error);
    certain(&diagnosis, "connect/wrong-type");
    let nothing = why(Call::Connect, &address, &io::Error::other("no errno"));
    assert_eq!(nothing.outcome, Outcome::Succeeds, "{nothing}");
}

#[test]
fn a_deadline_that_passed_is_a_call_that_hangs() {
    let directory = Directory::new();
    let path = directory.path("server");
    let address = path_address(&path);
    let fd = rustix::net::socket(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&fd, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&fd, 0).unwrap();
    let _first = Stream::connect(&path).unwrap();
    let late = io::Error::new(io::ErrorKind::TimedOut, "deadline has elapsed");
    let diagnosis = why(Call::Connect, &address, &late);
    assert_eq!(diagnosis.outcome, Outcome::Waits);
    certain(&diagnosis, "wait/backlog-full");
}

#[test]
fn a_socket_tells_why_it_fails() {
    let (mut a, b) = Stream::pair().unwrap();
    a.set_nonblocking(true).unwrap();
    let plain = a.read(&mut [0; 1]).unwrap_err();
    assert_eq!(plain.kind(), io::ErrorKind::WouldBlock);
    (&b).read_exact(&mut []).unwrap();
    a.write_all(b"unread").unwrap();
    drop(b);
    let error = Error::try_from(a.write(b"x").unwrap_err()).unwrap();
    certain(&error.why_on(&a), "send/peer-closed");
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    listener.set_nonblocking(true).unwrap();
    certain(&listener.accept().unwrap_err().why_on(&listener), "accept/nothing-pending");
    let file = std::fs::File::open("/dev/null").unwrap();
    let listener = Listener::from(std::os::unix::net::UnixListener::from(OwnedFd::from(file)));
    let error = listener.accept().unwrap_err();
    certain(&error.why_on(&listener), "accept/not-a-socket-descriptor");
    let (stream, _other) = Stream::pair().unwrap();
    let listener = Listener::from(std::os::unix::net::UnixListener::from(OwnedFd::from(stream)));
    certain(&listener.accept().unwrap_err().why_on(&listener), "accept/not-listening");
}

#[test]
fn a_reset_is_explained_after_it_was_read() {
    let (mut a, b) = Stream::pair().unwrap();
    a.write_all(b"unread").unwrap();
    drop(b);
    let error = Error::try_from(a.read(&mut [0; 9]).unwrap_err()).unwrap();
    let diagnosis = error.why_on(&a);
    let ids: Vec<_> = diagnosis.causes.iter().map(|r| r.cause.id).collect();
    assert!(ids.contains(&"recv/peer-closed-with-unread-data"), "{diagnosis}");
}

#[test]
fn an_error_from_before_the_server_was_up_is_not_blamed_on_a_rare_cause() {
    let directory = Directory::new();
    let path = directory.path("app.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    let diagnosis = why(Call::Connect, &path_address(&path), &refused);
    assert_eq!(diagnosis.outcome, Outcome::Fails(sunpath::Errno::ECONNREFUSED));
    let now = Outcome::Succeeds;
    assert_eq!(diagnosis.unexplained, Some(sunpath::Unexplained::Excluded { now }), "{diagnosis}");
    assert!(diagnosis.causes.iter().all(|r| r.certainty == Certainty::Possible), "{diagnosis}");
}
