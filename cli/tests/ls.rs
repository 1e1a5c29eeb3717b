//! `sunpath ls` as a user sees it, on sockets that the tests made.

mod common;

use common::{Dir, Run, close, every_key_is_documented, run, sunpath};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use sunpath::{AddressRef, Ancillary, Datagram, Listener, SeqPacket, Stream};

fn ls(args: &[&OsStr]) -> Run {
    let mut all = vec![OsStr::new("ls")];
    all.extend(args);
    let run = run(&all);
    assert_eq!(run.code, 0, "{}", run.err);
    run
}

/// The sockets with these options, as JSON.
fn sockets(args: &[&str]) -> Vec<Value> {
    let mut all: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    all.push(OsStr::new("--json"));
    let json = ls(&all).json();
    every_key_is_documented(&json);
    json["sockets"].as_array().expect("an array").clone()
}

/// The sockets with this name.
fn named(path: &Path) -> Vec<Value> {
    sockets(&["--path", path.to_str().expect("text")])
}

fn inode(socket: impl AsFd) -> Value {
    let fd = socket.as_fd().try_clone_to_owned().unwrap();
    std::fs::File::from(fd).metadata().unwrap().ino().into()
}

fn find<'a>(sockets: &'a [Value], inode: &Value) -> &'a Value {
    let found = sockets.iter().find(|s| s["inode"] == *inode);
    found.unwrap_or_else(|| panic!("{inode} is not in {sockets:?}"))
}

/// This process's descriptors among the holders. A process that another test starts has the same
/// ones for a moment.
fn ours(socket: &Value) -> usize {
    let holders = socket["holders"].as_array().expect("an array");
    holders.iter().filter(|h| h["pid"] == std::process::id()).count()
}

#[test]
fn a_listener_its_client_and_its_connection_are_shown_as_they_are() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let listener = Listener::options().backlog(7).bind(&path).unwrap();
    let client = Stream::connect(&path).unwrap();
    let accepted = listener.accept().unwrap();
    let waiting = Stream::connect(&path).unwrap();
    client.send(b"12345").unwrap();
    let all = sockets(&["--pid", &std::process::id().to_string()]);

    let shown = find(&all, &inode(&listener));
    assert_eq!(shown["state"], "listening");
    assert_eq!(shown["type"], "stream");
    assert_eq!(shown["name"], path.to_str().unwrap());
    assert_eq!(shown["backlog"]["pending"], 1);
    assert_eq!(shown["backlog"]["limit"], 7);
    assert_eq!(ours(shown), 1);

    let shown = find(&all, &inode(&accepted));
    assert_eq!(shown["queued_bytes"], 5);
    assert_eq!(shown["peer"]["inode"], inode(&client));
    assert_eq!(ours(&shown["peer"]), 1);

    let shown = find(&all, &inode(&waiting));
    assert_eq!(shown["peer"]["state"], "not-accepted");
    assert_eq!(shown["peer"]["inode"], inode(&listener));
    assert_eq!(shown["peer"]["name"], path.to_str().unwrap());

    let queued: Vec<_> = named(&path).into_iter().filter(|s| s["state"] == "waiting").collect();
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0]["inode"], Value::Null);
    assert_eq!(queued[0]["waits_at"], inode(&listener));
    assert_eq!(queued[0]["peer"]["inode"], inode(&waiting));
    assert_eq!(ours(&queued[0]["peer"]), 1);
}

#[test]
fn the_table_says_what_people_look_for() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let listener = Listener::options().backlog(3).bind(&path).unwrap();
    let _waiting = Stream::connect(&path).unwrap();
    let out = ls(&[path.as_os_str()]).out;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 3, "{out}");
    let titles: Vec<&str> = lines[0].split_whitespace().collect();
    let all = ["TYPE", "STATE", "QUEUE", "FDS", "SHUT", "INODE", "USER", "PROCESS", "NAME", "PEER"];
    assert_eq!(titles, all);
    let me = format!("[{}]:{}", std::process::id(), std::os::fd::AsRawFd::as_raw_fd(&listener));
    assert!(lines[1].starts_with("stream  listening    1/3  "), "{out}");
    assert!(lines[1].contains(&me) && lines[1].contains(path.to_str().unwrap()), "{out}");
    assert!(lines[2].starts_with("stream  waiting  "), "{out}");
    assert!(lines[2].contains(&format!("[{}]:", std::process::id())), "the client: {out}");
}

#[test]
fn every_filter_takes_what_it_says_and_leaves_the_rest() {
    let dir = Dir::new();
    let listener = Listener::bind(dir.join("one.sock")).unwrap();
    let datagram = Datagram::bind(dir.join("two.sock")).unwrap();
    let (first, second) = SeqPacket::pair().unwrap();
    first.send(b"123456").unwrap();
    let client = Stream::connect(dir.join("one.sock")).unwrap();
    let made = [inode(&listener), inode(&datagram), inode(&first), inode(&second), inode(&client)];
    // Each taken apart by its place above.
    let taken = |args: &[&str]| -> Vec<usize> {
        let found = sockets(args);
        let is = |i: &usize| found.iter().any(|s| s["inode"] == made[*i]);
        (0..made.len()).filter(is).collect()
    };
    let (glob, me) = (dir.join("*.sock"), std::process::id().to_string());
    let glob = glob.to_str().unwrap();
    assert_eq!(taken(&[]), [0, 1, 2, 3, 4]);
    assert_eq!(taken(&[glob]), [0, 1]);
    assert_eq!(taken(&["--path", glob, "--type", "datagram"]), [1]);
    assert_eq!(taken(&["tw[a-o].sock"]), [1]);
    assert_eq!(taken(&["--pid", &me, "--type", "seqpacket", "--type", "dgram"]), [1, 2, 3]);
    assert_eq!(taken(&["--pid", "1", glob]), [0; 0]);
    assert_eq!(taken(&["--pid", &me, "-l"]), [0]);
    assert_eq!(taken(&["--pid", &me, "--state", "unconnected"]), [1]);
    assert_eq!(taken(&["--state", "listening", "--state", "unconnected", glob]), [0, 1]);
    assert_eq!(taken(&["--type", "seqpacket", "--queue-over", "5"]), [3]);
    assert_eq!(taken(&["--type", "seqpacket", "--queue-over", "6"]), [0; 0]);
    assert_eq!(taken(&["-l", "--queue-over", "0", glob]), [0]);
    assert_eq!(taken(&["--peer", &me]), [2, 3, 4]);
    let user = sunpath::sys::process::user().to_string();
    assert_eq!(taken(&["--user", &user, glob]), [0, 1]);
    assert_eq!(taken(&["--user", "4294967294", glob]), [0; 0]);
    let comm = std::fs::read_to_string("/proc/self/comm").unwrap();
    let comm = comm.trim_end();
    assert_eq!(taken(&["--process", comm, glob]), [0, 1]);
    assert_eq!(taken(&["--process", &format!("{}*", &comm[..1]), glob]), [0, 1]);
    assert_eq!(taken(&["--process", "no such", glob]), [0; 0]);
}

#[test]
fn a_path_finds_the_socket_whatever_name_it_was_bound_by() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let listener = Listener::bind(&path).unwrap();
    let moved = dir.join("moved.sock");
    std::fs::rename(&path, &moved).unwrap();
    let found = named(&moved);
    if found.is_empty() {
        eprintln!("skipped: the tables show another device than stat on this file system");
        return;
    }
    assert_eq!(found[0]["inode"], inode(&listener));
    assert_eq!(found[0]["name"], path.to_str().unwrap());
    std::fs::rename(&moved, &path).unwrap();
}

#[test]
fn every_order_is_the_one_that_is_documented() {
    let dir = Dir::new();
    let small = Listener::options().backlog(1).bind(dir.join("b")).unwrap();
    let large = Listener::options().backlog(9).bind(dir.join("a")).unwrap();
    let unbound = Datagram::bind(dir.join("c")).unwrap();
    let _waiting =
        [Stream::connect(dir.join("b")).unwrap(), Stream::connect(dir.join("a")).unwrap()];
    let more = Stream::connect(dir.join("a")).unwrap();
    let glob = dir.join("?");
    let glob = glob.to_str().unwrap();
    let order = |args: &[&str]| -> String {
        let sockets = sockets(&[&[glob], args].concat());
        let shown = sockets.iter().filter(|s| s["inode"] != Value::Null);
        shown.map(|s| s["name"].as_str().unwrap().chars().last().unwrap()).collect()
    };
    assert_eq!(order(&[]), "abc");
    assert_eq!(order(&["--reverse"]), "cba");
    assert_eq!(order(&["--sort", "name"]), "abc");
    assert_eq!(order(&["--sort", "inode"]), "bac");
    assert_eq!(order(&["--sort", "queue"]), "abc");
    assert_eq!(order(&["-s", "backlog"]), "bac");
    assert_eq!(order(&["-s", "type"]), "cba");
    for key in ["process", "pid", "user", "peer"] {
        assert_eq!(order(&["--sort", key]), "bac", "equal in {key}");
    }
    drop((small, large, unbound, more));
}

#[test]
fn a_socket_with_several_holders_names_all_of_them() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let listener = Listener::bind(&path).unwrap();
    let copies: Vec<_> = (0..3).map(|_| listener.as_fd().try_clone_to_owned().unwrap()).collect();
    let mut others: Vec<_> = (0..2).map(|_| Sleeper::with(listener.as_fd())).collect();
    let found = named(&path);
    let shown = find(&found, &inode(&listener));
    assert_eq!(ours(shown), 4);
    let holders = shown["holders"].as_array().unwrap();
    for other in &others {
        let held = holders.iter().find(|h| h["pid"] == other.0.id()).expect("it is named");
        assert_eq!((&held["fd"], &held["process"]), (&0.into(), &"sleep".into()));
        assert_eq!(held["user"]["uid"], sunpath::sys::process::user());
    }
    let out = ls(&[path.as_os_str()]).out;
    for other in &others {
        assert!(out.contains(&format!("sleep[{}]:0", other.0.id())), "{out}");
    }
    let numbers: Vec<String> = {
        let mut all: Vec<i32> = copies.iter().map(std::os::fd::AsRawFd::as_raw_fd).collect();
        all.push(std::os::fd::AsRawFd::as_raw_fd(&listener));
        all.sort_unstable();
        all.iter().map(ToString::to_string).collect()
    };
    let mine = format!("[{}]:{}", std::process::id(), numbers.join(","));
    assert!(out.contains(&mine), "{mine} is not in {out}");
    others.clear();
}

/// A process that holds a socket as its standard input until it is dropped.
struct Sleeper(std::process::Child);

impl Sleeper {
    fn with(fd: std::os::fd::BorrowedFd<'_>) -> Sleeper {
        let mut command = std::process::Command::new("sleep");
        command.arg("100").stdin(fd.try_clone_to_owned().unwrap());
        let child = common::spawn(&mut command).unwrap();
        Sleeper(child)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn names_of_any_bytes_come_out_whole_and_harm_no_terminal() {
    let dir = Dir::new();
    for name in [
        &b"with space"[..],
        b" blank at both ends ",
        b"new\nline",
        b"esc\x1b[31m",
        b"\xff\xfe",
        b"quote\"comma,",
        "\u{202e}gnp.exe".as_bytes(),
        b"back\\slash",
        b"-",
        b"@at",
    ] {
        let path = dir.join(OsStr::from_bytes(name));
        let socket = Datagram::bind(&path).unwrap();
        // The options take a glob.
        let glob: Vec<u8> = path.as_os_str().as_bytes().iter().flat_map(|b| [b'\\', *b]).collect();
        let glob = OsString::from_vec(glob);
        let json = ls(&[&glob, OsStr::new("--json")]).json();
        let found = json["sockets"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{}", name.escape_ascii());
        assert_eq!(found[0]["inode"], inode(&socket));
        let bytes = match found[0]["name_bytes"].as_str() {
            Some(hex) => hex::decode(hex),
            None => found[0]["name"].as_str().unwrap().as_bytes().to_vec(),
        };
        assert_eq!(bytes, path.as_os_str().as_bytes());
        let escaped = sunpath::text::escape(path.as_os_str().as_bytes());
        let table = ls(&[&glob]).out;
        assert_eq!(table.lines().count(), 2, "{table}");
        assert!(table.contains(&escaped), "{table}");
        let csv = ls(&[&glob, OsStr::new("--csv")]).out;
        assert_eq!(csv.lines().count(), 2, "{csv}");
        assert!(csv.contains(&escaped.replace('"', "\"\"")), "{csv}");
    }
}

/// Hexadecimal digits, as `name_bytes` has them.
mod hex {
    pub fn decode(text: &str) -> Vec<u8> {
        let pair = |i| u8::from_str_radix(&text[i..i + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(pair).collect()
    }
}

#[test]
fn abstract_names_are_found_with_an_at_sign() {
    let name = format!("ls\0{}\0", std::process::id());
    let socket = Datagram::bind(AddressRef::Abstract(name.as_bytes())).unwrap();
    let found = sockets(&[&format!("@ls?{}*", std::process::id())]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["inode"], inode(&socket));
    assert_eq!(found[0]["name"], format!("@{name}"));
    let table = ls(&[OsStr::new(&format!("@ls?{}*", std::process::id()))]).out;
    assert!(table.contains(&format!("@ls\\0{}\\0", std::process::id())), "{table}");
}

#[test]
fn descriptors_in_flight_and_shut_directions_are_shown() {
    let (one, other) = Stream::pair().unwrap();
    other.sockopt().set_pass_rights(true).unwrap();
    let null = std::fs::File::open("/dev/null").unwrap();
    one.send_with(b"x", &Ancillary::descriptors(&[null.as_fd(), null.as_fd()])).unwrap();
    one.shutdown(std::net::Shutdown::Write).unwrap();
    let all = sockets(&["--pid", &std::process::id().to_string()]);
    let (sender, receiver) = (find(&all, &inode(&one)), find(&all, &inode(&other)));
    assert_eq!(sender["shutdown"]["write"], true);
    assert_eq!(sender["shutdown"]["read"], false);
    assert_eq!(receiver["shutdown"]["read"], true);
    assert_eq!(sender["descriptors_in_flight"], 0);
    match &receiver["descriptors_in_flight"] {
        Value::Null => eprintln!("skipped: this kernel does not count descriptors in flight"),
        counted => assert_eq!(*counted, 2),
    }
}

#[test]
fn a_path_bound_anew_belongs_to_two_servers() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let first = Listener::options().keep_file(true).bind(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let second = Listener::bind(&path).unwrap();
    let client = Stream::connect(&path).unwrap();
    let found = named(&path);
    let (old, new) = (find(&found, &inode(&first)), find(&found, &inode(&second)));
    assert_eq!(old["name"], new["name"]);
    assert_ne!(old["file"], new["file"]);
    let all = sockets(&["--pid", &std::process::id().to_string()]);
    assert_eq!(find(&all, &inode(&client))["peer"]["inode"], inode(&second));
    close((first, second));
}

#[test]
fn a_receiver_of_datagrams_is_not_connected_to_those_who_send_to_it() {
    let dir = Dir::new();
    let path = dir.join("log.sock");
    let receiver = Datagram::bind(&path).unwrap();
    let sender = Datagram::unbound().unwrap();
    sender.connect(&path).unwrap();
    let all = sockets(&["--pid", &std::process::id().to_string()]);
    assert_eq!(find(&all, &inode(&receiver))["state"], "unconnected");
    assert_eq!(find(&all, &inode(&sender))["state"], "connected");
    close((receiver, sender));
}

#[test]
fn a_process_that_is_not_there_is_told() {
    for args in [["--pid", "2147483647"], ["--peer", "2147483647"]] {
        let run = ls(&args.map(OsStr::new));
        // Who may not look everywhere is told so before.
        let told = run.err.ends_with("sunpath: there is no process 2147483647\n");
        assert!(told, "{}", run.err);
        assert_eq!(run.out.lines().count(), 1, "{}", run.out);
    }
}

#[test]
fn what_is_not_there_is_an_empty_list_and_no_error() {
    let table = run(&["ls", "/nowhere/*"]);
    assert_eq!((table.code, table.out.lines().count()), (0, 1), "{}", table.out);
    assert_eq!(sockets(&["/nowhere/*"]), Vec::<Value>::new());
    let csv = run(&["ls", "--csv", "/nowhere/*"]);
    assert_eq!((csv.code, csv.out.lines().count()), (0, 1), "{}", csv.out);
}

#[test]
fn a_wrong_command_line_says_what_is_wrong() {
    for (args, says) in [
        (&["ls", "--user", "no such user"][..], "there is no user \"no such user\""),
        (&["ls", "--sort", "colour"], "invalid value"),
        (&["ls", "--json", "--csv"], "cannot be used with"),
        (&["ls", "--queue-over", "many"], "invalid value"),
        (&["ls", "--pid", "x"], "invalid value"),
    ] {
        let run = run(args);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{args:?}");
        assert!(run.err.contains(says), "{}", run.err);
    }
}

#[test]
fn forms_for_programs_are_wide_in_any_case() {
    let dir = Dir::new();
    let path = dir.join("x".repeat(60));
    let _listener = Listener::bind(&path).unwrap();
    for form in ["--json", "--csv"] {
        let [plain, wide] = [&[form][..], &[form, "--wide"]].map(|options| {
            let mut args: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
            args.extend([OsStr::new("--path"), path.as_os_str()]);
            ls(&args).out
        });
        assert!(wide.contains(path.to_str().unwrap()), "{wide}");
        assert_eq!(plain, wide);
    }
}

#[test]
fn a_reader_that_leaves_is_no_trouble() {
    let sockets: Vec<_> = (0..400).map(|_| Stream::pair().unwrap()).collect();
    for option in [&[][..], &["--json"], &["--csv"]] {
        let mut child = common::spawn(
            sunpath()
                .arg("ls")
                .args(option)
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped()),
        )
        .unwrap();
        drop(child.stdout.take());
        let run = Run::from(child.wait_with_output().unwrap());
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{option:?}");
    }
    drop(sockets);
}

#[test]
fn a_full_disk_is_told() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("skipped: there is no /dev/full");
        return;
    };
    let child =
        common::spawn(sunpath().arg("ls").stdout(full).stderr(std::process::Stdio::piped()));
    let output = child.unwrap().wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{err}");
    assert!(err.contains("cannot write to standard output"), "{err}");
}
