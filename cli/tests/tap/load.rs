//! Many clients, slow readers, small buffers.

use crate::scene::{LONG, Noise, Pair, Scene};
use std::io::{Read, Write};
use std::time::Duration;
use sunpath::{Errno, Listener, SendFlags, Stream};

#[test]
fn a_reader_who_does_not_read_stops_the_writer() {
    let Pair { client, server, tap: _tap, scene: _scene } = Pair::streams();
    let noise = Noise::new(9).bytes(16 << 20);
    let mut sent = 0;
    let mut idle = 0;
    while idle < 50 {
        match client.send_with_flags(&noise[sent..], SendFlags::DONTWAIT) {
            Ok(bytes) => {
                sent += bytes;
                idle = 0;
            }
            Err(error) => {
                assert_eq!(error.errno(), Some(Errno::EAGAIN));
                idle += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
    assert!(sent > 100_000, "{sent}");
    assert!(sent < 2 << 20, "the tap takes no more than two queues hold: {sent}");
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut all = Vec::new();
    (&server).read_to_end(&mut all).unwrap();
    assert!(all == noise[..sent], "nothing is lost");
}

/// What the tap holds back must not keep a sender waiting whose buffer is as small as can be.
#[test]
fn a_sender_with_the_smallest_buffer_never_hangs() {
    for length in [1, 150, 192, 193, 1000, 5000] {
        let Pair { client, server, tap: _tap, scene: _scene } = Pair::streams();
        client.sockopt().set_send_buffer(1).unwrap();
        let writer = std::thread::spawn(move || {
            for _ in 0..40 {
                (&client).write_all(&Noise::new(1).bytes(length)).unwrap();
            }
        });
        let mut all = vec![0; length * 40];
        (&server).read_exact(&mut all).unwrap();
        writer.join().unwrap();
    }
    for length in [0, 1, 192, 193, 3000] {
        let Pair { client, server, tap: _tap, scene: _scene } = Pair::packets();
        client.sockopt().set_send_buffer(1).unwrap();
        let writer = std::thread::spawn(move || {
            for _ in 0..40 {
                client.send(&Noise::new(1).bytes(length)).unwrap();
            }
        });
        for _ in 0..40 {
            assert_eq!(server.recv(&mut [0; 4000]).unwrap().bytes, length);
        }
        writer.join().unwrap();
    }
}

#[test]
fn a_hundred_clients_at_once_are_served_as_one() {
    let scene = Scene::new();
    let listener = Listener::bind(scene.server()).unwrap();
    let tap = scene.tap();
    let server = std::thread::spawn(move || {
        let serve = |stream: Stream| {
            std::thread::spawn(move || {
                let mut all = Vec::new();
                (&stream).read_to_end(&mut all).unwrap();
                all.reverse();
                (&stream).write_all(&all).unwrap();
            })
        };
        let threads: Vec<_> = (0..100).map(|_| serve(listener.accept().unwrap())).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let clients = (0..100).map(|n| {
        let path = scene.tapped();
        std::thread::spawn(move || {
            let stream = Stream::connect_timeout(path, LONG).unwrap();
            let mut sent = Noise::new(n).bytes(100_000);
            (&stream).write_all(&sent).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            (&stream).read_to_end(&mut answer).unwrap();
            sent.reverse();
            assert!(answer == sent, "client {n}");
        })
    });
    let clients: Vec<_> = clients.collect();
    clients.into_iter().for_each(|thread| thread.join().unwrap());
    server.join().unwrap();
    assert_eq!(tap.stop().code, Some(0));
    let transcript = scene.transcript();
    let closes = transcript.lines().filter(|line| line.contains(" close "));
    let all = "100000 bytes ->, 100000 bytes <-";
    assert_eq!(closes.filter(|line| line.ends_with(all)).count(), 100, "{transcript}");
}

/// A client that sends one request after the other waits for nothing but the answers.
#[test]
fn requests_and_answers_alternate_quickly() {
    let Pair { client, server, tap: _tap, scene: _scene } = Pair::streams();
    let echo = std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok(length @ 1..) = server.recv(&mut buffer) {
            (&server).write_all(&buffer[..length]).unwrap();
        }
    });
    let mut buffer = [0; 64];
    for _ in 0..2000 {
        (&client).write_all(&[5; 64]).unwrap();
        (&client).read_exact(&mut buffer).unwrap();
    }
    crate::common::close(client);
    echo.join().unwrap();
}
