//! `sunpath play --on kernel`: real processes make the calls.

use serde_json::Value;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// An ordinary user.
const NOBODY: u32 = 65534;

fn traces() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../traces")
}

fn play(arguments: &[&Path], user: Option<u32>) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sunpath"));
    command.args(["play", "--json", "--on", "kernel"]).args(arguments).stdin(Stdio::null());
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code <= 1), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn runs(report: &Value) -> &[Value] {
    report["runs"].as_array().unwrap()
}

/// Asserts that nothing was unexpected; how many traces were played to their end.
fn agrees(report: &Value) -> usize {
    for run in runs(report) {
        let steps = run["steps"].as_array().unwrap();
        let faults: Vec<_> = steps.iter().filter(|step| !step["fault"].is_null()).collect();
        assert!(faults.is_empty(), "{}: {faults:#?}", run["trace"]);
        assert!(run["error"].is_null(), "{}: {}", run["trace"], run["error"]);
    }
    let whole = |run: &&Value| run["concerned"] == true && run["skipped"].is_null();
    runs(report).iter().filter(whole).count()
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").unwrap().contains("CapEff:\t000001ff")
}

/// Writes a trace for this test alone.
fn file(name: &str, text: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let dir = dir.join(format!("play-kernel-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Whether this system lets anybody play at all.
fn can_play() -> bool {
    let path = file("probe.trace", "spawn one\none: socket stream -> 3\n");
    let report = play(&[&path], None);
    let why = &runs(&report)[0]["skipped"];
    if !why.is_null() {
        eprintln!("skipped: {why}");
    }
    why.is_null()
}

#[test]
fn the_kernel_tells_the_shipped_stories() {
    if !can_play() {
        return;
    }
    let whole = agrees(&play(&[&traces()], None));
    let least = if is_root() { 160 } else { 100 };
    assert!(whole >= least, "only {whole} traces were played to their end");
}

#[test]
fn an_ordinary_user_plays_what_needs_no_other_user() {
    if !is_root() {
        return eprintln!("skipped: needs root, to become an ordinary user");
    }
    let dirs = ["send", "recv", "name"].map(|dir| traces().join(dir));
    let dirs: Vec<_> = dirs.iter().map(PathBuf::as_path).collect();
    let report = play(&dirs, Some(NOBODY));
    let whole = agrees(&report);
    let shut_out = runs(&report).iter().all(|run| !run["skipped"].is_null());
    if shut_out {
        return eprintln!("skipped: ordinary users cannot make namespaces here");
    }
    assert!(whole > 20, "only {whole} traces were played to their end");
}

/// A server that died, and one that closed before it accepted: what only its past tells.
const CAUSES: &str = "\
spawn a
a: s = socket stream
a: bind s \"app.sock\"
a: listen s 5
a: c = socket stream
a: connect c \"app.sock\"
a: close s
a: recv c 64 ! ECONNRESET recv/closed-before-accept
a: d = socket stream
a: connect d \"app.sock\" ! ECONNREFUSED connect/stale-socket
";

#[test]
fn causes_are_told_and_how_they_are_known() {
    if !can_play() {
        return;
    }
    let path = file("causes.trace", CAUSES);
    let report = play(&[&path], None);
    assert_eq!(agrees(&report), 1);
    let steps = runs(&report)[0]["steps"].as_array().unwrap();
    assert_eq!(steps[7]["cause"], "recv/closed-before-accept");
    assert_eq!(steps[7]["cause_by"], "model");
    assert_eq!(steps[9]["cause"], "connect/stale-socket");
    assert_eq!(steps[9]["cause_by"], "diagnosis");
    assert!(steps[8]["cause_by"].is_null());
    let mut command = Command::new(env!("CARGO_BIN_EXE_sunpath"));
    let output = command.args(["play", "--on", "kernel"]).arg(&path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("recv/closed-before-accept (as the model says)\n"), "{text}");
    assert!(text.contains("connect/stale-socket (diagnosed)\n"), "{text}");
}

#[test]
fn another_cause_of_the_same_errno_is_not_as_expected() {
    if !can_play() {
        return;
    }
    let wrong = CAUSES.replace("connect/stale-socket", "connect/backlog-full");
    let wrong = wrong.replace("ECONNREFUSED", "");
    let refused = CAUSES.replace("connect/stale-socket", "connect/not-listening");
    for (name, text) in [("other-errno.trace", wrong), ("other-cause.trace", refused)] {
        let report = play(&[&file(name, &text)], None);
        let fault = runs(&report)[0]["steps"][9]["fault"].as_str().unwrap();
        assert!(fault.ends_with("got ! ECONNREFUSED connect/stale-socket"), "{fault}");
    }
}

#[test]
fn where_the_model_is_wrong_the_diagnosis_stands_alone() {
    if !is_root() {
        return eprintln!("skipped: needs root, to become an ordinary user");
    }
    // Root of a user namespace, which the model takes for root.
    let text = "spawn a\na: s = socket stream\na: setsockopt s SO_SNDBUFFORCE 9999\n\
                a: connect s \"nowhere/x\"\n";
    let report = play(&[&file("namespace.trace", text)], Some(NOBODY));
    let run = &runs(&report)[0];
    if !run["skipped"].is_null() {
        return eprintln!("skipped: {}", run["skipped"]);
    }
    let said = |step: usize, key: &str| run["steps"][step][key].as_str().unwrap_or("-").to_string();
    assert_eq!(said(2, "errno"), "EPERM");
    for (step, cause) in [(2, "option/needs-privilege"), (3, "connect/missing-directory")] {
        assert_eq!([said(step, "cause"), said(step, "cause_by")], [cause, "diagnosis"]);
    }
}

/// Traces that want out.
const STRANGE: &[&str] = &[
    // Upwards, over links, and by the paths of this machine.
    "spawn a\na: mkdir \"d\" 0755\na: chdir \"d\"\na: create \"../../../../../../{mark}\" 0644\n",
    "spawn a\na: create \"/tmp/{mark}\" 0644\na: unlink \"{victim}\"\na: rename \"{victim}\" \"x\"\n",
    "spawn a\na: symlink \"{dir}\" \"out\"\na: create \"out/{mark}\" 0644\na: unlink \"out/victim\"\n",
    "spawn a\na: symlink \"{dir}\" \"/out\"\nmount \"/out\" full\nimmutable \"/out/victim\" on\n",
    "spawn a\na: symlink \"{victim}\" \"/out\"\nimmutable \"/out\" on\na: chmod \"/out\" 0777\n",
    "spawn a\nmount \"{dir}\" read-only\nmount \"/\" read-only\na: unlink \"{victim}\"\n",
    "spawn a\na: mkdir \"/x\" 0755\nmount \"/x\" bind=\"{dir}\"\na: unlink \"/x/victim\"\n",
    "spawn a\na: mkdir \"/x\" 0755\nmount \"/x\" view=\"{dir}\"\na: create \"/x/{mark}\" 0644\n",
    "spawn a\na: open \"/proc/self/mem\"\na: open \"/dev/sda\"\na: chdir \"/proc/1/root\"\n",
    // Descriptors of the process itself, and mistakes of all kinds.
    "spawn a\na: close 3000\na: close 3001\na: send 3001 \"done ok\"\na: recv 3000 10\na: close 0\n",
    "spawn a\na: s, t = socketpair stream\na: send s \"x\" rights=[3000,3001,0]\na: recv t 9 control=64\n",
    "spawn a\na: s, t = socketpair stream\na: recv s 18446744073709551615 dontwait\n",
    "spawn a\na: limit-descriptors 0\na: socket stream\na: b = fork\nb: socket stream\n",
    "spawn a\na: become 1000:1000\na: b = fork\nb: become 0:0\nb: t = thread\nt: socket stream\n",
    "spawn a\nstop a\na: socket stream\ncontinue a\na: socket stream\n",
    "spawn a\na: b = fork\nstop b\na: exit\ninterrupt b\nresume b\nb: exit\n",
    "spawn a\na: t = thread\na: exit\nt: socket stream\nspawn b\nb: join-net a\nstop a\n",
    "spawn a\na: s = socket stream\na: bind s @x\na: listen s 9\na: accept s\nresume a\ninterrupt a\nresume a\n",
    // Time.
    "spawn a\nadvance 1000s\n",
    "spawn a\na: s, t = socketpair stream\na: poll s:in timeout=1000000s\nresume a\n",
    "spawn a\na: s, t = socketpair stream\na: recv s 9\nresume a\nresume a\nadvance 18446744073709s\n",
];

#[test]
fn no_trace_gets_out_or_hangs() {
    if !can_play() {
        return;
    }
    let dir = file("strange", "").parent().unwrap().join("outside");
    fs::create_dir_all(&dir).unwrap();
    let victim = dir.join("victim");
    fs::write(&victim, "untouched").unwrap();
    let mark = format!("sunpath-mark-{}", std::process::id());
    let begun = Instant::now();
    for (number, text) in STRANGE.iter().enumerate() {
        let text = text.replace("{mark}", &mark).replace("{dir}", dir.to_str().unwrap());
        let text = text.replace("{victim}", victim.to_str().unwrap());
        let report = play(&[&file(&format!("{number}.trace"), &text)], None);
        let run = &runs(&report)[0];
        assert!(!run["steps"].as_array().unwrap().is_empty(), "{text}{run:#}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched", "{text}");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "{text}");
        for place in ["/", "/tmp"] {
            assert!(!Path::new(place).join(&mark).exists(), "{text}");
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
    fs::write(&victim, "still writable").unwrap();
}

#[test]
fn traces_made_of_random_lines_end() {
    if !can_play() {
        return;
    }
    // The shipped stories' own lines in another order: names mean other things, or nothing.
    let mut lines = Vec::new();
    for dir in ["send", "wait", "rights", "bind"] {
        for entry in fs::read_dir(traces().join(dir)).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let calls = text.lines().filter(|line| line.starts_with("program: "));
            lines.extend(calls.map(|line| line.split(" [").next().unwrap().to_string()));
        }
    }
    lines.sort();
    assert!(lines.len() > 50, "{}", lines.len());
    let mut state = 7_u64;
    let mut dice = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    for round in 0..6 {
        let mut text = String::from("spawn program\n");
        for _ in 0..25 {
            let line = &lines[dice(lines.len())];
            let call = line.split(" -> ").next().unwrap().split(" ! ").next().unwrap();
            let call = call.split(" ~").next().unwrap();
            let next = format!("{text}{call}\n");
            let parsed: Result<sunpath::trace::Trace, _> = next.parse();
            if parsed.is_ok() {
                text = next;
            }
            text.push_str(["interrupt program\nresume program\n", "resume program\n"][dice(2)]);
        }
        let report = play(&[&file(&format!("random-{round}.trace"), &text)], None);
        let run = &runs(&report)[0];
        assert!(run["error"].is_null(), "{text}{}", run["error"]);
    }
}

#[test]
fn nothing_is_left_behind() {
    if !can_play() {
        return;
    }
    let text = "spawn a\na: s = socket stream\na: bind s \"app.sock\"\na: listen s 5\n\
                a: b = fork\na: t = thread\nt: accept s ~\nb: accept s ~\nstop b\n";
    let path = file("left.trace", text);
    let of_temp = || {
        let entries = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("sunpath-")).collect::<Vec<_>>()
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_sunpath"));
    command.args(["play", "--on", "kernel"]).arg(&path).stdin(Stdio::null());
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    let own = format!("sunpath-{}-", child.id());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.ends_with("9 steps, 2 with expectations: all as expected\n"), "{said}");
    assert!(of_temp().iter().all(|name| !name.starts_with(&own)));
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&own));
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains(&format!("/{own}")));
    }
}

#[test]
fn the_kernel_goes_with_no_profile_and_is_not_recorded() {
    let path = file("plain.trace", "spawn a\n");
    for other in [["--profile", "macos"], ["--record", "--json"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sunpath"));
        let output = command.args(["play", "--on", "kernel"]).args(other).arg(&path).output();
        assert_eq!(output.unwrap().status.code(), Some(2));
    }
}
