//! Descriptors that arrive where there is no number, no room or no wish for them: none stays open.

use std::fs::File;
use std::io::{IoSliceMut, Read, Write};
use std::os::fd::AsFd;
use sunpath::sys::process::{descriptor_limit, limit_descriptors};
use sunpath::{
    Address, Ancillary, AncillaryBuffer, Datagram, Listener, Outgoing, Received, RecvBatch,
    RecvFlags, SendFlags, SeqPacket, SeqPacketListener, Stream, Suspect,
};

crate::tests! {
    the_limit_is_met_at_every_position
    the_limit_is_met_within_a_batch
    pidfds_that_nobody_asked_for
    pidfds_without_a_number
    three_descriptors_into_room_for_one
    descriptors_without_any_room
}

/// The numbers in use.
fn numbers() -> Vec<u64> {
    let listing = std::fs::read_dir("/proc/self/fd").unwrap();
    let names = listing.map(|entry| entry.unwrap().file_name());
    let open = |number: &u64| std::fs::exists(format!("/proc/self/fd/{number}")).unwrap();
    let numbers: Vec<u64> = names.map(|name| name.to_str().unwrap().parse().unwrap()).collect();
    // The listing's own is gone by now.
    numbers.into_iter().filter(open).collect()
}

fn open_descriptors() -> usize {
    numbers().len()
}

/// Leaves so many numbers for new descriptors while it runs.
pub(crate) fn with_numbers_left<T>(count: usize, action: impl FnOnce() -> T) -> T {
    let before = descriptor_limit(None).unwrap().unwrap_or(4096);
    let used = numbers();
    let mut free = (0..).filter(|number| !used.contains(number));
    let limit = free.nth(count).unwrap();
    limit_descriptors(limit).unwrap();
    let value = action();
    limit_descriptors(before).unwrap();
    value
}

const SENT: usize = 5;

/// Receives into room for all that were sent, with numbers for 0, 1, ... of them left.
fn at_every_position(
    send: impl Fn(&Ancillary<'_>),
    receive: impl Fn(&mut [u8], &mut AncillaryBuffer) -> Received,
) {
    let file = File::open("/dev/null").unwrap();
    let fds = [file.as_fd(); SENT];
    let mut room = AncillaryBuffer::new(SENT);
    let before = open_descriptors();
    for fit in 0..=SENT + 1 {
        let arrive = fit.min(SENT);
        let mut bytes = [0; 8];
        send(&Ancillary::descriptors(&fds));
        let (received, truncation) = with_numbers_left(fit, || {
            let received = receive(&mut bytes, &mut room);
            (received, room.truncation())
        });
        assert_eq!(&bytes[..received.bytes], b"data");
        assert_eq!(room.descriptors().len(), arrive);
        assert_eq!(open_descriptors(), before + arrive);
        assert_eq!(received.ancillary_truncated, fit < SENT);
        if let Some(truncation) = truncation {
            assert_eq!((truncation.room, truncation.received), (SENT, arrive));
            assert_eq!(truncation.suspects[0], Suspect::DescriptorLimit, "{truncation}");
            assert!(truncation.open >= truncation.limit, "{truncation:?}");
        }
        room.take_descriptors().for_each(drop);
        assert_eq!(open_descriptors(), before);
    }
}

fn the_limit_is_met_at_every_position() {
    let (a, b) = Stream::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    at_every_position(
        |ancillary| assert_eq!(a.send_with(b"data", ancillary).unwrap(), 4),
        |bytes, room| b.recv_with(bytes, room).unwrap(),
    );
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    at_every_position(
        |ancillary| a.send_with(b"data", ancillary).unwrap(),
        |bytes, room| b.recv_with(bytes, room).unwrap(),
    );
    let (a, b) = Datagram::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    at_every_position(
        |ancillary| a.send_with(b"data", ancillary).unwrap(),
        |bytes, room| b.recv_with(bytes, room).unwrap().0,
    );
}

fn the_limit_is_met_within_a_batch() {
    const MESSAGES: usize = 3;
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let file = File::open("/dev/null").unwrap();
    let fds = [file.as_fd(); SENT];
    let message = Outgoing::new(b"data").with_ancillary(Ancillary::descriptors(&fds));
    let mut batch = RecvBatch::new(MESSAGES, 8, SENT);
    let before = open_descriptors();
    for fit in 0..=MESSAGES * SENT + 1 {
        assert_eq!(a.send_batch(&[message; MESSAGES], SendFlags::NONE).unwrap(), MESSAGES);
        let count = with_numbers_left(fit, || b.recv_batch(&mut batch, RecvFlags::NONE));
        assert_eq!(count.unwrap(), MESSAGES);
        let arrived: usize = batch.messages().map(|m| m.ancillary.descriptors().len()).sum();
        assert_eq!(arrived, fit.min(MESSAGES * SENT));
        assert_eq!(open_descriptors(), before + arrived);
        assert!(batch.messages().all(|message| message.bytes == b"data"));
        let lost = batch.messages().filter(|message| message.received.ancillary_truncated);
        assert_eq!(lost.count(), MESSAGES - (fit / SENT).min(MESSAGES));
        a.send(b"").unwrap();
        assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 1);
        assert_eq!(open_descriptors(), before);
    }
}

/// An accepted socket has `SO_PASSPIDFD` from its listener, and then every message brings one.
fn pidfds_that_nobody_asked_for() {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    if let Err(error) = listener.sockopt().set_pass_pidfd(true) {
        return eprintln!("skipped: {error}");
    }
    let mut client = Stream::connect(listener.local_addr().unwrap()).unwrap();
    let mut server = listener.accept().unwrap();
    let packets = SeqPacketListener::bind(&Address::Unnamed).unwrap();
    packets.sockopt().set_pass_pidfd(true).unwrap();
    let sender = SeqPacket::connect(packets.local_addr().unwrap()).unwrap();
    let receiver = packets.accept().unwrap();
    let mut room = AncillaryBuffer::new(1);
    let mut batch = RecvBatch::new(4, 8, 0);
    let before = open_descriptors();
    let mut byte = [0; 1];
    let mut came = 0;
    for _ in 0..20 {
        client.write_all(b"xyz").unwrap();
        server.recv_with(&mut byte, &mut room).unwrap();
        came += usize::from(room.pidfd().is_some());
        server.recv_with(&mut byte, &mut AncillaryBuffer::default()).unwrap();
        server.recv_with(&mut byte, &mut AncillaryBuffer::new(0)).unwrap();
        client.write_all(b"xy").unwrap();
        assert_eq!(server.read(&mut byte).unwrap(), 1);
        assert_eq!(server.read_vectored(&mut [IoSliceMut::new(&mut byte)]).unwrap(), 1);
        (0..4).for_each(|_| sender.send(b"x").unwrap());
        assert_eq!(receiver.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 4);
        assert!(batch.messages().all(|message| message.ancillary.pidfd().is_some()));
    }
    assert_eq!(came, 20);
    // The buffers hold those of the last messages, and of no others.
    assert_eq!(open_descriptors(), before + 1 + 4);
    drop((room, batch));
    assert_eq!(open_descriptors(), before);
}

fn pidfds_without_a_number() {
    let (a, b) = Datagram::pair().unwrap();
    if let Err(error) = b.sockopt().set_pass_pidfd(true) {
        return eprintln!("skipped: {error}");
    }
    let mut room = AncillaryBuffer::new(1);
    let before = open_descriptors();
    for fit in [0, 1] {
        a.send(b"x").unwrap();
        let mut byte = [0; 1];
        let received = with_numbers_left(fit, || b.recv_with(&mut byte, &mut room).unwrap().0);
        assert_eq!((received.bytes, received.ancillary_truncated), (1, fit == 0));
        assert_eq!(room.pidfd().is_some(), fit == 1);
        if let Some(truncation) = room.truncation() {
            assert!(truncation.suspects.contains(&Suspect::DescriptorLimit), "{truncation:?}");
        }
    }
    drop(room);
    assert_eq!(open_descriptors(), before);
}

fn three_descriptors_into_room_for_one() {
    let (a, b) = Stream::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let fds = [a.as_fd(); 3];
    let mut room = AncillaryBuffer::new(1);
    let before = open_descriptors();
    for _ in 0..20 {
        a.send_with(b"x", &Ancillary::descriptors(&fds)).unwrap();
        assert!(b.recv_with(&mut [0; 1], &mut room).unwrap().ancillary_truncated);
        assert_eq!(open_descriptors(), before + 1);
    }
    drop(room);
    assert_eq!(open_descriptors(), before);
}

fn descriptors_without_any_room() {
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let fds = [a.as_fd(); 3];
    let mut batch = RecvBatch::new(2, 8, 0);
    let before = open_descriptors();
    for _ in 0..20 {
        let ancillary = Ancillary::descriptors(&fds);
        (0..4).for_each(|_| a.send_with(b"x", &ancillary).unwrap());
        let received = b.recv_with(&mut [0; 1], &mut AncillaryBuffer::default()).unwrap();
        assert!(received.ancillary_truncated);
        assert_eq!(b.recv(&mut [0; 1]).unwrap().bytes, 1);
        assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 2);
        assert!(batch.messages().all(|message| message.received.ancillary_truncated));
        assert_eq!(open_descriptors(), before);
    }
}
