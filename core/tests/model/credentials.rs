//! Credentials in messages: claimed, filled in, or missing.

use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::{Caps, Credentials, Step, TaskId, World};
use sunpath_core::op::{
    Control, ControlOut, Fd, Ids, Kind, Level, Message, New, NewFlags, Op, Opt, Out, ProcessOp,
    Ret, Value, Want,
};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS};

const KINDS: [Kind; 3] = [Kind::Stream, Kind::SeqPacket, Kind::Datagram];
const NOBODY: Ids = Ids { pid: 0, uid: 65534, gid: 65534 };

fn claim(world: &mut World, task: TaskId, fd: Fd, pid: i32, uid: u32, gid: u32) -> Step {
    let control = vec![Control::Credentials(Ids { pid, uid, gid })];
    world.step(task, &Op::Send(Message { control, ..Message::new(fd, b"x").dont_wait() }))
}

fn set(world: &mut World, task: TaskId, fd: Fd, option: Opt, on: bool) {
    let value = Value::Int(on.into());
    done(world.step(task, &Op::Setsockopt { fd, level: Level::Socket, option, value }));
}

/// The credentials that come with the next byte.
fn told(world: &mut World, task: TaskId, fd: Fd) -> Option<Ids> {
    let step = world.step(task, &Op::Recv(Want::new(fd, 1).dont_wait().control(200)));
    received(step).control.iter().find_map(|item| match item {
        ControlOut::Credentials(ids) => Some(*ids),
        _ => None,
    })
}

fn user(caps: Caps) -> (World, TaskId, Fd, Fd) {
    let mut world = World::new(LINUX);
    let credentials = Credentials {
        users: [1000, 1001, 1002],
        groups: [100, 101, 102],
        caps,
        ..Credentials::user(0, 0)
    };
    let task = world.spawn_as(credentials);
    let (a, b) = pair(&mut world, task, Kind::Stream);
    (world, task, a, b)
}

#[test]
fn a_user_may_claim_its_own_ids_only() {
    let (mut world, task, a, _) = user(Caps::NONE);
    let mut claim = |pid, uid, gid| claim(&mut world, task, a, pid, uid, gid);
    for (uid, gid) in [(1000, 100), (1001, 101), (1002, 102), (1000, 102)] {
        assert_eq!(claim(100, uid, gid), Step::Done(Ret::Count(1)));
    }
    let refused = |step| fails(step, "credentials/not-permitted", Errno::EPERM);
    refused(claim(1, 1000, 100));
    refused(claim(100, 0, 100));
    refused(claim(100, 1000, 0));
    // It never learns whether the process exists.
    refused(claim(999_999, 1000, 100));
    refused(claim(0, 1000, 100));
}

#[test]
fn each_capability_lifts_one_rule() {
    let lifts = |caps, pid, uid, gid| {
        let (mut world, task, a, _) = user(caps);
        claim(&mut world, task, a, pid, uid, gid).cause().is_none()
    };
    assert!(lifts(Caps::SYS_ADMIN, 1, 1000, 100));
    assert!(!lifts(Caps::SYS_ADMIN, 100, 0, 100));
    assert!(lifts(Caps::SETUID, 100, 7, 100));
    assert!(!lifts(Caps::SETUID, 100, 1000, 7));
    assert!(lifts(Caps::SETGID, 100, 1000, 7));
    assert!(!lifts(Caps::SETGID, 1, 1000, 100));
}

#[test]
fn ids_that_stand_for_nobody_are_looked_at_first() {
    let (mut world, task, a, _) = user(Caps::NONE);
    let mut claim = |pid, uid, gid| claim(&mut world, task, a, pid, uid, gid);
    fails(claim(1, u32::MAX, 100), "credentials/malformed", Errno::EINVAL);
    fails(claim(1, 0, u32::MAX), "credentials/malformed", Errno::EINVAL);
    let control = vec![Control::MalformedCredentials];
    let message = Message { control, ..Message::new(a, b"x") };
    fails(world.step(task, &Op::Send(message)), "credentials/malformed", Errno::EINVAL);
}

#[test]
fn root_must_name_a_process_that_exists() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, _) = pair(&mut world, task, Kind::Stream);
    for pid in [0, -1, i32::MIN, 999_999] {
        let step = claim(&mut world, task, a, pid, 5, 6);
        fails(step, "credentials/no-such-process", Errno::ESRCH);
    }
    assert_eq!(claim(&mut world, task, a, 1, 5, 6), Step::Done(Ret::Count(1)));
    // One that has ended counts until it was waited for.
    let Step::Done(Ret::Task(child)) = world.step(task, &Op::Process(ProcessOp::Fork)) else {
        panic!("no child")
    };
    let child = TaskId(child);
    done(world.step(child, &Op::Process(ProcessOp::Exit)));
    assert_eq!(claim(&mut world, task, a, 101, 0, 0), Step::Done(Ret::Count(1)));
}

#[test]
fn the_last_claim_holds() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Datagram);
    set(&mut world, task, b, Opt::PassCred, true);
    let ids = [Ids { pid: 1, uid: 2, gid: 3 }, Ids { pid: 100, uid: 5, gid: 6 }];
    let control = ids.map(Control::Credentials).to_vec();
    world.step(task, &Op::Send(Message { control, ..Message::new(a, b"x") }));
    assert_eq!(told(&mut world, task, b), Some(ids[1]));
}

#[test]
fn credentials_are_told_to_who_asks_when_it_reads() {
    for kind in KINDS {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        let (a, b) = pair(&mut world, task, kind);
        let claimed = Ids { pid: 1, uid: 2, gid: 3 };
        claim(&mut world, task, a, 1, 2, 3);
        claim(&mut world, task, a, 1, 2, 3);
        assert_eq!(told(&mut world, task, b), None);
        set(&mut world, task, b, Opt::PassCred, true);
        assert_eq!(told(&mut world, task, b), Some(claimed));
    }
}

#[test]
fn a_sender_whom_nobody_asked_about_was_not_recorded() {
    for kind in KINDS {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        let (a, b) = pair(&mut world, task, kind);
        let itself = Ids { pid: 100, uid: 0, gid: 0 };
        send(&mut world, task, a, b"x");
        set(&mut world, task, b, Opt::PassCred, true);
        assert_eq!(told(&mut world, task, b), Some(NOBODY));
        // The receiver's wish is enough, be it for a pidfd, and so is the sender's own.
        for (end, option) in
            [(b, Opt::PassCred), (b, Opt::PassPidfd), (a, Opt::PassCred), (a, Opt::PassPidfd)]
        {
            set(&mut world, task, b, Opt::PassCred, false);
            set(&mut world, task, end, option, true);
            send(&mut world, task, a, b"x");
            set(&mut world, task, end, option, false);
            set(&mut world, task, b, Opt::PassCred, true);
            assert_eq!(told(&mut world, task, b), Some(itself), "{option:?}");
        }
    }
}

#[test]
fn unasked_the_real_ids_are_told() {
    let (mut world, task, a, b) = user(Caps::NONE);
    set(&mut world, task, b, Opt::PassCred, true);
    send(&mut world, task, a, b"x");
    assert_eq!(told(&mut world, task, b), Some(Ids { pid: 100, uid: 1000, gid: 100 }));
}

#[test]
fn no_pidfd_of_a_sender_who_was_not_recorded() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Datagram);
    send(&mut world, task, a, b"x");
    set(&mut world, task, b, Opt::PassPidfd, true);
    let got = received(world.step(task, &Op::Recv(Want::new(b, 1).control(200))));
    assert_eq!((got.control, got.control_truncated), (vec![], false));
}

#[test]
fn what_is_sent_to_an_end_nobody_has_accepted_carries_them() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let listener = fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
    done(world.step(task, &Op::Bind { fd: listener, name: "@s".into() }));
    done(world.step(task, &Op::Listen { fd: listener, backlog: 1 }));
    let client = fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
    done(world.step(task, &Op::Connect { fd: client, name: "@s".into() }));
    send(&mut world, task, client, b"x");
    let accept = Op::Accept { fd: listener, flags: NewFlags::NONE, name: Out::Null };
    let server = fd(world.step(task, &accept));
    send(&mut world, task, client, b"y");
    set(&mut world, task, server, Opt::PassCred, true);
    assert_eq!(told(&mut world, task, server), Some(Ids { pid: 100, uid: 0, gid: 0 }));
    assert_eq!(told(&mut world, task, server), Some(NOBODY));
}

#[test]
fn freebsd_fills_in_what_is_asked_for() {
    for profile in [FREEBSD_14, FREEBSD_15] {
        let mut world = World::new(profile);
        let task = world.spawn_as(Credentials::user(1000, 100));
        let (a, b) = pair(&mut world, task, Kind::Stream);
        let itself = Ids { pid: 100, uid: 1000, gid: 100 };
        // Nobody can lie, and nobody is asked whether he wants to know.
        claim(&mut world, task, a, 1, 0, 0);
        assert_eq!(told(&mut world, task, b), Some(itself));
        let control = vec![Control::MalformedCredentials];
        world.step(task, &Op::Send(Message { control, ..Message::new(a, b"x") }));
        assert_eq!(told(&mut world, task, b), Some(itself));
        send(&mut world, task, a, b"x");
        assert_eq!(told(&mut world, task, b), None);
        // A receiver that asks is told once, or always.
        for (option, second) in [(Opt::LocalCreds, None), (Opt::LocalCredsPersistent, Some(itself))]
        {
            let (level, value) = (Level::Local, Value::Int(1));
            done(world.step(task, &Op::Setsockopt { fd: b, level, option, value }));
            send(&mut world, task, a, b"x");
            assert_eq!(told(&mut world, task, b), Some(itself), "{option:?}");
            send(&mut world, task, a, b"x");
            assert_eq!(told(&mut world, task, b), second, "{option:?}");
        }
    }
    let mut world = World::new(FREEBSD_15);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Datagram);
    let (level, value, option) = (Level::Local, Value::Int(1), Opt::LocalCreds);
    done(world.step(task, &Op::Setsockopt { fd: b, level, option, value }));
    for _ in 0..2 {
        send(&mut world, task, a, b"x");
        assert!(told(&mut world, task, b).is_some());
    }
}

#[test]
fn macos_has_none() {
    let mut world = World::new(MACOS);
    let task = world.spawn();
    let (a, _) = pair(&mut world, task, Kind::Stream);
    let step = claim(&mut world, task, a, 100, 0, 0);
    fails(step, "ancillary/unknown-type", Errno::EINVAL);
}
