//! Listings of the live machine, held against sockets that the tests made.

mod directory;

use directory::Directory;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use sunpath::fact::process::ProcessState;
use sunpath::fact::socket::State;
use sunpath::list::{Listing, Peer, Process, Socket, Watch, What, list};
use sunpath::{Ancillary, Datagram, Listener, SocketType, Stream};

const ALL: What = What { all_namespaces: false, holders: true, in_flight: true };

fn inode(fd: BorrowedFd<'_>) -> u32 {
    rustix::fs::fstat(fd).unwrap().st_ino as u32
}

fn of<'a>(listing: &'a Listing, fd: BorrowedFd<'_>) -> &'a Socket {
    listing.socket(inode(fd)).expect("it is listed")
}

fn bound<'a>(listing: &'a Listing, path: &Path) -> Vec<&'a Socket> {
    let name = path.as_os_str().as_bytes();
    listing.sockets.iter().filter(|s| s.path() == Some(name)).collect()
}

#[test]
fn both_ends_of_a_connection_know_each_other_and_this_process() {
    let (one, other) = Stream::pair().unwrap();
    one.send(b"12345").unwrap();
    let listing = list(&ALL);
    let (first, second) = (of(&listing, one.as_fd()), of(&listing, other.as_fd()));
    assert_eq!(listing.peer(first).map(|s| s.inode), Some(second.inode));
    assert_eq!(listing.peer(second).map(|s| s.inode), Some(first.inode));
    assert_eq!((first.kind, first.state), (SocketType::Stream, State::Connected));
    assert_eq!((second.unread, first.unread), (Some(5), Some(0)));
    assert!(first.unsent > Some(0));
    let holder = listing.holders(first);
    assert_eq!(holder.len(), 1);
    assert_eq!((holder[0].pid, holder[0].fd), (std::process::id(), one.as_raw_fd() as u32));
    let me = &listing.processes[&std::process::id()];
    assert_eq!(me.uid, Some(rustix::process::geteuid().as_raw()));
    assert_eq!(me.name, std::fs::read("/proc/self/comm").unwrap().trim_ascii_end());
    assert!(first.uid.is_none_or(|uid| Some(uid) == me.uid));
}

#[test]
fn a_socket_that_was_duplicated_has_several_holders() {
    let (one, _other) = Stream::pair().unwrap();
    let again = one.as_fd().try_clone_to_owned().unwrap();
    let listing = list(&ALL);
    let mut held: Vec<u32> =
        listing.holders(of(&listing, one.as_fd())).iter().map(|h| h.fd).collect();
    held.sort_unstable();
    let mut ours = vec![one.as_raw_fd() as u32, again.as_raw_fd() as u32];
    ours.sort_unstable();
    assert_eq!(held, ours);
}

#[test]
fn a_connection_that_waits_to_be_accepted_is_shown_with_its_client() {
    let dir = Directory::new();
    let path = dir.path("server");
    let listener = Listener::bind(&path).unwrap();
    let client = Stream::connect(&path).unwrap();
    let gone = Stream::connect(&path).unwrap();
    drop(gone);
    let listing = list(&ALL);
    let server = of(&listing, listener.as_fd());
    assert_eq!(server.backlog.unwrap().pending, 2);
    let ours = of(&listing, client.as_fd());
    assert_eq!(ours.peer, Some(Peer::AtListener(server.inode)));
    assert_eq!(listing.peer(ours).map(|s| s.inode), Some(server.inode));
    let waiting: Vec<_> =
        bound(&listing, &path).into_iter().filter(|s| s.waits_at == Some(server.inode)).collect();
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().any(|s| s.peer == Some(Peer::Socket(ours.inode))));
    assert!(waiting.iter().any(|s| s.peer == Some(Peer::Gone)));
    let accepted = listener.accept().unwrap();
    let listing = list(&ALL);
    assert_eq!(of(&listing, client.as_fd()).peer, Some(Peer::Socket(inode(accepted.as_fd()))));
}

#[test]
fn names_of_any_bytes_are_kept() {
    let dir = Directory::new();
    for name in [&b"a b"[..], b"new\nline", b"esc\x1b[31m", b"\xff\xfe", b"@at", b"trailing "] {
        let path = dir.path(std::ffi::OsStr::from_bytes(name));
        let socket = Datagram::bind(&path).unwrap();
        let listing = list(&What::default());
        assert_eq!(of(&listing, socket.as_fd()).path(), Some(path.as_os_str().as_bytes()));
    }
    let name = format!("\0with\0nul\0{}\0", std::process::id());
    let socket = Datagram::bind(sunpath::AddressRef::Abstract(&name.as_bytes()[1..])).unwrap();
    let listing = list(&What::default());
    assert_eq!(of(&listing, socket.as_fd()).abstract_name(), Some(&name.as_bytes()[1..]));
}

#[test]
fn a_path_bound_anew_is_two_sockets_with_two_files() {
    let dir = Directory::new();
    let path = dir.path("server");
    let first = Listener::options().keep_file(true).bind(&path).unwrap();
    std::fs::rename(&path, dir.path("aside")).unwrap();
    let second = Listener::bind(&path).unwrap();
    let client = Stream::connect(&path).unwrap();
    let listing = list(&What::default());
    let (old, new) = (of(&listing, first.as_fd()), of(&listing, second.as_fd()));
    assert_eq!(old.name, new.name);
    assert!(old.file.is_some() && old.file != new.file);
    assert_eq!(of(&listing, client.as_fd()).peer, Some(Peer::AtListener(new.inode)));
}

#[test]
fn descriptors_in_a_queue_are_counted() {
    let (one, other) = Stream::pair().unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    other.sockopt().set_pass_rights(true).unwrap();
    one.send_with(b"x", &Ancillary::descriptors(&[file.as_fd(), file.as_fd()])).unwrap();
    let (idle, _peer) = Stream::pair().unwrap();
    let listing = list(&ALL);
    assert_eq!(of(&listing, idle.as_fd()).in_flight, Some(0));
    match of(&listing, other.as_fd()).in_flight {
        None => eprintln!("skipped: this kernel does not count descriptors in flight"),
        counted => assert_eq!(counted, Some(2)),
    }
    let unasked = list(&What::default());
    assert_eq!(of(&unasked, other.as_fd()).in_flight, None);
}

#[test]
fn a_socket_in_flight_is_listed_and_held_by_nobody() {
    let (one, other) = Stream::pair().unwrap();
    other.sockopt().set_pass_rights(true).unwrap();
    let (sent, kept) = Stream::pair().unwrap();
    let number = inode(sent.as_fd());
    one.send_with(b"x", &Ancillary::descriptors(&[sent.as_fd()])).unwrap();
    drop(sent);
    let listing = list(&ALL);
    let socket = listing.socket(number).unwrap();
    assert!(listing.holders(socket).is_empty());
    assert_eq!(listing.peer(of(&listing, kept.as_fd())).map(|s| s.inode), Some(number));
}

/// Whether a process holds a socket. Others may do so for a moment: those that tests start.
fn holds(listing: &Listing, pid: u32, socket: u32) -> bool {
    let socket = listing.socket(socket).expect("it is listed");
    listing.holders(socket).iter().any(|holder| holder.pid == pid)
}

#[test]
fn a_watch_sees_what_a_listing_sees() {
    let mut watch = Watch::new();
    let (one, other) = Stream::pair().unwrap();
    other.send(b"abc").unwrap();
    let (whole, watched) = (list(&What::default()), watch.look(&What::default(), &[]));
    for fd in [one.as_fd(), other.as_fd()] {
        let (whole, watched) = (of(&whole, fd), of(&watched, fd));
        assert_eq!((whole.peer, whole.unread), (watched.peer, watched.unread));
    }
    assert!(holds(&watched, std::process::id(), inode(one.as_fd())));
    let me = |listing: &Listing| {
        let process = listing.processes[&std::process::id()].clone();
        // The state is that of the first thread, which hands out the tests and may wait or not.
        Process { state: ProcessState::Running, ..process }
    };
    assert_eq!(me(&watched), me(&whole));
    assert_eq!(watched.all_holders, whole.all_holders);
    let number = inode(one.as_fd());
    drop(one);
    let (again, _peer) = Stream::pair().unwrap();
    let next = watch.look(&What::default(), &[]);
    assert!(next.socket(number).is_none());
    assert_eq!(of(&next, other.as_fd()).peer, Some(Peer::Gone));
    assert!(holds(&next, std::process::id(), inode(again.as_fd())));
    let without = What { holders: false, ..What::default() };
    assert!(watch.look(&without, &[]).processes.is_empty());
}

#[test]
fn a_watch_notices_processes_that_begin_stop_and_end() {
    let mut watch = Watch::new();
    let dir = Directory::new();
    let listener = Listener::bind(dir.path("server")).unwrap();
    let number = inode(listener.as_fd());
    watch.look(&What::default(), &[number]);
    let mut child = std::process::Command::new("sleep")
        .arg("100")
        .stdin(listener.as_fd().try_clone_to_owned().unwrap())
        .spawn()
        .unwrap();
    let pid = child.id();
    let begun = watch.look(&What::default(), &[number]);
    assert!(holds(&begun, pid, number));
    let signal = |signal| {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    };
    signal(rustix::process::Signal::STOP);
    let stopped = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        let listing = watch.look(&What::default(), &[]);
        listing.processes.get(&pid).is_some_and(|p| p.state == ProcessState::Stopped)
    });
    signal(rustix::process::Signal::KILL);
    child.wait().unwrap();
    assert!(stopped, "a listener's process is looked at each time");
    let ended = watch.look(&What::default(), &[]);
    assert!(holds(&ended, std::process::id(), number) && !holds(&ended, pid, number));
    assert!(!ended.processes.contains_key(&pid));
}

/// What it holds stays the same in number, so that only the socket that is gone tells.
#[test]
fn a_watch_notices_a_socket_in_the_place_of_another() {
    let (kept, _peer) = Stream::pair().unwrap();
    let mut held: Vec<_> = (0..8).map(|_| Stream::pair().unwrap()).collect();
    let mut watch = Watch::new();
    watch.look(&What::default(), &[inode(kept.as_fd())]);
    for i in 0..8 {
        let (one, other) = held.swap_remove(i % held.len());
        let numbers = [inode(one.as_fd()), inode(other.as_fd())];
        drop((one, other));
        let without = What { holders: false, ..What::default() };
        // A child that another test is about to start has them until it runs its program.
        while numbers.iter().any(|n| list(&without).socket(*n).is_some()) {}
        held.push(Stream::pair().unwrap());
        let listing = watch.look(&What::default(), &[]);
        for (one, other) in &held {
            assert!(holds(&listing, std::process::id(), inode(one.as_fd())));
            assert!(holds(&listing, std::process::id(), inode(other.as_fd())));
        }
    }
}

/// A watch that has seen nothing new for a while, if the other tests let it.
fn settled() -> Watch {
    let mut watch = Watch::new();
    (0..6).for_each(|_| drop(watch.look(&What::default(), &[])));
    watch
}

#[test]
fn a_watch_that_has_settled_sees_names_and_clients_come_and_go() {
    let dir = Directory::new();
    let path = dir.path("server");
    let listener = Listener::bind(&path).unwrap();
    let first = Stream::connect(&path).unwrap();
    let nameless = Datagram::unbound().unwrap();
    let mut watch = settled();
    let waits = |listing: &Listing| -> Vec<Option<Peer>> {
        let number = inode(listener.as_fd());
        listing.sockets.iter().filter(|s| s.waits_at == Some(number)).map(|s| s.peer).collect()
    };
    let peer = |stream: &Stream| Some(Peer::Socket(inode(stream.as_fd())));
    let seen = watch.look(&What::default(), &[]);
    assert_eq!(waits(&seen), [peer(&first)]);
    assert_eq!(of(&seen, nameless.as_fd()).file, None);

    let name = rustix::net::SocketAddrUnix::new(dir.path("name")).unwrap();
    rustix::net::bind(&nameless, &name).unwrap();
    let seen = watch.look(&What::default(), &[]);
    let file = std::fs::symlink_metadata(dir.path("name")).unwrap();
    assert_eq!(of(&seen, nameless.as_fd()).path(), Some(dir.path("name").as_os_str().as_bytes()));
    assert!(
        of(&seen, nameless.as_fd()).file.is_some_and(|id| id.inode == file.ino() & 0xffff_ffff)
    );

    let mut watch = settled();
    let second = Stream::connect(&path).unwrap();
    let accepted = listener.accept().unwrap();
    let seen = watch.look(&What::default(), &[]);
    assert_eq!(waits(&seen), [peer(&second)], "as many as before");
    assert_eq!(of(&seen, first.as_fd()).peer, Some(Peer::Socket(inode(accepted.as_fd()))));
    assert_eq!(of(&seen, accepted.as_fd()).path(), Some(path.as_os_str().as_bytes()));

    let mut watch = settled();
    drop(second);
    // A process that another test is about to start may hold it for a moment.
    let left = (0..100).any(|_| waits(&watch.look(&What::default(), &[])) == [Some(Peer::Gone)]);
    assert!(left, "it is not known who waits");
}
