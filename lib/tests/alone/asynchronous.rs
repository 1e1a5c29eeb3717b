//! The sockets for tokio: descriptors, their limit, and peers in other processes.

use crate::leaks::leaves_nothing;
use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use sunpath::sys::process::{End, fork, limit_descriptors};
use sunpath::sys::socket::listen;
use sunpath::tokio::{Datagram, Listener, SeqPacket, SeqPacketListener, Stream};
use sunpath::{Address, Ancillary, AncillaryBuffer, Credentials, SendFlags};
use tokio::io::AsyncReadExt;

crate::tests! {
    nothing_leaks
    accepting_without_descriptors_is_patient
    an_accept_that_is_given_up_and_begun_again_gets_on
    sending_without_descriptors_still_waits
    a_peer_that_dies_at_every_step
    a_slow_receiver_in_another_process
    reads_go_on_whatever_comes_beside
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Polls a future once; whether it waits.
async fn waits<F: Future>(future: F) -> bool {
    let mut future = pin!(future);
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

/// Processor time that this process has used.
fn used() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn nothing_leaks() {
    run(async {
        let file = File::open("/dev/null").unwrap();
        let fds = [file.as_fd(); 2];
        let listener = Listener::bind(&Address::Unnamed).unwrap();
        listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        let _pending = Stream::connect(&address).await.unwrap();
        let receiver = Datagram::bind(&Address::Unnamed).unwrap();
        let full = receiver.local_addr().unwrap();
        let filler = Datagram::unbound().unwrap();
        while filler.try_send_to(b"x", &full).is_ok() {}
        let round = async || {
            Stream::connect("/nonexistent").await.unwrap_err();
            assert!(waits(Stream::connect(&address)).await);
            let late = Stream::connect_timeout(&address, Duration::from_millis(2)).await;
            assert_eq!(late.unwrap_err().cause(), Some("connect/backlog-full"));
            // Descriptors: taken, left in the buffer, left in the queue, not sent after all.
            let (a, b) = SeqPacket::pair().unwrap();
            b.sockopt().set_pass_rights(true).unwrap();
            let beside = Ancillary::descriptors(&fds);
            let mut room = AncillaryBuffer::new(2);
            assert!(waits(b.recv_with(&mut [0; 4], &mut room)).await);
            for _ in 0..3 {
                a.send_with(b"two", &beside).await.unwrap();
            }
            b.recv_with(&mut [0; 4], &mut room).await.unwrap();
            assert_eq!(room.take_descriptors().count(), 2);
            b.recv_with(&mut [0; 4], &mut room).await.unwrap();
            while !waits(a.send_with(b"two", &beside)).await {}
            // A sender to a full receiver, dropped while it waits: with its helper.
            let sender = Datagram::unbound().unwrap();
            assert!(waits(sender.send_to(b"x", &full)).await);
            // Changed back and forth.
            let (stream, _other) = Stream::pair().unwrap();
            let stream = sunpath::Stream::try_from(stream).unwrap();
            let (read, write) = Stream::try_from(stream).unwrap().into_split();
            drop((read, write));
        };
        round().await;
        let before = crate::leaks::open_descriptors();
        for _ in 0..20 {
            round().await;
        }
        assert_eq!(crate::leaks::open_descriptors(), before);
    });
    leaves_nothing(|| {
        run(async { assert!(waits(Datagram::unbound().unwrap().recv(&mut [0; 1])).await) });
    });
}

/// The connection stays in the queue, so that a loop that goes on at once would spin.
fn accepting_without_descriptors_is_patient() {
    run(async {
        let listener = SeqPacketListener::bind(&Address::Unnamed).unwrap();
        let address = listener.local_addr().unwrap();
        let _client = SeqPacket::connect(&address).await.unwrap();
        let limit = File::open("/dev/null").unwrap().as_raw_fd().cast_unsigned().into();
        limit_descriptors(limit).unwrap();
        let (start, mut failures) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_millis(500) {
            let error = listener.accept().await.unwrap_err();
            assert_eq!(error.raw_os_error(), libc::EMFILE);
            failures += 1;
        }
        assert!((2..40).contains(&failures), "{failures} in half a second");
        limit_descriptors(limit + 8).unwrap();
        let server = listener.accept().await.unwrap();
        let _second = SeqPacket::connect(&address).await.unwrap();
        listener.accept().await.unwrap();
        server.send(b"served").await.unwrap();
    });
}

/// The pause is that of the listener, not of the call: a loop that does other things as well, and so
/// begins to accept again and again, does not begin the pause again.
fn an_accept_that_is_given_up_and_begun_again_gets_on() {
    run(async {
        let listener = SeqPacketListener::bind(&Address::Unnamed).unwrap();
        let address = listener.local_addr().unwrap();
        let _client = SeqPacket::connect(&address).await.unwrap();
        let limit = File::open("/dev/null").unwrap().as_raw_fd().cast_unsigned().into();
        limit_descriptors(limit).unwrap();
        for _ in 0..8 {
            listener.accept().await.unwrap_err(); // The pauses grow to a tenth of a second.
        }
        limit_descriptors(limit + 8).unwrap();
        let begun = (0..100).map(async |_| {
            let accept = tokio::time::timeout(Duration::from_millis(20), listener.accept());
            accept.await.is_ok_and(|accepted| accepted.is_ok())
        });
        for begun in begun {
            if begun.await {
                return;
            }
        }
        panic!("no connection in 100 calls of accept");
    });
}

/// Without a descriptor for the helper, there are pauses instead, and no spinning either.
fn sending_without_descriptors_still_waits() {
    run(async {
        let receiver = Datagram::bind(&Address::Unnamed).unwrap();
        let address = receiver.local_addr().unwrap();
        let sender = Datagram::unbound().unwrap();
        while sender.try_send_to(b"x", &address).is_ok() {}
        let limit = File::open("/dev/null").unwrap().as_raw_fd().cast_unsigned().into();
        limit_descriptors(limit).unwrap();
        let before = used();
        let half = Duration::from_millis(500);
        assert!(tokio::time::timeout(half, sender.send_to(b"y", &address)).await.is_err());
        let used = used() - before;
        assert!(used < half / 2, "{used:?} of processor time in half a second");
        let mut buffer = [0; 1];
        let (sent, received) =
            tokio::join!(sender.send_to(b"y", &address), receiver.recv(&mut buffer));
        assert!(sent.is_ok() && received.is_ok());
    });
}

/// A client that ends after each number of its steps: the server is told every time.
fn a_peer_that_dies_at_every_step() {
    for steps in 0..6u32 {
        let listener = sunpath::SeqPacketListener::bind(&Address::Unnamed).unwrap();
        let address = listener.local_addr().unwrap();
        let client = fork(|| {
            let mut step = 0;
            let mut dies = || {
                step += 1;
                step > steps
            };
            let mut conversation = || -> Result<(), sunpath::Error> {
                let socket = sunpath::SeqPacket::connect(&address)?;
                let mut buffer = [0; 8];
                while !dies() {
                    socket.send(b"question")?;
                    if dies() {
                        break;
                    }
                    socket.recv(&mut buffer)?;
                }
                Ok(())
            };
            i32::from(conversation().is_err())
        })
        .unwrap();
        let answered = run(async move {
            let listener = SeqPacketListener::try_from(listener).unwrap();
            let connection = listener.accept().await.unwrap();
            let mut answered = 0;
            let mut buffer = [0; 8];
            loop {
                match connection.recv(&mut buffer).await {
                    Ok(received) if received.end_of_file => break,
                    Ok(received) => assert_eq!(received.bytes, 8),
                    // It had not read the last answer.
                    Err(error) if error.raw_os_error() == libc::ECONNRESET => break,
                    Err(error) => panic!("{error}"),
                }
                match connection.send(b"answer").await {
                    Ok(()) => answered += 1,
                    Err(error) => {
                        let gone = [libc::EPIPE, libc::ECONNRESET];
                        assert!(gone.contains(&error.raw_os_error()), "{error}");
                        break;
                    }
                }
            }
            answered
        });
        assert_eq!(client.wait().unwrap(), End::Exited(0));
        assert!(answered <= steps.div_ceil(2), "{answered} answers in {steps} steps");
    }
}

/// Everything arrives, in order, and the sender sleeps while it cannot go on.
fn a_slow_receiver_in_another_process() {
    const MESSAGES: u32 = 300;
    let receiver = sunpath::Datagram::bind(&Address::Unnamed).unwrap();
    let address = receiver.local_addr().unwrap();
    let child = fork(|| {
        let mut buffer = [0; 4];
        for number in 0..MESSAGES {
            if number % 30 == 0 {
                std::thread::sleep(Duration::from_millis(50));
            }
            receiver.recv(&mut buffer).unwrap();
            assert_eq!(u32::from_ne_bytes(buffer), number);
        }
        0
    })
    .unwrap();
    let (start, before) = (Instant::now(), used());
    run(async {
        let sender = Datagram::unbound().unwrap();
        for number in 0..MESSAGES {
            sender.send_to(&number.to_ne_bytes(), &address).await.unwrap();
        }
    });
    let (took, used) = (start.elapsed(), used() - before);
    assert_eq!(child.wait().unwrap(), End::Exited(0));
    assert!(took > Duration::from_millis(400) && used < took / 2, "{used:?} of {took:?}");
}

/// What the sender puts beside the bytes stops reads short of what is queued, and no event tells:
/// whatever options, buffers and cancellations, every byte is read.
fn reads_go_on_whatever_comes_beside() {
    const WRITES: u32 = 1500;
    for round in 0..12u32 {
        let (ours, theirs) = sunpath::Stream::pair().unwrap();
        let (rights, credentials) = (round & 1 != 0, round & 2 != 0);
        ours.sockopt().set_pass_rights(rights).unwrap();
        ours.sockopt().set_pass_credentials(credentials).unwrap();
        ours.sockopt().set_urgent_inline(true).unwrap();
        let child = fork(|| {
            let null = File::open("/dev/null").unwrap();
            let files = [null.as_fd()];
            for number in 0..WRITES {
                let beside = match number * 7 % 5 {
                    0 | 1 if rights => Ancillary::descriptors(&files),
                    2 => Ancillary::NONE.with_credentials(Credentials::current()),
                    _ => Ancillary::NONE,
                };
                let urgent = number % 11 == 0;
                let flags = if urgent { SendFlags::OOB } else { SendFlags::NONE };
                let chunk = vec![number as u8; 1 + (number * 13 % 300) as usize];
                let mut rest = &chunk[..];
                while !rest.is_empty() {
                    let sent = theirs.send_message(&[IoSlice::new(rest)], &beside, flags);
                    rest = &rest[sent.unwrap()..];
                }
                if number % 97 == 0 {
                    std::thread::sleep(Duration::from_micros(300));
                }
            }
            0
        })
        .unwrap();
        drop(theirs);
        let read = async {
            let mut stream = Stream::try_from(ours).unwrap();
            let mut buffer = vec![0; [64, 1000, 1 << 16][round as usize % 3]];
            let mut all = Vec::new();
            loop {
                let patience = Duration::from_micros(all.len() as u64 % 90);
                let read = tokio::time::timeout(patience, stream.read(&mut buffer)).await;
                let read = match read {
                    Ok(read) => read.unwrap(),
                    Err(_) => {
                        let patience = Duration::from_secs(20);
                        let read = tokio::time::timeout(patience, stream.read(&mut buffer));
                        read.await.expect("hangs").unwrap()
                    }
                };
                if read == 0 {
                    break all;
                }
                all.extend_from_slice(&buffer[..read]);
            }
        };
        let all = match round < 6 {
            true => run(read),
            false => {
                let mut runtime = tokio::runtime::Builder::new_multi_thread();
                runtime.worker_threads(2).enable_all().build().unwrap().block_on(read)
            }
        };
        assert_eq!(child.wait().unwrap(), End::Exited(0));
        let expected = (0..WRITES)
            .flat_map(|number| vec![number as u8; 1 + (number * 13 % 300) as usize])
            .collect::<Vec<u8>>();
        assert!(all == expected, "round {round}: {} of {}", all.len(), expected.len());
    }
}
