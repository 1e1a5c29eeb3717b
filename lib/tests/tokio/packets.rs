//! Sequenced packets.

use crate::{once, soon};
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use sunpath::tokio::{SeqPacket, SeqPacketListener};
use sunpath::{Address, Ancillary, AncillaryBuffer, Errno, RecvFlags, SendFlags};

#[tokio::test]
async fn an_empty_message_is_not_the_end() {
    let (a, b) = SeqPacket::pair().unwrap();
    for message in [&b"one"[..], b"", b"three", b""] {
        soon(a.send(message)).await.unwrap();
    }
    a.shutdown(Shutdown::Write).unwrap();
    let mut buffer = [0; 4];
    let mut seen = Vec::new();
    for _ in 0..6 {
        let received = soon(b.recv(&mut buffer)).await.unwrap();
        seen.push((received.bytes, received.end_of_file));
    }
    let end = (0, true);
    assert_eq!(seen, [(3, false), (0, false), (4, false), (0, false), end, end]);
}

#[tokio::test]
async fn descriptors_and_flags() {
    let (a, b) = SeqPacket::pair().unwrap();
    let (mut pipe, sent) = std::io::pipe().unwrap();
    let error = soon(a.send_with(b"x", &Ancillary::descriptors(&[sent.as_fd()]))).await;
    match error {
        Err(error) => assert_eq!(error.errno(), Some(Errno::EPERM), "refused until asked for"),
        Ok(()) => eprintln!("skipped: before Linux 6.16 unasked descriptors are closed instead"),
    }
    b.sockopt().set_pass_rights(true).unwrap();
    let fds = [sent.as_fd(), sent.as_fd()];
    let parts = [IoSlice::new(b"he"), IoSlice::new(b"re")];
    soon(a.send_message(&parts, &Ancillary::descriptors(&fds), SendFlags::NONE)).await.unwrap();
    drop(sent);
    let mut beside = AncillaryBuffer::new(2);
    let mut bytes = [0; 8];
    let mut other = [0; 8];
    let mut peeked = [IoSliceMut::new(&mut other)];
    let received = soon(b.recv_message(&mut peeked, &mut beside, RecvFlags::PEEK)).await;
    assert_eq!(received.unwrap().bytes, 4);
    let received = soon(b.recv_with(&mut bytes, &mut beside)).await.unwrap();
    assert_eq!(&bytes[..received.bytes], b"here");
    let mut fds: Vec<_> = beside.take_descriptors().collect();
    assert_eq!(fds.len(), 2);
    std::fs::File::from(fds.pop().unwrap()).write_all(b"through").unwrap();
    drop(fds);
    drop(beside);
    let mut all = String::new();
    pipe.read_to_string(&mut all).unwrap();
    assert_eq!(all, "through");
    let mut none = AncillaryBuffer::default();
    let wait = b.recv_message(&mut peeked, &mut none, RecvFlags::DONTWAIT);
    assert_eq!(soon(wait).await.unwrap_err().errno(), Some(Errno::EAGAIN));
}

#[tokio::test]
async fn a_sender_waits_for_room_and_nothing_is_lost() {
    let listener = SeqPacketListener::bind(&Address::Unnamed).unwrap();
    let client = soon(SeqPacket::connect(listener.local_addr().unwrap())).await.unwrap();
    let server = soon(listener.accept()).await.unwrap();
    let sender = tokio::spawn(async move {
        for number in 0..5000u32 {
            client.send(&number.to_ne_bytes()).await.unwrap();
        }
        let mut buffer = [0; 1];
        assert!(client.recv(&mut buffer).await.unwrap().end_of_file);
    });
    tokio::time::sleep(crate::WHILE).await; // until it is full
    for number in 0..5000u32 {
        let mut buffer = [0; 4];
        let received = soon(server.recv(&mut buffer)).await.unwrap();
        assert_eq!((received.bytes, u32::from_ne_bytes(buffer)), (4, number));
    }
    assert!(once(server.recv(&mut [0; 4])).await.is_none());
    server.shutdown(Shutdown::Both).unwrap();
    soon(sender).await.unwrap();
}

#[tokio::test]
async fn several_tasks_share_a_socket() {
    let (a, b) = SeqPacket::pair().unwrap();
    let b = std::sync::Arc::new(b);
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let b = b.clone();
            tokio::spawn(async move {
                let mut count = 0;
                while !b.recv(&mut [0; 4]).await.unwrap().end_of_file {
                    count += 1;
                }
                count
            })
        })
        .collect();
    for _ in 0..1000 {
        soon(a.send(b"work")).await.unwrap();
    }
    drop(a);
    let mut total = 0;
    for worker in workers {
        total += soon(worker).await.unwrap();
    }
    assert_eq!(total, 1000);
}

#[tokio::test]
async fn trying_does_not_wait() {
    let (a, b) = SeqPacket::pair().unwrap();
    assert_eq!(b.try_recv(&mut [0; 4]).unwrap_err().errno(), Some(Errno::EAGAIN));
    a.try_send(b"x").unwrap();
    soon(b.readable()).await.unwrap();
    assert_eq!(b.try_recv(&mut [0; 4]).unwrap().bytes, 1);
    while a.try_send(&[0; 1000]).is_ok() {}
    assert_eq!(a.try_send(b"x").unwrap_err().errno(), Some(Errno::EAGAIN));
    assert!(once(a.send(b"x")).await.is_none());
}
