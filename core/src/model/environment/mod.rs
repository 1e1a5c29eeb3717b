//! What is around the processes and is not of their making: limits of the whole system, memory of
//! the kernel, policies, the group database. [`Setting`]s change it.

mod mounts;
mod restrict;
mod server;

pub(crate) use restrict::{Restrictions, Scope};

use super::stop::{Tried, fail};
use super::world::World;
use crate::Errno;
use crate::op::Setting;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is around the processes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// How many allocations the kernel has memory for; `None`: enough.
    pub(crate) allocations: Option<u32>,
    /// `fs.protected_symlinks`
    pub(crate) protected_symlinks: bool,
    /// Users and groups of which the group database says that they belong together.
    pub(crate) members: Vec<(u32, u32)>,
    /// The scope in which each scope is.
    pub(crate) scopes: Vec<Option<Scope>>,
}

impl World {
    /// Changes what is around the processes.
    ///
    /// # Errors
    /// The errno that an administrator would see: `ESRCH` for a task that is not there, `EBADF`
    /// for a descriptor that is not a socket, `EOPNOTSUPP` where the system knows nothing of the
    /// kind, and those of the paths (`ENOENT`, `ENOTDIR`).
    pub fn set(&mut self, setting: &Setting) -> Result<(), Errno> {
        match setting {
            Setting::ProtectedSymlinks { on } if *self.profile.environment.protected_symlinks => {
                self.environment.protected_symlinks = *on;
            }
            Setting::ProtectedSymlinks { .. } => return Err(Errno::EOPNOTSUPP),
            Setting::Member { uid, gid } => self.environment.members.push((*uid, *gid)),
            Setting::Restrict { task, how } => self.restrict(*task, how)?,
            Setting::Stop { task, on } => {
                let process = self.process_of(*task)?;
                self.processes[process].stopped = *on;
            }
            Setting::Busy { task, fd, on } => {
                let socket = self.socket_of(*task, *fd)?;
                self.set_busy(socket, *on);
            }
            Setting::KernelMemory { allocations } => self.environment.allocations = *allocations,
            Setting::SystemLimit { files } => {
                let machine = Arc::make_mut(&mut self.machine);
                machine.files = *files;
                machine.sockets = files.saturating_mul(2);
            }
            Setting::Mount { at, how } => self.mount(at, how)?,
            Setting::Immutable { path, on } => self.set_immutable(path, *on)?,
            Setting::Internet(internet) => self.set_internet_up(*internet)?,
        }
        Ok(())
    }

    /// One allocation of the kernel; fails with this cause if no memory is left.
    #[inline]
    pub(crate) fn allocate(&mut self, out_of_memory: &'static str) -> Tried<()> {
        match &mut self.environment.allocations {
            None => Ok(()),
            Some(0) => Err(fail(out_of_memory)),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}
