//! The traps in which descriptors get lost, or into the wrong hands.

use crate::leaks::leaves_nothing;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use sunpath::sys::process::{limit_descriptors, raise_descriptor_limit};
use sunpath::{Ancillary, AncillaryBuffer, Datagram, SeqPacket, Stream};

crate::tests! {
    leaked_descriptors_on_truncation
    leaked_descriptors_at_the_limit
    leaked_pidfds
    close_on_exec
}

fn leaked_descriptors_on_truncation() {
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let mut buffer = [0; 8];
    for room in 0..6 {
        for count in 0..9 {
            let mut ancillary = AncillaryBuffer::new(room);
            leaves_nothing(|| {
                let fds = [a.as_fd(); 9];
                a.send_with(b"x", &Ancillary::descriptors(&fds[..count])).unwrap();
                let received = b.recv_with(&mut buffer, &mut ancillary).unwrap();
                assert_eq!(received.ancillary_truncated, count > room);
                assert_eq!(ancillary.take_descriptors().count(), count.min(room));
            });
        }
    }
    // What is not taken out, and what a plain receive has no place for.
    let mut ancillary = AncillaryBuffer::new(3);
    leaves_nothing(|| {
        for _ in 0..2 {
            a.send_with(b"x", &Ancillary::descriptors(&[a.as_fd(); 3])).unwrap();
        }
        b.recv_with(&mut buffer, &mut ancillary).unwrap();
        b.recv(&mut buffer).unwrap();
        ancillary = AncillaryBuffer::new(3);
    });
}

/// The process cannot have as many descriptors as arrive, at each number that is short.
fn leaked_descriptors_at_the_limit() {
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let mut ancillary = AncillaryBuffer::new(4);
    let free: u64 = File::open("/dev/null").unwrap().as_raw_fd().cast_unsigned().into();
    for more in (0..5).rev() {
        // The limit holds for what this user has in flight, too, which may be elsewhere.
        raise_descriptor_limit().unwrap();
        a.send_with(b"data", &Ancillary::descriptors(&[a.as_fd(); 4])).unwrap();
        limit_descriptors(free + more).unwrap();
        let mut buffer = [0; 8];
        let received = b.recv_with(&mut buffer, &mut ancillary).unwrap();
        assert_eq!(&buffer[..received.bytes], b"data");
        assert_eq!(received.ancillary_truncated, more < 4);
        assert_eq!(ancillary.take_descriptors().count() as u64, more);
        // All that arrived is closed, and its numbers are free again.
        let next = (more > 0).then(|| File::open("/dev/null").unwrap());
        assert!(next.is_none_or(|file| u64::from(file.as_raw_fd().cast_unsigned()) == free));
    }
}

fn leaked_pidfds() {
    let mut buffer = [0; 8];
    let (a, b) = SeqPacket::pair().unwrap();
    let (c, d) = Datagram::pair().unwrap();
    let (e, mut f) = Stream::pair().unwrap();
    let on = [
        b.sockopt().set_pass_pidfd(true),
        d.sockopt().set_pass_pidfd(true),
        f.sockopt().set_pass_pidfd(true),
    ];
    if on.iter().any(Result::is_err) {
        eprintln!("skipped: this kernel has no SO_PASSPIDFD");
        return;
    }
    let mut ancillaries = [0, 1, 4].map(AncillaryBuffer::new);
    leaves_nothing(|| {
        for ancillary in &mut ancillaries {
            a.send(b"x").unwrap();
            b.recv_with(&mut buffer, ancillary).unwrap();
            c.send(b"x").unwrap();
            d.recv_with(&mut buffer, ancillary).unwrap();
            e.send_with(b"x", &Ancillary::NONE).unwrap();
            f.recv_with(&mut buffer, ancillary).unwrap();
            drop(ancillary.take_pidfd());
        }
        a.send(b"x").unwrap();
        b.recv(&mut buffer).unwrap();
        e.send_with(b"x", &Ancillary::NONE).unwrap();
        f.read_exact(&mut buffer[..1]).unwrap();
    });
}

/// Another thread looks at the number that each received descriptor gets: whenever it is open, it
/// is close-on-exec.
fn close_on_exec() {
    const CLOEXEC: u32 = 0o2_000_000;
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let mut ancillary = AncillaryBuffer::new(1);
    let mut receive = || {
        a.send_with(b"x", &Ancillary::descriptors(&[a.as_fd()])).unwrap();
        b.recv_with(&mut [0; 8], &mut ancillary).unwrap();
        ancillary.take_descriptors().next().unwrap()
    };
    let first = receive();
    let number = first.as_raw_fd();
    let mut info = File::open(format!("/proc/self/fdinfo/{number}")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut looks, mut text) = (0, String::new());
            while !done.load(Ordering::Relaxed) {
                text.clear();
                info.rewind().unwrap();
                // There is nothing to read while the number is free.
                if info.read_to_string(&mut text).is_err() {
                    continue;
                }
                let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
                let flags = u32::from_str_radix(flags.trim(), 8).unwrap();
                assert_ne!(flags & CLOEXEC, 0);
                looks += 1;
            }
            looks
        });
        drop(first);
        let deadline = Instant::now() + Duration::from_millis(300);
        while Instant::now() < deadline && !watcher.is_finished() {
            assert_eq!(receive().as_raw_fd(), number);
        }
        done.store(true, Ordering::Relaxed);
        assert!(watcher.join().unwrap() > 0);
    });
}
