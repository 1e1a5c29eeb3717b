//! `ioctl` and `lseek`.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::{Fd, Request};

impl World {
    pub(crate) fn ioctl(&mut self, _caller: Caller, _fd: Fd, _request: Request) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }

    pub(crate) fn lseek(&mut self, _caller: Caller, _fd: Fd) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
