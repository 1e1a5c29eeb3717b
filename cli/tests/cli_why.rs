//! `sunpath why` on real sockets, as a user runs it.

mod common;

use common::{Dir, close, every_key_is_documented, first_cause, output, run, spawn, sunpath, why};
use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::Path;

/// `sunpath why --json` with these options on an address.
fn json(options: &[&str], address: impl AsRef<OsStr>) -> (i32, serde_json::Value) {
    let mut args: Vec<&OsStr> = vec![OsStr::new("why"), OsStr::new("--json")];
    args.extend(options.iter().map(OsStr::new));
    args.push(address.as_ref());
    let run = run(&args);
    assert_eq!(run.err, "", "{args:?}");
    (run.code, run.json())
}

fn stale(path: &Path) {
    close(UnixListener::bind(path).expect("bind"));
}

#[test]
fn a_stale_socket_gets_verdict_tree_evidence_and_remedy() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    stale(&path);
    let run = why(&path);
    assert_eq!(run.code, 1);
    for part in [
        "would fail with ECONNREFUSED: the socket file was left",
        "└ app.sock",
        "▲ no process has this socket open",
        "[connect/stale-socket, certain]",
        "    rm ",
        "More: sunpath explain connect/stale-socket",
    ] {
        assert!(run.out.replace("\n", " ").contains(part), "no {part:?} in:\n{}", run.out);
    }
    let (code, json) = json(&[], &path);
    assert_eq!(code, 1);
    assert_eq!(json["outcome"], "fails");
    assert_eq!(json["errno"], "ECONNREFUSED");
    assert_eq!(first_cause(&json), Some("connect/stale-socket"));
    assert_eq!(json["causes"][0]["certainty"], "certain");
    assert_eq!(json["facts"]["target"]["walk"]["end"]["kind"], "found");
}

#[test]
fn json_has_exactly_the_documented_fields() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let (code, json) = json(&[], &path);
    assert_eq!(code, 0);
    let keys: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        ["address", "call", "type", "outcome", "errno", "causes", "facts", "unseen", "notes"]
    );
    assert_eq!(json["address"].as_str(), path.to_str());
    assert_eq!((&json["call"], &json["type"]), (&"connect".into(), &"stream".into()));
    assert_eq!((&json["outcome"], &json["errno"]), (&"succeeds".into(), &serde_json::Value::Null));
    assert_eq!(json["causes"], serde_json::json!([]));
    every_key_is_documented(&json);
    stale(&dir.join("stale"));
    every_key_is_documented(&self::json(&[], dir.join("stale")).1);
    every_key_is_documented(&self::json(&[], "@nobody-has-this-name").1);
    every_key_is_documented(&self::json(&[], "tcp:127.0.0.1:1").1);
}

#[test]
fn a_healthy_server_is_named_with_its_backlog() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let run = why(&path);
    assert_eq!(run.code, 0, "{}", run.out);
    let pid = format!("(pid {}) listens.", std::process::id());
    assert!(run.out.replace('\n', " ").contains(&pid), "{}", run.out);
    assert!(run.out.contains("0 waiting to be accepted, limit "), "{}", run.out);
    assert!(!run.out.contains("What to do"), "{}", run.out);
}

#[test]
fn servers_of_the_internet_are_not_taken_for_files() {
    let dir = Dir::new();
    let ask = |address: &str| {
        let mut command = sunpath();
        command.args(["why", address]).current_dir(dir.join("."));
        common::Run::from(output(&mut command).expect("the binary runs"))
    };
    for (address, hint) in [
        ("localhost:8080", "tcp:localhost:8080"),
        (":8080", "tcp:localhost:8080"),
        ("vsock:2:3", "AF_VSOCK"),
        ("http://localhost:80/x", "tcp:localhost:80"),
        ("postgres://me:secret@db:1234/x", "tcp:db:1234"),
        ("tcp://me:secret@db:1234", "leave user and password out"),
    ] {
        let run = ask(address);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{address}");
        assert!(run.err.replace('\n', " ").contains(hint), "{address}: {}", run.err);
        assert!(!run.err.contains("secret"), "{}", run.err);
    }
    let _listener = UnixListener::bind(dir.join("localhost:8080")).unwrap();
    assert_eq!(ask("localhost:8080").code, 0);
    assert_eq!(ask("./localhost:8081").code, 1);
}

#[test]
fn what_was_probably_meant_is_noted() {
    let dir = Dir::new();
    let near = dir.join("ok.sock");
    let _listener = UnixListener::bind(&near).unwrap();
    std::fs::write(dir.join("okk.soc"), "").unwrap();
    let question = format!("Did you mean {}?", near.display());
    for name in ["okk.sock", "ok", "OK.sock", "ok.socket"] {
        let (code, json) = json(&[], dir.join(name));
        assert_eq!((code, json["notes"][0].as_str()), (1, Some(&*question)), "{name}");
        every_key_is_documented(&json);
    }
    assert!(why(dir.join("okk.sock")).out.replace('\n', " ").contains(&question));
    for (options, name) in [
        (&["--call", "bind"][..], "okk.sock"),
        (&[], "elsewhere.sock"),
        (&[], "okk.sock/below"),
        (&[], "ok.sock"),
    ] {
        assert_eq!(json(options, dir.join(name)).1["notes"], serde_json::json!([]), "{name}");
    }
    for (address, meant) in [
        ("~/x.sock", "/x.sock was probably meant"),
        ("$XDG_RUNTIME_DIR/bus", "value of the variable was probably meant"),
        ("\"/tmp/a.sock\"", " /tmp/a.sock was probably meant"),
    ] {
        let note = json(&[], address).1["notes"][0].as_str().map(String::from);
        assert!(note.as_ref().is_some_and(|note| note.contains(meant)), "{address}: {note:?}");
    }
}

#[test]
fn a_caller_can_be_given_by_ids_alone() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
    let gid = std::fs::metadata(&path).unwrap().gid();
    let inside = format!("54321:54321,{gid}");
    assert_eq!(json(&["--as", &inside], &path).0, 0);
    let (code, outside) = json(&["--as", "54321:54321,54322"], &path);
    assert_eq!((code, first_cause(&outside)), (1, Some("connect/no-write-permission")));
    let groups = &outside["facts"]["caller"]["ids"]["groups"];
    assert_eq!(groups, &serde_json::json!([54322]));
    for wrong in ["54321:", "54321:no such group", ":0"] {
        let run = run(&["why", "--as", wrong, "/"]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{wrong}");
        assert!(run.err.contains("USER:GROUP[,GROUP...]"), "{}", run.err);
    }
}

#[test]
fn looking_makes_no_connection_and_asking_makes_one() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    assert_eq!(why(&path).code, 0);
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    let tried = run(&["why".as_ref(), "--connect".as_ref(), path.as_os_str()]);
    assert_eq!(tried.code, 0);
    assert!(tried.out.contains("One connection was made and closed at once"), "{}", tried.out);
    assert!(tried.out.contains("succeeded"), "{}", tried.out);
    let pid = format!("pid was {}", std::process::id());
    assert!(tried.out.replace('\n', " ").contains(&pid), "{}", tried.out);
    listener.accept().expect("one connection");
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn an_attempt_that_fails_is_diagnosed_by_its_errno() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    stale(&path);
    let (code, json) = json(&["--connect"], &path);
    assert_eq!((code, &json["errno"]), (1, &"ECONNREFUSED".into()));
    assert_eq!(first_cause(&json), Some("connect/stale-socket"));
    let run = run(&["why".as_ref(), "--connect".as_ref(), path.as_os_str()]);
    // The path decides where a line ends.
    let text = run.out.replace('\n', " ");
    assert!(text.contains("it failed with ECONNREFUSED"), "{text}");
    assert!(text.contains("failed with ECONNREFUSED because"), "{text}");
}

#[test]
fn an_attempt_cannot_speak_for_others() {
    for who in [["--as", "nobody"], ["--pid", "1"]] {
        let run = run(&["why", "--connect", who[0], who[1], "/tmp/x"]);
        assert_eq!((run.code, run.out.as_str()), (2, ""));
        assert!(run.err.contains("would connect as this process"), "{}", run.err);
    }
    assert_eq!(run(&["why", "--connect", "--call", "bind", "/tmp/x"]).code, 2);
    assert_eq!(run(&["why", "--connect", "--error", "EAGAIN", "/tmp/x"]).code, 2);
}

#[test]
fn types_follow_the_call_and_a_mismatch_is_pointed_out() {
    let dir = Dir::new();
    let path = dir.join("log");
    let _socket = UnixDatagram::bind(&path).unwrap();
    let (code, as_stream) = json(&[], &path);
    assert_eq!((code, &as_stream["type"]), (1, &"stream".into()));
    assert_eq!(as_stream["errno"], "EPROTOTYPE");
    assert!(why(&path).out.replace('\n', " ").contains("ask with --type datagram"));
    for options in [&["--call", "send"][..], &["--type", "datagram"], &["--type", "dgram"]] {
        let (code, json) = json(options, &path);
        assert_eq!((code, &json["type"]), (0, &"datagram".into()), "{options:?}");
    }
}

#[test]
fn a_symptom_is_explained_or_its_absence_admitted() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    stale(&path);
    let (code, json) = json(&["--error", "ECONNREFUSED"], &path);
    assert_eq!((code, first_cause(&json)), (1, Some("connect/stale-socket")));
    let (code, json) = self::json(&["--error", "111"], &path);
    assert_eq!((code, &json["errno"]), (1, &"ECONNREFUSED".into()));
    let run = run(&["why".as_ref(), "--error".as_ref(), "ENOENT".as_ref(), path.as_os_str()]);
    assert!(run.out.contains("failed with ENOENT"), "{}", run.out);
    assert!(run.out.contains("Now it would fail with ECONNREFUSED."), "{}", run.out);
}

#[test]
fn what_depends_on_the_programs_own_socket_is_not_guessed() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    for options in
        [&["--call", "recv"][..], &["--call", "listen"], &["--call", "send", "--type", "stream"]]
    {
        let (code, json) = json(options, &path);
        assert_eq!((code, &json["outcome"]), (3, &"unknown".into()), "{options:?}");
    }
    let run = run(&["why".as_ref(), "--call".as_ref(), "recv".as_ref(), path.as_os_str()]);
    assert!(run.out.replace('\n', " ").contains("with --error"), "{}", run.out);
}

#[test]
fn bind_stops_at_a_link_and_connect_follows_it() {
    let dir = Dir::new();
    let path = dir.join("link");
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    let bind = run(&["why".as_ref(), "--call".as_ref(), "bind".as_ref(), path.as_os_str()]);
    assert_eq!(bind.code, 1);
    assert!(bind.out.contains("[bind/dangling-symlink, certain]"), "{}", bind.out);
    assert!(bind.out.contains("▲ exists already"), "{}", bind.out);
    let connect = why(&path);
    assert!(connect.out.contains("[connect/dangling-symlink, certain]"), "{}", connect.out);
    assert!(connect.out.contains("└ nowhere  ◄ does not exist"), "{}", connect.out);
}

#[test]
fn addresses_are_read_as_they_are_pasted() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let shown = path.to_str().unwrap();
    for address in [
        format!("unix:{shown}"),
        format!("unix://{shown}"),
        format!("unix:path={shown}"),
        format!("DOCKER_HOST=unix://{shown}"),
    ] {
        let (code, json) = json(&[], &address);
        assert_eq!(code, 0, "{address}");
        assert_eq!(json["facts"]["target"]["given"], shown, "{address}");
    }
    let relative = output(sunpath().current_dir(dir.join("")).args(["why", "app.sock"])).unwrap();
    assert_eq!(relative.status.code(), Some(0));
}

#[test]
fn abstract_names_are_shown_escaped() {
    let name = format!("sunpath-test-{}\x1b[31m", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let run = why(format!("@{name}"));
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.contains("\\x1b[31m"), "{}", run.out);
    let (_, json) = json(&[], format!("@{name}"));
    assert_eq!(json["facts"]["target"]["name"], name.as_str());
}

#[test]
fn odd_names_of_files_are_shown_escaped() {
    let dir = Dir::new();
    for odd in [&b"a\x1b]0;title\x07"[..], b"line\nfeed", b"\xff\xfe", "\u{202e}kcos".as_bytes()] {
        let path = dir.join(OsString::from_vec(odd.to_vec()));
        let listener = UnixListener::bind(&path).unwrap();
        let live = why(&path);
        assert_eq!(live.code, 0, "{}", live.out);
        let shown = sunpath::text::escape(odd);
        assert!(live.out.contains(&shown), "{shown}: {}", live.out);
        close(listener);
        let dead = why(&path);
        assert_eq!(dead.code, 1);
        assert!(dead.out.contains("[connect/stale-socket, certain]"), "{}", dead.out);
        let quoted =
            format!("    rm {}", sunpath::text::shell(path.as_os_str().as_encoded_bytes()));
        assert!(dead.out.contains(&quoted), "no {quoted} in {}", dead.out);
    }
}

#[test]
fn bytes_that_are_no_text_come_in_hex_too() {
    let (code, json) = json(&[], OsString::from_vec(b"/nowhere/\xff".to_vec()));
    assert_eq!(code, 1);
    assert_eq!(json["address"], "/nowhere/\\xff");
    assert_eq!(json["address_bytes"], "2f6e6f77686572652fff");
    assert_eq!(json["facts"]["target"]["given_bytes"], "2f6e6f77686572652fff");
}

#[test]
fn bad_addresses_get_clear_errors() {
    for (address, says) in [
        ("", "the address is empty"),
        ("unix:", "the address is empty"),
        ("unix:path=/run/a%00b", "NUL"),
        ("tcp:localhost", "port"),
        ("udp:[::1]:99999", "no port"),
        ("https://example.org/", "names no UNIX domain socket"),
        ("fd://", "descriptor"),
    ] {
        let run = why(address);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{address}");
        assert!(run.err.contains(says), "{address}: {}", run.err);
        assert!(run.err.starts_with("sunpath: cannot read the address"), "{}", run.err);
    }
    let wrong = run(&["why", "--type", "stream", "udp:localhost:53"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("--type is for UNIX domain sockets"), "{}", wrong.err);
}

#[test]
fn long_addresses_are_diagnosed_and_shown_short() {
    // The kernel takes at most 128 KiB in one argument.
    for length in [108, 5000, 130_000] {
        let long = format!("/{}", "x".repeat(length));
        let run = why(&long);
        assert_eq!(run.code, 1, "{length}: {}", run.err);
        assert!(run.out.contains("[connect/path-too-long, certain]"), "{length}: {}", run.out);
        let text: usize = run.out.lines().filter(|l| !l.starts_with("    ")).map(str::len).sum();
        assert!(text < 4000, "{length}: {}", run.out);
        let (code, json) = json(&[], &long);
        assert_eq!((code, first_cause(&json)), (1, Some("connect/path-too-long")));
    }
    assert_eq!(json(&[], format!("@{}", "n".repeat(130_000))).0, 1);
}

#[test]
fn users_and_processes_that_do_not_exist_are_told() {
    for (options, says) in [
        (["--as", "no-such-user"], "no-such-user"),
        (["--as", "\x1b[31mred"], "\\x1b[31mred"),
        (["--as", ""], ""),
        (["--pid", "4194305"], "4194305"),
        (["--pid", "0"], "0"),
    ] {
        let run = run(&["why", options[0], options[1], "/tmp"]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{options:?}");
        assert!(run.err.contains(says), "{options:?}: {}", run.err);
    }
}

#[test]
fn another_user_is_judged_by_its_own_rights() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut users = ["nobody", "daemon", "bin"].into_iter();
    let foreign = |user: &&str| {
        let id = output(std::process::Command::new("id").args(["-u", user]));
        let uid = id.ok().and_then(|o| String::from_utf8(o.stdout).ok());
        let mine = std::fs::metadata(&path).map(|m| std::os::unix::fs::MetadataExt::uid(&m));
        uid.and_then(|u| u.trim().parse::<u32>().ok()).is_some_and(|uid| mine.ok() != Some(uid))
    };
    let Some(user) = users.find(foreign) else {
        eprintln!("skipped: there is no second user");
        return;
    };
    let (code, json) = json(&["--as", user], &path);
    assert_eq!((code, &json["errno"]), (1, &"EACCES".into()));
    assert_eq!(first_cause(&json), Some("connect/no-write-permission"));
    let run = run(&["why".as_ref(), "--as".as_ref(), user.as_ref(), path.as_os_str()]);
    assert!(run.out.starts_with(&format!("For {user}, connect to")), "{}", run.out);
    assert!(run.out.contains("▲ the caller may not write"), "{}", run.out);
    assert!(run.out.contains("Caller\n  user      "), "{}", run.out);
}

/// A child that is killed with its value.
struct Server(std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_with_a_wild_name_is_shown_escaped() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    // A process is called by the last component of what was executed, links not followed.
    let odd = dir.join("\x1b[31mx\u{7}");
    std::os::unix::fs::symlink("/bin/sleep", &odd).unwrap();
    let listener = std::os::fd::OwnedFd::from(UnixListener::bind(&path).unwrap());
    let mut command = std::process::Command::new(&odd);
    let _server = Server(spawn(command.arg("60").stdin(listener)).expect("/bin/sleep runs"));
    drop(command);
    let run = why(&path);
    assert!(run.out.contains("\\x1b[31mx\\x07"), "{}", run.out);
    let (_, json) = json(&[], &path);
    let owner = &json["facts"]["target"]["attached"][0]["owners"][0]["name"];
    assert_eq!(owner, "\x1b[31mx\u{7}");
}

#[test]
fn internet_addresses_are_answered() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (code, live) = json(&[], format!("tcp:127.0.0.1:{port}"));
    assert_eq!((code, &live["type"]), (0, &"tcp".into()), "{live}");
    let tried = run(&["why", "--connect", &format!("tcp:127.0.0.1:{port}")]);
    assert_eq!(tried.code, 0, "{}", tried.out);
    close(listener);
    let tried = run(&["why", "--connect", &format!("tcp:127.0.0.1:{port}")]);
    assert!(tried.out.contains("failed with ECONNREFUSED"), "{}", tried.out);
}

/// Runs a script as root of new process and mount namespaces; `None` if they cannot be had.
fn in_namespaces(script: &str, path: &Path) -> Option<common::Run> {
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh"]);
    let output = output(command.arg(env!("CARGO_BIN_EXE_sunpath")).arg(path));
    let run = output.ok().map(common::Run::from)?;
    let refused = ["unshare:", "mount:", "setpriv:"].iter().any(|p| run.err.starts_with(p));
    if refused {
        eprintln!("skipped: {}", run.err.trim());
        return None;
    }
    run.assert_calm();
    Some(run)
}

#[test]
fn with_hidepid_and_no_privilege_the_owner_is_missing_and_that_is_said() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&path, open).unwrap();
    let script = "mount -t proc -o hidepid=2 proc /proc && \
                  exec setpriv --reuid 65534 --regid 65534 --clear-groups \"$1\" why \"$2\"";
    let Some(run) = in_namespaces(script, &path) else { return };
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("would succeed"), "{}", run.out);
    assert!(run.out.contains("not visible: "), "{}", run.out);
}

#[test]
fn without_proc_it_still_answers() {
    let dir = Dir::new();
    let path = dir.join("app.sock");
    stale(&path);
    let script = "umount -l /proc && exec \"$1\" why \"$2\"";
    let Some(run) = in_namespaces(script, &path) else { return };
    assert_ne!(run.code, 2, "{}", run.err);
    assert!(run.out.contains("connect/stale-socket"), "{}{}", run.out, run.err);
    let script = "umount -l /proc && exec \"$1\" why --pid 1 \"$2\"";
    let Some(run) = in_namespaces(script, &path) else { return };
    assert_eq!(run.code, 2);
    assert!(run.err.contains("/proc is not mounted"), "{}", run.err);
}
