//! Real programs, with a tap between client and server that neither knows of.

use crate::common::{Dir, output, spawn, sunpath};
use crate::scene::{LONG, Tap, soon};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use sunpath::Stream;
use sunpath::sys::process::Signal;

/// Where programs may be that are not for everybody.
const MORE: [&str; 4] = [
    "/usr/sbin",
    "/usr/lib/postgresql/17/bin",
    "/usr/lib/postgresql/16/bin",
    "/usr/lib/postgresql/15/bin",
];

/// A program; without it the test is skipped, which is said.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain(MORE.iter().map(PathBuf::from));
    let found = dirs.map(|dir| dir.join(name)).find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: {name} is not installed");
    }
    found
}

/// A server, ended and reaped when this is dropped.
struct Server(Child);

impl Server {
    fn start(command: &mut Command, dir: &Dir) -> Server {
        let log = File::create(dir.join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Server(spawn(command).expect("the server starts"))
    }

    fn ready(&self, path: &Path) {
        soon("the server listens", || Stream::connect_timeout(path, LONG).is_ok());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let process =
            std::mem::ManuallyDrop::new(sunpath::sys::process::Child::adopt(self.0.id()).unwrap());
        let _ = process.kill(Signal::TERM);
        let deadline = Instant::now() + LONG;
        while self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            if Instant::now() > deadline {
                let _ = self.0.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// In the place of a server, writing to a file of the directory.
fn tap_at(path: &Path, dir: &Dir) -> Tap {
    let mut command = sunpath();
    command.args(["tap", "--in-place"]).arg(path).stdout(File::create(dir.join("out")).unwrap());
    Tap::start(&mut command)
}

fn transcript(dir: &Dir) -> String {
    fs::read_to_string(dir.join("out")).unwrap()
}

fn text(command: &mut Command) -> String {
    let output = output(command).expect("the client runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn redis() {
    let (Some(server), Some(client)) = (program("redis-server"), program("redis-cli")) else {
        return;
    };
    let dir = Dir::new();
    let path = dir.join("redis.sock");
    let mut command = Command::new(server);
    command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(&path);
    let running = Server::start(command.arg("--dir").arg(dir.join("")), &dir);
    running.ready(&path);
    let tap = tap_at(&path, &dir);
    let ask = |args: &[&str]| text(Command::new(&client).arg("-s").arg(&path).args(args));
    let long = "x".repeat(100_000);
    assert_eq!(ask(&["set", "key", &long]).trim(), "OK");
    assert_eq!(ask(&["get", "key"]).trim(), long);
    assert_eq!(ask(&["incr", "n"]).trim(), "1");
    let benchmark = ask(&["--raw", "eval", "return string.rep('a', 1000000)", "0"]);
    assert_eq!(benchmark.trim().len(), 1_000_000);
    assert_eq!(tap.stop().code, Some(0));
    assert!(transcript(&dir).contains("incr"), "{}", transcript(&dir));
    assert_eq!(ask(&["incr", "n"]).trim(), "2");
}

#[test]
fn postgresql() {
    let programs = [program("initdb"), program("postgres"), program("psql")];
    let [Some(initdb), Some(postgres), Some(psql)] = programs else { return };
    let dir = Dir::new();
    let data = dir.join("data");
    fs::create_dir(&data).unwrap();
    // It does not run as root.
    let is_root = sunpath::sys::process::user() == 0;
    let own = |program: &Path| {
        let mut command = Command::new(if is_root { Path::new("setpriv") } else { program });
        if is_root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        }
        command.current_dir("/").env("LC_ALL", "C");
        command
    };
    if is_root {
        std::os::unix::fs::chown(&data, Some(65534), Some(65534)).unwrap();
    }
    text(own(&initdb).args(["-A", "trust", "-U", "me", "--no-sync", "-D"]).arg(&data));
    let mut command = own(&postgres);
    command.args(["-c", "listen_addresses=", "-F", "-k"]).arg(&data).arg("-D").arg(&data);
    let running = Server::start(&mut command, &dir);
    let path = data.join(".s.PGSQL.5432");
    running.ready(&path);
    let ask = |sql: &str| {
        let mut command = Command::new(&psql);
        text(
            command
                .args(["-XAtq", "-U", "me", "-d", "postgres", "-h"])
                .arg(&data)
                .args(["-c", sql]),
        )
    };
    soon("it is up", || {
        fs::read_to_string(dir.join("log")).is_ok_and(|log| log.contains("ready to accept"))
    });
    let tap = tap_at(&path, &dir);
    assert_eq!(ask("select 6 * 7").trim(), "42");
    assert_eq!(ask("select repeat('ab', 500000)").trim().len(), 1_000_000);
    let rows = ask("select * from generate_series(1, 20000)");
    assert_eq!(rows.lines().count(), 20_000);
    assert_eq!(tap.stop().code, Some(0));
    assert!(transcript(&dir).contains("select 6 * 7"), "{}", transcript(&dir));
    assert_eq!(ask("select 1").trim(), "1");
}

#[test]
fn nginx_and_curl() {
    let (Some(nginx), Some(curl)) = (program("nginx"), program("curl")) else { return };
    let dir = Dir::new();
    let (path, page) = (dir.join("web.sock"), dir.join("page"));
    fs::write(&page, vec![b'p'; 3_000_000]).unwrap();
    let root = dir.join("");
    let (shown, user) = (root.display(), sunpath::sys::process::user());
    let user = if user == 0 { "user root;" } else { "" };
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {shown}{name};"))
        .concat();
    let configuration = format!(
        "{user} daemon off; pid {shown}pid; error_log stderr; events {{ }} http {{ access_log off; \
         {temporary} client_max_body_size 10k; \
         server {{ listen unix:{}; root {shown}; }} }}",
        path.display()
    );
    fs::write(dir.join("conf"), configuration).unwrap();
    let mut command = Command::new(nginx);
    let running = Server::start(
        command.arg("-e").arg("stderr").arg("-p").arg(&root).arg("-c").arg(dir.join("conf")),
        &dir,
    );
    running.ready(&path);
    let tap = tap_at(&path, &dir);
    let get = |name: &str| {
        let url = format!("http://localhost/{name}");
        text(Command::new(&curl).args(["-sS", "--unix-socket"]).arg(&path).args([&url, &url]))
    };
    assert_eq!(get("page").len(), 6_000_000);
    // An upload that is refused before it is read to its end.
    fs::write(dir.join("upload"), vec![b'u'; 2_000_000]).unwrap();
    let mut upload = Command::new(&curl);
    upload.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket"]).arg(&path);
    upload.arg("--data-binary").arg(format!("@{}", dir.join("upload").display()));
    assert_eq!(text(upload.arg("http://localhost/")), "413");
    assert_eq!(tap.stop().code, Some(0));
    assert!(transcript(&dir).contains("GET /page"), "{}", transcript(&dir));
}

#[test]
fn a_session_bus() {
    let (Some(daemon), Some(send)) = (program("dbus-daemon"), program("dbus-send")) else { return };
    let dir = Dir::new();
    let path = dir.join("bus");
    let mut command = Command::new(daemon);
    command.args(["--session", "--nofork", "--nopidfile"]);
    let running =
        Server::start(command.arg(format!("--address=unix:path={}", path.display())), &dir);
    running.ready(&path);
    let tap = tap_at(&path, &dir);
    let ask = || {
        let mut command = Command::new(&send);
        command.arg(format!("--bus=unix:path={}", path.display()));
        command.args(["--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"]);
        text(command.arg("org.freedesktop.DBus.ListNames"))
    };
    assert!(ask().contains("org.freedesktop.DBus"));
    if let Some(gdbus) = program("gdbus") {
        // It agrees with the bus that descriptors may be passed.
        let mut command = Command::new(gdbus);
        command.args(["call", "--address"]).arg(format!("unix:path={}", path.display()));
        command.args(["--dest", "org.freedesktop.DBus", "--object-path", "/org/freedesktop/DBus"]);
        assert!(text(command.args(["--method", "org.freedesktop.DBus.GetId"])).starts_with("('"));
    }
    assert_eq!(tap.stop().code, Some(0));
    assert!(transcript(&dir).contains("AUTH EXTERNAL"), "{}", transcript(&dir));
    assert!(ask().contains("org.freedesktop.DBus"));
}
