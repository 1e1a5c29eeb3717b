//! `sunpath ls --files`: verdicts on socket files that the tests made.

mod common;

use common::{Dir, Run, close, every_key_is_documented, run};
use serde_json::Value;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

fn files(args: &[&OsStr]) -> Run {
    let mut all = vec![OsStr::new("ls"), OsStr::new("--files")];
    all.extend(args);
    let run = run(&all);
    assert_eq!(run.code, 0, "{}", run.err);
    run
}

fn judged(dir: &Path) -> Value {
    let json = files(&[dir.as_os_str(), OsStr::new("--json")]).json();
    every_key_is_documented(&json);
    json
}

fn verdict<'a>(json: &'a Value, path: &Path) -> &'a Value {
    let all = json["files"].as_array().unwrap();
    let found = all.iter().find(|f| f["path"] == path.to_str().unwrap());
    found.unwrap_or_else(|| panic!("{} is not in {json}", path.display()))
}

fn inode(socket: impl AsFd) -> Value {
    let fd = socket.as_fd().try_clone_to_owned().unwrap();
    std::fs::File::from(fd).metadata().unwrap().ino().into()
}

/// A file whose socket is closed.
fn stale(path: &Path) {
    close(UnixListener::bind(path).unwrap());
}

#[test]
fn files_are_served_or_stale() {
    let dir = Dir::new();
    let inner = dir.join("a").join("b");
    std::fs::create_dir_all(&inner).unwrap();
    let listener = UnixListener::bind(dir.join("listener")).unwrap();
    let datagram = UnixDatagram::bind(inner.join("datagram")).unwrap();
    stale(&inner.join("dead"));
    std::fs::write(dir.join("file"), "no socket").unwrap();
    let json = judged(&dir.join(""));
    assert_eq!(json["files"].as_array().unwrap().len(), 3, "{json}");
    assert_eq!(json["lost"], Value::Array(Vec::new()));
    for (path, socket) in
        [(dir.join("listener"), inode(&listener)), (inner.join("datagram"), inode(&datagram))]
    {
        let served = verdict(&json, &path);
        assert_eq!(served["verdict"], "served");
        assert_eq!(served["bound"][0]["inode"], socket);
        let holders = served["bound"][0]["holders"].as_array().unwrap();
        assert!(holders.iter().any(|h| h["pid"] == std::process::id()), "{served}");
        assert_eq!(served["remove"], Value::Null);
    }
    let dead = verdict(&json, &inner.join("dead"));
    assert_eq!(dead["verdict"], "stale");
    assert_eq!(dead["remove"], format!("rm -- {}", inner.join("dead").display()));
    let table = files(&[dir.join("").as_os_str()]).out;
    assert_eq!(table.lines().filter(|l| l.starts_with("served")).count(), 2, "{table}");
    assert_eq!(table.lines().filter(|l| l.starts_with("stale")).count(), 1, "{table}");
    assert!(inner.join("dead").exists(), "nothing is removed");
}

#[test]
fn a_server_that_lost_its_file_is_orphaned_or_rebound() {
    let dir = Dir::new();
    let (gone, taken, dead) = (dir.join("gone"), dir.join("taken"), dir.join("dead"));
    let orphan = UnixListener::bind(&gone).unwrap();
    std::fs::remove_file(&gone).unwrap();
    let first = UnixListener::bind(&taken).unwrap();
    std::fs::remove_file(&taken).unwrap();
    let second = UnixListener::bind(&taken).unwrap();
    let last = UnixListener::bind(&dead).unwrap();
    std::fs::remove_file(&dead).unwrap();
    stale(&dead);
    let json = judged(&dir.join(""));
    assert_eq!(verdict(&json, &taken)["verdict"], "served");
    assert_eq!(verdict(&json, &taken)["bound"][0]["inode"], inode(&second));
    assert_eq!(verdict(&json, &taken)["bound"].as_array().unwrap().len(), 1);
    assert_eq!(verdict(&json, &dead)["verdict"], "stale");
    let lost = json["lost"].as_array().unwrap();
    let of = |path: &Path| {
        let found: Vec<_> = lost.iter().filter(|l| l["path"] == path.to_str().unwrap()).collect();
        assert_eq!(found.len(), 1, "{json}");
        (
            found[0]["verdict"].clone(),
            found[0]["socket"]["inode"].clone(),
            found[0]["instead"].clone(),
        )
    };
    assert_eq!(of(&gone), ("orphaned".into(), inode(&orphan), Value::Null));
    assert_eq!(of(&taken), ("rebound".into(), inode(&first), "served".into()));
    assert_eq!(of(&dead), ("rebound".into(), inode(&last), "stale".into()));
    let table = files(&[dir.join("").as_os_str()]).out;
    assert!(table.contains("alive, but its file is gone"), "{table}");
    assert!(table.contains("alive, but the file is another server's"), "{table}");
    assert!(table.contains("alive, but the file is a dead server's"), "{table}");
}

#[test]
fn a_socket_that_was_moved_serves_its_new_name() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.join("before")).unwrap();
    std::fs::rename(dir.join("before"), dir.join("after")).unwrap();
    let json = judged(&dir.join(""));
    let served = verdict(&json, &dir.join("after"));
    assert_eq!(
        (&served["verdict"], &served["bound"][0]["inode"]),
        (&"served".into(), &inode(&listener))
    );
    assert_eq!(json["lost"], Value::Array(Vec::new()), "it has a file");
}

#[test]
fn what_is_stale_comes_with_a_command_that_a_shell_understands() {
    let dir = Dir::new();
    let names: [&[u8]; 7] =
        [b"plain", b"with space", b"quote'", b"new\nline", b"\x1b[31m", b"\xff", b"$(touch x)`"];
    for name in names {
        stale(&dir.join(OsStr::from_bytes(name)));
    }
    let alive = UnixListener::bind(dir.join("alive")).unwrap();
    let out = files(&[OsStr::new("--stale"), dir.join("").as_os_str()]).out;
    assert!(!out.contains("alive"), "{out}");
    let alone = common::run(&[OsStr::new("ls"), OsStr::new("--stale"), dir.join("").as_os_str()]);
    assert_eq!(alone.out, out, "--files goes without saying");
    let commands: Vec<&str> = out
        .lines()
        .filter_map(|l| l.trim_start().strip_prefix("rm -- ").map(|_| l.trim()))
        .collect();
    assert_eq!(commands.len(), names.len(), "{out}");
    let mut shell = std::process::Command::new("bash");
    let Ok(done) =
        common::output(shell.args(["-c", &commands.join("\n")]).current_dir(dir.join("")))
    else {
        eprintln!("skipped: there is no bash to run the commands");
        return;
    };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let left: Vec<_> = std::fs::read_dir(dir.join("")).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    drop(alive);
    let none = files(&[OsStr::new("--stale"), dir.join("none").parent().unwrap().as_os_str()]);
    assert!(none.out.lines().count() >= 1, "{}", none.out);
}

#[test]
fn links_are_not_followed_and_what_is_closed_is_told() {
    let (dir, other) = (Dir::new(), Dir::new());
    stale(&other.join("dead"));
    symlink(other.join(""), dir.join("link")).unwrap();
    symlink("loop", dir.join("loop")).unwrap();
    let json = judged(&dir.join(""));
    assert_eq!(json["files"], Value::Array(Vec::new()), "{json}");
    // A directory that is given may be a link.
    let json = judged(&dir.join("link"));
    assert_eq!(json["files"].as_array().unwrap().len(), 1, "{json}");
    if sunpath::sys::process::user() == 0 {
        eprintln!("skipped: root reads every directory");
        return;
    }
    let closed = dir.join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).unwrap();
    let json = judged(&dir.join(""));
    assert_eq!(json["unread"][0]["path"], closed.to_str().unwrap());
    let run = files(&[dir.join("").as_os_str()]);
    assert!(run.err.contains("was not looked into: needs read permission"), "{}", run.err);
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();
}

#[test]
fn without_write_permission_nothing_is_called_dead() {
    if sunpath::sys::process::user() == 0 {
        let dir = Dir::new();
        let path = dir.join("dead");
        stale(&path);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        let as_nobody = |options: [&str; 2]| {
            let mut command = std::process::Command::new("setpriv");
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
            command.arg(env!("CARGO_BIN_EXE_sunpath")).arg("ls").args(options);
            let output = common::output(command.arg(dir.join("")));
            output.ok().map(Run::from).filter(|run| !run.err.starts_with("setpriv:"))
        };
        let Some(run) = as_nobody(["--files", "--json"]) else {
            eprintln!("skipped: setpriv cannot be run, or the binary by nobody else");
            return;
        };
        let json = run.json();
        assert_eq!(verdict(&json, &path)["verdict"], "unknown", "{json}");
        assert_eq!(verdict(&json, &path)["remove"], Value::Null);
        let stale = as_nobody(["--files", "--stale"]).unwrap();
        assert!(stale.err.contains("1 more file may be dead, too"), "{}", stale.err);
        return;
    }
    eprintln!("skipped: a file of another user takes root to make");
}

#[test]
fn places_that_are_none_are_refused_and_the_usual_ones_are_there() {
    let dir = Dir::new();
    let missing = run(&[OsStr::new("ls"), OsStr::new("--files"), dir.join("missing").as_os_str()]);
    assert_eq!((missing.code, missing.out.as_str()), (2, ""));
    assert!(missing.err.contains("there is no directory"), "{}", missing.err);
    let usual = run(&["ls", "--files"]);
    assert_eq!(usual.code, 0, "{}", usual.err);
    for args in
        [["--stale", "--pid", "1"], ["--files", "--pid", "1"], ["--files", "--sort", "name"]]
    {
        assert_eq!(run(&[&["ls"][..], &args].concat()).code, 2, "{args:?}");
    }
}
