//! Many messages in one call.

use crate::{once, soon};
use std::os::fd::AsFd;
use sunpath::tokio::{Datagram, SeqPacket};
use sunpath::{
    Address, Ancillary, Errno, Outgoing, RecvBatch, RecvFlags, SendFlags, SockAddr, ToAddress,
};

#[tokio::test]
async fn packets_with_descriptors() {
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let null = std::fs::File::open("/dev/null").unwrap();
    let files = [null.as_fd()];
    let message = Outgoing::new(b"hello").with_ancillary(Ancillary::descriptors(&files));
    let mut batch = RecvBatch::new(8, 16, 1);
    assert!(once(b.recv_batch(&mut batch, RecvFlags::NONE)).await.is_none());
    let error = b.try_recv_batch(&mut batch, RecvFlags::NONE).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EAGAIN));
    // More than there is room for: what is sent short is sent on.
    const ALL: usize = 2000;
    let send = async {
        let mut sent = 0;
        while sent < ALL {
            let some = vec![message; (ALL - sent).min(50)];
            sent += a.send_batch(&some, SendFlags::NONE).await.unwrap();
        }
        a.shutdown(std::net::Shutdown::Write).unwrap();
    };
    let receive = async {
        let mut came = 0;
        loop {
            match b.recv_batch(&mut batch, RecvFlags::NONE).await.unwrap() {
                0 => break came,
                some => came += some,
            }
            for message in batch.messages() {
                assert_eq!(message.bytes, b"hello");
                assert_eq!(message.ancillary.take_descriptors().count(), 1);
            }
        }
    };
    let ((), came) = soon(async { tokio::join!(send, receive) }).await;
    assert_eq!(came, ALL);
}

/// A full receiver is waited for, and does not hold up what goes elsewhere.
#[tokio::test]
async fn datagrams_to_addresses() {
    let bound = || Datagram::bind(&Address::Unnamed).unwrap();
    let (full, other, sender) = (bound(), bound(), bound());
    let name = |socket: &Datagram| -> SockAddr {
        socket.local_addr().unwrap().to_address().try_into().unwrap()
    };
    let (full_name, other_name) = (name(&full), name(&other));
    let to_full = [Outgoing::new(b"x").to(&full_name); 16];
    let to_other = [Outgoing::new(b"y").to(&other_name); 2];
    soon(sender.writable()).await.unwrap();
    let mut sent = 0;
    while let Some(some) = once(sender.send_batch(&to_full, SendFlags::NONE)).await {
        sent += some.unwrap();
    }
    let error = sender.try_send_batch(&to_full, SendFlags::NONE).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EAGAIN));
    assert_eq!(sender.try_send_batch(&to_other, SendFlags::NONE).unwrap(), 2);
    let mut batch = RecvBatch::new(64, 4, 0);
    let mut came = 0;
    let drain = async {
        while came < sent + 1 {
            came += full.recv_batch(&mut batch, RecvFlags::NONE).await.unwrap();
        }
    };
    let late = sender.send_batch(&to_full[..1], SendFlags::NONE);
    let (late, ()) = soon(async { tokio::join!(late, drain) }).await;
    assert_eq!((late.unwrap(), came), (1, sent + 1));
    assert_eq!(soon(other.recv_batch(&mut batch, RecvFlags::NONE)).await.unwrap(), 2);
    assert_eq!(batch.messages().next().unwrap().sender, name(&sender));
    assert_eq!(soon(sender.send_batch(&[], SendFlags::NONE)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_shut_down_datagram_socket_has_no_more() {
    let socket = Datagram::bind(&Address::Unnamed).unwrap();
    let mut batch = RecvBatch::new(4, 4, 0);
    assert!(once(socket.recv_batch(&mut batch, RecvFlags::NONE)).await.is_none());
    socket.shutdown(std::net::Shutdown::Read).unwrap();
    assert_eq!(soon(socket.recv_batch(&mut batch, RecvFlags::NONE)).await.unwrap(), 0);
    assert_eq!(batch.messages().len(), 0);
}
