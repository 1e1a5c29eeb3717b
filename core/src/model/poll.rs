//! `poll`: what is the case of a socket.

use crate::model::file::{FileId, What};
use crate::model::process::ProcessId;
use crate::model::socket::{Socket, SocketId, State};
use crate::model::stop::{Block, Stop, Tried};
use crate::model::wait::{Attempt, Line, Woken};
use crate::model::world::{Caller, TaskId, World};
use crate::op::{Events, Fd, Polled, Ret};
use crate::profile::{PollError, PollHangup, PollUnconnected};
use crate::{Errno, SocketType};
use alloc::vec::Vec;
use core::time::Duration;

/// What is reported whether it was asked for or not.
const ALWAYS: Events = Events::ERR.or(Events::HUP).or(Events::NVAL);

impl World {
    /// What `poll` tells of a descriptor of a task, whatever may be asked for: the readiness of
    /// its socket. [`Events::NVAL`] stands for a number that is no open descriptor.
    ///
    /// # Panics
    /// If there is no such task.
    ///
    /// ```
    /// use sunpath_core::model::World;
    /// use sunpath_core::op::{Events, Kind, New, Op};
    /// use sunpath_core::profile::LINUX;
    ///
    /// let mut world = World::new(LINUX);
    /// let task = world.spawn();
    /// world.step(task, &Op::Socketpair(New::unix(Kind::Stream)));
    /// assert_eq!(world.events(task, 3), Events::OUT);
    /// world.step(task, &Op::Close { fd: 4 });
    /// assert_eq!(world.events(task, 3).to_string(), "in,out,rdhup,hup");
    /// ```
    pub fn events(&self, task: TaskId, fd: Fd) -> Events {
        let process = self.tasks[task.0 as usize].process;
        let caller = Caller { task, process, began_on: None };
        self.polled(caller, fd, Events::ALL)
    }

    pub(crate) fn poll(
        &mut self,
        caller: Caller,
        fds: &[(Fd, Events)],
        timeout: Option<Duration>,
        attempt: &mut Attempt,
    ) -> Tried {
        if fds.len() > self.processes[caller.process].limit as usize {
            return Err(Stop::Errno(Errno::EINVAL));
        }
        let found: Vec<Polled> = fds
            .iter()
            .map(|(fd, wanted)| Polled { fd: *fd, events: self.polled(caller, *fd, *wanted) })
            .collect();
        let something = found.iter().any(|p| !p.events.is_empty());
        let deadline = self.deadline(attempt, timeout);
        if something || deadline.is_some_and(|d| d <= self.now) {
            return Ok(Ret::Polled(found));
        }
        if attempt.woken == Some(Woken::Interrupted) {
            return Err(Stop::Errno(Errno::EINTR));
        }
        let places = fds.iter().flat_map(|(fd, _)| self.places(caller, *fd)).collect();
        Err(Stop::Block(Block { places, why: self.polls_for(caller, fds), deadline }))
    }

    /// What is the case of a descriptor, of what is asked for or always told.
    fn polled(&self, caller: Caller, fd: Fd, wanted: Events) -> Events {
        if fd < 0 {
            return Events::NONE;
        }
        let Ok(file) = self.file(caller, fd, "") else { return Events::NVAL };
        self.file_events(file) & wanted.or(ALWAYS)
    }

    fn file_events(&self, file: FileId) -> Events {
        match self.files[file].what {
            What::Socket(socket) => self.socket_events(socket),
            What::Device => Events::IN.or(Events::OUT),
            What::Path => Events::NVAL,
            What::Inet(socket) => self.internet_events(socket),
            // There is room for requests, and none has been answered.
            What::Ring if *self.profile.ancillary.rings_take_requests => Events::OUT,
            What::Process(of) => of.map_or(Events::NONE, |of| self.process_events(of)),
            What::Ring => Events::NONE,
        }
    }

    /// A process can be waited for once it has ended, and hangs up once somebody did.
    fn process_events(&self, id: ProcessId) -> Events {
        let process = &self.processes[id];
        Events::IN.when(process.gone) | Events::HUP.when(process.reaped)
    }

    pub(crate) fn socket_events(&self, id: SocketId) -> Events {
        let rules = &self.profile.connection;
        let socket = &self.sockets[id];
        let (reading, writing) = (socket.no_more_reading, socket.no_more_writing);
        let readable = Events::IN.when(self.is_readable(socket));
        let writable = Events::OUT.when(self.is_writable(id));
        let mut events = match *rules.poll_hangup {
            PollHangup::BothDirections => {
                let hangup = Events::HUP.when(reading && writing);
                readable | writable | hangup | Events::RDHUP.when(reading)
            }
            PollHangup::EitherDirection if reading || writing => readable | Events::HUP,
            PollHangup::EitherDirection | PollHangup::Never => readable | writable,
        };
        events |= Events::PRI.when(socket.has_urgent);
        if socket.error.is_some() {
            events |= match *rules.poll_error {
                PollError::Err => Events::ERR,
                PollError::InOut => Events::IN.or(Events::OUT),
            };
        }
        if socket.kind != SocketType::Datagram
            && matches!(socket.state, State::Unconnected)
            && *rules.poll_unconnected == PollUnconnected::WritableHangup
        {
            events |= Events::HUP;
        }
        events
    }

    fn is_readable(&self, socket: &Socket) -> bool {
        let pending = matches!(&socket.state, State::Listening(l) if !l.pending.is_empty());
        pending || socket.no_more_reading || !socket.queue.is_empty()
    }

    fn is_writable(&self, id: SocketId) -> bool {
        let socket = &self.sockets[id];
        let connected = match socket.state {
            State::Listening(_) => return false,
            State::Connected(_) => true,
            _ if socket.kind == SocketType::Datagram => true,
            State::Unconnected | State::Connecting(_) => {
                *self.profile.connection.poll_unconnected == PollUnconnected::WritableHangup
            }
        };
        connected && self.has_send_room(id) && self.receiver_has_room(id)
    }

    /// Whether the peer of a datagram socket takes more messages.
    fn receiver_has_room(&self, id: SocketId) -> bool {
        let Some(peer) = self.sockets[id].peer() else { return true };
        let peer = &self.sockets[peer];
        // A peer that has closed has no queue any more.
        peer.peer() == Some(id) || peer.queue.len() <= peer.options.queue_limit as usize
    }

    /// Where somebody stands who polls a descriptor.
    fn places(&self, caller: Caller, fd: Fd) -> Vec<(SocketId, Line)> {
        let Ok(file) = self.file(caller, fd, "") else { return Vec::new() };
        let What::Socket(id) = self.files[file].what else { return Vec::new() };
        let mut places = Vec::from([(id, Line::Readable), (id, Line::Writable)]);
        if let Some(peer) = self.sockets[id].peer()
            && self.sockets[id].kind == SocketType::Datagram
        {
            places.push((peer, Line::Room));
        }
        places
    }

    /// The entry of the catalogue for what a poll waits for.
    fn polls_for(&self, caller: Caller, fds: &[(Fd, Events)]) -> &'static str {
        let listens = |fd: &Fd| {
            let found = self.socket(caller, *fd, ["", ""]);
            found.is_ok_and(|(_, id)| matches!(self.sockets[id].state, State::Listening(_)))
        };
        if fds.iter().any(|(fd, _)| listens(fd)) {
            "wait/nothing-pending"
        } else if fds.iter().all(|(_, wanted)| wanted.contains(Events::OUT)) && !fds.is_empty() {
            "wait/send-buffer-full"
        } else {
            "wait/nothing-to-read"
        }
    }
}
