//! One socket and its registration: how all types of this module wait.

use super::registration::{self, Guard, Registered};
use crate::connect::Pauses;
use crate::reason::Reason;
use crate::socket::Socket;
use crate::sys::{Errno as Host, libc, option, socket as call};
use crate::{Call, Error, RecvFlags, SocketType};
use ::tokio::io::{Interest, Ready};
use ::tokio::task::coop;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// A socket that does not block, registered with the runtime in which it was made.
#[derive(Debug)]
pub(super) struct Io {
    fd: Registered,
    // Set where the state of the socket is better known than the reactor's view of it.
    untried: [AtomicBool; 2],
    short_reads: AtomicU8,
}

/// Whether a read that is shorter than its buffer has emptied the queue. It has not if it stopped
/// at descriptors or at another sender's bytes, which takes options of the socket, or did when they
/// were queued; or where an urgent byte was that is taken.
const UNKNOWN: u8 = 0;
/// The queue has been empty, so that nothing is in it from before the socket was registered.
const EMPTIED: u8 = 1;
const EMPTY_IT: u8 = 2;
const MAY_NOT: u8 = 3;

/// What a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Read,
    /// Reads what stays in the queue. That there is nothing to peek at (`SO_PEEK_OFF`) does not
    /// mean that there is nothing to receive.
    Peek,
    Write,
}
pub(super) use Direction::{Read, Write};

impl Direction {
    /// That of a receive.
    pub(super) fn of(flags: RecvFlags) -> Direction {
        match flags.contains(RecvFlags::PEEK) {
            true => Direction::Peek,
            false => Read,
        }
    }

    fn interest(self) -> Interest {
        match self {
            // A pending error is reported by the next receive, so it ends the wait for one.
            Read | Direction::Peek => Interest::READABLE.add(Interest::ERROR),
            Write => Interest::WRITABLE,
        }
    }

    fn closed(self, ready: Ready) -> bool {
        match self {
            Read | Direction::Peek => ready.is_read_closed(),
            Write => ready.is_write_closed(),
        }
    }

    fn call(self) -> Call {
        match self {
            Read | Direction::Peek => Call::Recv,
            Write => Call::Send,
        }
    }
}

/// What one call brought, and whether it showed that another would have to wait.
pub(super) struct Done<R> {
    pub(super) value: R,
    pub(super) exhausted: bool,
}

impl Io {
    /// Registers a socket that is set not to block.
    #[track_caller]
    pub(super) fn new(socket: Socket) -> Result<Io, Error> {
        let kind = socket.kind();
        let mut interest = Interest::READABLE | Interest::WRITABLE;
        if kind == SocketType::Stream {
            interest |= Interest::PRIORITY;
        }
        match registration::register(socket, interest) {
            Ok(fd) => Ok(Io {
                fd,
                untried: [AtomicBool::new(true), AtomicBool::new(true)],
                short_reads: AtomicU8::new(UNKNOWN),
            }),
            Err(error) => Err(runtime_error(Call::Socket, kind, &error)),
        }
    }

    /// Registers a socket that may still block.
    #[track_caller]
    pub(super) fn adopt(socket: Socket) -> Result<Io, Error> {
        socket.set_nonblocking(true)?;
        Io::new(socket)
    }

    /// The socket, blocking again.
    pub(super) fn into_blocking(self) -> Result<Socket, Error> {
        let socket = self.fd.into_inner();
        socket.set_nonblocking(false)?;
        Ok(socket)
    }

    pub(super) fn into_socket(self) -> Socket {
        self.fd.into_inner()
    }

    #[inline]
    pub(super) fn socket(&self) -> &Socket {
        self.fd.get_ref()
    }

    /// Whether a call is worth its while before the reactor has reported anything: a new socket is
    /// writable, and one that was just accepted often has something to read.
    #[inline]
    fn untried(&self, direction: Direction) -> bool {
        let flag = &self.untried[usize::from(direction == Write)];
        flag.load(Ordering::Relaxed) && flag.swap(false, Ordering::Relaxed)
    }

    /// Calls until the answer is not `EAGAIN`, waiting in between. Nothing is lost if the future is
    /// dropped: the call is made in its last step.
    ///
    /// `EAGAIN` comes through where waiting for more is in vain: from a receive after the socket
    /// was shut down.
    pub(super) async fn run<R>(
        &self,
        direction: Direction,
        mut call: impl FnMut(&Socket) -> Result<R, Error>,
    ) -> Result<R, Error> {
        coop::cooperative(async {
            if self.untried(direction) {
                match self.once(&mut call) {
                    Err(error) if would_block(&error) => {}
                    done => return done,
                }
            }
            let mut pauses = Pauses::new();
            loop {
                let mut ready = self.ready(direction).await?;
                let error = match self.once(&mut call) {
                    Err(error) if would_block(&error) => error,
                    done => return done,
                };
                // What is closed stays ready for ever, and would be tried for ever.
                let closed = direction.closed(ready.ready());
                let exhausted = self.exhausted(direction);
                if exhausted {
                    ready.clear_ready();
                }
                #[allow(clippy::drop_non_drop, reason = "it shall not be held while waiting")]
                drop(ready);
                match (closed, direction) {
                    (true, Read | Direction::Peek) => return Err(error),
                    (false, _) if exhausted => {}
                    // A datagram socket that had an error in store can be written to again, and
                    // there is no event for what a peek waits for.
                    _ => registration::sleep(pauses.next()).await,
                }
            }
        })
        .await
    }

    /// As [`run`](Io::run), for traits that poll: one task a direction is woken.
    #[inline]
    pub(super) fn poll<R>(
        &self,
        context: &mut Context<'_>,
        direction: Direction,
        mut call: impl FnMut(&Socket) -> Result<Done<R>, Error>,
    ) -> Poll<io::Result<R>> {
        if self.untried(direction) {
            match self.once(&mut call) {
                Err(error) if would_block(&error) => {}
                done => return Poll::Ready(Ok(done?.value)),
            }
        }
        loop {
            let mut ready = ready!(match direction {
                Read | Direction::Peek => self.fd.poll_read_ready(context),
                Write => self.fd.poll_write_ready(context),
            })?;
            match self.once(&mut call) {
                Ok(done) => {
                    if done.exhausted {
                        ready.clear_ready();
                    }
                    return Poll::Ready(Ok(done.value));
                }
                Err(error) if would_block(&error) && !direction.closed(ready.ready()) => {
                    self.exhausted(direction);
                    ready.clear_ready();
                }
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// A call without waiting, which keeps the reactor's view up to date.
    pub(super) fn try_now<R>(
        &self,
        direction: Direction,
        mut call: impl FnMut(&Socket) -> Result<R, Error>,
    ) -> Result<R, Error> {
        if self.untried(direction) {
            return self.once(&mut call);
        }
        let interest = match direction {
            Read | Direction::Peek => Interest::READABLE,
            Write => Interest::WRITABLE,
        };
        let mut outcome = Err(self.socket().error(direction.call(), Host::AGAIN));
        // Its own result says only whether the reactor is to forget that the socket is ready.
        let _ = self.fd.try_io(interest, |_| {
            outcome = self.once(&mut call);
            match &outcome {
                Err(error) if would_block(error) && self.exhausted(direction) => {
                    Err(io::ErrorKind::WouldBlock.into())
                }
                _ => Ok(()),
            }
        });
        outcome
    }

    /// Whether `EAGAIN` means that nothing is there until the reactor reports something.
    fn exhausted(&self, direction: Direction) -> bool {
        match direction {
            Direction::Peek => !self.polls(call::PollFlags::IN),
            Read => {
                if self.short_reads.load(Ordering::Relaxed) == UNKNOWN {
                    self.learn(UNKNOWN, EMPTIED);
                }
                true
            }
            Write => true,
        }
    }

    /// What poll(2) says at once.
    fn polls(&self, events: call::PollFlags) -> bool {
        call::poll(self.socket().as_fd(), events, Duration::ZERO)
            .is_ok_and(|found| found.intersects(events))
    }

    /// Whether a receive has nothing to wait for: the direction of reading was shut down. To be
    /// asked after `EAGAIN`; looks closer only if the reactor still reports something.
    pub(super) fn is_over(&self) -> bool {
        self.fd.try_io(Interest::READABLE, |_| Ok(())).is_ok() && self.polls(call::PollFlags::RDHUP)
    }

    /// One call; again after a signal, which a call that does not wait hardly ever meets.
    #[inline]
    pub(super) fn once<R>(
        &self,
        call: &mut impl FnMut(&Socket) -> Result<R, Error>,
    ) -> Result<R, Error> {
        loop {
            match call(self.socket()) {
                Err(error) if error.is(Host::INTR) => {}
                done => return done,
            }
        }
    }

    async fn ready(&self, direction: Direction) -> Result<Guard<'_>, Error> {
        let kind = self.socket().kind();
        let ready = self.fd.ready(direction.interest()).await;
        ready.map_err(|error| runtime_error(direction.call(), kind, &error))
    }

    /// Waits for the reactor to report something of this interest.
    pub(super) async fn wait(&self, interest: Interest) -> Result<Ready, Error> {
        let ready = coop::cooperative(self.fd.ready(interest)).await;
        match ready {
            Ok(mut guard) => {
                guard.retain_ready();
                Ok(guard.ready())
            }
            Err(error) => Err(runtime_error(Call::Recv, self.socket().kind(), &error)),
        }
    }

    /// Waits until poll(2) says that the socket is writable; `false` if the reactor cannot tell
    /// when, so that the caller has to try again by itself.
    pub(super) async fn writable(&self) -> Result<bool, Error> {
        // Forgotten first and looked at then, so that no report in between is missed.
        let _ = self.fd.try_io(Interest::WRITABLE, |_| -> io::Result<()> {
            Err(io::ErrorKind::WouldBlock.into())
        });
        let polled = call::poll(self.socket().as_fd(), call::PollFlags::OUT, Duration::ZERO);
        match polled {
            Ok(events) if !events.is_empty() => return Ok(true),
            _ => {}
        }
        let mut ready = self.ready(Write).await?;
        ready.retain_ready();
        Ok(!ready.ready().is_write_closed())
    }

    /// The socket, for callers who may change its options.
    pub(super) fn lend(&self) -> BorrowedFd<'_> {
        self.doubt_short_reads();
        self.socket().as_fd()
    }

    /// From now on a short read means nothing.
    pub(super) fn doubt_short_reads(&self) {
        self.short_reads.store(MAY_NOT, Ordering::Relaxed);
    }

    /// Whether a short read has emptied the queue, so that the next has to wait. Reads stop short of
    /// urgent data, too.
    #[inline]
    pub(super) fn short_read_empties(&self) -> bool {
        let known = match self.short_reads.load(Ordering::Relaxed) {
            EMPTIED => self.look_at_options(),
            known => known,
        };
        known == EMPTY_IT && self.fd.try_io(Interest::PRIORITY, |_| Ok(())).is_err()
    }

    #[cold]
    fn look_at_options(&self) -> u8 {
        let off = |name| option::switch(self.socket(), name) == Ok(false);
        let absent = |name| option::switch(self.socket(), name) == Err(Host::NOPROTOOPT);
        let alike =
            off(libc::SO_PASSCRED) && (off(option::SO_PASSPIDFD) || absent(option::SO_PASSPIDFD));
        // Before Linux 6.16 there is no such option, and descriptors may always come.
        let found = if alike && off(option::SO_PASSRIGHTS) { EMPTY_IT } else { MAY_NOT };
        self.learn(EMPTIED, found)
    }

    /// What is known by now: whoever was lent the socket in the meantime may have changed it.
    fn learn(&self, before: u8, found: u8) -> u8 {
        let order = Ordering::Relaxed;
        match self.short_reads.compare_exchange(before, found, order, order) {
            Ok(_) => found,
            Err(now) => now,
        }
    }
}

#[inline]
pub(super) fn would_block(error: &Error) -> bool {
    error.is(Host::AGAIN)
}

/// The runtime could not take the socket, or has shut down.
#[cold]
fn runtime_error(call: Call, kind: SocketType, error: &io::Error) -> Error {
    let errno = Host::from_io_error(error).unwrap_or(Host::CANCELED);
    Error::bare(call, kind, errno).because(Reason::Runtime(error.to_string()))
}
