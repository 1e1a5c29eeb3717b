//! Futures that are dropped while they wait: nothing is lost, nothing is sent, nothing leaks.

use crate::{once, soon};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::AsFd;
use std::time::Duration;
use sunpath::tokio::{Datagram, Listener, SeqPacket, Stream};
use sunpath::{Address, Ancillary, AncillaryBuffer, RecvFlags, SendFlags};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn receives_lose_nothing() {
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let fds = [file.as_fd()];
    let mut beside = AncillaryBuffer::new(1);
    let mut buffer = [0; 8];
    let mut seen = 0u64;
    for number in 0..200u64 {
        for _ in 0..3 {
            assert!(once(b.recv_with(&mut buffer, &mut beside)).await.is_none());
        }
        // Dropped between the event and the receive, in one of the rounds at least.
        let wait = b.recv_with(&mut buffer, &mut beside);
        let race = tokio::time::timeout(Duration::from_micros(number * 5), wait);
        let send = async {
            tokio::task::yield_now().await;
            a.send_with(&number.to_ne_bytes(), &Ancillary::descriptors(&fds)).await.unwrap();
        };
        let (early, ()) = tokio::join!(race, send);
        let received = match early {
            Ok(received) => received.unwrap(),
            Err(_) => soon(b.recv_with(&mut buffer, &mut beside)).await.unwrap(),
        };
        assert_eq!((received.bytes, u64::from_ne_bytes(buffer)), (8, number));
        assert_eq!(beside.take_descriptors().count(), 1);
        seen += 1;
    }
    assert_eq!(seen, 200);
}

#[tokio::test]
async fn sends_that_were_dropped_were_not_made() {
    let (a, b) = SeqPacket::pair().unwrap();
    let mut sent = 0u32;
    while once(a.send(&sent.to_ne_bytes())).await.is_some() {
        sent += 1;
    }
    for _ in 0..5 {
        let parts = [IoSlice::new(b"never")];
        assert!(once(a.send(b"never")).await.is_none());
        let send = a.send_message(&parts, &Ancillary::NONE, SendFlags::NONE);
        assert!(once(send).await.is_none());
    }
    drop(a);
    for number in 0..sent {
        let mut buffer = [0; 8];
        assert_eq!(soon(b.recv(&mut buffer)).await.unwrap().bytes, 4);
        assert_eq!(buffer[..4], number.to_ne_bytes());
    }
    assert!(soon(b.recv(&mut [0; 8])).await.unwrap().end_of_file);
}

#[tokio::test]
async fn streams_keep_every_byte() {
    let (mut a, mut b) = Stream::pair().unwrap();
    let mut sent = Vec::new();
    while let Some(written) = once(a.write(&[sent.len() as u8; 1000])).await {
        sent.extend(std::iter::repeat_n(sent.len() as u8, written.unwrap()));
    }
    for _ in 0..5 {
        assert!(once(a.write(b"never")).await.is_none());
        assert!(once(a.write_vectored(&[IoSlice::new(b"never")])).await.is_none());
    }
    drop(a);
    let mut all = Vec::new();
    soon(b.read_to_end(&mut all)).await.unwrap();
    assert!(all == sent);
    let (a, mut b) = Stream::pair().unwrap();
    for _ in 0..5 {
        let mut none = AncillaryBuffer::default();
        let mut buffer = [0; 8];
        assert!(once(b.read(&mut buffer)).await.is_none());
        let mut room = [IoSliceMut::new(&mut buffer)];
        assert!(once(b.recv_message(&mut room, &mut none, RecvFlags::NONE)).await.is_none());
    }
    a.try_write(b"whole").unwrap();
    let mut word = [0; 5];
    soon(b.read_exact(&mut word)).await.unwrap();
    assert_eq!(&word, b"whole");
}

#[tokio::test]
async fn datagrams_to_a_full_receiver_are_sent_once_or_not() {
    let receiver = Datagram::bind(&Address::Unnamed).unwrap();
    let address = receiver.local_addr().unwrap();
    let sender = Datagram::unbound().unwrap();
    let mut sent = 0u32;
    for _ in 0..400 {
        let message = sent.to_ne_bytes();
        let send = sender.send_to(&message, &address);
        match tokio::time::timeout(Duration::from_micros(u64::from(sent) * 7 % 900), send).await {
            Ok(done) => {
                done.unwrap();
                sent += 1;
            }
            Err(_) => {
                let mut buffer = [0; 4];
                let received = soon(receiver.recv(&mut buffer)).await.unwrap();
                assert_eq!(received.bytes, 4);
            }
        }
    }
    let message = sent.to_ne_bytes();
    let last = sender.send_to(&message, &address);
    let drain = async {
        loop {
            let mut buffer = [0; 4];
            soon(receiver.recv(&mut buffer)).await.unwrap();
            if u32::from_ne_bytes(buffer) == sent {
                break;
            }
        }
    };
    let (done, ()) = tokio::join!(soon(last), drain);
    done.unwrap();
    assert!(once(receiver.recv(&mut [0; 4])).await.is_none());
}

#[tokio::test]
async fn accepts_lose_no_connection() {
    let listener = Listener::bind(&Address::Unnamed).unwrap();
    let address = listener.local_addr().unwrap();
    for number in 0..200u8 {
        assert!(once(listener.accept()).await.is_none());
        let race = tokio::time::timeout(Duration::from_micros(u64::from(number) * 5), async {
            listener.accept().await
        });
        let (early, client) = tokio::join!(race, soon(Stream::connect(&address)));
        let mut client = client.unwrap();
        let mut server = match early {
            Ok(server) => server.unwrap(),
            Err(_) => soon(listener.accept()).await.unwrap(),
        };
        soon(client.write_all(&[number])).await.unwrap();
        assert_eq!(soon(server.read_u8()).await.unwrap(), number);
    }
}
