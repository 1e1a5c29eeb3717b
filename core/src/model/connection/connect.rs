//! `connect` of streams and sequenced packets.
//!
//! ```text
//!  look the target up ──► refused ─────────────────────────────────► error
//!     ▲        │
//!     │        ▼            nobody may wait, time ran out
//!     │    backlog full ──────────────────────────────────────────► error
//!     │        │  │
//!     └────────│──┘ somebody accepted, or listens with a longer backlog, or the listener closed
//!              ▼
//!          own state ──► connected already, or a listener ─────────► error
//!              │
//!              ▼
//!          the embryo joins the backlog ──► connected
//!                                      └──► connecting, until it is accepted (LOCAL_CONNWAIT)
//! ```

use crate::SocketType;
use crate::model::create::peer_credentials;
use crate::model::file::FileId;
use crate::model::socket::{Options, SocketId, State};
use crate::model::stop::{Block, Stop, Tried, fail};
use crate::model::wait::{Attempt, Line, Waiting, Wake, Woken};
use crate::model::world::{Caller, World, descriptor};
use crate::op::{Fd, Name, Ret};
use crate::profile::{Concurrent, Connected, Inherited, Inherits, WhenFull};

const WAITING: Waiting = Waiting {
    would_block: "connect/backlog-full",
    timed_out: "connect/timed-out",
    interrupted: "connect/interrupted",
    waits: "wait/backlog-full",
};

impl World {
    pub(crate) fn connect(
        &mut self,
        caller: Caller,
        fd: Fd,
        name: &Name,
        attempt: &mut Attempt,
    ) -> Tried {
        let found = self.socket(caller, fd, descriptor!("connect"));
        if let Err(Stop::Fail { id: "connect/not-a-socket-descriptor", .. }) = found {
            // The address is copied before the descriptor is known to be a socket.
            check_copied(name)?;
        }
        let (file, id) = found?;
        let fails = *self.profile.names.concurrent == Concurrent::ConnectFails;
        if fails && self.sockets[id].busy {
            return Err(fail("connect/concurrent-connect"));
        }
        if self.sockets[id].kind == SocketType::Datagram {
            return self.associate(caller, id, name);
        }
        // It does not look whether it could go on: if it was woken for that, too, that is lost.
        if attempt.woken == Some(Woken::Interrupted) {
            return Err(fail("connect/interrupted"));
        }
        if attempt.queued {
            return self.await_accept(id);
        }
        let own_state_first = *self.profile.connection.own_state_first;
        if own_state_first {
            self.check_own_state(id)?;
        }
        let address = self.check_target(name, "connect/bad-pointer")?;
        if !attempt.waited {
            self.name_implicitly(id)?;
            self.check_room(self.sockets[id].kind, 1, "connect/out-of-memory")?;
        }
        let found = self.find_socket(caller, id, &address);
        let listener = found.map_err(|stop| closed(stop, attempt))?;
        self.check_listener(listener)?;
        if self.backlog_is_full(listener) {
            let waits = *self.profile.connection.backlog_full == WhenFull::Waits;
            let may_wait = waits && !self.files[file].nonblocking;
            let timeout = self.sockets[id].options.send_timeout;
            let place = (listener, Line::Room);
            return Err(self.wait_or_fail(attempt, may_wait, timeout, place, &WAITING));
        }
        if !own_state_first {
            self.check_own_state(id)?;
        }
        self.check_scope(caller, listener)?;
        let embryo = self.join_backlog(caller, id, listener);
        self.complete(file, id, [listener, embryo], attempt)
    }

    fn check_own_state(&self, id: SocketId) -> Tried<()> {
        match self.sockets[id].state {
            State::Unconnected => Ok(()),
            State::Connected(_) => Err(fail("connect/already-connected")),
            State::Connecting(_) => Err(fail("connect/concurrent-connect")),
            State::Listening(_) => Err(fail("connect/from-listener")),
        }
    }

    fn check_listener(&self, listener: SocketId) -> Tried<()> {
        let socket = &self.sockets[listener];
        match socket.state {
            State::Listening(_) if socket.no_more_reading => {
                Err(fail("connect/listener-shut-down"))
            }
            State::Listening(_) => Ok(()),
            _ => Err(fail("connect/not-listening")),
        }
    }

    fn backlog_is_full(&self, listener: SocketId) -> bool {
        let State::Listening(listening) = &self.sockets[listener].state else { return false };
        let most = self.profile.connection.backlog.most(listening.backlog);
        listening.pending.len() >= most as usize
    }

    /// Makes the server's end and puts it into the backlog.
    fn join_backlog(&mut self, caller: Caller, client: SocketId, at: SocketId) -> SocketId {
        let embryo = self.new_socket(caller, self.sockets[client].kind);
        // Wherever the caller is by now.
        self.sockets[embryo].net = self.sockets[client].net;
        let itself = peer_credentials(&self.processes[caller.process]);
        let listener = &self.sockets[at];
        let (name, theirs) = (listener.name.clone(), listener.peer_credentials.clone());
        let options = listener.options.clone();
        let new = &mut self.sockets[embryo];
        inherit(&options, *self.profile.connection.accept_inherits, &mut new.options);
        if *self.profile.connection.wishes_inherited == Inherited::WithConnect {
            inherit_wishes(&options, &mut new.options);
        }
        new.name = name;
        new.peer_credentials = Some(itself);
        self.sockets[client].peer_credentials = theirs;
        self.join(client, embryo);
        if let State::Listening(listening) = &mut self.sockets[at].state {
            listening.pending.push_back(embryo);
        }
        self.wake(at, Line::Readable, Wake::One);
        self.wake_users(client);
        embryo
    }

    /// The connection is in the backlog: that is all, or it has yet to be accepted.
    fn complete(
        &mut self,
        file: FileId,
        client: SocketId,
        [listener, embryo]: [SocketId; 2],
        attempt: &mut Attempt,
    ) -> Tried {
        let asked = |id: SocketId| self.sockets[id].options.connect_waits;
        let nonblocking = self.files[file].nonblocking;
        let later = match *self.profile.connection.connected {
            Connected::WhenQueued => false,
            Connected::WhenAcceptedIfAsked => asked(client) || asked(listener),
            Connected::WhenAcceptedIfNonblocking => nonblocking,
        };
        if !later {
            return Ok(Ret::Unit);
        }
        self.sockets[client].state = State::Connecting(embryo);
        if nonblocking {
            return Err(fail("connect/in-progress-unix"));
        }
        attempt.queued = true;
        self.await_accept(client)
    }

    /// What a connect does whose connection is in the backlog and yet to be accepted.
    fn await_accept(&mut self, id: SocketId) -> Tried {
        let socket = &mut self.sockets[id];
        if socket.error.take().is_some() {
            return Err(fail("connect/reset"));
        }
        match socket.state {
            State::Connecting(_) => {
                let (places, why) =
                    ([(id, Line::Writable)].into(), self.why_waits(id, "wait/nothing-to-read"));
                Err(Stop::Block(Block { places, why, deadline: None }))
            }
            _ => Ok(Ret::Unit),
        }
    }
}

/// The address as it is copied, before anybody looks at what it says.
fn check_copied(name: &Name) -> Tried<()> {
    const LONGEST: i32 = 128;
    match name {
        Name::Unmapped => Err(fail("connect/bad-pointer")),
        Name::Sized(length) if !(0..=LONGEST).contains(length) => {
            Err(fail("connect/bad-address-length"))
        }
        _ => Ok(()),
    }
}

/// Nobody is there any more where a connect waited for room.
fn closed(stop: Stop, attempt: &Attempt) -> Stop {
    match stop {
        Stop::Fail {
            id: "connect/stale-socket" | "connect/path-rebound" | "connect/abstract-nobody",
            ..
        } if attempt.waited => fail("connect/listener-closed-while-waiting"),
        stop => stop,
    }
}

/// What a listener wants to come with messages, its connections want too.
pub(super) fn inherit_wishes(from: &Options, to: &mut Options) {
    to.pass_credentials = from.pass_credentials;
    to.pass_pidfd = from.pass_pidfd;
    to.pass_security = from.pass_security;
    to.pass_rights = from.pass_rights;
}

/// What an accepted socket has of its listener's other options.
fn inherit(from: &Options, what: Inherits, to: &mut Options) {
    if what != Inherits::Passing {
        to.send_buffer = from.send_buffer;
        to.receive_buffer = from.receive_buffer;
    }
    if what == Inherits::BuffersAndTimeouts {
        to.send_timeout = from.send_timeout;
        to.receive_timeout = from.receive_timeout;
        to.receive_low_water = from.receive_low_water;
    }
}
