//! The memory that messages take, and what a sender may have unread.

use crate::scene::*;
use core::time::Duration;
use sunpath_core::Errno;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{Events, Fd, Kind, Level, Message, Op, Opt, Request, Ret, Value};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, Memory, OPENSERVER};

/// Lengths at which the cost of a message steps up, as `SIOCOUTQ` told on a live kernel.
#[test]
fn datagrams_and_packets_cost_what_the_kernel_charges() {
    let steps = [
        (0, 768),
        (192, 768),
        (193, 1280),
        (704, 1280),
        (705, 2304),
        (1728, 2304),
        (1729, 4352),
        (3777, 8448),
        (7873, 16_640),
        (16_064, 16_640),
        (16_065, 20_736),
        (20_161, 24_832),
        (81_601, 86_272),
        (85_696, 86_272),
        (85_697, 102_656),
        (102_081, 135_424),
        (134_849, 200_960),
    ];
    for (length, cost) in steps {
        assert_eq!(Memory::USUAL.packet(length), Some(cost), "{length} bytes");
    }
    assert!(Memory::USUAL.packet(4_263_616).is_some());
    assert_eq!(Memory::USUAL.packet(4_263_617), None);
}

#[test]
fn pieces_of_a_stream_cost_what_the_kernel_charges() {
    let steps = [
        (1, 768),
        (3776, 4352),
        (3777, 4864),
        (4289, 5376),
        (4801, 6400),
        (5825, 8448),
        (7873, 8960),
        (9921, 12_544),
        (16_065, 17_152),
        (32_449, 33_536),
        (34_497, 37_120),
        (36_544, 37_120),
    ];
    for (length, cost) in steps {
        assert_eq!(Memory::USUAL.stream(length), cost, "{length} bytes");
    }
    assert_eq!(Memory::USUAL.stream_piece(212_992), 36_544);
    assert_eq!(Memory::USUAL.stream_piece(4608), 2240);
}

const TYPES: [Kind; 3] = [Kind::Stream, Kind::SeqPacket, Kind::Datagram];

/// Sends single bytes until it does not go on; how many were sent.
fn fill(world: &mut World, task: TaskId, fd: Fd) -> usize {
    (0..).find(|_| send(world, task, fd, b"x") != Step::Done(Ret::Count(1))).unwrap()
}

fn writable(world: &World, task: TaskId, fd: Fd) -> bool {
    world.events(task, fd).contains(Events::OUT)
}

#[test]
fn messages_of_one_byte_fill_a_buffer_by_their_memory() {
    for kind in TYPES {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        let (a, _) = pair(&mut world, task, kind);
        assert_eq!(fill(&mut world, task, a), 278, "{kind:?}");
        fails(send(&mut world, task, a, b"x"), "send/buffer-full", Errno::EAGAIN);
    }
}

#[test]
fn a_sender_may_go_beyond_its_buffer_by_one_message() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, _) = pair(&mut world, task, Kind::Datagram);
    let large = vec![0; 150_000];
    for _ in 0..2 {
        assert_eq!(send(&mut world, task, a, &large), Step::Done(Ret::Count(150_000)));
    }
    fails(send(&mut world, task, a, b""), "send/buffer-full", Errno::EAGAIN);
}

#[test]
fn a_large_write_is_accepted_in_part() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, _) = pair(&mut world, task, Kind::Stream);
    let large = vec![0; 1 << 20];
    assert_eq!(send(&mut world, task, a, &large), Step::Done(Ret::Count(219_264)));
    fails(send(&mut world, task, a, &large), "send/buffer-full", Errno::EAGAIN);
}

#[test]
fn poll_says_writable_long_after_a_send_would_go_through() {
    for kind in TYPES {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        let (a, b) = pair(&mut world, task, kind);
        fill(&mut world, task, a);
        let reads = (1..).find(|_| {
            received(recv(&mut world, task, b, 1));
            writable(&world, task, a)
        });
        assert_eq!(reads, Some(209), "{kind:?}");
        fill(&mut world, task, a);
        received(recv(&mut world, task, b, 1));
        assert!(!writable(&world, task, a));
        assert_eq!(send(&mut world, task, a, b"x"), Step::Done(Ret::Count(1)));
    }
}

#[test]
fn exactly_a_quarter_in_use_is_not_writable() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    set(&mut world, task, a, Opt::SndBuf, 3072);
    send(&mut world, task, a, b"x");
    assert!(writable(&world, task, a));
    send(&mut world, task, a, b"x");
    assert!(!writable(&world, task, a), "1536 of 6144 bytes are in use");
    received(recv(&mut world, task, b, 1));
    assert!(writable(&world, task, a));
}

#[test]
fn a_partial_read_frees_nothing() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, Kind::Stream);
    send(&mut world, task, a, b"hello");
    received(recv(&mut world, task, b, 4));
    let outq = |world: &mut World| world.step(task, &Op::Ioctl { fd: a, request: Request::Outq });
    assert_eq!(outq(&mut world), Step::Done(Ret::Value(Value::Int(768))));
    received(recv(&mut world, task, b, 4));
    assert_eq!(outq(&mut world), Step::Done(Ret::Value(Value::Int(0))));
}

#[test]
fn who_waits_is_let_go_at_a_quarter_or_when_something_comes_for_it() {
    let mut world = World::new(LINUX);
    let writer = world.spawn();
    let (a, b) = pair(&mut world, writer, Kind::Stream);
    let reader = thread(&mut world, writer);
    fill(&mut world, writer, a);
    waits(world.step(writer, &Op::Send(Message::new(a, b"x"))), "wait/send-buffer-full");
    for _ in 0..208 {
        received(recv(&mut world, reader, b, 1));
    }
    assert_eq!(world.runnable().count(), 0);
    received(recv(&mut world, reader, b, 1));
    assert_eq!(resume(&mut world, writer), Step::Done(Ret::Count(1)));
    fill(&mut world, writer, a);
    waits(world.step(writer, &Op::Send(Message::new(a, b"x"))), "wait/send-buffer-full");
    received(recv(&mut world, reader, b, 1));
    assert_eq!(world.runnable().count(), 0);
    // Its own socket is woken for reading, and the sender looks again as well.
    send(&mut world, reader, b, b"x");
    assert_eq!(resume(&mut world, writer), Step::Done(Ret::Count(1)));
}

#[test]
fn time_and_signals_end_a_wait_for_room() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let (a, _) = pair(&mut world, task, Kind::SeqPacket);
    fill(&mut world, task, a);
    let timeout = Some(Duration::from_millis(50));
    let value = Value::Time(timeout);
    let (level, option) = (Level::Socket, Opt::SndTimeo);
    done(world.step(task, &Op::Setsockopt { fd: a, level, option, value }));
    waits(world.step(task, &Op::Send(Message::new(a, b"x"))), "wait/send-buffer-full");
    let deadline = world.next_deadline().expect("it gives up some time");
    world.advance(deadline);
    fails(resume(&mut world, task), "send/timed-out", Errno::EAGAIN);
    waits(world.step(task, &Op::Send(Message::new(a, b"x"))), "wait/send-buffer-full");
    world.interrupt(task);
    fails(resume(&mut world, task), "send/interrupted", Errno::EINTR);
}

#[test]
fn a_message_has_limits_of_its_own() {
    for kind in [Kind::SeqPacket, Kind::Datagram] {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        let (a, b) = pair(&mut world, task, kind);
        let send = |world: &mut World, length| send(world, task, a, &vec![0; length]);
        fails(send(&mut world, 212_961), "send/message-too-long", Errno::EMSGSIZE);
        assert_eq!(send(&mut world, 212_960), Step::Done(Ret::Count(212_960)));
        received(recv(&mut world, task, b, 1));
        set(&mut world, task, a, Opt::SndBuf, i32::MAX);
        assert_eq!(send(&mut world, 4_263_616), Step::Done(Ret::Count(4_263_616)));
        received(recv(&mut world, task, b, 1));
        fails(send(&mut world, 4_263_617), "send/no-contiguous-memory", Errno::ENOBUFS);
    }
}

#[test]
fn elsewhere_the_receiver_has_the_buffer() {
    let large = vec![0; 1 << 20];
    let accepted = [(FREEBSD_14, 8192), (FREEBSD_15, 65_536), (MACOS, 8192), (OPENSERVER, 4096)];
    for (profile, accepted) in accepted {
        let platform = profile.platform;
        let mut world = World::new(profile);
        let task = world.spawn();
        let (a, b) = pair(&mut world, task, Kind::Stream);
        let sent = send(&mut world, task, a, &large);
        assert_eq!(sent, Step::Done(Ret::Count(accepted)), "{platform}");
        fails(send(&mut world, task, a, b"x"), "send/buffer-full", Errno::EAGAIN);
        assert!(!writable(&world, task, a));
        received(recv(&mut world, task, b, 1 << 20));
        assert!(writable(&world, task, a));
    }
}

#[test]
fn a_receiver_of_datagrams_has_a_buffer_elsewhere() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut world = World::new(profile);
        let task = world.spawn();
        let (a, _) = pair(&mut world, task, Kind::Datagram);
        let step = std::iter::repeat_with(|| send(&mut world, task, a, &[0; 1000]))
            .take(100)
            .find(|step| *step != Step::Done(Ret::Count(1000)))
            .expect("it is full some time");
        fails(step, "send/receiver-buffer-full", Errno::ENOBUFS);
    }
}

#[test]
fn a_buffer_that_is_full_to_the_byte_is_full() {
    // The smallest buffer is six times what a message of one byte costs.
    for kind in [Kind::Stream, Kind::SeqPacket, Kind::Datagram] {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        let (a, _) = pair(&mut world, task, kind);
        set(&mut world, task, a, Opt::SndBuf, 0);
        for _ in 0..6 {
            assert_eq!(send(&mut world, task, a, b"x"), Step::Done(Ret::Count(1)));
        }
        fails(send(&mut world, task, a, b"x"), "send/buffer-full", Errno::EAGAIN);
    }
}

#[test]
fn the_receive_buffer_does_not_matter_on_linux() {
    for kind in [Kind::Stream, Kind::SeqPacket, Kind::Datagram] {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        let (a, b) = pair(&mut world, task, kind);
        set(&mut world, task, b, Opt::RcvBuf, 0);
        for _ in 0..278 {
            assert_eq!(send(&mut world, task, a, b"x"), Step::Done(Ret::Count(1)));
        }
        fails(send(&mut world, task, a, b"x"), "send/buffer-full", Errno::EAGAIN);
    }
}

#[test]
fn who_waits_is_let_go_by_a_larger_buffer() {
    let mut world = World::new(LINUX);
    let writer = world.spawn();
    let (a, _) = pair(&mut world, writer, Kind::Stream);
    let other = thread(&mut world, writer);
    fill(&mut world, writer, a);
    waits(world.step(writer, &Op::Send(Message::new(a, b"x"))), "wait/send-buffer-full");
    // Not all of what is used is a quarter of this yet.
    set(&mut world, other, a, Opt::SndBuf, 300_000);
    assert_eq!(world.runnable().count(), 0);
    set(&mut world, other, a, Opt::SndBuf, 1_000_000);
    assert_eq!(resume(&mut world, writer), Step::Done(Ret::Count(1)));
}

#[test]
fn of_datagrams_the_bytes_of_the_first_are_told() {
    for (kind, bytes) in [(Kind::Stream, 5), (Kind::SeqPacket, 5), (Kind::Datagram, 3)] {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        let (a, b) = pair(&mut world, task, kind);
        send(&mut world, task, a, b"abc");
        send(&mut world, task, a, b"de");
        let told = world.step(task, &Op::Ioctl { fd: b, request: Request::Inq });
        assert_eq!(told, Step::Done(Ret::Value(Value::Int(bytes))));
    }
}
