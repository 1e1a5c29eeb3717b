//! Descriptors that messages carry.

use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::{Caps, Credentials, Step, TaskId, World};
use sunpath_core::op::{
    Control, ControlOut, Fd, FileOp, Kind, Level, Message, New, Op, Opt, ProcessOp, Received, Ret,
    Value, Want,
};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, Machine, OPENSERVER, Profile};

const KINDS: [Kind; 3] = [Kind::Stream, Kind::SeqPacket, Kind::Datagram];

/// A process with a pair, descriptors 3 and 4.
fn scene(profile: Profile, kind: Kind) -> (World, TaskId, Fd, Fd) {
    let mut world = World::new(profile);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, kind);
    (world, task, a, b)
}

fn pass(world: &mut World, task: TaskId, fd: Fd, data: &[u8], fds: &[Fd]) -> Step {
    world.step(task, &Op::Send(Message::new(fd, data).dont_wait().with_rights(fds)))
}

fn pass_items(world: &mut World, task: TaskId, fd: Fd, control: &[Control]) -> Step {
    let control = control.to_vec();
    world.step(task, &Op::Send(Message { control, ..Message::new(fd, b"x").dont_wait() }))
}

fn take(world: &mut World, task: TaskId, fd: Fd, room: usize) -> Received {
    received(world.step(task, &Op::Recv(Want::new(fd, 64).dont_wait().control(room))))
}

fn look(world: &mut World, task: TaskId, fd: Fd, room: usize) -> Received {
    let mut want = Want::new(fd, 64).dont_wait().control(room);
    want.flags.peek = true;
    received(world.step(task, &Op::Recv(want)))
}

fn set(world: &mut World, task: TaskId, fd: Fd, option: Opt, number: i32) {
    let value = Value::Int(number);
    done(world.step(task, &Op::Setsockopt { fd, level: Level::Socket, option, value }));
}

fn rights(fds: &[Fd]) -> Vec<ControlOut> {
    vec![ControlOut::Rights(fds.to_vec())]
}

/// Which numbers up to 20 are open.
fn open(world: &mut World, task: TaskId) -> Vec<Fd> {
    let is_open = |fd: &Fd| {
        let set = Op::Nonblocking { fd: *fd, on: false };
        world.step(task, &set) == Step::Done(Ret::Unit)
    };
    (0..20).filter(is_open).collect()
}

#[test]
fn a_descriptor_arrives_as_another_number_for_the_same_file() {
    for kind in KINDS {
        let (mut world, task, a, b) = scene(LINUX, kind);
        let (c, d) = pair(&mut world, task, Kind::Stream);
        pass(&mut world, task, a, b"x", &[c]);
        done(world.step(task, &Op::Close { fd: c }));
        let got = take(&mut world, task, b, 64);
        assert_eq!(got.control, rights(&[5]));
        assert!(!got.control_truncated);
        send(&mut world, task, 5, b"through");
        assert_eq!(&*received(recv(&mut world, task, d, 64)).data, b"through");
    }
}

#[test]
fn at_most_253_in_all_items_of_a_message() {
    for kind in KINDS {
        let (mut world, task, a, _) = scene(LINUX, kind);
        let too_many = ("rights/too-many", Errno::EINVAL);
        fails(pass(&mut world, task, a, b"x", &[0; 254]), too_many.0, too_many.1);
        let two = [Control::Rights([0; 200].into()), Control::Rights([0; 54].into())];
        fails(pass_items(&mut world, task, a, &two), too_many.0, too_many.1);
        // Their number is looked at before they are.
        fails(pass(&mut world, task, a, b"x", &[99; 254]), too_many.0, too_many.1);
        assert_eq!(pass(&mut world, task, a, b"x", &[0; 253]), Step::Done(Ret::Count(1)));
        fails(pass(&mut world, task, a, b"x", &[99; 253]), "rights/bad-descriptor", Errno::EBADF);
    }
}

#[test]
fn several_items_arrive_as_one() {
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    let items = [Control::Rights(vec![0, 1]), Control::ForeignLevel, Control::Rights(vec![2])];
    assert_eq!(pass_items(&mut world, task, a, &items), Step::Done(Ret::Count(1)));
    assert_eq!(take(&mut world, task, b, 64).control, rights(&[5, 6, 7]));
}

#[test]
fn one_bad_descriptor_and_nothing_is_sent() {
    for bad in [99, -1, i32::MIN] {
        let (mut world, task, a, b) = scene(LINUX, Kind::Datagram);
        let step = pass(&mut world, task, a, b"x", &[0, bad]);
        fails(step, "rights/bad-descriptor", Errno::EBADF);
        fails(recv(&mut world, task, b, 8), "recv/nothing-to-read", Errno::EAGAIN);
    }
}

#[test]
fn an_item_without_descriptors_is_none() {
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    assert_eq!(pass(&mut world, task, a, b"x", &[]), Step::Done(Ret::Count(1)));
    let got = take(&mut world, task, b, 64);
    assert_eq!((got.control, got.control_truncated), (vec![], false));
}

#[test]
fn a_ring_cannot_be_passed_but_names_and_the_socket_itself_can() {
    for (profile, errno) in [
        (LINUX, Errno::EINVAL),
        (FREEBSD_14, Errno::EOPNOTSUPP),
        (FREEBSD_15, Errno::EOPNOTSUPP),
        (MACOS, Errno::EINVAL),
    ] {
        let (mut world, task, a, _) = scene(profile, Kind::Stream);
        let ring = fd(world.step(task, &Op::File(FileOp::Ring)));
        fails(pass(&mut world, task, a, b"x", &[ring]), "rights/not-passable", errno);
        assert_eq!(pass(&mut world, task, a, b"x", &[a]), Step::Done(Ret::Count(1)));
    }
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    let name = fd(world.step(task, &Op::File(FileOp::OpenPath { path: b"/".to_vec() })));
    assert_eq!(pass(&mut world, task, a, b"x", &[name]), Step::Done(Ret::Count(1)));
    assert_eq!(take(&mut world, task, b, 64).control, rights(&[6]));
}

#[test]
fn what_fits_is_installed_and_the_rest_closed() {
    for kind in KINDS {
        for (room, fit) in [(0, 0), (16, 0), (19, 0), (20, 1), (23, 1), (24, 2), (27, 2)] {
            let (mut world, task, a, b) = scene(LINUX, kind);
            pass(&mut world, task, a, b"x", &[0, 1, 2]);
            let got = take(&mut world, task, b, room);
            assert!(got.control_truncated, "{room}");
            let expected: Vec<Fd> = (5..5 + fit).collect();
            let expected = if fit == 0 { vec![] } else { rights(&expected) };
            assert_eq!(got.control, expected, "{room}");
            assert_eq!(open(&mut world, task).len(), 5 + fit as usize);
        }
        let (mut world, task, a, b) = scene(LINUX, kind);
        pass(&mut world, task, a, b"x", &[0, 1, 2]);
        let got = take(&mut world, task, b, 28);
        assert_eq!((got.control, got.control_truncated), (rights(&[5, 6, 7]), false));
    }
}

#[test]
fn the_table_of_descriptors_limits_without_an_error() {
    let mut world = World::on(LINUX, Machine { descriptors: 6, ..Machine::default() });
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    pass(&mut world, task, a, b"x", &[0, 0, 0]);
    let got = take(&mut world, task, b, 64);
    assert_eq!((got.control, got.control_truncated), (rights(&[5]), true));
    pass(&mut world, task, a, b"x", &[0]);
    let got = take(&mut world, task, b, 64);
    assert_eq!((got.control, got.control_truncated), (vec![], true));
    assert_eq!(&*got.data, b"x");
}

#[test]
fn a_full_table_is_an_error_on_the_bsds() {
    for (profile, errno) in [
        (FREEBSD_14, Errno::EMFILE),
        (FREEBSD_15, Errno::EMFILE),
        (MACOS, Errno::EMSGSIZE),
        (OPENSERVER, Errno::EMSGSIZE),
    ] {
        let mut world = World::on(profile, Machine { descriptors: 6, ..Machine::default() });
        let task = world.spawn();
        let (a, b) = pair(&mut world, task, Kind::Stream);
        pass(&mut world, task, a, b"x", &[0, 0]);
        let step = world.step(task, &Op::Recv(Want::new(b, 8).dont_wait().control(64)));
        fails(step, "rights/descriptor-limit", errno);
        assert_eq!(open(&mut world, task).len(), 5);
    }
}

#[test]
fn without_room_the_bsds_lose_all_of_them_or_know_of_none() {
    for (profile, told, open_after) in [(FREEBSD_15, vec![], 5), (MACOS, rights(&[5]), 7)] {
        let (mut world, task, a, b) = scene(profile, Kind::Stream);
        pass(&mut world, task, a, b"x", &[0, 0]);
        let got = take(&mut world, task, b, 20);
        assert_eq!((got.control, got.control_truncated), (told, true));
        assert_eq!(open(&mut world, task).len(), open_after);
    }
}

#[test]
fn how_many_a_message_takes_elsewhere() {
    for (profile, most, errno) in [
        (FREEBSD_14, 254, Errno::EMSGSIZE),
        (FREEBSD_15, 254, Errno::EMSGSIZE),
        (MACOS, 254, Errno::EINVAL),
        (OPENSERVER, 28, Errno::EINVAL),
    ] {
        let (mut world, task, a, _) = scene(profile, Kind::Stream);
        let sent = pass(&mut world, task, a, b"x", &vec![0; most]);
        assert_eq!(sent, Step::Done(Ret::Count(1)));
        fails(pass(&mut world, task, a, b"x", &vec![0; most + 1]), "rights/too-many", errno);
        let step = pass(&mut world, task, a, b"x", &vec![0; 600]);
        assert!(step.cause().is_some());
    }
    // They are counted before they are looked at, and FreeBSD's limit is of each item.
    for profile in [FREEBSD_14, FREEBSD_15] {
        let (mut world, task, a, _) = scene(profile, Kind::Stream);
        let step = pass(&mut world, task, a, b"x", &[99; 255]);
        fails(step, "rights/too-many", Errno::EMSGSIZE);
        let two = [Control::Rights([0; 200].into()), Control::Rights([0; 200].into())];
        assert_eq!(pass_items(&mut world, task, a, &two), Step::Done(Ret::Count(1)));
    }
}

#[test]
fn an_empty_send_on_a_stream_drops_them() {
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    assert_eq!(pass(&mut world, task, a, b"", &[0]), Step::Done(Ret::Count(0)));
    fails(recv(&mut world, task, b, 8), "recv/nothing-to-read", Errno::EAGAIN);
    for kind in [Kind::SeqPacket, Kind::Datagram] {
        let (mut world, task, a, b) = scene(LINUX, kind);
        assert_eq!(pass(&mut world, task, a, b"", &[0]), Step::Done(Ret::Count(0)));
        assert_eq!(take(&mut world, task, b, 64).control, rights(&[5]));
    }
}

#[test]
fn they_come_with_the_first_byte_of_their_message() {
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    pass(&mut world, task, a, b"xy", &[0]);
    let mut want = Want::new(b, 1).dont_wait().control(64);
    assert_eq!(received(world.step(task, &Op::Recv(want))).control, rights(&[5]));
    want.length = 8;
    assert_eq!(received(world.step(task, &Op::Recv(want))).control, vec![]);
}

#[test]
fn every_look_gives_them_anew() {
    for kind in KINDS {
        let (mut world, task, a, b) = scene(LINUX, kind);
        pass(&mut world, task, a, b"x", &[0]);
        assert_eq!(look(&mut world, task, b, 64).control, rights(&[5]));
        assert_eq!(look(&mut world, task, b, 64).control, rights(&[6]));
        assert_eq!(take(&mut world, task, b, 64).control, rights(&[7]));
    }
}

#[test]
fn a_receiver_may_refuse_them() {
    for kind in KINDS {
        let (mut world, task, a, b) = scene(LINUX, kind);
        pass(&mut world, task, a, b"1", &[0]);
        set(&mut world, task, b, Opt::PassRights, 0);
        let step = pass(&mut world, task, a, b"2", &[0]);
        fails(step, "rights/refused-by-receiver", Errno::EPERM);
        // What was sent before is delivered.
        assert_eq!(take(&mut world, task, b, 64).control, rights(&[5]));
        assert_eq!(send(&mut world, task, a, b"plain"), Step::Done(Ret::Count(5)));
        set(&mut world, task, b, Opt::PassRights, 1);
        assert_eq!(pass(&mut world, task, a, b"3", &[0]), Step::Done(Ret::Count(1)));
    }
}

#[test]
fn a_listener_refuses_them_for_those_it_has_not_accepted() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let listener = fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
    done(world.step(task, &Op::Bind { fd: listener, name: "@s".into() }));
    done(world.step(task, &Op::Listen { fd: listener, backlog: 1 }));
    set(&mut world, task, listener, Opt::PassRights, 0);
    let client = fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
    done(world.step(task, &Op::Connect { fd: client, name: "@s".into() }));
    let step = pass(&mut world, task, client, b"x", &[0]);
    fails(step, "rights/refused-by-receiver", Errno::EPERM);
    // The setting of the moment of the connection holds.
    set(&mut world, task, listener, Opt::PassRights, 1);
    let step = pass(&mut world, task, client, b"x", &[0]);
    fails(step, "rights/refused-by-receiver", Errno::EPERM);
}

/// A process of a user with a pair and a limit of 20 descriptors.
fn limited(caps: Caps) -> (World, TaskId, Fd, Fd) {
    let mut world = World::new(LINUX);
    let task = world.spawn_as(Credentials { caps, ..Credentials::user(1000, 1000) });
    let (a, b) = pair(&mut world, task, Kind::SeqPacket);
    world.step(task, &Op::Process(ProcessOp::LimitDescriptors { limit: 20 }));
    (world, task, a, b)
}

#[test]
fn a_user_has_a_limit_of_what_is_in_flight_which_one_message_may_exceed() {
    let (mut world, task, a, b) = limited(Caps::NONE);
    for _ in 0..11 {
        assert_eq!(pass(&mut world, task, a, b"x", &[0, 0]), Step::Done(Ret::Count(1)));
    }
    let too_many = |step| fails(step, "rights/too-many-in-flight", Errno::ETOOMANYREFS);
    too_many(pass(&mut world, task, a, b"x", &[0]));
    // Other processes of the user have it too, and others not.
    let sibling = world.spawn_as(Credentials::user(1000, 1000));
    let (c, _) = pair(&mut world, sibling, Kind::Stream);
    world.step(sibling, &Op::Process(ProcessOp::LimitDescriptors { limit: 20 }));
    too_many(pass(&mut world, sibling, c, b"x", &[0]));
    let stranger = world.spawn_as(Credentials::user(1001, 1000));
    let (d, _) = pair(&mut world, stranger, Kind::Stream);
    world.step(stranger, &Op::Process(ProcessOp::LimitDescriptors { limit: 20 }));
    assert_eq!(pass(&mut world, stranger, d, b"x", &[0]), Step::Done(Ret::Count(1)));
    // Who only acts as the user does not count as one.
    let actor = Credentials { users: [1002, 1000, 1000], ..Credentials::user(1000, 1000) };
    let actor = world.spawn_as(actor);
    let (e, _) = pair(&mut world, actor, Kind::Stream);
    world.step(actor, &Op::Process(ProcessOp::LimitDescriptors { limit: 20 }));
    assert_eq!(pass(&mut world, actor, e, b"x", &[0]), Step::Done(Ret::Count(1)));
    // Messages without descriptors pass, and mistakes come first.
    assert_eq!(send(&mut world, task, a, b"x"), Step::Done(Ret::Count(1)));
    fails(pass(&mut world, task, a, b"x", &[99]), "rights/bad-descriptor", Errno::EBADF);
    // To look takes nothing away, and to read does.
    look(&mut world, task, b, 0);
    too_many(pass(&mut world, task, a, b"x", &[0]));
    take(&mut world, task, b, 0);
    assert_eq!(pass(&mut world, task, a, b"x", &[0]), Step::Done(Ret::Count(1)));
    too_many(pass(&mut world, task, a, b"x", &[0]));
}

#[test]
fn two_capabilities_lift_the_limit() {
    for (caps, limited_still) in [
        (Caps::SYS_RESOURCE, false),
        (Caps::SYS_ADMIN, false),
        (Caps::NET_ADMIN | Caps::SETUID, true),
    ] {
        let (mut world, task, a, _) = limited(caps);
        assert_eq!(pass(&mut world, task, a, b"x", &[0; 30]), Step::Done(Ret::Count(1)));
        let failed = pass(&mut world, task, a, b"x", &[0]).cause().is_some();
        assert_eq!(failed, limited_still);
    }
}

#[test]
fn closing_the_queue_takes_them_out_of_flight() {
    let (mut world, task, a, b) = limited(Caps::NONE);
    pass(&mut world, task, a, b"x", &[0; 30]);
    let (c, _) = pair(&mut world, task, Kind::Stream);
    assert!(pass(&mut world, task, c, b"x", &[0]).cause().is_some());
    done(world.step(task, &Op::Close { fd: b }));
    assert_eq!(pass(&mut world, task, c, b"x", &[0]), Step::Done(Ret::Count(1)));
}

#[test]
fn elsewhere_nothing_in_flight_is_counted() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut world = World::new(profile);
        let task = world.spawn_as(Credentials::user(1000, 1000));
        let (a, _) = pair(&mut world, task, Kind::Stream);
        world.step(task, &Op::Process(ProcessOp::LimitDescriptors { limit: 6 }));
        for _ in 0..8 {
            assert_eq!(pass(&mut world, task, a, b"x", &[0]), Step::Done(Ret::Count(1)));
        }
    }
}

#[test]
fn a_file_lives_while_it_is_in_flight() {
    let (mut world, task, a, b) = scene(LINUX, Kind::Stream);
    let (c, d) = pair(&mut world, task, Kind::Stream);
    pass(&mut world, task, a, b"x", &[c]);
    done(world.step(task, &Op::Close { fd: c }));
    fails(recv(&mut world, task, d, 8), "recv/nothing-to-read", Errno::EAGAIN);
    // Nobody gave room for it: it is closed, and the other end sees that.
    take(&mut world, task, b, 0);
    assert_eq!(received(recv(&mut world, task, d, 8)).returned, 0);
}

#[test]
fn the_limit_in_flight_is_looked_at_before_the_bytes() {
    for kind in [Kind::Stream, Kind::Datagram, Kind::SeqPacket] {
        let (mut world, task, ..) = limited(Caps::NONE);
        let (a, _) = pair(&mut world, task, kind);
        assert_eq!(pass(&mut world, task, a, b"x", &[0; 30]), Step::Done(Ret::Count(1)));
        let message = Message::new(a, b"x").with_rights(&[0]);
        let both = world.step(task, &Op::Send(Message { unmapped: true, ..message }));
        fails(both, "rights/too-many-in-flight", Errno::ETOOMANYREFS);
    }
}
