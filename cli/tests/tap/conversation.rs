//! What is said arrives as it was said: bytes, messages, urgent bytes, descriptors.

use crate::scene::{Noise, Pair, soon};
use std::fs::File;
use std::io::{IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use sunpath::{
    Ancillary, AncillaryBuffer, MOST_DESCRIPTORS, RecvFlags, SendFlags, SeqPacket, Stream,
};

/// Device and inode.
fn identity(fd: &impl AsFd) -> (u64, u64) {
    let file = File::from(fd.as_fd().try_clone_to_owned().unwrap());
    let status = file.metadata().unwrap();
    (status.dev(), status.ino())
}

fn files(pair: &crate::scene::Scene, count: usize) -> Vec<OwnedFd> {
    let make = |n| File::create(pair.dir.join(format!("file-{n}"))).unwrap().into();
    (0..count).map(make).collect()
}

fn borrowed(files: &[OwnedFd]) -> Vec<BorrowedFd<'_>> {
    files.iter().map(AsFd::as_fd).collect()
}

#[test]
fn megabytes_arrive_unchanged_both_ways_at_once() {
    let Pair { client, server, tap, scene: _scene } = Pair::streams();
    const BYTES: usize = 6 << 20;
    let send = |stream: Stream, seed| {
        std::thread::spawn(move || {
            let (mut noise, mut sizes) = (Noise::new(seed), Noise::new(seed + 100));
            let mut left = BYTES;
            while left > 0 {
                let length = (sizes.next() as usize % 150_000 + 1).min(left);
                (&stream).write_all(&noise.bytes(length)).unwrap();
                left -= length;
            }
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        })
    };
    let receive = |stream: Stream, seed| {
        std::thread::spawn(move || {
            let mut all = Vec::new();
            (&stream).read_to_end(&mut all).unwrap();
            assert_eq!(all.len(), BYTES);
            assert!(all == Noise::new(seed).bytes(BYTES), "bytes differ");
        })
    };
    let threads = [
        send(client.try_clone().unwrap(), 1),
        send(server.try_clone().unwrap(), 2),
        receive(server, 1),
        receive(client, 2),
    ];
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(tap.stop().code, Some(0));
}

#[test]
fn packets_keep_their_boundaries_and_empty_ones_stay() {
    let Pair { client, server, tap: _tap, scene: _scene } = Pair::packets();
    let lengths = [0, 1, 0, 0, 192, 193, 65_535, 65_536, 65_537, 150_000, 0, 5, 0];
    let sender = {
        let client = client.try_clone().unwrap();
        std::thread::spawn(move || {
            for (n, length) in lengths.into_iter().enumerate() {
                client.send(&Noise::new(n as u64).bytes(length)).unwrap();
            }
        })
    };
    let mut buffer = vec![0; 200_000];
    for (n, length) in lengths.into_iter().enumerate() {
        let received = server.recv(&mut buffer).unwrap();
        assert!(!received.end_of_file, "packet {n}");
        assert_eq!((received.bytes, received.length), (length, length), "packet {n}");
        assert!(buffer[..length] == Noise::new(n as u64).bytes(length), "packet {n}");
    }
    sender.join().unwrap();
    server.send(b"").unwrap();
    server.shutdown(std::net::Shutdown::Write).unwrap();
    let empty = client.recv(&mut buffer).unwrap();
    assert!(empty.bytes == 0 && !empty.end_of_file);
    assert!(client.recv(&mut buffer).unwrap().end_of_file);
}

#[test]
fn a_packet_beyond_the_usual_buffer_passes() {
    let Pair { client, server, tap: _tap, scene: _scene } = Pair::packets();
    if client.sockopt().set_send_buffer_force(1 << 20).is_err() {
        eprintln!("skipped: a send buffer beyond the system's limit takes CAP_NET_ADMIN");
        return;
    }
    let message = Noise::new(5).bytes(700_000);
    client.send(&message).unwrap();
    let mut buffer = vec![0; 800_000];
    let received = server.recv(&mut buffer).unwrap();
    assert!(received.length == message.len() && buffer[..message.len()] == message);
}

#[test]
fn an_urgent_byte_arrives_as_such_and_in_its_place() {
    let Pair { client, server, tap: _tap, scene: _scene } = Pair::streams();
    let mut buffer = [0; 64];
    for round in 0..20 {
        client.send_with_flags(b"before!", SendFlags::OOB).unwrap();
        client.send(b"after").unwrap();
        soon("all is there", || server.sockopt().readable().unwrap() >= 12);
        let length = server.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"before", "round {round}");
        assert!(server.sockopt().is_at_mark().unwrap(), "round {round}");
        assert_eq!(server.recv_with_flags(&mut buffer, RecvFlags::OOB).unwrap(), 1);
        assert_eq!(buffer[0], b'!');
        let length = server.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"after", "round {round}");
    }
    // An urgent byte alone wakes a server that waits for it.
    server.send_with_flags(b"?", SendFlags::OOB).unwrap();
    soon("the urgent byte", || client.recv_with_flags(&mut buffer, RecvFlags::OOB).is_ok());
    assert_eq!(buffer[0], b'?');
}

#[test]
fn descriptors_arrive_with_the_bytes_they_were_sent_with() {
    let Pair { client, server, tap: _tap, scene } = Pair::streams();
    let files = files(&scene, 3);
    client.send(b"plain").unwrap();
    client.send_with(b"one", &Ancillary::descriptors(&borrowed(&files[..1]))).unwrap();
    client.send_with(b"two", &Ancillary::descriptors(&borrowed(&files[1..]))).unwrap();
    client.send(b"end").unwrap();
    soon("all is there", || server.sockopt().readable().unwrap() == 14);
    // Read exactly, nothing comes too early: that is how many protocols tell what is whose.
    let mut room = AncillaryBuffer::new(8);
    let expected: [(&[u8], &[OwnedFd]); 4] =
        [(b"plain", &[]), (b"one", &files[..1]), (b"two", &files[1..]), (b"end", &[])];
    for (bytes, sent) in expected {
        let mut buffer = vec![0; bytes.len()];
        let received = server.recv_with(&mut buffer, &mut room).unwrap();
        assert_eq!((&buffer[..], received.bytes), (bytes, bytes.len()));
        let came: Vec<_> = room.take_descriptors().map(|fd| identity(&fd)).collect();
        assert_eq!(came, sent.iter().map(identity).collect::<Vec<_>>());
    }
}

/// Much is passed on without being copied, and descriptors and urgent bytes cannot go that way.
#[test]
fn descriptors_and_urgent_bytes_keep_their_place_amid_much_else() {
    let Pair { client, server, tap: _tap, scene } = Pair::streams();
    let files = files(&scene, 4);
    let ids: Vec<_> = files.iter().map(identity).collect();
    const ROUNDS: usize = 12;
    server.sockopt().set_urgent_inline(true).unwrap();
    let sender = std::thread::spawn(move || {
        let mut sizes = Noise::new(8);
        for _ in 0..ROUNDS {
            for part in 0..3 {
                let length = 20_000 + sizes.next() as usize % 300_000;
                (&client).write_all(&Noise::new(length as u64).bytes(length)).unwrap();
                if part < 2 {
                    let beside = borrowed(&files[part * 2..part * 2 + 2]);
                    client.send_with(b"files", &Ancillary::descriptors(&beside)).unwrap();
                }
            }
            client.send_with_flags(b"!", SendFlags::OOB).unwrap();
            // Only the latest urgent byte counts, so they go one by one.
            (&client).read_exact(&mut [0]).unwrap();
        }
    });
    let mut sizes = Noise::new(8);
    let mut room = AncillaryBuffer::new(4);
    for round in 0..ROUNDS {
        for part in 0..3 {
            let length = 20_000 + sizes.next() as usize % 300_000;
            let (mut buffer, mut filled) = (vec![0; length], 0);
            while filled < length {
                let received = server.recv_with(&mut buffer[filled..], &mut room).unwrap();
                assert!(room.descriptors().is_empty(), "too early: round {round}");
                filled += received.bytes;
            }
            assert!(buffer == Noise::new(length as u64).bytes(length), "round {round}");
            if part < 2 {
                let received = server.recv_with(&mut [0; 5], &mut room).unwrap();
                let came: Vec<_> = room.take_descriptors().map(|fd| identity(&fd)).collect();
                assert_eq!((received.bytes, &came[..]), (5, &ids[part * 2..part * 2 + 2]));
            }
        }
        soon("the urgent byte", || server.sockopt().readable().unwrap() == 1);
        assert!(server.sockopt().is_at_mark().unwrap(), "round {round}");
        server.recv(&mut [0]).unwrap();
        server.send(b"+").unwrap();
    }
    sender.join().unwrap();
}

/// The single byte may be held back by the tap, and its descriptor with it.
#[test]
fn a_descriptor_beside_a_single_byte_arrives_once() {
    let Pair { client, server, tap: _tap, scene } = Pair::streams();
    let files = files(&scene, 1);
    let (mut buffer, mut room) = ([0; 64], AncillaryBuffer::new(2));
    for round in 0..10 {
        client.send_with(b"f", &Ancillary::descriptors(&borrowed(&files))).unwrap();
        let received = server.recv_with(&mut buffer, &mut room).unwrap();
        let descriptors: Vec<_> = room.take_descriptors().collect();
        assert_eq!((received.bytes, descriptors.len()), (1, 1), "round {round}");
        assert_eq!(identity(&descriptors[0]), identity(&files[0]));
        for plain in [&b"plain"[..], b"p", b"!"].iter().take(round % 4) {
            let flags = if *plain == b"!" { SendFlags::OOB } else { SendFlags::NONE };
            server.sockopt().set_urgent_inline(true).unwrap();
            client.send_with_flags(plain, flags).unwrap();
            let received = server.recv_with(&mut buffer, &mut room).unwrap();
            assert_eq!(&buffer[..received.bytes], *plain, "round {round}");
            assert_eq!(room.descriptors().len(), 0, "round {round}");
        }
    }
    client.send_with(b"f", &Ancillary::descriptors(&borrowed(&files))).unwrap();
    soon("it is there", || server.sockopt().readable().unwrap() == 1);
    crate::common::close(server);
    let error = client.recv(&mut buffer).unwrap_err();
    assert_eq!(error.errno(), Some(sunpath::Errno::ECONNRESET));
}

#[test]
fn as_many_descriptors_as_fit_pass_beside_bytes_and_packets() {
    let pair = Pair::packets();
    let all = files(&pair.scene, MOST_DESCRIPTORS);
    let ids: Vec<_> = all.iter().map(identity).collect();
    let mut room = AncillaryBuffer::new(MOST_DESCRIPTORS);
    let packets = |from: &SeqPacket, to: &SeqPacket, room: &mut AncillaryBuffer| {
        for message in [&b""[..], b"x", &[7; 100_000]] {
            from.send_with(message, &Ancillary::descriptors(&borrowed(&all))).unwrap();
            let mut buffer = vec![0; 100_000];
            let received = to.recv_with(&mut buffer, room).unwrap();
            assert_eq!(&buffer[..received.bytes], message);
            let came: Vec<_> = room.take_descriptors().map(|fd| identity(&fd)).collect();
            assert!(came == ids && !received.end_of_file);
        }
    };
    packets(&pair.client, &pair.server, &mut room);
    packets(&pair.server, &pair.client, &mut room);

    let pair = Pair::streams();
    let long = Noise::new(3).bytes(30_000);
    for _ in 0..5 {
        let bytes = [IoSlice::new(&long)];
        let with = Ancillary::descriptors(&[]);
        pair.client.send_message(&bytes, &with, SendFlags::NONE).unwrap();
        pair.client.send_with(b"x", &Ancillary::descriptors(&borrowed(&all))).unwrap();
    }
    for _ in 0..5 {
        let mut buffer = vec![0; long.len()];
        (&pair.server).read_exact(&mut buffer).unwrap();
        assert!(buffer == long);
        let received = pair.server.recv_with(&mut [0], &mut room).unwrap();
        assert_eq!((received.bytes, room.descriptors().len()), (1, all.len()));
    }
}

#[test]
fn no_descriptor_is_left_open_in_the_tap() {
    let Pair { client, server, tap, scene } = Pair::streams();
    let count = || std::fs::read_dir(format!("/proc/{}/fd", tap.pid())).unwrap().count();
    client.send(b"x").unwrap();
    server.recv(&mut [0]).unwrap();
    let before = count();
    let files = files(&scene, 10);
    let mut room = AncillaryBuffer::new(10);
    for _ in 0..50 {
        client.send_with(b"take", &Ancillary::descriptors(&borrowed(&files))).unwrap();
        server.recv_with(&mut [0; 4], &mut room).unwrap();
        assert_eq!(room.descriptors().len(), 10);
    }
    client.send(b"x").unwrap();
    server.recv(&mut [0]).unwrap();
    soon("all are closed", || count() == before);
}
