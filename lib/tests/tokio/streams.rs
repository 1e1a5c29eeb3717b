//! Streams: bytes, halves, conversions.

use crate::directory::Directory;
use crate::{LONG, once, soon};
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use sunpath::tokio::{Listener, Stream};
use sunpath::{Address, Ancillary, AncillaryBuffer, Errno, RecvFlags, SendFlags, path_address};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};

#[tokio::test]
async fn a_conversation() {
    let directory = Directory::new();
    let path = directory.path("server");
    let listener = Listener::bind(&path).unwrap();
    let server = tokio::spawn(async move {
        let mut connection = listener.accept().await.unwrap();
        assert_eq!(connection.peer().credentials().unwrap().pid as u32, std::process::id());
        let mut question = String::new();
        connection.read_to_string(&mut question).await.unwrap();
        connection.write_all(question.to_uppercase().as_bytes()).await.unwrap();
        connection.local_addr().unwrap()
    });
    let mut client = soon(Stream::connect(&path)).await.unwrap();
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = String::new();
    soon(client.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "QUESTION");
    assert_eq!(client.peer_addr(), Ok(path_address(&path)));
    assert_eq!(client.local_addr(), Ok(Address::Unnamed));
    assert_eq!(server.await.unwrap(), path_address(&path));
    assert!(!path.exists(), "dropping the listener removes its file");
}

#[tokio::test]
async fn a_listener_sees_that_it_was_superseded() {
    let directory = Directory::new();
    let path = directory.path("server");
    let bind = || sunpath::Listener::take_over(&path).unwrap();
    let old = Listener::try_from(bind()).unwrap();
    assert!(!old.is_superseded());
    let waiting = soon(Stream::connect(&path)).await.unwrap();
    let new = Listener::try_from(bind()).unwrap();
    assert!(old.is_superseded() && !new.is_superseded());
    soon(old.accept()).await.unwrap();
    drop((old, waiting));
    soon(Stream::connect(&path)).await.unwrap();
    soon(new.accept()).await.unwrap();
}

#[tokio::test]
async fn several_buffers_at_once() {
    let (mut a, b) = Stream::pair().unwrap();
    let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")];
    assert_eq!(soon(a.write_vectored(&parts)).await.unwrap(), 6);
    assert!(tokio::io::AsyncWrite::is_write_vectored(&a));
    let (mut x, mut y) = ([0; 2], [0; 9]);
    soon(b.readable()).await.unwrap();
    let mut room = [IoSliceMut::new(&mut x), IoSliceMut::new(&mut y)];
    assert_eq!(b.try_read_vectored(&mut room).unwrap(), 6);
    assert_eq!((&x, &y[..4]), (b"on", &b"etwo"[..]));
    let many = vec![IoSlice::new(b"x"); 5000];
    assert_eq!(soon(a.write_vectored(&many)).await.unwrap(), 1024);
    assert_eq!(a.try_write_vectored(&many).unwrap(), 1024);
}

#[tokio::test]
async fn trying_and_waiting_take_turns() {
    let (a, b) = Stream::pair().unwrap();
    for round in 0..3 {
        let error = b.try_read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{round}");
        assert_eq!(a.try_write(b"word").unwrap(), 4);
        soon(b.readable()).await.unwrap();
        assert_eq!(b.try_read(&mut [0; 8]).unwrap(), 4);
    }
    let filled = loop {
        match a.try_write(&[0; 4096]) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(filled.kind(), std::io::ErrorKind::WouldBlock);
    assert!(once(a.writable()).await.is_none(), "full");
    let reader = async {
        let mut rest = vec![0; 1 << 20];
        while b.try_read(&mut rest).is_ok() {}
    };
    let ((), ready) = tokio::join!(reader, soon(a.writable()));
    ready.unwrap();
    drop(b);
    let ready = soon(a.ready(Interest::READABLE)).await.unwrap();
    assert!(ready.is_read_closed());
    assert_eq!(a.try_read(&mut [0; 8]).unwrap(), 0);
}

#[tokio::test]
async fn halves_work_apart_and_come_together() {
    let (mut a, b) = Stream::pair().unwrap();
    {
        let (mut read, mut write) = a.split();
        let both = async {
            write.write_all(b"from a").await.unwrap();
            let mut word = [0; 6];
            read.read_exact(&mut word).await.unwrap();
            assert_eq!(&word, b"from b");
        };
        let other = async { b.send_with(b"from b", &Ancillary::NONE).await.unwrap() };
        let ((), sent) = tokio::join!(soon(both), other);
        assert_eq!(sent, 6);
    }
    let (read_a, write_a) = a.into_split();
    let (mut read_b, write_b) = b.into_split();
    let wrong = read_a.reunite(write_b).unwrap_err();
    assert_eq!(wrong.to_string(), "the halves are not of one stream");
    let (read_a, write_b) = (wrong.0, wrong.1);
    let a = write_a.reunite(read_a).unwrap();
    let (_read_a, mut write_a) = a.into_split();
    write_a.write_all(b"!").await.unwrap();
    drop(write_a);
    let mut all = Vec::new();
    soon(read_b.read_to_end(&mut all)).await.unwrap();
    assert_eq!(all, b"from a!");
    write_b.forget();
    let b: &Stream = read_b.as_ref();
    assert_eq!(b.try_write(b"still open").unwrap(), 10);
}

#[tokio::test]
async fn sockets_come_and_go() {
    let (a, b) = sunpath::Stream::pair().unwrap();
    let a = Stream::try_from(a).unwrap();
    let b = Stream::try_from(b).unwrap();
    assert!(once(a.recv_with(&mut [0; 1], &mut AncillaryBuffer::default())).await.is_none());
    let mut blocking = sunpath::Stream::try_from(b).unwrap();
    blocking.write_all(b"x").unwrap();
    let sender = std::thread::spawn(move || {
        let mut word = [0; 4];
        blocking.read_exact(&mut word).unwrap(); // it waits again
        word
    });
    std::thread::sleep(crate::WHILE);
    assert_eq!(a.try_write(b"wait").unwrap(), 4);
    assert_eq!(&sender.join().unwrap(), b"wait");
    let fd = OwnedFd::from(a);
    let again = sunpath::Stream::try_from(fd).unwrap();
    assert_eq!((&again).read(&mut [0; 4]).unwrap(), 1);
}

#[tokio::test]
async fn a_stream_without_a_peer_is_refused() {
    let fd = sunpath::sys::socket::socket(
        sunpath::SocketType::Stream,
        sunpath::sys::socket::SocketFlags::empty(),
    );
    let unconnected = sunpath::Stream::try_from(fd.unwrap()).unwrap();
    assert_eq!(Stream::try_from(unconnected).unwrap_err().errno(), Some(Errno::ENOTCONN));
}

#[test]
fn without_a_runtime_it_panics_as_tokio_does() {
    let (a, b) = sunpath::Stream::pair().unwrap();
    let made = std::panic::catch_unwind(|| Stream::try_from(a));
    assert!(made.is_err());
    let timeless = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let made = timeless.block_on(async { std::panic::catch_unwind(|| Stream::try_from(b)) });
    assert!(made.is_err(), "not later, when a backlog happens to be full");
}

#[test]
fn a_runtime_that_is_gone_is_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (a, _b) = runtime.block_on(async { Stream::pair() }).unwrap();
    let mut buffer = AncillaryBuffer::default();
    assert!(runtime.block_on(once(a.recv_with(&mut [0; 1], &mut buffer))).is_none());
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = other.block_on(a.recv_with(&mut [0; 1], &mut buffer)).unwrap_err();
    assert!(error.to_string().starts_with("recv: the runtime cannot serve"), "{error}");
}

/// A read that stops at a descriptor is short although more is there, and no event will tell.
#[tokio::test]
async fn a_read_goes_on_after_descriptors() {
    for (credentials, rights) in [(false, true), (true, false), (true, true)] {
        let (a, mut b) = Stream::pair().unwrap();
        b.sockopt().set_pass_rights(rights).unwrap();
        let set =
            sunpath::sys::option::set_switch(&b, sunpath::sys::libc::SO_PASSCRED, credentials);
        set.unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let files = [file.as_fd()];
        let beside = if rights { Ancillary::descriptors(&files) } else { Ancillary::NONE };
        soon(a.send_with(b"aa", &beside)).await.unwrap();
        soon(a.send_with(b"bb", &Ancillary::NONE)).await.unwrap();
        soon(a.send_with(b"cc", &beside)).await.unwrap();
        let mut all = Vec::new();
        let mut buffer = [0; 64];
        while all.len() < 6 {
            let bytes = soon(b.read(&mut buffer)).await.unwrap();
            all.extend_from_slice(&buffer[..bytes]);
        }
        assert_eq!(all, b"aabbcc");
    }
}

/// A read stops short of an urgent byte, and no event will tell of what is behind it.
#[tokio::test]
async fn a_read_goes_on_after_urgent_data() {
    let (a, mut b) = Stream::pair().unwrap();
    let send = |bytes: &'static [u8], flags| {
        let a = &a;
        async move { a.send_message(&[IoSlice::new(bytes)], &Ancillary::NONE, flags).await }
    };
    for _ in 0..3 {
        send(b"a", SendFlags::NONE).await.unwrap();
        send(b"!", SendFlags::OOB).await.unwrap();
        send(b"c", SendFlags::NONE).await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(soon(b.read(&mut buffer)).await.unwrap(), 1);
        let mut urgent = [0; 1];
        let mut none = AncillaryBuffer::default();
        let mut room = [IoSliceMut::new(&mut urgent)];
        let received = soon(b.recv_message(&mut room, &mut none, RecvFlags::OOB)).await;
        assert_eq!((received.unwrap().bytes, urgent), (1, *b"!"));
        assert_eq!(soon(b.read(&mut buffer)).await.unwrap(), 1);
        assert_eq!(buffer[0], b'c');
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_goes_both_ways() {
    const BYTES: usize = 8 << 20;
    let (a, b) = Stream::pair().unwrap();
    let pattern = |start: usize| (0..BYTES).map(move |i| ((start + i) * 31 / 7) as u8);
    let mut tasks = Vec::new();
    for (number, stream) in [a, b].into_iter().enumerate() {
        let (mut read, mut write) = stream.into_split();
        tasks.push(tokio::spawn(async move {
            let bytes: Vec<u8> = pattern(number).collect();
            for chunk in bytes.chunks(70_001) {
                write.write_all(chunk).await.unwrap();
            }
        }));
        tasks.push(tokio::spawn(async move {
            let mut all = Vec::new();
            read.read_to_end(&mut all).await.unwrap();
            assert!(all.into_iter().eq(pattern(1 - number)));
        }));
    }
    for task in tasks {
        soon(task).await.unwrap();
    }
}

/// Whoever always finds something still lets the others have their turn.
#[tokio::test]
async fn a_busy_socket_does_not_starve_others() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let (a, b) = sunpath::Stream::pair().unwrap();
    let (b, flood) = (
        Stream::try_from(b).unwrap(),
        std::thread::spawn(move || {
            while !STOP.load(Ordering::Relaxed) {
                let _ = (&a).write(&[7; 4096]);
            }
            a.shutdown(Shutdown::Both).unwrap();
        }),
    );
    let mut stop = tokio::spawn(async { STOP.store(true, Ordering::Relaxed) });
    let start = std::time::Instant::now();
    let mut buffer = [0; 16];
    let mut none = AncillaryBuffer::default();
    while !soon(b.recv_with(&mut buffer, &mut none)).await.unwrap().end_of_file {
        assert!(start.elapsed() < LONG, "the other task never ran");
    }
    soon(&mut stop).await.unwrap();
    flood.join().unwrap();
}

#[tokio::test]
async fn an_empty_buffer_waits_for_nothing() {
    let (_a, mut b) = Stream::pair().unwrap();
    assert_eq!(soon(b.read(&mut [])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_peer_that_is_gone_is_an_error_and_no_signal() {
    let (mut a, b) = Stream::pair().unwrap();
    drop(b);
    for _ in 0..2 {
        let error = soon(a.write(b"x")).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
    assert_eq!(soon(a.read(&mut [0; 1])).await.unwrap(), 0);
}
