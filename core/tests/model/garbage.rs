//! Sockets in flight that nobody can ever use again.

use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::{TaskId, World};
use sunpath_core::op::{ControlOut, Fd, Kind, Message, New, NewFlags, Op, Out, Want};
use sunpath_core::profile::LINUX;

struct Scene {
    world: World,
    task: TaskId,
}

impl Scene {
    fn new() -> Scene {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        Scene { world, task }
    }

    fn pair(&mut self) -> (Fd, Fd) {
        pair(&mut self.world, self.task, Kind::Stream)
    }

    /// Sends these through a socket, into its peer's queue.
    #[track_caller]
    fn pass(&mut self, through: Fd, fds: &[Fd]) {
        let message = Message::new(through, b"x").dont_wait().with_rights(fds);
        let sent = self.world.step(self.task, &Op::Send(message));
        assert!(sent.cause().is_none(), "{sent:?}");
    }

    fn close(&mut self, fds: &[Fd]) {
        fds.iter().for_each(|fd| done(self.world.step(self.task, &Op::Close { fd: *fd })));
    }

    /// Nothing is there to read yet.
    #[track_caller]
    fn open(&mut self, end: Fd) {
        let step = recv(&mut self.world, self.task, end, 8);
        fails(step, "recv/nothing-to-read", Errno::EAGAIN);
    }

    /// The other end is closed, and nothing was lost in it.
    #[track_caller]
    fn ended(&mut self, end: Fd) {
        assert_eq!(received(recv(&mut self.world, self.task, end, 8)).returned, 0);
    }

    /// The other end is closed, and there was something in it.
    #[track_caller]
    fn reset(&mut self, end: Fd) {
        let step = recv(&mut self.world, self.task, end, 8);
        assert_eq!(step.errno(), Some(Errno::ECONNRESET), "{step:?}");
        self.ended(end);
    }

    fn listener(&mut self) -> (Fd, Fd) {
        let (world, task) = (&mut self.world, self.task);
        let listener = fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
        done(world.step(task, &Op::Bind { fd: listener, name: "@s".into() }));
        done(world.step(task, &Op::Listen { fd: listener, backlog: 4 }));
        let client = fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
        done(world.step(task, &Op::Connect { fd: client, name: "@s".into() }));
        (listener, client)
    }
}

#[test]
fn a_socket_in_its_own_queue_stays_until_it_is_collected() {
    let mut scene = Scene::new();
    let (a, b) = scene.pair();
    scene.pass(a, &[b]);
    assert!(!scene.world.has_garbage());
    scene.close(&[b]);
    // Nothing was released, so that nobody looks.
    assert!(scene.world.has_garbage());
    assert!(!scene.world.garbage_collection_due());
    scene.open(a);
    // The release of any other socket makes the kernel look.
    let (c, d) = scene.pair();
    scene.close(&[c, d]);
    assert!(scene.world.garbage_collection_due());
    scene.world.collect_garbage();
    assert!(!scene.world.has_garbage());
    assert!(!scene.world.garbage_collection_due());
    scene.ended(a);
}

#[test]
fn a_plain_message_in_front_is_thrown_away_as_well() {
    let mut scene = Scene::new();
    let (a, b) = scene.pair();
    send(&mut scene.world, scene.task, a, b"plain");
    scene.pass(a, &[b]);
    scene.close(&[b]);
    scene.world.collect_garbage();
    scene.ended(a);
}

#[test]
fn two_in_each_other() {
    let mut scene = Scene::new();
    let ((a, b), (c, d)) = (scene.pair(), scene.pair());
    scene.pass(a, &[d]);
    scene.pass(c, &[b]);
    scene.close(&[b]);
    assert!(!scene.world.has_garbage());
    scene.close(&[d]);
    assert!(scene.world.has_garbage());
    scene.world.collect_garbage();
    scene.ended(a);
    scene.ended(c);
}

#[test]
fn a_second_descriptor_keeps_the_circle_alive() {
    let mut scene = Scene::new();
    let ((a, b), (c, d)) = (scene.pair(), scene.pair());
    let again = fd(scene.world.step(scene.task, &Op::Dup { fd: d }));
    scene.pass(a, &[d]);
    scene.pass(c, &[b]);
    scene.close(&[b, d]);
    scene.world.collect_garbage();
    scene.open(a);
    // Out of the queue of the one comes the other.
    let want = Want::new(again, 8).dont_wait().control(64);
    let got = received(scene.world.step(scene.task, &Op::Recv(want)));
    assert_eq!(got.control, vec![ControlOut::Rights(vec![b])]);
}

#[test]
fn a_queue_that_somebody_reads_keeps_alive_what_is_in_it() {
    let mut scene = Scene::new();
    let ((a, b), (c, _d)) = (scene.pair(), scene.pair());
    scene.pass(a, &[b]);
    // Once more, to where somebody can receive it.
    scene.pass(c, &[b]);
    scene.close(&[b]);
    assert!(!scene.world.has_garbage());
    scene.world.collect_garbage();
    scene.open(a);
}

#[test]
fn what_hangs_on_garbage_goes_with_it() {
    let mut scene = Scene::new();
    let ((a, b), (x, y)) = (scene.pair(), scene.pair());
    send(&mut scene.world, scene.task, y, b"unread");
    scene.pass(a, &[b, x]);
    scene.close(&[x, b]);
    scene.world.collect_garbage();
    scene.ended(a);
    scene.reset(y);
}

#[test]
fn a_circle_in_a_dead_one_is_found_in_the_next_round() {
    let mut scene = Scene::new();
    let ((a, b), (c, d)) = (scene.pair(), scene.pair());
    scene.pass(c, &[d]);
    scene.pass(a, &[b, d]);
    scene.close(&[b, d]);
    scene.world.collect_garbage();
    scene.ended(a);
    scene.ended(c);
    assert!(!scene.world.has_garbage());
}

#[test]
fn a_listener_in_a_connection_that_it_has_not_accepted() {
    let mut scene = Scene::new();
    let (listener, client) = scene.listener();
    scene.pass(client, &[listener]);
    scene.close(&[listener]);
    assert!(scene.world.has_garbage());
    scene.open(client);
    scene.world.collect_garbage();
    scene.reset(client);
}

#[test]
fn an_accepted_connection_stands_for_itself() {
    let mut scene = Scene::new();
    let (listener, client) = scene.listener();
    scene.pass(client, &[listener]);
    let accept = Op::Accept { fd: listener, flags: NewFlags::NONE, name: Out::Null };
    let server = fd(scene.world.step(scene.task, &accept));
    scene.close(&[listener]);
    assert!(!scene.world.has_garbage());
    scene.close(&[server]);
    // The queue was closed in the usual way, and the listener with it.
    assert!(!scene.world.has_garbage());
}

#[test]
fn a_call_that_waits_keeps_its_socket() {
    let mut scene = Scene::new();
    let ((a, b), (c, d)) = (scene.pair(), scene.pair());
    scene.pass(a, &[d]);
    scene.pass(c, &[b]);
    let waiter = scene.world.step(scene.task, &Op::Process(sunpath_core::op::ProcessOp::Thread));
    let sunpath_core::model::Step::Done(sunpath_core::op::Ret::Task(waiter)) = waiter else {
        panic!("{waiter:?} is no thread")
    };
    let waiter = TaskId(waiter);
    // b has a message; after that it waits.
    let want = Want::new(b, 8);
    received(scene.world.step(waiter, &Op::Recv(want)));
    scene.pass(a, &[d]);
    received(scene.world.step(waiter, &Op::Recv(want)));
    waits(scene.world.step(waiter, &Op::Recv(want)), "wait/nothing-to-read");
    scene.close(&[b, d]);
    assert!(!scene.world.has_garbage());
}

#[test]
fn only_circles_that_share_a_socket_are_told_apart_from_one() {
    let shared = |passed: &[(usize, usize)]| {
        let mut scene = Scene::new();
        let pairs: Vec<_> = (0..4).map(|_| scene.pair()).collect();
        passed.iter().for_each(|(what, at)| scene.pass(pairs[*at].0, &[pairs[*what].1]));
        scene.world.has_circles_that_share_a_socket()
    };
    assert!(!shared(&[]));
    assert!(!shared(&[(0, 0)]));
    assert!(!shared(&[(0, 1), (1, 2), (2, 0)]));
    assert!(!shared(&[(0, 1), (0, 1), (1, 0)]), "twice in one queue");
    assert!(!shared(&[(0, 1), (1, 0), (1, 1)]), "its own queue hinders nobody");
    assert!(!shared(&[(0, 1), (1, 0), (2, 0), (2, 3), (3, 2)]), "one circle hangs on the other");
    assert!(shared(&[(0, 1), (1, 0), (1, 2), (2, 1)]));
    assert!(shared(&[(0, 1), (1, 2), (2, 0), (1, 0)]));
}

#[test]
fn hundreds_nested_in_each_other() {
    let mut scene = Scene::new();
    let (outer, first) = scene.pair();
    let mut last = first;
    for _ in 0..400 {
        let (a, b) = scene.pair();
        scene.pass(a, &[last]);
        scene.close(&[last, a]);
        last = b;
    }
    scene.world.collect_garbage();
    scene.open(outer);
    // The one that holds all of them goes, and they with it.
    scene.close(&[last]);
    scene.ended(outer);
}

#[test]
fn a_long_circle() {
    let mut scene = Scene::new();
    let (first_a, first_b) = scene.pair();
    let mut last = first_b;
    for _ in 0..300 {
        let (a, b) = scene.pair();
        scene.pass(a, &[last]);
        scene.close(&[a]);
        if last != first_b {
            scene.close(&[last]);
        }
        last = b;
    }
    // The last goes into the queue of the first.
    scene.pass(first_a, &[last]);
    scene.close(&[last]);
    assert!(!scene.world.has_garbage());
    scene.close(&[first_b]);
    assert!(scene.world.has_garbage());
    scene.world.collect_garbage();
    scene.ended(first_a);
    assert!(!scene.world.has_garbage());
}
