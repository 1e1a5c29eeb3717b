//! `connect`.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::wait::Attempt;
use crate::model::world::{Caller, World};
use crate::op::{Fd, Name};

impl World {
    pub(crate) fn connect(
        &mut self,
        _caller: Caller,
        _fd: Fd,
        _name: &Name,
        _attempt: &mut Attempt,
    ) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
