//! `open`.

use super::denied;
use crate::Errno;
use crate::model::file::What;
use crate::model::namespace::permission::Want;
use crate::model::namespace::tree::NodeKind;
use crate::model::namespace::walk::Final;
use crate::model::stop::{Stop, Tried, fail};
use crate::model::world::{Caller, World};
use crate::op::{NewFlags, Ret};

/// The limit was looked at before.
const LIMIT: &str = "socket/descriptor-limit";

impl World {
    pub(super) fn open(&mut self, caller: Caller, path: &[u8]) -> Tried {
        super::argument(path)?;
        self.check_vacancy(caller)?;
        let node = self.arrive(caller, path, Final::Follow)?;
        if self.namespace.is_directory(node) {
            return Err(Stop::Errno(Errno::EISDIR));
        }
        let process = &self.processes[caller.process];
        self.check_write(process, node, Want::READ_AND_WRITE).map_err(denied)?;
        if let NodeKind::Socket(_) = self.namespace.node(node).kind {
            return Err(fail("socket/opened-as-file"));
        }
        let (_, fd) = self.open_file(caller, What::Device, NewFlags::NONE, LIMIT)?;
        Ok(Ret::Fd(fd))
    }

    pub(super) fn open_path(&mut self, caller: Caller, path: &[u8]) -> Tried {
        super::argument(path)?;
        self.check_vacancy(caller)?;
        let path = super::argument(path)?;
        self.find_file(caller.process, path, Final::Follow).map_err(super::broken)?;
        let (_, fd) = self.open_file(caller, What::Path, NewFlags::NONE, LIMIT)?;
        Ok(Ret::Fd(fd))
    }

    /// The descriptor is reserved before the path is walked.
    pub(super) fn check_vacancy(&self, caller: Caller) -> Tried<()> {
        match self.processes[caller.process].vacancies() {
            0 => Err(Stop::Errno(Errno::EMFILE)),
            _ => Ok(()),
        }
    }
}
