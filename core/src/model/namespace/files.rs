//! Calls on files.

use super::tree::{Node, NodeId, NodeKind};
use crate::Errno;
use crate::model::stop::{Stop, Tried};
use crate::model::world::{Caller, World};
use crate::op::FileOp;

impl World {
    pub(crate) fn file_call(&mut self, _caller: Caller, _op: &FileOp) -> Tried {
        Err(Stop::Errno(Errno::ENOSYS))
    }

    /// A file that the caller makes in a directory.
    pub(super) fn new_node(
        &self,
        caller: Caller,
        directory: NodeId,
        kind: NodeKind,
        mode: u32,
    ) -> Node {
        const SET_GROUP: u32 = 0o2000;
        let process = &self.processes[caller.process];
        let above = self.namespace.node(directory);
        let inherits = *self.profile.names.group_of_directory || above.mode & SET_GROUP != 0;
        let is_directory = matches!(kind, NodeKind::Directory(_));
        let inherited = if is_directory { above.mode & SET_GROUP } else { 0 };
        let masked = if matches!(kind, NodeKind::Link(_)) { 0 } else { process.umask };
        Node {
            kind,
            mode: mode & !masked | inherited,
            uid: process.credentials.users[1],
            gid: if inherits { above.gid } else { process.credentials.groups[1] },
            immutable: false,
            mount: above.mount,
            links: 0,
            covered_by: None,
            over: None,
            covers: 0,
            image_of: None,
        }
    }

    /// Frees a file that has no name any more, unless something still uses it.
    pub(super) fn forget_unused(&mut self, id: NodeId) {
        let Some(node) = self.namespace.get(id) else { return };
        let used = match &node.kind {
            NodeKind::Socket(bound) => bound.is_some(),
            NodeKind::Directory(_) => self.stands_below(id),
            _ => false,
        };
        if node.links == 0 && node.covers == 0 && !used {
            self.namespace.forget(id);
        }
    }

    /// Whether a process works in a directory, or below it.
    fn stands_below(&self, directory: NodeId) -> bool {
        let above = |start: NodeId| {
            let mut at = start;
            loop {
                if at == directory {
                    return true;
                }
                match self.namespace.entries(at) {
                    Some(entries) if entries.parent != at => at = entries.parent,
                    _ => return false,
                }
            }
        };
        let alive = self.processes.iter().filter(|(_, process)| !process.gone);
        alive.into_iter().any(|(_, process)| above(process.directory) || above(process.root))
    }
}
