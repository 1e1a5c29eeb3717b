//! Calls that take names away.

use super::Caller;
use crate::Errno;
use crate::model::namespace::permission::Want;
use crate::model::namespace::tree::NodeId;
use crate::model::namespace::walk::{Last, Place};
use crate::model::stop::{Stop, Tried};
use crate::model::world::World;
use crate::op::Ret;
use alloc::vec::Vec;

impl World {
    pub(super) fn unlink(&mut self, caller: Caller, path: &[u8]) -> Tried {
        let place = self.place(caller, path)?;
        let Last::Name(name) = &place.last else { return Err(Stop::Errno(Errno::EISDIR)) };
        self.check_writable_mount(place.directory)?;
        let victim = self.victim(caller, &place, name)?.ok_or(Stop::Errno(Errno::ENOENT))?;
        if place.slash {
            let directory = self.namespace.is_directory(victim);
            return Err(Stop::Errno(if directory { Errno::EISDIR } else { Errno::ENOTDIR }));
        }
        self.may_remove(caller, place.directory, victim, false)?;
        self.check_not_mounted(caller, place.directory, victim)?;
        self.take_away(place.directory, name);
        Ok(Ret::Unit)
    }

    pub(super) fn rmdir(&mut self, caller: Caller, path: &[u8]) -> Tried {
        let place = self.place(caller, path)?;
        let name = match &place.last {
            Last::Name(name) => name,
            Last::DotDot => return Err(Stop::Errno(Errno::ENOTEMPTY)),
            Last::Dot => return Err(Stop::Errno(Errno::EINVAL)),
            Last::Root => return Err(Stop::Errno(Errno::EBUSY)),
        };
        self.check_writable_mount(place.directory)?;
        let victim = self.victim(caller, &place, name)?.ok_or(Stop::Errno(Errno::ENOENT))?;
        self.may_remove(caller, place.directory, victim, true)?;
        self.check_not_mounted(caller, place.directory, victim)?;
        self.check_empty(victim)?;
        self.take_away(place.directory, name);
        Ok(Ret::Unit)
    }

    pub(super) fn rename(&mut self, caller: Caller, from: &[u8], to: &[u8]) -> Tried {
        let (from, to) = (self.place(caller, from)?, self.place(caller, to)?);
        let mount = |place: &Place| self.namespace.node(place.directory).mount;
        if mount(&from) != mount(&to) {
            return Err(Stop::Errno(Errno::EXDEV));
        }
        let (Last::Name(old_name), Last::Name(new_name)) = (&from.last, &to.last) else {
            return Err(Stop::Errno(Errno::EBUSY));
        };
        self.check_writable_mount(from.directory)?;
        let old = self.victim(caller, &from, old_name)?.ok_or(Stop::Errno(Errno::ENOENT))?;
        let new = self.victim(caller, &to, new_name)?;
        if self.is_moved(caller, [&from, &to], old, new)? {
            let (old_name, new_name): (Vec<u8>, Vec<u8>) = (old_name.clone(), new_name.clone());
            // The new name is never missing in between.
            if new.is_some() {
                self.take_away(to.directory, &new_name);
            }
            self.namespace.leave(from.directory, &old_name);
            self.namespace.enter(to.directory, &new_name, old);
        }
        Ok(Ret::Unit)
    }

    /// Checks a move from one place to another; `false` if both are names of one file, and nothing
    /// is to be done.
    fn is_moved(
        &self,
        caller: Caller,
        [from, to]: [&Place; 2],
        old: NodeId,
        new: Option<NodeId>,
    ) -> Tried<bool> {
        let process = &self.processes[caller.process];
        let is_directory = self.namespace.is_directory(old);
        if !is_directory && (from.slash || to.slash) {
            return Err(Stop::Errno(Errno::ENOTDIR));
        }
        if self.is_above(old, to.directory) {
            return Err(Stop::Errno(Errno::EINVAL));
        }
        if new.is_some_and(|new| self.is_above(new, from.directory)) {
            return Err(Stop::Errno(Errno::ENOTEMPTY));
        }
        if new == Some(old) {
            return Ok(false);
        }
        self.may_remove(caller, from.directory, old, is_directory)?;
        match new {
            Some(new) => self.may_remove(caller, to.directory, new, is_directory)?,
            None if self.namespace.node(to.directory).links == 0 => {
                return Err(Stop::Errno(Errno::ENOENT));
            }
            None => self.check_entries(process, to.directory)?,
        }
        // Its entry for the directory above it changes.
        if is_directory && from.directory != to.directory && !self.may(process, old, Want::WRITE) {
            return Err(Stop::Errno(Errno::EACCES));
        }
        self.check_not_mounted(caller, from.directory, old)?;
        if let Some(new) = new {
            self.check_not_mounted(caller, to.directory, new)?;
            if is_directory {
                self.check_empty(new)?;
            }
        }
        Ok(true)
    }

    /// What a name in a place is given to, what was mounted over it not considered.
    fn victim(&self, caller: Caller, place: &Place, name: &[u8]) -> Tried<Option<NodeId>> {
        let process = &self.processes[caller.process];
        let found = self.find_entry(process, place.directory, name).map_err(super::broken)?;
        Ok(found.and(self.namespace.entry(place.directory, name)))
    }

    /// Whether the caller may take the name of a file away.
    fn may_remove(
        &self,
        caller: Caller,
        directory: NodeId,
        victim: NodeId,
        as_directory: bool,
    ) -> Tried<()> {
        const STICKY: u32 = 0o1000;
        let process = &self.processes[caller.process];
        let above = self.namespace.node(directory);
        let file = self.namespace.node(victim);
        self.check_entries(process, directory)?;
        let sticky = above.mode & STICKY != 0;
        let own = process.credentials.users[1] == above.uid || self.owns(process, file);
        if sticky && !own || file.immutable {
            return Err(Stop::Errno(Errno::EPERM));
        }
        match (as_directory, self.namespace.is_directory(victim)) {
            (true, false) => Err(Stop::Errno(Errno::ENOTDIR)),
            (false, true) => Err(Stop::Errno(Errno::EISDIR)),
            _ => Ok(()),
        }
    }

    /// Nothing may be mounted at a file whose name is taken away.
    fn check_not_mounted(&self, caller: Caller, directory: NodeId, id: NodeId) -> Tried<()> {
        let private = &self.processes[caller.process].restrictions.covered;
        let (file, above) = (self.namespace.node(id), self.namespace.node(directory));
        let covered = file.covered_by.is_some() || file.mount != above.mount;
        match covered || private.iter().any(|(below, _)| *below == id) {
            true => Err(Stop::Errno(Errno::EBUSY)),
            false => Ok(()),
        }
    }

    fn check_empty(&self, directory: NodeId) -> Tried<()> {
        match self.namespace.entries(directory) {
            Some(directory) if !directory.entries.is_empty() => Err(Stop::Errno(Errno::ENOTEMPTY)),
            _ => Ok(()),
        }
    }

    fn take_away(&mut self, directory: NodeId, name: &[u8]) {
        if let Some(id) = self.namespace.leave(directory, name) {
            self.forget_unused(id);
        }
    }
}
