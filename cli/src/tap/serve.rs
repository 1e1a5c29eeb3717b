//! Waits for clients, and gives each a thread.

use super::datagram::Switch;
use super::end::End;
use super::in_place::InPlace;
use super::listener::Listener;
use super::relay::Relay;
use super::socket::Socket;
use super::transcript::{Connection, Scribe, Sink, What, Who, Wishes};
use super::{Ended, target};
use crate::failure::Told;
use crate::out::{self, Stop};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno as Host;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use sunpath::sys::stopping::Stopping;
use sunpath::{Address, Endpoint, Errno, Error, SocketType};

/// How often it is looked whether the path still is the tap's.
const LOOK: Duration = Duration::from_millis(200);

/// A client that looked the path up before it was restored may still be about to come.
const LATE: Duration = Duration::from_millis(100);

/// A pause when nothing more can be opened.
const FULL: Duration = Duration::from_millis(50);

/// What every connection needs.
#[derive(Debug)]
pub struct Shared {
    /// Where the server is.
    pub target: Address,
    /// What it is called.
    pub shown: Address,
    /// The type of all sockets.
    pub kind: SocketType,
    /// Credentials are passed on.
    pub credentials: bool,
    /// Where the transcript goes.
    pub sink: Arc<Sink>,
    /// What the user wants to read.
    pub wishes: Arc<Wishes>,
    /// How many connections there were.
    pub count: AtomicU64,
    /// How many there are.
    pub active: AtomicU64,
}

impl Shared {
    /// Writes down what happens on a new connection.
    pub fn scribe(&self, client: Who, server: Who) -> Scribe {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let connection = Connection { number, kind: self.kind, client, server };
        Scribe::new(Arc::clone(&self.sink), Arc::clone(&self.wishes), connection)
    }

    /// An error, with its diagnosis where there is one, about the server's file by its own name.
    pub fn told(&self, error: &io::Error) -> String {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(own) if own.address() == Some(&self.target) && self.shown != self.target => {
                let kind = Host::from_raw_os_error(own.raw_os_error()).told();
                let endpoint = Endpoint::Unix(self.shown.clone());
                let why = sunpath::why_of(own.call(), self.kind, &endpoint, error);
                format!("{} {}: {kind}\n{why}", own.call(), self.shown)
            }
            Some(own) => format!("{own:#}"),
            None => error.told(),
        }
    }
}

/// Serves until a signal comes, or the place is lost.
pub fn until_stopped(
    listener: &Listener,
    shared: &Arc<Shared>,
    stopping: &Stopping,
    place: Option<&InPlace>,
) -> Result<(Ended, Switch), Stop> {
    let mut switch = Switch::default();
    let mut looked = Instant::now();
    loop {
        let mut wait = place.map(|_| LOOK);
        if let Some(pause) = switch.pause() {
            wait = Some(wait.map_or(pause, |wait| wait.min(pause)));
        }
        let [ready, stop] = sleep(listener, stopping, wait, &switch)?;
        if stop {
            return Ok((Ended::Stopped, switch));
        }
        take(listener, shared, &mut switch, ready)?;
        if let Some(place) = place.filter(|_| looked.elapsed() >= LOOK) {
            looked = Instant::now();
            if let Some(why) = place.superseded() {
                return Ok((Ended::Lost(why), switch));
            }
        }
    }
}

/// Takes the clients that have come already, and lets connections end by themselves for a while.
pub fn drain(
    listener: &Listener,
    shared: &Arc<Shared>,
    mut switch: Switch,
    grace: Duration,
) -> Result<(), Stop> {
    let began = Instant::now();
    loop {
        let mut polled = [PollFd::new(listener, PollFlags::IN)];
        let pause = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        let ready = poll(&mut polled, Some(&pause)).is_ok_and(|ready| ready > 0);
        take(listener, shared, &mut switch, ready)?;
        let quiet = !ready && shared.active.load(Ordering::Acquire) == 0;
        if quiet && began.elapsed() >= LATE || began.elapsed() >= grace.max(LATE) {
            return Ok(());
        }
    }
}

/// Waits until a client is there, or a signal.
fn sleep(
    listener: &Listener,
    stopping: &Stopping,
    wait: Option<Duration>,
    switch: &Switch,
) -> Result<[bool; 2], Stop> {
    let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
    let wanted = if switch.is_blocked() { PollFlags::empty() } else { PollFlags::IN };
    let mut polled = vec![
        PollFd::from_borrowed_fd(stopping.as_fd(), PollFlags::IN),
        PollFd::new(listener, wanted),
    ];
    polled.extend(switch.sockets().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
    match poll(&mut polled, wait.as_ref()) {
        Ok(_) | Err(Host::INTR) => {}
        Err(errno) => return Err(Stop::trouble(format!("cannot wait: {}", errno.told()))),
    }
    let ready = polled[1..].iter().any(|fd| !fd.revents().is_empty());
    Ok([ready, !polled[0].revents().is_empty()])
}

/// Takes all clients that wait, or passes on all datagrams.
fn take(
    listener: &Listener,
    shared: &Arc<Shared>,
    switch: &mut Switch,
    ready: bool,
) -> Result<(), Stop> {
    loop {
        let accepted = match listener {
            Listener::Stream(listener) if ready => listener.accept().map(Socket::Stream),
            Listener::Packet(listener) if ready => listener.accept().map(Socket::Packet),
            Listener::Stream(_) | Listener::Packet(_) => return Ok(()),
            Listener::Datagram(socket) => {
                switch.serve(socket, shared);
                return Ok(());
            }
        };
        match accepted {
            Ok(client) => begin(client, shared),
            Err(error) if error.errno() == Some(Errno::EAGAIN) => return Ok(()),
            Err(error) if matches!(error.errno(), Some(Errno::EMFILE | Errno::ENFILE)) => {
                out::complain(&format!("a client has to wait: {error}"));
                std::thread::sleep(FULL);
                return Ok(());
            }
            Err(error) => return Err(Stop::trouble(format!("{error:#}"))),
        }
    }
}

/// Gives a client a thread of its own.
fn begin(client: Socket, shared: &Arc<Shared>) {
    const STACK: usize = 512 << 10;
    let own = Arc::clone(shared);
    shared.active.fetch_add(1, Ordering::AcqRel);
    let thread = std::thread::Builder::new().name("relay".into()).stack_size(STACK);
    let started = thread.spawn(move || {
        let _leaving = Leaving(&own);
        if let Err(error) = relay(client, &own) {
            out::complain(&own.told(&error));
        }
    });
    if let Err(error) = started {
        // The client was in the closure, and is closed with it.
        shared.active.fetch_sub(1, Ordering::AcqRel);
        out::complain(&format!("a client was sent away: no thread for it: {}", error.told()));
    }
}

/// Counts a connection out, whatever ends it.
struct Leaving<'a>(&'a Shared);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::AcqRel);
    }
}

fn relay(client: Socket, shared: &Shared) -> io::Result<()> {
    let client = End::new(client, shared.credentials)?;
    let of_client = Who::of(client.peer());
    let server = match target::connect(&shared.target, shared.kind) {
        Ok(server) => End::new(server, shared.credentials)?,
        Err(error) => {
            let mut scribe = shared.scribe(of_client, Who::default());
            scribe.tell(What::Refused { why: &error.to_string() });
            // As near to a refused connection as one that is made already can be.
            drop(client);
            return Err(error.into());
        }
    };
    let mut scribe = shared.scribe(of_client, Who::of(server.peer()));
    scribe.tell(What::Open);
    Relay::new(client, server, scribe)?.run()
}
