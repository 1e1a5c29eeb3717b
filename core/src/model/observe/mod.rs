//! What an observer of the world could see: the facts that a diagnosis rests on.
//!
//! The observer has every privilege but no insight: it sees what the system's interfaces show (the
//! socket tables, the processes and their descriptors, files and their modes), and never why a
//! call failed. So a diagnosis from these facts can be held against the cause that the model knows.

mod arguments;
mod caller;
mod own;
mod path;
mod recover;
mod sockets;

pub(super) use own::inode;
pub use recover::Recovered;

use super::world::{Caller, TaskId, World};
use crate::fact::{Facts, Seen, System};
use crate::op::Op;

impl World {
    /// What could be seen of a call, of whoever makes it, and of what its address leads to, as the
    /// world is now: after the call, for a call that failed.
    ///
    /// # Panics
    /// If there is no such task.
    pub fn facts(&self, task: TaskId, op: &Op) -> Facts {
        let process = self.tasks[task.0 as usize].process;
        let caller = Caller { task, process, began_on: None };
        Facts {
            caller: self.caller_facts(caller),
            target: self.target_facts(caller, op),
            descriptor: self.descriptor_facts(caller, op),
            arguments: self.argument_facts(caller, op),
            system: self.system_facts(),
            taken_ms: Some(self.now.as_millis() as u64),
        }
    }

    fn system_facts(&self) -> System {
        let machine = &self.machine;
        System {
            somaxconn: Seen::Known(machine.backlog_max),
            max_dgram_qlen: Seen::Known(machine.datagram_queue),
            optmem_max: Seen::Known(machine.control_max.into()),
            wmem_max: Seen::Known(machine.send_buffer_max.into()),
            unix_sockets: Seen::Known(self.sockets.len() as u64),
            protected_symlinks: Seen::Known(self.environment.protected_symlinks),
            ..System::default()
        }
    }
}
