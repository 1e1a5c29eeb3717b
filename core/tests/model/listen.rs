//! `listen`, and the backlog.

use crate::scene::*;
use crate::service::*;
use sunpath_core::Errno;
use sunpath_core::model::{Step, World};
use sunpath_core::op::{Kind, Op, Opt, Ret, Value};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, Machine, OPENSERVER, Profile};

#[test]
fn a_descriptor_must_be_a_socket() {
    let mut host = Host::new(LINUX);
    fails(host.call(listen(9, 1)), "listen/bad-descriptor", Errno::EBADF);
    fails(host.call(listen(-1, 1)), "listen/bad-descriptor", Errno::EBADF);
    fails(host.call(listen(0, 1)), "listen/not-a-socket-descriptor", Errno::ENOTSOCK);
}

#[test]
fn the_type_is_looked_at_before_the_name() {
    for profile in Profile::ALL {
        let mut host = Host::new(profile.clone());
        let unbound = host.socket(Kind::Datagram);
        fails(host.call(listen(unbound, 1)), "listen/datagram", Errno::EOPNOTSUPP);
        let bound = host.bound(Kind::Datagram, "/d");
        fails(host.call(listen(bound, 1)), "listen/datagram", Errno::EOPNOTSUPP);
    }
}

#[test]
fn a_name_is_needed() {
    for (profile, errno) in [
        (LINUX, Errno::EINVAL),
        (FREEBSD_14, Errno::EDESTADDRREQ),
        (FREEBSD_15, Errno::EDESTADDRREQ),
        (MACOS, Errno::EINVAL),
        (OPENSERVER, Errno::EINVAL),
    ] {
        let mut host = Host::new(profile);
        let unbound = host.socket(STREAM);
        fails(host.call(listen(unbound, 1)), "listen/unbound", errno);
    }
}

#[test]
fn a_connected_socket_cannot_listen() {
    for profile in Profile::ALL {
        let mut host = Host::new(profile.clone());
        let listener = host.listener(STREAM, "/l", 4);
        let client = host.client(STREAM, "/l");
        let accepted = host.accepted(listener);
        // It carries the listener's name.
        fails(host.call(listen(accepted, 1)), "listen/connected", Errno::EINVAL);
        let unbound = match *profile.connection.listen_looks_at_connection_first {
            true => "listen/connected",
            false => "listen/unbound",
        };
        fails(host.call(listen(client, 1)), unbound, Errno::EINVAL);
    }
}

#[test]
fn listening_again_changes_the_backlog_and_wakes_who_waits_if_it_grew() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let waiting = host.thread();
    let late = host.socket(STREAM);
    waits(host.by(waiting, connect(late, "/l")), "wait/backlog-full");
    done(host.call(listen(listener, 0)));
    assert!(host.woken().is_empty());
    done(host.call(listen(listener, 1)));
    assert_eq!(host.woken(), [waiting]);
    done(host.resume(waiting));
    // It shrinks without throwing anybody out.
    done(host.call(listen(listener, 0)));
    let more = host.nonblocking(STREAM);
    fails(host.call(connect(more, "/l")), "connect/backlog-full", Errno::EAGAIN);
    host.accepted(listener);
    host.accepted(listener);
    done(host.call(connect(more, "/l")));
}

#[test]
fn listening_again_renews_the_credentials_that_clients_see() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let pid = |step| match step {
        Step::Done(Ret::Value(Value::Peer(peer))) => peer.map(|ids| ids.pid),
        other => panic!("{other:?}"),
    };
    let first = host.client(STREAM, "/l");
    let before = pid(host.get(first, Opt::PeerCred));
    let other = host.world.spawn();
    let shared = host.world.share(host.task, listener, other).expect("there is room");
    done(host.by(other, listen(shared, 4)));
    let second = host.client(STREAM, "/l");
    assert_ne!(pid(host.get(second, Opt::PeerCred)), before);
    // What was told stays told.
    assert_eq!(pid(host.get(first, Opt::PeerCred)), before);
}

#[test]
fn a_shut_down_socket_listens_in_vain() {
    for kind in CONNECTED {
        let mut host = Host::new(LINUX);
        let listener = host.bound(kind, "@l");
        host.shut(listener, 0);
        done(host.call(listen(listener, 4)));
        let client = host.socket(kind);
        let refused = host.call(connect(client, "@l"));
        fails(refused, "connect/listener-shut-down", Errno::ECONNREFUSED);
        done(host.call(listen(listener, 9)));
        let refused = host.call(connect(client, "@l"));
        fails(refused, "connect/listener-shut-down", Errno::ECONNREFUSED);
    }
}

/// How many clients a backlog takes, up to 300.
fn admits(profile: &Profile, backlog: i32) -> usize {
    let mut host = Host::new(profile.clone());
    host.listener(STREAM, "/l", backlog);
    let mut clients = 0;
    while clients < 300 {
        let client = host.nonblocking(STREAM);
        match host.call(connect(client, "/l")).cause().map(|c| c.id) {
            None | Some("connect/in-progress-unix") => clients += 1,
            Some("connect/backlog-full") => break,
            Some(other) => panic!("{other}"),
        }
    }
    clients
}

#[test]
fn each_system_counts_a_backlog_in_its_own_way() {
    let counts = |profile: Profile| [0, 1, 2, 4, 7].map(|backlog| admits(&profile, backlog));
    assert_eq!(counts(LINUX), [1, 2, 3, 5, 8]);
    assert_eq!(counts(FREEBSD_14), [1, 2, 4, 7, 11]);
    assert_eq!(counts(FREEBSD_15), [1, 2, 4, 7, 11]);
    assert_eq!(counts(MACOS), [300, 1, 2, 4, 7]);
    assert_eq!(counts(OPENSERVER), [1, 2, 4, 7, 11]);
}

#[test]
fn a_backlog_below_zero_is_the_longest_or_none() {
    assert_eq!(
        Profile::ALL.iter().map(|p| admits(p, -1)).collect::<Vec<_>>(),
        [300, 300, 300, 300, 1]
    );
    assert_eq!(admits(&LINUX, i32::MIN), 300);
}

#[test]
fn connections_whose_clients_have_gone_still_count() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    let first = host.client(STREAM, "/l");
    host.close(first);
    let next = host.nonblocking(STREAM);
    fails(host.call(connect(next, "/l")), "connect/backlog-full", Errno::EAGAIN);
    let accepted = host.accepted(listener);
    host.reads(accepted, EOF);
    done(host.call(connect(next, "/l")));
}

#[test]
fn a_full_backlog_is_refused_elsewhere_even_by_a_call_that_may_wait() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        host.listener(STREAM, "/l", 1);
        let full = loop {
            let client = host.socket(STREAM);
            match host.call(Op::Connect { fd: client, name: "/l".into() }) {
                Step::Done(_) => {}
                other => break other,
            }
        };
        fails(full, "connect/backlog-full", Errno::ECONNREFUSED);
    }
}

#[test]
fn the_machine_limits_every_backlog() {
    for backlog in [-1, 3, 4096, i32::MAX] {
        let mut host = Host::new(LINUX);
        host.world = World::on(LINUX, Machine { backlog_max: 2, ..Machine::default() });
        host.task = host.world.spawn();
        let listener = host.listener(STREAM, "/l", backlog);
        for _ in 0..3 {
            host.client(STREAM, "/l");
        }
        let late = host.nonblocking(STREAM);
        fails(host.call(connect(late, "/l")), "connect/backlog-full", Errno::EAGAIN);
        host.accepted(listener);
        done(host.call(connect(late, "/l")));
    }
}
