//! `close`, in every order.

use crate::scene::*;
use crate::service::*;
use sunpath_core::Errno;
use sunpath_core::model::Step;
use sunpath_core::op::{Message, Op, Opt, Ret, Value, Want};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, OPENSERVER, Profile};

const RESET: &str = "recv/peer-closed-with-unread-data";

#[test]
fn what_was_never_open_cannot_be_closed() {
    let mut host = Host::new(LINUX);
    for fd in [-1, 9, i32::MIN, i32::MAX] {
        fails_with(host.call(Op::Close { fd }), Errno::EBADF);
    }
}

#[test]
fn only_the_last_descriptor_closes_the_socket() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    let copy = fd(host.call(Op::Dup { fd: b }));
    host.close(b);
    assert_eq!(host.events(a), "out");
    host.close(copy);
    assert_eq!(host.events(a), "in,out,rdhup,hup");
}

#[test]
fn a_stream_reads_what_came_and_then_the_end() {
    for kind in CONNECTED {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        host.sends(b, b"last");
        host.close(b);
        assert_eq!(host.events(a), "in,out,rdhup,hup");
        host.reads(a, "last");
        host.reads(a, EOF);
        host.reads(a, EOF);
    }
}

#[test]
fn a_stream_with_unread_data_resets_its_peer_after_the_data() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"unread");
    host.sends(b, b"last");
    host.close(b);
    assert_eq!(host.events(a), "in,out,rdhup,err,hup");
    fails(host.send(a, b"x"), "send/peer-closed", Errno::EPIPE);
    host.reads(a, "last");
    fails(host.recv(a), RESET, Errno::ECONNRESET);
    assert_eq!(host.events(a), "in,out,rdhup,hup");
    host.reads(a, EOF);
}

#[test]
fn packets_report_the_reset_before_the_data() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(PACKETS);
    host.sends(a, b"unread");
    host.sends(b, b"last");
    host.close(b);
    fails(host.recv(a), RESET, Errno::ECONNRESET);
    host.reads(a, "last");
    host.reads(a, EOF);
    let (a, b) = host.pair(PACKETS);
    host.sends(a, b"unread");
    host.close(b);
    fails_with(host.send(a, b"x"), Errno::ECONNRESET);
    fails(host.send(a, b"x"), "send/peer-closed", Errno::EPIPE);
}

#[test]
fn what_was_only_looked_at_counts_as_unread() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"seen");
    let mut look = Want::new(b, 8);
    look.flags.peek = true;
    assert_eq!(&*received(host.call(Op::Recv(look))).data, b"seen");
    host.close(b);
    fails(host.recv(a), RESET, Errno::ECONNRESET);
}

#[test]
fn half_read_data_counts_as_unread_and_read_data_does_not() {
    for (length, reset) in [(2, true), (4, false)] {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(STREAM);
        host.sends(a, b"data");
        assert_eq!(received(host.call(Op::Recv(Want::new(b, length)))).returned, length);
        host.close(b);
        assert_eq!(host.events(a).contains("err"), reset);
    }
}

#[test]
fn an_empty_packet_at_the_head_does_not_count() {
    let cases: [(&[&[u8]], bool); 4] =
        [(&[b""], false), (&[b"", b""], true), (&[b"", b"x"], true), (&[b"x"], true)];
    for (packets, reset) in cases {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(PACKETS);
        for packet in packets {
            host.sends(a, packet);
        }
        host.close(b);
        assert_eq!(host.events(a).contains("err"), reset, "{packets:?}");
    }
}

#[test]
fn shutting_down_first_does_not_prevent_the_reset() {
    for kind in CONNECTED {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        host.sends(a, b"unread");
        host.shut(b, 2);
        host.close(b);
        fails(host.recv(a), RESET, Errno::ECONNRESET);
    }
}

#[test]
fn asking_for_the_error_takes_it_away() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"unread");
    host.close(b);
    let error = |e| Step::Done(Ret::Value(Value::Error(e)));
    assert_eq!(host.get(a, Opt::Error), error(Some(Errno::ECONNRESET)));
    assert_eq!(host.get(a, Opt::Error), error(None));
    host.reads(a, EOF);
}

#[test]
fn elsewhere_unread_data_is_no_error() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS] {
        let mut host = Host::new(profile);
        let (a, b) = host.pair(STREAM);
        host.sends(a, b"unread");
        host.close(b);
        host.reads(a, EOF);
        fails(host.send(a, b"x"), "send/peer-closed", Errno::EPIPE);
    }
    let mut host = Host::new(OPENSERVER);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"unread");
    host.close(b);
    fails(host.recv(a), RESET, Errno::ECONNRESET);
}

#[test]
fn a_listener_that_closes_ends_the_connections_that_wait() {
    let reset = |errno| Some(("recv/closed-before-accept", errno));
    for (profile, told) in [
        (LINUX, reset(Errno::ECONNRESET)),
        (FREEBSD_14, reset(Errno::ECONNRESET)),
        (FREEBSD_15, reset(Errno::EPIPE)),
        (OPENSERVER, None),
        (MACOS, None),
    ] {
        let mut host = Host::new(profile);
        let listener = host.listener(STREAM, "/l", 4);
        let client = host.client(STREAM, "/l");
        let done = host.client(STREAM, "/l");
        host.accepted(listener);
        host.close(listener);
        if let Some((cause, errno)) = told {
            let (client, done) = (done, client);
            assert!(host.events(done).contains("out"));
            fails(host.recv(client), cause, errno);
        }
        // The accepted one lives on.
        fails(host.recv(client), "recv/nothing-to-read", Errno::EAGAIN);
        host.reads(done, EOF);
        fails(host.send(done, b"x"), "send/peer-closed", Errno::EPIPE);
        let late = host.socket(STREAM);
        let refused = host.call(connect(late, "/l"));
        fails(refused, "connect/stale-socket", Errno::ECONNREFUSED);
    }
}

#[test]
fn a_listener_that_closes_wakes_clients_that_read() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let client = host.client(STREAM, "/l");
    let reader = host.thread();
    waits(host.by(reader, read(client)), "wait/server-not-accepting");
    host.close(listener);
    let reset = host.resume(reader);
    fails(reset, "recv/closed-before-accept", Errno::ECONNRESET);
}

#[test]
fn whoever_waits_at_the_other_end_is_woken() {
    for kind in CONNECTED {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        let reader = host.thread();
        waits(host.by(reader, read(a)), "wait/nothing-to-read");
        host.close(b);
        assert_eq!(received(host.resume(reader)).returned, 0);
    }
}

#[test]
fn closing_a_descriptor_does_not_end_a_read_that_sleeps_on_it() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    let reader = host.thread();
    waits(host.by(reader, read(a)), "wait/nothing-to-read");
    host.close(a);
    assert!(host.woken().is_empty());
    assert_eq!(host.events(b), "out");
    // The number belongs to another socket by now.
    assert_eq!(host.socket(DATAGRAM), a);
    host.sends(b, b"late");
    assert_eq!(&*received(host.resume(reader)).data, b"late");
    // And now the socket closes.
    assert_eq!(host.events(b), "in,out,rdhup,hup");
}

#[test]
fn datagram_peers_are_told_nothing_on_linux() {
    let mut host = Host::new(LINUX);
    let server = host.bound(DATAGRAM, "/s");
    let client = host.socket(DATAGRAM);
    done(host.call(connect(client, "/s")));
    host.sends(client, b"unread");
    host.close(server);
    assert_eq!(host.events(client), "out");
    fails(host.recv(client), "recv/nothing-to-read", Errno::EAGAIN);
}

#[test]
fn datagram_peers_are_told_at_once_elsewhere() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let server = host.bound(DATAGRAM, "/s");
        let clients = [(); 2].map(|()| {
            let client = host.socket(DATAGRAM);
            done(host.call(connect(client, "/s")));
            client
        });
        host.close(server);
        for client in clients {
            fails(host.recv(client), "recv/receiver-closed", Errno::ECONNRESET);
            fails(host.recv(client), "recv/nothing-to-read", Errno::EAGAIN);
        }
    }
}

#[test]
fn the_error_of_a_closed_datagram_peer_comes_after_its_messages_and_before_any_send() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let (a, b) = host.pair(DATAGRAM);
        host.sends(b, b"last");
        host.close(b);
        assert_eq!(host.events(a), "in,out");
        host.reads(a, "last");
        fails(host.recv(a), "recv/receiver-closed", Errno::ECONNRESET);
        host.bound(DATAGRAM, "/s");
        let (a, b) = host.pair(DATAGRAM);
        host.close(b);
        let elsewhere = Op::Send(Message::new(a, b"x").to("/s").dont_wait());
        fails(host.call(elsewhere.clone()), "send/receiver-closed", Errno::ECONNRESET);
        assert_eq!(host.call(elsewhere), Step::Done(Ret::Count(1)));
    }
}

#[test]
fn who_waits_is_not_woken_when_its_datagram_peer_closes() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let (a, b) = host.pair(DATAGRAM);
        let reader = host.thread();
        waits(host.by(reader, Op::Recv(Want::new(a, 9))), "wait/nothing-to-read");
        host.close(b);
        assert_eq!(host.world.runnable().count(), 0);
        fails(host.recv(a), "recv/receiver-closed", Errno::ECONNRESET);
    }
}

#[test]
fn nothing_is_left_of_sockets_that_refer_to_each_other() {
    for profile in Profile::ALL {
        for kind in [STREAM, DATAGRAM] {
            let mut host = Host::new(profile.clone());
            let empty = format!("{:?}", host.world).len();
            for _ in 0..20 {
                let (a, b) = host.pair(kind);
                host.sends(a, b"one");
                host.sends(b, b"two");
                host.close(a);
                host.close(b);
            }
            let (a, b) = host.pair(kind);
            host.close(b);
            host.close(a);
            let left = format!("{:?}", host.world).len();
            // Two places that were used and are free again.
            assert!(left < empty + 200, "{empty} bytes before, {left} after");
        }
    }
}
