//! Signals that come while a call blocks.

use std::io::Read;
use std::time::Duration;
use sunpath::sys::name::Name;
use sunpath::sys::process::{Alarm, Child, End, fork};
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::sys::{Errno, option};
use sunpath::{Address, Listener, SocketType, Stream};

crate::tests! {
    a_call_that_blocks_is_interrupted
    the_kernel_restarts_a_call_if_asked
    a_listener_goes_on_after_a_signal
    a_connect_goes_on_after_a_signal
    a_read_reports_the_signal
    an_alarm_ends_with_its_guard
}

const TICK: Duration = Duration::from_millis(5);
const LATER: Duration = Duration::from_millis(60);

fn listener() -> (Listener, Address) {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A child that does something after many ticks.
pub fn later(action: impl FnOnce()) -> Child {
    fork(|| {
        std::thread::sleep(LATER);
        action();
        0
    })
    .unwrap()
}

fn connect_later(address: &Address) -> Child {
    later(|| drop(Stream::connect(address).unwrap()))
}

fn a_call_that_blocks_is_interrupted() {
    let (listener, _) = listener();
    let _alarm = Alarm::every(TICK, false).unwrap();
    let interrupted = socket::accept(&listener, SocketFlags::empty()).unwrap_err();
    assert_eq!(interrupted, Errno::INTR);
}

fn the_kernel_restarts_a_call_if_asked() {
    let (listener, address) = listener();
    let child = connect_later(&address);
    let alarm = Alarm::every(TICK, true).unwrap();
    socket::accept(&listener, SocketFlags::empty()).unwrap();
    drop(alarm);
    assert_eq!(child.wait(), Ok(End::Exited(0)));
    // With a timeout on the socket it does not.
    option::set_timeout(&listener, libc::SO_RCVTIMEO, 60_000_000).unwrap();
    let _alarm = Alarm::every(TICK, true).unwrap();
    let interrupted = socket::accept(&listener, SocketFlags::empty()).unwrap_err();
    assert_eq!(interrupted, Errno::INTR);
}

fn a_listener_goes_on_after_a_signal() {
    let (listener, address) = listener();
    let child = connect_later(&address);
    let _alarm = Alarm::every(TICK, false).unwrap();
    listener.accept().unwrap();
    assert_eq!(child.wait(), Ok(End::Exited(0)));
}

fn a_connect_goes_on_after_a_signal() {
    let fd = socket::socket(SocketType::Stream, SocketFlags::empty()).unwrap();
    socket::bind(&fd, &Name::new(&Address::Unnamed).unwrap()).unwrap();
    socket::listen(&fd, 0).unwrap();
    let listener = Listener::try_from(fd).unwrap();
    let address = listener.local_addr().unwrap();
    let _first = Stream::connect(&address).unwrap();
    let child = later(|| drop(listener.accept().unwrap()));
    let _alarm = Alarm::every(TICK, false).unwrap();
    let name = Name::new(&address).unwrap();
    let blocked = socket::socket(SocketType::Stream, SocketFlags::empty()).unwrap();
    assert_eq!(socket::connect(&blocked, &name), Err(Errno::INTR));
    assert_eq!(socket::getpeername(&blocked).unwrap_err(), Errno::NOTCONN);
    Stream::connect(&address).unwrap();
    assert_eq!(child.wait(), Ok(End::Exited(0)));
}

fn a_read_reports_the_signal() {
    let (mut a, _b) = Stream::pair().unwrap();
    let _alarm = Alarm::every(TICK, false).unwrap();
    let error = a.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Interrupted);
}

fn an_alarm_ends_with_its_guard() {
    drop(Alarm::every(TICK, false).unwrap());
    // Without a handler a further SIGALRM would kill this process.
    std::thread::sleep(TICK * 4);
}
