//! `accept`.

use super::connect::inherit_wishes;
use crate::Address;
use crate::SocketType;
use crate::model::file::FileId;
use crate::model::socket::{SocketId, State};
use crate::model::stop::{Stop, Tried, fail};
use crate::model::wait::{Attempt, Line, Waiting, Wake};
use crate::model::world::{Caller, World, descriptor};
use crate::op::{Fd, NewFlags, Out, Ret};
use crate::profile::{AcceptDescriptor, Inherited, Inherits};
use core::time::Duration;

const WAITING: Waiting = Waiting {
    would_block: "accept/nothing-pending",
    timed_out: "accept/timed-out",
    interrupted: "accept/interrupted",
    waits: "wait/nothing-pending",
};

const LIMIT: &str = "accept/descriptor-limit";

impl World {
    /// Where the number of the new descriptor is found before the call waits, it is kept: nothing
    /// else gets it meanwhile.
    pub(crate) fn accept(
        &mut self,
        caller: Caller,
        fd: Fd,
        flags: NewFlags,
        name: Out,
        attempt: &mut Attempt,
    ) -> Tried {
        let claimed = attempt.claimed.take();
        let accepted = self.accept_as(caller, fd, flags, name, (attempt, claimed));
        let process = &mut self.processes[caller.process];
        match &accepted {
            Err(Stop::Block(_)) => {
                let when = *self.profile.connection.accept_descriptor;
                attempt.claimed = match when {
                    AcceptDescriptor::WhenTaken => None,
                    _ => claimed.or_else(|| process.claim()),
                };
            }
            Err(_) => claimed.into_iter().for_each(|fd| process.renounce(fd)),
            Ok(_) => {}
        }
        accepted
    }

    fn accept_as(
        &mut self,
        caller: Caller,
        fd: Fd,
        flags: NewFlags,
        name: Out,
        (attempt, claimed): (&mut Attempt, Option<Fd>),
    ) -> Tried {
        let flags = match *self.profile.connection.accept_flags {
            true => flags,
            false => NewFlags::NONE,
        };
        let (file, listener) = self.check_accept(caller, fd, flags, claimed)?;
        let embryo = self.take_pending(file, listener, attempt)?;
        if *self.profile.connection.wishes_inherited == Inherited::WithAccept {
            let wishes = self.sockets[listener].options.clone();
            inherit_wishes(&wishes, &mut self.sockets[embryo].options);
        }
        let inherits = *self.profile.connection.accept_inherits;
        let inherited = inherits != Inherits::Passing && flags == NewFlags::NONE;
        let nonblocking = flags.nonblocking || inherited && self.files[file].nonblocking;
        let flags = NewFlags { nonblocking, ..flags };
        let accepted = match claimed {
            Some(claimed) => {
                self.open_socket_at(caller, embryo, flags, claimed);
                claimed
            }
            None => {
                let accepted = self.open_socket(caller, embryo, flags, LIMIT);
                accepted.inspect_err(|_| self.bury(embryo))?
            }
        };
        self.finish_connecting(embryo);
        match self.name_of_peer(embryo, name) {
            Ok(name) => Ok(Ret::Accepted { fd: accepted, name }),
            Err(stop) => {
                // The connection was taken: it is lost.
                self.close(caller, accepted)?;
                Err(stop)
            }
        }
    }

    /// The checks before anything is taken; gives the listener's file and the listener.
    fn check_accept(
        &self,
        caller: Caller,
        fd: Fd,
        flags: NewFlags,
        claimed: Option<Fd>,
    ) -> Tried<(FileId, SocketId)> {
        let limit = || match self.processes[caller.process].vacancies() {
            0 if claimed.is_none() => Err(fail(LIMIT)),
            _ => Ok(()),
        };
        let when = *self.profile.connection.accept_descriptor;
        let found = self.socket(caller, fd, descriptor!("accept"));
        if matches!(found, Err(Stop::Fail { id: "accept/bad-descriptor", .. })) {
            return found;
        }
        if flags.unknown {
            return Err(fail("accept/unknown-flag"));
        }
        if when == AcceptDescriptor::First {
            limit()?;
        }
        let (file, id) = found?;
        self.check_files(caller, 1)?;
        let socket = &self.sockets[id];
        if socket.kind == SocketType::Datagram {
            return Err(fail("accept/datagram"));
        }
        if !matches!(socket.state, State::Listening(_)) {
            return Err(fail("accept/not-listening"));
        }
        if when == AcceptDescriptor::BeforeWaiting {
            limit()?;
        }
        Ok((file, id))
    }

    /// Takes the connection that has waited longest, or waits for one.
    fn take_pending(
        &mut self,
        file: FileId,
        listener: SocketId,
        attempt: &mut Attempt,
    ) -> Tried<SocketId> {
        let socket = &mut self.sockets[listener];
        if let Some(error) = socket.error.take() {
            return Err(fail(error.id()));
        }
        let State::Listening(listening) = &mut socket.state else {
            return Err(fail("accept/not-listening"));
        };
        let Some(embryo) = listening.pending.pop_front() else {
            let may_wait = !self.files[file].nonblocking;
            let timeout = socket.options.receive_timeout;
            // Only who may wait, if not for long, is told of a shutdown.
            let could_wait = may_wait && timeout != Some(Duration::ZERO);
            if socket.no_more_reading && (could_wait || attempt.waited) {
                return Err(fail("accept/shut-down"));
            }
            let place = (listener, Line::Readable);
            return Err(self.wait_or_fail(attempt, may_wait, timeout, place, &WAITING));
        };
        self.wake(listener, Line::Room, Wake::One);
        let lost = self.sockets[embryo].peer().is_none_or(|client| self.sockets[client].dead);
        if lost && *self.profile.connection.accept_reports_lost_client {
            self.bury(embryo);
            return Err(fail("accept/aborted"));
        }
        Ok(embryo)
    }

    /// Tells a client that waits for its connection to be accepted that it was.
    fn finish_connecting(&mut self, embryo: SocketId) {
        let Some(client) = self.sockets[embryo].peer() else { return };
        if let State::Connecting(_) = self.sockets[client].state {
            self.sockets[client].state = State::Connected(embryo);
            self.wake_users(client);
        }
    }

    /// What `accept` gives back of the peer's name.
    fn name_of_peer(&self, embryo: SocketId, name: Out) -> Tried<Option<Address>> {
        match name {
            Out::Null => return Ok(None),
            Out::Unmapped => return Err(fail("accept/bad-pointer")),
            Out::NegativeLength => return Err(fail("name/bad-address-length")),
            Out::Room => {}
        }
        let client = self.sockets[embryo].peer();
        let bound = client.and_then(|client| self.sockets[client].name.as_ref());
        Ok(Some(bound.map_or(Address::Unnamed, |bound| bound.address.clone())))
    }
}
