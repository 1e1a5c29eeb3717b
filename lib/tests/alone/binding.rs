//! Servers and clients in processes of their own, and what only they can show.

use crate::is_root;
use crate::leaks::leaves_nothing;
use crate::namespaces::{enter_new, scratch};
use rustix::process::Signal;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use sunpath::sys::namespace::{self, New};
use sunpath::sys::process::{Child, End, become_user, fork};
use sunpath::{Datagram, Errno, Listener, SeqPacketListener, Stream};

crate::tests! {
    restarts_under_load_lose_nobody
    of_competing_processes_one_wins
    a_killed_server_is_replaced
    a_server_in_another_network_is_alive
    a_relative_name_survives_a_change_of_directory
    others_files_in_a_sticky_directory_stay
    nobody_gets_in_before_the_mode_is_set
    a_long_path_asks_for_permission
    a_long_path_without_proc_says_so
    names_leave_no_descriptor
}

/// A directory of its own, which the parent of a failing test leaves behind no more than others do.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(what: &str, mode: u32) -> Scratch {
        let path = std::env::temp_dir().join(crate::unique(what));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Scratch(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    #[track_caller]
    pub(crate) fn assert_names(&self, expected: &[&str]) {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, expected);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn soon(milliseconds: u64) -> Instant {
    Instant::now() + Duration::from_millis(milliseconds)
}

/// Echoes one byte to each client until it is superseded and nobody comes any more, or until the
/// word `q`.
fn serve(path: &Path, generation: u8) -> i32 {
    let listener = Listener::take_over(path).unwrap();
    let mut quit = false;
    let answer = |client: Stream| {
        let mut byte = [0];
        // One who only looks whether somebody is there says nothing.
        if (&client).read(&mut byte).unwrap() > 0 {
            (&client).write_all(&[generation]).unwrap();
        }
        byte == *b"q"
    };
    while !quit && !listener.is_superseded() {
        if let Some(client) = listener.accept_until(soon(5)).unwrap() {
            quit = answer(client);
        }
    }
    while let Some(client) = listener.accept_until(soon(300)).unwrap() {
        answer(client);
    }
    0
}

fn ask(path: &Path, word: u8) -> u8 {
    let client = Stream::connect(path).unwrap();
    (&client).write_all(&[word]).unwrap();
    let mut byte = [0];
    (&client).read_exact(&mut byte).unwrap();
    byte[0]
}

fn restarts_under_load_lose_nobody() {
    const GENERATIONS: u8 = 12;
    let scratch = Scratch::new("restarts", 0o700);
    let path = scratch.path("server");
    let mut servers = vec![fork(|| serve(&path, 1)).unwrap()];
    while Stream::connect(&path).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let clients: Vec<Child> = (0..3)
        .map(|_| {
            fork(|| {
                let (mut asked, mut last) = (0, 0);
                while last < GENERATIONS || asked < 1500 {
                    // An older one may still answer whom it had in its queue; nobody is left out.
                    last = last.max(ask(&path, b'x'));
                    asked += 1;
                }
                0
            })
            .unwrap()
        })
        .collect();
    for generation in 2..=GENERATIONS {
        std::thread::sleep(Duration::from_millis(30));
        servers.push(fork(|| serve(&path, generation)).unwrap());
    }
    for client in clients {
        assert_eq!(client.wait(), Ok(End::Exited(0)), "a client was lost");
    }
    ask(&path, b'q');
    for server in servers {
        assert_eq!(server.wait(), Ok(End::Exited(0)));
    }
    scratch.assert_names(&[]);
}

fn of_competing_processes_one_wins() {
    let scratch = Scratch::new("compete", 0o700);
    let path = scratch.path("server");
    for _ in 0..10 {
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let mut servers: Vec<Child> = (0..5)
            .map(|_| {
                fork(|| match Listener::options().replace_dead().bind(&path) {
                    Ok(listener) => {
                        let mut client = listener.accept().unwrap();
                        client.write_all(b"w").unwrap();
                        // Until the client has seen that the others failed.
                        client.read_exact(&mut [0]).unwrap();
                        0
                    }
                    Err(error) => {
                        assert_eq!(error.cause(), Some("bind/live-socket"), "{error}");
                        1
                    }
                })
                .unwrap()
            })
            .collect();
        let client = loop {
            match Stream::connect(&path).map_err(|e| e.errno()) {
                Ok(client) => break client,
                Err(errno) => assert_eq!(errno, Some(Errno::ECONNREFUSED), "a gap"),
            }
        };
        (&client).read_exact(&mut [0]).unwrap();
        let mut ends = Vec::new();
        while ends.len() < 4 {
            for index in (0..servers.len()).rev() {
                if let Some(end) = servers[index].try_wait().unwrap() {
                    ends.push(end);
                    drop(servers.swap_remove(index));
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(ends, [End::Exited(1); 4]);
        (&client).write_all(b"x").unwrap();
        assert_eq!(servers.pop().unwrap().wait(), Ok(End::Exited(0)));
        scratch.assert_names(&[]);
    }
}

fn a_killed_server_is_replaced() {
    let scratch = Scratch::new("killed", 0o700);
    for name in ["server".to_owned(), "n".repeat(200)] {
        let path = scratch.path(&name);
        let server = fork(|| {
            let _listener = Listener::options().mode(0o600).bind(&path).unwrap();
            std::thread::sleep(Duration::from_secs(60));
            0
        });
        let server = server.unwrap();
        while Stream::connect(&path).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let error = Listener::options().replace_dead().bind(&path).unwrap_err();
        assert_eq!(error.cause(), Some("bind/live-socket"));
        server.kill(Signal::KILL).unwrap();
        server.wait().unwrap();
        assert_eq!(Listener::bind(&path).unwrap_err().errno(), Some(Errno::EADDRINUSE));
        drop(Listener::options().replace_dead().bind(&path).unwrap());
    }
    scratch.assert_names(&[]);
}

fn a_server_in_another_network_is_alive() {
    let scratch = Scratch::new("network", 0o700);
    let path = scratch.path("server");
    let _listener = Listener::bind(&path).unwrap();
    if !enter_new(New::NETWORK) {
        return;
    }
    let error = Listener::options().replace_dead().bind(&path).unwrap_err();
    assert_eq!(error.cause(), Some("bind/live-socket"));
    Stream::connect(&path).unwrap();
}

fn a_relative_name_survives_a_change_of_directory() {
    let scratch = Scratch::new("relative", 0o700);
    std::env::set_current_dir(&scratch.0).unwrap();
    let listener = Listener::bind("name").unwrap();
    let packets = SeqPacketListener::options().mode(0o600).bind("./packets").unwrap();
    assert_eq!(packets.local_addr().unwrap(), "./packets".into());
    std::env::set_current_dir("/").unwrap();
    scratch.assert_names(&["name", "packets"]);
    drop((listener, packets));
    scratch.assert_names(&[]);
}

fn others_files_in_a_sticky_directory_stay() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new("sticky", 0o1777);
    let path = scratch.path("server");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    let user = fork(|| {
        become_user(65534, 65534, &[]).unwrap();
        let error = Listener::options().replace_dead().bind(&path).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EPERM));
        assert!(error.to_string().contains("belongs to somebody else"), "{error}");
        let own = scratch.path("own");
        drop(std::os::unix::net::UnixListener::bind(&own).unwrap());
        drop(Listener::options().replace_dead().bind(&own).unwrap());
        0
    });
    assert_eq!(user.unwrap().wait(), Ok(End::Exited(0)));
    scratch.assert_names(&["server"]);
    // Without write permission it cannot be known whether it is dead.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let user = fork(|| {
        become_user(65534, 65534, &[]).unwrap();
        let error = Listener::options().replace_dead().bind(&path).unwrap_err();
        assert_eq!((error.errno(), error.cause()), (Some(Errno::EADDRINUSE), None));
        0
    });
    assert_eq!(user.unwrap().wait(), Ok(End::Exited(0)));
    drop(Listener::options().replace_dead().bind(&path).unwrap());
    scratch.assert_names(&[]);
}

/// Another user tries all the time, under every name that shows up in the directory.
fn nobody_gets_in_before_the_mode_is_set() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new("window", 0o755);
    let intruder = fork(|| {
        become_user(65534, 65534, &[]).unwrap();
        let datagram = Datagram::unbound().unwrap();
        loop {
            for entry in fs::read_dir(&scratch.0).unwrap() {
                let Ok(entry) = entry else { continue };
                let inside = entry.path().join("stream");
                for path in [entry.path(), inside] {
                    if Stream::connect_until(&path, soon(0)).is_ok()
                        || datagram.send_to(b"x", &path).is_ok()
                    {
                        return 1;
                    }
                }
            }
            if scratch.path("end").exists() {
                return 0;
            }
        }
    });
    let end = soon(500);
    while Instant::now() < end {
        drop(Listener::options().mode(0o600).bind(scratch.path("stream")).unwrap());
        drop(Datagram::options().mode(0o600).bind(scratch.path("datagram")).unwrap());
        drop(Datagram::options().mode(0o600).replace_dead().bind(scratch.path("stream")).unwrap());
    }
    fs::write(scratch.path("end"), "").unwrap();
    assert_eq!(intruder.unwrap().wait(), Ok(End::Exited(0)));
}

fn a_long_path_asks_for_permission() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new("permission", 0o755);
    let below = scratch.path(&"d".repeat(150));
    fs::create_dir(&below).unwrap();
    let path = below.join("server");
    let _listener = Listener::options().mode(0o600).bind(&path).unwrap();
    let asked = || {
        let user = fork(|| {
            become_user(65534, 65534, &[]).unwrap();
            let connect = Stream::connect(&path).map_err(|e| e.errno());
            let bind = Listener::bind(below.join("other")).map_err(|e| e.errno());
            assert_eq!(bind.err(), Some(Some(Errno::EACCES)));
            match connect {
                Ok(_) => 0,
                Err(errno) => i32::from(errno == Some(Errno::EACCES)),
            }
        });
        user.unwrap().wait().unwrap()
    };
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    assert_eq!(asked(), End::Exited(1));
    set(&path, 0o666);
    assert_eq!(asked(), End::Exited(0));
    set(&below, 0o700);
    assert_eq!(asked(), End::Exited(1));
}

fn a_long_path_without_proc_says_so() {
    let Some(root) = scratch(c"") else { return };
    let inside = fork(|| {
        without_proc(&root);
        0
    });
    assert_eq!(inside.unwrap().wait(), Ok(End::Exited(0)));
    namespace::unmount(&root).unwrap();
    fs::remove_dir(&root).unwrap();
}

fn without_proc(root: &Path) {
    namespace::change_root(root).unwrap();
    let path = format!("/{}", "n".repeat(60));
    let long = format!("/{}/{}", "d".repeat(200), "s");
    fs::create_dir(Path::new(&long).parent().unwrap()).unwrap();
    let _short = Listener::bind(&path).unwrap();
    Stream::connect(&path).unwrap();
    let error = Listener::bind(&long).unwrap_err();
    assert!(error.to_string().contains("needs /proc, which is not mounted"), "{error}");
    std::os::unix::fs::symlink(&path, &long).unwrap();
    let error = Stream::connect(&long).unwrap_err();
    assert!(error.to_string().contains("needs /proc, which is not mounted"), "{error}");
    // Without /proc nothing is proven dead.
    drop(std::os::unix::net::UnixListener::bind("/dead").unwrap());
    let error = Listener::options().replace_dead().bind("/dead").unwrap_err();
    assert_eq!((error.errno(), error.cause()), (Some(Errno::EADDRINUSE), None));
}

fn names_leave_no_descriptor() {
    let scratch = Scratch::new("descriptors", 0o700);
    let (short, long) = (scratch.path("name"), scratch.path(&"n".repeat(200)));
    let below = scratch.path(&"d".repeat(250));
    fs::create_dir(&below).unwrap();
    for path in [short, long, below.join("name"), below.join("n".repeat(250))] {
        leaves_nothing(|| {
            let listener = Listener::options().mode(0o600).replace_dead().bind(&path).unwrap();
            let next = Listener::take_over(&path).unwrap();
            assert!(listener.is_superseded());
            let _client = Stream::connect(&path).unwrap();
            let _server = next.accept_until(soon(1000)).unwrap().unwrap();
            Listener::bind(&path).unwrap_err();
            Listener::options().replace_dead().bind(&path).unwrap_err();
            SeqPacketListener::take_over(&path).unwrap_err();
            Datagram::unbound().unwrap().send_to(b"x", &path).unwrap_err();
            drop((listener, next));
            Stream::connect(&path).unwrap_err();
            let kept = Datagram::options().mode(0o600).keep_file(true).bind(&path).unwrap();
            drop(std::os::unix::net::UnixDatagram::from(kept));
            fs::remove_file(&path).unwrap();
            Listener::options().mode(0).bind(path.join("missing")).unwrap_err();
        });
    }
}
