//! `accept`.

use crate::scene::*;
use crate::service::*;
use std::time::Duration;
use sunpath_core::model::{Caps, Credentials, Step, TaskId};
use sunpath_core::op::{
    FileOp, Level, New, NewFlags, Op, Opt, Out, ProcessOp, Ret, Setting, Value,
};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, OPENSERVER, Profile};
use sunpath_core::{Address, Errno};

fn accept_with(fd: i32, flags: NewFlags) -> Op {
    Op::Accept { fd, flags, name: Out::Null }
}

const UNKNOWN: NewFlags = NewFlags { unknown: true, ..NewFlags::NONE };

/// Leaves the process without a free descriptor.
fn limit(host: &mut Host) {
    let next = host.socket(STREAM);
    host.close(next);
    let limit = u32::try_from(next).expect("descriptors are not negative");
    done(host.call(Op::Process(ProcessOp::LimitDescriptors { limit })));
}

#[test]
fn linux_checks_the_flags_and_the_limit_before_the_descriptor_is_looked_at() {
    let mut host = Host::new(LINUX);
    done(host.call(Op::File(FileOp::Create { path: b"/f".to_vec(), mode: 0o600 })));
    let path = fd(host.call(Op::File(FileOp::OpenPath { path: b"/f".to_vec() })));
    let datagram = host.socket(DATAGRAM);
    fails(host.call(accept_with(99, UNKNOWN)), "accept/bad-descriptor", Errno::EBADF);
    fails(host.call(accept_with(path, UNKNOWN)), "accept/bad-descriptor", Errno::EBADF);
    for other in [0, datagram] {
        fails(host.call(accept_with(other, UNKNOWN)), "accept/unknown-flag", Errno::EINVAL);
    }
    fails(host.call(accept(0)), "accept/not-a-socket-descriptor", Errno::ENOTSOCK);
    fails(host.call(accept(datagram)), "accept/datagram", Errno::EOPNOTSUPP);
    limit(&mut host);
    for other in [0, datagram] {
        fails(host.call(accept_with(other, UNKNOWN)), "accept/unknown-flag", Errno::EINVAL);
        fails(host.call(accept(other)), "accept/descriptor-limit", Errno::EMFILE);
    }
}

#[test]
fn only_a_listener_accepts() {
    for profile in Profile::ALL {
        let mut host = Host::new(profile.clone());
        let listener = host.listener(STREAM, "/l", 4);
        let client = host.client(STREAM, "/l");
        let accepted = host.accepted(listener);
        let bound = host.bound(STREAM, "/b");
        let fresh = host.socket(STREAM);
        for fd in [client, accepted, bound, fresh] {
            fails(host.call(accept(fd)), "accept/not-listening", Errno::EINVAL);
        }
    }
    let mut host = Host::new(FREEBSD_14);
    let datagram = host.socket(DATAGRAM);
    fails(host.call(accept(datagram)), "accept/datagram", Errno::EINVAL);
}

#[test]
fn the_limit_of_descriptors_keeps_the_connection_or_loses_it() {
    for profile in [LINUX, FREEBSD_14, FREEBSD_15, OPENSERVER] {
        let mut host = Host::new(profile);
        let listener = host.listener(STREAM, "/l", 4);
        let client = host.client(STREAM, "/l");
        let spare = host.socket(STREAM);
        limit(&mut host);
        fails(host.call(accept(listener)), "accept/descriptor-limit", Errno::EMFILE);
        host.close(spare);
        let accepted = host.accepted(listener);
        host.sends(accepted, b"hello");
        host.reads(client, "hello");
    }
    let mut host = Host::new(MACOS);
    let listener = host.listener(STREAM, "/l", 4);
    let client = host.client(STREAM, "/l");
    limit(&mut host);
    fails(host.call(accept(listener)), "accept/descriptor-limit", Errno::EMFILE);
    host.reads(client, EOF);
    assert_eq!(host.events(listener), "none");
}

#[test]
fn the_limit_shows_even_if_nothing_waits() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    done(host.call(Op::Nonblocking { fd: listener, on: true }));
    limit(&mut host);
    fails(host.call(accept(listener)), "accept/descriptor-limit", Errno::EMFILE);
}

#[test]
fn connections_come_out_in_the_order_in_which_they_came() {
    for kind in CONNECTED {
        let mut host = Host::new(LINUX);
        let listener = host.listener(kind, "/l", 4);
        let clients = ["@one", "@two", "@three"].map(|name| {
            let client = host.bound(kind, name);
            done(host.call(connect(client, "/l")));
            name
        });
        for name in clients {
            let Step::Done(Ret::Accepted { name: told, .. }) = host.call(accept(listener)) else {
                panic!("nothing was accepted")
            };
            assert_eq!(told, Some(Address::Abstract(name.as_bytes()[1..].to_vec())));
        }
    }
}

#[test]
fn the_peers_name_is_given_as_far_as_there_is_one_and_it_is_wanted() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let named = |step| match step {
        Step::Done(Ret::Accepted { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    host.client(STREAM, "/l");
    assert_eq!(named(host.call(accept(listener))), Some(Address::Unnamed));
    host.client(STREAM, "/l");
    assert_eq!(named(host.call(accept_into(listener, Out::Null))), None);
    // Also if the client has gone.
    let gone = host.bound(STREAM, "/c");
    done(host.call(connect(gone, "/l")));
    host.close(gone);
    assert_eq!(named(host.call(accept(listener))), Some(Address::from("/c")));
}

#[test]
fn a_bad_place_for_the_name_loses_the_connection() {
    for (out, cause, errno) in [
        (Out::Unmapped, "accept/bad-pointer", Errno::EFAULT),
        (Out::NegativeLength, "name/bad-address-length", Errno::EINVAL),
    ] {
        let mut host = Host::new(LINUX);
        let listener = host.listener(STREAM, "/l", 4);
        let client = host.client(STREAM, "/l");
        let next = host.socket(STREAM);
        host.close(next);
        fails(host.call(accept_into(listener, out)), cause, errno);
        assert_eq!(host.events(client), "in,out,rdhup,hup");
        host.reads(client, EOF);
        fails(host.send(client, b"x"), "send/peer-closed", Errno::EPIPE);
        // The descriptor is free again.
        assert_eq!(host.socket(STREAM), next);
    }
    // What the client had sent and nobody read makes it an error.
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let client = host.client(STREAM, "/l");
    host.sends(client, b"x");
    let lost = host.call(accept_into(listener, Out::Unmapped));
    fails(lost, "accept/bad-pointer", Errno::EFAULT);
    let told = host.recv(client);
    fails(told, "recv/peer-closed-with-unread-data", Errno::ECONNRESET);
}

#[test]
fn who_does_not_wait_is_told() {
    for profile in Profile::ALL {
        let mut host = Host::new(profile.clone());
        let listener = host.listener(STREAM, "/l", 4);
        done(host.call(Op::Nonblocking { fd: listener, on: true }));
        fails(host.call(accept(listener)), "accept/nothing-pending", Errno::EAGAIN);
    }
}

#[test]
fn those_who_wait_are_served_in_turn() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let servers: Vec<TaskId> = (0..3).map(|_| host.thread()).collect();
    for server in &servers {
        waits(host.by(*server, accept(listener)), "wait/nothing-pending");
    }
    for server in &servers {
        host.client(STREAM, "/l");
        assert_eq!(host.woken(), [*server]);
        fd(host.resume(*server));
    }
}

#[test]
fn two_who_are_woken_race_for_what_there_is() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let server = host.thread();
    waits(host.by(server, accept(listener)), "wait/nothing-pending");
    host.client(STREAM, "/l");
    host.accepted(listener);
    waits(host.resume(server), "wait/nothing-pending");
}

#[test]
fn the_receive_timeout_limits_the_wait() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    host.set(listener, Opt::RcvTimeo, millis(20));
    let server = host.thread();
    waits(host.by(server, accept(listener)), "wait/nothing-pending");
    host.world.advance(Duration::from_millis(20));
    fails(host.resume(server), "accept/timed-out", Errno::EAGAIN);
}

#[test]
fn a_signal_ends_the_wait() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let server = host.thread();
    waits(host.by(server, accept(listener)), "wait/nothing-pending");
    host.world.interrupt(server);
    fails(host.resume(server), "accept/interrupted", Errno::EINTR);
    // Unless there is something to accept.
    waits(host.by(server, accept(listener)), "wait/nothing-pending");
    host.client(STREAM, "/l");
    host.world.interrupt(server);
    fd(host.resume(server));
}

#[test]
fn a_shut_down_listener_hands_out_what_waits_and_then_ends_for_those_who_wait() {
    for how in [0, 2] {
        let mut host = Host::new(LINUX);
        let listener = host.listener(STREAM, "/l", 4);
        host.client(STREAM, "/l");
        host.shut(listener, how);
        host.accepted(listener);
        fails(host.call(accept(listener)), "accept/shut-down", Errno::EINVAL);
        done(host.call(Op::Nonblocking { fd: listener, on: true }));
        fails(host.call(accept(listener)), "accept/nothing-pending", Errno::EAGAIN);
    }
}

#[test]
fn a_shutdown_ends_all_waits_in_accept() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let servers = [host.thread(), host.thread()];
    for server in servers {
        waits(host.by(server, accept(listener)), "wait/nothing-pending");
    }
    host.shut(listener, 0);
    assert_eq!(host.woken(), servers);
    for server in servers {
        fails(host.resume(server), "accept/shut-down", Errno::EINVAL);
    }
}

#[test]
fn freebsd_fails_one_accept_after_a_shutdown() {
    for profile in [FREEBSD_14, FREEBSD_15] {
        let mut host = Host::new(profile);
        let listener = host.listener(STREAM, "/l", 4);
        host.client(STREAM, "/l");
        let shut = host.call(Op::Shutdown { fd: listener, how: 0 });
        fails(shut, "shutdown/not-connected", Errno::ENOTCONN);
        fails(host.call(accept(listener)), "accept/shut-down", Errno::ECONNABORTED);
        host.accepted(listener);
        host.client(STREAM, "/l");
    }
}

#[test]
fn a_listener_cannot_be_shut_down_on_macos() {
    for profile in [MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let listener = host.listener(STREAM, "/l", 4);
        let shut = host.call(Op::Shutdown { fd: listener, how: 2 });
        fails(shut, "shutdown/not-connected", Errno::ENOTCONN);
        host.client(STREAM, "/l");
        host.accepted(listener);
    }
}

#[test]
fn a_client_that_left_is_accepted_or_reported() {
    for profile in Profile::ALL {
        let mut host = Host::new(profile.clone());
        let listener = host.listener(STREAM, "/l", 4);
        let client = host.client(STREAM, "/l");
        host.close(client);
        let step = host.call(accept(listener));
        match *profile.connection.accept_reports_lost_client {
            true => fails(step, "accept/aborted", Errno::ECONNABORTED),
            false => {
                let accepted = fd(step);
                host.reads(accepted, EOF);
            }
        }
    }
    assert!(*OPENSERVER.connection.accept_reports_lost_client);
}

#[test]
fn linux_passes_neither_nonblocking_nor_limits_nor_sizes_on() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let default = host.get(listener, Opt::SndBuf);
    host.set(listener, Opt::SndBuf, Value::Int(10_000));
    host.set(listener, Opt::RcvTimeo, millis(20));
    done(host.call(Op::Nonblocking { fd: listener, on: true }));
    host.client(STREAM, "/l");
    let accepted = host.accepted(listener);
    assert!(!host.world.is_nonblocking(host.task, accepted));
    assert_eq!(host.get(accepted, Opt::SndBuf), default);
    assert_eq!(host.get(accepted, Opt::RcvTimeo), Step::Done(Ret::Value(Value::Time(None))));
    host.client(STREAM, "/l");
    let flags = NewFlags { nonblocking: true, ..NewFlags::NONE };
    let accepted = fd(host.call(accept_with(listener, flags)));
    assert!(host.world.is_nonblocking(host.task, accepted));
}

#[test]
fn elsewhere_an_accepted_socket_does_not_wait_if_its_listener_does_not() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let flags_exist = *profile.connection.accept_flags;
        let mut host = Host::new(profile);
        let listener = host.listener(STREAM, "/l", 4);
        done(host.call(Op::Nonblocking { fd: listener, on: true }));
        host.client(STREAM, "/l");
        let accepted = host.accepted(listener);
        assert!(host.world.is_nonblocking(host.task, accepted));
        // accept4 says itself what it wants, where there is one.
        host.client(STREAM, "/l");
        let flags = NewFlags { close_on_exec: true, ..NewFlags::NONE };
        let accepted = fd(host.call(accept_with(listener, flags)));
        assert_eq!(host.world.is_nonblocking(host.task, accepted), !flags_exist);
    }
}

#[test]
fn elsewhere_an_accepted_socket_has_its_listeners_buffers() {
    for (profile, timeouts) in [(FREEBSD_14, true), (MACOS, false)] {
        let mut host = Host::new(profile);
        let listener = host.listener(STREAM, "/l", 4);
        host.set(listener, Opt::SndBuf, Value::Int(10_000));
        host.set(listener, Opt::RcvTimeo, millis(20));
        host.client(STREAM, "/l");
        let accepted = host.accepted(listener);
        assert_eq!(host.get(accepted, Opt::SndBuf), host.get(listener, Opt::SndBuf));
        let same = host.get(accepted, Opt::RcvTimeo) == host.get(listener, Opt::RcvTimeo);
        assert_eq!(same, timeouts);
    }
}

#[test]
fn closing_the_listener_does_not_end_an_accept_that_sleeps_on_it() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let server = host.thread();
    waits(host.by(server, accept(listener)), "wait/nothing-pending");
    host.close(listener);
    assert!(host.woken().is_empty());
    // The number is another socket's by now; the name still leads to the listener.
    assert_eq!(host.socket(STREAM), listener);
    let client = host.client(STREAM, "/l");
    assert_eq!(host.woken(), [server]);
    let accepted = fd(host.resume(server));
    // Only now the listener goes.
    host.sends(accepted, b"hello");
    host.reads(client, "hello");
    let late = host.socket(STREAM);
    let refused = host.call(connect(late, "/l"));
    fails(refused, "connect/stale-socket", Errno::ECONNREFUSED);
}

#[test]
fn the_systems_limit_of_open_files_keeps_the_connection() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    host.client(STREAM, "/l");
    let user = Credentials { caps: Caps::NONE, ..Credentials::user(1000, 100) };
    let other = host.world.spawn_as(user);
    let shared = host.world.share(host.task, listener, other).expect("there is room");
    host.world.set(&Setting::SystemLimit { files: 1 }).expect("it is a number");
    fails(host.by(other, accept(shared)), "socket/system-limit", Errno::ENFILE);
    assert_eq!(host.events(listener), "in");
    // Administrators exceed it.
    host.accepted(listener);
}

#[test]
fn who_cannot_wait_at_all_learns_nothing_of_a_shutdown() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    host.shut(listener, 0);
    fails(host.call(accept(listener)), "accept/shut-down", Errno::EINVAL);
    let (level, option) = (Level::Socket, Opt::RcvTimeo);
    let value = Value::RawTime(-1, 0);
    done(host.call(Op::Setsockopt { fd: listener, level, option, value }));
    fails(host.call(accept(listener)), "accept/timed-out", Errno::EAGAIN);
}

#[test]
fn an_accepted_socket_is_in_its_clients_network() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let guest = host.world.spawn();
    done(host.by(guest, Op::Process(ProcessOp::UnshareNet)));
    let client = fd(host.by(guest, Op::Socket(New::unix(STREAM))));
    done(host.by(guest, connect(client, "/l")));
    let far = fd(host.by(guest, Op::Socket(New::unix(STREAM))));
    done(host.by(guest, bind(far, "@far")));
    done(host.by(guest, listen(far, 1)));
    // It finds the name, and is told only then that it is connected already.
    let accepted = host.accepted(listener);
    let found = host.call(connect(accepted, "@far"));
    fails(found, "connect/already-connected", Errno::EISCONN);
    let own = host.socket(STREAM);
    let lost = host.call(connect(own, "@far"));
    fails(lost, "connect/abstract-other-namespace", Errno::ECONNREFUSED);
}
