//! What a call that waits keeps: its descriptor's number, the bytes that it has.

use crate::scene::*;
use crate::service::*;
use sunpath_core::model::Step;
use sunpath_core::op::{Op, Opt, Out, ProcessOp, Ret, Value, Want};
use sunpath_core::profile::{FREEBSD_14, FREEBSD_15, LINUX, MACOS};
use sunpath_core::{Address, Errno};

fn wait_all(fd: i32, length: usize) -> Op {
    let mut want = Want::new(fd, length);
    want.flags.wait_all = true;
    Op::Recv(want)
}

#[test]
fn waiting_for_all_bytes_waits_although_some_are_there() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    let reader = host.thread();
    host.sends(a, b"abc");
    waits(host.by(reader, wait_all(b, 6)), "wait/nothing-to-read");
    host.sends(a, b"defg");
    assert_eq!(host.woken(), [reader]);
    assert_eq!(received(host.world.resume(reader)).data, b"abcdef"[..].into());
    host.reads(b, "g");
}

#[test]
fn the_number_is_kept_where_it_is_found_before_accept_waits() {
    for (profile, kept) in [(LINUX, true), (FREEBSD_14, true), (FREEBSD_15, true), (MACOS, false)] {
        let mut host = Host::new(profile);
        let listener = host.listener(STREAM, "/l", 4);
        let server = host.thread();
        waits(host.by(server, accept(listener)), "wait/nothing-pending");
        let client = host.socket(STREAM);
        assert_eq!(client, listener + 1 + i32::from(kept), "{:?}", host.world);
        done(host.call(connect(client, "/l")));
        let number = if kept { listener + 1 } else { client + 1 };
        match host.world.resume(server) {
            Step::Done(Ret::Accepted { fd, .. }) => assert_eq!(fd, number),
            other => panic!("{other:?}"),
        }
        assert_eq!(host.socket(STREAM), listener + 3);
    }
}

#[test]
fn a_number_that_is_kept_is_not_open_and_counts() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let server = host.thread();
    waits(host.by(server, accept(listener)), "wait/nothing-pending");
    let kept = listener + 1;
    fails_with(host.call(Op::Close { fd: kept }), Errno::EBADF);
    let limit = u32::try_from(kept).expect("descriptors are not negative") + 1;
    done(host.call(Op::Process(ProcessOp::LimitDescriptors { limit })));
    fails_with(host.call(Op::Dup { fd: listener }), Errno::EMFILE);
    // A child has no call that waits, so the number is free there.
    let Step::Done(Ret::Task(child)) = host.call(Op::Process(ProcessOp::Fork)) else {
        panic!("no child")
    };
    let child = sunpath_core::model::TaskId(child);
    assert_eq!(fd(host.by(child, Op::Dup { fd: listener })), kept);
}

#[test]
fn whoever_ends_in_vain_gives_the_number_back() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 4);
    let server = host.thread();
    waits(host.by(server, accept(listener)), "wait/nothing-pending");
    host.world.interrupt(server);
    fails(host.world.resume(server), "accept/interrupted", Errno::EINTR);
    let client = host.socket(STREAM);
    assert_eq!(client, listener + 1);
    done(host.call(connect(client, "/l")));
    // The connection is taken and lost; so is the number, which is free again.
    fails(host.call(accept_into(listener, Out::Unmapped)), "accept/bad-pointer", Errno::EFAULT);
    assert_eq!(host.socket(STREAM), client + 1);
}

#[test]
fn how_many_bytes_are_waited_for_is_settled_at_first() {
    let mut host = Host::new(LINUX);
    let (a, b) = host.pair(STREAM);
    let reader = host.thread();
    waits(host.by(reader, read(b)), "wait/nothing-to-read");
    host.set(b, Opt::RcvLowat, Value::Int(4));
    host.sends(a, b"cc");
    assert_eq!(received(host.world.resume(reader)).data, b"cc"[..].into());
}

#[test]
fn a_connect_that_waits_gets_no_name_by_an_option_that_is_set_later() {
    let mut host = Host::new(LINUX);
    let listener = host.listener(STREAM, "/l", 0);
    host.client(STREAM, "/l");
    let (waiter, late) = (host.thread(), host.socket(STREAM));
    waits(host.by(waiter, connect(late, "/l")), "wait/backlog-full");
    host.set(late, Opt::PassCred, Value::Int(1));
    host.accepted(listener);
    done(host.resume(waiter));
    let name = host.call(Op::Getsockname { fd: late, name: Out::Room });
    assert_eq!(name, Step::Done(Ret::Name(Address::Unnamed)));
}
