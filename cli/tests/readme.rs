//! What the front page shows was really printed: the same situations are set up again, and the tool
//! must print the same, but for process ids and the like.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Root sees the sockets of all network namespaces, and in both scenes one has the same name.
static ALONE: Mutex<()> = Mutex::new(());

/// Sets both situations up in a mount namespace with a `/run` of its own.
const SCRIPT: &str = r#"
mount -t tmpfs none /run && cd /run || exit 1
serve() {
    python3 -c '
import socket, time
open("/proc/self/comm", "w").write("app-server")
s = socket.socket(socket.AF_UNIX)
s.bind("/run/app.sock")
s.listen(5)
open("/run/ready", "w").close()
time.sleep(60)' &
    server=$!
    while [ ! -e /run/ready ]; do sleep 0.02; done
    rm /run/ready
}
serve; first=$server
rm app.sock
serve; kill $server; wait $server
"$SUNPATH" why /run/app.sock
kill $first; wait $first
echo =====
rm app.sock
serve
kill -STOP $server
"$SUNPATH" why /run/app.sock
kill -KILL $server
"#;

#[test]
fn the_front_page_shows_what_is_printed() {
    let root = std::fs::metadata("/proc/self");
    if !root.is_ok_and(|m| m.uid() == 0) {
        eprintln!("skipped: a /run of its own takes root");
        return;
    }
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: the server of the example is written in python3, which is missing");
        return;
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", SCRIPT])
        .env("SUNPATH", env!("CARGO_BIN_EXE_sunpath"))
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<String> = printed.split("=====").map(alike).collect();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let shown = blocks(&std::fs::read_to_string(page).unwrap());
    assert_eq!(shown, printed);
}

/// The programs of "See and talk".
const SCENE: &str = r#"
import os, socket, time

def program(name, work):
    ready, tell = os.pipe()
    if os.fork() == 0:
        open("/proc/self/comm", "w").write(name)
        os.close(ready)
        work(lambda: os.write(tell, b"."))
        time.sleep(60)
    os.close(tell)
    os.read(ready, 1)

def app_server(ready):
    global kept
    s = socket.socket(socket.AF_UNIX)
    s.bind("/run/app.sock")
    s.listen(2)
    ready()
    kept = s, s.accept()

def log_daemon(ready):
    global kept
    kept = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    kept.bind("/run/log")
    ready()

def web(ready):
    global kept
    kept = [socket.socket(socket.AF_UNIX) for _ in range(4)]
    for s in kept:
        s.connect("/run/app.sock")
    kept[0].send(b"GET / HTTP/1.0\r\n\r\n")
    ready()

program("app-server", app_server)
program("log-daemon", log_daemon)
program("web", web)
socket.socket(socket.AF_UNIX).bind("/run/old.sock")
"#;

#[test]
fn what_is_seen_and_said_on_the_front_page_was_printed() {
    if !std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0) {
        eprintln!("skipped: a /run and processes of its own take root");
        return;
    }
    if [("python3", "--version"), ("bash", "--version")]
        .iter()
        .any(|(program, option)| Command::new(program).arg(option).output().is_err())
    {
        eprintln!("skipped: the scene takes python3 and bash, and one is missing");
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split("\n## See and talk\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```").skip(1).step_by(2);
    let shown: Vec<(&str, &str)> = blocks
        .flat_map(|block| block.split("\n$ ").skip(1))
        .map(|command| command.split_once('\n').unwrap_or((command, "")))
        .collect();
    assert!(shown.len() >= 10, "{shown:?}");
    let mut script = String::from("exec 2>&1\nmount -t tmpfs none /run && cd /run || exit 1\n");
    script += "python3 -c \"$SCENE\"\nPATH=${SUNPATH%/*}:$PATH\n";
    for (command, _) in &shown {
        // What was started with & needs a moment until it is ready, and a tap until it has told.
        script += &format!("echo =====\n{command}\nsleep 1\n");
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .args(["bash", "-c", &script])
        .env("SUNPATH", env!("CARGO_BIN_EXE_sunpath"))
        .env("SCENE", SCENE)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<String> = printed.split("=====").skip(1).map(alike).collect();
    assert_eq!(printed.len(), shown.len(), "{printed:?}");
    for ((command, shown), printed) in shown.iter().zip(&printed) {
        match alike(shown).strip_suffix(" ...") {
            Some(beginning) => assert!(printed.starts_with(beginning), "{command}: {printed}"),
            None => assert_eq!(*printed, alike(shown), "{command}"),
        }
    }
}

#[test]
fn the_stories_on_the_front_page_are_played_so() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("README.md")).unwrap();
    let mut played = 0;
    for rest in page.split("$ sunpath play ").skip(1) {
        let Some((command, rest)) = rest.split_once('\n') else { continue };
        let shown = rest.split(['$', '`']).next().unwrap_or_default();
        let script = format!("\"$SUNPATH\" play {command}");
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("SUNPATH", env!("CARGO_BIN_EXE_sunpath"))
            .current_dir(&root)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), shown, "{command}");
        played += 1;
    }
    assert_eq!(played, 2);
}

/// The output of each `sunpath why /run/app.sock` on the page.
fn blocks(page: &str) -> Vec<String> {
    let after = page.split("$ sunpath why /run/app.sock\n").skip(1);
    after.map(|rest| alike(rest.split("```").next().unwrap_or_default())).collect()
}

/// Without line breaks, whose place depends on the length of numbers, and with `#` for digits. The
/// file system of the root directory is the machine's own.
fn alike(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .filter(|word| !matches!(*word, "ext4" | "overlay" | "xfs" | "btrfs"))
        .map(|word| {
            let hash = |c: char| if c.is_ascii_digit() { '#' } else { c };
            let mut word: String = word.chars().map(hash).collect();
            while word.contains("##") {
                word = word.replace("##", "#");
            }
            word
        })
        .collect();
    words.join(" ")
}
