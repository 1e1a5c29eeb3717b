//! Who may do what to a file.

use super::tree::{NodeId, NodeKind};
use crate::model::process::{Caps, Process};
use crate::model::world::World;

/// What somebody wants to do, as bits of a class of the mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Want(u32);

impl Want {
    pub(crate) const SEARCH: Want = Want(1);
    pub(crate) const WRITE: Want = Want(2);
    pub(crate) const READ_AND_WRITE: Want = Want(6);
    /// Makes or removes a name in a directory.
    pub(crate) const CHANGE_ENTRIES: Want = Want(3);
}

/// Why somebody may not write to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    ReadOnly,
    Immutable,
    Mode,
}

impl World {
    /// Whether the mode of a file, or a capability, lets a process do this.
    pub(crate) fn may(&self, process: &Process, id: NodeId, want: Want) -> bool {
        let node = self.namespace.node(id);
        let class = match process.credentials {
            _ if process.credentials.users[1] == node.uid => node.mode >> 6,
            _ if process.in_group(node.gid) => node.mode >> 3,
            _ => node.mode,
        };
        let Want(want) = want;
        if class & want == want {
            return true;
        }
        let caps = process.credentials.caps;
        let overrides = caps.contains(Caps::DAC_OVERRIDE);
        match node.kind {
            NodeKind::Directory(_) => {
                overrides || want & 2 == 0 && caps.contains(Caps::DAC_READ_SEARCH)
            }
            _ => overrides && (want & 1 == 0 || node.mode & 0o111 != 0),
        }
    }

    /// Whether a process may write to a file, or change the entries of a directory.
    pub(crate) fn check_write(
        &self,
        process: &Process,
        id: NodeId,
        want: Want,
    ) -> Result<(), Denied> {
        let node = self.namespace.node(id);
        let special = matches!(node.kind, NodeKind::Socket(_) | NodeKind::Fifo | NodeKind::Device);
        if self.namespace.mount(id).read_only && !special {
            return Err(Denied::ReadOnly);
        }
        if node.immutable {
            return Err(Denied::Immutable);
        }
        if self.may(process, id, want) { Ok(()) } else { Err(Denied::Mode) }
    }

    /// Whether the group database puts the user into a group that the process lacks, and that
    /// would be let through.
    pub(crate) fn lacks_its_group(&self, process: &Process, id: NodeId, want: Want) -> bool {
        let node = self.namespace.node(id);
        let user = process.credentials.users[1];
        let Want(want) = want;
        user != node.uid
            && !process.in_group(node.gid)
            && node.mode >> 3 & want == want
            && self.environment.members.contains(&(user, node.gid))
    }
}

impl Process {
    /// Whether its effective or one of its supplementary groups is this one.
    pub(crate) fn in_group(&self, gid: u32) -> bool {
        self.credentials.groups[1] == gid || self.credentials.supplementary.contains(&gid)
    }
}
