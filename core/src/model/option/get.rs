//! `getsockopt`.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::{Fd, Level, Opt};

impl World {
    pub(crate) fn getsockopt(
        &mut self,
        _caller: Caller,
        _fd: Fd,
        _level: Level,
        _option: Opt,
    ) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
