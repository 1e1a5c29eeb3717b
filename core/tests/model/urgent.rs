//! The urgent byte of a stream.

use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{Events, Fd, Kind, Message, Op, Opt, RecvFlags, Request, Ret, Value, Want};
use sunpath_core::profile::LINUX;

struct Talk {
    world: World,
    task: TaskId,
    a: Fd,
    b: Fd,
}

fn talk() -> Talk {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    Talk { world, task, a, b }
}

impl Talk {
    fn say(&mut self, data: &[u8]) {
        send(&mut self.world, self.task, self.a, data);
    }

    fn urge(&mut self, data: &[u8]) {
        let mut message = Message::new(self.a, data);
        message.flags.urgent = true;
        let count = Step::Done(Ret::Count(data.len()));
        assert_eq!(self.world.step(self.task, &Op::Send(message)), count);
    }

    fn step(&mut self, length: usize, flags: RecvFlags) -> Step {
        let want =
            Want { flags: RecvFlags { dont_wait: true, ..flags }, ..Want::new(self.b, length) };
        self.world.step(self.task, &Op::Recv(want))
    }

    #[track_caller]
    fn hears(&mut self, flags: RecvFlags, expected: &[u8]) {
        let step = self.step(10, flags);
        assert_eq!(&*received(step).data, expected);
    }

    #[track_caller]
    fn hears_nothing(&mut self, flags: RecvFlags) {
        fails(self.step(10, flags), "recv/nothing-to-read", Errno::EAGAIN);
    }

    fn ask(&mut self, fd: Fd, request: Request) -> i32 {
        match self.world.step(self.task, &Op::Ioctl { fd, request }) {
            Step::Done(Ret::Value(Value::Int(n))) => n,
            other => panic!("{other:?}"),
        }
    }

    /// Bytes to read, at the mark, memory charged.
    #[track_caller]
    fn is(&mut self, inq: i32, mark: bool, outq: i32) {
        let (a, b) = (self.a, self.b);
        let found = (
            self.ask(b, Request::Inq),
            self.ask(b, Request::AtMark) == 1,
            self.ask(a, Request::Outq),
        );
        assert_eq!(found, (inq, mark, outq));
    }
}

const PLAIN: RecvFlags = RecvFlags {
    dont_wait: false,
    peek: false,
    truncate: false,
    wait_all: false,
    urgent: false,
    close_on_exec: false,
};
const PEEK: RecvFlags = RecvFlags { peek: true, ..PLAIN };
const URGENT: RecvFlags = RecvFlags { urgent: true, ..PLAIN };

#[test]
fn a_read_stops_at_the_mark_and_then_skips_the_byte() {
    let mut t = talk();
    t.urge(b"abc");
    t.is(3, false, 1536);
    t.hears(PLAIN, b"ab");
    t.is(1, true, 768);
    t.hears_nothing(PLAIN);
    // The skipped byte goes on counting.
    t.is(1, false, 0);
    t.urge(b"abc");
    t.say(b"de");
    t.hears(PLAIN, b"ab");
    t.hears(PLAIN, b"de");
    t.is(2, false, 0);
}

#[test]
fn the_byte_can_be_taken_alone_and_leaves_its_mark() {
    let mut t = talk();
    t.urge(b"abc");
    let byte = received(t.step(1, URGENT));
    assert_eq!((&*byte.data, byte.urgent, byte.returned), (&b"c"[..], true, 1));
    t.is(2, false, 1536);
    t.hears(PLAIN, b"ab");
    t.is(0, true, 768);
    assert_eq!(t.world.events(t.task, t.b), Events::IN | Events::OUT);
    t.hears_nothing(PLAIN);
    t.is(0, false, 0);
    fails(t.step(1, URGENT), "recv/no-urgent-data", Errno::EINVAL);
}

#[test]
fn of_two_marks_in_a_row_one_is_left() {
    let mut t = talk();
    for byte in [b"p", b"q"] {
        t.urge(byte);
        t.hears(URGENT, byte);
        t.is(0, true, 768);
    }
    t.hears_nothing(PLAIN);
    t.is(0, false, 0);
}

#[test]
fn a_second_urgent_byte_makes_the_first_an_ordinary_one() {
    let mut t = talk();
    t.urge(b"a");
    t.urge(b"b");
    t.say(b"cd");
    t.hears(PLAIN, b"a");
    t.hears(PLAIN, b"cd");
    t.is(1, false, 0);
}

#[test]
fn inline_it_is_a_byte_like_others_but_for_the_stop_before_it() {
    let mut t = talk();
    t.urge(b"abc");
    t.say(b"de");
    set(&mut t.world, t.task, t.b, Opt::OobInline, 1);
    fails(t.step(1, URGENT), "recv/no-urgent-data", Errno::EINVAL);
    t.hears(PLAIN, b"ab");
    t.is(3, true, 1536);
    t.hears(PLAIN, b"cde");
    t.is(0, false, 0);
}

#[test]
fn a_peek_goes_round_the_byte() {
    let mut t = talk();
    t.urge(b"ab");
    t.say(b"cd");
    t.hears(PEEK, b"a");
    t.hears(RecvFlags { peek: true, ..URGENT }, b"b");
    t.hears(PEEK, b"a");
    t.hears(PLAIN, b"a");
    t.hears(PEEK, b"cd");
    t.hears(URGENT, b"b");
    t.hears(PLAIN, b"cd");
    t.urge(b"x");
    t.hears_nothing(PEEK);
    set(&mut t.world, t.task, t.b, Opt::OobInline, 1);
    t.hears(PEEK, b"x");
}

#[test]
fn taken_without_room_it_is_gone() {
    let mut t = talk();
    t.urge(b"z");
    let none = received(t.step(0, URGENT));
    assert_eq!((none.data.len(), none.returned), (0, 1));
    fails(t.step(1, URGENT), "recv/no-urgent-data", Errno::EINVAL);
    t.urge(b"z");
    let want = Want { flags: URGENT, unmapped: true, ..Want::new(t.b, 1) };
    fails(t.world.step(t.task, &Op::Recv(want)), "recv/bad-pointer", Errno::EFAULT);
    fails(t.step(1, URGENT), "recv/no-urgent-data", Errno::EINVAL);
}

#[test]
fn a_place_that_is_no_mark_any_more_once_another_byte_is_urgent() {
    let mut t = talk();
    t.urge(b"a");
    t.hears(URGENT, b"a");
    assert_eq!(t.ask(t.b, Request::AtMark), 1);
    t.say(b"x");
    t.urge(b"z");
    assert_eq!(t.ask(t.b, Request::AtMark), 0);
    t.hears(PLAIN, b"x");
    assert_eq!(t.ask(t.b, Request::AtMark), 1);
}

#[test]
fn descriptors_that_are_skipped_with_the_byte_close_after_the_call() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    let mut message = Message::new(a, b"!").with_rights(&[a]).dont_wait();
    message.flags.urgent = true;
    assert_eq!(world.step(task, &Op::Send(message)), Step::Done(Ret::Count(1)));
    done(world.step(task, &Op::Close { fd: a }));
    fails(recv(&mut world, task, b, 8), "recv/nothing-to-read", Errno::EAGAIN);
    assert_eq!(received(recv(&mut world, task, b, 8)).returned, 0);
}
