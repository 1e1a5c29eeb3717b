//! `bind`: what it makes, and what keeps it from that, in the order of the checks.

use crate::scene::*;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{Family, Fd, Kind, Name, New, Op, Out, Ret};
use sunpath_core::profile::{FREEBSD_14, LINUX, MACOS, Machine, OPENSERVER, Profile};
use sunpath_core::{Address, Errno};

fn world(profile: Profile) -> (World, TaskId) {
    let mut world = World::new(profile);
    let task = world.spawn();
    (world, task)
}

fn socket(world: &mut World, task: TaskId, kind: Kind) -> Fd {
    fd(world.step(task, &Op::Socket(New::unix(kind))))
}

fn bind(world: &mut World, task: TaskId, fd: Fd, name: impl Into<Name>) -> Step {
    world.step(task, &Op::Bind { fd, name: name.into() })
}

fn name_of(world: &mut World, task: TaskId, fd: Fd) -> Address {
    match world.step(task, &Op::Getsockname { fd, name: Out::Room }) {
        Step::Done(Ret::Name(address)) => address,
        other => panic!("{other:?} gives no name"),
    }
}

#[test]
fn a_bound_socket_has_the_name_it_was_given() {
    let (mut world, task) = world(LINUX);
    let stream = socket(&mut world, task, Kind::Stream);
    assert_eq!(name_of(&mut world, task, stream), Address::Unnamed);
    done(bind(&mut world, task, stream, "tmp//./server"));
    assert_eq!(name_of(&mut world, task, stream), Address::from("tmp//./server"));
    let again = bind(&mut world, task, stream, "/tmp/other");
    fails(again, "bind/already-bound", Errno::EINVAL);
    let same = bind(&mut world, task, stream, "/tmp/server");
    fails(same, "bind/exists-and-already-bound", Errno::EADDRINUSE);
    let abroad = bind(&mut world, task, stream, "/nowhere/server");
    fails(abroad, "bind/missing-directory", Errno::ENOENT);
}

#[test]
fn an_address_is_checked_before_what_it_names() {
    let (mut world, task) = world(LINUX);
    let stream = socket(&mut world, task, Kind::Stream);
    for length in [i32::MIN, -1, 0, 1, 111, 128, 129, i32::MAX] {
        let step = bind(&mut world, task, stream, Name::Sized(length));
        fails(step, "connect/bad-address-length", Errno::EINVAL);
    }
    for family in [Family::Inet, Family::Inet6, Family::Unspecified, Family::Other(99)] {
        let step = bind(&mut world, task, stream, Name::Foreign(family));
        fails(step, "connect/wrong-family", Errno::EINVAL);
    }
    let step = bind(&mut world, task, stream, Name::Unmapped);
    fails(step, "bind/bad-pointer", Errno::EFAULT);
    fails(bind(&mut world, task, 99, "@x"), "bind/bad-descriptor", Errno::EBADF);
    fails(bind(&mut world, task, 0, "@x"), "bind/not-a-socket-descriptor", Errno::ENOTSOCK);
    let long = Address::Path([b'x'; 109].to_vec());
    fails(bind(&mut world, task, stream, long), "connect/path-too-long", Errno::EINVAL);
    let long = Address::Abstract([b'x'; 108].to_vec());
    fails(bind(&mut world, task, stream, long), "connect/path-too-long", Errno::EINVAL);
    let longest = Address::Path([b'x'; 108].to_vec());
    done(bind(&mut world, task, stream, longest.clone()));
    assert_eq!(name_of(&mut world, task, stream), longest);
}

#[test]
fn a_path_ends_at_its_first_nul() {
    let (mut world, task) = world(LINUX);
    let [a, b, c] = [(); 3].map(|()| socket(&mut world, task, Kind::Stream));
    done(bind(&mut world, task, a, "/tmp/cut\0short"));
    assert_eq!(name_of(&mut world, task, a), Address::from("/tmp/cut"));
    done(bind(&mut world, task, b, "\0cut"));
    assert_eq!(name_of(&mut world, task, b), Address::Abstract(b"cut\0".to_vec()));
    done(bind(&mut world, task, c, ""));
    assert_eq!(name_of(&mut world, task, c), Address::Abstract(Vec::new()));
}

#[test]
fn an_abstract_name_is_had_once_for_each_type_and_freed_at_close() {
    let (mut world, task) = world(LINUX);
    let first = socket(&mut world, task, Kind::Stream);
    done(bind(&mut world, task, first, "@name"));
    for kind in [Kind::Datagram, Kind::SeqPacket] {
        let other = socket(&mut world, task, kind);
        done(bind(&mut world, task, other, "@name"));
    }
    let second = socket(&mut world, task, Kind::Stream);
    fails(bind(&mut world, task, second, "@name"), "bind/abstract-in-use", Errno::EADDRINUSE);
    done(bind(&mut world, task, second, Address::Abstract(b"name\0".to_vec())));
    fails(bind(&mut world, task, second, "@name"), "bind/already-bound", Errno::EINVAL);
    done(world.step(task, &Op::Close { fd: first }));
    let third = socket(&mut world, task, Kind::Stream);
    done(bind(&mut world, task, third, "@name"));
}

#[test]
fn automatic_names_are_given_in_order_until_none_is_left() {
    let machine = Machine { autobind_start: 2, autobind_names: 3, ..Machine::default() };
    let mut world = World::on(LINUX, machine);
    let task = world.spawn();
    let named = socket(&mut world, task, Kind::Stream);
    done(bind(&mut world, task, named, "@00000"));
    let [a, b, c] = [(); 3].map(|()| socket(&mut world, task, Kind::Stream));
    for (socket, name) in [(a, "00002"), (b, "00001")] {
        done(bind(&mut world, task, socket, Address::Unnamed));
        done(bind(&mut world, task, socket, Name::Sized(2)));
        let name = Address::Abstract(name.as_bytes().to_vec());
        assert_eq!(name_of(&mut world, task, socket), name);
    }
    let step = bind(&mut world, task, c, Address::Unnamed);
    fails(step, "bind/no-free-name", Errno::ENOSPC);
    done(world.step(task, &Op::Close { fd: a }));
    done(bind(&mut world, task, c, Address::Unnamed));
}

#[test]
fn a_file_outlives_its_socket_and_is_in_the_way() {
    let (mut world, task) = world(LINUX);
    let [a, b] = [(); 2].map(|()| socket(&mut world, task, Kind::Stream));
    done(bind(&mut world, task, a, "/tmp/s"));
    fails(bind(&mut world, task, b, "/tmp/s"), "bind/live-socket", Errno::EADDRINUSE);
    done(world.step(task, &Op::Close { fd: a }));
    fails(bind(&mut world, task, b, "/tmp/s"), "bind/stale-socket", Errno::EADDRINUSE);
    for path in ["/tmp", "/", "/tmp/.", "/tmp/..", "/dev/null", "/tmp//"] {
        fails(bind(&mut world, task, b, path), "bind/not-a-socket", Errno::EADDRINUSE);
    }
    fails(bind(&mut world, task, b, "/tmp/t/"), "connect/no-such-file", Errno::ENOENT);
    fails(bind(&mut world, task, b, "/none/t"), "bind/missing-directory", Errno::ENOENT);
    fails(bind(&mut world, task, b, "/tmp/s/t"), "bind/not-a-directory", Errno::ENOTDIR);
}

#[test]
fn other_systems_have_no_abstract_names() {
    let (mut world, task) = world(FREEBSD_14);
    let stream = socket(&mut world, task, Kind::Stream);
    let step = bind(&mut world, task, stream, "@name");
    fails(step, "connect/no-such-file", Errno::ENOENT);
    let step = bind(&mut world, task, stream, Address::Unnamed);
    fails(step, "connect/bad-address-length", Errno::EINVAL);
    done(bind(&mut world, task, stream, "/tmp/s"));
    let step = bind(&mut world, task, stream, Address::Unnamed);
    fails(step, "bind/already-bound-autobind", Errno::EINVAL);
    let step = bind(&mut world, task, stream, "/tmp/s");
    fails(step, "bind/exists-and-already-bound", Errno::EINVAL);
    let step = bind(&mut world, task, stream, "/none/s");
    fails(step, "bind/already-bound", Errno::EINVAL);
}

#[test]
fn each_system_has_room_for_paths_of_its_own_length() {
    for (profile, room, errno) in [
        (FREEBSD_14, 104, Errno::EINVAL),
        (MACOS, 253, Errno::ENAMETOOLONG),
        (OPENSERVER, 107, Errno::EINVAL),
    ] {
        let (mut world, task) = world(profile);
        let stream = socket(&mut world, task, Kind::Stream);
        let long = Address::Path(vec![b'x'; room + 1]);
        fails(bind(&mut world, task, stream, long), "connect/path-too-long", errno);
        done(bind(&mut world, task, stream, Address::Path(vec![b'x'; room])));
    }
}
