//! Storms of signals on every call that waits: it goes on, ends in time, and loses nothing.

use crate::interrupted::later;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use sunpath::sys::option::{self, SO_RCVTIMEO, SO_SNDTIMEO};
use sunpath::sys::process::{Alarm, End, fork};
use sunpath::sys::socket;
use sunpath::{
    Address, Ancillary, AncillaryBuffer, Call, Datagram, Errno, Error, Listener, RecvFlags,
    SendFlags, SeqPacket, SeqPacketListener, Stream,
};

crate::tests! {
    streams_go_on
    packets_go_on
    datagrams_go_on
    listeners_go_on
    connects_go_on
    receives_end_in_time
    sends_end_in_time
    accepts_end_in_time
    connects_end_in_time
    nothing_is_lost_in_a_storm
    empty_messages_are_not_lost
}

const TICK: Duration = Duration::from_millis(2);
/// A timeout of a socket, in microseconds: many ticks, and shorter than any test may take.
const TIMEOUT: u64 = 50_000;
/// What no wait with this timeout may reach.
const TOO_LONG: Duration = Duration::from_secs(5);

/// Makes a call in a storm of signals while a child does what the call waits for.
#[track_caller]
fn goes_on<T>(meanwhile: impl FnOnce(), call: impl FnOnce() -> Result<T, Error>) -> T {
    let child = later(meanwhile);
    let alarm = Alarm::every(TICK, false).unwrap();
    let done = call().unwrap();
    drop(alarm);
    assert_eq!(child.wait(), Ok(End::Exited(0)));
    done
}

/// Makes a call in a storm of signals that waits in vain, and no longer than its timeout allows.
#[track_caller]
fn ends_in_time<T: std::fmt::Debug>(call: Call, made: impl FnOnce() -> Result<T, Error>) {
    let alarm = Alarm::every(TICK, false).unwrap();
    let start = Instant::now();
    let error = made().unwrap_err();
    let waited = start.elapsed();
    drop(alarm);
    assert_eq!((error.call(), error.errno()), (call, Some(Errno::EAGAIN)), "{error}");
    assert!(waited >= Duration::from_micros(TIMEOUT), "gave up after {waited:?}");
    assert!(waited < TOO_LONG, "went on for {waited:?}");
}

fn limit(fd: &impl AsFd) {
    option::set_timeout(fd, SO_RCVTIMEO, TIMEOUT).unwrap();
    option::set_timeout(fd, SO_SNDTIMEO, TIMEOUT).unwrap();
}

/// Sends until there is no room.
fn fill(mut send: impl FnMut() -> Result<(), Error>) {
    while send().is_ok() {}
}

/// Receives until there is nothing.
fn empty<T>(mut receive: impl FnMut(&mut [u8], RecvFlags) -> Result<T, Error>) {
    while receive(&mut [0; 4096], RecvFlags::DONTWAIT).is_ok() {}
}

/// Every call is made with and without timeouts on the socket, which are not reached.
fn with_and_without_timeout(fds: &[&dyn AsFd], mut test: impl FnMut()) {
    test();
    for fd in fds {
        option::set_timeout(fd.as_fd(), SO_RCVTIMEO, 60_000_000).unwrap();
        option::set_timeout(fd.as_fd(), SO_SNDTIMEO, 60_000_000).unwrap();
    }
    test();
}

fn streams_go_on() {
    let (a, b) = Stream::pair().unwrap();
    let mut buffer = [0; 8];
    with_and_without_timeout(&[&a, &b], || {
        let send = || assert_eq!(a.send(b"x"), Ok(1));
        assert_eq!(goes_on(send, || b.recv(&mut buffer)), 1);
        let mut room = AncillaryBuffer::new(1);
        assert_eq!(goes_on(send, || b.recv_with(&mut buffer, &mut room)).bytes, 1);
        let peek = || b.recv_with_flags(&mut [0; 1], RecvFlags::PEEK);
        assert_eq!(goes_on(send, peek), 1);
        let full = || fill(|| a.send_with_flags(&[0; 512], SendFlags::DONTWAIT).map(drop));
        let drain = || {
            empty(|buffer, flags| match b.recv_with_flags(buffer, flags) {
                Ok(0) => unreachable!(),
                other => other,
            })
        };
        full();
        assert_eq!(goes_on(drain, || a.send(b"x")), 1);
        drain();
        full();
        assert_eq!(goes_on(drain, || a.send_with(b"x", &Ancillary::NONE)), 1);
        drain();
    });
}

fn packets_go_on() {
    let (a, b) = SeqPacket::pair().unwrap();
    let mut buffer = [0; 8];
    with_and_without_timeout(&[&a, &b], || {
        for message in [&b"xy"[..], b""] {
            let send = || a.send(message).unwrap();
            let received = goes_on(send, || b.recv(&mut buffer));
            assert_eq!((received.bytes, received.end_of_file), (message.len(), false));
            let mut room = AncillaryBuffer::new(1);
            let received = goes_on(send, || b.recv_with(&mut buffer, &mut room));
            assert_eq!((received.bytes, received.end_of_file), (message.len(), false));
        }
        let full = || fill(|| a.send_with_flags(b"x", SendFlags::DONTWAIT));
        let drain = || empty(|buffer, flags| b.recv_with_flags(buffer, flags));
        full();
        goes_on(drain, || a.send(b"x"));
        drain();
        full();
        goes_on(drain, || a.send_with(b"x", &Ancillary::NONE));
        drain();
    });
    assert!(
        goes_on(
            || socket::shutdown(&a, socket::Shutdown::Both).unwrap(),
            || { b.recv(&mut buffer) }
        )
        .end_of_file
    );
}

fn datagrams_go_on() {
    let receiver = Datagram::bind(&Address::Unnamed).unwrap();
    let address = receiver.local_addr().unwrap();
    let sender = Datagram::unbound().unwrap();
    let mut buffer = [0; 8];
    let mut room = AncillaryBuffer::new(1);
    with_and_without_timeout(&[&sender, &receiver], || {
        let send = || sender.send_to(b"x", &address).unwrap();
        assert_eq!(goes_on(send, || receiver.recv(&mut buffer)).bytes, 1);
        assert_eq!(goes_on(send, || receiver.recv_from(&mut buffer)).0.bytes, 1);
        let with = || receiver.recv_with(&mut [0; 8], &mut room);
        assert_eq!(goes_on(send, with).0.bytes, 1);
        let drain = || empty(|buffer, flags| receiver.recv_with_flags(buffer, flags));
        let to = |flags| {
            let none = Ancillary::NONE;
            sender.send_message_to(&[std::io::IoSlice::new(b"x")], &address, &none, flags)
        };
        fill(|| to(SendFlags::DONTWAIT));
        goes_on(drain, || sender.send_to(b"x", &address));
        drain();
        fill(|| to(SendFlags::DONTWAIT));
        goes_on(drain, || to(SendFlags::NONE));
        drain();
        sender.connect(&address).unwrap();
        fill(|| sender.send_with_flags(b"x", SendFlags::DONTWAIT));
        goes_on(drain, || sender.send(b"x"));
        drain();
    });
}

fn listeners_go_on() {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let packets = SeqPacketListener::bind(&Address::Unnamed).unwrap();
    let names = (listener.local_addr().unwrap(), packets.local_addr().unwrap());
    with_and_without_timeout(&[&listener, &packets], || {
        goes_on(|| drop(Stream::connect(&names.0).unwrap()), || listener.accept());
        goes_on(|| drop(SeqPacket::connect(&names.1).unwrap()), || packets.accept());
    });
}

/// A listener with one connection in its queue, and no room for another.
fn full() -> (Listener, Address, Stream) {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    socket::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let first = Stream::connect(&address).unwrap();
    (listener, address, first)
}

fn connects_go_on() {
    let (listener, address, _first) = full();
    for timeout in [None, Some(Duration::from_secs(60))] {
        let take = || drop(listener.accept().unwrap());
        let client = goes_on(take, || match timeout {
            None => Stream::connect(&address),
            Some(timeout) => Stream::connect_timeout(&address, timeout),
        });
        assert_eq!(client.send(b"x"), Ok(1));
    }
}

fn receives_end_in_time() {
    let (stream, _a) = Stream::pair().unwrap();
    let (packets, _b) = SeqPacket::pair().unwrap();
    let (datagrams, _c) = Datagram::pair().unwrap();
    limit(&stream);
    limit(&packets);
    limit(&datagrams);
    let mut room = AncillaryBuffer::new(1);
    ends_in_time(Call::Recv, || stream.recv(&mut [0; 1]));
    ends_in_time(Call::Recv, || stream.recv_with(&mut [0; 1], &mut room));
    ends_in_time(Call::Recv, || packets.recv(&mut [0; 1]));
    ends_in_time(Call::Recv, || packets.recv_with(&mut [0; 1], &mut room));
    ends_in_time(Call::Recv, || datagrams.recv(&mut [0; 1]));
    ends_in_time(Call::Recv, || datagrams.recv_from(&mut [0; 1]));
    ends_in_time(Call::Recv, || datagrams.recv_with(&mut [0; 1], &mut room));
}

fn sends_end_in_time() {
    let (stream, _a) = Stream::pair().unwrap();
    let (packets, _b) = SeqPacket::pair().unwrap();
    limit(&stream);
    limit(&packets);
    fill(|| stream.send_with_flags(&[0; 512], SendFlags::DONTWAIT).map(drop));
    fill(|| packets.send_with_flags(b"x", SendFlags::DONTWAIT));
    ends_in_time(Call::Send, || stream.send(b"x"));
    ends_in_time(Call::Send, || stream.send_with(b"x", &Ancillary::NONE));
    ends_in_time(Call::Send, || packets.send(b"x"));
    let receiver = Datagram::bind(&Address::Unnamed).unwrap();
    let address = receiver.local_addr().unwrap();
    let connected = Datagram::unbound().unwrap();
    connected.connect(&address).unwrap();
    limit(&connected);
    fill(|| connected.send_with_flags(b"x", SendFlags::DONTWAIT));
    ends_in_time(Call::Send, || connected.send(b"x"));
    // This one is told that it can send all the time.
    let unconnected = Datagram::unbound().unwrap();
    limit(&unconnected);
    ends_in_time(Call::Send, || unconnected.send_to(b"x", &address));
}

fn accepts_end_in_time() {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let packets = SeqPacketListener::bind(&Address::Unnamed).unwrap();
    limit(&listener);
    limit(&packets);
    ends_in_time(Call::Accept, || listener.accept());
    ends_in_time(Call::Accept, || packets.accept());
}

fn connects_end_in_time() {
    let (_listener, address, _first) = full();
    let timeout = Duration::from_micros(TIMEOUT);
    ends_in_time(Call::Connect, || Stream::connect_timeout(&address, timeout));
}

fn nothing_is_lost_in_a_storm() {
    let (a, b) = SeqPacket::pair().unwrap();
    let child = fork(|| {
        let _alarm = Alarm::every(Duration::from_micros(300), false).unwrap();
        for number in 0..20_000u32 {
            a.send(&number.to_ne_bytes()).unwrap();
        }
        0
    })
    .unwrap();
    let alarm = Alarm::every(Duration::from_micros(700), false).unwrap();
    for number in 0..20_000u32 {
        let mut bytes = [0; 8];
        let received = b.recv(&mut bytes).unwrap();
        assert_eq!((received.bytes, &bytes[..4]), (4, &number.to_ne_bytes()[..]));
    }
    drop(alarm);
    assert_eq!(child.wait(), Ok(End::Exited(0)));
}

fn empty_messages_are_not_lost() {
    let (a, b) = Datagram::pair().unwrap();
    let _alarm = Alarm::every(Duration::from_micros(100), false).unwrap();
    for _ in 0..20_000 {
        a.send(b"").unwrap();
        a.send(b"").unwrap();
        let received = [0; 2].map(|_| b.recv_with_flags(&mut [0; 1], RecvFlags::DONTWAIT));
        assert!(received.iter().all(Result::is_ok), "{received:?}");
    }
}
