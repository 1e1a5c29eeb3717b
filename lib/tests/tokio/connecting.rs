//! Connecting and accepting, above all when there is no room.

use crate::directory::Directory;
use crate::{WHILE, counted, once, soon};
use std::cell::Cell;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use sunpath::sys::socket::{Shutdown, listen, shutdown};
use sunpath::tokio::{Listener, SeqPacket, SeqPacketListener, Stream};
use sunpath::{Address, AncillaryBuffer, Call, Errno};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A listener that has room for one connection, and that connection.
async fn full() -> (Listener, Address, Stream) {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let first = soon(Stream::connect(&address)).await.unwrap();
    (listener, address, first)
}

#[tokio::test]
async fn a_full_backlog_is_waited_for() {
    let (listener, address, _first) = full().await;
    let polls = Cell::new(0);
    let later = async {
        tokio::time::sleep(WHILE).await;
        let first = listener.accept().await.unwrap();
        let mut second = listener.accept().await.unwrap();
        second.write_all(b"connected").await.unwrap();
        drop(second);
        first
    };
    let client = async {
        let mut stream = counted(&polls, Stream::connect(&address)).await.unwrap();
        let mut word = String::new();
        stream.read_to_string(&mut word).await.unwrap();
        word
    };
    let (word, _first) = soon(async { tokio::join!(client, later) }).await;
    assert_eq!(word, "connected");
    assert!((2..200).contains(&polls.get()), "{} polls", polls.get());
}

#[tokio::test]
async fn the_deadline_fails_as_a_full_backlog() {
    let (_listener, address, _first) = full().await;
    let start = Instant::now();
    let wait = Duration::from_millis(60);
    for error in [
        soon(Stream::connect_timeout(&address, wait)).await.unwrap_err(),
        soon(Stream::connect_until(&address, Instant::now() + wait)).await.unwrap_err(),
        soon(Stream::connect_until(&address, tokio::time::Instant::now())).await.unwrap_err(),
    ] {
        assert_eq!((error.call(), error.errno()), (Call::Connect, Some(Errno::EAGAIN)));
        assert_eq!(error.cause(), Some("connect/backlog-full"));
        assert_eq!(error.address(), Some(&address));
        assert!(error.to_string().contains("backlog stayed full"), "{error}");
    }
    assert!(start.elapsed() >= 2 * wait);
    let late = soon(tokio::time::timeout(wait, Stream::connect(&address))).await;
    assert!(late.is_err(), "a timeout of tokio's ends it, too");
}

#[tokio::test]
async fn what_comes_back_is_connected() {
    for round in 0..3 {
        let listener = SeqPacketListener::bind(&Address::Unnamed).unwrap();
        listen(&listener, round).unwrap();
        let address = listener.local_addr().unwrap();
        let clients: Vec<_> = (0..64)
            .map(|number: u8| {
                let address = address.clone();
                tokio::spawn(async move {
                    let socket = SeqPacket::connect(&address).await.unwrap();
                    socket.peer_addr().unwrap();
                    socket.try_send(&[number]).unwrap();
                    let mut answer = [0; 1];
                    assert_eq!(socket.recv(&mut answer).await.unwrap().bytes, 1);
                    assert_eq!(answer, [number]);
                })
            })
            .collect();
        for _ in 0..64 {
            let server = soon(listener.accept()).await.unwrap();
            let mut word = [0; 1];
            assert_eq!(soon(server.recv(&mut word)).await.unwrap().bytes, 1);
            soon(server.send(&word)).await.unwrap();
        }
        for client in clients {
            soon(client).await.unwrap();
        }
    }
}

#[tokio::test]
async fn errors_end_the_wait() {
    let directory = Directory::new();
    let path = directory.path("server");
    let error = soon(Stream::connect(&path)).await.unwrap_err();
    assert_eq!((error.call(), error.errno()), (Call::Connect, Some(Errno::ENOENT)));
    let listener = Listener::bind(&path).unwrap();
    listen(&listener, 0).unwrap();
    let _first = soon(Stream::connect(&path)).await.unwrap();
    let leave = async {
        tokio::time::sleep(WHILE).await;
        std::fs::remove_file(&path).unwrap();
    };
    let (error, ()) = tokio::join!(soon(Stream::connect(&path)), leave);
    assert_eq!(error.unwrap_err().errno(), Some(Errno::ENOENT));
    let (listener, address, first) = full().await;
    let leave = async {
        tokio::time::sleep(WHILE).await;
        drop((listener, first));
    };
    let (error, ()) = tokio::join!(soon(Stream::connect(&address)), leave);
    assert_eq!(error.unwrap_err().errno(), Some(Errno::ECONNREFUSED));
}

#[tokio::test]
async fn a_connection_serves_at_once() {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let client = soon(Stream::connect(listener.local_addr().unwrap())).await.unwrap();
    assert_eq!(client.try_write(b"early").unwrap(), 5, "a new socket is known to be writable");
    let server = soon(listener.accept()).await.unwrap();
    let mut buffer = [0; 8];
    let mut none = AncillaryBuffer::default();
    let received = once(server.recv_with(&mut buffer, &mut none)).await;
    assert_eq!(received.unwrap().unwrap().bytes, 5, "what came before accept is read at once");
}

/// `accept` of a socket that does not block says `EAGAIN` for ever, and the reactor `ready`.
#[tokio::test]
async fn a_listener_that_was_shut_down_says_so() {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let address = listener.local_addr().unwrap();
    let pending = soon(Stream::connect(&address)).await.unwrap();
    let stop = async {
        tokio::time::sleep(WHILE).await;
        shutdown(listener.as_fd(), Shutdown::Both).unwrap();
    };
    let polls = Cell::new(0);
    soon(listener.accept()).await.unwrap();
    let (error, ()) = tokio::join!(counted(&polls, soon(listener.accept())), stop);
    let error = error.unwrap_err();
    assert_eq!((error.call(), error.errno()), (Call::Accept, Some(Errno::EINVAL)));
    assert_eq!(error.cause(), Some("accept/shut-down"));
    assert!(polls.get() < 10, "{} polls", polls.get());
    drop(pending);
}
