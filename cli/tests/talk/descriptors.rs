//! Descriptors beside the bytes, and who is at the other end.

use crate::common::{Dir, every_key_is_documented, sunpath as command};
use crate::program::{Program, noise, talk};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use sunpath::{Ancillary, AncillaryBuffer, Listener, SeqPacketListener, Stream};

fn strings<'a>(options: &'a [&'a str], path: &'a Path) -> Vec<&'a OsStr> {
    options.iter().map(OsStr::new).chain([path.as_os_str()]).collect()
}

#[test]
fn files_and_inherited_descriptors_are_sent_with_the_first_bytes() {
    let dir = Dir::new();
    fs::write(dir.join("file"), "contents").unwrap();
    let listener = Listener::options().pass_rights(true).bind(dir.join("s")).unwrap();
    let mut shell = Command::new("sh");
    let line = "echo bytes | \"$0\" connect --send-fd \"$1\" --send-fd 7 \"$2\" 7>>\"$1\"";
    shell
        .args(["-c", line, env!("CARGO_BIN_EXE_sunpath")])
        .arg(dir.join("file"))
        .arg(dir.join("s"));
    let client = Program::of(shell.stdin(Stdio::null()));
    let server = listener.accept().unwrap();
    let mut beside = AncillaryBuffer::new(3);
    let mut buffer = [0; 100];
    let received = server.recv_with(&mut buffer, &mut beside).unwrap();
    assert_eq!(&buffer[..received.bytes], b"bytes\n");
    let files: Vec<File> = beside.take_descriptors().map(File::from).collect();
    assert_eq!(files.len(), 2);
    let mut text = String::new();
    (&files[0]).read_to_string(&mut text).unwrap();
    assert_eq!(text, "contents");
    std::io::Write::write_all(&mut &files[1], b", more").unwrap();
    assert_eq!(fs::read(dir.join("file")).unwrap(), b"contents, more");
    drop(server);
    client.wait().assert_code(0);
}

#[test]
fn without_bytes_an_empty_message_carries_them_and_a_stream_refuses() {
    let dir = Dir::new();
    let packets = SeqPacketListener::options().pass_rights(true).bind(dir.join("p")).unwrap();
    let options = ["connect", "--type=seqpacket", "--send-fd=/dev/null"];
    let client = Program::start(&strings(&options, &dir.join("p")));
    let server = packets.accept().unwrap();
    let mut beside = AncillaryBuffer::new(3);
    let closing = std::thread::spawn(move || client.finish());
    let received = server.recv_with(&mut [0; 10], &mut beside).unwrap();
    assert_eq!((received.bytes, received.end_of_file, beside.descriptors().len()), (0, false, 1));
    drop(server);
    closing.join().unwrap().assert_code(0);

    let listener = Listener::options().pass_rights(true).bind(dir.join("s")).unwrap();
    let options = ["connect", "--json", "--send-fd=/dev/null"];
    let client = Program::start(&strings(&options, &dir.join("s")));
    let server = listener.accept().unwrap();
    let closing = std::thread::spawn(move || client.finish());
    std::thread::sleep(std::time::Duration::from_millis(50));
    drop(server);
    let done = closing.join().unwrap();
    assert_eq!(done.assert_code(1).cause(), "rights/dropped-with-empty-send");
}

#[test]
fn a_peer_that_takes_no_descriptors_is_told() {
    let dir = Dir::new();
    let listener = Listener::bind(dir.join("s")).unwrap();
    let refuses = listener.sockopt().pass_rights().is_ok_and(|passes| !passes);
    if !refuses {
        eprintln!("skipped: this kernel cannot refuse descriptors");
        return;
    }
    let options = ["connect", "--json", "--send-fd=/dev/null"];
    let mut client = Program::start(&strings(&options, &dir.join("s")));
    let server = listener.accept().unwrap();
    client.give(b"x");
    client.tells("failed");
    drop(server);
    let done = client.finish();
    assert_eq!(done.assert_code(1).cause(), "rights/refused-by-receiver");
}

/// Sends descriptors to `listen` with these options; the events that it tells of them.
fn listed(dir: &Dir, options: &[&str], descriptors: &[&dyn AsFd]) -> Vec<Value> {
    let server = Program::listening(&strings(options, &dir.join("s")));
    let client = Stream::connect(dir.join("s")).unwrap();
    let fds: Vec<_> = descriptors.iter().map(|fd| fd.as_fd()).collect();
    client.send_with(b"x", &Ancillary::descriptors(&fds)).unwrap();
    drop(client);
    let done = server.finish();
    assert_eq!(done.assert_code(0).out, b"x");
    let events = done.events("descriptor");
    events.iter().for_each(every_key_is_documented);
    events
}

#[test]
fn descriptors_that_come_are_listed_with_what_they_are() {
    let dir = Dir::new();
    fs::write(dir.join("file"), "12345").unwrap();
    let file = File::open(dir.join("file")).unwrap();
    let appended = File::options().append(true).open(dir.join("file")).unwrap();
    let folder = File::open(dir.join(".")).unwrap();
    let null = File::options().read(true).write(true).open("/dev/null").unwrap();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let socket = UnixDatagram::bind(dir.join("bound")).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(dir.join("l")).unwrap();
    let pidfd = sunpath::sys::process::pidfd(std::process::id()).unwrap();
    let all: [&dyn AsFd; 8] = [&file, &appended, &folder, &null, &pipe, &socket, &listener, &pidfd];
    let events = listed(&dir, &[], &all);
    let shown: Vec<_> = events
        .iter()
        .map(|e| (e["kind"].as_str().unwrap(), e["access"].as_str().unwrap()))
        .collect();
    let expected = [
        ("regular file", "read-only"),
        ("regular file", "write-only"),
        ("directory", "read-only"),
        ("character device", "read and write"),
        ("pipe", "read-only"),
        ("datagram socket", "read and write"),
        ("listening stream socket", "read and write"),
        ("process", "read and write"),
    ];
    assert_eq!(shown, expected);
    let name = |index: usize| events[index]["name"].as_str();
    assert_eq!(name(0), dir.join("file").to_str());
    assert_eq!(events[0]["size"], 5);
    assert_eq!(name(4), None);
    assert_eq!(name(5), dir.join("bound").to_str());
    assert_eq!(name(7), Some(&*std::process::id().to_string()));
}

#[test]
fn the_directory_for_what_is_saved_is_made_when_it_is_needed() {
    let dir = Dir::new();
    let save = dir.join("received");
    let option = format!("--save-fds={}", save.display());
    assert!(listed(&dir, &[&option], &[&std::io::pipe().unwrap().0])[0]["saved"].is_null());
    assert!(!save.exists(), "nothing was saved");
    fs::write(dir.join("a"), "text").unwrap();
    let file = File::open(dir.join("a")).unwrap();
    let events = listed(&dir, &[&option], &[&file]);
    assert_eq!(events[0]["saved"]["bytes"], 4, "{events:?}");
    assert_eq!(fs::read(save.join("fd-1")).unwrap(), b"text");
    assert_eq!(fs::metadata(&save).unwrap().mode() & 0o777, 0o700);
    let nowhere = format!("--save-fds={}", dir.join("no/such").display());
    let done = talk(&strings(&["connect", &nowhere], &dir.join("s")), b"");
    assert!(done.assert_code(2).err.contains("no directory in which to make"), "{}", done.err);
}

#[test]
fn what_files_hold_is_saved_under_new_names_within_the_limit() {
    let dir = Dir::new();
    let save = dir.join("save");
    fs::create_dir(&save).unwrap();
    fs::write(save.join("fd-1"), "mine").unwrap();
    std::os::unix::fs::symlink(dir.join("victim"), save.join("fd-2")).unwrap();
    let data = noise(70_000);
    fs::write(dir.join("a"), &data).unwrap();
    fs::write(dir.join("b"), &data).unwrap();
    let mut first = File::open(dir.join("a")).unwrap();
    first.seek(SeekFrom::Start(100)).unwrap();
    let second = File::open(dir.join("b")).unwrap();
    let unreadable = File::options().write(true).open(dir.join("b")).unwrap();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let option = format!("--save-fds={}", save.display());
    let all: [&dyn AsFd; 4] = [&first, &unreadable, &pipe, &second];
    let events = listed(&dir, &[&option, "--save-limit=100000"], &all);
    assert_eq!(events[0]["saved"]["path"].as_str(), save.join("fd-3").to_str());
    assert!(fs::read(save.join("fd-3")).unwrap() == data);
    assert_eq!(fs::metadata(save.join("fd-3")).unwrap().mode() & 0o777, 0o600);
    assert_eq!(first.stream_position().unwrap(), 100, "the offset is the peer's");
    assert!(events[1]["not_saved"].is_string() && events[2]["not_saved"].is_string(), "{events:?}");
    let last = &events[3]["saved"];
    assert_eq!((&last["bytes"], &last["cut"]), (&30_000.into(), &true.into()));
    let last = fs::read(last["path"].as_str().unwrap()).unwrap();
    assert!(last == data[..30_000]);
    assert_eq!(fs::read(save.join("fd-1")).unwrap(), b"mine");
    assert!(!dir.join("victim").exists());
    assert_eq!(fs::read_dir(&save).unwrap().count(), 4);
}

#[test]
fn who_is_at_the_other_end_is_told_on_request() {
    let dir = Dir::new();
    let server = Program::listening(&strings(&["--peer"], &dir.join("s")));
    let client = Stream::connect(dir.join("s")).unwrap();
    let event = server.tells("peer");
    every_key_is_documented(&event);
    let own = sunpath::Credentials::current();
    assert_eq!(
        (&event["pid"], &event["uid"], &event["gid"]),
        (&own.pid.into(), &own.uid.into(), &own.gid.into())
    );
    if client.peer().pidfd().is_ok() {
        assert_eq!((&event["running"], &event["pidfd"]), (&true.into(), &own.pid.into()));
        assert!(event["executable"].as_str().unwrap().contains("talk"), "{event}");
    }
    drop(client);
    server.finish().assert_code(0);
    let listener = Listener::bind(dir.join("t")).unwrap();
    let client = talk(&strings(&["connect", "--peer", "--timeout=10ms"], &dir.join("t")), b"");
    drop(listener);
    assert!(
        client.err.contains(&format!("peer: pid {}, user {}", own.pid, own.uid)),
        "{}",
        client.err
    );
}

#[test]
fn the_senders_of_datagrams_are_told_on_request() {
    let dir = Dir::new();
    let options = ["--type=datagram", "--peer", "--count=2"];
    let server = Program::listening(&strings(&options, &dir.join("s")));
    talk(&strings(&["connect", "--type=datagram"], &dir.join("s")), b"1\n").assert_code(0);
    UnixDatagram::unbound().unwrap().send_to(b"2", dir.join("s")).unwrap();
    let done = server.finish();
    let senders = done.events("sender");
    senders.iter().for_each(every_key_is_documented);
    assert_eq!(senders.len(), 2, "{}", done.err);
    assert_eq!(senders[1]["pid"], std::process::id());
}

#[test]
fn every_event_is_documented() {
    let dir = Dir::new();
    let mut server = Program::listening(&strings(&[], &dir.join("s")));
    let mut client = command();
    client.args(["connect", "--json"]).arg(dir.join("s")).stdin(Stdio::null());
    let client = Program::of(&mut client);
    server.give(b"x");
    let (server, client) = (server.finish(), client.wait());
    let failed = talk(&strings(&["connect", "--json"], &dir.join("none")), b"");
    let text = include_str!("../../../docs/json.md");
    let mut count = 0;
    for line in [&server.err, &client.err, &failed.err].iter().flat_map(|err| err.lines()) {
        let event: Value = serde_json::from_str(line).expect(line);
        every_key_is_documented(&event);
        let name = event["event"].as_str().unwrap();
        assert!(text.contains(&format!("`{name}`")), "{name} is not in docs/json.md");
        count += 1;
    }
    assert!(count >= 8, "{}{}{}", server.err, client.err, failed.err);
}
