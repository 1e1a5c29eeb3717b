//! Planned faults strike when they should, and only where they can.

use crate::scene::*;
use sunpath_core::model::{At, Effect, Fault, NoFault, Order, Step, World};
use sunpath_core::op::{Kind, Op, Ret};
use sunpath_core::profile::{FREEBSD_14, LINUX};
use sunpath_core::{Call, Errno};

fn nth(nth: u64) -> At {
    At { task: None, call: None, nth }
}

fn once(at: At, effect: Effect) -> Fault {
    Fault { at, effect, persistent: false }
}

#[test]
fn the_nth_call_fails_once() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    world.plan(once(nth(3), Effect::fail("send/peer-closed").unwrap())).unwrap();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    assert_eq!(send(&mut world, task, a, b"1"), Step::Done(Ret::Count(1)));
    fails(send(&mut world, task, a, b"2"), "send/peer-closed", Errno::EPIPE);
    assert_eq!(send(&mut world, task, a, b"3"), Step::Done(Ret::Count(1)));
    assert_eq!(&*received(recv(&mut world, task, b, 1)).data, b"1");
    assert_eq!(&*received(recv(&mut world, task, b, 1)).data, b"3");
    let fired: Vec<_> = world.fired().iter().map(|f| (f.number, f.call)).collect();
    assert_eq!(fired, [(3, Call::Send)]);
}

#[test]
fn a_persistent_fault_strikes_every_call_of_its_kind() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let at = At { task: Some(task), call: Some(Call::Send), nth: 2 };
    let effect = Effect::fail("send/interrupted").unwrap();
    world.plan(Fault { at, effect, persistent: true }).unwrap();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    assert_eq!(send(&mut world, task, a, b"1"), Step::Done(Ret::Count(1)));
    for _ in 0..3 {
        fails(send(&mut world, task, a, b"2"), "send/interrupted", Errno::EINTR);
        recv(&mut world, task, b, 1);
    }
}

#[test]
fn a_call_that_waits_for_ever_never_says_that_it_would_have_to() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let at = At { call: Some(Call::Send), ..nth(1) };
    world
        .plan(Fault { persistent: true, ..once(at, Effect::fail("send/buffer-full").unwrap()) })
        .unwrap();
    let (a, _b) = pair(&mut world, task, Kind::Stream);
    let blocking = sunpath_core::op::Message::new(a, b"x");
    assert_eq!(world.step(task, &Op::Send(blocking.clone())), Step::Done(Ret::Count(1)));
    assert!(world.fired().is_empty());
    fails(world.step(task, &Op::Send(blocking.dont_wait())), "send/buffer-full", Errno::EAGAIN);
}

#[test]
fn a_call_with_a_time_limit_fails_after_it() {
    use sunpath_core::op::{Level, Opt, Value, Want};
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let effect = Effect::fail("recv/timed-out").unwrap();
    world.plan(Fault::lasting(At::nth(Call::Recv, 1), effect)).unwrap();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    let limit = std::time::Duration::from_secs(1);
    let (level, option, value) = (Level::Socket, Opt::RcvTimeo, Value::Time(Some(limit)));
    done(world.step(task, &Op::Setsockopt { fd: b, level, option, value }));
    send(&mut world, task, a, b"x");
    fails(world.step(task, &Op::Recv(Want::new(b, 1))), "recv/timed-out", Errno::EAGAIN);
    assert_eq!(world.take_order(), Some(Order::Delay(limit)));
    let at_once = Op::Recv(Want::new(b, 1).dont_wait());
    fails(world.step(task, &at_once), "recv/timed-out", Errno::EAGAIN);
    assert_eq!(world.take_order(), None);
}

#[test]
fn streams_are_cut_short() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    world.plan(once(At { call: Some(Call::Send), ..nth(1) }, Effect::Short(2))).unwrap();
    world.plan(once(At { call: Some(Call::Recv), ..nth(1) }, Effect::Short(1))).unwrap();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    assert_eq!(send(&mut world, task, a, b"hello"), Step::Done(Ret::Count(2)));
    assert_eq!(&*received(recv(&mut world, task, b, 8)).data, b"h");
    assert_eq!(&*received(recv(&mut world, task, b, 8)).data, b"e");
}

#[test]
fn who_drives_the_tasks_is_told_of_a_death() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    world.plan(once(nth(2), Effect::Die)).unwrap();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    assert_eq!(send(&mut world, task, a, b"x").errno(), Some(Errno::EINTR));
    assert_eq!(world.take_order(), Some(Order::Kill));
    assert_eq!(world.take_order(), None);
    fails(recv(&mut world, task, b, 1), "recv/nothing-to-read", Errno::EAGAIN);
}

#[test]
fn impossible_faults_are_refused_when_they_are_planned() {
    let mut world = World::new(FREEBSD_14);
    assert_eq!(Effect::fail("send/moon-phase").unwrap_err(), NoFault::UnknownCause);
    let elsewhere = Effect::fail("accept/nothing-pending").unwrap();
    let at = At { call: Some(Call::Send), ..nth(1) };
    assert_eq!(world.plan(once(at, elsewhere)), Err(NoFault::NeverThere));
    let linux_only = Effect::fail("bind/no-free-name").unwrap();
    assert_eq!(world.plan(once(nth(1), linux_only)), Err(NoFault::NeverThere));
    assert_eq!(world.plan(once(nth(0), Effect::Die)), Err(NoFault::Zero));
    assert_eq!(world.plan(once(nth(1), Effect::Short(0))), Err(NoFault::Zero));
}
