//! Short forms for telling what happens in a world.

use sunpath_core::Errno;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{
    Fd, Kind, Level, Message, New, Op, Opt, ProcessOp, Received, Ret, Value, Want,
};

/// The call succeeds and gives a descriptor.
#[track_caller]
pub fn fd(step: Step) -> Fd {
    match step {
        Step::Done(Ret::Fd(fd) | Ret::Accepted { fd, .. }) => fd,
        other => panic!("{other:?} gives no descriptor"),
    }
}

/// The call succeeds and gives a message.
#[track_caller]
pub fn received(step: Step) -> Received {
    match step {
        Step::Done(Ret::Received(received)) => received,
        other => panic!("{other:?} gives no message"),
    }
}

/// The call succeeds and gives nothing.
#[track_caller]
pub fn done(step: Step) {
    assert_eq!(step, Step::Done(Ret::Unit));
}

/// The call fails for this cause, which shows this errno.
#[track_caller]
pub fn fails(step: Step, cause: &str, errno: Errno) {
    let Step::Fail(failure) = &step else { panic!("{step:?} does not fail") };
    assert_eq!((failure.cause.map(|c| c.id), failure.errno), (Some(cause), errno));
}

/// The call waits for this reason.
#[track_caller]
pub fn waits(step: Step, cause: &str) {
    let Step::Blocked(wait) = &step else { panic!("{step:?} does not wait") };
    assert_eq!(wait.cause.id, cause);
}

/// A pair of connected sockets.
#[track_caller]
pub fn pair(world: &mut World, task: TaskId, kind: Kind) -> (Fd, Fd) {
    match world.step(task, &Op::Socketpair(New::unix(kind))) {
        Step::Done(Ret::Pair(a, b)) => (a, b),
        other => panic!("{other:?} gives no pair"),
    }
}

/// A send that does not wait.
pub fn send(world: &mut World, task: TaskId, fd: Fd, data: &[u8]) -> Step {
    world.step(task, &Op::Send(Message::new(fd, data).dont_wait()))
}

/// A receive that does not wait.
pub fn recv(world: &mut World, task: TaskId, fd: Fd, length: usize) -> Step {
    world.step(task, &Op::Recv(Want::new(fd, length).dont_wait()))
}

/// Sets an option that is a number.
#[track_caller]
pub fn set(world: &mut World, task: TaskId, fd: Fd, option: Opt, value: i32) {
    let (level, value) = (Level::Socket, Value::Int(value));
    done(world.step(task, &Op::Setsockopt { fd, level, option, value }));
}

/// A task looks again at the call in which it waits, for which it must have been woken.
#[track_caller]
pub fn resume(world: &mut World, task: TaskId) -> Step {
    assert!(world.runnable().any(|woken| woken == task), "nobody has woken {task:?}");
    world.resume(task)
}

/// A second thread of a task's process.
#[track_caller]
pub fn thread(world: &mut World, task: TaskId) -> TaskId {
    match world.step(task, &Op::Process(ProcessOp::Thread)) {
        Step::Done(Ret::Task(task)) => TaskId(task),
        other => panic!("{other:?} gives no thread"),
    }
}
