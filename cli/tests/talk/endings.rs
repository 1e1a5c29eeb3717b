//! What goes wrong: it ends, says why, and how shows in its status.

use crate::common::{Dir, interrupt, sunpath};
use crate::program::{Done, Program, noise, talk};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

fn connect(path: &Path, options: &[&str], input: &[u8]) -> Done {
    let mut args: Vec<&std::ffi::OsStr> = vec!["connect".as_ref(), "--json".as_ref()];
    args.extend(options.iter().map(|option| std::ffi::OsStr::new(*option)));
    args.push(path.as_os_str());
    talk(&args, input)
}

#[test]
fn a_connection_that_fails_is_diagnosed_at_once() {
    let dir = Dir::new();
    let missing = connect(&dir.join("none/s"), &[], b"");
    assert_eq!(missing.assert_code(1).cause(), "connect/missing-directory");
    drop(UnixListener::bind(dir.join("stale")).unwrap());
    let stale = connect(&dir.join("stale"), &[], b"");
    let other = ["connect/stale-socket", "connect/other-mount-namespace"];
    assert!(other.contains(&stale.assert_code(1).cause().as_str()), "{}", stale.err);
    let _datagrams = UnixDatagram::bind(dir.join("d")).unwrap();
    assert_eq!(connect(&dir.join("d"), &[], b"").assert_code(1).cause(), "connect/wrong-type");
    let text = talk(&["connect".as_ref(), dir.join("d").as_os_str()], b"");
    assert!(
        text.err.contains("EPROTOTYPE") && text.err.contains("[connect/wrong-type"),
        "{}",
        text.err
    );
}

#[test]
fn a_full_backlog_is_waited_for_no_longer_than_wanted() {
    let dir = Dir::new();
    let _listener = sunpath::Listener::options().backlog(0).bind(dir.join("s")).unwrap();
    let _waits = sunpath::Stream::connect(dir.join("s")).unwrap();
    let done = connect(&dir.join("s"), &["--timeout", "0.3"], b"");
    assert_eq!(done.assert_code(1).cause(), "connect/backlog-full");
    let local = format!("--local={}", dir.join("c").display());
    let done = connect(&dir.join("s"), &["--timeout", "0.6", &local], b"");
    assert_eq!(done.assert_code(1).cause(), "connect/backlog-full");
    assert!(!dir.join("c").exists());
}

#[test]
fn a_server_that_never_accepts_is_named_after_the_timeout() {
    let dir = Dir::new();
    let _listener = UnixListener::bind(dir.join("s")).unwrap();
    let client = Program::start(&[
        "connect".as_ref(),
        "--json".as_ref(),
        "--timeout=0.5".as_ref(),
        dir.join("s").as_os_str(),
    ]);
    let done = client.wait();
    assert!(done.assert_code(1).cause().starts_with("wait/server-not-accepting"), "{}", done.err);
}

#[test]
fn a_server_that_leaves_data_unread_is_told() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let mut client =
        Program::start(&["connect".as_ref(), "--json".as_ref(), dir.join("s").as_os_str()]);
    client.give(b"will not be read");
    let (mut server, _) = listener.accept().unwrap();
    server.read_exact(&mut [0; 1]).unwrap();
    server.write_all(b"goodbye").unwrap();
    client.prints(b"goodbye");
    drop(server);
    let done = client.wait();
    assert_eq!(done.assert_code(1).out, b"goodbye");
    assert_eq!(done.cause(), "recv/peer-closed-with-unread-data");
}

#[test]
fn input_that_nobody_takes_is_a_failure_and_the_answer_is_still_printed() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.shutdown(std::net::Shutdown::Read).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        stream.write_all(b"too much").unwrap();
    });
    let done = connect(&dir.join("s"), &[], &noise(4 << 20));
    assert_eq!(done.assert_code(1).out, b"too much");
    assert_eq!(done.events("failed")[0]["errno"], "EPIPE");
    server.join().unwrap();
}

#[test]
fn an_input_that_is_closed_is_an_input_that_ends() {
    let dir = Dir::new();
    for redirect in ["< /dev/null", "<&-"] {
        let path = dir.join(format!("s{}", redirect.len()));
        let listener = UnixListener::bind(&path).unwrap();
        let mut shell = Command::new("sh");
        let line = format!("exec \"$0\" connect \"$1\" {redirect}");
        shell.args(["-c", &line, env!("CARGO_BIN_EXE_sunpath")]).arg(&path);
        let client = Program::of(&mut shell);
        let (mut server, _) = listener.accept().unwrap();
        let mut all = Vec::new();
        server.read_to_end(&mut all).unwrap();
        server.write_all(b"fine").unwrap();
        drop(server);
        let done = client.wait();
        assert_eq!(
            (done.assert_code(0).out.as_slice(), all.len()),
            (&b"fine"[..], 0),
            "{redirect}"
        );
    }
}

#[test]
fn a_full_disk_is_said() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = sunpath();
    command.arg("connect").arg(dir.join("s")).stdout(full).stderr(Stdio::piped());
    let child = crate::common::spawn(&mut command).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"data").unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{err}");
    assert!(err.starts_with("sunpath: cannot write to standard output: "), "{err}");
}

#[test]
fn a_reader_that_goes_ends_it_quietly_even_if_nothing_is_written() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = sunpath();
    command.arg("connect").arg(dir.join("s")).stdout(writer).stderr(Stdio::piped());
    let child = crate::common::spawn(&mut command).unwrap();
    drop(command);
    let (mut server, _) = listener.accept().unwrap();
    assert_eq!(server.read(&mut [0; 1]).unwrap(), 0, "the input has ended");
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn an_interrupt_ends_a_conversation_and_removes_the_file_of_the_client() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let local = format!("--local={}", dir.join("c").display());
    let client = Program::start(&[
        "connect".as_ref(),
        "--json".as_ref(),
        local.as_ref(),
        dir.join("s").as_os_str(),
    ]);
    let (_server, from) = listener.accept().unwrap();
    assert_eq!(from.as_pathname(), Some(dir.join("c").as_path()));
    client.tells("connected");
    client.signal(interrupt());
    client.wait().assert_code(130);
    assert!(!dir.join("c").exists());
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_done() {
    let dir = Dir::new();
    let path = dir.join("s").into_os_string().into_string().unwrap();
    let wrong: &[&[&str]] = &[
        &["connect", "tcp:localhost:80"],
        &["connect", ""],
        &["connect", "--length-prefixed", &path],
        &["connect", "--delimiter", "\\0", &path],
        &["connect", "--type", "datagram", "--exec", "cat", &path],
        &["connect", "--send-fd", "/nonexistent/file", &path],
        &["connect", "--send-fd", "999", &path],
        &["connect", "--save-fds", "/nonexistent/received", &path],
        &["listen", "--type", "datagram", "--backlog", "1", &path],
        &["listen", "--activate", "x", "--exec", "y", &path],
        &["listen", "--activate", "x", "--hex", &path],
        &["listen", "--max", "3", &path],
        &["listen", "--mode", "999", &path],
    ];
    for args in wrong {
        let done = talk(args, b"");
        assert!(!done.assert_code(2).err.is_empty(), "{args:?}");
    }
    assert!(!dir.join("s").exists());
}

#[test]
fn an_interrupt_is_heard_while_neither_side_takes_anything() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("s")).unwrap();
    let (_reader, writer) = std::io::pipe().unwrap();
    let endless = File::open("/dev/zero").unwrap();
    let mut command = sunpath();
    command.arg("connect").arg(dir.join("s")).stdin(endless).stdout(writer);
    let mut child = crate::common::spawn(&mut command).unwrap();
    drop(command);
    let (mut server, _) = listener.accept().unwrap();
    server.set_nonblocking(true).unwrap();
    let block = vec![1; 65536];
    // Full are this socket, the pipe of the output, and the other direction.
    let mut refused = 0;
    while refused < 20 {
        match server.write(&block) {
            Ok(_) => refused = 0,
            Err(_) => refused += 1,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let pidfd = sunpath::sys::process::pidfd(child.id()).unwrap();
    sunpath::sys::process::signal(pidfd.as_fd(), interrupt()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_client_that_resets_ends_its_own_conversation_only() {
    let dir = Dir::new();
    for kind in ["stream", "seqpacket"] {
        let path = dir.join(kind);
        let mut server = Program::listening(&[
            "--count=2".as_ref(),
            "--type".as_ref(),
            kind.as_ref(),
            path.as_os_str(),
        ]);
        server.give(b"to nobody\n");
        // They leave without reading what has come.
        match kind {
            "stream" => {
                let client = sunpath::Stream::connect(&path).unwrap();
                while client.sockopt().readable().unwrap() == 0 {}
            }
            _ => {
                let client = sunpath::SeqPacket::connect(&path).unwrap();
                while client.sockopt().readable().unwrap() == 0 {}
            }
        }
        assert_eq!(server.tells("failed")["errno"], "ECONNRESET");
        server.tells("closed");
        match kind {
            "stream" => drop(sunpath::Stream::connect(&path).unwrap().send(b"second\n").unwrap()),
            _ => sunpath::SeqPacket::connect(&path).unwrap().send(b"second").unwrap(),
        }
        let done = server.finish();
        assert_eq!(done.assert_code(0).out, b"second\n", "{kind}: {}", done.err);
        assert_eq!(done.events("closed").len(), 2, "{}", done.err);
    }
}
