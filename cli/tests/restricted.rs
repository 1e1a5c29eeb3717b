//! `why` where little can be seen: no privilege, `hidepid`, no `/proc`, no socket tables. Less is
//! said then, but never anything wrong.

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SUNPATH: &str = env!("CARGO_BIN_EXE_sunpath");

/// A directory with a live and a stale socket, removed at the end.
struct Sockets {
    dir: PathBuf,
    live: PathBuf,
    stale: PathBuf,
    _listener: UnixListener,
}

impl Sockets {
    fn new(test: &str) -> Self {
        let name = format!("sunpath-restricted-{test}-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).unwrap();
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
        let (live, stale) = (dir.join("live"), dir.join("stale"));
        let listener = UnixListener::bind(&live).unwrap();
        drop(UnixListener::bind(&stale).unwrap());
        for path in [&live, &stale] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
        }
        // The binary may lie where an ordinary user cannot reach it.
        std::fs::copy(SUNPATH, dir.join("sunpath")).unwrap();
        Sockets { dir, live, stale, _listener: listener }
    }

    fn binary(&self) -> PathBuf {
        self.dir.join("sunpath")
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // A directory left behind in the temporary directory harms nobody.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error}: {text}\n{}", String::from_utf8_lossy(&output.stderr))
    })
}

/// Runs `why --json PATH` in a mount namespace of its own after a shell prepared it, as `user`.
fn why_after(sockets: &Sockets, prepare: &str, user: Option<u32>, path: &Path) -> Value {
    let drop_to = match user {
        Some(uid) => format!("setpriv --reuid {uid} --regid {uid} --clear-groups"),
        None => String::new(),
    };
    let script = format!("set -e; {prepare}; exec {drop_to} \"$0\" why --json \"$1\"");
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .arg(sockets.binary())
        .arg(path)
        .output()
        .unwrap();
    json(&output)
}

fn first_cause(answer: &Value) -> Option<(&str, &str)> {
    let cause = answer["causes"].get(0)?;
    Some((cause["id"].as_str()?, cause["certainty"].as_str()?))
}

const HIDEPID: &str = "mount -t proc -o hidepid=2 proc /proc";
const NO_PROC: &str = "mount -t tmpfs none /proc";

#[test]
fn an_ordinary_user_sees_enough_under_hidepid() {
    if !is_root() {
        eprintln!("skipped: mounting /proc needs root");
        return;
    }
    let sockets = Sockets::new("hidepid");
    let stale = why_after(&sockets, HIDEPID, Some(65534), &sockets.stale);
    assert_eq!(first_cause(&stale), Some(("connect/stale-socket", "certain")), "{stale:#}");
    let live = why_after(&sockets, HIDEPID, Some(65534), &sockets.live);
    assert_eq!(live["outcome"], "succeeds", "{live:#}");
    assert!(live.to_string().contains("CAP_SYS_PTRACE"), "says what it lacks: {live:#}");
}

#[test]
fn without_proc_what_needs_processes_says_so_and_leaves_nothing() {
    if !is_root() {
        eprintln!("skipped: hiding /proc needs root");
        return;
    }
    let sockets = Sockets::new("no-proc-played");
    let temp = sockets.dir.join("temp");
    std::fs::create_dir(&temp).unwrap();
    let trace = sockets.dir.join("a.trace");
    std::fs::write(&trace, "spawn a\n").unwrap();
    for words in [&["play", "--on", "kernel"][..], &["conform", "--random", "--save"]] {
        let script = format!("{NO_PROC} && exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script, "sh"]).arg(sockets.binary());
        let output = command.args(words).arg(&trace).env("TMPDIR", &temp).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("mount /proc"), "{said}");
        assert_eq!(std::fs::read_dir(&temp).unwrap().count(), 0, "{said}");
    }
}

#[test]
fn without_proc_sockets_are_still_judged() {
    if !is_root() {
        eprintln!("skipped: hiding /proc needs root");
        return;
    }
    let sockets = Sockets::new("no-proc");
    for user in [None, Some(65534)] {
        let stale = why_after(&sockets, NO_PROC, user, &sockets.stale);
        let (id, certainty) = first_cause(&stale).unwrap();
        assert_eq!(id, "connect/stale-socket", "{stale:#}");
        assert_ne!(certainty, "possible", "{stale:#}");
        let live = why_after(&sockets, NO_PROC, user, &sockets.live);
        assert_eq!(live["outcome"], "succeeds", "{live:#}");
    }
}

/// Runs `why --json PATH` in a process that may not make netlink sockets.
fn why_without_netlink(sockets: &Sockets, prepare: &'static str, path: &Path) -> Value {
    let (binary, path) = (sockets.binary(), path.to_owned());
    let run = move || {
        const AF_NETLINK: i32 = 16;
        // A filter belongs to this thread and to the children that it starts.
        sunpath::sys::restrict::deny_family(AF_NETLINK, sunpath::Errno::EAFNOSUPPORT).unwrap();
        let script = format!("set -e; {prepare} exec \"$0\" why --json \"$1\"");
        let shell = if prepare.is_empty() { vec![] } else { vec!["unshare", "--mount"] };
        let words = shell.into_iter().chain(["sh", "-c", &script]).collect::<Vec<_>>();
        Command::new(words[0]).args(&words[1..]).arg(binary).arg(path).output().unwrap()
    };
    json(&std::thread::spawn(run).join().unwrap())
}

#[test]
fn without_netlink_the_table_in_proc_is_read() {
    let sockets = Sockets::new("no-netlink");
    let live = why_without_netlink(&sockets, "", &sockets.live);
    assert_ne!(live["outcome"], "fails", "{live:#}");
    let stale = why_without_netlink(&sockets, "", &sockets.stale);
    assert_ne!(stale["outcome"], "succeeds", "{stale:#}");
}

#[test]
fn without_any_table_nothing_is_certain() {
    if !is_root() {
        eprintln!("skipped: hiding /proc needs root");
        return;
    }
    let sockets = Sockets::new("no-tables");
    for path in [&sockets.live, &sockets.stale] {
        let answer = why_without_netlink(&sockets, "mount -t tmpfs none /proc;", path);
        assert_eq!(answer["outcome"], "unknown", "{answer:#}");
        assert!(!answer["unseen"].as_array().unwrap().is_empty(), "{answer:#}");
        let certain = |c: &Value| c["certainty"] == "certain";
        assert!(!answer["causes"].as_array().unwrap().iter().any(certain), "{answer:#}");
    }
}
