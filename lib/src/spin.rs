//! Polling for a bounded time before a receive waits.

use crate::ancillary::{AncillaryBuffer, Received};
use crate::socket::{Socket, Wait, persist};
use crate::sys::{Errno as Host, option, process};
use crate::{Datagram, Error, RecvFlags, SeqPacket, SockAddr, Stream};
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A socket whose receives look again and again for a message, for a bounded time, before they
/// wait for one.
///
/// Waking a process that waits takes far longer than the system calls of a small message. While
/// the peer works on another core, a receiver that does not fall asleep gets its answer sooner:
/// round trips of 64 bytes were measured 8 times faster. The price is a core that is busy during
/// the time given, for each receive that looks in vain: give a time that is a little longer than
/// the peer takes to answer, 20 to 100 µs for one that answers at once, and use it only where
/// latency is worth a core. More than a millisecond is taken for one.
///
/// On one core it can only harm, because the peer cannot run while the receiver spins. So a
/// `Spinning` never spins if this thread and the peer may only run on the same single CPU, as far
/// as can be known when it is made ([`can_help`](Spinning::can_help)), and otherwise learns from
/// failure: after a receive that spun in vain, the next one waits at once; after two, the next
/// three; up to 1023. A receive that spun with success starts over. (Spinning without an end was
/// measured 800 times slower than waiting, on one core.)
///
/// The receives below spin; every other method is that of the socket, and nothing changes for a
/// socket that does not block, nor for a receive with `DONTWAIT`, `WAITALL` or `OOB`. A receive that
/// spins takes what there is, also where `SO_RCVLOWAT` would have one that waits go on.
///
/// ```
/// use std::time::Duration;
/// use sunpath::SeqPacket;
///
/// let (a, b) = SeqPacket::pair()?;
/// let b = b.spin(Duration::from_micros(50));
/// a.send(b"ping")?;
/// let mut buffer = [0; 16];
/// assert_eq!(b.recv(&mut buffer)?.bytes, 4);
/// b.send(b"pong")?;
/// # Ok::<(), sunpath::Error>(())
/// ```
#[derive(Debug)]
pub struct Spinning<S> {
    inner: S,
    spin: Spin,
}

/// When to spin, and for how long.
struct Spin {
    time: Duration,
    can_help: bool,
    /// Receives in a row that spun in vain, up to [`MOST_MISSES`].
    misses: AtomicU32,
    /// Receives that are to wait at once.
    skip: AtomicU32,
}

/// Longer never pays; on one core, the scheduler would let the peer run meanwhile, and the spin
/// would be taken for a success.
const LONGEST: Duration = Duration::from_millis(1);

/// After so many, it is tried once in 1024 receives.
const MOST_MISSES: u32 = 10;

impl Spin {
    fn new(socket: &Socket, time: Duration) -> Spin {
        Spin {
            time: time.min(LONGEST),
            can_help: !time.is_zero() && may_run_apart(socket),
            misses: AtomicU32::new(0),
            skip: AtomicU32::new(0),
        }
    }

    /// Makes a call that receives: at first without waiting, again and again, then waiting.
    #[inline]
    fn receive<T>(
        &self,
        socket: &Socket,
        flags: RecvFlags,
        mut call: impl FnMut(RecvFlags) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if keeps_its_meaning(flags) && self.is_due() {
            match call(flags | RecvFlags::DONTWAIT) {
                Err(error) if error.is(Host::AGAIN) => {}
                done => return done,
            }
            if let Some(done) = self.spin(socket, flags, &mut call) {
                return done;
            }
        }
        persist!(socket, Wait::ToReceive, call(flags))
    }

    fn is_due(&self) -> bool {
        if !self.can_help {
            return false;
        }
        // Two threads that count at once may count one only: it does not matter.
        match self.skip.load(Ordering::Relaxed) {
            0 => true,
            left => {
                self.skip.store(left - 1, Ordering::Relaxed);
                false
            }
        }
    }

    /// `None` if nothing came.
    fn spin<T>(
        &self,
        socket: &Socket,
        flags: RecvFlags,
        call: &mut impl FnMut(RecvFlags) -> Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        // Virtual time stands still for who does not wait.
        #[cfg(feature = "sim")]
        if crate::sim::of(socket).is_some() {
            return None;
        }
        let start = Instant::now();
        if option::status_flags(socket).is_ok_and(|f| f.contains(rustix::fs::OFlags::NONBLOCK)) {
            return None;
        }
        while start.elapsed() < self.time {
            std::hint::spin_loop();
            match call(flags | RecvFlags::DONTWAIT) {
                Err(error) if error.is(Host::AGAIN) => {}
                done => {
                    self.misses.store(0, Ordering::Relaxed);
                    return Some(done);
                }
            }
        }
        let misses = (self.misses.load(Ordering::Relaxed) + 1).min(MOST_MISSES);
        self.misses.store(misses, Ordering::Relaxed);
        self.skip.store((1 << misses) - 1, Ordering::Relaxed);
        None
    }
}

/// Whether a receive brings the same with `DONTWAIT`, if it brings anything. `WAITALL` would bring a
/// part, urgent data is there or not without waiting, and who said `DONTWAIT` wants no wait at all.
#[inline]
fn keeps_its_meaning(flags: RecvFlags) -> bool {
    let others = [RecvFlags::DONTWAIT, RecvFlags::WAITALL, RecvFlags::OOB];
    !others.iter().any(|other| flags.contains(*other))
}

impl fmt::Debug for Spin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (time, can_help) = (self.time, self.can_help);
        f.debug_struct("Spin").field("time", &time).field("can_help", &can_help).finish()
    }
}

/// Whether this thread and the peer may run on different CPUs; `true` if that cannot be known, but
/// the machine has several.
fn may_run_apart(socket: &Socket) -> bool {
    if process::online_cpus() < 2 {
        return false;
    }
    // Of a pair, and of a datagram socket, it is this process or nobody.
    let peer = match option::peer_credentials(socket) {
        Ok(peer) if peer.pid > 0 => peer.pid.cast_unsigned(),
        _ => return true,
    };
    if peer == std::process::id() {
        return true;
    }
    match (process::only_cpu(None), process::only_cpu(Some(peer))) {
        (Ok(Some(ours)), Ok(Some(theirs))) => ours != theirs,
        _ => true,
    }
}

impl<S> Spinning<S> {
    /// Whether it will ever spin: the time is not zero, and this thread and the peer may run on
    /// different CPUs, by what was known when it was made: which CPUs the two may use, if a
    /// `connect` told who the peer is; otherwise, and so always for pairs and datagrams, whether
    /// the machine has several.
    pub fn can_help(&self) -> bool {
        self.spin.can_help
    }

    /// The socket, which does not spin any more.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S> Deref for Spinning<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.inner
    }
}

impl Stream {
    /// Has receives look for data for a while before they wait: see [`Spinning`].
    pub fn spin(self, time: Duration) -> Spinning<Stream> {
        Spinning { spin: Spin::new(self.socket(), time), inner: self }
    }
}

impl SeqPacket {
    /// Has receives look for a message for a while before they wait: see [`Spinning`].
    pub fn spin(self, time: Duration) -> Spinning<SeqPacket> {
        Spinning { spin: Spin::new(self.socket(), time), inner: self }
    }
}

impl Datagram {
    /// Has receives look for a message for a while before they wait: see [`Spinning`].
    pub fn spin(self, time: Duration) -> Spinning<Datagram> {
        Spinning { spin: Spin::new(self.socket(), time), inner: self }
    }
}

impl Spinning<Stream> {
    /// As [`Stream::recv`].
    #[inline]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<usize, Error> {
        let socket = self.inner.socket();
        self.spin.receive(socket, RecvFlags::NONE, |flags| socket.recv(buffer, flags))
    }

    /// As [`Stream::recv_message`].
    pub fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        let socket = self.inner.socket();
        self.spin.receive(socket, flags, |flags| socket.recv_message(buffers, ancillary, flags))
    }

    /// As [`Stream::recv_with`].
    pub fn recv_with(
        &self,
        buffer: &mut [u8],
        ancillary: &mut AncillaryBuffer,
    ) -> Result<Received, Error> {
        self.recv_message(&mut [IoSliceMut::new(buffer)], ancillary, RecvFlags::NONE)
    }
}

impl Spinning<SeqPacket> {
    /// As [`SeqPacket::recv`].
    #[inline]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<Received, Error> {
        let socket = self.inner.socket();
        self.spin.receive(socket, RecvFlags::NONE, |flags| socket.recv_packet(buffer, flags))
    }

    /// As [`SeqPacket::recv_message`].
    pub fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<Received, Error> {
        let socket = self.inner.socket();
        self.spin.receive(socket, flags, |flags| socket.recv_message(buffers, ancillary, flags))
    }

    /// As [`SeqPacket::recv_with`].
    pub fn recv_with(
        &self,
        buffer: &mut [u8],
        ancillary: &mut AncillaryBuffer,
    ) -> Result<Received, Error> {
        self.recv_message(&mut [IoSliceMut::new(buffer)], ancillary, RecvFlags::NONE)
    }
}

impl Spinning<Datagram> {
    /// As [`Datagram::recv`].
    #[inline]
    pub fn recv(&self, buffer: &mut [u8]) -> Result<Received, Error> {
        let socket = self.inner.socket();
        self.spin.receive(socket, RecvFlags::NONE, |flags| socket.recv_datagram(buffer, flags))
    }

    /// As [`Datagram::recv_from`].
    pub fn recv_from(&self, buffer: &mut [u8]) -> Result<(Received, SockAddr), Error> {
        let socket = self.inner.socket();
        self.spin.receive(socket, RecvFlags::NONE, |flags| socket.recv_from(buffer, flags))
    }

    /// As [`Datagram::recv_message`].
    pub fn recv_message(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        ancillary: &mut AncillaryBuffer,
        flags: RecvFlags,
    ) -> Result<(Received, SockAddr), Error> {
        let socket = self.inner.socket();
        self.spin.receive(socket, flags, |flags| {
            crate::ancillary::receive_from(socket, buffers, ancillary, flags)
        })
    }

    /// As [`Datagram::recv_with`].
    pub fn recv_with(
        &self,
        buffer: &mut [u8],
        ancillary: &mut AncillaryBuffer,
    ) -> Result<(Received, SockAddr), Error> {
        self.recv_message(&mut [IoSliceMut::new(buffer)], ancillary, RecvFlags::NONE)
    }
}

impl Read for &Spinning<Stream> {
    /// Goes on after a signal.
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match buffer.is_empty() {
            true => Ok(0),
            false => Ok(self.recv(buffer)?),
        }
    }
}

impl Read for Spinning<Stream> {
    /// Goes on after a signal.
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for &Spinning<Stream> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.inner).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.inner).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Spinning<Stream> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SocketType;

    /// A spin that has the misses and skips of so many receives in vain behind it.
    fn after(calls: u32) -> (Spin, u32) {
        let (a, _b) = Socket::pair(SocketType::Stream).unwrap();
        let spin = Spin { can_help: true, ..Spin::new(&a, Duration::from_nanos(1)) };
        let mut spun = 0;
        for _ in 0..calls {
            if spin.is_due() {
                spun += 1;
                let never = |_| Err::<(), _>(a.error(crate::Call::Recv, Host::AGAIN));
                assert!(spin.spin(&a, RecvFlags::NONE, &mut { never }).is_none());
            }
        }
        (spin, spun)
    }

    #[test]
    fn failures_make_it_rare() {
        assert_eq!(after(1).1, 1);
        // 1, then after skips of 1, 3, 7, 15 ... 1023.
        assert_eq!(after(1 + 2 + 4 + 8).1, 4);
        assert_eq!(after(10_000).1, 10 + (10_000 - 2047) / 1024 + 1);
    }

    #[test]
    fn success_starts_over() {
        let (spin, _) = after(1 + 2 + 4);
        let spin = Spin { time: Duration::from_secs(60), ..spin };
        let (a, _b) = Socket::pair(SocketType::Stream).unwrap();
        assert_eq!(spin.misses.load(Ordering::Relaxed), 3);
        let mut tries = 0;
        let done = spin.spin(&a, RecvFlags::NONE, &mut |_| {
            tries += 1;
            if tries < 5 { Err(a.error(crate::Call::Recv, Host::AGAIN)) } else { Ok(tries) }
        });
        assert_eq!(done, Some(Ok(5)));
        assert_eq!(spin.misses.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_socket_that_does_not_block_does_not_spin() {
        let (a, _b) = Socket::pair(SocketType::Stream).unwrap();
        a.set_nonblocking(true).unwrap();
        let spin = Spin { can_help: true, ..Spin::new(&a, Duration::from_secs(60)) };
        let mut tries = 0;
        let error = spin.receive(&a, RecvFlags::NONE, |flags| {
            tries += 1;
            a.recv(&mut [0; 1], flags)
        });
        assert!(error.unwrap_err().is(Host::AGAIN));
        assert_eq!(tries, 2);
    }

    #[test]
    fn no_time_is_no_spin() {
        let (a, _b) = Socket::pair(SocketType::Stream).unwrap();
        assert!(!Spin::new(&a, Duration::ZERO).can_help);
    }
}
