//! Who holds a socket, and whether that process can take a connection.

use crate::directory::Directory;
use crate::support::*;
use rustix::fd::OwnedFd;
use rustix::net::SocketAddrUnix;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use sunpath::fact::process::{DescriptorUse, ProcessState, WaitsIn};
use sunpath::fact::socket::{Backlog, SocketFact, State};
use sunpath::fact::{Process, Seen};
use sunpath::observe::As;
use sunpath::{Address, SocketType};

/// A process that has the socket as its standard input and nothing else; killed at the end.
struct Holder(Child);

impl Holder {
    fn new(socket: OwnedFd, script: &str) -> Holder {
        let mut command = Command::new("sh");
        let quiet = command.args(["-c", script]).stdin(socket).stdout(Stdio::null());
        Holder(quiet.stderr(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The one socket attached to a path.
fn attached(path: &Path) -> SocketFact {
    let target = path_target(path);
    let attached = target.attached.known().unwrap();
    assert_eq!(attached.len(), 1, "{attached:?}");
    attached[0].clone()
}

/// Waits until the owner of the socket at a path is as wanted.
fn owner_once(path: &Path, pid: u32, ready: impl Fn(&Process) -> bool) -> Process {
    let mut last = None;
    for _ in 0..100 {
        let socket = attached(path);
        let owner = socket.owners.known().and_then(|o| o.iter().find(|p| p.pid == pid)).cloned();
        match owner {
            Some(owner) if ready(&owner) => return owner,
            other => last = other,
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("never as wanted: {last:?}");
}

#[test]
fn a_stopped_server_is_told_from_one_that_sleeps() {
    let dir = Directory::new();
    let path = dir.path("s");
    let server = Holder::new(listener(&path, 1), "exec sleep 100");
    let asleep = |p: &Process| p.name == "sleep" && p.state.is(|s| *s == ProcessState::Sleeping);
    let owner = owner_once(&path, server.pid(), asleep);
    assert_eq!((owner.fd, owner.is_stopped()), (Some(0), Some(false)));
    assert_eq!(owner.frozen, Seen::Known(false));
    let call = match owner.waits_in.known() {
        Some(WaitsIn::Elsewhere { call }) => call.clone(),
        other => panic!("{other:?}"),
    };
    assert!(call.contains("nanosleep"), "{call}");
    server.signal(Signal::STOP);
    let owner = owner_once(&path, server.pid(), |p| p.is_stopped() == Some(true));
    assert_eq!(owner.state, Seen::Known(ProcessState::Stopped));
    server.signal(Signal::CONT);
}

#[test]
fn a_server_that_may_open_no_more_descriptors_is_full() {
    let dir = Directory::new();
    let path = dir.path("s");
    let server = Holder::new(listener(&path, 1), "exec sleep 100");
    let asleep = |p: &Process| p.name == "sleep" && p.state.is(|s| *s == ProcessState::Sleeping);
    owner_once(&path, server.pid(), asleep);
    let limit = Rlimit { current: Some(3), maximum: Some(3) };
    prlimit(Some(Pid::from_child(&server.0)), Resource::Nofile, limit).unwrap();
    let owner = owner_once(&path, server.pid(), |p| p.descriptors.is(|d| d.limit == 3));
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count() as u64;
    let expected = DescriptorUse { used: open, limit: 3 };
    assert_eq!(owner.descriptors, Seen::Known(expected));
    assert!(expected.is_full());
}

#[test]
fn a_server_that_waits_for_connections_is_attentive() {
    let dir = Directory::new();
    let path = dir.path("s");
    let server = listener(&path, 1);
    let other = listener(&dir.path("other"), 1);
    let thread = std::thread::spawn(move || {
        let accepted = rustix::net::accept(&server).map(drop);
        (accepted, server)
    });
    let attentive = |p: &Process| p.waits_in == Seen::Known(WaitsIn::Events);
    owner_once(&path, std::process::id(), attentive);
    drop(client(&path));
    thread.join().unwrap().0.unwrap();
    drop(other);
}

#[test]
fn a_listener_with_thousands_waiting_is_seen_and_found_stuck() {
    let Ok(limit) = std::fs::read_to_string("/proc/sys/net/core/somaxconn") else {
        eprintln!("skipped: net.core.somaxconn cannot be read");
        return;
    };
    let wanted = 5000.min(limit.trim().parse::<u32>().unwrap());
    let dir = Directory::new();
    let path = dir.path("s");
    let _server = listener(&path, wanted as i32);
    let address = SocketAddrUnix::new(&path).unwrap();
    let limit = rustix::process::getrlimit(Resource::Nofile).current;
    let room = limit.unwrap_or(u64::MAX).saturating_sub(200).min(u64::from(wanted)) as u32;
    let _clients: Vec<OwnedFd> = (0..room).map(|_| client(&path)).collect();
    // Clients that have gone still count.
    for _ in room..wanted {
        let gone = fresh(SocketType::Stream);
        rustix::net::connect(&gone, &address).unwrap();
    }
    let socket = attached(&path);
    assert_eq!(socket.backlog, Some(Backlog { pending: wanted, limit: wanted }));
    assert!(socket.stuck_ms.is(|ms| *ms >= 60), "{:?}", socket.stuck_ms);
    assert!(wanted > 1000, "the limit of {wanted} is too low to show anything");
}

#[test]
fn a_queue_that_moves_is_not_stuck() {
    let dir = Directory::new();
    let path = dir.path("s");
    let server = listener(&path, 100);
    let _clients: Vec<OwnedFd> = (0..100).map(|_| client(&path)).collect();
    let accepting = std::thread::spawn(move || {
        for _ in 0..100 {
            drop(rustix::net::accept(&server).unwrap());
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    });
    let socket = attached(&path);
    assert_eq!(socket.stuck_ms, Seen::Known(0));
    accepting.join().unwrap();
}

#[test]
fn one_among_thousands_is_found() {
    let dir = Directory::new();
    let path = dir.path("s");
    let server = Holder::new(listener(&path, 1), "exec sleep 100");
    let pairs: Vec<_> =
        (0..400).map(|_| std::os::unix::net::UnixDatagram::pair().unwrap()).collect();
    let names: Vec<OwnedFd> =
        (0..100).map(|n| listener(&dir.path(format!("other{n}")), 1)).collect();
    owner_once(&path, server.pid(), |p| p.name == "sleep");
    assert_eq!(attached(&path).name.as_deref(), Some(path.as_os_str().as_bytes()));
    drop((pairs, names));
}

/// Makes a listener at an address in a network namespace of its own, held by a process in it.
fn in_another_network(address: SocketAddrUnix) -> Option<Holder> {
    let thread = std::thread::spawn(move || {
        #[allow(deprecated)]
        let alone = rustix::thread::unshare(rustix::thread::UnshareFlags::NEWNET);
        alone.ok()?;
        let server = fresh(SocketType::Stream);
        rustix::net::bind(&server, &address).unwrap();
        rustix::net::listen(&server, 5).unwrap();
        Some(Holder::new(server, "exec sleep 100"))
    });
    let holder = thread.join().unwrap();
    if holder.is_none() {
        eprintln!("skipped: needs CAP_SYS_ADMIN to make a network namespace");
    }
    holder
}

#[test]
fn a_listener_in_another_network_namespace_is_found_by_its_file() {
    let dir = Directory::new();
    let path = dir.path("s");
    let Some(server) = in_another_network(SocketAddrUnix::new(&path).unwrap()) else { return };
    let socket = attached(&path);
    assert_eq!((socket.kind, socket.state), (SocketType::Stream, State::Listening));
    assert_eq!(socket.backlog, Some(Backlog { pending: 0, limit: 5 }));
    let owner = owner_once(&path, server.pid(), |p| p.name == "sleep");
    assert_eq!(owner.net_namespace, socket.net_namespace);
    std::fs::remove_file(&path).unwrap();
    let namesakes = path_target(&path).namesakes;
    assert_eq!(namesakes.known().map(Vec::len), Some(1));
}

#[test]
fn an_abstract_name_in_another_network_namespace_is_elsewhere() {
    let name = format!("sunpath-facts-{}-{}", std::process::id(), number());
    let address = SocketAddrUnix::new_abstract_name(name.as_bytes()).unwrap();
    let Some(server) = in_another_network(address) else { return };
    let target = abstract_target(name.as_bytes());
    assert_eq!(target.bound.known(), Some(&vec![]));
    let elsewhere = target.elsewhere.known().unwrap();
    assert_eq!(elsewhere.len(), 1);
    assert_eq!(elsewhere[0].owners.known().map(|o| o[0].pid), Some(server.pid()));
    // To a process in there it is bound.
    let facts = facts(Address::Abstract(name.into_bytes()), As::Process(server.pid()));
    let bound = facts.abstract_name().unwrap().bound.known().unwrap();
    assert_eq!(bound.len(), 1);
}
