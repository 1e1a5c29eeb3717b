//! Who is at the other end: of pairs, connections, and sockets that nobody connected.

use std::os::fd::AsFd;
use sunpath::{
    Address, Credentials, Datagram, Errno, Error, Listener, Peer, SeqPacket, SeqPacketListener,
    Stream,
};

#[track_caller]
fn unrecorded<T: std::fmt::Debug>(answer: Result<T, Error>) {
    let error = answer.unwrap_err();
    assert_eq!(
        (error.errno(), error.cause()),
        (Some(Errno::ENODATA), Some("option/no-peer-credentials"))
    );
    assert_eq!(error.to_string(), "getsockopt: no peer's credentials were recorded (ENODATA)");
}

#[test]
fn both_ends_of_a_pair_are_this_process() {
    let (a, b) = Stream::pair().unwrap();
    let (c, d) = Datagram::pair().unwrap();
    let (e, f) = SeqPacket::pair().unwrap();
    for peer in [a.peer(), b.peer(), c.peer(), d.peer(), e.peer(), f.peer()] {
        let credentials = peer.credentials().unwrap();
        assert_eq!(credentials, Credentials::current());
        assert_eq!(credentials.pid.cast_unsigned(), std::process::id());
        assert_eq!(peer.groups(), a.peer().groups());
    }
}

#[test]
fn both_ends_of_a_connection_are_this_process() {
    let listener = Listener::bind(Address::Unnamed).unwrap();
    let client = Stream::connect(listener.local_addr().unwrap()).unwrap();
    let server = listener.accept().unwrap();
    let packets = SeqPacketListener::bind(Address::Unnamed).unwrap();
    let sender = SeqPacket::connect(packets.local_addr().unwrap()).unwrap();
    let receiver = packets.accept().unwrap();
    for peer in [client.peer(), server.peer(), sender.peer(), receiver.peer()] {
        assert_eq!(peer.credentials(), Ok(Credentials::current()));
    }
}

#[test]
fn where_nobody_was_recorded_nobody_is_told() {
    let receiver = Datagram::bind(Address::Unnamed).unwrap();
    let sender = Datagram::unbound().unwrap();
    for peer in [receiver.peer(), sender.peer()] {
        unrecorded(peer.credentials());
        unrecorded(peer.groups());
    }
    sender.connect(receiver.local_addr().unwrap()).unwrap();
    unrecorded(sender.peer().credentials());
    if Stream::pair().unwrap().0.peer().pidfd().is_err() {
        return eprintln!("skipped: SO_PEERPIDFD came with Linux 6.5");
    }
    unrecorded(sender.peer().pidfd());
    unrecorded(sender.peer().process());
    unrecorded(sender.peer().is_alive());
}

#[test]
fn sockets_of_other_libraries_have_peers_too() {
    let (a, _b) = std::os::unix::net::UnixStream::pair().unwrap();
    assert_eq!(Peer::of(&a).unwrap().credentials(), Ok(Credentials::current()));
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = Peer::of(&tcp).unwrap_err();
    let text = "getsockopt: the descriptor is a tcp socket, not a UNIX domain socket (EPROTOTYPE)";
    assert_eq!(error.to_string(), text);
}

#[test]
fn this_process_is_looked_at() {
    let (a, _b) = Stream::pair().unwrap();
    let peer = a.peer();
    let process = match peer.process() {
        Ok(process) => process.unwrap(),
        Err(error) => return eprintln!("skipped: {error}"),
    };
    assert!(process.is_alive());
    assert_eq!(peer.is_alive(), Ok(true));
    assert_eq!(process.pid(), Some(std::process::id()));
    assert_eq!(process.credentials(), Credentials::current());
    assert_eq!(process.effective_user(), Some(Credentials::current().uid));
    assert_eq!(process.executable(), Some(std::env::current_exe().unwrap().as_path()));
    let name = std::fs::read("/proc/self/comm").unwrap();
    assert_eq!(process.name().unwrap().as_encoded_bytes(), name.trim_ascii_end());
    let flags = rustix::io::fcntl_getfd(process.as_fd()).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}

#[test]
fn a_label_is_there_if_a_module_gives_one() {
    let (a, _b) = Stream::pair().unwrap();
    let label = a.peer().security_label().unwrap();
    assert!(label.is_none_or(|label| !label.is_empty() && !label.contains(&0)));
}
