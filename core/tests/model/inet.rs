//! The least internet: every cause that only internet sockets have.

use crate::scene::*;
use std::time::Duration;
use sunpath_core::Errno;
use sunpath_core::model::{Credentials, Step, TaskId, World};
use sunpath_core::op::{
    Events, Family, Fd, Internet, Kind, Level, Manner, Message, Name, New, NewFlags, Op, Opt, Out,
    ProcessOp, Request, Ret, Route, Setting, Value, Want,
};
use sunpath_core::profile::{FREEBSD_14, LINUX, MACOS, OPENSERVER};

const LOOPBACK: [u8; 4] = [127, 0, 0, 1];
const FAR: [u8; 4] = [192, 0, 2, 1];

fn at(host: [u8; 4], port: u16) -> Name {
    Name::Inet { host, port }
}

fn internet(world: &mut World, setting: Internet) {
    world.set(&Setting::Internet(setting)).unwrap();
}

/// A world in which a route leads to 192.0.2.0/24 and the host 192.0.2.1 behaves so.
fn world_with(manner: Manner) -> (World, TaskId) {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    internet(&mut world, Internet::Route { to: [192, 0, 2, 0], bits: 24, leads: Route::Hosts });
    internet(&mut world, Internet::Host { address: FAR, manner });
    (world, task)
}

fn new(world: &mut World, task: TaskId, kind: Kind) -> Fd {
    fd(world.step(task, &Op::Socket(New { family: Family::Inet, ..New::unix(kind) })))
}

fn connect(world: &mut World, task: TaskId, fd: Fd, name: Name) -> Step {
    world.step(task, &Op::Connect { fd, name })
}

fn bind(world: &mut World, task: TaskId, fd: Fd, name: Name) -> Step {
    world.step(task, &Op::Bind { fd, name })
}

fn set(world: &mut World, task: TaskId, fd: Fd, option: Opt, value: Value) {
    let level = Level::Socket;
    done(world.step(task, &Op::Setsockopt { fd, level, option, value }));
}

fn polled(world: &mut World, task: TaskId, fd: Fd) -> Events {
    let timeout = Some(Duration::ZERO);
    match world.step(task, &Op::Poll { fds: vec![(fd, Events::IN.or(Events::OUT))], timeout }) {
        Step::Done(Ret::Polled(found)) => found[0].events,
        other => panic!("{other:?} tells no events"),
    }
}

fn error(world: &mut World, task: TaskId, fd: Fd) -> Option<Errno> {
    let level = Level::Socket;
    match world.step(task, &Op::Getsockopt { fd, level, option: Opt::Error }) {
        Step::Done(Ret::Value(Value::Error(error))) => error,
        other => panic!("{other:?} tells no error"),
    }
}

fn listener(world: &mut World, task: TaskId, port: u16, backlog: i32) -> Fd {
    let fd = new(world, task, Kind::Stream);
    done(bind(world, task, fd, at(LOOPBACK, port)));
    done(world.step(task, &Op::Listen { fd, backlog }));
    fd
}

fn accept(world: &mut World, task: TaskId, fd: Fd) -> Step {
    world.step(task, &Op::Accept { fd, flags: NewFlags::NONE, name: Out::Null })
}

/// A client and the server's end.
fn connection(world: &mut World, task: TaskId) -> (Fd, Fd) {
    let server = listener(world, task, 80, 5);
    let client = new(world, task, Kind::Stream);
    done(connect(world, task, client, at(LOOPBACK, 80)));
    (client, fd(accept(world, task, server)))
}

#[test]
fn streams_connect_and_talk_on_loopback() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (client, server) = connection(&mut world, task);
    fails(
        connect(&mut world, task, client, at(LOOPBACK, 80)),
        "connect/already-connected-inet",
        Errno::EISCONN,
    );
    assert_eq!(send(&mut world, task, client, b"hello"), Step::Done(Ret::Count(5)));
    assert_eq!(send(&mut world, task, client, b" you"), Step::Done(Ret::Count(4)));
    assert_eq!(&*received(recv(&mut world, task, server, 3)).data, b"hel");
    assert_eq!(&*received(recv(&mut world, task, server, 9)).data, b"lo you");
    fails(recv(&mut world, task, server, 9), "recv/nothing-to-read", Errno::EAGAIN);
    waits(world.step(task, &Op::Recv(Want::new(server, 9))), "wait/nothing-to-read");
    world.interrupt(task);
    let ended = resume(&mut world, task);
    fails(ended, "recv/interrupted", Errno::EINTR);
    done(world.step(task, &Op::Shutdown { fd: client, how: 1 }));
    assert_eq!(received(recv(&mut world, task, server, 9)).returned, 0);
}

#[test]
fn nobody_listens_on_the_port() {
    for profile in [LINUX, FREEBSD_14, MACOS, OPENSERVER] {
        let mut world = World::new(profile);
        let task = world.spawn();
        let fd = new(&mut world, task, Kind::Stream);
        for _ in 0..2 {
            let refused = connect(&mut world, task, fd, at(LOOPBACK, 9));
            fails(refused, "connect/refused-inet", Errno::ECONNREFUSED);
        }
    }
}

#[test]
fn a_nonblocking_attempt_goes_on_and_is_remembered() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    listener(&mut world, task, 80, 5);
    let fd = new(&mut world, task, Kind::Stream);
    done(world.step(task, &Op::Nonblocking { fd, on: true }));
    assert_eq!(polled(&mut world, task, fd), Events::OUT.or(Events::HUP));
    let begun = connect(&mut world, task, fd, at(LOOPBACK, 80));
    fails(begun, "connect/in-progress", Errno::EINPROGRESS);
    assert_eq!(polled(&mut world, task, fd), Events::OUT);
    done(connect(&mut world, task, fd, at(LOOPBACK, 80)));
    let again = connect(&mut world, task, fd, at(LOOPBACK, 80));
    fails(again, "connect/already-connected-inet", Errno::EISCONN);

    let fd = new(&mut world, task, Kind::Stream);
    done(world.step(task, &Op::Nonblocking { fd, on: true }));
    let closed = at(LOOPBACK, 81);
    let begun = connect(&mut world, task, fd, closed.clone());
    fails(begun, "connect/in-progress", Errno::EINPROGRESS);
    let ended = connect(&mut world, task, fd, closed.clone());
    fails(ended, "connect/refused-inet", Errno::ECONNREFUSED);
    let begun = connect(&mut world, task, fd, closed.clone());
    fails(begun, "connect/in-progress", Errno::EINPROGRESS);
    assert_ne!(polled(&mut world, task, fd) & Events::ERR, Events::NONE);
    assert_eq!(error(&mut world, task, fd), Some(Errno::ECONNREFUSED));
    let late = connect(&mut world, task, fd, closed);
    fails(late, "connect/aborted-earlier", Errno::ECONNABORTED);
}

#[test]
fn a_full_listener_keeps_clients_waiting_until_they_give_up() {
    let mut world = World::new(LINUX);
    let (task, other) = (world.spawn(), world.spawn());
    let server = listener(&mut world, task, 80, 0);
    let first = new(&mut world, task, Kind::Stream);
    done(connect(&mut world, task, first, at(LOOPBACK, 80)));
    let second = new(&mut world, other, Kind::Stream);
    let wait = connect(&mut world, other, second, at(LOOPBACK, 80));
    waits(wait, "connect/timed-out-inet");
    world.interrupt(other);
    let ended = resume(&mut world, other);
    fails(ended, "connect/interrupted-inet", Errno::EINTR);
    done(world.step(other, &Op::Nonblocking { fd: second, on: true }));
    let again = connect(&mut world, other, second, at(LOOPBACK, 80));
    fails(again, "connect/already-in-progress", Errno::EALREADY);
    done(world.step(other, &Op::Nonblocking { fd: second, on: false }));
    waits(connect(&mut world, other, second, at(LOOPBACK, 80)), "connect/timed-out-inet");
    fd(accept(&mut world, task, server));
    assert_eq!(world.runnable().collect::<Vec<_>>(), [other]);
    done(resume(&mut world, other));

    let third = new(&mut world, other, Kind::Stream);
    waits(connect(&mut world, other, third, at(LOOPBACK, 80)), "connect/timed-out-inet");
    world.advance(Duration::from_secs(127));
    let late = resume(&mut world, other);
    fails(late, "connect/timed-out-inet", Errno::ETIMEDOUT);
}

#[test]
fn hosts_answer_in_their_manner() {
    for (manner, cause, errno) in [
        (Manner::Refuses, "connect/refused-inet", Errno::ECONNREFUSED),
        (Manner::Resets, "connect/reset-inet", Errno::ECONNRESET),
        (Manner::Unreachable, "connect/host-unreachable", Errno::EHOSTUNREACH),
    ] {
        let (mut world, task) = world_with(manner);
        let fd = new(&mut world, task, Kind::Stream);
        fails(connect(&mut world, task, fd, at(FAR, 80)), cause, errno);
    }
    let (mut world, task) = world_with(Manner::Silent);
    let fd = new(&mut world, task, Kind::Stream);
    set(&mut world, task, fd, Opt::SndTimeo, Value::Time(Some(Duration::from_secs(1))));
    waits(connect(&mut world, task, fd, at(FAR, 80)), "connect/timed-out-inet");
    world.advance(Duration::from_secs(1));
    let limited = resume(&mut world, task);
    fails(limited, "connect/in-progress", Errno::EINPROGRESS);
}

#[test]
fn a_connection_that_stood_ends() {
    let (mut world, task) = world_with(Manner::Accepts);
    let fd = new(&mut world, task, Kind::Stream);
    done(connect(&mut world, task, fd, at(FAR, 80)));
    internet(&mut world, Internet::Host { address: FAR, manner: Manner::Silent });
    assert_eq!(send(&mut world, task, fd, b"x"), Step::Done(Ret::Count(1)));
    waits(world.step(task, &Op::Recv(Want::new(fd, 1))), "wait/nothing-to-read");
    world.advance(world.next_deadline().unwrap());
    let late = resume(&mut world, task);
    fails(late, "connect/timed-out-inet", Errno::ETIMEDOUT);

    let (mut world, task) = world_with(Manner::Accepts);
    let fd = new(&mut world, task, Kind::Stream);
    done(connect(&mut world, task, fd, at(FAR, 80)));
    internet(&mut world, Internet::Host { address: FAR, manner: Manner::Resets });
    assert_eq!(send(&mut world, task, fd, b"x"), Step::Done(Ret::Count(1)));
    fails(send(&mut world, task, fd, b"x"), "recv/reset-inet", Errno::ECONNRESET);

    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (client, server) = connection(&mut world, task);
    set(&mut world, task, server, Opt::Linger, Value::Linger(Some(0)));
    done(world.step(task, &Op::Close { fd: server }));
    fails(recv(&mut world, task, client, 1), "recv/reset-inet", Errno::ECONNRESET);
}

#[test]
fn an_administrator_destroys_a_connection() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (client, server) = connection(&mut world, task);
    let destroy = Internet::Destroy { task: task.0, fd: client };
    internet(&mut world, destroy);
    let own = recv(&mut world, task, client, 1);
    fails(own, "recv/destroyed-by-administrator", Errno::ECONNABORTED);
    fails(recv(&mut world, task, server, 1), "recv/reset-inet", Errno::ECONNRESET);

    let (mut world, task) = world_with(Manner::Silent);
    let fd = new(&mut world, task, Kind::Stream);
    waits(connect(&mut world, task, fd, at(FAR, 80)), "connect/timed-out-inet");
    internet(&mut world, Internet::Destroy { task: task.0, fd });
    let ended = resume(&mut world, task);
    fails(ended, "recv/destroyed-by-administrator", Errno::ECONNABORTED);

    let mut world = World::new(MACOS);
    let task = world.spawn();
    let fd = new(&mut world, task, Kind::Stream);
    let destroy = Setting::Internet(Internet::Destroy { task: task.0, fd });
    assert_eq!(world.set(&destroy), Err(Errno::EOPNOTSUPP));
}

#[test]
fn routes_say_no() {
    for (leads, cause, errno) in [
        (Route::Unreachable, "connect/host-unreachable", Errno::EHOSTUNREACH),
        (Route::Prohibit, "connect/route-prohibited", Errno::EACCES),
        (Route::Blackhole, "connect/route-blackhole", Errno::EINVAL),
    ] {
        let (mut world, task) = world_with(Manner::Accepts);
        internet(&mut world, Internet::Route { to: FAR, bits: 32, leads });
        for kind in [Kind::Stream, Kind::Datagram] {
            let fd = new(&mut world, task, kind);
            fails(connect(&mut world, task, fd, at(FAR, 80)), cause, errno);
        }
        let fd = new(&mut world, task, Kind::Datagram);
        let message = Message::new(fd, b"x").to(at(FAR, 80));
        fails(world.step(task, &Op::Send(message)), cause, errno);
    }
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let fd = new(&mut world, task, Kind::Stream);
    let nowhere = connect(&mut world, task, fd, at(FAR, 80));
    fails(nowhere, "connect/network-unreachable", Errno::ENETUNREACH);
    done(world.step(task, &Op::Process(ProcessOp::UnshareNet)));
    let fd = new(&mut world, task, Kind::Stream);
    let alone = connect(&mut world, task, fd, at(LOOPBACK, 80));
    fails(alone, "connect/network-unreachable", Errno::ENETUNREACH);

    let mut world = World::new(FREEBSD_14);
    let prohibit = Internet::Route { to: FAR, bits: 32, leads: Route::Prohibit };
    assert_eq!(world.set(&Setting::Internet(prohibit)), Err(Errno::EINVAL));
}

#[test]
fn a_broadcast_must_be_meant() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let all = at([127, 255, 255, 255], 9);
    let fd = new(&mut world, task, Kind::Datagram);
    let denied = connect(&mut world, task, fd, all.clone());
    fails(denied, "connect/broadcast-not-allowed", Errno::EACCES);
    let message = Message::new(fd, b"x").to(all.clone());
    let denied = world.step(task, &Op::Send(message.clone()));
    fails(denied, "connect/broadcast-not-allowed", Errno::EACCES);
    set(&mut world, task, fd, Opt::Broadcast, Value::Int(1));
    assert_eq!(world.step(task, &Op::Send(message)), Step::Done(Ret::Count(1)));
    let fd = new(&mut world, task, Kind::Stream);
    let stream = connect(&mut world, task, fd, all);
    fails(stream, "connect/network-unreachable", Errno::ENETUNREACH);
}

#[test]
fn addresses_are_looked_at_first() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    for kind in [Kind::Stream, Kind::Datagram] {
        let fd = new(&mut world, task, kind);
        let short = connect(&mut world, task, fd, Name::Sized(15));
        fails(short, "connect/bad-address-length-inet", Errno::EINVAL);
        let unix = connect(&mut world, task, fd, Name::from("/tmp/s"));
        fails(unix, "connect/bad-address-length-inet", Errno::EINVAL);
        let unix = connect(&mut world, task, fd, Name::from("/run/app/app.sock"));
        fails(unix, "connect/family-mismatch-inet", Errno::EAFNOSUPPORT);
        let nowhere = connect(&mut world, task, fd, Name::Unmapped);
        fails(nowhere, "connect/bad-pointer", Errno::EFAULT);
        done(connect(&mut world, task, fd, Name::Foreign(Family::Unspecified)));
        let unix = bind(&mut world, task, fd, Name::from("/run/app/app.sock"));
        fails(unix, "connect/family-mismatch-inet", Errno::EAFNOSUPPORT);
        let other = bind(&mut world, task, fd, at([192, 0, 2, 9], 0));
        fails(other, "connect/address-not-available", Errno::EADDRNOTAVAIL);
    }
    let fd = new(&mut world, task, Kind::Datagram);
    let no_port = Message::new(fd, b"x").to(at(LOOPBACK, 0));
    let lost = world.step(task, &Op::Send(no_port));
    fails(lost, "connect/incomplete-address-inet", Errno::EINVAL);
}

#[test]
fn ports_run_out() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let server = listener(&mut world, task, 80, 9);
    internet(&mut world, Internet::Ports { first: 40000, last: 40003 });
    for _ in 0..4 {
        let fd = new(&mut world, task, Kind::Stream);
        done(connect(&mut world, task, fd, at(LOOPBACK, 80)));
    }
    let fifth = new(&mut world, task, Kind::Stream);
    let none = connect(&mut world, task, fifth, at(LOOPBACK, 80));
    fails(none, "connect/no-free-port", Errno::EADDRNOTAVAIL);
    // Another destination can share the ports, another listener cannot.
    let refused = connect(&mut world, task, fifth, at(LOOPBACK, 81));
    fails(refused, "connect/refused-inet", Errno::ECONNREFUSED);
    let other = new(&mut world, task, Kind::Stream);
    let unbound = world.step(task, &Op::Listen { fd: other, backlog: 1 });
    fails(unbound, "bind/port-in-use", Errno::EADDRINUSE);
    let any = bind(&mut world, task, other, at(LOOPBACK, 0));
    fails(any, "bind/port-in-use", Errno::EADDRINUSE);
    fd(accept(&mut world, task, server));

    for _ in 0..4 {
        let fd = new(&mut world, task, Kind::Datagram);
        done(connect(&mut world, task, fd, at(LOOPBACK, 9)));
    }
    let fd = new(&mut world, task, Kind::Datagram);
    let none = connect(&mut world, task, fd, at(LOOPBACK, 9));
    fails(none, "connect/no-free-port-datagram", Errno::EAGAIN);
    let message = Message::new(fd, b"x").to(at(LOOPBACK, 9));
    let none = world.step(task, &Op::Send(message));
    fails(none, "connect/no-free-port-datagram", Errno::EAGAIN);
}

#[test]
fn two_ends_have_one_connection() {
    for (profile, cause, errno) in [
        (LINUX, "connect/no-free-port", Errno::EADDRNOTAVAIL),
        (FREEBSD_14, "connect/address-in-use", Errno::EADDRINUSE),
    ] {
        let mut world = World::new(profile);
        let task = world.spawn();
        listener(&mut world, task, 80, 9);
        for place in 0..2 {
            let fd = new(&mut world, task, Kind::Stream);
            set(&mut world, task, fd, Opt::ReuseAddr, Value::Int(1));
            done(bind(&mut world, task, fd, at(LOOPBACK, 5000)));
            let step = connect(&mut world, task, fd, at(LOOPBACK, 80));
            match place {
                0 => done(step),
                _ => fails(step, cause, errno),
            }
        }
    }
}

#[test]
fn low_ports_and_taken_ports_are_not_for_everybody() {
    let mut world = World::new(LINUX);
    let (root, user) = (world.spawn(), world.spawn_as(Credentials::user(1000, 1000)));
    let fd = new(&mut world, user, Kind::Stream);
    let low = bind(&mut world, user, fd, at(LOOPBACK, 80));
    fails(low, "bind/privileged-port", Errno::EACCES);
    let fd = new(&mut world, root, Kind::Stream);
    done(bind(&mut world, root, fd, at(LOOPBACK, 80)));
    let fd = new(&mut world, root, Kind::Stream);
    let taken = bind(&mut world, root, fd, at([0; 4], 80));
    fails(taken, "bind/port-in-use", Errno::EADDRINUSE);
}

#[test]
fn datagrams_come_back_as_errors() {
    let (mut world, task) = world_with(Manner::Unreachable);
    for (name, cause, errno) in [
        (at(LOOPBACK, 9), "connect/refused-inet", Errno::ECONNREFUSED),
        (at(FAR, 9), "connect/host-unreachable", Errno::EHOSTUNREACH),
    ] {
        let fd = new(&mut world, task, Kind::Datagram);
        done(connect(&mut world, task, fd, name));
        assert_eq!(send(&mut world, task, fd, b"x"), Step::Done(Ret::Count(1)));
        fails(send(&mut world, task, fd, b"x"), cause, errno);
        assert_eq!(send(&mut world, task, fd, b"x"), Step::Done(Ret::Count(1)));
        fails(recv(&mut world, task, fd, 1), cause, errno);
        fails(recv(&mut world, task, fd, 1), "recv/nothing-to-read", Errno::EAGAIN);
    }
}

#[test]
fn datagrams_have_a_size_and_a_destination() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let fd = new(&mut world, task, Kind::Datagram);
    let nobody = send(&mut world, task, fd, b"x");
    fails(nobody, "send/no-destination-inet", Errno::EDESTADDRREQ);
    let receiver = new(&mut world, task, Kind::Datagram);
    done(bind(&mut world, task, receiver, at(LOOPBACK, 5353)));
    done(connect(&mut world, task, fd, at(LOOPBACK, 5353)));
    for length in [65_508, 65_536] {
        let long = send(&mut world, task, fd, &vec![0; length]);
        fails(long, "send/message-too-long-inet", Errno::EMSGSIZE);
    }
    let longest = send(&mut world, task, fd, &[0; 65_507]);
    assert_eq!(longest, Step::Done(Ret::Count(65_507)));
    assert_eq!(received(recv(&mut world, task, receiver, 70_000)).returned, 65_507);
    assert_eq!(send(&mut world, task, fd, b"hello"), Step::Done(Ret::Count(5)));
    let cut = received(recv(&mut world, task, receiver, 2));
    assert_eq!((&*cut.data, cut.truncated), (&b"he"[..], true));
    fails(recv(&mut world, task, receiver, 2), "recv/nothing-to-read", Errno::EAGAIN);
}

#[test]
fn what_streams_do_datagrams_do_not() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let fd = new(&mut world, task, Kind::Datagram);
    let listen = world.step(task, &Op::Listen { fd, backlog: 1 });
    fails(listen, "listen/datagram", Errno::EOPNOTSUPP);
    fails(accept(&mut world, task, fd), "accept/datagram", Errno::EOPNOTSUPP);
    let shut = world.step(task, &Op::Shutdown { fd, how: 2 });
    fails(shut, "shutdown/not-connected", Errno::ENOTCONN);
    let arp = world.step(task, &Op::Ioctl { fd, request: Request::Arp });
    fails(arp, "socket/protocol-family-unsupported", Errno::EPFNOSUPPORT);
    fails(world.step(task, &Op::Lseek { fd }), "socket/not-seekable", Errno::ESPIPE);
    let peer = world.step(task, &Op::Getpeername { fd, name: Out::Room });
    fails(peer, "name/no-peer", Errno::ENOTCONN);
    let stream = new(&mut world, task, Kind::Stream);
    fails(accept(&mut world, task, stream), "accept/not-listening", Errno::EINVAL);
    let server = listener(&mut world, task, 80, 1);
    let inq = world.step(task, &Op::Ioctl { fd: server, request: Request::Inq });
    fails(inq, "option/queue-of-listener", Errno::EINVAL);
    done(world.step(task, &Op::Nonblocking { fd: server, on: true }));
    fails(accept(&mut world, task, server), "accept/nothing-pending", Errno::EAGAIN);
}

#[test]
fn a_close_with_unread_data_resets() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (client, server) = connection(&mut world, task);
    assert_eq!(send(&mut world, task, client, b"unread"), Step::Done(Ret::Count(6)));
    done(world.step(task, &Op::Close { fd: server }));
    fails(recv(&mut world, task, client, 1), "recv/reset-inet", Errno::ECONNRESET);
}

#[test]
fn everybody_may_have_any_port_that_is_free() {
    let mut world = World::new(LINUX);
    let user = world.spawn_as(Credentials::user(1000, 1000));
    let fd = new(&mut world, user, Kind::Stream);
    done(bind(&mut world, user, fd, at(LOOPBACK, 0)));
}

#[test]
fn an_attempt_is_remembered_by_its_own_socket_on_linux_alone() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    listener(&mut world, task, 80, 5);
    let [failed, made, fresh] = [(); 3].map(|()| {
        let fd = new(&mut world, task, Kind::Stream);
        done(world.step(task, &Op::Nonblocking { fd, on: true }));
        fd
    });
    for (fd, port) in [(failed, 81), (made, 80), (fresh, 80)] {
        let begun = connect(&mut world, task, fd, at(LOOPBACK, port));
        fails(begun, "connect/in-progress", Errno::EINPROGRESS);
    }
    let ended = connect(&mut world, task, failed, at(LOOPBACK, 80));
    fails(ended, "connect/refused-inet", Errno::ECONNREFUSED);
    done(connect(&mut world, task, made, at(LOOPBACK, 80)));
    let again = connect(&mut world, task, made, at(LOOPBACK, 80));
    fails(again, "connect/already-connected-inet", Errno::EISCONN);
    // What was told of one is news of the other.
    done(connect(&mut world, task, fresh, at(LOOPBACK, 80)));

    for profile in [FREEBSD_14, MACOS, OPENSERVER] {
        let mut world = World::new(profile);
        let task = world.spawn();
        listener(&mut world, task, 80, 5);
        let fd = new(&mut world, task, Kind::Stream);
        done(world.step(task, &Op::Nonblocking { fd, on: true }));
        let begun = connect(&mut world, task, fd, at(LOOPBACK, 80));
        fails(begun, "connect/in-progress", Errno::EINPROGRESS);
        let again = connect(&mut world, task, fd, at(LOOPBACK, 80));
        fails(again, "connect/already-connected-inet", Errno::EISCONN);
    }
}
