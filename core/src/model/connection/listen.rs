//! `listen`.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::Fd;

impl World {
    pub(crate) fn listen(&mut self, _caller: Caller, _fd: Fd, _backlog: i32) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
