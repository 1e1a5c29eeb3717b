//! `listen`: files, many clients, commands and programs.

use crate::common::{Dir, interrupt, is_ignored};
use crate::program::{Program, talk};
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;
use sunpath::sys::process::Signal;

fn strings<'a>(options: &'a [&'a str], path: &'a Path) -> Vec<&'a OsStr> {
    options.iter().map(OsStr::new).chain([path.as_os_str()]).collect()
}

/// Sends a text, and reads what comes until the end.
fn ask(path: &Path, text: &str) -> String {
    let mut client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    client.write_all(text.as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn one_connection_is_served_and_the_file_removed() {
    let dir = Dir::new();
    let mut server = Program::listening(&strings(&["--mode=600"], &dir.join("s")));
    let file = fs::metadata(dir.join("s")).unwrap();
    assert!(file.file_type().is_socket() && file.mode() & 0o777 == 0o600);
    server.give(b"hello, client");
    server.end_input();
    assert_eq!(ask(&dir.join("s"), "hello, server"), "hello, client");
    assert_eq!(server.wait().assert_code(0).out, b"hello, server");
    assert!(!dir.join("s").exists());
}

#[test]
fn clients_are_served_one_after_the_other_until_an_interrupt() {
    let dir = Dir::new();
    let mut server = Program::listening(&strings(&["--keep-open"], &dir.join("s")));
    server.give(b"for the first");
    server.end_input();
    assert_eq!(ask(&dir.join("s"), "1,"), "for the first");
    assert_eq!(ask(&dir.join("s"), "2,"), "");
    // One who leaves without reading ends its own conversation only.
    drop(UnixStream::connect(dir.join("s")).unwrap());
    assert_eq!(ask(&dir.join("s"), "3"), "");
    server.prints(b"1,2,3");
    server.signal(Signal::TERM);
    server.wait().assert_code(130);
    assert!(!dir.join("s").exists());
}

#[test]
fn it_ends_after_as_many_connections_as_are_wanted() {
    let dir = Dir::new();
    let server = Program::listening(&strings(&["--count=2", "--type=stream"], &dir.join("s")));
    let waiting = UnixStream::connect(dir.join("s")).unwrap();
    server.tells("accepted");
    let second = std::thread::spawn({
        let path = dir.join("s");
        move || ask(&path, "second")
    });
    drop(waiting);
    let done = server.finish();
    assert_eq!(second.join().unwrap(), "");
    assert_eq!(done.assert_code(0).out, b"second");
    let numbers: Vec<_> =
        done.events("accepted").iter().map(|e| e["connection"].as_u64()).collect();
    assert_eq!(numbers, [Some(1), Some(2)]);
}

#[test]
fn an_interrupt_while_nobody_comes_removes_the_file() {
    let dir = Dir::new();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        if is_ignored(signal) {
            eprintln!("skipped: whoever started the test has {signal:?} ignored");
            continue;
        }
        let server = Program::listening(&strings(&["--type=seqpacket"], &dir.join("s")));
        server.signal(signal);
        server.wait().assert_code(130);
        assert!(!dir.join("s").exists());
    }
}

#[test]
fn nobody_in_time_is_a_failure() {
    let dir = Dir::new();
    for kind in ["stream", "datagram"] {
        let options = ["listen", "--timeout=20ms", "--type", kind];
        let done = Program::start(&strings(&options, &dir.join("s"))).wait();
        assert!(done.assert_code(1).err.contains("in time"), "{}", done.err);
        assert!(!dir.join("s").exists());
    }
}

#[test]
fn a_file_that_is_another_servers_by_then_stays() {
    let dir = Dir::new();
    let server = Program::listening(&strings(&[], &dir.join("s")));
    let _other = UnixListener::bind(dir.join("new")).unwrap();
    fs::rename(dir.join("new"), dir.join("s")).unwrap();
    server.signal(Signal::TERM);
    server.wait().assert_code(130);
    drop(UnixStream::connect(dir.join("s")).expect("the other server has its file"));
}

#[test]
fn nothing_that_exists_is_replaced_but_a_dead_socket_on_request() {
    let dir = Dir::new();
    fs::write(dir.join("file"), "precious").unwrap();
    let _live = UnixListener::bind(dir.join("live")).unwrap();
    let _mail = UnixDatagram::bind(dir.join("mail")).unwrap();
    drop(UnixListener::bind(dir.join("dead")).unwrap());
    for options in [&["listen", "--json"][..], &["listen", "--json", "--replace-dead"]] {
        for (name, cause) in [
            ("file", "bind/not-a-socket"),
            ("live", "bind/live-socket"),
            ("mail", "bind/live-socket"),
        ] {
            let done = talk(&strings(options, &dir.join(name)), b"");
            assert_eq!(done.assert_code(1).cause(), cause, "{options:?}");
        }
    }
    assert_eq!(fs::read(dir.join("file")).unwrap(), b"precious");
    drop(UnixStream::connect(dir.join("live")).unwrap());
    let done = talk(&strings(&["listen", "--json"], &dir.join("dead")), b"");
    assert_eq!(done.assert_code(1).cause(), "bind/stale-socket");
    let done = talk(&strings(&["listen"], &dir.join("dead")), b"");
    assert!(done.assert_code(1).err.contains("with --replace-dead it is replaced"), "{}", done.err);
    let mut server = Program::listening(&strings(&["--replace-dead"], &dir.join("dead")));
    server.end_input();
    assert_eq!(ask(&dir.join("dead"), "alive"), "");
    assert_eq!(server.wait().assert_code(0).out, b"alive");
}

#[test]
fn the_backlog_is_as_long_as_wanted() {
    let dir = Dir::new();
    let server = Program::listening(&strings(&["--backlog=0"], &dir.join("s")));
    let _served = UnixStream::connect(dir.join("s")).unwrap();
    server.tells("accepted");
    let _waits = UnixStream::connect(dir.join("s")).unwrap();
    let full = sunpath::Stream::connect_timeout(dir.join("s"), Duration::ZERO).unwrap_err();
    assert_eq!(full.cause(), Some("connect/backlog-full"));
    server.signal(Signal::TERM);
    server.wait().assert_code(130);
}

#[test]
fn a_command_serves_each_connection_many_at_a_time() {
    let dir = Dir::new();
    let shell = "--exec=echo \"pid $SUNPATH_PEER_PID\"; exec cat";
    let server = Program::listening(&strings(&["--keep-open", shell], &dir.join("s")));
    let greeting = format!("pid {}\n", std::process::id());
    let clients: Vec<_> = (0..3)
        .map(|n| {
            let mut client = UnixStream::connect(dir.join("s")).unwrap();
            let mut heard = vec![0; greeting.len()];
            client.read_exact(&mut heard).unwrap();
            assert_eq!(heard, greeting.as_bytes());
            client.write_all(&[n]).unwrap();
            client
        })
        .collect();
    // All are served while none has ended.
    for (n, mut client) in clients.into_iter().enumerate().rev() {
        let mut answer = [9];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(usize::from(answer[0]), n);
    }
    server.tells("ended");
    let mut last = UnixStream::connect(dir.join("s")).unwrap();
    last.read_exact(&mut vec![0; greeting.len()]).unwrap();
    server.signal(Signal::TERM);
    server.wait().assert_code(130);
    assert_eq!(last.read(&mut [0]).unwrap(), 0, "its command was stopped");
    assert!(!dir.join("s").exists());
}

#[test]
fn no_more_commands_run_than_are_wanted() {
    let dir = Dir::new();
    let options = ["--count=2", "--max=1", "--exec=echo x; exec cat"];
    let server = Program::listening(&strings(&options, &dir.join("s")));
    let mut first = UnixStream::connect(dir.join("s")).unwrap();
    first.read_exact(&mut [0; 2]).unwrap();
    let mut second = UnixStream::connect(dir.join("s")).unwrap();
    second.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(second.read(&mut [0; 2]).is_err(), "it waits");
    second.set_read_timeout(None).unwrap();
    drop(first);
    second.read_exact(&mut [0; 2]).unwrap();
    drop(second);
    server.wait().assert_code(0);
}

#[test]
fn clients_wait_while_there_is_no_descriptor_for_them() {
    let dir = Dir::new();
    let mut shell = std::process::Command::new("sh");
    let line = "ulimit -n 20; exec \"$0\" listen --json --count 12 --exec 'exec cat' \"$1\"";
    shell.args(["-c", line, env!("CARGO_BIN_EXE_sunpath")]).arg(dir.join("s"));
    let server = Program::of(shell.stdin(std::process::Stdio::null()));
    server.tells("listening");
    let clients: Vec<_> = (0..12).map(|_| UnixStream::connect(dir.join("s")).unwrap()).collect();
    server.tells("note");
    for mut client in clients {
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        client.write_all(b"served").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "served");
    }
    let done = server.wait();
    assert!(done.assert_code(0).err.contains("no descriptors are left"), "{}", done.err);
}

#[test]
fn the_status_of_a_single_command_is_that_of_the_program() {
    let dir = Dir::new();
    let server = Program::listening(&strings(&["--exec=cat; exit 7"], &dir.join("s")));
    assert_eq!(ask(&dir.join("s"), "echo"), "echo");
    server.wait().assert_code(7);
    let listener = UnixListener::bind(dir.join("t")).unwrap();
    let options = ["connect", "--exec", "read line; echo \"got $line\"; kill -KILL $$"];
    let client = Program::start(&strings(&options, &dir.join("t")));
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"this\n").unwrap();
    let mut answer = String::new();
    server.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "got this\n");
    client.wait().assert_code(128 + 9);
}

#[test]
fn a_program_to_start_may_be_written_as_in_any_shell() {
    let dir = Dir::new();
    let script = "test \"$LISTEN_PID\" = $$ || exit 1; echo \"$WORD $PWD\"";
    fs::write(dir.join("program"), script).unwrap();
    let program = format!("sh '{}'", dir.join("program").display());
    for (command, says) in [
        (format!("WORD='a b' {program}"), "a b "),
        (format!("exec {program}"), " "),
        (format!("cd / && WORD=x exec {program}"), "x /\n"),
    ] {
        let start = format!("--activate={command}");
        let server = Program::listening(&strings(&[&start], &dir.join("s")));
        drop(UnixStream::connect(dir.join("s")).unwrap());
        let done = server.wait();
        let out = String::from_utf8_lossy(&done.assert_code(0).out);
        assert!(out.starts_with(says), "{command}: {out}");
    }
}

#[test]
fn a_program_is_started_with_the_socket_as_by_a_service_manager() {
    let dir = Dir::new();
    let script = "echo \"$LISTEN_FDS $LISTEN_FDNAMES\"; test \"$LISTEN_PID\" = $$ || echo other; \
                  readlink /proc/$$/fd/3; exit 5";
    fs::write(dir.join("program"), script).unwrap();
    let start = format!("--activate=sh '{}'", dir.join("program").display());
    for (kind, name) in [("stream", "a"), ("seqpacket", "b"), ("datagram", "c")] {
        let options = [&start, "--fd-name=api", "--type", kind];
        let server = Program::listening(&strings(&options, &dir.join(name)));
        let inode = fs::metadata(dir.join(name)).unwrap().ino();
        assert!(inode > 0);
        std::thread::sleep(Duration::from_millis(50));
        server.prints(b"");
        match kind {
            "stream" => drop(UnixStream::connect(dir.join(name)).unwrap()),
            "seqpacket" => drop(sunpath::SeqPacket::connect(dir.join(name)).unwrap()),
            _ => drop(UnixDatagram::unbound().unwrap().send_to(b"x", dir.join(name)).unwrap()),
        }
        let done = server.wait();
        let out = String::from_utf8(done.assert_code(5).out.clone()).unwrap();
        assert!(out.starts_with("1 api\nsocket:["), "{out}");
        assert!(!dir.join(name).exists());
    }
}

#[test]
fn a_program_is_started_again_for_the_next_client_and_stopped_with_the_listener() {
    let dir = Dir::new();
    let script = "echo started; exec sleep 100";
    fs::write(dir.join("program"), script).unwrap();
    let start = format!("--activate=sh '{}'", dir.join("program").display());
    let server = Program::listening(&strings(&[&start, "--keep-open"], &dir.join("s")));
    let _client = UnixStream::connect(dir.join("s")).unwrap();
    let first = server.tells("started")["pid"].as_u64().unwrap();
    server.prints(b"started\n");
    let first = sunpath::sys::process::pidfd(u32::try_from(first).unwrap()).unwrap();
    use std::os::fd::AsFd;
    sunpath::sys::process::signal(first.as_fd(), Signal::KILL).unwrap();
    // The client still waits, so it is started again.
    server.prints(b"started\nstarted\n");
    server.signal(interrupt());
    let done = server.wait();
    assert_eq!(done.assert_code(130).events("ended")[0]["signal"], 9);
}
