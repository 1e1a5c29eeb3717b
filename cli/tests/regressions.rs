//! Situations in which an answer was once wrong: each is set up for real, and the kernel says what
//! is true.

mod common;

use common::{Dir, first_cause, run, spawn};
use std::ffi::OsStr;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The answer of `sunpath why --json`.
fn why(options: &[&str], address: impl AsRef<OsStr>) -> serde_json::Value {
    let mut args: Vec<&OsStr> = vec![OsStr::new("why"), OsStr::new("--json")];
    args.extend(options.iter().map(OsStr::new));
    args.push(address.as_ref());
    let run = run(&args);
    assert_eq!(run.err, "", "{args:?}");
    run.json()
}

/// A process that waits, and ends with its value.
struct Bystander(Child);

impl Bystander {
    fn start(script: &str, place: &Dir) -> Bystander {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(place.join("."));
        Bystander(spawn(&mut command).expect("sh"))
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    for _ in 0..500 {
        if met() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: not within five seconds");
}

fn code(error: &io::Error) -> i32 {
    error.raw_os_error().expect("an error of the system")
}

#[test]
fn an_abstract_name_too_long_for_an_address_is_not_said_to_be_free() {
    for (length, fits) in [(107, true), (108, false), (200, false)] {
        let name = "n".repeat(length);
        assert_eq!(SocketAddr::from_abstract_name(&name).is_ok(), fits, "{length}");
        for call in ["connect", "bind"] {
            let json = why(&["--call", call], format!("@{name}"));
            let too_long = first_cause(&json) == Some("connect/path-too-long");
            assert_eq!(too_long, !fits, "{call} {length}: {}", json["causes"]);
        }
    }
}

#[test]
fn no_name_can_be_made_in_a_directory_that_was_removed() {
    let dir = Dir::new();
    let gone = dir.join("gone");
    let script = "mkdir gone && cd gone && rmdir ../gone && exec sleep 60";
    let inside = Bystander::start(script, &dir);
    let pid = inside.0.id().to_string();
    let link = format!("/proc/{pid}/cwd");
    wait_until("the directory is removed", || {
        std::fs::read_link(&link).is_ok_and(|l| l.to_string_lossy().ends_with("gone (deleted)"))
    });
    assert!(!gone.exists());
    let real = UnixListener::bind(format!("{link}/s")).expect_err("a name in a removed directory");
    let json = why(&["--call", "bind", "--pid", &pid], "s");
    assert_eq!((code(&real), json["errno"].as_str()), (2, Some("ENOENT")), "{}", json["causes"]);
    assert_eq!(first_cause(&json), Some("bind/missing-directory"));
}

#[test]
fn a_server_that_accepts_slowly_is_no_alarm() {
    let dir = Dir::new();
    let path = dir.join("s");
    let listener = UnixListener::bind(&path).expect("bind");
    let clients: Vec<UnixStream> =
        (0..40).map(|_| UnixStream::connect(&path).expect("connect")).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(150));
                let _ = listener.accept();
            }
        });
        let json = why(&[], &path);
        done.store(true, Ordering::Relaxed);
        // The server may stand in accept.
        let _ = UnixStream::connect(&path);
        assert_eq!(json["outcome"], "succeeds", "{}", json["causes"]);
    });
    drop(clients);
}

#[test]
fn a_path_through_another_process_is_not_walked_for_a_user_who_may_not() {
    if !is_root() {
        eprintln!("skipped: only root can judge for another user");
        return;
    }
    let dir = Dir::new();
    let path = dir.join("s");
    let _server = UnixListener::bind(&path).expect("bind");
    let through = format!("/proc/{}/root{}", std::process::id(), path.display());
    for call in ["connect", "bind"] {
        let json = why(&["--as", "nobody", "--call", call], &through);
        assert_eq!(json["outcome"], "unknown", "{call}: {}", json["causes"]);
    }
}

#[test]
fn clients_that_gave_up_do_not_hide_that_the_queue_moves() {
    let dir = Dir::new();
    let path = dir.join("s");
    let _server = UnixListener::bind(&path).expect("bind");
    for _ in 0..3 {
        drop(UnixStream::connect(&path).expect("connect"));
    }
    let json = why(&[], &path);
    assert_eq!(json["outcome"], "succeeds", "{}", json["causes"]);
}

#[test]
fn an_unspecified_or_link_local_ipv6_address_is_taken_as_the_kernel_takes_it() {
    let Ok(server) = TcpListener::bind("[::1]:0") else {
        eprintln!("skipped: no IPv6 here");
        return;
    };
    let port = server.local_addr().expect("a name").port();
    TcpStream::connect(("::", port)).expect("[::] is this machine");
    assert_eq!(why(&[], format!("tcp:[::]:{port}"))["outcome"], "succeeds");
    for address in ["fe80::1", "ff02::1", "ff05::1"] {
        let real = TcpListener::bind((address, 47_123)).expect_err("no interface is named");
        let json = why(&["--call", "bind"], format!("tcp:[{address}]:47123"));
        assert_eq!((code(&real), json["errno"].as_str()), (22, Some("EINVAL")), "{address}");
    }
    TcpListener::bind("255.255.255.255:0").expect("the kernel admits it");
    assert_eq!(why(&["--call", "bind"], "tcp:255.255.255.255:0")["outcome"], "succeeds");
}

#[test]
fn a_link_to_an_open_socket_is_not_taken_for_a_file_that_was_left_behind() {
    let dir = Dir::new();
    let path = dir.join("s");
    let server = UnixListener::bind(&path).expect("bind");
    let (end, _other) = UnixStream::pair().expect("a pair");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("bind");
    let name = path.to_str().expect("text");
    let told = [
        (server.as_raw_fd(), name),
        (end.as_raw_fd(), "bound to no name"),
        (tcp.as_raw_fd(), "no UNIX domain socket"),
    ];
    for (fd, said) in told {
        let link = format!("/proc/{}/fd/{fd}", std::process::id());
        let real = UnixStream::connect(&link).expect_err("no file is bound");
        let json = why(&[], &link);
        assert_eq!((code(&real), json["errno"].as_str()), (111, Some("ECONNREFUSED")));
        assert_eq!(first_cause(&json), Some("connect/link-to-open-socket"), "{json:#}");
        let because = json["causes"][0]["because"].as_str().unwrap_or_default();
        assert!(because.contains(said), "{because}");
        assert!(!json["causes"].to_string().contains("rm "), "{}", json["causes"]);
    }
    let link = format!("/proc/{}/fd/{}", std::process::id(), server.as_raw_fd());
    let real = UnixListener::bind(&link).expect_err("the name exists");
    let json = why(&["--call", "bind"], &link);
    assert_eq!((code(&real), json["errno"].as_str()), (98, Some("EADDRINUSE")), "{json:#}");
    assert_eq!(first_cause(&json), Some("bind/not-a-socket"), "{}", json["causes"]);
    assert!(!json["causes"].to_string().contains("rm "), "{}", json["causes"]);
}

#[test]
fn a_connection_that_was_made_does_not_hide_that_the_server_is_stopped() {
    let dir = Dir::new();
    let path = dir.join("s");
    let Some(stopped) = Listening::start(&path) else { return };
    stopped.signal("STOP");
    wait_until("it is stopped", || stopped.state() == Some('T'));
    UnixStream::connect(&path).expect("the kernel makes the connection");
    let json = why(&["--connect"], &path);
    assert_eq!(json["outcome"], "waits", "{}", json["causes"]);
    assert_eq!(first_cause(&json), Some("wait/server-stopped"));
    let text = run(&[OsStr::new("why"), OsStr::new("--connect"), path.as_os_str()]);
    assert_eq!(text.code, 1, "{}", text.out);
    let flat = text.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("the connection was made, but"), "{flat}");
    assert!(flat.contains("remain in the backlog until the server accepts it"), "{flat}");
    stopped.signal("CONT");
    wait_until("it goes on", || stopped.state() == Some('S'));
    let text = run(&[OsStr::new("why"), OsStr::new("--connect"), path.as_os_str()]);
    assert_eq!(text.code, 0, "{}", text.out);
}

/// A server in a process of its own that accepts and closes.
struct Listening(Bystander);

impl Listening {
    fn start(path: &std::path::Path) -> Option<Listening> {
        let script = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\n\
                      s.listen(8)\nwhile True: s.accept()[0].close()";
        let mut command = Command::new("python3");
        let Ok(child) = spawn(command.args(["-c", script]).arg(path)) else {
            eprintln!("skipped: no python3 for a server of its own");
            return None;
        };
        let server = Listening(Bystander(child));
        wait_until("the server listens", || UnixStream::connect(path).is_ok());
        Some(server)
    }

    fn signal(&self, name: &str) {
        let pid = self.0.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.is_ok_and(|s| s.success()), "kill -s {name}");
    }

    fn state(&self) -> Option<char> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.0.id())).ok()?;
        stat.rsplit(") ").next()?.chars().next()
    }
}

#[test]
fn a_host_name_that_does_not_resolve_is_all_there_is_to_say() {
    let address = "tcp:nosuch.invalid:80";
    for options in [&[][..], &["--connect"], &["--call", "bind"]] {
        let json = why(options, address);
        assert_eq!(json["outcome"], "unknown", "{options:?}");
        assert_eq!(json["causes"], serde_json::json!([]), "{options:?}");
        assert_eq!(json["unseen"].as_array().map(Vec::len), Some(1), "{}", json["unseen"]);
        let what = json["unseen"][0]["what"].as_str().unwrap_or_default();
        assert!(what.contains("nosuch.invalid does not resolve: "), "{what}");
        assert!(what.contains("getent hosts nosuch.invalid"), "{what}");
        let args = [&["why"], options, &[address]].concat();
        let text = run(&args);
        assert_eq!(text.code, 3, "{}", text.out);
        assert!(text.out.contains("getent hosts nosuch.invalid"), "{}", text.out);
        assert!(!text.out.contains("route"), "{}", text.out);
    }
}

#[test]
fn a_process_that_may_not_be_looked_into_leads_to_no_guess() {
    // Where even root may not look at the first process, as in some containers.
    let opened = std::fs::File::open("/proc/1/root");
    if opened.err().and_then(|error| error.raw_os_error()) != Some(13) {
        eprintln!("skipped: /proc/1/root can be opened here");
        return;
    }
    let pid = "1";
    let json = why(&["--pid", pid], "/nonexistent");
    assert_eq!(json["outcome"], "unknown", "{json:#}");
    assert_eq!(json["causes"], serde_json::json!([]));
    let what = json["unseen"][0]["what"].as_str().unwrap_or_default();
    assert!(what.contains("EACCES") && what.contains("/proc/PID/root"), "{what}");
    let text = run(&["why", "--pid", pid, "/nonexistent"]);
    assert_eq!(text.code, 3, "{}", text.out);
    assert!(!text.out.contains("no file at the path"), "{}", text.out);
    if is_root() {
        assert!(!what.contains("needs CAP_SYS_PTRACE"), "{what}");
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// The answer for people, on one line, and the exit status.
fn told(options: &[&str], address: impl AsRef<OsStr>) -> (i32, String) {
    let mut args: Vec<&OsStr> = vec![OsStr::new("why")];
    args.extend(options.iter().map(OsStr::new));
    args.push(address.as_ref());
    let run = run(&args);
    (run.code, run.out.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn a_server_that_came_up_meanwhile_is_no_exotic_cause() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let (code, text) = told(&["--error", "ECONNREFUSED"], &path);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("nothing that can be seen now explains it"), "{text}");
    assert!(text.contains("the server was probably not listening yet, or was restarted"), "{text}");
    let json = why(&["--error", "ECONNREFUSED"], &path);
    assert_eq!((&json["outcome"], &json["errno"]), (&"fails".into(), &"ECONNREFUSED".into()));
    assert_eq!(json["causes"][0]["certainty"], "possible");
}

#[test]
fn root_is_not_told_of_a_security_module_where_modes_bind_others() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o660)).unwrap();
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("skipped: only root is not bound by file modes");
        return;
    }
    let (code, text) = told(&["--error", "EACCES"], &path);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("ran as another user: ask again with --as USER or --pid"), "{text}");
    assert!(!text.contains("probably because"), "{text}");
    // As the user that was denied, the modes explain it.
    let json = why(&["--as", "65534", "--error", "EACCES"], &path);
    assert_eq!(json["causes"][0]["certainty"], "certain", "{json}");
}

#[test]
fn a_name_that_is_free_by_now_is_not_said_to_be_impossible() {
    let dir = Dir::new();
    let path = dir.join("new.sock");
    let (code, text) = told(&["--call", "bind", "--error", "EADDRINUSE"], &path);
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("Now it would succeed.") && text.contains("would be made here"),
        "{text}"
    );
    assert!(!text.contains("cannot be made"), "{text}");
}

#[test]
fn a_full_datagram_receiver_is_not_said_to_take_messages() {
    let dir = Dir::new();
    let path = dir.join("log.sock");
    let receiver = UnixDatagram::bind(&path).unwrap();
    let sender = UnixDatagram::unbound().unwrap();
    sender.set_nonblocking(true).unwrap();
    assert_eq!(told(&["--call", "send"], &path).0, 0);
    let fill = (0..10_000).find_map(|_| sender.send_to(b"message", &path).err());
    assert_eq!(fill.map(|e| e.kind()), Some(io::ErrorKind::WouldBlock));
    let (code, text) = told(&["--call", "send"], &path);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("the number of messages waiting in the receiver's queue"), "{text}");
    let json = why(&["--call", "send", "--error", "EAGAIN"], &path);
    assert_eq!(first_cause(&json), Some("send/receiver-queue-full"), "{json}");
    drop(receiver);
}

#[test]
fn a_directory_in_the_place_of_a_socket_is_looked_into_and_not_removed() {
    let dir = Dir::new();
    let path = dir.join("app");
    std::fs::create_dir(&path).unwrap();
    let _listener = UnixListener::bind(path.join("app.sock")).unwrap();
    let (code, text) = told(&[], &path);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("is a directory; the socket is probably a file in it"), "{text}");
    assert!(
        text.contains("ls -la ")
            && !text.contains(" rm ")
            && !text.contains("rmdir")
            && !text.contains("emove"),
        "{text}"
    );
}

#[test]
fn a_port_that_is_served_by_now_is_said_to_have_changed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp:{}", listener.local_addr().unwrap());
    let (_, text) = told(&["--error", "ECONNREFUSED"], &address);
    assert!(text.contains("Now it would succeed: the server was probably not listening"), "{text}");
}
