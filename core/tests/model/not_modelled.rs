//! What the model does in the place of what it leaves out, as far as calls can show it.

use crate::scene::*;
use crate::service::*;
use std::collections::BTreeSet;
use std::time::Duration;
use sunpath_core::Errno;
use sunpath_core::model::{Credentials, NOT_MODELLED, Step};
use sunpath_core::op::{
    Control, ControlOut, Family, FileOp, Ids, Message, Mount, Name, New, NewFlags, Op, Opt, Out,
    ProcessOp, RecvFlags, Ret, Setting, Value, Want,
};
use sunpath_core::profile::{FREEBSD_15, LINUX, MACOS};

/// What is shown, by the beginning of its line.
#[track_caller]
fn shows(what: &str) {
    let found = NOT_MODELLED.iter().any(|(line, _)| line.starts_with(what));
    assert!(found, "no line of the list begins with {what:?}");
}

#[test]
fn every_line_has_a_reason_and_none_comes_twice() {
    let mut seen = BTreeSet::new();
    for (what, why) in NOT_MODELLED {
        assert!(seen.insert(what), "{what} comes twice");
        assert!(why.ends_with('.') && why.len() > 20, "{what}: {why}");
    }
}

#[test]
fn signals() {
    shows("signals that are caught");
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.close(b);
    let Step::Fail(failure) = host.send(a, b"x") else { panic!("it was sent") };
    assert!(failure.signal);
    // Whoever was to die of it goes on.
    host.reads(a, EOF);

    shows("SA_RESTART");
    let (a, _) = host.pair(STREAM);
    let reader = host.thread();
    waits(host.by(reader, read(a)), "wait/nothing-to-read");
    host.world.interrupt(reader);
    fails(host.resume(reader), "recv/interrupted", Errno::EINTR);
}

#[test]
fn calls() {
    shows("io_uring");
    let mut host = Host::new(LINUX);
    let ring = fd(host.call(Op::File(FileOp::Ring)));
    let (a, b) = host.pair(STREAM);
    let passed = host.call(Op::Send(Message::new(a, b"x").with_rights(&[ring])));
    fails(passed, "rights/not-passable", Errno::EINVAL);

    shows("exec and close-on-exec");
    let flags = NewFlags { close_on_exec: true, ..NewFlags::NONE };
    let kept = fd(host.call(Op::Socket(New { flags, ..New::unix(STREAM) })));
    let forked = host.call(Op::Process(ProcessOp::Fork));
    let Step::Done(Ret::Task(child)) = forked else { panic!("{forked:?} gives no child") };
    let child = sunpath_core::model::TaskId(child);
    assert!(matches!(host.by(child, bind(kept, "@kept")), Step::Done(_)));

    shows("labels of security modules");
    let label = host.get(a, Opt::PeerSec);
    fails_with(label, Errno::ENOPROTOOPT);
    host.set(b, Opt::PassSec, Value::Int(1));
    host.sends(a, b"x");
    let came = received(host.call(Op::Recv(Want::new(b, 8).control(64))));
    assert!(came.control.is_empty() && !came.control_truncated);

    shows("options that change nothing");
    fails(host.get(a, Opt::Unknown), "option/unknown", Errno::ENOPROTOOPT);
    host.set(a, Opt::KeepAlive, Value::Int(1));
    assert_eq!(host.get(a, Opt::KeepAlive), Step::Done(Ret::Value(Value::Int(1))));
}

#[test]
fn processes() {
    shows("namespaces of processes");
    let mut host = Host::new(LINUX);
    let far = host.world.spawn();
    done(host.by(far, Op::Process(ProcessOp::UnshareNet)));
    let pid = host.by(far, Op::Process(ProcessOp::Getpid));
    let Step::Done(Ret::Value(Value::Int(pid))) = pid else { panic!("{pid:?} is no number") };
    let server = host.bound(DATAGRAM, "/s");
    host.set(server, Opt::PassCred, Value::Int(1));
    let client = fd(host.by(far, Op::Socket(New::unix(DATAGRAM))));
    let sent = host.by(far, Op::Send(Message::new(client, b"x").to("/s")));
    assert_eq!(sent, Step::Done(Ret::Count(1)));
    let came = received(host.call(Op::Recv(Want::new(server, 8).control(64))));
    let ids = Ids { pid, uid: 0, gid: 0 };
    assert_eq!(came.control, [ControlOut::Credentials(ids)]);

    shows("wait, waitpid");
    let forked = host.call(Op::Process(ProcessOp::Fork));
    let Step::Done(Ret::Task(child)) = forked else { panic!("{forked:?} gives no child") };
    let child = sunpath_core::model::TaskId(child);
    let pid = host.by(child, Op::Process(ProcessOp::Getpid));
    let Step::Done(Ret::Value(Value::Int(pid))) = pid else { panic!("{pid:?} is no number") };
    done(host.by(child, Op::Process(ProcessOp::Exit)));
    let (a, _) = host.pair(STREAM);
    let mut claim = Message::new(a, b"x");
    claim.control = vec![Control::Credentials(Ids { pid, uid: 0, gid: 0 })];
    assert_eq!(host.call(Op::Send(claim)), Step::Done(Ret::Count(1)), "its number is its own");
}

#[test]
fn files_and_memory() {
    shows("/proc");
    let mut host = Host::new(LINUX);
    let client = host.socket(STREAM);
    let link = host.call(connect(client, &format!("/proc/self/fd/{client}")));
    fails(link, "connect/link-to-open-socket", Errno::ECONNREFUSED);
    fails_with(host.call(connect(client, "/proc/net/unix")), Errno::ENOENT);

    shows("quotas");
    let full = Setting::Mount { at: b"/tmp".to_vec(), how: Mount::Full };
    host.world.set(&full).expect("the directory exists");
    let user = host.world.spawn_as(Credentials::user(1000, 1000));
    for task in [host.task, user] {
        let socket = fd(host.by(task, Op::Socket(New::unix(STREAM))));
        fails(host.by(task, bind(socket, "/tmp/s")), "bind/no-space", Errno::ENOSPC);
    }

    shows("memory that runs out by itself");
    let last = Setting::KernelMemory { allocations: Some(1) };
    host.world.set(&last).expect("it is a number");
    host.socket(STREAM);
    let none = host.call(Op::Socket(New::unix(STREAM)));
    fails(none, "socket/out-of-memory", Errno::ENOMEM);
}

#[test]
fn garbage_times_and_filters() {
    shows("when descriptors in flight that nobody can reach are collected");
    let mut host = Host::new(LINUX);
    let before = host.world.living_sockets();
    let (a, b) = host.pair(STREAM);
    let passed = host.call(Op::Send(Message::new(a, b"x").with_rights(&[b])));
    assert_eq!(passed, Step::Done(Ret::Count(1)));
    host.close(a);
    host.close(b);
    host.world.advance(Duration::from_secs(3600));
    assert!(host.world.living_sockets() > before, "not by itself");
    host.world.collect_garbage();
    assert_eq!(host.world.living_sockets(), before);

    shows("circles of sockets in flight that Linux never collects");
    let pairs: Vec<_> = (0..3).map(|_| host.pair(STREAM)).collect();
    for (passed, at) in [(0, 1), (1, 2), (2, 1), (1, 0)] {
        assert!(!host.world.has_circles_that_share_a_socket());
        let message = Message::new(pairs[at].0, b"x").with_rights(&[pairs[passed].1]);
        assert_eq!(host.call(Op::Send(message)), Step::Done(Ret::Count(1)));
    }
    assert!(host.world.has_circles_that_share_a_socket());
    pairs.iter().for_each(|(_, end)| host.close(*end));
    host.world.collect_garbage();
    assert!(!host.world.has_circles_that_share_a_socket());
    assert_eq!(host.world.living_sockets(), before + pairs.len());

    shows("the values of timestamps");
    let (a, b) = host.pair(DATAGRAM);
    host.set(b, Opt::Timestamp, Value::Int(1));
    host.sends(a, b"x");
    let came = received(host.call(Op::Recv(Want::new(b, 8).control(64))));
    assert_eq!(came.control, [ControlOut::Timestamp]);

    shows("filters that look at messages");
    for drops in [true, false] {
        host.set(b, Opt::AttachFilter, Value::Filter { length: 1, drops });
        for data in [&b"short"[..], &[0; 3000]] {
            host.sends(a, data);
            assert_eq!(matches!(host.recv(b), Step::Fail(_)), drops);
        }
    }
}

#[test]
fn other_systems() {
    shows("the order of service among senders on FreeBSD");
    shows("what remains of a sender that leaves on FreeBSD");
    let mut host = Host::new(FREEBSD_15);
    let receiver = host.bound(DATAGRAM, "/r");
    let talkative = host.client(DATAGRAM, "/r");
    host.sends(talkative, b"1");
    host.sends(talkative, b"2");
    let quiet = host.client(DATAGRAM, "/r");
    host.sends(quiet, b"3");
    host.close(talkative);
    for data in ["1", "2", "3"] {
        host.reads(receiver, data);
    }

    shows("errors that a peek leaves on FreeBSD");
    let peer = host.bound(DATAGRAM, "/p");
    let client = host.client(DATAGRAM, "/p");
    host.close(peer);
    let flags = RecvFlags { peek: true, dont_wait: true, ..RecvFlags::default() };
    let peek = Op::Recv(Want { flags, ..Want::new(client, 8) });
    fails_with(host.call(peek.clone()), Errno::ECONNRESET);
    fails(host.call(peek), "recv/nothing-to-read", Errno::EAGAIN);

    shows("hang-ups of one direction on FreeBSD 15");
    let (a, b) = host.pair(STREAM);
    host.shut(b, 0);
    assert_eq!(host.events(a), "out");

    shows("getpeername on macOS after both directions were shut");
    let mut host = Host::new(MACOS);
    let (a, b) = host.pair(STREAM);
    host.shut(a, 2);
    host.close(b);
    let peer = host.call(Op::Getpeername { fd: a, name: Out::Room });
    fails(peer, "name/no-peer", Errno::ENOTCONN);
}

#[test]
fn the_internet() {
    shows("IPv6");
    let mut host = Host::new(LINUX);
    let family = Family::Inet6;
    let none = host.call(Op::Socket(New { family, ..New::unix(STREAM) }));
    fails(none, "socket/family-unsupported", Errno::EAFNOSUPPORT);

    let of = New { family: Family::Inet, ..New::unix(STREAM) };
    let [listener, client] = [(); 2].map(|()| fd(host.call(Op::Socket(of))));
    let name = Name::Inet { host: [127, 0, 0, 1], port: 80 };
    done(host.call(Op::Bind { fd: listener, name: name.clone() }));
    done(host.call(listen(listener, 1)));
    done(host.call(Op::Connect { fd: client, name }));
    shows("windows and congestion of TCP");
    for _ in 0..40 {
        let sent = host.call(Op::Send(Message::new(client, &[0; 1 << 20])));
        assert_eq!(sent, Step::Done(Ret::Count(1 << 20)));
    }
    shows("names of internet sockets");
    for fd in [client, listener] {
        let told = host.call(Op::Getsockname { fd, name: Out::Room });
        assert!(!matches!(told, Step::Done(Ret::Name(_))), "{told:?}");
    }
}
