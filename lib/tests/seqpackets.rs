//! Sequenced-packet sockets on the real kernel.

mod directory;

use directory::Directory;
use std::io::IoSliceMut;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use sunpath::sys::{libc, option};
use sunpath::{
    Ancillary, AncillaryBuffer, Call, Errno, Received, RecvFlags, SendFlags, SeqPacket,
    SeqPacketListener,
};

/// How a message is received.
type Receive = fn(&SeqPacket, &mut [u8]) -> Result<Received, sunpath::Error>;

fn plainly(socket: &SeqPacket, buffer: &mut [u8]) -> Result<Received, sunpath::Error> {
    socket.recv(buffer)
}

fn without_room(socket: &SeqPacket, buffer: &mut [u8]) -> Result<Received, sunpath::Error> {
    socket.recv_with(buffer, &mut AncillaryBuffer::new(0))
}

fn with_room(socket: &SeqPacket, buffer: &mut [u8]) -> Result<Received, sunpath::Error> {
    socket.recv_with(buffer, &mut AncillaryBuffer::new(3))
}

#[track_caller]
fn is_message(received: Received, bytes: usize) {
    assert_eq!((received.bytes, received.length, received.end_of_file), (bytes, bytes, false));
    assert!(!received.ancillary_truncated && !received.is_truncated());
}

#[track_caller]
fn is_end(received: Received) {
    assert_eq!((received.bytes, received.length, received.end_of_file), (0, 0, true));
    assert!(!received.ancillary_truncated);
}

/// Sockets that are connected through a listener: the server's end has the listener's name.
fn connected(directory: &Directory) -> (SeqPacket, SeqPacket) {
    let path = directory.path("server");
    let listener = SeqPacketListener::bind(&path).unwrap();
    let client = SeqPacket::connect(&path).unwrap();
    (client, listener.accept().unwrap())
}

#[test]
fn messages_keep_their_bounds() {
    let directory = Directory::new();
    let (client, server) = connected(&directory);
    client.send(b"one").unwrap();
    client.send(b"three").unwrap();
    let mut buffer = [0; 16];
    is_message(server.recv(&mut buffer).unwrap(), 3);
    assert_eq!(&buffer[..3], b"one");
    is_message(server.recv(&mut buffer).unwrap(), 5);
    server.send(b"").unwrap();
    drop(server);
    is_message(without_room(&client, &mut buffer).unwrap(), 0);
    is_end(client.recv(&mut buffer).unwrap());
}

#[test]
fn the_length_of_a_cut_message_is_told() {
    let (a, b) = SeqPacket::pair().unwrap();
    let receives: [Receive; 3] = [plainly, without_room, with_room];
    for receive in receives {
        a.send(&[7; 1000]).unwrap();
        a.send(b"next").unwrap();
        let mut buffer = [0; 10];
        let received = receive(&b, &mut buffer).unwrap();
        assert_eq!((received.bytes, received.length), (10, 1000));
        assert!(received.is_truncated() && !received.end_of_file);
        assert_eq!(buffer, [7; 10]);
        a.send(&[7; 1000]).unwrap();
        is_message(receive(&b, &mut buffer).unwrap(), 4);
        let received = receive(&b, &mut []).unwrap();
        assert_eq!((received.bytes, received.length, received.end_of_file), (0, 1000, false));
    }
}

#[test]
fn an_empty_message_is_not_the_end() {
    let directory = Directory::new();
    let receives: [Receive; 3] = [plainly, without_room, with_room];
    for receive in receives {
        let _ = std::fs::remove_file(directory.path("server"));
        for (a, b) in [SeqPacket::pair().unwrap(), connected(&directory)] {
            let mut buffer = [0; 4];
            a.send(b"").unwrap();
            is_message(receive(&b, &mut buffer).unwrap(), 0);
            a.send(b"").unwrap();
            a.send(b"x").unwrap();
            a.send(b"").unwrap();
            drop(a);
            is_message(receive(&b, &mut buffer).unwrap(), 0);
            is_message(receive(&b, &mut buffer).unwrap(), 1);
            is_message(receive(&b, &mut buffer).unwrap(), 0);
            for _ in 0..3 {
                is_end(receive(&b, &mut buffer).unwrap());
            }
        }
    }
}

#[test]
fn a_last_empty_message_is_told_from_the_end() {
    let receives: [Receive; 3] = [plainly, without_room, with_room];
    for receive in receives {
        for messages in 0..4 {
            let (a, b) = SeqPacket::pair().unwrap();
            for _ in 0..messages {
                a.send(b"").unwrap();
            }
            a.shutdown(Shutdown::Write).unwrap();
            for _ in 0..messages {
                is_message(receive(&b, &mut [0; 4]).unwrap(), 0);
            }
            is_end(receive(&b, &mut [0; 4]).unwrap());
            b.send(b"still open").unwrap();
        }
    }
}

#[test]
fn the_end_alone_is_the_end_at_once() {
    let receives: [Receive; 3] = [plainly, without_room, with_room];
    for receive in receives {
        let (a, b) = SeqPacket::pair().unwrap();
        a.send(b"x").unwrap();
        drop(a);
        is_message(receive(&b, &mut [0; 4]).unwrap(), 1);
        is_end(receive(&b, &mut [0; 4]).unwrap());
        is_end(plainly(&b, &mut []).unwrap());
    }
}

#[test]
fn a_peek_at_an_empty_message_leaves_it() {
    let (a, b) = SeqPacket::pair().unwrap();
    a.send(b"").unwrap();
    a.send(b"").unwrap();
    drop(a);
    for _ in 0..2 {
        is_message(b.recv_with_flags(&mut [0; 4], RecvFlags::PEEK).unwrap(), 0);
    }
    is_message(b.recv(&mut [0; 4]).unwrap(), 0);
    is_message(b.recv(&mut [0; 4]).unwrap(), 0);
    is_end(b.recv_with_flags(&mut [0; 4], RecvFlags::PEEK).unwrap());
    is_end(b.recv(&mut [0; 4]).unwrap());
}

#[test]
fn nothing_yet_is_neither() {
    let (a, b) = SeqPacket::pair().unwrap();
    let flags = RecvFlags::DONTWAIT;
    let empty = |b: &SeqPacket| {
        let error = b.recv_with_flags(&mut [0; 4], flags).unwrap_err();
        assert_eq!((error.call(), error.errno()), (Call::Recv, Some(Errno::EAGAIN)));
    };
    empty(&b);
    a.send(b"").unwrap();
    is_message(b.recv_with_flags(&mut [0; 4], flags).unwrap(), 0);
    empty(&b);
}

#[test]
fn a_conversion_takes_the_marks_away_and_clones_survive_it() {
    let (a, b) = SeqPacket::pair().unwrap();
    let clone = b.try_clone().unwrap();
    for socket in [&b, &clone] {
        a.send(b"").unwrap();
        is_message(without_room(socket, &mut [0; 4]).unwrap(), 0);
    }
    // Another reader of the descriptor sees nothing that it did not ask for.
    let plain = OwnedFd::from(b);
    a.send(b"x").unwrap();
    let mut room = sunpath::sys::message::Inbox::new(64, 0);
    let got = sunpath::sys::message::recvmsg(
        &plain,
        None,
        &mut [IoSliceMut::new(&mut [0; 4])],
        &mut room,
        sunpath::sys::socket::RecvFlags::empty(),
    )
    .unwrap();
    assert!(got.bytes == 1 && !room.has_some());
    // The clone notices.
    a.send(b"").unwrap();
    is_message(plainly(&clone, &mut [0; 4]).unwrap(), 0);
    a.send(b"").unwrap();
    drop(a);
    is_message(plainly(&clone, &mut [0; 4]).unwrap(), 0);
    is_end(plainly(&clone, &mut [0; 4]).unwrap());
}

#[test]
fn no_name_is_made_up_for_a_socket_that_sends() {
    let (a, b) = SeqPacket::pair().unwrap();
    a.send(b"").unwrap();
    without_room(&b, &mut [0; 4]).unwrap();
    b.send(b"x").unwrap();
    assert_eq!(b.local_addr(), Ok(sunpath::Address::Unnamed));
    assert_eq!(a.peer_addr(), Ok(sunpath::Address::Unnamed));
}

#[test]
fn dropped_descriptors_are_told_in_spite_of_the_marks() {
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let fds = [file.as_fd()];
    for bytes in [&b""[..], b"x"] {
        a.send_with(bytes, &Ancillary::descriptors(&fds)).unwrap();
        let received = without_room(&b, &mut [0; 4]).unwrap();
        assert!(received.ancillary_truncated && !received.end_of_file);
        a.send_with(bytes, &Ancillary::descriptors(&fds)).unwrap();
        let mut ancillary = AncillaryBuffer::new(1);
        let received = b.recv_with(&mut [0; 4], &mut ancillary).unwrap();
        is_message(received, bytes.len());
        assert_eq!(ancillary.take_descriptors().count(), 1);
    }
}

#[test]
fn a_message_that_is_too_long_is_refused_whole() {
    let (a, b) = SeqPacket::pair().unwrap();
    let error = a.send(&vec![0; 1 << 20]).unwrap_err();
    assert_eq!((error.call(), error.errno()), (Call::Send, Some(Errno::EMSGSIZE)));
    assert_eq!(error.cause(), Some("send/message-too-long"));
    let text = "send: a message of 1048576 bytes is longer than the send buffer takes (EMSGSIZE)";
    assert_eq!(error.to_string(), text);
    a.send(b"x").unwrap();
    is_message(b.recv(&mut [0; 4]).unwrap(), 1);
}

#[test]
fn a_full_queue_is_told_without_waiting() {
    let (a, b) = SeqPacket::pair().unwrap();
    let mut sent = 0;
    let error = loop {
        match a.send_with_flags(&[sent as u8; 64], SendFlags::DONTWAIT) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.errno(), Some(Errno::EAGAIN));
    for number in 0..sent {
        let mut buffer = [0; 64];
        is_message(b.recv(&mut buffer).unwrap(), 64);
        assert_eq!(buffer, [number as u8; 64]);
    }
}

#[test]
fn unread_messages_reset_the_peer_once() {
    let (a, b) = SeqPacket::pair().unwrap();
    a.send(b"unread").unwrap();
    b.send(b"data").unwrap();
    drop(b);
    let error = a.recv(&mut [0; 8]).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ECONNRESET));
    is_message(a.recv(&mut [0; 8]).unwrap(), 4);
    is_end(a.recv(&mut [0; 8]).unwrap());
    assert_eq!(a.send(b"x").unwrap_err().errno(), Some(Errno::EPIPE));
}

#[test]
fn a_waiting_receiver_is_told_of_message_and_end() {
    let (a, b) = SeqPacket::pair().unwrap();
    let receiver = std::thread::spawn(move || {
        let mut ends = Vec::new();
        loop {
            let received = b.recv(&mut [0; 8]).unwrap();
            ends.push((received.bytes, received.end_of_file));
            if received.end_of_file {
                return ends;
            }
        }
    });
    for message in [&b"one"[..], b"", b"x"] {
        std::thread::sleep(Duration::from_millis(10));
        a.send(message).unwrap();
    }
    std::thread::sleep(Duration::from_millis(10));
    drop(a);
    assert_eq!(receiver.join().unwrap(), [(3, false), (0, false), (1, false), (0, true)]);
}

#[test]
fn time_stamps_that_somebody_else_wants_stay_as_they_are() {
    for (stamps, other) in
        [(libc::SO_TIMESTAMP, libc::SO_TIMESTAMPNS), (libc::SO_TIMESTAMPNS, libc::SO_TIMESTAMP)]
    {
        let (a, b) = SeqPacket::pair().unwrap();
        let plain = OwnedFd::from(b);
        option::set_switch(&plain, stamps, true).unwrap();
        let b = SeqPacket::try_from(plain).unwrap();
        let clone = b.try_clone().unwrap();
        a.send(b"").unwrap();
        is_message(clone.recv(&mut [0; 4]).unwrap(), 0);
        let plain = OwnedFd::from(clone);
        assert_eq!(option::switch(&plain, stamps), Ok(true));
        assert_eq!(option::switch(&plain, other), Ok(false));
        a.send(b"").unwrap();
        drop(a);
        is_message(b.recv(&mut [0; 4]).unwrap(), 0);
        is_end(b.recv(&mut [0; 4]).unwrap());
    }
}

#[test]
fn the_marks_of_a_clone_are_ours_too() {
    let (a, b) = SeqPacket::pair().unwrap();
    let clone = b.try_clone().unwrap();
    for socket in [&b, &clone] {
        a.send(b"x").unwrap();
        is_message(socket.recv(&mut [0; 4]).unwrap(), 1);
    }
    drop(b);
    assert_eq!(option::switch(OwnedFd::from(clone), libc::SO_TIMESTAMP), Ok(false));
}
