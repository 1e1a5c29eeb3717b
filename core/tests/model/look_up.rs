//! What `connect` and `sendto` find at an address, and the true reason why they find nothing.

use crate::names::*;
use crate::scene::*;
use sunpath_core::model::{Credentials, TaskId, World};
use sunpath_core::op::{
    Family, FileOp, Kind, Level, Message, Mount, Name, Op, Opt, Out, ProcessOp, Restriction, Ret,
    Setting, Value,
};
use sunpath_core::profile::{FREEBSD_14, LINUX, MACOS, OPENSERVER};
use sunpath_core::{Address, Errno, model::Step};

#[track_caller]
fn refused(world: &mut World, task: TaskId, name: &str, cause: &str, errno: Errno) {
    fails(connect(world, task, name), cause, errno);
}

fn exit(world: &mut World, task: TaskId) {
    done(world.step(task, &Op::Process(ProcessOp::Exit)));
}

#[test]
fn an_address_is_checked_before_it_is_looked_up() {
    let (mut world, task) = new_world(LINUX);
    for length in [i32::MIN, -1, 0, 1, 2, 111, 128, 129, i32::MAX] {
        let step = connect(&mut world, task, Name::Sized(length));
        fails(step, "connect/bad-address-length", Errno::EINVAL);
    }
    let step = connect(&mut world, task, Address::Unnamed);
    fails(step, "connect/bad-address-length", Errno::EINVAL);
    for family in [Family::Inet, Family::Unspecified, Family::Other(99)] {
        let step = connect(&mut world, task, Name::Foreign(family));
        fails(step, "connect/wrong-family", Errno::EINVAL);
    }
    fails(connect(&mut world, task, Name::Unmapped), "connect/bad-pointer", Errno::EFAULT);
    let long = Address::Path(vec![b'x'; 109]);
    fails(connect(&mut world, task, long), "connect/path-too-long", Errno::EINVAL);
    let (mut world, task) = new_world(OPENSERVER);
    let step = connect(&mut world, task, Name::Foreign(Family::Inet));
    fails(step, "connect/wrong-family", Errno::EAFNOSUPPORT);
    let (mut world, task) = new_world(MACOS);
    let step = connect(&mut world, task, Name::Foreign(Family::Unspecified));
    fails(step, "connect/no-such-file", Errno::ENOENT);
}

#[test]
fn a_socket_is_found_by_every_name_of_its_file() {
    let (mut world, task) = new_world(LINUX);
    server(&mut world, task, "/tmp/s");
    done(link(&mut world, task, "/tmp/s", "/tmp/hard"));
    symlink(&mut world, task, "hard", "/tmp/soft");
    symlink(&mut world, task, "/tmp/../tmp/soft", "/softer");
    done(chdir(&mut world, task, "/run"));
    for path in ["/tmp/s", "/tmp/hard", "/tmp/soft", "/softer", "../tmp//./s"] {
        done(connect(&mut world, task, path));
    }
    done(rename(&mut world, task, "/tmp/s", "/run/moved"));
    unlink(&mut world, task, "/tmp/hard");
    done(connect(&mut world, task, "moved"));
    refused(&mut world, task, "/softer", "connect/dangling-symlink", Errno::ENOENT);
}

#[test]
fn a_path_may_lead_nowhere_for_many_reasons() {
    let (mut world, task) = new_world(LINUX);
    server(&mut world, task, "/tmp/s");
    symlink(&mut world, task, "gone", "/tmp/dangling");
    symlink(&mut world, task, "loop", "/tmp/loop");
    symlink(&mut world, task, &"x".repeat(256), "/tmp/long");
    server(&mut world, task, "@name");
    for (path, cause, errno) in [
        ("/tmp/none", "connect/no-such-file", Errno::ENOENT),
        ("/tmp/none/", "connect/no-such-file", Errno::ENOENT),
        ("/none/s", "connect/missing-directory", Errno::ENOENT),
        ("/tmp/dangling", "connect/dangling-symlink", Errno::ENOENT),
        ("/tmp/dangling/s", "connect/dangling-symlink", Errno::ENOENT),
        ("/tmp/s\n", "connect/stray-whitespace", Errno::ENOENT),
        (" /tmp/s ", "connect/stray-whitespace", Errno::ENOENT),
        ("@name", "connect/no-such-file", Errno::ENOENT),
        ("/tmp/s/", "connect/not-a-directory", Errno::ENOTDIR),
        ("/tmp/s/x", "connect/not-a-directory", Errno::ENOTDIR),
        ("/tmp/loop", "connect/symlink-loop", Errno::ELOOP),
        ("/tmp/loop/x", "connect/symlink-loop", Errno::ELOOP),
        ("/tmp/long", "connect/component-too-long", Errno::ENAMETOOLONG),
    ] {
        let cause = if path == "@name" { "connect/abstract-written-as-path" } else { cause };
        let address = Address::Path(path.as_bytes().to_vec());
        fails(connect(&mut world, task, address), cause, errno);
    }
    done(chdir(&mut world, task, "/run"));
    refused(&mut world, task, "tmp/s", "connect/lost-leading-slash", Errno::ENOENT);
}

#[test]
fn each_system_follows_as_many_links_as_it_will() {
    for (profile, most) in [(LINUX, 40), (FREEBSD_14, 32), (OPENSERVER, 8)] {
        let (mut world, task) = new_world(profile);
        server(&mut world, task, "/tmp/0");
        for n in 1..=most + 1 {
            symlink(&mut world, task, &format!("{}", n - 1), &format!("/tmp/{n}"));
        }
        done(connect(&mut world, task, &*format!("/tmp/{most}")));
        let one_more = format!("/tmp/{}", most + 1);
        refused(&mut world, task, &one_more, "connect/symlink-loop", Errno::ELOOP);
    }
    let (mut world, task) = new_world(FREEBSD_14);
    symlink(&mut world, task, &"x/".repeat(600), "/tmp/long");
    let cause = "connect/path-too-long-after-symlinks";
    refused(&mut world, task, "/tmp/long", cause, Errno::ENAMETOOLONG);
}

#[test]
fn a_server_may_have_lost_its_file() {
    let (mut world, task) = new_world(LINUX);
    mkdir(&mut world, task, "/app", 0o755);
    server(&mut world, task, "/app/s");
    unlink(&mut world, task, "/app/s");
    refused(&mut world, task, "/app/s", "connect/unlinked-live", Errno::ENOENT);
    done(chdir(&mut world, task, "/app"));
    refused(&mut world, task, "./s", "connect/unlinked-live", Errno::ENOENT);
    done(rmdir(&mut world, task, "/app"));
    refused(&mut world, task, "/app/s", "connect/unlinked-live", Errno::ENOENT);
    refused(&mut world, task, "s", "connect/unlinked-live", Errno::ENOENT);
    let moved = server(&mut world, task, "/tmp/s");
    done(rename(&mut world, task, "/tmp/s", "/tmp/t"));
    refused(&mut world, task, "/tmp/s", "connect/unlinked-live", Errno::ENOENT);
    done(world.step(task, &Op::Close { fd: moved }));
    refused(&mut world, task, "/tmp/s", "connect/no-such-file", Errno::ENOENT);
    refused(&mut world, task, "/tmp/t", "connect/stale-socket", Errno::ECONNREFUSED);
}

#[test]
fn a_file_may_have_no_live_socket() {
    let (mut world, task) = new_world(LINUX);
    let first = server(&mut world, task, "/tmp/s");
    unlink(&mut world, task, "/tmp/s");
    let second = server(&mut world, task, "/tmp/s");
    done(connect(&mut world, task, "/tmp/s"));
    done(world.step(task, &Op::Close { fd: second }));
    refused(&mut world, task, "/tmp/s", "connect/path-rebound", Errno::ECONNREFUSED);
    done(world.step(task, &Op::Close { fd: first }));
    refused(&mut world, task, "/tmp/s", "connect/stale-socket", Errno::ECONNREFUSED);
    let idle = socket(&mut world, task, Kind::Stream);
    done(bind(&mut world, task, idle, "/tmp/idle"));
    refused(&mut world, task, "/tmp/idle", "connect/not-listening", Errno::ECONNREFUSED);
    let step = connect_as(&mut world, task, Kind::Datagram, "/tmp/idle");
    fails(step, "connect/wrong-type", Errno::EPROTOTYPE);
    for path in ["/tmp", "/", "/dev/null"] {
        refused(&mut world, task, path, "connect/not-a-socket", Errno::ECONNREFUSED);
    }
    done(world.step(task, &Op::Close { fd: idle }));
    let step = connect_as(&mut world, task, Kind::Datagram, "/tmp/idle");
    fails(step, "connect/stale-socket", Errno::ECONNREFUSED);
}

#[test]
fn an_accepted_connection_is_not_found_by_the_name_it_carries() {
    let (mut world, task) = new_world(LINUX);
    let listener = server(&mut world, task, "/tmp/s");
    let client = socket(&mut world, task, Kind::Stream);
    done(world.step(task, &Op::Connect { fd: client, name: "/tmp/s".into() }));
    let accept = Op::Accept { fd: listener, flags: Default::default(), name: Out::Null };
    let accepted = fd(world.step(task, &accept));
    assert_eq!(name_of(&mut world, task, accepted), Address::from("/tmp/s"));
    let peer = world.step(task, &Op::Getpeername { fd: client, name: Out::Room });
    assert_eq!(peer, Step::Done(Ret::Name(Address::from("/tmp/s"))));
    fails(bind(&mut world, task, accepted, "/tmp/t"), "bind/already-bound", Errno::EINVAL);
    done(world.step(task, &Op::Close { fd: listener }));
    refused(&mut world, task, "/tmp/s", "connect/stale-socket", Errno::ECONNREFUSED);
    done(world.step(task, &Op::Close { fd: accepted }));
    let peer = world.step(task, &Op::Getpeername { fd: client, name: Out::Room });
    assert_eq!(peer, Step::Done(Ret::Name(Address::from("/tmp/s"))));
}

#[test]
fn an_abstract_name_may_lead_to_nobody() {
    let (mut world, task) = new_world(LINUX);
    let other = world.spawn();
    done(world.step(other, &Op::Process(ProcessOp::UnshareNet)));
    server(&mut world, other, "@far");
    server(&mut world, task, "@near");
    done(connect(&mut world, task, "@near"));
    let padded = Address::Abstract(b"near\0\0".to_vec());
    let step = connect(&mut world, task, padded);
    fails(step, "connect/abstract-padded", Errno::ECONNREFUSED);
    let far = "connect/abstract-other-namespace";
    refused(&mut world, task, "@far", far, Errno::ECONNREFUSED);
    refused(&mut world, task, "@none", "connect/abstract-nobody", Errno::ECONNREFUSED);
    // The type is a part of the name.
    let step = connect_as(&mut world, task, Kind::SeqPacket, "@near");
    fails(step, "connect/abstract-nobody", Errno::ECONNREFUSED);
    server(&mut world, other, "/tmp/s");
    done(connect(&mut world, task, "/tmp/s"));
}

#[test]
fn write_permission_and_search_on_the_way_are_needed() {
    let (mut world, root) = new_world(LINUX);
    let user = world.spawn_as(Credentials::user(1000, 100));
    mkdir(&mut world, root, "/app", 0o755);
    server(&mut world, root, "/app/s");
    refused(&mut world, user, "/app/s", "connect/no-write-permission", Errno::EACCES);
    done(chmod(&mut world, root, "/app/s", 0o772));
    done(connect(&mut world, user, "/app/s"));
    done(chmod(&mut world, root, "/app", 0o776));
    refused(&mut world, user, "/app/s", "connect/no-search-permission", Errno::EACCES);
    refused(&mut world, user, "/app/none", "connect/no-search-permission", Errno::EACCES);
    done(connect(&mut world, root, "/app/s"));
    // The first class that fits decides alone.
    done(chmod(&mut world, root, "/app", 0o755));
    done(chown(&mut world, root, "/app/s", 1000, 100));
    done(chmod(&mut world, root, "/app/s", 0o577));
    refused(&mut world, user, "/app/s", "connect/no-write-permission", Errno::EACCES);
}

#[test]
fn a_group_counts_that_the_process_carries() {
    let (mut world, root) = new_world(LINUX);
    server(&mut world, root, "/tmp/s");
    done(chown(&mut world, root, "/tmp/s", 0, 7));
    done(chmod(&mut world, root, "/tmp/s", 0o660));
    let user = world.spawn_as(Credentials::user(1000, 100));
    refused(&mut world, user, "/tmp/s", "connect/no-write-permission", Errno::EACCES);
    world.set(&Setting::Member { uid: 1000, gid: 7 }).unwrap();
    refused(&mut world, user, "/tmp/s", "connect/group-not-in-credentials", Errno::EACCES);
    let ids = Credentials { supplementary: vec![7], ..Credentials::user(1000, 100) };
    let anew = world.spawn_as(ids);
    done(connect(&mut world, anew, "/tmp/s"));
    done(chmod(&mut world, root, "/tmp", 0o770));
    done(chown(&mut world, root, "/tmp", 0, 7));
    refused(&mut world, user, "/tmp/s", "connect/group-not-in-credentials", Errno::EACCES);
}

#[test]
fn root_of_a_user_namespace_is_nobody_outside() {
    let (mut world, root) = new_world(LINUX);
    server(&mut world, root, "/tmp/s");
    done(chmod(&mut world, root, "/tmp/s", 0o600));
    let user = world.spawn_as(Credentials::user(1000, 100));
    let how = Restriction::UserNamespace;
    world.set(&Setting::Restrict { task: user.0, how }).unwrap();
    refused(&mut world, user, "/tmp/s", "connect/user-namespace", Errno::EACCES);
    server(&mut world, user, "/tmp/own");
    done(chmod(&mut world, user, "/tmp/own", 0));
    done(connect(&mut world, user, "/tmp/own"));
}

#[test]
fn a_flag_a_module_or_a_protected_link_may_deny_even_root() {
    let (mut world, root) = new_world(LINUX);
    let listener = server(&mut world, root, "/tmp/s");
    let user = world.spawn_as(Credentials::user(1000, 100));
    symlink(&mut world, user, "s", "/tmp/link");
    done(connect(&mut world, root, "/tmp/link"));
    world.set(&Setting::ProtectedSymlinks { on: true }).unwrap();
    refused(&mut world, root, "/tmp/link", "connect/protected-symlink", Errno::EACCES);
    done(chmod(&mut world, root, "/tmp/s", 0o777));
    done(connect(&mut world, user, "/tmp/link"));
    let how = Restriction::Denied { path: b"/tmp".to_vec() };
    world.set(&Setting::Restrict { task: user.0, how }).unwrap();
    refused(&mut world, user, "/tmp/s", "connect/security-module", Errno::EACCES);
    let immutable = Setting::Immutable { path: b"/tmp/s".to_vec(), on: true };
    world.set(&immutable).unwrap();
    refused(&mut world, root, "/tmp/s", "connect/immutable", Errno::EPERM);
    done(world.step(root, &Op::Close { fd: listener }));
    refused(&mut world, root, "/tmp/s", "connect/immutable", Errno::EPERM);
    let (mut world, _) = new_world(OPENSERVER);
    let path = b"/tmp".to_vec();
    assert_eq!(world.set(&Setting::Immutable { path, on: true }), Err(Errno::EOPNOTSUPP));
}

#[test]
fn a_read_only_file_system_matters_only_to_what_is_written_there() {
    let (mut world, task) = new_world(LINUX);
    mkdir(&mut world, task, "/m", 0o777);
    create(&mut world, task, "/m/file");
    server(&mut world, task, "/m/s");
    world.set(&Setting::Mount { at: b"/m".to_vec(), how: Mount::ReadOnly }).unwrap();
    done(connect(&mut world, task, "/m/s"));
    for path in ["/m/file", "/m"] {
        refused(&mut world, task, path, "bind/read-only-filesystem", Errno::EROFS);
    }
    world.set(&Setting::Mount { at: b"/m".to_vec(), how: Mount::DeadFuse }).unwrap();
    refused(&mut world, task, "/m/s", "connect/dead-fuse-mount", Errno::ENOTCONN);
    refused(&mut world, task, "/m", "connect/dead-fuse-mount", Errno::ENOTCONN);
}

#[test]
fn a_file_may_be_an_image_or_a_mount_of_another_or_hidden() {
    let (mut world, task) = new_world(LINUX);
    mkdir(&mut world, task, "/view", 0o777);
    create(&mut world, task, "/run/mounted");
    let old = server(&mut world, task, "/tmp/s");
    let mount = |at: &str, how| Setting::Mount { at: at.into(), how };
    world.set(&mount("/view", Mount::View { of: b"/tmp".to_vec() })).unwrap();
    world.set(&mount("/run/mounted", Mount::Bind { of: b"/tmp/s".to_vec() })).unwrap();
    refused(&mut world, task, "/view/s", "connect/other-filesystem-view", Errno::ECONNREFUSED);
    done(connect(&mut world, task, "/run/mounted"));
    let busy = file(&mut world, task, FileOp::Unlink { path: "/run/mounted".into() });
    errs(busy, Errno::EBUSY);
    done(world.step(task, &Op::Close { fd: old }));
    unlink(&mut world, task, "/tmp/s");
    server(&mut world, task, "/tmp/s");
    refused(&mut world, task, "/run/mounted", "connect/stale-bind-mount", Errno::ECONNREFUSED);
    let inside = world.spawn();
    let how = Restriction::Covered { path: b"/tmp".to_vec() };
    world.set(&Setting::Restrict { task: inside.0, how }).unwrap();
    refused(&mut world, inside, "/tmp/s", "connect/other-mount-namespace", Errno::ENOENT);
    done(connect(&mut world, task, "/tmp/s"));
    server(&mut world, inside, "/tmp/inside");
    done(connect(&mut world, inside, "/tmp/inside"));
    refused(&mut world, task, "/tmp/inside", "connect/other-mount-namespace", Errno::ENOENT);
    exit(&mut world, inside);
    refused(&mut world, task, "/tmp/inside", "connect/no-such-file", Errno::ENOENT);
}

#[test]
fn whoever_passes_credentials_gets_a_name_even_if_the_connect_fails() {
    let (mut world, task) = new_world(LINUX);
    let kinds = [Kind::Stream, Kind::Datagram, Kind::SeqPacket];
    for (option, kind) in [Opt::PassCred, Opt::PassPidfd].map(|o| kinds.map(|k| (o, k))).concat() {
        let fd = socket(&mut world, task, kind);
        let value = Value::Int(1);
        done(world.step(task, &Op::Setsockopt { fd, level: Level::Socket, option, value }));
        let step = world.step(task, &Op::Connect { fd, name: "/none".into() });
        fails(step, "connect/no-such-file", Errno::ENOENT);
        assert!(
            matches!(name_of(&mut world, task, fd), Address::Abstract(name) if name.len() == 5)
        );
        let again = bind(&mut world, task, fd, "@own");
        fails(again, "bind/already-bound", Errno::EINVAL);
    }
}

#[test]
fn whoever_passes_credentials_gets_a_name_by_a_datagram_that_is_refused() {
    for (length, cause, errno) in [
        (1, "connect/no-such-file", Errno::ENOENT),
        (300_000, "send/message-too-long", Errno::EMSGSIZE),
    ] {
        let (mut world, task) = new_world(LINUX);
        let fd = socket(&mut world, task, Kind::Datagram);
        let (level, option) = (Level::Socket, Opt::PassCred);
        let to = |length| Op::Send(Message::new(fd, vec![0; length]).to("/none"));
        fails(world.step(task, &to(length)), cause, errno);
        assert_eq!(name_of(&mut world, task, fd), Address::Unnamed);
        let on = Op::Setsockopt { fd, level, option, value: Value::Int(1) };
        done(world.step(task, &on));
        fails(world.step(task, &to(length)), cause, errno);
        assert_ne!(name_of(&mut world, task, fd), Address::Unnamed);
    }
}

#[test]
fn other_systems_ask_first_whether_it_is_a_socket() {
    for profile in [FREEBSD_14, MACOS, OPENSERVER] {
        let (mut world, root) = new_world(profile.clone());
        let user = world.spawn_as(Credentials::user(1000, 100));
        create(&mut world, root, "/tmp/file");
        refused(&mut world, root, "/tmp/file", "connect/not-a-socket", Errno::ENOTSOCK);
        if profile == OPENSERVER {
            let denied = "connect/no-write-permission";
            refused(&mut world, user, "/tmp/file", denied, Errno::EACCES);
        } else {
            refused(&mut world, user, "/tmp/file", "connect/not-a-socket", Errno::ENOTSOCK);
        }
        refused(&mut world, user, "@name", "connect/no-such-file", Errno::ENOENT);
        server(&mut world, root, "/tmp/s");
        refused(&mut world, user, "/tmp/s", "connect/no-write-permission", Errno::EACCES);
        done(connect(&mut world, root, "/tmp/s"));
        let pair = pair(&mut world, root, Kind::Stream);
        done(world.step(root, &Op::Close { fd: pair.1 }));
        let step = world.step(root, &Op::Getpeername { fd: pair.0, name: Out::Room });
        fails(step, "name/no-peer", Errno::ENOTCONN);
    }
}

#[test]
fn a_name_needs_room_where_it_is_told() {
    let (mut world, task) = new_world(LINUX);
    let (a, _) = pair(&mut world, task, Kind::Stream);
    let alone = socket(&mut world, task, Kind::Stream);
    let unnamed = Step::Done(Ret::Name(Address::Unnamed));
    assert_eq!(world.step(task, &Op::Getpeername { fd: a, name: Out::Room }), unnamed);
    for name in [Out::Room, Out::Unmapped, Out::NegativeLength] {
        let step = world.step(task, &Op::Getpeername { fd: alone, name });
        fails(step, "name/no-peer", Errno::ENOTCONN);
    }
    for fd in [a, alone] {
        let step = world.step(task, &Op::Getsockname { fd, name: Out::Unmapped });
        fails(step, "name/bad-pointer", Errno::EFAULT);
        let step = world.step(task, &Op::Getsockname { fd, name: Out::Null });
        fails(step, "name/bad-pointer", Errno::EFAULT);
        let step = world.step(task, &Op::Getsockname { fd, name: Out::NegativeLength });
        fails(step, "name/bad-address-length", Errno::EINVAL);
    }
    let step = world.step(task, &Op::Getsockname { fd: 77, name: Out::Room });
    fails(step, "name/bad-descriptor", Errno::EBADF);
    let step = world.step(task, &Op::Getpeername { fd: 0, name: Out::Room });
    fails(step, "name/not-a-socket-descriptor", Errno::ENOTSOCK);
}

#[test]
fn a_link_to_an_open_socket_is_not_its_name() {
    let (mut world, task) = new_world(LINUX);
    let listener = server(&mut world, task, "/tmp/s");
    let link = format!("/proc/self/fd/{listener}");
    refused(&mut world, task, &link, "connect/link-to-open-socket", Errno::ECONNREFUSED);
    let none = "/proc/self/fd/x";
    refused(&mut world, task, none, "connect/missing-directory", Errno::ENOENT);
}

#[test]
fn a_directory_can_be_mounted_elsewhere_and_removed_where_it_was() {
    let (mut world, task) = new_world(LINUX);
    for directory in ["/x", "/x/y", "/m"] {
        mkdir(&mut world, task, directory, 0o777);
    }
    let setting = Setting::Mount { at: b"/m".to_vec(), how: Mount::Bind { of: b"/x/y".to_vec() } };
    world.set(&setting).unwrap();
    server(&mut world, task, "/m/s");
    done(connect(&mut world, task, "/x/y/s"));
    unlink(&mut world, task, "/x/y/s");
    done(rmdir(&mut world, task, "/x/y"));
    done(rmdir(&mut world, task, "/x"));
    refused(&mut world, task, "/m/../none", "connect/no-such-file", Errno::ENOENT);
    let circle = Mount::Bind { of: b"/".to_vec() };
    let setting = Setting::Mount { at: b"/tmp".to_vec(), how: circle };
    assert_eq!(world.set(&setting), Err(Errno::EINVAL));
}

#[test]
fn what_a_system_does_not_have_cannot_be_set() {
    for profile in [FREEBSD_14, MACOS, OPENSERVER] {
        let (mut world, task) = new_world(profile);
        for how in [Restriction::UserNamespace, Restriction::AbstractScope] {
            let setting = Setting::Restrict { task: task.0, how };
            assert_eq!(world.set(&setting), Err(Errno::EOPNOTSUPP));
        }
        let how = Mount::Bind { of: b"/run".to_vec() };
        let setting = Setting::Mount { at: b"/tmp".to_vec(), how };
        assert_eq!(world.set(&setting), Err(Errno::EOPNOTSUPP));
    }
}

#[test]
fn where_mounts_are_everybodys_a_hidden_file_is_as_good_as_removed() {
    for (profile, cause) in
        [(LINUX, "connect/other-mount-namespace"), (FREEBSD_14, "connect/unlinked-live")]
    {
        let (mut world, task) = new_world(profile);
        mkdir(&mut world, task, "/srv", 0o777);
        mkdir(&mut world, task, "/empty", 0o777);
        server(&mut world, task, "/srv/s");
        let how = Mount::View { of: b"/empty".to_vec() };
        world.set(&Setting::Mount { at: b"/srv".to_vec(), how }).unwrap();
        refused(&mut world, task, "/srv/s", cause, Errno::ENOENT);
    }
}
