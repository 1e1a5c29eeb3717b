//! Streams: both directions, either of which may end first.

use crate::common::Dir;
use crate::program::{Program, noise, talk};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

fn connect(path: &std::path::Path) -> Program {
    Program::start(&["connect".as_ref(), "--json".as_ref(), path.as_os_str()])
}

#[test]
fn the_end_of_the_input_reaches_the_server_whose_answer_is_printed() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let mut client = connect(&dir.join("s"));
    client.give(b"question");
    let (mut server, _) = listener.accept().unwrap();
    client.end_input();
    let mut asked = String::new();
    server.read_to_string(&mut asked).unwrap();
    assert_eq!(asked, "question");
    server.write_all(b"answer").unwrap();
    drop(server);
    let done = client.wait();
    assert_eq!(done.assert_code(0).out, b"answer");
    let closed = &done.events("closed")[0];
    assert_eq!((&closed["sent"]["bytes"], &closed["received"]["bytes"]), (&8.into(), &6.into()));
}

#[test]
fn a_server_that_sends_no_more_still_receives() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let mut client = connect(&dir.join("s"));
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"welcome").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    client.tells("end_of_file");
    client.give(b"thanks, ");
    client.give(b"bye");
    client.end_input();
    let mut heard = String::new();
    server.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "thanks, bye");
    assert_eq!(client.wait().assert_code(0).out, b"welcome");
}

#[test]
fn it_ends_when_the_server_has_closed_whatever_the_input_may_bring() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let client = connect(&dir.join("s"));
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"bye").unwrap();
    drop(server);
    // Its input is open still.
    assert_eq!(client.wait().assert_code(0).out, b"bye");
}

#[test]
fn megabytes_pass_both_ways_at_once_unchanged() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let (up, down) = (noise(6 << 20), noise(5 << 20));
    let sent = down.clone();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut other = stream.try_clone().unwrap();
        let writing = thread::spawn(move || {
            other.write_all(&sent).unwrap();
            other.shutdown(Shutdown::Write).unwrap();
        });
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        writing.join().unwrap();
        all
    });
    let done = talk(&["connect".as_ref(), dir.join("s").as_os_str()], &up);
    done.assert_code(0);
    assert!(done.out == down, "{} bytes came", done.out.len());
    assert!(server.join().unwrap() == up);
}

#[test]
fn a_reader_that_does_not_read_holds_the_sender_up() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let mut command = crate::common::sunpath();
    // A shell that does not read its pipe for a while.
    command.arg("connect").arg(dir.join("s"));
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut child = crate::common::spawn(command.stdout(writer)).unwrap();
    drop(command);
    let (mut server, _) = listener.accept().unwrap();
    server.set_nonblocking(true).unwrap();
    let (block, mut sent) = (vec![7; 65536], 0_usize);
    for _ in 0..200 {
        match server.write(&block) {
            Ok(count) => sent += count,
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
    assert!((65536..4 << 20).contains(&sent), "{sent} bytes were taken");
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 100 << 10, "{peak} KiB of memory");
    drop(server);
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), sent);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn every_form_of_name_is_served_and_reached() {
    let dir = Dir::new();
    let long = dir.join("d".repeat(100)).join("e".repeat(100));
    std::fs::create_dir_all(&long).unwrap();
    let path = long.join("socket").into_os_string().into_string().unwrap();
    let name = format!("@sunpath-talk-{}\\n-é", std::process::id());
    for address in [path, name] {
        let mut server = Program::listening(&[&address]);
        server.give(b"from the server");
        server.end_input();
        let done = talk(&["connect", &address], b"from the client");
        assert_eq!(done.assert_code(0).out, b"from the server");
        assert_eq!(server.wait().assert_code(0).out, b"from the client");
    }
}

#[test]
fn a_name_that_the_kernel_picked_is_told() {
    let server = Program::start(&["listen", "--json"]);
    let event = server.tells("listening");
    let name = event["address"].as_str().unwrap();
    let address = SocketAddr::from_abstract_name(name.strip_prefix('@').unwrap()).unwrap();
    let mut client = UnixStream::connect_addr(&address).unwrap();
    client.write_all(b"found").unwrap();
    drop(client);
    assert_eq!(server.wait().assert_code(0).out, b"found");
    let plain = Program::start(&["listen", "--timeout", "1ms"]).wait();
    assert!(plain.err.starts_with("sunpath: listening on @"), "{}", plain.err);
}

#[test]
fn hexadecimal_digits_stand_for_bytes() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(&all).unwrap();
        all
    });
    let done =
        talk(&["connect".as_ref(), "--hex".as_ref(), dir.join("s").as_os_str()], b"00 ff\n\n0A");
    assert_eq!(done.assert_code(0).out, b"00ff0a\n");
    assert_eq!(server.join().unwrap(), [0, 0xff, 0x0a]);
}
