//! Calls on descriptors that nobody owns: their numbers are all there is, as in the model.
//!
//! For a process whose table of descriptors belongs to a script that it carries out: whatever the
//! script says of a number is done, and what a call gives back stays open until the script closes
//! it. Numbers from [`RESERVED`] on belong to the process itself: to the script they are not open.

use super::{Errno, Result, check, count};
use std::ffi::{c_int, c_void};
use std::mem::size_of;
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd, RawFd};

/// The first descriptor that a script cannot reach.
pub const RESERVED: RawFd = 3000;

/// Where no process has memory: within the first page, which the kernel never maps.
const BAD: usize = 8;

/// The most bytes of a socket address.
const NAME: usize = 128;

/// The number, if a script may use it.
pub fn allowed(fd: RawFd) -> Result<RawFd> {
    if fd >= RESERVED { Err(Errno::BADF) } else { Ok(fd) }
}

/// Room for a name that a call fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// As much as any name needs.
    Enough,
    /// A null pointer.
    Null,
    /// A pointer that does not point to memory.
    Bad,
    /// A length below zero.
    Negative,
}

/// A name that a call filled in.
struct Filled {
    bytes: [u8; NAME],
    length: c_int,
}

impl Filled {
    const NOTHING: Filled = Filled { bytes: [0; NAME], length: NAME as c_int };

    /// The pointers to pass.
    fn pointers(&mut self, room: Room) -> (*mut libc::sockaddr, *mut libc::socklen_t) {
        if room == Room::Negative {
            self.length = -1;
        }
        let name = match room {
            Room::Enough | Room::Negative => self.bytes.as_mut_ptr().cast(),
            Room::Null => std::ptr::null_mut(),
            Room::Bad => std::ptr::without_provenance_mut(BAD),
        };
        let length =
            if room == Room::Null { std::ptr::null_mut() } else { (&raw mut self.length).cast() };
        (name, length)
    }

    fn to_vec(&self) -> Vec<u8> {
        self.bytes[..usize::try_from(self.length).unwrap_or(0).min(NAME)].to_vec()
    }
}

/// `socket(2)`.
pub fn socket(family: i32, kind: i32, protocol: i32) -> Result<RawFd> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::socket(family, kind, protocol) })
}

/// `socketpair(2)`; with `bad`, into memory that is none.
pub fn socketpair(family: i32, kind: i32, protocol: i32, bad: bool) -> Result<(RawFd, RawFd)> {
    let mut pair: [c_int; 2] = [-1; 2];
    let place = if bad { std::ptr::without_provenance_mut(BAD) } else { pair.as_mut_ptr() };
    // SAFETY: the kernel writes two descriptors to `place`, or finds that it cannot.
    check(unsafe { libc::socketpair(family, kind, protocol, place) })?;
    Ok((pair[0], pair[1]))
}

/// `accept4(2)`: the connection, and the peer's name as it was written.
pub fn accept(fd: RawFd, flags: i32, room: Room) -> Result<(RawFd, Vec<u8>)> {
    let mut filled = Filled::NOTHING;
    let (name, length) = filled.pointers(room);
    // SAFETY: the kernel writes at most as many bytes as the length says, which the buffer has.
    let fd = check(unsafe { libc::accept4(allowed(fd)?, name, length, flags) })?;
    Ok((fd, filled.to_vec()))
}

/// `getsockname(2)`, or `getpeername(2)`: the name as it was written.
pub fn name(fd: RawFd, of_peer: bool, room: Room) -> Result<Vec<u8>> {
    let fd = allowed(fd)?;
    let mut filled = Filled::NOTHING;
    let (name, length) = filled.pointers(room);
    // SAFETY: as in `accept`.
    check(unsafe {
        match of_peer {
            true => libc::getpeername(fd, name, length),
            false => libc::getsockname(fd, name, length),
        }
    })?;
    Ok(filled.to_vec())
}

/// `getsockopt(2)` into so many bytes: those that were filled.
pub fn getsockopt(fd: RawFd, level: i32, name: i32, room: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; room];
    let mut length = room as libc::socklen_t;
    let (to, length_to) = (bytes.as_mut_ptr().cast(), &raw mut length);
    // SAFETY: the kernel writes at most `length` bytes, which the buffer has.
    check(unsafe { libc::getsockopt(allowed(fd)?, level, name, to, length_to) })?;
    bytes.truncate(length as usize);
    Ok(bytes)
}

/// `getsockopt(2)` `SO_GET_FILTER`: how many instructions the filter has.
pub fn filter_length(fd: RawFd) -> Result<usize> {
    let mut length: libc::socklen_t = 0;
    let (level, name) = (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER);
    // SAFETY: without room for instructions, which this option counts instead of bytes, the kernel
    // writes none of them, and their number into `length`.
    let done = unsafe {
        libc::getsockopt(allowed(fd)?, level, name, std::ptr::null_mut(), &raw mut length)
    };
    check(done)?;
    Ok(length as usize)
}

/// `setsockopt(2)` with these bytes, or with a bad pointer.
pub fn setsockopt(fd: RawFd, level: i32, name: i32, value: Option<&[u8]>) -> Result<()> {
    /// What is claimed of bytes that there are not.
    const CLAIMED: usize = 16;
    let (from, length) = match value {
        Some(bytes) => (bytes.as_ptr(), bytes.len()),
        None => (std::ptr::without_provenance(BAD), CLAIMED),
    };
    let fd = allowed(fd)?;
    // SAFETY: the kernel reads as many bytes as the length says, or finds that it cannot. Should
    // the bytes hold a pointer, it reads where that leads, or finds that it cannot.
    let done = unsafe { libc::setsockopt(fd, level, name, from.cast(), length as libc::socklen_t) };
    check(done).map(drop)
}

/// `setsockopt(2)` `SO_ATTACH_FILTER`: so many instructions, which let every message pass or
/// none.
pub fn attach_filter(fd: RawFd, level: i32, instructions: usize, drops: bool) -> Result<()> {
    let load = (libc::BPF_LD | libc::BPF_IMM) as u16;
    let step = libc::sock_filter { code: load, jt: 0, jf: 0, k: 0 };
    let verdict = if drops { 0 } else { u32::MAX };
    let last = libc::sock_filter { code: libc::BPF_RET as u16, jt: 0, jf: 0, k: verdict };
    let mut filter = vec![step; instructions.min(usize::from(u16::MAX)).saturating_sub(1)];
    filter.push(last);
    let length = if instructions == 0 { 0 } else { filter.len() as u16 };
    let program = libc::sock_fprog { len: length, filter: filter.as_mut_ptr() };
    let size = size_of::<libc::sock_fprog>() as libc::socklen_t;
    let (from, name) = ((&raw const program).cast(), libc::SO_ATTACH_FILTER);
    // SAFETY: the kernel copies the program, which points to as many instructions as it says.
    let done = unsafe { libc::setsockopt(allowed(fd)?, level, name, from, size) };
    check(done).map(drop)
}

/// `ioctl(2)` of a request that writes one `int`: what it wrote.
pub fn ioctl(fd: RawFd, request: u64) -> Result<i32> {
    // A request that nobody expects may write more than an `int`.
    let mut room = [0 as c_int; 64];
    // SAFETY: requests of sockets write at most a structure of 256 bytes.
    check(unsafe { libc::ioctl(allowed(fd)?, request as _, room.as_mut_ptr()) })?;
    Ok(room[0])
}

/// `ioctl(2)` `SIOCUNIXFILE`.
pub fn bound_file(fd: RawFd) -> Result<RawFd> {
    // SAFETY: this request has no argument; it answers with a new descriptor.
    check(unsafe { libc::ioctl(allowed(fd)?, super::option::SIOCUNIXFILE as _) })
}

/// `close(2)`.
pub fn close(fd: RawFd) -> Result<()> {
    // SAFETY: nobody owns a number that a script may use.
    check(unsafe { libc::close(allowed(fd)?) }).map(drop)
}

/// `dup(2)`.
pub fn dup(fd: RawFd) -> Result<RawFd> {
    // SAFETY: takes a number only.
    check(unsafe { libc::dup(allowed(fd)?) })
}

/// `fcntl(2)` `F_SETFL`, which switches `O_NONBLOCK`.
pub fn set_nonblocking(fd: RawFd, on: bool) -> Result<()> {
    let fd = allowed(fd)?;
    // SAFETY: takes a number only.
    let flags = check(unsafe { libc::fcntl(fd, libc::F_GETFL) })?;
    let flags = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
    // SAFETY: takes numbers only.
    check(unsafe { libc::fcntl(fd, libc::F_SETFL, flags) }).map(drop)
}

/// `poll(2)`: what is the case of each.
pub fn poll(fds: &[(RawFd, i16)], milliseconds: i32) -> Result<Vec<(RawFd, i16)>> {
    let polled = |(fd, events): &(RawFd, i16)| libc::pollfd {
        fd: if *fd >= RESERVED { RESERVED - 1 } else { *fd },
        events: *events,
        revents: 0,
    };
    let mut all: Vec<_> = fds.iter().map(polled).collect();
    // SAFETY: the kernel reads and writes as many structures as the length says.
    check(unsafe { libc::poll(all.as_mut_ptr(), all.len() as libc::nfds_t, milliseconds) })?;
    Ok(fds.iter().zip(all).map(|((fd, _), found)| (*fd, found.revents)).collect())
}

/// A buffer that is spread over several.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// Over how many.
    pub buffers: usize,
    /// There is no memory behind them.
    pub bad: bool,
}

impl Spread {
    /// So many bytes from this address on.
    fn vectors(self, start: *mut u8, length: usize) -> Vec<libc::iovec> {
        let each = length.div_ceil(self.buffers.max(1));
        let piece = |number: usize| {
            let from = (number * each).min(length);
            let base = match self.bad {
                true => std::ptr::without_provenance_mut(BAD),
                false => start.wrapping_add(from).cast::<c_void>(),
            };
            libc::iovec { iov_base: base, iov_len: each.min(length - from) }
        };
        (0..self.buffers.min(4096)).map(piece).collect()
    }
}

/// A name to pass: these bytes as so long, or a pointer that does not point to memory.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// The bytes; `None`: a bad pointer.
    pub bytes: Option<&'a [u8]>,
    /// The length that is claimed, at most that of the bytes if it is not beyond all addresses.
    pub length: i32,
}

/// `sendmsg(2)`.
pub fn sendmsg(
    fd: RawFd,
    name: Option<Address<'_>>,
    (data, spread): (&[u8], Spread),
    control: &[u8],
    flags: i32,
) -> Result<usize> {
    let mut storage = [0u8; NAME];
    // SAFETY: all zeros is a valid `msghdr`: null pointers with lengths of zero.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    if let Some(address) = name {
        header.msg_namelen = address.length.cast_unsigned();
        header.msg_name = match address.bytes {
            Some(bytes) => {
                let length = bytes.len().min(NAME);
                storage[..length].copy_from_slice(&bytes[..length]);
                storage.as_mut_ptr().cast()
            }
            None => std::ptr::without_provenance_mut(BAD),
        };
    }
    let mut vectors = spread.vectors(data.as_ptr().cast_mut(), data.len());
    header.msg_iov = vectors.as_mut_ptr();
    header.msg_iovlen = vectors.len() as _;
    if !control.is_empty() {
        header.msg_control = control.as_ptr().cast_mut().cast();
        header.msg_controllen = control.len() as _;
    }
    // SAFETY: the kernel only reads; it takes at most 128 bytes of a name, and each other pointer
    // is to as much memory as the length next to it says, or to none, which the kernel checks.
    count(unsafe { libc::sendmsg(allowed(fd)?, &raw const header, flags) })
}

/// What [`recvmsg`] gives.
#[derive(Debug, Clone, Default)]
pub struct Arrived {
    /// What the call returned.
    pub returned: usize,
    /// `msg_flags`
    pub flags: i32,
    /// The buffer, cut to the bytes that were written.
    pub data: Vec<u8>,
    /// The name as it was written.
    pub name: Vec<u8>,
    /// The control bytes that were written.
    pub control: Vec<u8>,
}

/// `recvmsg(2)` into a buffer of so many bytes, and as many for ancillary data.
pub fn recvmsg(
    fd: RawFd,
    (length, spread): (usize, Spread),
    control: usize,
    flags: i32,
) -> Result<Arrived> {
    let mut arrived = Arrived {
        data: vec![0; if spread.bad { 0 } else { length }],
        control: vec![0; control],
        ..Arrived::default()
    };
    let mut name = [0u8; NAME];
    // SAFETY: all zeros is a valid `msghdr`: null pointers with lengths of zero.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = name.as_mut_ptr().cast();
    header.msg_namelen = NAME as libc::socklen_t;
    let mut vectors = spread.vectors(arrived.data.as_mut_ptr(), length);
    header.msg_iov = vectors.as_mut_ptr();
    header.msg_iovlen = vectors.len() as _;
    if control > 0 {
        header.msg_control = arrived.control.as_mut_ptr().cast();
        header.msg_controllen = control as _;
    }
    // SAFETY: each pointer is to as much memory as the length next to it says, exclusively ours,
    // or to none, which the kernel checks.
    arrived.returned = count(unsafe { libc::recvmsg(allowed(fd)?, &raw mut header, flags) })?;
    arrived.flags = header.msg_flags;
    arrived.data.truncate(arrived.returned);
    arrived.name = name[..(header.msg_namelen as usize).min(NAME)].to_vec();
    arrived.control.truncate(header.msg_controllen as usize);
    Ok(arrived)
}

/// Gives a descriptor to the script under the lowest free number that it has already.
pub fn give(fd: OwnedFd) -> RawFd {
    fd.into_raw_fd()
}

/// Lends a descriptor of the script.
pub fn borrow<T>(fd: RawFd, then: impl FnOnce(BorrowedFd<'_>) -> Result<T>) -> Result<T> {
    let fd = allowed(fd)?;
    if fd < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: it stays open while it is lent: no other thread of such a process closes anything
    // while this one is in a call that does not wait, and a number that is not open only fails.
    then(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Makes a table of descriptors for a script: the first three are `null`, and none is open besides
/// but these, which get numbers from [`RESERVED`] on, in their order. At most `limit` can be open.
///
/// Whatever owned a descriptor in this process must never use it again.
pub fn begin(null: BorrowedFd<'_>, keep: &[BorrowedFd<'_>], limit: u32) -> Result<()> {
    use std::os::fd::AsRawFd;
    super::process::raise_descriptor_limit()?;
    let duplicate = |from: RawFd, to: RawFd| {
        // SAFETY: the caller gave up every descriptor of this process.
        check(unsafe { libc::dup2(from, to) }).map(drop)
    };
    // Numbers beyond those that are wanted may be in use: move everything out of their way first.
    let high = RESERVED + keep.len() as RawFd + 1;
    let away = |fd: &BorrowedFd<'_>| {
        // SAFETY: takes numbers only.
        check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD, high) })
    };
    let copies = keep.iter().map(away).collect::<Result<Vec<_>>>()?;
    let null = away(&null)?;
    for (number, copy) in (RESERVED..).zip(copies) {
        duplicate(copy, number)?;
    }
    for number in 0..3 {
        duplicate(null, number)?;
    }
    close_range(3, RESERVED - 1)?;
    close_range(RESERVED + keep.len() as RawFd, RawFd::MAX)?;
    let limit = libc::rlimit { rlim_cur: limit.into(), rlim_max: limit.into() };
    // SAFETY: reads one `rlimit`.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).map(drop)
}

fn close_range(first: RawFd, last: RawFd) -> Result<()> {
    // SAFETY: nobody owns these any more.
    let done = unsafe {
        libc::syscall(libc::SYS_close_range, first as libc::c_uint, last as libc::c_uint, 0)
    };
    check(done as c_int).map(drop)
}

/// Reads from a reserved descriptor; 0 at its end.
pub fn read_reserved(number: usize, buffer: &mut [u8]) -> Result<usize> {
    let fd = RESERVED + number as RawFd;
    // SAFETY: the kernel writes at most as many bytes as the buffer has.
    count(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) })
}

/// Writes to a reserved descriptor.
pub fn write_reserved(number: usize, bytes: &[u8]) -> Result<usize> {
    let fd = RESERVED + number as RawFd;
    // SAFETY: the kernel reads as many bytes as there are.
    count(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) })
}

/// Lends a reserved descriptor.
pub fn borrow_reserved<T>(number: usize, then: impl FnOnce(BorrowedFd<'_>) -> T) -> T {
    // SAFETY: reserved descriptors stay open as long as the process lives.
    then(unsafe { BorrowedFd::borrow_raw(RESERVED + number as RawFd) })
}

/// `clone(2)` with `CLONE_PARENT`: a child of this process's parent. Gives its process id in this
/// process, 0 in the child.
pub fn fork_sibling() -> Result<i32> {
    let flags = (libc::CLONE_PARENT | libc::SIGCHLD) as libc::c_ulong;
    // SAFETY: no stack is given, so both go on with their own copy of this one; the process has
    // one thread, as whoever calls this sees to.
    check(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } as c_int)
}

/// `_exit(2)`.
pub fn exit(status: i32) -> ! {
    // SAFETY: ends this process without running the handlers of its parent's program.
    unsafe { libc::_exit(status) }
}

/// `setresgid(2)` and `setresuid(2)` of the effective ids alone, in this order.
pub fn set_effective(uid: u32, gid: u32) -> Result<()> {
    const KEEP: u32 = u32::MAX;
    // SAFETY: takes numbers only.
    check(unsafe { libc::setresgid(KEEP, gid, KEEP) })?;
    // SAFETY: takes numbers only.
    check(unsafe { libc::setresuid(KEEP, uid, KEEP) }).map(drop)
}

/// `setrlimit(2)` of open descriptors, both limits.
pub fn limit_descriptors(limit: u32) -> Result<()> {
    let limit = libc::rlimit { rlim_cur: limit.into(), rlim_max: limit.into() };
    // SAFETY: reads one `rlimit`.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).map(drop)
}

fn pipe_signal() -> libc::sigset_t {
    // SAFETY: both calls fill the set in.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGPIPE);
        set
    }
}

/// Keeps `SIGPIPE` back, until [`take_pipe_signal`] asks for it.
pub fn hold_pipe_signal() -> Result<()> {
    let set = pipe_signal();
    // SAFETY: reads one set; the old one is not asked for.
    check(unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) })
        .map(drop)
}

/// Whether `SIGPIPE` came since this was last asked.
pub fn take_pipe_signal() -> bool {
    let (set, now) = (pipe_signal(), libc::timespec { tv_sec: 0, tv_nsec: 0 });
    // SAFETY: reads the set and the time; what came with the signal is not asked for.
    unsafe { libc::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const now) > 0 }
}

/// `umask(2)`: the bits that files will not get; the old ones.
pub fn umask(mask: u32) -> u32 {
    rustix::process::umask(rustix::fs::Mode::from_bits_retain(mask & 0o777)).bits()
}

/// `io_uring_setup(2)`.
pub fn ring() -> Result<RawFd> {
    super::probe::ring().map(IntoRawFd::into_raw_fd)
}
