//! Which sockets of a listing are wanted: the options of every command that shows many.
//!
//! ```text
//!   Selection (command line) ── filter() ──► Filter ── wants(listing, socket) ──► bool
//! ```

use crate::glob;
use crate::out::Stop;
use crate::users;
use clap::{Args, ValueEnum, ValueHint};
use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use sunpath::SocketType;
use sunpath::fact::socket::State;
use sunpath::list::{Holder, Listing, Socket};

/// Options that select sockets. Values of one option are alternatives; different options all have
/// to hold.
#[derive(Debug, Clone, Default, Args)]
#[group(id = "selection", multiple = true)]
#[command(next_help_heading = "Which sockets")]
pub struct Selection {
    /// By name: a path or @NAME; * stands for anything, ? for one character, [a-z] for one of a
    /// set. Without a slash, the last part of a path.
    #[arg(value_name = "GLOB", value_hint = ValueHint::AnyPath)]
    pub names: Vec<OsString>,
    /// By name, as an option.
    #[arg(long = "path", value_name = "GLOB", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<OsString>,
    /// Held by this process.
    #[arg(long, value_name = "PID")]
    pub pid: Vec<u32>,
    /// Held by a process of this user (a name or a uid).
    #[arg(long, value_name = "USER", value_hint = ValueHint::Username)]
    pub user: Vec<OsString>,
    /// Held by a process of this name (a glob).
    #[arg(long, value_name = "NAME", value_hint = ValueHint::CommandName)]
    pub process: Vec<OsString>,
    /// Of this type: stream, datagram or seqpacket.
    #[arg(long = "type", value_name = "TYPE", value_parser = crate::args::socket_type())]
    pub kind: Vec<SocketType>,
    /// In this state.
    #[arg(long, value_name = "STATE", value_enum)]
    pub state: Vec<Stage>,
    /// Listening: the same as --state listening.
    #[arg(long, short)]
    pub listening: bool,
    /// Connected to, or waiting for, a socket that this process holds.
    #[arg(long, value_name = "PID")]
    pub peer: Vec<u32>,
    /// With more than N bytes in the queue; listeners: with more than N connections in it.
    #[arg(long, value_name = "N")]
    pub queue_over: Option<u32>,
}

/// The state of a socket, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Stage {
    /// Takes connections.
    #[value(alias = "listen")]
    Listening,
    /// A connection that nobody has accepted yet.
    Waiting,
    /// Neither listening nor connected.
    Unconnected,
    /// One end of a connection; a datagram socket that sends to one other.
    #[value(alias = "established")]
    Connected,
}

impl Stage {
    /// That of a socket.
    pub fn of(socket: &Socket) -> Stage {
        match socket.state {
            _ if socket.waits_at.is_some() => Stage::Waiting,
            State::Listening => Stage::Listening,
            State::Connected if is_receiver(socket) => Stage::Unconnected,
            State::Unconnected => Stage::Unconnected,
            State::Connected => Stage::Connected,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Listening => "listening",
            Stage::Waiting => "waiting",
            Stage::Unconnected => "unconnected",
            Stage::Connected => "connected",
        }
    }
}

/// A datagram socket to which another has connected, and which is connected to none: the kernel marks
/// it as connected, too. Where it shows no queues it shows no peers either, and nothing can be said.
fn is_receiver(socket: &Socket) -> bool {
    socket.kind == SocketType::Datagram && socket.peer.is_none() && socket.unread.is_some()
}

impl Selection {
    /// What decides, with names of users looked up.
    ///
    /// # Errors
    /// There is no such user.
    pub fn filter(&self) -> Result<Filter, Stop> {
        let names = self.names.iter().chain(&self.paths).map(Wanted::new);
        let mut states = self.state.clone();
        states.extend(self.listening.then_some(Stage::Listening));
        Ok(Filter {
            names: names.collect(),
            pids: self.pid.clone(),
            users: self.user.iter().map(|user| users::number(user)).collect::<Result<_, _>>()?,
            processes: self.process.iter().map(|name| name.clone().into_vec()).collect(),
            kinds: self.kind.clone(),
            states,
            peers: self.peer.clone(),
            queue_over: self.queue_over,
        })
    }
}

/// A name that is wanted.
#[derive(Debug)]
struct Wanted {
    pattern: Vec<u8>,
    /// The file, if the pattern is the path of one: a socket may be bound to it by another name.
    file: Option<Metadata>,
}

impl Wanted {
    fn new(text: &OsString) -> Wanted {
        let pattern = text.as_bytes().to_vec();
        let literal = pattern.contains(&b'/') && !glob::is_pattern(&pattern);
        let file = if literal { std::fs::symlink_metadata(text).ok() } else { None };
        Wanted { pattern, file }
    }

    fn is(&self, socket: &Socket) -> bool {
        let Some(name) = shown_name(socket) else { return false };
        let name = if self.pattern.contains(&b'/') || name.starts_with(b"@") {
            &name[..]
        } else {
            name.rsplit(|b| *b == b'/').next().unwrap_or_default()
        };
        glob::fits(&self.pattern, name)
            || self.file.as_ref().is_some_and(|file| socket.is_bound_to(file))
    }
}

/// The name of a socket as it is typed: a path, or `@` and an abstract name.
pub fn shown_name(socket: &Socket) -> Option<Cow<'_, [u8]>> {
    match socket.name.as_deref()? {
        [0, rest @ ..] => Some(Cow::Owned([b"@", rest].concat())),
        path => Some(Cow::Borrowed(path)),
    }
}

/// Decides which sockets are wanted.
#[derive(Debug)]
pub struct Filter {
    names: Vec<Wanted>,
    pids: Vec<u32>,
    users: Vec<u32>,
    processes: Vec<Vec<u8>>,
    kinds: Vec<SocketType>,
    states: Vec<Stage>,
    peers: Vec<u32>,
    queue_over: Option<u32>,
}

impl Filter {
    /// Processes that were asked for, and that there are not.
    pub fn absent(&self) -> impl Iterator<Item = u32> {
        let asked = self.pids.iter().chain(&self.peers).copied();
        asked.filter(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    }

    /// Whether every socket is wanted.
    pub fn takes_all(&self) -> bool {
        self.names.is_empty()
            && self.pids.is_empty()
            && self.users.is_empty()
            && self.processes.is_empty()
            && self.kinds.is_empty()
            && self.states.is_empty()
            && self.peers.is_empty()
            && self.queue_over.is_none()
    }

    /// Whether a socket of this listing is wanted.
    pub fn wants(&self, listing: &Listing, socket: &Socket) -> bool {
        let holders = || listing.holders(socket);
        any(&self.kinds, |kind| *kind == socket.kind)
            && any(&self.states, |state| *state == Stage::of(socket))
            && self.queue_over.is_none_or(|n| queue(socket) > Some(n))
            && any(&self.names, |name| name.is(socket))
            && any(&self.pids, |pid| holders().iter().any(|h| h.pid == *pid))
            && any(&self.users, |uid| is_of(listing, socket, *uid))
            && any(&self.processes, |name| holders().iter().any(|h| is_called(listing, h, name)))
            && any(&self.peers, |pid| {
                let peer = listing.peer(socket);
                peer.is_some_and(|peer| listing.holders(peer).iter().any(|h| h.pid == *pid))
            })
    }
}

/// No values: nothing is asked for.
fn any<T>(wanted: &[T], fits: impl FnMut(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(fits)
}

/// What waits in the queue: connections of a listener, otherwise bytes.
pub fn queue(socket: &Socket) -> Option<u32> {
    socket.backlog.map(|b| b.pending).or(socket.unread)
}

/// A process of the user holds it; where no holder can be seen, the user made it.
fn is_of(listing: &Listing, socket: &Socket, uid: u32) -> bool {
    match listing.holders(socket) {
        [] => socket.uid == Some(uid),
        holders => holders
            .iter()
            .any(|h| listing.processes.get(&h.pid).is_some_and(|process| process.uid == Some(uid))),
    }
}

fn is_called(listing: &Listing, holder: &Holder, pattern: &[u8]) -> bool {
    listing.processes.get(&holder.pid).is_some_and(|p| glob::fits(pattern, &p.name))
}
