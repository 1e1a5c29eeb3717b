//! Calls with arguments that no safe wrapper admits, to see which error the kernel answers with.
//!
//! Descriptors are raw numbers here, so that one that is not open can be passed. Memory that is
//! given is always large enough for what the kernel may do with it; memory that is bad is at an
//! address where a process never has any, and the kernel checks it.

use super::{Errno, Result, check, last};
use std::ffi::{c_int, c_void};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use sunpath_core::Call;

/// Where no process has memory: within the first page, which the kernel never maps.
const BAD: usize = 8;

/// The largest buffer that is made to match a length that the caller only claims.
const LARGEST: usize = 1 << 20;

/// A buffer for a call to read or fill.
#[derive(Debug, Clone, Copy)]
pub enum Memory<'a> {
    /// These bytes, then zeros up to the length that is claimed.
    Bytes(&'a [u8]),
    /// A pointer that does not point to memory.
    Bad,
}

/// Bytes that live as long as the call, and are as many as it may touch.
struct Backing {
    bytes: Vec<u8>,
    bad: bool,
}

impl Memory<'_> {
    /// As [`Memory::back`]; the kernel refuses a negative length before it looks at the memory.
    fn back_int(self, claimed: i32) -> Result<Backing> {
        self.back(usize::try_from(claimed).unwrap_or(0))
    }

    /// `E2BIG` if so much is claimed that it would be wasteful to provide.
    fn back(self, claimed: usize) -> Result<Backing> {
        match self {
            Memory::Bad => Ok(Backing { bytes: Vec::new(), bad: true }),
            Memory::Bytes(_) if claimed > LARGEST => Err(Errno::TOOBIG),
            Memory::Bytes(given) => {
                let mut bytes = given.to_vec();
                bytes.resize(given.len().max(claimed).max(1), 0);
                Ok(Backing { bytes, bad: false })
            }
        }
    }
}

impl Backing {
    fn pointer<T>(&mut self) -> *mut T {
        if self.bad {
            std::ptr::without_provenance_mut(BAD)
        } else {
            self.bytes.as_mut_ptr().cast()
        }
    }
}

fn own(fd: c_int) -> Result<OwnedFd> {
    // SAFETY: the kernel has just made this descriptor and nobody else knows of it.
    check(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

fn done(result: libc::ssize_t) -> Result<usize> {
    usize::try_from(result).map_err(|_| last())
}

/// `socket(2)` with any numbers.
pub fn socket(family: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: takes numbers only.
    own(unsafe { libc::socket(family, kind, protocol) })
}

/// `socketpair(2)` with any numbers; the pair is closed again. With `bad`, the place for the
/// descriptors is a bad pointer.
pub fn socketpair(family: i32, kind: i32, protocol: i32, bad: bool) -> Result<()> {
    let mut pair: [c_int; 2] = [-1; 2];
    let place = if bad { std::ptr::without_provenance_mut(BAD) } else { pair.as_mut_ptr() };
    // SAFETY: the kernel writes two descriptors to `place`, or finds that it cannot.
    check(unsafe { libc::socketpair(family, kind, protocol, place) })?;
    pair.into_iter().try_for_each(|fd| own(fd).map(drop))
}

/// `bind(2)` with an address of any bytes and any length.
pub fn bind(fd: RawFd, address: Memory<'_>, length: i32) -> Result<()> {
    let mut backing = address.back_int(length)?;
    // SAFETY: the kernel reads at most `length` bytes of the backing, which has as many.
    check(unsafe { libc::bind(fd, backing.pointer(), length.cast_unsigned()) }).map(drop)
}

/// `connect(2)` with an address of any bytes and any length.
pub fn connect(fd: RawFd, address: Memory<'_>, length: i32) -> Result<()> {
    let mut backing = address.back_int(length)?;
    // SAFETY: as in `bind`.
    check(unsafe { libc::connect(fd, backing.pointer(), length.cast_unsigned()) }).map(drop)
}

/// `sendto(2)` of bytes, to an address of any bytes and any length.
pub fn send_to(fd: RawFd, bytes: &[u8], address: Memory<'_>, length: i32) -> Result<usize> {
    let mut backing = address.back_int(length)?;
    let (data, size) = (bytes.as_ptr().cast(), bytes.len());
    // SAFETY: as in `bind`; the data is a slice.
    done(unsafe { libc::sendto(fd, data, size, QUIET, backing.pointer(), length.cast_unsigned()) })
}

/// Probes neither wait nor raise a signal.
const QUIET: c_int = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;

/// `send(2)` of a buffer of any length, with more flags.
pub fn send(fd: RawFd, buffer: Memory<'_>, length: usize, flags: i32) -> Result<usize> {
    let mut backing = buffer.back(length)?;
    // SAFETY: the kernel reads at most `length` bytes of the backing, which has as many.
    done(unsafe { libc::send(fd, backing.pointer::<c_void>(), length, flags | QUIET) })
}

/// `recv(2)` into a buffer of any length, with more flags. What is received is dropped.
pub fn recv(fd: RawFd, buffer: Memory<'_>, length: usize, flags: i32) -> Result<usize> {
    let mut backing = buffer.back(length)?;
    // SAFETY: the kernel writes at most `length` bytes to the backing, which has as many.
    done(unsafe { libc::recv(fd, backing.pointer(), length, flags | libc::MSG_DONTWAIT) })
}

/// `accept4(2)` with any flags; an address buffer of `room` bytes if one is given.
pub fn accept(fd: RawFd, flags: i32, address: Option<(Memory<'_>, i32)>) -> Result<OwnedFd> {
    let Some((memory, mut room)) = address else {
        let none = std::ptr::null_mut();
        // SAFETY: asks for no address.
        return own(unsafe { libc::accept4(fd, none, none.cast(), flags) });
    };
    let mut backing = memory.back_int(room)?;
    // SAFETY: the kernel writes at most `room` bytes to the backing, which has as many.
    own(unsafe { libc::accept4(fd, backing.pointer(), (&raw mut room).cast(), flags) })
}

/// `getsockname(2)` into a buffer of `room` bytes.
pub fn getsockname(fd: RawFd, buffer: Memory<'_>, mut room: i32) -> Result<()> {
    let mut backing = buffer.back_int(room)?;
    // SAFETY: as in `accept`.
    check(unsafe { libc::getsockname(fd, backing.pointer(), (&raw mut room).cast()) }).map(drop)
}

/// `getpeername(2)` into a buffer of `room` bytes.
pub fn getpeername(fd: RawFd, buffer: Memory<'_>, mut room: i32) -> Result<()> {
    let mut backing = buffer.back_int(room)?;
    // SAFETY: as in `accept`.
    check(unsafe { libc::getpeername(fd, backing.pointer(), (&raw mut room).cast()) }).map(drop)
}

/// `getsockopt(2)` of any option into a buffer of `room` bytes. A descriptor that it answers with
/// (`SO_PEERPIDFD`) has another function.
pub fn getsockopt(
    fd: RawFd,
    level: i32,
    name: i32,
    buffer: Memory<'_>,
    mut room: i32,
) -> Result<()> {
    let mut backing = buffer.back_int(room)?;
    let pointer = backing.pointer();
    // SAFETY: the kernel writes at most `room` bytes to the backing, which has as many.
    check(unsafe { libc::getsockopt(fd, level, name, pointer, (&raw mut room).cast()) }).map(drop)
}

/// `setsockopt(2)` of any option, with a value of any bytes and any length. A value that itself
/// holds a pointer (`SO_ATTACH_FILTER`) is not for this function.
pub fn setsockopt(fd: RawFd, level: i32, name: i32, value: Memory<'_>, length: i32) -> Result<()> {
    if level == libc::SOL_SOCKET && name == libc::SO_ATTACH_FILTER {
        return Err(Errno::INVAL);
    }
    let mut backing = value.back_int(length)?;
    let pointer = backing.pointer::<c_void>();
    // SAFETY: the kernel reads at most `length` bytes of the backing, which has as many.
    check(unsafe { libc::setsockopt(fd, level, name, pointer, length.cast_unsigned()) }).map(drop)
}

/// The most instructions that a packet filter may have (`BPF_MAXINSNS`).
pub const LARGEST_FILTER: u16 = 4096;

/// Kernel memory that a filter made by [`attach_filter`] needs at least, in bytes: the kernel
/// rewrites each division into several instructions of 8 bytes.
pub fn filter_bytes(instructions: u16) -> u64 {
    const EACH: u64 = 5 * 8;
    u64::from(instructions) * EACH
}

/// `setsockopt(2)` `SO_ATTACH_FILTER`: a packet filter of so many instructions, at least one, that
/// divides by X over and over and accepts everything in the end.
pub fn attach_filter(fd: RawFd, instructions: u16) -> Result<()> {
    let divide = (libc::BPF_ALU | libc::BPF_DIV | libc::BPF_X) as u16;
    let step = libc::sock_filter { code: divide, jt: 0, jf: 0, k: 0 };
    let accept = libc::sock_filter { code: libc::BPF_RET as u16, jt: 0, jf: 0, k: u32::MAX };
    let mut filter = vec![step; usize::from(instructions).saturating_sub(1)];
    filter.push(accept);
    let length = filter.len() as u16;
    let program = libc::sock_fprog { len: length, filter: filter.as_mut_ptr() };
    let size = size_of::<libc::sock_fprog>() as libc::socklen_t;
    let (level, name) = (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER);
    // SAFETY: the kernel copies the program, which points to as many instructions as it says.
    check(unsafe { libc::setsockopt(fd, level, name, (&raw const program).cast(), size) }).map(drop)
}

/// `ioctl(2)` of any request whose argument is an `int` or a structure of at most 4 KiB that
/// begins with one and has no pointer; or a bad pointer.
pub fn ioctl(fd: RawFd, request: u64, argument: Memory<'_>) -> Result<i32> {
    let mut backing = argument.back(4096)?;
    // SAFETY: a request of this kind touches no more than the backing has.
    check(unsafe { libc::ioctl(fd, request as _, backing.pointer::<c_void>()) })
}

/// `shutdown(2)` in any direction.
pub fn shutdown(fd: RawFd, how: i32) -> Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::shutdown(fd, how) }).map(drop)
}

/// `listen(2)` on any number.
pub fn listen(fd: RawFd, backlog: i32) -> Result<()> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::listen(fd, backlog) }).map(drop)
}

/// What [`sendmsg`] and [`recvmsg`] pass.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The name and its length.
    pub name: Option<(Memory<'a>, i32)>,
    /// One buffer and its length; `sendmsg` sends it `buffers` times.
    pub data: (Memory<'a>, usize),
    /// `msg_iovlen`.
    pub buffers: usize,
    /// The control buffer and its length.
    pub control: Option<(Memory<'a>, usize)>,
    /// Flags; `MSG_DONTWAIT` and, to send, `MSG_NOSIGNAL` are added.
    pub flags: i32,
}

impl Default for Message<'_> {
    fn default() -> Self {
        Message { name: None, data: (Memory::Bytes(b"x"), 1), buffers: 1, control: None, flags: 0 }
    }
}

/// A message, and the memory that it points to.
struct Built {
    header: libc::msghdr,
    _vectors: Vec<libc::iovec>,
    _memory: [Option<Backing>; 3],
}

impl Message<'_> {
    fn build(self) -> Result<Built> {
        // SAFETY: all zeros is a valid `msghdr`: null pointers with lengths of zero.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        let mut data = self.data.0.back(self.data.1)?;
        let vector = libc::iovec { iov_base: data.pointer(), iov_len: self.data.1 };
        let mut vectors = vec![vector; self.buffers.min(LARGEST)];
        header.msg_iov = vectors.as_mut_ptr();
        header.msg_iovlen = vectors.len() as _;
        let mut name = self.name.map(|(memory, length)| memory.back_int(length)).transpose()?;
        if let (Some(backing), Some((_, length))) = (&mut name, self.name) {
            header.msg_name = backing.pointer();
            header.msg_namelen = length.cast_unsigned();
        }
        let control = self.control.map(|(memory, length)| memory.back(length));
        let mut control = control.transpose()?;
        if let (Some(backing), Some((_, length))) = (&mut control, self.control) {
            header.msg_control = backing.pointer();
            header.msg_controllen = length as _;
        }
        let memory = [Some(data), name, control];
        Ok(Built { header, _vectors: vectors, _memory: memory })
    }
}

/// `sendmsg(2)`. `E2BIG` if a length is claimed that is larger than 1 MiB, unless its memory is
/// bad.
pub fn sendmsg(fd: RawFd, message: Message<'_>) -> Result<usize> {
    let built = message.build()?;
    // SAFETY: each pointer of the header is to memory of `built`, of at least the length next to
    // it, or to none at all, which the kernel checks.
    done(unsafe { libc::sendmsg(fd, &raw const built.header, message.flags | QUIET) })
}

/// `recvmsg(2)`; what it brings is dropped, descriptors are not accepted. `E2BIG` as for
/// [`sendmsg`], and if a control buffer is given whose memory is good.
pub fn recvmsg(fd: RawFd, message: Message<'_>) -> Result<usize> {
    if matches!(message.control, Some((Memory::Bytes(_), _))) {
        return Err(Errno::TOOBIG);
    }
    let mut built = message.build()?;
    let flags = message.flags | libc::MSG_DONTWAIT;
    // SAFETY: as in `sendmsg`; the kernel may write to all of it, and it is exclusively ours.
    done(unsafe { libc::recvmsg(fd, &raw mut built.header, flags) })
}

/// `sendmsg(2)` or `recvmsg(2)` with a header that is not memory.
pub fn bad_header(fd: RawFd, call: Call) -> Result<usize> {
    let bad = std::ptr::without_provenance_mut(BAD);
    match call {
        // SAFETY: the kernel finds that the pointer is bad.
        Call::Recv => done(unsafe { libc::recvmsg(fd, bad, libc::MSG_DONTWAIT) }),
        // SAFETY: the kernel finds that the pointer is bad.
        _ => done(unsafe { libc::sendmsg(fd, bad, QUIET) }),
    }
}

/// `io_uring_setup(2)` with one entry: a descriptor that may not be passed to another process.
pub fn ring() -> Result<OwnedFd> {
    // `struct io_uring_params`, which is all zeros to begin with.
    let mut parameters = [0u64; 15];
    // SAFETY: the kernel reads and fills the structure, which is as large as it expects.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) };
    own(fd as c_int)
}

/// `lseek(2)` to the start.
pub fn lseek(fd: RawFd) -> Result<()> {
    // SAFETY: takes numbers only.
    let at = unsafe { libc::lseek(fd, 0, libc::SEEK_SET) };
    if at < 0 { Err(last()) } else { Ok(()) }
}

/// Makes the call on any descriptor with plain, valid arguments: what comes back depends on the
/// descriptor alone. It really happens: a socket is bound, shut down, or waited on. `EINVAL` for a
/// call that has no descriptor.
pub fn plain(call: Call, fd: RawFd) -> Result<()> {
    let nobody = b"\x01\0\0sunpath-probe-nobody";
    let room = Memory::Bytes(&[]);
    match call {
        Call::Bind => bind(fd, Memory::Bytes(b"\x01\0"), 2),
        Call::Listen => listen(fd, 1),
        Call::Accept => accept(fd, libc::SOCK_CLOEXEC, None).map(drop),
        Call::Connect => connect(fd, Memory::Bytes(nobody), nobody.len() as i32),
        Call::Send => send(fd, Memory::Bytes(b"x"), 1, 0).map(drop),
        Call::Recv => recv(fd, room, 1, 0).map(drop),
        Call::Shutdown => shutdown(fd, libc::SHUT_RDWR),
        Call::Getsockname => getsockname(fd, room, 128),
        Call::Getpeername => getpeername(fd, room, 128),
        Call::Getsockopt => getsockopt(fd, libc::SOL_SOCKET, libc::SO_TYPE, room, 4),
        Call::Setsockopt => setsockopt(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, room, 4),
        Call::Ioctl => ioctl(fd, super::option::SIOCATMARK, room).map(drop),
        Call::Lseek => lseek(fd),
        Call::Socket | Call::Socketpair | Call::Open => Err(Errno::INVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    const STREAM: i32 = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    const DATAGRAM: i32 = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;

    fn stream() -> OwnedFd {
        socket(libc::AF_UNIX, STREAM, 0).unwrap()
    }

    #[test]
    fn numbers_that_make_no_socket() {
        assert_eq!(socket(-1, STREAM, 0).unwrap_err(), Errno::AFNOSUPPORT);
        assert_eq!(socket(libc::AF_UNIX, STREAM, 6).unwrap_err(), Errno::PROTONOSUPPORT);
        assert_eq!(socket(libc::AF_UNIX, 4, 0).unwrap_err(), Errno::SOCKTNOSUPPORT);
        assert_eq!(socketpair(libc::AF_UNIX, STREAM, 0, true), Err(Errno::FAULT));
        assert_eq!(socketpair(libc::AF_UNIX, STREAM, 0, false), Ok(()));
        assert_eq!(socketpair(libc::AF_INET, STREAM, 0, false), Err(Errno::OPNOTSUPP));
    }

    #[test]
    fn addresses_that_are_none() {
        let fd = stream();
        let path = Memory::Bytes(b"\x01\0/a");
        for length in [-1, i32::MIN, 129, i32::MAX, 0, 1, 2, 111, 128] {
            let memory = if length > 128 { Memory::Bad } else { path };
            assert_eq!(connect(fd.as_raw_fd(), memory, length), Err(Errno::INVAL), "{length}");
        }
        assert_eq!(connect(fd.as_raw_fd(), Memory::Bad, 10), Err(Errno::FAULT));
        assert_eq!(bind(fd.as_raw_fd(), Memory::Bytes(b"\x02\0/a"), 10), Err(Errno::INVAL));
        assert_eq!(getsockname(fd.as_raw_fd(), Memory::Bad, 128), Err(Errno::FAULT));
        assert_eq!(getsockname(fd.as_raw_fd(), Memory::Bytes(&[]), -1), Err(Errno::INVAL));
    }

    #[test]
    fn messages_that_are_none() {
        let open = socket(libc::AF_UNIX, DATAGRAM, 0).unwrap();
        let fd = open.as_raw_fd();
        let many = Message { buffers: 1025, ..Message::default() };
        assert_eq!(sendmsg(fd, many), Err(Errno::MSGSIZE));
        assert_eq!(recvmsg(fd, many), Err(Errno::MSGSIZE));
        let control = Some((Memory::Bad, i32::MAX as usize + 1));
        assert_eq!(sendmsg(fd, Message { control, ..many }), Err(Errno::MSGSIZE));
        let one = Message { control, ..Message::default() };
        assert_eq!(sendmsg(fd, one), Err(Errno::NOBUFS));
        assert_eq!(bad_header(fd, Call::Send), Err(Errno::FAULT));
        assert_eq!(bad_header(fd, Call::Recv), Err(Errno::FAULT));
    }

    #[test]
    fn options_that_are_none() {
        let fd = stream();
        let fd = fd.as_raw_fd();
        let four = Memory::Bytes(&[0; 4]);
        assert_eq!(setsockopt(fd, 6, 1, four, 4), Err(Errno::OPNOTSUPP));
        assert_eq!(setsockopt(fd, libc::SOL_SOCKET, 9999, four, 4), Err(Errno::NOPROTOOPT));
        let reuse = libc::SO_REUSEADDR;
        assert_eq!(setsockopt(fd, libc::SOL_SOCKET, reuse, four, 1), Err(Errno::INVAL));
        assert_eq!(setsockopt(fd, libc::SOL_SOCKET, reuse, Memory::Bad, 4), Err(Errno::FAULT));
        assert_eq!(ioctl(fd, 0x1234, four), Err(Errno::NOTTY));
        assert_eq!(shutdown(fd, 3), Err(Errno::INVAL));
        assert_eq!(attach_filter(fd, 1), Ok(()));
    }

    #[test]
    fn a_descriptor_that_is_not_a_socket() {
        let null = std::fs::File::open("/dev/null").unwrap();
        for call in Call::ALL {
            let expected = match call {
                Call::Socket | Call::Socketpair | Call::Open => Err(Errno::INVAL),
                Call::Ioctl => Err(Errno::NOTTY),
                Call::Lseek => Ok(()),
                _ => Err(Errno::NOTSOCK),
            };
            assert_eq!(plain(*call, null.as_raw_fd()), expected, "{call}");
            if expected != Err(Errno::INVAL) {
                assert_eq!(plain(*call, -1), Err(Errno::BADF), "{call}");
            }
        }
    }
}
