//! Looking at files without a call: for whoever drives a world, and knows more than its tasks.

use super::tree::{NodeId, NodeKind};
use super::walk::Final;
use crate::model::socket::State;
use crate::model::world::{TaskId, World};
use crate::op::Fd;
use crate::{Errno, SocketType};
use alloc::vec::Vec;

/// What `stat` tells of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStatus {
    /// Its number, which no other file ever has.
    pub number: u64,
    /// Its permissions, with the file type's bits.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// How many names it has.
    pub links: u32,
}

/// A socket that is bound to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundSocket {
    /// Its type.
    pub kind: SocketType,
    /// Whether it listens.
    pub listening: bool,
}

impl World {
    /// What a path leads to, as a task finds it; a symbolic link at its end is followed or not.
    ///
    /// # Errors
    /// As of `stat(2)`.
    pub fn look_at(&self, task: TaskId, path: &[u8], follow: bool) -> Result<FileStatus, Errno> {
        let id = self.look_up_node(task, path, follow)?;
        self.file_status(id).ok_or(Errno::ENOENT)
    }

    /// What a file is, by its number; `None` if it is gone.
    pub fn look_at_number(&self, number: u64) -> Option<FileStatus> {
        self.file_status(NodeId::of(number))
    }

    /// The names in a directory, in their order.
    ///
    /// # Errors
    /// As of `stat(2)`; `ENOTDIR`.
    pub fn list(&self, task: TaskId, path: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
        let id = self.look_up_node(task, path, true)?;
        let directory = self.namespace.entries(id).ok_or(Errno::ENOTDIR)?;
        Ok(directory.entries.keys().cloned().collect())
    }

    /// The socket that is bound to the file of this number.
    pub fn bound_to(&self, number: u64) -> Option<BoundSocket> {
        let NodeKind::Socket(bound) = self.namespace.get(NodeId::of(number))?.kind else {
            return None;
        };
        let socket = self.sockets.get(bound?)?;
        let listening = matches!(socket.state, State::Listening(_)) && !socket.no_more_reading;
        Some(BoundSocket { kind: socket.kind, listening })
    }

    /// The number of the file that a socket is bound to.
    pub fn bound_file(&self, task: TaskId, fd: Fd) -> Option<u64> {
        let caller = self.caller(task);
        let (_, id) = self.socket(caller, fd, ["", ""]).ok()?;
        Some(self.sockets[id].name.as_ref()?.file.as_ref()?.node.number())
    }

    /// The effective user of a task.
    pub fn effective_user(&self, task: TaskId) -> u32 {
        self.processes[self.caller(task).process].credentials.users[1]
    }

    fn look_up_node(&self, task: TaskId, path: &[u8], follow: bool) -> Result<NodeId, Errno> {
        let last = if follow { Final::Follow } else { Final::Keep };
        let found = self.find_file(self.caller(task).process, path, last);
        found.map(|found| found.node).map_err(|broken| broken.errno())
    }

    fn file_status(&self, id: NodeId) -> Option<FileStatus> {
        let node = self.namespace.get(id)?;
        let (mode, links) = (node.full_mode(), node.links);
        Some(FileStatus { number: id.number(), mode, uid: node.uid, gid: node.gid, links })
    }
}
