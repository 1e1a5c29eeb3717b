//! `bind`: what it makes, and what keeps it from that, in the order of the checks.

use crate::names::*;
use crate::scene::*;
use sunpath_core::model::{Caps, Credentials, Step, World};
use sunpath_core::op::{Family, Kind, Mount, Name, Op, Out, Restriction, Ret, Setting};
use sunpath_core::profile::{FREEBSD_14, LINUX, MACOS, Machine, OPENSERVER};
use sunpath_core::{Address, Errno};

#[test]
fn a_bound_socket_has_the_name_it_was_given() {
    let (mut world, task) = new_world(LINUX);
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
    let (mut world, task) = new_world(LINUX);
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
    let (mut world, task) = new_world(LINUX);
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
    let (mut world, task) = new_world(LINUX);
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
    let (mut world, task) = new_world(LINUX);
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
    let (mut world, task) = new_world(FREEBSD_14);
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
        let (mut world, task) = new_world(profile);
        let stream = socket(&mut world, task, Kind::Stream);
        let long = Address::Path(vec![b'x'; room + 1]);
        fails(bind(&mut world, task, stream, long), "connect/path-too-long", errno);
        done(bind(&mut world, task, stream, Address::Path(vec![b'x'; room])));
    }
}

#[test]
fn what_a_link_at_the_end_of_the_path_leads_to_is_in_the_way() {
    let (mut world, task) = new_world(LINUX);
    let [live, stale, b] = [(); 3].map(|()| socket(&mut world, task, Kind::Datagram));
    done(bind(&mut world, task, live, "/tmp/live"));
    done(bind(&mut world, task, stale, "/tmp/stale"));
    done(world.step(task, &Op::Close { fd: stale }));
    for (target, cause) in [
        ("live", "bind/live-socket"),
        ("stale", "bind/stale-socket"),
        ("/tmp", "bind/not-a-socket"),
        ("live/x", "bind/not-a-socket"),
        ("nothing", "bind/dangling-symlink"),
        ("link", "bind/dangling-symlink"),
    ] {
        symlink(&mut world, task, target, "/tmp/link");
        fails(bind(&mut world, task, b, "/tmp/link"), cause, Errno::EADDRINUSE);
        unlink(&mut world, task, "/tmp/link");
    }
    symlink(&mut world, task, "loop", "/tmp/loop");
    fails(bind(&mut world, task, b, "/tmp/loop/x"), "bind/symlink-loop", Errno::ELOOP);
    symlink(&mut world, task, &"x".repeat(256), "/tmp/long");
    let step = bind(&mut world, task, b, "/tmp/long/x");
    fails(step, "connect/component-too-long", Errno::ENAMETOOLONG);
}

#[test]
fn macos_and_openserver_bind_to_what_a_link_leads_to() {
    for profile in [MACOS, OPENSERVER] {
        let (mut world, task) = new_world(profile);
        let b = socket(&mut world, task, Kind::Stream);
        symlink(&mut world, task, "target", "/tmp/link");
        done(bind(&mut world, task, b, "/tmp/link"));
        let a = socket(&mut world, task, Kind::Stream);
        fails(bind(&mut world, task, a, "/tmp/target"), "bind/live-socket", Errno::EADDRINUSE);
        fails(bind(&mut world, task, a, "/tmp/link"), "bind/live-socket", Errno::EADDRINUSE);
    }
}

#[test]
fn the_file_has_the_mode_of_the_socket_and_belongs_to_its_maker() {
    let (mut world, root) = new_world(LINUX);
    let user = world.spawn_as(Credentials::user(1000, 100));
    let [a, b] = [(); 2].map(|()| socket(&mut world, user, Kind::Stream));
    done(bind(&mut world, user, a, "/tmp/usual"));
    assert_eq!(mode(&mut world, user, "/tmp/usual"), 0o140_755);
    done(fchmod(&mut world, user, b, 0o666));
    umask(&mut world, user, 0o077);
    done(bind(&mut world, user, b, "/tmp/private"));
    assert_eq!(mode(&mut world, user, "/tmp/private"), 0o140_600);
    done(fchmod(&mut world, user, b, 0o777));
    assert_eq!(mode(&mut world, user, "/tmp/private"), 0o140_600);
    done(chmod(&mut world, user, "/tmp/private", 0o640));
    errs(chown(&mut world, user, "/tmp/private", 0, 0), Errno::EPERM);
    done(chown(&mut world, root, "/tmp/private", 0, 0));
    errs(chmod(&mut world, user, "/tmp/private", 0o640), Errno::EPERM);
}

#[test]
fn a_directory_must_be_writable_and_searchable() {
    let (mut world, root) = new_world(LINUX);
    let user = world.spawn_as(Credentials::user(1000, 100));
    let a = socket(&mut world, user, Kind::Stream);
    fails(bind(&mut world, user, a, "/run/s"), "bind/no-write-permission", Errno::EACCES);
    done(chmod(&mut world, root, "/run", 0o772));
    fails(bind(&mut world, user, a, "/run/s"), "bind/no-write-permission", Errno::EACCES);
    done(chmod(&mut world, root, "/run", 0o773));
    done(bind(&mut world, user, a, "/run/s"));
}

#[test]
fn a_file_system_may_refuse_whoever_asks() {
    let (mut world, root) = new_world(LINUX);
    for (how, cause, errno) in [
        (Mount::ReadOnly, "bind/read-only-filesystem", Errno::EROFS),
        (Mount::WithoutSockets, "bind/filesystem-without-sockets", Errno::EPERM),
        (Mount::Full, "bind/no-space", Errno::ENOSPC),
        (Mount::DeadFuse, "connect/dead-fuse-mount", Errno::ENOTCONN),
    ] {
        let at = format!("/{errno}");
        mkdir(&mut world, root, &at, 0o777);
        let taken = socket(&mut world, root, Kind::Stream);
        done(bind(&mut world, root, taken, &*format!("{at}/taken")));
        world.set(&Setting::Mount { at: at.clone().into_bytes(), how }).unwrap();
        let a = socket(&mut world, root, Kind::Stream);
        fails(bind(&mut world, root, a, &*format!("{at}/s")), cause, errno);
        if errno != Errno::ENOTCONN {
            let step = bind(&mut world, root, a, &*format!("{at}/taken"));
            fails(step, "bind/live-socket", Errno::EADDRINUSE);
        }
        errs(rename(&mut world, root, &at, "/moved"), Errno::EBUSY);
    }
    mkdir(&mut world, root, "/fixed", 0o777);
    world.set(&Setting::Immutable { path: b"/fixed".to_vec(), on: true }).unwrap();
    let a = socket(&mut world, root, Kind::Stream);
    fails(bind(&mut world, root, a, "/fixed/s"), "bind/immutable-directory", Errno::EPERM);
    let how = Restriction::Denied { path: b"/run".to_vec() };
    world.set(&Setting::Restrict { task: root.0, how }).unwrap();
    fails(bind(&mut world, root, a, "/run/s"), "connect/security-module", Errno::EACCES);
}

#[test]
fn the_file_is_looked_for_before_the_file_system_refuses_and_last_the_own_name() {
    let (mut world, root) = new_world(LINUX);
    let a = socket(&mut world, root, Kind::Stream);
    mkdir(&mut world, root, "/m", 0o777);
    done(bind(&mut world, root, a, "/m/s"));
    world.set(&Setting::Mount { at: b"/m".to_vec(), how: Mount::Full }).unwrap();
    fails(bind(&mut world, root, a, "/m/t"), "bind/no-space", Errno::ENOSPC);
    world.set(&Setting::Mount { at: b"/m".to_vec(), how: Mount::ReadOnly }).unwrap();
    fails(bind(&mut world, root, a, "/m/t"), "bind/read-only-filesystem", Errno::EROFS);
    let step = bind(&mut world, root, a, "/m/s");
    fails(step, "bind/exists-and-already-bound", Errno::EADDRINUSE);
    fails(bind(&mut world, root, a, "/run/t"), "bind/already-bound", Errno::EINVAL);
    let other = socket(&mut world, root, Kind::Stream);
    done(bind(&mut world, root, other, "/run/t"));
}

#[test]
fn no_name_can_be_made_in_a_directory_that_was_removed() {
    let (mut world, task) = new_world(LINUX);
    mkdir(&mut world, task, "/gone", 0o777);
    done(chdir(&mut world, task, "/gone"));
    done(rmdir(&mut world, task, "/gone"));
    let a = socket(&mut world, task, Kind::Stream);
    fails(bind(&mut world, task, a, "s"), "bind/missing-directory", Errno::ENOENT);
    done(bind(&mut world, task, a, "../s"));
}

#[test]
fn a_connected_socket_may_still_get_a_name_and_its_peer_sees_it() {
    for kind in [Kind::Stream, Kind::SeqPacket, Kind::Datagram] {
        let (mut world, task) = new_world(LINUX);
        let (a, b) = pair(&mut world, task, kind);
        let peer = Op::Getpeername { fd: b, name: Out::Room };
        assert_eq!(world.step(task, &peer), Step::Done(Ret::Name(Address::Unnamed)));
        done(bind(&mut world, task, a, "/tmp/late"));
        assert_eq!(world.step(task, &peer), Step::Done(Ret::Name(Address::from("/tmp/late"))));
        done(world.step(task, &Op::Close { fd: a }));
        assert_eq!(world.step(task, &peer), Step::Done(Ret::Name(Address::from("/tmp/late"))));
    }
}

#[test]
fn an_address_may_have_its_longest_length() {
    for (profile, longest) in [(LINUX, 110), (FREEBSD_14, 106)] {
        let (mut world, task) = new_world(profile);
        let stream = socket(&mut world, task, Kind::Stream);
        let longer = bind(&mut world, task, stream, Name::Sized(longest + 1));
        fails(longer, "connect/bad-address-length", Errno::EINVAL);
        let cause = bind(&mut world, task, stream, Name::Sized(longest)).cause().map(|c| c.id);
        assert_ne!(cause, Some("connect/bad-address-length"));
    }
}

#[test]
fn who_may_search_everything_may_not_make_files_everywhere() {
    let (mut world, _) = new_world(LINUX);
    let user = Credentials { caps: Caps::DAC_READ_SEARCH, ..Credentials::user(1000, 1000) };
    let task = world.spawn_as(user);
    let stream = socket(&mut world, task, Kind::Stream);
    let denied = bind(&mut world, task, stream, "/run/s");
    fails(denied, "bind/no-write-permission", Errno::EACCES);
}
