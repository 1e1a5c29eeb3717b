//! Receives that spin before they wait give and lose nothing.

mod directory;

use directory::Directory;
use std::io::{IoSliceMut, Read, Write};
use std::thread;
use std::time::{Duration, Instant};
use sunpath::{Address, AncillaryBuffer, Datagram, Errno, Listener, RecvFlags, SeqPacket, Stream};

const SPIN: Duration = Duration::from_micros(50);
/// Longer than any spin: then the receive waits.
const PAUSE: Duration = Duration::from_millis(3);
const ROUNDS: u32 = 2000;

/// A pause now and then, so that receives both spin with success and wait.
fn pause(round: u32) {
    if round.is_multiple_of(500) {
        thread::sleep(PAUSE);
    }
}

#[test]
fn a_stream_answers() {
    let (client, server) = Stream::pair().unwrap();
    let server = thread::spawn(move || {
        let mut server = server.spin(SPIN);
        let mut bytes = [0; 4];
        for round in 0..ROUNDS {
            server.read_exact(&mut bytes).unwrap();
            pause(round);
            server.write_all(&bytes).unwrap();
        }
        assert_eq!(server.read(&mut bytes).unwrap(), 0);
    });
    let mut client = client.spin(SPIN);
    for round in 0..ROUNDS {
        pause(round + 250);
        client.write_all(&round.to_ne_bytes()).unwrap();
        let mut bytes = [0; 4];
        client.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes, round.to_ne_bytes());
    }
    drop(client.into_inner());
    server.join().unwrap();
}

#[test]
fn packets_and_their_end_arrive() {
    let (a, b) = SeqPacket::pair().unwrap();
    let sender = thread::spawn(move || {
        for round in 0..ROUNDS {
            pause(round);
            a.send(&vec![1; round as usize % 5]).unwrap();
        }
    });
    let b = b.spin(SPIN);
    let mut room = AncillaryBuffer::new(1);
    for round in 0..ROUNDS {
        let mut buffer = [0; 8];
        let received = match round % 2 {
            0 => b.recv(&mut buffer),
            _ => b.recv_with(&mut buffer, &mut room),
        }
        .unwrap();
        assert_eq!((received.bytes, received.end_of_file), (round as usize % 5, false));
    }
    sender.join().unwrap();
    assert!(b.recv(&mut [0; 8]).unwrap().end_of_file);
}

#[test]
fn datagrams_and_their_senders_arrive() {
    let receiver = Datagram::bind(&Address::Unnamed).unwrap();
    let address = receiver.local_addr().unwrap();
    let receiver = receiver.spin(SPIN);
    let sender = Datagram::bind(&Address::Unnamed).unwrap();
    let name = sender.local_addr().unwrap();
    let sender = thread::spawn(move || {
        for round in 0..ROUNDS {
            pause(round);
            sender.send_to(&round.to_ne_bytes(), &address).unwrap();
        }
        sender
    });
    let mut room = AncillaryBuffer::new(0);
    for round in 0..ROUNDS {
        let mut bytes = [0; 4];
        match round % 3 {
            0 => drop(receiver.recv(&mut bytes).map(|received| assert_eq!(received.bytes, 4))),
            1 => {
                let (_, from) = receiver.recv_from(&mut bytes).unwrap();
                let Address::Abstract(text) = &name else { panic!("{name:?}") };
                let from = sunpath::ToAddress::to_address(&from);
                assert_eq!(from, sunpath::AddressRef::Abstract(text));
            }
            _ => drop(receiver.recv_with(&mut bytes, &mut room).unwrap()),
        }
        assert_eq!(bytes, round.to_ne_bytes());
    }
    drop(sender.join().unwrap());
}

#[test]
fn timeouts_and_errors_are_those_of_the_socket() {
    let (a, b) = Stream::pair().unwrap();
    let b = b.spin(SPIN);
    b.set_nonblocking(true).unwrap();
    assert_eq!(b.recv(&mut [0; 4]).unwrap_err().errno(), Some(Errno::EAGAIN));
    b.set_nonblocking(false).unwrap();
    sunpath::sys::option::set_timeout(&*b, sunpath::sys::option::SO_RCVTIMEO, 20_000).unwrap();
    assert_eq!(b.recv(&mut [0; 4]).unwrap_err().errno(), Some(Errno::EAGAIN));
    a.send(b"unread").unwrap();
    b.send(b"unread").unwrap();
    assert_eq!(b.recv_with_flags(&mut [0; 2], RecvFlags::PEEK), Ok(2));
    drop(a);
    assert_eq!(b.recv(&mut [0; 9]), Ok(6));
    assert_eq!(b.recv(&mut [0; 9]).unwrap_err().errno(), Some(Errno::ECONNRESET));
    assert_eq!(b.recv(&mut [0; 9]), Ok(0));
}

#[test]
fn no_time_is_no_spin() {
    let directory = Directory::new();
    let path = directory.path("server");
    let listener = Listener::bind(&path).unwrap();
    let client = Stream::connect(&path).unwrap().spin(Duration::ZERO);
    assert!(!client.can_help());
    listener.accept().unwrap().send(b"x").unwrap();
    assert_eq!(client.recv(&mut [0; 4]), Ok(1));
}

#[test]
fn flags_keep_their_meaning() {
    let (a, b) = Stream::pair().unwrap();
    let b = b.spin(Duration::from_millis(1));
    a.send(b"ab").unwrap();
    let sender = thread::spawn(move || {
        thread::sleep(PAUSE);
        a.send(b"cd").unwrap();
        a
    });
    let mut bytes = [0; 4];
    let mut room = AncillaryBuffer::new(0);
    let mut buffers = [IoSliceMut::new(&mut bytes)];
    let received = b.recv_message(&mut buffers, &mut room, RecvFlags::WAITALL).unwrap();
    assert_eq!((received.bytes, &bytes), (4, b"abcd"));
    drop(sender.join().unwrap());
}

#[test]
fn who_does_not_want_to_wait_does_not_spin() {
    let (_a, b) = SeqPacket::pair().unwrap();
    let b = b.spin(Duration::from_millis(1));
    let mut room = AncillaryBuffer::new(0);
    let mut most = || {
        let start = Instant::now();
        let error = b.recv_message(&mut [], &mut room, RecvFlags::DONTWAIT).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EAGAIN));
        start.elapsed()
    };
    // Misses would make it skip all but ten of these.
    let longest = (0..40).filter(|_| most() >= Duration::from_millis(1)).count();
    assert!(longest < 4, "{longest} of 40 receives took the whole time of a spin");
}
