//! No send or receive allocates in the steady state.
//!
//! Each path is called a few times first, so that whatever is made once is there; then it is called
//! often, while a counting allocator looks on. It counts this thread alone. To add a path, add a
//! line: what it is, and a closure that goes through it once.

use std::fs::File;
use std::hint::black_box;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::os::fd::AsFd;
use sunpath::framing::{CoalescingWriter, FrameReader, FrameReceiver, FrameWriter};
use sunpath::{
    Address, Ancillary, AncillaryBuffer, Credentials, Datagram, Errno, MOST_DESCRIPTORS, Outgoing,
    RecvBatch, RecvFlags, SendFlags, SeqPacket, Stream,
};

#[track_caller]
fn nothing(path: &str, mut once: impl FnMut()) {
    (0..3).for_each(|_| once());
    let counted = allocation_counter::measure(|| (0..100).for_each(|_| once()));
    assert_eq!(counted.count_total, 0, "{path} allocates");
}

/// The counter counts: otherwise the tests below would show nothing.
#[test]
fn an_allocation_is_seen() {
    let counted = allocation_counter::measure(|| drop(black_box(vec![0u8; 9])));
    assert_eq!(counted.count_total, 1);
}

#[test]
fn streams() {
    let (mut a, mut b) = Stream::pair().unwrap();
    b.set_nonblocking(true).unwrap();
    let (mut x, mut y) = ([0; 2], [0; 9]);
    nothing("stream: write, read", || {
        a.write_all(b"hello").unwrap();
        assert_eq!(b.read(&mut y).unwrap(), 5);
    });
    nothing("stream: send, recv", || {
        a.send(b"hello").unwrap();
        assert_eq!(b.recv(&mut y).unwrap(), 5);
    });
    nothing("stream: write_vectored, read_vectored", || {
        let from = [IoSlice::new(b"hel"), IoSlice::new(b"lo")];
        assert_eq!(a.write_vectored(&from).unwrap(), 5);
        let to = &mut [IoSliceMut::new(&mut x), IoSliceMut::new(&mut y)];
        assert_eq!(b.read_vectored(to).unwrap(), 5);
    });
    nothing("stream: nothing to read", || {
        assert_eq!(b.recv(&mut y).unwrap_err().errno(), Some(Errno::EAGAIN));
        assert_eq!(b.read(&mut y).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    });
}

#[test]
fn messages_with_descriptors() {
    let (a, b) = Stream::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    b.sockopt().set_pass_credentials(true).unwrap();
    b.sockopt().set_pass_pidfd(true).ok();
    let file = File::open("/dev/null").unwrap();
    let fds = [file.as_fd(); MOST_DESCRIPTORS];
    let own = Credentials::current();
    let mut byte = [0; 1];
    let mut room = AncillaryBuffer::new(MOST_DESCRIPTORS);
    for count in [1, MOST_DESCRIPTORS] {
        let beside = Ancillary::descriptors(&fds[..count]).with_credentials(own);
        nothing("descriptors that are taken", || {
            a.send_with(b"x", &beside).unwrap();
            b.recv_with(&mut byte, &mut room).unwrap();
            assert_eq!(room.take_descriptors().count(), count);
        });
        nothing("descriptors that nobody takes", || {
            a.send_with(b"x", &beside).unwrap();
            b.recv_with(&mut byte, &mut room).unwrap();
            assert_eq!(room.descriptors().len(), count);
        });
        nothing("descriptors without room", || {
            a.send_with(b"x", &beside).unwrap();
            b.recv_with(&mut byte, &mut AncillaryBuffer::default()).unwrap();
        });
    }
    let mut one = AncillaryBuffer::new(1);
    nothing("more descriptors than room", || {
        a.send_with(b"x", &Ancillary::descriptors(&fds[..9])).unwrap();
        assert!(b.recv_with(&mut byte, &mut one).unwrap().ancillary_truncated);
    });
}

#[test]
fn datagrams() {
    let (a, b) = (Datagram::unbound().unwrap(), Datagram::bind(&Address::Unnamed).unwrap());
    let address = b.local_addr().unwrap();
    let mut bytes = [0; 9];
    nothing("datagram: send_to, recv_from", || {
        a.send_to(b"hello", &address).unwrap();
        assert_eq!(b.recv_from(&mut bytes).unwrap().0.bytes, 5);
    });
    let (a, b) = Datagram::pair().unwrap();
    nothing("datagram: send, recv", || {
        a.send(b"hello").unwrap();
        assert_eq!(b.recv(&mut bytes).unwrap().bytes, 5);
    });
    let mut room = AncillaryBuffer::new(1);
    nothing("datagram: send_with, recv_with", || {
        a.send_with(b"hello", &Ancillary::NONE).unwrap();
        assert_eq!(b.recv_with(&mut bytes, &mut room).unwrap().0.bytes, 5);
    });
}

#[test]
fn packets() {
    let (a, b) = SeqPacket::pair().unwrap();
    let mut bytes = [0; 9];
    nothing("packet: send, recv", || {
        a.send(b"hello").unwrap();
        a.send(b"").unwrap();
        assert_eq!(b.recv(&mut bytes).unwrap().bytes, 5);
        assert_eq!(b.recv(&mut bytes).unwrap().bytes, 0);
    });
    let mut room = AncillaryBuffer::new(1);
    nothing("packet: send_with, recv_with", || {
        a.send_with(b"hello", &Ancillary::NONE).unwrap();
        assert_eq!(b.recv_with(&mut bytes, &mut room).unwrap().bytes, 5);
    });
}

#[test]
fn batches() {
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let file = File::open("/dev/null").unwrap();
    let fds = [file.as_fd(); 3];
    let plain = [Outgoing::new(b"hello"); 32];
    let beside = [Outgoing::new(b"hello").with_ancillary(Ancillary::descriptors(&fds)); 32];
    let mut batch = RecvBatch::new(32, 16, 3);
    for messages in [&plain, &beside] {
        nothing("send_batch, recv_batch", || {
            assert_eq!(a.send_batch(messages, SendFlags::NONE).unwrap(), 32);
            assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 32);
            for message in batch.messages() {
                black_box(message.bytes);
                message.ancillary.take_descriptors().for_each(drop);
            }
        });
    }
}

#[test]
fn frames() {
    let (a, b) = Stream::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let mut writer = FrameWriter::new(&a);
    let mut reader = FrameReader::new(&b);
    let long = [7; 10_000];
    nothing("frames: queue, send, flush, next_frame", || {
        writer.queue(b"one").unwrap();
        writer.send(b"two").unwrap();
        writer.queue(&long).unwrap();
        writer.flush().unwrap();
        for expected in [&b"one"[..], b"two", &long] {
            assert_eq!(reader.next_frame().unwrap(), Some(expected));
        }
    });
    let mut receiver = FrameReceiver::new(&b, 1);
    let error = std::io::stderr();
    nothing("frames: send_with, receive", || {
        writer.send_with(b"one", &Ancillary::descriptors(&[error.as_fd()])).unwrap();
        let mut frame = receiver.next_frame().unwrap().unwrap();
        assert_eq!(frame.take_descriptors().count(), 1);
    });
    let mut coalescing = CoalescingWriter::new(&a);
    nothing("coalescing: write, flush", || {
        coalescing.write_all(b"\0\0\0").unwrap();
        coalescing.write_all(b"\x01x").unwrap();
        coalescing.flush().unwrap();
        assert_eq!(reader.next_frame().unwrap(), Some(&b"x"[..]));
    });
}

/// What waits for an event of the kernel, too: the sender is a task that the runtime holds.
#[cfg(feature = "tokio")]
mod asynchronous {
    use super::nothing;
    use std::future::Future;
    use std::os::fd::AsFd;
    use std::pin::pin;
    use std::task::{Context, Waker};
    use sunpath::tokio::framing::{FrameReader, FrameReceiver, FrameWriter};
    use sunpath::tokio::{Datagram, SeqPacket, Stream};
    use sunpath::{Address, Ancillary, AncillaryBuffer, Outgoing, RecvBatch, RecvFlags, SendFlags};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// A receive that waits, what it waits for, and the receive again.
    async fn waiting<R, S: Future>(receive: impl Future<Output = R>, send: S) -> (R, S::Output) {
        let mut receive = pin!(receive);
        let waits = receive.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        assert!(waits, "there was something to receive");
        tokio::join!(receive, send)
    }

    #[test]
    fn streams() {
        let runtime = runtime();
        let _inside = runtime.enter();
        let (mut a, mut b) = Stream::pair().unwrap();
        let mut bytes = [0; 9];
        nothing("tokio stream: write, read", || {
            let (read, ()) = runtime.block_on(waiting(b.read(&mut bytes), async {
                a.write_all(b"hello").await.unwrap();
            }));
            assert_eq!(read.unwrap(), 5);
        });
        b.sockopt().set_pass_rights(true).unwrap();
        let error = std::io::stderr();
        let fds = [error.as_fd()];
        let mut room = AncillaryBuffer::new(1);
        nothing("tokio stream: send_with, recv_with", || {
            let (received, sent) = runtime.block_on(waiting(
                b.recv_with(&mut bytes, &mut room),
                a.send_with(b"hello", &Ancillary::descriptors(&fds)),
            ));
            assert_eq!((received.unwrap().bytes, sent.unwrap()), (5, 5));
            assert_eq!(room.take_descriptors().count(), 1);
        });
    }

    #[test]
    fn messages() {
        let runtime = runtime();
        let _inside = runtime.enter();
        let (a, b) = SeqPacket::pair().unwrap();
        let mut bytes = [0; 9];
        nothing("tokio packet: send, recv", || {
            let (received, sent) = runtime.block_on(waiting(b.recv(&mut bytes), a.send(b"hello")));
            assert_eq!((received.unwrap().bytes, sent.unwrap()), (5, ()));
        });
        let messages = [Outgoing::new(b"hello"); 32];
        let mut batch = RecvBatch::new(32, 16, 0);
        nothing("tokio packet: send_batch, recv_batch", || {
            let (came, sent) = runtime.block_on(waiting(
                b.recv_batch(&mut batch, RecvFlags::NONE),
                a.send_batch(&messages, SendFlags::NONE),
            ));
            assert_eq!((came.unwrap(), sent.unwrap()), (32, 32));
        });
        let (a, b) = (Datagram::unbound().unwrap(), Datagram::bind(&Address::Unnamed).unwrap());
        let address = b.local_addr().unwrap();
        nothing("tokio datagram: send_to, recv_from", || {
            let (received, sent) =
                runtime.block_on(waiting(b.recv_from(&mut bytes), a.send_to(b"hello", &address)));
            assert_eq!((received.unwrap().0.bytes, sent.unwrap()), (5, ()));
        });
    }

    #[test]
    fn frames() {
        let runtime = runtime();
        let _inside = runtime.enter();
        let (a, b) = Stream::pair().unwrap();
        b.sockopt().set_pass_rights(true).unwrap();
        let (mut writer, mut reader) = (FrameWriter::new(a), FrameReader::new(b));
        let long = [7; 10_000];
        nothing("tokio frames: queue, send, next_frame", || {
            runtime.block_on(async {
                waiting(
                    async { assert_eq!(reader.next_frame().await.unwrap(), Some(&b"one"[..])) },
                    async {
                        writer.queue(b"one").await.unwrap();
                        writer.send(&long).await.unwrap();
                    },
                )
                .await;
                assert_eq!(reader.next_frame().await.unwrap(), Some(&long[..]));
            });
        });
        let mut receiver = FrameReceiver::new(reader.into_inner(), 1);
        let error = std::io::stderr();
        let fds = [error.as_fd()];
        nothing("tokio frames: send_with, receive", || {
            runtime.block_on(async {
                writer.send_with(b"one", &Ancillary::descriptors(&fds)).await.unwrap();
                let mut frame = receiver.next_frame().await.unwrap().unwrap();
                assert_eq!(frame.take_descriptors().count(), 1);
            });
        });
    }
}
