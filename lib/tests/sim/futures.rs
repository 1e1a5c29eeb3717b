//! Futures: the types of `sunpath::tokio` on the model, with the simulation's executor and with
//! tokio's.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use sunpath::sim::{self, World};
use sunpath::tokio::{Datagram, Listener, Stream};
use sunpath::{AddressRef, Errno};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const NAME: AddressRef<'static> = AddressRef::Abstract(b"server");

async fn echo(listener: Listener) {
    loop {
        let mut stream = listener.accept().await.unwrap();
        sim::spawn_local(async move {
            let mut bytes = [0; 64];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                stream.write_all(&bytes[..count]).await.unwrap();
            }
        });
    }
}

#[test]
fn tasks_of_one_thread_talk_to_each_other() {
    let report = World::default().report(|_| {
        sim::block_on(async {
            sim::spawn_local(echo(Listener::bind(NAME).unwrap()));
            let done = Rc::new(Cell::new(0));
            for client in 0..4 {
                let done = done.clone();
                sim::spawn_local(async move {
                    let mut stream = Stream::connect(NAME).await.unwrap();
                    stream.write_all(&[client; 8]).await.unwrap();
                    let mut answer = [0; 8];
                    stream.read_exact(&mut answer).await.unwrap();
                    assert_eq!(answer, [client; 8]);
                    done.set(done.get() + 1);
                });
            }
            while done.get() < 4 {
                sim::sleep_async(Duration::from_millis(1)).await;
            }
        });
    });
    assert!(report.failure.is_none(), "{report}");
}

#[test]
fn futures_and_blocking_threads_talk_to_each_other() {
    World::default().run(|program| {
        let client = program.spawn("client", || {
            for _ in 0..1000 {
                if let Ok(stream) = sunpath::Stream::connect(NAME) {
                    stream.send(b"hello").unwrap();
                    return;
                }
            }
            panic!("there is no server");
        });
        sim::block_on(async {
            let listener = Listener::bind(NAME).unwrap();
            let mut stream = listener.accept().await.unwrap();
            let mut word = String::new();
            stream.read_to_string(&mut word).await.unwrap();
            assert_eq!(word, "hello");
        });
        client.join();
    });
}

#[test]
fn a_connect_waits_for_a_full_backlog_in_virtual_time() {
    let report = World::default().report(|_| {
        sim::block_on(async {
            let _listener = sunpath::Listener::options().backlog(0).bind(NAME).unwrap();
            let _first = Stream::connect(NAME).await.unwrap();
            let limit = Duration::from_secs(60);
            let error = Stream::connect_timeout(NAME, limit).await.unwrap_err();
            assert_eq!(error.errno(), Some(Errno::EAGAIN));
        });
    });
    assert!(report.failure.is_none(), "{report}");
    assert!(report.elapsed >= Duration::from_secs(60));
}

#[test]
fn a_receiver_without_room_makes_its_sender_wait() {
    World::default().run(|_| {
        sim::block_on(async {
            let receiver = Datagram::bind(NAME).unwrap();
            let sent = Rc::new(Cell::new(0));
            let count = sent.clone();
            sim::spawn_local(async move {
                let sender = Datagram::unbound().unwrap();
                loop {
                    sender.send_to(b"x", NAME).await.unwrap();
                    count.set(count.get() + 1);
                }
            });
            sim::sleep_async(Duration::from_secs(1)).await;
            let full = sent.get();
            assert!(full > 0);
            receiver.recv(&mut [0; 8]).await.unwrap();
            sim::sleep_async(Duration::from_secs(1)).await;
            assert_eq!(sent.get(), full + 1);
        });
    });
}

#[test]
fn a_runtime_of_tokio_takes_part() {
    World::default().run(|program| {
        program.spawn_background("server", || {
            let listener = sunpath::Listener::bind(NAME).unwrap();
            loop {
                let stream = listener.accept().unwrap();
                let mut bytes = [0; 8];
                let count = stream.recv(&mut bytes).unwrap();
                stream.send(&bytes[..count]).unwrap();
            }
        });
        sim::sleep(Duration::from_millis(1));
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().on_thread_park(sim::park).build().unwrap();
        runtime.block_on(async {
            let clients = (0..3).map(|client| {
                tokio::spawn(async move {
                    let mut stream = Stream::connect(NAME).await.unwrap();
                    stream.write_all(&[client]).await.unwrap();
                    assert_eq!(stream.read_u8().await.unwrap(), client);
                })
            });
            for client in clients.collect::<Vec<_>>() {
                client.await.unwrap();
            }
        });
    });
}

#[test]
fn futures_survive_every_fault() {
    let walked = World::default().for_each_fault(|_| {
        sim::block_on(async {
            let Ok((a, b)) = Stream::pair() else { return };
            if a.send(b"x").await.is_ok() {
                let _ = b.recv(&mut [0; 8]).await;
            }
        });
    });
    walked.unwrap();
    let would_wait = |id: &str| walked.fired.iter().any(|fault| fault.effect.to_string() == id);
    assert!(would_wait("recv/nothing-to-read") && would_wait("send/buffer-full"));
}

#[test]
fn a_future_that_pauses_takes_virtual_time_in_a_simulation_only() {
    const SECOND: Duration = Duration::from_secs(1);
    let start = std::time::Instant::now();
    World::default().run(|_| {
        sim::block_on(sunpath::tokio::sleep(1000 * SECOND));
        assert_eq!(sim::elapsed(), 1000 * SECOND);
    });
    assert!(start.elapsed() < 900 * SECOND);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let start = std::time::Instant::now();
    runtime.block_on(sunpath::tokio::sleep(SECOND / 50));
    assert!(start.elapsed() >= SECOND / 50);
}
