//! No wait goes on although there is something to receive, or room to send, and none spins.

use crate::{once, soon};
use std::io::{IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::time::Duration;
use sunpath::sys::option::set_switch;
use sunpath::tokio::{Datagram, Listener, Stream};
use sunpath::{Address, Ancillary, AncillaryBuffer, ConnectOptions, Errno, RecvFlags, SendFlags};
use tokio::io::AsyncReadExt;

/// Descriptors that were let in before stop a read, also if none are let in any more.
#[tokio::test]
async fn what_was_queued_before_is_read() {
    let (a, b) = sunpath::Stream::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let null = std::fs::File::open("/dev/null").unwrap();
    let files = [null.as_fd()];
    for word in [b"aa", b"bb", b"cc", b"dd"] {
        a.send_with(word, &Ancillary::descriptors(&files)).unwrap();
    }
    b.sockopt().set_pass_rights(false).unwrap();
    let mut b = Stream::try_from(b).unwrap();
    let mut all = Vec::new();
    while all.len() < 8 {
        let mut buffer = [0; 64];
        let bytes = soon(b.read(&mut buffer)).await.unwrap();
        all.extend_from_slice(&buffer[..bytes]);
    }
    assert_eq!(all, b"aabbccdd");
}

/// A read stops where an urgent byte was, although no event reports one that is taken.
#[tokio::test]
async fn a_read_goes_on_where_an_urgent_byte_was() {
    for before in [false, true] {
        let (a, b) = sunpath::Stream::pair().unwrap();
        let queue = || {
            let send = |bytes: &[u8], flags| {
                a.send_message(&[IoSlice::new(bytes)], &Ancillary::NONE, flags).unwrap();
            };
            send(b"a", SendFlags::NONE);
            send(b"!", SendFlags::OOB);
            send(b"c", SendFlags::NONE);
        };
        let mut urgent = [0; 1];
        let mut room = [IoSliceMut::new(&mut urgent)];
        let mut none = AncillaryBuffer::default();
        let mut b = if before {
            queue();
            b.recv_message(&mut room, &mut none, RecvFlags::OOB).unwrap();
            let b = Stream::try_from(b).unwrap();
            assert_eq!(b.try_read(&mut []).unwrap(), 0);
            b
        } else {
            let b = Stream::try_from(b).unwrap();
            queue();
            b.try_recv_message(&mut room, &mut none, RecvFlags::OOB).unwrap();
            b
        };
        for expected in *b"ac" {
            let mut buffer = [0; 64];
            assert_eq!(soon(b.read(&mut buffer)).await.unwrap(), 1);
            assert_eq!(buffer[0], expected);
        }
    }
}

#[tokio::test]
async fn a_peek_hides_none_of_several_messages() {
    let (a, b) = Datagram::pair().unwrap();
    set_switch(&b, sunpath::sys::libc::SO_PEEK_OFF, false).unwrap(); // starts at 0
    for _ in 0..3 {
        soon(a.send(b"message")).await.unwrap();
    }
    let mut buffer = [0; 8];
    let mut none = AncillaryBuffer::default();
    let mut room = [IoSliceMut::new(&mut buffer)];
    for _ in 0..3 {
        soon(b.recv_message(&mut room, &mut none, RecvFlags::PEEK)).await.unwrap();
    }
    for _ in 0..2 {
        let peek = b.recv_message(&mut room, &mut none, RecvFlags::PEEK);
        assert!(tokio::time::timeout(Duration::from_millis(30), peek).await.is_err());
        let peek = b.try_recv_message(&mut room, &mut none, RecvFlags::PEEK);
        assert_eq!(peek.unwrap_err().errno(), Some(Errno::EAGAIN));
    }
    for _ in 0..3 {
        assert_eq!(soon(b.recv(&mut [0; 8])).await.unwrap().bytes, 7);
    }
    let late = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        a.send(b"late").await.unwrap();
    };
    let peek = b.recv_message(&mut room, &mut none, RecvFlags::PEEK);
    let (peeked, ()) = tokio::join!(soon(peek), late);
    assert_eq!(peeked.unwrap().0.bytes, 4);
}

/// That one receiver is full says nothing of others.
#[tokio::test]
async fn a_full_receiver_stops_no_message_to_another() {
    let bound = || Datagram::bind(&Address::Unnamed).unwrap();
    let (full, other, sender) = (bound(), bound(), bound());
    let (full, to) = (full.local_addr().unwrap(), other.local_addr().unwrap());
    soon(sender.writable()).await.unwrap();
    let parts = [IoSlice::new(b"x")];
    let now = SendFlags::DONTWAIT;
    let error = loop {
        if let Err(error) = sender.send_message_to(&parts, &full, &Ancillary::NONE, now).await {
            break error;
        }
    };
    assert_eq!(error.errno(), Some(Errno::EAGAIN));
    soon(sender.send_message_to(&parts, &to, &Ancillary::NONE, now)).await.unwrap();
    sender.connect(&to).unwrap();
    soon(sender.send(b"x")).await.unwrap();
    soon(sender.writable()).await.unwrap();
}

#[tokio::test]
async fn a_loop_that_waits_and_tries_ends_with_the_socket() {
    let (a, b) = Datagram::pair().unwrap();
    soon(a.send(b"last")).await.unwrap();
    b.shutdown(Shutdown::Read).unwrap();
    let mut tries = 0;
    let receive = async {
        loop {
            b.readable().await.unwrap();
            tries += 1;
            match b.try_recv_from(&mut [0; 8]) {
                Ok((received, _)) if received.end_of_file => break,
                Ok((received, _)) => assert_eq!(received.bytes, 4),
                Err(error) => assert_eq!(error.errno(), Some(Errno::EAGAIN)),
            }
            assert!(tries < 10, "spins");
        }
    };
    soon(receive).await;
}

/// The time of tokio may be paused, and then be far from that of the system.
#[tokio::test(start_paused = true)]
async fn a_paused_clock_counts() {
    tokio::time::advance(Duration::from_secs(3600)).await;
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    sunpath::sys::socket::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let first = Stream::connect(&address).await.unwrap();
    let options: ConnectOptions<sunpath::Stream> =
        sunpath::Stream::options().timeout(Duration::from_secs(5));
    let start = tokio::time::Instant::now();
    let error = Stream::connect_with(&options, &address).await.unwrap_err();
    assert_eq!(error.cause(), Some("connect/backlog-full"));
    assert!(start.elapsed() >= Duration::from_secs(5));
    let serve = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        listener.accept().await.unwrap()
    };
    let (second, _served) = tokio::join!(Stream::connect_with(&options, &address), serve);
    second.unwrap();
    drop(first);
}

/// Sockets outlive the runtime that their futures waited in, and go on in another.
#[test]
fn futures_outlive_their_runtime() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (a, b) = first.block_on(async { Datagram::pair().unwrap() });
    let mut buffer = [0; 8];
    let mut receive = Box::pin(b.recv(&mut buffer));
    first.block_on(async { assert!(once(&mut receive).await.is_none()) });
    drop(first);
    let second = runtime();
    let error = second.block_on(async { soon(&mut receive).await.unwrap_err() });
    assert!(error.to_string().contains("runtime"), "{error}");
    drop(receive);
    let b = sunpath::Datagram::try_from(b).unwrap();
    second.block_on(async {
        let (a, b) = (sunpath::Datagram::try_from(a).unwrap(), Datagram::try_from(b).unwrap());
        let twice = sunpath::Datagram::try_from(a.as_fd().try_clone_to_owned().unwrap()).unwrap();
        let (a, twice) = (Datagram::try_from(a).unwrap(), Datagram::try_from(twice).unwrap());
        for sender in [&a, &twice] {
            soon(sender.send(b"again")).await.unwrap();
            assert_eq!(soon(b.recv(&mut [0; 8])).await.unwrap().bytes, 5);
        }
        // Two descriptors of one socket are two registrations.
        let mut buffers = [[0; 8]; 2];
        let [one, two] = &mut buffers;
        let both = async { tokio::join!(a.recv(one), twice.recv(two)) };
        let send = async {
            soon(b.send(b"one")).await.unwrap();
            soon(b.send(b"two")).await.unwrap();
        };
        let ((one, two), ()) = tokio::join!(soon(both), send);
        assert_eq!((one.unwrap().bytes, two.unwrap().bytes), (3, 3));
    });
}
