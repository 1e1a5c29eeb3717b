//! `sunpath ls` where there are very many sockets, terminals, other networks, and sockets that come
//! and go.

mod common;

use common::{Dir, Run, interrupt, output, run, spawn, sunpath};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use sunpath::sys::process::raise_descriptor_limit;
use sunpath::{Datagram, Listener, Stream};

/// Tells a copy of this program how many pairs of sockets to hold.
const PAIRS: &str = "SUNPATH_TEST_PAIRS";

/// A process that holds pairs of connected sockets until it is dropped.
struct Holder(Child, Option<ChildStdin>);

impl Holder {
    fn start(pairs: usize) -> Holder {
        Holder::by(Command::new(std::env::current_exe().unwrap()), pairs).expect("it starts")
    }

    /// Through a command that runs this program in another place; `None` if it cannot.
    fn by(mut command: Command, pairs: usize) -> Option<Holder> {
        command.args(["--exact", "a_holder_holds_what_it_is_told_to", "--nocapture"]);
        command.env(PAIRS, pairs.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = spawn(&mut command).ok()?;
        let stdin = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take()?).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line.contains("holding")));
        // Before it is given up, it is ended and reaped.
        let holder = Holder(child, stdin);
        ready.then_some(holder)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.1.take());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_holder_holds_what_it_is_told_to() {
    if let Ok(pairs) = std::env::var(PAIRS) {
        raise_descriptor_limit().unwrap();
        let held: Vec<_> = (0..pairs.parse().unwrap()).map(|_| Stream::pair().unwrap()).collect();
        println!("holding");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        drop(held);
        return;
    }
    let holder = Holder::start(3);
    let run = run(&["ls", "--json", "--pid", &holder.0.id().to_string()]);
    assert_eq!(run.json()["sockets"].as_array().unwrap().len(), 6, "{}", run.out);
}

#[test]
fn fifty_thousand_sockets_are_all_there_with_their_holders() {
    const PROCESSES: usize = 50;
    const EACH: usize = 1000;
    let most = raise_descriptor_limit().unwrap();
    if most < EACH as u64 + 100 {
        eprintln!("skipped: a process may open {most} descriptors only");
        return;
    }
    let holders: Vec<_> = (0..PROCESSES).map(|_| Holder::start(EACH / 2)).collect();
    let run = run(&["ls"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let mut found = std::collections::HashMap::new();
    for line in run.out.lines().filter(|line| line.contains(" connected ")) {
        // The last two are of the holder and of its peer, which is the same.
        let pid = line.split('[').nth(1).and_then(|rest| rest.split(']').next());
        *found.entry(pid.unwrap_or_default().to_string()).or_insert(0) += 1;
    }
    for holder in &holders {
        assert_eq!(found.get(&holder.0.id().to_string()), Some(&EACH));
    }
}

#[test]
fn five_thousand_waiting_connections_hide_nothing() {
    const WAITING: u32 = 5000;
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let most = raise_descriptor_limit().unwrap();
    if most < u64::from(WAITING) + 1000 {
        eprintln!("skipped: a process may open {most} descriptors only");
        return;
    }
    let listener = Listener::options().backlog(WAITING).bind(&path).unwrap();
    let glob = path.to_str().unwrap();
    let shown = run(&["ls", "-l", glob, "--json"]).json();
    let limit = shown["sockets"][0]["backlog"]["limit"].as_u64().unwrap();
    let room = WAITING.min(u32::try_from(limit).unwrap());
    let clients: Vec<_> = (0..room).map(|_| Stream::connect(&path).unwrap()).collect();
    let shown = run(&["ls", glob, "--json"]).json();
    let all = shown["sockets"].as_array().unwrap();
    assert_eq!(all[0]["state"], "listening");
    assert_eq!(all[0]["backlog"]["pending"], room);
    let me = std::process::id();
    let with_client =
        all.iter().filter(|s| s["state"] == "waiting" && s["peer"]["holders"][0]["pid"] == me);
    assert_eq!(with_client.count(), room as usize);
    let full = run(&["ls", "-l", "--queue-over", &(room - 1).to_string(), "--sort", "backlog"]);
    assert!(full.out.contains(glob), "{}", full.out);
    drop((listener, clients));
    if room < WAITING {
        eprintln!("skipped: somaxconn allows {room} waiting connections, not {WAITING}");
    }
}

#[test]
fn sockets_that_come_and_go_disturb_nothing() {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let dir = Dir::new();
            let path = dir.join("app.sock");
            while !stop.load(Ordering::Relaxed) {
                let listener = Listener::bind(&path).unwrap();
                let clients: Vec<_> = (0..20).map(|_| Stream::connect(&path).unwrap()).collect();
                let accepted = listener.accept().unwrap();
                drop((listener, accepted, clients));
            }
        });
        for _ in 0..10 {
            let json = run(&["ls", "--json"]);
            assert_eq!(json.code, 0, "{}", json.err);
            assert!(json.json()["sockets"].is_array());
            let files = run(&["ls", "--files", std::env::temp_dir().to_str().unwrap(), "--json"]);
            assert_eq!(files.code, 0, "{}", files.err);
            assert!(files.json()["files"].is_array());
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn an_interrupt_ends_it_at_once() {
    let pairs: Vec<_> = (0..800).map(|_| Stream::pair().unwrap()).collect();
    let mut command = sunpath();
    command.args(["ls", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(&mut command).unwrap();
    // It has begun to write, and the pipe is too short for all of it.
    let mut first = [0; 1];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let (signal, pid) = (interrupt().as_raw(), child.id().to_string());
    let sent = Command::new("kill").args([format!("-{signal}"), pid]).status();
    if !sent.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no program kill");
        let _ = child.kill();
        let _ = child.wait();
        return;
    }
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.signal(), Some(signal));
    assert_eq!(ended.stderr, b"");
    drop(pairs);
}

/// Runs a script on a terminal of its own; `None` if none can be had.
fn on_a_terminal(script: &str) -> Option<String> {
    let mut command = Command::new("script");
    command.args(["-qec", script, "/dev/null"]).stdin(Stdio::null());
    command.env("SUNPATH", env!("CARGO_BIN_EXE_sunpath")).env("TERM", "xterm");
    let Ok(done) = output(command.env_remove("PAGER").env("NO_COLOR", "1")) else {
        eprintln!("skipped: there is no program script to make a terminal");
        return None;
    };
    Some(String::from_utf8_lossy(&done.stdout).replace('\r', ""))
}

#[test]
fn on_a_terminal_long_lists_are_paged_and_lines_fit() {
    let dir = Dir::new();
    let long = "a-rather-long-name-for-a-socket-of-a-test";
    let all: Vec<_> =
        (10..30).map(|n| Datagram::bind(dir.join(format!("{long}-{n}"))).unwrap()).collect();
    let glob = dir.join("*");
    // What could not be seen is told on standard error, which is the terminal too.
    let list =
        format!("exec 2>/dev/null; stty rows 12 cols 72; \"$SUNPATH\" ls '{}'", glob.display());
    let paged = |text: &str| text.lines().filter(|l| l.starts_with("paged:")).count();
    let Some(out) = on_a_terminal(&format!("{list} --no-pager")) else { return };
    assert_eq!(out.lines().count(), 21, "{out}");
    for line in out.lines() {
        assert!(line.chars().count() <= 72, "{line:?}");
    }
    assert!(out.contains("…") && out.contains("-29 "), "the end of a path tells most: {out}");
    let on = |pager: &str, options: &str| {
        on_a_terminal(&format!("export PAGER='{pager}'; {list} {options}")).unwrap_or_default()
    };
    let out = on("sed s/^/paged:/", "");
    assert_eq!(paged(&out), 21, "{out}");
    let short = format!(
        "exec 2>/dev/null; stty rows 12 cols 72; export PAGER='sed s/^/paged:/'; \"$SUNPATH\" ls '{}-1[0-4]'",
        dir.join(long).display()
    );
    let out = on_a_terminal(&short).unwrap_or_default();
    assert_eq!((paged(&out), out.lines().count()), (0, 6), "{out}");
    for width in [60, 40] {
        let out = on_a_terminal(&short.replace("cols 72", &format!("cols {width}")));
        let out = out.unwrap_or_default();
        assert!(out.lines().all(|line| line.trim_end().chars().count() <= width), "{out}");
        assert!(out.contains("NAME") && out.contains("QUEUE"), "{out}");
    }
    assert_eq!(on("", "").lines().count(), 21);
    let out = on("no-such-pager-at-all", "");
    assert!(out.lines().filter(|l| l.starts_with("datagram")).count() == 20, "{out}");
    let wide = on("cat", "--wide");
    assert!(wide.lines().any(|l| l.chars().count() > 72) && !wide.contains('…'), "{wide}");
    drop(all);
}

#[test]
fn other_networks_are_listed_or_it_is_said_that_they_could_not_be_entered() {
    let mut command = Command::new("unshare");
    command.args(["--net"]).arg(std::env::current_exe().unwrap()).stderr(Stdio::null());
    let Some(holder) = Holder::by(command, 2) else {
        eprintln!("skipped: a network namespace of one's own takes root");
        return;
    };
    let pid = holder.0.id().to_string();
    let of = |args: &[&str]| run(&[&["ls", "--json", "--pid", &pid], args].concat()).json();
    assert_eq!(of(&[])["sockets"].as_array().unwrap().len(), 0);
    let all = of(&["--all"]);
    let sockets = all["sockets"].as_array().unwrap();
    assert_eq!(sockets.len(), 4, "{all}");
    assert_ne!(sockets[0]["net_namespace"], all["net_namespaces"][0]);
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.arg(env!("CARGO_BIN_EXE_sunpath")).args(["ls", "--all"]);
    let nobody = output(&mut command).ok().map(Run::from);
    let Some(run) = nobody.filter(|run| !run.err.starts_with("setpriv:")) else {
        eprintln!("skipped: setpriv cannot be run, or the binary by nobody else");
        return;
    };
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("could not enter the network namespace"), "{}", run.err);
    assert!(run.err.contains("CAP_SYS_ADMIN"), "{}", run.err);
}
