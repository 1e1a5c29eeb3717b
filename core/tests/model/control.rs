//! The form of ancillary data, and the order and the room in which it is delivered.

use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{
    Control, ControlOut, Fd, Ids, Kind, Level, Message, Op, Opt, Received, Ret, Value, Want,
};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, Machine, OPENSERVER, Profile};

const ROOT: Ids = Ids { pid: 100, uid: 0, gid: 0 };

fn scene(profile: Profile, kind: Kind) -> (World, TaskId, Fd, Fd) {
    let mut world = World::new(profile);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, kind);
    (world, task, a, b)
}

fn pass(world: &mut World, task: TaskId, fd: Fd, control: &[Control]) -> Step {
    let control = control.to_vec();
    world.step(task, &Op::Send(Message { control, ..Message::new(fd, b"x").dont_wait() }))
}

fn take(world: &mut World, task: TaskId, fd: Fd, room: usize) -> Received {
    received(world.step(task, &Op::Recv(Want::new(fd, 64).dont_wait().control(room))))
}

fn set(world: &mut World, task: TaskId, fd: Fd, option: Opt, number: i32) {
    let value = Value::Int(number);
    done(world.step(task, &Op::Setsockopt { fd, level: Level::Socket, option, value }));
}

#[test]
fn items_are_checked_one_after_the_other() {
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    let bad = Control::Rights(vec![99]);
    for (items, cause, errno) in [
        (vec![Control::Malformed, bad.clone()], "ancillary/malformed", Errno::EINVAL),
        (vec![bad.clone(), Control::Malformed], "rights/bad-descriptor", Errno::EBADF),
        (vec![Control::UnknownType, bad.clone()], "ancillary/unknown-type", Errno::EINVAL),
        (vec![Control::ForeignLevel, Control::Malformed], "ancillary/malformed", Errno::EINVAL),
        (vec![Control::MalformedCredentials, bad], "credentials/malformed", Errno::EINVAL),
    ] {
        fails(pass(&mut world, task, a, &items), cause, errno);
    }
    let foreign = [Control::ForeignLevel, Control::Filler(64)];
    assert_eq!(pass(&mut world, task, a, &foreign), Step::Done(Ret::Count(1)));
    assert_eq!(take(&mut world, task, b, 64).control, vec![]);
}

#[test]
fn everything_is_bounded_by_the_memory_for_options() {
    let (mut world, task, a, _) = scene(LINUX, Kind::Datagram);
    let too_large = |step| fails(step, "send/control-too-large", Errno::ENOBUFS);
    let last = pass(&mut world, task, a, &[Control::Filler(131_064)]);
    assert_eq!(last, Step::Done(Ret::Count(1)));
    too_large(pass(&mut world, task, a, &[Control::Filler(131_072)]));
    too_large(pass(&mut world, task, a, &[Control::Filler(usize::MAX)]));
    // It comes before everything that is in it.
    too_large(pass(&mut world, task, a, &[Control::Malformed, Control::Filler(131_072)]));
    // A filter has a part of it: 136 bytes for one instruction.
    let (level, option) = (Level::Socket, Opt::AttachFilter);
    let value = Value::Filter { length: 1, drops: false };
    done(world.step(task, &Op::Setsockopt { fd: a, level, option, value }));
    too_large(pass(&mut world, task, a, &[Control::Filler(130_936)]));
    let last = pass(&mut world, task, a, &[Control::Filler(130_928)]);
    assert_eq!(last, Step::Done(Ret::Count(1)));
}

#[test]
fn a_small_item_needs_no_memory_for_options() {
    let mut world = World::on(LINUX, Machine { control_max: 0, ..Machine::default() });
    let task = world.spawn();
    let (a, _) = pair(&mut world, task, Kind::Stream);
    assert_eq!(pass(&mut world, task, a, &[Control::Rights(vec![0])]), Step::Done(Ret::Count(1)));
    let five = [Control::Rights(vec![0; 5])];
    fails(pass(&mut world, task, a, &five), "send/control-too-large", Errno::ENOBUFS);
}

#[test]
fn the_order_in_the_buffer() {
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    for option in [Opt::PassPidfd, Opt::PassSec, Opt::Inq, Opt::PassCred] {
        set(&mut world, task, b, option, 1);
    }
    pass(&mut world, task, a, &[Control::Rights(vec![0])]);
    let order = vec![
        ControlOut::Credentials(ROOT),
        ControlOut::Rights(vec![5]),
        ControlOut::Pidfd(6),
        ControlOut::Inq(0),
    ];
    let got = take(&mut world, task, b, 200);
    assert_eq!((got.control, got.control_truncated), (order, false));
}

#[test]
fn times_come_first_and_never_on_streams() {
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    set(&mut world, task, b, Opt::Timestamp, 1);
    send(&mut world, task, a, b"x");
    assert_eq!(take(&mut world, task, b, 200).control, vec![]);
    for kind in [Kind::SeqPacket, Kind::Datagram] {
        let (mut world, task, a, b) = scene(LINUX, kind);
        // It need not have been asked for when the message was sent.
        pass(&mut world, task, a, &[Control::Rights(vec![0])]);
        set(&mut world, task, b, Opt::Timestamp, 1);
        set(&mut world, task, b, Opt::PassCred, 1);
        let order = vec![
            ControlOut::Timestamp,
            ControlOut::Credentials(Ids { pid: 0, uid: 65534, gid: 65534 }),
            ControlOut::Rights(vec![5]),
        ];
        assert_eq!(take(&mut world, task, b, 200).control, order);
        for (room, cut) in [(16, Some(0)), (31, Some(15)), (32, None)] {
            set(&mut world, task, b, Opt::PassCred, 0);
            send(&mut world, task, a, b"x");
            let got = take(&mut world, task, b, room);
            let expected = cut.map_or(ControlOut::Timestamp, ControlOut::Cut);
            assert_eq!((got.control, got.control_truncated), (vec![expected], cut.is_some()));
        }
        send(&mut world, task, a, b"x");
        assert!(take(&mut world, task, b, 0).control_truncated);
    }
}

#[test]
fn credentials_are_cut_where_the_room_ends() {
    use ControlOut::{Credentials, Cut, Rights};
    for kind in [Kind::Stream, Kind::Datagram] {
        let whole = Credentials(ROOT);
        for (room, control) in [
            (0, vec![]),
            (15, vec![]),
            (16, vec![Cut(0)]),
            (20, vec![Cut(4)]),
            (27, vec![Cut(11)]),
            (28, vec![whole.clone()]),
            (32, vec![whole.clone()]),
            (51, vec![whole.clone()]),
            (52, vec![whole.clone(), Rights(vec![5])]),
            (59, vec![whole.clone(), Rights(vec![5, 6])]),
            (60, vec![whole.clone(), Rights(vec![5, 6, 7])]),
        ] {
            let (mut world, task, a, b) = scene(LINUX, kind);
            set(&mut world, task, b, Opt::PassCred, 1);
            pass(&mut world, task, a, &[Control::Rights(vec![0, 0, 0])]);
            let got = take(&mut world, task, b, room);
            assert_eq!((got.control, got.control_truncated), (control, room < 60), "{room}");
        }
    }
}

#[test]
fn a_pidfd_needs_room_and_a_number() {
    for (room, fits) in [(0, false), (19, false), (20, true)] {
        let (mut world, task, a, b) = scene(LINUX, Kind::Datagram);
        set(&mut world, task, b, Opt::PassPidfd, 1);
        send(&mut world, task, a, b"x");
        let got = take(&mut world, task, b, room);
        let expected = if fits { vec![ControlOut::Pidfd(5)] } else { vec![] };
        assert_eq!((got.control, got.control_truncated), (expected, !fits));
    }
    // Not the descriptors, of which one fits, but what follows them.
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    set(&mut world, task, b, Opt::PassPidfd, 1);
    pass(&mut world, task, a, &[Control::Rights(vec![0])]);
    let got = take(&mut world, task, b, 40);
    assert_eq!((got.control, got.control_truncated), (vec![ControlOut::Rights(vec![5])], true));
    // A full table is told by an error in the descriptor's place.
    let mut world = World::on(LINUX, Machine { descriptors: 5, ..Machine::default() });
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    set(&mut world, task, b, Opt::PassPidfd, 1);
    send(&mut world, task, a, b"x");
    let got = take(&mut world, task, b, 40);
    let none = vec![ControlOut::NoPidfd(Errno::EMFILE)];
    assert_eq!((got.control, got.control_truncated), (none, false));
}

#[test]
fn the_count_of_the_rest() {
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    set(&mut world, task, b, Opt::Inq, 1);
    send(&mut world, task, a, b"hello");
    let mut want = Want::new(b, 2).dont_wait().control(64);
    let got = received(world.step(task, &Op::Recv(want)));
    assert_eq!(got.control, vec![ControlOut::Inq(3)]);
    want.flags.peek = true;
    let got = received(world.step(task, &Op::Recv(want)));
    assert_eq!(got.control, vec![ControlOut::Inq(3)]);
    want.flags.peek = false;
    want.control = 19;
    let got = received(world.step(task, &Op::Recv(want)));
    assert_eq!((got.control, got.control_truncated), (vec![ControlOut::Cut(3)], true));
    want.control = 0;
    assert!(received(world.step(task, &Op::Recv(want))).control_truncated);
}

#[test]
fn the_end_of_a_stream_has_the_credentials_of_nobody() {
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    for option in [Opt::PassCred, Opt::PassPidfd, Opt::Inq] {
        set(&mut world, task, b, option, 1);
    }
    done(world.step(task, &Op::Close { fd: a }));
    let nobody = Ids { pid: 0, uid: 0, gid: 0 };
    let got = take(&mut world, task, b, 200);
    assert_eq!(got.control, vec![ControlOut::Credentials(nobody), ControlOut::Inq(0)]);
    assert!(take(&mut world, task, b, 0).control_truncated);
    let (mut world, task, a, b) = scene(LINUX, Kind::SeqPacket);
    set(&mut world, task, b, Opt::PassCred, 1);
    done(world.step(task, &Op::Close { fd: a }));
    let got = take(&mut world, task, b, 200);
    assert_eq!((got.returned, got.control, got.control_truncated), (0, vec![], false));
}

#[test]
fn wishes_that_cannot_be_met_are_told() {
    for option in [Opt::PassCred, Opt::PassPidfd, Opt::PassSec] {
        let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
        set(&mut world, task, b, option, 1);
        send(&mut world, task, a, b"x");
        assert!(take(&mut world, task, b, 0).control_truncated, "{option:?}");
    }
    // No module labels sockets, so that there is no label.
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    set(&mut world, task, b, Opt::PassSec, 1);
    send(&mut world, task, a, b"x");
    let got = take(&mut world, task, b, 64);
    assert_eq!((got.control, got.control_truncated), (vec![], false));
}

#[test]
fn the_bsds_refuse_what_they_do_not_know() {
    let unknown = ("ancillary/unknown-type", Errno::EINVAL);
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let (mut world, task, a, _) = scene(profile, Kind::Stream);
        for item in [Control::ForeignLevel, Control::UnknownType] {
            fails(pass(&mut world, task, a, &[item]), unknown.0, unknown.1);
        }
    }
    for profile in [FREEBSD_14, FREEBSD_15] {
        let (mut world, task, a, _) = scene(profile, Kind::Stream);
        let malformed = pass(&mut world, task, a, &[Control::Malformed]);
        fails(malformed, "ancillary/malformed", Errno::EINVAL);
        let large = pass(&mut world, task, a, &[Control::Filler(2056)]);
        fails(large, "send/control-too-large", Errno::EINVAL);
    }
    let (mut world, task, a, _) = scene(MACOS, Kind::Stream);
    let two = [Control::Rights(vec![0]), Control::Rights(vec![0])];
    fails(pass(&mut world, task, a, &two), unknown.0, unknown.1);
    fails(pass(&mut world, task, a, &[Control::Credentials(ROOT)]), unknown.0, unknown.1);
}
