//! Many messages in one call.

mod watched;

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd};
use sunpath::sys::{libc, option};
use sunpath::{
    Ancillary, Datagram, Errno, MOST_DESCRIPTORS, MOST_IN_A_BATCH, Outgoing, RecvBatch, RecvFlags,
    SendFlags, SeqPacket, SockAddr,
};
use watched::{is_closed, watched};

/// The bytes of the messages of the last receive.
fn texts(batch: &mut RecvBatch) -> Vec<Vec<u8>> {
    batch.messages().map(|message| message.bytes.to_vec()).collect()
}

#[test]
fn messages_keep_their_order_and_bounds() {
    let (a, b) = SeqPacket::pair().unwrap();
    let parts = [IoSlice::new(b"fo"), IoSlice::new(b""), IoSlice::new(b"ur")];
    let messages = [
        Outgoing::new(b"one"),
        Outgoing::new(b""),
        Outgoing::new(b"three is long"),
        Outgoing::vectored(&parts),
        Outgoing::vectored(&[]),
    ];
    assert_eq!(a.send_batch(&messages, SendFlags::NONE).unwrap(), 5);
    let mut batch = RecvBatch::new(9, 6, 0);
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 5);
    assert_eq!(texts(&mut batch), [&b"one"[..], b"", b"three ", b"four", b""]);
    let lengths: Vec<_> = batch.messages().map(|m| m.received.length).collect();
    assert_eq!(lengths, [3, 0, 13, 4, 0]);
    let cut: Vec<_> = batch.messages().map(|m| m.received.is_truncated()).collect();
    assert_eq!(cut, [false, false, true, false, false]);
    let again = b.recv_batch(&mut batch, RecvFlags::DONTWAIT).unwrap_err();
    assert_eq!((again.errno(), texts(&mut batch).len()), (Some(Errno::EAGAIN), 0));
    assert_eq!(a.send_batch(&[], SendFlags::NONE).unwrap(), 0);
}

#[test]
fn a_batch_waits_for_the_first_message_only() {
    let (a, b) = Datagram::pair().unwrap();
    let sender = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        a.send(b"only").unwrap();
        a
    });
    let mut batch = RecvBatch::new(8, 16, 0);
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 1);
    assert_eq!(texts(&mut batch), [b"only"]);
    sender.join().unwrap();
}

/// Control lengths are what a receive shortens: with headers that are used again, the second batch
/// would have no room.
#[test]
fn each_use_has_its_whole_room_again() {
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    b.sockopt().set_pass_credentials(true).unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let fds = [file.as_fd(); 5];
    let mut batch = RecvBatch::new(4, 8, 5);
    for round in 0..5 {
        // None, then ever more: a room that shrank would show.
        let messages: Vec<_> = (0..4)
            .map(|_| Outgoing::new(b"x").with_ancillary(Ancillary::descriptors(&fds[..round])))
            .collect();
        assert_eq!(a.send_batch(&messages, SendFlags::NONE).unwrap(), 4);
        assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 4);
        for message in batch.messages() {
            assert!(!message.received.ancillary_truncated);
            assert!(message.ancillary.credentials().is_some());
            assert_eq!(message.ancillary.take_descriptors().count(), round);
        }
    }
}

#[test]
fn descriptors_belong_to_their_message_and_are_closed_if_not_taken() {
    let (a, b) = Datagram::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let pipes: Vec<_> = (0..6).map(|_| watched()).collect();
    let fds: Vec<BorrowedFd<'_>> = pipes.iter().map(|(_, writer)| writer.as_fd()).collect();
    let messages: Vec<_> = (0..4)
        .map(|i| Outgoing::new(b"x").with_ancillary(Ancillary::descriptors(&fds[..i])))
        .collect();
    assert_eq!(a.send_batch(&messages, SendFlags::NONE).unwrap(), 4);
    let rest = Outgoing::new(b"y").with_ancillary(Ancillary::descriptors(&fds[3..]));
    assert_eq!(a.send_batch(&[rest], SendFlags::NONE).unwrap(), 1);
    let readers: Vec<_> = pipes.into_iter().map(|(reader, _writer)| reader).collect();
    let mut batch = RecvBatch::new(4, 8, 2);
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 4);
    let counts: Vec<_> = batch.messages().map(|m| m.ancillary.descriptors().len()).collect();
    assert_eq!(counts, [0, 1, 2, 2]);
    let lost: Vec<_> = batch.messages().map(|m| m.received.ancillary_truncated).collect();
    assert_eq!(lost, [false, false, false, true]);
    let closed = || readers.iter().map(is_closed).collect::<Vec<_>>();
    assert_eq!(closed(), [false, false, true, false, false, false]);
    // The next receive closes what it finds, also in slots that it does not fill.
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 1);
    assert_eq!(closed(), [true, true, true, false, false, true]);
    drop(batch);
    assert!(closed().iter().all(|closed| *closed));
}

#[test]
fn senders_are_named_and_can_be_answered() {
    let name = |what: &str| {
        let name = format!("sunpath-batch-{what}-{}", std::process::id());
        sunpath::Address::Abstract(name.into_bytes())
    };
    let server = Datagram::bind(name("server")).unwrap();
    let clients = [Datagram::bind(name("one")).unwrap(), Datagram::bind(name("two")).unwrap()];
    for client in &clients {
        client.send_to(b"who am I?", name("server")).unwrap();
    }
    let mut batch = RecvBatch::new(4, 16, 0);
    assert_eq!(server.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 2);
    let senders: Vec<SockAddr> = batch.messages().map(|message| message.sender).collect();
    let answers: Vec<_> = senders.iter().map(|to| Outgoing::new(b"you").to(to)).collect();
    assert_eq!(server.send_batch(&answers, SendFlags::NONE).unwrap(), 2);
    for client in &clients {
        assert_eq!(client.recv(&mut [0; 9]).unwrap().bytes, 3);
    }
    // A sender without a name has none in the slot where another had one.
    Datagram::unbound().unwrap().send_to(b"x", name("server")).unwrap();
    assert_eq!(server.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 1);
    assert_eq!(batch.messages().next().unwrap().sender, SockAddr::unnamed());
}

#[test]
fn a_full_receiver_stops_a_batch_where_it_is_full() {
    let (a, b) = SeqPacket::pair().unwrap();
    let message = vec![7; 20_000];
    let messages = vec![Outgoing::new(&message); MOST_IN_A_BATCH];
    let sent = a.send_batch(&messages, SendFlags::DONTWAIT).unwrap();
    assert!(sent > 0 && sent < MOST_IN_A_BATCH, "{sent}");
    let full = a.send_batch(&messages[sent..], SendFlags::DONTWAIT).unwrap_err();
    assert_eq!(full.errno(), Some(Errno::EAGAIN));
    let mut batch = RecvBatch::new(MOST_IN_A_BATCH, 8, 0);
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), sent);
}

#[test]
fn the_error_of_an_unsent_message_comes_with_the_next_call() {
    let (a, b) = SeqPacket::pair().unwrap();
    let huge = vec![0; 1 << 20];
    let messages = [Outgoing::new(b"ok"), Outgoing::new(&huge), Outgoing::new(b"never")];
    assert_eq!(a.send_batch(&messages, SendFlags::NONE).unwrap(), 1);
    let error = a.send_batch(&messages[1..], SendFlags::NONE).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EMSGSIZE));
    let mut batch = RecvBatch::new(4, 8, 0);
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 1);
    drop(b);
    assert_eq!(a.send_batch(&messages, SendFlags::NONE).unwrap_err().errno(), Some(Errno::EPIPE));
}

#[test]
fn no_message_is_sent_if_one_has_too_many_descriptors() {
    let (a, b) = SeqPacket::pair().unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let fds = vec![file.as_fd(); MOST_DESCRIPTORS + 1];
    let bad = Outgoing::new(b"x").with_ancillary(Ancillary::descriptors(&fds));
    let error = a.send_batch(&[Outgoing::new(b"x"), bad], SendFlags::NONE).unwrap_err();
    assert_eq!(error.cause(), Some("rights/too-many"));
    let mut batch = RecvBatch::new(4, 8, 0);
    let nothing = b.recv_batch(&mut batch, RecvFlags::DONTWAIT).unwrap_err();
    assert_eq!(nothing.errno(), Some(Errno::EAGAIN));
}

#[test]
fn much_ancillary_data_takes_several_calls() {
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let fds = vec![file.as_fd(); MOST_DESCRIPTORS];
    let all = Outgoing::new(b"x").with_ancillary(Ancillary::descriptors(&fds));
    let messages = [all; 3];
    let mut batch = RecvBatch::new(1, 8, MOST_DESCRIPTORS);
    let mut sent = 0;
    while sent < messages.len() {
        let more = a.send_batch(&messages[sent..], SendFlags::NONE).unwrap();
        assert!(more > 0);
        for _ in 0..more {
            assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 1);
            let message = batch.messages().next().unwrap();
            assert_eq!(message.ancillary.take_descriptors().count(), MOST_DESCRIPTORS);
        }
        sent += more;
    }
}

#[test]
fn the_end_of_a_connection_is_no_message() {
    let (a, b) = SeqPacket::pair().unwrap();
    let mut batch = RecvBatch::new(8, 8, 0);
    let messages = [Outgoing::new(b"last"), Outgoing::new(b"")];
    assert_eq!(a.send_batch(&messages, SendFlags::NONE).unwrap(), 2);
    drop(a);
    // The empty message counts, and the kernel's zeros after it do not.
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 2);
    assert_eq!(texts(&mut batch), [&b"last"[..], b""]);
    for flags in [RecvFlags::NONE, RecvFlags::DONTWAIT] {
        assert_eq!(b.recv_batch(&mut batch, flags).unwrap(), 0);
        assert!(texts(&mut batch).is_empty());
    }
    let (c, d) = Datagram::pair().unwrap();
    c.send(b"").unwrap();
    assert_eq!(d.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 1);
    d.shutdown(std::net::Shutdown::Read).unwrap();
    assert_eq!(d.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 0);
}

#[test]
fn a_batch_holds_at_most_what_one_call_moves() {
    let mut batch = RecvBatch::new(1000, 4, 0);
    assert_eq!((batch.capacity(), RecvBatch::new(0, 4, 0).capacity()), (MOST_IN_A_BATCH, 1));
    let (a, b) = SeqPacket::pair().unwrap();
    let messages = vec![Outgoing::new(b"x"); MOST_IN_A_BATCH + 9];
    assert_eq!(a.send_batch(&messages, SendFlags::NONE).unwrap(), MOST_IN_A_BATCH);
    assert_eq!(a.send_batch(&messages[MOST_IN_A_BATCH..], SendFlags::NONE).unwrap(), 9);
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), MOST_IN_A_BATCH);
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 9);
    // A message of which nothing is kept.
    a.send(b"x").unwrap();
    let mut nothing = RecvBatch::new(2, 0, 0);
    assert_eq!(b.recv_batch(&mut nothing, RecvFlags::NONE).unwrap(), 1);
    assert_eq!(nothing.messages().next().unwrap().received.length, 1);
}

#[test]
fn messages_after_an_empty_one_are_not_beyond_the_end() {
    let (a, b) = SeqPacket::pair().unwrap();
    a.send(b"0").unwrap();
    b.recv(&mut [0; 1]).unwrap();
    // Somebody else who holds the socket takes the marks away.
    option::set_switch(&b, libc::SO_TIMESTAMP, false).unwrap();
    let sent = [&b"1"[..], b"", b"2", b"", b"", b"3"];
    let messages = sent.map(Outgoing::new);
    assert_eq!(a.send_batch(&messages, SendFlags::NONE).unwrap(), sent.len());
    drop(a);
    let mut batch = RecvBatch::new(16, 8, 0);
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), sent.len());
    assert_eq!(texts(&mut batch), sent);
    assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 0);
}
