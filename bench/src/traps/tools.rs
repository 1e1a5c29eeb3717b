//! What the cells set up and look at, without help from the library that they try.

use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType,
};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

/// `SO_PASSPIDFD` (Linux 6.5).
const SO_PASSPIDFD: i32 = 76;

/// How many descriptors this process has open.
pub fn descriptors() -> io::Result<usize> {
    // The directory itself is one of them.
    Ok(std::fs::read_dir("/proc/self/fd")?.count() - 1)
}

/// The time in which threads of this process ran or were ready to run, in nanoseconds. On a busy
/// machine a thread that spins does not run all the time, but it is always ready to.
pub fn busy_time() -> io::Result<u64> {
    let mut sum = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let times = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let times = times.split_whitespace().take(2);
        sum += times.filter_map(|time| time.parse::<u64>().ok()).sum::<u64>();
    }
    Ok(sum)
}

/// A descriptor of its own for the file behind a number that a library gave away unowned.
pub fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    Ok(sunpath::sys::option::duplicate(number)?)
}

/// A new socket that is close-on-exec.
pub fn socket(kind: SocketType, flags: SocketFlags) -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::UNIX, kind, flags | SocketFlags::CLOEXEC, None)?)
}

/// Two sockets that are connected.
pub fn pair(kind: SocketType) -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?)
}

/// A socket that is bound to a path.
pub fn bound(kind: SocketType, path: &Path) -> io::Result<OwnedFd> {
    let fd = socket(kind, SocketFlags::empty())?;
    rustix::net::bind(&fd, &SocketAddrUnix::new(path)?)?;
    Ok(fd)
}

/// A listener with a long backlog.
pub fn listener(kind: SocketType, path: &Path) -> io::Result<OwnedFd> {
    let fd = bound(kind, path)?;
    rustix::net::listen(&fd, 100)?;
    Ok(fd)
}

/// A listener whose backlog is full, and the clients that fill it.
pub struct Full {
    pub listener: OwnedFd,
    clients: Vec<OwnedFd>,
}

impl Full {
    pub fn new(kind: SocketType, path: &Path) -> io::Result<Full> {
        let listener = bound(kind, path)?;
        rustix::net::listen(&listener, 0)?;
        let mut clients = Vec::new();
        loop {
            let client = socket(kind, SocketFlags::NONBLOCK)?;
            match rustix::net::connect(&client, &SocketAddrUnix::new(path)?) {
                Ok(()) => clients.push(client),
                Err(rustix::io::Errno::AGAIN) => return Ok(Full { listener, clients }),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Accepts those that fill the backlog.
    pub fn make_room(&self) -> io::Result<()> {
        for _ in &self.clients {
            accept(&self.listener)?;
        }
        Ok(())
    }
}

/// The next connection.
pub fn accept(listener: &OwnedFd) -> io::Result<OwnedFd> {
    Ok(rustix::net::accept_with(listener, SocketFlags::CLOEXEC)?)
}

/// Sends one byte without waiting; the errno if that fails.
pub fn poke(socket: impl AsFd) -> rustix::io::Result<()> {
    rustix::net::send(socket, b"x", SendFlags::DONTWAIT | SendFlags::NOSIGNAL).map(drop)
}

/// Receives one byte without waiting.
pub fn hear(socket: impl AsFd) -> io::Result<usize> {
    Ok(rustix::net::recv(socket, &mut [0; 1], RecvFlags::DONTWAIT)?.0)
}

/// Sends bytes and copies of a descriptor.
pub fn send(socket: &OwnedFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
    let mut control = SendAncillaryBuffer::new(&mut room);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("no room for so many descriptors"));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Switches on that every message brings a pidfd, as a listener may have done before `accept`, or
/// whoever passed the socket on.
pub fn pass_pidfd(number: RawFd) -> io::Result<()> {
    let socket = duplicate(number)?;
    Ok(sunpath::sys::option::set_switch(&socket, SO_PASSPIDFD, true)?)
}

/// A file to pass.
pub fn file() -> io::Result<OwnedFd> {
    Ok(std::fs::File::open("/dev/null")?.into())
}

/// An error's text in the size of a cell, with paths as seen from the cell's directory.
pub fn brief(error: &dyn std::fmt::Display) -> String {
    let place = std::env::current_dir().unwrap_or_default();
    let text = error.to_string().replace(&format!("{}/", place.display()), "");
    match text.char_indices().nth(110) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}
