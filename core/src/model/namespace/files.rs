//! Calls on files.

use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::FileOp;

impl World {
    pub(crate) fn file_call(&mut self, _caller: Caller, _op: &FileOp) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }
}
