//! Sending datagrams: who may reach a receiver, how much of them it takes, who waits for room.

use crate::scene::*;
use crate::service::*;
use std::time::Duration;
use sunpath_core::model::{Step, TaskId, World};
use sunpath_core::op::{Fd, Message, Op, Opt, ProcessOp, Request, Ret, Value};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, Machine, OPENSERVER, Profile};
use sunpath_core::{Address, Errno};

const FULL: &str = "wait/receiver-queue-full";
const ONE: Step = Step::Done(Ret::Count(1));

/// A send to a name that may wait.
fn to(fd: Fd, name: &str) -> Op {
    Op::Send(Message::new(fd, b"x").to(name))
}

/// The same, which may not.
fn try_to(fd: Fd, name: &str) -> Op {
    Op::Send(Message::new(fd, b"x").to(name).dont_wait())
}

/// A receiver and somebody else, whose messages fill its queue.
fn full() -> (Host, Fd, Fd) {
    let mut host = Host::new(LINUX);
    let (receiver, sender) = (host.bound(DATAGRAM, "/r"), host.socket(DATAGRAM));
    for _ in 0..11 {
        assert_eq!(host.call(to(sender, "/r")), ONE);
    }
    (host, receiver, sender)
}

/// Threads that wait to send, each on a socket of its own, in this order.
fn waiting(host: &mut Host, count: usize) -> Vec<TaskId> {
    let mut tasks = Vec::new();
    for _ in 0..count {
        let (task, fd) = (host.thread(), host.socket(DATAGRAM));
        waits(host.by(task, to(fd, "/r")), FULL);
        tasks.push(task);
    }
    tasks
}

fn drop_everything() -> Value {
    Value::Filter { length: 1, drops: true }
}

#[test]
fn a_receiver_takes_one_more_than_its_limit() {
    let (mut host, receiver, sender) = full();
    let cause = "send/receiver-queue-full";
    fails(host.call(try_to(sender, "/r")), cause, Errno::EAGAIN);
    // The sender's own buffer has room: only a socket that has this peer knows better.
    assert_eq!(host.events(sender), "out");
    done(host.call(connect(sender, "/r")));
    assert_eq!(host.events(sender), "none");
    fails(host.send(sender, b"x"), cause, Errno::EAGAIN);
    host.reads(receiver, "x");
    host.sends(sender, b"x");
}

#[test]
fn the_machine_says_how_many() {
    let machine = Machine { datagram_queue: 2, ..Machine::default() };
    let mut world = World::on(LINUX, machine);
    let task = world.spawn();
    let mut host = Host { world, task };
    let (_, sender) = (host.bound(DATAGRAM, "/r"), host.socket(DATAGRAM));
    let sent = (0..9).take_while(|_| host.call(try_to(sender, "/r")) == ONE).count();
    assert_eq!(sent, 3);
}

#[test]
fn there_is_no_limit_for_the_receivers_own_peer() {
    let mut host = Host::new(LINUX);
    let (receiver, sender) = (host.bound(DATAGRAM, "/r"), host.bound(DATAGRAM, "/s"));
    done(host.call(connect(receiver, "/s")));
    for _ in 0..40 {
        // It need not be connected itself.
        assert_eq!(host.call(to(sender, "/r")), ONE);
    }
    let (a, _) = host.pair(DATAGRAM);
    let sent = (0..1000).take_while(|_| host.send(a, b"x") == ONE).count();
    assert_eq!(sent, 278);
    fails(host.send(a, b"x"), "send/buffer-full", Errno::EAGAIN);
}

#[test]
fn every_message_that_is_read_lets_one_sender_go_on_first_come_first() {
    let (mut host, receiver, _) = full();
    let tasks = waiting(&mut host, 3);
    assert_eq!(host.woken(), []);
    for task in tasks {
        host.reads(receiver, "x");
        assert_eq!(host.woken(), [task]);
        assert_eq!(host.resume(task), ONE);
    }
}

#[test]
fn who_comes_between_takes_the_room_of_the_one_that_was_woken() {
    let (mut host, receiver, sender) = full();
    let tasks = waiting(&mut host, 1);
    host.reads(receiver, "x");
    assert_eq!(host.call(try_to(sender, "/r")), ONE);
    waits(host.resume(tasks[0]), FULL);
    host.reads(receiver, "x");
    assert_eq!(host.resume(tasks[0]), ONE);
}

#[test]
fn a_receiver_that_closes_wakes_everybody_and_one_that_shuts_reading_nobody() {
    for shut_first in [false, true] {
        let (mut host, receiver, _) = full();
        let tasks = waiting(&mut host, 2);
        if shut_first {
            host.shut(receiver, 0);
            assert_eq!(host.woken(), []);
        }
        host.close(receiver);
        assert_eq!(host.woken(), tasks);
        for task in tasks {
            let step = host.resume(task);
            fails(step, "connect/stale-socket", Errno::ECONNREFUSED);
        }
    }
}

#[test]
fn a_shutdown_is_noticed_when_time_runs_out() {
    let (mut host, receiver, sender) = full();
    host.set(sender, Opt::SndTimeo, millis(40));
    let task = host.thread();
    waits(host.by(task, to(sender, "/r")), FULL);
    host.shut(receiver, 0);
    host.world.advance(Duration::from_millis(40));
    let step = host.resume(task);
    fails(step, "send/peer-stopped-reading", Errno::EPIPE);
}

#[test]
fn time_and_signals_end_a_wait_for_a_receiver() {
    let (mut host, receiver, sender) = full();
    host.set(sender, Opt::SndTimeo, millis(40));
    waits(host.call(to(sender, "/r")), FULL);
    host.world.advance(Duration::from_millis(40));
    fails(host.resume(host.task), "send/timed-out", Errno::EAGAIN);
    waits(host.call(to(sender, "/r")), FULL);
    host.world.interrupt(host.task);
    fails(host.resume(host.task), "send/interrupted", Errno::EINTR);
    // Nothing was queued, and nothing is paid for any more.
    for _ in 0..11 {
        host.reads(receiver, "x");
    }
    fails(host.recv(receiver), "recv/nothing-to-read", Errno::EAGAIN);
}

#[test]
fn room_that_a_purge_makes_is_given_to_all() {
    let (mut host, receiver, _) = full();
    let server = host.bound(DATAGRAM, "/server");
    done(host.call(connect(receiver, "/server")));
    let early = host.bound(DATAGRAM, "/early");
    host.close(server);
    // Its peer is another one now: nobody else may send, whoever is woken.
    fails(host.call(to(early, "/r")), "send/receiver-has-another-peer", Errno::EPERM);
    fails(host.send(receiver, b"x"), "send/receiver-closed", Errno::ECONNREFUSED);
    fails(host.recv(receiver), "recv/nothing-to-read", Errno::EAGAIN);
    assert_eq!(host.call(to(early, "/r")), ONE);
}

#[test]
fn senders_that_wait_are_let_go_by_a_purge() {
    let (mut host, receiver, _) = full();
    let tasks = waiting(&mut host, 2);
    let server = host.bound(DATAGRAM, "/server");
    done(host.call(connect(receiver, "/server")));
    assert_eq!(host.woken(), []);
    host.close(server);
    fails(host.send(receiver, b"x"), "send/receiver-closed", Errno::ECONNREFUSED);
    assert_eq!(host.woken(), tasks);
    assert_eq!(host.resume(tasks[0]), ONE);
    host.reads(receiver, "x");
}

#[test]
fn an_address_of_one_that_closed_fails_for_everybody_alike() {
    let mut host = Host::new(LINUX);
    let (receiver, peer) = (host.bound(DATAGRAM, "/r"), host.bound(DATAGRAM, "/p"));
    let (sender, reader) = (host.socket(DATAGRAM), host.bound(DATAGRAM, "/reader"));
    done(host.call(connect(reader, "/r")));
    done(host.call(connect(receiver, "/p")));
    fails(host.call(to(sender, "/r")), "send/receiver-has-another-peer", Errno::EPERM);
    host.close(receiver);
    // The peer that a closed socket had does not count any more.
    fails(host.call(to(sender, "/r")), "connect/stale-socket", Errno::ECONNREFUSED);
    fails(host.send(reader, b"x"), "send/receiver-closed", Errno::ECONNREFUSED);
    assert_eq!(host.events(peer), "out");
}

#[test]
fn an_address_does_not_change_whom_a_socket_is_connected_to() {
    let mut host = Host::new(LINUX);
    let (a, b) = (host.bound(DATAGRAM, "/a"), host.bound(DATAGRAM, "@b"));
    let sender = host.socket(DATAGRAM);
    done(host.call(connect(sender, "/a")));
    assert_eq!(host.call(to(sender, "@b")), ONE);
    host.sends(sender, b"for a");
    host.reads(a, "for a");
    host.reads(b, "x");
}

#[test]
fn a_filter_drops_what_comes_and_the_sender_does_not_know() {
    let mut host = Host::new(LINUX);
    let (receiver, other) = (host.bound(DATAGRAM, "/r"), host.bound(DATAGRAM, "/o"));
    let sender = host.socket(DATAGRAM);
    host.set(receiver, Opt::AttachFilter, drop_everything());
    for _ in 0..40 {
        assert_eq!(host.call(to(sender, "/r")), ONE);
    }
    fails(host.recv(receiver), "recv/nothing-to-read", Errno::EAGAIN);
    // It comes after the look-up and before the receiver's own rules.
    fails(host.call(to(sender, "/none")), "connect/no-such-file", Errno::ENOENT);
    done(host.call(connect(receiver, "/o")));
    assert_eq!(host.call(to(sender, "/r")), ONE);
    host.shut(receiver, 0);
    assert_eq!(host.call(to(sender, "/r")), ONE);
    host.close(other);
    let (a, b) = host.pair(PACKETS);
    host.set(b, Opt::AttachFilter, drop_everything());
    host.sends(a, b"lost");
    fails(host.recv(b), "recv/nothing-to-read", Errno::EAGAIN);
    // Streams take no notice of one.
    let (a, b) = host.pair(STREAM);
    host.set(b, Opt::AttachFilter, drop_everything());
    host.sends(a, b"here");
    host.reads(b, "here");
}

#[test]
fn linux_checks_a_datagram_in_this_order() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(DATAGRAM);
    // Everything is wrong with it, and is mended one after the other.
    host.sends(a, b"unread");
    done(host.call(dissolve(b)));
    host.shut(a, 1);
    let mut message = Message::new(a, vec![0; 212_961]).to("/none");
    message.flags.urgent = true;
    message.unmapped = true;
    let (all, with) = (message.clone(), message.with_rights(&[99]));
    fails(host.call(Op::Send(with)), "rights/bad-descriptor", Errno::EBADF);
    let mut message = all;
    fails(host.call(Op::Send(message.clone())), "send/no-urgent-data", Errno::EOPNOTSUPP);
    message.flags.urgent = false;
    fails(host.call(Op::Send(message.clone())), "send/message-too-long", Errno::EMSGSIZE);
    message.data = b"x".into();
    let reset = "recv/peer-left-with-unread-data";
    fails(host.call(Op::Send(message.clone())), reset, Errno::ECONNRESET);
    fails(host.call(Op::Send(message.clone())), "send/after-shutdown", Errno::EPIPE);
    message.fd = host.socket(DATAGRAM);
    fails(host.call(Op::Send(message.clone())), "send/bad-pointer", Errno::EFAULT);
    message.unmapped = false;
    fails(host.call(Op::Send(message)), "connect/no-such-file", Errno::ENOENT);
}

#[test]
fn an_empty_datagram_is_one_and_carries_descriptors() {
    for kind in [DATAGRAM, PACKETS] {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        let message = Message::new(a, b"").with_rights(&[0]);
        assert_eq!(host.call(Op::Send(message)), Step::Done(Ret::Count(0)));
        let want = sunpath_core::op::Want::new(b, 8).control(64);
        let came = received(host.call(Op::Recv(want)));
        assert_eq!((came.returned, came.control.len()), (0, 1));
    }
}

#[test]
fn receivers_elsewhere_are_full_for_calls_that_would_wait_as_well() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let (receiver, sender) = (host.bound(DATAGRAM, "/r"), host.socket(DATAGRAM));
        let message = |fd| Op::Send(Message::new(fd, &[0; 1000]).to("/r"));
        let full = loop {
            match host.call(message(sender)) {
                Step::Done(_) => {}
                other => break other,
            }
        };
        fails(full, "send/receiver-buffer-full", Errno::ENOBUFS);
        assert_eq!(host.events(sender), "out", "poll does not tell");
        received(host.recv(receiver));
        assert_eq!(host.call(message(sender)), Step::Done(Ret::Count(1000)));
    }
}

/// Fills a receiver with messages of this sender. How many there were.
fn fill(host: &mut Host, message: &Message) -> usize {
    (0..100).take_while(|_| matches!(host.call(Op::Send(message.clone())), Step::Done(_))).count()
}

#[test]
fn freebsd_keeps_room_for_each_sender_that_is_connected() {
    for (profile, each) in [(FREEBSD_14, true), (FREEBSD_15, true), (MACOS, false)] {
        let mut host = Host::new(profile);
        host.bound(DATAGRAM, "/r");
        let (greedy, modest) = (host.socket(DATAGRAM), host.socket(DATAGRAM));
        let stranger = host.socket(DATAGRAM);
        for fd in [greedy, modest] {
            done(host.call(connect(fd, "/r")));
        }
        assert!(fill(&mut host, &Message::new(greedy, &[0; 1000])) > 1);
        assert_eq!(fill(&mut host, &Message::new(modest, &[0; 1000])) > 1, each);
        // Strangers share what is left for them.
        assert_eq!(fill(&mut host, &Message::new(stranger, &[0; 1000]).to("/r")) > 1, each);
        let late = host.socket(DATAGRAM);
        assert_eq!(fill(&mut host, &Message::new(late, &[0; 1000]).to("/r")), 0);
    }
}

#[test]
fn elsewhere_everybody_reaches_a_socket_that_has_a_peer() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let receiver = host.bound(DATAGRAM, "/r");
        host.bound(DATAGRAM, "/p");
        done(host.call(connect(receiver, "/p")));
        let sender = host.socket(DATAGRAM);
        assert_eq!(host.call(to(sender, "/r")), ONE);
        host.reads(receiver, "x");
    }
}

/// The address that comes with the next message.
fn source(host: &mut Host, fd: Fd) -> Option<Address> {
    received(host.recv(fd)).from
}

#[test]
fn linux_tells_the_name_that_a_sender_has_when_its_message_is_read() {
    let named = |name: &str| Some(Address::Path(name.as_bytes().into()));
    for kind in [STREAM, PACKETS, DATAGRAM] {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        host.sends(a, b"x");
        assert_eq!(source(&mut host, b), None);
        host.sends(a, b"x");
        done(host.call(bind(a, "/late")));
        assert_eq!(source(&mut host, b), named("/late"));
        // Also when it is not there any more.
        host.sends(a, b"x");
        host.close(a);
        assert_eq!(source(&mut host, b), named("/late"));
    }
}

#[test]
fn others_tell_the_name_that_a_datagram_was_sent_with() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let (a, b) = host.pair(DATAGRAM);
        host.sends(a, b"x");
        done(host.call(bind(a, "/late")));
        host.sends(a, b"x");
        assert_eq!(source(&mut host, b), Some(Address::Unnamed));
        assert_eq!(source(&mut host, b), Some(Address::Path(b"/late".into())));
        let (a, b) = host.pair(STREAM);
        done(host.call(bind(a, "/stream")));
        host.sends(a, b"x");
        assert_eq!(source(&mut host, b), None);
    }
}

#[test]
fn a_datagram_without_a_destination() {
    for profile in Profile::ALL {
        let linux = profile.platform == LINUX.platform || profile.platform == OPENSERVER.platform;
        let errno = if linux { Errno::ENOTCONN } else { Errno::EDESTADDRREQ };
        let mut host = Host::new(profile.clone());
        let fresh = host.socket(DATAGRAM);
        fails(host.send(fresh, b"x"), "send/no-destination", errno);
    }
}

#[test]
fn an_address_on_a_connected_datagram_is_an_error_on_the_bsds() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        host.bound(DATAGRAM, "/a");
        let sender = host.socket(DATAGRAM);
        done(host.call(connect(sender, "/a")));
        let cause = "send/address-on-connected-datagram";
        fails(host.call(to(sender, "/a")), cause, Errno::EISCONN);
        // An association with nobody there does not come first.
        fails(host.call(to(sender, "/none")), cause, Errno::EISCONN);
    }
}

#[test]
fn who_exits_while_it_waits_for_room_gives_back_what_it_was_charged() {
    let (mut host, _, _) = full();
    let sender = host.socket(DATAGRAM);
    let forked = host.call(Op::Process(ProcessOp::Fork));
    let Step::Done(Ret::Task(child)) = forked else { panic!("{forked:?} gives no child") };
    let child = TaskId(child);
    let other = thread(&mut host.world, child);
    waits(host.by(child, to(sender, "/r")), FULL);
    let charged = Op::Ioctl { fd: sender, request: Request::Outq };
    assert_eq!(host.call(charged.clone()), Step::Done(Ret::Value(Value::Int(768))));
    done(host.by(other, Op::Process(ProcessOp::Exit)));
    assert_eq!(host.call(charged), Step::Done(Ret::Value(Value::Int(0))));
}

#[test]
fn who_waited_for_room_is_charged_once() {
    let (mut host, receiver, _) = full();
    let (waiter, sender) = (host.thread(), host.socket(DATAGRAM));
    let charged = |host: &mut Host| host.call(Op::Ioctl { fd: sender, request: Request::Outq });
    let bytes = |bytes| Step::Done(Ret::Value(Value::Int(bytes)));
    waits(host.by(waiter, to(sender, "/r")), FULL);
    assert_eq!(charged(&mut host), bytes(768), "it waits with its memory");
    host.reads(receiver, "x");
    assert_eq!(host.resume(waiter), ONE);
    assert_eq!(charged(&mut host), bytes(768));
    for _ in 0..11 {
        host.reads(receiver, "x");
    }
    assert_eq!(charged(&mut host), bytes(0));
}

#[test]
fn each_of_two_waits_of_a_send_has_the_whole_time() {
    let (mut host, _, _) = full();
    let other = host.bound(DATAGRAM, "/other");
    let (waiter, sender) = (host.thread(), host.socket(DATAGRAM));
    host.set(sender, Opt::SndTimeo, millis(20));
    let large = Message::new(sender, &[0; 120_000]).to("/other").dont_wait();
    while matches!(host.call(Op::Send(large.clone())), Step::Done(_)) {}
    waits(host.by(waiter, to(sender, "/r")), "wait/send-buffer-full");
    host.world.advance(Duration::from_millis(16));
    while matches!(host.recv(other), Step::Done(_)) {}
    waits(host.resume(waiter), FULL);
    host.world.advance(Duration::from_millis(16));
    assert!(host.woken().is_empty());
    host.world.advance(Duration::from_millis(4));
    fails(host.resume(waiter), "send/timed-out", Errno::EAGAIN);
}
