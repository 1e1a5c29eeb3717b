//! Streams and listeners on real sockets.

mod directory;

use directory::Directory;
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use sunpath::{Address, Call, Errno, Error, Listener, Stream, path_address, raw_os_error};

#[track_caller]
fn check(error: Error, call: Call, errno: Errno, path: &Path) {
    assert_eq!((error.call(), error.errno()), (call, Some(errno)), "{error}");
    assert_eq!(error.address(), Some(&path_address(path)));
}

#[test]
fn a_conversation() {
    let directory = Directory::new();
    let path = directory.path("server");
    let listener = Listener::bind(&path).unwrap();
    let mut client = Stream::connect(&path).unwrap();
    let mut server = listener.accept().unwrap();
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut question = String::new();
    server.read_to_string(&mut question).unwrap();
    assert_eq!(question, "question");
    server.write_all(b"answer").unwrap();
    let mut answer = [0; 6];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"answer");
    assert_eq!(listener.local_addr(), Ok(path_address(&path)));
    assert_eq!(client.peer_addr(), Ok(path_address(&path)));
    assert_eq!(server.local_addr(), Ok(path_address(&path)));
    assert_eq!(client.local_addr(), Ok(Address::Unnamed));
}

#[test]
fn several_buffers_at_once() {
    let (mut a, mut b) = Stream::pair().unwrap();
    let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")];
    assert_eq!(a.write_vectored(&parts).unwrap(), 6);
    let (mut x, mut y) = ([0; 2], [0; 9]);
    let mut room = [IoSliceMut::new(&mut x), IoSliceMut::new(&mut y)];
    assert_eq!(b.read_vectored(&mut room).unwrap(), 6);
    assert_eq!((&x, &y[..4]), (b"on", &b"etwo"[..]));
    let many = vec![IoSlice::new(b"x"); 5000];
    assert_eq!(a.write_vectored(&many).unwrap(), 1024);
    let mut buffers = vec![[0; 1]; 5000];
    let mut room: Vec<_> = buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
    assert_eq!(b.read_vectored(&mut room).unwrap(), 1024);
}

#[test]
fn abstract_names_of_every_kind() {
    let text = format!("sunpath-streams-\0-{}\0\0", std::process::id());
    let name = Address::Abstract(text.into_bytes());
    let listener = Listener::bind(&name).unwrap();
    let error = Listener::bind(&name).unwrap_err();
    assert_eq!((error.call(), error.errno()), (Call::Bind, Some(Errno::EADDRINUSE)));
    assert_eq!(error.address(), Some(&name));
    Stream::connect(&name).unwrap();
    assert_eq!(listener.local_addr(), Ok(name.clone()));
    drop(listener);
    let error = Stream::connect(&name).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ECONNREFUSED));
    let chosen = Listener::bind(&Address::Unnamed).unwrap();
    let Ok(Address::Abstract(name)) = chosen.local_addr() else { panic!("{chosen:?}") };
    assert_eq!(name.len(), 5);
}

#[test]
fn errors_name_call_and_address() {
    let directory = Directory::new();
    let path = directory.path("server");
    check(Stream::connect(&path).unwrap_err(), Call::Connect, Errno::ENOENT, &path);
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    check(Stream::connect(&path).unwrap_err(), Call::Connect, Errno::ECONNREFUSED, &path);
    check(Listener::bind(&path).unwrap_err(), Call::Bind, Errno::EADDRINUSE, &path);
    for bad in ["", "a\0b"] {
        let path = Path::new(bad);
        check(Stream::connect(path).unwrap_err(), Call::Connect, Errno::EINVAL, path);
        check(Listener::bind(path).unwrap_err(), Call::Bind, Errno::EINVAL, path);
    }
    let error = Stream::connect(&Address::Unnamed).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EINVAL));
}

#[test]
fn the_longest_path_works() {
    let directory = Directory::new();
    let room = 107 - directory.path("").as_os_str().len();
    let path = directory.path("x".repeat(room));
    let listener = Listener::bind(&path).unwrap();
    assert_eq!(listener.local_addr(), Ok(path_address(&path)));
    assert_eq!(Stream::connect(&path).unwrap().peer_addr(), Ok(path_address(&path)));
}

#[test]
fn not_blocking_is_a_plain_error() {
    let (a, _b) = Stream::pair().unwrap();
    a.set_nonblocking(true).unwrap();
    let error = (&a).read(&mut [0; 1]).unwrap_err();
    assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::WouldBlock, Some(11)));
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    listener.set_nonblocking(true).unwrap();
    let error = listener.accept().unwrap_err();
    assert_eq!((error.call(), error.errno()), (Call::Accept, Some(Errno::EAGAIN)));
}

#[test]
fn writing_to_a_closed_peer_is_an_error_and_no_signal() {
    let (mut a, b) = Stream::pair().unwrap();
    drop(b);
    for _ in 0..2 {
        let error = a.write(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(raw_os_error(&error), Some(32));
        assert_eq!(Error::try_from(error).unwrap().call(), Call::Send);
    }
    assert_eq!(a.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn every_descriptor_is_close_on_exec() {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let client = Stream::connect(listener.local_addr().unwrap()).unwrap();
    let server = listener.accept().unwrap();
    for fd in [listener.as_fd(), client.as_fd(), server.as_fd()] {
        let flags = rustix::io::fcntl_getfd(fd).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
}

#[test]
fn descriptors_come_and_go() {
    let (a, b) = Stream::pair().unwrap();
    let fd = OwnedFd::from(a);
    let mut a = Stream::try_from(fd).unwrap();
    a.write_all(b"x").unwrap();
    assert_eq!((&b).read(&mut [0; 2]).unwrap(), 1);
    let file = std::fs::File::open("/dev/null").unwrap();
    let rejected = Listener::try_from(OwnedFd::from(file)).unwrap_err();
    assert_eq!(rejected.error.errno(), Some(Errno::ENOTSOCK));
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let rejected = Stream::try_from(OwnedFd::from(tcp)).unwrap_err();
    let text = "getsockopt: the descriptor is a tcp socket, not a UNIX domain stream (EPROTOTYPE)";
    assert_eq!(rejected.to_string(), text);
    let (stream, _other) = Stream::pair().unwrap();
    let rejected = Listener::try_from(OwnedFd::from(stream)).unwrap_err();
    let text = "getsockopt: the descriptor is a stream socket that does not listen, \
                not a listener (EPROTOTYPE)";
    assert_eq!(rejected.to_string(), text);
}
