//! `getsockname` and `getpeername`.

use crate::Address;
use crate::model::socket::SocketId;
use crate::model::stop::{Tried, fail};
use crate::model::world::{Caller, World, descriptor};
use crate::op::{Fd, Out, Ret};

impl World {
    pub(crate) fn getsockname(&mut self, caller: Caller, fd: Fd, name: Out) -> Tried {
        let (_, id) = self.socket(caller, fd, descriptor!("name"))?;
        check_out(name)?;
        Ok(Ret::Name(self.name_of(id)))
    }

    pub(crate) fn getpeername(&mut self, caller: Caller, fd: Fd, name: Out) -> Tried {
        let (_, id) = self.socket(caller, fd, descriptor!("name"))?;
        let peer = self.sockets[id].peer().ok_or(fail("name/no-peer"))?;
        if self.sockets[peer].dead && !*self.profile.names.peer_name_after_close {
            return Err(fail("name/no-peer"));
        }
        check_out(name)?;
        Ok(Ret::Name(self.name_of(peer)))
    }

    /// The name that a socket carries.
    pub(crate) fn name_of(&self, id: SocketId) -> Address {
        self.sockets[id].name.as_ref().map_or(Address::Unnamed, |bound| bound.address.clone())
    }
}

/// Whether there is room for the name that a call must give.
fn check_out(name: Out) -> Tried<()> {
    match name {
        Out::Room => Ok(()),
        Out::NegativeLength => Err(fail("name/bad-address-length")),
        Out::Null | Out::Unmapped => Err(fail("name/bad-pointer")),
    }
}
