//! Descriptors, credentials and the rest beside the bytes, on real sockets.

mod watched;

use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use sunpath::{
    Ancillary, AncillaryBuffer, Credentials, Datagram, Errno, Error, MOST_DESCRIPTORS, Received,
    RecvFlags, SendFlags, SeqPacket, Stream, Suspect,
};
use watched::{is_closed, watched};

/// The two ends of a connection of any type, for what is the same for all of them.
trait Ends: Sized {
    fn ends() -> (Self, Self);
    fn options(&self) -> sunpath::SockOpt<'_>;
    fn give(&self, bytes: &[u8], ancillary: &Ancillary<'_>) -> Result<(), Error>;
    fn get(&self, bytes: &mut [u8], room: &mut AncillaryBuffer) -> Result<Received, Error>;
}

macro_rules! ends {
    ($name:ident, $received:expr) => {
        impl Ends for $name {
            fn ends() -> (Self, Self) {
                let (a, b) = $name::pair().unwrap();
                b.sockopt().set_pass_rights(true).unwrap();
                (a, b)
            }
            fn options(&self) -> sunpath::SockOpt<'_> {
                self.sockopt()
            }
            fn give(&self, bytes: &[u8], ancillary: &Ancillary<'_>) -> Result<(), Error> {
                self.send_with(bytes, ancillary).map(drop)
            }
            fn get(&self, to: &mut [u8], room: &mut AncillaryBuffer) -> Result<Received, Error> {
                self.recv_with(to, room).map($received)
            }
        }
    };
}

ends!(Stream, |received| received);
ends!(SeqPacket, |received| received);
ends!(Datagram, |(received, _)| received);

fn null() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

fn descriptors_travel_with<T: Ends>() {
    let (a, b) = T::ends();
    let mut room = AncillaryBuffer::new(MOST_DESCRIPTORS);
    let file = null();
    for count in [1, 2, 9, 64, MOST_DESCRIPTORS] {
        let fds = vec![file.as_fd(); count];
        a.give(b"hello", &Ancillary::descriptors(&fds)).unwrap();
        let received = b.get(&mut [0; 9], &mut room).unwrap();
        assert_eq!((received.bytes, received.ancillary_truncated), (5, false));
        assert_eq!((room.descriptors().len(), room.truncation()), (count, None));
        for fd in room.take_descriptors() {
            let flags = rustix::io::fcntl_getfd(&fd).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        }
        assert!(room.descriptors().is_empty());
    }
}

#[test]
fn descriptors_travel_with_messages_of_every_type() {
    descriptors_travel_with::<Stream>();
    descriptors_travel_with::<SeqPacket>();
    descriptors_travel_with::<Datagram>();
}

fn limits_are_errors<T: Ends>() {
    let (a, b) = T::ends();
    let file = null();
    let too_many = vec![file.as_fd(); MOST_DESCRIPTORS + 1];
    let error = a.give(b"x", &Ancillary::descriptors(&too_many)).unwrap_err();
    assert_eq!(error.cause(), Some("rights/too-many"));
    let text = "send: 254 descriptors are more than the 253 that one message carries (EINVAL)";
    assert_eq!(error.to_string(), text);
    assert_eq!(error.why().causes[0].cause.id, "rights/too-many");
    // Nothing of it arrived.
    a.give(b"after", &Ancillary::NONE).unwrap();
    assert_eq!(b.get(&mut [0; 9], &mut AncillaryBuffer::new(1)).unwrap().bytes, 5);
}

#[test]
fn too_many_descriptors_are_an_error_before_the_call() {
    limits_are_errors::<Stream>();
    limits_are_errors::<SeqPacket>();
    limits_are_errors::<Datagram>();
}

#[test]
fn descriptors_need_a_byte_on_a_stream_only() {
    let (a, b) = Stream::ends();
    let file = null();
    let one = [file.as_fd()];
    let beside = Ancillary::descriptors(&one);
    for buffers in [&[][..], &[IoSlice::new(b"")], &[IoSlice::new(b""), IoSlice::new(b"")]] {
        let error = a.send_message(buffers, &beside, SendFlags::NONE).unwrap_err();
        assert_eq!(error.cause(), Some("rights/dropped-with-empty-send"));
        assert_eq!(error.why().causes[0].cause.id, "rights/dropped-with-empty-send");
    }
    let gathered = [IoSlice::new(b""), IoSlice::new(b"x")];
    assert_eq!(a.send_message(&gathered, &beside, SendFlags::NONE).unwrap(), 1);
    let mut room = AncillaryBuffer::new(1);
    assert_eq!(b.get(&mut [0; 9], &mut room).unwrap().bytes, 1);
    assert_eq!(room.descriptors().len(), 1);
    let (c, d) = SeqPacket::ends();
    c.give(b"", &beside).unwrap();
    let received = d.get(&mut [0; 9], &mut room).unwrap();
    assert_eq!((received.bytes, received.end_of_file, room.descriptors().len()), (0, false, 1));
}

fn refuses<T: Ends>(certain: bool) {
    let (a, b) = T::ends();
    b.options().set_pass_rights(false).unwrap();
    if b.options().pass_rights() != Ok(false) {
        return eprintln!("skipped: SO_PASSRIGHTS came with Linux 6.16");
    }
    let (reader, writer) = watched();
    let error = a.give(b"x", &Ancillary::descriptors(&[writer.as_fd()])).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EPERM));
    assert_eq!(error.cause(), certain.then_some("rights/refused-by-receiver"));
    let ids: Vec<_> = error.why().causes.iter().map(|ranked| ranked.cause.id).collect();
    assert!(ids.contains(&"rights/refused-by-receiver"), "{ids:?}");
    drop(writer);
    assert!(is_closed(&reader));
    a.give(b"x", &Ancillary::NONE).unwrap();
    assert_eq!(b.get(&mut [0; 9], &mut AncillaryBuffer::new(1)).unwrap().bytes, 1);
}

#[test]
fn a_receiver_that_did_not_ask_refuses_descriptors() {
    refuses::<Stream>(true);
    refuses::<SeqPacket>(true);
    refuses::<Datagram>(false);
}

#[test]
fn what_cannot_be_passed_is_named() {
    let (a, b) = Stream::ends();
    let path = rustix::fs::open("/", rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
    a.give(b"x", &Ancillary::descriptors(&[path.as_fd(), a.as_fd()])).unwrap();
    let mut room = AncillaryBuffer::new(2);
    b.get(&mut [0; 1], &mut room).unwrap();
    assert_eq!(room.descriptors().len(), 2);
    let ring = match sunpath::sys::probe::ring() {
        Ok(ring) => ring,
        Err(errno) => return eprintln!("skipped: io_uring: {errno}"),
    };
    let error = a.give(b"x", &Ancillary::descriptors(&[a.as_fd(), ring.as_fd()])).unwrap_err();
    assert_eq!(error.cause(), Some("rights/not-passable"));
    assert!(error.to_string().contains("is an io_uring instance (EINVAL)"), "{error}");
    assert_eq!(error.why().causes[0].cause.id, "rights/not-passable");
}

#[test]
fn three_descriptors_into_room_for_one() {
    let (a, b) = SeqPacket::ends();
    let pipes = [watched(), watched(), watched()];
    let fds: Vec<BorrowedFd<'_>> = pipes.iter().map(|(_, writer)| writer.as_fd()).collect();
    a.give(b"data", &Ancillary::descriptors(&fds)).unwrap();
    let readers = pipes.map(|(reader, _writer)| reader);
    let mut room = AncillaryBuffer::new(1);
    let mut bytes = [0; 9];
    let received = b.get(&mut bytes, &mut room).unwrap();
    assert_eq!(&bytes[..received.bytes], b"data");
    assert!(received.ancillary_truncated);
    let truncation = room.truncation().unwrap();
    assert_eq!((truncation.room, truncation.received), (1, 1));
    assert_eq!(truncation.suspects, [Suspect::Buffer]);
    assert_eq!(truncation.cause(), "recv/descriptors-truncated");
    let text = truncation.to_string();
    assert!(text.starts_with("ancillary data was dropped: 1 descriptor came, of room for 1; "));
    assert!(text.ends_with("; the ancillary buffer is too small"), "{text}");
    // The others are closed already, the first one when nobody took it.
    assert_eq!(readers.each_ref().map(is_closed), [false, true, true]);
    a.give(b"", &Ancillary::NONE).unwrap();
    b.get(&mut bytes, &mut room).unwrap();
    assert_eq!((is_closed(&readers[0]), room.truncation()), (true, None));
}

#[test]
fn what_nobody_takes_is_closed() {
    let (a, b) = Datagram::ends();
    let mut room = AncillaryBuffer::new(2);
    let send = || {
        let (first, second) = (watched(), watched());
        let fds = [first.1.as_fd(), second.1.as_fd()];
        a.give(b"x", &Ancillary::descriptors(&fds)).unwrap();
        [first.0, second.0]
    };
    let readers = send();
    b.get(&mut [0; 1], &mut room).unwrap();
    let taken = room.take_descriptors().next().unwrap();
    assert_eq!(readers.each_ref().map(is_closed), [false, true]);
    let later = send();
    b.get(&mut [0; 1], &mut room).unwrap();
    drop(room);
    assert!(later.iter().all(is_closed) && !is_closed(&readers[0]));
    drop(taken);
    assert!(is_closed(&readers[0]));
    // A receive without room for anything.
    let readers = send();
    let received = b.get(&mut [0; 1], &mut AncillaryBuffer::default()).unwrap();
    assert!(received.ancillary_truncated && readers.iter().all(is_closed));
}

#[test]
fn credentials_and_pidfd_are_typed() {
    let (a, b) = SeqPacket::ends();
    let mut room = AncillaryBuffer::new(0);
    a.give(b"x", &Ancillary::NONE).unwrap();
    b.get(&mut [0; 1], &mut room).unwrap();
    assert!(room.credentials().is_none() && room.pidfd().is_none());
    b.sockopt().set_pass_credentials(true).unwrap();
    let pidfd = b.sockopt().set_pass_pidfd(true).is_ok();
    let own = Credentials::current();
    a.give(b"x", &Ancillary::NONE.with_credentials(own)).unwrap();
    let received = b.get(&mut [0; 1], &mut room).unwrap();
    assert_eq!((room.credentials(), received.ancillary_truncated), (Some(own), false));
    assert_eq!((room.pidfd().is_some(), room.take_pidfd().is_some()), (pidfd, pidfd));
    assert!(room.pidfd().is_none() && room.unknown().next().is_none());
    let nobody = Credentials { pid: own.pid + 1, ..own };
    if !rustix::process::geteuid().is_root() {
        let error = a.give(b"x", &Ancillary::NONE.with_credentials(nobody)).unwrap_err();
        assert_eq!((error.errno(), error.cause()), (Some(Errno::EPERM), None));
    }
}

#[test]
fn all_at_once_has_room() {
    let (a, b) = Stream::ends();
    b.sockopt().set_pass_credentials(true).unwrap();
    let pidfd = b.sockopt().set_pass_pidfd(true).is_ok();
    let inq = b.sockopt().set_inq(true).is_ok();
    let file = null();
    let most = vec![file.as_fd(); MOST_DESCRIPTORS];
    let all = Ancillary::descriptors(&most).with_credentials(Credentials::current());
    a.give(b"hello", &all).unwrap();
    let mut room = AncillaryBuffer::for_socket(&b, MOST_DESCRIPTORS);
    let received = b.get(&mut [0; 2], &mut room).unwrap();
    assert_eq!((received.bytes, room.truncation()), (2, None));
    assert_eq!(room.take_descriptors().count(), MOST_DESCRIPTORS);
    assert!(room.credentials().is_some());
    assert_eq!((room.pidfd().is_some(), room.unread()), (pidfd, inq.then_some(3)));
    assert_eq!(room.security_label(), None);
}

#[test]
fn unknown_types_are_shown_as_they_come() {
    let (a, b) = Datagram::ends();
    let nanoseconds = sunpath::sys::libc::SO_TIMESTAMPNS;
    sunpath::sys::option::set_switch(&b, nanoseconds, true).unwrap();
    a.give(b"x", &Ancillary::NONE).unwrap();
    let mut room = AncillaryBuffer::new(1);
    let received = b.get(&mut [0; 1], &mut room).unwrap();
    assert!(!received.ancillary_truncated);
    let unknown: Vec<_> = room.unknown().map(|(_, kind, payload)| (kind, payload.len())).collect();
    assert_eq!(unknown, [(sunpath::sys::libc::SCM_TIMESTAMPNS, 16)]);
}

/// Reads into this much room, and tells the bytes and how many descriptors came.
fn read(socket: &Stream, length: usize) -> (Vec<u8>, usize) {
    let (mut bytes, mut room) = (vec![0; length], AncillaryBuffer::new(9));
    let flags = RecvFlags::DONTWAIT;
    let received = socket.recv_message(&mut [IoSliceMut::new(&mut bytes)], &mut room, flags);
    bytes.truncate(received.unwrap().bytes);
    (bytes, room.take_descriptors().count())
}

#[test]
fn bytes_and_descriptors_line_up_on_a_stream() {
    let (a, b) = Stream::ends();
    let file = null();
    let fds = [file.as_fd(); 3];
    let plain = |bytes: &[u8]| a.give(bytes, &Ancillary::NONE).unwrap();
    let with = |bytes: &[u8], count| a.give(bytes, &Ancillary::descriptors(&fds[..count])).unwrap();
    // Earlier bytes are before them, later ones are not behind them.
    plain(b"aa");
    with(b"BB", 1);
    plain(b"cc");
    assert_eq!(read(&b, 9), (b"aaBB".to_vec(), 1));
    assert_eq!(read(&b, 9), (b"cc".to_vec(), 0));
    // Those of two writes never come together.
    with(b"DD", 1);
    with(b"EE", 2);
    assert_eq!(read(&b, 9), (b"DD".to_vec(), 1));
    assert_eq!(read(&b, 9), (b"EE".to_vec(), 2));
    // They come with the first byte.
    with(b"FFF", 3);
    assert_eq!(read(&b, 1), (b"F".to_vec(), 3));
    assert_eq!(read(&b, 9), (b"FF".to_vec(), 0));
    plain(b"g");
    with(b"HH", 1);
    assert_eq!(read(&b, 1), (b"g".to_vec(), 0));
    assert_eq!(read(&b, 1), (b"H".to_vec(), 1));
    assert_eq!(read(&b, 1), (b"H".to_vec(), 0));
}

#[test]
fn a_peek_duplicates_descriptors() {
    let (a, b) = Stream::ends();
    let (reader, writer) = watched();
    a.give(b"x", &Ancillary::descriptors(&[writer.as_fd()])).unwrap();
    drop(writer);
    let mut room = AncillaryBuffer::new(1);
    for flags in [RecvFlags::PEEK, RecvFlags::PEEK, RecvFlags::NONE] {
        let mut byte = [0; 1];
        b.recv_message(&mut [IoSliceMut::new(&mut byte)], &mut room, flags).unwrap();
        assert_eq!(room.descriptors().len(), 1);
    }
    assert!(!is_closed(&reader));
    drop(room);
    assert!(is_closed(&reader));
}

#[test]
fn what_was_not_recorded_is_not_of_user_nobody() {
    let (a, b) = Datagram::pair().unwrap();
    a.send(b"x").unwrap();
    b.sockopt().set_pass_credentials(true).unwrap();
    let mut room = AncillaryBuffer::new(0);
    b.recv_with(&mut [0; 1], &mut room).unwrap();
    let sender = room.credentials().expect("the option is on");
    assert_eq!((sender.pid, sender.user(), sender.group()), (0, None, None), "{sender:?}");
}
