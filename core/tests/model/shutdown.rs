//! `shutdown`, in every direction and for every type.

use crate::scene::*;
use crate::service::*;
use sunpath_core::Errno;
use sunpath_core::model::Step;
use sunpath_core::op::{Kind, Op, Ret};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, OPENSERVER, Profile};

#[test]
fn a_descriptor_must_be_a_socket() {
    let mut host = Host::new(LINUX);
    let shut = |fd, how| Op::Shutdown { fd, how };
    fails(host.call(shut(9, 0)), "shutdown/bad-descriptor", Errno::EBADF);
    fails(host.call(shut(0, 0)), "shutdown/not-a-socket-descriptor", Errno::ENOTSOCK);
}

#[test]
fn there_are_three_directions() {
    for profile in Profile::ALL {
        let mut host = Host::new(profile.clone());
        let (a, _) = host.pair(STREAM);
        for how in [-1, 3, i32::MIN, i32::MAX] {
            let shut = host.call(Op::Shutdown { fd: a, how });
            fails(shut, "shutdown/bad-direction", Errno::EINVAL);
        }
    }
}

#[test]
fn linux_shuts_a_socket_down_in_every_state() {
    for kind in [STREAM, PACKETS, DATAGRAM] {
        for how in 0..3 {
            let mut host = Host::new(LINUX);
            let fresh = host.socket(kind);
            let bound = host.bound(kind, "/b");
            let (a, b) = host.pair(kind);
            host.close(b);
            for fd in [fresh, bound, a] {
                host.shut(fd, how);
                host.shut(fd, how);
            }
        }
    }
}

#[test]
fn others_shut_down_connections_only() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let shuts = *profile.connection.failed_shutdown_shuts;
        let mut host = Host::new(profile);
        let fresh = host.socket(STREAM);
        let datagram = host.bound(DATAGRAM, "/d");
        let (a, b) = host.pair(STREAM);
        host.shut(a, 1);
        host.close(b);
        for fd in [fresh, datagram, a] {
            let shut = host.call(Op::Shutdown { fd, how: 2 });
            fails(shut, "shutdown/not-connected", Errno::ENOTCONN);
        }
        // On FreeBSD a datagram socket is shut all the same.
        let sender = host.socket(DATAGRAM);
        done(host.call(connect(sender, "/d")));
        assert_eq!(matches!(host.send(sender, b"x"), Step::Fail(_)), shuts);
    }
}

/// What a call came to, in a word: a message, the end, an error, a number of bytes.
fn word(step: Step) -> String {
    match step {
        Step::Done(Ret::Received(r)) if r.returned == 0 => "end".into(),
        Step::Done(Ret::Received(r)) => String::from_utf8_lossy(&r.data).into(),
        Step::Done(_) => "ok".into(),
        Step::Fail(failure) => failure.errno.to_string(),
        Step::Blocked(_) => "waits".into(),
    }
}

/// What follows when `a` shuts down, with one message queued each way: `a` reads and reads again,
/// sends, polls; then `b` does.
fn consequences(kind: Kind, how: i32) -> String {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(kind);
    host.sends(a, b"to-b");
    host.sends(b, b"to-a");
    host.shut(a, how);
    let events = [a, b].map(|fd| host.events(fd));
    let mut line = String::new();
    for (end, events) in [a, b].into_iter().zip(events) {
        let (first, second) = (word(host.recv(end)), word(host.recv(end)));
        let sent = word(host.send(end, b"more"));
        line += &format!("{first} {second} {sent} {events} | ");
    }
    line
}

#[test]
fn every_direction_of_every_type() {
    let mut table = String::new();
    for (kind, name) in [(STREAM, "stream"), (PACKETS, "seqpacket"), (DATAGRAM, "datagram")] {
        for (how, direction) in [(0, "reading"), (1, "writing"), (2, "both")] {
            let line = consequences(kind, how);
            table += &format!("{name} {direction}: {}\n", line.trim_end_matches(" | "));
        }
    }
    // After a has sent "more", b reads that, too, before it would have to wait.
    let expected = "\
stream reading: to-a end ok in,out,rdhup | to-bmore EAGAIN EPIPE in,out
stream writing: to-a EAGAIN EPIPE in,out | to-b end ok in,out,rdhup
stream both: to-a end EPIPE in,out,rdhup,hup | to-b end EPIPE in,out,rdhup,hup
seqpacket reading: to-a end ok in,out,rdhup | to-b more EPIPE in,out
seqpacket writing: to-a EAGAIN EPIPE in,out | to-b end ok in,out,rdhup
seqpacket both: to-a end EPIPE in,out,rdhup,hup | to-b end EPIPE in,out,rdhup,hup
datagram reading: to-a EAGAIN ok in,out,rdhup | to-b more EPIPE in,out
datagram writing: to-a EAGAIN EPIPE in,out | to-b EAGAIN ok in,out
datagram both: to-a EAGAIN EPIPE in,out,rdhup,hup | to-b EAGAIN EPIPE in,out
";
    assert_eq!(table, expected);
}

#[test]
fn a_datagram_reader_that_waits_is_told_of_the_end() {
    let mut host = Host::new(LINUX);
    let (a, _) = host.pair(DATAGRAM);
    let reader = host.thread();
    waits(host.by(reader, read(a)), "wait/nothing-to-read");
    host.shut(a, 0);
    assert_eq!(received(host.resume(reader)).returned, 0);
}

#[test]
fn readers_and_writers_of_both_ends_are_woken() {
    for kind in CONNECTED {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        let (here, there) = (host.thread(), host.thread());
        waits(host.by(here, read(a)), "wait/nothing-to-read");
        waits(host.by(there, read(b)), "wait/nothing-to-read");
        host.shut(a, 2);
        for reader in [here, there] {
            assert_eq!(received(host.resume(reader)).returned, 0);
        }
    }
}

#[test]
fn others_throw_away_what_came_when_reading_is_shut() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let (a, b) = host.pair(STREAM);
        host.sends(b, b"lost");
        host.shut(a, 0);
        host.reads(a, EOF);
        // The peer finds out when it writes, and not by poll.
        assert!(!host.events(b).contains("hup"));
        let sent = host.send(b, b"x");
        assert_eq!(sent.cause().map(|c| c.id), Some("send/peer-stopped-reading"));
    }
}

#[test]
fn macos_shuts_a_direction_once_and_goes_no_further() {
    for profile in [LINUX, FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let once = profile == MACOS;
        let mut host = Host::new(profile);
        let (a, b) = host.pair(STREAM);
        host.shut(b, 1);
        let both = host.call(Op::Shutdown { fd: a, how: 2 });
        if once {
            fails(both, "shutdown/not-connected", Errno::ENOTCONN);
            host.sends(a, b"still open");
            host.shut(a, 1);
            let again = host.call(Op::Shutdown { fd: a, how: 1 });
            fails(again, "shutdown/not-connected", Errno::ENOTCONN);
        } else {
            done(both);
            assert!(host.send(a, b"x").cause().is_some());
        }
    }
}

#[test]
fn freebsd_shuts_a_datagram_socket_although_it_says_that_it_is_not_connected() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let shuts = profile == FREEBSD_14 || profile == FREEBSD_15;
        let mut host = Host::new(profile);
        let fresh = host.socket(DATAGRAM);
        let failed = host.call(Op::Shutdown { fd: fresh, how: 0 });
        fails(failed, "shutdown/not-connected", Errno::ENOTCONN);
        match shuts {
            true => host.reads(fresh, EOF),
            false => fails(host.recv(fresh), "recv/nothing-to-read", Errno::EAGAIN),
        }
    }
}
