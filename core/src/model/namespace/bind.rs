//! `bind`: gives a socket a name.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::{Fd, Name};

impl World {
    pub(crate) fn bind(&mut self, _caller: Caller, _fd: Fd, _name: &Name) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
