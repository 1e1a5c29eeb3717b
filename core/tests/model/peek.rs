//! `MSG_PEEK` and `SO_PEEK_OFF`.

use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{ControlOut, Fd, Kind, Message, Op, Opt, RecvFlags, Want};
use sunpath_core::profile::LINUX;

fn peek(world: &mut World, task: TaskId, fd: Fd, length: usize) -> Step {
    let flags = RecvFlags { peek: true, dont_wait: true, ..RecvFlags::default() };
    world.step(task, &Op::Recv(Want { flags, control: 100, ..Want::new(fd, length) }))
}

#[test]
fn a_stream_is_peeked_across_its_pieces() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    send(&mut world, task, a, b"abc");
    send(&mut world, task, a, b"def");
    assert_eq!(&*received(peek(&mut world, task, b, 5)).data, b"abcde");
    set(&mut world, task, b, Opt::PeekOff, 0);
    assert_eq!(&*received(peek(&mut world, task, b, 2)).data, b"ab");
    assert_eq!(&*received(peek(&mut world, task, b, 3)).data, b"cde");
    assert_eq!(&*received(peek(&mut world, task, b, 9)).data, b"f");
    fails(peek(&mut world, task, b, 9), "recv/nothing-to-read", Errno::EAGAIN);
    assert_eq!(&*received(recv(&mut world, task, b, 2)).data, b"ab");
    fails(peek(&mut world, task, b, 9), "recv/nothing-to-read", Errno::EAGAIN);
    send(&mut world, task, a, b"g");
    assert_eq!(&*received(peek(&mut world, task, b, 9)).data, b"g");
}

#[test]
fn an_offset_runs_across_messages_and_back_when_they_are_read() {
    for kind in [Kind::Datagram, Kind::SeqPacket] {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        let (a, b) = pair(&mut world, task, kind);
        set(&mut world, task, b, Opt::PeekOff, 0);
        for message in [&b"abc"[..], b"", b"def"] {
            send(&mut world, task, a, message);
        }
        // The empty message is seen once.
        for expected in [&b"ab"[..], b"c", b"", b"de", b"f"] {
            assert_eq!(&*received(peek(&mut world, task, b, 2)).data, expected);
        }
        fails(peek(&mut world, task, b, 2), "recv/nothing-to-read", Errno::EAGAIN);
        received(recv(&mut world, task, b, 1));
        fails(peek(&mut world, task, b, 2), "recv/nothing-to-read", Errno::EAGAIN);
        send(&mut world, task, a, b"ghi");
        assert_eq!(&*received(peek(&mut world, task, b, 2)).data, b"gh");
    }
}

#[test]
fn a_full_buffer_still_peeks_at_descriptors_further_on() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    send(&mut world, task, a, b"aa");
    world.step(task, &Op::Send(Message::new(a, b"BB").with_rights(&[0])));
    let peeked = received(peek(&mut world, task, b, 2));
    assert_eq!(&*peeked.data, b"aa");
    assert!(matches!(&*peeked.control, [ControlOut::Rights(fds)] if fds.len() == 1));
}

#[test]
fn a_peek_does_not_make_room_and_takes_a_pending_error() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::SeqPacket);
    send(&mut world, task, b, b"left");
    send(&mut world, task, a, b"unread");
    close(&mut world, task, b);
    let cause = "recv/peer-closed-with-unread-data";
    fails(peek(&mut world, task, a, 9), cause, Errno::ECONNRESET);
    assert_eq!(&*received(peek(&mut world, task, a, 9)).data, b"left");
    assert_eq!(&*received(recv(&mut world, task, a, 9)).data, b"left");
}

fn close(world: &mut World, task: TaskId, fd: Fd) {
    done(world.step(task, &Op::Close { fd }));
}
