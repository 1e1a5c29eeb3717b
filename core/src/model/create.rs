//! `socket` and `socketpair`.

use super::file::{File, What};
use super::process::Process;
use super::socket::{Options, PeerCredentials, Socket, SocketId, State};
use super::stop::{Tried, fail};
use super::world::{Caller, World};
use crate::SocketType;
use crate::op::{Family, Fd, Kind, New, Ret};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

impl World {
    pub(crate) fn create(&mut self, caller: Caller, new: &New) -> Tried {
        let kind = self.check_new(new)?;
        let socket = self.new_socket(caller, kind);
        let fd = self.open_socket(caller, socket, new.flags.nonblocking, "socket/descriptor-limit");
        Ok(Ret::Fd(fd.inspect_err(|_| self.forget(socket))?))
    }

    pub(crate) fn create_pair(&mut self, caller: Caller, new: &New) -> Tried {
        let kind = self.check_new(new)?;
        if self.processes[caller.process].vacancies() < 2 {
            return Err(fail("socket/descriptor-limit"));
        }
        if new.unmapped {
            return Err(fail("socket/bad-pointer"));
        }
        let [a, b] = [(); 2].map(|()| self.new_socket(caller, kind));
        self.join(a, b);
        let itself = peer_credentials(&self.processes[caller.process]);
        for end in [a, b] {
            self.sockets[end].peer_credentials = Some(Box::new(itself.clone()));
        }
        let nonblocking = new.flags.nonblocking;
        let a = self.open_socket(caller, a, nonblocking, "socket/descriptor-limit")?;
        let b = self.open_socket(caller, b, nonblocking, "socket/descriptor-limit")?;
        Ok(Ret::Pair(a, b))
    }

    /// The checks that both calls begin with.
    fn check_new(&self, new: &New) -> Tried<SocketType> {
        let rules = &self.profile.creation;
        if new.flags.unknown || matches!(new.kind, Kind::Other(n) if !(0..11).contains(&n)) {
            return Err(fail("socket/bad-type"));
        }
        if new.family != Family::Unix {
            return Err(fail("socket/family-unsupported"));
        }
        if !(new.protocol == 0 || *rules.family_is_protocol && new.protocol == 1) {
            return Err(fail("socket/protocol-unsupported"));
        }
        match new.kind {
            Kind::Stream => Ok(SocketType::Stream),
            Kind::Datagram => Ok(SocketType::Datagram),
            Kind::SeqPacket if *rules.seqpacket => Ok(SocketType::SeqPacket),
            Kind::Raw if *rules.raw_is_datagram => Ok(SocketType::Datagram),
            Kind::SeqPacket => Err(fail("socket/protocol-unsupported")),
            Kind::Raw | Kind::Other(_) => Err(fail("socket/type-unsupported")),
        }
    }

    /// A socket without a file.
    pub(crate) fn new_socket(&mut self, caller: Caller, kind: SocketType) -> SocketId {
        let machine = &self.machine;
        let options = Options {
            send_buffer: machine.send_buffer,
            receive_buffer: machine.receive_buffer,
            send_timeout: None,
            receive_timeout: None,
            receive_low_water: 1,
            pass_credentials: false,
            pass_pidfd: false,
            pass_security: false,
            pass_rights: true,
            urgent_inline: false,
            inq: false,
            peek_offset: None,
            queue_limit: machine.datagram_queue,
        };
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
            error: None,
            queue: VecDeque::new(),
            charged: 0,
            options,
            peer_credentials: None,
            waiters: Vec::new(),
            file: None,
            busy: false,
            dead: false,
            holds: 0,
        })
    }

    /// Gives a socket a file, and the caller a descriptor for it.
    pub(crate) fn open_socket(
        &mut self,
        caller: Caller,
        socket: SocketId,
        nonblocking: bool,
        limit: &'static str,
    ) -> Tried<Fd> {
        let what = What::Socket(socket);
        let file = self.files.insert(File { what, nonblocking, references: 0, in_flight: 0 });
        let installed = self.install(caller, file, false, limit);
        if installed.is_err() {
            self.files.remove(file);
        } else {
            self.sockets[socket].file = Some(file);
        }
        installed
    }

    /// Makes two sockets each other's peers.
    pub(crate) fn join(&mut self, a: SocketId, b: SocketId) {
        for (end, other) in [(a, b), (b, a)] {
            self.sockets[end].state = State::Connected(other);
            self.sockets[other].holds += 1;
        }
    }
}

/// What a peer will be told of this process.
pub(crate) fn peer_credentials(process: &Process) -> PeerCredentials {
    let supplementary = process.credentials.supplementary.clone();
    PeerCredentials { ids: process.effective(), supplementary }
}
