//! `accept`.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::wait::Attempt;
use crate::model::world::{Caller, World};
use crate::op::{Fd, NewFlags, Out};

impl World {
    pub(crate) fn accept(
        &mut self,
        _caller: Caller,
        _fd: Fd,
        _flags: NewFlags,
        _name: Out,
        _attempt: &mut Attempt,
    ) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
