//! `recv`: what a stream glues together, what a message loses, how long a call waits.

use crate::scene::*;
use crate::service::*;
use std::time::Duration;
use sunpath_core::Errno;
use sunpath_core::model::{Step, TaskId};
use sunpath_core::op::{
    ControlOut, Fd, Kind, Message, Op, Opt, Received, RecvFlags, Ret, Value, Want,
};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS, OPENSERVER, Profile};

const NOTHING: &str = "wait/nothing-to-read";
const KINDS: [Kind; 3] = [STREAM, PACKETS, DATAGRAM];

fn with(fd: Fd, length: usize, flags: RecvFlags) -> Op {
    Op::Recv(Want { flags, control: 100, ..Want::new(fd, length) })
}

/// `MSG_WAITALL`
fn all(fd: Fd, length: usize) -> Op {
    with(fd, length, RecvFlags { wait_all: true, ..RecvFlags::default() })
}

fn pass(host: &mut Host, fd: Fd, data: &[u8]) {
    let sent = host.call(Op::Send(Message::new(fd, data).with_rights(&[0])));
    assert_eq!(sent, Step::Done(Ret::Count(data.len())));
}

/// The bytes and how many descriptors came with them.
#[track_caller]
fn came(step: Step) -> (String, usize) {
    let received = received(step);
    let count = |item: &ControlOut| match item {
        ControlOut::Rights(fds) => fds.len(),
        _ => 0,
    };
    let rights = received.control.iter().map(count).sum();
    (String::from_utf8_lossy(&received.data).into(), rights)
}

fn plain(length: usize) -> impl Fn(&mut Host, Fd) -> (String, usize) {
    let flags = RecvFlags { dont_wait: true, ..RecvFlags::default() };
    move |host, fd| came(host.call(with(fd, length, flags)))
}

#[test]
fn only_a_connection_can_be_read() {
    for profile in Profile::ALL {
        for kind in [STREAM, PACKETS] {
            let mut host = Host::new(profile.clone());
            let Step::Done(Ret::Fd(fresh)) =
                host.call(Op::Socket(sunpath_core::op::New::unix(kind)))
            else {
                continue;
            };
            let invalid = profile.platform == LINUX.platform && kind == STREAM;
            let errno = if invalid { Errno::EINVAL } else { Errno::ENOTCONN };
            fails(host.recv(fresh), "recv/not-connected", errno);
            let listener = host.listener(kind, "/l", 1);
            fails(host.recv(listener), "recv/not-connected", errno);
        }
    }
}

#[test]
fn a_read_goes_on_over_messages_until_descriptors_have_come() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"aa");
    pass(&mut host, a, b"BB");
    host.sends(a, b"cc");
    pass(&mut host, a, b"DD");
    pass(&mut host, a, b"EE");
    let read = plain(64);
    assert_eq!(read(&mut host, b), ("aaBB".into(), 1));
    assert_eq!(read(&mut host, b), ("ccDD".into(), 1));
    assert_eq!(read(&mut host, b), ("EE".into(), 1));
}

#[test]
fn descriptors_come_with_the_first_of_their_bytes() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"aa");
    pass(&mut host, a, b"BBB");
    host.sends(a, b"cc");
    assert_eq!(plain(3)(&mut host, b), ("aaB".into(), 1));
    // What is left of them is ordinary, and glued to what follows.
    assert_eq!(plain(64)(&mut host, b), ("BBcc".into(), 0));
    // A buffer that ends before them leaves them there.
    host.sends(a, b"aa");
    pass(&mut host, a, b"B");
    assert_eq!(plain(2)(&mut host, b), ("aa".into(), 0));
    assert_eq!(plain(64)(&mut host, b), ("B".into(), 1));
}

#[test]
fn the_bsds_stop_before_descriptors_and_go_on_after_them() {
    for profile in [FREEBSD_14, FREEBSD_15, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let (a, b) = host.pair(STREAM);
        host.sends(a, b"aa");
        pass(&mut host, a, b"BB");
        host.sends(a, b"cc");
        assert_eq!(plain(64)(&mut host, b), ("aa".into(), 0));
        assert_eq!(plain(64)(&mut host, b), ("BBcc".into(), 1));
    }
}

#[test]
fn bytes_of_two_writers_are_kept_apart_for_who_asks_whose_they_are() {
    for (option, apart) in
        [(None, false), (Some(Opt::PassCred), true), (Some(Opt::PassPidfd), true)]
    {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(STREAM);
        if let Some(option) = option {
            host.set(b, option, Value::Int(1));
        }
        let other = host.world.spawn();
        let shared = host.world.share(host.task, a, other).unwrap();
        host.sends(a, b"one");
        host.sends(a, b"more");
        assert!(matches!(host.by(other, Op::Send(Message::new(shared, b"two"))), Step::Done(_)));
        match apart {
            false => assert_eq!(plain(64)(&mut host, b).0, "onemoretwo"),
            true => {
                assert_eq!(plain(64)(&mut host, b).0, "onemore");
                assert_eq!(plain(64)(&mut host, b).0, "two");
            }
        }
    }
}

#[test]
fn wait_all_waits_for_the_whole_buffer_of_a_stream() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    let reader = host.thread();
    host.sends(a, b"abc");
    waits(host.by(reader, all(b, 6)), NOTHING);
    host.sends(a, b"de");
    waits(host.resume(reader), NOTHING);
    host.sends(a, b"fgh");
    assert_eq!(came(host.resume(reader)).0, "abcdef");
    host.reads(b, "gh");
}

/// A thread that waits for eight bytes, of which three have come.
fn short_of_bytes(timeout: Option<u64>) -> (Host, Fd, Fd, TaskId) {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    if let Some(timeout) = timeout {
        host.set(b, Opt::RcvTimeo, millis(timeout));
    }
    let reader = host.thread();
    host.sends(a, b"abc");
    waits(host.by(reader, all(b, 8)), NOTHING);
    (host, a, b, reader)
}

#[test]
fn wait_all_is_content_with_less_at_the_end() {
    let (mut host, a, _, reader) = short_of_bytes(None);
    host.shut(a, 1);
    assert_eq!(came(host.resume(reader)).0, "abc");
    let (mut host, _, _, reader) = short_of_bytes(Some(20));
    host.world.advance(Duration::from_millis(20));
    assert_eq!(came(host.resume(reader)).0, "abc");
    let (mut host, _, _, reader) = short_of_bytes(None);
    host.world.interrupt(reader);
    assert_eq!(came(host.resume(reader)).0, "abc");
    // An error that comes meanwhile is lost with it.
    let (mut host, a, b, reader) = short_of_bytes(None);
    host.sends(b, b"unread");
    host.close(a);
    assert_eq!(came(host.resume(reader)).0, "abc");
    host.reads(b, EOF);
}

#[test]
fn wait_all_stops_at_descriptors() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"aa");
    pass(&mut host, a, b"B");
    host.sends(a, b"cc");
    assert_eq!(came(host.call(all(b, 64))), ("aaB".into(), 1));
}

#[test]
fn wait_all_means_nothing_for_messages_and_for_looks() {
    for kind in [PACKETS, DATAGRAM] {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        host.sends(a, b"abc");
        host.sends(a, b"def");
        assert_eq!(came(host.call(all(b, 6))).0, "abc");
    }
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"abc");
    let flags = RecvFlags { wait_all: true, peek: true, ..RecvFlags::default() };
    assert_eq!(came(host.call(with(b, 6, flags))).0, "abc");
}

#[test]
fn a_low_water_mark_is_for_streams_that_wait() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.set(b, Opt::RcvLowat, Value::Int(4));
    let reader = host.thread();
    waits(host.by(reader, read(b)), NOTHING);
    host.sends(a, b"abc");
    assert_eq!(host.events(b), "in,out");
    waits(host.resume(reader), NOTHING);
    host.sends(a, b"de");
    assert_eq!(came(host.resume(reader)).0, "abcde");
    // A smaller buffer than the mark is enough, and who may not wait takes what there is.
    host.sends(a, b"fgh");
    assert_eq!(came(host.by(reader, Op::Recv(Want::new(b, 2)))).0, "fg");
    host.reads(b, "h");
    for kind in [PACKETS, DATAGRAM] {
        let (a, b) = host.pair(kind);
        host.set(b, Opt::RcvLowat, Value::Int(4));
        host.sends(a, b"i");
        assert_eq!(came(host.by(reader, read(b))).0, "i");
    }
}

#[test]
fn a_message_that_does_not_fit_is_cut() {
    let asked = RecvFlags { truncate: true, dont_wait: true, ..RecvFlags::default() };
    for kind in [PACKETS, DATAGRAM] {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        for _ in 0..2 {
            host.sends(a, b"abcdef");
        }
        let cut = received(recv(&mut host.world, host.task, b, 2));
        assert_eq!((&*cut.data, cut.returned, cut.truncated), (&b"ab"[..], 2, true));
        assert_eq!(host.world.remarked().unwrap().id, "recv/message-truncated");
        let cut = received(host.call(with(b, 2, asked)));
        assert_eq!((&*cut.data, cut.returned, cut.truncated), (&b"ab"[..], 6, true));
        fails(host.recv(b), "recv/nothing-to-read", Errno::EAGAIN);
    }
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"abcdef");
    let part = received(host.call(with(b, 2, asked)));
    assert_eq!((&*part.data, part.returned, part.truncated), (&b"ab"[..], 2, false));
    host.reads(b, "cdef");
}

#[test]
fn a_buffer_without_room_takes_a_message_and_nothing_of_a_stream() {
    let none = |fd| Op::Recv(Want::new(fd, 0).dont_wait());
    for kind in KINDS {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        fails(host.call(none(b)), "recv/nothing-to-read", Errno::EAGAIN);
        host.sends(a, b"abc");
        assert_eq!(received(host.call(none(b))).returned, 0);
        if kind == STREAM {
            host.reads(b, "abc");
        }
        fails(host.recv(b), "recv/nothing-to-read", Errno::EAGAIN);
    }
    for profile in [FREEBSD_14, MACOS, OPENSERVER] {
        let mut host = Host::new(profile);
        let (_, b) = host.pair(STREAM);
        assert_eq!(received(host.call(Op::Recv(Want::new(b, 0)))).returned, 0);
    }
    for kind in [STREAM, PACKETS] {
        let mut host = Host::new(FREEBSD_15);
        let (a, b) = host.pair(kind);
        fails(host.call(none(b)), "recv/nothing-to-read", Errno::EAGAIN);
        host.sends(a, b"abc");
        assert_eq!(received(host.call(none(b))).returned, 0);
        host.reads(b, "abc");
    }
}

#[test]
fn a_bad_buffer_leaves_a_stream_its_bytes_and_loses_a_message() {
    for kind in KINDS {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        host.sends(a, b"abc");
        let unmapped = || Op::Recv(Want { unmapped: true, ..Want::new(b, 8).dont_wait() });
        fails(host.call(unmapped()), "recv/bad-pointer", Errno::EFAULT);
        match kind {
            STREAM => host.reads(b, "abc"),
            _ => fails(host.recv(b), "recv/nothing-to-read", Errno::EAGAIN),
        }
        // Nobody writes to it when there is nothing to write.
        host.sends(a, b"");
        match kind {
            STREAM => fails(host.call(unmapped()), "recv/nothing-to-read", Errno::EAGAIN),
            _ => assert_eq!(received(host.call(unmapped())).returned, 0),
        }
    }
}

#[test]
fn a_bad_buffer_is_noticed_before_a_look_takes_anything() {
    for kind in KINDS {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        host.sends(a, b"abc");
        let flags = RecvFlags { peek: true, ..RecvFlags::default() };
        let look = Op::Recv(Want { unmapped: true, flags, ..Want::new(b, 8) });
        fails(host.call(look), "recv/bad-pointer", Errno::EFAULT);
        host.reads(b, "abc");
    }
}

/// A send that ends a record, or not.
fn part(host: &mut Host, fd: Fd, data: &[u8], ends: bool) {
    let mut message = Message::new(fd, data);
    message.flags.end_of_record = ends;
    assert_eq!(host.call(Op::Send(message)), Step::Done(Ret::Count(data.len())));
}

fn record(received: Received) -> (String, bool, bool) {
    let Received { data, end_of_record, truncated, .. } = received;
    (String::from_utf8_lossy(&data).into(), end_of_record, truncated)
}

#[test]
fn the_end_of_a_record_is_not_reported_on_linux() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(PACKETS);
    part(&mut host, a, b"one", true);
    part(&mut host, a, b"two", false);
    for text in ["one", "two"] {
        assert_eq!(record(received(host.recv(b))), (text.into(), false, false));
    }
}

#[test]
fn freebsd_14_passes_the_mark_on_and_keeps_every_send_apart() {
    let mut host = Host::new(FREEBSD_14);
    let (a, b) = host.pair(PACKETS);
    part(&mut host, a, b"one", false);
    part(&mut host, a, b"two", true);
    assert_eq!(record(received(host.recv(b))), ("one".into(), false, false));
    assert_eq!(record(received(host.recv(b))), ("two".into(), true, false));
    part(&mut host, a, b"three", true);
    let short = received(recv(&mut host.world, host.task, b, 2));
    assert_eq!(record(short), ("th".into(), false, true));
    fails(host.recv(b), "recv/nothing-to-read", Errno::EAGAIN);
}

#[test]
fn freebsd_15_ends_a_record_at_the_mark_and_leaves_what_does_not_fit() {
    let mut host = Host::new(FREEBSD_15);
    let (a, b) = host.pair(PACKETS);
    part(&mut host, a, b"one ", false);
    part(&mut host, a, b"record", true);
    part(&mut host, a, b"another", true);
    let short = received(recv(&mut host.world, host.task, b, 2));
    assert_eq!(record(short), ("on".into(), false, false));
    assert_eq!(record(received(host.recv(b))), ("e record".into(), true, false));
    assert_eq!(record(received(host.recv(b))), ("another".into(), true, false));
    part(&mut host, a, b"unfinished", false);
    assert_eq!(record(received(host.recv(b))), ("unfinished".into(), false, false));
}

#[test]
fn a_datagram_socket_that_is_shut_ends_calls_that_may_wait() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(DATAGRAM);
    host.sends(a, b"queued");
    host.shut(b, 0);
    host.reads(b, "queued");
    fails(host.recv(b), "recv/nothing-to-read", Errno::EAGAIN);
    assert_eq!(received(host.call(read(b))).returned, 0);
    // A call that may wait for no time may not wait, nor may one whose time is over.
    host.set(b, Opt::RcvTimeo, Value::RawTime(-1, 0));
    fails_with(host.call(read(b)), Errno::EAGAIN);
    let (_, late) = host.pair(DATAGRAM);
    host.set(late, Opt::RcvTimeo, millis(20));
    let reader = host.thread();
    waits(host.by(reader, read(late)), NOTHING);
    host.world.advance(Duration::from_millis(20));
    host.shut(late, 0);
    fails(host.resume(reader), "recv/timed-out", Errno::EAGAIN);
    for profile in [FREEBSD_14, FREEBSD_15, MACOS] {
        let mut host = Host::new(profile);
        let (_, b) = host.pair(DATAGRAM);
        host.shut(b, 0);
        assert_eq!(received(host.recv(b)).returned, 0);
    }
}

#[test]
fn an_empty_packet_is_no_end() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(PACKETS);
    host.sends(a, b"");
    host.reads(b, "");
    assert!(host.world.remarked().is_none());
    host.shut(a, 1);
    host.reads(b, EOF);
    assert_eq!(host.world.remarked().unwrap().id, "recv/end-of-file");
}

#[test]
fn time_and_signals_end_a_wait_for_something_to_read() {
    for kind in KINDS {
        let mut host = Host::new(LINUX);
        let (_, b) = host.pair(kind);
        host.set(b, Opt::RcvTimeo, millis(20));
        waits(host.call(read(b)), NOTHING);
        host.world.advance(Duration::from_millis(19));
        assert_eq!(host.woken(), []);
        host.world.advance(Duration::from_millis(1));
        fails(host.resume(host.task), "recv/timed-out", Errno::EAGAIN);
        waits(host.call(read(b)), NOTHING);
        host.world.interrupt(host.task);
        fails(host.resume(host.task), "recv/interrupted", Errno::EINTR);
    }
}

#[test]
fn a_message_wakes_the_reader_that_has_waited_longest_and_bytes_wake_all() {
    for kind in KINDS {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(kind);
        let readers = [host.thread(), host.thread()];
        for reader in readers {
            waits(host.by(reader, read(b)), NOTHING);
        }
        host.sends(a, b"x");
        let expected = if kind == STREAM { &readers[..] } else { &readers[..1] };
        assert_eq!(host.woken(), expected);
        assert_eq!(came(host.resume(readers[0])).0, "x");
        if kind == STREAM {
            waits(host.resume(readers[1]), NOTHING);
        }
    }
}

#[test]
fn buffers_are_counted_before_anything_else_of_a_socket() {
    let mut host = Host::new(LINUX);
    let fresh = host.socket(STREAM);
    let many = Want { buffers: 1025, ..Want::new(fresh, 8) };
    fails(host.call(Op::Recv(many)), "send/too-many-buffers", Errno::EMSGSIZE);
    let (a, b) = host.pair(STREAM);
    host.sends(a, b"x");
    let none = Want { buffers: 0, ..Want::new(b, 8) };
    assert_eq!(received(host.call(Op::Recv(none))).returned, 0);
    host.reads(b, "x");
}

#[test]
fn descriptors_go_with_the_first_piece_of_a_long_send() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    pass(&mut host, a, &[b'x'; 60_000]);
    let look = plain(100_000);
    let pieces = [look(&mut host, b), look(&mut host, b)].map(|(data, fds)| (data.len(), fds));
    assert_eq!(pieces, [(36_544, 1), (23_456, 0)]);
}

#[test]
fn who_was_woken_in_time_is_not_late() {
    let mut host = Host::new(LINUX);
    let (_, b) = host.pair(DATAGRAM);
    host.set(b, Opt::RcvTimeo, millis(20));
    waits(host.call(read(b)), NOTHING);
    let other = host.thread();
    done(host.by(other, Op::Shutdown { fd: b, how: 0 }));
    host.world.advance(Duration::from_millis(20));
    assert_eq!(received(host.resume(host.task)).returned, 0);
}

#[test]
fn a_signal_loses_who_sent_the_bytes_that_were_read() {
    for interrupted in [true, false] {
        let mut host = Host::new(LINUX);
        let (a, b) = host.pair(STREAM);
        host.set(b, Opt::PassCred, Value::Int(1));
        host.sends(a, b"12");
        let reader = host.thread();
        waits(host.by(reader, all(b, 10)), NOTHING);
        match interrupted {
            true => host.world.interrupt(reader),
            false => host.close(a),
        }
        let came = received(host.resume(reader));
        assert_eq!(&*came.data, b"12");
        assert_eq!(came.control.is_empty(), interrupted);
    }
}
