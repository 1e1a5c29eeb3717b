//! What is observed where less can be seen, or where files show other numbers than sockets do.

use crate::{is_root, unique};
use rustix::mount::MountFlags;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use sunpath::fact::process::{ProcessState, WaitsIn};
use sunpath::fact::socket::State;
use sunpath::fact::{PathTarget, Seen, SocketFact, Unseen};
use sunpath::observe::{Query, observe};
use sunpath::sys::namespace::{self, New};
use sunpath::sys::process::{become_user, fork};
use sunpath::sys::restrict;
use sunpath::{Address, Call, Certainty, Endpoint, Errno, Facts, Outcome, SocketType, diagnose};

crate::tests! {
    a_socket_on_an_overlay_is_found
    a_socket_below_an_overlay_is_not_the_one_above
    processes_are_hidden_but_sockets_are_not
    without_proc_the_socket_is_found
    without_netlink_the_socket_is_found
    descriptors_run_out
    an_epoll_instance_notices_only_what_it_watches
}

/// A private mount namespace and an empty directory on a file system of its own.
fn scratch() -> Option<PathBuf> {
    if !is_root() {
        return None;
    }
    namespace::unshare(New::MOUNT).unwrap();
    namespace::make_mounts_private().unwrap();
    let path = std::env::temp_dir().join(unique("views"));
    std::fs::create_dir(&path).unwrap();
    namespace::mount("tmpfs", "views", &path, MountFlags::empty(), c"mode=0777").unwrap();
    Some(path)
}

fn remove(path: &Path) {
    namespace::unmount(path).unwrap();
    std::fs::remove_dir(path).unwrap();
}

fn facts(path: &Path) -> Facts {
    let endpoint = Endpoint::Unix(Address::Path(path.as_os_str().as_bytes().to_vec()));
    observe(&Query::new(Call::Connect, SocketType::Stream, endpoint)).unwrap()
}

fn target(path: &Path) -> PathTarget {
    facts(path).path().unwrap().clone()
}

fn attached(path: &Path) -> SocketFact {
    let attached = target(path).attached;
    let sockets = attached.known().unwrap();
    assert_eq!(sockets.len(), 1, "{sockets:?}");
    sockets[0].clone()
}

/// An overlay of a directory with one that is written to.
fn overlay(path: &Path) -> Option<PathBuf> {
    for name in ["lower", "upper", "work", "merged"] {
        std::fs::create_dir(path.join(name)).unwrap();
    }
    let place = path.display();
    let options = format!("lowerdir={place}/lower,upperdir={place}/upper,workdir={place}/work");
    let (merged, options) = (path.join("merged"), CString::new(options).unwrap());
    if let Err(errno) = namespace::mount("overlay", "o", &merged, MountFlags::empty(), &options) {
        eprintln!("skipped: no overlay here: {errno}");
        return None;
    }
    Some(merged)
}

fn a_socket_on_an_overlay_is_found() {
    let Some(path) = scratch() else { return };
    if let Some(merged) = overlay(&path) {
        let server = UnixListener::bind(merged.join("s")).unwrap();
        let socket = attached(&merged.join("s"));
        assert_eq!(socket.state, State::Listening);
        assert!(socket.owners.is(|o| o.iter().any(|p| p.pid == std::process::id())));
        drop(server);
        assert!(target(&merged.join("s")).attached.is(Vec::is_empty));
        namespace::unmount(&merged).unwrap();
    }
    remove(&path);
}

fn a_socket_below_an_overlay_is_not_the_one_above() {
    let Some(path) = scratch() else { return };
    if let Some(merged) = overlay(&path) {
        let server = UnixListener::bind(path.join("lower/s")).unwrap();
        let above = target(&merged.join("s"));
        assert!(above.attached.is(Vec::is_empty), "{:?}", above.attached);
        assert_eq!(above.lookalikes.known().map(Vec::len), Some(1));
        assert_eq!(attached(&path.join("lower/s")).state, State::Listening);
        drop(server);
        namespace::unmount(&merged).unwrap();
    }
    remove(&path);
}

fn processes_are_hidden_but_sockets_are_not() {
    let Some(path) = scratch() else { return };
    let _server = UnixListener::bind(path.join("s")).unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(path.join("s"), everybody).unwrap();
    namespace::mount("proc", "proc", Path::new("/proc"), MountFlags::empty(), c"hidepid=2")
        .unwrap();
    let child = fork(|| {
        become_user(65534, 65534, &[]).unwrap();
        let facts = facts(&path.join("s"));
        let socket = facts.path().unwrap().attached.known().unwrap()[0].clone();
        assert_eq!(socket.state, State::Listening);
        let diagnosis = diagnose(Call::Connect, SocketType::Stream, None, &facts);
        assert_eq!(diagnosis.outcome, Outcome::Succeeds);
        let missing = target(&path.join("none"));
        // On a busy machine the search may end early instead, and says so.
        let why = missing.everywhere.unseen();
        assert!(matches!(why, Some(Unseen::Denied { .. } | Unseen::Failed { .. })), "{why:?}");
        0
    });
    assert_eq!(child.unwrap().wait(), Ok(sunpath::sys::process::End::Exited(0)));
    namespace::unmount(Path::new("/proc")).unwrap();
    remove(&path);
}

fn without_proc_the_socket_is_found() {
    let Some(path) = scratch() else { return };
    let server = UnixListener::bind(path.join("s")).unwrap();
    let empty = Path::new("/proc");
    namespace::mount("tmpfs", "none", empty, MountFlags::empty(), c"").unwrap();
    let socket = attached(&path.join("s"));
    assert_eq!(socket.state, State::Listening);
    assert_eq!(socket.owners.unseen(), Some(&Unseen::Absent { what: "/proc" }));
    let missing = target(&path.join("none"));
    assert_eq!(missing.everywhere.unseen(), Some(&Unseen::Absent { what: "/proc" }));
    drop(server);
    namespace::unmount(empty).unwrap();
    remove(&path);
}

fn without_netlink_the_socket_is_found() {
    let path = std::env::temp_dir().join(unique("views-netlink"));
    let server = UnixListener::bind(&path).unwrap();
    restrict::give_up_new_privileges().unwrap();
    if let Err(errno) = restrict::deny_family(libc::AF_NETLINK, Errno::EAFNOSUPPORT) {
        eprintln!("skipped: no system call filter here: {errno}");
    } else {
        let socket = attached(&path);
        assert_eq!(socket.state, State::Listening);
        assert!(socket.owners.is(|o| o.iter().any(|p| p.pid == std::process::id())));
        drop(server);
        let facts = facts(&path);
        let diagnosis = diagnose(Call::Connect, SocketType::Stream, None, &facts);
        let first = &diagnosis.causes[0];
        assert_eq!((first.cause.id, first.certainty), ("connect/stale-socket", Certainty::Certain));
    }
    std::fs::remove_file(&path).unwrap();
}

/// A program that has run out of descriptors asks why.
fn descriptors_run_out() {
    let path = std::env::temp_dir().join(unique("views-full"));
    let server = UnixListener::bind(&path).unwrap();
    let mut held = Vec::new();
    sunpath::sys::process::limit_descriptors(32).unwrap();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        held.push(file);
    }
    let full = facts(&path);
    assert!(full.path().is_some());
    assert!(full.caller.descriptors.is(|d| d.is_full()), "{:?}", full.caller.descriptors);
    held.truncate(held.len() - 8);
    assert_eq!(attached(&path).state, State::Listening);
    drop(server);
    std::fs::remove_file(&path).unwrap();
}

/// A process with one thread, which waits in epoll for one of the listeners it holds.
fn an_epoll_instance_notices_only_what_it_watches() {
    use rustix::event::epoll;
    let paths = ["watched", "ignored"].map(|n| std::env::temp_dir().join(unique(n)));
    let servers = paths.each_ref().map(|path| UnixListener::bind(path).unwrap());
    let child = fork(|| {
        let instance = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let data = epoll::EventData::new_u64(0);
        epoll::add(&instance, &servers[0], data, epoll::EventFlags::IN).unwrap();
        let mut events = Vec::with_capacity(1);
        epoll::wait(&instance, rustix::buffer::spare_capacity(&mut events), None).unwrap();
        0
    });
    let child = child.unwrap();
    drop(servers);
    let waits_in = |path: &Path| {
        for _ in 0..200 {
            let socket = attached(path);
            let owner = socket.owners.known().and_then(|o| o.iter().find(|p| p.pid == child.pid()));
            if let Some(owner) = owner.filter(|o| o.state.is(|s| *s == ProcessState::Sleeping)) {
                return owner.waits_in.clone();
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("the child never sleeps");
    };
    assert_eq!(waits_in(&paths[0]), Seen::Known(WaitsIn::Events));
    match waits_in(&paths[1]) {
        Seen::Known(WaitsIn::Elsewhere { call }) => assert!(call.starts_with("epoll"), "{call}"),
        // Other security settings may hide the system call from an ordinary user.
        other => assert!(!is_root(), "{other:?}"),
    }
    drop(child);
    paths.iter().for_each(|path| std::fs::remove_file(path).unwrap());
}
