//! A pair of streams, from its making to its end.

use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::{Step, World};
use sunpath_core::op::{Kind, Op, RecvFlags, Ret, Want};
use sunpath_core::profile::LINUX;

#[test]
fn a_pair_talks_until_one_end_closes() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    fails(recv(&mut world, task, b, 8), "recv/nothing-to-read", Errno::EAGAIN);
    assert_eq!(send(&mut world, task, a, b"hello"), Step::Done(Ret::Count(5)));
    assert_eq!(&*received(recv(&mut world, task, b, 2)).data, b"he");
    done(world.step(task, &Op::Close { fd: a }));
    assert_eq!(&*received(recv(&mut world, task, b, 8)).data, b"llo");
    assert_eq!(received(recv(&mut world, task, b, 8)).returned, 0);
    fails(send(&mut world, task, b, b"x"), "send/peer-closed", Errno::EPIPE);
}

#[test]
fn a_reader_waits_until_something_comes() {
    let mut world = World::new(LINUX);
    let (reader, writer) = (world.spawn(), world.spawn());
    let (_, b) = pair(&mut world, reader, Kind::Stream);
    waits(world.step(reader, &Op::Recv(Want::new(b, 8))), "wait/nothing-to-read");
    assert_eq!(world.runnable().count(), 0);
    fails(send(&mut world, writer, b, b"x"), "send/bad-descriptor", Errno::EBADF);
}

#[test]
fn a_reader_that_wants_all_waits_for_the_rest() {
    let mut world = World::new(LINUX);
    let reader = world.spawn();
    let helper = thread(&mut world, reader);
    let (a, b) = pair(&mut world, reader, Kind::Stream);
    assert_eq!(send(&mut world, reader, a, b"he"), Step::Done(Ret::Count(2)));
    let flags = RecvFlags { wait_all: true, ..RecvFlags::default() };
    let want = Want { flags, ..Want::new(b, 5) };
    waits(world.step(reader, &Op::Recv(want)), "wait/nothing-to-read");
    assert_eq!(send(&mut world, helper, a, b"llo"), Step::Done(Ret::Count(3)));
    assert_eq!(&*received(world.resume(reader)).data, b"hello");
}
