//! Who may do what to a file.

use super::tree::{Node, NodeId, NodeKind};
use super::walk::Found;
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
        let caps = process.caps_over(node);
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

    /// The cause of a denial by the mode: the general one, unless the world shows a better one.
    #[cold]
    pub(crate) fn denial(
        &self,
        process: &Process,
        id: NodeId,
        want: Want,
        general: &'static str,
    ) -> &'static str {
        if process.restrictions.user_namespace && !process.maps(self.namespace.node(id)) {
            "connect/user-namespace"
        } else if self.lacks_its_group(process, id, want) {
            "connect/group-not-in-credentials"
        } else {
            general
        }
    }

    /// Whether a security module keeps a process from a file in this directory.
    pub(crate) fn is_denied(&self, process: &Process, found: Found) -> bool {
        let denied = &process.restrictions.denied;
        if denied.is_empty() {
            return false;
        }
        let mut above = self.namespace.upwards(found.directory);
        denied.contains(&found.node) || above.any(|at| denied.contains(&at))
    }

    /// Whether the group database puts the user into a group that the process lacks, and that
    /// would be let through.
    fn lacks_its_group(&self, process: &Process, id: NodeId, want: Want) -> bool {
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
    /// Its capabilities, as far as they count for a file: in a user namespace they do for files
    /// whose owner and group exist there, which are its own.
    pub(super) fn caps_over(&self, node: &Node) -> Caps {
        match (self.restrictions.user_namespace, self.maps(node)) {
            (false, _) => self.credentials.caps,
            (true, true) => Caps::ALL,
            (true, false) => Caps::NONE,
        }
    }

    fn maps(&self, node: &Node) -> bool {
        (self.credentials.users[1], self.credentials.groups[1]) == (node.uid, node.gid)
    }

    /// Whether its effective or one of its supplementary groups is this one.
    pub(crate) fn in_group(&self, gid: u32) -> bool {
        self.credentials.groups[1] == gid || self.credentials.supplementary.contains(&gid)
    }
}
