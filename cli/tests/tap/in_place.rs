//! In the place of a live server: no client ever finds the path missing, and the path is the
//! server's again, whatever ends the tap.

use crate::common::{close, is_ignored, run, sunpath};
use crate::scene::{LONG, Scene, Tap, soon};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use sunpath::sys::process::Signal;
use sunpath::{Listener, Stream};

fn tap_at(path: &Path) -> Tap {
    let mut command = sunpath();
    command.args(["tap", "--quiet", "--in-place"]).arg(path);
    Tap::start(&mut command)
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|status| status.ino())
}

/// Names in the directory but for the test's own.
fn names(scene: &Scene) -> Vec<String> {
    let all = fs::read_dir(scene.dir.join("")).unwrap();
    let names = all.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name != "out").collect()
}

/// A server that answers each connection with its number, from a thread of its own.
fn serve(listener: Listener, number: u8) {
    std::thread::spawn(move || {
        while let Ok(mut stream) = listener.accept() {
            std::thread::spawn(move || {
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() {
                    let _ = stream.write_all(&[byte[0], number]);
                }
            });
        }
    });
}

fn ask(path: &Path) -> Result<u8, String> {
    let mut stream = Stream::connect_timeout(path, LONG).map_err(|e| e.to_string())?;
    stream.sockopt().set_receive_timeout(Some(LONG)).unwrap();
    stream.write_all(b"?").map_err(|e| format!("write: {e}"))?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).map_err(|e| format!("read: {e}"))?;
    Ok(answer[1])
}

#[test]
fn clients_in_a_loop_never_see_an_error_while_taps_come_and_go() {
    let scene = Scene::new();
    serve(Listener::options().mode(0o640).bind(scene.server()).unwrap(), 7);
    let before = inode(&scene.server());
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let (path, stop, asked) = (scene.server(), Arc::clone(&stop), Arc::clone(&asked));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(ask(&path), Ok(7));
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::TERM] {
        if is_ignored(signal) {
            eprintln!("skipped: whoever started the test has {signal:?} ignored");
            continue;
        }
        let tap = tap_at(&scene.server());
        assert_ne!(inode(&scene.server()), before, "the tap's file is there");
        let mode = fs::metadata(scene.server()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640);
        let count = asked.load(Ordering::Relaxed);
        soon("clients pass through", || asked.load(Ordering::Relaxed) > count + 20);
        tap.signal(signal);
        let ended = tap.wait();
        assert_eq!(ended.code, Some(0), "{}", ended.said);
        assert_eq!(inode(&scene.server()), before, "the server's file is back");
        assert_eq!(names(&scene), ["s"]);
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("no client saw an error");
    }
}

#[test]
fn a_tap_that_is_killed_is_restored_by_its_guardian() {
    let scene = Scene::new();
    serve(Listener::bind(scene.server()).unwrap(), 7);
    let before = inode(&scene.server());
    let tap = tap_at(&scene.server());
    assert_eq!(ask(&scene.server()), Ok(7));
    tap.signal(Signal::KILL);
    let ended = tap.wait();
    assert_eq!(ended.code, None);
    assert!(ended.said.contains("the tap was killed"), "{}", ended.said);
    assert_eq!(inode(&scene.server()), before);
    assert_eq!(names(&scene), ["s"]);
    assert_eq!(ask(&scene.server()), Ok(7));
}

/// The guardian's process, a child of the tap.
fn guardian(tap: &Tap) -> u32 {
    let pid = tap.pid();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.split_whitespace().next().unwrap().parse().unwrap()
}

fn kill(pid: u32) {
    let child = sunpath::sys::process::Child::adopt(pid).unwrap();
    let child = std::mem::ManuallyDrop::new(child);
    child.kill(Signal::KILL).unwrap();
}

#[test]
fn what_is_left_when_all_is_killed_can_be_put_right() {
    let scene = Scene::new();
    serve(Listener::bind(scene.server()).unwrap(), 7);
    let before = inode(&scene.server());
    let restore = || run(&["tap".as_ref(), "--restore".as_ref(), scene.server().as_os_str()]);
    assert_eq!(restore().code, 1, "there is nothing to be restored");
    let tap = tap_at(&scene.server());
    let early = restore();
    assert!(early.code == 1 && early.err.contains("still runs"), "{}", early.err);
    kill(guardian(&tap));
    tap.signal(Signal::KILL);
    drop(tap.wait());
    assert!(ask(&scene.server()).is_err(), "nobody is left to restore it");
    told_as_left(&scene);
    let again = run(&["tap".as_ref(), "--in-place".as_ref(), scene.server().as_os_str()]);
    let real = fs::canonicalize(scene.server()).unwrap();
    let command = format!("sunpath tap --restore {}", real.display());
    assert!(again.code == 1 && again.err.contains("a tap was killed"), "{}", again.err);
    assert!(again.err.trim_end().ends_with(&command), "{}", again.err);
    let done = restore();
    assert_eq!((done.code, inode(&scene.server())), (0, before), "{}", done.err);
    assert_eq!(ask(&scene.server()), Ok(7));
    assert_eq!(names(&scene), ["s"]);
}

/// Every command that meets what a killed tap left says what it is, and what puts it right.
fn told_as_left(scene: &Scene) {
    let path = scene.server();
    let command = format!("sunpath tap --restore {}", path.display());
    for args in [
        vec!["why", path.to_str().unwrap()],
        vec!["why", "--error", "ECONNREFUSED", path.to_str().unwrap()],
        vec!["connect", path.to_str().unwrap()],
    ] {
        let run = run(&args);
        let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (code, text) = (run.code, words(run.out + &run.err));
        assert_eq!(code, 1, "{args:?}: {text}");
        assert!(text.contains("a tap was killed here"), "{args:?}: {text}");
        assert!(text.contains(&command) && text.contains(".sunpath-tap-"), "{args:?}: {text}");
        assert!(!text.contains("second server") && !text.contains("Restart"), "{args:?}: {text}");
    }
    let json = run(&["why".as_ref(), "--json".as_ref(), path.as_os_str()]).json();
    assert!(json["notes"].to_string().contains(&command), "{json}");
    let listed = |option: &str| {
        run(&["ls".as_ref(), "--stale".as_ref(), option.as_ref(), scene.dir.join("").as_os_str()])
    };
    let text = listed("--wide").out;
    assert!(text.contains("a tap was killed here") && text.contains(&command), "{text}");
    assert!(!text.contains("rm -- "), "{text}");
    let json = listed("--json").json();
    assert_eq!(json["files"][0]["restore"], command, "{json}");
    assert_eq!(json["files"][0]["remove"], serde_json::Value::Null, "{json}");
}

#[test]
fn a_path_that_somebody_removed_is_given_back_to_its_live_server() {
    let scene = Scene::new();
    serve(Listener::bind(scene.server()).unwrap(), 7);
    let before = inode(&scene.server());
    let with = |option: &str| run(&["tap".as_ref(), option.as_ref(), scene.server().as_os_str()]);
    let tap = tap_at(&scene.server());
    kill(guardian(&tap));
    tap.signal(Signal::KILL);
    drop(tap.wait());
    fs::remove_file(scene.server()).unwrap();
    let again = with("--in-place");
    let command = format!("sunpath tap --restore {}", scene.server().display());
    assert!(again.code == 1 && again.err.contains("Evidence\n"), "{}", again.err);
    assert!(again.err.contains(&command), "{}", again.err);
    let why = run(&["why".as_ref(), scene.server().as_os_str()]);
    assert!(why.code == 1 && why.out.contains(&command), "{}", why.out);
    let done = with("--restore");
    assert_eq!((done.code, inode(&scene.server())), (0, before), "{}", done.err);
    assert_eq!(ask(&scene.server()), Ok(7));
    assert_eq!(names(&scene), ["s"]);

    // The same while the tap runs, which ends then and says what helps.
    let tap = tap_at(&scene.server());
    fs::remove_file(scene.server()).unwrap();
    let ended = tap.wait();
    assert!(ended.code == Some(1) && ended.said.contains("still runs"), "{}", ended.said);
    assert!(!ended.said.contains("was killed"), "{}", ended.said);
    let real = fs::canonicalize(scene.dir.join("")).unwrap().join("s");
    let command = format!("sunpath tap --restore {}\n", real.display());
    assert!(ended.said.contains(&command), "{}", ended.said);
    assert_eq!(with("--restore").code, 0);
    assert_eq!((inode(&scene.server()), ask(&scene.server())), (before, Ok(7)));
    assert_eq!(names(&scene), ["s"]);
}

#[test]
fn a_name_beside_that_is_taken_is_told_in_full() {
    // Here, inode numbers count up, on each CPU by itself.
    let memory = Path::new("/dev/shm");
    if !memory.is_dir() {
        eprintln!("skipped: there is no /dev/shm");
        return;
    }
    let scene = Scene { dir: crate::common::Dir::under(memory) };
    serve(Listener::bind(scene.server()).unwrap(), 7);
    let server = inode(&scene.server()).unwrap();
    // Names for all inode numbers that the tap's file is likely to get: links take none.
    let probe = scene.dir.join("probe");
    drop(std::os::unix::net::UnixListener::bind(&probe).unwrap());
    let next = inode(&probe).unwrap();
    fs::remove_file(&probe).unwrap();
    fs::write(scene.dir.join("old"), "").unwrap();
    for ours in next.saturating_sub(2000)..next + 2000 {
        let taken = scene.dir.join(format!(".sunpath-tap-{ours:x}-{server:x}-s"));
        fs::hard_link(scene.dir.join("old"), taken).unwrap();
    }
    let count = names(&scene).len();
    let mut command = sunpath();
    command.args(["tap", "--quiet", "--in-place"]).arg(scene.server());
    let mut child = crate::common::spawn(command.stderr(std::process::Stdio::piped())).unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    if line.contains("ready, in") {
        child.kill().unwrap();
        child.wait().unwrap();
        eprintln!("skipped: the file system gives inode numbers that cannot be foreseen");
        return;
    }
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let real = fs::canonicalize(scene.server()).unwrap();
    let command = format!("sunpath tap --restore {}", real.display());
    for part in [&command[..], "cannot take the place of", "could not be renamed to", "(EEXIST)"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!(names(&scene).len(), count, "nothing is left behind");
    assert_eq!((inode(&scene.server()), ask(&scene.server())), (Some(server), Ok(7)));
}

#[test]
fn a_directory_that_may_not_be_written_to_is_told_in_full() {
    let scene = Scene::new();
    serve(Listener::bind(scene.server()).unwrap(), 7);
    let mode = |mode| {
        fs::set_permissions(scene.dir.join(""), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o555);
    if fs::write(scene.dir.join("any"), "").is_ok() {
        eprintln!("skipped: root may write everywhere");
        return;
    }
    let refused = run(&["tap".as_ref(), "--in-place".as_ref(), scene.server().as_os_str()]);
    mode(0o755);
    assert_eq!(refused.code, 1, "{}", refused.err);
    for part in ["Evidence\n", "EACCES", "to take the place of", "nothing was changed"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    assert_eq!((names(&scene).len(), ask(&scene.server())), (1, Ok(7)));
}

#[test]
fn a_server_that_takes_its_path_anew_keeps_it() {
    let scene = Scene::new();
    let old = Listener::options().keep_file(true).bind(scene.server()).unwrap();
    let tap = tap_at(&scene.server());
    // As most servers restart: the file is removed, whosoever it is, and made anew.
    close(old);
    fs::remove_file(scene.server()).unwrap();
    serve(Listener::bind(scene.server()).unwrap(), 8);
    let new = inode(&scene.server());
    let ended = tap.wait();
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.said.contains("left alone"), "{}", ended.said);
    assert_eq!((inode(&scene.server()), ask(&scene.server())), (new, Ok(8)));
    assert_eq!(names(&scene), ["s"]);
}

#[test]
fn a_server_that_ends_gets_its_file_back() {
    let scene = Scene::new();
    let server = Listener::options().keep_file(true).bind(scene.server()).unwrap();
    let before = inode(&scene.server());
    let tap = tap_at(&scene.server());
    close(server);
    let ended = tap.wait();
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    assert!(ended.said.contains("has ended"), "{}", ended.said);
    assert_eq!(inode(&scene.server()), before, "as a dead server leaves it");
    assert_eq!(names(&scene), ["s"]);
}

#[test]
fn only_a_live_server_has_a_place_to_slip_into() {
    let scene = Scene::new();
    let refused = |what: &str, cause: &str| {
        let run = run(&["tap".as_ref(), "--in-place".as_ref(), scene.server().as_os_str()]);
        assert_eq!(run.code, 1, "{what}: {}", run.err);
        // As `sunpath why` answers.
        assert!(run.err.contains("Evidence\n") && run.err.contains(cause), "{what}: {}", run.err);
    };
    refused("nothing is there", "connect/no-such-file");
    close(Listener::options().keep_file(true).bind(scene.server()).unwrap());
    refused("a dead server's file", "connect/stale-socket");
    fs::remove_file(scene.server()).unwrap();
    fs::write(scene.server(), "text").unwrap();
    refused("a file", "connect/not-a-socket");
    assert_eq!(names(&scene), ["s"], "nothing is left behind");
}

#[test]
fn a_link_to_the_socket_stays_a_link() {
    let scene = Scene::new();
    serve(Listener::bind(scene.server()).unwrap(), 7);
    let link = scene.dir.join("link");
    std::os::unix::fs::symlink("s", &link).unwrap();
    let before = inode(&scene.server());
    let tap = tap_at(&link);
    assert_ne!(inode(&scene.server()), before);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(ask(&link), Ok(7));
    assert_eq!(tap.stop().code, Some(0));
    assert_eq!((inode(&scene.server()), ask(&link)), (before, Ok(7)));
}
