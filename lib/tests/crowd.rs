//! A listing of a full queue, in a process of its own: thousands of descriptors would make a watch
//! of other tests look less often.

mod directory;

use directory::Directory;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use sunpath::list::{Peer, What, list};
use sunpath::{Listener, Stream};

fn inode(fd: BorrowedFd<'_>) -> u32 {
    rustix::fs::fstat(fd).unwrap().st_ino as u32
}

#[test]
fn thousands_of_waiting_connections_take_no_listener_away() {
    const WAITING: u32 = 5000;
    let dir = Directory::new();
    let path = dir.path("server");
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let somaxconn = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    if limit.maximum.is_some_and(|m| m < u64::from(WAITING) + 100)
        || somaxconn.trim().parse::<u32>().unwrap() < 64
    {
        eprintln!("skipped: too few descriptors may be open");
        return;
    }
    let wanted = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, wanted).unwrap();
    let listener = Listener::options().backlog(WAITING).bind(&path).unwrap();
    let number = inode(listener.as_fd());
    let backlog = list(&What::default()).socket(number).unwrap().clone().backlog.unwrap();
    let room = WAITING.min(backlog.limit);
    let clients: Vec<Stream> = (0..room).map(|_| Stream::connect(&path).unwrap()).collect();
    let listing = list(&What::default());
    let server = listing.socket(number).unwrap();
    assert_eq!(server.backlog.unwrap().pending, room);
    let waiting = listing.sockets.iter().filter(|s| s.waits_at == Some(number)).count();
    assert_eq!(waiting, room as usize);
    for client in &clients {
        assert_eq!(
            listing.socket(inode(client.as_fd())).unwrap().peer,
            Some(Peer::AtListener(number))
        );
    }
    if room < WAITING {
        eprintln!("skipped: somaxconn allows {room} waiting connections, not {WAITING}");
    }
}

/// The kernel tells its table piece by piece, and goes on in a list by counting: what is closed
/// meanwhile before that place makes it pass over another.
#[test]
fn sockets_that_are_closed_meanwhile_hide_no_others() {
    let pairs: Vec<_> = (0..2000).map(|_| Stream::pair().unwrap()).collect();
    let kept: Vec<u32> =
        pairs.iter().flat_map(|(one, other)| [inode(one.as_fd()), inode(other.as_fd())]).collect();
    let over = AtomicBool::new(false);
    let mut lost = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                drop((0..200).map(|_| Stream::pair().unwrap()).collect::<Vec<_>>());
            }
        });
        for _ in 0..40 {
            let listing = list(&What::default());
            lost += kept.iter().filter(|inode| listing.socket(**inode).is_none()).count();
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(lost, 0);
    drop(pairs);
}
