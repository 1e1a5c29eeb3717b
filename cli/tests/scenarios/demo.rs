//! `sunpath demo`.

use crate::tool::Tool;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A directory for temporary files that nobody else uses.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sp-{}-{n}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path).expect("make a directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("open it");
        Temporary(path)
    }

    fn is_empty(&self) -> bool {
        fs::read_dir(&self.0).expect("list the directory").next().is_none()
    }

    /// Whether some process was started for a scene in this directory, and lives.
    fn has_processes(&self) -> bool {
        let own = self.0.to_str().expect("a path in ASCII");
        let processes = fs::read_dir("/proc").expect("list processes").flatten();
        let mut lines = processes.filter_map(|p| fs::read(p.path().join("cmdline")).ok());
        lines.any(|line| String::from_utf8_lossy(&line).contains(own))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It is empty unless a test failed.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn everyday(mut command: Command) {
    let temporary = Temporary::new();
    let start = Instant::now();
    let output = command.arg("demo").env("TMPDIR", &temporary.0).output().expect("run sunpath");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    let shown = said.lines().filter(|line| line.starts_with("  system ")).count();
    assert!(shown >= 12, "only {shown} failures:\n{said}");
    let explained = said.lines().filter(|line| line.starts_with("  sunpath ")).count();
    assert_eq!(shown, explained, "{said}");
    assert!(said.contains("Connection refused (os error 111)"), "{said}");
    assert!(!said.contains("  failed "), "{said}");
    assert!(temporary.is_empty());
    assert!(!temporary.has_processes());
}

#[test]
fn the_demo_shows_a_dozen_failures_and_leaves_nothing_behind() {
    everyday(Tool::reachable().as_is());
}

#[test]
fn an_ordinary_user_sees_the_demo_too() {
    everyday(Tool::reachable().as_user());
}

/// Whatever ends the tool, its servers die and its directory goes.
fn interrupted_by(signal: &str, number: i32, arguments: &[&str]) {
    let temporary = Temporary::new();
    let mut demo = Tool::reachable()
        .as_is()
        .args(arguments)
        .env("TMPDIR", &temporary.0)
        .stdout(Stdio::null())
        .spawn()
        .expect("run sunpath");
    until("the scene is set up", || find_socket(&temporary.0));
    let pid = demo.id().to_string();
    if ignores(&pid, number) {
        // So do the children of a shell that started the tests in the background.
        eprintln!("skipped: whoever runs the tests ignores SIG{signal}");
        demo.kill().expect("kill");
        demo.wait().expect("wait");
        return;
    }
    let killed = Command::new("kill").args(["-s", signal, &pid]).status().expect("run kill");
    assert!(killed.success());
    let mut ended = None;
    until("it ends", || {
        ended = demo.try_wait().expect("wait");
        ended.is_some()
    });
    assert_eq!(ended.and_then(|status| status.signal()), Some(number));
    until("the directory is gone", || temporary.is_empty());
    until("the processes are gone", || !temporary.has_processes());
}

fn ignores(pid: &str, signal: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("read the status");
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("SigIgn");
    let mask = u64::from_str_radix(mask.trim(), 16).expect("a mask");
    mask & (1 << (signal - 1)) != 0
}

fn find_socket(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    entries.flatten().any(|entry| {
        entry.path().ends_with("app.sock")
            || entry.file_type().is_ok_and(|kind| kind.is_dir()) && find_socket(&entry.path())
    })
}

const DEMO: &[&str] = &["demo", "wait/server-stopped", "--", "sleep", "1000"];

/// It takes a second, during which its client waits in vain.
const CONFORM: &[&str] = &["conform", "wait/backlog-full", "wait/server-not-accepting"];

#[test]
fn an_interrupt_leaves_nothing_behind() {
    interrupted_by("INT", 2, DEMO);
}

#[test]
fn a_request_to_end_leaves_nothing_behind() {
    interrupted_by("TERM", 15, DEMO);
}

#[test]
fn not_even_a_kill_leaves_something_behind() {
    interrupted_by("KILL", 9, DEMO);
}

#[test]
fn a_killed_conform_leaves_nothing_behind_either() {
    interrupted_by("KILL", 9, CONFORM);
}

fn run(arguments: &[&str]) -> Output {
    Tool::reachable().as_is().args(arguments).output().expect("run sunpath")
}

#[test]
fn a_command_gets_the_address_and_its_status_is_passed_on() {
    let script = r#"test -S "$0" && test -d "/proc/$1" && exit 7"#;
    let scene = ["demo", "connect/stale-socket", "--outside", "--", "sh", "-c", script];
    let output = run(&[&scene[..], &["{}", "{pid}"]].concat());
    assert_eq!(output.status.code(), Some(7), "{}", text(&output.stderr));
    let output = run(&["demo", "connect/stale-socket", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(output.status.code(), Some(137));
}

#[test]
fn a_command_runs_where_the_client_stands() {
    if !crate::tool::is_root() {
        eprintln!("skipped: needs root");
        return;
    }
    let output = run(&["demo", "connect/user-namespace", "--", "cat", "/proc/self/uid_map"]);
    let map: Vec<&str> = text(&output.stdout).split_whitespace().collect();
    assert_eq!(map, ["0", "65534", "1"]);
    let output = run(&["demo", "connect/no-write-permission", "--", "id", "-u"]);
    assert_eq!(text(&output.stdout), "65534\n");
}

#[test]
fn what_cannot_be_set_up_is_refused_with_the_reason() {
    let output = run(&["demo", "connect/stale-sock"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean connect/stale-socket?"));
    let output = run(&["demo", "socket/system-limit"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cannot be set up: "));
    let output = run(&["demo", "connect/bad-pointer", "--", "true"]);
    assert_eq!(output.status.code(), Some(120), "{}", text(&output.stderr));
    let output = run(&["demo", "connect/stale-socket", "--", "/no/such/program"]);
    assert_eq!(output.status.code(), Some(127));
}

#[test]
fn the_list_names_every_scene_once() {
    let output = run(&["demo", "--list"]);
    let ids: Vec<&str> = text(&output.stdout).lines().filter(|l| !l.starts_with(' ')).collect();
    assert!(ids.len() > 80);
    for id in ["connect/stale-socket", "wait/server-stopped", "healthy/abstract"] {
        assert_eq!(ids.iter().filter(|line| line.starts_with(&format!("{id} "))).count(), 1);
    }
    let place = |start: &str| ids.iter().position(|line| line.starts_with(start)).expect(start);
    let order = [
        "Failures",
        "connect/stale-socket ",
        "Sockets that are well",
        "healthy/abstract ",
        "Failures that take no command",
        "connect/bad-pointer ",
    ];
    assert!(order.map(place).is_sorted(), "{ids:?}");
}
