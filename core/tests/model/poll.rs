//! What `poll` tells of every state.

use crate::scene::*;
use crate::service::*;
use std::time::Duration;
use sunpath_core::Errno;
use sunpath_core::model::Step;
use sunpath_core::op::{Events, Fd, FileOp, Kind, Op, Polled, Ret};
use sunpath_core::profile::{FREEBSD_14, LINUX, MACOS, OPENSERVER, Profile};

/// States of a stream or packet socket, with what leads there.
type State = (&'static str, fn(&mut Host, Kind) -> Fd);

const STATES: &[State] = &[
    ("fresh", |host, kind| host.socket(kind)),
    ("bound", |host, kind| host.bound(kind, "/b")),
    ("fresh, shut for reading", |host, kind| {
        let fd = host.socket(kind);
        host.shut(fd, 0);
        fd
    }),
    ("fresh, shut", |host, kind| {
        let fd = host.socket(kind);
        host.shut(fd, 2);
        fd
    }),
    ("listening", |host, kind| host.listener(kind, "/l", 4)),
    ("listening, a client waits", |host, kind| {
        let listener = host.listener(kind, "/l", 4);
        host.client(kind, "/l");
        listener
    }),
    ("listening, shut for writing", |host, kind| {
        let listener = host.listener(kind, "/l", 4);
        host.shut(listener, 1);
        listener
    }),
    ("listening, shut for reading", |host, kind| {
        let listener = host.listener(kind, "/l", 4);
        host.shut(listener, 0);
        listener
    }),
    ("listening, shut", |host, kind| {
        let listener = host.listener(kind, "/l", 4);
        host.shut(listener, 2);
        listener
    }),
    ("connected, not accepted", |host, kind| {
        host.listener(kind, "/l", 4);
        host.client(kind, "/l")
    }),
    ("connected, listener closed", |host, kind| {
        let listener = host.listener(kind, "/l", 4);
        let client = host.client(kind, "/l");
        host.close(listener);
        client
    }),
    ("connected", |host, kind| host.pair(kind).0),
    ("data", |host, kind| {
        let (a, b) = host.pair(kind);
        host.sends(b, b"data");
        a
    }),
    ("full", |host, kind| {
        let (a, _) = host.pair(kind);
        fill(host, a);
        a
    }),
    ("one less than full", |host, kind| {
        let (a, b) = host.pair(kind);
        fill(host, a);
        received(host.recv(b));
        a
    }),
    ("shut for reading", |host, kind| {
        let (a, _) = host.pair(kind);
        host.shut(a, 0);
        a
    }),
    ("shut for writing", |host, kind| {
        let (a, _) = host.pair(kind);
        host.shut(a, 1);
        a
    }),
    ("peer shut for writing", |host, kind| {
        let (a, b) = host.pair(kind);
        host.shut(b, 1);
        a
    }),
    ("peer shut for reading", |host, kind| {
        let (a, b) = host.pair(kind);
        host.shut(b, 0);
        a
    }),
    ("shut", |host, kind| {
        let (a, _) = host.pair(kind);
        host.shut(a, 2);
        a
    }),
    ("peer closed", |host, kind| {
        let (a, b) = host.pair(kind);
        host.close(b);
        a
    }),
    ("peer closed, data", |host, kind| {
        let (a, b) = host.pair(kind);
        host.sends(b, b"data");
        host.close(b);
        a
    }),
    ("peer closed, unread", |host, kind| {
        let (a, b) = host.pair(kind);
        host.sends(a, b"unread");
        host.close(b);
        a
    }),
];

/// Sends until there is no room.
fn fill(host: &mut Host, fd: Fd) {
    let full = (0..10_000).any(|_| matches!(host.send(fd, &[0; 60]), Step::Fail(_)));
    assert!(full);
}

fn table(profile: &Profile, kind: Kind, states: &[State]) -> String {
    let mut table = String::new();
    for (name, make) in states {
        let mut host = Host::new(profile.clone());
        let fd = make(&mut host, kind);
        table += &format!("{name}: {}\n", host.events(fd));
    }
    table
}

#[test]
fn every_state_of_connected_types_on_linux() {
    let expected = "\
fresh: out,hup
bound: out,hup
fresh, shut for reading: in,out,rdhup,hup
fresh, shut: in,out,rdhup,hup
listening: none
listening, a client waits: in
listening, shut for writing: none
listening, shut for reading: in,rdhup
listening, shut: in,rdhup,hup
connected, not accepted: out
connected, listener closed: in,out,rdhup,err,hup
connected: out
data: in,out
full: none
one less than full: none
shut for reading: in,out,rdhup
shut for writing: out
peer shut for writing: in,out,rdhup
peer shut for reading: out
shut: in,out,rdhup,hup
peer closed: in,out,rdhup,hup
peer closed, data: in,out,rdhup,hup
peer closed, unread: in,out,rdhup,err,hup
";
    for kind in [PACKETS, STREAM] {
        assert_eq!(table(&LINUX, kind, STATES), expected, "{kind:?}");
    }
}

const DATAGRAM_STATES: &[State] = &[
    ("fresh", |host, kind| host.socket(kind)),
    ("shut for reading", |host, kind| {
        let fd = host.socket(kind);
        host.shut(fd, 0);
        fd
    }),
    ("shut", |host, kind| {
        let fd = host.socket(kind);
        host.shut(fd, 2);
        fd
    }),
    ("data", |host, kind| {
        let (a, b) = host.pair(kind);
        host.sends(a, b"");
        b
    }),
    ("peer closed", |host, kind| {
        let (a, b) = host.pair(kind);
        host.close(b);
        a
    }),
    ("peer shut", |host, kind| {
        let (a, b) = host.pair(kind);
        host.shut(b, 2);
        a
    }),
    ("peer left, unread", |host, kind| {
        let (a, b) = host.pair(kind);
        host.sends(a, b"unread");
        done(host.call(dissolve(b)));
        a
    }),
    ("peer left, nothing unread", |host, kind| {
        let (a, b) = host.pair(kind);
        done(host.call(dissolve(b)));
        a
    }),
    ("receiver full", |host, _| crowd(host).0),
    ("receiver full, own pair", |host, kind| {
        let (a, _) = host.pair(kind);
        for _ in 0..20 {
            host.sends(a, b"x");
        }
        a
    }),
    ("receiver one less than full", |host, _| {
        let (sender, receiver) = crowd(host);
        received(host.recv(receiver));
        sender
    }),
    ("receiver full, closed", |host, _| {
        let (sender, receiver) = crowd(host);
        host.close(receiver);
        sender
    }),
    ("receiver full, sender not connected", |host, kind| {
        crowd(host);
        host.socket(kind)
    }),
];

/// A sender, connected to a receiver that has no room.
fn crowd(host: &mut Host) -> (Fd, Fd) {
    let receiver = host.bound(DATAGRAM, "/r");
    let sender = host.socket(DATAGRAM);
    done(host.call(connect(sender, "/r")));
    fill(host, sender);
    (sender, receiver)
}

#[test]
fn every_state_of_datagrams_on_linux() {
    let expected = "\
fresh: out
shut for reading: in,out,rdhup
shut: in,out,rdhup,hup
data: in,out
peer closed: out
peer shut: out
peer left, unread: out,err
peer left, nothing unread: out
receiver full: none
receiver full, own pair: out
receiver one less than full: out
receiver full, closed: out
receiver full, sender not connected: out
";
    assert_eq!(table(&LINUX, DATAGRAM, DATAGRAM_STATES), expected);
}

#[test]
fn other_systems_do_not_find_an_unconnected_stream_writable() {
    for (profile, closed, half) in [
        (FREEBSD_14, "in,out,rdhup,hup", "in,out,rdhup"),
        (MACOS, "in,hup", "in,hup"),
        (OPENSERVER, "in,out", "in,out"),
    ] {
        let mut host = Host::new(profile);
        let fresh = host.socket(STREAM);
        assert_eq!(host.events(fresh), "none");
        let (a, b) = host.pair(STREAM);
        assert_eq!(host.events(a), "out");
        host.shut(b, 1);
        assert_eq!(host.events(a), half);
        host.close(b);
        assert_eq!(host.events(a), closed);
    }
}

#[test]
fn other_systems_show_an_error_as_readiness() {
    for profile in [FREEBSD_14, OPENSERVER] {
        let mut host = Host::new(profile);
        let server = host.bound(DATAGRAM, "/s");
        let client = host.socket(DATAGRAM);
        done(host.call(connect(client, "/s")));
        host.close(server);
        assert_eq!(host.events(client), "in,out");
    }
}

#[track_caller]
fn polled(step: Step, expected: &[(Fd, Events)]) {
    let found = expected.iter().map(|(fd, events)| Polled { fd: *fd, events: *events }).collect();
    assert_eq!(step, Step::Done(Ret::Polled(found)));
}

#[test]
fn hangups_and_errors_are_told_unasked_and_the_rest_is_not() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"unread");
    host.close(b);
    let told = Events::HUP | Events::ERR;
    polled(host.call(poll(&[(a, Events::NONE)], None)), &[(a, told)]);
    polled(host.call(poll(&[(a, Events::IN)], None)), &[(a, told | Events::IN)]);
    polled(host.call(poll(&[(a, Events::RDHUP)], None)), &[(a, told | Events::RDHUP)]);
}

#[test]
fn what_is_no_descriptor_is_told_and_what_is_below_zero_is_passed_over() {
    let mut host = Host::new(LINUX);
    let asked = [(-1, Events::IN), (99, Events::IN), (i32::MIN, Events::OUT)];
    let nothing = Events::NONE;
    let told = [(-1, nothing), (99, Events::NVAL), (i32::MIN, nothing)];
    polled(host.call(poll(&asked, None)), &told);
    done(host.call(Op::File(FileOp::Create { path: b"/f".to_vec(), mode: 0o600 })));
    let path = fd(host.call(Op::File(FileOp::OpenPath { path: b"/f".to_vec() })));
    polled(host.call(poll(&[(path, Events::IN)], None)), &[(path, Events::NVAL)]);
    // A device is always ready.
    polled(host.call(poll(&[(0, Events::IN)], None)), &[(0, Events::IN)]);
}

#[test]
fn a_poll_waits_at_all_its_descriptors() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    let listener = host.listener(PACKETS, "/l", 4);
    let poller = host.thread();
    let asked = [(a, Events::IN), (listener, Events::IN), (-1, Events::IN)];
    let [quiet, data] = [Events::NONE, Events::IN];
    waits(host.by(poller, poll(&asked, None)), "wait/nothing-pending");
    host.client(PACKETS, "/l");
    assert_eq!(host.woken(), [poller]);
    polled(host.resume(poller), &[(a, quiet), (listener, data), (-1, quiet)]);
    host.accepted(listener);
    waits(host.by(poller, poll(&asked, None)), "wait/nothing-pending");
    host.sends(b, b"x");
    polled(host.resume(poller), &[(a, data), (listener, quiet), (-1, quiet)]);
}

#[test]
fn a_poll_that_is_woken_for_something_else_waits_on() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    let poller = host.thread();
    fill(&mut host, a);
    waits(host.by(poller, poll(&[(a, Events::OUT)], None)), "wait/send-buffer-full");
    host.sends(b, b"x");
    if host.woken() == [poller] {
        waits(host.resume(poller), "wait/send-buffer-full");
    }
    while host.events(a) == "in" {
        assert!(host.woken().is_empty());
        received(host.recv(b));
    }
    polled(host.resume(poller), &[(a, Events::OUT)]);
}

#[test]
fn the_time_limit_ends_a_poll_without_an_error() {
    let mut host = Host::new(LINUX);
    let (a, _) = host.pair(STREAM);
    polled(host.call(poll(&[(a, Events::IN)], Some(0))), &[(a, Events::NONE)]);
    let poller = host.thread();
    for asked in [vec![(a, Events::IN)], vec![]] {
        let wait = host.by(poller, poll(&asked, Some(30)));
        assert!(matches!(wait, Step::Blocked(_)));
        host.world.advance(Duration::from_millis(29));
        assert!(host.woken().is_empty());
        host.world.advance(Duration::from_millis(1));
        let nothing: Vec<_> = asked.iter().map(|(fd, _)| (*fd, Events::NONE)).collect();
        polled(host.resume(poller), &nothing);
    }
}

#[test]
fn a_signal_ends_a_poll() {
    let mut host = Host::new(LINUX);
    let (a, _) = host.pair(STREAM);
    let poller = host.thread();
    waits(host.by(poller, poll(&[(a, Events::IN)], None)), "wait/nothing-to-read");
    host.world.interrupt(poller);
    fails_with(host.resume(poller), Errno::EINTR);
}

#[test]
fn who_polls_takes_nobodys_turn() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let [poller, first, second] = [(); 3].map(|()| host.thread());
    waits(host.by(poller, poll(&[(listener, Events::IN)], None)), "wait/nothing-pending");
    waits(host.by(first, accept(listener)), "wait/nothing-pending");
    waits(host.by(second, accept(listener)), "wait/nothing-pending");
    host.client(STREAM, "/l");
    assert_eq!(host.woken(), [poller, first]);
}

#[test]
fn a_poll_keeps_its_sockets_open() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    let poller = host.thread();
    waits(host.by(poller, poll(&[(a, Events::IN)], None)), "wait/nothing-to-read");
    host.close(a);
    assert!(host.woken().is_empty());
    assert_eq!(host.events(b), "out");
    host.sends(b, b"x");
    // It is woken, and finds that the number means nothing any more.
    polled(host.resume(poller), &[(a, Events::NVAL)]);
    assert_eq!(host.events(b), "in,out,rdhup,err,hup");
}

#[test]
fn a_poll_of_more_than_the_limit_of_descriptors_is_refused() {
    let mut host = Host::new(LINUX);
    let many = vec![(-1, Events::IN); 1025];
    fails_with(host.call(poll(&many, Some(0))), Errno::EINVAL);
    polled(host.call(poll(&many[..1024], Some(0))), &vec![(-1, Events::NONE); 1024]);
}

#[test]
fn a_sender_that_polls_is_woken_when_its_receiver_has_room() {
    for own in [true, false] {
        let mut host = Host::new(LINUX);
        let (mut sender, receiver) = crowd(&mut host);
        if !own {
            // The messages in the way are another's, so that no memory of its own is freed.
            sender = host.client(DATAGRAM, "/r");
        }
        let poller = host.thread();
        waits(host.by(poller, poll(&[(sender, Events::OUT)], None)), "wait/send-buffer-full");
        received(host.recv(receiver));
        polled(host.resume(poller), &[(sender, Events::OUT)]);
    }
}

#[test]
fn who_polls_an_unconnected_socket_learns_of_its_connection() {
    let mut host = Host::new(FREEBSD_14);
    host.listener(STREAM, "/l", 4);
    let client = host.socket(STREAM);
    let poller = host.thread();
    waits(host.by(poller, poll(&[(client, Events::OUT)], None)), "wait/send-buffer-full");
    done(host.call(Op::Connect { fd: client, name: "/l".into() }));
    polled(host.resume(poller), &[(client, Events::OUT)]);
}
