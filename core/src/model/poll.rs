//! `poll`: what is the case of a socket.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::wait::Attempt;
use crate::model::world::{Caller, World};
use crate::op::{Events, Fd};
use core::time::Duration;

impl World {
    pub(crate) fn poll(
        &mut self,
        _caller: Caller,
        _fds: &[(Fd, Events)],
        _timeout: Option<Duration>,
        _attempt: &mut Attempt,
    ) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
