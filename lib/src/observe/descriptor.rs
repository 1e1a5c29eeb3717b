//! The caller's own descriptor: what it is, and the state of the socket behind it.
//!
//! Looking changes nothing. In particular `SO_ERROR` is never read, because reading clears it:
//! that an error waits is seen by `poll`.

mod inet;
mod unix;

use crate::fact::socket::{OwnSocket, SocketOptions, State};
use crate::fact::{Descriptor, Seen, Unseen};
use crate::sys::option::{self, SO_PASSPIDFD, SO_PASSRIGHTS};
use crate::sys::{Errno, Result, errno, process, socket};
use crate::text;
use rustix::event::PollFlags;
use rustix::fs::{FileType, OFlags};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

/// What a descriptor of this process is. Unseen for a socket of a family that is not described.
pub(crate) fn descriptor(fd: BorrowedFd<'_>) -> Seen<Descriptor> {
    match option::status_flags(fd) {
        Err(Errno::BADF) => return Descriptor::NotOpen.into(),
        Ok(flags) if flags.contains(OFlags::PATH) => return Descriptor::PathOnly.into(),
        Ok(_) | Err(_) => {}
    }
    match own(fd) {
        Ok(Some(own)) => Descriptor::Socket(own).into(),
        Ok(None) => {
            let error = String::from("it is a socket of a family that is not described");
            Seen::Unseen(Unseen::Failed { error })
        }
        Err(Errno::NOTSOCK) => Descriptor::NotSocket(what_else(fd)).into(),
        Err(errno) => Seen::Unseen(Unseen::Failed { error: errno::told(errno) }),
    }
}

/// What a descriptor number of this process is; it need not be open. Unseen for a socket of a
/// family that is not described.
///
/// The number should be one that no other thread closes and opens meanwhile, or the answer is
/// about another file.
pub fn of_number(number: RawFd) -> Seen<Descriptor> {
    use std::os::fd::AsFd;
    match option::duplicate(number) {
        Ok(copy) => descriptor(copy.as_fd()),
        Err(Errno::BADF) => Descriptor::NotOpen.into(),
        Err(errno) => Seen::Unseen(Unseen::Failed { error: errno::told(errno) }),
    }
}

/// What a descriptor of another process is, which must be one that this process may trace.
///
/// Unseen if it may not, or if there is no such process.
pub fn of_process(pid: u32, number: RawFd) -> Seen<Descriptor> {
    use std::os::fd::AsFd;
    match process::descriptor_of(pid, number) {
        Ok(copy) => descriptor(copy.as_fd()),
        Err(Errno::BADF) => Descriptor::NotOpen.into(),
        Err(Errno::PERM) => {
            Seen::Unseen(Unseen::Denied { needs: "CAP_SYS_PTRACE, or the same user" })
        }
        Err(errno) => Seen::Unseen(Unseen::Failed { error: errno::told(errno) }),
    }
}

/// What something that is not a socket is, in words.
fn what_else(fd: BorrowedFd<'_>) -> String {
    let kind = rustix::fs::fstat(fd).map(|stat| FileType::from_raw_mode(stat.st_mode));
    let words = match kind {
        Ok(FileType::RegularFile) => "a regular file",
        Ok(FileType::Directory) => "a directory",
        Ok(FileType::CharacterDevice) => "a character device",
        Ok(FileType::BlockDevice) => "a block device",
        Ok(FileType::Fifo) => "a pipe",
        Ok(_) | Err(_) => return anonymous(fd),
    };
    words.to_string()
}

/// Files without a type tell what they are in their link, for example `anon_inode:[eventpoll]`.
fn anonymous(fd: BorrowedFd<'_>) -> String {
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    match rustix::fs::readlink(link, Vec::new()) {
        Ok(target) => format!("a kernel object ({})", text::escape(target.as_bytes())),
        Err(_) => String::from("a kernel object"),
    }
}

/// The socket; `None` for one of another family, `ENOTSOCK` for none.
fn own(fd: BorrowedFd<'_>) -> Result<Option<OwnSocket>> {
    let Some(kind) = option::kind(fd)? else { return Ok(None) };
    let stat = rustix::fs::fstat(fd)?;
    let listening = option::switch(fd, libc::SO_ACCEPTCONN)?;
    let state = match (listening, socket::getpeername(fd)) {
        (true, _) => State::Listening,
        (false, Ok(_)) => State::Connected,
        (false, Err(_)) => State::Unconnected,
    };
    let ready = socket::poll(fd, PollFlags::IN | PollFlags::OUT | NEWS, Duration::ZERO)?;
    let mut own = OwnSocket {
        inode: stat.st_ino,
        state,
        nonblocking: option::status_flags(fd)?.contains(OFlags::NONBLOCK),
        send_timeout_us: option::timeout(fd, libc::SO_SNDTIMEO)?,
        receive_timeout_us: option::timeout(fd, libc::SO_RCVTIMEO)?,
        send_buffer: option::send_buffer(fd)?,
        unread_by_peer: number(listening, option::unread_by_peer(fd)),
        readable: number(listening, option::readable(fd)),
        options: options(fd),
        urgent: ready.contains(PollFlags::PRI).into(),
        ..OwnSocket::fresh(kind)
    };
    if kind.is_unix() {
        unix::fill(fd, ready, &mut own)?;
    } else {
        inet::fill(fd, ready, &mut own)?;
    }
    Ok(Some(own))
}

/// What `poll` tells about the end of a connection and about urgent data.
const NEWS: PollFlags = PollFlags::RDHUP.union(PollFlags::PRI);

/// A size of a queue. A listener has no bytes to read or to send.
fn number(listening: bool, answer: Result<u32>) -> Seen<u32> {
    match answer {
        Ok(number) => Seen::Known(number),
        Err(_) if listening => Seen::Known(0),
        Err(errno) => Seen::Unseen(Unseen::Failed { error: errno::told(errno) }),
    }
}

/// An option that the kernel or the family lacks is off.
fn options(fd: BorrowedFd<'_>) -> SocketOptions {
    let is_on = |name| option::switch(fd, name).unwrap_or(false);
    SocketOptions {
        pass_credentials: is_on(libc::SO_PASSCRED),
        pass_pidfd: is_on(SO_PASSPIDFD),
        pass_rights: option::switch(fd, SO_PASSRIGHTS).ok(),
        broadcast: is_on(libc::SO_BROADCAST),
        urgent_inline: is_on(libc::SO_OOBINLINE),
        reuse_address: is_on(libc::SO_REUSEADDR),
    }
}

#[cfg(test)]
mod tests;
