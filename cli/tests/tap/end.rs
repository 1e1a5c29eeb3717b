//! How conversations end: each direction by itself, resets, broken pipes.

use crate::common::close;
use crate::scene::{LONG, Pair, Scene, soon};
use std::io::{Read, Write};
use std::net::Shutdown;
use sunpath::{Errno, Listener, RecvFlags, SeqPacket, Stream};

#[test]
fn each_side_may_stop_sending_first() {
    for client_first in [true, false] {
        let Pair { client, server, tap: _tap, scene: _scene } = Pair::streams();
        let (first, second) = if client_first { (client, server) } else { (server, client) };
        (&first).write_all(b"all I have").unwrap();
        first.shutdown(Shutdown::Write).unwrap();
        let mut said = Vec::new();
        (&second).read_to_end(&mut said).unwrap();
        assert_eq!(said, b"all I have");
        // The other direction goes on.
        for _ in 0..3 {
            (&second).write_all(b"answer").unwrap();
            let mut answer = [0; 6];
            (&first).read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"answer");
        }
        second.shutdown(Shutdown::Write).unwrap();
        assert_eq!(first.recv(&mut [0; 9]).unwrap(), 0);
    }
}

#[test]
fn a_close_with_unread_bytes_resets_the_other_side() {
    for client_closes in [true, false] {
        let Pair { client, server, tap: _tap, scene: _scene } = Pair::streams();
        let (closes, other) = if client_closes { (client, server) } else { (server, client) };
        other.send(b"nobody reads this").unwrap();
        closes.send(b"last words").unwrap();
        soon("it is there", || closes.sockopt().readable().unwrap() == 17);
        close(closes);
        let mut buffer = [0; 64];
        assert_eq!(other.recv(&mut buffer).unwrap(), 10, "what was said before arrives");
        assert_eq!(other.recv(&mut buffer).unwrap_err().errno(), Some(Errno::ECONNRESET));
        assert_eq!(other.recv(&mut buffer).unwrap(), 0);
        assert_eq!(other.send(b"x").unwrap_err().errno(), Some(Errno::EPIPE));
    }
}

#[test]
fn an_unread_packet_resets_the_other_side() {
    let Pair { client, server, tap: _tap, scene: _scene } = Pair::packets();
    client.send(b"nobody reads this").unwrap();
    soon("it is there", || server.sockopt().readable().unwrap() > 0);
    close(server);
    assert_eq!(client.recv(&mut [0; 9]).unwrap_err().errno(), Some(Errno::ECONNRESET));
    assert!(client.recv(&mut [0; 9]).unwrap().end_of_file);
}

#[test]
fn a_close_after_all_was_read_is_a_plain_end_of_file() {
    for client_closes in [true, false] {
        let Pair { client, server, tap: _tap, scene: _scene } = Pair::streams();
        let (closes, other) = if client_closes { (client, server) } else { (server, client) };
        other.send(b"read").unwrap();
        closes.recv(&mut [0; 9]).unwrap();
        closes.send(b"bye").unwrap();
        close(closes);
        let mut rest = Vec::new();
        (&other).read_to_end(&mut rest).expect("no reset");
        assert_eq!(rest, b"bye");
        // With the end of file, writing has an end, too: at once, not with the second try.
        soon("nobody is there", || {
            other.send(b"x").is_err_and(|error| error.errno() == Some(Errno::EPIPE))
        });
    }
    let Pair { client, server, tap: _tap, scene: _scene } = Pair::packets();
    client.send(b"read").unwrap();
    server.recv(&mut [0; 9]).unwrap();
    close(server);
    assert!(client.recv(&mut [0; 9]).expect("no reset").end_of_file);
}

/// A reset in the middle of much data: whatever is under way, the writer sees an error soon.
#[test]
fn a_writer_learns_that_its_reader_is_gone() {
    let Pair { client, server, tap: _tap, scene: _scene } = Pair::streams();
    let writer = std::thread::spawn(move || {
        let chunk = [1; 50_000];
        loop {
            if let Err(error) = (&client).write_all(&chunk) {
                return error.raw_os_error().or(sunpath::raw_os_error(&error));
            }
        }
    });
    (&server).read_exact(&mut [0; 300_000]).unwrap();
    close(server);
    let errno = writer.join().unwrap().unwrap();
    assert!([libc_epipe(), libc_reset()].contains(&errno), "{errno}");
}

fn libc_epipe() -> i32 {
    sunpath::sys::libc::EPIPE
}

fn libc_reset() -> i32 {
    sunpath::sys::libc::ECONNRESET
}

#[test]
fn who_reads_no_more_gives_the_writer_a_broken_pipe() {
    let Pair { client, server, tap: _tap, scene: _scene } = Pair::streams();
    server.shutdown(Shutdown::Read).unwrap();
    soon("a broken pipe", || {
        client.send(b"x").is_err_and(|error| error.errno() == Some(Errno::EPIPE))
    });
    // What the server says still arrives.
    server.send(b"still here").unwrap();
    let mut buffer = [0; 64];
    assert_eq!(client.recv(&mut buffer).unwrap(), 10);
}

#[test]
fn a_client_whose_server_is_gone_is_closed_at_once_and_told_why() {
    let scene = Scene::new();
    let listener = Listener::options().keep_file(true).bind(scene.server()).unwrap();
    let tap = scene.tap();
    close(listener);
    let client = Stream::connect(scene.tapped()).unwrap();
    assert_eq!(client.recv(&mut [0; 9]).unwrap(), 0);
    soon("the diagnosis", || tap.said().contains("connect/stale-socket"));
    assert_eq!(tap.stop().code, Some(0));
    assert!(scene.transcript().contains("refused"), "{}", scene.transcript());
}

#[test]
fn a_server_that_is_not_there_yet_is_noticed_and_may_come_later() {
    let scene = Scene::new();
    let tap = scene.tap();
    soon("the note", || tap.said().contains("yet: there is no file at the path (ENOENT, "));
    let listener = Listener::bind(scene.server()).unwrap();
    let client = Stream::connect_timeout(scene.tapped(), LONG).unwrap();
    client.send(b"here").unwrap();
    let server = listener.accept().unwrap();
    server.sockopt().set_receive_timeout(Some(LONG)).unwrap();
    assert_eq!(server.recv(&mut [0; 9]).unwrap(), 4);
    drop((client, server, tap.stop()));
    let ended = scene.tap().stop();
    assert_eq!((ended.code, ended.said.lines().count()), (Some(0), 1), "{}", ended.said);
    close(listener);
}

#[test]
fn what_is_no_server_is_refused_with_a_usage_error() {
    let run = crate::common::run(&["tap", "only-one"]);
    assert_eq!(run.code, 2);
    let run = crate::common::run(&["tap", "tcp:localhost:1", "x"]);
    assert_eq!(run.code, 2, "{}", run.err);
    let scene = Scene::new();
    std::fs::write(scene.tapped(), "a file").unwrap();
    let run = crate::common::run(&["tap".as_ref(), scene.tapped().as_os_str(), "@x".as_ref()]);
    assert_eq!(run.code, 1);
    assert!(
        run.err.contains("Evidence\n  ") && run.err.contains("bind/not-a-socket"),
        "{}",
        run.err
    );
    assert_eq!(std::fs::read(scene.tapped()).unwrap(), b"a file");
    close(Listener::options().keep_file(true).bind(scene.server()).unwrap());
    let run = crate::common::run(&["tap".as_ref(), scene.server().as_os_str(), "@x".as_ref()]);
    assert!(run.code == 1 && run.err.contains("bind/stale-socket"), "{}", run.err);
    assert!(run.err.contains("with --replace-dead"), "{}", run.err);
}

#[test]
fn peeking_waits_and_flags_work_as_without_a_tap() {
    let Pair { client, server, tap: _tap, scene: _scene } = Pair::packets();
    let nothing = |socket: &SeqPacket| {
        let received = socket.recv_with_flags(&mut [0; 9], RecvFlags::DONTWAIT);
        assert_eq!(received.unwrap_err().errno(), Some(Errno::EAGAIN));
    };
    nothing(&client);
    nothing(&server);
    client.send(b"once").unwrap();
    server.recv(&mut [0; 9]).unwrap();
    nothing(&server);
}
