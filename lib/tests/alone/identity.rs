//! Who a peer is said to be, when that was recorded, and what does not change it: each sentence of
//! the page `sunpath::authorisation`.

use crate::leaks::open_descriptors;
use crate::{is_root, unique};
use rustix::mount::MountFlags;
use rustix::process::{Gid, Uid};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;
use sunpath::sys::namespace::{self, New};
use sunpath::sys::process::{self, Child, End, fork};
use sunpath::sys::{libc, option, socket as calls};
use sunpath::{
    Address, Ancillary, AncillaryBuffer, Credentials, Errno, Error, Listener, Peer, Stream,
};

crate::tests! {
    ids_are_those_of_connect_and_not_of_accept
    the_effective_ids_count
    a_client_sees_who_listened_last
    whoever_accepts_is_not_seen
    an_inherited_socket_keeps_its_maker
    a_passed_socket_keeps_its_maker
    ids_outlive_the_process
    a_reaped_process_is_not_taken_for_its_successor
    a_peer_in_another_pid_namespace_has_no_number
    a_user_without_a_number_is_not_certain
    no_look_leaves_a_descriptor_open
    every_group_is_told
    a_name_is_what_the_process_says
    credentials_in_a_message_are_claims_that_the_kernel_checks
    a_message_carries_the_real_ids_unless_it_claims_others
    a_message_from_before_the_option_carries_nobody
    a_file_keeps_others_away_and_an_abstract_name_does_not
}

const NOBODY: u32 = 65534;
const OTHER: u32 = 54321;

fn me() -> u32 {
    std::process::id()
}

fn listener() -> Listener {
    Listener::bind(Address::Unnamed).unwrap()
}

fn pid_of(peer: Peer<'_>) -> u32 {
    peer.credentials().unwrap().pid.cast_unsigned()
}

fn has_pidfd() -> bool {
    let (a, _b) = Stream::pair().unwrap();
    match a.peer().pidfd() {
        Ok(_) => true,
        Err(error) => {
            eprintln!("skipped: {error}");
            false
        }
    }
}

/// Waits until the parent, having had its look, shuts the connection down: other children may hold
/// a copy of its end.
fn until_seen(mut stream: Stream) -> i32 {
    stream.sockopt().set_receive_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.read(&mut [0; 1]).map_or(1, |_| 0)
}

/// A child that connects after `before`, sends a byte, then does `after`, and waits until its
/// parent has had a look.
struct Client {
    child: Child,
    stream: Stream,
}

impl Client {
    fn start(before: impl FnOnce(), after: impl FnOnce()) -> Client {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let child = fork(|| {
            before();
            let mut stream = Stream::connect(&address).unwrap();
            after();
            stream.write_all(b"x").unwrap();
            until_seen(stream)
        });
        let child = child.unwrap();
        let mut stream = listener.accept().unwrap();
        stream.read_exact(&mut [0; 1]).unwrap();
        Client { child, stream }
    }

    fn end(self) {
        self.stream.shutdown(Shutdown::Both).unwrap();
        assert_eq!(self.child.wait(), Ok(End::Exited(0)));
    }
}

fn ids_are_those_of_connect_and_not_of_accept() {
    if !is_root() {
        return;
    }
    let client = Client::start(|| {}, || process::become_user(OTHER, OTHER, &[]).unwrap());
    let expected = Credentials { pid: client.child.pid().cast_signed(), uid: 0, gid: 0 };
    assert_eq!(client.stream.peer().credentials(), Ok(expected));
    if has_pidfd() {
        let process = client.stream.peer().process().unwrap().unwrap();
        assert_eq!(
            (process.credentials().user(), process.effective_user()),
            (Some(0), Some(OTHER))
        );
    }
    client.end();
}

fn the_effective_ids_count() {
    if !is_root() {
        return;
    }
    let set = || {
        rustix::thread::set_thread_res_gid(None, Gid::from_raw(OTHER), None).unwrap();
        rustix::thread::set_thread_res_uid(None, Uid::from_raw(OTHER), None).unwrap();
    };
    let client = Client::start(set, || {});
    let credentials = client.stream.peer().credentials().unwrap();
    assert_eq!((credentials.user(), credentials.group()), (Some(OTHER), Some(OTHER)));
    client.end();
}

fn a_client_sees_who_listened_last() {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let early = Stream::connect(&address).unwrap();
    let (mut here, mut there) = Stream::pair().unwrap();
    let child = fork(move || {
        calls::listen(listener.as_fd(), 5).unwrap();
        there.write_all(b"x").unwrap();
        until_seen(there)
    });
    let child = child.unwrap();
    here.read_exact(&mut [0; 1]).unwrap();
    let late = Stream::connect(&address).unwrap();
    assert_eq!((pid_of(early.peer()), pid_of(late.peer())), (me(), child.pid()));
    here.shutdown(Shutdown::Both).unwrap();
    assert_eq!(child.wait(), Ok(End::Exited(0)));
}

fn whoever_accepts_is_not_seen() {
    let listener = listener();
    let mut client = Stream::connect(listener.local_addr().unwrap()).unwrap();
    let child = fork(|| {
        let mut server = listener.accept().unwrap();
        server.write_all(b"x").unwrap();
        until_seen(server)
    });
    client.read_exact(&mut [0; 1]).unwrap();
    assert_eq!(pid_of(client.peer()), me());
    client.shutdown(Shutdown::Both).unwrap();
    assert_eq!(child.unwrap().wait(), Ok(End::Exited(0)));
}

fn an_inherited_socket_keeps_its_maker() {
    let listener = listener();
    let mut client = Stream::connect(listener.local_addr().unwrap()).unwrap();
    let mut server = listener.accept().unwrap();
    let child = fork(move || {
        client.write_all(b"x").unwrap();
        until_seen(client)
    });
    server.read_exact(&mut [0; 1]).unwrap();
    assert_eq!(pid_of(server.peer()), me());
    server.shutdown(Shutdown::Both).unwrap();
    assert_eq!(child.unwrap().wait(), Ok(End::Exited(0)));
}

fn a_passed_socket_keeps_its_maker() {
    let (here, there) = Stream::pair().unwrap();
    here.sockopt().set_pass_rights(true).unwrap();
    let child = fork(|| {
        let (a, _b) = Stream::pair().unwrap();
        there.send_with(b"x", &Ancillary::descriptors(&[a.as_fd()])).unwrap();
        0
    });
    let child = child.unwrap();
    let mut room = AncillaryBuffer::new(1);
    here.recv_with(&mut [0; 1], &mut room).unwrap();
    let passed: OwnedFd = room.take_descriptors().next().unwrap();
    assert_eq!(pid_of(Stream::try_from(passed).unwrap().peer()), child.pid());
    assert_eq!(child.wait(), Ok(End::Exited(0)));
}

fn ids_outlive_the_process() {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let child = fork(|| Stream::connect(&address).map_or(1, |_| 0)).unwrap();
    let pid = child.pid();
    let server = listener.accept().unwrap();
    assert_eq!(child.wait(), Ok(End::Exited(0)));
    let peer = server.peer();
    let credentials = Credentials { pid: pid.cast_signed(), ..Credentials::current() };
    assert_eq!(peer.credentials(), Ok(credentials));
    assert!(peer.groups().is_ok());
    if !has_pidfd() {
        return;
    }
    assert_eq!(peer.is_alive(), Ok(false));
    assert!(peer.process().unwrap().is_none());
    match peer.pidfd() {
        Ok(pidfd) => assert_eq!(process::has_ended(pidfd.as_fd()), Ok(true)),
        Err(error) => eprintln!("skipped: before Linux 6.16 it is gone with the process: {error}"),
    }
}

/// Runs the closure as process 1 of a PID namespace with a `/proc` of its own, or says why not.
fn in_new_pid_namespace(test: impl FnOnce()) {
    let ids = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let mut new = New::PROCESS.and(New::MOUNT);
    if ids.0 != 0 {
        new = new.and(New::USER);
    }
    if let Err(errno) = namespace::unshare(new) {
        return eprintln!("skipped: no new namespaces here: {errno}");
    }
    if ids.0 != 0 {
        namespace::map_ids((0, 0), ids).unwrap();
    }
    namespace::make_mounts_private().unwrap();
    let first = fork(|| {
        let proc = Path::new("/proc");
        match namespace::mount("proc", "proc", proc, MountFlags::empty(), c"") {
            Ok(()) => test(),
            Err(errno) => eprintln!("skipped: no /proc of its own: {errno}"),
        }
        0
    });
    assert_eq!(first.unwrap().wait(), Ok(End::Exited(0)));
}

fn a_reaped_process_is_not_taken_for_its_successor() {
    if !has_pidfd() {
        return;
    }
    in_new_pid_namespace(|| {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let child = fork(|| Stream::connect(&address).map_or(1, |_| 0)).unwrap();
        let pid = child.pid();
        let server = listener.accept().unwrap();
        assert_eq!(child.wait(), Ok(End::Exited(0)));
        if let Err(error) = std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()) {
            return eprintln!("skipped: a process id cannot be chosen: {error}");
        }
        let successor = fork(|| {
            std::thread::sleep(Duration::from_secs(60));
            0
        });
        let successor = successor.unwrap();
        assert_eq!(successor.pid(), pid, "the id was used again");
        assert!(Path::new(&format!("/proc/{pid}")).exists());
        // The id is recorded and alive, but it is another process.
        assert_eq!(pid_of(server.peer()), pid);
        assert_eq!(server.peer().is_alive(), Ok(false));
        assert!(server.peer().process().unwrap().is_none());
    });
}

fn a_peer_in_another_pid_namespace_has_no_number() {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let outside = Stream::connect(&address).unwrap();
    in_new_pid_namespace(|| {
        let server = listener.accept().unwrap();
        let credentials = server.peer().credentials().unwrap();
        assert_eq!(credentials.pid, 0);
        if has_pidfd() {
            let process = server.peer().process().unwrap().unwrap();
            assert!(process.is_alive());
            assert_eq!((process.pid(), process.name(), process.executable()), (None, None, None));
            assert_eq!(process.credentials(), credentials);
        }
    });
    drop(outside);
}

fn a_user_without_a_number_is_not_certain() {
    if !is_root() {
        return;
    }
    let client = Client::start(|| process::become_user(OTHER, OTHER, &[]).unwrap(), || {});
    let genuine = Client::start(|| process::become_user(NOBODY, NOBODY, &[]).unwrap(), || {});
    let nobody = genuine.stream.peer().credentials().unwrap();
    assert_eq!((nobody.user(), nobody.group()), (Some(NOBODY), Some(NOBODY)));
    let own = Stream::pair().unwrap().0;
    namespace::unshare(New::USER).unwrap();
    namespace::map_ids((7, 8), (0, 0)).unwrap();
    for server in [&client.stream, &genuine.stream] {
        let seen = server.peer().credentials().unwrap();
        assert_eq!((seen.uid, seen.gid), (NOBODY, NOBODY), "both look the same from here");
        assert_eq!((seen.user(), seen.group()), (None, None));
    }
    let seen = own.peer().credentials().unwrap();
    assert_eq!((seen.user(), seen.group()), (Some(7), Some(8)));
    client.end();
    genuine.end();
}

fn no_look_leaves_a_descriptor_open() {
    let (a, _b) = Stream::pair().unwrap();
    let listener = listener();
    let address = listener.local_addr().unwrap();
    let child = fork(|| Stream::connect(&address).map_or(1, |_| 0)).unwrap();
    let gone = listener.accept().unwrap();
    assert_eq!(child.wait(), Ok(End::Exited(0)));
    let nobody = sunpath::Datagram::unbound().unwrap();
    let look = || {
        for peer in [a.peer(), gone.peer(), nobody.peer()] {
            let _ = (peer.pidfd(), peer.process(), peer.is_alive(), peer.groups());
        }
    };
    let recent = has_pidfd();
    let before = open_descriptors();
    (0..20).for_each(|_| look());
    assert_eq!(open_descriptors(), before);
    // Without room for one more, and with room for some of what a look takes.
    let lowest_free = std::fs::File::open("/dev/null").unwrap().as_raw_fd().cast_unsigned();
    for room in 0..4 {
        process::limit_descriptors(u64::from(lowest_free) + room).unwrap();
        (0..20).for_each(|_| look());
        let seen = a.peer().process();
        let full = |error: Error| error.raw_os_error() == libc::EMFILE;
        assert!(room > 1 || !recent || seen.is_err_and(full), "room for {room}");
    }
    process::limit_descriptors(u64::from(lowest_free) + 20).unwrap();
    assert_eq!(open_descriptors(), before);
}

fn every_group_is_told() {
    let (own, _other) = Stream::pair().unwrap();
    let mut groups: Vec<u32> =
        rustix::process::getgroups().unwrap().iter().map(|g| g.as_raw()).collect();
    groups.sort_unstable();
    assert_eq!(own.peer().groups(), Ok(groups));
    if !is_root() {
        return;
    }
    for count in [0, 64, 65, 5000, 65536] {
        let many: Vec<u32> = (0..count).map(|i| 100_000 + i).collect();
        let client = Client::start(|| process::become_user(OTHER, OTHER, &many).unwrap(), || {});
        assert_eq!(client.stream.peer().groups(), Ok(many), "{count} groups");
        client.end();
    }
}

fn a_name_is_what_the_process_says() {
    if !has_pidfd() {
        return;
    }
    let client = Client::start(|| process::set_name(c") R 1 (\n").unwrap(), || {});
    let process = client.stream.peer().process().unwrap().unwrap();
    assert_eq!(process.name(), Some(") R 1 (\n".as_ref()));
    assert_eq!(process.pid(), Some(client.child.pid()));
    assert_eq!(process.executable(), Some(std::env::current_exe().unwrap().as_path()));
    assert!(process.is_alive());
    client.end();
    assert!(!process.is_alive());
    assert_eq!(process::has_ended(OwnedFd::from(process).as_fd()), Ok(true));
}

fn credentials_in_a_message_are_claims_that_the_kernel_checks() {
    let (a, b) = Stream::pair().unwrap();
    b.sockopt().set_pass_credentials(true).unwrap();
    let own = Credentials::current();
    let mut room = AncillaryBuffer::new(1);
    a.send_with(b"x", &Ancillary::NONE.with_credentials(own)).unwrap();
    b.recv_with(&mut [0; 1], &mut room).unwrap();
    assert_eq!(room.credentials(), Some(own));
    let claim = Credentials { pid: own.pid, uid: OTHER, gid: OTHER };
    let sent = a.send_with(b"x", &Ancillary::NONE.with_credentials(claim));
    if rustix::process::geteuid().is_root() {
        sent.unwrap();
        b.recv_with(&mut [0; 1], &mut room).unwrap();
        assert_eq!(room.credentials(), Some(claim));
        // What was recorded of the connection does not follow.
        assert_eq!(b.peer().credentials(), Ok(own));
    } else {
        assert_eq!(sent.unwrap_err().errno(), Some(Errno::EPERM));
    }
}

/// The ids of the next message.
fn next(socket: &Stream) -> Option<Credentials> {
    let mut room = AncillaryBuffer::new(1);
    socket.recv_with(&mut [0; 1], &mut room).unwrap();
    room.credentials()
}

fn a_message_carries_the_real_ids_unless_it_claims_others() {
    if !is_root() {
        return;
    }
    let set = || {
        let ids = (Uid::from_raw(NOBODY), Uid::from_raw(OTHER));
        rustix::thread::set_thread_res_uid(ids.0, ids.1, None).unwrap();
    };
    let (a, b) = Stream::pair().unwrap();
    b.sockopt().set_pass_credentials(true).unwrap();
    let client = Client::start(set, || {
        (&a).write_all(b"x").unwrap();
        let claim = Credentials::current();
        a.send_with(b"x", &Ancillary::NONE.with_credentials(claim)).unwrap();
    });
    assert_eq!(client.stream.peer().credentials().unwrap().uid, OTHER, "the effective one");
    assert_eq!(next(&b).unwrap().uid, NOBODY, "the real one");
    assert_eq!(next(&b).unwrap().uid, OTHER, "the one that was claimed");
    client.end();
}

fn a_message_from_before_the_option_carries_nobody() {
    let (a, b) = Stream::pair().unwrap();
    (&a).write_all(b"x").unwrap();
    b.sockopt().set_pass_credentials(true).unwrap();
    // Whether these are handed out as ids or as none, they are not those of a process.
    let seen = next(&b);
    assert!(seen.is_none_or(|ids| ids.pid == 0 && ids.uid == NOBODY), "{seen:?}");
}

fn a_file_keeps_others_away_and_an_abstract_name_does_not() {
    if !is_root() {
        return;
    }
    let path = std::env::temp_dir().join(unique("authorisation"));
    let file = Listener::bind(&path).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, mode).unwrap();
    let name = Address::Abstract(unique("authorisation").into_bytes());
    let nameless = Listener::bind(&name).unwrap();
    let child = fork(|| {
        process::become_user(OTHER, OTHER, &[]).unwrap();
        let refused = Stream::connect(&path).unwrap_err();
        assert_eq!(refused.errno(), Some(Errno::EACCES));
        Stream::connect(&name).map_or(1, |_| 0)
    });
    assert_eq!(child.unwrap().wait(), Ok(End::Exited(0)));
    let uninvited = nameless.accept().unwrap();
    assert_eq!(uninvited.peer().credentials().unwrap().user(), Some(OTHER));
    assert_eq!(option::switch(&file, libc::SO_ACCEPTCONN), Ok(true));
}
