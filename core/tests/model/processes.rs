//! Processes: forking, exiting, changing user, limits, networks.

use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::{Caps, Credentials, Step, TaskId, World};
use sunpath_core::op::{ControlOut, Events, Kind, Op, Opt, Polled, ProcessOp, Ret, Value, Want};
use sunpath_core::profile::{LINUX, MACOS};

fn process(world: &mut World, task: TaskId, op: ProcessOp) -> Step {
    world.step(task, &Op::Process(op))
}

#[track_caller]
fn new_task(world: &mut World, of: TaskId, op: ProcessOp) -> TaskId {
    match process(world, of, op) {
        Step::Done(Ret::Task(task)) => TaskId(task),
        other => panic!("{other:?} gives no task"),
    }
}

fn pid(world: &mut World, task: TaskId) -> i32 {
    match process(world, task, ProcessOp::Getpid) {
        Step::Done(Ret::Value(Value::Int(pid))) => pid,
        other => panic!("{other:?} gives no number"),
    }
}

#[test]
fn a_child_shares_open_files_but_not_descriptors() {
    let mut world = World::new(LINUX);
    let parent = world.spawn();
    let (a, b) = pair(&mut world, parent, Kind::Stream);
    let child = new_task(&mut world, parent, ProcessOp::Fork);
    assert_ne!(pid(&mut world, parent), pid(&mut world, child));
    done(world.step(child, &Op::Nonblocking { fd: b, on: true }));
    let nothing = world.step(parent, &Op::Recv(Want::new(b, 8)));
    fails(nothing, "recv/nothing-to-read", Errno::EAGAIN);
    // The connection lasts until both have closed their descriptors.
    done(world.step(parent, &Op::Close { fd: a }));
    fails(send(&mut world, parent, a, b"x"), "send/bad-descriptor", Errno::EBADF);
    assert_eq!(send(&mut world, child, a, b"x"), Step::Done(Ret::Count(1)));
    done(process(&mut world, child, ProcessOp::Exit));
    assert_eq!(&*received(recv(&mut world, parent, b, 8)).data, b"x");
    assert_eq!(received(recv(&mut world, parent, b, 8)).returned, 0);
}

#[test]
fn a_thread_shares_everything() {
    let mut world = World::new(LINUX);
    let first = world.spawn();
    let second = new_task(&mut world, first, ProcessOp::Thread);
    assert_eq!(pid(&mut world, first), pid(&mut world, second));
    let (a, b) = pair(&mut world, first, Kind::Stream);
    assert_eq!(send(&mut world, second, a, b"x"), Step::Done(Ret::Count(1)));
    done(world.step(second, &Op::Close { fd: b }));
    fails(recv(&mut world, first, b, 8), "recv/bad-descriptor", Errno::EBADF);
}

#[test]
fn exit_ends_the_calls_of_other_threads_and_closes_everything() {
    let mut world = World::new(LINUX);
    let first = world.spawn();
    let (a, b) = pair(&mut world, first, Kind::Stream);
    let peer = new_task(&mut world, first, ProcessOp::Fork);
    done(world.step(peer, &Op::Close { fd: b }));
    let second = new_task(&mut world, first, ProcessOp::Thread);
    done(world.step(first, &Op::Close { fd: a }));
    waits(world.step(second, &Op::Recv(Want::new(b, 8))), "wait/nothing-to-read");
    done(process(&mut world, first, ProcessOp::Exit));
    assert_eq!(world.blocked().count(), 0);
    fails(send(&mut world, peer, a, b"x"), "send/peer-closed", Errno::EPIPE);
}

#[test]
fn root_becomes_a_user_for_good() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let user = ProcessOp::Become { uid: 1000, gid: 1000, groups: vec![4, 24] };
    done(process(&mut world, task, user.clone()));
    assert_eq!(process(&mut world, task, user).errno(), Some(Errno::EPERM));
    let root = ProcessOp::SetEffective { uid: 0, gid: 1000 };
    assert_eq!(process(&mut world, task, root).errno(), Some(Errno::EPERM));
    let net = process(&mut world, task, ProcessOp::UnshareNet);
    assert_eq!(net.errno(), Some(Errno::EPERM));
    let raise = process(&mut world, task, ProcessOp::LimitDescriptors { limit: 4096 });
    assert_eq!(raise.errno(), Some(Errno::EPERM));
    done(process(&mut world, task, ProcessOp::LimitDescriptors { limit: 10 }));
}

#[test]
fn an_effective_user_can_be_root_again_with_its_powers() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    done(process(&mut world, task, ProcessOp::SetEffective { uid: 1000, gid: 1000 }));
    assert_eq!(process(&mut world, task, ProcessOp::UnshareNet).errno(), Some(Errno::EPERM));
    done(process(&mut world, task, ProcessOp::SetEffective { uid: 0, gid: 0 }));
    done(process(&mut world, task, ProcessOp::UnshareNet));
    done(process(&mut world, task, ProcessOp::LimitDescriptors { limit: 1 << 20 }));
    let most = process(&mut world, task, ProcessOp::LimitDescriptors { limit: (1 << 20) + 1 });
    assert_eq!(most.errno(), Some(Errno::EPERM));
}

#[test]
fn what_was_changed_before_one_step_failed_stays() {
    let mut world = World::new(LINUX);
    let caps = Caps::SETGID;
    let task =
        world.spawn_as(Credentials { caps, permitted: caps, ..Credentials::user(1000, 1000) });
    let other = ProcessOp::Become { uid: 1001, gid: 1001, groups: vec![] };
    assert_eq!(process(&mut world, task, other).errno(), Some(Errno::EPERM));
    // The group is the new one by now: without the capability it could not be kept otherwise.
    done(process(&mut world, task, ProcessOp::SetEffective { uid: 1000, gid: 1001 }));
}

#[test]
fn networks_are_made_and_joined() {
    let mut world = World::new(LINUX);
    let (one, other) = (world.spawn(), world.spawn());
    done(process(&mut world, one, ProcessOp::UnshareNet));
    done(process(&mut world, other, ProcessOp::JoinNet { of: one.0 }));
    let nobody = process(&mut world, other, ProcessOp::JoinNet { of: 99 });
    assert_eq!(nobody.errno(), Some(Errno::ESRCH));
    done(process(&mut world, one, ProcessOp::Exit));
    let gone = process(&mut world, other, ProcessOp::JoinNet { of: one.0 });
    assert_eq!(gone.errno(), Some(Errno::ESRCH));

    let mut world = World::new(MACOS);
    let task = world.spawn();
    assert_eq!(process(&mut world, task, ProcessOp::UnshareNet).errno(), Some(Errno::ENOSYS));
}

#[test]
fn a_descriptor_of_a_process_tells_of_its_end() {
    let mut world = World::new(LINUX);
    let parent = world.spawn();
    let (a, b) = pair(&mut world, parent, Kind::Stream);
    let child = new_task(&mut world, parent, ProcessOp::Fork);
    set(&mut world, parent, b, Opt::PassPidfd, 1);
    // Bytes of different writers come one by one.
    for task in [parent, child] {
        assert_eq!(send(&mut world, task, a, b"x"), Step::Done(Ret::Count(1)));
    }
    let of = |world: &mut World| {
        let got = received(world.step(parent, &Op::Recv(Want::new(b, 1).control(64))));
        match got.control[..] {
            [ControlOut::Pidfd(fd)] => fd,
            ref other => panic!("{other:?}"),
        }
    };
    let (own, of_child) = (of(&mut world), of(&mut world));
    assert_eq!(world.events(parent, of_child), Events::NONE);
    let fds = vec![(own, Events::IN), (of_child, Events::IN)];
    let waits = world.step(parent, &Op::Poll { fds, timeout: None });
    assert!(matches!(waits, Step::Blocked(_)), "{waits:?}");
    done(process(&mut world, child, ProcessOp::Exit));
    assert_eq!(world.runnable().collect::<Vec<_>>(), [parent]);
    let found = [(own, Events::NONE), (of_child, Events::IN)];
    let found = found.map(|(fd, events)| Polled { fd, events }).to_vec();
    assert_eq!(world.resume(parent), Step::Done(Ret::Polled(found)));
}

#[test]
fn a_descriptor_of_a_process_stays_when_the_bytes_cannot_be_written() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    set(&mut world, task, b, Opt::PassPidfd, 1);
    assert_eq!(send(&mut world, task, a, b"x"), Step::Done(Ret::Count(1)));
    let want = Want { unmapped: true, ..Want::new(b, 1).control(64) };
    fails(world.step(task, &Op::Recv(want)), "recv/bad-pointer", Errno::EFAULT);
    let next = fd(world.step(task, &Op::Dup { fd: a }));
    assert_eq!(next, b + 2);
}
