//! Calls on files: what they make of the tree in which sockets have their names.

use crate::names::*;
use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::Credentials;
use sunpath_core::model::World;
use sunpath_core::op::{FileOp, Kind, Op, ProcessOp, Setting};
use sunpath_core::profile::{FREEBSD_14, LINUX, Machine};

fn path(text: &str) -> Vec<u8> {
    text.into()
}

#[test]
fn a_file_is_made_where_there_is_none() {
    let (mut world, task) = new_world(LINUX);
    create(&mut world, task, "/tmp/file");
    let make = |p: &str| {
        let path = path(p);
        [
            FileOp::Create { path: path.clone(), mode: 0o666 },
            FileOp::Mkdir { path: path.clone(), mode: 0o777 },
            FileOp::Mkfifo { path: path.clone(), mode: 0o666 },
            FileOp::Symlink { target: b"x".to_vec(), path },
        ]
    };
    for (at, errno) in [
        ("/tmp/file", Errno::EEXIST),
        ("/tmp/.", Errno::EEXIST),
        ("/tmp/file/x", Errno::ENOTDIR),
        ("/tmp/none/x", Errno::ENOENT),
        ("", Errno::ENOENT),
    ] {
        for op in make(at) {
            errs(file(&mut world, task, op), errno);
        }
    }
    for (op, mode_after) in
        make("/tmp/new").into_iter().zip([0o100_644, 0o40_755, 0o10_644, 0o120_777])
    {
        done(file(&mut world, task, op));
        assert_eq!(mode(&mut world, task, "/tmp/new"), mode_after);
        done(rename(&mut world, task, "/tmp/new", &format!("/tmp/{mode_after:o}")));
    }
    let [regular, directory, fifo, link] = make("/tmp/slash/");
    errs(file(&mut world, task, regular), Errno::EISDIR);
    errs(file(&mut world, task, fifo), Errno::ENOENT);
    errs(file(&mut world, task, link), Errno::ENOENT);
    done(file(&mut world, task, directory));
    assert_eq!(umask(&mut world, task, 0o1027), 0o022);
    assert_eq!(umask(&mut world, task, 0), 0o027);
}

#[test]
fn a_socket_file_cannot_be_opened_but_others_can() {
    let (mut world, task) = new_world(LINUX);
    server(&mut world, task, "/tmp/s");
    create(&mut world, task, "/tmp/file");
    let open = |p| FileOp::Open { path: path(p) };
    fails(file(&mut world, task, open("/tmp/s")), "socket/opened-as-file", Errno::ENXIO);
    errs(file(&mut world, task, open("/tmp")), Errno::EISDIR);
    errs(file(&mut world, task, open("/tmp/s/")), Errno::ENOTDIR);
    errs(file(&mut world, task, open("/tmp/none")), Errno::ENOENT);
    let opened = fd(file(&mut world, task, open("/tmp/file")));
    fails(send(&mut world, task, opened, b""), "send/not-a-socket-descriptor", Errno::ENOTSOCK);
    let named = fd(file(&mut world, task, FileOp::OpenPath { path: path("/tmp/s") }));
    fails(send(&mut world, task, named, b""), "send/bad-descriptor", Errno::EBADF);
    errs(fchmod(&mut world, task, named, 0), Errno::EBADF);
    errs(fchmod(&mut world, task, 99, 0), Errno::EBADF);
    let user = world.spawn_as(Credentials::user(1000, 100));
    errs(file(&mut world, user, open("/tmp/s")), Errno::EACCES);
    done(world.step(user, &Op::Process(ProcessOp::LimitDescriptors { limit: 3 })));
    errs(file(&mut world, user, open("/tmp/none")), Errno::EMFILE);
    let (mut world, task) = new_world(FREEBSD_14);
    server(&mut world, task, "/tmp/s");
    let step = file(&mut world, task, open("/tmp/s"));
    fails(step, "socket/opened-as-file", Errno::EOPNOTSUPP);
}

#[test]
fn a_name_is_taken_away_only_from_what_it_fits() {
    let (mut world, task) = new_world(LINUX);
    mkdir(&mut world, task, "/d", 0o777);
    create(&mut world, task, "/d/file");
    let unlink = |p| FileOp::Unlink { path: path(p) };
    errs(file(&mut world, task, unlink("/d")), Errno::EISDIR);
    errs(file(&mut world, task, unlink("/d/")), Errno::EISDIR);
    errs(file(&mut world, task, unlink("/d/.")), Errno::EISDIR);
    errs(file(&mut world, task, unlink("/d/file/")), Errno::ENOTDIR);
    errs(file(&mut world, task, unlink("/d/none")), Errno::ENOENT);
    errs(rmdir(&mut world, task, "/d/file"), Errno::ENOTDIR);
    errs(rmdir(&mut world, task, "/d"), Errno::ENOTEMPTY);
    errs(rmdir(&mut world, task, "/d/.."), Errno::ENOTEMPTY);
    errs(rmdir(&mut world, task, "/d/."), Errno::EINVAL);
    errs(rmdir(&mut world, task, "/"), Errno::EBUSY);
    done(file(&mut world, task, unlink("/d/file")));
    done(rmdir(&mut world, task, "/d/"));
    errs(chdir(&mut world, task, "/d"), Errno::ENOENT);
}

#[test]
fn a_move_replaces_what_is_of_its_kind() {
    let (mut world, task) = new_world(LINUX);
    for directory in ["/a", "/a/b", "/c", "/empty"] {
        mkdir(&mut world, task, directory, 0o777);
    }
    create(&mut world, task, "/a/file");
    create(&mut world, task, "/c/other");
    for (from, to, errno) in [
        ("/none", "/x", Errno::ENOENT),
        ("/a", "/a/b/x", Errno::EINVAL),
        ("/a/b", "/a", Errno::ENOTEMPTY),
        ("/empty", "/c", Errno::ENOTEMPTY),
        ("/a/file", "/c", Errno::EISDIR),
        ("/c", "/a/file", Errno::ENOTDIR),
        ("/a/file/", "/x", Errno::ENOTDIR),
        ("/a/file", "/x/", Errno::ENOTDIR),
        ("/a/.", "/x", Errno::EBUSY),
        ("/a", "/", Errno::EBUSY),
    ] {
        errs(rename(&mut world, task, from, to), errno);
    }
    done(rename(&mut world, task, "/c", "/empty"));
    done(rename(&mut world, task, "/empty/other", "/a/file"));
    done(link(&mut world, task, "/a/file", "/a/same"));
    done(rename(&mut world, task, "/a/file", "/a/same"));
    assert_eq!(mode(&mut world, task, "/a/file"), mode(&mut world, task, "/a/same"));
    done(rename(&mut world, task, "/a/b", "/b"));
    done(chdir(&mut world, task, "/b"));
    done(rename(&mut world, task, "../a", "a"));
    errs(link(&mut world, task, "/b/a", "/x"), Errno::EPERM);
}

#[test]
fn a_sticky_directory_protects_names_and_links() {
    let machine = Machine { protected_hardlinks: true, ..Machine::default() };
    let mut world = World::on(LINUX, machine);
    let root = world.spawn();
    let [one, two] = [1000, 2000].map(|id| world.spawn_as(Credentials::user(id, id)));
    server(&mut world, one, "/tmp/s");
    errs(file(&mut world, two, FileOp::Unlink { path: path("/tmp/s") }), Errno::EPERM);
    errs(rename(&mut world, two, "/tmp/s", "/tmp/t"), Errno::EPERM);
    errs(link(&mut world, two, "/tmp/s", "/tmp/t"), Errno::EPERM);
    done(link(&mut world, one, "/tmp/s", "/tmp/t"));
    errs(chmod(&mut world, two, "/tmp/s", 0o777), Errno::EPERM);
    errs(file(&mut world, two, FileOp::Unlink { path: path("/run/x") }), Errno::ENOENT);
    server(&mut world, root, "/run/x");
    errs(file(&mut world, two, FileOp::Unlink { path: path("/run/x") }), Errno::EACCES);
    unlink(&mut world, root, "/tmp/s");
    unlink(&mut world, one, "/tmp/t");
}

#[test]
fn a_directory_that_was_removed_stays_for_those_in_it() {
    let (mut world, task) = new_world(LINUX);
    mkdir(&mut world, task, "/a", 0o777);
    mkdir(&mut world, task, "/a/b", 0o777);
    let Some(child) = fork(&mut world, task) else { panic!("no child") };
    done(chdir(&mut world, child, "/a/b"));
    done(rmdir(&mut world, task, "/a/b"));
    done(rmdir(&mut world, task, "/a"));
    errs(file(&mut world, child, FileOp::Mkdir { path: path("x"), mode: 0o777 }), Errno::ENOENT);
    assert_eq!(mode(&mut world, child, "."), 0o40_777);
    assert_eq!(mode(&mut world, child, ".."), 0o40_777);
    assert_eq!(mode(&mut world, child, "../.."), 0o40_755);
    done(chdir(&mut world, child, "/tmp"));
    errs(chdir(&mut world, task, "/dev/null"), Errno::ENOTDIR);
    let user = world.spawn_as(Credentials::user(1000, 100));
    done(chmod(&mut world, task, "/run", 0o700));
    errs(chdir(&mut world, user, "/run"), Errno::EACCES);
}

fn fork(
    world: &mut World,
    task: sunpath_core::model::TaskId,
) -> Option<sunpath_core::model::TaskId> {
    use sunpath_core::model::{Step, TaskId};
    match world.step(task, &Op::Process(ProcessOp::Fork)) {
        Step::Done(sunpath_core::op::Ret::Task(task)) => Some(TaskId(task)),
        _ => None,
    }
}

#[test]
fn a_new_file_gets_a_group_by_the_rules_of_the_system() {
    for (profile, visible) in [(LINUX, false), (FREEBSD_14, true)] {
        let (mut world, root) = new_world(profile);
        mkdir(&mut world, root, "/shared", 0o777);
        done(chown(&mut world, root, "/shared", 0, 7));
        let maker = world.spawn_as(Credentials::user(1000, 100));
        umask(&mut world, maker, 0o002);
        let a = socket(&mut world, maker, Kind::Stream);
        done(bind(&mut world, maker, a, "/shared/s"));
        done(world.step(maker, &Op::Listen { fd: a, backlog: 5 }));
        let member = world.spawn_as(Credentials::user(2000, 7));
        let step = connect(&mut world, member, "/shared/s");
        match visible {
            true => done(step),
            false => fails(step, "connect/no-write-permission", Errno::EACCES),
        }
    }
}

#[test]
fn an_immutable_file_keeps_its_name_its_mode_and_its_owner() {
    let (mut world, task) = new_world(LINUX);
    create(&mut world, task, "/tmp/file");
    create(&mut world, task, "/tmp/other");
    let immutable = |on| Setting::Immutable { path: path("/tmp/file"), on };
    world.set(&immutable(true)).unwrap();
    let remove = FileOp::Unlink { path: path("/tmp/file") };
    errs(file(&mut world, task, remove), Errno::EPERM);
    errs(rename(&mut world, task, "/tmp/file", "/tmp/new"), Errno::EPERM);
    errs(rename(&mut world, task, "/tmp/other", "/tmp/file"), Errno::EPERM);
    errs(link(&mut world, task, "/tmp/file", "/tmp/new"), Errno::EPERM);
    errs(chmod(&mut world, task, "/tmp/file", 0o600), Errno::EPERM);
    errs(chown(&mut world, task, "/tmp/file", 1, 1), Errno::EPERM);
    world.set(&immutable(false)).unwrap();
    unlink(&mut world, task, "/tmp/file");
}
