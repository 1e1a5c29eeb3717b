//! The least internet: IPv4 with TCP and UDP over a small network, so that the errors of
//! `connect` that only the internet has can be had.
//!
//! ```text
//!                 connect                 the other end agrees
//!  Unconnected ───────────► Asking ─────────────────────────────► Connected
//!    │   ▲                    │ it refuses, resets, or is silent      ▲
//!    │   │ connect            ▼ for too long                          │ a client asks
//!    │   └─────────────────  Failed                                   │
//!    └── listen ──► Listening ────────────────────────────────────────┘
//! ```
//! An attempt to connect is answered when somebody looks at it ([`World::settle`]), as nothing
//! happens here by itself. The machine has the addresses 127.0.0.0/8; routes and hosts are
//! [settings](crate::op::Internet), and every network namespace but the first has none.
//! Left out: IPv6, congestion and windows (a send never waits), names of internet sockets in
//! results, and whatever no cause of the catalogue needs.

mod bind;
mod connect;
mod option;
mod ports;
mod route;
mod transfer;

use super::file::What;
use super::slab::{Id, Slab};
use super::socket::NetId;
use super::stop::{Stop, Tried, fail};
use super::wait::{Attempt, Woken};
use super::world::{Caller, World};
use crate::op::{Bytes, Family, Fd, Manner, Name, NewFlags, Op, Route};
use crate::{Errno, SocketType};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;
use route::Leads;

/// `sizeof(struct sockaddr_in)`
const LENGTH: usize = 16;

pub(crate) type InetId = Id<Socket>;

/// `IPPROTO_TCP`
pub(crate) const TCP: i32 = 6;
/// `IPPROTO_UDP`
pub(crate) const UDP: i32 = 17;

/// An IPv4 address.
type Host = [u8; 4];

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    host: Host,
    port: u16,
}

/// The internet, as far as this machine knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Internet {
    pub(crate) sockets: Slab<Socket>,
    /// Networks, by how many leading bits, and where they are.
    routes: Vec<(Host, u8, Route)>,
    hosts: BTreeMap<Host, Manner>,
    /// Ports for those who do not choose, both ends included.
    ports: (u16, u16),
}

/// An internet socket.
#[derive(Debug, Clone)]
pub(crate) struct Socket {
    pub(crate) kind: SocketType,
    net: NetId,
    local: Option<End>,
    state: State,
    /// The cause of an error that a later call will report.
    error: Option<&'static str>,
    /// What has come.
    inbox: VecDeque<Bytes>,
    /// How many bytes of the first piece were read.
    read: usize,
    /// Nothing more will come.
    ended: bool,
    /// It sends no more.
    no_more_writing: bool,
    broadcast: bool,
    reuse: bool,
    /// `SO_LINGER` with a time of 0: a close resets the connection.
    resets: bool,
    send_timeout: Option<Duration>,
    receive_timeout: Option<Duration>,
}

/// Where an internet socket is in its life.
#[derive(Debug, Clone)]
enum State {
    Unconnected,
    Listening {
        backlog: u32,
        pending: VecDeque<InetId>,
    },
    Asking(Asked),
    Failed,
    Connected(Connection),
    /// A datagram socket's destination.
    Associated(End),
}

/// An attempt to connect.
#[derive(Debug, Clone, Copy)]
struct Asked {
    to: End,
    leads: Leads,
    /// When it is given up.
    until: Duration,
}

/// A connection.
#[derive(Debug, Clone, Copy)]
struct Connection {
    to: End,
    /// The other end, if it is on this machine and was not closed.
    peer: Option<InetId>,
    /// `connect` has said that it stands.
    reported: bool,
    /// When it is given up: something was sent to a host that says nothing.
    until: Option<Duration>,
}

impl Default for Internet {
    fn default() -> Internet {
        Internet {
            sockets: Slab::new(),
            routes: Vec::new(),
            hosts: BTreeMap::new(),
            ports: (32_768, 60_999),
        }
    }
}

impl World {
    pub(crate) fn open_internet(
        &mut self,
        caller: Caller,
        kind: SocketType,
        flags: NewFlags,
    ) -> Tried<Fd> {
        let socket = self.new_internet(kind, self.processes[caller.process].net);
        let what = What::Inet(socket);
        let (_, fd) = self.open_file(caller, what, flags, "socket/descriptor-limit")?;
        Ok(fd)
    }

    fn new_internet(&mut self, kind: SocketType, net: NetId) -> InetId {
        self.internet.sockets.insert(Socket {
            kind,
            net,
            local: None,
            state: State::Unconnected,
            error: None,
            inbox: VecDeque::new(),
            read: 0,
            ended: false,
            no_more_writing: false,
            broadcast: false,
            reuse: false,
            resets: false,
            send_timeout: None,
            receive_timeout: None,
        })
    }

    /// A call on an internet socket.
    pub(crate) fn internet_call(
        &mut self,
        caller: Caller,
        id: InetId,
        op: &Op,
        attempt: &mut Attempt,
    ) -> Tried {
        let fd = op.fd().unwrap_or(-1);
        let file = self.processes[caller.process].descriptor(fd).map(|d| d.file);
        let nonblocking = file.is_some_and(|file| self.files[file].nonblocking);
        self.settle(id);
        let tcp = self.internet.sockets[id].kind == SocketType::Tcp;
        match op {
            Op::Bind { name, .. } => self.bind_internet(caller, id, name),
            Op::Listen { backlog, .. } => self.listen_internet(id, *backlog),
            Op::Accept { flags, .. } => {
                self.accept_internet(caller, id, *flags, nonblocking, attempt)
            }
            Op::Connect { name, .. } if tcp => self.connect_tcp(id, name, nonblocking, attempt),
            Op::Connect { name, .. } => self.connect_udp(id, name),
            Op::Send(message) if tcp => self.send_tcp(id, message),
            Op::Send(message) => self.send_udp(id, message),
            Op::Recv(want) => self.recv_internet(id, want, nonblocking, attempt),
            Op::Shutdown { how, .. } => self.shut_internet(id, *how),
            Op::Getpeername { .. } if !self.internet.sockets[id].has_peer() => {
                Err(fail("name/no-peer"))
            }
            Op::Getsockopt { option, .. } => self.get_internet(id, *option),
            Op::Setsockopt { option, value, .. } => self.set_internet(id, *option, value),
            Op::Ioctl { request, .. } => self.ask_internet(id, *request),
            Op::Lseek { .. } => Err(fail("socket/not-seekable")),
            _ => Err(Stop::Errno(Errno::ENOSYS)),
        }
    }

    /// The address of a call's argument.
    fn check_end(&self, name: &Name, unmapped: &'static str) -> Tried<End> {
        match name {
            Name::Inet { host, port } => Ok(End { host: *host, port: *port }),
            Name::Unmapped => Err(fail(unmapped)),
            Name::Sized(_) => Err(fail("connect/bad-address-length-inet")),
            // The length is looked at before the family.
            Name::Unix(address) if address.socket_length() < LENGTH => {
                Err(fail("connect/bad-address-length-inet"))
            }
            Name::Unix(_) | Name::Foreign(_) => Err(fail("connect/family-mismatch-inet")),
        }
    }

    /// Lets those look again who wait in a call on this socket.
    fn wake_internet(&mut self, id: InetId) {
        let files = &self.files;
        for task in &mut self.tasks {
            let Some(pending) = &mut task.pending else { continue };
            let here = pending.files.iter().any(|file| files[*file].what == What::Inet(id));
            if here && pending.attempt.woken.is_none() {
                pending.attempt.woken = Some(Woken::Ready);
            }
        }
    }

    /// The last descriptor of an internet socket is closed: the other end is told.
    pub(crate) fn bury_internet(&mut self, id: InetId) {
        let socket = self.internet.sockets.remove(id);
        match socket.state {
            State::Listening { pending, .. } => {
                for embryo in pending {
                    self.internet.sockets[embryo].resets = true;
                    self.bury_internet(embryo);
                }
            }
            State::Connected(Connection { peer: Some(peer), .. }) => {
                let reset = socket.resets || !socket.inbox.is_empty();
                self.cut(peer, reset.then_some("recv/reset-inet"));
            }
            _ => {}
        }
    }

    /// The other end of a connection has gone, with an error or without.
    fn cut(&mut self, id: InetId, error: Option<&'static str>) {
        let socket = &mut self.internet.sockets[id];
        socket.ended = true;
        if let State::Connected(connection) = &mut socket.state {
            connection.peer = None;
        }
        if error.is_some() {
            socket.error = error;
            socket.no_more_writing = true;
            socket.inbox.clear();
        }
        self.wake_internet(id);
    }
}

impl Socket {
    fn has_peer(&self) -> bool {
        matches!(self.state, State::Connected(_) | State::Associated(_))
    }
}

/// Whether an address asks to give up what a socket is connected to.
fn dissolves(name: &Name) -> bool {
    matches!(name, Name::Foreign(Family::Unspecified))
}
