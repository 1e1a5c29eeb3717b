//! Options and requests, in the order in which they are checked.

use crate::scene::*;
use core::time::Duration;
use sunpath_core::model::{Caps, Credentials, Step, TaskId, World};
use sunpath_core::op::{FileOp, Ids, Kind, Level, New, Op, Opt, Request, Ret, Value};
use sunpath_core::profile::{
    FREEBSD_14, FREEBSD_15, LINUX, MACOS, Machine, OPENSERVER, Profile, linux,
};
use sunpath_core::{Address, Errno, SocketType};

/// A process with one socket, descriptor 3.
struct Scene {
    world: World,
    task: TaskId,
}

impl Scene {
    fn new(profile: Profile, kind: Kind) -> Scene {
        Scene::of(World::new(profile), kind)
    }

    fn of(mut world: World, kind: Kind) -> Scene {
        let task = world.spawn();
        assert_eq!(fd(world.step(task, &Op::Socket(New::unix(kind)))), 3);
        Scene { world, task }
    }

    fn set_at(&mut self, level: Level, option: Opt, value: Value) -> Step {
        self.world.step(self.task, &Op::Setsockopt { fd: 3, level, option, value })
    }

    fn set(&mut self, option: Opt, value: Value) -> Step {
        self.set_at(Level::Socket, option, value)
    }

    fn get_at(&mut self, level: Level, option: Opt) -> Step {
        self.world.step(self.task, &Op::Getsockopt { fd: 3, level, option })
    }

    #[track_caller]
    fn get(&mut self, option: Opt) -> Value {
        value(self.get_at(Level::Socket, option))
    }

    /// Sets it and reads it back.
    #[track_caller]
    fn back(&mut self, option: Opt, passed: Value) -> Value {
        done(self.set(option, passed));
        self.get(option)
    }

    fn ask(&mut self, request: Request) -> Step {
        self.world.step(self.task, &Op::Ioctl { fd: 3, request })
    }
}

#[track_caller]
fn value(step: Step) -> Value {
    match step {
        Step::Done(Ret::Value(value)) => value,
        other => panic!("{other:?} gives no value"),
    }
}

const KINDS: [Kind; 3] = [Kind::Stream, Kind::SeqPacket, Kind::Datagram];

#[test]
fn a_descriptor_is_looked_at_first() {
    let mut scene = Scene::new(LINUX, Kind::Stream);
    let (level, option) = (Level::Other, Opt::Unknown);
    for (fd, cause, errno) in [
        (9, "option/bad-descriptor", Errno::EBADF),
        (i32::MIN, "option/bad-descriptor", Errno::EBADF),
        (0, "option/not-a-socket-descriptor", Errno::ENOTSOCK),
    ] {
        let get = Op::Getsockopt { fd, level, option };
        fails(scene.world.step(scene.task, &get), cause, errno);
        let set = Op::Setsockopt { fd, level, option, value: Value::Short };
        fails(scene.world.step(scene.task, &set), cause, errno);
    }
}

#[test]
fn the_level_is_looked_at_before_the_value_and_the_value_before_the_option() {
    for kind in KINDS {
        let mut scene = Scene::new(LINUX, kind);
        for value in [Value::Short, Value::Unmapped, Value::Int(1)] {
            let step = scene.set_at(Level::Other, Opt::Unknown, value);
            fails(step, "option/wrong-level", Errno::EOPNOTSUPP);
        }
        let step = scene.get_at(Level::Local, Opt::LocalPeerCred);
        fails(step, "option/wrong-level", Errno::EOPNOTSUPP);
        for option in [Opt::Unknown, Opt::Type, Opt::SndBufForce, Opt::ZeroCopy, Opt::Linger] {
            fails(scene.set(option, Value::Short), "option/bad-length", Errno::EINVAL);
            fails(scene.set(option, Value::Unmapped), "option/bad-pointer", Errno::EFAULT);
        }
        for option in [Opt::SndTimeo, Opt::RcvTimeo, Opt::Linger, Opt::AttachFilter] {
            fails(scene.set(option, Value::Int(1)), "option/bad-length", Errno::EINVAL);
        }
    }
}

#[test]
fn options_that_nobody_can_set() {
    for kind in KINDS {
        let mut scene = Scene::new(LINUX, kind);
        for option in [
            Opt::Type,
            Opt::Domain,
            Opt::Protocol,
            Opt::AcceptConn,
            Opt::Error,
            Opt::SndLowat,
            Opt::PeerCred,
            Opt::PeerPidfd,
            Opt::PeerGroups,
            Opt::PeerSec,
            Opt::PeerName,
        ] {
            fails(scene.set(option, Value::Int(1)), "option/read-only", Errno::ENOPROTOOPT);
        }
        for option in [Opt::Unknown, Opt::LocalCreds] {
            fails(scene.set(option, Value::Int(1)), "option/unknown", Errno::ENOPROTOOPT);
            let read = scene.get_at(Level::Socket, option);
            fails(read, "option/unknown", Errno::ENOPROTOOPT);
        }
        for option in [Opt::SndBufForce, Opt::RcvBufForce, Opt::Inq, Opt::PeerSec] {
            let read = scene.get_at(Level::Socket, option);
            fails(read, "option/unknown", Errno::ENOPROTOOPT);
        }
    }
}

#[test]
fn options_for_other_families() {
    let mut scene = Scene::new(LINUX, Kind::Stream);
    let other = ("option/not-for-this-socket", Errno::EOPNOTSUPP);
    fails(scene.set(Opt::ReusePort, Value::Int(1)), other.0, other.1);
    assert_eq!(scene.back(Opt::ReusePort, Value::Int(0)), Value::Int(0));
    for number in [0, 1, 2] {
        fails(scene.set(Opt::ZeroCopy, Value::Int(number)), other.0, other.1);
    }
    assert_eq!(scene.get(Opt::ZeroCopy), Value::Int(0));
}

#[test]
fn facts_of_a_socket() {
    let types = [SocketType::Stream, SocketType::SeqPacket, SocketType::Datagram];
    for (kind, told) in KINDS.into_iter().zip(types) {
        let mut scene = Scene::new(LINUX, kind);
        assert_eq!(scene.get(Opt::Type), Value::Type(told));
        assert_eq!(scene.get(Opt::Domain), Value::Int(1));
        assert_eq!(scene.get(Opt::Protocol), Value::Int(0));
        assert_eq!(scene.get(Opt::AcceptConn), Value::Int(0));
        assert_eq!(scene.get(Opt::Error), Value::Error(None));
        assert_eq!(scene.get(Opt::SndLowat), Value::Int(1));
        assert_eq!(scene.get(Opt::PassRights), Value::Int(1));
        assert_eq!(scene.get(Opt::SndBuf), Value::Int(212_992));
        assert_eq!(scene.get(Opt::RcvBuf), Value::Int(212_992));
    }
}

#[test]
fn switches_are_read_back_as_0_or_1() {
    let mut scene = Scene::new(LINUX, Kind::Stream);
    for option in [
        Opt::PassCred,
        Opt::PassPidfd,
        Opt::PassSec,
        Opt::PassRights,
        Opt::OobInline,
        Opt::KeepAlive,
        Opt::ReuseAddr,
        Opt::Broadcast,
        Opt::Timestamp,
    ] {
        for (passed, read) in [(-5, 1), (0, 0), (2, 1)] {
            assert_eq!(scene.back(option, Value::Int(passed)), Value::Int(read), "{option:?}");
        }
    }
}

#[test]
fn buffer_sizes_are_doubled_within_limits() {
    let mut scene = Scene::new(LINUX, Kind::Stream);
    for (passed, send, receive) in [
        (0, 4608, 2304),
        (2303, 4608, 4606),
        (2305, 4610, 4610),
        (4_194_305, 8_388_608, 8_388_608),
        (i32::MAX, 8_388_608, 8_388_608),
        (-1, 8_388_608, 8_388_608),
    ] {
        assert_eq!(scene.back(Opt::SndBuf, Value::Int(passed)), Value::Int(send));
        assert_eq!(scene.back(Opt::RcvBuf, Value::Int(passed)), Value::Int(receive));
    }
    for (passed, send, receive) in [
        (-1, 4608, 2304),
        (i32::MIN, 4608, 2304),
        (4_194_305, 8_388_610, 8_388_610),
        (i32::MAX, 2_147_483_646, 2_147_483_646),
    ] {
        done(scene.set(Opt::SndBufForce, Value::Int(passed)));
        done(scene.set(Opt::RcvBufForce, Value::Int(passed)));
        assert_eq!(scene.get(Opt::SndBuf), Value::Int(send));
        assert_eq!(scene.get(Opt::RcvBuf), Value::Int(receive));
    }
}

#[test]
fn forced_sizes_need_a_privilege() {
    let mut world = World::new(LINUX);
    let task = world.spawn_as(Credentials::user(1000, 1000));
    fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
    let mut scene = Scene { world, task };
    for option in [Opt::SndBufForce, Opt::RcvBufForce] {
        fails(scene.set(option, Value::Short), "option/bad-length", Errno::EINVAL);
        fails(scene.set(option, Value::Int(1)), "option/needs-privilege", Errno::EPERM);
    }
    fails(scene.ask(Request::File), "option/needs-privilege", Errno::EPERM);
}

#[test]
fn time_limits_are_rounded_up_to_ticks() {
    let mut scene = Scene::new(LINUX, Kind::Stream);
    let micros = |n| Value::Time(Some(Duration::from_micros(n)));
    for option in [Opt::SndTimeo, Opt::RcvTimeo] {
        for (passed, read) in [(1, 4000), (4000, 4000), (4001, 8000), (1_999_999, 2_000_000)] {
            assert_eq!(scene.back(option, micros(passed)), micros(read));
        }
        assert_eq!(scene.back(option, Value::RawTime(-1, 0)), Value::Time(None));
        assert_eq!(scene.back(option, Value::RawTime(i64::MAX, 5)), Value::Time(None));
        let longest = 36_893_488_147_419_101;
        assert_eq!(
            scene.back(option, Value::RawTime(longest, 999_999)),
            Value::Time(Some(Duration::from_secs(longest as u64 + 1)))
        );
        assert_eq!(scene.back(option, Value::RawTime(longest + 1, 0)), Value::Time(None));
        assert_eq!(scene.back(option, Value::Time(None)), Value::Time(None));
        for (seconds, microseconds) in [(0, -1), (0, 1_000_000), (-1, -1), (-1, i64::MIN)] {
            let step = scene.set(option, Value::RawTime(seconds, microseconds));
            fails(step, "option/bad-time", Errno::EDOM);
        }
    }
}

#[test]
fn a_time_limit_below_zero_is_not_to_wait() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, _) = pair(&mut world, task, Kind::Stream);
    let value = Value::RawTime(-1, 0);
    let set = Op::Setsockopt { fd: a, level: Level::Socket, option: Opt::RcvTimeo, value };
    done(world.step(task, &set));
    let want = sunpath_core::op::Want::new(a, 8);
    fails(world.step(task, &Op::Recv(want)), "recv/timed-out", Errno::EAGAIN);
}

#[test]
fn numbers_as_they_are_read_back() {
    let mut scene = Scene::new(LINUX, Kind::Datagram);
    for (passed, read) in [(0, 1), (1, 1), (7, 7), (-5, i32::MAX)] {
        assert_eq!(scene.back(Opt::RcvLowat, Value::Int(passed)), Value::Int(read));
    }
    assert_eq!(scene.get(Opt::PeekOff), Value::Int(-1));
    for number in [0, 3, -5, i32::MIN] {
        assert_eq!(scene.back(Opt::PeekOff, Value::Int(number)), Value::Int(number));
    }
    assert_eq!(scene.get(Opt::Linger), Value::Linger(None));
    assert_eq!(scene.back(Opt::Linger, Value::Linger(Some(5))), Value::Linger(Some(5)));
    assert_eq!(scene.back(Opt::Linger, Value::Linger(None)), Value::Linger(None));
    // A negative time is for ever, which is longer than the answer holds.
    let endless = Value::Linger(Some(-1_752_346_657i32 as u32));
    assert_eq!(scene.back(Opt::Linger, Value::Linger(Some(u32::MAX))), endless);
}

#[test]
fn a_count_of_the_rest_is_for_streams() {
    let mut scene = Scene::new(LINUX, Kind::Stream);
    done(scene.set(Opt::Inq, Value::Int(1)));
    done(scene.set(Opt::Inq, Value::Int(0)));
    assert_eq!(scene.set(Opt::Inq, Value::Int(2)).errno(), Some(Errno::EINVAL));
    fails(scene.set(Opt::Inq, Value::Time(None)), "option/bad-length", Errno::EINVAL);
    for kind in [Kind::SeqPacket, Kind::Datagram] {
        let mut scene = Scene::new(LINUX, kind);
        fails(scene.set(Opt::Inq, Value::Int(1)), "option/unknown", Errno::ENOPROTOOPT);
    }
}

#[test]
fn a_filter_must_fit_into_the_memory_for_options() {
    let machine = Machine { control_max: 2000, ..Machine::default() };
    let mut scene = Scene::of(World::on(LINUX, machine), Kind::Datagram);
    let filter = |length| Value::Filter { length, drops: false };
    assert_eq!(scene.get(Opt::AttachFilter), Value::Int(0));
    done(scene.set(Opt::AttachFilter, filter(100)));
    assert_eq!(scene.get(Opt::AttachFilter), Value::Int(100));
    // The one that is there takes 928 bytes until the other has replaced it.
    let step = scene.set(Opt::AttachFilter, filter(118));
    fails(step, "option/filter-too-large", Errno::ENOMEM);
    done(scene.set(Opt::AttachFilter, filter(117)));
    for length in [0, 4097, usize::MAX] {
        assert_eq!(scene.set(Opt::AttachFilter, filter(length)).errno(), Some(Errno::EINVAL));
    }
}

#[test]
fn what_a_socket_knows_of_its_peer() {
    let mut scene = Scene::new(LINUX, Kind::Stream);
    assert_eq!(scene.get(Opt::PeerCred), Value::Peer(None));
    for option in [Opt::PeerPidfd, Opt::PeerGroups] {
        let read = scene.get_at(Level::Socket, option);
        fails(read, "option/no-peer-credentials", Errno::ENODATA);
    }
    let read = scene.get_at(Level::Socket, Opt::PeerName);
    fails(read, "name/no-peer", Errno::ENOTCONN);

    let mut world = World::new(LINUX);
    let ids = Credentials { supplementary: [9, 5, 7].into(), ..Credentials::user(1000, 100) };
    let task = world.spawn_as(ids);
    pair(&mut world, task, Kind::Datagram);
    let mut scene = Scene { world, task };
    let peer = Ids { pid: 100, uid: 1000, gid: 100 };
    assert_eq!(scene.get(Opt::PeerCred), Value::Peer(Some(peer)));
    assert_eq!(scene.get(Opt::PeerGroups), Value::Groups([5, 7, 9].into()));
    assert_eq!(scene.get(Opt::PeerPidfd), Value::Fd(5));
    assert_eq!(scene.get(Opt::PeerName), Value::Name(Some(Address::Unnamed)));
}

#[test]
fn a_pidfd_needs_a_number() {
    let mut world = World::on(LINUX, Machine { descriptors: 5, ..Machine::default() });
    let task = world.spawn();
    pair(&mut world, task, Kind::Stream);
    let get = Op::Getsockopt { fd: 3, level: Level::Socket, option: Opt::PeerPidfd };
    assert_eq!(world.step(task, &get).errno(), Some(Errno::EMFILE));
}

#[test]
fn requests() {
    for kind in KINDS {
        let mut scene = Scene::new(LINUX, kind);
        assert_eq!(value(scene.ask(Request::Inq)), Value::Int(0));
        assert_eq!(value(scene.ask(Request::Outq)), Value::Int(0));
        for request in [Request::Arp, Request::Unknown] {
            fails(scene.ask(request), "option/unknown-request", Errno::ENOTTY);
        }
        match kind {
            Kind::Stream => assert_eq!(value(scene.ask(Request::AtMark)), Value::Int(0)),
            _ => fails(scene.ask(Request::AtMark), "option/not-for-this-socket", Errno::EOPNOTSUPP),
        }
        assert_eq!(scene.ask(Request::File).errno(), Some(Errno::ENOENT));
        let (world, task) = (&mut scene.world, scene.task);
        let of = |fd| Op::Ioctl { fd, request: Request::Inq };
        fails(world.step(task, &of(9)), "option/bad-descriptor", Errno::EBADF);
        fails(world.step(task, &of(0)), "option/unknown-request", Errno::ENOTTY);
    }
}

#[test]
fn unread_bytes_and_the_memory_they_take() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    send(&mut world, task, a, b"hello");
    send(&mut world, task, a, b"you");
    let mut ask = |fd, request| value(world.step(task, &Op::Ioctl { fd, request }));
    assert_eq!(ask(b, Request::Inq), Value::Int(8));
    assert_eq!(ask(a, Request::Outq), Value::Int(1536));
    assert_eq!(ask(a, Request::Inq), Value::Int(0));
    assert_eq!(ask(b, Request::Outq), Value::Int(0));
}

#[test]
fn the_file_of_a_bound_socket_can_be_had() {
    let mut scene = Scene::new(LINUX, Kind::Stream);
    done(scene.world.step(scene.task, &Op::Bind { fd: 3, name: "/s".into() }));
    assert_eq!(scene.ask(Request::File), Step::Done(Ret::Fd(4)));
    // It is a name and nothing else.
    let of = Op::Ioctl { fd: 4, request: Request::Inq };
    fails(scene.world.step(scene.task, &of), "option/bad-descriptor", Errno::EBADF);
    let mut scene = Scene::new(LINUX, Kind::Stream);
    done(scene.world.step(scene.task, &Op::Bind { fd: 3, name: "@s".into() }));
    assert_eq!(scene.ask(Request::File).errno(), Some(Errno::ENOENT));
}

#[test]
fn positions_are_for_files() {
    let mut scene = Scene::new(LINUX, Kind::Stream);
    let mut seek = |fd| scene.world.step(scene.task, &Op::Lseek { fd });
    fails(seek(3), "socket/not-seekable", Errno::ESPIPE);
    assert_eq!(seek(0), Step::Done(Ret::Count(0)));
    assert_eq!(seek(9).errno(), Some(Errno::EBADF));
    let open = Op::File(FileOp::OpenPath { path: b"/".to_vec() });
    if let Step::Done(Ret::Fd(fd)) = scene.world.step(scene.task, &open) {
        let seek = Op::Lseek { fd };
        assert_eq!(scene.world.step(scene.task, &seek).errno(), Some(Errno::EBADF));
    }
}

#[test]
fn listeners_have_no_bytes_to_count() {
    let mut scene = Scene::new(LINUX, Kind::Stream);
    done(scene.world.step(scene.task, &Op::Bind { fd: 3, name: "@s".into() }));
    done(scene.world.step(scene.task, &Op::Listen { fd: 3, backlog: 1 }));
    fails(scene.ask(Request::Inq), "option/queue-of-listener", Errno::EINVAL);
    assert_eq!(value(scene.ask(Request::Outq)), Value::Int(0));
    assert_eq!(scene.get(Opt::AcceptConn), Value::Int(1));
}

#[test]
fn the_bsds_have_options_of_their_own() {
    for (profile, cuts) in &[(FREEBSD_14, false), (FREEBSD_15, false), (MACOS, true)] {
        let mut scene = Scene::new(profile.clone(), Kind::Stream);
        let step = scene.get_at(Level::Local, Opt::LocalPeerCred);
        fails(step, "option/no-peer-credentials", Errno::ENOTCONN);
        let mut scene = Scene::new(profile.clone(), Kind::Datagram);
        let step = scene.get_at(Level::Local, Opt::LocalPeerCred);
        fails(step, "option/no-peer-credentials", Errno::EINVAL);
        let step = scene.set_at(Level::Other, Opt::Type, Value::Int(1));
        fails(step, "option/wrong-level", Errno::EINVAL);
        fails(scene.set(Opt::PassCred, Value::Int(1)), "option/unknown", Errno::ENOPROTOOPT);
        fails(scene.set(Opt::Type, Value::Short), "option/read-only", Errno::ENOPROTOOPT);
        fails(scene.set(Opt::RcvTimeo, Value::RawTime(-1, 0)), "option/bad-time", Errno::EDOM);
        let exact = Value::Time(Some(Duration::from_micros(1)));
        assert_eq!(scene.back(Opt::RcvTimeo, exact.clone()), exact);
        assert_eq!(scene.back(Opt::SndBuf, Value::Int(5000)), Value::Int(5000));
        assert_eq!(scene.set(Opt::SndBuf, Value::Int(0)).errno(), Some(Errno::EINVAL));
        if *cuts {
            assert_eq!(scene.back(Opt::SndBuf, Value::Int(i32::MAX)), Value::Int(7_456_540));
        } else {
            assert_eq!(scene.set(Opt::SndBuf, Value::Int(i32::MAX)).errno(), Some(Errno::ENOBUFS));
        }
        assert_eq!(scene.back(Opt::ReusePort, Value::Int(1)), Value::Int(1));
        assert_eq!(value(scene.ask(Request::AtMark)), Value::Int(0));
        fails(scene.ask(Request::File), "option/unknown-request", Errno::ENOTTY);
    }
}

#[test]
fn credentials_once_or_always() {
    let mut scene = Scene::new(FREEBSD_15, Kind::Stream);
    let set = |scene: &mut Scene, option, on| scene.set_at(Level::Local, option, Value::Int(on));
    let (once, always) = (Opt::LocalCreds, Opt::LocalCredsPersistent);
    done(set(&mut scene, once, 1));
    assert_eq!(value(scene.get_at(Level::Local, once)), Value::Int(1));
    assert_eq!(set(&mut scene, always, 1).errno(), Some(Errno::EINVAL));
    done(set(&mut scene, once, 0));
    done(set(&mut scene, always, 1));
    assert_eq!(value(scene.get_at(Level::Local, always)), Value::Int(1));
    assert_eq!(value(scene.get_at(Level::Local, once)), Value::Int(0));
    fails(
        scene.set_at(Level::Local, Opt::LocalConnWait, Value::Int(1)),
        "option/unknown",
        Errno::ENOPROTOOPT,
    );
    let mut scene = Scene::new(FREEBSD_14, Kind::Stream);
    done(scene.set_at(Level::Local, Opt::LocalConnWait, Value::Int(1)));
    assert_eq!(value(scene.get_at(Level::Local, Opt::LocalConnWait)), Value::Int(1));
}

#[test]
fn openserver_has_the_options_of_its_ancestors() {
    let mut scene = Scene::new(OPENSERVER, Kind::Stream);
    assert_eq!(scene.back(Opt::KeepAlive, Value::Int(7)), Value::Int(1));
    assert_eq!(scene.back(Opt::SndLowat, Value::Int(7)), Value::Int(7));
    for option in [Opt::Domain, Opt::PassCred, Opt::Timestamp] {
        fails(scene.set(option, Value::Int(1)), "option/unknown", Errno::ENOPROTOOPT);
    }
    let local = scene.get_at(Level::Local, Opt::LocalPeerCred);
    fails(local, "option/wrong-level", Errno::EOPNOTSUPP);
}

#[test]
fn capabilities_count_one_by_one() {
    let mut world = World::new(LINUX);
    let caps = Caps::NET_ADMIN;
    let task = world.spawn_as(Credentials { caps, ..Credentials::user(1000, 1000) });
    fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
    let mut scene = Scene { world, task };
    done(scene.set(Opt::SndBufForce, Value::Int(8_000_000)));
    assert_eq!(scene.get(Opt::SndBuf), Value::Int(16_000_000));
}

#[test]
fn an_older_linux_does_not_know_later_options() {
    for (version, option) in
        [((6, 16), Opt::Inq), ((6, 15), Opt::PassRights), ((6, 4), Opt::PassPidfd)]
    {
        let mut scene = Scene::new(linux(version.0, version.1), Kind::Stream);
        let set = scene.set(option, Value::Int(1));
        fails(set, "option/unknown", Errno::ENOPROTOOPT);
        done(Scene::new(linux(6, 18), Kind::Stream).set(option, Value::Int(1)));
    }
}
