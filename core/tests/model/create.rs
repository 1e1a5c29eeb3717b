//! `socket` and `socketpair`: every cause, on every system that has it.

use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::{Credentials, Step, World};
use sunpath_core::op::{Family, Kind, New, NewFlags, Op, ProcessOp, Restriction, Ret, Setting};
use sunpath_core::profile::{FREEBSD_14, LINUX, MACOS, OPENSERVER, Profile};

fn make(profile: &Profile, op: Op) -> Step {
    let mut world = World::new(profile.clone());
    let task = world.spawn();
    world.step(task, &op)
}

fn socket(profile: &Profile, new: New) -> Step {
    make(profile, Op::Socket(new))
}

fn unix(kind: Kind, protocol: i32) -> New {
    New { protocol, ..New::unix(kind) }
}

fn of(family: Family, kind: Kind, protocol: i32) -> New {
    New { family, ..unix(kind, protocol) }
}

#[test]
fn linux_checks_flags_then_family_then_type_then_protocol() {
    let unknown = NewFlags { unknown: true, ..NewFlags::NONE };
    let cases = [
        (New { flags: unknown, ..of(Family::Other(99), Kind::Other(11), 6) }, "socket/bad-type"),
        (of(Family::Other(99), Kind::Other(11), 6), "socket/family-unsupported"),
        (of(Family::Other(45), Kind::Other(11), 6), "socket/bad-type"),
        (of(Family::Other(45), Kind::Stream, 0), "socket/family-unsupported"),
        (of(Family::Other(-1), Kind::Stream, 0), "socket/family-unsupported"),
        (of(Family::Unspecified, Kind::Stream, 0), "socket/family-unsupported"),
        (unix(Kind::Other(11), 6), "socket/bad-type"),
        (unix(Kind::Other(0x11), 6), "socket/bad-type"),
        (unix(Kind::Other(i32::MIN), 0), "socket/bad-type"),
        (unix(Kind::Other(4), 6), "socket/protocol-unsupported"),
        (unix(Kind::Stream, -1), "socket/protocol-unsupported"),
        (unix(Kind::Other(10), 0), "socket/type-unsupported"),
        (unix(Kind::Other(0), 1), "socket/type-unsupported"),
        (of(Family::Inet, Kind::Stream, 17), "socket/protocol-unsupported"),
        (of(Family::Inet, Kind::Raw, 0), "socket/protocol-unsupported"),
        (of(Family::Inet, Kind::SeqPacket, 0), "socket/type-unsupported"),
    ];
    for (new, cause) in cases {
        let Step::Fail(failure) = socket(&LINUX, new) else { panic!("{new:?} does not fail") };
        assert_eq!(failure.cause.unwrap().id, cause, "{new:?}");
    }
    for kind in [Kind::Raw, Kind::Other(0o4001), Kind::Stream, Kind::SeqPacket] {
        assert_eq!(socket(&LINUX, unix(kind, 1)), Step::Done(Ret::Fd(3)), "{kind:?}");
    }
    let range = socket(&LINUX, of(Family::Inet, Kind::Stream, 300));
    assert_eq!((range.errno(), range.cause().is_none()), (Some(Errno::EINVAL), true));
}

#[test]
fn each_system_has_its_own_error_for_a_type_without_a_protocol() {
    let no_protocol = "socket/protocol-unsupported";
    let wrong_type = "socket/type-without-protocol";
    let bad_type = "socket/type-unsupported";
    let packets = unix(Kind::SeqPacket, 0);
    fails(socket(&MACOS, packets), no_protocol, Errno::EPROTONOSUPPORT);
    fails(socket(&OPENSERVER, packets), wrong_type, Errno::EPROTOTYPE);
    fails(socket(&FREEBSD_14, unix(Kind::Raw, 0)), wrong_type, Errno::EPROTOTYPE);
    fails(socket(&FREEBSD_14, unix(Kind::Other(4), 0)), bad_type, Errno::EPROTOTYPE);
    fails(socket(&FREEBSD_14, unix(Kind::Other(0), 0)), no_protocol, Errno::EPROTONOSUPPORT);
    fails(socket(&FREEBSD_14, unix(Kind::Other(64), 0)), bad_type, Errno::EPROTOTYPE);
    fails(socket(&OPENSERVER, unix(Kind::Other(64), 0)), bad_type, Errno::ESOCKTNOSUPPORT);
    fails(socket(&MACOS, unix(Kind::Other(4), 0)), bad_type, Errno::EPROTONOSUPPORT);
    fails(socket(&MACOS, of(Family::Inet, Kind::Stream, 17)), wrong_type, Errno::EPROTOTYPE);
    fails(socket(&FREEBSD_14, unix(Kind::Stream, 1)), no_protocol, Errno::EPROTONOSUPPORT);
    let v6 = of(Family::Inet6, Kind::Stream, 0);
    fails(socket(&OPENSERVER, v6), "socket/protocol-family-unsupported", Errno::EPFNOSUPPORT);
    fails(socket(&MACOS, v6), "socket/family-unsupported", Errno::EAFNOSUPPORT);
}

#[test]
fn a_pair_needs_two_descriptors_and_a_place_for_them() {
    let unmapped = New { unmapped: true, ..unix(Kind::Other(4), 0) };
    fails(make(&LINUX, Op::Socketpair(unmapped)), "socket/bad-pointer", Errno::EFAULT);
    let elsewhere = make(&FREEBSD_14, Op::Socketpair(unmapped));
    fails(elsewhere, "socket/type-unsupported", Errno::EPROTOTYPE);
    let unmapped = New { unmapped: true, ..unix(Kind::Stream, 0) };
    fails(make(&FREEBSD_14, Op::Socketpair(unmapped)), "socket/bad-pointer", Errno::EFAULT);
    let v4 = of(Family::Inet, Kind::Stream, 0);
    fails(make(&LINUX, Op::Socketpair(v4)), "socket/no-pairs-in-family", Errno::EOPNOTSUPP);

    for (profile, alone, pair) in [
        (LINUX, "socket/type-unsupported", "socket/descriptor-limit"),
        (FREEBSD_14, "socket/descriptor-limit", "socket/type-unsupported"),
    ] {
        let mut world = World::new(profile);
        let task = world.spawn();
        done(world.step(task, &Op::Process(ProcessOp::LimitDescriptors { limit: 3 })));
        let new = New { unmapped: true, ..unix(Kind::Other(4), 0) };
        assert_eq!(world.step(task, &Op::Socket(new)).cause().unwrap().id, alone);
        assert_eq!(world.step(task, &Op::Socketpair(new)).cause().unwrap().id, pair);
    }
}

#[test]
fn one_free_descriptor_makes_a_socket_but_no_pair() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    done(world.step(task, &Op::Process(ProcessOp::LimitDescriptors { limit: 4 })));
    let pair = world.step(task, &Op::Socketpair(unix(Kind::Stream, 0)));
    fails(pair, "socket/descriptor-limit", Errno::EMFILE);
    assert_eq!(fd(world.step(task, &Op::Socket(unix(Kind::Stream, 0)))), 3);
    let more = world.step(task, &Op::Socket(unix(Kind::Stream, 0)));
    fails(more, "socket/descriptor-limit", Errno::EMFILE);
}

#[test]
fn the_system_has_so_many_files_and_twice_as_many_sockets() {
    let mut world = World::new(LINUX);
    let (root, user) = (world.spawn(), world.spawn_as(Credentials::user(1000, 1000)));
    world.set(&Setting::SystemLimit { files: 4 }).unwrap();
    // Two files are open: the devices of two processes. Root is exempt from the files' limit.
    pair(&mut world, user, Kind::Stream);
    let one = Op::Socket(unix(Kind::Datagram, 0));
    fails(world.step(user, &one), "socket/system-limit", Errno::ENFILE);
    for _ in 0..6 {
        fd(world.step(root, &one));
    }
    fails(world.step(root, &one), "socket/system-limit", Errno::ENFILE);
    assert!(matches!(world.step(root, &Op::Close { fd: 3 }), Step::Done(_)));
    fd(world.step(root, &one));
}

#[test]
fn the_kernel_may_have_no_memory_for_a_socket() {
    for (profile, errno) in [(LINUX, Errno::ENOMEM), (OPENSERVER, Errno::ENOBUFS)] {
        let mut world = World::new(profile);
        let task = world.spawn();
        world.set(&Setting::KernelMemory { allocations: Some(1) }).unwrap();
        let pair = world.step(task, &Op::Socketpair(unix(Kind::Stream, 0)));
        fails(pair, "socket/out-of-memory", errno);
        let one = Op::Socket(unix(Kind::Stream, 0));
        fails(world.step(task, &one), "socket/out-of-memory", errno);
        world.set(&Setting::KernelMemory { allocations: None }).unwrap();
        assert_eq!(fd(world.step(task, &one)), 3);
    }
}

#[test]
fn a_filter_of_system_calls_denies_the_family() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let how = Restriction::NoUnixSockets;
    world.set(&Setting::Restrict { task: task.0, how }).unwrap();
    let Step::Done(Ret::Task(child)) = world.step(task, &Op::Process(ProcessOp::Fork)) else {
        panic!("no child")
    };
    for task in [task, sunpath_core::model::TaskId(child)] {
        let one = world.step(task, &Op::Socket(unix(Kind::Other(99), 7)));
        fails(one, "connect/family-denied", Errno::EAFNOSUPPORT);
        let two = world.step(task, &Op::Socketpair(unix(Kind::Stream, 0)));
        fails(two, "connect/family-denied", Errno::EAFNOSUPPORT);
        fd(world.step(task, &Op::Socket(of(Family::Inet, Kind::Stream, 0))));
    }
}
