//! Descriptors, credentials and messages in a simulation.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use sunpath::sim::{Failure, World};
use sunpath::{Ancillary, AncillaryBuffer, Datagram, Platform, SeqPacket, Stream};

#[test]
fn a_socket_is_passed_to_another_process() {
    World::default().run(|program| {
        let (here, there) = Stream::pair().unwrap();
        here.sockopt().set_pass_rights(true).unwrap();
        there.sockopt().set_pass_rights(true).unwrap();
        let worker = program.spawn("worker", move || {
            let (mut bytes, mut beside) = ([0; 8], AncillaryBuffer::new(1));
            there.recv_with(&mut bytes, &mut beside).unwrap();
            let passed = beside.take_descriptors().next().unwrap();
            Stream::try_from(passed).unwrap().send(b"it is mine").unwrap()
        });
        let (mine, given) = Stream::pair().unwrap();
        here.send_with(b"take it", &Ancillary::descriptors(&[given.as_fd()])).unwrap();
        drop(given);
        let mut bytes = [0; 16];
        assert_eq!(mine.recv(&mut bytes).unwrap(), 10);
        assert_eq!(mine.recv(&mut bytes).unwrap(), 0);
        assert_eq!(worker.join(), Some(10));
    });
}

#[test]
fn descriptors_that_nobody_takes_are_closed() {
    World::default().run(|_| {
        let (a, b) = Stream::pair().unwrap();
        b.sockopt().set_pass_rights(true).unwrap();
        let (kept, given) = Stream::pair().unwrap();
        a.send_with(b"x", &Ancillary::descriptors(&[given.as_fd()])).unwrap();
        drop(given);
        assert_eq!(b.recv(&mut [0; 8]).unwrap(), 1);
        assert_eq!(kept.recv(&mut [0; 8]).unwrap(), 0);
    });
}

#[test]
fn a_descriptor_in_flight_is_no_leak_but_a_lost_one_is() {
    let report = World::default().report(|_| {
        let (a, b) = Stream::pair().unwrap();
        b.sockopt().set_pass_rights(true).unwrap();
        a.send_with(b"x", &Ancillary::descriptors(&[a.as_fd()])).unwrap();
        let mut beside = AncillaryBuffer::new(1);
        b.recv_with(&mut [0; 8], &mut beside).unwrap();
        std::mem::forget(beside.take_descriptors().next());
    });
    assert!(matches!(report.failure, Some(Failure::Leaked(_))), "{report}");
}

#[test]
fn the_sender_is_known() {
    World::default().run(|program| {
        let (a, b) = SeqPacket::pair().unwrap();
        b.sockopt().set_pass_credentials(true).unwrap();
        a.send(b"x").unwrap();
        let mut beside = AncillaryBuffer::new(0);
        b.recv_with(&mut [0; 8], &mut beside).unwrap();
        let here = beside.credentials().unwrap();
        let child = program.spawn("child", move || a.send(b"y").unwrap());
        b.recv_with(&mut [0; 8], &mut beside).unwrap();
        let there = beside.credentials().unwrap();
        assert_ne!((here, there.uid), (there, 1));
        child.join();
    });
}

#[test]
fn packets_keep_their_bounds_and_their_end_is_told() {
    World::default().run(|_| {
        let (a, b) = SeqPacket::pair().unwrap();
        a.send(b"one").unwrap();
        a.send(b"").unwrap();
        drop(a);
        let mut bytes = [0; 8];
        assert_eq!(b.recv(&mut bytes).unwrap().bytes, 3);
        let empty = b.recv(&mut bytes).unwrap();
        assert!(empty.bytes == 0 && !empty.end_of_file);
        assert!(b.recv(&mut bytes).unwrap().end_of_file);
    });
}

#[test]
fn datagrams_go_to_whom_they_are_for() {
    for platform in [Platform::Linux, Platform::FreeBsd15, Platform::OpenServer] {
        World::default().platform(platform).run(|_| {
            let receiver = Datagram::bind("/tmp/log").unwrap();
            let sender = Datagram::bind("/tmp/program").unwrap();
            sender.send_to(b"hello", "/tmp/log").unwrap();
            let (received, from) = receiver.recv_from(&mut [0; 8]).unwrap();
            assert_eq!(received.bytes, 5);
            assert_eq!(from.as_path(), Some("/tmp/program".as_ref()));
        });
    }
}

#[test]
fn batches_are_moved_message_by_message() {
    use sunpath::{Outgoing, RecvBatch, RecvFlags, SendFlags};
    World::default().run(|program| {
        let (a, b) = SeqPacket::pair().unwrap();
        let reader = program.spawn("reader", move || {
            let (mut batch, mut all) = (RecvBatch::new(8, 16, 0), Vec::new());
            while all.len() < 3 {
                b.recv_batch(&mut batch, RecvFlags::NONE).unwrap();
                all.extend(batch.messages().map(|message| message.bytes.to_vec()));
            }
            all
        });
        let messages = [Outgoing::new(b"one"), Outgoing::new(b""), Outgoing::new(b"three")];
        assert_eq!(a.send_batch(&messages, SendFlags::NONE).unwrap(), 3);
        assert_eq!(reader.join().unwrap(), [&b"one"[..], b"", b"three"]);
    });
}

#[test]
fn who_spins_waits_at_once() {
    World::default().run(|program| {
        let (a, mut b) = Stream::pair().unwrap();
        let mut a = a.spin(std::time::Duration::from_secs(60));
        program.spawn("other", move || b.write_all(b"x").unwrap());
        assert_eq!(a.read(&mut [0; 8]).unwrap(), 1);
    });
}
