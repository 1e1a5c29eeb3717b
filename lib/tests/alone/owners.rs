//! Several processes hold a listener, and one of them is stopped.

use crate::{is_root, unique};
use rustix::event::epoll;
use rustix::process::Signal;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;
use sunpath::fact::process::{ProcessState, WaitsIn};
use sunpath::fact::{Seen, SocketFact, Unseen};
use sunpath::observe::{As, Query, observe};
use sunpath::sys::process::{self, Child, End, fork};
use sunpath::{Address, Call, Certainty, Diagnosis, Endpoint, Outcome, SocketType, diagnose};

crate::tests! {
    a_manager_does_not_hide_a_stopped_server
    an_owner_that_cannot_be_seen_leaves_a_doubt
}

const NOBODY: u32 = 65534;

/// A listener that anybody may connect to; its file is removed at the end.
struct Served(PathBuf);

impl Served {
    fn new(what: &str) -> (Served, UnixListener) {
        let path = std::env::temp_dir().join(unique(what));
        let listener = UnixListener::bind(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
        (Served(path), listener)
    }

    fn ask(&self) -> (SocketFact, Diagnosis) {
        let endpoint = Endpoint::Unix(Address::Path(self.0.as_os_str().as_bytes().to_vec()));
        let query = Query { caller: As::Myself, ..Query::new(Call::Connect, STREAM, endpoint) };
        let facts = observe(&query).unwrap();
        let attached = facts.path().unwrap().attached.known().unwrap();
        assert_eq!(attached.len(), 1, "{attached:?}");
        (attached[0].clone(), diagnose(Call::Connect, STREAM, None, &facts))
    }

    /// What is said once every one of these processes is in its state.
    fn once(&self, states: &[(u32, ProcessState)]) -> (SocketFact, Diagnosis) {
        for _ in 0..500 {
            let (socket, diagnosis) = self.ask();
            let owners = socket.owners.known().map(Vec::as_slice).unwrap_or_default();
            let ready = |(pid, state): &(u32, ProcessState)| {
                owners.iter().any(|p| p.pid == *pid && p.state == Seen::Known(*state))
            };
            if states.iter().all(ready) {
                return (socket, diagnosis);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("never {states:?}: {:?}", self.ask().0.owners);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const STREAM: SocketType = SocketType::Stream;

/// Whether this process may look into every process of the machine.
fn sees_all() -> bool {
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap();
    is_root() && namespace.as_os_str() == "pid:[4026531836]"
}

fn sleeps() -> i32 {
    std::thread::sleep(Duration::from_secs(60));
    0
}

/// As a service manager does while its service runs: it keeps the listener, and waits in an epoll
/// instance that the listener is not in.
fn manages() -> i32 {
    let instance = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let mut events = Vec::with_capacity(1);
    epoll::wait(&instance, rustix::buffer::spare_capacity(&mut events), None).unwrap();
    0
}

fn first(diagnosis: &Diagnosis) -> (Outcome, &str, Certainty) {
    let first = diagnosis.causes.first().expect("a cause");
    (diagnosis.outcome, first.cause.id, first.certainty)
}

fn stopped(child: &Child) -> (u32, ProcessState) {
    child.kill(Signal::STOP).unwrap();
    (child.pid(), ProcessState::Stopped)
}

fn a_manager_does_not_hide_a_stopped_server() {
    let (served, listener) = Served::new("owners-manager");
    let (manager, server) = (fork(manages).unwrap(), fork(sleeps).unwrap());
    drop(listener);
    let asleep = (manager.pid(), ProcessState::Sleeping);
    let (socket, diagnosis) = served.once(&[asleep, stopped(&server)]);
    let owners = socket.owners.known().unwrap();
    if owners.iter().any(|p| p.pid == manager.pid() && p.waits_in.is(|w| *w == WaitsIn::Events)) {
        assert!(!is_root());
        eprintln!("skipped: what the manager waits in is hidden from this user");
        return;
    }
    assert_eq!(first(&diagnosis), (Outcome::Waits, "wait/server-stopped", Certainty::Likely));
    let because = &diagnosis.causes[0].because;
    assert!(
        because.contains(&format!("(pid {}) holds the socket too", manager.pid())),
        "{because}"
    );
    let commands = &diagnosis.causes[0].commands;
    assert_eq!(commands[..], [format!("kill -CONT {}", server.pid())]);
    // Without the manager nothing is left to doubt, if every process can be looked into.
    drop(manager);
    let (socket, diagnosis) = served.once(&[(server.pid(), ProcessState::Stopped)]);
    let all = socket.all_owners == Seen::Known(());
    assert!(all || !sees_all(), "{:?}", socket.all_owners);
    let certainty = if all { Certainty::Certain } else { Certainty::Likely };
    assert_eq!(first(&diagnosis), (Outcome::Waits, "wait/server-stopped", certainty));
}

/// Looks from a process of an ordinary user.
fn as_nobody(look: impl FnOnce()) {
    let child = fork(|| {
        process::become_user(NOBODY, NOBODY, &[]).unwrap();
        look();
        0
    });
    assert_eq!(child.unwrap().wait(), Ok(End::Exited(0)));
}

fn an_owner_that_cannot_be_seen_leaves_a_doubt() {
    if !is_root() {
        return;
    }
    let (served, listener) = Served::new("owners-unseen");
    let healthy = fork(|| {
        let _ = listener.accept();
        0
    });
    let healthy = healthy.unwrap();
    let server = fork(|| {
        process::become_user(NOBODY, NOBODY, &[]).unwrap();
        process::allow_inspection().unwrap();
        sleeps()
    });
    let server = server.unwrap();
    drop(listener);
    let asleep = (server.pid(), ProcessState::Sleeping);
    served.once(&[(healthy.pid(), ProcessState::Sleeping), asleep]);
    let halted = stopped(&server);
    let (socket, diagnosis) = served.once(&[halted]);
    assert_eq!(socket.all_owners.known().is_some(), sees_all());
    assert_eq!((diagnosis.outcome, diagnosis.causes.len()), (Outcome::Succeeds, 0));
    as_nobody(|| {
        let (socket, diagnosis) = served.once(&[halted]);
        assert_eq!(socket.owners.known().map(Vec::len), Some(1));
        assert!(matches!(socket.all_owners, Seen::Unseen(Unseen::Denied { .. })));
        assert_eq!(first(&diagnosis), (Outcome::Waits, "wait/server-stopped", Certainty::Likely));
    });
    drop(healthy);
}
