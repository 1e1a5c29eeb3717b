//! What other libraries get wrong with UNIX domain sockets: a test for each trap. Those that count
//! this process's descriptors or change its limits are in `alone/traps.rs`.

mod directory;

use directory::Directory;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};
use sunpath::sys::option::set_send_buffer;
use sunpath::sys::socket::{self, SocketFlags};
use sunpath::sys::{Errno as Host, name::Name};
use sunpath::{
    Ancillary, AncillaryBuffer, Datagram, Errno, Error, Listener, MOST_DESCRIPTORS, SeqPacket,
    SeqPacketListener, SocketType, Stream,
};

/// A listener whose backlog is full, and the clients that wait in it.
fn full(kind: SocketType, path: &Path) -> (std::os::fd::OwnedFd, Vec<std::os::fd::OwnedFd>) {
    let name = Name::path(path.as_os_str().as_encoded_bytes()).unwrap();
    let listener = socket::socket(kind, SocketFlags::empty()).unwrap();
    socket::bind(&listener, &name).unwrap();
    socket::listen(&listener, 1).unwrap();
    let mut clients = Vec::new();
    loop {
        let client = socket::socket(kind, SocketFlags::NONBLOCK).unwrap();
        match socket::connect(&client, &name) {
            Ok(()) => clients.push(client),
            Err(errno) => {
                assert_eq!((errno, clients.len()), (Host::AGAIN, 2));
                return (listener, clients);
            }
        }
    }
}

#[test]
fn phantom_connect() {
    let directory = Directory::new();
    let path = directory.path("s");
    let (listener, _clients) = full(SocketType::Stream, &path);
    for wait in [Duration::ZERO, Duration::from_millis(100)] {
        let start = Instant::now();
        let error = Stream::connect_until(&path, start + wait).unwrap_err();
        assert_eq!(error.cause(), Some("connect/backlog-full"));
        assert_eq!(error.errno(), Some(Errno::EAGAIN));
        assert!(start.elapsed() >= wait);
    }
    // A connect is only over when it is true: what is written arrives.
    let (connected, heard) = std::thread::scope(|scope| {
        let deadline = Instant::now() + Duration::from_secs(60);
        let path = &path;
        let client = scope.spawn(move || Stream::connect_until(path, deadline));
        std::thread::sleep(Duration::from_millis(50));
        let accept = || socket::accept(&listener, SocketFlags::empty()).unwrap();
        drop((accept(), accept()));
        let connected = client.join().unwrap().unwrap();
        connected.send_with(b"here", &Ancillary::NONE).unwrap();
        let mut buffer = [0; 8];
        let length = socket::recv(accept(), &mut buffer, socket::RecvFlags::empty()).unwrap();
        (connected, buffer[..length].to_vec())
    });
    assert_eq!(
        (connected.peer_addr().unwrap().to_string(), &heard[..]),
        (path.display().to_string(), &b"here"[..])
    );
}

#[test]
fn phantom_connect_of_packets() {
    let directory = Directory::new();
    let path = directory.path("s");
    let _full = full(SocketType::SeqPacket, &path);
    let deadline = Instant::now() + Duration::from_millis(50);
    let error = SeqPacket::connect_until(&path, deadline).unwrap_err();
    assert_eq!(error.cause(), Some("connect/backlog-full"));
}

#[test]
fn close_on_exec() {
    let flag = |fd: &dyn AsFd| {
        let flags = rustix::io::fcntl_getfd(fd.as_fd()).unwrap();
        assert_eq!(flags, rustix::io::FdFlags::CLOEXEC);
    };
    let directory = Directory::new();
    let path = directory.path("s");
    let listener = Listener::bind(&path).unwrap();
    let client = Stream::connect(&path).unwrap();
    let server = listener.accept().unwrap();
    flag(&listener);
    flag(&client);
    flag(&server);
    flag(&Datagram::unbound().unwrap());
    let (a, b) = SeqPacket::pair().unwrap();
    flag(&a);
    flag(&b);
    b.sockopt().set_pass_rights(true).unwrap();
    let pidfds = b.sockopt().set_pass_pidfd(true);
    a.send_with(b"x", &Ancillary::descriptors(&[a.as_fd(), b.as_fd()])).unwrap();
    let mut ancillary = AncillaryBuffer::new(2);
    b.recv_with(&mut [0; 8], &mut ancillary).unwrap();
    let received: Vec<_> = ancillary.take_descriptors().collect();
    assert_eq!(received.len(), 2);
    received.iter().for_each(|fd| flag(fd));
    match pidfds {
        Ok(()) => flag(&ancillary.take_pidfd().unwrap()),
        Err(error) => assert_eq!(error.cause(), Some("option/unknown")),
    }
}

/// What is at a path, and that a client reaches this listener there.
fn serves(listener: &UnixListener, path: &Path) {
    let _client = Stream::connect(path).unwrap();
    listener.accept().unwrap();
}

#[test]
fn deleting_what_is_not_ours() {
    let directory = Directory::new();
    let (file, path) = (directory.path("file"), directory.path("s"));
    std::fs::write(&file, "precious").unwrap();
    symlink(&file, directory.path("link")).unwrap();
    symlink("nowhere", directory.path("dangling")).unwrap();
    std::fs::create_dir(directory.path("directory")).unwrap();
    for name in ["file", "link", "dangling", "directory"] {
        let path = directory.path(name);
        let before = std::fs::symlink_metadata(&path).unwrap();
        let error = Listener::options().replace_dead().bind(&path).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EADDRINUSE), "{name}: {error}");
        let after = std::fs::symlink_metadata(&path).unwrap();
        assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()), "{name}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    let live = UnixListener::bind(&path).unwrap();
    Listener::options().replace_dead().bind(&path).unwrap_err();
    Listener::bind(&path).unwrap_err();
    serves_after_probe(&live, &path);
    drop(live);
    let replacing = Listener::options().replace_dead().bind(&path).unwrap();
    Stream::connect(&path).unwrap();
    replacing.accept().unwrap();
}

/// As [`serves`], where somebody may have asked before whether there is a server.
fn serves_after_probe(listener: &UnixListener, path: &Path) {
    listener.set_nonblocking(true).unwrap();
    while listener.accept().is_ok() {}
    listener.set_nonblocking(false).unwrap();
    serves(listener, path);
}

#[test]
fn deleting_what_is_not_ours_any_more() {
    let directory = Directory::new();
    let path = directory.path("s");
    let old = Listener::bind(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let new = UnixListener::bind(&path).unwrap();
    drop(old);
    serves(&new, &path);
    let (regular, moved) = (directory.path("regular"), directory.path("moved"));
    let old = Datagram::bind(&regular).unwrap();
    std::fs::rename(&regular, &moved).unwrap();
    std::fs::write(&regular, "precious").unwrap();
    drop(old);
    assert_eq!(std::fs::read(&regular).unwrap(), b"precious");
    assert!(std::fs::symlink_metadata(&moved).unwrap().file_type().is_socket());
    // What is ours goes.
    let own = directory.path("own");
    drop(SeqPacketListener::bind(&own).unwrap());
    assert!(std::fs::symlink_metadata(&own).is_err());
}

#[test]
fn errors_that_say_nothing() {
    let directory = Directory::new();
    let (stale, regular) = (directory.path("stale.sock"), directory.path("regular.sock"));
    drop(UnixListener::bind(&stale).unwrap());
    std::fs::write(&regular, "regular").unwrap();
    for (path, cause) in [(&stale, "connect/stale-socket"), (&regular, "connect/not-a-socket")] {
        let error = Stream::connect(path).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ECONNREFUSED));
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert_eq!(error.why().causes[0].cause.id, cause);
        // Neither is lost on the way through the standard library's type.
        let told = std::io::Error::from(error);
        assert!(told.to_string().contains(path.to_str().unwrap()), "{told}");
        assert_eq!(Error::try_from(told).unwrap().why().causes[0].cause.id, cause);
    }
}

#[test]
fn errors_that_say_nothing_of_long_paths() {
    let directory = Directory::new();
    let deep = directory.path("d".repeat(200));
    std::fs::create_dir(&deep).unwrap();
    let path = deep.join("s".repeat(200));
    let listener = Listener::bind(&path).unwrap();
    let client = Stream::connect(&path).unwrap();
    let server = listener.accept().unwrap();
    for address in [listener.local_addr(), client.peer_addr(), server.local_addr()] {
        assert_eq!(
            address.unwrap(),
            sunpath::Address::Path(path.as_os_str().as_encoded_bytes().to_vec())
        );
    }
    let error = Stream::connect(deep.join("missing")).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ENOENT));
    drop(listener);
    assert!(std::fs::symlink_metadata(&path).is_err());
}

#[test]
fn mode_races() {
    let directory = Directory::new();
    let path = directory.path("s");
    for mode in [0o600, 0o666, 0o777] {
        let listener = watched(&path, mode);
        let got = std::fs::symlink_metadata(&path).unwrap().mode() & 0o7777;
        assert_eq!(got, mode, "0{got:o}");
        drop(listener);
    }
}

/// Binds with a mode again and again, while another thread looks for a moment in which the file has
/// another mode.
fn watched(path: &Path, mode: u32) -> Listener {
    use std::sync::atomic::{AtomicBool, Ordering};
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(Ordering::Relaxed) {
                if let Ok(status) = std::fs::symlink_metadata(path) {
                    assert_eq!(status.mode() & 0o7777, mode, "0{:o}", status.mode());
                    looks += 1;
                }
            }
            looks
        });
        let bind = || Listener::options().mode(mode).bind(path).unwrap();
        for _ in 0..200 {
            drop(bind());
        }
        let listener = bind();
        std::thread::sleep(Duration::from_millis(5));
        done.store(true, Ordering::Relaxed);
        assert!(watcher.join().unwrap() > 0);
        listener
    })
}

#[test]
fn truncation_nobody_reports() {
    let (a, b) = SeqPacket::pair().unwrap();
    let (c, d) = Datagram::pair().unwrap();
    let mut buffer = [0; 4];
    a.send(b"12345678").unwrap();
    c.send(b"12345678").unwrap();
    for received in [b.recv(&mut buffer).unwrap(), d.recv(&mut buffer).unwrap()] {
        assert_eq!((received.bytes, received.length), (4, 8));
    }
    b.sockopt().set_pass_rights(true).unwrap();
    a.send_with(b"fds", &Ancillary::descriptors(&[a.as_fd(); 9])).unwrap();
    let mut ancillary = AncillaryBuffer::new(2);
    let received = b.recv_with(&mut buffer, &mut ancillary).unwrap();
    assert!(received.ancillary_truncated);
    assert_eq!((received.bytes, &buffer[..3]), (3, &b"fds"[..]));
    let truncation = ancillary.truncation().unwrap();
    assert_eq!((truncation.room, truncation.received), (2, 2));
    assert_eq!(truncation.suspects, [sunpath::Suspect::Buffer]);
    assert_eq!(ancillary.take_descriptors().len(), 2);
}

#[test]
fn more_than_253_descriptors() {
    let (a, b) = SeqPacket::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let descriptors = [a.as_fd(); MOST_DESCRIPTORS + 1];
    let error = a.send_with(b"x", &Ancillary::descriptors(&descriptors)).unwrap_err();
    assert_eq!(error.cause(), Some("rights/too-many"));
    assert!(error.to_string().contains("253"), "{error}");
    // Nothing was sent, and one less goes.
    a.send_with(b"y", &Ancillary::descriptors(&descriptors[1..])).unwrap();
    let mut ancillary = AncillaryBuffer::new(MOST_DESCRIPTORS);
    let mut buffer = [0; 1];
    let received = b.recv_with(&mut buffer, &mut ancillary).unwrap();
    assert_eq!((&buffer, received.ancillary_truncated), (b"y", false));
    assert_eq!(ancillary.take_descriptors().count(), MOST_DESCRIPTORS);
}

#[test]
fn seqpacket_end_of_file() {
    let (a, b) = SeqPacket::pair().unwrap();
    a.send(b"").unwrap();
    a.send(b"last").unwrap();
    drop(a);
    let mut buffer = [0; 8];
    let mut end = || {
        let received = b.recv(&mut buffer).unwrap();
        (received.bytes, received.end_of_file)
    };
    assert_eq!([end(), end(), end(), end()], [(0, false), (4, false), (0, true), (0, true)]);
}

/// More than a contiguous piece of the kernel's memory holds, in a send buffer that would.
const TOO_LONG: usize = 4_300_000;

/// Told, and not as something that will pass: nobody waits for it. False if this system does not
/// let a send buffer become so large.
fn no_buffers(error: &Error) -> bool {
    if error.errno() == Some(Errno::EMSGSIZE) {
        eprintln!("skipped: net.core.wmem_max is too small for ENOBUFS");
        return false;
    }
    assert_eq!(error.errno(), Some(Errno::ENOBUFS));
    assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock);
    true
}

#[test]
fn enobufs() {
    let (a, b) = Datagram::pair().unwrap();
    set_send_buffer(&a, -1).unwrap();
    if no_buffers(&a.send(&vec![0; TOO_LONG]).unwrap_err()) {
        a.send(b"x").unwrap();
        assert_eq!(b.recv(&mut [0; 8]).unwrap().length, 1);
    }
}

#[cfg(feature = "tokio")]
#[test]
fn enobufs_on_tokio() {
    block_on(async {
        let (a, b) = sunpath::tokio::Datagram::pair().unwrap();
        set_send_buffer(&a, -1).unwrap();
        let message = vec![0; TOO_LONG];
        let sent = tokio::time::timeout(Duration::from_secs(60), a.send(&message)).await;
        if no_buffers(&sent.expect("it waits").unwrap_err()) {
            a.send(b"x").await.unwrap();
            assert_eq!(b.recv(&mut [0; 8]).await.unwrap().length, 1);
        }
    });
}

#[test]
fn batch_control_messages() {
    use sunpath::{Outgoing, RecvBatch, RecvFlags, SendFlags};
    let (a, b) = Datagram::pair().unwrap();
    b.sockopt().set_pass_rights(true).unwrap();
    let mut batch = RecvBatch::new(3, 8, 2);
    let fds = [a.as_fd(), b.as_fd()];
    // What fewer descriptors left of the room must not limit the next batch.
    for count in [2, 0, 1, 2] {
        let message = Outgoing::new(b"x").with_ancillary(Ancillary::descriptors(&fds[..count]));
        assert_eq!(a.send_batch(&[message; 3], SendFlags::NONE).unwrap(), 3);
        assert_eq!(b.recv_batch(&mut batch, RecvFlags::NONE).unwrap(), 3);
        for message in batch.messages() {
            assert!(!message.received.ancillary_truncated);
            assert_eq!(message.ancillary.take_descriptors().count(), count);
        }
    }
}

#[test]
fn options_nobody_wraps() {
    let (a, b) = Stream::pair().unwrap();
    let lacking = |done: Result<(), Error>| match done {
        Ok(()) => false,
        Err(error) => {
            assert_eq!(error.cause(), Some("option/unknown"), "{error}");
            true
        }
    };
    let groups = rustix::process::getgroups().unwrap();
    let told = a.peer().groups().unwrap();
    assert_eq!(told, groups.iter().map(|group| group.as_raw()).collect::<Vec<_>>());
    assert!(lacking(b.sockopt().set_pass_rights(false)) || !b.sockopt().pass_rights().unwrap());
    let pidfds = !lacking(b.sockopt().set_pass_pidfd(true));
    lacking(b.sockopt().set_pass_security(true));
    let unread = !lacking(b.sockopt().set_inq(true));
    b.sockopt().set_peek_offset(Some(1)).unwrap();
    a.send_with(b"abcd", &Ancillary::NONE).unwrap();
    assert!(a.sockopt().unread_by_peer().unwrap() >= 4);
    let mut buffer = [0; 2];
    let mut ancillary = AncillaryBuffer::new(0);
    let mut peek = [std::io::IoSliceMut::new(&mut buffer)];
    b.recv_message(&mut peek, &mut ancillary, sunpath::RecvFlags::PEEK).unwrap();
    assert_eq!(&buffer, b"bc");
    b.recv_with(&mut buffer, &mut ancillary).unwrap();
    assert_eq!(&buffer, b"ab");
    assert_eq!(ancillary.take_pidfd().is_some(), pidfds);
    assert_eq!(ancillary.unread(), unread.then_some(2));
    let directory = Directory::new();
    let path = directory.path("s");
    let listener = Listener::bind(&path).unwrap();
    match listener.sockopt().bound_file() {
        Ok(file) => {
            let inode = rustix::fs::fstat(&file).unwrap().st_ino;
            assert_eq!(inode, std::fs::symlink_metadata(&path).unwrap().ino());
        }
        Err(error) => assert_eq!(error.errno(), Some(Errno::EPERM)),
    }
}

/// The time in which this thread ran or was ready to run.
#[cfg(feature = "tokio")]
fn busy() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let times = times.split_whitespace().take(2).map(|time| time.parse::<u64>().unwrap());
    Duration::from_nanos(times.sum())
}

#[cfg(feature = "tokio")]
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[cfg(feature = "tokio")]
#[test]
fn phantom_connect_on_tokio() {
    let directory = Directory::new();
    let path = directory.path("s");
    let (listener, _clients) = full(SocketType::Stream, &path);
    block_on(async {
        let wait = Duration::from_millis(50);
        let error = sunpath::tokio::Stream::connect_timeout(&path, wait).await.unwrap_err();
        assert_eq!(error.cause(), Some("connect/backlog-full"));
        let limit = Duration::from_secs(60);
        let (connected, ()) =
            tokio::join!(sunpath::tokio::Stream::connect_timeout(&path, limit), async {
                tokio::time::sleep(wait).await;
                let accept = || socket::accept(&listener, SocketFlags::empty()).unwrap();
                drop((accept(), accept()));
            });
        connected.unwrap().send_with(b"here", &Ancillary::NONE).await.unwrap();
    });
    let server = socket::accept(&listener, SocketFlags::empty()).unwrap();
    let mut buffer = [0; 8];
    assert_eq!(socket::recv(&server, &mut buffer, socket::RecvFlags::empty()), Ok(4));
}

/// While a receiver is full its unconnected sender sleeps, and goes on when there is room.
#[cfg(feature = "tokio")]
#[test]
fn spinning() {
    let directory = Directory::new();
    let path = directory.path("s");
    let receiver = Datagram::bind(&path).unwrap();
    block_on(async {
        let sender = sunpath::tokio::Datagram::unbound().unwrap();
        let wait = Duration::from_millis(300);
        let mut sent = 0;
        while let Ok(done) = tokio::time::timeout(wait, sender.send_to(b"x", &path)).await {
            done.unwrap();
            sent += 1;
        }
        let before = busy();
        let full = tokio::time::timeout(wait, sender.send_to(b"x", &path)).await;
        let used = busy() - before;
        assert!(full.is_err());
        assert!(used < wait / 4, "{used:?} of {wait:?}");
        for _ in 0..sent {
            receiver.recv(&mut [0; 8]).unwrap();
        }
        sender.send_to(b"y", &path).await.unwrap();
        let mut buffer = [0; 8];
        let received = receiver.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..received.bytes], b"y");
    });
}
