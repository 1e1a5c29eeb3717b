//! What is around the processes: policies, memory, limits, servers that do not do their part.

use crate::scene::*;
use std::time::Duration;
use sunpath_core::Errno;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{
    Fd, Kind, Level, Message, Name, New, NewFlags, Op, Opt, Out, ProcessOp, Restriction, Ret,
    Setting, Value, Want,
};
use sunpath_core::profile::{FREEBSD_14, LINUX, MACOS, OPENSERVER, Profile, linux};

fn world() -> (World, TaskId) {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    (world, task)
}

fn new(world: &mut World, task: TaskId, kind: Kind) -> Fd {
    fd(world.step(task, &Op::Socket(New::unix(kind))))
}

fn bind(world: &mut World, task: TaskId, fd: Fd, name: &str) -> Step {
    world.step(task, &Op::Bind { fd, name: Name::from(name) })
}

fn connect(world: &mut World, task: TaskId, fd: Fd, name: &str) -> Step {
    world.step(task, &Op::Connect { fd, name: Name::from(name) })
}

fn listener(world: &mut World, task: TaskId, name: &str, backlog: i32) -> Fd {
    let fd = new(world, task, Kind::Stream);
    done(bind(world, task, fd, name));
    done(world.step(task, &Op::Listen { fd, backlog }));
    fd
}

fn fork(world: &mut World, task: TaskId) -> TaskId {
    match world.step(task, &Op::Process(ProcessOp::Fork)) {
        Step::Done(Ret::Task(child)) => TaskId(child),
        other => panic!("{other:?} gives no child"),
    }
}

fn restrict(world: &mut World, task: TaskId, how: Restriction) {
    world.set(&Setting::Restrict { task: task.0, how }).unwrap();
}

#[test]
fn a_scope_ends_at_abstract_names_bound_outside() {
    let (mut world, task) = world();
    listener(&mut world, task, "@outside", 5);
    let child = fork(&mut world, task);
    restrict(&mut world, child, Restriction::AbstractScope);
    let client = new(&mut world, child, Kind::Stream);
    let outside = connect(&mut world, child, client, "@outside");
    fails(outside, "connect/landlock-scope", Errno::EPERM);
    listener(&mut world, child, "@inside", 5);
    done(connect(&mut world, child, client, "@inside"));
    // A scope inside of the first is reached from it, but does not reach out.
    let inner = fork(&mut world, child);
    restrict(&mut world, inner, Restriction::AbstractScope);
    listener(&mut world, inner, "@innermost", 5);
    let client = new(&mut world, child, Kind::Stream);
    done(connect(&mut world, child, client, "@innermost"));
    let client = new(&mut world, inner, Kind::Stream);
    let outwards = connect(&mut world, inner, client, "@inside");
    fails(outwards, "connect/landlock-scope", Errno::EPERM);
    // Without a restriction everything is reached.
    let client = new(&mut world, task, Kind::Stream);
    done(connect(&mut world, task, client, "@innermost"));
    // Datagrams are associated under the same rule.
    let receiver = new(&mut world, task, Kind::Datagram);
    done(bind(&mut world, task, receiver, "@datagrams"));
    let sender = new(&mut world, child, Kind::Datagram);
    let outside = connect(&mut world, child, sender, "@datagrams");
    fails(outside, "connect/landlock-scope", Errno::EPERM);
    let message = Message::new(sender, b"x").to("@datagrams");
    let outside = world.step(child, &Op::Send(message));
    fails(outside, "connect/landlock-scope", Errno::EPERM);
}

#[test]
fn a_scope_leaves_a_datagram_socket_the_peer_that_it_has() {
    let (mut world, task) = world();
    let receiver = new(&mut world, task, Kind::Datagram);
    done(bind(&mut world, task, receiver, "@outside"));
    let sender = new(&mut world, task, Kind::Datagram);
    done(connect(&mut world, task, sender, "@outside"));
    let child = fork(&mut world, task);
    restrict(&mut world, child, Restriction::AbstractScope);
    done(connect(&mut world, child, sender, "@outside"));
    for message in [Message::new(sender, b"x"), Message::new(sender, b"x").to("@outside")] {
        assert_eq!(world.step(child, &Op::Send(message)), Step::Done(Ret::Count(1)));
    }
    // Who refuses descriptors, and who reads no more, says so first.
    let other = new(&mut world, child, Kind::Datagram);
    let message = || Message::new(other, b"x").to("@outside").with_rights(&[0]);
    fails(world.step(child, &Op::Send(message())), "connect/landlock-scope", Errno::EPERM);
    set(&mut world, task, receiver, Opt::PassRights, 0);
    let cause = "rights/refused-by-receiver";
    fails(world.step(child, &Op::Send(message())), cause, Errno::EPERM);
    done(world.step(task, &Op::Shutdown { fd: receiver, how: 0 }));
    let cause = "send/peer-stopped-reading";
    fails(world.step(child, &Op::Send(message())), cause, Errno::EPIPE);
}

#[test]
fn policies_are_known_to_some_systems_only() {
    for profile in [FREEBSD_14, MACOS, OPENSERVER] {
        let mut world = World::new(profile);
        let task = world.spawn().0;
        for how in [
            Restriction::AbstractScope,
            Restriction::NoUnixSockets,
            Restriction::UserNamespace,
            Restriction::Covered { path: b"/tmp".to_vec() },
        ] {
            let setting = Setting::Restrict { task, how };
            assert_eq!(world.set(&setting), Err(Errno::EOPNOTSUPP), "{setting:?}");
        }
        let links = Setting::ProtectedSymlinks { on: true };
        assert_eq!(world.set(&links), Err(Errno::EOPNOTSUPP));
    }
}

#[test]
fn settings_name_what_is_there() {
    let (mut world, task) = world();
    let stop = |task| Setting::Stop { task, on: true };
    assert_eq!(world.set(&stop(9)), Err(Errno::ESRCH));
    let busy = Setting::Busy { task: task.0, fd: 0, on: true };
    assert_eq!(world.set(&busy), Err(Errno::EBADF));
    done(world.step(task, &Op::Process(ProcessOp::Exit)));
    assert!(!world.is_alive(task));
    assert_eq!(world.set(&stop(task.0)), Err(Errno::ESRCH));
}

#[test]
fn one_bind_at_a_time() {
    let (mut world, task) = world();
    for name in ["@name", "/tmp/name"] {
        let fd = new(&mut world, task, Kind::Stream);
        let busy = |on| Setting::Busy { task: task.0, fd, on };
        world.set(&busy(true)).unwrap();
        assert!(matches!(bind(&mut world, task, fd, name), Step::Blocked(_)));
        world.interrupt(task);
        fails(resume(&mut world, task), "bind/interrupted", Errno::EINTR);
        assert!(matches!(bind(&mut world, task, fd, name), Step::Blocked(_)));
        world.set(&busy(false)).unwrap();
        assert_eq!(world.runnable().collect::<Vec<_>>(), [task]);
        done(resume(&mut world, task));
    }
}

#[test]
fn one_connect_at_a_time_where_systems_look() {
    for (profile, errno) in
        [(LINUX, None), (FREEBSD_14, Some(Errno::EALREADY)), (OPENSERVER, Some(Errno::EALREADY))]
    {
        let mut world = World::new(profile);
        let task = world.spawn();
        listener(&mut world, task, "/tmp/server", 5);
        let fd = new(&mut world, task, Kind::Stream);
        world.set(&Setting::Busy { task: task.0, fd, on: true }).unwrap();
        let step = connect(&mut world, task, fd, "/tmp/server");
        match errno {
            None => done(step),
            Some(errno) => fails(step, "connect/concurrent-connect", errno),
        }
    }
}

#[test]
fn the_kernel_may_have_no_memory_left() {
    fn memory(world: &mut World, allocations: Option<u32>) {
        world.set(&Setting::KernelMemory { allocations }).unwrap();
    }
    for (profile, errno) in [(LINUX, Errno::ENOMEM), (FREEBSD_14, Errno::ENOBUFS)] {
        let profile: Profile = profile;
        let mut world = World::new(profile);
        let task = world.spawn();
        listener(&mut world, task, "/tmp/server", 5);
        let (a, _) = pair(&mut world, task, Kind::Stream);
        let fd = new(&mut world, task, Kind::Stream);
        memory(&mut world, Some(0));
        let bound = bind(&mut world, task, fd, "/tmp/client");
        fails(bound, "bind/out-of-memory", errno);
        let made = connect(&mut world, task, fd, "/tmp/server");
        fails(made, "connect/out-of-memory", errno);
        fails(send(&mut world, task, a, b"x"), "send/out-of-memory", errno);
        memory(&mut world, None);
        done(bind(&mut world, task, fd, "/tmp/client"));
        done(connect(&mut world, task, fd, "/tmp/server"));
        assert_eq!(send(&mut world, task, a, b"x"), Step::Done(Ret::Count(1)));
    }
}

#[test]
fn a_connection_counts_among_the_systems_sockets_and_files() {
    let (mut world, task) = world();
    let user = world.spawn_as(sunpath_core::model::Credentials::user(1000, 1000));
    let server = listener(&mut world, user, "/tmp/server", 5);
    let clients = [(); 2].map(|()| new(&mut world, task, Kind::Stream));
    // Two devices, the listener and the clients are open; sockets may be twice as many.
    world.set(&Setting::SystemLimit { files: 2 }).unwrap();
    done(connect(&mut world, task, clients[0], "/tmp/server"));
    let one_more = connect(&mut world, task, clients[1], "/tmp/server");
    fails(one_more, "socket/system-limit", Errno::ENFILE);
    let accept = Op::Accept { fd: server, flags: NewFlags::NONE, name: Out::Null };
    fails(world.step(user, &accept), "socket/system-limit", Errno::ENFILE);
}

#[test]
fn a_client_waits_for_what_keeps_its_server() {
    let (mut world, server) = world();
    let client = world.spawn();
    let fd = listener(&mut world, server, "/tmp/server", 0);
    let limit = Op::Process(ProcessOp::LimitDescriptors { limit: 4 });
    let stop = |on| Setting::Stop { task: server.0, on };
    let first = new(&mut world, client, Kind::Stream);
    done(connect(&mut world, client, first, "/tmp/server"));
    let look = |world: &mut World, cause: &str| {
        waits(world.step(client, &Op::Recv(Want::new(first, 1))), cause);
        world.interrupt(client);
        fails(resume(world, client), "recv/interrupted", Errno::EINTR);
        let second = new(world, client, Kind::Stream);
        let full = connect(world, client, second, "/tmp/server");
        let usual = "wait/server-not-accepting";
        waits(full, if cause == usual { "wait/backlog-full" } else { cause });
        world.interrupt(client);
        fails(resume(world, client), "connect/interrupted", Errno::EINTR);
    };
    look(&mut world, "wait/server-not-accepting");
    world.set(&stop(true)).unwrap();
    look(&mut world, "wait/server-stopped");
    world.set(&stop(false)).unwrap();
    done(world.step(server, &limit));
    look(&mut world, "wait/server-out-of-descriptors");
    let limit = Op::Process(ProcessOp::LimitDescriptors { limit: 9 });
    done(world.step(server, &limit));
    let accept = Op::Accept { fd, flags: NewFlags::NONE, name: Out::Null };
    assert!(matches!(world.step(server, &accept), Step::Done(_)));
    waits(world.step(client, &Op::Recv(Want::new(first, 1))), "wait/nothing-to-read");
    // A process that is stopped has calls that could go on, but do not.
    world.set(&Setting::Stop { task: client.0, on: true }).unwrap();
    world.interrupt(client);
    world.advance(Duration::from_secs(1));
    assert_eq!(world.runnable().count(), 0);
}

#[test]
fn a_listeners_wishes_reach_its_connections_at_the_connect_or_the_accept() {
    for (profile, early, late) in [(LINUX, 1, 0), (linux(6, 15), 0, 1)] {
        let mut world = World::new(profile);
        let task = world.spawn();
        let server = listener(&mut world, task, "/tmp/server", 5);
        let (level, option) = (Level::Socket, Opt::PassCred);
        let wish = |on| Op::Setsockopt { fd: server, level, option, value: Value::Int(on) };
        // The wish holds at the connect of the first, and at the accept of the second.
        for (at_connect, at_accept, expected) in [(1, 0, early), (0, 1, late)] {
            done(world.step(task, &wish(at_connect)));
            let client = new(&mut world, task, Kind::Stream);
            done(connect(&mut world, task, client, "/tmp/server"));
            done(world.step(task, &wish(at_accept)));
            let accept = Op::Accept { fd: server, flags: NewFlags::NONE, name: Out::Null };
            let end = fd(world.step(task, &accept));
            let asked = world.step(task, &Op::Getsockopt { fd: end, level, option });
            assert_eq!(asked, Step::Done(Ret::Value(Value::Int(expected))));
        }
    }
}

#[test]
fn a_server_is_stopped_when_all_of_its_processes_are() {
    let (mut world, server) = world();
    let client = world.spawn();
    listener(&mut world, server, "/tmp/server", 0);
    let helper = fork(&mut world, server);
    let first = new(&mut world, client, Kind::Stream);
    done(connect(&mut world, client, first, "/tmp/server"));
    for (stopped, cause) in [(server, "wait/backlog-full"), (helper, "wait/server-stopped")] {
        world.set(&Setting::Stop { task: stopped.0, on: true }).unwrap();
        let second = new(&mut world, client, Kind::Stream);
        waits(connect(&mut world, client, second, "/tmp/server"), cause);
        world.interrupt(client);
        fails(resume(&mut world, client), "connect/interrupted", Errno::EINTR);
    }
}
