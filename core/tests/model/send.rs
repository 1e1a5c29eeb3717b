//! `send`, in the order of its checks, for each type.

use crate::scene::*;
use sunpath_core::Errno;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{
    Control, Events, Fd, Kind, Message, Name, New, NewFlags, Op, Out, ProcessOp, RecvFlags, Ret,
    Want,
};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, OPENSERVER, Profile};

const TYPES: [Kind; 3] = [Kind::Stream, Kind::SeqPacket, Kind::Datagram];

/// A world of one task with a pair, of which the second end is closed or not.
fn with_pair(profile: Profile, kind: Kind) -> (World, TaskId, Fd, Fd) {
    let mut world = World::new(profile);
    let task = world.spawn();
    let (a, b) = pair(&mut world, task, kind);
    (world, task, a, b)
}

fn urgent(fd: Fd, data: &[u8]) -> Op {
    let mut message = Message::new(fd, data).dont_wait();
    message.flags.urgent = true;
    Op::Send(message)
}

fn signal(step: &Step) -> bool {
    matches!(step, Step::Fail(failure) if failure.signal)
}

#[test]
fn a_stream_looks_at_its_arguments_then_its_peer_then_shutdown() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let fresh = fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
    fails(world.step(task, &urgent(fresh, b"")), "send/empty-urgent-data", Errno::EOPNOTSUPP);
    let to = |fd, name: &str| Op::Send(Message::new(fd, b"x").to(name));
    let cause = "send/address-on-unconnected-stream";
    fails(world.step(task, &to(fresh, "@nobody")), cause, Errno::EOPNOTSUPP);
    fails(send(&mut world, task, fresh, b"x"), "send/not-connected", Errno::ENOTCONN);
    fails(send(&mut world, task, fresh, b""), "send/not-connected", Errno::ENOTCONN);
    let (a, _) = pair(&mut world, task, Kind::Stream);
    done(world.step(task, &Op::Shutdown { fd: a, how: 1 }));
    let cause = "send/address-on-connected-stream";
    fails(world.step(task, &to(a, "@nobody")), cause, Errno::EISCONN);
    let broken = send(&mut world, task, a, b"");
    assert!(signal(&broken), "even for no bytes");
    fails(broken, "send/after-shutdown", Errno::EPIPE);
}

#[test]
fn arguments_come_before_everything() {
    let (mut world, task, a, _) = with_pair(LINUX, Kind::Stream);
    let mut many = Message::new(a, b"x");
    many.buffers = 1025;
    fails(world.step(task, &Op::Send(many)), "send/too-many-buffers", Errno::EMSGSIZE);
    let unmapped = Message { to: Some(Name::Unmapped), ..Message::new(a, b"x") };
    fails(world.step(task, &Op::Send(unmapped)), "send/bad-pointer", Errno::EFAULT);
    let sized = Name::Sized(-1);
    let negative = Message { to: Some(sized), ..Message::new(a, b"x") };
    fails(world.step(task, &Op::Send(negative)), "connect/bad-address-length", Errno::EINVAL);
}

#[test]
fn sequenced_packets_take_no_notice_of_an_address() {
    let (mut world, task, a, b) = with_pair(LINUX, Kind::SeqPacket);
    let to = Message::new(a, b"x").to("@nobody");
    assert_eq!(world.step(task, &Op::Send(to)), Step::Done(Ret::Count(1)));
    assert_eq!(&*received(recv(&mut world, task, b, 8)).data, b"x");
    fails(world.step(task, &urgent(a, b"x")), "send/no-urgent-data", Errno::EOPNOTSUPP);
    let fresh = fd(world.step(task, &Op::Socket(New::unix(Kind::SeqPacket))));
    fails(world.step(task, &urgent(fresh, b"x")), "send/not-connected", Errno::ENOTCONN);
}

#[test]
fn a_datagram_is_measured_before_its_receiver_is_looked_for() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let fresh = fd(world.step(task, &Op::Socket(New::unix(Kind::Datagram))));
    let long = vec![0; 212_961];
    fails(send(&mut world, task, fresh, &long), "send/message-too-long", Errno::EMSGSIZE);
    fails(send(&mut world, task, fresh, &long[1..]), "send/no-destination", Errno::ENOTCONN);
    let unmapped = Message { unmapped: true, ..Message::new(fresh, b"x") };
    fails(world.step(task, &Op::Send(unmapped)), "send/bad-pointer", Errno::EFAULT);
    done(world.step(task, &Op::Shutdown { fd: fresh, how: 1 }));
    fails(send(&mut world, task, fresh, &long), "send/message-too-long", Errno::EMSGSIZE);
    let shut = send(&mut world, task, fresh, b"x");
    assert!(!signal(&shut), "datagrams raise no signal");
    fails(shut, "send/after-shutdown", Errno::EPIPE);
}

#[test]
fn descriptors_with_an_empty_send_on_a_stream_vanish() {
    let (mut world, task, a, b) = with_pair(LINUX, Kind::Stream);
    let sent = world.step(task, &Op::Send(Message::new(a, b"").with_rights(&[0])));
    assert_eq!(sent, Step::Done(Ret::Count(0)));
    assert_eq!(world.remarked().unwrap().id, "rights/dropped-with-empty-send");
    fails(recv(&mut world, task, b, 8), "recv/nothing-to-read", Errno::EAGAIN);
}

#[test]
fn only_a_stream_that_begins_gets_the_signal_on_linux_and_everybody_elsewhere() {
    for kind in TYPES {
        let (mut world, task, a, b) = with_pair(LINUX, kind);
        done(world.step(task, &Op::Shutdown { fd: b, how: 0 }));
        let step = send(&mut world, task, a, b"x");
        assert_eq!(signal(&step), kind == Kind::Stream);
        fails(step, "send/peer-stopped-reading", Errno::EPIPE);
        let mut quiet = Message::new(a, b"x");
        quiet.flags.no_signal = true;
        assert!(!signal(&world.step(task, &Op::Send(quiet))));
        let (mut world, task, a, _) = with_pair(FREEBSD_14, kind);
        done(world.step(task, &Op::Shutdown { fd: a, how: 1 }));
        let step = send(&mut world, task, a, b"x");
        assert!(signal(&step));
        fails(step, "send/after-shutdown", Errno::EPIPE);
    }
    let (mut world, task, a, _) = with_pair(OPENSERVER, Kind::Stream);
    done(world.step(task, &Op::Shutdown { fd: a, how: 1 }));
    fails(send(&mut world, task, a, b"x"), "send/after-shutdown", Errno::ESHUTDOWN);
}

#[test]
fn a_reset_is_told_to_the_next_sender_of_packets_and_kept_from_that_of_a_stream() {
    for kind in [Kind::Stream, Kind::SeqPacket] {
        let (mut world, task, a, b) = with_pair(LINUX, kind);
        send(&mut world, task, a, b"unread");
        done(world.step(task, &Op::Close { fd: b }));
        if kind == Kind::SeqPacket {
            fails(send(&mut world, task, a, b"x"), "send/pending-reset", Errno::ECONNRESET);
        }
        fails(send(&mut world, task, a, b"x"), "send/peer-closed", Errno::EPIPE);
        if kind == Kind::Stream {
            let cause = "recv/peer-closed-with-unread-data";
            fails(recv(&mut world, task, a, 8), cause, Errno::ECONNRESET);
        }
        assert_eq!(received(recv(&mut world, task, a, 8)).returned, 0);
        assert_eq!(world.remarked().unwrap().id, "recv/end-of-file");
    }
}

#[test]
fn a_sender_that_waits_learns_of_the_close_by_a_reset_without_signal() {
    let mut world = World::new(LINUX);
    let writer = world.spawn();
    let (a, b) = pair(&mut world, writer, Kind::Stream);
    let Step::Done(Ret::Task(thread)) = world.step(writer, &Op::Process(ProcessOp::Thread)) else {
        panic!("no thread")
    };
    let step = world.step(writer, &Op::Send(Message::new(a, vec![0; 1 << 20])));
    waits(step, "wait/send-buffer-full");
    world.interrupt(writer);
    assert_eq!(resume(&mut world, writer), Step::Done(Ret::Count(219_264)), "a part was sent");
    let step = world.step(writer, &Op::Send(Message::new(a, b"x")));
    waits(step, "wait/send-buffer-full");
    done(world.step(TaskId(thread), &Op::Close { fd: b }));
    assert!(world.runnable().any(|task| task == writer));
    let step = resume(&mut world, writer);
    assert!(!signal(&step));
    fails(step, "send/peer-closed-while-blocked", Errno::ECONNRESET);
}

#[test]
fn other_systems_look_at_the_state_first() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS] {
        let mut world = World::new(profile);
        let task = world.spawn();
        let fresh = fd(world.step(task, &Op::Socket(New::unix(Kind::Datagram))));
        fails(send(&mut world, task, fresh, b"x"), "send/no-destination", Errno::EDESTADDRREQ);
        let (a, b) = pair(&mut world, task, Kind::Datagram);
        fails(send(&mut world, task, a, &[0; 8193]), "send/message-too-long", Errno::EMSGSIZE);
        let to = Message::new(a, b"x").to("anywhere");
        let cause = "send/address-on-connected-datagram";
        fails(world.step(task, &Op::Send(to)), cause, Errno::EISCONN);
        done(world.step(task, &Op::Close { fd: b }));
        fails(send(&mut world, task, a, b"x"), "send/receiver-closed", Errno::ECONNRESET);
        let (a, _) = pair(&mut world, task, Kind::Stream);
        let to = Message::new(a, b"x").to("anywhere");
        assert_eq!(world.step(task, &Op::Send(to)), Step::Done(Ret::Count(1)));
        fails(world.step(task, &urgent(a, b"x")), "send/no-urgent-data", Errno::EOPNOTSUPP);
        let want = Want::new(a, 1);
        let flags = RecvFlags { urgent: true, ..want.flags };
        let step = world.step(task, &Op::Recv(Want { flags, ..want }));
        fails(step, "send/no-urgent-data", Errno::EOPNOTSUPP);
    }
}

/// What is wrong with a datagram, and with what goes with it, is told before or after what is wrong
/// with its socket.
#[test]
fn arguments_and_the_state_of_the_socket_have_their_order() {
    let (early, late) = ("its arguments", "its state");
    for (profile, streams, datagrams) in [
        (FREEBSD_14, late, early),
        (FREEBSD_15, early, early),
        (MACOS, late, late),
        (OPENSERVER, late, late),
    ] {
        let platform = profile.platform;
        let mut world = World::new(profile);
        let task = world.spawn();
        for (kind, first) in [(Kind::Stream, streams), (Kind::Datagram, datagrams)] {
            let bad = |fd| {
                let passing = vec![Control::Rights(vec![99])];
                let with = Message { control: passing, ..Message::new(fd, b"x") };
                let unmapped = Message { unmapped: true, ..Message::new(fd, b"x") };
                let plain = [(with, "rights/bad-descriptor"), (unmapped, "send/bad-pointer")];
                let long = (Message::new(fd, &[0; 70_000]), "send/message-too-long");
                let long = (kind == Kind::Datagram).then_some(long);
                plain.into_iter().chain(long).map(|(m, cause)| (m.dont_wait(), cause))
            };
            let (probe, _) = pair(&mut world, task, kind);
            for (place, _) in bad(probe).enumerate() {
                let (a, b) = pair(&mut world, task, kind);
                let (message, cause) = bad(a).nth(place).unwrap();
                let open = world.step(task, &Op::Send(message.clone()));
                assert_eq!(open.cause().map(|c| c.id), Some(cause), "{platform} {kind:?}");
                done(world.step(task, &Op::Close { fd: b }));
                let told = match (first == early, kind) {
                    (true, _) => cause,
                    (false, Kind::Datagram) => "send/receiver-closed",
                    (false, _) => "send/peer-closed",
                };
                let closed = world.step(task, &Op::Send(message));
                assert_eq!(
                    closed.cause().map(|c| c.id),
                    Some(told),
                    "{platform} {kind:?}: {first}"
                );
            }
        }
    }
}

#[test]
fn the_bsds_tell_of_the_end_even_if_a_part_was_sent() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut world = World::new(profile);
        let task = world.spawn();
        let writer = thread(&mut world, task);
        let (a, b) = pair(&mut world, task, Kind::Stream);
        let long = Op::Send(Message::new(a, &[0; 300_000]));
        waits(world.step(writer, &long), "wait/send-buffer-full");
        done(world.step(task, &Op::Close { fd: b }));
        fails(resume(&mut world, writer), "send/peer-closed", Errno::EPIPE);
    }
}

#[test]
fn only_the_first_look_at_the_connection_raises_the_signal() {
    for (length, sent) in [(1 << 20, Some(219_264)), (1, None)] {
        let mut world = World::new(LINUX);
        let task = world.spawn();
        let writer = thread(&mut world, task);
        let (a, b) = pair(&mut world, task, Kind::Stream);
        if sent.is_none() {
            while matches!(send(&mut world, task, a, &[0; 1000]), Step::Done(_)) {}
        }
        let message = Op::Send(Message::new(a, vec![0; length]));
        waits(world.step(writer, &message), "wait/send-buffer-full");
        done(world.step(task, &Op::Shutdown { fd: b, how: 0 }));
        let step = resume(&mut world, writer);
        match sent {
            Some(sent) => assert_eq!(step, Step::Done(Ret::Count(sent))),
            None => {
                assert!(!signal(&step));
                fails(step, "send/peer-stopped-reading", Errno::EPIPE);
            }
        }
    }
}

#[test]
fn a_peer_that_read_no_more_from_the_beginning_is_found_out_by_the_first_byte() {
    let mut world = World::new(LINUX);
    let task = world.spawn();
    let listener = fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
    done(world.step(task, &Op::Bind { fd: listener, name: "@l".into() }));
    done(world.step(task, &Op::Listen { fd: listener, backlog: 1 }));
    let client = fd(world.step(task, &Op::Socket(New::unix(Kind::Stream))));
    done(world.step(task, &Op::Shutdown { fd: client, how: 0 }));
    done(world.step(task, &Op::Connect { fd: client, name: "@l".into() }));
    let accept = Op::Accept { fd: listener, flags: NewFlags::NONE, name: Out::Null };
    let server = fd(world.step(task, &accept));
    assert_eq!(world.events(task, server), Events::OUT, "it was not told");
    assert_eq!(send(&mut world, task, server, b""), Step::Done(Ret::Count(0)));
    let cause = "send/peer-stopped-reading";
    for (step, raised) in [
        (send(&mut world, task, server, b"x"), true),
        (world.step(task, &urgent(server, b"x")), false),
        (world.step(task, &urgent(server, b"xy")), true),
    ] {
        assert_eq!(signal(&step), raised, "an urgent byte alone raises none");
        fails(step, cause, Errno::EPIPE);
    }
}

#[test]
fn too_much_beside_a_packet_leaves_the_error_for_the_next_call() {
    let (mut world, task, a, b) = with_pair(LINUX, Kind::SeqPacket);
    send(&mut world, task, a, b"unread");
    done(world.step(task, &Op::Close { fd: b }));
    let control = vec![Control::Filler(1 << 20)];
    let large = world.step(task, &Op::Send(Message { control, ..Message::new(a, b"x") }));
    fails(large, "send/control-too-large", Errno::ENOBUFS);
    fails(send(&mut world, task, a, b"x"), "send/pending-reset", Errno::ECONNRESET);
}
