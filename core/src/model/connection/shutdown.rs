//! `shutdown`.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::Fd;

impl World {
    pub(crate) fn shutdown(&mut self, _caller: Caller, _fd: Fd, _how: i32) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
