//! Sockets in every state, looked at.

use super::*;
use crate::fact::socket::{Backlog, Directions, Peer};
use crate::sys::name::Name;
use crate::sys::socket::{RecvFlags, SendFlags, Shutdown, SocketFlags, socketpair};
use crate::{Address, Errno as Named, Listener, SocketType, Stream};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

const NO_FLAGS: SocketFlags = SocketFlags::empty();

#[track_caller]
fn look(fd: &impl AsFd) -> OwnSocket {
    match descriptor(fd.as_fd()) {
        Seen::Known(Descriptor::Socket(own)) => own,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn peer(own: &OwnSocket) -> &Peer {
    own.peer.known().and_then(Option::as_ref).expect("a peer")
}

/// Closes a socket, and waits until its peer sees it: a child that another test starts holds a
/// copy of every descriptor for a moment.
#[track_caller]
fn close(fd: OwnedFd, other: &impl AsFd) {
    drop(fd);
    until(|| peer(&look(other)).closed == Seen::Known(true));
}

/// Waits for something that happens soon.
#[track_caller]
fn until(happened: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !happened() {
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::yield_now();
    }
}

fn shut(read: bool, write: bool) -> Seen<Directions> {
    Seen::Known(Directions { read, write })
}

/// Every type of the family.
const TYPES: [SocketType; 3] = [SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket];

fn bound(kind: SocketType) -> (OwnedFd, Name) {
    let fd = socket::socket(kind, NO_FLAGS).unwrap();
    socket::bind(&fd, &Name::new(&Address::Unnamed).unwrap()).unwrap();
    let name = socket::getsockname(&fd).unwrap();
    (fd, name)
}

fn connected(kind: SocketType, name: &Name) -> OwnedFd {
    let fd = socket::socket(kind, SocketFlags::NONBLOCK).unwrap();
    socket::connect(&fd, name).unwrap();
    fd
}

#[test]
fn a_fresh_socket_is_as_described() {
    for kind in SocketType::ALL {
        let fd = socket::socket(*kind, NO_FLAGS).unwrap();
        let own = look(&fd);
        let mut expected = OwnSocket { inode: own.inode, ..OwnSocket::fresh(*kind) };
        assert!(own.inode > 0);
        expected.options.pass_rights = own.options.pass_rights;
        if !kind.is_unix() {
            // TCP's sizes are settings of the machine, and UDP hides what is shut down.
            expected.send_buffer = own.send_buffer;
            expected.shutdown = own.shutdown.clone();
        }
        assert_eq!(own, expected, "{kind}");
    }
}

#[test]
fn what_was_set_is_seen() {
    let (fd, name) = bound(SocketType::Datagram);
    option::set_timeout(&fd, libc::SO_SNDTIMEO, 1_500_000).unwrap();
    option::set_timeout(&fd, libc::SO_RCVTIMEO, 10_000).unwrap();
    option::set_send_buffer(&fd, 5000).unwrap();
    option::set_nonblocking(&fd, true).unwrap();
    option::set_switch(&fd, libc::SO_PASSCRED, true).unwrap();
    let own = look(&fd);
    assert_eq!(own.name, name.sun_path());
    // Timeouts are kept in ticks of the kernel's clock.
    assert_eq!(own.send_timeout_us, 1_500_000);
    assert!((10_000..=20_000).contains(&own.receive_timeout_us), "{}", own.receive_timeout_us);
    assert_eq!((own.send_buffer, own.nonblocking), (10_000, true));
    assert!(own.options.pass_credentials && !own.options.pass_pidfd);
}

#[test]
fn a_pair_sees_each_other() {
    for kind in TYPES {
        let (a, b) = socketpair(kind, NO_FLAGS).unwrap();
        socket::send(&b, b"hello", SendFlags::empty()).unwrap();
        let (one, two) = (look(&a), look(&b));
        assert_eq!((one.state, one.readable.known()), (State::Connected, Some(&5)));
        assert!(two.unread_by_peer.is(|bytes| *bytes >= 5));
        assert_eq!(peer(&one).inode, Seen::Known(two.inode));
        assert_eq!(peer(&one).mutual, Seen::Known(true));
        assert_eq!(peer(&one).closed, Seen::Known(false));
        assert_eq!(one.shutdown, shut(false, false));
        let process = peer(&one).process.known().expect("this process");
        assert_eq!(process.pid, std::process::id());
    }
}

#[test]
fn looking_leaves_a_pending_error_in_place() {
    let (a, b) = socketpair(SocketType::Stream, NO_FLAGS).unwrap();
    socket::send(&a, b"unread", SendFlags::empty()).unwrap();
    close(b, &a);
    for _ in 0..2 {
        let own = look(&a);
        assert_eq!(own.pending_error, Seen::Known(Some(Named::ECONNRESET)));
        assert_eq!(own.shutdown, shut(true, true));
        assert_eq!(peer(&own).closed, Seen::Known(true));
    }
    assert_eq!(option::take_error(&a), Ok(Some(Errno::CONNRESET)));
    assert_eq!(look(&a).pending_error, Seen::Known(None));
}

#[test]
fn a_closed_peer_is_told_from_one_that_shut_down() {
    for kind in [SocketType::Stream, SocketType::SeqPacket] {
        let (a, b) = socketpair(kind, NO_FLAGS).unwrap();
        socket::shutdown(&b, Shutdown::Write).unwrap();
        let own = look(&a);
        assert_eq!(own.shutdown, shut(true, false));
        assert_eq!(peer(&own).shutdown, shut(false, true));
        socket::shutdown(&b, Shutdown::Both).unwrap();
        let own = look(&a);
        assert_eq!((&own.shutdown, &peer(&own).closed), (&shut(true, true), &Seen::Known(false)));
        close(b, &a);
        let own = look(&a);
        assert_eq!(own.shutdown, shut(true, true));
        assert!(peer(&own).inode.known().is_none());
    }
}

#[test]
fn a_connection_that_waits_is_told_from_a_closed_one() {
    for kind in [SocketType::Stream, SocketType::SeqPacket] {
        let (listener, name) = bound(kind);
        socket::listen(&listener, 5).unwrap();
        let client = connected(kind, &name);
        let own = look(&client);
        let waits =
            |own: &OwnSocket| (peer(own).inode.known().copied(), peer(own).closed.known().copied());
        assert_eq!(waits(&own), (Some(0), Some(false)));
        let queue = look(&listener).backlog;
        assert_eq!(queue, Some(Backlog { pending: 1, limit: 5 }));
        socket::shutdown(&client, Shutdown::Both).unwrap();
        assert_eq!(waits(&look(&client)), (Some(0), Some(false)));
        close(socket::accept(&listener, NO_FLAGS).unwrap(), &client);
        assert_eq!(waits(&look(&client)), (None, Some(true)));
        let second = connected(kind, &name);
        close(listener, &second);
        let own = look(&second);
        assert_eq!(waits(&own), (None, Some(true)));
        assert_eq!(own.pending_error, Seen::Known(Some(Named::ECONNRESET)));
    }
}

#[test]
fn a_listener_says_so() {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let own = look(&listener);
    assert_eq!((own.state, &own.peer), (State::Listening, &Seen::Known(None)));
    assert_eq!((own.readable, own.backlog.map(|b| b.pending)), (Seen::Known(0), Some(0)));
    socket::shutdown(&listener, Shutdown::Read).unwrap();
    assert_eq!(look(&listener).shutdown, shut(true, false));
}

#[test]
fn a_full_receiver_of_datagrams_is_seen() {
    let (receiver, name) = bound(SocketType::Datagram);
    let sender = connected(SocketType::Datagram, &name);
    let own = look(&sender);
    assert_eq!(peer(&own).mutual, Seen::Known(false));
    assert!(peer(&own).queue.known().is_none());
    while socket::send(&sender, b"x", SendFlags::empty()).is_ok() {}
    let own = look(&sender);
    assert!(peer(&own).queue.is(|queue| queue.is_full()), "{own:?}");
    close(receiver, &sender);
    assert_eq!(socket::send(&sender, b"x", SendFlags::empty()), Err(Errno::CONNREFUSED));
    assert_eq!(look(&sender).state, State::Unconnected);
}

#[test]
fn urgent_data_is_seen() {
    let (a, b) = Stream::pair().unwrap();
    match socket::send(&a, b"!", SendFlags::OOB) {
        Ok(_) => assert_eq!(look(&b).urgent, Seen::Known(true)),
        Err(errno) => eprintln!("skipped: no urgent data on this kernel: {errno}"),
    }
    assert_eq!(look(&a).urgent, Seen::Known(false));
}

#[test]
fn tcp_is_seen_through_its_life() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).unwrap();
    let own = look(&listener);
    assert_eq!((own.state, own.backlog.map(|b| b.pending)), (State::Listening, Some(1)));
    let (server, _) = listener.accept().unwrap();
    let own = look(&client);
    assert_eq!((own.kind, own.state), (SocketType::Tcp, State::Connected));
    assert!(!own.connecting && own.peer.is(Option::is_some));
    assert_eq!(own.shutdown, shut(false, false));
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(look(&client).shutdown, shut(false, true));
    until(|| look(&server).shutdown.is(|s| s.read));
}

#[test]
fn an_error_of_udp_waits_unseen() {
    // An address of its own, so that no other test is given the port.
    let nobody = UdpSocket::bind("127.0.0.89:0").unwrap().local_addr().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(nobody).unwrap();
    assert_eq!(look(&socket).pending_error, Seen::Known(None));
    until(|| {
        // An answer of the kernel's may get lost, or come between the two calls.
        let _ = socket.send(b"x");
        look(&socket).pending_error.known().is_none()
    });
    assert_eq!(socket.take_error().unwrap().unwrap().raw_os_error(), Some(libc::ECONNREFUSED));
}

#[test]
fn what_is_no_socket_says_what_it_is() {
    let known = |words: &str| Seen::Known(Descriptor::NotSocket(words.to_string()));
    let null = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(descriptor(null.as_fd()), known("a character device"));
    let root = std::fs::File::open("/").unwrap();
    assert_eq!(descriptor(root.as_fd()), known("a directory"));
    let (pipe, _end) = rustix::pipe::pipe().unwrap();
    assert_eq!(descriptor(pipe.as_fd()), known("a pipe"));
    let epoll = rustix::event::epoll::create(rustix::event::epoll::CreateFlags::CLOEXEC).unwrap();
    assert_eq!(descriptor(epoll.as_fd()), known("a kernel object (anon_inode:[eventpoll])"));
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let path = rustix::fs::open("/", flags, rustix::fs::Mode::empty()).unwrap();
    assert_eq!(descriptor(path.as_fd()), Descriptor::PathOnly.into());
    let (family, kind) = (socket::AddressFamily::NETLINK, socket::Kind::RAW);
    let other = socket::socket_of(family, kind, NO_FLAGS).unwrap();
    assert!(descriptor(other.as_fd()).unseen().is_some());
}

#[test]
fn a_number_need_not_be_open() {
    assert_eq!(of_number(-1), Descriptor::NotOpen.into());
    assert_eq!(of_number(i32::MAX), Descriptor::NotOpen.into());
    let (a, _b) = Stream::pair().unwrap();
    let Seen::Known(Descriptor::Socket(own)) = of_number(a.as_raw_fd()) else { panic!() };
    assert_eq!(own.inode, look(&a).inode);
    let mut byte = [0; 1];
    let flags = RecvFlags::DONTWAIT;
    assert_eq!(socket::recv(&a, &mut byte, flags), Err(Errno::AGAIN));
}
