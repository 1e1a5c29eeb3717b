//! `sendmsg(2)` and `recvmsg(2)` with ancillary data on UNIX domain sockets.

use super::name::Name;
use super::option::Credentials;
use super::socket::raw;
use super::{Result, last};
use rustix::net::{RecvFlags, SendFlags};
use std::ffi::c_int;
use std::io::{IoSlice, IoSliceMut};
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// `SCM_PIDFD` (Linux 6.5).
pub const SCM_PIDFD: c_int = 4;

/// Bytes of `struct cmsghdr`: a length, a level, a type.
const HEADER: usize = size_of::<libc::cmsghdr>();

/// Room for the control messages of the largest message: 253 descriptors, credentials, a pidfd,
/// a time stamp.
pub const CONTROL_ROOM: usize = 1232;

/// Room for `SCM_TIMESTAMP`, which a socket with `SO_TIMESTAMP` delivers before all else.
pub const MARK_ROOM: usize = HEADER + size_of::<libc::timeval>();

/// Rounds up to where the next control message may start.
const fn aligned(length: usize) -> usize {
    length.next_multiple_of(size_of::<usize>())
}

/// Control messages to send, as the bytes that the kernel reads.
#[derive(Debug, Clone, Default)]
pub struct Control(Vec<u8>);

impl Control {
    /// None.
    pub const fn new() -> Control {
        Control(Vec::new())
    }

    /// Appends `SCM_RIGHTS`. They stay open here; the receiver gets descriptors of its own.
    pub fn rights(&mut self, fds: &[BorrowedFd<'_>]) -> &mut Control {
        let numbers: Vec<u8> = fds.iter().flat_map(|fd| fd.as_raw_fd().to_ne_bytes()).collect();
        self.raw(libc::SOL_SOCKET, libc::SCM_RIGHTS, &numbers)
    }

    /// Appends `SCM_CREDENTIALS`.
    pub fn credentials(&mut self, claim: Credentials) -> &mut Control {
        let ids = [claim.pid.to_ne_bytes(), claim.uid.to_ne_bytes(), claim.gid.to_ne_bytes()];
        self.raw(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &ids.concat())
    }

    /// Appends a control message of any kind.
    pub fn raw(&mut self, level: c_int, kind: c_int, data: &[u8]) -> &mut Control {
        self.0.extend((HEADER + data.len()).to_ne_bytes());
        self.0.extend(level.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(data);
        self.0.resize(aligned(self.0.len()), 0);
        self
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// `sendmsg(2)`; `MSG_NOSIGNAL` is always set. `EINTR` only if nothing was sent.
pub fn sendmsg(
    fd: impl AsFd,
    to: Option<&Name>,
    buffers: &[IoSlice<'_>],
    control: &Control,
    flags: SendFlags,
) -> Result<usize> {
    let mut message = empty_header();
    if let Some(name) = to {
        message.msg_name = name.as_bytes().as_ptr().cast_mut().cast();
        message.msg_namelen = name.as_bytes().len() as libc::socklen_t;
    }
    message.msg_iov = buffers.as_ptr().cast_mut().cast();
    message.msg_iovlen = buffers.len() as _;
    if !control.0.is_empty() {
        message.msg_control = control.0.as_ptr().cast_mut().cast();
        message.msg_controllen = control.0.len() as _;
    }
    let flags = (flags | SendFlags::NOSIGNAL).bits() as c_int;
    // SAFETY: name, buffers (`IoSlice` has the layout of `iovec`) and control bytes are borrowed
    // for longer than the call, and the kernel only reads from what a `sendmsg` points to.
    let sent = unsafe { libc::sendmsg(raw(&fd), &raw const message, flags) };
    usize::try_from(sent).map_err(|_| last())
}

/// What one `recvmsg` brought. Descriptors that are not taken out are closed with it.
#[derive(Debug)]
pub struct Received {
    /// Bytes put into the buffers; the length of the whole message with `MSG_TRUNC` among the
    /// flags of the call.
    pub bytes: usize,
    /// The sender's name.
    pub from: Name,
    /// `SCM_RIGHTS`, from all control messages of this type.
    pub descriptors: Vec<OwnedFd>,
    /// `SCM_CREDENTIALS`, if `SO_PASSCRED` is on.
    pub credentials: Option<Credentials>,
    /// `SCM_PIDFD`, if `SO_PASSPIDFD` is on. It may come although nobody asked: an accepted
    /// socket inherits the option from its listener.
    pub pidfd: Option<OwnedFd>,
    /// `MSG_TRUNC`: the message was longer than the buffers, and the rest of it is lost.
    pub truncated: bool,
    /// Whether any control message came.
    pub beside: bool,
    /// `MSG_CTRUNC`: control messages were dropped. The kernel does not say why.
    pub control_truncated: bool,
}

/// `recvmsg(2)`; `MSG_CMSG_CLOEXEC` is always set. `EINTR` only if nothing was received.
/// `control` is room for control messages: [`CONTROL_ROOM`] bytes suffice for any message.
pub fn recvmsg(
    fd: impl AsFd,
    buffers: &mut [IoSliceMut<'_>],
    control: &mut [u8],
    flags: RecvFlags,
) -> Result<Received> {
    let mut from = Name::room();
    let mut message = empty_header();
    let (name, room) = from.parts();
    message.msg_name = name.cast();
    // SAFETY: `room` points to the length in `from`, which is alive.
    message.msg_namelen = unsafe { *room };
    message.msg_iov = buffers.as_mut_ptr().cast();
    message.msg_iovlen = buffers.len() as _;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = control.len() as _;
    let flags = (flags | RecvFlags::CMSG_CLOEXEC).bits() as c_int;
    // SAFETY: name, buffers (`IoSliceMut` has the layout of `iovec`) and control room are
    // exclusively borrowed for longer than the call, and each length is that of its buffer.
    let bytes = unsafe { libc::recvmsg(raw(&fd), &raw mut message, flags) };
    let bytes = usize::try_from(bytes).map_err(|_| last())?;
    from.set_length(message.msg_namelen);
    let mut received = Received {
        bytes,
        from,
        descriptors: Vec::new(),
        credentials: None,
        pidfd: None,
        truncated: message.msg_flags & libc::MSG_TRUNC != 0,
        beside: message.msg_controllen > 0,
        control_truncated: message.msg_flags & libc::MSG_CTRUNC != 0,
    };
    // Its type differs between C libraries.
    let filled = control.len().min(message.msg_controllen as u64 as usize);
    // SAFETY: these bytes are what the kernel wrote in the call above, and are read once.
    unsafe { take_control(&control[..filled], &mut received) };
    Ok(received)
}

fn empty_header() -> libc::msghdr {
    // SAFETY: all zeros is a valid `msghdr`: null pointers with lengths of zero.
    unsafe { std::mem::zeroed() }
}

/// Sorts the control messages into `received`.
///
/// # Safety
/// The bytes are those that the kernel has just filled in, and nobody took ownership of the
/// descriptors in them yet.
unsafe fn take_control(control: &[u8], received: &mut Received) {
    for (level, kind, data) in messages(control) {
        if level != libc::SOL_SOCKET {
            continue;
        }
        match kind {
            libc::SCM_RIGHTS => {
                let numbers = data.chunks_exact(size_of::<c_int>()).map(to_int);
                // SAFETY: the kernel has just made these descriptors for this message.
                let owned = numbers.map(|number| unsafe { OwnedFd::from_raw_fd(number) });
                received.descriptors.extend(owned);
            }
            // A failure to make one is a negative number.
            SCM_PIDFD if data.len() == size_of::<c_int>() && to_int(data) >= 0 => {
                // SAFETY: as above.
                received.pidfd = Some(unsafe { OwnedFd::from_raw_fd(to_int(data)) });
            }
            libc::SCM_CREDENTIALS if data.len() == 3 * size_of::<c_int>() => {
                received.credentials = Some(Credentials {
                    pid: to_int(&data[..4]),
                    uid: to_int(&data[4..8]).cast_unsigned(),
                    gid: to_int(&data[8..]).cast_unsigned(),
                });
            }
            _ => {}
        }
    }
}

/// Splits control bytes into level, type and data. A length that does not fit ends it; a message
/// that was cut short by the room for it counts as far as it goes.
fn messages(mut rest: &[u8]) -> impl Iterator<Item = (c_int, c_int, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from_ne_bytes(*rest.first_chunk()?);
        if length < HEADER || rest.len() < HEADER {
            return None;
        }
        let (header, data) = rest.split_at(HEADER);
        let data = &data[..(length - HEADER).min(data.len())];
        let level = to_int(&header[size_of::<usize>()..][..4]);
        let kind = to_int(&header[size_of::<usize>() + 4..][..4]);
        rest = rest.get(aligned(length)..).unwrap_or_default();
        Some((level, kind, data))
    })
}

fn to_int(bytes: &[u8]) -> c_int {
    bytes.first_chunk().map_or(-1, |b| c_int::from_ne_bytes(*b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;
    use crate::sys::option::{self, SO_PASSPIDFD};
    use crate::sys::socket::{SocketFlags, bind, getsockname, recv, socketpair};
    use proptest::prelude::*;
    use sunpath_core::{Address, SocketType};

    fn pair(kind: SocketType) -> (OwnedFd, OwnedFd) {
        socketpair(kind, SocketFlags::empty()).unwrap()
    }

    fn receive(fd: &OwnedFd, length: usize, control: usize) -> Received {
        let mut bytes = vec![0; length];
        let mut control = vec![0; control];
        let flags = RecvFlags::DONTWAIT;
        recvmsg(fd, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags).unwrap()
    }

    fn send(fd: &OwnedFd, bytes: &[u8], control: &Control) -> Result<usize> {
        sendmsg(fd, None, &[IoSlice::new(bytes)], control, SendFlags::DONTWAIT)
    }

    #[test]
    fn descriptors_arrive_owned_and_close_on_exec() {
        for kind in [SocketType::Stream, SocketType::Datagram, SocketType::SeqPacket] {
            let (a, b) = pair(kind);
            let (x, y) = pair(SocketType::Stream);
            let mut control = Control::new();
            control.rights(&[x.as_fd()]).rights(&[y.as_fd(), a.as_fd()]);
            assert_eq!(send(&a, b"hi", &control), Ok(2));
            let received = receive(&b, 9, CONTROL_ROOM);
            assert_eq!((received.bytes, received.descriptors.len()), (2, 3));
            assert!(!received.truncated && !received.control_truncated);
            for fd in &received.descriptors {
                let flags = rustix::io::fcntl_getfd(fd).unwrap();
                assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_reported() {
        let (a, b) = pair(SocketType::Datagram);
        let mut control = Control::new();
        control.rights(&[a.as_fd(), a.as_fd(), a.as_fd()]);
        send(&a, b"hello", &control).unwrap();
        let received = receive(&b, 2, HEADER + 4);
        assert!(received.truncated && received.control_truncated);
        assert_eq!(received.descriptors.len(), 1);
        send(&a, b"hello", &control).unwrap();
        let received = receive(&b, 9, 0);
        assert!(received.control_truncated && received.descriptors.is_empty());
    }

    #[test]
    fn credentials_and_pidfd_arrive() {
        let (a, b) = pair(SocketType::SeqPacket);
        option::set_switch(&b, libc::SO_PASSCRED, true).unwrap();
        let pidfd = option::set_switch(&b, SO_PASSPIDFD, true).is_ok();
        send(&a, b"x", &Control::new()).unwrap();
        let received = receive(&b, 1, CONTROL_ROOM);
        let pid = received.credentials.unwrap().pid;
        assert_eq!(pid.cast_unsigned(), std::process::id());
        assert_eq!(received.pidfd.is_some(), pidfd);
    }

    #[test]
    fn false_credentials_are_refused() {
        let (a, _b) = pair(SocketType::Stream);
        let mut control = Control::new();
        control.raw(libc::SOL_SOCKET, libc::SCM_CREDENTIALS, &[0; 8]);
        assert_eq!(send(&a, b"x", &control), Err(Errno::INVAL));
    }

    #[test]
    fn the_name_of_the_sender_arrives_and_is_a_destination() {
        let (a, b) = pair(SocketType::Datagram);
        send(&a, b"x", &Control::new()).unwrap();
        assert_eq!(receive(&b, 1, 0).from.address(), Some(Address::Unnamed));
        bind(&a, &Name::new(&Address::Unnamed).unwrap()).unwrap();
        let name = getsockname(&a).unwrap();
        send(&a, b"x", &Control::new()).unwrap();
        assert_eq!(receive(&b, 1, 0).from.address(), name.address());
        let none = Control::new();
        let sent = sendmsg(&b, Some(&name), &[IoSlice::new(b"y")], &none, SendFlags::empty());
        assert_eq!(sent, Ok(1));
        assert_eq!(recv(&a, &mut [0; 3], RecvFlags::DONTWAIT), Ok(1));
    }

    proptest! {
        #[test]
        fn control_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for (_, _, data) in messages(&bytes) {
                prop_assert!(data.len() <= bytes.len());
            }
        }

        #[test]
        fn control_lengths_never_panic(length in any::<usize>(), tail in 0usize..64) {
            let mut bytes = length.to_ne_bytes().to_vec();
            bytes.resize(8 + tail, 1);
            prop_assert!(messages(&bytes).count() <= 64);
        }
    }
}
