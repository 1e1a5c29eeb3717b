//! Options, ioctls and flags of sockets.

use super::raw::call5;
use super::socket::{Kind, raw};
use super::{Errno, Result, check};
use rustix::net::sockopt;
use std::ffi::c_int;
use std::mem::size_of;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use sunpath_core::SocketType;

pub use rustix::fs::OFlags;

pub use libc::{
    SO_ATTACH_FILTER, SO_RCVTIMEO, SO_REUSEPORT, SO_SNDBUFFORCE, SO_SNDTIMEO, SO_TYPE, SOL_SOCKET,
};

/// `SO_PASSPIDFD` (Linux 6.5).
pub const SO_PASSPIDFD: c_int = 76;
/// `SO_PEERPIDFD` (Linux 6.5).
pub const SO_PEERPIDFD: c_int = 77;
/// `SO_PASSRIGHTS` (Linux 6.16).
pub const SO_PASSRIGHTS: c_int = 83;
/// `SO_INQ` (Linux 6.17). It can be set but not read.
pub const SO_INQ: c_int = 84;
/// `SO_PEERGROUPS` (Linux 4.13).
pub const SO_PEERGROUPS: c_int = 59;
/// `SIOCINQ`: bytes ready to be read.
pub const SIOCINQ: u64 = 0x541b;
/// `SIOCOUTQ`: kernel memory that unread messages to the peer occupy.
pub const SIOCOUTQ: u64 = 0x5411;
/// `SIOCATMARK`: whether the next byte to read is the urgent one.
pub const SIOCATMARK: u64 = 0x8905;
/// `SIOCUNIXFILE`: opens the file that a socket is bound to.
pub const SIOCUNIXFILE: u64 = 0x89e0;

/// `getsockopt(2)` of an option that is an `int`.
pub fn get(fd: impl AsFd, level: c_int, name: c_int) -> Result<c_int> {
    if_simulated!(fd, socket => socket.get(name));
    let mut value: c_int = 0;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of `value`.
    let done = unsafe {
        libc::getsockopt(raw(&fd), level, name, (&raw mut value).cast(), &raw mut length)
    };
    check(done)?;
    Ok(value)
}

/// `setsockopt(2)` of an option that is an `int`.
// Every socket is set to something before it connects: inlined for the reason that `raw` gives.
#[inline]
pub fn set(fd: impl AsFd, level: c_int, name: c_int, value: c_int) -> Result<()> {
    if_simulated!(fd, socket => socket.set(name, value));
    let from = (&raw const value).expose_provenance();
    let arguments = [raw(&fd) as usize, level as usize, name as usize, from, size_of::<c_int>()];
    // SAFETY: the kernel reads as many bytes as `value` has.
    unsafe { call5(libc::SYS_setsockopt, arguments) }.map(drop)
}

/// `getsockopt(2)` of an option that is as many numbers as the array has. The kernel may know
/// fewer: the rest stays 0.
pub fn numbers<const N: usize>(fd: impl AsFd, name: c_int) -> Result<[u32; N]> {
    let mut values = [0u32; N];
    let mut length = size_of_val(&values) as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of `values`.
    let done = unsafe {
        libc::getsockopt(
            raw(&fd),
            libc::SOL_SOCKET,
            name,
            values.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    check(done)?;
    Ok(values)
}

/// `getsockopt(2)` of an option whose length only the kernel knows: it answers `ERANGE`, and how
/// many bytes it takes.
fn bytes(fd: &impl AsFd, name: c_int) -> Result<Vec<u8>> {
    let mut room = vec![0; 256];
    loop {
        let mut length = room.len() as libc::socklen_t;
        let (to, length_to) = (room.as_mut_ptr().cast(), &raw mut length);
        // SAFETY: the kernel writes at most `length` bytes, which is the size of `room`.
        let done = unsafe { libc::getsockopt(raw(fd), libc::SOL_SOCKET, name, to, length_to) };
        match check(done) {
            Ok(_) => {
                room.truncate(length as usize);
                return Ok(room);
            }
            // Doubling is for a kernel that does not tell how much it takes.
            Err(Errno::RANGE) if room.len() < LONGEST => {
                room.resize((length as usize).max(2 * room.len()).min(LONGEST), 0);
            }
            Err(errno) => return Err(errno),
        }
    }
}

/// More than 65536 groups, the most that a process has (`NGROUPS_MAX`), and any label.
const LONGEST: usize = 1 << 20;

/// `SO_PEERGROUPS` (Linux 4.13): supplementary groups of the peer. `ENODATA` if no peer was
/// recorded.
pub fn peer_groups(fd: impl AsFd) -> Result<Vec<u32>> {
    if_simulated!(fd, socket => socket.peer_groups());
    let bytes = bytes(&fd, SO_PEERGROUPS)?;
    let (groups, _) = bytes.as_chunks();
    Ok(groups.iter().map(|group| u32::from_ne_bytes(*group)).collect())
}

/// `SO_PEERSEC`: the label that a security module gave to the peer, without a NUL at its end.
/// `ENOPROTOOPT` if there is none that labels sockets.
pub fn peer_label(fd: impl AsFd) -> Result<Vec<u8>> {
    let mut label = bytes(&fd, libc::SO_PEERSEC)?;
    if label.last() == Some(&0) {
        label.pop();
    }
    Ok(label)
}

/// `SO_COOKIE`: a number that no other socket of this system has had since it started.
pub fn cookie(fd: impl AsFd) -> Result<u64> {
    sockopt::socket_cookie(fd)
}

/// `ioctl(2)` of a request that writes one `int`.
fn ioctl(fd: &impl AsFd, request: u64) -> Result<c_int> {
    if_simulated!(fd, socket => socket.ioctl(request));
    let mut value: c_int = 0;
    // SAFETY: the callers pass requests of sockets alone, each of which writes one `int`.
    check(unsafe { libc::ioctl(raw(fd), request as _, &raw mut value) })?;
    Ok(value)
}

/// `SO_DOMAIN` and `SO_TYPE`; `None` for a family or type that Sunpath does not describe.
pub fn kind(fd: impl AsFd) -> Result<Option<SocketType>> {
    if_simulated!(fd, socket => socket.kind());
    let family = get(&fd, libc::SOL_SOCKET, libc::SO_DOMAIN)?;
    let kind = sockopt::socket_type(&fd)?;
    Ok(match (family, kind) {
        (libc::AF_UNIX, Kind::STREAM) => Some(SocketType::Stream),
        (libc::AF_UNIX, Kind::DGRAM) => Some(SocketType::Datagram),
        (libc::AF_UNIX, Kind::SEQPACKET) => Some(SocketType::SeqPacket),
        (libc::AF_INET | libc::AF_INET6, Kind::STREAM) => Some(SocketType::Tcp),
        (libc::AF_INET | libc::AF_INET6, Kind::DGRAM) => Some(SocketType::Udp),
        _ => None,
    })
}

/// A switch at `SOL_SOCKET`: `SO_PASSCRED`, `SO_PASSPIDFD`, `SO_PASSRIGHTS`, `SO_BROADCAST`,
/// `SO_OOBINLINE`, `SO_REUSEADDR`, `SO_ACCEPTCONN`. `ENOPROTOOPT` where the kernel lacks it.
pub fn switch(fd: impl AsFd, name: c_int) -> Result<bool> {
    get(fd, libc::SOL_SOCKET, name).map(|value| value != 0)
}

/// Turns a switch at `SOL_SOCKET` on or off.
#[inline]
pub fn set_switch(fd: impl AsFd, name: c_int, on: bool) -> Result<()> {
    set(fd, libc::SOL_SOCKET, name, on.into())
}

/// `SO_ERROR`: takes the pending error, which is cleared by it.
pub fn take_error(fd: impl AsFd) -> Result<Option<Errno>> {
    if_simulated!(fd, socket => socket.take_error());
    sockopt::socket_error(fd).map(|pending| pending.err())
}

/// `SO_SNDBUF` in bytes of kernel memory: twice what was set.
pub fn send_buffer(fd: impl AsFd) -> Result<u32> {
    get(fd, libc::SOL_SOCKET, libc::SO_SNDBUF).map(c_int::cast_unsigned)
}

/// Sets `SO_SNDBUF`. The kernel doubles the value, and keeps it between 4608 and
/// `net.core.wmem_max`, doubled.
pub fn set_send_buffer(fd: impl AsFd, bytes: i32) -> Result<()> {
    set(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, bytes)
}

/// `SO_SNDTIMEO` or `SO_RCVTIMEO` in microseconds; 0 waits for ever.
pub fn timeout(fd: impl AsFd, name: c_int) -> Result<u64> {
    if_simulated!(fd, socket => socket.timeout(name));
    let mut value = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut length = size_of::<libc::timeval>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of `value`, and every
    // bit pattern is a valid `timeval`.
    let done = unsafe {
        libc::getsockopt(raw(&fd), libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut length)
    };
    check(done)?;
    let (seconds, rest) = (value.tv_sec.cast_unsigned(), value.tv_usec.cast_unsigned());
    Ok(seconds.saturating_mul(1_000_000).saturating_add(rest))
}

/// Sets `SO_SNDTIMEO` or `SO_RCVTIMEO`, in microseconds.
pub fn set_timeout(fd: impl AsFd, name: c_int, microseconds: u64) -> Result<()> {
    if_simulated!(fd, socket => socket.set_timeout(name, microseconds));
    let value = libc::timeval {
        tv_sec: libc::time_t::try_from(microseconds / 1_000_000).unwrap_or(libc::time_t::MAX),
        tv_usec: (microseconds % 1_000_000) as libc::suseconds_t,
    };
    let length = size_of::<libc::timeval>() as libc::socklen_t;
    // SAFETY: the kernel reads at most `length` bytes, which is the size of `value`.
    let done = unsafe {
        libc::setsockopt(raw(&fd), libc::SOL_SOCKET, name, (&raw const value).cast(), length)
    };
    check(done).map(drop)
}

/// Ids of a process as the kernel recorded them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Process id; 0 if it was never recorded, or is not visible from here.
    pub pid: i32,
    /// User id; `u32::MAX` if it was never recorded.
    pub uid: u32,
    /// Group id; `u32::MAX` if it was never recorded.
    pub gid: u32,
}

/// `SO_PEERCRED`: who called `listen`, for a client; who called `connect`, for a server.
pub fn peer_credentials(fd: impl AsFd) -> Result<Credentials> {
    if_simulated!(fd, socket => socket.peer_credentials());
    let mut value = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of `value`, and every
    // bit pattern is a valid `ucred`.
    let done = unsafe {
        libc::getsockopt(
            raw(&fd),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    check(done)?;
    Ok(Credentials { pid: value.pid, uid: value.uid, gid: value.gid })
}

/// `SO_PEERPIDFD`: a descriptor of the peer's process. `ENODATA` if no peer was recorded.
pub fn peer_pidfd(fd: impl AsFd) -> Result<OwnedFd> {
    if_simulated!(fd, socket => socket.peer_pidfd());
    let pidfd = get(fd, libc::SOL_SOCKET, SO_PEERPIDFD)?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(pidfd) })
}

/// `SIOCINQ`: bytes ready to be read; of the first message only for datagrams. `EINVAL` for a
/// listener.
pub fn readable(fd: impl AsFd) -> Result<u32> {
    ioctl(&fd, SIOCINQ).map(c_int::cast_unsigned)
}

/// `SIOCOUTQ`: bytes of kernel memory that messages sent and not yet read occupy.
pub fn unread_by_peer(fd: impl AsFd) -> Result<u32> {
    ioctl(&fd, SIOCOUTQ).map(c_int::cast_unsigned)
}

/// `SIOCATMARK`: whether the next byte to read is the urgent one.
pub fn at_mark(fd: impl AsFd) -> Result<bool> {
    ioctl(&fd, SIOCATMARK).map(|value| value != 0)
}

/// `SIOCUNIXFILE`: an `O_PATH` descriptor of the file that the socket is bound to. Asks for
/// `CAP_NET_ADMIN`; `ENOENT` if it is not bound to a file.
pub fn bound_file(fd: impl AsFd) -> Result<OwnedFd> {
    // It needs no name that it could be told by: who asks has the number of the file.
    if_simulated!(fd, _socket => Err(Errno::NOTTY));
    // SAFETY: this request has no argument; it answers with a new descriptor.
    let file = check(unsafe { libc::ioctl(raw(&fd), SIOCUNIXFILE as _) })?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(file) })
}

/// The state of a TCP connection, as far as it matters to Sunpath.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpState {
    /// `TCP_SYN_SENT`
    Connecting,
    /// `TCP_LISTEN`
    Listening,
    /// `TCP_CLOSE`: never connected, or over.
    Closed,
    /// `TCP_FIN_WAIT1` and what follows: this end will not send any more.
    ClosedByOwner,
    /// Everything else.
    Open,
}

/// What `TCP_INFO` tells of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp {
    /// Its state.
    pub state: TcpState,
    /// For a listener: connections that wait to be accepted.
    pub pending: u32,
    /// For a listener: the backlog.
    pub limit: u32,
}

/// `TCP_INFO`.
pub fn tcp(fd: impl AsFd) -> Result<Tcp> {
    // SAFETY: all zeros is a valid `tcp_info`, which holds numbers alone.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    let (level, name) = (libc::IPPROTO_TCP, libc::TCP_INFO);
    // SAFETY: the kernel writes at most `length` bytes, which is the size of `info`.
    let done =
        unsafe { libc::getsockopt(raw(&fd), level, name, (&raw mut info).cast(), &raw mut length) };
    check(done)?;
    let state = match info.tcpi_state {
        2 => TcpState::Connecting,
        10 => TcpState::Listening,
        7 => TcpState::Closed,
        // FIN_WAIT1, FIN_WAIT2, TIME_WAIT, LAST_ACK, CLOSING.
        4..=6 | 9 | 11 => TcpState::ClosedByOwner,
        _ => TcpState::Open,
    };
    // For a listener the kernel puts the lengths of its queue into these two.
    Ok(Tcp { state, pending: info.tcpi_unacked, limit: info.tcpi_sacked })
}

/// The number of `SO_TYPE`.
#[cfg(feature = "sim")]
pub(crate) fn socket_type_number(kind: SocketType) -> c_int {
    super::socket::family_and_kind(kind).1.as_raw() as c_int
}

/// `fcntl(2)` `F_DUPFD_CLOEXEC` of any number: a descriptor of the same open file. `EBADF` if
/// none is open under this number.
pub fn duplicate(number: RawFd) -> Result<OwnedFd> {
    if_simulated!(super::simulated::borrow(number), socket => socket.duplicate());
    // SAFETY: takes numbers only.
    let copy = check(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) })?;
    // SAFETY: the kernel has just made this descriptor and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// `F_GETFL`: status flags; `O_PATH` is among them.
pub fn status_flags(fd: impl AsFd) -> Result<OFlags> {
    if_simulated!(fd, socket => {
        Ok(if socket.is_nonblocking() { OFlags::NONBLOCK } else { OFlags::empty() })
    });
    rustix::fs::fcntl_getfl(fd)
}

/// Sets or clears `O_NONBLOCK`.
pub fn set_nonblocking(fd: impl AsFd, on: bool) -> Result<()> {
    if_simulated!(fd, socket => socket.set_nonblocking(on));
    rustix::io::ioctl_fionbio(fd, on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::socket::{self, RecvFlags, SendFlags, SocketFlags, socketpair};

    #[test]
    fn the_kind_of_each_type_is_recognised() {
        for kind in SocketType::ALL {
            let fd = socket::socket(*kind, SocketFlags::empty()).unwrap();
            assert_eq!(super::kind(&fd), Ok(Some(*kind)));
        }
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(super::kind(&file), Err(Errno::NOTSOCK));
    }

    #[test]
    fn switches_and_values_read_back() {
        let (a, _b) = socketpair(SocketType::Stream, SocketFlags::empty()).unwrap();
        for name in [libc::SO_PASSCRED, libc::SO_REUSEADDR, libc::SO_OOBINLINE] {
            assert_eq!(switch(&a, name), Ok(false));
            set_switch(&a, name, true).unwrap();
            assert_eq!(switch(&a, name), Ok(true));
        }
        assert_eq!(timeout(&a, libc::SO_SNDTIMEO), Ok(0));
        set_timeout(&a, libc::SO_SNDTIMEO, 2_500_000).unwrap();
        assert_eq!(timeout(&a, libc::SO_SNDTIMEO), Ok(2_500_000));
        set_send_buffer(&a, 1).unwrap();
        assert_eq!(send_buffer(&a), Ok(4608));
        set_nonblocking(&a, true).unwrap();
        assert!(status_flags(&a).unwrap().contains(OFlags::NONBLOCK));
    }

    #[test]
    fn queues_are_measured() {
        let (a, b) = socketpair(SocketType::Stream, SocketFlags::empty()).unwrap();
        socket::send(&a, b"hello", SendFlags::empty()).unwrap();
        assert_eq!(readable(&b), Ok(5));
        assert!(unread_by_peer(&a).unwrap() >= 5);
        assert_eq!(at_mark(&b), Ok(false));
        assert_eq!(socket::recv(&b, &mut [0; 9], RecvFlags::empty()), Ok(5));
        assert_eq!(readable(&b), Ok(0));
    }

    #[test]
    fn the_peer_of_a_pair_is_this_process() {
        let (a, b) = socketpair(SocketType::Stream, SocketFlags::empty()).unwrap();
        let peer = peer_credentials(&a).unwrap();
        assert_eq!(peer.pid.cast_unsigned(), std::process::id());
        drop(b);
        match peer_pidfd(&a) {
            Ok(pidfd) => assert!(kind(&pidfd).is_err()),
            Err(Errno::NOPROTOOPT) => eprintln!("skipped: this kernel has no SO_PEERPIDFD"),
            Err(other) => panic!("SO_PEERPIDFD: {other}"),
        }
    }

    #[test]
    fn the_file_of_a_socket_is_opened_if_allowed() {
        let name = format!("sunpath-option-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = crate::Listener::bind(&path).unwrap();
        let file = bound_file(&listener);
        let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        match file {
            Ok(file) => {
                assert_eq!(rustix::fs::fstat(&file).unwrap().st_ino, inode);
                assert!(status_flags(&file).unwrap().contains(OFlags::PATH));
            }
            Err(errno) => {
                assert_eq!(errno, Errno::PERM);
                eprintln!("skipped: needs CAP_NET_ADMIN");
            }
        }
    }

    #[test]
    fn a_listener_of_tcp_tells_its_queue() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let info = tcp(&listener).unwrap();
        assert_eq!((info.state, info.pending), (TcpState::Listening, 1));
        assert!(info.limit > 0);
        let fresh = socket::socket(SocketType::Tcp, SocketFlags::empty()).unwrap();
        assert_eq!(tcp(&fresh).unwrap().state, TcpState::Closed);
    }
}
