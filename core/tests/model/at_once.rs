//! The short way of the commonest sends and receives gives what the rules give at length: a world
//! whose memory is counted, and lasts, never takes the short way.

use super::anything::Chance;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::*;
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, Profile, Transfer};

const LENGTHS: [usize; 8] = [0, 1, 2, 10, 64, 65, 4_000, 70_000];
const OPTIONS: [Opt; 8] = [
    Opt::PassCred,
    Opt::PassPidfd,
    Opt::Timestamp,
    Opt::OobInline,
    Opt::Inq,
    Opt::PeekOff,
    Opt::RcvLowat,
    Opt::SndBuf,
];

/// A call on one of the sockets 3 to 9, which mostly sends or receives.
fn call(chance: &mut Chance, waits: bool) -> Op {
    let fd = 3 + chance.below(7) as Fd;
    let length = LENGTHS[chance.below(LENGTHS.len())];
    let mut rarely = |n| chance.below(n) == 0;
    match (rarely(20), rarely(60), rarely(2)) {
        (true, true, _) => Op::Shutdown { fd, how: chance.below(3) as i32 },
        (true, _, true) => set(chance, fd),
        (true, _, false) => name(chance, fd),
        (_, true, true) => Op::Close { fd },
        (_, true, false) => {
            let kind = [Kind::Stream, Kind::SeqPacket, Kind::Datagram][chance.below(3)];
            Op::Socketpair(New::unix(kind))
        }
        (_, _, true) => {
            let mut message = Message::new(fd, vec![chance.below(256) as u8; length]);
            message.flags.dont_wait = !waits;
            let mut rarely = || chance.below(30) == 0;
            message.flags.urgent = rarely();
            message.flags.end_of_record = rarely();
            message.unmapped = rarely();
            message.buffers = u32::from(!rarely());
            if rarely() {
                message.control.push(Control::Rights(vec![fd]));
            }
            if rarely() {
                message.to = Some("@b".into());
            }
            Op::Send(message)
        }
        (_, _, false) => {
            let mut want = Want::new(fd, length);
            want.flags.dont_wait = !waits;
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

/// A change of an option.
fn set(chance: &mut Chance, fd: Fd) -> Op {
    let (option, value) = match chance.below(10) {
        0 => (Opt::AttachFilter, Value::Filter { length: 1, drops: true }),
        _ => {
            let number = [0, 1, 3, -1][chance.below(4)];
            (OPTIONS[chance.below(OPTIONS.len())], Value::Int(number))
        }
    };
    Op::Setsockopt { fd, level: Level::Socket, option, value }
}

/// A name for a socket, or another peer for a datagram socket, or none.
fn name(chance: &mut Chance, fd: Fd) -> Op {
    let name = ["@a", "@b"][chance.below(2)].into();
    match chance.below(4) {
        0 => Op::Poll { fds: vec![(fd, Events::ALL)], timeout: Some(Default::default()) },
        1 => Op::Bind { fd, name },
        2 => Op::Connect { fd, name },
        _ => Op::Connect { fd, name: Name::Foreign(Family::Unspecified) },
    }
}

/// A world with a pair of each type and a datagram socket.
fn world(profile: Profile, counted: bool) -> (World, TaskId) {
    let mut world = World::new(profile);
    let task = world.spawn();
    for kind in [Kind::Stream, Kind::SeqPacket, Kind::Datagram] {
        world.step(task, &Op::Socketpair(New::unix(kind)));
    }
    world.step(task, &Op::Socket(New::unix(Kind::Datagram)));
    if counted {
        world.set(&Setting::KernelMemory { allocations: Some(u32::MAX) }).unwrap();
    }
    (world, task)
}

/// The same calls in two worlds, of two threads, of which one may wait.
#[track_caller]
fn the_same(profile: &Profile, seed: u64) {
    let mut chance = Chance(seed);
    let (mut short, task) = world(profile.clone(), false);
    let (mut long, _) = world(profile.clone(), true);
    let patient = short.spawn_thread(task);
    long.spawn_thread(task);
    for number in 0..400 {
        let waits = short.blocked().next().is_some();
        let woken = short.runnable().next();
        assert_eq!(woken, long.runnable().next(), "seed {seed}, step {number}");
        let patiently = !waits && woken.is_none() && chance.below(4) == 0;
        let op = call(&mut chance, patiently);
        let caller = if patiently { patient } else { task };
        let steps = match woken {
            Some(task) => (short.resume(task), long.resume(task)),
            None => (short.step(caller, &op), long.step(caller, &op)),
        };
        assert_eq!(steps.0, steps.1, "seed {seed}, step {number}: {op:?}");
        assert_eq!(short.remarked().map(|c| c.id), long.remarked().map(|c| c.id));
    }
    assert_eq!(short.to_string(), long.to_string(), "seed {seed}");
}

#[test]
fn the_short_way_gives_what_the_long_way_gives() {
    for profile in Profile::ALL {
        for seed in 0..100 {
            the_same(profile, seed);
        }
    }
}

/// Rules that no system has together, of which each is asked of by one way only.
#[test]
fn the_short_way_knows_which_rules_it_takes_for_granted() {
    let strange: [fn(&mut Transfer); 4] = [
        |rules| rules.records = FREEBSD_15.transfer.records,
        |rules| rules.sender_names = FREEBSD_14.transfer.sender_names,
        |rules| rules.message_limit = FREEBSD_15.transfer.message_limit,
        |rules| rules.datagram_room = FREEBSD_14.transfer.datagram_room,
    ];
    for change in strange {
        let mut profile = LINUX;
        change(&mut profile.transfer);
        for seed in 0..100 {
            the_same(&profile, seed);
        }
    }
}

#[test]
fn a_read_of_everything_waits_for_the_rest() {
    let (mut world, task) = world(LINUX, false);
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

#[test]
fn an_error_that_waits_comes_before_a_datagram_is_sent() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    world.step(task, &Op::Socketpair(New::unix(Kind::Datagram)));
    world.step(task, &Op::Bind { fd: 3, name: "@a".into() });
    world.step(task, &Op::Send(Message::new(3, b"lost")));
    for name in [Name::Foreign(Family::Unspecified), "@a".into()] {
        let step = world.step(task, &Op::Connect { fd: 4, name });
        assert_eq!(step, Step::Done(Ret::Unit));
    }
    let failed = world.step(task, &Op::Send(Message::new(3, b"again")));
    assert_eq!(failed.cause().map(|cause| cause.id), Some("recv/peer-left-with-unread-data"));
    let sent = world.step(task, &Op::Send(Message::new(3, b"again")));
    assert_eq!(sent, Step::Done(Ret::Count(5)));
}

#[test]
fn a_datagram_that_is_read_makes_room_for_one_that_waits() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let patient = world.spawn_thread(task);
    world.step(task, &Op::Socketpair(New::unix(Kind::Datagram)));
    world.step(task, &Op::Bind { fd: 4, name: "@b".into() });
    world.step(task, &Op::Socket(New::unix(Kind::Datagram)));
    // Its own peer may send without a limit; another may not reach it at all, so it has none now.
    world.step(task, &Op::Connect { fd: 4, name: Name::Foreign(Family::Unspecified) });
    for _ in 0..11 {
        world.step(task, &Op::Send(Message::new(5, b"one of many").to("@b")));
    }
    let waits = world.step(patient, &Op::Send(Message::new(5, b"the last").to("@b")));
    assert_eq!(waits.cause().map(|cause| cause.id), Some("wait/receiver-queue-full"));
    world.step(task, &Op::Recv(Want::new(4, 64)));
    assert_eq!(world.runnable().next(), Some(patient));
    assert_eq!(world.resume(patient), Step::Done(Ret::Count(8)));
}
