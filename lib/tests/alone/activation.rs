//! Socket activation with real programs: this one, started again in the part of a service.

use crate::leaks::open_descriptors;
use crate::unique;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use sunpath::activation::{Activation, Error, Launcher};
use sunpath::sys::inherit;
use sunpath::{Address, Datagram, Listener, SeqPacket, SeqPacketListener, SockOpt, Stream};

crate::tests! {
    a_service_gets_its_sockets_by_name
    a_service_is_told_what_it_got_instead
    a_connection_is_passed
    the_rest_is_closed
    a_program_that_was_not_activated_gets_nothing
    a_process_descriptors_number_must_be_this_processs
    nonsense_in_the_environment_harms_nothing
    what_the_program_opened_itself_is_not_taken
    many_descriptors_find_their_places
    a_program_that_is_not_there_is_an_error
    the_environment_of_a_service
    a_service_can_be_started_again_on_the_same_listener
    the_service_managers_own_tool
    the_service_managers_own_tool_with_a_connection
}

/// In the environment of a service: which of the parts below it plays.
pub const PART: &str = "SUNPATH_ALONE_PART";

/// The service's side.
pub fn serve(part: &OsStr) -> ExitCode {
    let parts: [(&str, fn()); 13] = [
        ("names", service_names),
        ("wrong", service_wrong),
        ("connection", service_connection),
        ("rest", service_rest),
        ("nothing", service_nothing),
        ("again", service_again),
        ("file", service_file),
        ("nonsense", service_nonsense),
        ("opened", service_opened),
        ("many", service_many),
        ("environment", service_environment),
        ("answer", service_answer),
        ("accepted", service_accepted),
    ];
    let part = parts.iter().find(|(name, _)| part == *name);
    part.expect("one of the parts").1();
    ExitCode::SUCCESS
}

fn this_program() -> PathBuf {
    std::env::current_exe().unwrap()
}

fn launcher(part: &str) -> Launcher {
    let mut launcher = Launcher::new(this_program());
    launcher.command().env(PART, part);
    launcher
}

#[track_caller]
fn succeeds(mut child: Child) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return assert!(status.success(), "{status}"),
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("it did not end");
            }
        }
    }
}

fn listener() -> Listener {
    Listener::bind(Address::Unnamed).unwrap()
}

fn taken() -> Activation {
    Activation::take().unwrap().expect("it was activated")
}

fn is_close_on_exec(fd: impl AsFd) -> bool {
    rustix::io::fcntl_getfd(fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC)
}

/// What is open under a number.
fn is_open(number: i32) -> bool {
    std::fs::read_link(format!("/proc/self/fd/{number}")).is_ok()
}

fn a_service_gets_its_sockets_by_name() {
    let (api, packets) = (listener(), SeqPacketListener::bind(Address::Unnamed).unwrap());
    let (log, api_2) = (Datagram::bind(Address::Unnamed).unwrap(), listener());
    let mut service = launcher("names");
    service.pass("api", &api).unwrap().pass("packets", &packets).unwrap();
    service.pass("log", &log).unwrap().pass("api", &api_2).unwrap();
    let child = service.spawn().unwrap();
    for listener in [&api, &api_2] {
        let mut client = Stream::connect(listener.local_addr().unwrap()).unwrap();
        client.read_exact(&mut [0; 2]).unwrap();
    }
    succeeds(child);
}

fn service_names() {
    let mut activation = taken();
    assert_eq!(activation.names().collect::<Vec<_>>(), ["api", "packets", "log", "api"]);
    let api = activation.listener("api").unwrap();
    let second = activation.listener("api").unwrap();
    let packets = activation.seqpacket_listener(1).unwrap();
    let log = activation.datagram("log").unwrap();
    let numbers = [api.as_raw_fd(), packets.as_raw_fd(), log.as_raw_fd(), second.as_raw_fd()];
    assert_eq!(numbers, [3, 4, 5, 6]);
    for fd in [api.as_fd(), packets.as_fd(), log.as_fd(), second.as_fd()] {
        assert!(is_close_on_exec(fd));
    }
    for gone in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] {
        assert_eq!(std::env::var_os(gone), None, "{gone}");
    }
    assert!(Activation::take().unwrap().is_none());
    for listener in [api, second] {
        listener.accept().unwrap().write_all(b"ok").unwrap();
    }
}

fn a_service_is_told_what_it_got_instead() {
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let mut service = launcher("wrong");
    service.pass("api", &tcp).unwrap().pass("log", listener()).unwrap();
    service.pass("file", &file).unwrap().pass("pair", Stream::pair().unwrap().0).unwrap();
    succeeds(service.spawn().unwrap());
}

fn service_wrong() {
    #[track_caller]
    fn says<T: std::fmt::Debug>(answer: Result<T, Error>, text: &str) {
        assert_eq!(answer.unwrap_err().to_string(), text);
    }
    let mut activation = taken();
    let text = "descriptor 3, \"api\": getsockopt: the descriptor is a tcp socket, \
                not a UNIX domain stream (EPROTOTYPE)";
    says(activation.listener("api"), text);
    let text = "descriptor 4, \"log\": getsockopt: the descriptor is a stream socket, \
                not a UNIX domain datagram socket (EPROTOTYPE)";
    says(activation.datagram("log"), text);
    let text = "descriptor 4, \"log\": getsockopt: the descriptor is a stream socket that listens, \
                not a connection (EPROTOTYPE)";
    says(activation.stream("log"), text);
    let text = "descriptor 6, \"pair\": getsockopt: the descriptor is a stream socket that does \
                not listen, not a listener (EPROTOTYPE)";
    says(activation.listener("pair"), text);
    assert!(matches!(activation.listener(2), Err(Error::Wrong { number: 5, .. })));
    let text = "no descriptor with the name \"metrics\" was passed, or it was taken; \
                left: [\"api\", \"log\", \"file\", \"pair\"]";
    says(activation.listener("metrics"), text);
    // What was refused stays to be taken.
    let tcp = std::net::TcpListener::from(activation.descriptor("api").unwrap());
    tcp.local_addr().unwrap();
    activation.listener("log").unwrap();
    activation.stream("pair").unwrap();
    let text = "no descriptor at place 0 was passed, or it was taken; left: [\"file\"]";
    says(activation.descriptor(0), text);
}

fn a_connection_is_passed() {
    let (mut here, there) = Stream::pair().unwrap();
    let (packets, other) = SeqPacket::pair().unwrap();
    let mut service = launcher("connection");
    service.pass("connection", &there).unwrap().pass("connection", &other).unwrap();
    let child = service.spawn().unwrap();
    here.read_exact(&mut [0; 2]).unwrap();
    assert_eq!(packets.recv(&mut [0; 9]).unwrap().bytes, 3);
    succeeds(child);
}

fn service_connection() {
    let mut activation = taken();
    // The first of this name that is a packet socket.
    activation.seqpacket("connection").unwrap().send(b"yes").unwrap();
    activation.stream("connection").unwrap().write_all(b"ok").unwrap();
}

fn the_rest_is_closed() {
    let mut service = launcher("rest");
    for _ in 0..3 {
        service.pass("x", listener()).unwrap();
    }
    succeeds(service.spawn().unwrap());
}

fn service_rest() {
    let before = open_descriptors();
    let mut activation = taken();
    let kept = activation.listener(1).unwrap();
    drop(activation);
    assert_eq!(open_descriptors(), before - 2);
    assert_eq!((is_open(3), is_open(4), is_open(5)), (false, true, false));
    assert!(SockOpt::of(&kept).unwrap().is_listening().unwrap());
}

fn a_program_that_was_not_activated_gets_nothing() {
    let mut plain = Command::new(this_program());
    plain.env(PART, "nothing");
    succeeds(plain.spawn().unwrap());
    // As a child of an activated service that hands its environment on.
    let pid = std::process::id().to_string();
    plain.envs([("LISTEN_PID", pid.as_str()), ("LISTEN_FDS", "1")]);
    succeeds(plain.spawn().unwrap());
}

fn service_nothing() {
    let before = std::env::var_os("LISTEN_FDS");
    assert!(Activation::take().unwrap().is_none());
    assert_eq!(std::env::var_os("LISTEN_FDS"), before, "it is not ours to change");
}

/// Starts it with its own process id in the environment, and one descriptor, number 3.
fn with_variables(part: &str, variables: &[(&str, &str)]) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"LISTEN_PID=$$; export LISTEN_PID; exec "$0" 3</dev/null"#]);
    shell.arg(this_program()).env(PART, part).envs(variables.iter().copied());
    shell.spawn().unwrap()
}

fn a_process_descriptors_number_must_be_this_processs() {
    if inherit::own_pidfd_id().is_none() {
        return eprintln!("skipped: descriptors of processes have numbers since Linux 6.9");
    }
    let other = [("LISTEN_FDS", "1"), ("LISTEN_PIDFDID", "1")];
    succeeds(with_variables("nothing", &other));
    succeeds(with_variables("again", &[("LISTEN_FDS", "1")]));
}

/// Becomes another program, which is the same process, and knows its number by now.
fn service_again() {
    let id = inherit::own_pidfd_id().unwrap().to_string();
    let mut same = Command::new(this_program());
    panic!("{}", same.env(PART, "file").env("LISTEN_PIDFDID", id).exec());
}

fn service_file() {
    let mut activation = taken();
    assert_eq!(activation.names().collect::<Vec<_>>(), ["unknown"]);
    let file = std::fs::File::from(activation.descriptor("unknown").unwrap());
    assert_eq!((file.as_raw_fd(), is_close_on_exec(&file)), (3, true));
    assert_eq!(std::env::var_os("LISTEN_PIDFDID"), None);
}

fn nonsense_in_the_environment_harms_nothing() {
    let not_a_number =
        |value| format!("LISTEN_FDS is {value:?}, which is not a number of descriptors");
    let cases = [
        ("-1", "", not_a_number("-1")),
        ("99999999999999999999", "", not_a_number("99999999999999999999")),
        ("two", "", not_a_number("two")),
        ("1 ", "", not_a_number("1 ")),
        ("2", "", "descriptor 4 was promised, but is not open".into()),
        ("2147483647", "", "descriptor 4 was promised, but is not open".into()),
        (
            "1",
            "a:b",
            "LISTEN_FDNAMES is \"a:b\", which is not 1 names with colons between them".into(),
        ),
        ("2", "a", "LISTEN_FDNAMES is \"a\", which is not 2 names with colons between them".into()),
    ];
    for (count, names, text) in &cases {
        let mut variables = vec![("LISTEN_FDS", *count), ("EXPECTED", text.as_str())];
        variables.extend((!names.is_empty()).then_some(("LISTEN_FDNAMES", *names)));
        succeeds(with_variables("nonsense", &variables));
    }
}

fn service_nonsense() {
    let before = open_descriptors();
    let error = Activation::take().unwrap_err();
    assert_eq!(Some(error.to_string()), std::env::var("EXPECTED").ok());
    assert_eq!(open_descriptors(), before);
    assert!((0..=3).all(is_open));
    // It can be tried again: nothing was taken.
    assert_eq!(Activation::take().unwrap_err(), error);
}

fn what_the_program_opened_itself_is_not_taken() {
    succeeds(with_variables("opened", &[("LISTEN_FDS", "2")]));
}

fn service_opened() {
    let own = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(own.as_raw_fd(), 4);
    assert_eq!(Activation::take().unwrap_err(), Error::NotInherited { number: 4 });
    assert_eq!(own.metadata().unwrap().len(), 0, "it is still open");
}

/// Holds the lowest numbers, so that what is opened next gets higher ones.
fn low_numbers(count: usize) -> Vec<std::fs::File> {
    (0..count).map(|_| std::fs::File::open("/dev/null").unwrap()).collect()
}

fn many_descriptors_find_their_places() {
    // In an order that is as wrong as can be: what becomes number 3 is open under the highest, and
    // the way by which the child tells of a failure is open where the sockets shall be.
    let low = low_numbers(100);
    let listeners: Vec<_> = (0..100).map(|_| listener()).collect();
    let mut service = launcher("many");
    for (number, listener) in listeners.iter().rev().enumerate() {
        let inode = rustix::fs::fstat(listener).unwrap().st_ino;
        service.pass(&format!("{number} {inode}"), listener).unwrap();
    }
    drop(low);
    succeeds(service.spawn().unwrap());
}

fn service_many() {
    let mut activation = taken();
    let names: Vec<String> = activation.names().map(Into::into).collect();
    assert_eq!(names.len(), 100);
    for (index, name) in names.iter().enumerate() {
        let listener = activation.listener(name.as_str()).unwrap();
        let inode = rustix::fs::fstat(&listener).unwrap().st_ino;
        assert_eq!(name, &format!("{index} {inode}"));
        assert_eq!(listener.as_raw_fd(), 3 + index as i32);
    }
    drop(activation);
}

fn a_program_that_is_not_there_is_an_error() {
    let before = open_descriptors();
    for sockets in [0, 1, 50] {
        let low = low_numbers(sockets + 10);
        let (mut here, there) = Stream::pair().unwrap();
        let mut service = Launcher::new("/nonexistent/program");
        for _ in 0..sockets {
            service.pass("x", &there).unwrap();
        }
        drop(low);
        let error = service.spawn().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        // The message of the failure went to the parent, not into a socket.
        here.set_nonblocking(true).unwrap();
        assert_eq!(here.read(&mut [0; 9]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
    assert_eq!(open_descriptors(), before);
    for name in ["a:b", "a\nb", "ä", &"x".repeat(256)] {
        let error = Launcher::new("true").pass(name, listener()).unwrap_err();
        assert!(error.to_string().contains("is no name for a descriptor"), "{error}");
    }
}

fn the_environment_of_a_service() {
    let mut service = launcher("environment");
    service.pass("x", listener()).unwrap();
    service.command().env("ADDED", "yes").env("LISTEN_PIDFDID", "1").env_remove("PATH");
    service.command().stdout(Stdio::piped()).current_dir("/").arg("an argument");
    let output = service.spawn().unwrap().wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"an argument\n");
    let mut bare = launcher("environment");
    bare.pass("x", listener()).unwrap().clear_environment();
    bare.command().env("ADDED", "yes").env("BARE", "yes").current_dir("/").arg("x");
    bare.command().stdout(Stdio::null());
    succeeds(bare.spawn().unwrap());
}

fn service_environment() {
    drop(taken());
    assert_eq!(std::env::var("ADDED").as_deref(), Ok("yes"));
    assert_eq!(std::env::var_os("PATH"), None);
    if std::env::var_os("BARE").is_some() {
        assert_eq!(std::env::vars_os().count(), 3);
    }
    assert_eq!(std::env::current_dir().unwrap(), PathBuf::from("/"));
    println!("{}", std::env::args().nth(1).unwrap());
}

fn a_service_can_be_started_again_on_the_same_listener() {
    let listener = listener();
    for _ in 0..2 {
        let mut client = Stream::connect(listener.local_addr().unwrap()).unwrap();
        let mut service = launcher("answer");
        service.pass("api", &listener).unwrap();
        let child = service.spawn().unwrap();
        client.read_exact(&mut [0; 2]).unwrap();
        succeeds(child);
    }
}

fn service_answer() {
    let listener = taken().listener("api").unwrap();
    listener.accept().unwrap().write_all(b"ok").unwrap();
}

fn service_accepted() {
    let mut activation = taken();
    // The tool gives it no name; newer ones may, as the service manager does.
    assert!(activation.names().all(|name| ["unknown", "connection"].contains(&name)));
    activation.stream(0).unwrap().write_all(b"ok").unwrap();
}

/// Ends the tool whatever happens.
struct Tool(Child);

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `systemd-socket-activate`, and what its service answers.
fn with_tool(arguments: &[&str], part: &str) {
    let path = std::env::temp_dir().join(unique(part));
    let mut tool = Command::new("systemd-socket-activate");
    tool.arg("--listen").arg(&path).arg(format!("--setenv={PART}={part}")).args(arguments);
    tool.arg(this_program()).stderr(Stdio::null());
    let mut tool = match tool.spawn() {
        Ok(tool) => Tool(tool),
        Err(error) => return eprintln!("skipped: systemd-socket-activate: {error}"),
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut client = loop {
        match Stream::connect(&path) {
            Ok(client) => break client,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        assert!(tool.0.try_wait().unwrap().is_none(), "the tool ended");
        std::thread::sleep(Duration::from_millis(5));
    };
    client.sockopt().set_receive_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = [0; 2];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"ok");
    assert!(std::fs::metadata(&path).unwrap().ino() > 0, "the manager's file stays");
    std::fs::remove_file(&path).unwrap();
}

fn the_service_managers_own_tool() {
    with_tool(&["--fdname=api"], "answer");
}

fn the_service_managers_own_tool_with_a_connection() {
    with_tool(&["--accept"], "accepted");
}
