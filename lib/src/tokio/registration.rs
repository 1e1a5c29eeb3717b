//! A socket's registration, with the runtime or with a simulation.
//!
//! Without the feature `sim` it is tokio's [`AsyncFd`] itself. With it, it has the same methods for
//! a simulated socket, whose readiness the model tells: it is never out of date, so there is
//! nothing to clear.

use crate::socket::Socket;
use crate::sys::reactor;
use ::tokio::io::Interest;
use ::tokio::io::unix::AsyncFd;
use ::tokio::time::Instant;
use std::io;
use std::time::Duration;

#[cfg(not(feature = "sim"))]
pub(super) type Registered = AsyncFd<Socket>;
#[cfg(not(feature = "sim"))]
pub(super) type Guard<'a> = ::tokio::io::unix::AsyncFdReadyGuard<'a, Socket>;
#[cfg(feature = "sim")]
pub(super) use simulated::{Guard, Registered};

/// Registers a socket with the current runtime, or with the simulation.
#[cfg(not(feature = "sim"))]
#[track_caller]
pub(super) fn register(socket: Socket, interest: Interest) -> io::Result<Registered> {
    with_runtime(socket, interest)
}

#[cfg(feature = "sim")]
#[track_caller]
pub(super) fn register(socket: Socket, interest: Interest) -> io::Result<Registered> {
    match crate::sim::of(&socket) {
        Some(of) => Ok(Registered::simulated(socket, &of)),
        None => with_runtime(socket, interest).map(Registered::Kernel),
    }
}

#[track_caller]
fn with_runtime(socket: Socket, interest: Interest) -> io::Result<AsyncFd<Socket>> {
    // Some calls need a timer, but only under load: a runtime without one is found out now.
    drop(::tokio::time::sleep(Duration::ZERO));
    reactor::register(socket, interest)
}

#[cfg(not(feature = "sim"))]
pub(super) use ::tokio::time::{sleep, sleep_until, timeout};
#[cfg(feature = "sim")]
pub(super) use either::{now, sleep, sleep_until, timeout};

/// The time, by tokio's clock, which may be paused.
#[cfg(not(feature = "sim"))]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Time by tokio's clock, or that of the simulation.
#[cfg(feature = "sim")]
mod either {
    use super::*;
    use crate::sim;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    /// The time.
    pub(in crate::tokio) fn now() -> Instant {
        match sim::current() {
            Some(_) => Instant::from_std(crate::sys::clock::now()),
            None => Instant::now(),
        }
    }

    /// Lets time pass.
    pub(in crate::tokio) async fn sleep(time: Duration) {
        match sim::current() {
            Some(_) => sim::sleep_async(time).await,
            None => ::tokio::time::sleep(time).await,
        }
    }

    /// Waits until this time.
    pub(in crate::tokio) async fn sleep_until(deadline: Instant) {
        match sim::current() {
            Some(_) => sleep(deadline.saturating_duration_since(now())).await,
            None => ::tokio::time::sleep_until(deadline).await,
        }
    }

    /// Waits for a future for so long.
    pub(in crate::tokio) async fn timeout<F: Future>(
        time: Duration,
        future: F,
    ) -> Result<F::Output, ()> {
        let (mut future, mut late) = (pin!(future), pin!(sleep(time)));
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => late.as_mut().poll(context).map(Err),
        })
        .await
    }
}

#[cfg(feature = "sim")]
mod simulated {
    use crate::op::Events;
    use crate::sim::{Place, Simulated};
    use crate::socket::Socket;
    use ::tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
    use ::tokio::io::{Interest, Ready};
    use std::io;
    use std::task::{Context, Poll};

    /// A socket that can be waited for.
    #[derive(Debug)]
    pub(in crate::tokio) enum Registered {
        Kernel(AsyncFd<Socket>),
        Simulated {
            /// For one reader and one writer that poll.
            places: Box<[Place; 2]>,
            socket: Socket,
        },
    }

    /// What was ready.
    pub(in crate::tokio) enum Guard<'a> {
        Kernel(AsyncFdReadyGuard<'a, Socket>),
        Simulated(Ready),
    }

    impl Guard<'_> {
        pub(in crate::tokio) fn ready(&self) -> Ready {
            match self {
                Guard::Kernel(guard) => guard.ready(),
                Guard::Simulated(ready) => *ready,
            }
        }

        pub(in crate::tokio) fn clear_ready(&mut self) {
            if let Guard::Kernel(guard) = self {
                guard.clear_ready();
            }
        }

        pub(in crate::tokio) fn retain_ready(&mut self) {
            if let Guard::Kernel(guard) = self {
                guard.retain_ready();
            }
        }
    }

    impl Registered {
        pub(super) fn simulated(socket: Socket, of: &Simulated) -> Registered {
            Registered::Simulated { places: Box::new([of.place(), of.place()]), socket }
        }

        pub(in crate::tokio) fn get_ref(&self) -> &Socket {
            match self {
                Registered::Kernel(fd) => fd.get_ref(),
                Registered::Simulated { socket, .. } => socket,
            }
        }

        pub(in crate::tokio) fn into_inner(self) -> Socket {
            match self {
                Registered::Kernel(fd) => fd.into_inner(),
                Registered::Simulated { socket, .. } => socket,
            }
        }

        pub(in crate::tokio) async fn ready(&self, interest: Interest) -> io::Result<Guard<'_>> {
            match self {
                Registered::Kernel(fd) => fd.ready(interest).await.map(Guard::Kernel),
                Registered::Simulated { socket, .. } => {
                    let place = simulation_of(socket)?.place();
                    std::future::poll_fn(|context| poll(socket, &place, interest, context)).await
                }
            }
        }

        pub(in crate::tokio) fn poll_read_ready(
            &self,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<Guard<'_>>> {
            match self {
                Registered::Kernel(fd) => {
                    fd.poll_read_ready(context).map(|guard| guard.map(Guard::Kernel))
                }
                Registered::Simulated { socket, places } => {
                    poll(socket, &places[0], Interest::READABLE, context)
                }
            }
        }

        pub(in crate::tokio) fn poll_write_ready(
            &self,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<Guard<'_>>> {
            match self {
                Registered::Kernel(fd) => {
                    fd.poll_write_ready(context).map(|guard| guard.map(Guard::Kernel))
                }
                Registered::Simulated { socket, places } => {
                    poll(socket, &places[1], Interest::WRITABLE, context)
                }
            }
        }

        pub(in crate::tokio) fn try_io<R>(
            &self,
            interest: Interest,
            call: impl FnOnce(&Socket) -> io::Result<R>,
        ) -> io::Result<R> {
            match self {
                Registered::Kernel(fd) => fd.try_io(interest, call),
                Registered::Simulated { socket, .. } => {
                    match ready(simulation_of(socket)?.events(), interest) {
                        Ready::EMPTY => Err(io::ErrorKind::WouldBlock.into()),
                        _ => call(socket),
                    }
                }
            }
        }
    }

    fn poll<'a>(
        socket: &Socket,
        place: &Place,
        interest: Interest,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Guard<'a>>> {
        let of = match simulation_of(socket) {
            Ok(of) => of,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let found = ready(of.events(), interest);
        if !found.is_empty() {
            return Poll::Ready(Ok(Guard::Simulated(found)));
        }
        let mut wanted = Events::NONE;
        for (part, event) in [
            (interest.is_readable(), Events::IN | Events::RDHUP),
            (interest.is_writable(), Events::OUT),
            (interest.is_priority(), Events::PRI),
        ] {
            wanted |= event.when(part);
        }
        of.watch(place, wanted, context.waker());
        Poll::Pending
    }

    /// As tokio sees the events of epoll.
    fn ready(events: Events, interest: Interest) -> Ready {
        let has = |event: Events| events.contains(event);
        let mut ready = Ready::EMPTY;
        let mut add = |condition: bool, what: Ready| {
            if condition {
                ready |= what;
            }
        };
        let hung_up = has(Events::HUP) || has(Events::NVAL);
        if interest.is_readable() {
            add(has(Events::IN) || has(Events::PRI) || has(Events::NVAL), Ready::READABLE);
            add(hung_up || has(Events::RDHUP), Ready::READ_CLOSED);
        }
        if interest.is_writable() {
            add(has(Events::OUT) || has(Events::NVAL), Ready::WRITABLE);
            add(hung_up || has(Events::OUT) && has(Events::ERR), Ready::WRITE_CLOSED);
        }
        add(interest.is_priority() && has(Events::PRI), Ready::PRIORITY);
        add(interest.is_error() && has(Events::ERR), Ready::ERROR);
        ready
    }

    fn simulation_of(socket: &Socket) -> io::Result<Simulated> {
        crate::sim::of(socket).ok_or_else(|| io::Error::other("the simulation is over"))
    }
}
