//! Datagrams and packets: boundaries, empty messages, and the end of file.

use crate::common::Dir;
use crate::program::{Program, noise, talk};
use std::ffi::OsStr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::thread;
use std::time::Duration;
use sunpath::{SeqPacket, SeqPacketListener};

fn arguments<'a>(options: &'a [&'a str], path: &'a Path) -> Vec<&'a OsStr> {
    options.iter().map(OsStr::new).chain([path.as_os_str()]).collect()
}

/// All messages until the end of file.
fn receive_all(socket: &SeqPacket) -> Vec<Vec<u8>> {
    let mut buffer = vec![0; 1 << 20];
    let mut all = Vec::new();
    loop {
        let received = socket.recv(&mut buffer).unwrap();
        if received.end_of_file {
            return all;
        }
        all.push(buffer[..received.bytes].to_vec());
    }
}

const PACKETS: &[&str] = &["connect", "--type", "seqpacket"];

#[test]
fn lines_become_packets_and_packets_lines() {
    let dir = Dir::new();
    let listener = SeqPacketListener::bind(dir.join("s")).unwrap();
    let server = thread::spawn(move || {
        let socket = listener.accept().unwrap();
        let all = receive_all(&socket);
        for message in [&b"one"[..], b"", b"three", b""] {
            socket.send(message).unwrap();
        }
        all
    });
    let done = talk(&arguments(PACKETS, &dir.join("s")), b"a\n\nbc\n\nlast");
    assert_eq!(done.assert_code(0).out, b"one\n\nthree\n\n");
    assert_eq!(server.join().unwrap(), [&b"a"[..], b"", b"bc", b"", b"last"]);
}

#[test]
fn each_way_to_write_messages_keeps_every_byte() {
    let forms: [(&[&str], &[u8], &[u8]); 3] = [
        (
            &["--length-prefixed"],
            b"\0\0\0\x02a\n\0\0\0\0\0\0\0\x01\0",
            b"\0\0\0\x02a\n\0\0\0\0\0\0\0\x01\0",
        ),
        (&["--hex"], b"610a\n\n00\n", b"610a\n\n00\n"),
        (
            &["--delimiter", "\\x01\\x02"],
            b"a\n\x01\x02\x01\x02\0\x01\x02",
            b"a\n\x01\x02\x01\x02\0\x01\x02",
        ),
    ];
    let dir = Dir::new();
    for (number, (options, input, output)) in forms.into_iter().enumerate() {
        let path = dir.join(number.to_string());
        let listener = SeqPacketListener::bind(&path).unwrap();
        let server = thread::spawn(move || {
            let socket = listener.accept().unwrap();
            let all = receive_all(&socket);
            all.iter().for_each(|message| socket.send(message).unwrap());
            all
        });
        let options = [PACKETS, options].concat();
        let done = talk(&arguments(&options, &path), input);
        assert_eq!(done.assert_code(0).out, output, "{options:?}");
        assert_eq!(server.join().unwrap(), [&b"a\n"[..], b"", b"\0"], "{options:?}");
    }
}

#[test]
fn a_long_packet_is_passed_whole() {
    let dir = Dir::new();
    let long: Vec<u8> =
        noise(150_000).into_iter().map(|b| if b == b'\n' { 0 } else { b }).collect();
    let server = Program::listening(&arguments(&["--type=seqpacket"], &dir.join("s")));
    let client = thread::spawn({
        let (path, long) = (dir.join("s"), long.clone());
        move || talk(&arguments(PACKETS, &path), &long)
    });
    let done = server.finish();
    assert!(done.assert_code(0).out == [&long[..], b"\n"].concat(), "{}", done.err);
    client.join().unwrap().assert_code(0);
}

#[test]
fn a_message_that_no_socket_takes_is_explained() {
    let dir = Dir::new();
    let _receiver = UnixDatagram::bind(dir.join("s")).unwrap();
    let options = ["connect", "--json", "--type=datagram"];
    let done = talk(&arguments(&options, &dir.join("s")), &vec![b'x'; 2 << 20]);
    assert_eq!(done.assert_code(1).cause(), "send/message-too-long");
}

#[test]
fn input_that_is_no_message_is_refused() {
    let dir = Dir::new();
    let receiver = UnixDatagram::bind(dir.join("s")).unwrap();
    for (form, input) in
        [("--hex", &b"00\nno\n"[..]), ("--length-prefixed", b"\0\0\0\x01a\0\0\0\x02b")]
    {
        let done = talk(&arguments(&["connect", "--type=datagram", form], &dir.join("s")), input);
        assert!(
            done.assert_code(2).err.contains("of the input") || done.err.contains("message 2"),
            "{}",
            done.err
        );
        assert_eq!(receiver.recv(&mut [0; 10]).unwrap(), 1, "what came before was sent");
    }
}

#[test]
fn datagrams_are_sent_and_nobody_is_waited_for() {
    let dir = Dir::new();
    let receiver = UnixDatagram::bind(dir.join("s")).unwrap();
    let done = talk(&arguments(&["connect", "--type=datagram"], &dir.join("s")), b"one\n\nthree\n");
    done.assert_code(0);
    let mut buffer = [0; 100];
    for expected in [&b"one"[..], b"", b"three"] {
        let count = receiver.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], expected);
    }
}

#[test]
fn a_slow_receiver_gets_every_datagram_in_order() {
    let dir = Dir::new();
    let receiver = UnixDatagram::bind(dir.join("s")).unwrap();
    let input: String = (0..2000).map(|n| format!("{n}\n")).collect();
    let reading = thread::spawn(move || {
        let mut buffer = [0; 100];
        for n in 0..2000 {
            if n % 500 == 0 {
                thread::sleep(Duration::from_millis(30));
            }
            let count = receiver.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..count], n.to_string().as_bytes());
        }
    });
    talk(&arguments(&["connect", "--type=datagram"], &dir.join("s")), input.as_bytes())
        .assert_code(0);
    reading.join().unwrap();
}

#[test]
fn answers_come_to_a_client_that_has_a_name_until_none_comes_any_more() {
    let dir = Dir::new();
    let server = UnixDatagram::bind(dir.join("s")).unwrap();
    let answering = thread::spawn(move || {
        let mut buffer = [0; 100];
        for _ in 0..2 {
            let (count, from) = server.recv_from(&mut buffer).unwrap();
            server.send_to_addr(&[b"re: ", &buffer[..count]].concat(), &from).unwrap();
        }
    });
    let options = ["connect", "--type=datagram", "--local", "--timeout=1"];
    let done = talk(&arguments(&options, &dir.join("s")), b"a\nb\n");
    assert_eq!(done.assert_code(0).out, b"re: a\nre: b\n");
    answering.join().unwrap();
}

#[test]
fn the_last_sender_with_a_name_is_answered() {
    let dir = Dir::new();
    let mut server =
        Program::listening(&arguments(&["--type=datagram", "--count=3"], &dir.join("s")));
    server.give(b"answer 1\nanswer 2\n");
    let nameless = UnixDatagram::unbound().unwrap();
    nameless.send_to(b"who am I?", dir.join("s")).unwrap();
    server.prints(b"who am I?\n");
    let named = UnixDatagram::bind(dir.join("c")).unwrap();
    named.send_to(b"", dir.join("s")).unwrap();
    let mut buffer = [0; 100];
    for expected in [&b"answer 1"[..], b"answer 2"] {
        let count = named.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], expected);
    }
    nameless.send_to(b"last", dir.join("s")).unwrap();
    let done = server.finish();
    assert_eq!(done.assert_code(0).out, b"who am I?\n\nlast\n");
    assert_eq!(done.events("from").len(), 3, "{}", done.err);
    assert!(!dir.join("s").exists());
}

#[test]
fn a_client_that_is_gone_costs_a_server_of_datagrams_one_answer() {
    let dir = Dir::new();
    let mut server =
        Program::listening(&arguments(&["--type=datagram", "--count=2"], &dir.join("s")));
    let gone = UnixDatagram::bind(dir.join("gone")).unwrap();
    gone.send_to(b"1", dir.join("s")).unwrap();
    server.prints(b"1\n");
    drop(gone);
    server.give(b"lost\n");
    let failed = server.tells("failed");
    assert_eq!(failed["errno"], "ECONNREFUSED");
    let next = UnixDatagram::bind(dir.join("next")).unwrap();
    next.send_to(b"2", dir.join("s")).unwrap();
    server.give(b"found\n");
    let mut buffer = [0; 100];
    assert_eq!(next.recv(&mut buffer).unwrap(), 5);
    server.finish().assert_code(0);
}
