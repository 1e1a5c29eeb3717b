//! `getsockname` and `getpeername`.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::{Fd, Out};

impl World {
    pub(crate) fn getsockname(&mut self, _caller: Caller, _fd: Fd, _name: Out) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }

    pub(crate) fn getpeername(&mut self, _caller: Caller, _fd: Fd, _name: Out) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
