//! `setsockopt`.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::{Fd, Level, Opt, Value};

impl World {
    pub(crate) fn setsockopt(
        &mut self,
        _caller: Caller,
        _fd: Fd,
        _level: Level,
        _option: Opt,
        _value: &Value,
    ) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
