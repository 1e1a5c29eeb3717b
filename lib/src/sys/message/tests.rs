use super::*;
use crate::sys::control::{CONTROL_ROOM, SCM_PIDFD, Writer};
use crate::sys::option::{self, SO_PASSPIDFD};
use crate::sys::socket::{SocketFlags, bind, getsockname, recv, socketpair};
use std::os::fd::{AsRawFd, BorrowedFd};
use sunpath_core::{Address, SocketType};

fn pair(kind: SocketType) -> (OwnedFd, OwnedFd) {
    socketpair(kind, SocketFlags::empty()).unwrap()
}

fn receive(fd: &OwnedFd, length: usize, inbox: &mut Inbox) -> Arrival {
    let mut bytes = vec![0; length];
    let flags = RecvFlags::DONTWAIT;
    recvmsg(fd, None, &mut [IoSliceMut::new(&mut bytes)], inbox, flags).unwrap()
}

fn send(fd: &OwnedFd, bytes: &[u8], control: &[u8]) -> Result<usize> {
    sendmsg(fd, None, &[IoSlice::new(bytes)], control, SendFlags::DONTWAIT)
}

fn rights(groups: &[&[BorrowedFd<'_>]]) -> Vec<u8> {
    let mut room = [0; CONTROL_ROOM];
    let mut writer = Writer::new(&mut room);
    for group in groups {
        writer.rights(group).unwrap();
    }
    writer.into_bytes().to_vec()
}

#[test]
fn descriptors_arrive_owned_and_close_on_exec() {
    for kind in [SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket] {
        let (a, b) = pair(kind);
        let (x, y) = pair(SocketType::Stream);
        let control = rights(&[&[x.as_fd()], &[y.as_fd(), a.as_fd()]]);
        assert_eq!(send(&a, b"hi", &control), Ok(2));
        let mut inbox = Inbox::new(CONTROL_ROOM, 253);
        let arrival = receive(&b, 9, &mut inbox);
        assert_eq!((arrival.bytes, inbox.descriptors().len()), (2, 3));
        assert!(!arrival.truncated && !arrival.control_truncated && !inbox.lost_some());
        for fd in inbox.descriptors() {
            let flags = rustix::io::fcntl_getfd(fd).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        }
    }
}

#[test]
fn what_does_not_fit_is_reported() {
    let (a, b) = pair(SocketType::Datagram);
    let control = rights(&[&[a.as_fd(), a.as_fd(), a.as_fd()]]);
    send(&a, b"hello", &control).unwrap();
    let mut inbox = Inbox::new(control::HEADER + 4, 253);
    let arrival = receive(&b, 2, &mut inbox);
    assert!(arrival.truncated && arrival.control_truncated && inbox.is_full());
    assert_eq!((inbox.arrived(), inbox.surplus()), (1, 0));
    send(&a, b"hello", &control).unwrap();
    let mut none = Inbox::default();
    assert!(receive(&b, 9, &mut none).control_truncated && none.lost_some());
    assert!(none.descriptors().is_empty());
}

#[test]
fn more_than_are_wanted_are_closed_and_counted() {
    let (a, b) = pair(SocketType::SeqPacket);
    let control = rights(&[&[a.as_fd(), b.as_fd(), a.as_fd()]]);
    send(&a, b"x", &control).unwrap();
    let mut inbox = Inbox::new(CONTROL_ROOM, 1);
    let arrival = receive(&b, 1, &mut inbox);
    assert!(!arrival.control_truncated && inbox.lost_some() && !inbox.kernel_stopped());
    assert_eq!((inbox.arrived(), inbox.surplus()), (1, 2));
    assert_eq!(inbox.take_descriptors().count(), 1);
    assert_eq!((inbox.arrived(), inbox.descriptors().len()), (1, 0));
    inbox.clear();
    assert!(!inbox.lost_some());
}

#[test]
fn credentials_and_pidfd_arrive() {
    let (a, b) = pair(SocketType::SeqPacket);
    option::set_switch(&b, libc::SO_PASSCRED, true).unwrap();
    let pidfd = option::set_switch(&b, SO_PASSPIDFD, true).is_ok();
    send(&a, b"x", &[]).unwrap();
    let mut inbox = Inbox::new(CONTROL_ROOM, 0);
    receive(&b, 1, &mut inbox);
    let pid = inbox.credentials().unwrap().pid;
    assert_eq!(pid.cast_unsigned(), std::process::id());
    assert_eq!(inbox.pidfd().is_some(), pidfd);
    assert_eq!(inbox.take_pidfd().is_some(), pidfd);
    assert!(inbox.pidfd().is_none() && !inbox.lost_some());
}

/// With room for a time stamp alone, only what else was dropped counts as dropped.
#[test]
fn a_time_stamp_has_room_where_it_is_expected() {
    let (a, b) = pair(SocketType::SeqPacket);
    option::set_switch(&b, libc::SO_TIMESTAMP, true).unwrap();
    let mut inbox = Inbox::default();
    send(&a, b"", &[]).unwrap();
    assert!(receive(&b, 1, &mut inbox).control_truncated);
    inbox.expect_mark(true);
    send(&a, b"", &[]).unwrap();
    assert!(!receive(&b, 1, &mut inbox).control_truncated && inbox.has_some());
    send(&a, b"", &rights(&[&[a.as_fd()]])).unwrap();
    assert!(receive(&b, 1, &mut inbox).control_truncated && inbox.has_some());
    drop(a);
    assert_eq!(receive(&b, 1, &mut inbox), Arrival::default());
    assert!(!inbox.has_some() && inbox.unknown().next().is_none());
}

#[test]
fn false_credentials_are_refused() {
    let (a, _b) = pair(SocketType::Stream);
    let mut room = [0; 64];
    let mut writer = Writer::new(&mut room);
    writer.raw(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &[0; 8]).unwrap();
    assert_eq!(send(&a, b"x", writer.into_bytes()), Err(Errno::INVAL));
}

#[test]
fn the_name_of_the_sender_arrives_and_is_a_destination() {
    let (a, b) = pair(SocketType::Datagram);
    let named = |expected: Option<Address>| {
        let (mut from, mut byte) = (Name::room(), [0; 1]);
        let buffers = &mut [IoSliceMut::new(&mut byte)];
        let mut none = Inbox::default();
        recvmsg(&b, Some(&mut from), buffers, &mut none, RecvFlags::DONTWAIT).unwrap();
        assert_eq!(from.address(), expected);
    };
    send(&a, b"x", &[]).unwrap();
    named(Some(Address::Unnamed));
    bind(&a, &Name::new(&Address::Unnamed).unwrap()).unwrap();
    let name = getsockname(&a).unwrap();
    send(&a, b"x", &[]).unwrap();
    named(name.address());
    let sent = sendmsg(&b, Some(&name), &[IoSlice::new(b"y")], &[], SendFlags::empty());
    assert_eq!(sent, Ok(1));
    assert_eq!(recv(&a, &mut [0; 3], RecvFlags::DONTWAIT), Ok(1));
}

/// As if the kernel had written these bytes.
fn deliver(inbox: &mut Inbox, control: &[u8]) {
    inbox.clear();
    inbox.room()[..control.len()].copy_from_slice(control);
    // SAFETY: the tests put only descriptors into the bytes that they have let go of.
    unsafe { inbox.take(control.len(), false) };
}

/// A descriptor of its own, as a number.
fn fresh() -> [u8; 4] {
    let file = std::fs::File::open("/dev/null").unwrap();
    std::os::fd::IntoRawFd::into_raw_fd(file).to_ne_bytes()
}

fn is_open(number: [u8; 4]) -> bool {
    std::fs::exists(format!("/proc/self/fd/{}", c_int::from_ne_bytes(number))).unwrap()
}

#[test]
fn every_number_of_the_types_that_carry_descriptors_is_owned() {
    let mut room = [0; 256];
    let mut writer = Writer::new(&mut room);
    let numbers = [fresh(), fresh(), fresh(), fresh(), fresh()];
    writer.raw(libc::SOL_SOCKET, libc::SCM_RIGHTS, numbers[..2].as_flattened()).unwrap();
    writer.raw(libc::SOL_SOCKET, SCM_PIDFD, numbers[2..4].as_flattened()).unwrap();
    writer.raw(libc::SOL_SOCKET, SCM_PIDFD, &(-libc::EMFILE).to_ne_bytes()).unwrap();
    writer.raw(libc::SOL_SOCKET, libc::SCM_RIGHTS, &numbers[4]).unwrap();
    let control = writer.into_bytes();
    let mut inbox = Inbox::new(256, 2);
    deliver(&mut inbox, control);
    let held: Vec<_> = inbox.descriptors().iter().map(|fd| fd.as_raw_fd().to_ne_bytes()).collect();
    assert_eq!((held, inbox.surplus()), (numbers[..2].to_vec(), 1));
    assert_eq!(inbox.pidfd().unwrap().as_raw_fd().to_ne_bytes(), numbers[3]);
    assert_eq!(inbox.pidfd_failed(), Some(Errno::MFILE));
    assert!(inbox.kernel_stopped());
    drop(inbox);
}

#[test]
fn unknown_types_are_shown_and_their_numbers_left_alone() {
    let file = fresh();
    let mut room = [0; 256];
    let mut writer = Writer::new(&mut room);
    writer.raw(libc::SOL_SOCKET, 4077, &file).unwrap();
    writer.raw(libc::SOL_IP, libc::SCM_RIGHTS, &file).unwrap();
    let control = writer.into_bytes();
    let mut inbox = Inbox::new(256, 9);
    deliver(&mut inbox, control);
    let unknown: Vec<_> = inbox.unknown().collect();
    let rights = (libc::SOL_IP, libc::SCM_RIGHTS, &file[..]);
    assert_eq!(unknown, [(libc::SOL_SOCKET, 4077, &file[..]), rights]);
    assert_eq!(inbox.arrived(), 0);
    drop(inbox);
    assert!(is_open(file));
    // SAFETY: it was let go of above, and nobody closed it.
    drop(unsafe { OwnedFd::from_raw_fd(c_int::from_ne_bytes(file)) });
}

#[test]
fn labels_and_counts_are_read_in_place() {
    let mut room = [0; 256];
    let mut writer = Writer::new(&mut room);
    writer.raw(libc::SOL_SOCKET, control::SCM_SECURITY, b"unconfined").unwrap();
    writer.raw(libc::SOL_SOCKET, control::SCM_INQ, &7u32.to_ne_bytes()).unwrap();
    let control = writer.into_bytes();
    let mut inbox = Inbox::new(256, 0);
    deliver(&mut inbox, control);
    assert_eq!((inbox.label(), inbox.unread()), (Some(&b"unconfined"[..]), Some(7)));
    inbox.clear();
    assert_eq!((inbox.label(), inbox.unread()), (None, None));
}

#[test]
fn whole_writes_end_where_descriptors_begin() {
    let (a, b) = pair(SocketType::Stream);
    let mut buffer = [0; 64];
    assert_eq!(peek_whole(&b, &mut buffer), Err(Errno::AGAIN));
    send(&a, b"plain", &[]).unwrap();
    send(&a, b" text", &[]).unwrap();
    send(&a, b"beside", &rights(&[&[a.as_fd()]])).unwrap();
    assert_eq!(peek_whole(&b, &mut buffer[..15]), Ok(10));
    assert_eq!(&buffer[..10], b"plain text");
    assert_eq!(peek_whole(&b, &mut buffer[..9]), Ok(5));
    assert_eq!(peek_whole(&b, &mut buffer[..4]), Err(Errno::FAULT));
    recv(&b, &mut buffer[..10], RecvFlags::empty()).unwrap();
    assert_eq!(peek_whole(&b, &mut buffer[..5]), Err(Errno::FAULT), "the write with descriptors");
    let mut inbox = Inbox::new(CONTROL_ROOM, 253);
    assert_eq!(receive(&b, 64, &mut inbox).bytes, 6, "nothing was taken");
    assert_eq!(inbox.descriptors().len(), 1);
}
