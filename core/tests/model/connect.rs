//! `connect` of streams and sequenced packets.

use crate::scene::*;
use crate::service::*;
use std::time::Duration;
use sunpath_core::Errno;
use sunpath_core::model::{Caps, Credentials, Step, TaskId};
use sunpath_core::op::{
    Events, FileOp, Ids, Level, Name, New, NewFlags, Op, Opt, Out, Polled, ProcessOp, Ret, Setting,
    Value,
};
use sunpath_core::profile::{
    Concurrent, FREEBSD_14, FREEBSD_15, LINUX, MACOS, OPENSERVER, Profile,
};

#[test]
fn a_descriptor_must_be_a_socket_but_the_address_is_copied_first() {
    let mut host = Host::new(LINUX);
    fails(host.call(connect(9, "/l")), "connect/bad-descriptor", Errno::EBADF);
    fails(host.call(connect(0, "/l")), "connect/not-a-socket-descriptor", Errno::ENOTSOCK);
    let unmapped = Op::Connect { fd: 0, name: Name::Unmapped };
    fails(host.call(unmapped), "connect/bad-pointer", Errno::EFAULT);
    let negative = Op::Connect { fd: 0, name: Name::Sized(-1) };
    fails(host.call(negative), "connect/bad-address-length", Errno::EINVAL);
    let unmapped = Op::Connect { fd: 9, name: Name::Unmapped };
    fails(host.call(unmapped), "connect/bad-descriptor", Errno::EBADF);
}

#[test]
fn the_connection_exists_before_it_is_accepted() {
    for kind in CONNECTED {
        let mut host = Host::new(LINUX);
        let listener = host.listener(kind, "/l", 4);
        let client = host.client(kind, "/l");
        host.sends(client, b"early");
        host.shut(client, 1);
        host.close(client);
        let accepted = host.accepted(listener);
        host.reads(accepted, "early");
        host.reads(accepted, EOF);
    }
}

#[test]
fn the_target_must_listen() {
    for profile in Profile::ALL {
        let mut host = Host::new(profile.clone());
        host.bound(STREAM, "/b");
        let client = host.socket(STREAM);
        let refused = host.call(connect(client, "/b"));
        fails(refused, "connect/not-listening", Errno::ECONNREFUSED);
        // A socket that is bound and does not listen cannot connect to itself either.
        let itself = host.bound(STREAM, "/self");
        let refused = host.call(connect(itself, "/self"));
        fails(refused, "connect/not-listening", Errno::ECONNREFUSED);
        // Neither can a connected one that carries a name.
        let listener = host.listener(STREAM, "/l", 4);
        let named = host.bound(STREAM, "/n");
        done(host.call(connect(named, "/l")));
        host.accepted(listener);
        let refused = host.call(connect(client, "/n"));
        fails(refused, "connect/not-listening", Errno::ECONNREFUSED);
    }
}

#[test]
fn another_type_is_noticed_before_nobody_listens() {
    let mut host = Host::new(LINUX);
    host.bound(PACKETS, "/b");
    let client = host.socket(STREAM);
    fails(host.call(connect(client, "/b")), "connect/wrong-type", Errno::EPROTOTYPE);
}

#[test]
fn a_listener_that_is_shut_for_reading_refuses() {
    for how in [0, 2] {
        let mut host = Host::new(LINUX);
        let listener = host.listener(STREAM, "/l", 4);
        host.shut(listener, how);
        let client = host.socket(STREAM);
        let refused = host.call(connect(client, "/l"));
        fails(refused, "connect/listener-shut-down", Errno::ECONNREFUSED);
    }
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    host.shut(listener, 1);
    host.client(STREAM, "/l");
}

#[test]
fn a_failed_connect_leaves_the_socket_as_it_was() {
    for profile in Profile::ALL {
        let mut host = Host::new(profile.clone());
        let client = host.socket(STREAM);
        fails(host.call(connect(client, "/l")), "connect/no-such-file", Errno::ENOENT);
        host.listener(STREAM, "/l", 4);
        done(host.call(connect(client, "/l")));
    }
}

#[test]
fn a_nonblocking_connect_to_a_full_backlog_begins_nothing() {
    for kind in CONNECTED {
        let mut host = Host::new(LINUX);
        let listener = host.listener(kind, "/l", 0);
        host.client(kind, "/l");
        let client = host.nonblocking(kind);
        for _ in 0..2 {
            let full = host.call(connect(client, "/l"));
            fails(full, "connect/backlog-full", Errno::EAGAIN);
            assert_eq!(host.events(client), "out,hup");
        }
        host.accepted(listener);
        // It does not go on by itself.
        assert_eq!(host.events(client), "out,hup");
        done(host.call(connect(client, "/l")));
        assert_eq!(host.events(client), "out");
    }
}

#[test]
fn who_waits_for_room_comes_in_first_come_first_served() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let waiting: Vec<_> = (0..3).map(|_| (host.thread(), host.socket(STREAM))).collect();
    for (task, client) in &waiting {
        waits(host.by(*task, connect(*client, "/l")), "wait/backlog-full");
    }
    for (place, (task, _)) in waiting.iter().enumerate() {
        assert!(host.woken().is_empty());
        host.accepted(listener);
        assert_eq!(host.woken(), [*task], "turn {place}");
        done(host.resume(*task));
    }
}

#[test]
fn one_who_is_woken_in_vain_stands_at_the_end_again() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let (first, second) = (host.thread(), host.thread());
    let (a, b) = (host.socket(STREAM), host.socket(STREAM));
    waits(host.by(first, connect(a, "/l")), "wait/backlog-full");
    waits(host.by(second, connect(b, "/l")), "wait/backlog-full");
    host.accepted(listener);
    // Somebody else is faster.
    host.client(STREAM, "/l");
    waits(host.resume(first), "wait/backlog-full");
    host.accepted(listener);
    assert_eq!(host.woken(), [second]);
}

#[test]
fn the_target_is_looked_up_again_after_waiting() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let task = host.thread();
    let late = host.socket(STREAM);
    waits(host.by(task, connect(late, "/l")), "wait/backlog-full");
    done(host.call(Op::File(FileOp::Unlink { path: b"/l".to_vec() })));
    assert!(host.woken().is_empty());
    host.accepted(listener);
    let gone = host.resume(task);
    fails_with(gone, Errno::ENOENT);
    // At another listener of the name it succeeds, although this one still waits for room.
    waits(
        {
            let other = host.listener(STREAM, "/l", 0);
            host.client(STREAM, "/l");
            let step = host.by(task, connect(late, "/l"));
            host.close(other);
            step
        },
        "wait/backlog-full",
    );
    let refused = host.resume(task);
    fails(refused, "connect/listener-closed-while-waiting", Errno::ECONNREFUSED);
}

#[test]
fn who_waits_at_a_listener_that_closes_is_refused() {
    for (name, unlinked) in [("@l", false), ("/l", false), ("/l", true)] {
        let mut host = Host::new(LINUX);
        let listener = host.listener(STREAM, name, 0);
        host.client(STREAM, name);
        let waiting: Vec<_> = (0..2).map(|_| (host.thread(), host.socket(STREAM))).collect();
        for (task, client) in &waiting {
            waits(host.by(*task, connect(*client, name)), "wait/backlog-full");
        }
        if unlinked {
            done(host.call(Op::File(FileOp::Unlink { path: name.into() })));
        }
        host.close(listener);
        assert_eq!(host.woken().len(), 2, "everybody is woken");
        for (task, _) in waiting {
            let step = host.resume(task);
            match unlinked {
                true => fails_with(step, Errno::ENOENT),
                false => {
                    let cause = "connect/listener-closed-while-waiting";
                    fails(step, cause, Errno::ECONNREFUSED);
                }
            }
        }
    }
}

#[test]
fn a_listener_that_is_shut_down_wakes_nobody_who_waits_for_room() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let task = host.thread();
    let late = host.socket(STREAM);
    waits(host.by(task, connect(late, "/l")), "wait/backlog-full");
    host.shut(listener, 2);
    assert!(host.woken().is_empty());
    host.accepted(listener);
    let refused = host.resume(task);
    fails(refused, "connect/listener-shut-down", Errno::ECONNREFUSED);
}

#[test]
fn the_send_timeout_limits_the_wait() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let task = host.thread();
    let late = host.socket(STREAM);
    host.set(late, Opt::SndTimeo, millis(40));
    waits(host.by(task, connect(late, "/l")), "wait/backlog-full");
    assert_eq!(host.world.next_deadline(), Some(Duration::from_millis(40)));
    host.world.advance(Duration::from_millis(39));
    assert!(host.woken().is_empty());
    host.world.advance(Duration::from_millis(1));
    fails(host.resume(task), "connect/timed-out", Errno::EAGAIN);
    // It looks once more when its time is up.
    waits(host.by(task, connect(late, "/l")), "wait/backlog-full");
    host.world.advance(Duration::from_millis(40));
    host.accepted(listener);
    done(host.resume(task));
}

#[test]
fn a_signal_ends_the_wait_and_nothing_goes_on() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let task = host.thread();
    let late = host.socket(STREAM);
    waits(host.by(task, connect(late, "/l")), "wait/backlog-full");
    host.world.interrupt(task);
    fails(host.resume(task), "connect/interrupted", Errno::EINTR);
    host.accepted(listener);
    assert_eq!(host.events(late), "out,hup");
    // Even if there is room by now.
    host.client(STREAM, "/l");
    waits(host.by(task, connect(late, "/l")), "wait/backlog-full");
    host.accepted(listener);
    host.world.interrupt(task);
    fails(host.resume(task), "connect/interrupted", Errno::EINTR);
    done(host.call(connect(late, "/l")));
}

#[test]
fn what_was_settled_when_a_wait_began_is_not_changed_by_flags_that_are_set_later() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let task = host.thread();
    let late = host.socket(STREAM);
    waits(host.by(task, connect(late, "/l")), "wait/backlog-full");
    done(host.call(Op::Nonblocking { fd: late, on: true }));
    host.accepted(listener);
    host.client(STREAM, "/l");
    waits(host.resume(task), "wait/backlog-full");
}

#[test]
fn linux_looks_at_the_own_socket_last() {
    for kind in CONNECTED {
        let mut host = Host::new(LINUX);
        let listener = host.listener(kind, "/l", 1);
        let connected = host.client(kind, "/l");
        done(host.call(Op::Nonblocking { fd: connected, on: true }));
        done(host.call(Op::Nonblocking { fd: listener, on: true }));
        host.bound(kind, "/b");
        for (fd, own) in [(connected, Errno::EISCONN), (listener, Errno::EINVAL)] {
            let own_cause = match own {
                Errno::EISCONN => "connect/already-connected",
                _ => "connect/from-listener",
            };
            fails(host.call(connect(fd, "/none")), "connect/no-such-file", Errno::ENOENT);
            let refused = host.call(connect(fd, "/b"));
            fails(refused, "connect/not-listening", Errno::ECONNREFUSED);
            fails(host.call(connect(fd, "/l")), own_cause, own);
            let last = host.client(kind, "/l");
            fails(host.call(connect(fd, "/l")), "connect/backlog-full", Errno::EAGAIN);
            host.accepted(listener);
            host.close(last);
        }
    }
}

#[test]
fn a_connected_socket_even_waits_for_room_before_it_is_told() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    let connected = host.client(STREAM, "/l");
    let task = host.thread();
    waits(host.by(task, connect(connected, "/l")), "wait/backlog-full");
    host.accepted(listener);
    fails(host.resume(task), "connect/already-connected", Errno::EISCONN);
}

#[test]
fn others_look_at_the_own_socket_first() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let listener = host.listener(STREAM, "/l", 4);
        let connected = host.client(STREAM, "/l");
        let again = host.call(connect(connected, "/none"));
        fails(again, "connect/already-connected", Errno::EISCONN);
        let again = host.call(connect(listener, "/none"));
        fails(again, "connect/from-listener", Errno::EOPNOTSUPP);
    }
}

#[test]
fn the_ends_of_pairs_and_accepted_sockets_are_connected() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let (a, b) = host.pair(STREAM);
    let client = host.client(STREAM, "/l");
    let accepted = host.accepted(listener);
    host.close(client);
    host.close(b);
    for fd in [a, accepted] {
        // Even if the peer has gone.
        let again = host.call(connect(fd, "/l"));
        fails(again, "connect/already-connected", Errno::EISCONN);
    }
}

#[test]
fn two_threads_may_connect_one_socket_and_the_second_wins() {
    let mut host = Host::new(LINUX);
    let full = host.listener(STREAM, "/full", 0);
    host.client(STREAM, "/full");
    host.listener(STREAM, "/free", 4);
    let (first, second) = (host.thread(), host.thread());
    let shared = host.socket(STREAM);
    waits(host.by(first, connect(shared, "/full")), "wait/backlog-full");
    done(host.by(second, connect(shared, "/free")));
    host.accepted(full);
    fails(host.resume(first), "connect/already-connected", Errno::EISCONN);
}

#[test]
fn there_is_no_dissolving_a_stream() {
    for kind in CONNECTED {
        let mut host = Host::new(LINUX);
        let (a, _) = host.pair(kind);
        fails(host.call(dissolve(a)), "connect/wrong-family", Errno::EINVAL);
        let fresh = host.socket(kind);
        fails(host.call(dissolve(fresh)), "connect/wrong-family", Errno::EINVAL);
    }
}

#[test]
fn a_shutdown_before_the_connect_survives_it() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let client = host.socket(STREAM);
    host.shut(client, 1);
    done(host.call(connect(client, "/l")));
    let sent = host.send(client, b"x");
    fails(sent, "send/after-shutdown", Errno::EPIPE);
    // The server is not told.
    let accepted = host.accepted(listener);
    assert_eq!(host.events(accepted), "out");
}

#[test]
fn an_accepted_socket_has_its_listeners_wishes_as_they_were_at_the_connect() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let switches = [Opt::PassCred, Opt::PassPidfd];
    for option in switches {
        host.set(listener, option, Value::Int(1));
    }
    host.set(listener, Opt::PassRights, Value::Int(0));
    host.client(STREAM, "/l");
    for option in switches {
        host.set(listener, option, Value::Int(0));
    }
    host.set(listener, Opt::PassRights, Value::Int(1));
    host.client(STREAM, "/l");
    let [early, late] = [(); 2].map(|()| host.accepted(listener));
    let value = |n| Step::Done(Ret::Value(Value::Int(n)));
    for option in switches {
        assert_eq!([host.get(early, option), host.get(late, option)], [value(1), value(0)]);
    }
    let rights = [early, late].map(|fd| host.get(fd, Opt::PassRights));
    assert_eq!(rights, [value(0), value(1)]);
}

#[test]
fn credentials_are_frozen_at_listen_and_connect() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "@l", 4);
    let user = Credentials { caps: Caps::NONE, ..Credentials::user(1000, 100) };
    let other = host.world.spawn_as(user);
    let client = fd(host.by(other, Op::Socket(New::unix(STREAM))));
    done(host.by(other, connect(client, "@l")));
    let peer = |step| match step {
        Step::Done(Ret::Value(Value::Peer(peer))) => peer,
        other => panic!("{other:?}"),
    };
    let ask = |fd| Op::Getsockopt { fd, level: Level::Socket, option: Opt::PeerCred };
    let pid = |step| match step {
        Step::Done(Ret::Value(Value::Int(pid))) => pid,
        other => panic!("{other:?}"),
    };
    let getpid = || Op::Process(ProcessOp::Getpid);
    let (server_pid, client_pid) = (pid(host.call(getpid())), pid(host.by(other, getpid())));
    let listens = Ids { pid: server_pid, uid: 0, gid: 0 };
    assert_eq!(peer(host.by(other, ask(client))), Some(listens));
    // Whoever accepts, and whatever became of the client.
    let accepted = host.accepted(listener);
    host.by(other, Op::Process(ProcessOp::Exit));
    let connects = Ids { pid: client_pid, uid: 1000, gid: 100 };
    assert_eq!(peer(host.call(ask(accepted))), Some(connects));
    let fresh = host.socket(STREAM);
    assert_eq!(peer(host.call(ask(fresh))), None);
}

fn conn_wait(host: &mut Host, fd: i32) {
    let (level, option) = (Level::Local, Opt::LocalConnWait);
    done(host.call(Op::Setsockopt { fd, level, option, value: Value::Int(1) }));
}

#[test]
fn freebsd_14_waits_for_the_accept_if_it_is_asked_to() {
    let mut host = Host::new(FREEBSD_14);
    let listener = host.listener(STREAM, "/l", 4);
    let (task, client) = (host.thread(), host.socket(STREAM));
    conn_wait(&mut host, client);
    waits(host.by(task, connect(client, "/l")), "wait/server-not-accepting");
    let again = host.call(connect(client, "/l"));
    fails(again, "connect/concurrent-connect", Errno::EALREADY);
    host.accepted(listener);
    done(host.resume(task));
    // A signal does not end what goes on in the background.
    let client = host.socket(STREAM);
    conn_wait(&mut host, client);
    waits(host.by(task, connect(client, "/l")), "wait/server-not-accepting");
    host.world.interrupt(task);
    fails(host.resume(task), "connect/interrupted", Errno::EINTR);
    host.accepted(listener);
    let again = host.call(connect(client, "/l"));
    fails(again, "connect/already-connected", Errno::EISCONN);
}

#[test]
fn freebsd_14_resets_who_waits_for_the_accept_when_the_listener_closes() {
    let mut host = Host::new(FREEBSD_14);
    let listener = host.listener(STREAM, "/l", 4);
    let (task, client) = (host.thread(), host.socket(STREAM));
    conn_wait(&mut host, client);
    waits(host.by(task, connect(client, "/l")), "wait/server-not-accepting");
    host.close(listener);
    fails(host.resume(task), "connect/reset", Errno::ECONNRESET);
}

#[test]
fn a_listener_asks_for_its_clients_too() {
    let mut host = Host::new(FREEBSD_14);
    let listener = host.listener(STREAM, "/l", 4);
    conn_wait(&mut host, listener);
    let client = host.nonblocking(STREAM);
    let begun = host.call(connect(client, "/l"));
    fails(begun, "connect/in-progress-unix", Errno::EINPROGRESS);
}

#[test]
fn a_connection_in_progress_is_none_until_it_is_accepted() {
    let mut host = Host::new(OPENSERVER);
    let listener = host.listener(STREAM, "/l", 4);
    let client = host.nonblocking(STREAM);
    let begun = host.call(connect(client, "/l"));
    fails(begun, "connect/in-progress-unix", Errno::EINPROGRESS);
    let again = host.call(connect(client, "/l"));
    fails(again, "connect/concurrent-connect", Errno::EALREADY);
    fails(host.send(client, b"x"), "send/not-connected", Errno::ENOTCONN);
    assert_eq!(host.events(client), "none");
    let task = host.thread();
    waits(host.by(task, poll(&[(client, Events::OUT)], None)), "wait/send-buffer-full");
    host.accepted(listener);
    let writable = Polled { fd: client, events: Events::OUT };
    assert_eq!(host.resume(task), Step::Done(Ret::Polled(vec![writable])));
    host.sends(client, b"x");
    // A call that waits finds the connection made when it is in the backlog.
    let blocking = host.socket(STREAM);
    done(host.call(connect(blocking, "/l")));
}

#[test]
fn a_client_that_gives_up_while_connecting_leaves_an_ended_connection() {
    let mut host = Host::new(FREEBSD_14);
    let listener = host.listener(STREAM, "/l", 4);
    let client = host.nonblocking(STREAM);
    conn_wait(&mut host, client);
    let begun = host.call(connect(client, "/l"));
    fails(begun, "connect/in-progress-unix", Errno::EINPROGRESS);
    host.close(client);
    let flags = NewFlags::NONE;
    let accepted = fd(host.call(Op::Accept { fd: listener, flags, name: Out::Null }));
    host.reads(accepted, EOF);
}

#[test]
fn a_connect_in_the_midst_of_another_is_turned_away_elsewhere() {
    for profile in Profile::ALL {
        let mut host = Host::new(profile.clone());
        host.listener(STREAM, "/l", 4);
        host.bound(DATAGRAM, "/d");
        for (kind, name) in [(STREAM, "/l"), (DATAGRAM, "/d")] {
            let client = host.socket(kind);
            let busy = |on| Setting::Busy { task: host.task.0, fd: client, on };
            host.world.set(&busy(true)).expect("the socket exists");
            let step = host.world.step(host.task, &connect(client, name));
            let turned_away = *profile.names.concurrent == Concurrent::ConnectFails;
            match turned_away {
                true => fails(step, "connect/concurrent-connect", Errno::EALREADY),
                false => done(step),
            }
            host.world.set(&busy(false)).expect("the socket exists");
            if turned_away {
                done(host.call(connect(client, name)));
            }
        }
    }
}

#[test]
fn a_connection_needs_a_socket_and_memory_for_its_other_end() {
    let mut host = Host::new(LINUX);
    host.listener(STREAM, "/l", 4);
    let client = host.socket(STREAM);
    host.world.set(&Setting::KernelMemory { allocations: Some(0) }).expect("it is a number");
    fails(host.call(connect(client, "/none")), "connect/out-of-memory", Errno::ENOMEM);
    host.world.set(&Setting::KernelMemory { allocations: None }).expect("it is a number");
    host.world.set(&Setting::SystemLimit { files: 1 }).expect("it is a number");
    fails(host.call(connect(client, "/l")), "socket/system-limit", Errno::ENFILE);
}

#[test]
fn why_a_connect_waits_for_the_accept() {
    let wait = |prepare: fn(&mut Host, TaskId), cause| {
        let mut host = Host::new(FREEBSD_14);
        host.listener(STREAM, "/l", 4);
        let other = host.world.spawn();
        let client = fd(host.by(other, Op::Socket(New::unix(STREAM))));
        let (level, option) = (Level::Local, Opt::LocalConnWait);
        let value = Value::Int(1);
        done(host.by(other, Op::Setsockopt { fd: client, level, option, value }));
        let server = host.task;
        prepare(&mut host, server);
        waits(host.by(other, connect(client, "/l")), cause);
    };
    wait(|_, _| {}, "wait/server-not-accepting");
    wait(
        |host, server| {
            let stop = Setting::Stop { task: server.0, on: true };
            host.world.set(&stop).expect("the process exists");
        },
        "wait/server-stopped",
    );
    wait(
        |host, _| done(host.call(Op::Process(ProcessOp::LimitDescriptors { limit: 4 }))),
        "wait/server-out-of-descriptors",
    );
}
