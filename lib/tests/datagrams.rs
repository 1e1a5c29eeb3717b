//! Datagram sockets on the real kernel.

mod directory;

use directory::Directory;
use std::net::Shutdown;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;
use sunpath::{
    Address, AncillaryBuffer, Call, Datagram, Errno, RecvFlags, SendFlags, SockAddr, path_address,
};

fn bound() -> (Datagram, Address) {
    let socket = Datagram::bind(&Address::Unnamed).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[track_caller]
fn fails<T: std::fmt::Debug>(result: Result<T, sunpath::Error>, call: Call, errno: Errno) {
    let error = result.unwrap_err();
    assert_eq!((error.call(), error.errno()), (call, Some(errno)), "{error}");
}

#[test]
fn a_question_is_answered_by_name() {
    let directory = Directory::new();
    let (server_path, client_path) = (directory.path("server"), directory.path("client"));
    let server = Datagram::bind(&server_path).unwrap();
    let client = Datagram::bind(&client_path).unwrap();
    client.send_to(b"question", &server_path).unwrap();
    let mut buffer = [0; 16];
    let (received, from) = server.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..received.bytes], b"question");
    assert_eq!(from.as_path(), Some(client_path.as_path()));
    server.send_to(b"answer", from).unwrap();
    let (received, from) = client.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..received.bytes], b"answer");
    assert_eq!(from.as_path(), Some(server_path.as_path()));
    assert_eq!(client.local_addr(), Ok(path_address(&client_path)));
}

#[test]
fn the_sender_has_the_name_that_it_has() {
    let (receiver, address) = bound();
    let mut buffer = [0; 8];
    Datagram::unbound().unwrap().send_to(b"x", &address).unwrap();
    assert_eq!(receiver.recv_from(&mut buffer).unwrap().1, SockAddr::unnamed());
    let (sender, name) = bound();
    sender.send_to(b"x", &address).unwrap();
    let (_, from) = receiver.recv_from(&mut buffer).unwrap();
    let Address::Abstract(bytes) = name else { panic!("{name:?}") };
    assert_eq!(format!("{from:?}"), format!("SockAddr({:?})", Address::Abstract(bytes)));
}

#[test]
fn the_length_of_a_cut_message_is_told() {
    let (a, b) = Datagram::pair().unwrap();
    let mut buffer = [0; 10];
    for way in 0..4 {
        a.send(&[7; 1000]).unwrap();
        let received = match way {
            0 => b.recv(&mut buffer),
            1 => b.recv_from(&mut buffer).map(|(received, _)| received),
            2 => b.recv_with(&mut buffer, &mut AncillaryBuffer::new(0)).map(|(r, _)| r),
            _ => b.recv_with_flags(&mut [], RecvFlags::DONTWAIT),
        };
        let received = received.unwrap();
        assert_eq!((received.bytes, received.length), (if way == 3 { 0 } else { 10 }, 1000));
        assert!(received.is_truncated() && !received.end_of_file);
    }
}

#[test]
fn an_empty_message_is_a_message() {
    let (a, b) = Datagram::pair().unwrap();
    a.send(b"").unwrap();
    drop(a);
    let received = b.recv(&mut [0; 4]).unwrap();
    assert_eq!((received.bytes, received.length, received.end_of_file), (0, 0, false));
    fails(b.recv_with_flags(&mut [0; 4], RecvFlags::DONTWAIT), Call::Recv, Errno::EAGAIN);
}

#[test]
fn a_shutdown_ends_a_receiver() {
    let (receiver, address) = bound();
    let clone = receiver.try_clone().unwrap();
    let thread = std::thread::spawn(move || {
        let mut ends = Vec::new();
        loop {
            let received = clone.recv(&mut [0; 4]).unwrap();
            ends.push(received.end_of_file);
            if received.end_of_file {
                return ends;
            }
        }
    });
    let sender = Datagram::unbound().unwrap();
    for message in [&b""[..], b"x"] {
        sender.send_to(message, &address).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    receiver.shutdown(Shutdown::Read).unwrap();
    assert_eq!(thread.join().unwrap(), [false, false, true]);
    fails(sender.send_to(b"x", &address), Call::Send, Errno::EPIPE);
}

#[test]
fn one_peer_at_a_time() {
    let ((one, first), (two, second)) = (bound(), bound());
    let (socket, name) = bound();
    fails(socket.send(b"x"), Call::Send, Errno::ENOTCONN);
    socket.connect(&first).unwrap();
    socket.send(b"to one").unwrap();
    assert_eq!(one.recv(&mut [0; 8]).unwrap().bytes, 6);
    fails(two.send_to(b"x", &name), Call::Send, Errno::EPERM);
    fails(two.connect(&name), Call::Connect, Errno::EPERM);
    // A failure leaves everything as it was.
    let nobody = Address::Abstract(b"sunpath-datagrams-nobody".to_vec());
    fails(socket.connect(&nobody), Call::Connect, Errno::ECONNREFUSED);
    assert_eq!(socket.peer_addr(), Ok(first));
    one.send_to(b"waits", &name).unwrap();
    socket.connect(&second).unwrap();
    // What waited is gone.
    fails(socket.recv_with_flags(&mut [0; 8], RecvFlags::DONTWAIT), Call::Recv, Errno::EAGAIN);
    two.send_to(b"x", &name).unwrap();
    assert_eq!(socket.recv(&mut [0; 8]).unwrap().bytes, 1);
    for _ in 0..2 {
        socket.disconnect().unwrap();
        fails(socket.peer_addr(), Call::Getpeername, Errno::ENOTCONN);
    }
    one.send_to(b"x", &name).unwrap();
    assert_eq!(socket.recv(&mut [0; 8]).unwrap().bytes, 1);
}

#[test]
fn a_receiver_that_closed_is_told_by_the_next_send() {
    let (receiver, address) = bound();
    let sender = Datagram::unbound().unwrap();
    sender.connect(&address).unwrap();
    drop(receiver);
    fails(sender.send(b"x"), Call::Send, Errno::ECONNREFUSED);
    fails(sender.send(b"x"), Call::Send, Errno::ENOTCONN);
    let error = sender.send_to(b"x", &address).unwrap_err();
    assert_eq!((error.errno(), error.address()), (Some(Errno::ECONNREFUSED), Some(&address)));
}

#[test]
fn a_full_receiver_is_told_without_waiting_or_waited_for() {
    let (receiver, address) = bound();
    let sender = Datagram::unbound().unwrap();
    sender.connect(&address).unwrap();
    let mut sent = 0;
    while sender.send_with_flags(b"x", SendFlags::DONTWAIT).is_ok() {
        sent += 1;
    }
    assert!(sent > 0);
    fails(sender.send_with_flags(b"x", SendFlags::DONTWAIT), Call::Send, Errno::EAGAIN);
    let thread = std::thread::spawn(move || sender.send_to(b"last", &address));
    std::thread::sleep(Duration::from_millis(20));
    for _ in 0..sent {
        assert_eq!(receiver.recv(&mut [0; 8]).unwrap().bytes, 1);
    }
    assert_eq!(receiver.recv(&mut [0; 8]).unwrap().bytes, 4);
    thread.join().unwrap().unwrap();
}

#[test]
fn a_standard_socket_becomes_ours_and_theirs_again() {
    let (a, b) = UnixDatagram::pair().unwrap();
    let ours = Datagram::from(a);
    ours.send(b"x").unwrap();
    assert_eq!(b.recv(&mut [0; 4]).unwrap(), 1);
    let theirs = UnixDatagram::from(ours);
    theirs.send(b"yz").unwrap();
    assert_eq!(Datagram::from(b).recv(&mut [0; 4]).unwrap().bytes, 2);
}
