//! The short way of the commonest sends and receives gives what the rules give at length: a world
//! whose memory is counted, and lasts, never takes the short way.

use super::anything::Chance;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::*;
use sunpath_core::profile::{self, Profile};

const LENGTHS: [usize; 8] = [0, 1, 2, 10, 64, 64, 4_000, 70_000];
const OPTIONS: [Opt; 7] = [
    Opt::PassCred,
    Opt::PassPidfd,
    Opt::Timestamp,
    Opt::OobInline,
    Opt::Inq,
    Opt::PeekOff,
    Opt::RcvLowat,
];

/// A call on one of the sockets 3 to 8, which mostly sends or receives.
fn call(chance: &mut Chance) -> Op {
    let fd = 3 + chance.below(6) as Fd;
    let length = LENGTHS[chance.below(LENGTHS.len())];
    let mut rarely = |n| chance.below(n) == 0;
    match (rarely(30), rarely(60), rarely(2)) {
        (true, true, _) => Op::Shutdown { fd, how: chance.below(3) as i32 },
        (true, _, true) => {
            let option = OPTIONS[chance.below(OPTIONS.len())];
            let value = Value::Int([0, 1, 3, -1][chance.below(4)]);
            Op::Setsockopt { fd, level: Level::Socket, option, value }
        }
        (true, _, false) => {
            Op::Poll { fds: vec![(fd, Events::ALL)], timeout: Some(Default::default()) }
        }
        (_, true, true) => Op::Close { fd },
        (_, true, false) => Op::Socketpair(New::unix(Kind::Stream)),
        (_, _, true) => {
            let mut message = Message::new(fd, vec![chance.below(256) as u8; length]).dont_wait();
            let mut rarely = || chance.below(30) == 0;
            message.flags.urgent = rarely();
            message.flags.end_of_record = rarely();
            message.unmapped = rarely();
            message.buffers = u32::from(!rarely());
            if rarely() {
                message.control.push(Control::Rights(vec![fd]));
            }
            Op::Send(message)
        }
        (_, _, false) => {
            let mut want = Want::new(fd, length).dont_wait();
            let mut rarely = || chance.below(20) == 0;
            want.flags.peek = rarely();
            want.flags.wait_all = rarely();
            want.flags.urgent = rarely();
            want.flags.truncate = rarely();
            want.unmapped = rarely();
            want.buffers = u32::from(!rarely());
            want.control = if rarely() { 64 } else { 0 };
            Op::Recv(want)
        }
    }
}

/// A world with three pairs.
fn world(profile: Profile, counted: bool) -> (World, TaskId) {
    let mut world = World::new(profile);
    let task = world.spawn();
    for kind in [Kind::Stream, Kind::Stream, Kind::SeqPacket] {
        world.step(task, &Op::Socketpair(New::unix(kind)));
    }
    if counted {
        world.set(&Setting::KernelMemory { allocations: Some(u32::MAX) }).unwrap();
    }
    (world, task)
}

#[test]
fn the_short_way_gives_what_the_long_way_gives() {
    for profile in [profile::LINUX, profile::FREEBSD_14, profile::MACOS] {
        for seed in 0..60 {
            let mut chance = Chance(seed);
            let (mut short, task) = world(profile.clone(), false);
            let (mut long, _) = world(profile.clone(), true);
            for number in 0..400 {
                let op = call(&mut chance);
                let steps = (short.step(task, &op), long.step(task, &op));
                assert_eq!(steps.0, steps.1, "seed {seed}, step {number}: {op:?}");
                assert_eq!(short.remarked().map(|c| c.id), long.remarked().map(|c| c.id));
            }
            assert_eq!(short.to_string(), long.to_string(), "seed {seed}");
        }
    }
}

#[test]
fn a_read_of_everything_waits_for_the_rest() {
    let (mut world, task) = world(profile::LINUX, false);
    let reader = world.spawn_thread(task);
    world.step(task, &Op::Send(Message::new(3, b"abc")));
    let mut want = Want::new(4, 5);
    want.flags.wait_all = true;
    let waits = world.step(reader, &Op::Recv(want));
    assert_eq!(waits.cause().map(|cause| cause.id), Some("wait/nothing-to-read"));
    world.step(task, &Op::Send(Message::new(3, b"de")));
    let Step::Done(Ret::Received(received)) = world.resume(reader) else {
        panic!("it goes on waiting")
    };
    assert_eq!(&*received.data, b"abcde");
}
