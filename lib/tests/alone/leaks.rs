//! Whatever fails, no descriptor is left open.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use sunpath::sys::control::{CONTROL_ROOM, Writer};
use sunpath::sys::message::{self, Inbox};
use sunpath::sys::netlink::{Netlink, SOCK_DIAG};
use sunpath::sys::option::{self, SO_PASSPIDFD};
use sunpath::sys::probe::{self, Memory};
use sunpath::sys::process::limit_descriptors;
use sunpath::sys::socket::{RecvFlags, SendFlags, SocketFlags, socketpair};
use sunpath::{Address, Call, Error, Listener, SocketType, Stream};

crate::tests! {
    failing_sockets
    diagnoses
    streams_close_descriptors_that_arrive
    messages_close_what_nobody_takes
    probes
}

pub fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Runs it often enough for a leak to show.
#[track_caller]
pub fn leaves_nothing(mut action: impl FnMut()) {
    action();
    let before = open_descriptors();
    (0..20).for_each(|_| action());
    assert_eq!(open_descriptors(), before);
}

fn failing_sockets() {
    leaves_nothing(|| {
        Stream::connect("/nonexistent/server").unwrap_err();
        Stream::connect("/").unwrap_err();
        Stream::connect("").unwrap_err();
        Listener::bind("/").unwrap_err();
        Listener::bind("/nonexistent/server").unwrap_err();
        Netlink::open(SOCK_DIAG, 1 << 18).unwrap();
    });
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let address = listener.local_addr().unwrap();
    let _client = Stream::connect(&address).unwrap();
    let lowest_free = File::open("/dev/null").unwrap().as_raw_fd().cast_unsigned().into();
    limit_descriptors(lowest_free).unwrap();
    assert_eq!(listener.accept().unwrap_err().raw_os_error(), libc::EMFILE);
    limit_descriptors(lowest_free + 1).unwrap();
    listener.accept().unwrap();
}

fn diagnoses() {
    let (a, b) = Stream::pair().unwrap();
    (&a).write_all(b"unread").unwrap();
    drop(b);
    let name = Address::Abstract(b"sunpath-leaks-nobody".to_vec());
    leaves_nothing(|| {
        Stream::connect("/nonexistent/server").unwrap_err().why();
        Stream::connect("/dev/null").unwrap_err().why();
        Stream::connect(&name).unwrap_err().why();
        Listener::bind("/").unwrap_err().why();
        let error = (&a).write(b"x").unwrap_err();
        Error::try_from(error).unwrap().why_on(&a);
    });
}

fn streams_close_descriptors_that_arrive() {
    let (a, mut b) = Stream::pair().unwrap();
    b.sockopt().set_pass_rights(true).ok();
    leaves_nothing(|| {
        let mut room = [0; 64];
        let mut control = Writer::new(&mut room);
        control.rights(&[a.as_fd(), a.as_fd()]).unwrap();
        let control = control.into_bytes();
        let send =
            || message::sendmsg(&a, None, &[IoSlice::new(b"x")], control, SendFlags::empty());
        send().unwrap();
        assert_eq!(b.read(&mut [0; 9]).unwrap(), 1);
        send().unwrap();
        let mut byte = [0; 1];
        assert_eq!(b.read_vectored(&mut [IoSliceMut::new(&mut byte)]).unwrap(), 1);
    });
    drop(b);
    (&a).write(b"x").unwrap_err();
}

fn messages_close_what_nobody_takes() {
    let (a, b) = socketpair(SocketType::Datagram, SocketFlags::empty()).unwrap();
    let pidfd = option::set_switch(&b, SO_PASSPIDFD, true);
    if let Err(errno) = pidfd {
        eprintln!("no SO_PASSPIDFD here: {errno}");
    }
    let mut room = [0; 64];
    let mut control = Writer::new(&mut room);
    control.rights(&[a.as_fd(), b.as_fd(), a.as_fd()]).unwrap();
    let control = control.into_bytes();
    for room in (0..160).chain([CONTROL_ROOM]) {
        leaves_nothing(|| {
            let data = [IoSlice::new(b"x")];
            message::sendmsg(&a, None, &data, control, SendFlags::empty()).unwrap();
            for most in [0, 2, 9] {
                let mut inbox = Inbox::new(room, most);
                let peek = if most < 9 { RecvFlags::PEEK } else { RecvFlags::empty() };
                message::recvmsg(&b, None, &mut [], &mut inbox, peek).unwrap();
            }
        });
    }
}

fn probes() {
    let (a, _b) = socketpair(SocketType::Stream, SocketFlags::empty()).unwrap();
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let address = listener.local_addr().unwrap();
    leaves_nothing(|| {
        for call in Call::ALL {
            let _ = probe::plain(*call, -1);
        }
        probe::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, false).unwrap();
        probe::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, true).unwrap_err();
        probe::recv(a.as_raw_fd(), Memory::Bad, 1, 0).unwrap_err();
        let _client = Stream::connect(&address).unwrap();
        let bad = Some((Memory::Bad, 110));
        probe::accept(listener.as_raw_fd(), 0, bad).unwrap_err();
    });
}
