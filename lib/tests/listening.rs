//! Listeners: their options from the first connection on, and waiting with a deadline.

mod directory;

use directory::Directory;
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use sunpath::{
    Address, AddressRef, Ancillary, AncillaryBuffer, Errno, Listener, SeqPacketListener, Stream,
};

#[test]
fn options_hold_from_the_first_connection_on() {
    let directory = Directory::new();
    let path = directory.path("name");
    let listener = Listener::options()
        .backlog(1)
        .nonblocking(true)
        .pass_rights(true)
        .pass_credentials(true)
        .bind(&path)
        .unwrap();
    assert_eq!(listener.accept().unwrap_err().errno(), Some(Errno::EAGAIN));
    let client = Stream::connect(&path).unwrap();
    let fds = [std::os::fd::AsFd::as_fd(&listener)];
    client.send_with(b"x", &Ancillary::descriptors(&fds)).unwrap();
    let _second = Stream::connect(&path).unwrap();
    let late = Instant::now() + Duration::from_millis(20);
    assert_eq!(Stream::connect_until(&path, late).unwrap_err().errno(), Some(Errno::EAGAIN));
    let server = listener.accept().unwrap();
    let mut room = AncillaryBuffer::new(1);
    server.recv_with(&mut [0; 9], &mut room).unwrap();
    assert_eq!(room.take_descriptors().count(), 1);
    let own = std::process::id().cast_signed();
    assert_eq!(room.credentials().map(|c| c.pid), Some(own));
}

#[test]
fn descriptors_are_refused_unless_asked_for() {
    let directory = Directory::new();
    let path = directory.path("name");
    let listener = Listener::options().mode(0o600).bind(&path).unwrap();
    let client = Stream::connect(&path).unwrap();
    if client.sockopt().set_pass_rights(false).is_err() {
        eprintln!("skipped: this kernel cannot refuse descriptors");
        return;
    }
    let fds = [std::os::fd::AsFd::as_fd(&listener)];
    let error = client.send_with(b"x", &Ancillary::descriptors(&fds)).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EPERM));
}

#[test]
fn accept_waits_until_the_deadline_and_no_longer() {
    let (listener, packets) = (Listener::bind(AddressRef::Unnamed), Address::Unnamed);
    let listener = listener.unwrap();
    let address = listener.local_addr().unwrap();
    for nonblocking in [false, true] {
        listener.set_nonblocking(nonblocking).unwrap();
        let start = Instant::now();
        assert!(listener.accept_until(start + Duration::from_millis(30)).unwrap().is_none());
        assert!(start.elapsed() >= Duration::from_millis(30));
        assert!(listener.accept_until(start).unwrap().is_none());
        let _client = Stream::connect(&address).unwrap();
        assert!(listener.accept_until(start).unwrap().is_some(), "what waits is taken");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(10));
                Stream::connect(&address).unwrap();
            });
            assert!(listener.accept_until(start + Duration::from_secs(60)).unwrap().is_some());
        });
        // A shut-down listener says so, instead of keeping everybody waiting.
        let other = SeqPacketListener::bind(&packets).unwrap();
        other.set_nonblocking(nonblocking).unwrap();
        let how = sunpath::sys::socket::Shutdown::Read;
        sunpath::sys::socket::shutdown(&other, how).unwrap();
        let error = other.accept_until(start + Duration::from_secs(60)).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EINVAL));
    }
}

#[test]
fn incoming_yields_one_connection_after_the_other() {
    let listener = Listener::bind(AddressRef::Unnamed).unwrap();
    let address = listener.local_addr().unwrap();
    let mut clients: Vec<_> = (0..3).map(|_| Stream::connect(&address).unwrap()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(&[number as u8]).unwrap();
    }
    for (number, server) in listener.incoming().take(3).enumerate() {
        let mut byte = [9];
        server.unwrap().read_exact(&mut byte).unwrap();
        assert_eq!(byte, [number as u8]);
    }
}
