//! `socket` and `socketpair`.

use super::file::{File, FileId, What};
use super::inet::{TCP, UDP};
use super::process::{Caps, Descriptor, Process};
use super::queue::Queue;
use super::socket::{Options, PeerCredentials, Socket, SocketId, State};
use super::stop::{Stop, Tried, fail};
use super::wait::Waiters;
use super::world::{Caller, World};
use crate::op::{Family, Fd, Kind, New, NewFlags, Ret};
use crate::profile::{Creates, NoProtocol};
use crate::{Errno, SocketType};
use alloc::sync::Arc;

/// `AF_MAX`: numbers from here on are no families anywhere.
const FAMILIES: i32 = 46;
/// `SOCK_MAX`: numbers from here on are no types on Linux.
const TYPES: i32 = 11;
/// The part of the argument that is the type, where it carries flags as well.
const TYPE_BITS: i32 = 0xf;
const FLAG_NONBLOCKING: i32 = 0o4000;
const FLAG_CLOSE_ON_EXEC: i32 = 0o2_000_000;

impl World {
    pub(crate) fn create(&mut self, caller: Caller, new: &New) -> Tried {
        self.check_family_allowed(caller, new)?;
        let new = self.split_flags(new)?;
        let descriptor_first = *self.profile.creation.takes_descriptors_first == Creates::One;
        if descriptor_first {
            self.check_vacancies(caller, 1)?;
        }
        let kind = self.check_new(&new)?;
        self.check_room(kind, 1, "socket/out-of-memory")?;
        self.check_vacancies(caller, 1)?;
        self.check_files(caller, 1)?;
        let fd = if kind.is_unix() {
            let socket = self.new_socket(caller, kind);
            self.open_socket(caller, socket, new.flags, "socket/descriptor-limit")?
        } else {
            self.open_internet(caller, kind, new.flags)?
        };
        Ok(Ret::Fd(fd))
    }

    pub(crate) fn create_pair(&mut self, caller: Caller, new: &New) -> Tried {
        self.check_family_allowed(caller, new)?;
        let new = self.split_flags(new)?;
        let descriptors_first = *self.profile.creation.takes_descriptors_first == Creates::Pair;
        if descriptors_first {
            self.check_vacancies(caller, 2)?;
            check_array(&new)?;
        }
        let kind = self.check_new(&new)?;
        self.check_room(kind, 2, "socket/out-of-memory")?;
        self.check_vacancies(caller, 2)?;
        if !kind.is_unix() {
            return Err(fail("socket/no-pairs-in-family"));
        }
        self.check_files(caller, 2)?;
        check_array(&new)?;
        let [a, b] = [(); 2].map(|()| self.new_socket(caller, kind));
        self.join(a, b);
        let itself = peer_credentials(&self.processes[caller.process]);
        for end in [a, b] {
            self.sockets[end].peer_credentials = Some(itself.clone());
        }
        let a = self.open_socket(caller, a, new.flags, "socket/descriptor-limit")?;
        let b = self.open_socket(caller, b, new.flags, "socket/descriptor-limit")?;
        Ok(Ret::Pair(a, b))
    }

    /// A filter of system calls looks before anything else does.
    fn check_family_allowed(&self, caller: Caller, new: &New) -> Tried<()> {
        let denied = self.processes[caller.process].restrictions.no_unix;
        if denied && new.family == Family::Unix {
            return Err(fail("connect/family-denied"));
        }
        Ok(())
    }

    /// The flags that are hidden in a type that was passed as a number.
    fn split_flags(&self, new: &New) -> Tried<New> {
        let mut new = *new;
        if let Kind::Other(number) = new.kind {
            let unknown = number & !(TYPE_BITS | FLAG_NONBLOCKING | FLAG_CLOSE_ON_EXEC);
            new.flags.unknown |= unknown != 0;
            new.flags.nonblocking |= number & FLAG_NONBLOCKING != 0;
            new.flags.close_on_exec |= number & FLAG_CLOSE_ON_EXEC != 0;
            new.kind = match number & TYPE_BITS {
                1 => Kind::Stream,
                2 => Kind::Datagram,
                3 => Kind::Raw,
                5 => Kind::SeqPacket,
                other => Kind::Other(other),
            };
        }
        if new.flags.unknown {
            if *self.profile.creation.impossible_types {
                return Err(fail("socket/bad-type"));
            }
            new.kind = Kind::Other(TYPES);
        }
        Ok(new)
    }

    /// Family, type and protocol: what kind of socket that is.
    fn check_new(&self, new: &New) -> Tried<SocketType> {
        let rules = &self.profile.creation;
        if matches!(new.family, Family::Other(number) if !(0..FAMILIES).contains(&number)) {
            return Err(fail("socket/family-unsupported"));
        }
        if *rules.impossible_types && matches!(new.kind, Kind::Other(number) if number >= TYPES) {
            return Err(fail("socket/bad-type"));
        }
        match new.family {
            Family::Unix => self.check_unix(new),
            Family::Inet => self.check_internet(new),
            Family::Inet6 if *rules.families_without_protocols => {
                Err(fail("socket/protocol-family-unsupported"))
            }
            _ => Err(fail("socket/family-unsupported")),
        }
    }

    fn check_unix(&self, new: &New) -> Tried<SocketType> {
        let rules = &self.profile.creation;
        if !(new.protocol == 0 || *rules.family_is_protocol && new.protocol == 1) {
            return Err(fail("socket/protocol-unsupported"));
        }
        match new.kind {
            Kind::Stream => Ok(SocketType::Stream),
            Kind::Datagram => Ok(SocketType::Datagram),
            Kind::SeqPacket if *rules.seqpacket => Ok(SocketType::SeqPacket),
            Kind::Raw if *rules.raw_is_datagram => Ok(SocketType::Datagram),
            Kind::SeqPacket | Kind::Raw => Err(fail(match *rules.type_without_protocol {
                NoProtocol::BadType => "socket/type-unsupported",
                NoProtocol::BadProtocol => "socket/protocol-unsupported",
                NoProtocol::WrongType => "socket/type-without-protocol",
            })),
            Kind::Other(0) if *rules.no_type_is_no_protocol => {
                Err(fail("socket/protocol-unsupported"))
            }
            Kind::Other(_) => Err(fail("socket/type-unsupported")),
        }
    }

    fn check_internet(&self, new: &New) -> Tried<SocketType> {
        let rules = &self.profile.creation;
        if *rules.impossible_types && !(0..256).contains(&new.protocol) {
            return Err(Stop::Errno(Errno::EINVAL));
        }
        let (kind, protocol, other) = match new.kind {
            Kind::Stream => (SocketType::Tcp, TCP, UDP),
            Kind::Datagram => (SocketType::Udp, UDP, TCP),
            Kind::Raw => return Err(fail("socket/protocol-unsupported")),
            Kind::SeqPacket | Kind::Other(_) => return Err(fail("socket/type-unsupported")),
        };
        match new.protocol {
            0 => Ok(kind),
            passed if passed == protocol => Ok(kind),
            passed if passed == other && *rules.protocol_of_another_type => {
                Err(fail("socket/type-without-protocol"))
            }
            _ => Err(fail("socket/protocol-unsupported")),
        }
    }

    fn check_vacancies(&self, caller: Caller, wanted: usize) -> Tried<()> {
        if self.processes[caller.process].vacancies() < wanted {
            return Err(fail("socket/descriptor-limit"));
        }
        Ok(())
    }

    /// Whether the system's limit and the kernel's memory admit so many more sockets.
    pub(crate) fn check_room(
        &mut self,
        kind: SocketType,
        wanted: usize,
        out_of_memory: &'static str,
    ) -> Tried<()> {
        if kind.is_unix() && self.sockets.len() + wanted > self.machine.sockets as usize {
            return Err(fail("socket/system-limit"));
        }
        (0..wanted).try_for_each(|_| self.allocate(out_of_memory))
    }

    /// Whether the system's limit admits so many more open files.
    pub(crate) fn check_files(&self, caller: Caller, wanted: usize) -> Tried<()> {
        let full = self.files.len() + wanted > self.machine.files as usize;
        if full && !self.processes[caller.process].credentials.caps.contains(Caps::SYS_ADMIN) {
            return Err(fail("socket/system-limit"));
        }
        Ok(())
    }

    /// A socket without a file.
    pub(crate) fn new_socket(&mut self, caller: Caller, kind: SocketType) -> SocketId {
        let mut options = Options::new(&self.machine);
        if let Some((send, receive)) = self.profile.transfer.spaces.of(kind) {
            options.send_buffer = send;
            options.receive_buffer = receive;
        }
        let process = &self.processes[caller.process];
        let (net, scope) = (process.net, process.restrictions.scope);
        self.sockets.insert(Socket {
            kind,
            net,
            scope,
            state: State::Unconnected,
            name: None,
            no_more_reading: false,
            no_more_writing: false,
            peer_reads_no_more: false,
            error: None,
            queue: Queue::default(),
            unread: 0,
            has_urgent: false,
            charged: 0,
            options,
            peer_credentials: None,
            waiters: Waiters::default(),
            file: None,
            busy: false,
            owner: self.processes[caller.process].credentials.users[1],
            mode: 0o777,
            dead: false,
            holds: 0,
        })
    }

    /// Gives a socket a file, and the caller a descriptor for it.
    pub(crate) fn open_socket(
        &mut self,
        caller: Caller,
        socket: SocketId,
        flags: NewFlags,
        limit: &'static str,
    ) -> Tried<Fd> {
        let (file, fd) = self.open_file(caller, What::Socket(socket), flags, limit)?;
        self.belongs_to(caller, socket, file);
        Ok(fd)
    }

    /// The same under a number that was kept for it.
    pub(crate) fn open_socket_at(
        &mut self,
        caller: Caller,
        socket: SocketId,
        flags: NewFlags,
        fd: Fd,
    ) {
        let what = What::Socket(socket);
        let nonblocking = flags.nonblocking;
        let file = self.files.insert(File { what, nonblocking, references: 1, in_flight: 0 });
        self.processes[caller.process].redeem(fd, Descriptor { file, socket: Some(socket) });
        self.belongs_to(caller, socket, file);
    }

    fn belongs_to(&mut self, caller: Caller, socket: SocketId, file: FileId) {
        let owner = self.processes[caller.process].credentials.users[1];
        let socket = &mut self.sockets[socket];
        (socket.file, socket.owner) = (Some(file), owner);
    }

    /// Opens something, and gives the caller a descriptor for it.
    pub(crate) fn open_file(
        &mut self,
        caller: Caller,
        what: What,
        flags: NewFlags,
        limit: &'static str,
    ) -> Tried<(FileId, Fd)> {
        let nonblocking = flags.nonblocking;
        let file = self.files.insert(File { what, nonblocking, references: 0, in_flight: 0 });
        match self.install(caller, file, limit) {
            Ok(fd) => Ok((file, fd)),
            Err(stop) => {
                self.files.remove(file);
                Err(stop)
            }
        }
    }

    /// Makes two sockets each other's peers.
    pub(crate) fn join(&mut self, a: SocketId, b: SocketId) {
        for (end, other) in [(a, b), (b, a)] {
            self.sockets[end].state = State::Connected(other);
            self.sockets[other].holds += 1;
        }
    }
}

/// The place for a pair's descriptors.
fn check_array(new: &New) -> Tried<()> {
    if new.unmapped { Err(fail("socket/bad-pointer")) } else { Ok(()) }
}

/// What a peer will be told of this process.
pub(crate) fn peer_credentials(process: &Process) -> Arc<PeerCredentials> {
    let supplementary = process.credentials.supplementary.clone();
    Arc::new(PeerCredentials { ids: process.effective(), supplementary })
}
