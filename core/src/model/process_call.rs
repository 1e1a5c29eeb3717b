//! Calls on processes.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::ProcessOp;

impl World {
    pub(crate) fn process_call(&mut self, _caller: Caller, _op: &ProcessOp) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
