//! `connect` of datagram sockets.

use crate::scene::*;
use crate::service::*;
use sunpath_core::Errno;
use sunpath_core::model::Step;
use sunpath_core::op::{Events, Fd, FileOp, Message, Op, Opt, Polled, Ret, Value};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, OPENSERVER, Profile};

/// Sends to a name.
fn send_to(host: &mut Host, fd: Fd, name: &str, data: &[u8]) -> Step {
    host.call(Op::Send(Message::new(fd, data).to(name).dont_wait()))
}

const LEFT: &str = "recv/peer-left-with-unread-data";

#[test]
fn an_association_is_one_sides_own_affair() {
    let mut host = Host::new(LINUX);
    let server = host.bound(DATAGRAM, "/s");
    let client = host.bound(DATAGRAM, "/c");
    done(host.call(connect(client, "/s")));
    host.sends(client, b"hello");
    host.reads(server, "hello");
    fails(host.send(server, b"back"), "send/no-destination", Errno::ENOTCONN);
    assert!(matches!(send_to(&mut host, server, "/c", b"back"), Step::Done(_)));
    host.reads(client, "back");
}

#[test]
fn no_family_dissolves_an_association_and_nothing_else() {
    let mut host = Host::new(LINUX);
    host.bound(DATAGRAM, "/s");
    let client = host.socket(DATAGRAM);
    done(host.call(dissolve(client)));
    done(host.call(connect(client, "/s")));
    done(host.call(dissolve(client)));
    fails(host.send(client, b"x"), "send/no-destination", Errno::ENOTCONN);
    done(host.call(connect(client, "/s")));
    host.sends(client, b"x");
}

#[test]
fn a_new_association_replaces_the_old_one_and_a_failed_one_does_not() {
    let mut host = Host::new(LINUX);
    let first = host.bound(DATAGRAM, "/1");
    let second = host.bound(DATAGRAM, "/2");
    let client = host.socket(DATAGRAM);
    done(host.call(connect(client, "/1")));
    done(host.call(connect(client, "/2")));
    host.sends(client, b"two");
    host.reads(second, "two");
    fails(host.call(connect(client, "/none")), "connect/no-such-file", Errno::ENOENT);
    host.sends(client, b"still two");
    host.reads(second, "still two");
    fails(host.recv(first), "recv/nothing-to-read", Errno::EAGAIN);
}

#[test]
fn others_drop_the_old_association_first() {
    for (profile, cause, errno) in [
        (FREEBSD_14, "send/no-destination", Errno::EDESTADDRREQ),
        (FREEBSD_15, "send/no-destination", Errno::EDESTADDRREQ),
        (MACOS, "send/no-destination", Errno::EDESTADDRREQ),
        (OPENSERVER, "send/no-destination", Errno::ENOTCONN),
    ] {
        let mut host = Host::new(profile);
        host.bound(DATAGRAM, "/1");
        let client = host.socket(DATAGRAM);
        done(host.call(connect(client, "/1")));
        fails(host.call(connect(client, "/none")), "connect/no-such-file", Errno::ENOENT);
        fails(host.send(client, b"x"), cause, errno);
        done(host.call(connect(client, "/1")));
        // An address of no family does the same, and is an error nevertheless.
        assert!(matches!(host.call(dissolve(client)), Step::Fail(_)));
        fails(host.send(client, b"x"), cause, errno);
    }
}

#[test]
fn only_its_peer_may_associate_with_a_socket_that_has_one() {
    let mut host = Host::new(LINUX);
    host.bound(DATAGRAM, "/y");
    let x = host.bound(DATAGRAM, "/x");
    let early = host.socket(DATAGRAM);
    done(host.call(connect(early, "/x")));
    done(host.call(connect(x, "/y")));
    let late = host.socket(DATAGRAM);
    let refused = host.call(connect(late, "/x"));
    fails(refused, "connect/receiver-has-another-peer", Errno::EPERM);
    // Who was associated before finds out when it sends.
    fails(host.send(early, b"x"), "send/receiver-has-another-peer", Errno::EPERM);
}

#[test]
fn others_let_everybody_associate() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        host.bound(DATAGRAM, "/y");
        let x = host.bound(DATAGRAM, "/x");
        done(host.call(connect(x, "/y")));
        let late = host.socket(DATAGRAM);
        done(host.call(connect(late, "/x")));
    }
}

#[test]
fn a_refused_target_leaves_the_old_association() {
    let mut host = Host::new(LINUX);
    let good = host.bound(DATAGRAM, "/good");
    let taken = host.bound(DATAGRAM, "/taken");
    host.bound(DATAGRAM, "/other");
    done(host.call(connect(taken, "/other")));
    let client = host.socket(DATAGRAM);
    done(host.call(connect(client, "/good")));
    let refused = host.call(connect(client, "/taken"));
    fails(refused, "connect/receiver-has-another-peer", Errno::EPERM);
    host.sends(client, b"x");
    host.reads(good, "x");
}

#[test]
fn another_type_is_no_target() {
    let mut host = Host::new(LINUX);
    host.listener(STREAM, "/l", 4);
    let client = host.socket(DATAGRAM);
    fails(host.call(connect(client, "/l")), "connect/wrong-type", Errno::EPROTOTYPE);
}

#[test]
fn the_first_association_keeps_what_was_received() {
    let mut host = Host::new(LINUX);
    host.bound(DATAGRAM, "/s");
    let client = host.bound(DATAGRAM, "/c");
    let sender = host.socket(DATAGRAM);
    assert!(matches!(send_to(&mut host, sender, "/c", b"kept"), Step::Done(_)));
    done(host.call(connect(client, "/s")));
    host.reads(client, "kept");
}

#[test]
fn another_association_throws_away_what_was_received() {
    for new in [Some("/t"), None] {
        let mut host = Host::new(LINUX);
        host.bound(DATAGRAM, "/s");
        host.bound(DATAGRAM, "/t");
        let client = host.bound(DATAGRAM, "/c");
        let sender = host.socket(DATAGRAM);
        assert!(matches!(send_to(&mut host, sender, "/c", b"lost"), Step::Done(_)));
        done(host.call(connect(client, "/s")));
        // The same peer once more is no other one.
        done(host.call(connect(client, "/s")));
        assert_eq!(host.events(client), "in,out");
        done(host.call(match new {
            Some(name) => connect(client, name),
            None => dissolve(client),
        }));
        fails(host.recv(client), "recv/nothing-to-read", Errno::EAGAIN);
        // The sender need not pay for it any more.
        assert_eq!(host.events(sender), "out");
    }
}

#[test]
fn the_old_peer_gets_an_error_if_something_was_thrown_away() {
    for unread in [true, false] {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(DATAGRAM);
        host.sends(b, b"queued at a");
        if unread {
            host.sends(a, b"unread");
        }
        done(host.call(dissolve(b)));
        if unread {
            assert_eq!(host.events(a), "in,out,err");
            // It is reported before what came.
            fails(host.recv(a), LEFT, Errno::ECONNRESET);
        }
        host.reads(a, "queued at a");
    }
}

#[test]
fn the_error_shows_in_the_next_send_even_to_somebody_else() {
    let mut host = Host::new(LINUX);
    host.bound(DATAGRAM, "/other");
    let (a, b) = host.pair(DATAGRAM);
    host.sends(a, b"unread");
    done(host.call(dissolve(b)));
    fails(send_to(&mut host, a, "/other", b"x"), LEFT, Errno::ECONNRESET);
    assert!(matches!(send_to(&mut host, a, "/other", b"x"), Step::Done(_)));
}

#[test]
fn an_old_peer_that_was_not_associated_gets_no_error() {
    let mut host = Host::new(LINUX);
    let server = host.bound(DATAGRAM, "/s");
    let client = host.bound(DATAGRAM, "/c");
    done(host.call(connect(client, "/s")));
    assert!(matches!(send_to(&mut host, server, "/c", b"unread"), Step::Done(_)));
    done(host.call(dissolve(client)));
    assert_eq!(host.events(server), "out");
}

#[test]
fn a_reader_that_waits_is_woken_by_the_error() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(DATAGRAM);
    let reader = host.thread();
    waits(host.by(reader, read(a)), "wait/nothing-to-read");
    host.sends(a, b"unread");
    done(host.call(dissolve(b)));
    fails(host.resume(reader), LEFT, Errno::ECONNRESET);
}

#[test]
fn a_socket_may_be_its_own_peer() {
    for profile in Profile::ALL {
        let mut host = Host::new(profile.clone());
        let itself = host.bound(DATAGRAM, "/self");
        done(host.call(connect(itself, "/self")));
        host.sends(itself, b"note");
        host.reads(itself, "note");
        host.sends(itself, b"left behind");
        host.close(itself);
        let late = host.socket(DATAGRAM);
        let refused = host.call(connect(late, "/self"));
        fails(refused, "connect/stale-socket", Errno::ECONNREFUSED);
    }
}

#[test]
fn the_own_queue_has_no_limit_for_oneself() {
    let mut host = Host::new(LINUX);
    let itself = host.bound(DATAGRAM, "/self");
    for _ in 0..20 {
        assert!(matches!(send_to(&mut host, itself, "/self", b"note"), Step::Done(_)));
    }
    done(host.call(connect(itself, "/self")));
    for _ in 0..20 {
        host.sends(itself, b"note");
    }
    assert_eq!(host.events(itself), "in,out");
}

#[test]
fn a_dead_peer_is_found_out_by_sending_and_a_new_socket_of_its_name_does_not_help() {
    let mut host = Host::new(LINUX);
    let server = host.bound(DATAGRAM, "/s");
    let client = host.bound(DATAGRAM, "/c");
    done(host.call(connect(client, "/s")));
    assert!(matches!(send_to(&mut host, server, "/c", b"answer"), Step::Done(_)));
    host.close(server);
    done(host.call(Op::File(FileOp::Unlink { path: b"/s".to_vec() })));
    host.bound(DATAGRAM, "/s");
    fails(host.send(client, b"x"), "send/receiver-closed", Errno::ECONNREFUSED);
    // What had come is gone with the association.
    fails(host.recv(client), "recv/nothing-to-read", Errno::EAGAIN);
    fails(host.send(client, b"x"), "send/no-destination", Errno::ENOTCONN);
    done(host.call(connect(client, "/s")));
    host.sends(client, b"x");
}

#[test]
fn connecting_forgets_an_error_on_the_bsds() {
    for (profile, forgets) in [(FREEBSD_14, true), (MACOS, true), (OPENSERVER, false)] {
        let mut host = Host::new(profile);
        let server = host.bound(DATAGRAM, "/s");
        host.bound(DATAGRAM, "/t");
        let client = host.socket(DATAGRAM);
        done(host.call(connect(client, "/s")));
        host.close(server);
        done(host.call(connect(client, "/t")));
        let error = host.get(client, Opt::Error);
        let none = Step::Done(Ret::Value(Value::Error(None)));
        assert_eq!(error == none, forgets, "{error:?}");
    }
}

#[test]
fn who_polls_for_room_learns_of_a_new_peer() {
    let mut host = Host::new(LINUX);
    host.bound(DATAGRAM, "/full");
    host.bound(DATAGRAM, "/free");
    let client = host.socket(DATAGRAM);
    done(host.call(connect(client, "/full")));
    while !matches!(host.send(client, b"x"), Step::Fail(_)) {}
    let poller = host.thread();
    waits(host.by(poller, poll(&[(client, Events::OUT)], None)), "wait/send-buffer-full");
    done(host.call(connect(client, "/free")));
    let told = vec![Polled { fd: client, events: Events::OUT }];
    assert_eq!(host.resume(poller), Step::Done(Ret::Polled(told)));
}

#[test]
fn two_sockets_may_have_each_other_for_a_peer() {
    for profile in [LINUX, FREEBSD_14, MACOS] {
        let mut host = Host::new(profile);
        let a = host.bound(DATAGRAM, "/a");
        let b = host.bound(DATAGRAM, "/b");
        done(host.call(connect(a, "/b")));
        done(host.call(connect(b, "/a")));
        host.sends(a, b"there");
        host.reads(b, "there");
        host.sends(b, b"back");
        host.reads(a, "back");
    }
}

#[test]
fn a_sender_that_waits_is_woken_by_the_error() {
    let mut host = Host::new(LINUX);
    host.bound(DATAGRAM, "/other");
    let (a, b) = host.pair(DATAGRAM);
    host.sends(a, b"unread");
    // What fills the buffer waits elsewhere, so that the purge alone makes no room.
    while matches!(send_to(&mut host, a, "/other", &[0; 30_000]), Step::Done(_)) {}
    let sender = host.thread();
    let send = Op::Send(Message::new(a, b"x"));
    waits(host.by(sender, send), "wait/send-buffer-full");
    done(host.call(dissolve(b)));
    fails(host.resume(sender), LEFT, Errno::ECONNRESET);
}
