//! Datagrams, above all to receivers that are full.

use crate::directory::Directory;
use crate::{WHILE, counted, once, soon};
use std::cell::Cell;
use std::io::IoSlice;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::time::Duration;
use sunpath::tokio::Datagram;
use sunpath::{
    Address, Ancillary, AncillaryBuffer, Errno, SendFlags, SockAddr, ToAddress, path_address,
};

/// A receiver with a name, and a sender without.
fn receiver() -> (Datagram, Address) {
    let receiver = Datagram::bind(&Address::Unnamed).unwrap();
    let address = receiver.local_addr().unwrap();
    (receiver, address)
}

/// Fills a receiver's queue; how many messages it took.
fn fill(sender: &Datagram, address: &Address) -> u32 {
    (0..).find(|number: &u32| sender.try_send_to(&number.to_ne_bytes(), address).is_err()).unwrap()
}

async fn number(receiver: &Datagram) -> u32 {
    let mut buffer = [0; 4];
    assert_eq!(soon(receiver.recv(&mut buffer)).await.unwrap().bytes, 4);
    u32::from_ne_bytes(buffer)
}

#[tokio::test]
async fn messages_with_names() {
    let directory = Directory::new();
    let (a, b) = (directory.path("a"), directory.path("b"));
    let (first, second) = (Datagram::bind(&a).unwrap(), Datagram::bind(&b).unwrap());
    soon(first.send_to(b"to b", &b)).await.unwrap();
    let mut buffer = [0; 16];
    let (received, from) = soon(second.recv_from(&mut buffer)).await.unwrap();
    assert_eq!((&buffer[..received.bytes], from.as_path()), (&b"to b"[..], Some(&*a)));
    second.connect(from).unwrap();
    assert_eq!(second.peer_addr(), Ok(path_address(&a)));
    soon(second.send(b"")).await.unwrap();
    let received = soon(first.recv(&mut buffer)).await.unwrap();
    assert_eq!((received.bytes, received.end_of_file), (0, false));
    let unnamed = Datagram::unbound().unwrap();
    soon(unnamed.send_to(b"x", &a)).await.unwrap();
    let (_, from) = soon(first.recv_from(&mut buffer)).await.unwrap();
    assert_eq!(from.to_address(), SockAddr::unnamed().to_address());
    let other = Datagram::bind(directory.path("c")).unwrap();
    let error = soon(other.send_to(b"x", &b)).await.unwrap_err();
    assert_eq!((error.errno(), error.address()), (Some(Errno::EPERM), Some(&path_address(&b))));
    drop(first);
    let error = soon(unnamed.send_to(b"x", &a)).await.unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENOENT), "the file went with the socket");
}

#[tokio::test]
async fn descriptors_travel_to_an_address() {
    let (receiver, address) = receiver();
    receiver.sockopt().set_pass_rights(true).unwrap();
    let sender = Datagram::unbound().unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let fds = [file.as_fd(); 3];
    let beside = Ancillary::descriptors(&fds);
    let parts = [IoSlice::new(b"three")];
    for flags in [SendFlags::NONE, SendFlags::DONTWAIT] {
        soon(sender.send_message_to(&parts, &address, &beside, flags)).await.unwrap();
        let mut room = AncillaryBuffer::new(3);
        let (received, _) = soon(receiver.recv_with(&mut [0; 8], &mut room)).await.unwrap();
        assert_eq!((received.bytes, room.take_descriptors().count()), (5, 3));
    }
}

/// The trap: a socket that is not connected is always reported as writable.
#[tokio::test]
async fn a_full_receiver_is_waited_for_without_spinning() {
    let (receiver, address) = receiver();
    let sender = Datagram::unbound().unwrap();
    let mut next = fill(&sender, &address);
    for round in 0..3 {
        let polls = Cell::new(0);
        let message = next.to_ne_bytes();
        let late = tokio::time::timeout(WHILE, sender.send_to(&message, &address));
        assert!(counted(&polls, late).await.is_err());
        assert!(polls.get() <= 8, "{} polls while nothing happened", polls.get());
        let polls = Cell::new(0);
        let send = counted(&polls, soon(async { sender.send_to(&message, &address).await }));
        let read = async {
            tokio::time::sleep(WHILE).await;
            number(&receiver).await
        };
        let (sent, seen) = tokio::join!(send, read);
        assert_eq!((sent.is_ok(), seen), (true, round));
        assert!(polls.get() <= 8, "{} polls for one event", polls.get());
        next += 1;
    }
    for expected in 3..next {
        assert_eq!(number(&receiver).await, expected);
    }
}

#[tokio::test]
async fn many_senders_to_one_receiver_lose_nothing() {
    let (receiver, address) = receiver();
    let senders: Vec<_> = (0..8u32)
        .map(|sender| {
            let address = address.clone();
            tokio::spawn(async move {
                let socket = Datagram::unbound().unwrap();
                for message in 0..200u32 {
                    socket
                        .send_to(&(sender << 16 | message).to_ne_bytes(), &address)
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    let mut next = [0; 8];
    for _ in 0..8 * 200 {
        let message = number(&receiver).await;
        let sender = (message >> 16) as usize;
        assert_eq!(message & 0xffff, next[sender], "of sender {sender}");
        next[sender] += 1;
    }
    for sender in senders {
        soon(sender).await.unwrap();
    }
}

#[tokio::test]
async fn one_socket_sends_to_several_full_receivers() {
    let sender = Datagram::unbound().unwrap();
    let ((a, to_a), (b, to_b)) = (receiver(), receiver());
    let first = fill(&sender, &to_a);
    assert_eq!(fill(&sender, &to_b), first);
    let (mut count_a, mut count_b) = (0, 0);
    let send = async {
        for number in first..first + 100 {
            let bytes = number.to_ne_bytes();
            let both = tokio::join!(sender.send_to(&bytes, &to_a), sender.send_to(&bytes, &to_b));
            assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
        }
    };
    let read = async {
        while count_a < first + 100 || count_b < first + 100 {
            tokio::select! {
                seen = number(&a) => { assert_eq!(seen, count_a); count_a += 1; }
                seen = number(&b) => { assert_eq!(seen, count_b); count_b += 1; }
            }
        }
    };
    soon(async { tokio::join!(send, read) }).await;
}

#[tokio::test]
async fn a_receiver_that_goes_ends_the_wait() {
    let directory = Directory::new();
    let path = directory.path("receiver");
    let address = path_address(&path);
    let receiver = Datagram::bind(&path).unwrap();
    let sender = Datagram::unbound().unwrap();
    fill(&sender, &address);
    let go = async {
        tokio::time::sleep(WHILE).await;
        // Without its file being removed, so that it is refused rather than not found.
        drop(std::os::fd::OwnedFd::from(receiver));
    };
    let polls = Cell::new(0);
    let (error, ()) = tokio::join!(counted(&polls, soon(sender.send_to(b"x", &address))), go);
    assert_eq!(error.unwrap_err().errno(), Some(Errno::ECONNREFUSED));
    assert!(polls.get() <= 8, "{} polls", polls.get());
    std::fs::remove_file(&path).unwrap();
    let again = Datagram::bind(&path).unwrap();
    soon(sender.send_to(b"new", &address)).await.unwrap();
    assert_eq!(soon(again.recv(&mut [0; 8])).await.unwrap().bytes, 3);
}

#[tokio::test]
async fn the_own_buffer_is_waited_for() {
    let sender = Datagram::unbound().unwrap();
    sender.sockopt().set_send_buffer(2048).unwrap();
    let receivers: Vec<_> = (0..16).map(|_| receiver()).collect();
    let full = receivers.iter().find(|(_, to)| sender.try_send_to(&[1; 2000], to).is_err());
    let (_, to) = full.expect("the buffer holds a few messages only");
    let polls = Cell::new(0);
    let late = tokio::time::timeout(WHILE, sender.send_to(&[2; 2000], to));
    assert!(counted(&polls, late).await.is_err());
    assert!(polls.get() <= 8, "{} polls while nothing happened", polls.get());
    let read = async {
        for (receiver, _) in &receivers {
            while once(receiver.recv(&mut [0; 1])).await.is_some() {}
        }
    };
    let (sent, ()) = tokio::join!(soon(sender.send_to(&[2; 2000], to)), read);
    sent.unwrap();
}

#[tokio::test]
async fn a_connected_sender_waits_for_its_peer_and_for_others() {
    let ((a, to_a), (b, to_b)) = (receiver(), receiver());
    let sender = Datagram::unbound().unwrap();
    sender.connect(&to_a).unwrap();
    let first = fill(&sender, &to_a);
    assert_eq!(fill(&sender, &to_b), first, "the own peer does not count for others");
    let polls = Cell::new(0);
    let late = tokio::time::timeout(WHILE, sender.send(b"late"));
    assert!(counted(&polls, late).await.is_err());
    assert!(polls.get() <= 8, "{} polls while nothing happened", polls.get());
    // There is room at the other receiver, and none at the own peer, which says nothing about it.
    let (sent, _) = tokio::join!(soon(sender.send_to(&[0; 4], &to_b)), number(&b));
    sent.unwrap();
    let (sent, _) = tokio::join!(soon(sender.send(&[0; 4])), async {
        tokio::time::sleep(WHILE).await;
        number(&a).await
    });
    sent.unwrap();
}

/// What was reported as failed once counts as closed for the reactor, and so as ready, for ever.
#[tokio::test]
async fn an_error_that_is_over_does_not_make_it_spin() {
    let ((a, to_a), (b, to_b), (c, to_c)) = (receiver(), receiver(), receiver());
    a.connect(&to_b).unwrap();
    b.connect(&to_a).unwrap();
    soon(a.send(b"unread")).await.unwrap();
    assert!(once(a.recv(&mut [0; 8])).await.is_none());
    let mut buffer = [0; 8];
    let wait = soon(a.recv(&mut buffer));
    let change = async {
        tokio::time::sleep(WHILE).await;
        b.connect(&to_c).unwrap(); // discards what was unread, and tells the old peer
    };
    let (error, ()) = tokio::join!(wait, change);
    assert_eq!(error.unwrap_err().errno(), Some(Errno::ECONNRESET), "a receive that waits is told");
    a.connect(&to_c).unwrap();
    fill(&a, &to_c);
    let polls = Cell::new(0);
    let late = tokio::time::timeout(WHILE, a.send(b"late"));
    assert!(counted(&polls, late).await.is_err());
    assert!(polls.get() <= 60, "{} polls while nothing happened", polls.get());
    let (sent, _) = tokio::join!(soon(a.send(b"late")), number(&c));
    sent.unwrap();
}

/// A receive that does not block says `EAGAIN` for ever after a shutdown, and the reactor `ready`.
#[tokio::test]
async fn a_shutdown_of_the_own_side_is_the_end() {
    let (receiver, address) = receiver();
    let sender = Datagram::unbound().unwrap();
    soon(sender.send_to(b"kept", &address)).await.unwrap();
    receiver.shutdown(Shutdown::Read).unwrap();
    let mut buffer = [0; 8];
    assert_eq!(soon(receiver.recv(&mut buffer)).await.unwrap().bytes, 4);
    for _ in 0..2 {
        let (received, from) = soon(receiver.recv_from(&mut buffer)).await.unwrap();
        assert!(received.end_of_file && received.bytes == 0);
        assert_eq!(from, SockAddr::unnamed());
    }
    let error = soon(sender.send_to(b"x", &address)).await.unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EPIPE));
}

/// A peek past the end of what is queued finds nothing; a receive does, without a new event.
#[tokio::test]
async fn a_peek_hides_nothing_from_a_receive() {
    let (a, b) = Datagram::pair().unwrap();
    let set = sunpath::sys::option::set_switch(&b, sunpath::sys::libc::SO_PEEK_OFF, false);
    set.unwrap(); // starts at 0
    soon(a.send(b"message")).await.unwrap();
    let mut buffer = [0; 8];
    let mut none = AncillaryBuffer::default();
    let mut room = [std::io::IoSliceMut::new(&mut buffer)];
    let peek = b.recv_message(&mut room, &mut none, sunpath::RecvFlags::PEEK);
    assert_eq!(soon(peek).await.unwrap().0.bytes, 7);
    let peek = b.recv_message(&mut room, &mut none, sunpath::RecvFlags::PEEK);
    let late = tokio::time::timeout(Duration::from_millis(50), peek);
    assert!(late.await.is_err(), "nothing behind it");
    assert_eq!(soon(b.recv(&mut [0; 8])).await.unwrap().bytes, 7);
}

#[tokio::test]
async fn trying_does_not_wait() {
    let (receiver, address) = receiver();
    let sender = Datagram::unbound().unwrap();
    let error = receiver.try_recv_from(&mut [0; 4]).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EAGAIN));
    sender.try_send_to(b"x", &address).unwrap();
    soon(receiver.readable()).await.unwrap();
    assert_eq!(receiver.try_recv_from(&mut [0; 4]).unwrap().0.bytes, 1);
    sender.connect(&address).unwrap();
    while sender.try_send(b"x").is_ok() {}
    assert_eq!(sender.try_send(b"x").unwrap_err().errno(), Some(Errno::EAGAIN));
    assert!(once(sender.writable()).await.is_none());
    let receive = async { while receiver.try_recv_from(&mut [0; 4]).is_ok() {} };
    let (writable, ()) = tokio::join!(soon(sender.writable()), receive);
    writable.unwrap();
}
