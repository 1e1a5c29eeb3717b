//! Short forms for names and files.

use crate::scene::*;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{Fd, FileOp, Kind, Name, New, Op, Out, Ret, Value};
use sunpath_core::profile::Profile;
use sunpath_core::{Address, Errno};

/// A world with a task of root.
pub fn new_world(profile: Profile) -> (World, TaskId) {
    let mut world = World::new(profile);
    let task = world.spawn();
    (world, task)
}

/// A fresh socket.
#[track_caller]
pub fn socket(world: &mut World, task: TaskId, kind: Kind) -> Fd {
    fd(world.step(task, &Op::Socket(New::unix(kind))))
}

/// `bind`
pub fn bind(world: &mut World, task: TaskId, fd: Fd, name: impl Into<Name>) -> Step {
    world.step(task, &Op::Bind { fd, name: name.into() })
}

/// A fresh socket that listens at a name.
#[track_caller]
pub fn server(world: &mut World, task: TaskId, name: &str) -> Fd {
    let fd = socket(world, task, Kind::Stream);
    done(bind(world, task, fd, name));
    done(world.step(task, &Op::Listen { fd, backlog: 100 }));
    fd
}

/// `connect` of a fresh stream socket.
#[track_caller]
pub fn connect(world: &mut World, task: TaskId, name: impl Into<Name>) -> Step {
    connect_as(world, task, Kind::Stream, name)
}

/// `connect` of a fresh socket of this type, which is closed again.
#[track_caller]
pub fn connect_as(world: &mut World, task: TaskId, kind: Kind, name: impl Into<Name>) -> Step {
    let fd = socket(world, task, kind);
    let step = world.step(task, &Op::Connect { fd, name: name.into() });
    done(world.step(task, &Op::Close { fd }));
    step
}

/// `getsockname`
#[track_caller]
pub fn name_of(world: &mut World, task: TaskId, fd: Fd) -> Address {
    match world.step(task, &Op::Getsockname { fd, name: Out::Room }) {
        Step::Done(Ret::Name(address)) => address,
        other => panic!("{other:?} gives no name"),
    }
}

/// The call fails with an error that is not of the catalogue.
#[track_caller]
pub fn errs(step: Step, errno: Errno) {
    let Step::Fail(failure) = &step else { panic!("{step:?} does not fail") };
    assert_eq!((failure.cause.map(|c| c.id), failure.errno), (None, errno));
}

/// A call on files.
pub fn file(world: &mut World, task: TaskId, op: FileOp) -> Step {
    world.step(task, &Op::File(op))
}

/// The mode of a file, with its type.
#[track_caller]
pub fn mode(world: &mut World, task: TaskId, path: &str) -> u32 {
    match file(world, task, FileOp::Lstat { path: path.into() }) {
        Step::Done(Ret::Value(Value::Int(mode))) => mode as u32,
        other => panic!("{other:?} gives no mode"),
    }
}

#[track_caller]
pub fn mkdir(world: &mut World, task: TaskId, path: &str, mode: u32) {
    umask(world, task, 0);
    done(file(world, task, FileOp::Mkdir { path: path.into(), mode }));
    umask(world, task, 0o022);
}

#[track_caller]
pub fn create(world: &mut World, task: TaskId, path: &str) {
    done(file(world, task, FileOp::Create { path: path.into(), mode: 0o644 }));
}

#[track_caller]
pub fn symlink(world: &mut World, task: TaskId, target: &str, path: &str) {
    done(file(world, task, FileOp::Symlink { target: target.into(), path: path.into() }));
}

#[track_caller]
pub fn unlink(world: &mut World, task: TaskId, path: &str) {
    done(file(world, task, FileOp::Unlink { path: path.into() }));
}

pub fn link(world: &mut World, task: TaskId, from: &str, to: &str) -> Step {
    file(world, task, FileOp::Link { from: from.into(), to: to.into() })
}

pub fn rename(world: &mut World, task: TaskId, from: &str, to: &str) -> Step {
    file(world, task, FileOp::Rename { from: from.into(), to: to.into() })
}

pub fn rmdir(world: &mut World, task: TaskId, path: &str) -> Step {
    file(world, task, FileOp::Rmdir { path: path.into() })
}

pub fn chdir(world: &mut World, task: TaskId, path: &str) -> Step {
    file(world, task, FileOp::Chdir { path: path.into() })
}

pub fn chmod(world: &mut World, task: TaskId, path: &str, mode: u32) -> Step {
    file(world, task, FileOp::Chmod { path: path.into(), mode })
}

pub fn fchmod(world: &mut World, task: TaskId, fd: Fd, mode: u32) -> Step {
    file(world, task, FileOp::Fchmod { fd, mode })
}

pub fn chown(world: &mut World, task: TaskId, path: &str, uid: u32, gid: u32) -> Step {
    file(world, task, FileOp::Chown { path: path.into(), uid, gid })
}

pub fn umask(world: &mut World, task: TaskId, mask: u32) -> u32 {
    match file(world, task, FileOp::Umask { mask }) {
        Step::Done(Ret::Value(Value::Int(old))) => old as u32,
        other => panic!("{other:?} gives no mask"),
    }
}
